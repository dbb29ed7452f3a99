//go:build devnet

package chain

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/wallet"
)

// These tests speak with a real starknet-devnet:
//
//	go test -tags devnet -timeout 90m -run Devnet ./chain
type testnet struct {
	*Client
	*devnet.Devnet
	accounts []devnet.Account
}

// startDevnet runs a devnet until the test ends.
func startDevnet(t *testing.T, args ...string) *testnet {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Seed: 7, Accounts: 6, Args: append(args, "--state-archive-capacity", "full")})
	c, err := Dial(t.Context(), d.URL(), Options{ChainID: "SN_SEPOLIA", Poll: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	accounts, err := d.Accounts(t.Context())
	if err != nil || len(accounts) != 6 {
		t.Fatal(accounts, err)
	}
	return &testnet{c, d, accounts}
}

func (d *testnet) account(i int) *Account {
	return NewAccount(d.Client, d.accounts[i].Address, d.accounts[i].Key, FeePolicy{})
}

func transfer(t *testing.T, to Felt, amount *big.Int) Call {
	t.Helper()
	u, err := calldata.U256FromBig(amount)
	require.NoError(t, err)
	return Call{STRK(), Selector("transfer"), new(calldata.Encoder).Felt(to).U256(u).Felts()}
}

// done executes calls and waits for them.
func done(t *testing.T, a *Account, calls ...Call) *Receipt {
	t.Helper()
	hash, err := a.Execute(t.Context(), calls...)
	require.NoError(t, err)
	r, err := a.Wait(t.Context(), hash)
	require.NoError(t, err)
	return r
}

func (d *testnet) balance(t *testing.T, owner Felt) *big.Int {
	t.Helper()
	b, err := d.Balance(t.Context(), STRK(), owner, AtLatest())
	require.NoError(t, err)
	return b
}

func (d *testnet) nonce(t *testing.T, account Felt) uint64 {
	t.Helper()
	n, err := d.Nonce(t.Context(), account, AtPreConfirmed())
	require.NoError(t, err)
	return n
}

func TestDevnet(t *testing.T) {
	d := startDevnet(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *testnet)
	}{
		{"transfer", devnetTransfer}, {"reads", devnetReads}, {"deploy an account", devnetDeployAccount}, {"declare and deploy", devnetDeclare},
		{"concurrent senders", devnetConcurrent}, {"two programs", devnetTwoPrograms}, {"reverts", devnetReverts}, {"errors", devnetErrors},
		{"batch", devnetBatch}, {"events and reorganisation", devnetEvents},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, d) }) {
			return
		}
	}
}

func devnetTransfer(t *testing.T, d *testnet) {
	a, to := d.account(0), Uint(0xcafe)
	before := d.balance(t, a.Address())
	e, err := a.Estimate(t.Context(), transfer(t, to, pow2(60)))
	if err != nil || e.Unit != "FRI" || e.Fee.Sign() <= 0 {
		t.Fatalf("%+v %v", e, err)
	}
	r := done(t, a, transfer(t, to, pow2(60)))
	if d.balance(t, to).Cmp(pow2(60)) != 0 {
		t.Errorf("the balance is %v", d.balance(t, to))
	}
	spent := new(big.Int).Add(pow2(60), r.Fee)
	if want := new(big.Int).Sub(before, spent); d.balance(t, a.Address()).Cmp(want) != 0 {
		t.Errorf("the sender has %v, want %v", d.balance(t, a.Address()), want)
	}
	if r.L2Gas == 0 || r.L2Gas > e.L2Gas.Amount*13/10 || r.Fee.Cmp(new(big.Int).Mul(e.Fee, big.NewInt(2))) > 0 || r.Type != "INVOKE" || r.Unit != "FRI" {
		t.Errorf("receipt %+v, estimate %+v", r, e)
	}
	if !slices.ContainsFunc(r.Events, func(e Event) bool { return e.From == STRK() && e.Keys[0] == Selector("Transfer") }) {
		t.Error("the receipt has no Transfer")
	}
	s, err := d.TransactionStatus(t.Context(), r.Hash)
	if err != nil || s.Finality != AcceptedOnL2 || s.Reverted {
		t.Error(s, err)
	}
	t.Logf("transfer: %d L2 gas, fee %v FRI, estimate %v FRI", r.L2Gas, r.Fee, e.Fee)
}

