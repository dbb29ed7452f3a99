package codec

import (
	"math/big"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// number parses a hexadecimal number.
func number(digits string) felt.Felt { return felt.MustParse("0x" + digits) }

// tinyFelts is the calldata of tiny for the given hash function.
func tinyFelts(kind stark.Kind) []felt.Felt {
	hash := func(first, last string) []felt.Felt { // first and last byte of the hash
		if kind == stark.Poseidon252 {
			return []felt.Felt{number(first + strings.Repeat("0", 60) + last)}
		}
		return []felt.Felt{number(first), number(last + strings.Repeat("0", 30))}
	}
	return slices.Concat(
		[]felt.Felt{number("4253504601"), number("0" + string('0'+rune(kind)))},
		[]felt.Felt{number("5"), number("1"), number("0"), number("c8"), number("1"), number("0")}, // configuration
		[]felt.Felt{number("1")}, hash("01", "02"), // trees
		[]felt.Felt{number("1"), number("1")},                   // columns, numbers of samples
		[]felt.Felt{number("2000000080000001fffffffe")},         // 1<<93 | 2<<62 | 3<<31 | 0x7ffffffe
		[]felt.Felt{number("0")},                                // hashes of the decommitment
		[]felt.Felt{number("2"), number("300000007")},           // openings, 6<<31 | 7
		[]felt.Felt{number("12c")},                              // nonce
		[]felt.Felt{number("0"), number("0")}, hash("03", "04"), // first layer
		[]felt.Felt{number("0")},                         // inner layers
		[]felt.Felt{number("1000000000000000000000009")}, // last layer, 8<<93 | 9
	)
}

func TestCalldataByEye(t *testing.T) {
	for _, kind := range []stark.Kind{stark.Blake2s, stark.Blake2sM31, stark.Poseidon252} {
		got, want := mustCalldata(t, tiny(), kind), tinyFelts(kind)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v: Calldata =\n%v\nwant\n%v", kind, got, want)
		}
		roundTrip(t, tiny(), kind)
	}
}

// TestRuns packs runs of every length up to four felts and compares with
// big-integer arithmetic.
func TestRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for n := range 4*perFelt + 2 {
		for range 20 {
			v := randomElems(rng, n)
			var w calldataWriter
			cut := rng.IntN(n + 1)
			w.elems(v[:cut], nil, v[cut:]) // columns do not show
			var want []felt.Felt
			for word := range slices.Chunk(v, 8) {
				sum := new(big.Int)
				for _, e := range word {
					sum.Add(sum.Lsh(sum, 31), big.NewInt(int64(e)))
				}
				f, err := felt.FromBig(sum)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, f)
			}
			if !slices.Equal(w.out, want) {
				t.Fatalf("%d elements: %v, want %v", n, w.out, want)
			}
			r := calldataReader{data: w.out}
			if got := r.elems("run", n); !slices.Equal(got, v) || r.pos != len(want) {
				t.Fatalf("%d elements do not survive", n)
			}
		}
	}
}

// TestHalves reads digests as little-endian numbers.
func TestHalves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for range 100 {
		var h stark.Hash
		for i := range h {
			h[i] = byte(rng.Uint32())
		}
		number := slices.Clone(h[:])
		slices.Reverse(number)
		whole := new(big.Int).SetBytes(number)
		low, high := halves(&h)
		sum := high.BigInt(new(big.Int))
		sum.Add(sum.Lsh(sum, 128), low.BigInt(new(big.Int)))
		if sum.Cmp(whole) != 0 {
			t.Fatalf("halves of %x are %v and %v", h, low, high)
		}
		if back, ok := joinHalves(low, high); !ok || back != h {
			t.Fatalf("joinHalves gives %x, %v", back, ok)
		}
	}
}

