package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/felt"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// Offer is a job that a client hands to the worker whose quote it has chosen. A worker
// that wants it fetches the parts of the input from the client, as blobs.
type Offer struct {
	Job     proof.JobID // the identifier that the job will have on the chain
	Request QuoteRequest
	Task    proof.Task // of the program and profile of the request
	Quote   Quote
}

func (o *Offer) fields(c *codec) {
	c.bytes(o.Job[:])
	o.Request.fields(c)
	c.task(&o.Task)
	o.Quote.fields(c)
	c.check(o.Task.Program == o.Request.Program && o.Task.Profile == o.Request.Profile, "task of another program")
}

// Encode returns the binary form. It fails on values that have none.
func (o Offer) Encode() ([]byte, error) { return encode(typeOffer, o.fields) }

// DecodeOffer is the inverse of Encode.
func DecodeOffer(data []byte) (Offer, error) { return decodeAs[Offer](data, typeOffer) }

// Hash returns the identity of the offer: BLAKE3 in key derivation mode over the
// binary form.
func (o Offer) Hash() (proof.Digest, error) {
	b, err := o.Encode()
	if err != nil {
		return proof.Digest{}, err
	}
	return hashMessage("github.com/bitsage/bitsage offer v1", b), nil
}

// Verify checks the offer as its worker should before it admits it: that the quote
// is of the worker's own signing key, not expired, and for this deployment and
// peer. That Job belongs to client, deployment and task is for the caller to check.
func (o Offer) Verify(d Domain, signingKey felt.Felt, self transport.PeerID, now time.Time) error {
	switch {
	case o.Request.Domain != d:
		return ErrOtherRequest
	case o.Quote.Peer != self:
		return ErrPeer
	}
	return o.Quote.Verify(o.Request, signingKey, now)
}

// status is what a worker thinks of an offer.
type status byte

const (
	fetching status = iota + 1 // the worker wants the job and fetches the input
	accepted                   // the worker has the input and will do the job
	refused                    // for a reason
)

// answer is the response to an offer.
type answer struct {
	status   status
	received uint32 // bytes of the input that the worker has, while it fetches
	reason   string // if refused
}

func (a *answer) fields(c *codec) {
	c.byte((*byte)(&a.status))
	c.check(fetching <= a.status && a.status <= refused, "status")
	c.uint32(&a.received)
	c.check(a.status == fetching || a.received == 0, "bytes received")
	c.text(&a.reason, MaxReason)
	c.check(a.status == refused || a.reason == "", "reason")
}

func refuse(err error) answer {
	return answer{status: refused, reason: transport.CleanText(err.Error(), MaxReason)}
}

// OfferProtocol carries offers to a worker. A client repeats the offer until the worker
// has accepted or refused it; each answer comes within hold.
var OfferProtocol = transport.Protocol{
	Name:        "/bitsage/offer/1",
	MaxRequest:  2048,
	MaxResponse: 512,
	Timeout:     30 * time.Second,
	Concurrency: 64,
	PerPeer:     2,
}

// hold is how long a worker waits for the input before it answers that it still fetches.
const hold = 10 * time.Second

// RefusedError says that the worker does not take an offer.
type RefusedError struct {
	Peer   transport.PeerID
	Reason string // the worker's words, printable, at most MaxReason bytes
}

// Error implements error.
func (e *RefusedError) Error() string { return "wire: the worker refused the offer: " + e.Reason }

// ErrInput means that an input is not the one of the offer's task.
var ErrInput = errors.New("wire: the input is not that of the task")

// errStuck means that a worker does not come on with fetching the input.
var errStuck = errors.New("wire: the worker does not fetch the input")

// idleAnswers is how many answers without progress make an offer stuck.
const idleAnswers = 6

// SendOffer offers a job to the worker of the offer's quote, and returns nil once the
// worker has accepted: it then has all it needs, and the client may leave. Until then
// the client's host must serve the parts of the input to that worker (blob.Serve). It
// fails with a *RefusedError, an error of the network or that of ctx. After a failure
// it may be called again: the worker goes on where it stopped.
func SendOffer(ctx context.Context, host transport.Host, o Offer) error {
	message, err := o.Encode()
	if err != nil {
		return err
	}
	last := uint32(0)
	for idle := 0; idle < idleAnswers; idle++ {
		b, err := p2p.Ask(ctx, host, o.Quote.Peer, OfferProtocol, message)
		if err != nil {
			return err
		}
		a, err := decodeAs[answer](b, typeAnswer)
		switch {
		case err != nil:
			return err
		case a.status == accepted:
			return nil
		case a.status == refused:
			return &RefusedError{o.Quote.Peer, transport.CleanText(a.reason, MaxReason)}
		case a.received > last:
			last, idle = a.received, 0
		}
	}
	return errStuck
}

