package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// The hashes of contracts/src/hashes.cairo.

const maxValidators = 64

// hashJob identifies the job of a client at the contract.
func hashJob(f *cairo.Frame, client cairo.Address, task cairo.U256) jobID {
	return jobID{f.Hash(cairo.ShortString("bitsage/job/v1"), f.ChainID(), f.Address(), client, task)}
}

// hashFact identifies a fact. The worker signs it when it submits its proof.
func hashFact(f *cairo.Frame, x fact) factID {
	return factID{f.Hash(cairo.ShortString("bitsage/fact/v1"), f.ChainID(), x)}
}

// hashVote is what a validator signs.
func hashVote(f *cairo.Frame, epoch uint64, root felt.Felt, id factID, v verdict) felt.Felt {
	return f.Hash(cairo.ShortString("bitsage/vote/v1"), f.ChainID(), epoch, root, id, v)
}

// hashPossession is what the holder of a vote key signs to let a validator use it.
func hashPossession(f *cairo.Frame, validator cairo.Address) felt.Felt {
	return f.Hash(cairo.ShortString("bitsage/votekey/v1"), f.ChainID(), f.Address(), validator)
}

// hashSet is the root of the tree over a set.
func hashSet(f *cairo.Frame, members []member) felt.Felt {
	level := make([]felt.Felt, maxValidators)
	for i, m := range members {
		level[i] = f.Hash(cairo.ShortString("bitsage/validator/v1"), uint32(i), m.VoteKey, m.Weight)
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = poseidon.Hash(&level[2*i], &level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}
