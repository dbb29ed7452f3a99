package chaintest

import (
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/wallet"
)

// contract is a contract of the deployment under test.
type contract struct {
	name    string
	address chain.Felt
}

func (c contract) call(b cairo.Call) chain.Call {
	return b.At(c.address)
}

// deployment is where the nine contracts are.
type deployment struct {
	token, faucet, staking, reputation, registry, verifier, jobs, payments, privacy contract
}

func openDeployment(t *testing.T, a *chain.Addresses) deployment {
	t.Helper()
	at := func(name string) contract {
		address, err := a.Address(name)
		if err != nil {
			t.Fatal(err)
		}
		return contract{name, address}
	}
	return deployment{
		token: at("SageToken"), faucet: at("Faucet"), staking: at("StakingManager"), reputation: at("ReputationManager"),
		registry: at("ValidatorRegistry"), verifier: at("ProofVerifier"), jobs: at("JobManager"),
		payments: at("PaymentRouter"), privacy: at("PrivacyRouter"),
	}
}

// all lists the contracts in the order in which they are deployed.
func (d deployment) all() []contract {
	return []contract{d.token, d.faucet, d.staking, d.reputation, d.registry, d.verifier, d.jobs, d.privacy, d.payments}
}

// world is a network with everyone and everything that ever was on it.
type world struct {
	Network
	deployment
	bare    deployment
	chainID chain.Felt
	rate    elgamal.Rate
	owner   *party
	parties []*party
	work    []*job
	actions []chain.Felt // of owners
	books   books
	version int // counts what has happened
	// delivered is real work; see sample.
	delivered *delivery
}

func newWorld(t *testing.T, n Network) *world {
	t.Helper()
	if n.Fees.Fixed == nil {
		t.Fatal("the network has no bounds for fees")
	}
	text, err := n.Client.ChainID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id, err := felt.ShortString(text)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Network: n, deployment: openDeployment(t, n.Contracts), bare: openDeployment(t, n.Bare), chainID: id}
	rate := view(t, w, w.privacy.call(privacyrouter.RateCall()), privacyrouter.DecodeRate)
	if w.rate, err = elgamal.NewRate(rate.Big()); err != nil {
		t.Fatal(err)
	}
	w.owner = w.join("owner", n.Owner.WithFees(n.Fees))
	w.books.open(t, w)
	return w
}

// party is an account with every key that its roles may need.
type party struct {
	*chain.Account
	w        *world
	name     string
	wallet   *wallet.Account
	hot      *wallet.Key // signs results as a worker, votes as a validator
	secret   elgamal.SecretKey
	opened   bool   // whether there is a confidential account
	operator *party // of a worker
}

// join makes an account known to the world.
func (w *world) join(name string, a *chain.Account) *party {
	p := &party{Account: a, w: w, name: name, hot: wallet.GenerateKey()}
	w.parties = append(w.parties, p)
	return p
}

// newcomer makes an account that can pay for transactions and has no SAGE.
func (w *world) newcomer(t *testing.T, name string) *party {
	t.Helper()
	if w.NewAccount != nil {
		account := must(w.NewAccount(t.Context()))(t)
		p := w.join(name, chain.NewAccount(w.Client, account.Address(), account, w.Fees))
		p.wallet = account
		return p
	}
	account, _, err := wallet.CreateAccount(wallet.ClassOpenZeppelin)
	if err != nil {
		t.Fatal(err)
	}
	return w.deployAccount(t, name, account)
}

// deployAccount lets an account deploy itself.
func (w *world) deployAccount(t *testing.T, name string, account *wallet.Account) *party {
	t.Helper()
	if err := w.Fund(t.Context(), account.Address()); err != nil {
		t.Fatal(err)
	}
	p := w.join(name, chain.NewAccount(w.Client, account.Address(), account, w.Fees))
	p.wallet = account
	hash := must(p.DeployAccount(t.Context(), must(chain.AccountDeployment(account))(t)))(t)
	must(p.Wait(t.Context(), hash))(t)
	return p
}

// pays gives a party SAGE.
func (p *party) pays(t *testing.T, to *party, amount *big.Int) {
	t.Helper()
	p.do(t, p.w.token.call(sagetoken.TransferCall(to.Address(), u256(amount))))
}

// send sends a transaction and waits for it.
func (p *party) send(t *testing.T, calls ...chain.Call) (*chain.Receipt, error) {
	t.Helper()
	hash, err := p.Execute(t.Context(), calls...)
	if err != nil {
		return nil, err
	}
	return p.Wait(t.Context(), hash)
}

// do sends a transaction, which must succeed, and balances the books.
func (p *party) do(t *testing.T, calls ...chain.Call) *chain.Receipt {
	t.Helper()
	r, err := p.send(t, calls...)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	p.w.version++
	p.w.books.enter(t, p.w, r)
	p.w.books.balance(t, p.w)
	return r
}

// try simulates a transaction, which must be refused for a reason.
func (p *party) try(t *testing.T, code string, calls ...chain.Call) {
	t.Helper()
	_, err := p.Estimate(t.Context(), calls...)
	if !refusedFor(err, code) {
		t.Errorf("%s: %v, want %s", p.name, err, code)
	}
}

