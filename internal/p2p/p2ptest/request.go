package p2ptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/bitsage/bitsage/transport"
)

// requestErrors: every failure has its error, and a peer's words are fit to print.
func requestErrors(s *suite) {
	a, b := s.pair()
	answers := map[string]error{
		"rude": errors.New("no\x1b[31m\nway\xff " + strings.Repeat("ä", 1000)), "empty": errors.New(""), "busy": fmt.Errorf("now: %w", transport.ErrBusy),
	}
	for name, err := range answers {
		s.must(b.Handle(named(name), func(context.Context, transport.PeerID, []byte) ([]byte, error) { return []byte("x"), err }))
	}
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	remote := func(err error) bool {
		var r *transport.RemoteError
		return errors.As(err, &r) && r.Peer == b.ID() && len(r.Text) <= transport.MaxErrorText && r.Error() != "" && utf8.ValidString(r.Text) && !strings.ContainsAny(r.Text, "\x1b\n")
	}
	canceled, cancel := context.WithCancel(s.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		peer transport.PeerID
		p    transport.Protocol
		want func(error) bool
	}{
		{"none", s.Context(), b.ID(), echo, is(nil)},
		{"error of the handler", s.Context(), b.ID(), named("rude"), func(err error) bool { return remote(err) && strings.Contains(err.Error(), "no[31mway ää") }},
		{"error without words", s.Context(), b.ID(), named("empty"), remote},
		{"busy handler", s.Context(), b.ID(), named("busy"), is(transport.ErrBusy)},
		{"unknown peer", s.Context(), idOf(s.key()), echo, is(transport.ErrUnknownPeer)},
		{"no peer", s.Context(), "nobody", echo, is(transport.ErrUnknownPeer)},
		{"itself", s.Context(), a.ID(), echo, is(transport.ErrUnknownPeer)},
		{"unknown protocol", s.Context(), b.ID(), named("other"), is(transport.ErrUnsupported)},
		{"ended context", canceled, b.ID(), echo, is(context.Canceled)},
		{"no limits", s.Context(), b.ID(), transport.Protocol{Name: "x"}, is(transport.ErrLimits)},
	} {
		if _, err := a.Request(c.ctx, c.peer, c.p, nil); !c.want(err) {
			s.Errorf("%s: %v", c.name, err)
		}
	}
}

// handle: a protocol has one handler, until it is taken away.
func handle(s *suite) {
	a, b := s.pair()
	if err := b.Handle(echo, echoHandler); !errors.Is(err, transport.ErrHandled) {
		s.Errorf("a second handler: %v", err)
	}
	if err := b.Handle(transport.Protocol{}, echoHandler); !errors.Is(err, transport.ErrLimits) {
		s.Errorf("a protocol without limits: %v", err)
	}
	s.must(b.Handle(echo, nil))
	s.must(b.Handle(echo, nil))
	if _, err := a.Request(s.Context(), b.ID(), echo, nil); !errors.Is(err, transport.ErrUnsupported) {
		s.Errorf("after the handler was taken away: %v", err)
	}
	s.must(b.Handle(echo, echoHandler))
	s.must(second(a.Request(s.Context(), b.ID(), echo, nil)))
}

// sizes: both ends keep their limits in both directions.
func sizes(s *suite) {
	a, b := s.pair()
	large := func(p transport.Protocol) transport.Protocol { p.MaxRequest, p.MaxResponse = 4<<20, 4<<20; return p }
	answer := func(n int) transport.Handler {
		return func(context.Context, transport.PeerID, []byte) ([]byte, error) { return make([]byte, n), nil }
	}
	s.must(b.Handle(large(named("large")), echoHandler))
	s.must(b.Handle(large(named("long")), answer(33)))
	s.must(b.Handle(named("over"), answer(33)))
	s.must(b.Handle(named("full"), answer(32)))
	remote := func(err error) bool { var r *transport.RemoteError; return errors.As(err, &r) && r.Peer == b.ID() }
	fine := func(err error) bool { return err == nil }
	for _, c := range []struct {
		name           string
		p              transport.Protocol
		request, reply int
		want           func(error) bool
	}{
		{"nothing", echo, 0, 0, fine},
		{"longest request", echo, 32, 32, fine},
		{"longest response", named("full"), 0, 32, fine},
		{"megabytes", large(named("large")), 4 << 20, 4 << 20, fine},
		{"request too large", echo, 33, 0, sizeError("request", echo.Name)},
		{"request larger than the peer takes", large(echo), 33, 0, sizeError("request", echo.Name)},
		{"request much larger than the peer takes", large(echo), 4 << 20, 0, sizeError("request", echo.Name)},
		{"response larger than wanted", named("long"), 0, 0, sizeError("response", named("long").Name)},
		{"response larger than the peer may send", named("over"), 0, 0, remote},
	} {
		request := bytes.Repeat([]byte("x"), c.request)
		got, err := a.Request(s.Context(), b.ID(), c.p, request)
		if !c.want(err) || len(got) != c.reply {
			s.Errorf("%s: %d bytes, %v", c.name, len(got), err)
		}
	}
}

// buffers: neither side sees what the other does with its bytes afterwards.
func buffers(s *suite) {
	a, b := s.pair()
	kept, p := []byte("kept"), named("kept")
	s.must(b.Handle(p, func(_ context.Context, _ transport.PeerID, request []byte) ([]byte, error) {
		clear(request)
		return kept, nil
	}))
	request := []byte("mine")
	got, err := a.Request(s.Context(), b.ID(), p, request)
	if err != nil || string(request) != "mine" || string(got) != "kept" {
		s.Errorf("%q, %v; the request became %q", got, err, request)
	}
	clear(got)
	if string(kept) != "kept" {
		s.Errorf("the response became %q", kept)
	}
}

