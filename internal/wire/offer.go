package wire

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
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
// has accepted or refused it; each answer comes within hold. A worker that holds a request
// back spends next to nothing on it, so that many may wait at once.
var OfferProtocol = transport.Protocol{
	Name:        "/bitsage/offer/1",
	MaxRequest:  2048,
	MaxResponse: 512,
	Timeout:     30 * time.Second,
	Concurrency: 256,
	PerPeer:     4,
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

var (
	// ErrInput means that an input is not the one of the offer's task.
	ErrInput = errors.New("wire: the input is not that of the task")
	// errStuck means that a worker does not come on with fetching the input.
	errStuck = errors.New("wire: the worker does not fetch the input")
)

// A client gives an offer up after so many answers without progress, and after progress
// so often that the input could have been fetched that many times.
const (
	idleAnswers = 12
	fetchings   = 4
)

// SendOffer offers a job to the worker of the offer's quote, and returns nil once the
// worker has accepted: it then has all it needs, and the client may leave. Until then
// the client's host must serve the parts of the input to that worker (blob.Serve). It
// fails with a *RefusedError, with ErrExpired when the job can no longer be accepted on the
// chain, or with an error of the network or that of ctx. After a failure it may be called
// again: the worker goes on where it stopped.
func SendOffer(ctx context.Context, host transport.Host, o Offer) error {
	message, err := o.Encode()
	if err != nil {
		return err
	}
	ctx, cancel := o.untilLock(ctx)
	defer cancel()
	size := uint32(o.Task.Program.InputSize())
	chunks := int(size/blob.Chunk) + o.Task.Program.NumParts()
	left := patience{steps: fetchings * chunks}
	for {
		a, err := sendOffer(ctx, host, o.Quote.Peer, message)
		switch {
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil && !errors.Is(err, transport.ErrBusy):
			return err
		case a.status == accepted:
			return nil
		case a.status == refused:
			return &RefusedError{o.Quote.Peer, transport.CleanText(a.reason, MaxReason)}
		case a.received > size || !left.wait(a.received):
			return cmp.Or(err, errStuck)
		}
	}
}

func sendOffer(ctx context.Context, host transport.Host, worker transport.PeerID, message []byte) (answer, error) {
	b, err := p2p.Ask(ctx, host, worker, OfferProtocol, message)
	if err != nil {
		return answer{}, err
	}
	return decodeAs[answer](b, typeAnswer)
}

// patience is what a client has left for a worker that fetches. Neither a worker that
// stands still nor one that counts up and down exhausts it more than once.
type patience struct {
	idle  int    // answers without progress, one after the other
	steps int    // answers with progress that may still come
	last  uint32 // bytes
}

// wait reports whether to go on after an answer.
func (p *patience) wait(received uint32) bool {
	p.idle++
	if received > p.last && p.steps > 0 {
		p.idle = 0
		p.steps--
	}
	p.last = received // less than before after a restart of the worker
	return p.idle < idleAnswers
}

// untilLock bounds a context by the time at which the job must have been accepted on the
// chain.
func (o *Offer) untilLock(ctx context.Context) (context.Context, context.CancelFunc) {
	const longest = 1 << 30 // seconds, so that no sum overflows
	left := time.Duration(min(o.Quote.LockDeadline-time.Now().Unix(), longest)) * time.Second
	return context.WithTimeoutCause(ctx, left, ErrExpired)
}
