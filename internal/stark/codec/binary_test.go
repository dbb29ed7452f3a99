package codec

import (
	"bytes"
	"encoding/binary"
	"reflect"
	"runtime"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// tiny is a proof of one tree with one column that can be read by eye. Both of
// its hashes are field elements.
func tiny() *stark.Proof {
	return &stark.Proof{
		Config:        stark.Config{PowBits: 5, LogBlowup: 1, Queries: 200, FoldStep: 1},
		Commitments:   []stark.Hash{{0: 1, 31: 2}},
		SampledValues: [][][]stark.QM31{{{m31.Q(1, 2, 3, 0x7ffffffe)}}},
		Decommitments: []stark.Decommitment{{HashWitness: []stark.Hash{}}},
		QueriedValues: [][][]m31.Elem{{{6, 7}}},
		ProofOfWork:   300,
		FRI: stark.FRIProof{
			First: stark.FRILayer{
				Witness:      []stark.QM31{},
				Decommitment: stark.Decommitment{HashWitness: []stark.Hash{}},
				Commitment:   stark.Hash{0: 3, 31: 4},
			},
			Inner:    []stark.FRILayer{},
			LastPoly: stark.LinePoly{Coeffs: []stark.QM31{m31.Q(8, 0, 0, 9)}},
		},
	}
}

func hash(first, last byte) string {
	h := [32]byte{0: first, 31: last}
	return string(h[:])
}

// tinyParts is the binary form of tiny, item by item.
func tinyParts() []string {
	return []string{
		0:  "BSPF",
		1:  "\x01",         // version
		2:  "\x03",         // Poseidon252
		3:  "\x05\x01\x00", // proof-of-work bits, blowup, last layer
		4:  "\xc8\x01",     // 200 queries
		5:  "\x01\x00",     // fold step, lifting
		6:  "\x01",         // trees
		7:  hash(1, 2),     // commitment
		8:  "\x01",         // columns
		9:  "\x01",         // samples of the column
		10: "\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00\xfe\xff\xff\x7f",
		11: "\x00",                             // hashes of the decommitment
		12: "\x02",                             // openings
		13: "\x06\x00\x00\x00\x07\x00\x00\x00", // queried values
		14: "\xac\x02",                         // nonce 300
		15: "\x00",                             // FRI witness
		16: "\x00",                             // hashes
		17: hash(3, 4),                         // commitment of the layer
		18: "\x00",                             // inner layers
		19: "\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09\x00\x00\x00",
	}
}

func join(parts []string) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func TestBinaryByEye(t *testing.T) {
	want := join(tinyParts())
	if got := mustEncode(t, tiny(), stark.Poseidon252); !bytes.Equal(got, want) {
		t.Errorf("Encode = %x\nwant     %x", got, want)
	}
	roundTrip(t, tiny(), stark.Poseidon252)
}

// TestDecodeRefuses replaces one item of tiny's binary form.
func TestDecodeRefuses(t *testing.T) {
	felt := func(e uint32) string {
		return string(binary.LittleEndian.AppendUint32(make([]byte, 12), e))
	}
	tests := []struct {
		part  int
		item  string
		shift int // of the offending item in the part
		field string
		want  error
	}{
		{0, "BSPG", 0, "magic", ErrMagic},
		{1, "\x00", 0, "version", ErrVersion},
		{1, "\x02", 0, "version", ErrVersion},
		{2, "\x00", 0, "kind", ErrKind},
		{2, "\x04", 0, "kind", ErrKind},
		{3, "\x3d\x01\x00", 5, "configuration", ErrConfig},
		{3, "\x05\x00\x00", 5, "configuration", ErrConfig},
		{3, "\x05\x01\x11", 5, "configuration", ErrConfig},
		{4, "\x81\x08", 2, "configuration", ErrConfig}, // 1025 queries; the whole has an offset
		{4, "\xff\xff\x7f", 0, "configuration", ErrLength},
		{4, "\xc8\x81\x00", 0, "configuration", ErrNonCanonical},
		{5, "\x00\x00", 2, "configuration", ErrConfig},
		{5, "\x01\x1d", 2, "configuration", ErrConfig},
		{6, "\x00", 0, "number of trees", ErrLength},
		{6, "\x09", 0, "number of trees", ErrLength},
		{6, "\x81\x00", 0, "number of trees", ErrNonCanonical},
		{6, "\x08", 1, "commitments", ErrTruncated},
		{7, string(prime[:]), 0, "commitments", ErrNonCanonical},
		{8, "\x00", 0, "number of columns", ErrLength},
		{8, "\x81\x20", 0, "number of columns", ErrLength}, // 4097
		{8, "\x80\x20", 2, "numbers of samples", ErrTruncated},
		{9, "\x81\x80\x01", 0, "numbers of samples", ErrLength},
		{9, "\x80\x80\x01", 3, "sampled values", ErrTruncated},
		{10, felt(m31.P), 12, "sampled values", ErrNonCanonical},
		{10, felt(1<<32 - 1), 12, "sampled values", ErrNonCanonical},
		{11, "\x81\x80\x01", 0, "number of hashes", ErrLength},
		{11, "\x40", 1, "hash witness", ErrTruncated},
		{12, "\x00", 0, "number of openings", ErrLength},
		{12, "\xc9\x01", 0, "number of openings", ErrLength},
		{12, "\xc8\x01", 2, "queried values", ErrTruncated},
		{13, felt(m31.P)[8:], 4, "queried values", ErrNonCanonical},
		{14, "\xac\x82\x00", 0, "proof of work", ErrNonCanonical},
		{14, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 0, "proof of work", ErrNonCanonical},
		{15, "\x81\x80\x01", 0, "length of a FRI witness", ErrLength},
		{15, "\x7f", 1, "FRI witness", ErrTruncated},
		{16, "\x10", 1, "hash witness", ErrTruncated},
		{17, string(bytes.Repeat([]byte{255}, 32)), 0, "FRI commitment", ErrNonCanonical},
		{18, "\x20", 0, "number of inner layers", ErrLength},
		{19, felt(m31.P), 12, "last layer", ErrNonCanonical},
		{19, felt(0)[1:], 0, "last layer", ErrTruncated},
		{19, felt(0) + "\x00", 16, "proof", ErrTrailing},
	}
	for _, test := range tests {
		parts := tinyParts()
		parts[test.part] = test.item
		p, kind, err := Decode(join(parts))
		if p != nil || kind != 0 {
			t.Errorf("part %d %x: a proof beside the error", test.part, test.item)
		}
		checkRefusal(t, err, test.field, test.want)
		if want := len(join(parts[:test.part])) + test.shift; err != nil && test.want != ErrConfig && err.(*FormatError).Offset != want {
			t.Errorf("part %d %x: %v, want offset %d", test.part, test.item, err, want)
		}
	}
}

// TestTruncation cuts two proofs at every byte.
func TestTruncation(t *testing.T) {
	g := smallest(t)
	for _, data := range [][]byte{join(tinyParts()), mustEncode(t, g.proof, g.kind)} {
		for n := range data {
			_, _, err := Decode(data[:n])
			if format, ok := err.(*FormatError); !ok || format.Reason != ErrTruncated || format.Offset > n {
				t.Fatalf("%d of %d bytes: %v", n, len(data), err)
			}
		}
	}
}

// TestFlips changes every byte of small proofs in nine ways: what still decodes
// is another proof with exactly that encoding.
func TestFlips(t *testing.T) {
	for _, g := range []golden{smallest(t), loadGolden(t, "stwo/proofs", "wide_fib-poseidon252-base")} {
		data := mustEncode(t, g.proof, g.kind)
		refused := 0
		for i := range data {
			for _, mask := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 255} {
				data[i] ^= mask
				p, kind, err := Decode(data)
				if err != nil {
					refused++
					if _, ok := err.(*FormatError); !ok {
						t.Fatalf("byte %d ^ %d: %v", i, mask, err)
					}
				} else if again := mustEncode(t, p, kind); !bytes.Equal(again, data) {
					t.Fatalf("byte %d ^ %d decodes, but to a proof with another encoding", i, mask)
				}
				data[i] ^= mask
			}
		}
		if refused < len(data)/10 {
			t.Errorf("%s: only %d of %d changes were refused", g.name, refused, 9*len(data))
		}
		if p, _, err := Decode(data); err != nil || !reflect.DeepEqual(p, g.proof) {
			t.Error("the test did not restore the data")
		}
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMemory decodes data that promises more than it holds. Slice headers of
// columns without samples are the worst case.
func TestMemory(t *testing.T) {
	empty := slices.Repeat([]byte{0x80, 0x20}, 1)
	empty = append(empty, make([]byte, maxColumns)...) // 4096 columns of no samples
	prefix := func(n int) []byte { return join(tinyParts()[:n]) }
	trees := append(prefix(6), maxTrees)
	trees = append(trees, make([]byte, maxTrees*hashBytes)...)
	tests := map[string][]byte{
		"columns":       append(prefix(8), 0x80, 0x20),
		"empty columns": append(trees, bytes.Repeat(empty, maxTrees)...),
		"samples":       append(prefix(9), 0x80, 0x80, 0x01),
		"hashes":        append(prefix(11), 0x80, 0x80, 0x01),
		"openings":      append(prefix(12), 0xc8, 0x01),
		"FRI witness":   append(prefix(15), 0x80, 0x80, 0x01),
		"inner layers":  append(prefix(18), maxInner),
		"last layer":    append(append([]byte("BSPF\x01\x01\x05\x01\x10\x03\x01\x00"), prefix(19)[13:]...), 0),
	}
	for name, data := range tests {
		var err error
		n := allocated(func() { _, _, err = Decode(data) })
		checkRefusal(t, err, err.(*FormatError).Field, ErrTruncated)
		if limit := uint64(40*len(data) + 8<<10); n > limit {
			t.Errorf("%s: %d bytes of data allocate %d bytes", name, len(data), n)
		}
	}
}
