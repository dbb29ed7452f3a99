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
	"github.com/bitsage/bitsage/proof"
)

// Chunk is the number of bytes in every chunk of an input but the last.
const Chunk = 1 << 20

// Offer is a job that a client hands to the worker whose quote it has chosen. The
// input follows in chunks.
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
func (o Offer) Verify(d Domain, signingKey felt.Felt, self p2p.PeerID, now time.Time) error {
	switch {
	case o.Request.Domain != d:
		return ErrOtherRequest
	case o.Quote.Peer != self:
		return ErrPeer
	}
	return o.Quote.Verify(o.Request, signingKey, now)
}

// chunk is a part of an offer's input.
type chunk struct {
	offer  proof.Digest // its hash
	offset uint32
	data   []byte
}

func (ch *chunk) fields(c *codec) {
	c.bytes(ch.offer[:])
	c.uint32(&ch.offset)
	c.data(&ch.data, Chunk)
	c.check(ch.offset%Chunk == 0 && len(ch.data) > 0, "offset or length")
}

// status is what a worker thinks of an offer.
type status byte

const (
	wanted   status = iota + 1 // the input from an offset on
	accepted                   // the worker has the input and will do the job
	refused                    // for a reason
	unknown                    // the worker has no such offer, or no longer
)

// answer is the response to an offer and to a chunk.
type answer struct {
	status status
	offset uint32 // if wanted
	reason string // if refused
}

func (a *answer) fields(c *codec) {
	c.byte((*byte)(&a.status))
	c.check(wanted <= a.status && a.status <= unknown, "status")
	c.uint32(&a.offset)
	c.check(a.status == wanted || a.offset == 0, "offset")
	c.text(&a.reason, MaxReason)
	c.check(a.status == refused || a.reason == "", "reason")
}

func refuse(err error) answer {
	return answer{status: refused, reason: p2p.CleanText(err.Error(), MaxReason)}
}

// OfferProtocol carries offers and chunks to a worker. The time is for the last
// chunk, on which the worker commits to the whole input.
var OfferProtocol = p2p.Protocol{
	Name:        "/bitsage/offer/1",
	MaxRequest:  Chunk + 64,
	MaxResponse: 512,
	Timeout:     2 * time.Minute,
	Concurrency: 16,
	PerPeer:     2,
}

// RefusedError says that the worker does not take an offer.
type RefusedError struct {
	Peer   p2p.PeerID
	Reason string // the worker's words, printable, at most MaxReason bytes
}

// Error implements error.
func (e *RefusedError) Error() string { return "wire: the worker refused the offer: " + e.Reason }

// ErrInput means that an input is not the one of the offer's task.
var ErrInput = errors.New("wire: the input is not that of the task")

// errStuck means that a worker asks for the same parts of the input again and
// again.
var errStuck = errors.New("wire: the worker does not take the input")

// patience is how often SendOffer sends a chunk at the most, on average.
const patience = 4

// SendOffer offers a job to the worker of the offer's quote and hands over the
// input, and returns nil once the worker has accepted: it then has all it needs,
// and the client may leave. It fails with a *RefusedError, an error of the network
// or that of ctx. After a failure it may be called again and goes on where it
// stopped.
func SendOffer(ctx context.Context, host p2p.Host, o Offer, input []byte) error {
	if len(input) != o.Task.Program.InputSize() {
		return ErrInput
	}
	hash, err := o.Hash()
	if err != nil {
		return err
	}
	first, err := o.Encode()
	if err != nil {
		return err
	}
	next := first
	for range patience * (len(input)/Chunk + 2) {
		a, err := exchange(ctx, host, o.Quote.Peer, next)
		if err != nil {
			return err
		}
		switch a.status {
		case accepted:
			return nil
		case refused:
			return &RefusedError{o.Quote.Peer, p2p.CleanText(a.reason, MaxReason)}
		case unknown:
			next = first
		case wanted:
			if int64(a.offset) >= int64(len(input)) || a.offset%Chunk != 0 {
				return errStuck
			}
			end := min(int(a.offset)+Chunk, len(input))
			c := chunk{hash, a.offset, input[a.offset:end]}
			if next, err = encode(typeChunk, c.fields); err != nil {
				return err
			}
		}
	}
	return errStuck
}

func exchange(ctx context.Context, host p2p.Host, peer p2p.PeerID, message []byte) (answer, error) {
	b, err := p2p.Ask(ctx, host, peer, OfferProtocol, message)
	if err != nil {
		return answer{}, err
	}
	return decodeAs[answer](b, typeAnswer)
}

