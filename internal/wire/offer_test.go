package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// shape has an input of two chunks and a half.
var shape = proof.MatMul(1280, 1024, 1280)

// deal is a client, a worker and an offer that the worker quoted.
type deal struct {
	net    *p2p.Memory
	client transport.Host
	worker *worker
	offer  Offer
	input  []byte
}

func newDeal(t testing.TB, p proof.Program, f p2p.Faults) *deal {
	t.Helper()
	m := p2p.NewMemory(1, f)
	d := &deal{net: m, client: m.Host(), worker: newWorker(t, m.Host(), 1), input: fill(p.InputSize(), 1)}
	r, _ := newRequest(t, p)
	d.offer = Offer{proof.JobID{1}, r, newTask(p, d.input), d.worker.quote(t, r, 5)}
	return d
}

// inputs records what a worker accepts.
type inputs struct{ got [][]byte }

func (in *inputs) offers() Offers {
	return Offers{
		Budget: 1 << 30,
		Admit:  func(context.Context, transport.PeerID, Offer) (bool, error) { return false, nil },
		Accept: func(_ context.Context, _ transport.PeerID, _ Offer, input []byte) error {
			in.got = append(in.got, bytes.Clone(input))
			return nil
		},
	}
}

func (d *deal) handle(t testing.TB, o Offers) {
	t.Helper()
	must(t, d.worker.host.Handle(OfferProtocol, nil))
	must(t, HandleOffers(d.worker.host, o))
}

func (d *deal) send(t testing.TB) error {
	t.Helper()
	return SendOffer(t.Context(), d.client, d.offer, d.input)
}

func TestOffer(t *testing.T) {
	for _, p := range []proof.Program{proof.MatMul(1, 1, 1), proof.MatMul(1024, 512, 1024), shape, proof.MatMulOf(proof.M31, 3, 5, 7)} {
		d := newDeal(t, p, p2p.Faults{})
		if p.DType() == proof.M31 {
			for i := 3; i < len(d.input); i += 4 {
				d.input[i] &= 0x3f // below the prime
			}
			d.offer.Task = newTask(p, d.input)
		}
		var in inputs
		o := in.offers()
		o.Admit = func(_ context.Context, from transport.PeerID, got Offer) (bool, error) {
			if from != d.client.ID() || !reflect.DeepEqual(got, d.offer) {
				t.Errorf("%v: from %s came %+v", p, from, got)
			}
			return false, got.Verify(domain, d.worker.key.PublicKey(), d.worker.host.ID(), time.Now())
		}
		d.handle(t, o)
		for range 2 { // the second time it is told what it was told before
			if err := d.send(t); err != nil {
				t.Errorf("%v: %v", p, err)
			}
		}
		if len(in.got) != 1 || !bytes.Equal(in.got[0], d.input) {
			t.Errorf("%v: accepted %d inputs", p, len(in.got))
		}
		d.net.Close()
	}
}