func devnetReads(t *testing.T, d *testnet) {
	ctx := t.Context()
	head, err := d.Head(ctx)
	if err != nil || head.Number == 0 {
		t.Fatal(head, err)
	}
	n, err := d.BlockNumber(ctx)
	if err != nil || n != head.Number {
		t.Error(n, err)
	}
	b, err := d.Block(ctx, AtHash(head.Hash))
	if err != nil || b.BlockRef != head || len(b.Transactions) != 1 || b.Finality != AcceptedOnL2 || time.Since(b.Time).Abs() > time.Hour {
		t.Errorf("%+v %v", b, err)
	}
	parent, err := d.Block(ctx, AtNumber(head.Number-1))
	if err != nil || parent.Hash != b.Parent {
		t.Error(parent, err)
	}
	if b, err := d.Block(ctx, AtPreConfirmed()); err != nil {
		t.Error(b, err)
	}
	for _, class := range []Felt{wallet.ClassOpenZeppelin.Hash(), classAt(t, d, STRK()), classAt(t, d, Deployer())} {
		if _, err := d.Class(ctx, class, AtLatest()); err != nil { // hashes it
			t.Errorf("class %s: %v", class, err)
		}
	}
	out, err := d.Call(ctx, Call{To: STRK(), Selector: Selector("decimals")}, AtLatest())
	if err != nil || !sameFelts(out, []Felt{Uint(18)}) {
		t.Error(out, err)
	}
	key, err := d.StorageAt(ctx, d.accounts[0].Address, Selector("Account_public_key"), AtLatest())
	if err != nil || key != d.accounts[0].Key.PublicKey() {
		t.Error(key, err)
	}
}

func classAt(t *testing.T, d *testnet, contract Felt) Felt {
	t.Helper()
	class, err := d.ClassHashAt(t.Context(), contract, AtLatest())
	require.NoError(t, err)
	return class
}

func devnetDeployAccount(t *testing.T, d *testnet) {
	keys, _, err := wallet.CreateAccount(wallet.ClassOpenZeppelin)
	require.NoError(t, err)
	dep, err := AccountDeployment(keys)
	require.NoError(t, err)
	a := NewAccount(d.Client, keys.Address(), keys, FeePolicy{})
	if _, err := a.Execute(t.Context(), aCall); !errors.Is(err, ErrContractNotFound) {
		t.Errorf("an account that is not there: %v", err)
	}
	done(t, d.account(1), transfer(t, keys.Address(), new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)))
	hash, err := a.DeployAccount(t.Context(), dep)
	require.NoError(t, err)
	r, err := a.Wait(t.Context(), hash)
	if err != nil || r.Contract != keys.Address() || r.Type != "DEPLOY_ACCOUNT" {
		t.Fatalf("%+v %v", r, err)
	}
	if classAt(t, d, keys.Address()) != wallet.ClassOpenZeppelin.Hash() {
		t.Error("another class")
	}
	to := Uint(0xbeef)
	done(t, a, transfer(t, to, big.NewInt(1)), transfer(t, to, big.NewInt(2)))
	if got := d.balance(t, to); got.Int64() != 3 {
		t.Errorf("the multicall transferred %v", got)
	}
}

