package air_test

import (
	"maps"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// TestCompile counts the instructions of programs: what is shared is computed once,
// what is used once is fused, and a sum is one instruction.
func TestCompile(t *testing.T) {
	graph := func(build func(b *air.Builder, x, y air.Expr)) *air.AIR {
		b := air.NewComponent("test", 4)
		build(b, b.Column(1)[0], b.Column(1)[0])
		c, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		return &air.AIR{Components: []*air.Component{c}}
	}
	fib, err := airtest.WideFib(stark.Blake2s, cheap, 4, 10, false)
	if err != nil {
		t.Fatal(err)
	}
	k := m31.Q(1, 2, 3, 4)
	for name, c := range map[string]struct {
		air  *air.AIR
		want map[air.InstrOp]int
	}{
		// The squares of columns 1 to 7 are shared, those of 0 and 8 used once.
		"wide Fibonacci": {fib, map[air.InstrOp]int{air.LaneMul: 7, air.LaneMulAdd: 2, air.LaneAdd: 6, air.LaneSub: 8, air.Emit: 8}},
		"equal nodes": {graph(func(b *air.Builder, x, y air.Expr) {
			b.Constrain("", x.Mul(y).Add(x))
			b.Constrain("", x.Add(y.Mul(x)))
		}), map[air.InstrOp]int{air.LaneMulAdd: 1, air.Emit: 2}},
		"product taken off": {graph(func(b *air.Builder, x, y air.Expr) {
			b.Constrain("", x.Sub(x.Mul(y)))
		}), map[air.InstrOp]int{air.LaneSubMul: 1, air.Emit: 1}},
		"sum in an output": {graph(func(b *air.Builder, x, y air.Expr) {
			b.Constrain("", x.Mul(b.Felt(k)).Sub(y.Mul(b.Felt(k))).Add(b.Felt(k)))
		}), map[air.InstrOp]int{air.Emit: 1}},
		"sum in a product": {graph(func(b *air.Builder, x, y air.Expr) {
			s := x.Mul(b.Felt(k)).Add(y).Add(b.Felt(k))
			b.Constrain("", s.Mul(s))
		}), map[air.InstrOp]int{air.SecureSum: 1, air.SecureMul: 1, air.Emit: 1}},
		"constants": {graph(func(b *air.Builder, x, y air.Expr) {
			b.Constrain("", x.Mul(b.Const(0)).Add(b.Felt(k).Mul(b.Const(3).Inv())))
		}), map[air.InstrOp]int{air.Emit: 1}},
	} {
		prog, err := c.air.Compile(0, nil, c.air.Components[0].Constraints)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := make(map[air.InstrOp]int)
		for i := range prog.Code {
			in := &prog.Code[i]
			got[in.Op]++
			for _, l := range in.Operands() {
				if l < 0 || l >= prog.Lanes || in.Op != air.Emit && l == in.Dst[0] {
					t.Errorf("%s: instruction %d reads lane %d of %d and writes %v", name, i, l, prog.Lanes, in.Dst)
				}
			}
		}
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
