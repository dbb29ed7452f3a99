package proof

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/program"
)

func TestParseProgram(t *testing.T) {
	for _, p := range []Program{MatMul(1, 2, 3), MatMulOf(M31, 4096, 1, 17)} {
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var back Program
		if err := json.Unmarshal(data, &back); err != nil || back != p || p.Kind() != "matmul" || p.DefaultProfile() != MatMulP96 {
			t.Errorf("%v becomes %v (%v), of kind %q and default profile %v", p, back, err, p.Kind(), p.DefaultProfile())
		}
	}
	for text, want := range map[string]string{
		"":                         "no program",
		"matmul":                   "malformed program",
		"matmul int8 1x1":          "malformed program",
		"matmul int8 1x1x1 ":       "did you mean",
		"matmul int8 01x1x1":       "did you mean",
		"matmul  int8 1x1x1":       "malformed program",
		"matmul int4 1x1x1":        `unknown dtype "int4"`,
		"matmul int8 1x0x1":        "dimension k is 0",
		"matmul int8 1x1x-1":       "dimension n is -1",
		"cube 3":                   `unknown kind of program "cube", want one of: matmul`,
		strings.Repeat("x", 1<<20): "has 1048576 bytes",
	} {
		if p, err := ParseProgram(text); err == nil || p != (Program{}) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, %v, want %q", text, p, err, want)
		}
	}
}

// TestInvalidProgram: what is no program has no properties, and does no harm.
func TestInvalidProgram(t *testing.T) {
	for _, p := range []Program{{}, MatMul(0, 1, 1), MatMul(1<<62, 1<<62, 1<<62), MatMulOf(9, 1, 1, 1)} {
		if p.InputSize() != 0 || p.OutputSize() != 0 || p.NumParts() != 0 || p.Parts(nil) != nil || p.Blobs() != nil ||
			p.Rows() != 0 || p.ID() != (Digest{}) || p.DefaultProfile() != 0 || p.Kind() != "" {
			t.Errorf("%q has properties", p)
		}
		if p.Validate() == nil || p.CheckInput(nil) == nil || p.CheckOutput(nil) == nil {
			t.Errorf("%q is valid", p)
		}
	}
}

// TestKindProfiles: the kinds know profiles by name alone.
func TestKindProfiles(t *testing.T) {
	for _, k := range program.Kinds() {
		names := []string{k.Profile()}
		for _, test := range k.SelfTests() {
			names = append(names, test.Profile)
		}
		for _, name := range names {
			if _, err := ParseProfile(name); err != nil {
				t.Errorf("%s: %v", k.Name(), err)
			}
		}
	}
}

// TestProgramID pins identifiers, which are on the chain for good.
func TestProgramID(t *testing.T) {
	seen := make(map[Digest]Program)
	for p, want := range map[Program]string{
		MatMul(1, 1, 1):           "dda6140f8047de62cde69912c4aecc058b9cee3bc9d50cb5ea917f565a25593f",
		MatMul(16, 16, 16):        "a03549bd828373a843d775d6178d5079319a93191424900048ccd02df038ba0e",
		MatMulOf(M31, 16, 16, 16): "699710a432c59c9ea1941920551f8689af24f717f30811d31b56c71b9d9603d6",
		MatMul(2, 3, 4):           "a267b28d63feb6a111bb4f89850086eedda8c89686ebb282813119d24cbb8161",
		MatMul(2, 4, 3):           "f80b503637ceb2fe97fc45efee73cde6fe32011799eabfa0eccc474f16f2c41d",
		MatMul(4, 3, 2):           "c68fc8e617acea8ef47629cf1bdb24bff6f5269e6565c5aea58fe04f2867b001",
	} {
		id := p.ID()
		if got := id.String(); got != want {
			t.Errorf("%v: %s, want %s", p, got, want)
		}
		if other, ok := seen[id]; ok {
			t.Errorf("%v and %v have the same identifier", p, other)
		}
		seen[id] = p
	}
}

func TestRows(t *testing.T) {
	for p, want := range map[Program]int{
		MatMul(1, 1, 1): 16, MatMul(16, 16, 16): 16, MatMul(64, 64, 64): 128, MatMul(1024, 1024, 1024): 1 << 15,
	} {
		if got := p.Rows(); got != want {
			t.Errorf("%v has %d rows, want %d", p, got, want)
		}
	}
}
