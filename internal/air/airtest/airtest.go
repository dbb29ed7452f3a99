// Package airtest holds small statements for tests, interoperability runs and
// benchmarks: the same ones that the Rust program in interop/ knows natively.
package airtest

import (
	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// WideFib is the wide Fibonacci statement: in every row, column i is the sum of
// the squares of the two columns before it. With a preprocessed column (whose
// values do not matter) it also works under lifting.
func WideFib(kind stark.Kind, cfg stark.Config, logRows, columns int, preprocessed bool) (*air.AIR, error) {
	b := air.NewComponent("wide_fibonacci", logRows)
	cells := make([]air.Expr, columns)
	for i := range cells {
		cells[i] = b.Column(1)[0]
	}
	for i := 2; i < columns; i++ {
		x, y := cells[i-2], cells[i-1]
		b.Constrain("", cells[i].Sub(x.Mul(x).Add(y.Mul(y))))
	}
	c, err := b.Build()
	if err != nil {
		return nil, err
	}
	a := &air.AIR{Kind: kind, Config: cfg, Components: []*air.Component{c}}
	if preprocessed {
		a.Preprocessed = []air.Preprocessed{{ID: "unused", LogSize: logRows}}
	}
	a.Transcript = []air.Step{
		{Op: air.MixConfig}, {Op: air.Commit, Tree: 0},
		{Op: air.MixU64, U64: uint64(logRows)}, {Op: air.MixU64, U64: uint64(columns)},
		{Op: air.Commit, Tree: 1},
	}
	return a, nil
}

// WideFibTrees returns the witness of WideFib in storage order: slot r starts
// with (1, r).
func WideFibTrees(logRows, columns int, preprocessed bool) [][][]m31.Elem {
	n := 1 << logRows
	trees := make([][][]m31.Elem, 2)
	if preprocessed {
		trees[0] = [][]m31.Elem{make([]m31.Elem, n)}
	}
	for c := range columns {
		col := make([]m31.Elem, n)
		for r := range col {
			switch c {
			case 0:
				col[r] = 1
			case 1:
				col[r] = m31.New(uint64(r))
			default:
				col[r] = trees[1][c-2][r].Square().Add(trees[1][c-1][r].Square())
			}
		}
		trees[1] = append(trees[1], col)
	}
	return trees
}

var squares = air.Relation{Name: "squares", Z: "z", Alpha: "alpha"}

// LogUp is a statement of two components of different sizes: a table of squares
// and a component that looks three pairs up in every row.
func LogUp(kind stark.Kind, cfg stark.Config, logUser, logTable int) (*air.AIR, error) {
	user := air.NewComponent("user", logUser)
	one := user.Const(1)
	for range 3 {
		x, y := user.Column(1)[0], user.Column(1)[0]
		user.Relate(squares, one, x, y)
	}
	user.FinishLogUp(2, 2, "claimed_sum_user")
	table := air.NewComponent("table", logTable)
	m := table.Column(1)[0]
	table.Relate(squares, m.Neg(), table.Pre("squares_n"), table.Pre("squares_n2"))
	table.FinishLogUp(2, 1, "claimed_sum_table")

	a := &air.AIR{Kind: kind, Config: cfg}
	for _, b := range []*air.Builder{user, table} {
		c, err := b.Build()
		if err != nil {
			return nil, err
		}
		a.Components = append(a.Components, c)
	}
	for _, id := range []string{"squares_n", "squares_n2"} {
		a.Preprocessed = append(a.Preprocessed, air.Preprocessed{ID: id, LogSize: logTable})
	}
	a.Transcript = []air.Step{
		{Op: air.MixConfig}, {Op: air.Commit, Tree: 0},
		{Op: air.MixU32s, Words: []uint32{uint32(logUser), uint32(logTable)}},
		{Op: air.Commit, Tree: 1},
		{Op: air.DrawFelts, Names: []string{"z", "alpha"}},
		{Op: air.MixFelts, Felts: []air.FeltRef{{Name: "claimed_sum_user"}, {Name: "claimed_sum_table"}}},
		{Op: air.Commit, Tree: 2},
	}
	a.AssertZero = []air.ScalarCheck{{
		Nodes: []air.Node{
			{Op: air.OpSym, Name: "claimed_sum_user"}, {Op: air.OpSym, Name: "claimed_sum_table"},
			{Op: air.OpAdd, Args: [4]int{0, 1}},
		},
		Root: 2,
	}}
	return a, nil
}

// LogUpTrees returns trees 0 and 1 of LogUp in storage order.
func LogUpTrees(logUser, logTable int) [][][]m31.Elem {
	n, rows := 1<<logTable, 1<<logUser
	var table, traces [][]m31.Elem
	id, sq, mult := make([]m31.Elem, n), make([]m31.Elem, n), make([]m31.Elem, n)
	for i := range id {
		id[i] = m31.New(uint64(i))
		sq[i] = id[i].Square()
	}
	table = [][]m31.Elem{id, sq}
	for l := range 3 {
		xs, ys := make([]m31.Elem, rows), make([]m31.Elem, rows)
		for r := range xs {
			v := (r*(2*l+3) + l) & (n - 1)
			xs[r], ys[r] = id[v], sq[v]
			mult[v] = mult[v].Add(1)
		}
		traces = append(traces, xs, ys)
	}
	traces = append(traces, mult)
	return [][][]m31.Elem{air.StorageOrder(table), air.StorageOrder(traces)}
}
