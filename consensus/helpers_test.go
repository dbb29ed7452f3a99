package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

var (
	chain   = shortString("SN_TEST")
	profile = shortString("matmul-p96")

	// largest is p - 1, above the order of the curve.
	largest = felt.MustParse("0x800000000000011000000000000000000000000000000000000000000000000")
)

// key returns the private key of validator i, or of a worker from 100 on.
func key(i int) *wallet.Key {
	k, err := wallet.ParseKey(fmt.Sprintf("0x%x", 0x1001+i))
	if err != nil {
		panic(err)
	}
	return k
}

func sign(k *wallet.Key, hash felt.Felt) Signature {
	sig, err := k.Sign(context.Background(), hash)
	if err != nil {
		panic(err)
	}
	return Normalize(Signature(sig))
}

func newSet(t testing.TB, epoch uint64, weights ...uint64) *ValidatorSet {
	t.Helper()
	var members []Member
	for i, w := range weights {
		members = append(members, Member{key(i).PublicKey(), Weight{Lo: w}})
	}
	s, err := NewValidatorSet(epoch, members, Stark)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// newSubmission returns the submission of job n with proof p.
func newSubmission(n, p byte) *Submission {
	s := &Submission{Fact: Fact{JobID: number(uint64(n)), Profile: profile, Worker: number(0x77)}, ProofSize: 1234, Expiry: 1_800_000_000}
	s.ProgramID[0], s.JobRoot[1], s.ResultRoot[2], s.ProofHash[31] = 1, 2, 3, p
	s.Signature = sign(key(100), s.Fact.ID(chain).Felt())
	return s
}

func newVote(set *ValidatorSet, i int, id FactID, v Verdict) *Vote {
	return &Vote{set.epoch, uint8(i), id, v, sign(key(i), VoteHash(chain, set, id, v))}
}

// newCertificate is signed by the given members, in increasing order.
func newCertificate(set *ValidatorSet, id FactID, v Verdict, members ...int) *Certificate {
	c := &Certificate{Epoch: set.epoch, Fact: id, Verdict: v}
	for _, i := range members {
		c.Bitmap |= 1 << i
		c.Signatures = append(c.Signatures, newVote(set, i, id, v).Signature)
	}
	return c
}

// otherForm returns (R, n - S).
func otherForm(sig Signature) Signature {
	b := sig.S.Bytes()
	var s fr.Element
	s.SetBytes(b[:])
	s.Neg(&s)
	b = s.Bytes()
	sig.S.SetBytes(b[:])
	return sig
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || want == nil && got != nil {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// golden compares JSON with a file in testdata, or writes the file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	goldenText(t, name, string(data)+"\n")
}

func goldenText(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}
