package bitsage

import (
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/staking"
)

// newCertificate puts votes together with their epoch's set.
func newCertificate(c *consensus.Certificate, e staking.Epoch) (*receipt.Certificate, error) {
	votes, err := consensus.Encode(c)
	if err != nil {
		return nil, err
	}
	out := &receipt.Certificate{Votes: votes}
	for _, m := range e.Members {
		out.Set = append(out.Set, receipt.Member{VoteKey: m.VoteKey, Weight: m.Weight})
	}
	return out, nil
}
