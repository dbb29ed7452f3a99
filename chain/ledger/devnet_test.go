//go:build devnet

package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/wallet"
)

// side is one of two chains that are to answer the same.
type side struct {
	t        *testing.T
	c        *chain.Client
	http     http.RoundTripper
	url      string
	bank     *chain.Account
	keys     []*wallet.Account
	accounts []*chain.Account
	log      []answer
}

// answer is what a side answered in one step.
type answer struct {
	step string
	body any
}

// ask makes a request and notes the answer under a name, without what may differ.
func (s *side) ask(step, method string, params any) {
	s.t.Helper()
	body := encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	s.note(step, s.post(body))
}

func (s *side) post(body []byte) []byte {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.http.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return data
}

func (s *side) note(step string, data []byte) {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		s.t.Fatalf("%s: %v: %.300s", step, err, data)
	}
	s.log = append(s.log, answer{step, normal(v)})
}

// fails notes with which error of the RPC something failed.
func (s *side) fails(step string, err error) {
	s.t.Helper()
	var e *chain.RPCError
	if !errors.As(err, &e) {
		s.t.Errorf("%s: %v", step, err)
		return
	}
	s.note(step, encode(map[string]any{"code": int(e.Code), "message": specified(e.Message), "data": e.Data}))
}

// run executes calls, waits and notes the receipt.
func (s *side) run(step string, a *chain.Account, calls ...chain.Call) {
	s.t.Helper()
	hash, err := a.Execute(s.t.Context(), calls...)
	if err != nil {
		s.t.Fatalf("%s: %v", step, err)
	}
	s.included(step, a, hash)
}

func (s *side) included(step string, a *chain.Account, hash felt.Felt) {
	s.t.Helper()
	var revert *chain.RevertError
	if _, err := a.Wait(s.t.Context(), hash); err != nil && !errors.As(err, &revert) {
		s.t.Fatalf("%s: %v", step, err)
	}
	byHash := map[string]any{"transaction_hash": hash.String()}
	s.ask(step+": receipt", "starknet_getTransactionReceipt", byHash)
	s.ask(step+": transaction", "starknet_getTransactionByHash", byHash)
	s.ask(step+": status", "starknet_getTransactionStatus", byHash)
	s.ask(step+": state", "starknet_getStateUpdate", map[string]any{"block_id": "latest"})
}

// specified returns the text of the specification for one that starknet-devnet 0.10.1
// writes in another way. Clients compare texts, so the ledger has the specification's.
func specified(message string) string {
	if rest, ok := strings.CutPrefix(message, "the compiled class hash did not match"); ok {
		return "The compiled class hash did not match" + rest
	}
	return message
}

// volatile are members whose values differ: what depends on time, gas and signatures.
var volatile = []string{"transaction_hash", "block_hash", "parent_hash", "timestamp", "signature", "amount", "l1_gas", "l2_gas", "l1_data_gas",
	"max_amount", "max_price_per_unit", "l1_gas_consumed", "l2_gas_consumed", "l1_data_gas_consumed", "overall_fee", "starknet_version"}

// later are members that a later version of the RPC than the ledger's has.
var later = []string{"transaction_index", "event_index", "state_diff_commitment", "state_diff_length", "transaction_commitment", "event_commitment",
	"transaction_count", "event_count", "receipt_commitment"}

var (
	traceback = regexp.MustCompile(`Error at pc=0:\d+:\nCairo traceback \(most recent call last\):\n(Unknown location \(pc=0:\d+\)\n)*\n`)
	paniclist = regexp.MustCompile(`\n \["0x[0-9a-f]+"\]$`)
)

