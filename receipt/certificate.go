package receipt

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/proof"
)

// Certificate is the votes of validators, of more than two thirds of the stake of their
// epoch's set, that decided about a job's proof.
type Certificate struct {
	// Votes is the certificate in its canonical encoding (docs/spec/consensus.md).
	Votes []byte `json:"votes"`
	// Set is the validators of the epoch, by index: at most consensus.MaxValidators.
	Set []Member `json:"set"`
}

// Member is a validator of an epoch.
type Member struct {
	VoteKey felt.Felt    `json:"vote_key"`
	Weight  money.Amount `json:"weight"` // its stake
}

// Verify checks that the votes are signed by members of the set and make a quorum on a
// chain, given by its name, and returns them. It does not know what the fact is that they
// are about, nor whether the set is the chain's.
func (c *Certificate) Verify(chain string) (*consensus.Certificate, error) {
	chainID, err := felt.ShortString(chain)
	if err != nil {
		return nil, err
	}
	votes, err := c.decode()
	if err != nil {
		return nil, err
	}
	set, err := c.set(votes.Epoch)
	if err != nil {
		return nil, err
	}
	if err := votes.Verify(chainID, set); err != nil {
		return nil, err
	}
	return votes, nil
}

// Votes is what a certificate says.
type Votes struct {
	Verdict consensus.Verdict
	Voters  []int        // indices into Certificate.Set
	Weight  money.Amount // of the voters
	Total   money.Amount // of the set
}

// Count verifies a certificate as Verify does, and returns who has voted for what.
func (c *Certificate) Count(chain string) (Votes, error) {
	certificate, err := c.Verify(chain)
	if err != nil {
		return Votes{}, err
	}
	v := Votes{Verdict: certificate.Verdict}
	for i, m := range c.Set {
		if v.Total, err = v.Total.Add(m.Weight); err != nil {
			return Votes{}, err
		}
		if certificate.Bitmap>>i&1 == 1 {
			v.Voters = append(v.Voters, i)
			v.Weight, _ = v.Weight.Add(m.Weight) // at most Total
		}
	}
	return v, nil
}

// decode returns the votes, unchecked.
func (c *Certificate) decode() (*consensus.Certificate, error) {
	if len(c.Set) > consensus.MaxValidators {
		return nil, fmt.Errorf("%d members: %w", len(c.Set), consensus.ErrSetSize)
	}
	m, err := consensus.Decode(c.Votes) // which bounds their length
	if err != nil {
		return nil, err
	}
	votes, ok := m.(*consensus.Certificate)
	if !ok {
		return nil, errNotCertificate
	}
	return votes, nil
}

// set returns the set of an epoch.
func (c *Certificate) set(epoch uint64) (*consensus.ValidatorSet, error) {
	members := make([]consensus.Member, len(c.Set))
	for i, m := range c.Set {
		weight, err := consensus.WeightFromBig(m.Weight.Base())
		if err != nil {
			return nil, fmt.Errorf("member %d: %w", i, err)
		}
		members[i] = consensus.Member{Key: m.VoteKey, Weight: weight}
	}
	return consensus.NewValidatorSet(epoch, members, consensus.Stark)
}

// Fact returns what validators vote on when a worker, given by its address, claims a
// result of a job.
func Fact(job proof.JobID, t *proof.Task, worker felt.Felt, resultRoot, proofHash proof.Digest) (consensus.Fact, error) {
	id, err := felt.FromBytes(job[:])
	if err != nil {
		return consensus.Fact{}, in("job", err)
	}
	profile, err := felt.ShortString(t.Profile.String())
	if err != nil {
		return consensus.Fact{}, in("profile", err)
	}
	return consensus.Fact{
		JobID: id, ProgramID: consensus.Digest(t.Program.ID()), Profile: profile, JobRoot: consensus.Digest(t.JobRoot),
		ResultRoot: consensus.Digest(resultRoot), Worker: worker, ProofHash: consensus.Digest(proofHash),
	}, nil
}

// votes returns the certificate's votes if they are about this receipt. No signature of
// theirs has been checked.
func (r *Receipt) votes() (*consensus.Certificate, error) {
	chainID, err := felt.ShortString(r.Origin.Chain)
	if err != nil {
		return nil, err
	}
	fact, err := Fact(r.Job, &r.Task, r.Worker, r.ResultRoot, r.ProofHash)
	if err != nil {
		return nil, err
	}
	votes, err := r.Certificate.decode()
	switch {
	case err != nil:
		return nil, err
	case votes.Fact != fact.ID(chainID):
		return nil, errors.New("the votes are about another job, worker, result or proof")
	case votes.Verdict != consensus.Valid:
		return nil, errors.New("the votes say that the proof is invalid")
	}
	return votes, nil
}