func TestOfferVerify(t *testing.T) {
	d := newDeal(t, proof.MatMul(2, 2, 2), p2p.Faults{})
	other := newWorker(t, d.net.Host(), 2)
	key, self, now := d.worker.key.PublicKey(), d.worker.host.ID(), time.Now()
	if err := d.offer.Verify(domain, key, self, now); err != nil {
		t.Error(err)
	}
	elsewhere := domain
	elsewhere.ChainID = other.address
	for want, err := range map[error]error{
		ErrOtherRequest: d.offer.Verify(elsewhere, key, self, now),
		ErrPeer:         d.offer.Verify(domain, key, other.host.ID(), now),
		ErrExpired:      d.offer.Verify(domain, key, self, now.Add(time.Hour)),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	if err := d.offer.Verify(domain, other.key.PublicKey(), self, now); err == nil {
		t.Error("another worker's quote was accepted")
	}
}

func TestOfferIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var accepted bool
		accept := func(context.Context, transport.PeerID, Offer, []byte) error { accepted = true; return nil }
		admit := func(context.Context, transport.PeerID, Offer) (bool, error) { return false, nil }
		for _, c := range []struct {
			name string
			edit func(d *deal)
			o    Offers
			want string
		}{
			{"by Admit", nil, Offers{Budget: 1 << 30, Admit: func(context.Context, transport.PeerID, Offer) (bool, error) {
				return false, errors.New("too slow\x00" + strings.Repeat("!", 1000))
			}}, "too slow!"},
			{"by Accept", nil, Offers{Budget: 1 << 30, Admit: admit, Accept: func(context.Context, transport.PeerID, Offer, []byte) error { return errors.New("wrong root") }}, "wrong root"},
			{"wrong A", func(d *deal) { d.offer.Task.Inputs[0][0]++ }, Offers{Budget: 1 << 30, Admit: admit, Accept: accept}, ErrInput.Error()},
			{"wrong B", func(d *deal) { d.offer.Task.Inputs[1][0]++ }, Offers{Budget: 1 << 30, Admit: admit, Accept: accept}, ErrInput.Error()},
		} {
			d := newDeal(t, shape, p2p.Faults{})
			if c.edit != nil {
				c.edit(d)
			}
			d.handle(t, c.o)
			for range 2 {
				err := d.send(t)
				var refused *RefusedError
				if !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, c.want) || len(refused.Reason) > MaxReason || refused.Peer != d.worker.host.ID() {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			d.net.Close()
		}
		// Entries that are in no program's range.
		d := newDeal(t, proof.MatMulOf(proof.M31, 2, 2, 2), p2p.Faults{})
		for i := range d.input {
			d.input[i] = 0xff
		}
		d.offer.Task = newTask(d.offer.Task.Program, d.input)
		d.handle(t, Offers{Budget: 1 << 30, Admit: admit, Accept: accept})
		var refused *RefusedError
		if err := d.send(t); !errors.As(err, &refused) || accepted {
			t.Errorf("entries out of range: %v", err)
		}
		d.input = d.input[1:]
		if err := d.send(t); !errors.Is(err, ErrInput) {
			t.Errorf("an input of another length: %v", err)
		}
		if refused.Error() == "" {
			t.Error("a refusal without words")
		}
		d.net.Close()
	})
}

// TestHeldOffer: a worker that has the job already takes no input.
func TestHeldOffer(t *testing.T) {
	d := newDeal(t, shape, p2p.Faults{})
	defer d.net.Close()
	d.handle(t, Offers{Admit: func(context.Context, transport.PeerID, Offer) (bool, error) { return true, nil }})
	if err := d.send(t); err != nil {
		t.Error(err)
	}
}

// TestOfferOverBadNetwork hands an input over whatever is lost, once.
func TestOfferOverBadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(2048, 2048, 2048), p2p.Faults{Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.15})
		defer d.net.Close()
		var in inputs
		d.handle(t, in.offers())
		if err := d.send(t); err != nil || len(in.got) != 1 || !bytes.Equal(in.got[0], d.input) {
			t.Errorf("%v, %d inputs", err, len(in.got))
		}
	})
}

// TestOfferGoesOn: after a failure the transfer continues where it stopped; after a
// restart of the worker, from the beginning.
func TestOfferGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{Latency: time.Second})
		defer d.net.Close()
		var in inputs
		o := in.offers()
		admitted := 0
		o.Admit = func(context.Context, transport.PeerID, Offer) (bool, error) { admitted++; return false, nil }
		d.handle(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond) // after the first chunk
		defer cancel()
		if err := SendOffer(ctx, d.client, d.offer, d.input); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		begin := time.Now()
		if err := d.send(t); err != nil || admitted != 1 || len(in.got) != 1 {
			t.Errorf("%v, admitted %d times", err, admitted)
		}
		if got := time.Since(begin); got != 6*time.Second { // the offer and two chunks
			t.Errorf("the rest took %v", got)
		}

		d.offer.Job[0]++
		time.AfterFunc(2500*time.Millisecond, func() {
			id := d.worker.host.ID()
			must(t, d.net.Crash(id))
			h, err := d.net.Restart(id)
			must(t, err)
			d.worker.host = h
			must(t, HandleOffers(h, o))
		})
		if err := d.send(t); err != nil || admitted != 3 || len(in.got) != 2 {
			t.Errorf("over a restart: %v, admitted %d times", err, admitted)
		}
	})
}