// normal removes what may differ.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			switch {
			case slices.Contains(later, k), k == "failure_reason" && x == nil:
				delete(v, k)
			case slices.Contains(volatile, k):
				if _, ok := x.(map[string]any); !ok {
					v[k] = fmt.Sprintf("%T", x)
					continue
				}
				v[k] = normal(x)
			default:
				v[k] = normal(x)
			}
		}
		strk := chain.STRK().String()
		if v["from_address"] == strk && len(v["keys"].([]any)) == 3 && v["keys"].([]any)[2] == sequencer().String() {
			v["data"] = "a fee"
		}
		if keys, ok := v["keys"].([]any); ok && len(keys) == 2 && keys[0] == chain.Selector("TransactionExecuted").String() {
			keys[1] = "a hash"
		}
		if v["address"] == strk {
			for _, e := range v["storage_entries"].([]any) {
				e.(map[string]any)["value"] = "a balance"
			}
		}
		return v
	case []any:
		out := []any{}
		for _, x := range v {
			// Starknet writes the hash of an old block into a contract at 1.
			if m, ok := x.(map[string]any); ok && m["address"] == "0x1" {
				continue
			}
			out = append(out, normal(x))
		}
		if len(out) > 0 {
			if m, ok := out[0].(map[string]any); ok && (m["key"] != nil || m["address"] != nil || m["contract_address"] != nil) {
				slices.SortFunc(out, func(a, b any) int { return bytes.Compare(encode(a), encode(b)) })
			}
		}
		return out
	case string:
		var seconds int64
		if n, _ := fmt.Sscanf(v, "%v", &seconds); n == 1 && time.Until(time.Unix(seconds, 0).Add(-24*time.Hour)).Abs() < 10*time.Minute {
			return "a day later"
		}
		return paniclist.ReplaceAllString(traceback.ReplaceAllString(v, ""), "\n")
	}
	return v
}

