package starknetgo_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"
	theirs "github.com/NethermindEth/starknet.go/contracts"
	"github.com/NethermindEth/starknet.go/rpc"
	"github.com/NethermindEth/starknet.go/utils"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

// signedTransfer returns a transfer of FRI by the first account, with these bounds and nonce.
func (w *world) signedTransfer(t *testing.T, amount, nonce uint64, bounds *rpc.ResourceBoundsMapping) *rpc.BroadcastInvokeTxnV3 {
	t.Helper()
	calldata, err := w.accounts[0].FmtCalldata(utils.InvokeFuncCallsToFunctionCalls(
		[]rpc.InvokeFunctionCall{transfer(chain.STRK(), w.keys[1].Address(), amount)}))
	require.NoError(t, err)
	tx := utils.BuildInvokeTxn(w.accounts[0].Address, new(felt.Felt).SetUint64(nonce), calldata, bounds, nil)
	require.NoError(t, w.accounts[0].SignInvokeTransaction(t.Context(), tx))
	return tx
}

// ample are bounds within which a transfer stays.
func ample() *rpc.ResourceBoundsMapping {
	price := rpc.U128("0x77359400")
	return &rpc.ResourceBoundsMapping{
		L1Gas:     rpc.ResourceBounds{MaxAmount: "0x0", MaxPricePerUnit: price},
		L2Gas:     rpc.ResourceBounds{MaxAmount: "0x200000", MaxPricePerUnit: price},
		L1DataGas: rpc.ResourceBounds{MaxAmount: "0x400", MaxPricePerUnit: price},
	}
}

// An estimate is what the transaction then costs.
func TestLedgerEstimateFee(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	tx := w.signedTransfer(t, 25, 0, ample())
	estimates, err := w.provider.EstimateFee(t.Context(), []rpc.BroadcastTxn{tx}, []rpc.SimulationFlag{}, rpc.WithBlockTag(rpc.BlockTagPreConfirmed))
	require.NoError(t, err)
	require.Len(t, estimates, 1)
	sent, err := w.accounts[0].SendTransaction(t.Context(), tx)
	require.NoError(t, err)
	receipt := w.receipt(t, w.accounts[0], sent.Hash)
	require.Equal(t, estimates[0].OverallFee, receipt.ActualFee.Amount)
	require.EqualValues(t, receipt.ActualFee.Unit, estimates[0].Unit)

	tx = w.signedTransfer(t, 25, 1, ample())
	tx.Signature = uints(1, 1)
	skip := []rpc.SimulationFlag{rpc.SkipValidate}
	_, err = w.provider.EstimateFee(t.Context(), []rpc.BroadcastTxn{tx}, skip, rpc.WithBlockTag(rpc.BlockTagLatest))
	require.NoError(t, err, "an estimate without a signature")
}

// What the ledger refuses, starknet.go knows by its code.
func TestLedgerRefuses(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	send := func(tx rpc.BroadcastTxn) error {
		_, err := w.accounts[0].SendTransaction(t.Context(), tx)
		return err
	}
	foreign := w.signedTransfer(t, 1, 0, ample())
	signature, err := w.accounts[1].Sign(t.Context(), foreign.Nonce)
	require.NoError(t, err)
	foreign.Signature = signature
	low := ample()
	low.L2Gas.MaxAmount = "0x10"

	requireCode(t, rpc.ErrInvalidTransactionNonce, send(w.signedTransfer(t, 1, 7, ample())))
	requireCode(t, rpc.ErrValidationFailure, send(foreign))
	requireCode(t, rpc.ErrInsufficientResourcesForValidate, send(w.signedTransfer(t, 1, 0, low)))
	dear := ample()
	dear.L2Gas.MaxPricePerUnit = "0xffffffffffffffffffffffffffffffff"
	requireCode(t, rpc.ErrInsufficientAccountBalance, send(w.signedTransfer(t, 1, 0, dear)))
	once := w.signedTransfer(t, 1, 0, ample())
	require.NoError(t, send(once))
	requireCode(t, rpc.ErrDuplicateTx, send(once))

	_, err = w.accounts[0].BuildAndSendInvokeTxn(t.Context(), []rpc.InvokeFunctionCall{
		{ContractAddress: starknetgo.ToJuno(chain.STRK()), FunctionName: "transfer", CallData: uints(5, 0, 1<<63)},
	}, nil)
	requireCode(t, rpc.ErrTxnExec, err)
	require.ErrorContains(t, err, "ERC20: insufficient balance")
	_, err = w.provider.Call(t.Context(), rpc.FunctionCall{ContractAddress: uints(404)[0], EntryPointSelector: uints(1)[0], Calldata: uints()},
		rpc.WithBlockTag(rpc.BlockTagLatest))
	requireCode(t, rpc.ErrContractNotFound, err)
	_, err = w.provider.Call(t.Context(), rpc.FunctionCall{ContractAddress: starknetgo.ToJuno(chain.STRK()), EntryPointSelector: uints(1)[0], Calldata: uints()},
		rpc.WithBlockTag(rpc.BlockTagLatest))
	requireCode(t, rpc.ErrEntrypointNotFound, err)
	_, err = w.provider.Call(t.Context(), rpc.FunctionCall{ContractAddress: starknetgo.ToJuno(chain.STRK()),
		EntryPointSelector: starknetgo.ToJuno(chain.Selector("transfer")), Calldata: uints(1, 2, 3)}, rpc.WithBlockTag(rpc.BlockTagLatest))
	requireCode(t, rpc.ErrContractError, err)
	_, err = w.provider.TransactionReceipt(t.Context(), uints(404)[0])
	requireCode(t, rpc.ErrHashNotFound, err)
	_, err = w.provider.BlockWithTxHashes(t.Context(), rpc.WithBlockNumber(404))
	requireCode(t, rpc.ErrBlockNotFound, err)
}

