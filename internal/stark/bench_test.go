package stark

import (
	"bytes"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/vectors"
)

// benchRow returns the row 1 to n and its leaf hash, from merkle.json.
func benchRow(b *testing.B, k Kind, n int) ([]m31.Elem, string) {
	var file merkleFile
	vectors.Load(b, &file, "stwo", "merkle.json")
	row := make([]m31.Elem, n)
	for i := range row {
		row[i] = m31.Elem(i + 1)
	}
	for _, l := range file.of(k).Leaves {
		if l.N == n {
			return row, l.Leaf
		}
	}
	b.Fatalf("no leaf of %d values", n)
	return nil, ""
}

func benchmarkLeaf(b *testing.B, k Kind, n int) {
	row, want := benchRow(b, k, n)
	h := k.Hasher()
	b.SetBytes(int64(4 * n))
	var leaf Hash
	for b.Loop() {
		leaf = h.Leaf(row)
	}
	if got := showHash(k, leaf); got != want {
		b.Fatalf("%s, want %s", got, want)
	}
}

func BenchmarkBlake2sLeaf(b *testing.B)  { benchmarkLeaf(b, Blake2s, 40) }
func BenchmarkPoseidonLeaf(b *testing.B) { benchmarkLeaf(b, Poseidon252, 40) }

// BenchmarkPoseidonHash hashes the children of a root of merkle.json.
func BenchmarkPoseidonHash(b *testing.B) {
	var file merkleFile
	vectors.Load(b, &file, "stwo", "merkle.json")
	layers := MerkleLayers(Poseidon252.Hasher(), file.Poseidon252.Cases[0].Columns, 1)
	left, right := toFelt(&layers[1][0]), toFelt(&layers[1][1])
	var root felt.Felt
	for b.Loop() {
		root = poseidon.Hash(&left, &right)
	}
	if got, want := showHash(Poseidon252, root.Bytes()), file.Poseidon252.Cases[0].Layers[0][0]; got != want {
		b.Fatalf("%s, want %s", got, want)
	}
}

func BenchmarkParseJSON(b *testing.B) {
	data := bytes.TrimSpace(vectors.Read(b, "stwo", "proofs", "logup-blake2s-base", "PROOF.json"))
	b.SetBytes(int64(len(data)))
	var p *Proof
	for b.Loop() {
		var err error
		if p, err = ParseJSON(data, Blake2s); err != nil {
			b.Fatal(err)
		}
	}
	if !bytes.Equal(p.AppendJSON(nil, Blake2s), data) {
		b.Fatal("another proof")
	}
}
