package prover

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
)

func randomInput(p proof.Program, seed uint64) []byte {
	rng := rand.New(rand.NewPCG(seed, 0))
	in := make([]byte, p.InputSize())
	for i := range in {
		in[i] = byte(rng.Uint32())
		if p.DType() == proof.M31 && i&3 == 3 {
			in[i] &= 0x3f
		}
	}
	return in
}

// TestProveSizes proves products of many shapes and verifies them.
func TestBig(t *testing.T) {
	p := New(Options{})
	prog := proof.MatMul(1024, 1024, 1024)
	ctx := context.Background()
	start := time.Now()
	in, err := p.Input(ctx, prog, randomInput(prog, 1), proof.MatMulP96)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("input", time.Since(start))
	r, err := p.Prove(ctx, in, proof.Digest{1})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Timings {
		t.Log(s.Stage, s.Time, s.Cells)
	}
	start = time.Now()
	rep, err := proof.Verify(r.Statement, r.Proof, proof.MatMulP96)
	if err != nil {
		t.Fatal(err)
	}
	t.Log("verify", time.Since(start), rep.Security)
	raw, err := r.Proof.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	z, _ := r.Proof.Compress()
	t.Log("bytes", len(raw), len(z))
	start = time.Now()
	root, err := p.ResultRoot(ctx, prog, r.Output, proof.MatMulP96)
	t.Log("result root", time.Since(start), root == r.Statement.ResultRoot, err)
}
