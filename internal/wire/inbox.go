package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// Offers says how a worker takes offers.
type Offers struct {
	// Budget bounds the bytes of all inputs that are on their way at once. It must
	// hold at least one. One peer gets a quarter of it, or one input.
	Budget int64
	// Idle is how long a part of an input is kept while the client does not ask, and
	// the answer to an offer after it was given. Zero means five minutes.
	Idle time.Duration
	// Have, if not nil, returns a part of an input that the worker has already.
	Have func(blob.ID) ([]byte, error)
	// Admit looks at an offer before any of its input is fetched; it should call
	// Offer.Verify and refuse a second job for one quote. An error refuses the
	// offer, and its text goes to the client. If held is true the worker has
	// accepted the job before.
	Admit func(ctx context.Context, from transport.PeerID, o Offer) (held bool, err error)
	// Accept gets the input, whose digests are those of the task. When it returns
	// nil the client is told that the job is accepted, and may be gone for good. An
	// error refuses the offer, but for that of ctx: then the client may ask again.
	Accept func(ctx context.Context, from transport.PeerID, o Offer, input []byte) error
}

const (
	// maxOffers bounds the offers that are remembered, and a peer's share of them.
	maxOffers, maxOffersOfPeer = 1024, 256
	// maxFailures is how often in a row the input can be asked for in vain.
	maxFailures = 3
)

// HandleOffers answers offers as o says, until the host is closed. Inputs are fetched
// in goroutines of running, which end with ctx; wait for them when the host is closed.
func HandleOffers(ctx context.Context, running *sync.WaitGroup, host transport.Host, o Offers) error {
	return newInbox(ctx, running, host, o).handle()
}

func newInbox(ctx context.Context, running *sync.WaitGroup, host transport.Host, o Offers) *inbox {
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	return &inbox{Offers: o, ctx: ctx, running: running, host: host, transfers: make(map[transferKey]*transfer)}
}

func (in *inbox) handle() error {
	return in.host.Handle(OfferProtocol, func(ctx context.Context, from transport.PeerID, data []byte) ([]byte, error) {
		a, err := in.receive(ctx, from, data)
		if err != nil {
			return nil, err
		}
		return encode(typeAnswer, a.fields)
	})
}

// inbox holds the inputs that arrive.
type inbox struct {
	Offers
	ctx     context.Context
	running *sync.WaitGroup
	host    transport.Host

	mu        sync.Mutex // guards all transfers too
	reserved  int64
	transfers map[transferKey]*transfer
	sweeping  bool // a timer is set
}

// transferKey keeps peers out of each other's transfers.
type transferKey struct {
	from  transport.PeerID
	offer proof.Digest
}

// transfer is an input that arrives.
type transfer struct {
	key      transferKey
	offer    Offer
	size     int64 // bytes that are reserved
	received int64 // bytes
	failures int   // to fetch any of it, one after the other
	done     *answer
	last     time.Time     // when the client asked
	stopped  chan struct{} // closed when the goroutine that fetches has ended; nil without one

	// Of the goroutine that fetches.
	input []byte             // the parts that have come
	next  int                // the number of these parts
	part  *blob.Download     // the part after them, or nil
	stop  context.CancelFunc // of the fetching
}

// receive answers an offer: what came of it or, after a while, that it goes on.
func (in *inbox) receive(ctx context.Context, from transport.PeerID, data []byte) (answer, error) {
	o, err := DecodeOffer(data)
	if err != nil {
		return answer{}, err
	}
	hash, err := o.Hash()
	if err != nil {
		return answer{}, err
	}
	key := transferKey{from, hash}
	t := in.lookup(key)
	if t == nil {
		held, err := in.Admit(ctx, from, o)
		switch {
		case ctx.Err() != nil:
			return answer{}, ctx.Err()
		case err != nil:
			return refuse(err), nil
		case held:
			return answer{status: accepted}, nil
		}
		if t = in.open(key, o); t == nil {
			return answer{}, transport.ErrBusy
		}
	}
	return in.wait(ctx, t)
}

// lookup returns a transfer, which is kept for another while.
func (in *inbox) lookup(k transferKey) *transfer {
	in.mu.Lock()
	defer in.mu.Unlock()
	t := in.transfers[k]
	if t != nil {
		t.last = time.Now()
	}
	return t
}

// open makes room for an input, or returns nil if there is none.
func (in *inbox) open(k transferKey, o Offer) *transfer {
	in.mu.Lock()
	defer in.mu.Unlock()
	if t := in.transfers[k]; t != nil {
		t.last = time.Now()
		return t
	}
	in.expire()
	size := int64(o.Task.Program.InputSize())
	if !in.room(k.from, size) {
		return nil
	}
	t := &transfer{key: k, offer: o, size: size, last: time.Now()}
	in.reserved += size
	in.transfers[k] = t
	in.sweepLater()
	return t
}

// room reports whether a peer may send an input. If only the number of offers is in the
// way it forgets an old answer. The caller holds mu.
func (in *inbox) room(from transport.PeerID, size int64) bool {
	ofPeer := func(k transferKey) bool { return k.from == from }
	number, reserved := 0, int64(0)
	for k, t := range in.transfers {
		if ofPeer(k) {
			number++
			reserved += t.size
		}
	}
	switch {
	case in.reserved+size > in.Budget, reserved > 0 && reserved+size > in.Budget/4:
		return false
	case number >= maxOffersOfPeer:
		return in.forget(ofPeer)
	case len(in.transfers) >= maxOffers:
		return in.forget(func(transferKey) bool { return true })
	}
	return true
}

