package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/bitsage/bitsage/transport"
)

var (
	chat = transport.Topic{Name: "chat", MaxBytes: 64, Queue: 4096}
	echo = transport.Protocol{Name: "echo", MaxRequest: 32, MaxResponse: 32, Timeout: time.Minute, Concurrency: 8, PerPeer: 4}
)

func echoHandler(_ context.Context, _ transport.PeerID, request []byte) ([]byte, error) {
	return request, nil
}

// pair returns a network with two hosts, the second of which answers echo.
func pair(t *testing.T, f Faults) (*Memory, transport.Host, transport.Host) {
	t.Helper()
	m := NewMemory(1, f)
	a, b := m.Host(), m.Host()
	if err := b.Handle(echo, echoHandler); err != nil {
		t.Fatal(err)
	}
	return m, a, b
}

func subscribe(t *testing.T, h transport.Host, topic transport.Topic) transport.Subscription {
	t.Helper()
	s, err := h.Subscribe(topic)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, h transport.Host, text string) {
	t.Helper()
	if err := h.Publish(t.Context(), chat, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// drain returns what is in a subscription. It wants a bubble of synctest.
func drain(t *testing.T, s transport.Subscription) (texts []string) {
	t.Helper()
	for {
		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		m, err := s.Next(ctx)
		cancel()
		if err != nil {
			return texts
		}
		texts = append(texts, string(m.Data))
	}
}

func numbers(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprint(i))
	}
	return texts
}

func TestIdentity(t *testing.T) {
	a, b := NewMemory(1, Faults{}), NewMemory(1, Faults{})
	other := NewMemory(2, Faults{})
	seen := make(map[transport.PeerID]bool)
	for range 10 {
		x, y, z := a.Host().ID(), b.Host().ID(), other.Host().ID()
		if x != y {
			t.Errorf("the same seed gives %s and %s", x, y)
		}
		if !x.Valid() || seen[x] || seen[z] || x == z {
			t.Errorf("%s and %s are not valid and new", x, z)
		}
		seen[x], seen[z] = true, true
	}
	for p, want := range map[transport.PeerID]bool{"": false, "x": true, transport.PeerID(strings.Repeat("x", 64)): true, transport.PeerID(strings.Repeat("x", 65)): false} {
		if p.Valid() != want {
			t.Errorf("a transport.PeerID of %d bytes: %v", len(p), !want)
		}
	}
}

// TestInOrder: without faults everything comes once and in order, however the
// delays vary, and nothing comes back to the sender.
func TestInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, f := range []Faults{{}, {Latency: time.Second}, {Latency: time.Millisecond, Jitter: time.Second}} {
			m, a, b := pair(t, f)
			self, s, twice := subscribe(t, a, chat), subscribe(t, b, chat), subscribe(t, b, chat)
			want := numbers(500)
			data := make([]byte, 3)
			for _, text := range want {
				n := copy(data, text)
				if err := a.Publish(t.Context(), chat, data[:n]); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Minute)
			if got := drain(t, s); !slices.Equal(got, want) {
				t.Errorf("%+v: %v", f, got)
			}
			if got := drain(t, twice); !slices.Equal(got, want) {
				t.Errorf("%+v: the second subscription: %v", f, got)
			}
			if got := drain(t, self); len(got) != 0 {
				t.Errorf("%+v: the sender hears itself: %v", f, got)
			}
			m.Close()
		}
	})
}

func TestVirtualTime(t *testing.T) {
	start := time.Now()
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Latency: time.Hour})
		defer m.Close()
		begin := time.Now()
		s := subscribe(t, b, chat)
		publish(t, a, "x")
		if msg, err := s.Next(t.Context()); err != nil || msg.From != a.ID() || time.Since(begin) != time.Hour {
			t.Errorf("%v %v after %v", msg, err, time.Since(begin))
		}
		long := echo
		long.Timeout = 24 * time.Hour
		begin = time.Now()
		if got, err := a.Request(t.Context(), b.ID(), long, []byte("x")); err != nil || string(got) != "x" || time.Since(begin) != 2*time.Hour {
			t.Errorf("%q %v after %v", got, err, time.Since(begin))
		}
		m.Slow(b.ID(), time.Hour)
		begin = time.Now()
		if _, err := a.Request(t.Context(), b.ID(), long, nil); err != nil || time.Since(begin) != 4*time.Hour {
			t.Errorf("a slow peer: %v after %v", err, time.Since(begin))
		}
	})
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("virtual time took %v", d)
	}
}

