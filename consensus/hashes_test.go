package consensus

import (
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
)

func digest(t *testing.T, halves [2]string) (d Digest) {
	t.Helper()
	for i, h := range halves {
		f := felt.MustParse(h)
		b := f.Bytes()
		copy(d[16*(1-i):], b[16:])
	}
	return d
}

// TestContractHashes compares with the vectors that the contracts themselves made.
func TestContractHashes(t *testing.T) {
	var v struct {
		ChainID string `json:"chain_id"`
		Fact    struct {
			JobID      string    `json:"job_id"`
			ProgramID  [2]string `json:"program_id"`
			Profile    string    `json:"profile"`
			JobRoot    [2]string `json:"job_root"`
			ResultRoot [2]string `json:"result_root"`
			Worker     string    `json:"worker"`
			ProofHash  [2]string `json:"proof_hash"`
			Hash       string    `json:"hash"`
		} `json:"fact"`
		Votes []struct {
			Epoch   uint64 `json:"epoch"`
			SetRoot string `json:"set_root"`
			Fact    string `json:"fact"`
			Verdict uint8  `json:"verdict"`
			Hash    string `json:"hash"`
		} `json:"votes"`
		Set struct {
			Members []struct {
				VoteKey string `json:"vote_key"`
				Weight  string `json:"weight"`
			} `json:"members"`
			Root string `json:"root"`
		} `json:"set"`
	}
	data, err := os.ReadFile(filepath.Join("..", "contracts", "testdata", "hashes.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	chain := shortString(v.ChainID)
	f := Fact{
		JobID:      felt.MustParse(v.Fact.JobID),
		ProgramID:  digest(t, v.Fact.ProgramID),
		Profile:    shortString(v.Fact.Profile),
		JobRoot:    digest(t, v.Fact.JobRoot),
		ResultRoot: digest(t, v.Fact.ResultRoot),
		Worker:     felt.MustParse(v.Fact.Worker),
		ProofHash:  digest(t, v.Fact.ProofHash),
	}
	if got := f.ID(chain).String(); got != v.Fact.Hash {
		t.Errorf("fact: %s, want %s", got, v.Fact.Hash)
	}
	var members []Member
	for _, m := range v.Set.Members {
		w, ok := new(big.Int).SetString(m.Weight, 0)
		if !ok {
			t.Fatal(m.Weight)
		}
		weight, err := WeightFromBig(w)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, Member{felt.MustParse(m.VoteKey), weight})
	}
	if len(v.Votes) < 2 || len(members) < 3 {
		t.Error("too few vectors")
	}
	for _, vote := range v.Votes {
		set, err := NewValidatorSet(vote.Epoch, members, Stark)
		if err != nil {
			t.Fatal(err)
		}
		if got := set.Root().String(); got != v.Set.Root || got != vote.SetRoot {
			t.Errorf("set root: %s, want %s", got, v.Set.Root)
		}
		if got := VoteHash(chain, set, FactID(felt.MustParse(vote.Fact)), Verdict(vote.Verdict)).String(); got != vote.Hash {
			t.Errorf("vote: %s, want %s", got, vote.Hash)
		}
	}
}

// TestCalldata compares with the encoders that are generated from the contracts'
// ABI.
func TestCalldata(t *testing.T) {
	set := newSet(t, 7, 1, 1, 1, 1)
	s := newSubmission(1, 1)
	id := s.Fact.ID(chain)
	c := newCertificate(set, id, Valid, 0, 2, 3)
	fact := proofverifier.Fact{
		JobID:      proofverifier.JobID{Value: s.JobID},
		ProgramID:  calldata.U256(s.ProgramID),
		Profile:    s.Profile,
		JobRoot:    calldata.U256(s.JobRoot),
		ResultRoot: calldata.U256(s.ResultRoot),
		Worker:     s.Worker,
		ProofHash:  calldata.U256(s.ProofHash),
	}
	cert := proofverifier.Certificate{Epoch: 7, Verdict: proofverifier.VerdictValid, Bitmap: 0b1101}
	for _, sig := range c.Signatures {
		cert.Signatures = append(cert.Signatures, proofverifier.Signature{R: sig.R, S: sig.S})
	}
	want := proofverifier.RecordCertificateCall(fact, cert).Calldata
	if got := append(s.Fact.Calldata(), c.Calldata()...); !slices.Equal(got, want) {
		t.Errorf("certificate: %v, want %v", got, want)
	}
	no, yes := newVote(set, 2, id, Invalid), newVote(set, 2, id, Valid)
	signature := func(sig Signature) validatorregistry.Signature {
		return validatorregistry.Signature{R: sig.R, S: sig.S}
	}
	want = validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{Epoch: 7, Index: 2, Fact: validatorregistry.FactID{Value: id.Felt()},
		Valid: signature(yes.Signature), Invalid: signature(no.Signature)}).Calldata
	if got := newEquivocation(no, yes).Calldata(); !slices.Equal(got, want) {
		t.Errorf("equivocation: %v, want %v", got, want)
	}
	want = validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{Epoch: 7, Index: 2, Fact: validatorregistry.FactID{Value: id.Felt()},
		Verdict: validatorregistry.VerdictInvalid, Signature: signature(no.Signature)}).Calldata
	if got := (&FalseVerdict{*no}).Calldata(); !slices.Equal(got, want) {
		t.Errorf("false verdict: %v, want %v", got, want)
	}
}