// devnetDeclare declares OpenZeppelin's account under another ABI, and so another
// class hash, and deploys it.
func devnetDeclare(t *testing.T, d *testnet) {
	class, err := d.Class(t.Context(), wallet.ClassOpenZeppelin.Hash(), AtLatest())
	require.NoError(t, err)
	class.ABI = strings.Replace(class.ABI, "UpgradeableImpl", "UpgradableImpl", 1)
	var casm json.RawMessage
	require.NoError(t, d.Do(t.Context(), "starknet_getCompiledCasm", map[string]any{"class_hash": rpcFelt(wallet.ClassOpenZeppelin.Hash())}, &casm))
	compiled, err := CompiledClassHash(casm)
	require.NoError(t, err)
	a := d.account(2)
	if _, err := a.WithFees(FeePolicy{Fixed: generous()}).Declare(t.Context(), class, Uint(1)); !errors.Is(err, ErrCompiledClassHash) {
		t.Errorf("a wrong compiled class hash: %v", err)
	}
	out, err := a.Declare(t.Context(), class, compiled)
	require.NoError(t, err)
	r, err := a.Wait(t.Context(), out.Tx)
	if err != nil || out.Class != class.Hash() {
		t.Fatal(r, err)
	}
	if again, err := a.Declare(t.Context(), class, compiled); err != nil || !again.Tx.IsZero() || again.Class != out.Class {
		t.Error(again, err)
	}
	dep := Deployment{Class: out.Class, Salt: Uint(4), Calldata: []Felt{d.accounts[2].Key.PublicKey()}}
	contract, err := a.Deploy(t.Context(), dep)
	require.NoError(t, err)
	if _, err := a.Wait(t.Context(), contract.Tx); err != nil {
		t.Fatal(err)
	}
	if classAt(t, d, contract.Address) != out.Class {
		t.Error("another class at the address")
	}
	if again, err := d.account(3).Deploy(t.Context(), dep); err != nil || !again.Tx.IsZero() || again.Address != contract.Address {
		t.Error(again, err)
	}
	file := filepath.Join(t.TempDir(), "addresses.json")
	require.NoError(t, (&Addresses{"SN_SEPOLIA", map[string]Contract{"Account": {contract.Address, out.Class}}}).Save(file))
	addresses, err := LoadAddresses(file)
	require.NoError(t, err)
	assert.NoError(t, addresses.Verify(t.Context(), d.Client))
	t.Logf("declare: %d L2 gas, fee %v FRI", r.L2Gas, r.Fee)
}

func devnetConcurrent(t *testing.T, d *testnet) {
	const senders, each = 5, 10
	a, to := d.account(0), Uint(0xd0d0)
	first := d.nonce(t, a.Address())
	hashes := make([][]Felt, senders)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range senders {
		wg.Go(func() {
			for range each {
				h, err := a.Execute(t.Context(), transfer(t, to, big.NewInt(1)))
				if err != nil {
					t.Error(err)
					return
				}
				hashes[i] = append(hashes[i], h)
			}
		})
	}
	wg.Wait()
	t.Logf("%d transactions from %d goroutines in %v", senders*each, senders, time.Since(start).Round(time.Millisecond))
	nonces := map[uint64]bool{}
	for _, h := range slices.Concat(hashes...) {
		if _, err := a.Wait(t.Context(), h); err != nil {
			t.Error(err)
		}
		var tx InvokeTx
		require.NoError(t, d.Do(t.Context(), "starknet_getTransactionByHash", map[string]any{"transaction_hash": rpcFelt(h)}, &tx))
		if got, err := tx.Hash(sepolia); err != nil || got != h {
			t.Errorf("hash %s of what the node has as %s: %v", got, h, err)
		}
		nonces[tx.Nonce] = true
	}
	for n := first; n < first+senders*each; n++ {
		if !nonces[n] {
			t.Errorf("no transaction has nonce %d", n)
		}
	}
	if d.nonce(t, a.Address()) != first+senders*each || d.balance(t, to).Int64() != senders*each {
		t.Errorf("nonce %d, balance %v", d.nonce(t, a.Address()), d.balance(t, to))
	}
}

// devnetTwoPrograms sends from one address through two Accounts that do not know of
// each other.
func devnetTwoPrograms(t *testing.T, d *testnet) {
	to := Uint(0x2222)
	first := d.nonce(t, d.accounts[3].Address)
	for i, a := range slices.Repeat([]*Account{d.account(3), d.account(3)}, 4) {
		if r := done(t, a, transfer(t, to, big.NewInt(1))); r.Reverted {
			t.Errorf("%d: %+v", i, r)
		}
	}
	if got := d.nonce(t, d.accounts[3].Address); got != first+8 || d.balance(t, to).Int64() != 8 {
		t.Errorf("nonce %d after %d", got, first)
	}
}