// TestFaultsRepeat runs a network with all faults three times: the same seed gives
// the same trace, another seed another one.
func TestFaultsRepeat(t *testing.T) {
	trace := func(seed uint64) (out string) {
		synctest.Test(t, func(t *testing.T) {
			m := NewMemory(seed, Faults{Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.2, Duplicate: 0.2, Reorder: 0.2})
			defer m.Close()
			a, b, c := m.Host(), m.Host(), m.Host()
			b.Handle(echo, echoHandler)
			start := time.Now()
			var wg sync.WaitGroup
			logs := make([]string, 2)
			for i, h := range []transport.Host{b, c} {
				s := subscribe(t, h, chat)
				wg.Go(func() {
					for {
						msg, err := s.Next(t.Context())
						if err != nil {
							return
						}
						logs[i] += fmt.Sprintf("%v %s\n", time.Since(start), msg.Data)
					}
				})
			}
			for _, text := range numbers(200) {
				publish(t, a, text)
				_, err := a.Request(t.Context(), b.ID(), echo, []byte(text))
				out += fmt.Sprintf("%v %v\n", time.Since(start), err)
			}
			time.Sleep(time.Minute)
			m.Close()
			wg.Wait()
			out += logs[0] + logs[1]
		})
		return out
	}
	first, second, other := trace(7), trace(7), trace(8)
	if first != second {
		t.Error("the same seed gives two traces")
	}
	if first == other {
		t.Error("two seeds give the same trace")
	}
}

// TestRates checks that each fault happens about as often as it should, and does
// what it should.
func TestRates(t *testing.T) {
	const n = 2000
	for _, c := range []struct {
		name     string
		f        Faults
		min, max int // messages
		inOrder  bool
	}{
		{"loss", Faults{Latency: time.Millisecond, Loss: 0.25}, n * 70 / 100, n * 80 / 100, true},
		{"duplication", Faults{Latency: time.Millisecond, Duplicate: 0.25}, n * 120 / 100, n * 130 / 100, true},
		{"reordering", Faults{Latency: time.Millisecond, Reorder: 0.25}, n, n, false},
		{"all is lost", Faults{Loss: 1}, 0, 0, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			m, a, b := pair(t, c.f)
			defer m.Close()
			s := subscribe(t, b, transport.Topic{Name: chat.Name, MaxBytes: chat.MaxBytes, Queue: 100 * n})
			for i := range n {
				publish(t, a, fmt.Sprintf("%05d", i))
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Minute)
			got := drain(t, s)
			if len(got) < c.min || len(got) > c.max {
				t.Errorf("%s: %d of %d messages, want %d to %d", c.name, len(got), n, c.min, c.max)
			}
			if slices.IsSorted(got) != c.inOrder {
				t.Errorf("%s: in order is %v", c.name, !c.inOrder)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Loss: 0.25})
		defer m.Close()
		failed := 0
		for range n {
			switch _, err := a.Request(t.Context(), b.ID(), echo, nil); {
			case errors.Is(err, transport.ErrUnreachable):
				failed++
			case err != nil:
				t.Fatal(err)
			}
		}
		if want := n * 7 / 16; failed < want*9/10 || failed > want*11/10 { // there or back
			t.Errorf("%d of %d requests failed, want about %d", failed, n, want)
		}
	})
}

func TestPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(1, Faults{Latency: time.Second})
		defer m.Close()
		var hosts []transport.Host
		var subs []transport.Subscription
		for range 4 {
			h := m.Host()
			h.Handle(echo, echoHandler)
			hosts, subs = append(hosts, h), append(subs, subscribe(t, h, chat))
		}
		id := func(i int) transport.PeerID { return hosts[i].ID() }
		// connected[i] lists whom host i reaches.
		check := func(what string, connected ...[]int) {
			t.Helper()
			for i, h := range hosts {
				publish(t, h, fmt.Sprint(i))
				for j := range hosts {
					if i == j {
						continue
					}
					there, back := slices.Contains(connected[i], j), slices.Contains(connected[j], i)
					begin := time.Now()
					_, err := h.Request(t.Context(), id(j), echo, nil)
					if there && back != (err == nil) || !there && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%s: request from %d to %d: %v", what, i, j, err)
					}
					if err != nil && time.Since(begin) != echo.Timeout {
						t.Errorf("%s: from %d to %d it took %v to give up", what, i, j, time.Since(begin))
					}
				}
			}
			for j, s := range subs {
				got := drain(t, s)
				for i := range hosts {
					if i != j && slices.Contains(got, fmt.Sprint(i)) != slices.Contains(connected[i], j) {
						t.Errorf("%s: host %d has messages of %v", what, j, got)
					}
				}
			}
		}
		all := []int{0, 1, 2, 3}
		check("whole", all, all, all, all)
		m.Partition([]transport.PeerID{id(0), id(1)})
		check("two sets", []int{0, 1}, []int{0, 1}, []int{2, 3}, []int{2, 3})
		m.Partition([]transport.PeerID{id(0)}, []transport.PeerID{id(1), id(2)})
		check("three sets", []int{0}, []int{1, 2}, []int{1, 2}, []int{3})
		m.Heal()
		m.Cut(id(0), id(1))
		check("a cut", []int{2, 3}, all, all, all)
		m.Heal()
		check("healed", all, all, all, all)

		// What is under way is lost when the partition begins.
		publish(t, hosts[0], "late")
		m.Partition([]transport.PeerID{id(0)})
		time.Sleep(time.Minute)
		m.Heal()
		if got := drain(t, subs[1]); len(got) != 0 {
			t.Errorf("across a partition came %v", got)
		}
	})
}

func TestCrashAndRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Latency: time.Second})
		defer m.Close()
		started, ended := make(chan bool, 1), make(chan error, 1)
		slow := echo
		slow.Name = "slow"
		b.Handle(slow, func(ctx context.Context, _ transport.PeerID, _ []byte) ([]byte, error) {
			started <- true
			<-ctx.Done()
			ended <- ctx.Err()
			return []byte("too late"), nil
		})
		listen, sub := subscribe(t, a, chat), subscribe(t, b, chat)
		answer := make(chan error, 1)
		go func() {
			_, err := a.Request(t.Context(), b.ID(), slow, nil)
			answer <- err
		}()
		<-started
		publish(t, b, "last words")
		if err := m.Crash(b.ID()); err != nil {
			t.Fatal(err)
		}
		if err := <-answer; !errors.Is(err, transport.ErrUnreachable) {
			t.Errorf("the request that it worked on: %v", err)
		}
		if err := <-ended; err == nil {
			t.Error("the handler's context did not end")
		}
		time.Sleep(time.Minute)
		if got := drain(t, listen); len(got) != 0 {
			t.Errorf("a crashed host still says %v", got)
		}
		for what, err := range map[string]error{
			"publish":   b.Publish(t.Context(), chat, nil),
			"handle":    b.Handle(slow, echoHandler),
			"request":   second(b.Request(t.Context(), a.ID(), echo, nil)),
			"subscribe": second(b.Subscribe(chat)),
			"next":      second(sub.Next(t.Context())),
			"close":     b.Close(),
		} {
			if want := map[bool]error{false: transport.ErrClosed}[what == "close"]; !errors.Is(err, want) {
				t.Errorf("%s of a crashed host: %v", what, err)
			}
		}
		if _, err := a.Request(t.Context(), b.ID(), echo, nil); !errors.Is(err, transport.ErrUnreachable) {
			t.Errorf("a request to it: %v", err)
		}
		if peers := a.Peers(); len(peers) != 0 {
			t.Errorf("it is still connected: %v", peers)
		}

		again, err := m.Restart(b.ID())
		if err != nil || again.ID() != b.ID() {
			t.Fatal(again, err)
		}
		if _, err := m.Restart(b.ID()); err == nil {
			t.Error("a running host was restarted")
		}
		if _, err := a.Request(t.Context(), b.ID(), echo, nil); !errors.Is(err, transport.ErrUnsupported) {
			t.Errorf("before it handles anything: %v", err)
		}
		again.Handle(echo, echoHandler)
		if _, err := a.Request(t.Context(), b.ID(), echo, nil); err != nil {
			t.Error(err)
		}
		for _, err := range []error{m.Crash("nobody"), second(m.Restart("nobody"))} {
			if !errors.Is(err, transport.ErrUnknownPeer) {
				t.Error(err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestRequestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Latency: time.Millisecond})
		defer m.Close()
		named := func(name string) transport.Protocol { p := echo; p.Name = name; return p }
		big := named("big")
		big.MaxResponse = 1000
		greedy := named("greedy")
		greedy.MaxRequest = 1000
		b.Handle(big, func(context.Context, transport.PeerID, []byte) ([]byte, error) { return make([]byte, 100), nil })
		b.Handle(named("greedy"), echoHandler)
		b.Handle(named("over"), func(context.Context, transport.PeerID, []byte) ([]byte, error) { return make([]byte, 33), nil })
		b.Handle(named("rude"), func(context.Context, transport.PeerID, []byte) ([]byte, error) {
			return nil, errors.New("no\x1b[31m\nway\xff " + strings.Repeat("ä", 1000))
		})
		b.Handle(named("busy"), func(context.Context, transport.PeerID, []byte) ([]byte, error) {
			return nil, fmt.Errorf("now: %w", transport.ErrBusy)
		})
		b.Handle(named("mute"), func(ctx context.Context, _ transport.PeerID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		size := func(what string, n, max int) func(error) bool {
			return func(err error) bool {
				var s *transport.SizeError
				return errors.As(err, &s) && s.What == what && s.Size == n && s.Max == max && s.Error() != ""
			}
		}
		is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
		remote := func(err error) bool {
			var r *transport.RemoteError
			return errors.As(err, &r) && r.Peer == b.ID() && len(r.Text) <= transport.MaxErrorText && r.Error() != "" && utf8.ValidString(r.Text) && !strings.ContainsAny(r.Text, "\x1b\n")
		}
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		for _, c := range []struct {
			name    string
			ctx     context.Context
			peer    transport.PeerID
			p       transport.Protocol
			request int
			want    func(error) bool
		}{
			{"longest request", t.Context(), b.ID(), echo, 32, is(nil)},
			{"request too large", t.Context(), b.ID(), echo, 33, size("request", 33, 32)},
			{"request larger than the peer takes", t.Context(), b.ID(), greedy, 33, size("request", 33, 32)},
			{"response larger than wanted", t.Context(), b.ID(), named("big"), 0, size("response", 100, 32)},
			{"response larger than the peer may send", t.Context(), b.ID(), named("over"), 0, remote},
			{"error of the handler", t.Context(), b.ID(), named("rude"), 0, remote},
			{"busy handler", t.Context(), b.ID(), named("busy"), 0, is(transport.ErrBusy)},
			{"timeout", t.Context(), b.ID(), named("mute"), 0, is(context.DeadlineExceeded)},
			{"unknown peer", t.Context(), "nobody", echo, 0, is(transport.ErrUnknownPeer)},
			{"itself", t.Context(), a.ID(), echo, 0, is(transport.ErrUnknownPeer)},
			{"unknown protocol", t.Context(), b.ID(), named("other"), 0, is(transport.ErrUnsupported)},
			{"ended context", canceled, b.ID(), echo, 0, is(context.Canceled)},
			{"no limits", t.Context(), b.ID(), transport.Protocol{Name: "x"}, 0, is(transport.ErrLimits)},
		} {
			_, err := a.Request(c.ctx, c.peer, c.p, make([]byte, c.request))
			if !c.want(err) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if err := b.Handle(echo, echoHandler); !errors.Is(err, transport.ErrHandled) {
			t.Errorf("a second handler: %v", err)
		}
		if err := b.Handle(echo, nil); err != nil {
			t.Error(err)
		}
		if _, err := a.Request(t.Context(), b.ID(), echo, nil); !errors.Is(err, transport.ErrUnsupported) {
			t.Errorf("after the handler was removed: %v", err)
		}
		if err := b.Handle(transport.Protocol{}, echoHandler); !errors.Is(err, transport.ErrLimits) {
			t.Error(err)
		}
	})
}

// TestAsk: what may pass is tried again, and nothing else.
func TestAsk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		calls := 0
		p := echo
		p.Name = "calls"
		answer := func(n int) error {
			if n < 3 {
				return transport.ErrBusy
			}
			return nil
		}
		b.Handle(p, func(context.Context, transport.PeerID, []byte) ([]byte, error) { calls++; return nil, answer(calls) })
		begin := time.Now()
		if _, err := Ask(t.Context(), a, b.ID(), p, nil); err != nil || calls != 3 || time.Since(begin) != 150*time.Millisecond {
			t.Errorf("%v after %d calls and %v", err, calls, time.Since(begin))
		}
		calls, answer = 0, func(int) error { return transport.ErrBusy }
		if _, err := Ask(t.Context(), a, b.ID(), p, nil); !errors.Is(err, transport.ErrBusy) || calls != attempts {
			t.Errorf("%v after %d calls", err, calls)
		}
		calls, answer = 0, func(int) error { return errors.New("no") }
		if _, err := Ask(t.Context(), a, b.ID(), p, nil); err == nil || calls != 1 {
			t.Errorf("%v after %d calls", err, calls)
		}
		answer = func(int) error { return transport.ErrBusy }
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
		defer cancel()
		begin = time.Now()
		if _, err := Ask(ctx, a, b.ID(), p, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != 60*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		m.SetFaults(Faults{Loss: 0.2})
		failed := 0
		for range 200 {
			if _, err := Ask(t.Context(), a, b.ID(), echo, nil); err != nil {
				failed++
			}
		}
		if failed > 3 { // 0.36^7 of them are to be expected
			t.Errorf("%d of 200 failed", failed)
		}
		m.SetFaults(Faults{})
		m.Crash(b.ID())
		if _, err := Ask(t.Context(), a, b.ID(), p, nil); !errors.Is(err, transport.ErrUnreachable) {
			t.Error(err)
		}
		m.Cut(a.ID(), b.ID())
		begin = time.Now()
		if _, err := Ask(t.Context(), a, b.ID(), p, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != p.Timeout {
			t.Errorf("silence: %v after %v", err, time.Since(begin))
		}
	})
}

