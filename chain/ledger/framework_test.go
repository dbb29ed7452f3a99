package ledger

import (
	"errors"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/wallet"
)

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
			name, ok := c.Fun.(*ast.Ident)
			text, isText := c.Args[1].(*ast.BasicLit)
			if !ok || !isText || name.Name != "assert" && name.Name != "require" {
				return true
			}
			code, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := felt.ShortString(code); err != nil {
				t.Errorf("%s: %q: %v", f.Name(), code, err)
			}
			if _, known := cairo.ErrorByCode(code); name.Name == "assert" && !known {
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

// probe is a contract that calls others, and itself.
type probe struct {
	*frame
	count variable[uint64]
}

func newProbe(f *frame) probe { return probe{f, variable[uint64]{f, "count"}} }

var probeClass = newClass("probe", shortString("probe"), methods(newProbe, functions{
	"relay": probe.relay,
	"who":   probe.who,
	"bump":  probe.bump,
	"deep":  probe.deep,
	"value": probe.value,
	"burn":  probe.burn,
}))

// relay counts, and then lets another contract do what it is told.
func (p probe) relay(to address, selector Felt, args []Felt) []Felt {
	p.count.write(p.count.read() + 1)
	return p.run.call(p.this, to.Felt, selector, args)
}

func (p probe) who() (address, address) { return p.caller(), p.address() }

// bump counts and fails after n times.
func (p probe) bump(n uint64) {
	p.count.write(add("u64", p.count.read(), 1))
	require(p.count.read() < n, "enough")
}

func (p probe) deep(n uint64) uint64 {
	if n == 0 {
		return 1
	}
	return 1 + call[uint64](p.frame, p.address(), "deep", n-1)
}

func (p probe) burn(n uint64) { p.curve(n) }

func (p probe) value() uint64 { return p.count.read() }

func newProbes(t *testing.T) (w *world, a, b address) {
	w = newWorld(t)
	twins = append(slices.Clone(twins), probeClass)
	t.Cleanup(func() { twins = twins[:len(twins)-1] })
	return w, w.deploy(probeClass), w.deploy(probeClass)
}

func TestCalls(t *testing.T) {
	w, a, b := newProbes(t)
	type seen = pair[address, address]
	if got := look[seen](w, a, "who"); got != by(address{}, a) {
		t.Errorf("%v", got)
	}
	who := look[[]Felt](w, a, "relay", b, keccak("who"), []Felt{})
	if !slices.Equal(who, []Felt{a.Felt, b.Felt}) {
		t.Errorf("b saw %v", who)
	}
	// a calls b, which calls a again: a's own write is there, and stays.
	before := look[uint64](w, a, "value")
	inner := felts(a, keccak("value"), []Felt{})
	back := look[[]Felt](w, a, "relay", b, keccak("relay"), inner)
	if want := uintFelt(before + 1); len(back) != 2 || back[1] != want {
		t.Errorf("a saw of itself %v, want %s", back, want)
	}
	// What fails inside undoes everything.
	a0, b0 := look[uint64](w, a, "value"), look[uint64](w, b, "value")
	if got := w.call(account(1), a, "relay", b, keccak("bump"), felts(uint64(0))); got != "enough" {
		t.Errorf("%q", got)
	}
	if look[uint64](w, a, "value") != a0 || look[uint64](w, b, "value") != b0 {
		t.Error("a reverted call left something")
	}
	if got := look[uint64](w, a, "deep", uint64(maxDepth-1)); got != maxDepth {
		t.Errorf("depth %d", got)
	}
	if got := w.call(account(1), a, "deep", uint64(maxDepth)); got != "recursion depth exceeded" {
		t.Errorf("%q", got)
	}
	if got := w.call(account(1), a, "burn", uint64(maxGas/gasCurve-1)); got != "" {
		t.Errorf("%q", got)
	}
	if got := w.call(account(1), a, "burn", uint64(maxGas/gasCurve)); got != "Out of gas" {
		t.Errorf("%q", got)
	}
	if got := w.call(account(1), address{uintFelt(3)}, "who"); !strings.Contains(got, "is not deployed") {
		t.Errorf("%q", got)
	}
}

type color uint8

func (color) variants() uint64 { return 3 }

type shape struct {
	On     bool
	Color  color
	Small  uint16
	Amount u256
	Owner  address
	Text   string
	Maybe  *pair[Felt, uint64]
	Last   u128
}

// TestLayout writes a value of every kind and looks at the slots.
func TestLayout(t *testing.T) {
	w, at, _ := newProbes(t)
	long := strings.Repeat("0123456789abcdefghijklmnopqrst.", 2) + "rest"
	some := pair[Felt, uint64]{uintFelt(70), 71}
	v := shape{true, 2, 300, u256{1, 2, 3, 4}, address{uintFelt(5)}, long, &some, u128{6, 7}}
	base := keccak("thing")
	offset := func(n uint64) Felt { f := uintFelt(n); f.Add(&f, &base); return f }
	w.do(func(r *run) {
		f := &frame{r, at.Felt, Felt{}}
		thing := variable[shape]{f, "thing"}
		thing.write(v)
		if got := thing.read(); !reflect.DeepEqual(got, v) {
			t.Errorf("%+v", got)
		}
		want := []Felt{uintFelt(1), uintFelt(2), uintFelt(300), felt.MustParse("0x20000000000000001"), felt.MustParse("0x40000000000000003"),
			uintFelt(5), uintFelt(66), uintFelt(1), uintFelt(70), uintFelt(71), felt.MustParse("0x70000000000000006")}
		for i, x := range want {
			if got := f.storage(offset(uint64(i))); got != x {
				t.Errorf("slot %d is %s, want %s", i, got, x)
			}
		}
		if n := size(reflect.TypeFor[shape]()); n != len(want) {
			t.Errorf("a shape has %d slots", n)
		}
		v.Maybe = nil
		thing.write(v)
		if got := thing.read(); !reflect.DeepEqual(got, v) {
			t.Errorf("%+v", got)
		}
	})
	// What a devnet has of the text "StarkNet Token" at ERC20_name.
	if at := byteSlot(keccak("ERC20_name"), 0); at != felt.MustParse("0x35b0c37f7f34be47076c6cfbcf811ad0769dbc81f4c509ee9613e0b0c648ca9") {
		t.Errorf("the text of a ByteArray is at %s", at)
	}
	// A devnet's balance of STRK of the account 0x1000.
	if at := newSTRK(nil).balances.at(address{sequencer}); at != felt.MustParse("0x723973208639b7839ce298f7ffea61e3f9533872defd7abdb91023db4658812") {
		t.Errorf("an entry of a map is at %s", at)
	}
}

// TestSerialize encodes a value of every kind, and refuses what is none.
func TestSerialize(t *testing.T) {
	some := pair[Felt, uint64]{uintFelt(70), 71}
	v := shape{true, 2, 300, u256{1, 2, 3, 4}, address{uintFelt(5)}, "abc", &some, u128{6}}
	data := felts(v)
	var back shape
	if c := calldata(data); !c.deserialize(reflect.ValueOf(&back).Elem()) || len(c) > 0 || !reflect.DeepEqual(back, v) {
		t.Errorf("%+v", back)
	}
	want, err := new(chain.Encoder).Bool(true).Uint(2).Uint(300).U256(v.Amount.big()).Felt(uintFelt(5)).ByteArray("abc").Uint(0).Uint(70).Uint(71).Uint(6).Calldata()
	if err != nil || !slices.Equal(data, want) {
		t.Errorf("%v, want %v, %v", data, want, err)
	}
	for i := range data { // every felt but that of Maybe, which may be any, is now too large
		c := calldata(slices.Clone(data))
		c[i] = felt.MustParse("0x800000000000011000000000000000000000000000000000000000000000000")
		if c.deserialize(reflect.ValueOf(&back).Elem()) != (i == 10) {
			t.Errorf("felt %d is out of range", i)
		}
		if c := calldata(data[:i]); c.deserialize(reflect.ValueOf(&back).Elem()) {
			t.Errorf("%d felts suffice", i)
		}
	}
	for _, c := range []struct {
		into any
		data []Felt
	}{
		{new(bool), []Felt{uintFelt(2)}},
		{new(uint8), []Felt{uintFelt(256)}},
		{new(uint32), []Felt{uintFelt(1 << 32)}},
		{new(color), []Felt{uintFelt(3)}},
		{new(*uint8), []Felt{uintFelt(2)}},
		{new([]Felt), []Felt{uintFelt(2), uintFelt(1)}},
		{new([]Felt), []Felt{uintFelt(1 << 63)}},
		{new(string), []Felt{uintFelt(0), uintFelt(256), uintFelt(1)}},
		{new(string), []Felt{uintFelt(0), uintFelt(0), uintFelt(31)}},
		{new(string), []Felt{uintFelt(1 << 62)}},
	} {
		if data := calldata(c.data); data.deserialize(reflect.ValueOf(c.into).Elem()) {
			t.Errorf("%v is a %T", c.data, c.into)
		}
	}
}

// TestU256 compares the arithmetic with math/big on numbers at the edges and at random.
func TestU256(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	numbers := []u256{{}, num(1), num(2), {^uint64(0)}, {0, 1}, {^uint64(0), ^uint64(0)}, {0, 0, 1}, maxU256, maxU256.sub(num(1)), {0, 0, 0, 1 << 63}}
	for range 30 {
		x := u256{random.Uint64(), random.Uint64(), random.Uint64(), random.Uint64()}
		for i := random.IntN(4); i > 0; i-- {
			x[4-i] = 0
		}
		numbers = append(numbers, x)
	}
	r := new(run)
	for _, x := range numbers {
		if u256FromBig(x.big()) != x || u256FromBytes(x.bytes()) != x || decimal(x.big().String()) != x {
			t.Errorf("%v does not survive", x)
		}
		for _, y := range numbers {
			a, b := x.big(), y.big()
			if x.cmp(y) != a.Cmp(b) {
				t.Errorf("cmp(%v, %v)", a, b)
			}
			for _, op := range []struct {
				name string
				want *big.Int // nil for a panic
				do   func() u256
			}{
				{"add", new(big.Int).Add(a, b), func() u256 { return x.add(y) }},
				{"sub", new(big.Int).Sub(a, b), func() u256 { return x.sub(y) }},
				{"mul", new(big.Int).Mul(a, b), func() u256 { return x.mul(y) }},
				{"div", quotient(a, b), func() u256 { return x.div(y) }},
				{"min", slices.MinFunc([]*big.Int{a, b}, (*big.Int).Cmp), func() u256 { return minimum(x, y) }},
			} {
				var got u256
				failed := r.protect(func() { got = op.do() }) != nil
				fits := op.want != nil && op.want.Sign() >= 0 && op.want.BitLen() <= 256
				if failed == fits || fits && got.big().Cmp(op.want) != 0 {
					t.Errorf("%s(%v, %v) = %v, failed %v", op.name, a, b, got.big(), failed)
				}
			}
		}
	}
	if r.protect(func() { add("u8", uint8(255), 1) }) == nil || r.protect(func() { sub("u8", uint8(0), 1) }) == nil || add("u8", uint8(254), 1) != 255 {
		t.Error("small integers")
	}
}

func quotient(a, b *big.Int) *big.Int {
	if b.Sign() == 0 {
		return nil
	}
	return new(big.Int).Div(a, b)
}

func TestMemo(t *testing.T) {
	var m memo[int, int]
	calls := 0
	get := func(k int) int { return m.get(k, func() int { calls++; return k * k }) }
	for k := range 3 * maxMemo {
		get(k)
	}
	if len(m.new)+len(m.old) > 2*maxMemo || calls != 3*maxMemo {
		t.Errorf("%d remembered after %d calls", len(m.new)+len(m.old), calls)
	}
	if get(3*maxMemo - 1); calls != 3*maxMemo {
		t.Error("the last one was forgotten")
	}
	if get(maxMemo + 1); get(0) != 0 || calls != 3*maxMemo+1 {
		t.Errorf("%d calls", calls)
	}
}

// fullDisk is a store that cannot append.
type fullDisk struct{ store }

var errFull = errors.New("no space left")

func (fullDisk) append(uint64, []byte) error { return errFull }

// TestFullDisk checks that a block which cannot be stored is not there.
func TestFullDisk(t *testing.T) {
	n := open(t, Options{})
	a := n.account(0)
	good := n.store
	n.store = fullDisk{good}
	tx := &chain.InvokeTx{Envelope: chain.Envelope{Bounds: *generous()}, From: a.Address()}
	var err error
	if tx.Calldata, err = chain.Multicall(pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1))); err != nil {
		t.Fatal(err)
	}
	hash, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, refused := n.added(tx); refused == nil || refused.Code != chain.ErrInternal {
		t.Errorf("%+v", refused)
	}
	if _, err := n.c.TransactionStatus(t.Context(), hash); !errors.Is(err, chain.ErrTxHashNotFound) {
		t.Error(err)
	}
	if got := n.balance(t, chain.STRK(), chain.Uint(5), chain.AtPreConfirmed()); got.Sign() != 0 {
		t.Error(got)
	}
	n.store = good
	if _, refused := n.added(tx); refused != nil {
		t.Errorf("%+v", refused)
	}
}