// generous are bounds that suffice for everything here, at twice devnet's prices.
func generous() *Bounds {
	price := big.NewInt(2_000_000_000)
	return &Bounds{L1Gas: Resource{1 << 16, price}, L2Gas: Resource{1_000_000_000, price}, L1DataGas: Resource{1 << 16, price}}
}

func devnetReverts(t *testing.T, d *testnet) {
	a := d.account(4)
	tooMuch := transfer(t, Uint(1), pow2(200))
	var rpc *RPCError
	if _, err := a.Execute(t.Context(), tooMuch); !errors.Is(err, ErrExecution) || !errors.As(err, &rpc) || len(rpc.Data) == 0 {
		t.Errorf("the estimate: %v", err)
	}
	hash, err := a.WithFees(FeePolicy{Fixed: generous()}).Execute(t.Context(), tooMuch)
	require.NoError(t, err)
	r, err := a.Wait(t.Context(), hash)
	var revert *RevertError
	if !errors.As(err, &revert) || revert.Hash != hash || !strings.Contains(revert.Reason, "balance") {
		t.Errorf("%v", err)
	}
	if r == nil || !r.Reverted || r.Fee.Sign() <= 0 {
		t.Errorf("%+v", r)
	}
	done(t, a, transfer(t, Uint(1), big.NewInt(1))) // the revert has used its nonce
}

func devnetErrors(t *testing.T, d *testnet) {
	ctx, a := t.Context(), d.account(5)
	is := func(name string, err error, want Code) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want code %d", name, err, want)
		}
	}
	_, err := d.Call(ctx, Call{To: Uint(1234)}, AtLatest())
	is("no contract", err, ErrContractNotFound)
	_, err = d.Call(ctx, Call{To: STRK(), Selector: Uint(1)}, AtLatest())
	is("no function", err, ErrEntrypointNotFound)
	_, err = d.Call(ctx, Call{To: STRK(), Selector: Selector("balance_of")}, AtLatest())
	is("no arguments", err, ErrContract)
	_, err = d.TransactionReceipt(ctx, Uint(1234))
	is("no receipt", err, ErrTxHashNotFound)
	_, err = d.TransactionStatus(ctx, Uint(1234))
	is("no transaction", err, ErrTxHashNotFound)
	_, err = d.Class(ctx, Uint(1234), AtLatest())
	is("no class", err, ErrClassHashNotFound)
	_, err = d.Block(ctx, AtNumber(1<<40))
	is("no block", err, ErrBlockNotFound)
	_, err = d.Nonce(ctx, Uint(1234), AtLatest())
	is("no account", err, ErrContractNotFound)

	_, err = NewAccount(d.Client, a.Address(), d.accounts[0].Key, FeePolicy{Fixed: generous()}).Execute(ctx, transfer(t, Uint(1), big.NewInt(1)))
	is("another's signature", err, ErrValidation)
	poor := generous()
	poor.L2Gas.Price = pow2(100)
	_, err = a.WithFees(FeePolicy{Fixed: poor, MaxFee: pow2(140)}).Execute(ctx, transfer(t, Uint(1), big.NewInt(1)))
	is("too little money", err, ErrBalance)
	_, err = a.WithFees(FeePolicy{Fixed: &Bounds{L2Gas: Resource{1, big.NewInt(1)}, L1DataGas: Resource{1, big.NewInt(1)}}}).Execute(ctx, transfer(t, Uint(1), big.NewInt(1)))
	is("bounds too low", err, ErrResources)
	if _, err = a.WithFees(FeePolicy{MaxFee: big.NewInt(1)}).Execute(ctx, transfer(t, Uint(1), big.NewInt(1))); !errors.Is(err, ErrFeeCap) {
		t.Errorf("%v", err)
	}

	tx := &InvokeTx{Envelope: Envelope{Nonce: d.nonce(t, a.Address()), Bounds: *generous()}, From: a.Address()}
	if tx.Calldata, err = Multicall(transfer(t, Uint(1), big.NewInt(1))); err != nil {
		t.Fatal(err)
	}
	if _, err := SignTransaction(ctx, tx, sepolia, d.accounts[5].Key); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the second time the node has it already
		if _, err := d.Add(ctx, tx); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	tx.Tip++
	if _, err := SignTransaction(ctx, tx, sepolia, d.accounts[5].Key); err != nil {
		t.Fatal(err)
	}
	_, err = d.Add(ctx, tx)
	is("old nonce", err, ErrNonce)
}