// TestBuffersAreSeparate: neither side sees what the other does with its bytes
// afterwards.
func TestBuffersAreSeparate(t *testing.T) {
	m, a, b := pair(t, Faults{})
	defer m.Close()
	kept := []byte("kept")
	p := echo
	p.Name = "kept"
	b.Handle(p, func(_ context.Context, _ transport.PeerID, request []byte) ([]byte, error) {
		clear(request)
		return kept, nil
	})
	request := []byte("mine")
	got, err := a.Request(t.Context(), b.ID(), p, request)
	if err != nil || string(request) != "mine" {
		t.Errorf("%v; the request became %q", err, request)
	}
	clear(got)
	if string(kept) != "kept" {
		t.Errorf("the response became %q", kept)
	}
}

// TestConcurrency fills a protocol's places, by one peer and by all.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory(1, Faults{Latency: time.Millisecond})
		defer m.Close()
		server := m.Host()
		p := transport.Protocol{Name: "hold", Timeout: time.Hour, Concurrency: 5, PerPeer: 2}
		release := make(chan bool)
		server.Handle(p, func(ctx context.Context, _ transport.PeerID, _ []byte) ([]byte, error) {
			<-release
			return nil, nil
		})
		results := make(chan error, 100)
		ask := func(h transport.Host, n int) {
			for range n {
				go func() { results <- second(h.Request(t.Context(), server.ID(), p, nil)) }()
			}
			time.Sleep(time.Second)
		}
		busy := func(what string, want int) {
			t.Helper()
			if len(results) != want {
				t.Errorf("%s: %d refused, want %d", what, len(results), want)
			}
			for range len(results) {
				if err := <-results; !errors.Is(err, transport.ErrBusy) {
					t.Errorf("%s: %v", what, err)
				}
			}
		}
		a, b, c, d := m.Host(), m.Host(), m.Host(), m.Host()
		ask(a, 4)
		busy("more than a peer may", 2)
		ask(b, 2)
		ask(c, 2)
		busy("the fifth place", 1)
		ask(d, 1)
		busy("no place left", 1)
		close(release)
		for range 5 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		ask(d, 1)
		if err := <-results; err != nil {
			t.Errorf("after all have gone: %v", err)
		}
	})
}

