package p2p

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// TestOverflow: what is too much is dropped, the newest first, and no sender takes
// the places of the others.
func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		other := m.Host()
		topic := transport.Topic{Name: chat.Name, MaxBytes: 64, Queue: 8}
		s := subscribe(t, b, topic)
		for i := range 5 {
			publish(t, a, fmt.Sprint("a", i))
		}
		publish(t, other, "o0")
		if got := strings.Join(drain(t, s), " "); got != "a0 a1 o0" || s.Dropped() != 3 {
			t.Errorf("%s, %d dropped", got, s.Dropped())
		}
		publish(t, a, "a5")
		if got := drain(t, s); len(got) != 1 {
			t.Errorf("after that came %v", got)
		}
		// Many senders fill the whole queue.
		for range 12 {
			publish(t, m.Host(), "x")
		}
		if got := drain(t, s); len(got) != 8 || s.Dropped() != 7 {
			t.Errorf("%d messages, %d dropped", len(got), s.Dropped())
		}
	})
}

func TestPublishRefuses(t *testing.T) {
	m, a, _ := pair(t, Faults{})
	defer m.Close()
	errBad := errors.New("bad")
	checked := chat
	checked.Check = func(_ transport.PeerID, data []byte) error {
		if string(data) == "bad" {
			return errBad
		}
		return nil
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	var size *transport.SizeError
	for _, c := range []struct {
		name  string
		ctx   context.Context
		topic transport.Topic
		data  string
		want  func(error) bool
	}{
		{"largest", t.Context(), chat, strings.Repeat("x", 64), func(err error) bool { return err == nil }},
		{"too large", t.Context(), chat, strings.Repeat("x", 65), func(err error) bool { return errors.As(err, &size) && size.Size == 65 && size.Name == "chat" }},
		{"checked", t.Context(), checked, "bad", func(err error) bool { return errors.Is(err, errBad) }},
		{"no name", t.Context(), transport.Topic{MaxBytes: 1, Queue: 1}, "", func(err error) bool { return errors.Is(err, transport.ErrLimits) }},
		{"no size", t.Context(), transport.Topic{Name: "x", Queue: 1}, "", func(err error) bool { return errors.Is(err, transport.ErrLimits) }},
		{"no queue", t.Context(), transport.Topic{Name: "x", MaxBytes: 1}, "", func(err error) bool { return errors.Is(err, transport.ErrLimits) }},
		{"ended context", canceled, chat, "x", func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		if err := a.Publish(c.ctx, c.topic, []byte(c.data)); !c.want(err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := a.Subscribe(transport.Topic{}); !errors.Is(err, transport.ErrLimits) {
		t.Errorf("subscribe: %v", err)
	}
}

// TestReceiverKeepsLimits: a peer that keeps no limits does not get past those of
// the receiver.
func TestReceiverKeepsLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		checked := chat
		checked.Check = func(from transport.PeerID, data []byte) error {
			if from != a.ID() || strings.HasPrefix(string(data), "bad") {
				return errors.New("bad")
			}
			return nil
		}
		s := subscribe(t, b, checked)
		loose := transport.Topic{Name: chat.Name, MaxBytes: 1 << 20, Queue: 1}
		for _, data := range []string{"good", strings.Repeat("x", 65), "bad", "bad too", "better"} {
			if err := a.Publish(t.Context(), loose, []byte(data)); err != nil {
				t.Fatal(err)
			}
		}
		if got := strings.Join(drain(t, s), " "); got != "good better" || s.Dropped() != 3 {
			t.Errorf("%s, %d dropped", got, s.Dropped())
		}
	})
}

// TestConsumers: several goroutines share a subscription, and one that gives up
// takes no message from the others.
func TestConsumers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{Latency: time.Second})
		defer m.Close()
		s := subscribe(t, b, chat)
		var got atomic.Int32
		for i := range 10 {
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%2)*time.Second)
				defer cancel()
				if _, err := s.Next(ctx); err == nil {
					got.Add(1)
				}
			}()
		}
		synctest.Wait()
		for range 5 {
			publish(t, a, "x") // arrives when five of the ten give up
		}
		time.Sleep(3 * time.Second)
		if n := int(got.Load()) + len(drain(t, s)); n != 5 {
			t.Errorf("%d of 5 messages came", n)
		}
		if got.Load() < 5 {
			t.Errorf("%d of 5 waiting consumers got one", got.Load())
		}
	})
}

func TestCloseSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, a, b := pair(t, Faults{})
		defer m.Close()
		s, stays := subscribe(t, b, chat), subscribe(t, b, chat)
		ended := make(chan error, 1)
		go func() { ended <- second(s.Next(t.Context())) }()
		synctest.Wait()
		s.Close()
		s.Close()
		if err := <-ended; !errors.Is(err, transport.ErrClosed) {
			t.Error(err)
		}
		publish(t, a, "x")
		if _, err := s.Next(t.Context()); !errors.Is(err, transport.ErrClosed) {
			t.Error(err)
		}
		if got := drain(t, stays); len(got) != 1 {
			t.Errorf("the other subscription has %v", got)
		}
	})
}