func devnetBatch(t *testing.T, d *testnet) {
	var id, nonce rpcFelt
	var n uint64
	items := []BatchItem{
		{Method: "starknet_chainId", Result: &id},
		{Method: "starknet_getNonce", Params: map[string]any{"block_id": AtLatest(), "contract_address": rpcFelt(Uint(1234))}, Result: &nonce},
		{Method: "starknet_blockNumber", Result: &n},
	}
	require.NoError(t, d.Batch(t.Context(), items))
	if Felt(id) != sepolia || !errors.Is(items[1].Err, ErrContractNotFound) || n == 0 || items[0].Err != nil || items[2].Err != nil {
		t.Errorf("%+v", items)
	}
}

// devnetEvents follows the transfers to one address while blocks are aborted.
func devnetEvents(t *testing.T, d *testnet) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, to := d.account(1), Uint(0xe7e7)
	pay := func(v int64) *Receipt { return done(t, a, transfer(t, to, big.NewInt(v))) }
	var last *Receipt
	for v := range int64(5) {
		last = pay(v + 1)
	}
	f := EventFilter{Contract: STRK(), Keys: [][]Felt{{Selector("Transfer")}, nil, {to}}, Chunk: 2}
	var seen []string
	var cursor Cursor
	for e, err := range d.Events(ctx, f) {
		var reorg *ReorgError
		switch {
		case errors.As(err, &reorg):
			seen = append(seen, "reorg")
			if reorg.From > last.Block.Number || reorg.From+1 < last.Block.Number {
				t.Errorf("events from block %d on are void, block %d was aborted", reorg.From, last.Block.Number)
			}
		case err != nil:
			t.Fatalf("%v: %v", seen, err)
		default:
			seen = append(seen, calldata.NewDecoder(e.Data).U256().String())
			cursor = e.Cursor
		}
		switch len(seen) {
		case 5: // abort the last payment, and make two others
			require.NoError(t, d.AbortBlocks(ctx, last.Block.Number))
			if err := d.IncreaseTime(ctx, time.Minute); err != nil { // for other hashes
				t.Fatal(err)
			}
			pay(50)
			pay(60)
		}
		if len(seen) >= 8 {
			break
		}
	}
	if got := strings.Join(seen, ", "); got != "1, 2, 3, 4, 5, reorg, 50, 60" {
		t.Errorf("%s", got)
	}
	pay(70)
	for e, err := range d.Events(ctx, f, cursor) {
		if err != nil || calldata.NewDecoder(e.Data).U256() != calldata.U256FromUint64(70) {
			t.Errorf("%+v %v", e, err)
		}
		break
	}
}

// TestDevnetOnDemand makes blocks only when it is told, so that transactions stay
// pre-confirmed.
func TestDevnetOnDemand(t *testing.T) {
	d := startDevnet(t, "--block-generation-on", "demand")
	a, to := d.account(0), Uint(0xcafe)
	var hashes []Felt
	for range 3 {
		h, err := a.Execute(t.Context(), transfer(t, to, big.NewInt(1)))
		require.NoError(t, err)
		hashes = append(hashes, h)
	}
	r, err := d.TransactionReceipt(t.Context(), hashes[2])
	if err != nil || r.Finality != PreConfirmed || r.Block != (BlockRef{}) {
		t.Fatalf("%+v %v", r, err)
	}
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.Wait(short, hashes[2]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a pre-confirmed transaction is final: %v", err)
	}
	require.NoError(t, d.CreateBlock(t.Context()))
	for _, h := range hashes {
		if r, err := a.Wait(t.Context(), h); err != nil || r.Finality != AcceptedOnL2 {
			t.Errorf("%+v %v", r, err)
		}
	}
	if d.balance(t, to).Int64() != 3 {
		t.Error("not all payments were made")
	}
}

func pow2(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
