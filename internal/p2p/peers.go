package p2p

import (
	"fmt"

	"github.com/bitsage/bitsage/transport"
)

// PeersError says that none of the peers that were asked had what was wanted.
type PeersError struct {
	What  string
	Peers []PeerError // in the order in which they were asked
}

// PeerError is the last error of one peer.
type PeerError struct {
	Peer transport.PeerID
	Err  error
}

// Add notes the error of a peer.
func (e *PeersError) Add(peer transport.PeerID, err error) {
	e.Peers = append(e.Peers, PeerError{peer, err})
}

// Error implements error.
func (e *PeersError) Error() string {
	if len(e.Peers) == 0 {
		return "transport: nobody to ask for " + e.What
	}
	return fmt.Sprintf("transport: none of %d peers had %s, the last one: %v", len(e.Peers), e.What, e.Peers[len(e.Peers)-1].Err)
}

// Unwrap returns the peers' errors.
func (e *PeersError) Unwrap() []error {
	errs := make([]error, len(e.Peers))
	for i, p := range e.Peers {
		errs[i] = p.Err
	}
	return errs
}
