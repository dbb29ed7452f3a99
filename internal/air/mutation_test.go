package air_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/air/airtest"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

var cheap = stark.Config{LogBlowup: 1, Queries: 1, FoldStep: 1}

// The claimed sums of airtest.LogUp.
const (
	userSum  = "claimed_sum_user"
	tableSum = "claimed_sum_table"
)

// lookups is airtest.LogUp with its trees in row order.
type lookups struct {
	air   *air.AIR
	trees [][][]m31.Elem
	syms  air.Symbols
}

func newLookups(t *testing.T, logUser, logTable int) *lookups {
	t.Helper()
	a, err := airtest.LogUp(stark.Blake2s, cheap, logUser, logTable)
	if err != nil {
		t.Fatal(err)
	}
	x := &lookups{air: a, syms: air.Symbols{"z": m31.Q(31, 41, 59, 26), "alpha": m31.Q(53, 58, 97, 93)}}
	for _, tree := range airtest.LogUpTrees(logUser, logTable) {
		x.trees = append(x.trees, air.RowOrder(tree))
	}
	x.trees = append(x.trees, nil)
	x.interact()
	return x
}

// interact computes interaction columns and claimed sums as a prover does whose
// trees 0 and 1 are what they are.
func (x *lookups) interact() {
	term := func(mult m31.Elem, a, b m31.Elem) m31.QM31 {
		den := x.syms["alpha"].MulElem(b).AddElem(a).Sub(x.syms["z"])
		return den.Inv().MulElem(mult)
	}
	user, table := x.air.Components[0], x.air.Components[1]
	set := func(v m31.SecureVec, row int, e m31.QM31) { v.Set(circle.RowToStorage(row, circle.Log2(v.Len())), e) }
	rows := 1 << user.LogSize
	values := []m31.SecureVec{m31.NewSecureVec(rows), m31.NewSecureVec(rows)}
	for r := range rows {
		cell := func(l int) m31.QM31 { return term(1, x.trees[1][2*l][r], x.trees[1][2*l+1][r]) }
		set(values[0], r, cell(0).Add(cell(1)))
		set(values[1], r, cell(2))
	}
	x.trees[2], x.syms[userSum] = running(values...)

	entries := m31.NewSecureVec(1 << table.LogSize)
	for r := range entries.Len() {
		set(entries, r, term(x.trees[1][6][r].Neg(), x.trees[0][0][r], x.trees[0][1][r]))
	}
	columns, sum := running(entries)
	x.trees[2], x.syms[tableSum] = append(x.trees[2], columns...), sum
}

// running returns the interaction columns in row order and the claimed sum.
func running(values ...m31.SecureVec) (columns [][]m31.Elem, sum m31.QM31) {
	var sums [4]m31.Elem
	for k := range sums {
		var coordinate []m31.Vec
		for _, v := range values {
			coordinate = append(coordinate, v[k])
		}
		sums[k] = air.Running(coordinate)
	}
	for _, v := range values {
		columns = append(columns, v[:]...)
	}
	return air.RowOrder(columns), m31.Q(sums[0], sums[1], sums[2], sums[3])
}

func (x *lookups) assert() error { return x.air.Assert(x.trees, x.syms) }

// each adds 1 to every cell of a tree in turn, calls f and restores the trees.
func (x *lookups) each(tree int, f func(column, row int)) {
	for c := range x.trees[tree] {
		for r := range x.trees[tree][c] {
			old := x.trees[tree][c][r]
			x.trees[tree][c][r] = old.Add(1)
			f(c, r)
			x.trees[tree][c][r] = old
		}
	}
}

// unused returns the cells of table entries that nothing looks up, as
// "column row".
func (x *lookups) unused() (out []string) {
	for c := range x.trees[0] {
		for r, m := range x.trees[1][6] {
			if m == 0 {
				out = append(out, fmt.Sprint(c, " ", r))
			}
		}
	}
	return out
}

// lookupSizes are the tables' sizes and the number of entries that are not
// looked up.
var lookupSizes = []struct{ logUser, logTable, unused int }{{5, 4, 0}, {3, 5, 13}, {4, 4, 0}, {1, 6, 58}}

// TestLookupMutations changes every cell of every tree while the others keep
// their honest values. Only changes of table entries that are never looked up go
// unnoticed: their multiplicity is zero, so that they prove nothing.
func TestLookupMutations(t *testing.T) {
	for _, s := range lookupSizes {
		x := newLookups(t, s.logUser, s.logTable)
		if err := x.assert(); err != nil {
			t.Fatal(err)
		}
		if got := len(x.unused()); got != 2*s.unused {
			t.Errorf("%+v: %d unused table cells, want %d", s, got, 2*s.unused)
		}
		for tree := range x.trees {
			var unnoticed []string
			x.each(tree, func(c, r int) {
				var row *air.RowError
				if err := x.assert(); err == nil {
					unnoticed = append(unnoticed, fmt.Sprint(c, " ", r))
				} else if !errors.As(err, &row) {
					t.Errorf("%+v: tree %d column %d row %d: %v", s, tree, c, r, err)
				}
			})
			want := []string(nil)
			if tree == 0 {
				want = x.unused()
			}
			if !slices.Equal(unnoticed, want) {
				t.Errorf("%+v: tree %d: changes of %q go unnoticed, want %q", s, tree, unnoticed, want)
			}
		}
	}
}

