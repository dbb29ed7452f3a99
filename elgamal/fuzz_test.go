package elgamal

import (
	"bytes"
	"errors"
	"testing"
)

// FuzzDecodeCiphertext wants ErrInvalid, or a ciphertext whose bytes are the
// input.
func FuzzDecodeCiphertext(f *testing.F) {
	k := must(seeded(70).key())(f)
	zero := Zero(k.Public()).Bytes()
	f.Add(zero)
	f.Add(zero[:64])
	f.Add(make([]byte, 128))
	f.Add(bytes.Repeat([]byte{0xff}, 128))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeCiphertext(data)
		if err != nil {
			if !errors.Is(err, ErrInvalid) || c != (Ciphertext{}) {
				t.Errorf("error %v, ciphertext %v", err, c)
			}
			return
		}
		if !c.Valid() || !bytes.Equal(c.Bytes(), data) || !c.L.p.IsOnCurve() || !c.R.p.IsOnCurve() {
			t.Errorf("%x was accepted", data)
		}
	})
}

// FuzzVerifyRange takes what the fuzzer makes of valid proofs: it may be no proof,
// or the proof itself, and never another proof that verifies.
func FuzzVerifyRange(f *testing.F) {
	w := newWorld(f, 71)
	y := w.payer.Public()
	c, o, err := w.encrypt(y, 2)
	if err != nil {
		f.Fatal(err)
	}
	valid := make(map[int][]byte)
	for _, bits := range []int{2, 3} {
		valid[bits] = EncodeFelts(must(w.proveRange(o, w.ctx, bits))(f).Felts())
		f.Add(valid[bits], bits)
		f.Add(valid[bits], bits+1)
		f.Add(append(bytes.Clone(valid[bits][:64]), make([]byte, len(valid[bits])-64)...), bits)
	}
	f.Add([]byte{}, 1)
	f.Add([]byte{1}, 41)
	f.Fuzz(func(t *testing.T, data []byte, bits int) {
		felts, err := DecodeFelts(data)
		if err != nil {
			return
		}
		proof, err := ParseRangeProof(felts, bits)
		if err == nil {
			err = VerifyRange(w.ctx, y, c, bits, proof)
		}
		if err == nil && !bytes.Equal(data, valid[bits]) {
			t.Errorf("another proof of %d bits verifies: %x", bits, data)
		}
		if err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("error %v does not match ErrInvalid", err)
		}
	})
}
