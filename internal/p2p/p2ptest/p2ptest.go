// Package p2ptest is the conformance suite of every transport: what the roles of package
// bitsage rely on, whatever carries their messages.
package p2ptest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// Network is a network of a transport, of which a test has one to itself.
type Network struct {
	// Join adds a host with the identity of a key, that sees the other hosts of the
	// network by itself. A key whose host was closed may join again.
	Join func(ctx context.Context, key ed25519.PrivateKey) (transport.Host, error)
	// VirtualTime says that the network waits by timers and channels alone. Its suite
	// runs in a bubble of testing/synctest, with exact times, and outside.
	VirtualTime bool
	// Cut, if not nil, lets nothing more pass from one host to another, who hear
	// nothing of it.
	Cut func(from, to transport.PeerID)
}

// Run tests a transport. open returns an empty network, and leaves what is to be cleaned
// up to t.Cleanup; the suite closes the hosts.
func Run(t *testing.T, open func(t *testing.T) Network) {
	virtual := open(t).VirtualTime
	for _, c := range []struct {
		name string
		test func(*suite)
	}{
		{"Identity", identity}, {"Impostor", impostor}, {"Peers", peers}, {"Restart", restart}, {"Close", closing}, {"CloseEndsRequests", closeEndsRequests},
		{"Order", order}, {"PublishRefuses", publishRefuses}, {"ReceiverKeepsLimits", receiverKeepsLimits}, {"Share", share},
		{"Consumers", consumers}, {"CloseSubscription", closeSubscription},
		{"RequestErrors", requestErrors}, {"Handle", handle}, {"Sizes", sizes}, {"Buffers", buffers}, {"Concurrency", concurrency},
		{"Timeouts", timeouts}, {"Silence", silence}, {"PeerLeaves", peerLeaves}, {"ManyAtOnce", manyAtOnce},
	} {
		t.Run(c.name, func(t *testing.T) { outside(t, open, c.test) })
		if virtual {
			t.Run(c.name+"/VirtualTime", func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { c.test(&suite{T: t, net: open(t), virtual: true}) })
			})
		}
	}
}

// outside runs a test in real time and wants no goroutine to be left of it.
func outside(t *testing.T, open func(t *testing.T) Network, test func(*suite)) {
	before := runtime.NumGoroutine()
	passed := t.Run("RealTime", func(t *testing.T) { test(&suite{T: t, net: open(t)}) })
	if !passed {
		return
	}
	s := &suite{T: t}
	s.eventually("no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}

// suite is one test of one network.
type suite struct {
	*testing.T
	net     Network
	virtual bool
	keys    int
	hosts   []transport.Host // that run
}

const (
	// patience is how long the suite waits for what must happen.
	patience = 30 * time.Second
	// poll is how often it looks.
	poll = 2 * time.Millisecond
)

var (
	chat = transport.Topic{Name: "/p2ptest/chat/1", MaxBytes: 64, Queue: 4096}
	echo = transport.Protocol{Name: "/p2ptest/echo/1", MaxRequest: 32, MaxResponse: 32, Timeout: patience, Concurrency: 8, PerPeer: 4}
)

// named is the protocol echo under another name.
func named(name string) transport.Protocol {
	p := echo
	p.Name = "/p2ptest/" + name + "/1"
	return p
}

func echoHandler(_ context.Context, _ transport.PeerID, request []byte) ([]byte, error) {
	return request, nil
}

func second[T any](_ T, err error) error { return err }

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// eventually waits until something holds, which nothing announces.
func (s *suite) eventually(what string, holds func() bool) {
	s.Helper()
	for begin := time.Now(); !holds(); time.Sleep(poll) {
		if time.Since(begin) > patience {
			s.Fatalf("after %v it does not hold that %s", patience, what)
		}
	}
}

// key returns a new key, the same in every run.
func (s *suite) key() ed25519.PrivateKey {
	s.keys++
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("p2ptest"), uint64(s.keys)))
	return ed25519.NewKeyFromSeed(seed[:])
}

func idOf(key ed25519.PrivateKey) transport.PeerID {
	return transport.PeerOf(key.Public().(ed25519.PublicKey))
}

