package twin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo/cairotest"
	"github.com/bitsage/bitsage/contracts"
	errorcodes "github.com/bitsage/bitsage/internal/cairo"
)

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
	for _, c := range Contracts() {
		source, err := contracts.ByName(c.Name)
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
			fn := c.Functions[cairo.Selector(name)]
			if name == "constructor" {
				fn = c.Constructor
			}
			have[name] = true
			if fn.Call == nil {
				t.Errorf("%s lacks %s", c.Name, name)
				continue
			}
			if len(fn.In) != len(item.Inputs) {
				t.Errorf("%s.%s has %d arguments, want %d", c.Name, name, len(fn.In), len(item.Inputs))
				continue
			}
			for i, in := range item.Inputs {
				if err := conforms(fn.In[i], in.Type, types); err != nil {
					t.Errorf("%s.%s: argument %s: %v", c.Name, name, in.Name, err)
				}
			}
			out := make([]string, len(item.Outputs))
			for i := range out {
				out[i] = item.Outputs[i].Type
			}
			if len(out) == 1 && strings.HasPrefix(out[0], "(") {
				out = strings.Split(strings.Trim(out[0], "()"), ", ")
			}
			if len(out) != len(fn.Out) {
				t.Errorf("%s.%s has %d results, want %v", c.Name, name, len(fn.Out), out)
				continue
			}
			for i := range out {
				if err := conforms(fn.Out[i], out[i], types); err != nil {
					t.Errorf("%s.%s: result: %v", c.Name, name, err)
				}
			}
		}
		for _, fn := range c.Functions {
			if !have[fn.Name] {
				t.Errorf("%s has %s, which is not in the ABI", c.Name, fn.Name)
			}
		}
	}
}

