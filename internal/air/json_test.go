package air_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// goldenAIRs returns the AIR files of all golden proofs.
func goldenAIRs(t testing.TB) map[string][]byte {
	t.Helper()
	out := make(map[string][]byte)
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			out[name] = vectors.Read(t, dir, name, "AIR.json")
		}
	}
	return out
}

// sameAIR expects an AIR to survive its JSON form.
func sameAIR(t *testing.T, a *air.AIR) {
	t.Helper()
	data, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	b, err := air.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("another AIR after a round trip:\n%+v\n%+v", a, b)
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for name, data := range goldenAIRs(t) {
		t.Run(name, func(t *testing.T) {
			a, err := air.Parse(data)
			if err != nil {
				t.Fatal(err)
			}
			sameAIR(t, a)
			b, err := air.Load(bytes.NewReader(data))
			if err != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("Load differs from Parse: %v", err)
			}
		})
	}
}

// TestJSONSteps round-trips every transcript step and every node.
func TestJSONSteps(t *testing.T) {
	b := air.NewComponent("all", 4)
	x, p := b.Column(1, -1, 0), b.Pre("p")
	k := b.Sym("s").Mul(b.Felt(m31.Q(1, 2, 3, m31.P-1))).Add(b.Const(m31.P - 1)).Inv()
	b.Constrain("", x[0].Sub(x[1]).Neg().Mul(p).Add(k.Mul(b.Secure(1)[0])))
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	c.Names = nil // names stay in Go
	a := &air.AIR{
		Kind: stark.Poseidon252, Config: stark.Config{PowBits: 5, LogBlowup: 2, LogLastLayer: 1, Queries: 7, FoldStep: 2, Lifting: 9},
		Preprocessed: []air.Preprocessed{{ID: "p", LogSize: 4}},
		Public:       map[string]air.QM31{"s": m31.Q(9, 8, 7, 6)},
		Components:   []*air.Component{c},
		Transcript: []air.Step{
			{Op: air.MixConfig}, {Op: air.MixU64, U64: 1<<64 - 1}, {Op: air.MixU32s, Words: []uint32{0, 1<<32 - 1}}, {Op: air.MixU32s, Words: []uint32{}},
			{Op: air.Commit}, {Op: air.MixFelts, Felts: []air.FeltRef{{Name: "s"}, {Value: m31.Q(0, 1, 2, 3)}}}, {Op: air.MixFelts, Felts: []air.FeltRef{}},
			{Op: air.DrawFelt, Names: []string{"d"}}, {Op: air.DrawFelts, Names: []string{"e", "f"}}, {Op: air.Pow, Bits: 3, Nonce: 1<<64 - 1}, {Op: air.Commit, Tree: 1},
		},
		AssertZero: []air.ScalarCheck{{Nodes: []air.Node{{Op: air.OpSym, Name: "s"}, {Op: air.OpSub}}, Root: 1}},
	}
	sameAIR(t, a)
}

// TestMalformedJSON changes one thing of a good file at a time.
func TestMalformedJSON(t *testing.T) {
	good, err := json.Marshal(logUp(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`{`, ``, "air: "},
		{`"stwo-oracle-air/1"`, `"stwo-oracle-air/2"`, `unknown format "stwo-oracle-air/2"`},
		{`"blake2s"`, `"sha256"`, "sha256"},
		{`"lifting_log_size":null`, `"lifting_log_size":0`, "must be null or positive"},
		{`"lifting_log_size":null`, `"lifting_log_size":-3`, "must be null or positive"},
		{`"lifting_log_size":null`, `"lifting_log_size":29`, "lifting_log_size is 29"},
		{`"pow_bits":0`, `"pow_bits":0.5`, "0.5"},
		{`"pow_bits":0`, `"pow_bits":61`, "pow_bits is 61"},
		{`"mix_config"`, `"mix_nothing"`, `unknown transcript step "mix_nothing"`},
		{`"mix_config"`, `null`, "want an object of one member, not 0"},
		{`"mix_config"`, `{}`, "want an object of one member, not 0"},
		{`"mix_config"`, `{"mix_u64":1,"commit":0}`, "want an object of one member, not 2"},
		{`"mix_config"`, `{"mix_u128":1}`, `unknown transcript step "mix_u128"`},
		{`"mix_config"`, `{"mix_u64":-1}`, "-1"},
		{`"mix_config"`, `{"mix_felts":[""]}`, "a symbol needs a name"},
		{`"mix_config"`, `{"mix_felts":[[1,2,3]]}`, "four coordinates, not 3"},
		{`"mix_config"`, `{"mix_felts":[[1,2,3,2147483647]]}`, "below 2^31 - 1"},
		{`"mix_config"`, `{"mix_felts":[[1,2,3,-1]]}`, "-1"},
		{`"mix_config"`, `{"draw_felts":[]}`, "draws 0 values"},
		{`"public":{}`, `"public":{"x":[1,2,3,4,5]}`, "four coordinates, not 5"},
		{`{"const":1}`, `{"constant":1}`, `unknown node "constant"`},
		{`{"const":1}`, `{"const":1,"sym":"x"}`, "want an object of one member, not 2"},
		{`{"const":1}`, `{"const":4294967296}`, "4294967296"},
		{`{"const":1}`, `{"felt":[0,0,0,2147483647]}`, "below 2^31 - 1"},
		{`{"const":1}`, `{"add":[0]}`, "add has 2 operands, not 1"},
		{`{"const":1}`, `{"combine":[0,0,0]}`, "combine has 4 operands, not 3"},
		{`{"const":1}`, `{"cell":[1,0]}`, "cell has 3 operands, not 2"},
		{`{"const":1}`, `{"neg":0}`, "node 0 refers to node 0"},
		{`{"const":1}`, `null`, "want an object of one member, not 0"},
		{`"components":[{`, `"components":[null,{`, `component "": log size 0`},
	} {
		data := strings.Replace(string(good), c.old, c.new, 1)
		if data == string(good) {
			t.Fatalf("%q does not occur", c.old)
		}
		if _, err := air.Parse([]byte(data)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s in place of %s: %v, want an error that contains %q", c.new, c.old, err, c.want)
		}
	}
}