// concurrency fills a protocol's places, by one peer and by all.
func concurrency(s *suite) {
	hosts := s.crowd(5)
	server, others := hosts[0], hosts[1:]
	p := named("hold")
	p.Concurrency, p.PerPeer = 5, 2
	started, release := make(chan bool, 16), make(chan bool)
	s.must(server.Handle(p, func(context.Context, transport.PeerID, []byte) ([]byte, error) {
		started <- true
		<-release
		return nil, nil
	}))
	results := make(chan error, 16)
	var asking sync.WaitGroup
	ask := func(h transport.Host) {
		asking.Go(func() { results <- second(h.Request(s.Context(), server.ID(), p, nil)) })
	}
	holds := func(h transport.Host) { s.Helper(); ask(h); receive(s, started) }
	busy := func(what string, h transport.Host) {
		s.Helper()
		ask(h)
		if err := receive(s, results); !errors.Is(err, transport.ErrBusy) {
			s.Errorf("%s: %v", what, err)
		}
	}
	holds(others[0])
	holds(others[0])
	busy("a third one of a peer", others[0])
	holds(others[1])
	holds(others[1])
	holds(others[2])
	busy("no place left", others[2])
	busy("no place left for another peer", others[3])
	close(release)
	asking.Wait()
	for range 5 {
		s.must(receive(s, results))
	}
	ask(others[3])
	if err := receive(s, results); err != nil {
		s.Errorf("after all have gone: %v", err)
	}
	asking.Wait()
}

// timeouts: a request ends with the protocol's time, on the asking and on the answering
// side, and with its context.
func timeouts(s *suite) {
	a, b := s.pair()
	const short = 100 * time.Millisecond
	hasty := named("hasty") // in real time a request may not come as far as the handler
	s.must(b.Handle(hasty, newWaiter().handle))
	brief := hasty
	brief.Timeout = short
	begin := time.Now()
	if err := second(a.Request(s.Context(), b.ID(), brief, nil)); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("the time of who asks: %v", err)
	}
	s.took("the time of who asks", begin, short)
	ctx, cancel := context.WithTimeout(s.Context(), short)
	defer cancel()
	begin = time.Now()
	if err := second(a.Request(ctx, b.ID(), hasty, nil)); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("the context: %v", err)
	}
	s.took("the context", begin, short)

	w, limited := newWaiter(), named("limited")
	strict := limited
	strict.Timeout = short
	s.must(b.Handle(strict, w.handle))
	begin = time.Now()
	if got, err := a.Request(s.Context(), b.ID(), limited, nil); err != nil || string(got) != "too late" {
		s.Errorf("the time of who answers: %q %v", got, err)
	}
	s.took("the time of who answers", begin, short)
	if err := receive(s, w.ended); !errors.Is(err, context.DeadlineExceeded) {
		s.Errorf("the handler's context ended with %v", err)
	}
}

// silence: a peer of whom nothing is heard costs the time of the protocol.
func silence(s *suite) {
	if s.net.Cut == nil {
		return
	}
	const short = 100 * time.Millisecond
	hosts := s.crowd(3)
	a, deaf, mute := hosts[0], hosts[1], hosts[2]
	p := echo
	p.Timeout = short
	s.must(deaf.Handle(p, echoHandler))
	s.must(mute.Handle(p, echoHandler))
	s.net.Cut(a.ID(), deaf.ID())
	s.net.Cut(mute.ID(), a.ID())
	for what, h := range map[string]transport.Host{"a deaf peer": deaf, "a mute peer": mute} {
		begin := time.Now()
		if err := second(a.Request(s.Context(), h.ID(), p, nil)); !errors.Is(err, context.DeadlineExceeded) {
			s.Errorf("%s: %v", what, err)
		}
		s.took(what, begin, short)
	}
	s.must(second(deaf.Request(s.Context(), mute.ID(), p, nil)))
}

// peerLeaves: a handler learns that nobody waits any more, and others are not disturbed.
func peerLeaves(s *suite) {
	hosts := s.crowd(4)
	server, gone, impatient, stays := hosts[0], hosts[1], hosts[2], hosts[3]
	w, p := newWaiter(), named("wait")
	release := make(chan bool)
	s.must(server.Handle(p, func(ctx context.Context, from transport.PeerID, request []byte) ([]byte, error) {
		if from != stays.ID() {
			return w.handle(ctx, from, request)
		}
		w.started <- from
		select {
		case <-release:
			return request, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}))
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	answer := make(chan error, 1)
	var asking sync.WaitGroup
	asking.Go(func() { gone.Request(s.Context(), server.ID(), p, nil) })
	asking.Go(func() { impatient.Request(ctx, server.ID(), p, nil) })
	asking.Go(func() { answer <- second(stays.Request(s.Context(), server.ID(), p, []byte("x"))) })
	started := []transport.PeerID{receive(s, w.started), receive(s, w.started), receive(s, w.started)}
	for _, h := range hosts[1:] {
		if !slices.Contains(started, h.ID()) {
			s.Errorf("%s was not heard among %v", h.ID(), started)
		}
	}
	cancel()
	if err := receive(s, w.ended); !errors.Is(err, context.Canceled) {
		s.Errorf("the handler of who gave up: %v", err)
	}
	s.close(gone)
	if err := receive(s, w.ended); !errors.Is(err, context.Canceled) {
		s.Errorf("the handler of who left: %v", err)
	}
	close(release)
	if err := receive(s, answer); err != nil {
		s.Errorf("who stays: %v", err)
	}
	asking.Wait()
}
