package air

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/internal/m31"
)

// Relation is a lookup relation (LogUp, eprint 2022/1530). A tuple x is
// represented by x0 + alpha*x1 + alpha^2*x2 + ... - z, with z and alpha drawn
// after the traces are committed.
type Relation struct {
	Name     string
	Z, Alpha string // symbols
}

// Entry is one use of a relation: the tuple with a multiplicity, which is
// positive for a use and negative for a yield. The numbers are nodes.
type Entry struct {
	Relation Relation
	Mult     int
	Tuple    []int
}

// Fraction is one interaction column's share: Num/Den per row, as nodes.
type Fraction struct{ Num, Den int }

// LogUp tells how a component's interaction columns are computed: column j holds
// the running sum over the fractions 0..j of a row, and the last one is in
// addition summed over the rows, less a share of the claimed sum per row.
type LogUp struct {
	Tree, Column int    // where the first of the secure columns lies
	Sum          string // symbol of the claimed sum
	Batches      []Fraction
	Entries      []Entry
}

// Relate adds the tuple to the relation with the given multiplicity.
func (b *Builder) Relate(rel Relation, mult Expr, tuple ...Expr) {
	e := Entry{Relation: rel, Mult: mult.i}
	for _, t := range tuple {
		e.Tuple = append(e.Tuple, t.i)
	}
	b.entries = append(b.entries, e)
}

// combine returns the tuple's denominator.
func (b *Builder) combine(e Entry) Expr {
	z, alpha := b.Sym(e.Relation.Z), b.Sym(e.Relation.Alpha)
	acc := Expr{b, e.Tuple[0]}
	power := alpha
	for i, t := range e.Tuple[1:] {
		acc = acc.Add(power.Mul(Expr{b, t}))
		if i+2 < len(e.Tuple) {
			power = power.Mul(alpha)
		}
	}
	return acc.Sub(z)
}

// FinishLogUp adds the interaction columns to the tree and their constraints.
// batch fractions (1 or 2) share a column; sum is the symbol of the claimed sum.
// It must follow all other columns of that tree and all uses of relations.
func (b *Builder) FinishLogUp(tree, batch int, sum string) {
	var fractions []Fraction
	for i := 0; i < len(b.entries); i += batch {
		fractions = append(fractions, b.fraction(b.entries[i:min(i+batch, len(b.entries))]))
	}
	for len(b.c.Masks) < tree {
		b.c.Masks = append(b.c.Masks, [][]int{})
	}
	b.c.LogUp = &LogUp{tree, len(b.c.Masks[tree-1]), sum, fractions, b.entries}
	b.closed = len(b.entries)
	var before *Expr
	for j, f := range fractions {
		num, den := Expr{b, f.Num}, Expr{b, f.Den}
		var diff Expr
		if j < len(fractions)-1 {
			now := b.Secure(tree)[0]
			diff = now
			if before != nil {
				diff = now.Sub(*before)
			}
			before = &now
		} else {
			masks := b.Secure(tree, -1, 0)
			diff = masks[1].Sub(masks[0])
			if before != nil {
				diff = diff.Sub(*before)
			}
			rows := b.Const(m31.New(1 << b.c.LogSize)).Inv()
			diff = diff.Add(b.Sym(sum).Mul(rows))
		}
		b.Constrain(fmt.Sprintf("logup %d", j), diff.Mul(den).Sub(num))
	}
}

// fraction adds the entries' fractions up.
func (b *Builder) fraction(entries []Entry) Fraction {
	num, den := Expr{b, entries[0].Mult}, b.combine(entries[0])
	for _, e := range entries[1:] {
		m, d := Expr{b, e.Mult}, b.combine(e)
		num, den = num.Mul(d).Add(m.Mul(den)), den.Mul(d)
	}
	return Fraction{num.i, den.i}
}

