package bitsage

import (
	"context"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// voteProtocol carries a message of package consensus to one validator.
var voteProtocol = transport.Protocol{
	Name: "/bitsage/vote/1", MaxRequest: consensus.MaxMessageSize, MaxResponse: 0,
	Timeout: 10 * time.Second, Concurrency: 64, PerPeer: 8,
}

// domain is the deployment that messages are about.
func domain(c *settle.Contracts) wire.Domain {
	return wire.Domain{ChainID: c.ChainID(), JobManager: c.JobManager()}
}

// signing lets messages be signed by a key that may be anywhere.
func signing(ctx context.Context, s wallet.Signer) wire.Sign {
	return func(hash chain.Felt) (starksig.Signature, error) {
		sig, err := s.Sign(ctx, hash)
		return starksig.Signature(sig), err
	}
}

// topic returns where a message of package consensus is published.
func topic(d wire.Domain, m consensus.Message) transport.Topic {
	switch m.(type) {
	case *consensus.Certificate:
		return d.Certificates(consensus.MaxMessageSize)
	case *consensus.Equivocation, *consensus.FalseVerdict:
		return d.Evidence(consensus.MaxMessageSize)
	}
	return d.Votes(consensus.MaxMessageSize)
}