// TestDevnetAgrees drives a ledger and a real devnet with the same transactions and
// compares what they answer: events, state, slots, errors, reasons of reverts.
func TestDevnetAgrees(t *testing.T) {
	d := devnet.Test(t, devnet.Options{Args: []string{"--state-archive-capacity", "full", "--predeclare-argent"}})
	dc, err := chain.Dial(t.Context(), d.URL(), chain.Options{Poll: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer dc.Close()
	rich, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	id, err := dc.ChainID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := open(t, Options{ChainID: id, Accounts: seeded(t, 1)})
	keys, err := SeedAccounts("devnet", 3)
	if err != nil {
		t.Fatal(err)
	}
	real := &side{t: t, c: dc, http: http.DefaultTransport, url: d.URL(), keys: keys,
		bank: chain.NewAccount(dc, rich[0].Address, rich[0].Key, chain.FeePolicy{})}
	twin := &side{t: t, c: n.c, http: direct{n.Ledger}, url: "http://ledger", keys: keys, bank: n.account(0)}
	for _, s := range []*side{real, twin} {
		for _, k := range keys {
			s.accounts = append(s.accounts, chain.NewAccount(s.c, k.Address(), k, chain.FeePolicy{}))
		}
		scenario(s)
	}
	if len(real.log) != len(twin.log) {
		t.Fatalf("%d answers, want %d", len(twin.log), len(real.log))
	}
	for i, want := range real.log {
		got := twin.log[i]
		if got.step != want.step {
			t.Fatalf("step %q, want %q", got.step, want.step)
		}
		compare(t, want.step, "", got.body, want.body)
	}
	t.Logf("%d answers compared", len(real.log))
}

// compare reports where two answers differ.
func compare(t *testing.T, step, path string, got, want any) {
	t.Helper()
	g, isMap := got.(map[string]any)
	w, both := want.(map[string]any)
	if isMap && both {
		for k := range g {
			if _, ok := w[k]; !ok {
				t.Errorf("%s: %s.%s is only here: %s", step, path, k, encode(g[k]))
			}
		}
		for k := range w {
			compare(t, step, path+"."+k, g[k], w[k])
		}
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: %s\n have %s\n want %s", step, path, encode(got), encode(want))
	}
}

// scenario is what both sides are asked.
func scenario(s *side) {
	t := s.t
	ctx := t.Context()
	price := big.NewInt(2 * gasPrice)
	bounds := chain.Bounds{L1Gas: chain.Resource{Price: price}, L2Gas: chain.Resource{Amount: 1_000_000_000, Price: price}, L1DataGas: chain.Resource{Amount: 1 << 16, Price: price}}
	fixed := func(a *chain.Account) *chain.Account { return a.WithFees(chain.FeePolicy{Fixed: &bounds}) }
	a, b := s.accounts[0], s.accounts[1]
	hundred := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)

	undeployed := &chain.InvokeTx{Envelope: chain.Envelope{Bounds: bounds}, From: a.Address()}
	s.add("an account that is not there", undeployed, s.keys[0])
	for i, acc := range s.accounts[:2] {
		dep, err := chain.AccountDeployment(s.keys[i])
		if err != nil {
			t.Fatal(err)
		}
		_, err = fixed(acc).DeployAccount(ctx, dep)
		s.fails("deploy without money", err)
		if _, err := s.bank.Execute(ctx, pay(t, chain.STRK(), acc.Address(), hundred)); err != nil {
			t.Fatal(err)
		}
		hash, err := acc.DeployAccount(ctx, dep)
		if err != nil {
			t.Fatal(err)
		}
		s.included("deploy account", acc, hash)
		_, err = acc.DeployAccount(ctx, dep)
		s.fails("deploy account again", err)
		_, err = fixed(acc).DeployAccount(ctx, dep)
		s.fails("deploy account again without estimate", err)
	}
	argent, err := wallet.NewAccount(s.keys[2].Key(), wallet.ClassArgent)
	if err != nil {
		t.Fatal(err)
	}
	dep, err := chain.AccountDeployment(argent)
	if err != nil {
		t.Fatal(err)
	}
	ready := chain.NewAccount(s.c, argent.Address(), argent, chain.FeePolicy{})
	if _, err := s.bank.Execute(ctx, pay(t, chain.STRK(), argent.Address(), hundred)); err != nil {
		t.Fatal(err)
	}
	hash, err := ready.DeployAccount(ctx, dep)
	if err != nil {
		t.Fatal(err)
	}
	s.included("deploy Argent's account", ready, hash)
	s.run("transfer by Argent's account", ready, pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1)))
	s.run("reverts by Argent's account", fixed(ready), pay(t, chain.STRK(), felt.Felt{}, big.NewInt(1)), pay(t, chain.STRK(), felt.Felt{}, big.NewInt(1)))
	thief := chain.NewAccount(s.c, argent.Address(), s.keys[0], chain.FeePolicy{})
	_, err = fixed(thief).Execute(ctx, pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1)))
	s.fails("another's key for Argent's account", err)
	unknown := chain.Deployment{Class: chain.Uint(77), Salt: chain.Uint(1)}
	s.add("deploy an account of no class", &chain.DeployAccountTx{Envelope: chain.Envelope{Bounds: bounds}, Deployment: unknown}, s.keys[0])

	s.run("transfer", a, pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1000)))
	s.run("transfers", a, pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1)), pay(t, chain.STRK(), b.Address(), big.NewInt(2)))
	s.run("no calls", a)
	allowance := new(calldata.Encoder).Felt(b.Address()).U256(u256(big.NewInt(10))).Felts()
	s.run("approve STRK", a, chain.Call{To: chain.STRK(), Selector: chain.Selector("approve"), Calldata: allowance})
	from := func(n int64) chain.Call {
		return chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer_from"), Calldata: new(calldata.Encoder).Felt(a.Address()).Felt(chain.Uint(5)).U256(u256(big.NewInt(n))).Felts()}
	}
	s.run("transfer STRK from", b, from(4))
	s.run("transfer STRK from, too much", fixed(b), from(7))
	for _, to := range []struct {
		name string
		call chain.Call
	}{
		{"transfer STRK to zero", pay(t, chain.STRK(), felt.Felt{}, big.NewInt(1))},
		{"approve STRK to zero", chain.Call{To: chain.STRK(), Selector: chain.Selector("approve"), Calldata: make([]felt.Felt, 3)}},
		{"too much STRK", pay(t, chain.STRK(), chain.Uint(1), new(big.Int).Lsh(big.NewInt(1), 200))},
	} {
		_, err := a.Execute(ctx, to.call)
		s.fails(to.name+": estimate", err)
		s.run(to.name, fixed(a), to.call)
	}
	for _, view := range []string{"name", "symbol", "decimals"} {
		s.ask("STRK "+view, "starknet_call", []any{map[string]any{"contract_address": hexFelt(chain.STRK()), "entry_point_selector": hexFelt(chain.Selector(view)), "calldata": []string{}}, "latest"})
	}

	classes := map[string]felt.Felt{}
	for _, name := range []string{"SageToken", "Faucet"} {
		source, err := contracts.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		class, err := chain.ParseClass(source.Sierra)
		if err != nil {
			t.Fatal(err)
		}
		_, err = fixed(a).Declare(ctx, class, chain.Uint(1))
		s.fails("wrong compiled class hash of "+name, err)
		out, err := a.Declare(ctx, class, felt.MustParse(source.CompiledClassHash))
		if err != nil {
			t.Fatal(err)
		}
		s.included("declare "+name, a, out.Tx)
		classes[name] = out.Class
		nonce, err := s.c.Nonce(ctx, a.Address(), chain.AtPreConfirmed())
		if err != nil {
			t.Fatal(err)
		}
		s.add("declare again", &chain.DeclareTx{Envelope: chain.Envelope{Nonce: nonce, Bounds: bounds}, From: a.Address(), Class: class, Compiled: felt.MustParse(source.CompiledClassHash)}, s.keys[0])
	}

	udc := func(class, salt felt.Felt, unique bool, args ...felt.Felt) chain.Call {
		return chain.Call{To: chain.Deployer(), Selector: chain.Selector("deployContract"), Calldata: new(calldata.Encoder).Felt(class).Felt(salt).Bool(unique).Array(args).Felts()}
	}
	args := new(calldata.Encoder).Felt(a.Address()).U256(u256(supply)).Felts()
	sage := chain.Deployment{Class: classes["SageToken"], Salt: chain.Uint(1), Calldata: args}.Address()
	s.run("deploy SageToken", a, udc(classes["SageToken"], chain.Uint(1), false, args...))
	s.run("deploy SageToken again", fixed(a), udc(classes["SageToken"], chain.Uint(1), false, args...))
	s.run("deploy SageToken unique", a, udc(classes["SageToken"], chain.Uint(1), true, args...))
	s.run("deploy no class", fixed(a), udc(chain.Uint(77), chain.Uint(1), true))
	s.run("deploy with zero", fixed(a), udc(classes["SageToken"], chain.Uint(2), false, make([]felt.Felt, 3)...))
	_, err = a.Execute(ctx, udc(classes["SageToken"], chain.Uint(1), false, args...))
	s.fails("deploy SageToken again: estimate", err)
	faucetArgs := new(calldata.Encoder).Felt(a.Address()).Felt(sage).U256(u256(twoClaims)).Felts()
	faucet := chain.Deployment{Class: classes["Faucet"], Salt: chain.Uint(1), Calldata: faucetArgs}.Address()
	s.run("deploy Faucet", a, udc(classes["Faucet"], chain.Uint(1), false, faucetArgs...))

	big256 := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	call := func(to felt.Felt, function string, args *calldata.Encoder) chain.Call {
		return chain.Call{To: to, Selector: chain.Selector(function), Calldata: args.Felts()}
	}
	none := func() *calldata.Encoder { return new(calldata.Encoder) }
	half := new(big.Int).Rsh(supply, 1)
	for _, step := range []struct {
		name string
		from *chain.Account
		call chain.Call
	}{
		{"claim from the empty faucet", b, claim(faucet)},
		{"refill without allowance", a, call(faucet, "refill", none().U256(u256(half)))},
		{"refill nothing", a, call(faucet, "refill", none().U256(u256(new(big.Int))))},
		{"approve", a, call(sage, "approve", none().Felt(faucet).U256(u256(half)))},
		{"approve to zero", a, call(sage, "approve", none().Felt(felt.Felt{}).U256(u256(half)))},
		{"refill", a, call(faucet, "refill", none().U256(u256(half)))},
		{"refill more", a, call(faucet, "refill", none().U256(u256(half)))},
		{"claim", b, claim(faucet)},
		{"claim too soon", b, claim(faucet)},
		{"pause by another", b, call(faucet, "pause", none())},
		{"pause", a, call(faucet, "pause", none())},
		{"pause again", a, call(faucet, "pause", none())},
		{"claim when paused", b, claim(faucet)},
		{"unpause", a, call(faucet, "unpause", none())},
		{"claim by another", a, claim(faucet)},
		{"claim above the cap", s.bank, claim(faucet)},
		{"schedule", a, call(faucet, "schedule", none().Felt(chain.Uint(9)))},
		{"schedule again", a, call(faucet, "schedule", none().Felt(chain.Uint(9)))},
		{"unschedule", a, call(faucet, "unschedule", none().Felt(chain.Uint(9)))},
		{"unschedule again", a, call(faucet, "unschedule", none().Felt(chain.Uint(9)))},
		{"accept ownership", b, call(faucet, "accept_ownership", none())},
		{"transfer SAGE", a, pay(t, sage, b.Address(), big.NewInt(77))},
		{"transfer SAGE to oneself", a, pay(t, sage, a.Address(), big.NewInt(77))},
		{"transfer SAGE to zero", a, pay(t, sage, felt.Felt{}, big.NewInt(77))},
		{"transfer too much SAGE", b, pay(t, sage, a.Address(), supply)},
		{"burn", a, call(sage, "burn", none().U256(u256(big.NewInt(12345))))},
		{"burn too much", a, call(sage, "burn", none().U256(u256(big256)))},
		{"approve all", a, call(sage, "approve", none().Felt(b.Address()).U256(u256(big256)))},
		{"transfer SAGE from", b, call(sage, "transfer_from", none().Felt(a.Address()).Felt(chain.Uint(3)).U256(u256(big.NewInt(5))))},
		{"transfer SAGE from without allowance", b, call(sage, "transfer_from", none().Felt(chain.Uint(3)).Felt(chain.Uint(4)).U256(u256(big.NewInt(5))))},
		{"no contract", a, chain.Call{To: chain.Uint(1234), Selector: chain.Selector("claim")}},
		{"no function", a, claim(sage)},
		{"no arguments", a, chain.Call{To: sage, Selector: chain.Selector("transfer")}},
		{"too many arguments", a, call(sage, "transfer", none().Felt(chain.Uint(4)).U256(u256(supply)).Felt(chain.Uint(4)))},
		{"an argument out of range", a, chain.Call{To: sage, Selector: chain.Selector("transfer"), Calldata: []felt.Felt{chain.Uint(4), felt.MustParse("0x100000000000000000000000000000000"), {}}}},
		{"an address out of range", a, chain.Call{To: sage, Selector: chain.Selector("transfer"), Calldata: []felt.Felt{felt.MustParse("0x800000000000000000000000000000000000000000000000000000000000000"), {}, {}}}},
	} {
		if step.from == s.bank { // its address is not that of the other side
			_, err := step.from.Execute(ctx, step.call)
			var e *chain.RPCError
			if !errors.As(err, &e) || !strings.Contains(string(e.Data), "CAP_REACHED") {
				t.Errorf("%s: %v", step.name, err)
			}
			continue
		}
		s.run(step.name, fixed(step.from), step.call)
	}

	view := func(name string, to felt.Felt, function string, args ...felt.Felt) {
		s.ask(name, "starknet_call", []any{map[string]any{"contract_address": hexFelt(to), "entry_point_selector": hexFelt(chain.Selector(function)), "calldata": hexFelts(args)}, "latest"})
	}
	view("view", sage, "balance_of", a.Address())
	view("view name", sage, "name")
	view("view supply", sage, "total_supply")
	view("view owner", faucet, "owner")
	view("view action", faucet, "ownership_action", a.Address())
	view("view without argument", sage, "balance_of")
	view("view of no contract", chain.Uint(99), "balance_of")
	view("view of no function", sage, "claim")
	at := func(contract, key felt.Felt) {
		s.ask("slot "+key.String(), "starknet_getStorageAt", map[string]any{"contract_address": hexFelt(contract), "key": hexFelt(key), "block_id": "latest"})
	}
	for _, c := range []felt.Felt{a.Address(), b.Address(), chain.Uint(3), faucet} {
		at(sage, cairo.NewMapping[cairo.Address, cairo.U256](nil, "balances").At(cairo.Address{Felt: c}))
	}
	for _, name := range []string{"total_supply", "nothing"} {
		at(sage, chain.Selector(name))
	}
	for _, name := range []string{"Ownable_owner", "Pausable_paused", "cap", "given", "token"} {
		at(faucet, chain.Selector(name))
	}
	at(chain.Uint(99), chain.Uint(1))
	s.ask("nonce", "starknet_getNonce", []any{"latest", hexFelt(a.Address())})
	s.ask("nonce of no contract", "starknet_getNonce", []any{"latest", "0x99"})
	s.ask("class hash", "starknet_getClassHashAt", []any{"latest", hexFelt(sage)})
	s.ask("no class", "starknet_getClass", []any{"latest", "0x99"})
	s.ask("block", "starknet_getBlockWithTxs", map[string]any{"block_id": "latest"})
	s.ask("block of hashes", "starknet_getBlockWithTxHashes", map[string]any{"block_id": "latest"})
	s.ask("block of receipts", "starknet_getBlockWithReceipts", map[string]any{"block_id": map[string]any{"block_number": 20}})
	s.ask("pre-confirmed block", "starknet_getBlockWithTxHashes", map[string]any{"block_id": "pre_confirmed"})
	s.ask("pre-confirmed state", "starknet_getStateUpdate", map[string]any{"block_id": "pre_confirmed"})
	s.ask("no block", "starknet_getBlockWithTxs", map[string]any{"block_id": map[string]any{"block_number": 9999}})
	s.ask("no transaction", "starknet_getTransactionByHash", map[string]any{"transaction_hash": "0x99"})
	s.ask("no receipt", "starknet_getTransactionReceipt", []any{"0x99"})
	s.ask("no index", "starknet_getTransactionByBlockIdAndIndex", map[string]any{"block_id": "latest", "index": 7})
	s.ask("index", "starknet_getTransactionByBlockIdAndIndex", map[string]any{"block_id": "latest", "index": 0})
	s.ask("count", "starknet_getBlockTransactionCount", []any{"latest"})
	s.ask("height", "starknet_blockNumber", []any{})
	s.ask("head", "starknet_blockHashAndNumber", []any{})
	s.ask("chain", "starknet_chainId", []any{})
	s.ask("syncing", "starknet_syncing", []any{})
	s.ask("no method", "starknet_foo", []any{})
	s.ask("no parameters", "starknet_getNonce", map[string]any{})
	s.ask("all events", "starknet_getEvents", map[string]any{"filter": map[string]any{"chunk_size": 1000, "address": hexFelt(sage), "from_block": map[string]any{"block_number": 0}}})
	s.ask("some events", "starknet_getEvents", map[string]any{"filter": map[string]any{"chunk_size": 1000, "address": hexFelt(sage), "keys": []any{[]any{}, []any{hexFelt(a.Address())}}}})
	s.ask("bad token", "starknet_getEvents", map[string]any{"filter": map[string]any{"chunk_size": 1, "continuation_token": "abc"}})
	s.ask("events of no block", "starknet_getEvents", map[string]any{"filter": map[string]any{"chunk_size": 1, "from_block": map[string]any{"block_number": 9999}}})

	for _, c := range []struct {
		name   string
		change func(*chain.InvokeTx)
	}{
		{"old nonce", func(tx *chain.InvokeTx) { tx.Nonce = 0 }},
		{"future nonce", func(tx *chain.InvokeTx) { tx.Nonce += 5 }},
		{"no bounds", func(tx *chain.InvokeTx) { tx.Bounds = chain.Bounds{} }},
		{"low price", func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Price = big.NewInt(1) }},
		{"low amount", func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Amount = 1000 }},
		{"no price of L1 gas", func(tx *chain.InvokeTx) { tx.Bounds.L1Gas.Price = nil }},
		{"no L1 data gas", func(tx *chain.InvokeTx) { tx.Bounds.L1DataGas = chain.Resource{} }},
		{"too poor", func(tx *chain.InvokeTx) { tx.Bounds.L2Gas.Price = new(big.Int).Lsh(big.NewInt(1), 100) }},
		{"short signature", func(tx *chain.InvokeTx) { tx.Signature = []felt.Felt{chain.Uint(1)} }},
		{"long signature", func(tx *chain.InvokeTx) { tx.Signature = make([]felt.Felt, 3) }},
		{"wrong signature", func(tx *chain.InvokeTx) { tx.Signature = []felt.Felt{chain.Uint(1), chain.Uint(1)} }},
		{"no multicall", func(tx *chain.InvokeTx) { tx.Calldata = []felt.Felt{chain.Uint(3)} }},
	} {
		nonce, err := s.c.Nonce(ctx, a.Address(), chain.AtPreConfirmed())
		if err != nil {
			t.Fatal(err)
		}
		calldata, err := chain.Multicall(pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1)))
		if err != nil {
			t.Fatal(err)
		}
		tx := &chain.InvokeTx{Envelope: chain.Envelope{Nonce: nonce, Bounds: bounds}, From: a.Address(), Calldata: calldata}
		c.change(tx)
		s.add(c.name, tx, s.keys[0])
		tx.Query, tx.Signature = true, nil
		if c.name == "old nonce" || c.name == "future nonce" {
			s.sign(tx, s.keys[0])
			s.ask(c.name+": estimate", "starknet_estimateFee", map[string]any{"request": []any{tx}, "simulation_flags": []any{}, "block_id": "latest"})
		}
	}
	other := chain.NewAccount(s.c, a.Address(), s.keys[1], chain.FeePolicy{})
	_, err = other.Execute(ctx, claim(faucet))
	s.fails("another's key: estimate", err)
	_, err = fixed(other).Execute(ctx, claim(faucet))
	s.fails("another's key", err)
}

func (s *side) sign(tx chain.Transaction, key *wallet.Account) {
	id, err := s.c.ChainID(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := chain.SignTransaction(s.t.Context(), tx, cairo.ShortString(id), key); err != nil {
		s.t.Fatal(err)
	}
}

// add sends a transaction by hand and notes the answer.
func (s *side) add(step string, tx chain.Transaction, key *wallet.Account) {
	s.t.Helper()
	if len(envelope(tx).Signature) == 0 {
		s.sign(tx, key)
	}
	method, param := "starknet_addInvokeTransaction", "invoke_transaction"
	switch tx.(type) {
	case *chain.DeclareTx:
		method, param = "starknet_addDeclareTransaction", "declare_transaction"
	case *chain.DeployAccountTx:
		method, param = "starknet_addDeployAccountTransaction", "deploy_account_transaction"
	}
	s.ask(step, method, map[string]any{param: tx})
}