func TestOptions(t *testing.T) {
	keys := seeded(t, 2)
	at, err := wallet.AccountAt(uintFelt(5), keys[0].Key())
	if err != nil {
		t.Fatal(err)
	}
	braavos, err := wallet.NewAccount(keys[0].Key(), wallet.ClassBraavos)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"a long chain":           {ChainID: strings.Repeat("x", 32)},
		"a negative balance":     {Accounts: keys, Balance: big.NewInt(-1)},
		"too much":               {Accounts: keys, Balance: new(big.Int).Lsh(big.NewInt(1), 127)},
		"the same account twice": {Accounts: []*wallet.Account{keys[0], keys[0]}},
		"an account of no class": {Accounts: []*wallet.Account{at}},
		"a class that is not":    {Accounts: []*wallet.Account{braavos}},
		"a file that cannot be":  {File: t.TempDir()},
	} {
		if l, err := Open(o); err == nil {
			l.Close()
			t.Errorf("%s: opened", name)
		}
	}
	again, err := SeedAccounts("test", 2)
	if err != nil || again[1].Address() != keys[1].Address() || keys[0].Address() == keys[1].Address() {
		t.Error("the accounts of a seed change")
	}
	l, err := Open(Options{Balance: new(big.Int)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := l.CreateBlock(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// TestGasLimit has a transaction that uses all the gas there is, and one that uses more.
func TestGasLimit(t *testing.T) {
	newProbes(t)
	n := open(t, Options{Balance: new(big.Int).Lsh(big.NewInt(1), 100)})
	n.archive.classes[uintFelt(0xb0b)] = history[Felt]{}.with(0, probeClass.hash)
	price := big.NewInt(gasPrice)
	bounds := &chain.Bounds{L1Gas: chain.Resource{Price: price}, L2Gas: chain.Resource{Amount: 2 * maxGas, Price: price}, L1DataGas: chain.Resource{Amount: 1000, Price: price}}
	a := n.account(0).WithFees(chain.FeePolicy{Fixed: bounds})
	for _, c := range []struct {
		curve  uint64
		reason string
	}{{(maxGas-600_000)/gasCurve - 1, ""}, {maxGas / gasCurve, "('Out of gas')"}} {
		hash, err := a.Execute(t.Context(), chain.Call{To: uintFelt(0xb0b), Selector: keccak("burn"), Calldata: []Felt{uintFelt(c.curve)}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Wait(t.Context(), hash)
		if (err == nil) != (c.reason == "") || !strings.Contains(r.Reason, c.reason) || r.L2Gas > maxGas || r.L2Gas < maxGas-gasCurve*2 {
			t.Errorf("%d operations: %+v %v", c.curve, r, err)
		}
	}
}
