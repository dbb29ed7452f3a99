package bitsage

import (
	"time"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/transport"
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
