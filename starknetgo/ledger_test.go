package starknetgo_test

import (
	"math/big"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"
	"github.com/NethermindEth/starknet.go/rpc"
	"github.com/NethermindEth/starknet.go/utils"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

const poll = time.Millisecond

// world is a ledger that is served over HTTP, starknet.go's Provider of it, and starknet.go's
// accounts of two keys that own STRK.
type world struct {
	ledger   *ledger.Ledger
	url      string
	provider *rpc.Provider
	keys     []*wallet.Account
	accounts []*account.Account
}

func newWorld(t *testing.T, o ledger.Options) *world {
	t.Helper()
	keys, err := ledger.SeedAccounts(t.Name(), 2)
	require.NoError(t, err)
	o.Accounts = keys
	l, err := ledger.Open(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	s := httptest.NewServer(l.Handler())
	t.Cleanup(s.Close)
	w := &world{ledger: l, url: s.URL, keys: keys}
	w.provider, err = starknetgo.Dial(t.Context(), s.URL)
	require.NoError(t, err)
	for _, k := range keys {
		w.accounts = append(w.accounts, w.account(t, k))
	}
	return w
}

func (w *world) account(t *testing.T, key *wallet.Account) *account.Account {
	t.Helper()
	a, err := starknetgo.NewAccount(t.Context(), w.provider, key.Address(), key)
	require.NoError(t, err)
	return a
}

func (w *world) receipt(t *testing.T, a *account.Account, hash *felt.Felt) *rpc.TransactionReceiptWithBlockInfo {
	t.Helper()
	r, err := a.WaitForTransactionReceipt(t.Context(), hash, poll)
	require.NoError(t, err)
	return r
}

// invoke sends calls from an account and returns their receipt.
func (w *world) invoke(t *testing.T, a *account.Account, calls ...rpc.InvokeFunctionCall) *rpc.TransactionReceiptWithBlockInfo {
	t.Helper()
	sent, err := a.BuildAndSendInvokeTxn(t.Context(), calls, nil)
	require.NoError(t, err)
	return w.receipt(t, a, sent.Hash)
}

// balance returns what an account has of a token.
func (w *world) balance(t *testing.T, token, of chain.Felt) *big.Int {
	t.Helper()
	out, err := w.provider.Call(t.Context(), rpc.FunctionCall{
		ContractAddress: starknetgo.ToJuno(token), EntryPointSelector: starknetgo.ToJuno(chain.Selector("balance_of")),
		Calldata: starknetgo.ToJunos([]chain.Felt{of}),
	}, rpc.WithBlockTag(rpc.BlockTagLatest))
	require.NoError(t, err)
	require.Len(t, out, 2)
	return new(big.Int).Add(new(big.Int).Lsh(out[1].BigInt(new(big.Int)), 128), out[0].BigInt(new(big.Int)))
}

func transfer(token, to chain.Felt, amount uint64) rpc.InvokeFunctionCall {
	return rpc.InvokeFunctionCall{ContractAddress: starknetgo.ToJuno(token), FunctionName: "transfer",
		CallData: starknetgo.ToJunos([]chain.Felt{to, chain.Uint(amount), {}})}
}

func uints(list ...uint64) []*felt.Felt {
	out := make([]*felt.Felt, len(list))
	for i, n := range list {
		out[i] = new(felt.Felt).SetUint64(n)
	}
	return out
}

// Its Account transfers, by our key, and its Provider reads what happened.
func TestLedgerTransfer(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	from, to := w.keys[0].Address(), w.keys[1].Address()
	before := w.balance(t, chain.STRK(), to)
	receipt := w.invoke(t, w.accounts[0], transfer(chain.STRK(), to, 25), transfer(chain.STRK(), to, 17))
	require.Equal(t, rpc.TxnExecutionStatusSUCCEEDED, receipt.ExecutionStatus)
	require.Equal(t, rpc.TxnFinalityStatusAcceptedOnL2, receipt.FinalityStatus)
	require.EqualValues(t, 1, receipt.BlockNumber)
	require.Equal(t, big.NewInt(42), new(big.Int).Sub(w.balance(t, chain.STRK(), to), before))

	status, err := w.provider.TransactionStatus(t.Context(), receipt.Hash)
	require.NoError(t, err)
	require.Equal(t, rpc.TxnStatusAcceptedOnL2, status.FinalityStatus)
	byHash, err := w.provider.TransactionByHash(t.Context(), receipt.Hash)
	require.NoError(t, err)
	byIndex, err := w.provider.TransactionByBlockIDAndIndex(t.Context(), rpc.WithBlockNumber(1), 0)
	require.NoError(t, err)
	require.Equal(t, byHash, byIndex)
	invoke, ok := byHash.Transaction.(rpc.InvokeTxnV3)
	require.True(t, ok, "%T", byHash.Transaction)
	require.Equal(t, from, starknetgo.FromJuno(invoke.SenderAddress))

	hash, err := w.accounts[0].TransactionHashInvoke(&invoke)
	require.NoError(t, err)
	require.Equal(t, receipt.Hash, hash, "the hash that starknet.go computes of what the ledger returns")
	valid, err := w.accounts[0].Verify(hash, invoke.Signature)
	require.NoError(t, err)
	require.True(t, valid)
}

// Its Account deploys itself, by our key, out of what another one sent it.
func TestLedgerDeployAccount(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	for n, class := range []wallet.Class{wallet.ClassOpenZeppelin, wallet.ClassOpenZeppelin17, wallet.ClassArgent, wallet.ClassArgent031} {
		t.Run(class.String(), func(t *testing.T) {
			fresh, err := wallet.NewAccount(newKey(t, int64(100+n)), class)
			require.NoError(t, err)
			w.invoke(t, w.accounts[0], transfer(chain.STRK(), fresh.Address(), 1e18))
			a := w.account(t, fresh)
			tx, address, err := a.BuildAndEstimateDeployAccountTxn(t.Context(), starknetgo.ToJuno(fresh.PublicKey()),
				starknetgo.ToJuno(class.Hash()), starknetgo.ToJunos(class.Calldata(fresh.PublicKey())), nil)
			require.NoError(t, err)
			require.Equal(t, fresh.Address(), starknetgo.FromJuno(address))
			sent, err := a.SendTransaction(t.Context(), tx)
			require.NoError(t, err)
			require.Equal(t, address, sent.ContractAddress)
			receipt := w.receipt(t, a, sent.Hash)
			require.Equal(t, rpc.TxnExecutionStatusSUCCEEDED, receipt.ExecutionStatus)
			require.Equal(t, address, receipt.ContractAddress)

			got, err := w.provider.ClassHashAt(t.Context(), rpc.WithBlockTag(rpc.BlockTagLatest), address)
			require.NoError(t, err)
			require.Equal(t, class.Hash(), starknetgo.FromJuno(got))
			require.Equal(t, rpc.TxnExecutionStatusSUCCEEDED, w.invoke(t, a, transfer(chain.STRK(), w.keys[0].Address(), 1)).ExecutionStatus)
			nonce, err := a.Nonce(t.Context())
			require.NoError(t, err)
			require.EqualValues(t, 2, nonce.Uint64())
		})
	}
}

// SAGE, declared by package chain and deployed by starknet.go through the universal deployer,
// moves between starknet.go's accounts.
func TestLedgerSAGE(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	owner, to := w.keys[0].Address(), w.keys[1].Address()
	token, err := contracts.ByName("SageToken")
	require.NoError(t, err)
	class := declare(t, w, token)

	args := append(starknetgo.ToJunos([]chain.Felt{owner}), uints(1000, 0)...)
	options := &account.UDCOptions{Salt: new(felt.Felt).SetUint64(9), OriginIndependent: true}
	sent, salt, err := w.accounts[0].DeployContractWithUDC(t.Context(), starknetgo.ToJuno(class), args, nil, options)
	require.NoError(t, err)
	receipt := w.receipt(t, w.accounts[0], sent.Hash)
	require.Equal(t, rpc.TxnExecutionStatusSUCCEEDED, receipt.ExecutionStatus, receipt.RevertReason)
	sage := starknetgo.FromJuno(utils.PrecomputeAddressForUDC(starknetgo.ToJuno(class), salt, args, utils.UDCCairoV0, nil))
	require.Equal(t, big.NewInt(1000), w.balance(t, sage, owner))

	for n := range uint64(3) {
		w.invoke(t, w.accounts[0], transfer(sage, to, 10+n))
	}
	require.Equal(t, big.NewInt(33), w.balance(t, sage, to))
	requireTransfers(t, w, sage, to, 10, 11, 12)
}

// requireTransfers reads the events of transfers to an account, two a page.
func requireTransfers(t *testing.T, w *world, token, to chain.Felt, want ...uint64) {
	t.Helper()
	input := rpc.EventsInput{
		EventFilter: rpc.EventFilter{FromBlock: rpc.WithBlockNumber(0), ToBlock: rpc.WithBlockTag(rpc.BlockTagLatest),
			Address: starknetgo.ToJuno(token),
			Keys:    [][]*felt.Felt{{starknetgo.ToJuno(chain.Selector("Transfer"))}, {}, {starknetgo.ToJuno(to)}}},
		ResultPageRequest: rpc.ResultPageRequest{ChunkSize: 2},
	}
	var got []uint64
	for {
		page, err := w.provider.Events(t.Context(), input)
		require.NoError(t, err)
		for _, e := range page.Events {
			require.Equal(t, token, starknetgo.FromJuno(e.FromAddress))
			require.NotNil(t, e.BlockHash)
			got = append(got, e.Data[0].Uint64())
		}
		if input.ContinuationToken = page.ContinuationToken; input.ContinuationToken == "" {
			break
		}
	}
	require.Equal(t, want, got)
}

// declare declares a class by package chain, signed by the first key through starknet.go's
// account of it.
func declare(t *testing.T, w *world, c *contracts.Class) chain.Felt {
	t.Helper()
	signer := starknetgo.AccountSigner(w.accounts[0], w.keys[0].PublicKey())
	client, err := chain.Dial(t.Context(), w.url, chain.Options{Poll: poll})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	a := chain.NewAccount(client, starknetgo.FromJuno(w.accounts[0].Address), signer, chain.FeePolicy{})
	class, err := chain.ParseClass(c.Sierra)
	require.NoError(t, err)
	compiled, err := chain.ParseFelt(c.CompiledClassHash)
	require.NoError(t, err)
	declared, err := a.Declare(t.Context(), class, compiled)
	require.NoError(t, err)
	_, err = a.Wait(t.Context(), declared.Tx)
	require.NoError(t, err)
	return declared.Class
}