// TestDishonestLookups changes every cell of trees 0 and 1 and recomputes the
// interaction columns and claimed sums. All rows then satisfy the constraints,
// and the statement's equation of the claimed sums must catch the change. The
// tracker names the relation and a tuple that does not balance.
func TestDishonestLookups(t *testing.T) {
	for _, s := range lookupSizes {
		x := newLookups(t, s.logUser, s.logTable)
		for tree := range 2 {
			var unnoticed []string
			x.each(tree, func(c, r int) {
				x.interact()
				err := x.assert()
				if err == nil {
					unnoticed = append(unnoticed, fmt.Sprint(c, " ", r))
					return
				}
				x.checkUnbalanced(t, err, tree, c, r)
			})
			want := []string(nil)
			if tree == 0 {
				want = x.unused()
			}
			if !slices.Equal(unnoticed, want) {
				t.Errorf("%+v: tree %d: changes of %q go unnoticed, want %q", s, tree, unnoticed, want)
			}
		}
	}
}

// checkUnbalanced expects err to be that of the statement's equation, and the
// tracker to name a tuple that the changed row holds or held.
func (x *lookups) checkUnbalanced(t *testing.T, err error, tree, c, r int) {
	t.Helper()
	var invalid *stark.InvalidError
	if !errors.As(err, &invalid) || invalid.Check != stark.CheckStatement {
		t.Errorf("tree %d column %d row %d: %v, want the claimed sums to differ", tree, c, r, err)
	}
	tracker, err := x.air.Track(x.trees[:2], x.syms)
	if err != nil {
		t.Fatal(err)
	}
	err = tracker.Err()
	if err == nil || !strings.Contains(err.Error(), "relation squares") {
		t.Fatalf("tree %d column %d row %d: the tracker says %v", tree, c, r, err)
	}
	for _, tuple := range x.tuples(tree, c, r) {
		if strings.Contains(err.Error(), tuple) {
			return
		}
	}
	t.Errorf("tree %d column %d row %d: the tracker names another tuple than %q: %v", tree, c, r, x.tuples(tree, c, r), err)
}

// tuples returns the tuple that a row holds now, and the one it held before 1 was
// added to the cell.
func (x *lookups) tuples(tree, c, r int) []string {
	cols, multiplicity := x.trees[0], tree == 1 && c == 6
	if tree == 1 && !multiplicity {
		cols = x.trees[1][c&^1:]
	}
	now := [2]m31.Elem{cols[0][r], cols[1][r]}
	before := now
	if !multiplicity {
		before[c&1] = before[c&1].Sub(1)
	}
	return []string{fmt.Sprintf("(%d, %d)", now[0], now[1]), fmt.Sprintf("(%d, %d)", before[0], before[1])}
}

// TestClaimedSums changes the claimed sums: one alone breaks a component's rows,
// and so do both together though they add up to zero.
func TestClaimedSums(t *testing.T) {
	x := newLookups(t, 5, 4)
	for _, c := range []struct {
		user, table m31.QM31
		component   string
	}{
		{m31.One, m31.QM31{}, "user"},
		{m31.QM31{}, m31.Q(0, 0, 0, 1), "table"},
		{m31.One, m31.One.Neg(), "user"},
	} {
		syms := air.Symbols{"z": x.syms["z"], "alpha": x.syms["alpha"],
			userSum: x.syms[userSum].Add(c.user), tableSum: x.syms[tableSum].Add(c.table)}
		var row *air.RowError
		if err := x.air.Assert(x.trees, syms); !errors.As(err, &row) || row.Component != c.component {
			t.Errorf("sums changed by %v and %v: %v", c.user, c.table, err)
		}
		zero := c.user.Add(c.table).IsZero()
		if err := x.air.CheckScalars(syms); (err == nil) != zero {
			t.Errorf("sums changed by %v and %v: CheckScalars says %v", c.user, c.table, err)
		}
	}
	if err := x.air.CheckScalars(air.Symbols{userSum: m31.One}); err == nil || errors.Is(err, stark.ErrInvalid) {
		t.Errorf("a missing symbol gives %v, want an error that is not the prover's fault", err)
	}
}

// TestTracker checks what an unbalanced relation looks like.
func TestTracker(t *testing.T) {
	x := newLookups(t, 5, 4)
	tracker, err := x.air.Track(x.trees[:2], x.syms)
	if err != nil || tracker.Err() != nil {
		t.Fatal(err, tracker.Err())
	}
	x.trees[1][6][3] = x.trees[1][6][3].Sub(2) // two lookups of (3, 9) too many
	tracker, err = x.air.Track(x.trees[:2], x.syms)
	if err != nil {
		t.Fatal(err)
	}
	want := "air: lookups do not balance: relation squares: 1 tuples, such as (3, 9) with +2"
	if err := tracker.Err(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}
