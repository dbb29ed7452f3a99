package codec

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/stark"
)

// seeds returns the binary forms of the small golden proofs and of tiny.
func seeds(f *testing.F) (out [][]byte) {
	for _, g := range loadGoldens(f) {
		if data := mustEncode(f, g.proof, g.kind); len(data) < 4096 {
			out = append(out, data)
		}
	}
	for _, kind := range []stark.Kind{stark.Blake2s, stark.Poseidon252} {
		out = append(out, mustEncode(f, tiny(), kind))
	}
	return out
}

func checkFormatError(t *testing.T, err error) {
	t.Helper()
	var format *FormatError
	if !errors.As(err, &format) || format.Reason == nil || format.Field == "" {
		t.Fatalf("error %v", err)
	}
}

// FuzzDecode: what decodes has exactly this encoding, and calldata.
func FuzzDecode(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, kind, err := Decode(data)
		if err != nil {
			checkFormatError(t, err)
			return
		}
		if !bytes.Equal(mustEncode(t, p, kind), data) {
			t.Fatal("another encoding")
		}
		q, k, err := ParseCalldata(mustCalldata(t, p, kind))
		if err != nil || k != kind || !reflect.DeepEqual(p, q) {
			t.Fatalf("calldata does not hold the proof: %v", err)
		}
	})
}

// FuzzParseCalldata: what parses has exactly this calldata, and a binary form.
func FuzzParseCalldata(f *testing.F) {
	for _, data := range seeds(f) {
		p, kind, err := Decode(data)
		if err != nil {
			f.Fatal(err)
		}
		var flat []byte
		for _, x := range mustCalldata(f, p, kind) {
			b := x.Bytes()
			flat = append(flat, b[:]...)
		}
		f.Add(flat)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		felts := make([]felt.Felt, len(data)/32)
		for i := range felts {
			var err error
			if felts[i], err = felt.FromBytes(data[32*i : 32*i+32]); err != nil {
				return // no calldata
			}
		}
		p, kind, err := ParseCalldata(felts)
		if err != nil {
			checkFormatError(t, err)
			return
		}
		if !slices.Equal(mustCalldata(t, p, kind), felts) {
			t.Fatal("other calldata")
		}
		q, k, err := Decode(mustEncode(t, p, kind))
		if err != nil || k != kind || !reflect.DeepEqual(p, q) {
			t.Fatalf("the binary form does not hold the proof: %v", err)
		}
	})
}

// FuzzDecompress: contents are bounded, and any data survives compression.
func FuzzDecompress(f *testing.F) {
	for _, data := range seeds(f) {
		f.Add(Compress(data))
	}
	f.Add(frame(300, block(0, 0, false, ""), block(1, 300, true, "\x00")))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := Decompress(data); err != nil {
			checkFormatError(t, err)
		} else if len(got) > MaxBytes {
			t.Fatalf("%d bytes", len(got))
		}
		if len(data) > MaxBytes {
			return
		}
		if got, err := Decompress(Compress(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%d bytes do not survive: %v", len(data), err)
		}
	})
}
