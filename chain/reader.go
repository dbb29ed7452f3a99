package chain

import (
	"context"
	"errors"
	"iter"
)

// EventReader reads the events that match a filter piece by piece: each Read goes to
// the head of the chain and ends there, where a stream of Client.Events waits. It is
// for callers that keep a state of their own and bring it up to date when they need it.
// One goroutine at a time may use it.
type EventReader struct{ stream stream }

// NewEventReader returns a reader that begins where Client.Events with the same
// arguments does. It does no I/O.
func (c *Client) NewEventReader(filter EventFilter, resume ...Cursor) (*EventReader, error) {
	s, err := newStream(c, filter, resume)
	if err != nil {
		return nil, err
	}
	return &EventReader{s}, nil
}

// Read delivers what came since the last Read, in the order of the chain, up to its
// head. As in a stream, a *ReorgError beside a zero Event says that events delivered
// before are void, in an earlier Read too, and goes on. Any other error is the last
// thing of this Read; the next one goes on behind the last event that was delivered,
// and so it does if the consumer breaks off.
func (r *EventReader) Read(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &r.stream
		s.yield = yield
		if err := s.catchUp(ctx); err != nil {
			s.head = BlockRef{} // it was not reached
			if !errors.Is(err, errBreak) {
				yield(Event{}, err)
			}
		}
	}
}

// catchUp goes to the head of the chain once. Answers that do not fit each other are
// asked for again.
func (s *stream) catchUp(ctx context.Context) error {
	c := s.client
	for failures := 0; ; {
		_, err := s.step(ctx)
		switch {
		case s.shrink(err):
			continue
		case !errors.Is(err, errUneven) || failures == maxUneven:
			return err
		}
		failures++
		if stop := c.clock.sleep(ctx, max(c.opts.Poll, backoff(c.opts.Backoff, failures))); stop != nil {
			return stop
		}
	}
}