func (s *suite) join(key ed25519.PrivateKey) transport.Host {
	s.Helper()
	h, err := s.net.Join(s.Context(), key)
	s.must(err)
	s.hosts = append(s.hosts, h)
	s.Cleanup(func() { h.Close() })
	return h
}

// crowd adds hosts with new keys, and returns them when all see each other.
func (s *suite) crowd(n int) []transport.Host {
	s.Helper()
	first := len(s.hosts)
	for range n {
		s.join(s.key())
	}
	for _, h := range s.hosts {
		s.eventually("the hosts see each other", func() bool { return len(h.Peers()) >= len(s.hosts)-1 })
	}
	return s.hosts[first:]
}

// pair returns two hosts, the second of which answers echo.
func (s *suite) pair() (a, b transport.Host) {
	s.Helper()
	hosts := s.crowd(2)
	s.must(hosts[1].Handle(echo, echoHandler))
	return hosts[0], hosts[1]
}

// close closes a host before the end of the test.
func (s *suite) close(h transport.Host) {
	s.Helper()
	s.must(h.Close())
	for i, other := range s.hosts {
		if other == h {
			s.hosts = append(s.hosts[:i:i], s.hosts[i+1:]...)
			return
		}
	}
}

func (s *suite) publish(h transport.Host, text string) {
	s.Helper()
	s.must(h.Publish(s.Context(), chat, []byte(text)))
}

// probe opens messages by which the suite learns that publications arrive.
const probe = "?"

// subscribe opens a subscription that hears the given hosts: they publish until they are
// heard, since it may take a while before a network knows of a subscriber.
func (s *suite) subscribe(h transport.Host, topic transport.Topic, from ...transport.Host) transport.Subscription {
	s.Helper()
	sub, err := h.Subscribe(topic)
	s.must(err)
	s.Cleanup(sub.Close)
	for _, f := range from {
		s.hear(sub, f)
	}
	return sub
}

// hear has a host publish until it is heard, and takes all that out of the subscription.
func (s *suite) hear(sub transport.Subscription, from transport.Host) {
	s.Helper()
	last := ""
	for n, heard := 0, ""; heard == ""; n++ {
		if n > 1000 {
			s.Fatal("nothing that is published arrives")
		}
		last = fmt.Sprint(probe, n)
		s.publish(from, last)
		ctx, cancel := context.WithTimeout(s.Context(), 50*time.Millisecond)
		if m, err := sub.Next(ctx); err == nil {
			heard = string(m.Data)
		}
		cancel()
		if heard == last {
			return
		}
	}
	for s.next(sub) != last {
	}
}

// next returns the next message of a subscription that must come.
func (s *suite) next(sub transport.Subscription) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	m, err := sub.Next(ctx)
	s.must(err)
	return string(m.Data)
}

// read returns so many messages but for probes.
func (s *suite) read(sub transport.Subscription, n int) (texts []string) {
	s.Helper()
	for len(texts) < n {
		if text := s.next(sub); !strings.HasPrefix(text, probe) {
			texts = append(texts, text)
		}
	}
	return texts
}

// nothing wants a subscription to have no message.
func (s *suite) nothing(sub transport.Subscription) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Millisecond)
	defer cancel()
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return
		}
		if !bytes.HasPrefix(m.Data, []byte(probe)) {
			s.Errorf("there is one more message: %q", m.Data)
		}
	}
}

// receive returns what a channel must bring.
func receive[T any](s *suite, ch <-chan T) (v T) {
	s.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience + 5*time.Second): // after requests have timed out
		s.Fatal("nothing happens")
	}
	return v
}

// waiter is a handler that waits for the end of its context.
type waiter struct {
	started chan transport.PeerID
	ended   chan error
}

func newWaiter() *waiter {
	return &waiter{make(chan transport.PeerID, 16), make(chan error, 16)}
}

func (w *waiter) handle(ctx context.Context, from transport.PeerID, _ []byte) ([]byte, error) {
	w.started <- from
	<-ctx.Done()
	w.ended <- ctx.Err()
	return []byte("too late"), nil
}

// took wants an exact time in virtual time, and no shorter one in real time.
func (s *suite) took(what string, begin time.Time, want time.Duration) {
	s.Helper()
	if d := time.Since(begin); d < want || s.virtual && d != want {
		s.Errorf("%s took %v, want %v", what, d, want)
	}
}
