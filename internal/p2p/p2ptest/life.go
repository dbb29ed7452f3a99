package p2ptest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// identity: a host is known by its key and by nothing else, everywhere.
func identity(s *suite) {
	key := s.key()
	a, b := s.join(key), s.crowd(1)[0]
	if a.ID() != idOf(key) || !a.ID().Valid() || a.ID() == b.ID() {
		s.Errorf("the hosts are %s and %s, want %s and another one", a.ID(), b.ID(), idOf(key))
	}
	from := make(chan transport.PeerID, 1)
	s.must(b.Handle(echo, func(_ context.Context, peer transport.PeerID, _ []byte) ([]byte, error) {
		from <- peer
		return nil, nil
	}))
	s.must(second(a.Request(s.Context(), b.ID(), echo, nil)))
	if got := receive(s, from); got != a.ID() {
		s.Errorf("a request came from %s, want %s", got, a.ID())
	}
	sub := s.subscribe(b, chat, a)
	s.publish(a, "x")
	if m, err := sub.Next(s.Context()); err != nil || m.From != a.ID() || string(m.Data) != "x" {
		s.Errorf("%q came from %s, %v", m.Data, m.From, err)
	}
	if peers := a.Peers(); !slices.Equal(peers, []transport.PeerID{b.ID()}) {
		s.Errorf("the peers of %s are %v, want %s", a.ID(), peers, b.ID())
	}
}

// impostor: while a key is in use, nobody else joins with it, nor harms its host.
func impostor(s *suite) {
	key := s.key()
	a, b := s.join(key), s.crowd(1)[0]
	s.must(a.Handle(echo, echoHandler))
	if h, err := s.net.Join(s.Context(), key); err == nil {
		h.Close()
		s.Error("a key joined twice")
	}
	if got, err := b.Request(s.Context(), a.ID(), echo, []byte("x")); err != nil || string(got) != "x" {
		s.Errorf("after that the first host answers %q, %v", got, err)
	}
}

// peers: a host sees all others that run, and not itself.
func peers(s *suite) {
	hosts := s.crowd(4)
	for _, h := range hosts {
		var want []transport.PeerID
		for _, other := range hosts {
			if other != h {
				want = append(want, other.ID())
			}
		}
		got := h.Peers()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			s.Errorf("the peers are %v, want %v", got, want)
		}
	}
	s.close(hosts[3])
	s.eventually("a host that was closed is gone", func() bool { return !slices.Contains(hosts[0].Peers(), hosts[3].ID()) })
}

// restart: the host of a key comes back under the same identity, without what it did
// before, and is reached again.
func restart(s *suite) {
	key := s.key()
	a, b := s.crowd(1)[0], s.join(key)
	s.crowd(0)
	s.must(b.Handle(echo, echoHandler))
	s.must(second(a.Request(s.Context(), b.ID(), echo, nil)))
	s.close(b)
	s.eventually("a host that was closed is not reached", func() bool {
		err := second(a.Request(s.Context(), b.ID(), echo, nil))
		return errors.Is(err, transport.ErrUnreachable) || errors.Is(err, transport.ErrUnknownPeer)
	})
	again := s.join(key)
	if again.ID() != b.ID() {
		s.Fatalf("%s came back as %s", b.ID(), again.ID())
	}
	s.crowd(0)
	s.eventually("it handles nothing yet", func() bool {
		return errors.Is(second(a.Request(s.Context(), b.ID(), echo, nil)), transport.ErrUnsupported)
	})
	s.must(again.Handle(echo, echoHandler))
	if got, err := a.Request(s.Context(), b.ID(), echo, []byte("x")); err != nil || string(got) != "x" {
		s.Errorf("after a restart it answers %q, %v", got, err)
	}
	sub := s.subscribe(again, chat, a)
	s.publish(a, "x")
	if got := s.next(sub); got != "x" {
		s.Errorf("after a restart it hears %q", got)
	}
	if err := b.Publish(s.Context(), chat, nil); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("the host that was closed publishes: %v", err)
	}
}