// starknet.go declares a class, once.
func TestLedgerDeclare(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	source, err := contracts.ByName("Faucet")
	require.NoError(t, err)
	compiled, err := new(felt.Felt).SetString(source.CompiledClassHash)
	require.NoError(t, err)
	var class theirs.ContractClass
	require.NoError(t, json.Unmarshal(source.Sierra, &class))
	declare := func(nonce uint64, class theirs.ContractClass, compiled *felt.Felt) (rpc.TransactionResponse, error) {
		bounds := ample()
		bounds.L2Gas.MaxAmount = "0x3b9aca00"
		tx := &rpc.BroadcastDeclareTxnV3{
			Type: rpc.TransactionTypeDeclare, SenderAddress: w.accounts[0].Address, CompiledClassHash: compiled,
			Version: rpc.TransactionV3, Nonce: uints(nonce)[0], ContractClass: &class, ResourceBounds: bounds, Tip: "0x0",
			PayMasterData: uints(), AccountDeploymentData: uints(), NonceDataMode: rpc.DAModeL1, FeeMode: rpc.DAModeL1,
		}
		require.NoError(t, w.accounts[0].SignDeclareTransaction(t.Context(), tx))
		return w.accounts[0].SendTransaction(t.Context(), tx)
	}
	_, err = declare(0, class, uints(1)[0])
	requireCode(t, rpc.ErrCompiledClassHashMismatch, err)
	foreign := class
	foreign.SierraProgram = foreign.SierraProgram[:len(foreign.SierraProgram)-1]
	_, err = declare(0, foreign, compiled)
	requireCode(t, rpc.ErrCompilationFailed, err)

	sent, err := declare(0, class, compiled)
	require.NoError(t, err)
	require.Equal(t, source.ClassHash, sent.ClassHash.String())
	w.receipt(t, w.accounts[0], sent.Hash)
	got, err := w.provider.Class(t.Context(), rpc.WithBlockTag(rpc.BlockTagLatest), sent.ClassHash)
	require.NoError(t, err)
	require.Equal(t, class.SierraProgram, got.(*theirs.ContractClass).SierraProgram)
	_, err = declare(1, class, compiled)
	requireCode(t, rpc.ErrClassAlreadyDeclared, err)
}

func requireCode(t *testing.T, want *rpc.RPCError, err error) {
	t.Helper()
	var got *rpc.RPCError
	require.ErrorAs(t, err, &got)
	require.Equal(t, want.Code, got.Code, "%v", err)
}

// A transaction that reverts pays, and says why.
func TestLedgerReverts(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	tx := w.signedTransfer(t, 1, 0, ample())
	tx.Calldata[len(tx.Calldata)-1] = new(felt.Felt).SetUint64(1 << 63) // the high half of the amount
	require.NoError(t, w.accounts[0].SignInvokeTransaction(t.Context(), tx))
	sent, err := w.accounts[0].SendTransaction(t.Context(), tx)
	require.NoError(t, err)
	receipt := w.receipt(t, w.accounts[0], sent.Hash)
	require.Equal(t, rpc.TxnExecutionStatusREVERTED, receipt.ExecutionStatus)
	require.Contains(t, receipt.RevertReason, "ERC20: insufficient balance")
	require.False(t, receipt.ActualFee.Amount.IsZero())
	status, err := w.provider.TransactionStatus(t.Context(), sent.Hash)
	require.NoError(t, err)
	require.Equal(t, receipt.RevertReason, status.FailureReason)
}