// refusedFor reports whether a transaction reverted, or would, for a reason.
func refusedFor(err error, code string) bool {
	var revert *chain.RevertError
	var rpc *chain.RPCError
	var reason string
	switch {
	case errors.As(err, &revert):
		reason = revert.Reason
	case errors.As(err, &rpc) && rpc.Code == chain.ErrExecution:
		reason = string(rpc.Data)
	}
	return strings.Contains(reason, "'"+code+"'")
}

// view reads a contract.
func view[T any](t *testing.T, w *world, call chain.Call, decode func([]chain.Felt) (T, error)) T {
	t.Helper()
	out, err := w.Client.Call(t.Context(), call, chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	v, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// maxBatch is how many views are read in one request.
const maxBatch = 100

// reverted is what views have for one that reverts.
var reverted = text("reverted")

// views reads many functions.
func (w *world) views(t *testing.T, calls []chain.Call) [][]chain.Felt {
	t.Helper()
	out := make([][]chain.Felt, 0, len(calls))
	for len(calls) > 0 {
		n := min(len(calls), maxBatch)
		items, results := make([]chain.BatchItem, n), make([][]string, n)
		for i, c := range calls[:n] {
			request := map[string]any{"contract_address": c.To.String(), "entry_point_selector": c.Selector.String(), "calldata": hexes(c.Calldata)}
			items[i] = chain.BatchItem{Method: "starknet_call", Result: &results[i],
				Params: map[string]any{"request": request, "block_id": chain.AtLatest()}}
		}
		if err := w.Client.Batch(t.Context(), items); err != nil {
			t.Fatal(err)
		}
		for i := range items {
			switch err := items[i].Err; {
			case err == nil:
				out = append(out, parseAll(t, results[i]))
			case errors.Is(err, chain.ErrContract):
				out = append(out, []chain.Felt{reverted})
			default:
				t.Fatal(err)
			}
		}
		calls = calls[n:]
	}
	return out
}

func hexes(felts []chain.Felt) []string {
	out := make([]string, len(felts))
	for i, f := range felts {
		out[i] = f.String()
	}
	return out
}

func parseAll(t *testing.T, texts []string) []chain.Felt {
	t.Helper()
	out := make([]chain.Felt, len(texts))
	for i, s := range texts {
		f, err := chain.ParseFelt(s)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = f
	}
	return out
}

// now is the time of the last block.
func (w *world) now(t *testing.T) uint64 {
	t.Helper()
	b, err := w.Client.Block(t.Context(), chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	return uint64(b.Time.Unix())
}

// pass lets time pass.
func (w *world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	w.version++
	if err := w.Advance(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// withArgument is a call with another felt in place of one of its arguments.
func withArgument(call chain.Call, i int, f chain.Felt) chain.Call {
	call.Calldata = slices.Clone(call.Calldata)
	call.Calldata[i] = f
	return call
}

// changed lists the storage that the transactions of a block changed.
func (w *world) changed(t *testing.T, b chain.BlockRef) []write {
	t.Helper()
	var update struct {
		Diff struct {
			Storage []struct {
				Address string `json:"address"`
				Entries []struct {
					Key   string `json:"key"`
					Value string `json:"value"`
				} `json:"storage_entries"`
			} `json:"storage_diffs"`
		} `json:"state_diff"`
	}
	w.ask(t, "starknet_getStateUpdate", map[string]any{"block_id": chain.AtHash(b.Hash)}, &update)
	var out []write
	for _, c := range update.Diff.Storage {
		for _, e := range c.Entries {
			f := parseAll(t, []string{c.Address, e.Key, e.Value})
			out = append(out, write{f[0], f[1], f[2]})
		}
	}
	return out
}

// traces are what a transaction left in our contracts: events and changed storage.
func (w *world) traces(t *testing.T, r *chain.Receipt) []string {
	t.Helper()
	ours := make(map[chain.Felt]string)
	for _, c := range slices.Concat(w.all(), w.bare.all()) {
		ours[c.address] = c.name
	}
	var out []string
	for _, e := range r.Events {
		if name, ok := ours[e.From]; ok {
			out = append(out, name+" emitted an event")
		}
	}
	for _, c := range w.changed(t, r.Block) {
		if name, ok := ours[c.contract]; ok {
			out = append(out, name+" changed its storage")
		}
	}
	return out
}

// write is a change of a storage slot.
type write struct{ contract, key, value chain.Felt }

// ask makes a request of the RPC for which package chain has no method.
func (w *world) ask(t *testing.T, method string, params, result any) {
	t.Helper()
	var raw json.RawMessage
	if err := w.Client.Do(t.Context(), method, params, &raw); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, result); err != nil {
		t.Fatal(err)
	}
}

var oneSAGE = new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil)

// sage is so many whole tokens.
func sage(n int64) *big.Int { return new(big.Int).Mul(big.NewInt(n), oneSAGE) }

// u256 is a number that is known to fit.
func u256(x *big.Int) calldata.U256 {
	u, err := calldata.U256FromBig(x)
	if err != nil {
		panic(err)
	}
	return u
}

// text is a constant short string.
func text(s string) chain.Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err)
	}
	return f
}
