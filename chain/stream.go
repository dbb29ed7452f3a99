package chain

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
)

// Events returns the stream of the events that match a filter, in the order of the
// chain, from blocks that are accepted on L2. It never ends by itself: at the head of
// the chain it waits for new blocks, and failures of the network are waited out. It
// ends when the consumer breaks off, when ctx ends, or with an error that waiting
// cannot help, which it then delivers last, beside a zero Event.
//
// One error does not end it: a *ReorgError says that events delivered before are
// void, and the consumer undoes them and goes on.
//
// The stream begins after the last of the cursors, or at filter.FromBlock if there
// are none. To go on with a stream, store the Cursor of the last event that was
// dealt with and hand it to a later Events of the same filter. If a reorganisation
// has meanwhile replaced its block, the stream begins with a *ReorgError. Older
// cursors before it, in ascending order, tell how far back it reaches; without them
// it has to begin anew. A cursor without a hash is not checked.
func (c *Client) Events(ctx context.Context, filter EventFilter, resume ...Cursor) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s, err := newStream(c, filter, resume)
		if err != nil {
			yield(Event{}, err)
			return
		}
		s.yield = yield
		if err := s.run(ctx); !errors.Is(err, errBreak) {
			yield(Event{}, err)
		}
	}
}

var (
	errBreak  = errors.New("chain: the consumer stopped")
	errUneven = errors.New("chain: the node's answers do not fit each other, it may be reorganising")
)

// maxTrail is how many positions a stream remembers to find the fork of a
// reorganisation; when there are more, every other one of the older half is dropped.
const maxTrail = 256

// maxUneven is how often in a row answers may not fit each other, as they do not for
// a cursor of another filter.
const maxUneven = 20

type stream struct {
	client *Client
	filter EventFilter
	trail  []Cursor // blocks that were passed, ascending; the last is the position
	head   BlockRef // that was reached last
	yield  func(Event, error) bool
}

// newStream returns a stream that has still to be told where to deliver.
func newStream(c *Client, filter EventFilter, resume []Cursor) (stream, error) {
	if filter.Chunk == 0 {
		filter.Chunk = 256
	}
	if filter.Chunk < 0 || filter.Chunk > maxChunk {
		return stream{}, errors.New("chain: EventFilter.Chunk is not in [1, 1024]")
	}
	if !slices.IsSortedFunc(resume, func(a, b Cursor) int {
		if a.Block < b.Block {
			return -1
		}
		return 1
	}) {
		return stream{}, errors.New("chain: cursors are not of ascending blocks")
	}
	return stream{client: c, filter: filter, trail: slices.Clone(resume)}, nil
}

// run steps until the stream ends, and pauses where there is nothing to do.
func (s *stream) run(ctx context.Context) error {
	c := s.client
	pause, failures := c.opts.Poll, 0
	for {
		moved, err := s.step(ctx)
		switch {
		case err == nil && moved:
			pause, failures = c.opts.Poll, 0
		case err == nil:
			pause, failures = min(pause*3/2, 8*c.opts.Poll), 0
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case s.shrink(err):
			continue
		case !passing(err), failures >= maxUneven && errors.Is(err, errUneven):
			return err
		default:
			failures++
			c.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "chain: events: trying again",
				slog.Int("failures", failures), slog.String("error", err.Error()))
		}
		wait := pause
		if failures > 0 {
			wait = max(pause, backoff(c.opts.Backoff, min(failures, 20)))
		}
		if stop := c.clock.sleep(ctx, wait); stop != nil {
			return stop
		}
	}
}

// shrink halves the pages if they were too big for the node.
func (s *stream) shrink(err error) bool {
	if !errors.Is(err, ErrPageTooBig) || s.filter.Chunk == 1 {
		return false
	}
	s.filter.Chunk /= 2
	return true
}