// Running turns the fractions' values on all rows (storage order) into interaction
// columns, in place, and returns the claimed sum: all of it by coordinates, of which
// it computes one. values[j] is that of fraction j.
func Running(values []m31.Vec) m31.Elem {
	for j, v := range values[1:] {
		m31.Add(v, v, values[j])
	}
	last := values[len(values)-1]
	sum := m31.Sum(last)
	share := sum.Mul(m31.New(uint64(len(last))).Inv())
	m31.AddConst(last, last, share.Neg())
	prefixSums(last)
	return sum
}

// prefixSums replaces the elements of a column in storage order by the sums of those
// of all rows up to theirs.
func prefixSums(v m31.Vec) {
	// Row 2i lies in slot 2*reverse(i), and the next one in the slot that has all bits
	// inverted.
	n := len(v)
	pairs := make(m31.Vec, n/2)
	for t := range pairs {
		pairs[t] = v[2*t].Add(v[n-1-2*t])
	}
	sumsBefore(pairs, make(m31.Vec, n/2))
	for t, before := range pairs {
		x, y := &v[2*t], &v[n-1-2*t]
		*x = x.Add(before)
		*y = y.Add(*x)
	}
}

// sumsBefore replaces the elements of a vector in bit-reversed order by the sums of
// those before them. Neighbours lie half of the length apart.
func sumsBefore(v, scratch m31.Vec) {
	if len(v) == 1 {
		v[0] = 0
		return
	}
	h := len(v) / 2
	pairs := scratch[:h]
	m31.Add(pairs, v[:h], v[h:])
	sumsBefore(pairs, scratch[h:])
	m31.Add(v[h:], v[:h], pairs)
	copy(v, pairs)
}

// Tracker adds up the multiplicities of every tuple, to tell which relation does
// not balance and on what.
type Tracker map[string]map[string]m31.Elem

// Track evaluates all relation entries of the AIR's components on all rows.
// trees holds the columns of every tree in row order; interaction trees are not
// read.
func (a *AIR) Track(trees [][][]m31.Elem, syms Symbols) (Tracker, error) {
	t := make(Tracker)
	for i, c := range a.Components {
		if c.LogUp == nil {
			continue
		}
		for j := range 1 << c.LogSize {
			cell := a.rowCells(i, j, trees)
			// Interaction cells do not exist yet; no entry depends on them.
			v, err := evalNodes(c.Nodes, syms, func(n *Node) QM31 {
				if n.Op == OpCell && n.Args[0] >= len(trees) {
					return QM31{}
				}
				return cell(n)
			})
			if err != nil {
				return nil, err
			}
			for _, e := range c.LogUp.Entries {
				t.add(e, v)
			}
		}
	}
	return t, nil
}

func (t Tracker) add(e Entry, v []QM31) {
	parts := make([]string, len(e.Tuple))
	for i, n := range e.Tuple {
		parts[i] = fmt.Sprint(v[n].A.A)
	}
	tuples := t[e.Relation.Name]
	if tuples == nil {
		tuples = make(map[string]m31.Elem)
		t[e.Relation.Name] = tuples
	}
	key := "(" + strings.Join(parts, ", ") + ")"
	if tuples[key] = tuples[key].Add(v[e.Mult].A.A); tuples[key] == 0 {
		delete(tuples, key)
	}
}

// Err returns an error that names every relation that does not balance, with a
// tuple and its surplus, or nil.
func (t Tracker) Err() error {
	var out []string
	for _, rel := range slices.Sorted(maps.Keys(t)) {
		if len(t[rel]) == 0 {
			continue
		}
		key := slices.Min(slices.Collect(maps.Keys(t[rel])))
		out = append(out, fmt.Sprintf("relation %s: %d tuples, such as %s with %+d", rel, len(t[rel]), key, t[rel][key].Centered()))
	}
	if out == nil {
		return nil
	}
	return fmt.Errorf("air: lookups do not balance: %s", strings.Join(out, "; "))
}