// endless is a reader without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestLoadTooLarge(t *testing.T) {
	if _, err := air.Load(endless{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("exceeds %d bytes", air.MaxJSON)) {
		t.Error(err)
	}
}

// TestBuilder checks that equal expressions share a node, and powers.
func TestBuilder(t *testing.T) {
	b := air.NewComponent("shared", 4)
	x, s := b.Column(1)[0], b.Sym("s")
	for range 2 {
		b.Constrain("", x.Mul(s).Add(b.Const(5)).Sub(b.Pre("p").Neg()))
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Constraints) != 2 || c.Constraints[0] != c.Constraints[1] || len(c.Nodes) != 8 {
		t.Errorf("constraints %v, %d nodes: equal expressions do not share nodes", c.Constraints, len(c.Nodes))
	}
	if len(c.Preprocessed) != 1 || c.LogDegreeBound != 5 {
		t.Errorf("%+v", c)
	}
}

func TestPow(t *testing.T) {
	s := m31.Q(3, 1, 4, 1)
	for _, n := range []int64{0, 1, 2, 3, 7, 8, 31, 1000, -1, -2, -1000} {
		b := air.NewComponent("powers", 4)
		b.Constrain("power", b.Sym("s").Pow(n).Sub(b.Felt(s.Pow(n))))
		b.Column(1)
		c, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		a := &air.AIR{Components: []*air.Component{c}}
		if err := a.Assert([][][]m31.Elem{nil, {make([]m31.Elem, 16)}}, air.Symbols{"s": s}); err != nil {
			t.Errorf("power %d: %v", n, err)
		}
	}
}

func TestUnfinishedLogUp(t *testing.T) {
	b := air.NewComponent("open", 4)
	b.Relate(air.Relation{Name: "r", Z: "z", Alpha: "alpha"}, b.Const(1), b.Column(1)[0])
	if _, err := b.Build(); err == nil || !strings.Contains(err.Error(), "after or without FinishLogUp") {
		t.Error(err)
	}
}

// TestAssertErrors: a broken row is named; a zero to be inverted and an unknown
// symbol are errors, not failures of the witness.
func TestAssertErrors(t *testing.T) {
	b := air.NewComponent("rows", 2)
	b.Constrain("is zero", b.Column(1)[0].Mul(b.Sym("s").Inv()))
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	a := &air.AIR{Components: []*air.Component{c}}
	trees := [][][]m31.Elem{nil, {{0, 0, 7, 0}}}
	for _, c := range []struct {
		syms air.Symbols
		want string
	}{
		{air.Symbols{"s": m31.One}, "air: component rows, row 2: constraint 0 (is zero) is [7 0 0 0], not 0"},
		{air.Symbols{"s": m31.QM31{}}, "air: division by zero"},
		{nil, `air: unknown symbol "s"`},
	} {
		if err := a.Assert(trees, c.syms); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

// TestVerifyUnusable: an AIR that cannot be checked gives an error that blames
// nobody.
func TestVerifyUnusable(t *testing.T) {
	a, p := goldenProof(t, "logup-blake2s-base")
	for name, spoil := range map[string]func(){
		"no components":    func() { a.Components = nil },
		"undefined symbol": func() { a.Components[0].Nodes[0] = air.Node{Op: air.OpSym, Name: "nobody"} },
		"drawn twice":      func() { a.Transcript = append(a.Transcript, air.Step{Op: air.DrawFelt, Names: []string{"z"}}) },
		"drawn and given":  func() { a.Public["z"] = m31.One },
		"unknown step":     func() { a.Transcript = append(a.Transcript, air.Step{}) },
		"no value to mix": func() {
			a.Transcript = append(a.Transcript, air.Step{Op: air.MixFelts, Felts: []air.FeltRef{{Name: "nobody"}}})
		},
		"check of the trace": func() {
			a.AssertZero = []air.ScalarCheck{{Nodes: []air.Node{{Op: air.OpPre}}}}
		},
		"division by zero": func() {
			a.AssertZero = []air.ScalarCheck{{Nodes: []air.Node{{Op: air.OpConst}, {Op: air.OpInv}}}}
		},
	} {
		a, _ = goldenProof(t, "logup-blake2s-base")
		spoil()
		if _, err := a.Verify(p); err == nil || !strings.Contains(err.Error(), "air: ") || isInvalid(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
