package stark

import "slices"

// DrawQueries draws n positions below 2^log.
func DrawQueries(ch Channel, n, log int) []int {
	raw := make([]int, 0, n+8)
	for len(raw) < n {
		for _, w := range ch.DrawU32s() {
			raw = append(raw, int(w)&(1<<log-1))
		}
	}
	return raw[:n]
}

// SortedQueries returns the distinct positions in ascending order.
func SortedQueries(raw []int) []int {
	s := slices.Clone(raw)
	slices.Sort(s)
	return slices.Compact(s)
}

// foldPositions returns the distinct p >> n of ascending positions.
func foldPositions(positions []int, n int) []int {
	out := make([]int, len(positions))
	for i, p := range positions {
		out[i] = p >> n
	}
	return slices.Compact(out)
}

// FRIOpening tells what a FRI layer opens for the given query positions.
type FRIOpening struct {
	Groups    []int // groups of 2^fold neighbours that contain a query
	Positions []int // all members of the groups, ascending
	Leaves    []int // tree leaves that hold them
}

// openingOf computes the opening of a layer.
func openingOf(l layer, queries []int) FRIOpening {
	o := FRIOpening{Groups: foldPositions(queries, l.fold)}
	for _, g := range o.Groups {
		for p := g << l.fold; p < (g+1)<<l.fold; p++ {
			o.Positions = append(o.Positions, p)
		}
	}
	o.Leaves = foldPositions(o.Positions, l.packing())
	return o
}

// PreprocessedQueries maps positions on the domain of size 2^log to the leaves
// of tree 0 of the given height. Positions may repeat.
func PreprocessedQueries(queries []int, log, height int) []int {
	if height == 0 {
		return nil
	}
	out := make([]int, len(queries))
	for i, p := range queries {
		if height <= log {
			out[i] = p>>(log-height+1)<<1 | p&1
		} else {
			out[i] = p>>1<<(height-log+1) | p&1
		}
	}
	return out
}
