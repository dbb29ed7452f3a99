package stark

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

type merkleVectors struct {
	Cases []struct {
		LogSizes []int `json:"log_sizes"`
		Lifting  int   `json:"lifting_log_size"`
		Columns  [][]m31.Elem
		Layers   [][]string `json:"layers_root_first"`
		Queries  []int
		Values   [][]m31.Elem `json:"queried_values"`
		Witness  []string     `json:"hash_witness"`
	}
	EmptyRoot string `json:"empty_tree_root_cpu_backend"`
	Leaves    []struct {
		N    int `json:"values_1_to"`
		Leaf string
	} `json:"leaf_hashes"`
	Packed []struct {
		LogSize int           `json:"log_size"`
		Columns m31.SecureVec `json:"secure_column_coordinates"`
		Layers  [][]string    `json:"layers_root_first"`
	} `json:"packed_leaves"`
}

// merkleFile is merkle.json.
type merkleFile struct {
	EmptySIMD   map[Kind]string `json:"empty_tree_root_simd_backend"`
	Blake2s     merkleVectors   `json:"blake2s"`
	Blake2sM31  merkleVectors   `json:"blake2s_m31"`
	Poseidon252 merkleVectors   `json:"poseidon252"`
}

func (f *merkleFile) of(k Kind) *merkleVectors {
	return map[Kind]*merkleVectors{Blake2s: &f.Blake2s, Blake2sM31: &f.Blake2sM31, Poseidon252: &f.Poseidon252}[k]
}

// eachMerkle runs a subtest for every kind.
func eachMerkle(t *testing.T, f func(t *testing.T, k Kind, v *merkleVectors)) {
	var file merkleFile
	vectors.Load(t, &file, "stwo", "merkle.json")
	for _, k := range kinds {
		v := file.of(k)
		if len(v.Cases) == 0 || len(v.Leaves) == 0 || len(v.Packed) == 0 {
			t.Fatalf("merkle.json lacks a list for %v", k)
		}
		t.Run(k.String(), func(t *testing.T) { f(t, k, v) })
	}
}

func equalLayers(t *testing.T, k Kind, got [][]Hash, want [][]string) {
	t.Helper()
	equal(t, "layers", len(got), len(want))
	for l := range min(len(got), len(want)) {
		equalSlices(t, "layer", mapped(got[l], func(h Hash) string { return showHash(k, h) }), want[l])
	}
}

func TestVectorsMerkle(t *testing.T) {
	eachMerkle(t, func(t *testing.T, k Kind, v *merkleVectors) {
		h := k.Hasher()
		for _, c := range v.Cases {
			layers := MerkleLayers(h, c.Columns, c.Lifting)
			equalLayers(t, k, layers, c.Layers)
			equal(t, "root", MerkleRoot(h, c.Columns, c.Lifting), layers[0][0])
			witness := mapped(c.Witness, func(s string) Hash { return parseHash(t, k, s) })
			equalSlices(t, "witness", MerkleWitness(layers, nil, c.Queries), witness)
			cols := mapped(c.LogSizes, func(log int) Column { return Column{LogSize: log} })
			positions, leaves, err := openedLeaves(h, cols, c.Values, c.Queries)
			if err != nil {
				t.Fatal(err)
			}
			equalSlices(t, "positions", positions, c.Queries)
			if err := verifyMerkle(h, layers[0][0], c.Lifting, positions, leaves, witness); err != nil {
				t.Error(err)
			}
			for i, col := range c.Columns {
				for j, p := range c.Queries {
					equal(t, "opened value", col[Lift(p, c.Lifting, len(col))], c.Values[i][j])
				}
			}
		}
	})
}

func TestVectorsLeaf(t *testing.T) {
	eachMerkle(t, func(t *testing.T, k Kind, v *merkleVectors) {
		for _, c := range v.Leaves {
			row := make([]m31.Elem, c.N)
			for i := range row {
				row[i] = m31.Elem(i + 1)
			}
			equal(t, "leaf", showHash(k, k.Hasher().Leaf(row)), c.Leaf)
		}
		equal(t, "empty tree", showHash(k, MerkleRoot(k.Hasher(), nil, 0)), v.EmptyRoot)
	})
}

// TestEmptyTree checks that the root of an empty tree is not looked at, since
// stwo's backends disagree about it, and that a witness for it is refused.
func TestEmptyTree(t *testing.T) {
	var file merkleFile
	vectors.Load(t, &file, "stwo", "merkle.json")
	for k, root := range file.EmptySIMD {
		roots := []Hash{parseHash(t, k, root), parseHash(t, k, file.of(k).EmptyRoot), {1}}
		for _, root := range roots {
			l, p, queries := tinyTree(k)
			p.Commitments[0] = root
			if err := l.verifyTrees(p, queries); err != nil {
				t.Errorf("%v: root %s: %v", k, showHash(k, root), err)
			}
			p.Decommitments[0].HashWitness = []Hash{root}
			fails(t, "witness of an empty tree", l.verifyTrees(p, queries), CheckMerkle)
		}
	}
	equal(t, "backends", len(file.EmptySIMD), 2)
}