// Offers says how a worker takes offers.
type Offers struct {
	// Budget bounds the bytes of all inputs that are on their way at once. It must
	// hold at least one.
	Budget int64
	// Idle is how long a part of an input is kept while nothing arrives, and the
	// answer to an offer after it was given. Zero means five minutes.
	Idle time.Duration
	// Admit looks at an offer before any of its input is taken; it should call
	// Offer.Verify and refuse a second job for one quote. An error refuses the
	// offer, and its text goes to the client. If held is true the worker has
	// accepted the job before.
	Admit func(ctx context.Context, from p2p.PeerID, o Offer) (held bool, err error)
	// Accept gets the input, whose digests are those of the task. When it returns
	// nil the client is told that the job is accepted, and may be gone for good. An
	// error refuses the offer, but for that of ctx: then the client may ask again.
	Accept func(ctx context.Context, from p2p.PeerID, o Offer, input []byte) error
}

// maxOffers bounds the offers that are remembered.
const maxOffers = 1024

// HandleOffers answers offers as o says, until the host is closed.
func HandleOffers(host p2p.Host, o Offers) error {
	if o.Idle == 0 {
		o.Idle = 5 * time.Minute
	}
	in := &inbox{Offers: o, transfers: make(map[transferKey]*transfer)}
	return host.Handle(OfferProtocol, func(ctx context.Context, from p2p.PeerID, data []byte) ([]byte, error) {
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
	mu        sync.Mutex
	reserved  int64
	transfers map[transferKey]*transfer
}

// transferKey keeps peers out of each other's transfers.
type transferKey struct {
	from  p2p.PeerID
	offer proof.Digest
}

// transfer is an input that arrives.
type transfer struct {
	lock  chan struct{} // takes one: whoever works on the transfer
	offer Offer
	size  int // bytes that are reserved
	input []byte
	done  *answer
	last  time.Time
}

func (in *inbox) receive(ctx context.Context, from p2p.PeerID, data []byte) (answer, error) {
	if len(data) > 0 && messageType(data[0]) == typeChunk {
		c, err := decodeAs[chunk](data, typeChunk)
		if err != nil {
			return answer{}, err
		}
		t := in.lookup(transferKey{from, c.offer})
		if t == nil {
			return answer{status: unknown}, nil
		}
		return in.work(ctx, from, t, &c)
	}
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
			return answer{}, p2p.ErrBusy
		}
	}
	return in.work(ctx, from, t, nil)
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
		select {
		case t.lock <- struct{}{}:
		default:
			continue // at work
		}
		if time.Since(t.last) >= in.Idle {
			delete(in.transfers, key)
			in.reserved -= t.release()
		}
		<-t.lock
	}
	t := &transfer{lock: make(chan struct{}, 1), offer: o, size: o.Task.Program.InputSize(), last: time.Now()}
	if len(in.transfers) >= maxOffers || in.reserved+int64(t.size) > in.Budget {
		return nil
	}
	in.reserved += int64(t.size)
	in.transfers[k] = t
	return t
}

// release forgets the input and returns the number of bytes that were reserved for
// it, once. The caller holds the lock.
func (t *transfer) release() int64 {
	n := t.size
	t.size, t.input = 0, nil
	return int64(n)
}

// work adds a chunk, if there is one, and ends the transfer when it is complete.
func (in *inbox) work(ctx context.Context, from p2p.PeerID, t *transfer, c *chunk) (answer, error) {
	select {
	case t.lock <- struct{}{}:
		defer func() { <-t.lock }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	t.last = time.Now()
	if t.done != nil {
		return *t.done, nil
	}
	if t.size == 0 {
		return answer{status: unknown}, nil // it was idle for too long just now
	}
	if c != nil && int(c.offset) == len(t.input) && len(t.input) < t.size {
		if len(c.data) != min(Chunk, t.size-len(t.input)) {
			return answer{}, &MessageError{typeNames[typeChunk], "length"}
		}
		if t.input == nil {
			t.input = make([]byte, 0, t.size)
		}
		t.input = append(t.input, c.data...)
	}
	if len(t.input) < t.size {
		return answer{status: wanted, offset: uint32(len(t.input))}, nil
	}
	a := answer{status: accepted}
	err := t.offer.checkInput(t.input)
	if err == nil {
		err = in.Accept(ctx, from, t.offer, t.input)
	}
	if ctx.Err() != nil && err != nil {
		return answer{}, ctx.Err()
	}
	if err != nil {
		a = refuse(err)
	}
	t.done = &a
	in.mu.Lock()
	defer in.mu.Unlock()
	in.reserved -= t.release()
	return a, nil
}

// checkInput checks the digests, and that the program takes the input.
func (o *Offer) checkInput(input []byte) error {
	for i, part := range o.Task.Program.Parts(input) {
		if blake3.Sum256(part) != o.Task.Inputs[i] {
			return ErrInput
		}
	}
	if err := o.Task.Program.CheckInput(input); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	return nil
}
