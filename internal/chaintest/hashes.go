package chaintest

import (
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// What workers and validators sign, computed by themselves: a node that told them
// what to sign could make them sign anything.

func jobHash(chainID, jobs, client chain.Felt, task calldata.U256) chain.Felt {
	return tagged("bitsage/job/v1", chainID, func(e *calldata.Encoder) {
		e.Felt(jobs)
		e.Felt(client)
		e.U256(task)
	})
}

func factHash(chainID chain.Felt, f proofverifier.Fact) chain.Felt {
	return tagged("bitsage/fact/v1", chainID, func(e *calldata.Encoder) {
		for _, felt := range factFelts(f) {
			e.Felt(felt)
		}
	})
}

func factFelts(f proofverifier.Fact) []chain.Felt {
	e := new(calldata.Encoder)
	e.Felt(f.JobID.Value)
	e.U256(f.ProgramID)
	e.Felt(f.Profile)
	e.U256(f.JobRoot)
	e.U256(f.ResultRoot)
	e.Felt(f.Worker)
	e.U256(f.ProofHash)
	return e.Felts()
}

func voteHash(chainID chain.Felt, epoch uint64, root, fact chain.Felt, v proofverifier.Verdict) chain.Felt {
	return tagged("bitsage/vote/v1", chainID, func(e *calldata.Encoder) {
		e.Uint(epoch)
		e.Felt(root)
		e.Felt(fact)
		e.Uint(uint64(v))
	})
}

func possessionHash(chainID, registry, validator chain.Felt) chain.Felt {
	return tagged("bitsage/votekey/v1", chainID, func(e *calldata.Encoder) {
		e.Felt(registry)
		e.Felt(validator)
	})
}

func tagged(domain string, chainID chain.Felt, fields func(*calldata.Encoder)) chain.Felt {
	e := new(calldata.Encoder)
	e.Felt(text(domain))
	e.Felt(chainID)
	fields(e)
	return poseidon.HashMany(e.Felts()...)
}

// hashes compares them with the views of the contracts.
func hashes(t *testing.T, w *world) {
	client, worker := chain.Uint(11), chain.Uint(12)
	task := u256(new(big.Int).Lsh(big.NewInt(5), 200))
	id := view(t, w, w.jobs.call(jobmanager.JobIDCall(client, task)), jobmanager.DecodeJobID)
	same(t, "job", id.Value, jobHash(w.chainID, w.jobs.address, client, task))

	f := proofverifier.Fact{JobID: proofverifier.JobID{Value: id.Value}, ProgramID: digest("program"), Profile: text("std"), JobRoot: digest("input"),
		ResultRoot: digest("output"), Worker: worker, ProofHash: digest("proof")}
	fact := view(t, w, w.verifier.call(proofverifier.FactIDCall(f)), proofverifier.DecodeFactID)
	same(t, "fact", fact.Value, factHash(w.chainID, f))

	for _, v := range []proofverifier.Verdict{proofverifier.VerdictValid, proofverifier.VerdictInvalid} {
		vote := view(t, w, w.verifier.call(proofverifier.VoteHashCall(7, chain.Uint(99), fact, v)), proofverifier.DecodeVoteHash)
		same(t, "vote", vote, voteHash(w.chainID, 7, chain.Uint(99), fact.Value, v))
	}
	possession := view(t, w, w.registry.call(validatorregistry.PossessionHashCall(worker)), validatorregistry.DecodePossessionHash)
	same(t, "possession", possession, possessionHash(w.chainID, w.registry.address, worker))
}

func same(t *testing.T, what string, got, want chain.Felt) {
	t.Helper()
	if got != want {
		t.Errorf("the hash of a %s is %s, want %s", what, got, want)
	}
}