// Offers says how a worker takes offers.
type Offers struct {
	// Budget bounds the bytes of all inputs that are on their way at once. It must
	// hold at least one.
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

// maxOffers bounds the offers that are remembered.
const maxOffers = 1024

// HandleOffers answers offers as o says, until the host is closed. Inputs are fetched
// in goroutines of running, which end with ctx.
func HandleOffers(ctx context.Context, running *sync.WaitGroup, host transport.Host, o Offers) error {
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	in := &inbox{Offers: o, ctx: ctx, running: running, host: host, transfers: make(map[transferKey]*transfer)}
	return host.Handle(OfferProtocol, func(ctx context.Context, from transport.PeerID, data []byte) ([]byte, error) {
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
}

// transferKey keeps peers out of each other's transfers.
type transferKey struct {
	from  transport.PeerID
	offer proof.Digest
}

// transfer is an input that arrives.
type transfer struct {
	from     transport.PeerID
	offer    Offer
	size     int64 // bytes that are reserved
	received int64 // bytes
	done     *answer
	last     time.Time     // when the client asked
	stopped  chan struct{} // closed when the goroutine that fetches has ended; nil without one

	// Of the goroutine that fetches.
	input []byte         // the parts that have come
	next  int            // the number of these parts
	part  *blob.Download // the part after them, or nil
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

func (in *inbox) lookup(k transferKey) *transfer {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.transfers[k]
}

// open makes room for an input, or returns nil if there is none.
func (in *inbox) open(k transferKey, o Offer) *transfer {
	in.mu.Lock()
	defer in.mu.Unlock()
	if t := in.transfers[k]; t != nil {
		return t
	}
	for key, t := range in.transfers {
		if t.stopped == nil && time.Since(t.last) >= in.Idle {
			delete(in.transfers, key)
			in.release(t)
		}
	}
	size := int64(o.Task.Program.InputSize())
	if len(in.transfers) >= maxOffers || in.reserved+size > in.Budget {
		return nil
	}
	t := &transfer{from: k.from, offer: o, size: size, last: time.Now()}
	in.reserved += size
	in.transfers[k] = t
	return t
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
	if t.done != nil {
		return *t.done, nil
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
	t.last = time.Now()
	switch {
	case t.done != nil:
		return closed
	case t.stopped != nil:
		return t.stopped
	}
	stopped := make(chan struct{})
	t.stopped = stopped
	in.running.Go(func() {
		a := in.take(t)
		in.mu.Lock()
		defer in.mu.Unlock()
		if t.stopped, t.done = nil, a; a != nil {
			in.release(t)
		}
		close(stopped)
	})
	return stopped
}

// take fetches the input and has it accepted. It returns nil if the client may ask
// again.
func (in *inbox) take(t *transfer) *answer {
	input, err := in.fetch(t)
	if err != nil {
		if errors.Is(err, ErrInput) {
			a := refuse(err)
			return &a
		}
		return nil
	}
	err = t.offer.checkInput(input)
	if err == nil {
		err = in.Accept(in.ctx, t.from, t.offer, input)
	}
	if in.ctx.Err() != nil && err != nil {
		return nil
	}
	a := answer{status: accepted}
	if err != nil {
		a = refuse(err)
	}
	return &a
}

// fetch gets the parts of the input one by one, so that no more than one part is in
// memory twice.
func (in *inbox) fetch(t *transfer) ([]byte, error) {
	total, inputs := t.offer.Task.Program.InputSize(), t.offer.Task.Inputs
	for t.next < len(inputs) {
		part, err := in.part(t, blob.ID{Kind: blob.Data, Digest: inputs[t.next]}, total-len(t.input))
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
func (in *inbox) part(t *transfer, id blob.ID, max int) ([]byte, error) {
	if in.Have != nil {
		if part, err := in.Have(id); err == nil && len(part) <= max {
			return part, nil
		}
	}
	if t.part == nil {
		t.part = blob.NewDownload(in.host, id, max, func(n int) {
			in.mu.Lock()
			defer in.mu.Unlock()
			t.received += int64(n)
		})
	}
	part, err := t.part.From(in.ctx, t.from)
	if errors.Is(err, blob.ErrDeceived) || errors.Is(err, blob.ErrTooLarge) {
		err = ErrInput
	}
	return part, err
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
