package ledger

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
)

// world runs contracts without transactions, to test their rules.
type world struct {
	t      testing.TB
	state  *overlay
	block  blockInfo
	events []event // of the last call
	salt   uint64
}

func newWorld(t testing.TB) *world {
	return &world{t: t, state: newOverlay(view{newArchive(), 0}), block: blockInfo{Number: 1, Time: 1_800_000_000}}
}

func account(n uint64) address { return address{uintFelt(0xacc0000 + n)} }

// do runs f on the state, which keeps its changes if it did not revert, and returns the
// short string or text with which it reverted.
func (w *world) do(f func(r *run)) string {
	r := &run{classes: testClasses(), state: newOverlay(w.state), block: w.block, chainID: shortString("SN_TEST")}
	failure := r.protect(func() { f(r) })
	w.events = nil
	if failure == nil {
		w.state.merge(r.state.diff)
		w.events = r.events
		return ""
	}
	if failure.text != "" {
		return failure.text
	}
	text, err := felt.Text(failure.data[0])
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

func testClasses() map[Felt]*class {
	m := make(map[Felt]*class)
	for _, c := range twins {
		m[c.hash] = c
	}
	return m
}

// deploy deploys a contract, which must succeed.
func (w *world) deploy(c *class, args ...any) address {
	w.t.Helper()
	at, failure := w.tryDeploy(c, args...)
	if failure != "" {
		w.t.Fatalf("%s: %s", c.name, failure)
	}
	return at
}

func (w *world) tryDeploy(c *class, args ...any) (address, string) {
	w.salt++
	w.state.Declared[c.hash] = c.compiled
	at := uintFelt(0xc0000 + w.salt)
	return address{at}, w.do(func(r *run) { r.deploy(Felt{}, at, c.hash, felts(args...)) })
}

// call calls a function and returns how it failed, or "".
func (w *world) call(from, to address, function string, args ...any) string {
	return w.do(func(r *run) { r.call(from.Felt, to.Felt, keccak(function), felts(args...)) })
}

// look returns the result of a view.
func look[T any](w *world, at address, function string, args ...any) (out T) {
	w.t.Helper()
	failure := w.do(func(r *run) {
		data := calldata(r.call(Felt{}, at.Felt, keccak(function), felts(args...)))
		if !data.deserialize(reflect.ValueOf(&out).Elem()) || len(data) > 0 {
			w.t.Fatalf("%s returned no %T", function, out)
		}
	})
	if failure != "" {
		w.t.Fatalf("%s: %s", function, failure)
	}
	return out
}

type abiItem struct {
	Type, Name string
	Items      []abiItem
	Inputs     []struct{ Name, Type string }
	Outputs    []struct{ Type string }
	Members    []struct{ Name, Type string }
	Variants   []struct{ Name, Type string }
}

// TestABI compares every twin with the ABI of its Cairo contract: the names of the
// functions, and the types of their arguments and results, field by field.
func TestABI(t *testing.T) {
	for _, c := range twins {
		source, err := contracts.ByName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		var abi []abiItem
		if err := json.Unmarshal(source.ABI, &abi); err != nil {
			t.Fatal(err)
		}
		types := map[string]abiItem{}
		fns := map[string]abiItem{}
		for _, item := range abi {
			switch item.Type {
			case "struct", "enum":
				types[item.Name] = item
			case "function", "constructor":
				fns[item.Name] = item
			case "interface":
				for _, fn := range item.Items {
					fns[fn.Name] = fn
				}
			}
		}
		have := map[string]bool{}
		for name, item := range fns {
			fn := c.functions[keccak(name)]
			if name == "constructor" {
				fn = c.constructor
			}
			have[name] = true
			if fn.call == nil {
				t.Errorf("%s lacks %s", c.name, name)
				continue
			}
			if len(fn.in) != len(item.Inputs) {
				t.Errorf("%s.%s has %d arguments, want %d", c.name, name, len(fn.in), len(item.Inputs))
				continue
			}
			for i, in := range item.Inputs {
				if err := conforms(fn.in[i], in.Type, types); err != nil {
					t.Errorf("%s.%s: argument %s: %v", c.name, name, in.Name, err)
				}
			}
			out := make([]string, len(item.Outputs))
			for i := range out {
				out[i] = item.Outputs[i].Type
			}
			if len(out) == 1 && strings.HasPrefix(out[0], "(") {
				out = strings.Split(strings.Trim(out[0], "()"), ", ")
			}
			if len(out) != len(fn.out) {
				t.Errorf("%s.%s has %d results, want %v", c.name, name, len(fn.out), out)
				continue
			}
			for i := range out {
				if err := conforms(fn.out[i], out[i], types); err != nil {
					t.Errorf("%s.%s: result: %v", c.name, name, err)
				}
			}
		}
		for _, fn := range c.functions {
			if !have[fn.name] {
				t.Errorf("%s has %s, which is not in the ABI", c.name, fn.name)
			}
		}
	}
}

// conforms compares a Go type with a type of Cairo.
func conforms(t reflect.Type, cairo string, types map[string]abiItem) error {
	scalars := map[string]reflect.Type{
		"core::felt252": typeFelt, "core::starknet::contract_address::ContractAddress": typeAddress,
		"core::bool": reflect.TypeFor[bool](), "core::integer::u8": reflect.TypeFor[uint8](), "core::integer::u16": reflect.TypeFor[uint16](),
		"core::integer::u32": reflect.TypeFor[uint32](), "core::integer::u64": reflect.TypeFor[uint64](),
		"core::integer::u128": typeU128, "core::integer::u256": typeU256, "core::byte_array::ByteArray": reflect.TypeFor[string](),
	}
	if want, ok := scalars[cairo]; ok {
		if t != want {
			return fmt.Errorf("%v is not %s", t, cairo)
		}
		return nil
	}
	for _, list := range []string{"core::array::Span::<", "core::array::Array::<"} {
		if element, ok := strings.CutPrefix(cairo, list); ok {
			if t.Kind() != reflect.Slice {
				return fmt.Errorf("%v is not %s", t, cairo)
			}
			return conforms(t.Elem(), strings.TrimSuffix(element, ">"), types)
		}
	}
	if element, ok := strings.CutPrefix(cairo, "core::option::Option::<"); ok {
		if t.Kind() != reflect.Pointer {
			return fmt.Errorf("%v is not %s", t, cairo)
		}
		return conforms(t.Elem(), strings.TrimSuffix(element, ">"), types)
	}
	item, ok := types[cairo]
	if !ok {
		return fmt.Errorf("unknown type %s", cairo)
	}
	if item.Type == "enum" {
		if e, ok := reflect.Zero(t).Interface().(enum); ok && t.Kind() == reflect.Uint8 {
			if e.variants() != uint64(len(item.Variants)) {
				return fmt.Errorf("%v has %d variants, %s has %d", t, e.variants(), cairo, len(item.Variants))
			}
			return nil
		}
		if !t.Implements(typeVariant) {
			return fmt.Errorf("%v is not the enum %s", t, cairo)
		}
		return nil
	}
	if t.Kind() != reflect.Struct || t.NumField() != len(item.Members) {
		return fmt.Errorf("%v is not the struct %s", t, cairo)
	}
	for i, m := range item.Members {
		if got := strings.ToLower(t.Field(i).Name); got != strings.ReplaceAll(m.Name, "_", "") {
			return fmt.Errorf("field %s of %v, want %s", t.Field(i).Name, t, m.Name)
		}
		if err := conforms(t.Field(i).Type, m.Type, types); err != nil {
			return err
		}
	}
	return nil
}

// eventNames returns the names of the events of the last call that the tests know.
func (w *world) eventNames() []string {
	var names []string
	for _, e := range w.events {
		for _, n := range []string{"Transfer", "Approval", "Claimed", "Refilled", "Paused", "Unpaused", "OwnershipTransferred", "ActionScheduled", "ActionUnscheduled", "ActionExecuted"} {
			if e.Keys[0] == keccak(n) {
				names = append(names, n)
			}
		}
	}
	return names
}

func TestFaucetRules(t *testing.T) {
	w := newWorld(t)
	owner, user, other := account(1), account(2), account(3)
	sage := decimal("1000000000000000000")
	token := w.deploy(sageTokenClass, owner, num(10_000).mul(sage))
	faucet := w.deploy(faucetClass, owner, token, num(2_500).mul(sage))
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	want(w.call(user, faucet, "claim"), "FAUCET_EMPTY")
	want(w.call(owner, faucet, "refill", num(0)), "ZERO_AMOUNT")
	want(w.call(owner, faucet, "refill", num(5).mul(sage)), "INSUFFICIENT_ALLOWANCE")
	want(w.call(owner, token, "approve", faucet, num(5_000).mul(sage)), "")
	want(w.call(owner, faucet, "refill", num(5_000).mul(sage)), "")
	if got := w.eventNames(); !slices.Equal(got, []string{"Refilled", "Transfer"}) {
		t.Errorf("events %v", got)
	}
	want(w.call(user, faucet, "claim"), "")
	if got := w.eventNames(); !slices.Equal(got, []string{"Claimed", "Transfer"}) {
		t.Errorf("events %v", got)
	}
	want(w.call(user, faucet, "claim"), "CLAIM_TOO_SOON")
	want(w.call(other, faucet, "pause"), "UNAUTHORIZED")
	want(w.call(owner, faucet, "pause"), "")
	want(w.call(owner, faucet, "pause"), "PAUSED")
	w.block.Time += claimInterval
	want(w.call(user, faucet, "claim"), "PAUSED")
	want(w.call(owner, faucet, "unpause"), "")
	want(w.call(owner, faucet, "unpause"), "NOT_PAUSED")
	want(w.call(user, faucet, "claim"), "")
	want(w.call(other, faucet, "claim"), "CAP_REACHED")
	info := look[claimInfo](w, faucet, "claim_info", user)
	if info != (claimInfo{claimAmount, w.block.Time + claimInterval, num(500).mul(sage)}) {
		t.Errorf("%+v", info)
	}
	if got := look[u256](w, token, "balance_of", user); got != num(2_000).mul(sage) {
		t.Errorf("balance %v", got.big())
	}

	action := look[Felt](w, faucet, "ownership_action", other)
	want(w.call(other, faucet, "accept_ownership"), "ACTION_UNKNOWN")
	want(w.call(owner, faucet, "schedule", action), "")
	want(w.call(owner, faucet, "schedule", action), "ACTION_SCHEDULED")
	want(w.call(other, faucet, "accept_ownership"), "ACTION_NOT_READY")
	w.block.Time += actionDelay
	w.block.Time += actionGrace + 1
	want(w.call(other, faucet, "accept_ownership"), "ACTION_STALE")
	w.block.Time--
	want(w.call(other, faucet, "accept_ownership"), "")
	if got := look[address](w, faucet, "owner"); got != other {
		t.Errorf("owner %v", got.Felt)
	}
	if got := w.call(owner, faucet, "no_such"); got != "ENTRYPOINT_NOT_FOUND" {
		t.Error(got)
	}
	if got := w.do(func(r *run) { r.call(Felt{}, token.Felt, keccak("balance_of"), nil) }); got != "Failed to deserialize param #1" {
		t.Error(got)
	}
	if got := w.call(owner, token, "name", num(1)); got != "Input too long for arguments" {
		t.Error(got)
	}
}
