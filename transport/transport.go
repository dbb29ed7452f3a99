// Package transport says what a network of peers must do for the roles of package
// bitsage to reach each other off the chain: publish messages to topics, and ask a peer.
//
// [Host] is what a role sees of it. Package bitsage has a network within one process;
// another one is whatever implements bitsage.Transport, whose Join returns a Host.
//
// Nothing that arrives is to be believed: a Host vouches for the identity of the peer
// that published or asked, for sizes, and for nothing else.
package transport

import (
	"context"
	"time"
)

// Topic is a subject to publish under, with the limits that a host keeps on
// sending and on receiving. All members should use the same limits.
type Topic struct {
	Name string
	// MaxBytes bounds a message.
	MaxBytes int
	// Queue bounds the messages that wait in a subscription. One sender takes at
	// most a quarter of it. What arrives beyond is dropped and counted: the newest
	// is lost, not the oldest.
	Queue int
	// Check, if not nil, refuses messages: one that fails is not published, and
	// one that arrives is dropped and counted. Whether a network passes it on to
	// others first is its own affair. Check must be a function of its arguments
	// alone and safe for concurrent use.
	Check func(from PeerID, data []byte) error
}

// Protocol is a kind of request, with the limits that both ends keep.
type Protocol struct {
	Name string
	// MaxRequest and MaxResponse bound the two messages, in bytes.
	MaxRequest, MaxResponse int
	// Timeout bounds a request as a whole for the peer that asks, and the handler's
	// context for the one that answers.
	Timeout time.Duration
	// Concurrency bounds the handlers that run at once, and PerPeer those of one
	// peer. Requests beyond are refused with ErrBusy; they do not wait.
	Concurrency, PerPeer int
}

// Message is a published message.
type Message struct {
	From PeerID
	Data []byte // shared by all receivers: not to be changed
}

// Handler answers a request. The response must not be changed after it has
// returned. ErrBusy goes to the peer as such; of any other error it gets the text,
// cut to MaxErrorText bytes. ctx ends with the protocol's timeout, when the host is
// closed and when the peer is known to wait no longer.
type Handler func(ctx context.Context, from PeerID, request []byte) (response []byte, err error)

// Host is one member of a network. Its methods are safe for concurrent use.
type Host interface {
	// ID returns the host's identity.
	ID() PeerID

	// Peers returns the other hosts to which this one is connected, in no
	// particular order.
	Peers() []PeerID

	// Publish sends data to the subscribers of a topic, this host excluded.
	// Delivery is best effort: a message may be lost, come twice, or be overtaken
	// when the network is at fault; else the messages of one sender come in the
	// order in which they were published. A nil error says that the message has
	// left. data may be changed afterwards.
	Publish(ctx context.Context, topic Topic, data []byte) error

	// Subscribe opens a queue of what is published from now on.
	Subscribe(topic Topic) (Subscription, error)

	// Handle answers the requests of a protocol until it is called again with a
	// nil handler. There is one handler for a protocol.
	Handle(protocol Protocol, handler Handler) error

	// Request asks a peer and waits for the response. It fails with a *SizeError,
	// a *RemoteError, an error of this package, or that of ctx or of the
	// protocol's timeout. Unless the error says that the request was refused, the
	// peer may have acted on it.
	Request(ctx context.Context, peer PeerID, protocol Protocol, request []byte) ([]byte, error)

	// Close leaves the network, ends subscriptions and requests with ErrClosed,
	// cancels the contexts of handlers and waits for them. It must not be called
	// by a handler. Further calls do nothing.
	Close() error
}

// Subscription is the queue of one subscriber of a topic.
type Subscription interface {
	// Next returns the next message, once there is one. It fails with ErrClosed or
	// the error of ctx. Several goroutines may call it.
	Next(ctx context.Context) (Message, error)
	// Dropped counts what arrived and was not delivered: too large, refused by the
	// topic's Check, or too much.
	Dropped() uint64
	// Close ends the subscription.
	Close()
}

// Validate returns ErrLimits unless the topic has a name and positive limits.
func (t Topic) Validate() error {
	if t.Name == "" || t.MaxBytes <= 0 || t.Queue <= 0 {
		return ErrLimits
	}
	return nil
}

// Allow reports whether a message may be published or delivered: its size, and what the
// topic's Check says.
func (t Topic) Allow(from PeerID, data []byte) error {
	if err := CheckSize("message", t.Name, len(data), t.MaxBytes); err != nil {
		return err
	}
	if t.Check != nil {
		return t.Check(from, data)
	}
	return nil
}

// Validate returns ErrLimits unless the protocol has a name and positive limits.
func (p Protocol) Validate() error {
	if p.Name == "" || p.MaxRequest < 0 || p.MaxResponse < 0 || p.Timeout <= 0 || p.Concurrency <= 0 || p.PerPeer <= 0 {
		return ErrLimits
	}
	return nil
}
