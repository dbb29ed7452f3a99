package contracts_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// vectors are the hashes that README.md defines, with inputs, as the contracts'
// own views return them.
type vectors struct {
	ChainID string `json:"chain_id"`
	Job     struct {
		Manager string    `json:"manager"`
		Client  string    `json:"client"`
		TaskID  [2]string `json:"task_id"`
		Hash    string    `json:"hash"`
	} `json:"job_id"`
	Fact struct {
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
		Verdict uint64 `json:"verdict"`
		Hash    string `json:"hash"`
	} `json:"votes"`
	Possession struct {
		Registry  string `json:"registry"`
		Validator string `json:"validator"`
		Hash      string `json:"hash"`
	} `json:"possession"`
	Set struct {
		Members []struct {
			VoteKey string `json:"vote_key"`
			Weight  string `json:"weight"`
		} `json:"members"`
		Root string `json:"root"`
	} `json:"set"`
}

// hash is the hash of a domain and felts in hexadecimal.
func hash(t *testing.T, domain string, parts ...string) felt.Felt {
	t.Helper()
	name, err := felt.ShortString(domain)
	if err != nil {
		t.Fatal(err)
	}
	felts := []felt.Felt{name}
	for _, p := range parts {
		felts = append(felts, felt.MustParse(p))
	}
	return poseidon.HashMany(felts...)
}

func text(t *testing.T, s string) string {
	t.Helper()
	f, err := felt.ShortString(s)
	if err != nil {
		t.Fatal(err)
	}
	return f.String()
}

func number(x uint64) string {
	var f felt.Felt
	f.SetUint64(x)
	return f.String()
}

// setRoot is the root over the leaves, of which there are 64.
func setRoot(leaves []felt.Felt) felt.Felt {
	level := make([]felt.Felt, 64)
	copy(level, leaves)
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = poseidon.Hash(&level[2*i], &level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

func TestHashes(t *testing.T) {
	data, err := os.ReadFile("testdata/hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	check := func(name string, got felt.Felt, want string) {
		t.Helper()
		if got.String() != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	chain := text(t, v.ChainID)
	j := v.Job
	check("job id", hash(t, "bitsage/job/v1", chain, j.Manager, j.Client, j.TaskID[0], j.TaskID[1]), j.Hash)
	f := v.Fact
	check("fact", hash(t, "bitsage/fact/v1", chain, f.JobID, f.ProgramID[0], f.ProgramID[1], text(t, f.Profile),
		f.JobRoot[0], f.JobRoot[1], f.ResultRoot[0], f.ResultRoot[1], f.Worker, f.ProofHash[0], f.ProofHash[1]), f.Hash)
	for _, vote := range v.Votes {
		check("vote", hash(t, "bitsage/vote/v1", chain, number(vote.Epoch), vote.SetRoot, vote.Fact, number(vote.Verdict)), vote.Hash)
	}
	p := v.Possession
	check("possession", hash(t, "bitsage/votekey/v1", chain, p.Registry, p.Validator), p.Hash)
	var leaves []felt.Felt
	for i, m := range v.Set.Members {
		leaves = append(leaves, hash(t, "bitsage/validator/v1", number(uint64(i)), m.VoteKey, m.Weight))
	}
	check("set root", setRoot(leaves), v.Set.Root)
	if len(v.Votes) < 2 || len(leaves) < 3 {
		t.Error("too few vectors")
	}
}
