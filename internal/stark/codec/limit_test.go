package codec

import (
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// grow adds to tiny until its binary form has exactly the given size: with
// hashes, or with columns that have no samples and one opening each.
func grow(t *testing.T, size int, hashes bool) *stark.Proof {
	p := tiny()
	p.QueriedValues[0][0] = p.QueriedValues[0][0][:1]
	missing := func() int {
		s := sizer{size: headerBytes}
		write(&s, p)
		return size - s.size
	}
	for !hashes && len(p.Commitments) < maxTrees {
		p.Commitments = append(p.Commitments, stark.Hash{})
		p.Decommitments = append(p.Decommitments, stark.Decommitment{HashWitness: []stark.Hash{}})
		p.SampledValues = append(p.SampledValues, make([][]stark.QM31, maxColumns))
		p.QueriedValues = append(p.QueriedValues, make([][]m31.Elem, maxColumns))
		for i := range maxColumns {
			p.SampledValues[len(p.SampledValues)-1][i] = []stark.QM31{}
			p.QueriedValues[len(p.QueriedValues)-1][i] = []m31.Elem{1}
		}
	}
	first := &p.FRI.First
	for missing() >= 64 {
		first.Decommitment.HashWitness = append(first.Decommitment.HashWitness, make([]stark.Hash, (missing()-32)/32)...)
	}
	for missing() >= 16 {
		first.Witness = append(first.Witness, stark.QM31{})
	}
	for missing() >= 10 {
		p.SampledValues[0] = append(p.SampledValues[0], []stark.QM31{})
		p.QueriedValues[0] = append(p.QueriedValues[0], []m31.Elem{0})
	}
	for p.ProofOfWork = 1; missing() > 0; {
		p.ProofOfWork <<= 7
	}
	if missing() != 0 {
		t.Fatalf("%d bytes from the size", missing())
	}
	return p
}

// TestMaxBytes fills the limit to the last byte, and then goes past it.
func TestMaxBytes(t *testing.T) {
	for _, hashes := range []bool{true, false} {
		p := grow(t, MaxBytes, hashes)
		data, felts := roundTrip(t, p, stark.Blake2s)
		if len(data) != MaxBytes || len(felts) > MaxFelts {
			t.Errorf("hashes %v: %d bytes and %d felts", hashes, len(data), len(felts))
		}
		t.Logf("hashes %v: %d of at most %d felts", hashes, len(felts), MaxFelts)

		p = grow(t, MaxBytes+1, hashes)
		_, err := Encode(p, stark.Blake2s)
		checkRefusal(t, err, "proof", ErrTooLarge)
		_, err = Calldata(p, stark.Blake2s)
		checkRefusal(t, err, "proof", ErrTooLarge)

		w := calldataWriter{kind: stark.Blake2s}
		w.number(firstFelt)
		w.number(uint64(stark.Blake2s))
		write(&w, p)
		_, _, err = ParseCalldata(w.out)
		checkRefusal(t, err, "proof", ErrTooLarge)

		b := binaryWriter{[]byte{'B', 'S', 'P', 'F', Version, byte(stark.Blake2s)}}
		write(&b, p)
		_, _, err = Decode(b.buf)
		checkRefusal(t, err, "proof", ErrTooLarge)
	}
	_, _, err := ParseCalldata(make([]felt.Felt, MaxFelts+1))
	checkRefusal(t, err, "proof", ErrTooLarge)
	_, _, err = Decode(make([]byte, MaxBytes+1))
	checkRefusal(t, err, "proof", ErrTooLarge)
}