// Blocks can be read in all their forms, before and after they are made.
func TestLedgerBlocks(t *testing.T) {
	w := newWorld(t, ledger.Options{OnDemand: true})
	first := w.invoke(t, w.accounts[0], transfer(chain.STRK(), w.keys[1].Address(), 1))
	require.Equal(t, rpc.TxnFinalityStatusPreConfirmed, first.FinalityStatus)
	w.invoke(t, w.accounts[0], transfer(chain.STRK(), w.keys[1].Address(), 2)) // by the nonce of the block that is being built
	building := rpc.WithBlockTag(rpc.BlockTagPreConfirmed)
	b, err := w.provider.BlockWithTxHashes(t.Context(), building)
	require.NoError(t, err)
	require.Len(t, b.(*rpc.PreConfirmedBlockTxHashes).Transactions, 2)
	b, err = w.provider.BlockWithTxs(t.Context(), building)
	require.NoError(t, err)
	require.Len(t, b.(*rpc.PreConfirmedBlock).Transactions, 2)
	b, err = w.provider.BlockWithReceipts(t.Context(), building)
	require.NoError(t, err)
	require.Len(t, b.(*rpc.PreConfirmedBlockWithReceipts).Transactions, 2)

	made, err := w.ledger.CreateBlock()
	require.NoError(t, err)
	receipt := w.receipt(t, w.accounts[0], first.Hash)
	require.Equal(t, rpc.TxnFinalityStatusAcceptedOnL2, receipt.FinalityStatus)
	require.Equal(t, made.Hash, starknetgo.FromJuno(receipt.BlockHash))
	head, err := w.provider.BlockHashAndNumber(t.Context())
	require.NoError(t, err)
	require.Equal(t, made.Number, head.Number)
	for _, id := range []rpc.BlockID{rpc.WithBlockNumber(made.Number), rpc.WithBlockHash(head.Hash), rpc.WithBlockTag(rpc.BlockTagLatest)} {
		b, err := w.provider.BlockWithReceipts(t.Context(), id)
		require.NoError(t, err)
		list := b.(*rpc.BlockWithReceipts).Transactions
		require.Len(t, list, 2)
		require.Equal(t, first.Hash, list[0].Receipt.Hash)
		update, err := w.provider.StateUpdate(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, head.Hash, update.BlockHash)
		require.Len(t, update.StateDiff.Nonces, 1)
	}
	tip, err := rpc.EstimateTip(t.Context(), w.provider, 1)
	require.NoError(t, err)
	require.EqualValues(t, "0x0", tip)
}

// The universal deployer is where starknet.go calls it, and gives unique addresses too.
func TestLedgerUniversalDeployer(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	class := starknetgo.ToJuno(wallet.ClassOpenZeppelin.Hash())
	args := starknetgo.ToJunos([]chain.Felt{w.keys[1].PublicKey()})
	for name, origin := range map[string]*felt.Felt{"for all": nil, "for the account": w.accounts[0].Address} {
		t.Run(name, func(t *testing.T) {
			sent, salt, err := w.accounts[0].DeployContractWithUDC(t.Context(), class, args, nil, &account.UDCOptions{OriginIndependent: origin == nil})
			require.NoError(t, err)
			require.Equal(t, rpc.TxnExecutionStatusSUCCEEDED, w.receipt(t, w.accounts[0], sent.Hash).ExecutionStatus)
			at := utils.PrecomputeAddressForUDC(class, salt, args, utils.UDCCairoV0, origin)
			got, err := w.provider.ClassHashAt(t.Context(), rpc.WithBlockTag(rpc.BlockTagLatest), at)
			require.NoError(t, err)
			require.Equal(t, class, got)
		})
	}
}

// A key of starknet.go's keystore owns an account of package chain.
func TestLedgerKeystoreSigner(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	ks, id := memKeystore(t, w.keys[0].Key())
	a := chain.NewAccount(w.ledger.Client(), w.keys[0].Address(), starknetgo.KeystoreSigner(ks, id, w.keys[0].PublicKey()), chain.FeePolicy{})
	data := []chain.Felt{w.keys[1].Address(), chain.Uint(5), {}}
	hash, err := a.Execute(t.Context(), chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: data})
	require.NoError(t, err)
	_, err = a.Wait(t.Context(), hash)
	require.NoError(t, err)
}

// Dial takes the versions of the RPC that are served today, and no others.
func TestDial(t *testing.T) {
	for version, ok := range map[string]bool{"0.9.0": true, "0.9.1": true, "0.10.2": true, "0.8.1": false, "0.100.0": false, "1.0.0": false} {
		t.Run(version, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":"` + version + `"}`))
			}))
			defer s.Close()
			p, err := starknetgo.Dial(t.Context(), s.URL)
			if ok {
				require.NoError(t, err)
				require.NotNil(t, p)
				return
			}
			require.ErrorIs(t, err, rpc.ErrIncompatibleVersion)
		})
	}
	_, err := starknetgo.Dial(t.Context(), "http://127.0.0.1:1")
	require.Error(t, err)
}