// TestHandlerLearnsThatPeerLeft ends the handler's context with the request's.
func TestHandlerLearnsThatPeerLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		p := echo
		p.Name = "wait"
		ended := make(chan time.Time, 1)
		b.Handle(p, func(ctx context.Context, _ transport.PeerID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			ended <- time.Now()
			return nil, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := a.Request(ctx, b.ID(), p, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if d := (<-ended).Sub(begin); d != time.Second {
			t.Errorf("the handler ended after %v", d)
		}
	})
}

// TestClose: Close waits for handlers, ends everything, and may be repeated.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		p := echo
		p.Name = "wait"
		var done bool
		b.Handle(p, func(ctx context.Context, _ transport.PeerID, _ []byte) ([]byte, error) {
			<-ctx.Done()
			time.Sleep(time.Second)
			done = true
			return nil, nil
		})
		own, answer := make(chan error, 1), make(chan error, 1)
		go func() { answer <- second(a.Request(t.Context(), b.ID(), p, nil)) }()
		go func() { own <- second(subscribe(t, b, chat).Next(t.Context())) }()
		synctest.Wait()
		b.Close()
		if !done {
			t.Error("Close did not wait for the handler")
		}
		if err := <-answer; !errors.Is(err, transport.ErrUnreachable) {
			t.Error(err)
		}
		if err := <-own; !errors.Is(err, transport.ErrClosed) {
			t.Error(err)
		}
		go func() { answer <- second(a.Request(t.Context(), m.Host().ID(), echo, nil)) }()
		m.Partition([]transport.PeerID{a.ID()}) // so that nobody answers
		synctest.Wait()
		b.Close()
		m.Close()
		if err := <-answer; err == nil {
			t.Error("a request outlived its host")
		}
		m.Close()
	})
}