// TestParseCalldataRefuses replaces one felt of tiny's calldata.
func TestParseCalldataRefuses(t *testing.T) {
	const top = "8000000000000000000000000000000" // 2^123: above 2^(31*k) for small k
	tests := []struct {
		pos   int
		felt  string
		field string
		want  error
	}{
		{0, "4253504701", "magic", ErrMagic},
		{0, "1" + strings.Repeat("0", 31) + "4253504601", "magic", ErrMagic},
		{0, "4253504602", "version", ErrVersion},
		{1, "0", "kind", ErrKind},
		{1, "4", "kind", ErrKind},
		{1, "101", "kind", ErrKind},
		{1, "10000000000000001", "kind", ErrKind},
		{2, "3d", "configuration", ErrConfig},
		{3, "0", "configuration", ErrConfig},
		{5, "10001", "configuration", ErrLength},
		{8, "0", "number of trees", ErrLength},
		{8, "9", "number of trees", ErrLength},
		{8, "10000000000000001", "number of trees", ErrLength},
		{9, "1" + strings.Repeat("0", 32), "commitments", ErrNonCanonical},  // low half of 2^128
		{10, "1" + strings.Repeat("0", 32), "commitments", ErrNonCanonical}, // high half
		{11, "0", "number of columns", ErrLength},
		{11, "1001", "number of columns", ErrLength},
		{11, "1000", "numbers of samples", ErrTruncated},
		{12, "4001", "numbers of samples", ErrLength},
		{12, "80000001", "numbers of samples", ErrNonCanonical},
		{12, "7fffffff", "numbers of samples", ErrNonCanonical},
		{12, "4000", "sampled values", ErrTruncated},
		{13, "7fffffff", "sampled values", ErrNonCanonical},
		{13, "1" + top, "sampled values", ErrNonCanonical},
		{14, "4001", "number of hashes", ErrLength},
		{14, "10", "hash witness", ErrTruncated},
		{15, "0", "number of openings", ErrLength},
		{15, "c9", "number of openings", ErrLength},
		{15, "c8", "queried values", ErrTruncated},
		{16, "3fffffff80000000", "queried values", ErrNonCanonical},
		{16, "4000000000000000", "queried values", ErrNonCanonical}, // 2^62
		{17, "10000000000000000", "proof of work", ErrLength},
		{18, "4001", "length of a FRI witness", ErrLength},
		{18, "4000", "FRI witness", ErrTruncated},
		{22, "20", "number of inner layers", ErrLength},
		{23, top + "0", "last layer", ErrNonCanonical},
	}
	for _, test := range tests {
		data := tinyFelts(stark.Blake2s)
		data[test.pos] = number(test.felt)
		p, kind, err := ParseCalldata(data)
		if p != nil || kind != 0 {
			t.Errorf("felt %d = %s: a proof beside the error", test.pos, test.felt)
		}
		checkRefusal(t, err, test.field, test.want)
	}
	_, _, err := ParseCalldata(append(tinyFelts(stark.Blake2s), felt.Felt{}))
	checkRefusal(t, err, "proof", ErrTrailing)
}

// TestCalldataTruncation cuts a proof at every felt.
func TestCalldataTruncation(t *testing.T) {
	g := smallest(t)
	data := mustCalldata(t, g.proof, g.kind)
	for n := range data {
		_, _, err := ParseCalldata(data[:n])
		if format, ok := err.(*FormatError); !ok || format.Reason != ErrTruncated || format.Offset > n {
			t.Fatalf("%d of %d felts: %v", n, len(data), err)
		}
	}
}

// TestCalldataFlips changes every byte of every felt in two ways.
func TestCalldataFlips(t *testing.T) {
	for _, g := range []golden{smallest(t), loadGolden(t, "stwo/proofs", "wide_fib-poseidon252-base")} {
		data := mustCalldata(t, g.proof, g.kind)
		for i := range 32 * len(data) {
			for _, mask := range []byte{1, 0x80} {
				was := data[i/32]
				b := was.Bytes()
				b[i%32] ^= mask
				f, err := felt.FromBytes(b[:])
				if err != nil {
					continue // no felt
				}
				data[i/32] = f
				p, kind, err := ParseCalldata(data)
				if err == nil && !slices.Equal(mustCalldata(t, p, kind), data) {
					t.Fatalf("felt %d byte %d ^ %d is read as another proof's", i/32, i%32, mask)
				}
				data[i/32] = was
			}
		}
	}
}

// TestCalldataMemory parses a list that promises more than it holds.
func TestCalldataMemory(t *testing.T) {
	for pos, v := range map[int]m31.Elem{8: maxTrees, 11: maxColumns, 12: maxItems, 14: maxItems, 15: 200, 18: maxItems} {
		data := tinyFelts(stark.Blake2s)
		l := limbs{uint64(v)}
		data[pos] = l.felt()
		var err error
		n := allocated(func() { _, _, err = ParseCalldata(data) })
		if err == nil || n > 16<<10 {
			t.Errorf("felt %d = %d: %d bytes for %d felts, error %v", pos, v, n, len(data), err)
		}
	}
}
