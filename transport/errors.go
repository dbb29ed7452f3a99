package transport

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

var (
	// ErrClosed means that the host or the subscription is closed.
	ErrClosed = errors.New("transport: closed")
	// ErrUnknownPeer means that the network knows no such peer.
	ErrUnknownPeer = errors.New("transport: unknown peer")
	// ErrUnreachable means that a peer is down or the connection to it broke. The
	// peer may have got the request.
	ErrUnreachable = errors.New("transport: peer unreachable")
	// ErrUnsupported means that a peer does not answer the protocol.
	ErrUnsupported = errors.New("transport: protocol not supported by the peer")
	// ErrBusy means that there are too many requests or messages under way. It is
	// refused and may be tried again later.
	ErrBusy = errors.New("transport: busy")
	// ErrHandled means that the protocol has a handler already.
	ErrHandled = errors.New("transport: the protocol has a handler already")
	// ErrLimits means that a Topic or Protocol has no name or a limit that is not
	// positive.
	ErrLimits = errors.New("transport: topic or protocol without a name or a limit")
)

// MaxErrorText bounds the text of a RemoteError in bytes.
const MaxErrorText = 256

// RemoteError is what a peer's handler answered instead of a response.
type RemoteError struct {
	Peer PeerID
	Text string // printable, at most MaxErrorText bytes; the peer's words, true or not
}

// Error implements error.
func (e *RemoteError) Error() string { return "transport: the peer answered: " + e.Text }

// NewRemoteError returns what a peer answered, its text cut and cleaned.
func NewRemoteError(peer PeerID, text string) *RemoteError {
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
	return fmt.Sprintf("transport: a %s of %d bytes on %s, want at most %d", e.What, e.Size, e.Name, e.Max)
}

// CheckSize returns a *SizeError if a message is larger than its limit.
func CheckSize(what, name string, size, max int) error {
	if size > max {
		return &SizeError{what, name, size, max}
	}
	return nil
}
