package p2p

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

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

// TestKeys: the seed determines the hosts' keys, which are all different.
func TestKeys(t *testing.T) {
	a, b := NewMemory(1, Faults{}), NewMemory(1, Faults{})
	other := NewMemory(2, Faults{})
	seen := make(map[transport.PeerID]bool)
	for n := range 10 {
		x, y, z := a.Host().ID(), b.Host().ID(), other.Host().ID()
		if x != y || x != transport.PeerOf(a.Key(n).Public().(ed25519.PublicKey)) {
			t.Errorf("the same seed gives %s and %s", x, y)
		}
		if !x.Valid() || seen[x] || seen[z] || x == z {
			t.Errorf("%s and %s are not valid and new", x, z)
		}
		seen[x], seen[z] = true, true
	}
}

// TestHostsAtOnce: hosts that are added at the same time, and among others that have
// brought their keys, are all different.
func TestHostsAtOnce(t *testing.T) {
	m := NewMemory(1, Faults{})
	if _, err := m.Join(t.Context(), m.Key(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Join(t.Context(), m.Key(3)); !errors.Is(err, ErrJoined) {
		t.Errorf("joined twice: %v", err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { m.Host() })
	}
	wg.Wait()
	if n := len(m.Host().Peers()); n != 21 {
		t.Errorf("%d other hosts", n)
	}
	m.Close()
	if _, err := m.Join(t.Context(), m.Key(100)); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("joined a closed network: %v", err)
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
