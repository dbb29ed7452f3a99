package prover

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/proof"
)

var update = flag.Bool("update", false, "write the receipts in proof/testdata anew")

// receipt is a golden proof with everything that belongs to it. The tests of
// package proof read receipts, so that they need no prover. The proof lies beside
// it, in binary form.
type receipt struct {
	Profile   proof.Profile
	Statement proof.Statement
	Input     []byte
	Output    []byte
}

// receipts lists the golden proofs.
var receipts = []struct {
	name    string
	program proof.Program
	profile proof.Profile
	job     byte
	swapped bool // B*A instead of A*B
}{
	{"int8-16x16x16-p96", proof.MatMul(16, 16, 16), proof.MatMulP96, 4, false},
	{"m31-20x33x17-p96", proof.MatMulOf(proof.M31, 20, 33, 17), proof.MatMulP96, 1, false},
	{"int8-3x2048x2-std", proof.MatMul(3, 2048, 2), proof.Std, 4, false}, // has an inner layer of FRI
	{"int8-16x16x16-fast", proof.MatMul(16, 16, 16), proof.Fast, 7, false},
	{"int8-16x16x16-fast-swapped", proof.MatMul(16, 16, 16), proof.Fast, 7, true},
}

func receiptPath(name string) string { return filepath.Join("..", "proof", "testdata", name) }

func readReceipt(t *testing.T, name string) (r receipt, raw []byte) {
	t.Helper()
	data, err := os.ReadFile(receiptPath(name + ".json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if raw, err = os.ReadFile(receiptPath(name + ".bin")); err != nil {
		t.Fatal(err)
	}
	return r, raw
}

func writeReceipt(t *testing.T, name string, r receipt, raw []byte) {
	t.Helper()
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(receiptPath(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	for ext, b := range map[string][]byte{".json": append(data, '\n'), ".bin": raw} {
		if err := os.WriteFile(receiptPath(name)+ext, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReceipts makes complete proofs under real profiles, verifies them and
// compares them with the golden ones, which
//
//	go test ./prover -run TestReceipts -update
//
// writes anew. The swapped product is made only then.
func TestReceipts(t *testing.T) {
	p := New(Options{})
	for _, c := range receipts {
		if c.swapped && !*update {
			continue
		}
		data := randomInput(c.program, 1)
		if c.swapped {
			parts := c.program.Parts(data)
			data = slices.Concat(parts[1], parts[0])
		}
		in, err := p.Input(context.Background(), c.program, data, c.profile)
		if err != nil {
			t.Fatal(err)
		}
		r, err := p.Prove(context.Background(), in, proof.JobID{c.job})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := proof.Verify(r.Statement, r.Proof, c.profile); err != nil {
			t.Fatal(err)
		}
		raw, err := r.Proof.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		made := receipt{c.profile, r.Statement, data, r.Output}
		if *update {
			writeReceipt(t, c.name, made, raw)
		}
		checkReceipt(t, c.name, made, raw)
		checkSize(t, c.name, made, len(raw))
	}
}

// checkSize compares a proof's size with the estimate, which is that of an average
// draw of queries.
func checkSize(t *testing.T, name string, r receipt, size int) {
	t.Helper()
	want, err := proof.EstimateBytes(r.Statement.Program, r.Profile)
	if err != nil {
		t.Fatal(err)
	}
	if d := size - want; 100*d > 8*want || 100*d < -8*want {
		t.Errorf("%s: %d bytes, want about %d", name, size, want)
	}
}

func checkReceipt(t *testing.T, name string, made receipt, raw []byte) {
	t.Helper()
	want, wantRaw := readReceipt(t, name)
	if made.Statement != want.Statement || made.Profile != want.Profile || !bytes.Equal(made.Input, want.Input) || !bytes.Equal(made.Output, want.Output) {
		t.Errorf("%s: the receipt differs from the golden one", name)
	}
	if !bytes.Equal(raw, wantRaw) {
		t.Errorf("%s: the proof differs from the golden one", name)
	}
}