// forget drops the oldest answer to one of some offers, and reports whether there was
// one. If the client asks again, Admit knows. The caller holds mu.
func (in *inbox) forget(some func(transferKey) bool) bool {
	var key transferKey
	var oldest *transfer
	for k, t := range in.transfers {
		if t.done != nil && some(k) && (oldest == nil || t.last.Before(oldest.last)) {
			key, oldest = k, t
		}
	}
	delete(in.transfers, key)
	return oldest != nil
}

// expire forgets what nobody has asked for. The caller holds mu.
func (in *inbox) expire() {
	for key, t := range in.transfers {
		if t.stopped == nil && time.Since(t.last) >= in.Idle {
			delete(in.transfers, key)
			in.release(t)
		}
	}
}

// sweepLater sees to it that an input is forgotten in time though no other comes. The
// caller holds mu.
func (in *inbox) sweepLater() {
	if in.sweeping || len(in.transfers) == 0 || in.ctx.Err() != nil {
		return
	}
	in.sweeping = true
	time.AfterFunc(in.Idle, func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		in.sweeping = false
		in.expire()
		in.sweepLater()
	})
}

// release forgets the input and what was reserved for it. The caller holds mu.
func (in *inbox) release(t *transfer) {
	in.reserved -= t.size
	t.size, t.input, t.part = 0, nil, nil
}

// wait lets the transfer go on and waits for its end.
func (in *inbox) wait(ctx context.Context, t *transfer) (answer, error) {
	stopped := in.goOn(t)
	timer := time.NewTimer(hold)
	defer timer.Stop()
	select {
	case <-stopped:
	case <-timer.C:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case t.done != nil:
		return *t.done, nil
	case in.ctx.Err() != nil: // the worker stops, and may come back
		return answer{}, transport.ErrBusy
	}
	return answer{status: fetching, received: uint32(t.received)}, nil
}

// closed is what goOn returns when nothing is left to do.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// goOn fetches what is missing of an input, unless that goes on already. The channel is
// closed when it has ended.
func (in *inbox) goOn(t *transfer) <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case t.done != nil || in.ctx.Err() != nil:
		return closed
	case t.stopped != nil:
		return t.stopped
	}
	stopped, before := make(chan struct{}), t.received
	t.stopped = stopped
	in.running.Go(func() {
		a, err := in.take(t)
		in.mu.Lock()
		defer in.mu.Unlock()
		if t.failures++; t.received > before {
			t.failures = 0
		}
		if a == nil && t.failures >= maxFailures && in.ctx.Err() == nil {
			r := refuse(fmt.Errorf("the worker cannot fetch the input from you: %w", err))
			a = &r
			delete(in.transfers, t.key) // the client may try again, from the beginning
		}
		if t.stopped, t.done = nil, a; a != nil {
			in.release(t)
		}
		close(stopped)
	})
	return stopped
}

// take fetches the input and has it accepted. It returns nil and why if the client may
// ask again.
func (in *inbox) take(t *transfer) (*answer, error) {
	ctx, cancel := t.offer.untilLock(in.ctx)
	defer cancel()
	ctx, t.stop = context.WithCancel(ctx)
	defer t.stop()
	input, err := in.fetch(ctx, t)
	if err == nil {
		if err = t.offer.checkInput(input); err == nil {
			err = in.Accept(in.ctx, t.key.from, t.offer, input)
		}
		if err != nil && in.ctx.Err() != nil {
			return nil, err
		}
		a := answer{status: accepted}
		if err != nil {
			a = refuse(err)
		}
		return &a, nil
	}
	if cause := context.Cause(ctx); errors.Is(cause, ErrExpired) {
		err = cause
	}
	if errors.Is(err, ErrInput) || errors.Is(err, ErrExpired) {
		a := refuse(err)
		return &a, nil
	}
	return nil, err
}

// fetch gets the parts of the input one by one, so that no more than one part is in
// memory twice.
func (in *inbox) fetch(ctx context.Context, t *transfer) ([]byte, error) {
	total, inputs := t.offer.Task.Program.InputSize(), t.offer.Task.Inputs
	for t.next < len(inputs) {
		part, err := in.part(ctx, t, blob.ID{Kind: blob.Data, Digest: inputs[t.next]}, total-len(t.input))
		if err != nil {
			return nil, err
		}
		if t.input == nil {
			t.input = make([]byte, 0, total)
		}
		t.input = append(t.input, part...)
		t.part = nil
		t.next++
	}
	return t.input, nil
}

// part gets the next part, of which nobody is asked for more than max bytes.
func (in *inbox) part(ctx context.Context, t *transfer, id blob.ID, max int) ([]byte, error) {
	if in.Have != nil {
		if part, err := in.Have(id); err == nil && len(part) <= max {
			in.arrived(t, len(part))
			return part, nil
		}
	}
	if t.part == nil {
		t.part = blob.NewDownload(in.host, id, max, func(n int) { in.arrived(t, n) })
	}
	part, err := t.part.From(ctx, t.key.from)
	if errors.Is(err, blob.ErrDeceived) || errors.Is(err, blob.ErrTooLarge) {
		err = ErrInput
	}
	return part, err
}

// arrived counts bytes, and ends the fetching if the client has not asked for the offer
// for long: else it could hold a place by sending its input as slowly as can be.
func (in *inbox) arrived(t *transfer, n int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if t.received += int64(n); time.Since(t.last) >= in.Idle {
		t.stop()
	}
}

// checkInput checks the digests, and that the program takes the input.
func (o *Offer) checkInput(input []byte) error {
	if err := o.Task.Program.CheckInput(input); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	for i, part := range o.Task.Program.Parts(input) {
		if blake3.Sum256(part) != o.Task.Inputs[i] {
			return ErrInput
		}
	}
	return nil
}
