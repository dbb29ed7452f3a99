package codec

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
)

// benchmark runs one body over a middle-sized proof. The body returns whether
// its result is right.
func benchmark(b *testing.B, prepare func(g golden, data []byte) func() bool) {
	g := loadGolden(b, "matmul", "fix32-64")
	data := mustEncode(b, g.proof, g.kind)
	body := prepare(g, data)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if !body() {
			b.Fatal("wrong result")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		return func() bool {
			got, err := Encode(g.proof, g.kind)
			return err == nil && bytes.Equal(got, data)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		p, _, err := Decode(data)
		if err != nil || !reflect.DeepEqual(p, g.proof) {
			b.Fatal("wrong result")
		}
		return func() bool {
			p, kind, err := Decode(data)
			return err == nil && kind == g.kind && p.ProofOfWork == g.proof.ProofOfWork && slices.Equal(p.FRI.LastPoly.Coeffs, g.proof.FRI.LastPoly.Coeffs)
		}
	})
}

func BenchmarkCalldata(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		want := mustCalldata(b, g.proof, g.kind)
		return func() bool {
			got, err := Calldata(g.proof, g.kind)
			return err == nil && slices.Equal(got, want)
		}
	})
}

func BenchmarkParseCalldata(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		felts := mustCalldata(b, g.proof, g.kind)
		return func() bool {
			p, kind, err := ParseCalldata(felts)
			return err == nil && kind == g.kind && slices.Equal(p.FRI.LastPoly.Coeffs, g.proof.FRI.LastPoly.Coeffs)
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		want := Compress(data)
		return func() bool { return bytes.Equal(Compress(data), want) }
	})
}

func BenchmarkDecompress(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		packed := Compress(data)
		return func() bool {
			got, err := Decompress(packed)
			return err == nil && bytes.Equal(got, data)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	benchmark(b, func(g golden, data []byte) func() bool {
		want := Hash(data)
		return func() bool { return Hash(data) == want }
	})
}
