//go:build tongo

package elgamal

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The packages that the vectors are checked with, from the npm registry.
var tongoPackages = []string{"@fatsolutions/tongo-sdk@1.3.1", "@fatsolutions/she@0.4.0", "@scure/starknet@1.1.0", "tsx@4.23.15"}

// TestTongo gives our vectors to Tongo's verifiers and Tongo's proofs to ours. It
// needs node, npm and the registry:
//
//	go test -tags tongo -run TestTongo ./elgamal
func TestTongo(t *testing.T) {
	dir := t.TempDir()
	install(t, dir)
	script := must(os.ReadFile("testdata/tongo/check.ts"))(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "check.ts"), script, 0o644))
	vectors := must(filepath.Abs(vectorsFile))(t)
	run(t, dir, "npx", "tsx", "check.ts", vectors, "proofs.json")
	verifyTongoProofs(t, filepath.Join(dir, "proofs.json"))
}

func install(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"type": "module"}`), 0o644))
	run(t, dir, "npm", append([]string{"install", "--no-audit", "--no-fund"}, tongoPackages...)...)
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err, "%s", name)
}

type tongoProofs struct {
	Prefix                                                 string
	Ownership, Encryption, Reencryption, Range, RangeTongo []string
}

func verifyTongoProofs(t *testing.T, path string) {
	var v tongoProofs
	require.NoError(t, json.Unmarshal(must(os.ReadFile(path))(t), &v))
	prefix := must(parseHex(v.Prefix))(t)
	sigma := func(name string, felts []string, points int, shape string, relations func([]Point) []relation) {
		t.Helper()
		given := make([]Point, points)
		proof := emptyProof(shapes[shape][0], shapes[shape][1])
		parts := proof.parts()
		for i := range given {
			parts = append(parts[:i], append([]any{&given[i]}, parts[i:]...)...)
		}
		require.NoError(t, parse(must(parseHexes(felts))(t), name, parts...))
		assert.NoError(t, standard().verify(prefix, relations(given), &proof), "Tongo's proof of %s", name)
		one := feltOf(1)
		other := prefix
		if err := standard().verify(*other.Add(&other, &one), relations(given), &proof); err == nil {
			t.Errorf("Tongo's proof of %s under another prefix is accepted", name)
		}
	}
	ctx := newWorld(t, 90).ctx
	sigma("ownership", v.Ownership, 1, kindOwnership, func(p []Point) []relation {
		return ownership(ctx, PublicKey{p[0]}, nil).relations
	})
	sigma("encryption", v.Encryption, 3, kindEncryption, func(p []Point) []relation {
		return encryption(ctx, PublicKey{p[0]}, Ciphertext{p[1], p[2]}).relations
	})
	sigma("reencryption", v.Reencryption, 6, kindReencryption, func(p []Point) []relation {
		return reencryption(ctx, PublicKey{p[0]}, PublicKey{p[1]}, Ciphertext{p[2], p[3]}, Ciphertext{p[4], p[5]}).relations
	})
	verifyTongoRange(t, standard(), prefix, v.Range)
	verifyTongoRange(t, &setting{newFixedBase(hashToCurve(felt.Felt(Generator().p.X)))}, prefix, v.RangeTongo)
}

func verifyTongoRange(t *testing.T, s *setting, prefix Felt, felts []string) {
	t.Helper()
	bits := make([]BitProof, 12)
	require.NoError(t, parse(must(parseHexes(felts))(t), "range", bitParts(bits)...))
	assert.NoError(t, s.verifyBits(prefix, bits), "Tongo's range proof")
	bits[5].S0 = bits[6].S0
	wantCheck(t, s.verifyBits(prefix, bits), CheckBit)
}
