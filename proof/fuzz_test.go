package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/bitsage/bitsage/internal/vectors"
)

// smallProofs are the proofs of stwo's own small statements, which verify as
// nothing that this package knows.
func smallProofs(f *testing.F) (out []*Proof) {
	f.Helper()
	for _, name := range []string{"wide_fib-blake2s-base", "logup-blake2s-base"} {
		p := new(Proof)
		if err := p.UnmarshalJSON(bytes.TrimSpace(vectors.Read(f, "stwo/proofs", name, "PROOF.json"))); err != nil {
			f.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func isMalformed(err error) bool {
	var malformed *MalformedError
	return errors.As(err, &malformed) && errors.Is(err, ErrInvalid)
}

// mustReject expects Verify to find a proof invalid unless it is the golden one.
func mustReject(t *testing.T, golden *receipt, p *Proof) {
	t.Helper()
	_, err := Verify(golden.Statement, p, golden.Profile)
	if err == nil {
		if raw, encErr := p.MarshalBinary(); encErr != nil || !bytes.Equal(raw, golden.raw) {
			t.Fatalf("another proof than the golden one is accepted (%v)", encErr)
		}
		return
	}
	if _, ok := checkOf(err); !ok {
		t.Fatalf("%v, want an InvalidError", err)
	}
}

// FuzzParse: what parses has this encoding and no other, and is not accepted.
func FuzzParse(f *testing.F) {
	golden := loadReceipt(f, "int8-16x16x16-fast")
	for _, p := range smallProofs(f) {
		raw, err := p.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse(data)
		if err != nil {
			if !isMalformed(err) {
				t.Fatal(err)
			}
			return
		}
		raw, err := p.MarshalBinary()
		if err != nil || !bytes.Equal(raw, data) {
			t.Fatalf("another encoding (%v)", err)
		}
		if _, err := p.Hash(); err != nil {
			t.Fatal(err)
		}
		mustReject(t, &golden, p)
	})
}

// FuzzUnmarshalJSON: what parses survives a round trip, and is not accepted.
func FuzzUnmarshalJSON(f *testing.F) {
	golden := loadReceipt(f, "int8-16x16x16-fast")
	for _, p := range smallProofs(f) {
		text, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Proof
		if err := p.UnmarshalJSON(data); err != nil {
			if !isMalformed(err) {
				t.Fatal(err)
			}
			return
		}
		text, err := p.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var q Proof
		if err := q.UnmarshalJSON(text); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("another proof after a round trip (%v)", err)
		}
		mustReject(t, &golden, &p)
	})
}

// FuzzDecompress: what decompresses is a proof in canonical form.
func FuzzDecompress(f *testing.F) {
	golden := loadReceipt(f, "int8-16x16x16-fast")
	for _, p := range smallProofs(f) {
		small, err := p.Compress()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(small)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Decompress(data)
		if err != nil {
			if !isMalformed(err) {
				t.Fatal(err)
			}
			return
		}
		raw, err := p.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if q, err := Parse(raw); err != nil || !reflect.DeepEqual(p, q) {
			t.Fatalf("another proof after a round trip (%v)", err)
		}
		mustReject(t, &golden, p)
	})
}

// FuzzVerify overwrites a part of a golden proof, or its statement's words.
func FuzzVerify(f *testing.F) {
	var receipts []receipt
	for _, name := range receiptNames {
		receipts = append(receipts, loadReceipt(f, name))
	}
	f.Add(uint8(0), uint32(0), []byte{})
	f.Add(uint8(0), uint32(100), []byte{1, 2, 3, 4})
	f.Add(uint8(1), uint32(10000), []byte{0xff, 0xff, 0xff, 0x7f})
	f.Add(uint8(2), uint32(40000), bytes.Repeat([]byte{0}, 32))
	f.Fuzz(func(t *testing.T, which uint8, at uint32, patch []byte) {
		r := receipts[int(which)%len(receipts)]
		data := bytes.Clone(r.raw)
		copy(data[int(at)%len(data):], patch)
		p, err := Parse(data)
		if err != nil {
			if !isMalformed(err) {
				t.Fatal(err)
			}
			return
		}
		mustReject(t, &r, p)
		s := r.Statement
		if n := copy(s.JobID[:], patch); n > 0 && s != r.Statement {
			if _, err := Verify(s, p, r.Profile); err == nil {
				t.Fatal("accepted for another job")
			}
		}
	})
}

// FuzzProgramText: a program has one text.
func FuzzProgramText(f *testing.F) {
	f.Add("matmul int8 1024x1024x1024")
	f.Add("matmul m31 1x2x3")
	f.Add("matmul  int8 +1x02x3 ")
	f.Add("matmul int8 1x2x3\n")
	f.Add("matmul int8 4097x1x1")
	f.Fuzz(func(t *testing.T, text string) {
		var p Program
		if err := p.UnmarshalText([]byte(text)); err != nil {
			return
		}
		got, err := p.MarshalText()
		if err != nil || string(got) != text || p.Validate() != nil {
			t.Fatalf("%q gives %v, whose text is %q (%v)", text, p, got, err)
		}
	})
}
