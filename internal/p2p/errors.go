package p2p

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrClosed means that the host or the subscription is closed.
	ErrClosed = errors.New("p2p: closed")
	// ErrUnknownPeer means that the network knows no such peer.
	ErrUnknownPeer = errors.New("p2p: unknown peer")
	// ErrUnreachable means that a peer is down or the connection to it broke. The
	// peer may have got the request.
	ErrUnreachable = errors.New("p2p: peer unreachable")
	// ErrUnsupported means that a peer does not answer the protocol.
	ErrUnsupported = errors.New("p2p: protocol not supported by the peer")
	// ErrBusy means that there are too many requests or messages under way. It is
	// refused and may be tried again later.
	ErrBusy = errors.New("p2p: busy")
	// ErrHandled means that the protocol has a handler already.
	ErrHandled = errors.New("p2p: the protocol has a handler already")
	// ErrLimits means that a Topic or Protocol has no name or a limit that is not
	// positive.
	ErrLimits = errors.New("p2p: topic or protocol without a name or a limit")
)

// MaxErrorText bounds the text of a RemoteError in bytes.
const MaxErrorText = 256

// RemoteError is what a peer's handler answered instead of a response.
type RemoteError struct {
	Peer PeerID
	Text string // printable, at most MaxErrorText bytes; the peer's words, true or not
}

// Error implements error.
func (e *RemoteError) Error() string { return "p2p: the peer answered: " + e.Text }

// remoteError cuts and cleans a text that a peer sent.
func remoteError(peer PeerID, text string) *RemoteError {
	return &RemoteError{peer, CleanText(text, MaxErrorText)}
}

// CleanText makes a text of a stranger fit to print: at most max bytes of valid
// UTF-8, printable characters and spaces only.
func CleanText(text string, max int) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), max)])
}

// SizeError says that a message exceeds its limit.
type SizeError struct {
	What string // "message", "request" or "response"
	Name string // of the topic or protocol
	// Size is the number of bytes, as far as they were counted.
	Size, Max int
}

// Error implements error.
func (e *SizeError) Error() string {
	return fmt.Sprintf("p2p: a %s of %d bytes on %s, want at most %d", e.What, e.Size, e.Name, e.Max)
}

// PeersError says that none of the peers that were asked had what was wanted.
type PeersError struct {
	What  string
	Peers []PeerError // in the order in which they were asked
}

// PeerError is the last error of one peer.
type PeerError struct {
	Peer PeerID
	Err  error
}

// Add notes the error of a peer.
func (e *PeersError) Add(peer PeerID, err error) { e.Peers = append(e.Peers, PeerError{peer, err}) }

// Error implements error.
func (e *PeersError) Error() string {
	if len(e.Peers) == 0 {
		return "p2p: nobody to ask for " + e.What
	}
	return fmt.Sprintf("p2p: none of %d peers had %s, the last one: %v", len(e.Peers), e.What, e.Peers[len(e.Peers)-1].Err)
}

// Unwrap returns the peers' errors.
func (e *PeersError) Unwrap() []error {
	errs := make([]error, len(e.Peers))
	for i, p := range e.Peers {
		errs[i] = p.Err
	}
	return errs
}

func checkSize(what, name string, size, max int) error {
	if size > max {
		return &SizeError{what, name, size, max}
	}
	return nil
}

func (t Topic) validate() error {
	if t.Name == "" || t.MaxBytes <= 0 || t.Queue <= 0 {
		return ErrLimits
	}
	return nil
}

func (t Topic) check(from PeerID, data []byte) error {
	if err := checkSize("message", t.Name, len(data), t.MaxBytes); err != nil {
		return err
	}
	if t.Check != nil {
		return t.Check(from, data)
	}
	return nil
}

func (p Protocol) validate() error {
	if p.Name == "" || p.MaxRequest < 0 || p.MaxResponse < 0 || p.Timeout <= 0 || p.Concurrency <= 0 || p.PerPeer <= 0 {
		return ErrLimits
	}
	return nil
}