// TestRequestOfClosedHost ends requests that nobody answers.
func TestRequestOfClosedHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		m.Cut(a.ID(), b.ID())
		answer := make(chan error, 1)
		go func() { answer <- second(a.Request(t.Context(), b.ID(), echo, nil)) }()
		synctest.Wait()
		begin := time.Now()
		a.Close()
		if err := <-answer; !errors.Is(err, transport.ErrClosed) || time.Since(begin) != 0 {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

// TestInFlightIsBounded floods a route that is slow to deliver.
func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Latency: time.Second})
		defer m.Close()
		s := subscribe(t, b, transport.Topic{Name: chat.Name, MaxBytes: 64, Queue: 100 * maxInFlight})
		for range 2 * maxInFlight {
			publish(t, a, "x")
		}
		m.mu.Lock()
		if n := len(m.events); n > maxInFlight {
			t.Errorf("%d messages under way", n)
		}
		m.mu.Unlock()
		time.Sleep(time.Minute)
		if got := drain(t, s); len(got) != maxInFlight {
			t.Errorf("%d messages arrived", len(got))
		}
		publish(t, a, "y")
		time.Sleep(time.Minute)
		if got := drain(t, s); len(got) != 1 {
			t.Errorf("after that %d arrived", len(got))
		}
	})
}

// TestManyAtOnce is for the race detector: everything at the same time, in real
// time, with no goroutine left at the end.
func TestManyAtOnce(t *testing.T) {
	before := runtime.NumGoroutine()
	m := NewMemory(3, Faults{Jitter: time.Millisecond, Loss: 0.1, Duplicate: 0.1, Reorder: 0.1})
	const n = 8
	var hosts []transport.Host
	for range n {
		h := m.Host()
		h.Handle(echo, echoHandler)
		hosts = append(hosts, h)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for i, h := range hosts {
		s := subscribe(t, h, chat)
		wg.Go(func() {
			for second(s.Next(ctx)) == nil {
			}
		})
		wg.Go(func() {
			for j := range 50 {
				h.Publish(ctx, chat, []byte("x"))
				got, err := h.Request(ctx, hosts[(i+j)%n].ID(), echo, []byte{byte(j)})
				if err == nil && !bytes.Equal(got, []byte{byte(j)}) {
					t.Errorf("the answer to %d is %d", j, got)
				}
			}
		})
	}
	wg.Go(func() {
		for i := range 20 {
			m.SetFaults(Faults{Jitter: time.Duration(i) * time.Microsecond})
			m.Partition([]transport.PeerID{hosts[0].ID()})
			m.Cut(hosts[1].ID(), hosts[2].ID())
			m.Slow(hosts[3].ID(), time.Millisecond)
			m.Heal()
			m.Crash(hosts[n-1].ID())
			if h, err := m.Restart(hosts[n-1].ID()); err != nil || h.Handle(echo, echoHandler) != nil {
				t.Error(err)
			}
		}
		time.Sleep(50 * time.Millisecond)
		cancel()
	})
	wg.Wait()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	// A handler of a host that crashed may take a moment longer.
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, before there were %d", runtime.NumGoroutine(), before)
}

func BenchmarkRequest(b *testing.B) {
	m := NewMemory(1, Faults{})
	defer m.Close()
	from, to := m.Host(), m.Host()
	to.Handle(echo, echoHandler)
	for b.Loop() {
		if _, err := from.Request(b.Context(), to.ID(), echo, []byte("x")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPublish64(b *testing.B) {
	m := NewMemory(1, Faults{})
	defer m.Close()
	from := m.Host()
	var subs []transport.Subscription
	for range 63 {
		s, err := m.Host().Subscribe(chat)
		if err != nil {
			b.Fatal(err)
		}
		subs = append(subs, s)
	}
	for b.Loop() {
		if err := from.Publish(b.Context(), chat, []byte("x")); err != nil {
			b.Fatal(err)
		}
		for _, s := range subs {
			if _, err := s.Next(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
