package p2ptest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// order: everything comes once and in order to every subscription but those of the
// sender, who may use its buffer again.
func order(s *suite) {
	a, b := s.pair()
	own := s.subscribe(a, chat)
	first, other := s.subscribe(b, chat, a), s.subscribe(b, chat, a)
	var want []string
	data := make([]byte, 3)
	for i := range 500 {
		want = append(want, fmt.Sprint(i))
		s.must(a.Publish(s.Context(), chat, data[:copy(data, want[i])]))
	}
	for what, sub := range map[string]transport.Subscription{"a subscription": first, "another one": other} {
		if got := s.read(sub, len(want)); !slices.Equal(got, want) {
			s.Errorf("%s has %v", what, got)
		}
		s.nothing(sub)
	}
	s.nothing(own)
	if n := first.Dropped() + other.Dropped(); n != 0 {
		s.Errorf("%d messages were dropped", n)
	}
}

// publishRefuses: what does not keep the topic's limits does not leave.
func publishRefuses(s *suite) {
	a, _ := s.pair()
	errBad := errors.New("bad")
	checked := chat
	checked.Check = func(from transport.PeerID, data []byte) error {
		if from != a.ID() || string(data) == "bad" {
			return errBad
		}
		return nil
	}
	canceled, cancel := context.WithCancel(s.Context())
	cancel()
	is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
	for _, c := range []struct {
		name  string
		ctx   context.Context
		topic transport.Topic
		data  string
		want  func(error) bool
	}{
		{"nothing", s.Context(), chat, "", is(nil)},
		{"largest", s.Context(), chat, strings.Repeat("x", 64), is(nil)},
		{"too large", s.Context(), chat, strings.Repeat("x", 65), sizeError("message", chat.Name)},
		{"passes the check", s.Context(), checked, "good", is(nil)},
		{"does not pass", s.Context(), checked, "bad", is(errBad)},
		{"no name", s.Context(), transport.Topic{MaxBytes: 1, Queue: 1}, "", is(transport.ErrLimits)},
		{"no size", s.Context(), transport.Topic{Name: "x", Queue: 1}, "", is(transport.ErrLimits)},
		{"no queue", s.Context(), transport.Topic{Name: "x", MaxBytes: 1}, "", is(transport.ErrLimits)},
		{"ended context", canceled, chat, "x", is(context.Canceled)},
	} {
		if err := a.Publish(c.ctx, c.topic, []byte(c.data)); !c.want(err) {
			s.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := a.Subscribe(transport.Topic{}); !errors.Is(err, transport.ErrLimits) {
		s.Errorf("a subscription without limits: %v", err)
	}
}

func sizeError(what, name string) func(error) bool {
	return func(err error) bool {
		var size *transport.SizeError
		return errors.As(err, &size) && size.What == what && size.Name == name && size.Size > size.Max && size.Error() != ""
	}
}

// receiverKeepsLimits: a peer that keeps none does not get past those of the receiver.
func receiverKeepsLimits(s *suite) {
	a, b := s.pair()
	checked := chat
	checked.Check = func(from transport.PeerID, data []byte) error {
		if from != a.ID() || strings.HasPrefix(string(data), "bad") {
			return errors.New("bad")
		}
		return nil
	}
	sub := s.subscribe(b, checked, a)
	loose := chat
	loose.MaxBytes = 1 << 10
	for _, data := range []string{"good", strings.Repeat("x", 65), "bad", "bad too", "better"} {
		s.must(a.Publish(s.Context(), loose, []byte(data)))
	}
	if got := strings.Join(s.read(sub, 2), " "); got != "good better" {
		s.Errorf("what came is %s", got)
	}
	s.nothing(sub)
	s.eventually("what was refused is counted", func() bool { return sub.Dropped() == 3 })
}

// share: what is too much is dropped, the newest first, and no sender takes the places of
// the others.
func share(s *suite) {
	hosts := s.crowd(11)
	receiver, a, others := hosts[0], hosts[1], hosts[2:]
	topic := chat
	topic.Queue = 8
	sub := s.subscribe(receiver, topic, hosts[1:]...)
	before := sub.Dropped()
	dropped := func(n uint64) func() bool { return func() bool { return sub.Dropped()-before == n } }
	for i := range 5 {
		s.publish(a, fmt.Sprint("a", i))
	}
	s.eventually("three of five are dropped", dropped(3))
	s.publish(others[0], "o")
	if got := s.read(sub, 3); !slices.Equal(got, []string{"a0", "a1", "o"}) {
		s.Errorf("what came is %v", got)
	}
	s.publish(a, "a5")
	if got := s.read(sub, 1); got[0] != "a5" {
		s.Errorf("after that comes %v", got)
	}
	// Many senders fill the whole queue.
	for _, h := range others {
		s.publish(h, "x")
	}
	s.publish(a, "x")
	s.eventually("two of ten are dropped", dropped(5))
	s.read(sub, 8)
	s.nothing(sub)
}

// consumers: several goroutines share a subscription, and one that gives up takes no
// message from the others.
func consumers(s *suite) {
	a, b := s.pair()
	sub := s.subscribe(b, chat, a)
	var impatient, patient sync.WaitGroup
	var got atomic.Int32
	for i := range 10 {
		wait, group := patience, &patient
		if i%2 == 0 {
			wait, group = 10*time.Millisecond, &impatient
		}
		group.Go(func() {
			ctx, cancel := context.WithTimeout(s.Context(), wait)
			defer cancel()
			if second(sub.Next(ctx)) == nil {
				got.Add(1)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	for range 10 {
		s.publish(a, "x") // when five of the ten give up
	}
	impatient.Wait()
	patient.Wait()
	s.read(sub, 10-int(got.Load()))
	if got.Load() < 5 {
		s.Errorf("%d of 5 that waited got a message", got.Load())
	}
	s.nothing(sub)
}

// closeSubscription: it ends the wait, and no other subscription.
func closeSubscription(s *suite) {
	a, b := s.pair()
	sub, stays := s.subscribe(b, chat, a), s.subscribe(b, chat, a)
	ended := make(chan error, 1)
	other := s.subscribe(b, chat)
	go func() { ended <- second(other.Next(s.Context())) }()
	sub.Close()
	sub.Close()
	other.Close()
	if err := receive(s, ended); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("the wait ended with %v", err)
	}
	s.publish(a, "x")
	if _, err := sub.Next(s.Context()); !errors.Is(err, transport.ErrClosed) {
		s.Errorf("a closed subscription: %v", err)
	}
	if got := s.read(stays, 1); got[0] != "x" {
		s.Errorf("the other subscription has %v", got)
	}
}