// TestAcceptIsRepeated: a client that stops waiting before the worker has decided
// learns the decision when it asks again.
func TestAcceptIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(4, 4, 4), p2p.Faults{})
		defer d.net.Close()
		calls := 0
		o := (&inputs{}).offers()
		o.Accept = func(ctx context.Context, _ transport.PeerID, _ Offer, _ []byte) error {
			calls++
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
				return nil
			}
		}
		d.handle(t, o)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := SendOffer(ctx, d.client, d.offer, d.input); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		// Two at once: the second one waits for the first one's answer.
		results := make(chan error)
		for range 2 {
			go func() { results <- d.send(t) }()
		}
		begin := time.Now()
		if err := errors.Join(<-results, <-results); err != nil || time.Since(begin) != time.Minute || calls != 2 {
			t.Errorf("%v after %v and %d calls", err, time.Since(begin), calls)
		}
	})
}

// TestOfferBudget: inputs beyond the budget wait until there is room, which a
// transfer that ended or was left makes.
func TestOfferBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.net.Close()
		var in inputs
		o := in.offers()
		o.Budget, o.Idle = int64(shape.InputSize()), time.Minute
		d.handle(t, o)
		first, err := d.offer.Encode()
		must(t, err)
		if a, err := exchange(t.Context(), d.client, d.worker.host.ID(), first); err != nil || a != (answer{status: wanted}) {
			t.Fatal(a, err)
		}
		other := d.offer
		other.Job[0]++
		begin := time.Now()
		if err := SendOffer(t.Context(), d.client, other, d.input); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("beyond the budget: %v", err)
		}
		if time.Since(begin) < time.Second {
			t.Errorf("it was tried for %v only", time.Since(begin))
		}
		time.Sleep(time.Minute)
		if err := SendOffer(t.Context(), d.client, other, d.input); err != nil {
			t.Errorf("after the first was left: %v", err)
		}
		if err := d.send(t); err != nil {
			t.Errorf("after the other ended: %v", err)
		}
		// A chunk of a transfer that was forgotten.
		hash, err := d.offer.Hash()
		must(t, err)
		time.Sleep(time.Minute)
		other.Job[0]++
		must(t, SendOffer(t.Context(), d.client, other, d.input))
		c := chunk{hash, 0, d.input[:Chunk]}
		late, err := encode(typeChunk, c.fields)
		must(t, err)
		if a, err := exchange(t.Context(), d.client, d.worker.host.ID(), late); err != nil || a != (answer{status: unknown}) {
			t.Errorf("%+v %v", a, err)
		}
	})
}

// TestOffersAreCounted: many small offers do not fill the memory either.
func TestOffersAreCounted(t *testing.T) {
	d := newDeal(t, proof.MatMul(1, 1, 1), p2p.Faults{})
	defer d.net.Close()
	var in inputs
	d.handle(t, in.offers())
	for i := range maxOffers + 1 {
		o := d.offer
		o.Job[0], o.Job[1] = byte(i), byte(i>>8)
		b, err := o.Encode()
		must(t, err)
		a, err := exchange(t.Context(), d.client, d.worker.host.ID(), b)
		if i < maxOffers && (err != nil || a.status != wanted) || i == maxOffers && !errors.Is(err, transport.ErrBusy) {
			t.Fatalf("offer %d: %+v %v", i, a, err)
		}
	}
}