// tinyTree returns the trees of a proof with an empty tree 0, a trace of one
// column and the composition, opened at the first and last leaf.
func tinyTree(k Kind) (*Layout, *Proof, []int) {
	l := &Layout{Kind: k, Config: Config{LogBlowup: 1, Queries: 2, FoldStep: 1}, LogDegree: 3}
	l.Trees = [][]Column{{}, {{LogSize: 2, Offsets: []int{0}}}}
	queries := []int{0, 7}
	p := &Proof{Commitments: make([]Hash, 1), Decommitments: make([]Decommitment, 1), QueriedValues: make([][][]m31.Elem, 1)}
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 8} {
		cols, opened := make([][]m31.Elem, n), make([][]m31.Elem, n)
		for i := range cols {
			cols[i] = randColumn(r, 3)
			opened[i] = []m31.Elem{cols[i][0], cols[i][7]}
		}
		layers := MerkleLayers(k.Hasher(), cols, 3)
		p.Commitments = append(p.Commitments, layers[0][0])
		p.Decommitments = append(p.Decommitments, Decommitment{MerkleWitness(layers, nil, queries)})
		p.QueriedValues = append(p.QueriedValues, opened)
	}
	return l, p, queries
}

// packed lays a secure column out so that every leaf holds 2^log values.
func packed(v []QM31, log int) [][]m31.Elem {
	cols := make([][]m31.Elem, 4<<log)
	for j := range len(v) >> log {
		for i, e := range leafRow(v[j<<log : (j+1)<<log]) {
			cols[i] = append(cols[i], e)
		}
	}
	return cols
}

func TestVectorsPacked(t *testing.T) {
	eachMerkle(t, func(t *testing.T, k Kind, v *merkleVectors) {
		for _, c := range v.Packed {
			column := make([]QM31, c.Columns.Len())
			for i := range column {
				column[i] = c.Columns.At(i)
			}
			equalLayers(t, k, MerkleLayers(k.Hasher(), packed(column, 2), c.LogSize-2), c.Layers)
		}
	})
}

func TestSizeOrder(t *testing.T) {
	for _, c := range []struct{ logs, want []int }{
		{nil, nil},
		{[]int{5}, []int{0}},
		{[]int{2, 2, 2}, []int{0, 1, 2}},
		{[]int{3, 1, 2}, []int{1, 2, 0}},
		{[]int{4, 2, 4, 3, 2}, []int{1, 4, 3, 0, 2}},
	} {
		equalSlices(t, "order", SizeOrder(c.logs), c.want)
	}
	r := randtest.New(t)
	logs := make([]int, 100)
	for i := range logs {
		logs[i] = r.IntN(3)
	}
	byKey := slices.IsSortedFunc(SizeOrder(logs), func(a, b int) int { return (logs[a]-logs[b])*len(logs) + a - b })
	equal(t, "stable", byKey, true)
}

// tree is a random tree that a test opens.
type tree struct {
	h      Hasher
	layers [][]Hash
}

func newTree(r *rand.Rand, k Kind, height int) tree {
	return tree{k.Hasher(), MerkleLayers(k.Hasher(), [][]m31.Elem{randColumn(r, height)}, height)}
}

func (m tree) verify(positions []int, leaves, witness []Hash) error {
	return verifyMerkle(m.h, m.layers[0][0], len(m.layers)-1, positions, leaves, witness)
}

func (m tree) leaves(positions []int) []Hash {
	return mapped(positions, func(p int) Hash { return m.layers[len(m.layers)-1][p] })
}

// check opens the positions, and damages the opening in every way.
func (m tree) check(t *testing.T, positions []int) {
	t.Helper()
	leaves, witness := m.leaves(positions), MerkleWitness(m.layers, nil, positions)
	expect := func(what string, leaves, witness []Hash, want error) {
		t.Helper()
		if err := m.verify(positions, leaves, witness); !errors.Is(err, want) {
			t.Fatalf("%s, height %d, positions %v: error %v, want %v", what, len(m.layers)-1, positions, err, want)
		}
	}
	expect("genuine", leaves, witness, nil)
	for i := range leaves {
		expect("other leaf", flipped(leaves, i), witness, errRoot)
	}
	for i := range witness {
		expect("other witness", leaves, flipped(witness, i), errRoot)
		expect("missing hash", leaves, slices.Delete(slices.Clone(witness), i, i+1), errWitnessShort)
	}
	for i := range len(witness) + 1 {
		expect("additional hash", leaves, slices.Insert(slices.Clone(witness), i, leaves[0]), errWitnessLong)
	}
	root := m.layers[0]
	m.layers[0] = flipped(root, 0)
	expect("other root", leaves, witness, errRoot)
	m.layers[0] = root
}

// flipped returns the hashes with one bit changed in one of them.
func flipped(v []Hash, i int) []Hash {
	out := slices.Clone(v)
	out[i][31-i%4] ^= 1 << (i % 8)
	return out
}