// passing reports whether waiting may help against err.
func passing(err error) bool {
	if transient(err) || errors.Is(err, errUneven) {
		return true
	}
	for _, code := range []Code{ErrBlockNotFound, ErrNoBlocks, ErrContinuationToken, ErrInternal, ErrUnexpected} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// step goes to the head of the chain. It reports whether there was a new head.
func (s *stream) step(ctx context.Context) (bool, error) {
	head, err := s.client.Head(ctx)
	if err != nil || head == s.head {
		return false, err
	}
	if err := s.verify(ctx, head); err != nil {
		var reorg *ReorgError
		if !errors.As(err, &reorg) {
			return false, err
		}
		s.head = BlockRef{}
		if !s.yield(Event{}, reorg) {
			return false, errBreak
		}
	}
	if head.Number < s.position().Block {
		return false, nil // the node lags behind another that answered before
	}
	if err := s.scan(ctx, head); err != nil {
		return false, err
	}
	s.pass(Cursor{head.Number, head.Hash, s.delivered(head)})
	s.head = head
	return true, nil
}

// position returns where the stream is.
func (s *stream) position() Cursor {
	if len(s.trail) == 0 {
		return Cursor{Block: s.filter.FromBlock}
	}
	return s.trail[len(s.trail)-1]
}

// delivered returns how many events of a block were delivered.
func (s *stream) delivered(b BlockRef) uint64 {
	if p := s.position(); p.Block == b.Number {
		return p.Index
	}
	return 0
}

// pass moves the position.
func (s *stream) pass(c Cursor) {
	if n := len(s.trail); n > 0 && s.trail[n-1].Block == c.Block {
		s.trail[n-1] = c
		return
	}
	if len(s.trail) == maxTrail {
		kept := s.trail[:0]
		for i, old := range s.trail {
			if i >= maxTrail/2 || i%2 == 0 {
				kept = append(kept, old)
			}
		}
		s.trail = kept
	}
	s.trail = append(s.trail, c)
}

// verify checks that the blocks of the trail are still those of the chain. If the
// last is not, it finds by bisection the last one that is, cuts the trail there and
// returns a *ReorgError.
func (s *stream) verify(ctx context.Context, head BlockRef) error {
	n := len(s.trail)
	for n > 0 && s.trail[n-1].Block > head.Number {
		n-- // beyond what this node has, so not to be checked now
	}
	if n == 0 {
		return nil
	}
	ok, err := s.canonical(ctx, s.trail[n-1], head)
	if ok || err != nil {
		return err
	}
	low, high := 0, n-1 // trail[:low] is canonical, trail[high:] is not
	for low < high {
		mid := (low + high) / 2
		ok, err := s.canonical(ctx, s.trail[mid], head)
		if err != nil {
			return err
		}
		if ok {
			low = mid + 1
		} else {
			high = mid
		}
	}
	s.trail = s.trail[:low]
	if low == 0 {
		return &ReorgError{From: s.filter.FromBlock}
	}
	return &ReorgError{From: s.trail[low-1].Block + 1, Fork: s.trail[low-1]}
}

// canonical reports whether the block of a cursor is on the chain of the node.
func (s *stream) canonical(ctx context.Context, c Cursor, head BlockRef) (bool, error) {
	if c.Hash.IsZero() {
		return true, nil
	}
	if c.Block == head.Number {
		return c.Hash == head.Hash, nil
	}
	b, err := s.client.Block(ctx, AtNumber(c.Block))
	if err != nil {
		return false, err
	}
	if b.Finality < AcceptedOnL2 {
		return false, errUneven
	}
	return b.Hash == c.Hash, nil
}

// scan delivers the events from the position up to the head.
func (s *stream) scan(ctx context.Context, head BlockRef) error {
	start := s.position()
	w := window{start: start, head: head, block: BlockRef{Number: start.Block}}
	for token := ""; ; {
		page, next, err := s.client.eventPage(ctx, s.filter, start.Block, head.Number, token)
		if err != nil {
			return err
		}
		for _, e := range page {
			fresh, err := w.place(&e)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			s.pass(e.Cursor)
			if !s.yield(e, nil) {
				return errBreak
			}
		}
		if next == "" {
			return w.end()
		}
		if next == token && len(page) == 0 {
			return malformed("a continuation token that leads to itself")
		}
		token = next
	}
}

// window checks the order of the events between a position and the head.
type window struct {
	start Cursor
	head  BlockRef
	block BlockRef // of the last event
	index uint64   // of the last event in it
	seen  uint64   // events of the block of start
}

// place sets the event's cursor and reports whether it was not delivered before.
func (w *window) place(e *Event) (fresh bool, err error) {
	n := e.Block.Number
	switch {
	case n < w.block.Number || n > w.head.Number:
		return false, malformed("events are out of order")
	case n == w.head.Number && e.Block.Hash != w.head.Hash,
		n == w.start.Block && !w.start.Hash.IsZero() && e.Block.Hash != w.start.Hash,
		n == w.block.Number && w.index > 0 && e.Block.Hash != w.block.Hash:
		return false, errUneven
	}
	if n > w.start.Block {
		if err := w.end(); err != nil {
			return false, err
		}
	}
	if n != w.block.Number {
		w.index = 0
	}
	w.block = e.Block
	w.index++
	e.Cursor = Cursor{n, e.Block.Hash, w.index}
	if n == w.start.Block {
		w.seen++
		return w.index > w.start.Index, nil
	}
	return true, nil
}

// end checks, where the block of the position ends, that the events before it were
// there.
func (w *window) end() error {
	if w.seen < w.start.Index {
		return errUneven
	}
	return nil
}