// TestBadClients sends a worker what no honest client sends.
func TestBadClients(t *testing.T) {
	d := newDeal(t, shape, p2p.Faults{})
	defer d.net.Close()
	var in inputs
	d.handle(t, in.offers())
	hash, err := d.offer.Hash()
	must(t, err)
	first, err := d.offer.Encode()
	must(t, err)
	part := func(offset, n int) []byte {
		c := chunk{hash, uint32(offset), make([]byte, n)}
		return mustEncode(t, typeChunk, &c)
	}
	ask := func(h transport.Host, b []byte) (answer, error) {
		return exchange(t.Context(), h, d.worker.host.ID(), b)
	}
	expect := func(what string, h transport.Host, b []byte, want answer) {
		t.Helper()
		if got, err := ask(h, b); err != nil || got != want {
			t.Errorf("%s: %+v %v", what, got, err)
		}
	}
	fails := func(what string, b []byte) {
		t.Helper()
		var remote *transport.RemoteError
		if got, err := ask(d.client, b); !errors.As(err, &remote) {
			t.Errorf("%s: %+v %v", what, got, err)
		}
	}
	expect("a chunk before the offer", d.client, part(0, Chunk), answer{status: unknown})
	expect("the offer", d.client, first, answer{status: wanted})
	expect("a chunk too far", d.client, part(Chunk, Chunk), answer{status: wanted})
	fails("a short chunk", part(0, Chunk-1))
	fails("junk", []byte("junk"))
	fails("nothing", nil)
	fails("a chunk without data", part(0, Chunk)[:38])
	expect("another client's chunk", d.net.Host(), part(0, Chunk), answer{status: unknown})
	expect("a chunk", d.client, part(0, Chunk), answer{status: wanted, offset: Chunk})
	expect("the same again", d.client, part(0, Chunk), answer{status: wanted, offset: Chunk})
	expect("the second", d.client, part(Chunk, Chunk), answer{status: wanted, offset: 2 * Chunk})
	fails("a long last chunk", part(2*Chunk, Chunk))
	expect("wrong bytes at the end", d.client, part(2*Chunk, Chunk/2), answer{refused, 0, ErrInput.Error()})
	expect("a chunk after the end", d.client, part(0, Chunk), answer{refused, 0, ErrInput.Error()})
	if len(in.got) != 0 {
		t.Error("a wrong input was accepted")
	}
}

// TestBadWorkers: none of them keeps a client busy for ever.
func TestBadWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
		for name, c := range map[string]struct {
			answer func(n int, b []byte) ([]byte, error)
			want   func(error) bool
		}{
			"wants the same again": {func(int, []byte) ([]byte, error) { a := answer{status: wanted}; return encode(typeAnswer, a.fields) }, is(errStuck)},
			"knows nothing":        {func(int, []byte) ([]byte, error) { a := answer{status: unknown}; return encode(typeAnswer, a.fields) }, is(errStuck)},
			"wants beyond the end": {func(int, []byte) ([]byte, error) {
				a := answer{wanted, 1 << 30, ""}
				return encode(typeAnswer, a.fields)
			}, is(errStuck)},
			"wants half a chunk": {func(int, []byte) ([]byte, error) { a := answer{wanted, 1, ""}; return encode(typeAnswer, a.fields) }, is(errStuck)},
			"forgets again and again": {func(n int, _ []byte) ([]byte, error) {
				a := answer{status: wanted, offset: uint32(n%3) * Chunk}
				return encode(typeAnswer, a.fields)
			}, is(errStuck)},
			"is busy in between": {func(n int, _ []byte) ([]byte, error) {
				if n%2 == 1 {
					return nil, transport.ErrBusy
				}
				a := answer{status: wanted}
				return encode(typeAnswer, a.fields)
			}, is(errStuck)},
			"is always busy": {func(int, []byte) ([]byte, error) { return nil, transport.ErrBusy }, is(transport.ErrBusy)},
			"says nonsense":  {func(int, []byte) ([]byte, error) { return []byte("junk"), nil }, func(err error) bool { var m *MessageError; return errors.As(err, &m) }},
			"fails":          {func(int, []byte) ([]byte, error) { return nil, errors.New("out of order") }, func(err error) bool { var r *transport.RemoteError; return errors.As(err, &r) }},
		} {
			d := newDeal(t, shape, p2p.Faults{})
			n := 0
			must(t, d.worker.host.Handle(OfferProtocol, func(_ context.Context, _ transport.PeerID, b []byte) ([]byte, error) {
				defer func() { n++ }()
				return c.answer(n, b)
			}))
			begin := time.Now()
			if err := d.send(t); !c.want(err) {
				t.Errorf("%s: %v", name, err)
			}
			if n > 100 || time.Since(begin) > time.Minute {
				t.Errorf("%s: %d messages in %v", name, n, time.Since(begin))
			}
			d.net.Close()
		}
	})
}

