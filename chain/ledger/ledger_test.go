package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/wallet"
)

// clock is a time that only tests move.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// node is a ledger with accounts.
type node struct {
	*Ledger
	c    *chain.Client
	keys []*wallet.Account
}

func seeded(t testing.TB, n int) []*wallet.Account {
	t.Helper()
	keys, err := SeedAccounts("test", n)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func open(t testing.TB, o Options) *node {
	t.Helper()
	if o.Accounts == nil {
		o.Accounts = seeded(t, 4)
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &node{l, l.Client(), o.Accounts}
}

func (n *node) account(i int) *chain.Account {
	return chain.NewAccount(n.c, n.keys[i].Address(), n.keys[i], chain.FeePolicy{})
}

// u256 is an amount of a token for calldata.
func u256(x *big.Int) calldata.U256 {
	u, err := calldata.U256FromBig(x)
	if err != nil {
		panic(err)
	}
	return u
}

func pay(t testing.TB, token, to felt.Felt, amount *big.Int) chain.Call {
	return chain.Call{To: token, Selector: chain.Selector("transfer"), Calldata: new(calldata.Encoder).Felt(to).U256(u256(amount)).Felts()}
}

// done executes calls, which must succeed.
func done(t testing.TB, a *chain.Account, calls ...chain.Call) *chain.Receipt {
	t.Helper()
	hash, err := a.Execute(t.Context(), calls...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Wait(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (n *node) balance(t testing.TB, token, owner felt.Felt, at chain.BlockID) *big.Int {
	t.Helper()
	b, err := n.c.Balance(t.Context(), token, owner, at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// generous are bounds that suffice for everything here.
func generous() *chain.Bounds {
	price := big.NewInt(2 * gasPrice)
	return &chain.Bounds{L1Gas: chain.Resource{Amount: 0, Price: price}, L2Gas: chain.Resource{Amount: 1_000_000_000, Price: price},
		L1DataGas: chain.Resource{Amount: 1 << 16, Price: price}}
}

func fixed(a *chain.Account) *chain.Account { return a.WithFees(chain.FeePolicy{Fixed: generous()}) }

// declare declares a contract of package contracts.
func declare(t testing.TB, a *chain.Account, name string) felt.Felt {
	t.Helper()
	source, err := contracts.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	class, err := chain.ParseClass(source.Sierra)
	if err != nil {
		t.Fatal(err)
	}
	d, err := a.Declare(t.Context(), class, felt.MustParse(source.CompiledClassHash))
	if err != nil {
		t.Fatal(err)
	}
	if !d.Tx.IsZero() {
		if _, err := a.Wait(t.Context(), d.Tx); err != nil {
			t.Fatal(err)
		}
	}
	return d.Class
}

func deploy(t testing.TB, a *chain.Account, class felt.Felt, args *calldata.Encoder) felt.Felt {
	t.Helper()
	d, err := a.Deploy(t.Context(), chain.Deployment{Class: class, Salt: chain.Uint(7), Calldata: args.Felts()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(t.Context(), d.Tx); err != nil {
		t.Fatal(err)
	}
	return d.Address
}

var supply = new(big.Int).Exp(big.NewInt(10), big.NewInt(24), nil)

// token deploys SageToken, whose supply goes to the account.
func token(t testing.TB, a *chain.Account) felt.Felt {
	t.Helper()
	return deploy(t, a, declare(t, a, "SageToken"), new(calldata.Encoder).Felt(a.Address()).U256(u256(supply)))
}

// funded deploys SageToken and Faucet and refills the faucet with half of the supply.
func funded(t testing.TB, a *chain.Account) (sage, faucet felt.Felt) {
	t.Helper()
	sage = token(t, a)
	faucet = deploy(t, a, declare(t, a, "Faucet"), new(calldata.Encoder).Felt(a.Address()).Felt(sage).U256(u256(supply)))
	half := new(big.Int).Rsh(supply, 1)
	done(t, a,
		chain.Call{To: sage, Selector: chain.Selector("approve"), Calldata: new(calldata.Encoder).Felt(faucet).U256(u256(half)).Felts()},
		chain.Call{To: faucet, Selector: chain.Selector("refill"), Calldata: new(calldata.Encoder).U256(u256(half)).Felts()})
	return sage, faucet
}

// twoClaims is what two claims of the faucet give, 2,000 SAGE.
var twoClaims = new(big.Int).Mul(big.NewInt(2_000), big.NewInt(1e18))

func claim(faucet felt.Felt) chain.Call {
	return chain.Call{To: faucet, Selector: chain.Selector("claim")}
}

func TestTransfer(t *testing.T) {
	n := open(t, Options{})
	a, to := n.account(0), chain.Uint(0xcafe)
	before := n.balance(t, chain.STRK(), a.Address(), chain.AtLatest())
	e, err := a.Estimate(t.Context(), pay(t, chain.STRK(), to, big.NewInt(5)))
	if err != nil || e.Unit != "FRI" {
		t.Fatalf("%+v %v", e, err)
	}
	r := done(t, a, pay(t, chain.STRK(), to, big.NewInt(5)))
	if r.Fee.Cmp(e.Fee) != 0 || r.L2Gas != e.L2Gas.Amount || r.L1DataGas != e.L1DataGas.Amount || r.Type != "INVOKE" || r.Finality != chain.AcceptedOnL2 || r.Block.Number != 1 {
		t.Errorf("receipt %+v, estimate %+v", r, e)
	}
	spent := new(big.Int).Add(r.Fee, big.NewInt(5))
	if got := n.balance(t, chain.STRK(), a.Address(), chain.AtLatest()); got.Cmp(new(big.Int).Sub(before, spent)) != 0 {
		t.Errorf("the sender has %v", got)
	}
	if got := n.balance(t, chain.STRK(), to, chain.AtLatest()); got.Int64() != 5 {
		t.Errorf("the recipient has %v", got)
	}
	if got := n.balance(t, chain.STRK(), sequencer(), chain.AtLatest()); got.Cmp(r.Fee) != 0 {
		t.Errorf("the fee is %v, the sequencer got %v", r.Fee, got)
	}
	transfer := chain.Selector("Transfer")
	if len(r.Events) != 2 || r.Events[0].From != chain.STRK() || !slices.Equal(r.Events[0].Keys, []felt.Felt{transfer, a.Address(), to}) ||
		!slices.Equal(r.Events[0].Data, []felt.Felt{chain.Uint(5), {}}) || !slices.Equal(r.Events[1].Keys, []felt.Felt{transfer, a.Address(), sequencer()}) {
		t.Errorf("events %+v", r.Events)
	}
	s, err := n.c.TransactionStatus(t.Context(), r.Hash)
	if err != nil || s.Finality != chain.AcceptedOnL2 || s.Reverted {
		t.Error(s, err)
	}
	var tx chain.InvokeTx
	if err := n.c.Do(t.Context(), "starknet_getTransactionByHash", map[string]any{"transaction_hash": r.Hash.String()}, &tx); err != nil {
		t.Fatal(err)
	}
	if h, err := tx.Hash(n.chainID); err != nil || h != r.Hash {
		t.Errorf("the stored transaction has hash %s, %v", h.String(), err)
	}
}

func TestMulticallIsAtomic(t *testing.T) {
	n := open(t, Options{})
	a, to := n.account(0), chain.Uint(0xbeef)
	done(t, a, pay(t, chain.STRK(), to, big.NewInt(1)), pay(t, chain.STRK(), to, big.NewInt(2)))
	nonce, err := n.c.Nonce(t.Context(), a.Address(), chain.AtLatest())
	if err != nil || nonce != 1 {
		t.Fatal(nonce, err)
	}
	before := n.balance(t, chain.STRK(), a.Address(), chain.AtLatest())
	calls := []chain.Call{pay(t, chain.STRK(), to, big.NewInt(4)), pay(t, chain.STRK(), to, new(big.Int).Lsh(supply, 20))}
	if _, err := a.Execute(t.Context(), calls...); !errors.Is(err, chain.ErrExecution) || !strings.Contains(err.Error(), "ERC20: insufficient balance") {
		t.Fatalf("the estimate: %v", err)
	}
	hash, err := fixed(a).Execute(t.Context(), calls...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Wait(t.Context(), hash)
	var revert *chain.RevertError
	if !errors.As(err, &revert) || !strings.Contains(revert.Reason, "('ERC20: insufficient balance').\n") {
		t.Fatalf("%v", err)
	}
	if got := n.balance(t, chain.STRK(), to, chain.AtLatest()); got.Int64() != 3 {
		t.Errorf("the recipient has %v", got)
	}
	if got := n.balance(t, chain.STRK(), a.Address(), chain.AtLatest()); got.Cmp(new(big.Int).Sub(before, r.Fee)) != 0 || r.Fee.Sign() <= 0 {
		t.Errorf("the sender has %v after a fee of %v, before %v", got, r.Fee, before)
	}
	if len(r.Events) != 1 { // of the fee
		t.Errorf("events %+v", r.Events)
	}
	if nonce, err := n.c.Nonce(t.Context(), a.Address(), chain.AtLatest()); err != nil || nonce != 2 {
		t.Error(nonce, err)
	}
}

func TestFaucet(t *testing.T) {
	at := &clock{now: time.Unix(1_800_000_000, 0)}
	n := open(t, Options{Clock: at.time})
	sage, faucet := funded(t, n.account(0))
	user := n.account(1)
	r := done(t, user, claim(faucet))
	if len(r.Events) != 3 || r.Events[0].From != faucet || r.Events[0].Keys[0] != chain.Selector("Claimed") || r.Events[1].From != sage || r.Events[2].From != chain.STRK() {
		t.Errorf("events %+v", r.Events)
	}
	if _, err := user.Execute(t.Context(), claim(faucet)); !errors.Is(err, chain.ErrExecution) || !strings.Contains(err.Error(), "('CLAIM_TOO_SOON')") {
		t.Errorf("a second claim: %v", err)
	}
	zeroAddress := cairo.ShortString("ZERO_ADDRESS").String()
	if _, err := n.c.Call(t.Context(), claim(faucet), chain.AtLatest()); !errors.Is(err, chain.ErrContract) || !strings.Contains(err.Error(), zeroAddress) {
		t.Errorf("a claim of the zero address: %v", err)
	}
	n.Advance(24 * time.Hour)
	done(t, user, claim(faucet))
	if got := n.balance(t, sage, user.Address(), chain.AtLatest()); got.Cmp(twoClaims) != 0 {
		t.Errorf("the user has %v", got)
	}
	b, err := n.c.Block(t.Context(), chain.AtLatest())
	if err != nil || !b.Time.Equal(at.now.Add(24*time.Hour)) {
		t.Errorf("%+v %v", b, err)
	}
}

func TestDeployAccount(t *testing.T) {
	n := open(t, Options{})
	for _, class := range []wallet.Class{wallet.ClassOpenZeppelin, wallet.ClassOpenZeppelin17, wallet.ClassArgent, wallet.ClassArgent031} {
		t.Run(class.String(), func(t *testing.T) {
			keys, _, err := wallet.CreateAccount(class)
			if err != nil {
				t.Fatal(err)
			}
			d, err := chain.AccountDeployment(keys)
			if err != nil {
				t.Fatal(err)
			}
			a := chain.NewAccount(n.c, keys.Address(), keys, chain.FeePolicy{})
			if _, err := a.Execute(t.Context(), pay(t, chain.STRK(), chain.Uint(1), big.NewInt(1))); !errors.Is(err, chain.ErrContractNotFound) {
				t.Errorf("an account that is not there: %v", err)
			}
			if _, err := a.EstimateDeployAccount(t.Context(), d); err != nil {
				t.Error(err)
			}
			if _, err := a.DeployAccount(t.Context(), d); !errors.Is(err, chain.ErrBalance) {
				t.Errorf("an account without money: %v", err)
			}
			done(t, n.account(0), pay(t, chain.STRK(), keys.Address(), new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)))
			hash, err := a.DeployAccount(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			r, err := a.Wait(t.Context(), hash)
			if err != nil || r.Contract != keys.Address() || r.Type != "DEPLOY_ACCOUNT" {
				t.Fatalf("%+v %v", r, err)
			}
			if got, err := n.c.ClassHashAt(t.Context(), keys.Address(), chain.AtLatest()); err != nil || got != class.Hash() {
				t.Error(got.String(), err)
			}
			done(t, a, pay(t, chain.STRK(), chain.Uint(9), big.NewInt(1)))
			if _, err := a.DeployAccount(t.Context(), d); err == nil {
				t.Error("the account was deployed twice")
			}
			other := chain.NewAccount(n.c, keys.Address(), n.keys[1], chain.FeePolicy{Fixed: generous()})
			if _, err := other.Execute(t.Context(), pay(t, chain.STRK(), chain.Uint(9), big.NewInt(1))); !errors.Is(err, chain.ErrValidation) {
				t.Errorf("another's signature: %v", err)
			}
		})
	}
	keys, _, err := wallet.CreateAccount(wallet.ClassBraavos)
	if err != nil {
		t.Fatal(err)
	}
	d, err := chain.AccountDeployment(keys)
	if err != nil {
		t.Fatal(err)
	}
	done(t, n.account(0), pay(t, chain.STRK(), keys.Address(), new(big.Int).Exp(big.NewInt(10), big.NewInt(19), nil)))
	a := chain.NewAccount(n.c, keys.Address(), keys, chain.FeePolicy{})
	if _, err := a.DeployAccount(t.Context(), d); !errors.Is(err, chain.ErrClassHashNotFound) {
		t.Errorf("a class that is not here: %v", err)
	}
}

func TestDeclareAndDeploy(t *testing.T) {
	n := open(t, Options{})
	a := n.account(0)
	source, err := contracts.ByName("SageToken")
	if err != nil {
		t.Fatal(err)
	}
	class, err := chain.ParseClass(source.Sierra)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fixed(a).Declare(t.Context(), class, chain.Uint(1)); !errors.Is(err, chain.ErrCompiledClassHash) {
		t.Errorf("a wrong compiled class hash: %v", err)
	}
	other := *class
	other.ABI += " "
	if _, err := fixed(a).Declare(t.Context(), &other, chain.Uint(1)); !errors.Is(err, chain.ErrCompilation) || !strings.Contains(err.Error(), other.Hash().String()) {
		t.Errorf("an unknown class: %v", err)
	}
	hash := declare(t, a, "SageToken")
	if got, err := n.c.Class(t.Context(), hash, chain.AtLatest()); err != nil || got.Hash() != class.Hash() {
		t.Error(err)
	}
	if _, err := n.c.Class(t.Context(), hash, chain.AtNumber(0)); !errors.Is(err, chain.ErrClassHashNotFound) {
		t.Errorf("before it was declared: %v", err)
	}
	if again, err := a.Declare(t.Context(), class, felt.MustParse(source.CompiledClassHash)); err != nil || !again.Tx.IsZero() {
		t.Error(again, err)
	}
	dep := chain.Deployment{Class: hash, Salt: chain.Uint(4), Calldata: new(calldata.Encoder).Felt(a.Address()).U256(u256(supply)).Felts()}
	d, err := a.Deploy(t.Context(), dep)
	if err != nil || d.Address != dep.Address() {
		t.Fatal(err)
	}
	r, err := a.Wait(t.Context(), d.Tx)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Events) != 3 || r.Events[1].From != chain.Deployer() || r.Events[1].Keys[0] != chain.Selector("ContractDeployed") || r.Events[1].Data[0] != d.Address {
		t.Errorf("events %+v", r.Events)
	}
	if again, err := n.account(1).Deploy(t.Context(), dep); err != nil || !again.Tx.IsZero() {
		t.Error(again, err)
	}
	addresses := chain.Addresses{ChainID: n.ChainID(), Contracts: map[string]chain.Contract{"SageToken": {Address: d.Address, Class: hash}}}
	if err := addresses.Verify(t.Context(), n.c); err != nil {
		t.Error(err)
	}
	zero := chain.Deployment{Class: hash, Calldata: new(calldata.Encoder).Felt(felt.Felt{}).U256(u256(supply)).Felts()}
	if _, err := a.Deploy(t.Context(), zero); !errors.Is(err, chain.ErrExecution) || !strings.Contains(err.Error(), "ZERO_ADDRESS") {
		t.Errorf("a constructor that reverts: %v", err)
	}
}

// TestRefused has what is never included in a block.
func TestRefused(t *testing.T) {
	n := open(t, Options{})
	a := n.account(2)
	call := pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1))
	calldata, err := chain.Multicall(call)
	if err != nil {
		t.Fatal(err)
	}
	hasty, err := n.Dial(chain.Options{Backoff: 1}) // does not wait before it asks again
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		want   chain.Code
		change func(*chain.InvokeTx)
	}{
		{"old nonce", chain.ErrNonce, func(tx *chain.InvokeTx) { tx.Nonce-- }},
		{"future nonce", chain.ErrNonce, func(tx *chain.InvokeTx) { tx.Nonce++ }},
		{"no bounds", chain.ErrResources, func(tx *chain.InvokeTx) { tx.Bounds = chain.Bounds{} }},
		{"low amount", chain.ErrResources, func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Amount = 1000 }},
		{"low price", chain.ErrResources, func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Price = big.NewInt(gasPrice - 1) }},
		{"low price of data", chain.ErrResources, func(tx *chain.InvokeTx) { tx.Bounds.L1DataGas.Price = nil }},
		{"too poor", chain.ErrBalance, func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Price = new(big.Int).Lsh(big.NewInt(1), 100) }},
		{"no signature that it could be", chain.ErrValidation, func(tx *chain.InvokeTx) { tx.Signature = []felt.Felt{chain.Uint(1)} }},
		{"long signature", chain.ErrValidation, func(tx *chain.InvokeTx) { tx.Signature = make([]felt.Felt, 3) }},
		{"wrong signature", chain.ErrValidation, func(tx *chain.InvokeTx) { tx.Signature = []felt.Felt{chain.Uint(1), chain.Uint(1)} }},
		{"another chain", chain.ErrValidation, func(tx *chain.InvokeTx) {
			if _, err := chain.SignTransaction(t.Context(), tx, cairo.ShortString("SN_MAIN"), n.keys[2]); err != nil {
				t.Fatal(err)
			}
		}},
		{"another's key", chain.ErrValidation, func(tx *chain.InvokeTx) {
			if _, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[1]); err != nil {
				t.Fatal(err)
			}
		}},
		{"no multicall", chain.ErrValidation, func(tx *chain.InvokeTx) { tx.Calldata = []felt.Felt{chain.Uint(3)} }},
		{"a proof", chain.ErrInvalidProof, func(tx *chain.InvokeTx) { tx.ProofFacts = []felt.Felt{chain.Uint(3)} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			done(t, a, call)
			nonce, err := n.c.Nonce(t.Context(), a.Address(), chain.AtPreConfirmed())
			if err != nil {
				t.Fatal(err)
			}
			head, err := n.c.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			tx := &chain.InvokeTx{Envelope: chain.Envelope{Nonce: nonce, Bounds: *generous()}, From: a.Address(), Calldata: calldata}
			c.change(tx)
			if tx.Signature == nil {
				if _, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[2]); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := hasty.Add(t.Context(), tx); !errors.Is(err, c.want) {
				t.Errorf("%v, want code %d", err, c.want)
			}
			if after, err := n.c.Head(t.Context()); err != nil || after != head {
				t.Errorf("the head moved from %v to %v, %v", head, after, err)
			}
		})
	}
	tx := &chain.InvokeTx{Envelope: chain.Envelope{Bounds: *generous()}, From: n.keys[3].Address(), Calldata: calldata}
	if _, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[3]); err != nil {
		t.Fatal(err)
	}
	for i := range 2 { // the second time it is there already
		if _, err := n.c.Add(t.Context(), tx); err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	if b := n.balance(t, chain.STRK(), chain.Uint(5), chain.AtLatest()); b.Int64() != 14+1 {
		t.Errorf("%v was paid", b)
	}
}

// TestBoundsExceeded sends with bounds that cover the validation but not the execution.
func TestBoundsExceeded(t *testing.T) {
	n := open(t, Options{})
	a := n.account(0)
	call := pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1))
	e, err := a.Estimate(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	b := *generous()
	b.L2Gas.Amount = e.L2Gas.Amount - 1
	hash, err := a.WithFees(chain.FeePolicy{Fixed: &b}).Execute(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Wait(t.Context(), hash)
	want := fmt.Sprintf("Insufficient max L2Gas: max amount: %d, actual used: %d.", b.L2Gas.Amount, e.L2Gas.Amount)
	if err == nil || r.Reason != want || r.L2Gas > b.L2Gas.Amount {
		t.Errorf("%v %+v", err, r)
	}
	b.L2Gas.Amount++
	if hash, err = a.WithFees(chain.FeePolicy{Fixed: &b}).Execute(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(t.Context(), hash); err != nil {
		t.Errorf("exactly what it takes: %v", err)
	}
	// A transfer that leaves too little for the fee is undone.
	all := n.balance(t, chain.STRK(), n.keys[1].Address(), chain.AtLatest())
	rich := n.account(1)
	if hash, err = fixed(rich).Execute(t.Context(), pay(t, chain.STRK(), chain.Uint(6), all)); err != nil {
		t.Fatal(err)
	}
	if r, err = rich.Wait(t.Context(), hash); err == nil || !strings.Contains(r.Reason, "Insufficient fee token balance") {
		t.Errorf("%v", err)
	}
	if left := n.balance(t, chain.STRK(), rich.Address(), chain.AtLatest()); left.Cmp(new(big.Int).Sub(all, r.Fee)) != 0 {
		t.Errorf("%v is left of %v", left, all)
	}
	// The tip is paid for every unit of L2 gas.
	hash, err = a.WithFees(chain.FeePolicy{Tip: 7}).Execute(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = a.Wait(t.Context(), hash); err != nil || r.Fee.Cmp(gasUsed{r.L1Gas, r.L1DataGas, r.L2Gas}.fee(7)) != 0 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestConcurrentSenders(t *testing.T) {
	n := open(t, Options{Accounts: seeded(t, 6)})
	const each = 15
	to := chain.Uint(0xd0d0)
	shared := n.account(0)
	var wg sync.WaitGroup
	for i := range 8 { // 0 to 2 share an account
		a := shared
		if i > 2 {
			a = n.account(i - 2)
		}
		wg.Go(func() {
			for range each {
				hash, err := a.Execute(t.Context(), pay(t, chain.STRK(), to, big.NewInt(1)))
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := a.Wait(t.Context(), hash); err != nil {
					t.Error(err)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 2 { // what a reader sees adds up in every block
		readers.Go(func() {
			for ctx.Err() == nil {
				head, err := n.c.BlockNumber(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				n.supply(t, chain.AtNumber(head))
			}
		})
	}
	wg.Wait()
	cancel()
	readers.Wait()
	if got := n.balance(t, chain.STRK(), to, chain.AtLatest()); got.Int64() != 8*each {
		t.Errorf("%v was paid", got)
	}
	if head, err := n.c.BlockNumber(t.Context()); err != nil || head != 8*each {
		t.Error(head, err)
	}
}

// supply checks that the balances of STRK add up.
func (n *node) supply(t testing.TB, at chain.BlockID) {
	t.Helper()
	out, err := n.c.Call(t.Context(), chain.Call{To: chain.STRK(), Selector: chain.Selector("total_supply")}, at)
	if err != nil {
		t.Fatal(err)
	}
	sum := n.balance(t, chain.STRK(), sequencer(), at)
	for _, k := range n.keys {
		sum.Add(sum, n.balance(t, chain.STRK(), k.Address(), at))
	}
	for _, to := range []uint64{0xd0d0, 0xcafe, 5} {
		sum.Add(sum, n.balance(t, chain.STRK(), chain.Uint(to), at))
	}
	if want := calldata.NewDecoder(out).U256().Big(); sum.Cmp(want) != 0 {
		t.Errorf("the balances sum to %v, the supply is %v", sum, want)
	}
}

func TestHistory(t *testing.T) {
	n := open(t, Options{})
	a, to := n.account(0), chain.Uint(0xcafe)
	var refs []chain.BlockRef
	for range 5 {
		refs = append(refs, done(t, a, pay(t, chain.STRK(), to, big.NewInt(10))).Block)
	}
	slot := cairo.NewMapping[cairo.Address, cairo.U256](nil, "ERC20_balances").At(cairo.Address{Felt: to})
	for i, ref := range refs {
		want := int64(10 * (i + 1))
		for _, at := range []chain.BlockID{chain.AtNumber(ref.Number), chain.AtHash(ref.Hash)} {
			if got := n.balance(t, chain.STRK(), to, at); got.Int64() != want {
				t.Errorf("%v: balance %v, want %d", at, got, want)
			}
			if got, err := n.c.StorageAt(t.Context(), chain.STRK(), slot, at); err != nil || got != chain.Uint(uint64(want)) {
				t.Errorf("%v: slot %s, %v", at, got.String(), err)
			}
			if got, err := n.c.Nonce(t.Context(), a.Address(), at); err != nil || got != ref.Number {
				t.Errorf("%v: nonce %d, %v", at, got, err)
			}
		}
		b, err := n.c.Block(t.Context(), chain.AtNumber(ref.Number))
		if err != nil || b.BlockRef != ref || len(b.Transactions) != 1 {
			t.Errorf("%+v %v", b, err)
		}
		if i > 0 && b.Parent != refs[i-1].Hash {
			t.Error("another parent")
		}
	}
	if _, err := n.c.Block(t.Context(), chain.AtNumber(6)); !errors.Is(err, chain.ErrBlockNotFound) {
		t.Error(err)
	}
	if _, err := n.c.Block(t.Context(), chain.AtL1Accepted()); !errors.Is(err, chain.ErrBlockNotFound) {
		t.Error(err)
	}
	if b, err := n.c.Block(t.Context(), chain.AtPreConfirmed()); err != nil || b.Number != 6 || b.Finality != chain.PreConfirmed {
		t.Errorf("%+v %v", b, err)
	}
}

func TestOnDemand(t *testing.T) {
	n := open(t, Options{OnDemand: true})
	a, to := n.account(0), chain.Uint(0xcafe)
	var hashes []felt.Felt
	for range 3 {
		h, err := a.Execute(t.Context(), pay(t, chain.STRK(), to, big.NewInt(1)))
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, h)
	}
	r, err := n.c.TransactionReceipt(t.Context(), hashes[2])
	if err != nil || r.Finality != chain.PreConfirmed || r.Block != (chain.BlockRef{}) {
		t.Fatalf("%+v %v", r, err)
	}
	if got := n.balance(t, chain.STRK(), to, chain.AtLatest()); got.Sign() != 0 {
		t.Errorf("latest: %v", got)
	}
	if got := n.balance(t, chain.STRK(), to, chain.AtPreConfirmed()); got.Int64() != 3 {
		t.Errorf("pre-confirmed: %v", got)
	}
	if b, err := n.c.Block(t.Context(), chain.AtPreConfirmed()); err != nil || len(b.Transactions) != 3 {
		t.Errorf("%+v %v", b, err)
	}
	ref, err := n.CreateBlock()
	if err != nil || ref.Number != 1 {
		t.Fatal(ref, err)
	}
	for _, h := range hashes {
		if r, err := a.Wait(t.Context(), h); err != nil || r.Block != ref {
			t.Errorf("%+v %v", r, err)
		}
	}
	if got := n.balance(t, chain.STRK(), to, chain.AtLatest()); got.Int64() != 3 {
		t.Errorf("latest: %v", got)
	}
	if empty, err := n.CreateBlock(); err != nil || empty.Number != 2 {
		t.Error(empty, err)
	}
	done := 0
	for e, err := range n.c.Events(t.Context(), chain.EventFilter{Contract: chain.STRK(), Keys: [][]felt.Felt{nil, nil, {to}}, Chunk: 2}) {
		if err != nil || e.Block != ref {
			t.Fatal(e, err)
		}
		if done++; done == 3 {
			break
		}
	}
}

func TestEvents(t *testing.T) {
	n := open(t, Options{})
	sage, faucet := funded(t, n.account(0))
	a := n.account(0)
	for i := range int64(7) {
		done(t, a, pay(t, sage, chain.Uint(0xcafe), big.NewInt(i)), pay(t, sage, chain.Uint(0xbeef), big.NewInt(100)))
	}
	f := chain.EventFilter{Contract: sage, Keys: [][]felt.Felt{{chain.Selector("Transfer")}, {a.Address()}, {chain.Uint(0xcafe)}}, Chunk: 2}
	var cursors []chain.Cursor
	for e, err := range n.c.Events(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		if got := calldata.NewDecoder(e.Data).U256().Big(); got.Int64() != int64(len(cursors)) {
			t.Errorf("event %d is of %v", len(cursors), got)
		}
		if cursors = append(cursors, e.Cursor); len(cursors) == 7 {
			break
		}
	}
	// A stream that goes on after the fourth waits for what is to come.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var got []int64
	for e, err := range n.c.Events(ctx, f, cursors[3]) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, calldata.NewDecoder(e.Data).U256().Big().Int64())
		if len(got) == 3 {
			done(t, a, pay(t, sage, chain.Uint(0xcafe), big.NewInt(70)))
		}
		if len(got) == 4 {
			break
		}
	}
	if !slices.Equal(got, []int64{4, 5, 6, 70}) {
		t.Errorf("%v", got)
	}
	count := 0
	for _, err := range n.c.Events(ctx, chain.EventFilter{Contract: faucet}) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 2 { // OwnershipTransferred, Refilled
			break
		}
	}
}

func TestBatch(t *testing.T) {
	n := open(t, Options{})
	var id string
	var number uint64
	var nonce string
	items := []chain.BatchItem{
		{Method: "starknet_chainId", Result: &id},
		{Method: "starknet_getNonce", Params: map[string]any{"block_id": "latest", "contract_address": "0x1234"}, Result: &nonce},
		{Method: "starknet_blockNumber", Result: &number},
		{Method: "starknet_noSuchMethod"},
	}
	if err := n.c.Batch(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if id != n.chainID.String() || items[0].Err != nil || !errors.Is(items[1].Err, chain.ErrContractNotFound) || items[2].Err != nil || !errors.Is(items[3].Err, chain.ErrMethodNotFound) {
		t.Errorf("%q %+v", id, items)
	}
}

// TestEstimateBatch estimates a declaration and what depends on the nonce after it.
func TestEstimateBatch(t *testing.T) {
	n := open(t, Options{})
	calldata, err := chain.Multicall(pay(t, chain.STRK(), chain.Uint(1), big.NewInt(1)))
	if err != nil {
		t.Fatal(err)
	}
	var txs []chain.Transaction
	for nonce := range uint64(3) {
		tx := &chain.InvokeTx{Envelope: chain.Envelope{Nonce: nonce, Query: true}, From: n.keys[0].Address(), Calldata: calldata}
		if _, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[0]); err != nil {
			t.Fatal(err)
		}
		txs = append(txs, tx)
	}
	var out []map[string]any
	params := map[string]any{"request": txs, "simulation_flags": []string{}, "block_id": "pre_confirmed"}
	if err := n.c.Do(t.Context(), "starknet_estimateFee", params, &out); err != nil || len(out) != 3 {
		t.Fatal(out, err)
	}
	params["request"] = txs[1:]
	if err := n.c.Do(t.Context(), "starknet_estimateFee", params, &out); !errors.Is(err, chain.ErrExecution) || !strings.Contains(err.Error(), "nonce is invalid") {
		t.Error(err)
	}
	if head, err := n.c.BlockNumber(t.Context()); err != nil || head != 0 {
		t.Error(head, err)
	}
}

// TestScan looks for events that are far apart, over more blocks than one page looks at.
func TestScan(t *testing.T) {
	n := open(t, Options{OnDemand: true})
	a := n.account(0)
	var want []felt.Felt
	for _, empty := range []int{maxScan + 10, 5, 0} {
		hash, err := a.Execute(t.Context(), pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1)))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, hash)
		for range 1 + empty {
			if _, err := n.CreateBlock(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, f := range map[string]chain.EventFilter{
		"by contract": {Contract: chain.STRK(), Keys: [][]felt.Felt{{chain.Selector("Transfer")}, nil, {chain.Uint(5)}}, Chunk: 1},
		"by key":      {Keys: [][]felt.Felt{{chain.Selector("Transfer")}, nil, {chain.Uint(5)}}, Chunk: 1},
	} {
		var got []felt.Felt
		for e, err := range n.c.Events(t.Context(), f) {
			if err != nil {
				t.Fatal(name, err)
			}
			if got = append(got, e.Tx); len(got) == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestGolden gives the transactions that other software wrote back as they were.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]json.RawMessage
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"invoke", "declare", "deploy_account"} {
		var list []struct{ Tx json.RawMessage }
		if err := json.Unmarshal(golden[kind], &list); err != nil || len(list) == 0 {
			t.Fatal(kind, err)
		}
		for i, g := range list {
			tx, err := parseTransaction(g.Tx)
			if err != nil {
				t.Fatalf("%s %d: %v", kind, i, err)
			}
			s := signedTx{Transaction: tx}
			if d, ok := tx.(*chain.DeclareTx); ok {
				s.class = d.Class.Hash()
			}
			raw, err := s.stored()
			if err != nil {
				t.Fatal(err)
			}
			var got, want map[string]any
			if err := errors.Join(json.Unmarshal(raw, &got), json.Unmarshal(g.Tx, &want)); err != nil {
				t.Fatal(err)
			}
			if d, ok := tx.(*chain.DeclareTx); ok {
				delete(want, "contract_class")
				want["class_hash"] = d.Class.Hash().String()
				want["account_deployment_data"] = got["account_deployment_data"]
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s %d:\n have %v\n want %v", kind, i, got, want)
			}
		}
	}
}
