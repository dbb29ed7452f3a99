package elgamal

import (
	"math/big"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

func fullTranscript(t testing.TB) *Transcript {
	w := newWorld(t, 60)
	return &Transcript{
		Kind: kindTransfer, Context: w.ctx, Keys: []PublicKey{w.payer.Public(), w.payee.Public()},
		Ciphertexts: []Ciphertext{Zero(w.payer.Public()), w.ctx.Balance},
		Commitments: []Point{Generator(), CommitmentGenerator()}, Values: []Felt{feltOf(40), feltOf(2)},
	}
}

// TestTranscriptFelts writes the layout of the specification down.
func TestTranscriptFelts(t *testing.T) {
	tr := fullTranscript(t)
	f := must(tr.Felts())(t)
	if len(f) != 15+1+4+1+8+1+4+1+2 {
		t.Fatalf("%d felts", len(f))
	}
	text := func(x Felt) string { return string(x.BigInt(new(big.Int)).Bytes()) }
	for i, want := range []string{"bitsage.elgamal.v1", "transfer", "submit_job", "SN_SEPOLIA"} {
		if got := text(f[i]); got != want {
			t.Errorf("felt %d is %q, want %q", i, got, want)
		}
	}
	var high, low Felt
	high.SetBytes(append([]byte{1, 2}, make([]byte, 14)...))
	low.SetUint64(3)
	if f[6] != feltOf(7) || f[7] != low || f[8] != high {
		t.Error("nonce or job are in another place")
	}
	if f[11] != Felt(tr.Balance.L.p.X) || f[14] != Felt(tr.Balance.R.p.Y) || f[15] != feltOf(2) || f[20] != feltOf(2) {
		t.Error("balance or keys are in another place")
	}
}

// TestTranscriptBindsEverything changes each thing in a transcript.
func TestTranscriptBindsEverything(t *testing.T) {
	base := must(fullTranscript(t).Prefix())(t)
	seen := map[Felt]string{base: "nothing"}
	try := func(name string, f func(*Transcript)) {
		t.Helper()
		tr := fullTranscript(t)
		f(tr)
		p := must(tr.Prefix())(t)
		if other, ok := seen[p]; ok {
			t.Errorf("changing %s gives the prefix of %s", name, other)
		}
		seen[p] = name
	}
	for name, ctx := range differentContexts(fullTranscript(t).Context) {
		try(name, func(tr *Transcript) { tr.Context = ctx })
	}
	try("kind", func(tr *Transcript) { tr.Kind = kindWithdraw })
	try("kind and operation", func(tr *Transcript) { tr.Kind, tr.Operation = tr.Operation, tr.Kind })
	try("key 0", func(tr *Transcript) { tr.Keys[0] = tr.Keys[1] })
	try("a key less", func(tr *Transcript) { tr.Keys = tr.Keys[:1] })
	try("ciphertext 1", func(tr *Transcript) { tr.Ciphertexts[1] = tr.Ciphertexts[0] })
	try("commitment 1", func(tr *Transcript) { tr.Commitments[1] = tr.Commitments[0] })
	try("value 1", func(tr *Transcript) { tr.Values[1] = feltOf(3) })
	try("a value less", func(tr *Transcript) { tr.Values = tr.Values[:1] })
	try("a zero value more", func(tr *Transcript) { tr.Values = append(tr.Values, Felt{}) })
	// The same points in other lists.
	try("a commitment as a key", func(tr *Transcript) {
		tr.Keys, tr.Commitments = append(tr.Keys, PublicKey{tr.Commitments[0]}), tr.Commitments[1:]
	})
}

func TestTranscriptRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Transcript)
		check  Check
	}{
		"no operation":   {func(tr *Transcript) { tr.Operation = "" }, CheckContext},
		"long operation": {func(tr *Transcript) { tr.Operation = strings.Repeat("a", 32) }, CheckContext},
		"not ASCII":      {func(tr *Transcript) { tr.Operation = "é" }, CheckContext},
		"NUL":            {func(tr *Transcript) { tr.Operation = "\x00a" }, CheckContext},
		"no kind":        {func(tr *Transcript) { tr.Kind = "" }, CheckContext},
		"no balance":     {func(tr *Transcript) { tr.Balance = Ciphertext{} }, CheckIdentity},
		"no key":         {func(tr *Transcript) { tr.Keys[0] = PublicKey{} }, CheckIdentity},
		"no ciphertext":  {func(tr *Transcript) { tr.Ciphertexts[0].R = Point{} }, CheckIdentity},
		"no commitment":  {func(tr *Transcript) { tr.Commitments[0] = Point{} }, CheckIdentity},
	} {
		t.Run(name, func(t *testing.T) {
			tr := fullTranscript(t)
			test.change(tr)
			_, err := tr.Prefix()
			wantCheck(t, err, test.check)
		})
	}
}

// TestChallengeIsUnbiased wants hashes that are no number in [1, n) to be refused,
// not reduced.
func TestChallengeIsUnbiased(t *testing.T) {
	felt := func(v *big.Int) (x Felt) { return *x.SetBigInt(v) }
	n, one := fr.Modulus(), big.NewInt(1)
	for name, test := range map[string]struct {
		hash Felt
		ok   bool
	}{
		"0": {Felt{}, false}, "1": {feltOf(1), true}, "n - 1": {felt(new(big.Int).Sub(n, one)), true},
		"n": {felt(n), false}, "n + 1": {felt(new(big.Int).Add(n, one)), false},
		"p - 1": {felt(new(big.Int).Sub(fp.Modulus(), one)), false},
	} {
		if _, ok := reduce(test.hash); ok != test.ok {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