func TestLargestOfferFits(t *testing.T) {
	o := *samples(t)[typeOffer].(*Offer)
	o.Request.Program = proof.MatMulOf(proof.Int8, proof.MaxDim, proof.MaxDim, proof.MaxDim)
	o.Task.Program, o.Task.Label, o.Quote.Peer = o.Request.Program, strings.Repeat("x", proof.MaxLabel), transport.PeerID(strings.Repeat("x", transport.MaxPeerID))
	data, err := o.Encode()
	must(t, err)
	c := chunk{data: make([]byte, Chunk)}
	for _, n := range []int{len(data), len(mustEncode(t, typeChunk, &c))} {
		if n > OfferProtocol.MaxRequest {
			t.Errorf("%d bytes do not fit a request", n)
		}
	}
	a := answer{refused, 0, strings.Repeat("x", MaxReason)}
	d := Description{Task: o.Task}
	if n := len(mustEncode(t, typeAnswer, &a)); n > OfferProtocol.MaxResponse {
		t.Errorf("an answer of %d bytes does not fit", n)
	}
	if n := len(mustEncode(t, typeDescription, &d)); n > TaskProtocol.MaxResponse {
		t.Errorf("a description of %d bytes does not fit", n)
	}
	if n := len(mustEncode(t, typeAnnouncement, samples(t)[typeAnnouncement])); n > domain.Blobs().MaxBytes {
		t.Errorf("an announcement of %d bytes does not fit", n)
	}
	if _, err := (Offer{}).Encode(); err == nil || second((Offer{}).Hash()) == nil {
		t.Error("an empty offer has a form")
	}
	if err := SendOffer(t.Context(), nil, Offer{Task: proof.Task{Program: proof.MatMul(1, 1, 1)}}, make([]byte, 2)); err == nil {
		t.Error("an empty offer was sent")
	}
	if !slices.IsSorted([]int{int(wanted), int(accepted), int(refused), int(unknown)}) || wanted != 1 {
		t.Error("the numbers of the answers have changed")
	}
}

func BenchmarkSendOffer(b *testing.B) {
	for _, p := range []proof.Program{proof.MatMul(512, 1024, 512), proof.MatMul(2048, 4096, 2048)} {
		b.Run(fmt.Sprintf("%dMiB", p.InputSize()>>20), func(b *testing.B) {
			d := newDeal(b, p, p2p.Faults{})
			defer d.net.Close()
			o := (&inputs{}).offers()
			o.Accept = func(context.Context, transport.PeerID, Offer, []byte) error { return nil }
			d.handle(b, o)
			b.SetBytes(int64(p.InputSize()))
			n := 0
			for b.Loop() {
				if n++; n%512 == 0 {
					d.handle(b, o) // which forgets what was accepted
				}
				d.offer.Job[0], d.offer.Job[1] = byte(n), byte(n>>8)
				must(b, d.send(b))
			}
		})
	}
}