// closing: Close waits for handlers, ends everything, and may be repeated.
func closing(s *suite) {
	a, b := s.pair()
	p, w := named("wait"), newWaiter()
	var done bool
	s.must(b.Handle(p, func(ctx context.Context, from transport.PeerID, _ []byte) ([]byte, error) {
		b, err := w.handle(ctx, from, nil)
		time.Sleep(20 * time.Millisecond)
		done = true
		return b, err
	}))
	sub := s.subscribe(b, chat)
	answer, ended := make(chan error, 1), make(chan error, 1)
	go func() { answer <- second(a.Request(s.Context(), b.ID(), p, nil)) }()
	go func() { ended <- second(sub.Next(s.Context())) }()
	receive(s, w.started)
	s.close(b)
	if !done {
		s.Error("Close did not wait for the handler")
	}
	if err := receive(s, w.ended); !errors.Is(err, context.Canceled) {
		s.Errorf("the handler's context ended with %v", err)
	}
	if err := receive(s, answer); !errors.Is(err, transport.ErrUnreachable) {
		s.Errorf("the request that it worked on: %v", err)
	}
	if err := receive(s, ended); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("its subscription ended with %v", err)
	}
	for what, err := range map[string]error{
		"publish":   b.Publish(s.Context(), chat, nil),
		"handle":    b.Handle(named("other"), echoHandler),
		"request":   second(b.Request(s.Context(), a.ID(), echo, nil)),
		"subscribe": second(b.Subscribe(chat)),
		"next":      second(sub.Next(s.Context())),
	} {
		if !errors.Is(err, transport.ErrClosed) {
			s.Errorf("%s of a closed host: %v", what, err)
		}
	}
	sub.Close()
	s.must(b.Close())
}

// closeEndsRequests: a host does not outlive its own requests, nor they it.
func closeEndsRequests(s *suite) {
	a, b := s.pair()
	p, w := named("wait"), newWaiter()
	s.must(b.Handle(p, w.handle))
	answer := make(chan error, 1)
	go func() { answer <- second(a.Request(s.Context(), b.ID(), p, nil)) }()
	receive(s, w.started)
	s.close(a)
	if err := receive(s, answer); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("a request of a host that was closed: %v", err)
	}
	if s.net.Cut == nil {
		return
	}
	a = s.crowd(1)[0]
	s.net.Cut(a.ID(), b.ID())
	go func() { answer <- second(a.Request(s.Context(), b.ID(), p, nil)) }()
	time.Sleep(time.Millisecond)
	s.close(a)
	if err := receive(s, answer); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("a request that nobody hears: %v", err)
	}
}

// manyAtOnce is for the race detector: everything at the same time.
func manyAtOnce(s *suite) {
	const n = 6
	hosts := s.crowd(n)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	var readers, writers sync.WaitGroup
	for _, h := range hosts {
		s.must(h.Handle(echo, echoHandler))
	}
	for i, h := range hosts {
		sub, err := h.Subscribe(chat)
		s.must(err)
		readers.Go(func() {
			for second(sub.Next(ctx)) == nil {
			}
			sub.Close()
		})
		writers.Go(func() {
			for j := range 30 {
				if err := h.Publish(ctx, chat, []byte("x")); err != nil {
					s.Error(err)
				}
				to := hosts[(i+j)%n].ID()
				got, err := h.Request(ctx, to, echo, []byte{byte(j)})
				switch {
				case to == h.ID() && errors.Is(err, transport.ErrUnknownPeer), errors.Is(err, transport.ErrBusy):
				case err != nil || !bytes.Equal(got, []byte{byte(j)}):
					s.Errorf("the answer to %d is %d, %v", j, got, err)
				}
				h.Peers()
			}
		})
	}
	writers.Wait()
	for _, h := range hosts[:n/2] {
		s.must(h.Close())
	}
	cancel()
	readers.Wait()
}
