package air

import (
	"bytes"
	"testing"

	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// TestGoldenProofs verifies the proofs made by stwo 2.3.0.
func TestGoldenProofs(t *testing.T) {
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			t.Run(name, func(t *testing.T) {
				a, err := Load(bytes.NewReader(vectors.Read(t, dir, name, "AIR.json")))
				if err != nil {
					t.Fatal(err)
				}
				raw := vectors.Read(t, dir, name, "PROOF.json")
				p, err := stark.ParseJSON(raw, a.Kind)
				if err != nil {
					t.Fatal(err)
				}
				if got := p.AppendJSON(nil, a.Kind); !bytes.Equal(got, bytes.TrimSpace(raw)) {
					t.Error("the proof's JSON does not survive a round trip")
				}
				if _, err := a.Verify(p); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