// subset returns the set bits of a mask.
func subset(mask uint64) (out []int) {
	for i := range 64 {
		if mask>>i&1 == 1 {
			out = append(out, i)
		}
	}
	return out
}

// TestMerkleSubsets opens every set of leaves of small trees.
func TestMerkleSubsets(t *testing.T) {
	r := randtest.New(t)
	for height := 1; height <= 3; height++ {
		m := newTree(r, Blake2s, height)
		for mask := uint64(1); mask < 1<<(1<<height); mask++ {
			m.check(t, subset(mask))
		}
	}
}

// TestMerkleRandom opens random sets of leaves of larger trees, sparse and dense.
func TestMerkleRandom(t *testing.T) {
	r := randtest.New(t)
	for _, k := range kinds {
		rounds := 20
		if k == Poseidon252 {
			rounds = 2 // hashes are slow
		}
		m := newTree(r, k, 6)
		for range rounds {
			mask := r.Uint64() & r.Uint64()
			m.check(t, subset(mask|1<<r.IntN(64)))
			m.check(t, subset(mask&r.Uint64()&r.Uint64()|1<<r.IntN(64)))
		}
	}
}

// TestMerkleHeightZero opens the only leaf, which is the root.
func TestMerkleHeightZero(t *testing.T) {
	for _, k := range kinds {
		root := k.Hasher().Leaf([]m31.Elem{1, 2})
		m := tree{k.Hasher(), [][]Hash{{root}}}
		if err := m.verify([]int{0}, []Hash{root}, nil); err != nil {
			t.Error(err)
		}
		equal(t, "witness", m.verify([]int{0}, []Hash{root}, []Hash{root}), errWitnessLong)
		equal(t, "other leaf", m.verify([]int{0}, []Hash{{1}}, nil), errRoot)
	}
}

// TestMerkleArguments checks that verification leaves its arguments alone.
func TestMerkleArguments(t *testing.T) {
	m := newTree(randtest.New(t), Blake2s, 5)
	positions := []int{1, 2, 3, 17, 30}
	leaves, witness := m.leaves(positions), MerkleWitness(m.layers, nil, positions)
	p, l, w := slices.Clone(positions), slices.Clone(leaves), slices.Clone(witness)
	if err := m.verify(positions, leaves, witness); err != nil {
		t.Fatal(err)
	}
	equalSlices(t, "positions", positions, p)
	equalSlices(t, "leaves", leaves, l)
	equalSlices(t, "witness", witness, w)
}

// TestMerkleOtherPositions claims genuine leaves for other positions.
func TestMerkleOtherPositions(t *testing.T) {
	m := newTree(randtest.New(t), Blake2s, 3)
	for p := range 8 {
		witness := MerkleWitness(m.layers, nil, []int{p})
		for claimed := range 8 {
			want := errRoot
			if claimed == p {
				want = nil
			}
			equal(t, "claimed position", m.verify([]int{claimed}, m.leaves([]int{p}), witness), want)
		}
	}
}

// TestLiftedRoot compares a tree over columns of several sizes with the tree
// over the columns written out at full length.
func TestLiftedRoot(t *testing.T) {
	r := randtest.New(t)
	const height = 5
	var short, long [][]m31.Elem
	for _, k := range []int{1, 2, 2, 4, 5, 5} { // ascending, so that the order stays
		col := randColumn(r, k)
		lifted := make([]m31.Elem, 1<<height)
		for p := range lifted {
			lifted[p] = col[circle.LiftIndex(p, height-k)]
		}
		short, long = append(short, col), append(long, lifted)
	}
	for _, k := range kinds {
		equal(t, "root", MerkleRoot(k.Hasher(), short, height), MerkleRoot(k.Hasher(), long, height))
	}
	slices.Reverse(short) // now 5 5 4 2 2 1: sorted by size, stably
	swapped := [][]m31.Elem{long[0], long[2], long[1], long[3], long[5], long[4]}
	equal(t, "root of reversed columns", MerkleRoot(Blake2s.Hasher(), short, height), MerkleRoot(Blake2s.Hasher(), swapped, height))
}

func TestOpenedLeaves(t *testing.T) {
	cols := []Column{{LogSize: 3}, {LogSize: 2}}
	h := Blake2s.Hasher()
	values := [][]m31.Elem{{10, 11, 10}, {20, 21, 20}}
	positions, leaves, err := openedLeaves(h, cols, values, []int{5, 2, 5})
	if err != nil {
		t.Fatal(err)
	}
	equalSlices(t, "positions", positions, []int{2, 5})
	equalSlices(t, "leaves", leaves, []Hash{h.Leaf([]m31.Elem{21, 11}), h.Leaf([]m31.Elem{20, 10})})
	for what, values := range map[string][][]m31.Elem{
		"two rows for a position": {{10, 11, 12}, {20, 21, 20}},
		"short column":            {{10, 11, 10}, {20, 21}},
		"long column":             {{10, 11, 10, 10}, {20, 21, 20}},
	} {
		if _, _, err := openedLeaves(h, cols, values, []int{5, 2, 5}); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