// conforms compares a Go type with a type of Cairo.
func conforms(t reflect.Type, source string, types map[string]abiItem) error {
	scalars := map[string]reflect.Type{
		"core::felt252": reflect.TypeFor[felt.Felt](), "core::starknet::contract_address::ContractAddress": reflect.TypeFor[cairo.Address](),
		"core::bool": reflect.TypeFor[bool](), "core::integer::u8": reflect.TypeFor[uint8](), "core::integer::u16": reflect.TypeFor[uint16](),
		"core::integer::u32": reflect.TypeFor[uint32](), "core::integer::u64": reflect.TypeFor[uint64](),
		"core::integer::u128": reflect.TypeFor[cairo.U128](), "core::integer::u256": reflect.TypeFor[cairo.U256](), "core::byte_array::ByteArray": reflect.TypeFor[string](),
	}
	if want, ok := scalars[source]; ok {
		if t != want {
			return fmt.Errorf("%v is not %s", t, source)
		}
		return nil
	}
	for _, list := range []string{"core::array::Span::<", "core::array::Array::<"} {
		if element, ok := strings.CutPrefix(source, list); ok {
			if t.Kind() != reflect.Slice {
				return fmt.Errorf("%v is not %s", t, source)
			}
			return conforms(t.Elem(), strings.TrimSuffix(element, ">"), types)
		}
	}
	if element, ok := strings.CutPrefix(source, "core::option::Option::<"); ok {
		if t.Kind() != reflect.Pointer {
			return fmt.Errorf("%v is not %s", t, source)
		}
		return conforms(t.Elem(), strings.TrimSuffix(element, ">"), types)
	}
	item, ok := types[source]
	if !ok {
		return fmt.Errorf("unknown type %s", source)
	}
	if item.Type == "enum" {
		if e, ok := reflect.Zero(t).Interface().(cairo.Enum); ok && t.Kind() == reflect.Uint8 {
			if e.Variants() != uint64(len(item.Variants)) {
				return fmt.Errorf("%v has %d variants, %s has %d", t, e.Variants(), source, len(item.Variants))
			}
			return nil
		}
		if !t.Implements(reflect.TypeFor[cairo.Variant]()) {
			return fmt.Errorf("%v is not the enum %s", t, source)
		}
		return nil
	}
	if t.Kind() != reflect.Struct || t.NumField() != len(item.Members) {
		return fmt.Errorf("%v is not the struct %s", t, source)
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
func eventNames(w *cairotest.World) []string {
	var names []string
	for _, e := range w.Events {
		for _, n := range []string{"Transfer", "Approval", "Claimed", "Refilled", "Paused", "Unpaused", "OwnershipTransferred", "ActionScheduled", "ActionUnscheduled", "ActionExecuted"} {
			if e.Keys[0] == cairo.Selector(n) {
				names = append(names, n)
			}
		}
	}
	return names
}

func TestFaucetRules(t *testing.T) {
	w := cairotest.New(t)
	owner, user, other := cairotest.Account(1), cairotest.Account(2), cairotest.Account(3)
	sage := cairo.U256FromDecimal("1000000000000000000")
	token := w.Deploy(sageTokenClass(), owner, cairo.U256Of(10_000).Mul(sage))
	faucet := w.Deploy(faucetClass(), owner, token, cairo.U256Of(2_500).Mul(sage))
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	want(w.Call(user, faucet, "claim"), "FAUCET_EMPTY")
	want(w.Call(owner, faucet, "refill", cairo.U256Of(0)), "ZERO_AMOUNT")
	want(w.Call(owner, faucet, "refill", cairo.U256Of(5).Mul(sage)), "INSUFFICIENT_ALLOWANCE")
	want(w.Call(owner, token, "approve", faucet, cairo.U256Of(5_000).Mul(sage)), "")
	want(w.Call(owner, faucet, "refill", cairo.U256Of(5_000).Mul(sage)), "")
	if got := eventNames(w); !slices.Equal(got, []string{"Refilled", "Transfer"}) {
		t.Errorf("events %v", got)
	}
	want(w.Call(user, faucet, "claim"), "")
	if got := eventNames(w); !slices.Equal(got, []string{"Claimed", "Transfer"}) {
		t.Errorf("events %v", got)
	}
	want(w.Call(user, faucet, "claim"), "CLAIM_TOO_SOON")
	want(w.Call(other, faucet, "pause"), "UNAUTHORIZED")
	want(w.Call(owner, faucet, "pause"), "")
	want(w.Call(owner, faucet, "pause"), "PAUSED")
	w.Block.Time += claimInterval
	want(w.Call(user, faucet, "claim"), "PAUSED")
	want(w.Call(owner, faucet, "unpause"), "")
	want(w.Call(owner, faucet, "unpause"), "NOT_PAUSED")
	want(w.Call(user, faucet, "claim"), "")
	want(w.Call(other, faucet, "claim"), "CAP_REACHED")
	info := cairotest.Look[claimInfo](w, faucet, "claim_info", user)
	if info != (claimInfo{claimAmount(), w.Block.Time + claimInterval, cairo.U256Of(500).Mul(sage)}) {
		t.Errorf("%+v", info)
	}
	if got := cairotest.Look[cairo.U256](w, token, "balance_of", user); got != cairo.U256Of(2_000).Mul(sage) {
		t.Errorf("balance %v", got.Big())
	}

	action := cairotest.Look[felt.Felt](w, faucet, "ownership_action", other)
	want(w.Call(other, faucet, "accept_ownership"), "ACTION_UNKNOWN")
	want(w.Call(owner, faucet, "schedule", action), "")
	want(w.Call(owner, faucet, "schedule", action), "ACTION_SCHEDULED")
	want(w.Call(other, faucet, "accept_ownership"), "ACTION_NOT_READY")
	w.Block.Time += actionDelay
	w.Block.Time += actionGrace + 1
	want(w.Call(other, faucet, "accept_ownership"), "ACTION_STALE")
	w.Block.Time--
	want(w.Call(other, faucet, "accept_ownership"), "")
	if got := cairotest.Look[cairo.Address](w, faucet, "owner"); got != other {
		t.Errorf("owner %v", got.Felt.String())
	}
	if got := w.Call(owner, faucet, "no_such"); got != "ENTRYPOINT_NOT_FOUND" {
		t.Error(got)
	}
	if got := w.Do(func(r *cairo.Run) { r.Call(felt.Felt{}, token.Felt, cairo.Selector("balance_of"), nil) }); got != "Failed to deserialize param #1" {
		t.Error(got)
	}
	if got := w.Call(owner, token, "name", cairo.U256Of(1)); got != "Input too long for arguments" {
		t.Error(got)
	}
}

// TestErrorCodes checks that every code that a twin reverts with is one of the contracts',
// and that every text is a short string.
func TestErrorCodes(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(gotoken.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if !ok || len(c.Args) != 2 {
				return true
			}
			fn, ok := c.Fun.(*ast.SelectorExpr)
			text, isText := c.Args[1].(*ast.BasicLit)
			if !ok || !isText || fn.Sel.Name != "Assert" && fn.Sel.Name != "Require" {
				return true
			}
			code, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := felt.ShortString(code); err != nil {
				t.Errorf("%s: %q: %v", f.Name(), code, err)
			}
			if _, known := errorcodes.ErrorByCode(code); fn.Sel.Name == "Assert" && !known {
				t.Errorf("%s: %q is no error of the contracts", f.Name(), code)
			}
			count++
			return true
		})
	}
	if count < 50 {
		t.Errorf("only %d codes were found", count)
	}
}

// FuzzCalldata calls functions of contracts, with types of all kinds, with any calldata.
func FuzzCalldata(f *testing.F) {
	f.Add([]byte{1, 2, 3}, uint8(0))
	f.Add(bytes.Repeat([]byte{255}, 200), uint8(40))
	var fns []cairo.Function
	for _, c := range append(append([]*cairo.Class{}, Contracts()...), Natives()...) {
		for _, selector := range slices.SortedFunc(maps.Keys(c.Functions), felt.Felt.Cmp) {
			fns = append(fns, c.Functions[selector])
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, which uint8) {
		var args []felt.Felt
		for ; len(data) > 1; data = data[2:] { // small felts are lengths and indices
			x := cairo.Uint(uint64(data[0]))
			if data[1] > 200 {
				x.SetBytes(bytes.Repeat(data[:1], 31))
			}
			args = append(args, x)
		}
		fn := fns[int(which)%len(fns)]
		w := cairotest.New(t)
		w.Do(func(r *cairo.Run) {
			r.Stack = append(r.Stack, cairo.Site{})
			fn.Call(r.Frame(cairo.Uint(1), cairo.Uint(2)), args)
		})
	})
}
