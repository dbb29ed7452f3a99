package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// shape has an input of two parts of a chunk and a quarter each.
var shape = proof.MatMul(1280, 1024, 1280)

// deal is a client, a worker and an offer that the worker quoted.
type deal struct {
	net    *p2p.Memory
	client transport.Host
	worker *worker
	offer  Offer
	input  []byte

	mu     sync.Mutex
	asked  map[proof.Digest]int // requests for parts
	onPart func(n int)          // is told of each, with the number of all

	running sync.WaitGroup // of the worker
	stop    context.CancelFunc
}

func newDeal(t testing.TB, p proof.Program, f p2p.Faults) *deal {
	t.Helper()
	m := p2p.NewMemory(1, f)
	d := &deal{net: m, client: m.Host(), worker: newWorker(t, m.Host(), 1), input: fill(p.InputSize(), 1), asked: make(map[proof.Digest]int), stop: func() {}}
	r, _ := newRequest(t, p)
	d.offer = Offer{proof.JobID{1}, r, newTask(p, d.input), d.worker.quote(t, r, 5)}
	must(t, d.serve(d.client))
	return d
}

// serve hands the parts of the input to the worker, and to nobody else.
func (d *deal) serve(h transport.Host) error {
	return blob.Serve(h, func(from transport.PeerID, id blob.ID) ([]byte, error) {
		parts := d.offer.Task.Program.Parts(d.input)
		i := slices.Index(d.offer.Task.Inputs, id.Digest)
		if i < 0 || from != d.offer.Quote.Peer {
			return nil, blob.ErrNotFound
		}
		d.mu.Lock()
		d.asked[id.Digest]++
		d.mu.Unlock()
		if d.onPart != nil {
			d.onPart(d.requests())
		}
		return parts[i], nil
	})
}

// requests is how many requests for parts of the input have come.
func (d *deal) requests() (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, calls := range d.asked {
		n += calls
	}
	return n
}

// handle lets the worker take offers, as after a restart.
func (d *deal) handle(t testing.TB, o Offers) {
	t.Helper()
	d.stop()
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	must(t, d.worker.host.Handle(OfferProtocol, nil))
	must(t, HandleOffers(ctx, &d.running, d.worker.host, o))
}

// close wants nothing to be left running.
func (d *deal) close() {
	d.stop()
	d.net.Close()
	d.running.Wait()
}

func (d *deal) send(t testing.TB) error {
	t.Helper()
	return SendOffer(t.Context(), d.client, d.offer)
}

// ask sends one offer of a peer and returns the answer.
func (d *deal) ask(t testing.TB, from transport.Host, o Offer) (answer, error) {
	t.Helper()
	message, err := o.Encode()
	must(t, err)
	return sendOffer(t.Context(), from, d.worker.host.ID(), message)
}

// restart gives the client's host back, after a crash.
func (d *deal) restart(t testing.TB) {
	t.Helper()
	h, err := d.net.Restart(d.client.ID())
	must(t, err)
	d.client = h
	must(t, d.serve(h))
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

func TestOffer(t *testing.T) {
	for _, p := range []proof.Program{proof.MatMul(1, 1, 1), proof.MatMul(1024, 512, 1024), shape, proof.MatMulOf(proof.M31, 3, 5, 7)} {
		d := newDeal(t, p, p2p.Faults{})
		if strings.HasPrefix(p.String(), "matmul m31") {
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
		d.close()
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
		all := Offers{Budget: 1 << 30, Admit: admit, Accept: accept}
		for _, c := range []struct {
			name string
			p    proof.Program
			edit func(d *deal)
			o    Offers
			want string
		}{
			{"by Admit", shape, nil, Offers{Budget: 1 << 30, Admit: func(context.Context, transport.PeerID, Offer) (bool, error) {
				return false, errors.New("too slow\x00" + strings.Repeat("!", 1000))
			}}, "too slow!"},
			{"by Accept", shape, nil, Offers{Budget: 1 << 30, Admit: admit, Accept: func(context.Context, transport.PeerID, Offer, []byte) error { return errors.New("wrong root") }}, "wrong root"},
			{"another A", shape, func(d *deal) { d.input[0]++ }, all, ErrInput.Error()},
			{"another B", shape, func(d *deal) { d.input[len(d.input)-1]++ }, all, ErrInput.Error()},
			{"entries out of range", proof.MatMulOf(proof.M31, 2, 2, 2), func(d *deal) {
				for i := range d.input {
					d.input[i] = 0xff
				}
				d.offer.Task = newTask(d.offer.Task.Program, d.input)
			}, all, "wire: "},
			{"B in the place of A", proof.MatMul(4, 8, 2), func(d *deal) { slices.Reverse(d.offer.Task.Inputs) }, all, ErrInput.Error()},
		} {
			d := newDeal(t, c.p, p2p.Faults{})
			if c.edit != nil {
				c.edit(d)
			}
			d.handle(t, c.o)
			for range 2 {
				err := d.send(t)
				var refused *RefusedError
				if !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, c.want) || len(refused.Reason) > MaxReason || refused.Peer != d.worker.host.ID() || refused.Error() == "" {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			d.close()
		}
		if accepted {
			t.Error("an offer was accepted")
		}
	})
}

// TestHeldOffer: a worker that has the job already fetches nothing.
func TestHeldOffer(t *testing.T) {
	d := newDeal(t, shape, p2p.Faults{})
	defer d.close()
	d.handle(t, Offers{Admit: func(context.Context, transport.PeerID, Offer) (bool, error) { return true, nil }})
	if err := d.send(t); err != nil || d.requests() != 0 {
		t.Errorf("%v after %d requests", err, d.requests())
	}
}

// TestKnownPart: a part that the worker has is not fetched, unless it is too large to be
// believed.
func TestKnownPart(t *testing.T) {
	for i, part := range shape.Parts(fill(shape.InputSize(), 1)) {
		d := newDeal(t, shape, p2p.Faults{})
		var in inputs
		o := in.offers()
		o.Have = func(id blob.ID) ([]byte, error) {
			if id != (blob.ID{Kind: blob.Data, Digest: d.offer.Task.Inputs[i]}) {
				return nil, blob.ErrNotFound
			}
			return part, nil
		}
		d.handle(t, o)
		if err := d.send(t); err != nil || len(in.got) != 1 || !bytes.Equal(in.got[0], d.input) {
			t.Errorf("part %d: %v, %d inputs", i, err, len(in.got))
		}
		if known, other := d.asked[d.offer.Task.Inputs[i]], d.asked[d.offer.Task.Inputs[1-i]]; known != 0 || other != 2 {
			t.Errorf("part %d was asked for %d times, the other one %d times", i, known, other)
		}
		d.close()
	}
	d := newDeal(t, shape, p2p.Faults{})
	defer d.close()
	o := (&inputs{}).offers()
	o.Have = func(blob.ID) ([]byte, error) { return make([]byte, shape.InputSize()+1), nil }
	d.handle(t, o)
	if err := d.send(t); err != nil || d.requests() != 4 {
		t.Errorf("%v after %d requests", err, d.requests())
	}
}

// TestOfferOverBadNetwork hands an input over whatever is lost, once.
func TestOfferOverBadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(2048, 2048, 2048), p2p.Faults{Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.15})
		defer d.close()
		var in inputs
		d.handle(t, in.offers())
		if err := d.send(t); err != nil || len(in.got) != 1 || !bytes.Equal(in.got[0], d.input) {
			t.Errorf("%v, %d inputs", err, len(in.got))
		}
	})
}

// TestClientComesBack: after a crash of the client the worker goes on where it stopped,
// and what was sent twice is less than a twentieth of the input.
func TestClientComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(4096, 4096, 4096), p2p.Faults{})
		defer d.close()
		var in inputs
		o := in.offers()
		admitted := 0
		o.Admit = func(context.Context, transport.PeerID, Offer) (bool, error) { admitted++; return false, nil }
		d.handle(t, o)
		d.onPart = func(n int) {
			if n == 20 { // in the second part
				must(t, d.net.Crash(d.client.ID()))
			}
		}
		if err := d.send(t); !errors.Is(err, transport.ErrClosed) {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if n := d.requests(); n != 20 {
			t.Fatalf("%d requests before the crash", n)
		}
		d.restart(t)
		if err := d.send(t); err != nil || admitted != 1 || len(in.got) != 1 || !bytes.Equal(in.got[0], d.input) {
			t.Errorf("%v, admitted %d times", err, admitted)
		}
		if sent := d.requests() * blob.Chunk; 100*sent > 105*len(d.input) {
			t.Errorf("%d bytes were sent for an input of %d", sent, len(d.input))
		}
	})
}

// TestWorkerComesBack: after a crash of the worker, in the same call, the transfer begins
// again but for the parts that it has kept.
func TestWorkerComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{Latency: time.Second})
		defer d.close()
		var in inputs
		o := in.offers()
		admitted := 0
		o.Admit = func(context.Context, transport.PeerID, Offer) (bool, error) { admitted++; return false, nil }
		d.handle(t, o)
		time.AfterFunc(6500*time.Millisecond, func() { // in the second part
			id := d.worker.host.ID()
			must(t, d.net.Crash(id))
			h, err := d.net.Restart(id)
			must(t, err)
			d.worker.host = h
			o.Have = func(id blob.ID) ([]byte, error) {
				if id.Digest != d.offer.Task.Inputs[0] {
					return nil, blob.ErrNotFound
				}
				return shape.Parts(d.input)[0], nil
			}
			d.handle(t, o)
		})
		if err := d.send(t); err != nil || admitted != 2 || len(in.got) != 1 {
			t.Errorf("%v, admitted %d times, %d inputs", err, admitted, len(in.got))
		}
		if n := d.asked[d.offer.Task.Inputs[0]]; n != 2 {
			t.Errorf("the first part was asked for %d times", n)
		}
	})
}

// TestAcceptIsRepeated: a client that stops waiting before the worker has decided
// learns the decision when it asks again, and the worker decides once.
func TestAcceptIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(4, 4, 4), p2p.Faults{})
		defer d.close()
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
		if err := SendOffer(ctx, d.client, d.offer); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		results := make(chan error)
		for range 2 { // at once
			go func() { results <- d.send(t) }()
		}
		begin := time.Now()
		if err := errors.Join(<-results, <-results); err != nil || time.Since(begin) != 59*time.Second || calls != 1 {
			t.Errorf("%v after %v and %d calls", err, time.Since(begin), calls)
		}

		// A worker that stops meanwhile has decided nothing, and is asked again.
		d.offer.Job[0]++
		time.AfterFunc(time.Second, d.stop)
		begin = time.Now()
		if err := d.send(t); !errors.Is(err, transport.ErrBusy) || calls != 2 {
			t.Errorf("a worker that stops: %v after %d calls", err, calls)
		}
		if d := time.Since(begin); d < 10*time.Second || d > time.Minute {
			t.Errorf("it was waited for for %v", d)
		}
	})
}

// TestOfferEnds: nobody goes on with a job that could not be accepted in time.
func TestOfferEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		d.handle(t, (&inputs{}).offers())
		wait := 25 * time.Second
		d.onPart = func(int) { time.Sleep(wait) } // longer than anybody should take
		d.offer.Quote.LockDeadline = time.Now().Unix() + 40
		d.offer.Quote.Expiry = d.offer.Quote.LockDeadline - 10
		begin := time.Now()
		if err := d.send(t); !errors.Is(err, ErrExpired) || time.Since(begin) != 40*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		time.Sleep(time.Minute)
		if n := d.requests(); n != 2 {
			t.Errorf("%d requests", n)
		}
		if a, err := d.ask(t, d.client, d.offer); err != nil || a != refuse(ErrExpired) {
			t.Errorf("%+v %v", a, err)
		}
		if err := d.send(t); !errors.Is(err, ErrExpired) {
			t.Errorf("after its end: %v", err)
		}
	})
}

// TestBadWorkers: none of them keeps a client busy for ever.
func TestBadWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
		received := func(f func(n int) int) func(int) ([]byte, error) {
			return func(n int) ([]byte, error) {
				a := answer{status: fetching, received: uint32(f(n))}
				return encode(typeAnswer, a.fields)
			}
		}
		for name, c := range map[string]struct {
			answer func(n int) ([]byte, error)
			want   func(error) bool
		}{
			"fetches for ever":          {received(func(int) int { return 0 }), is(errStuck)},
			"has everything for ever":   {received(func(int) int { return shape.InputSize() }), is(errStuck)},
			"has more than everything":  {received(func(int) int { return shape.InputSize() + 1 }), is(errStuck)},
			"counts by one":             {received(func(n int) int { return n }), is(errStuck)},
			"counts up and down":        {received(func(n int) int { return n % 2 }), is(errStuck)},
			"counts down":               {received(func(n int) int { return 1000 - n }), is(errStuck)},
			"forgets again and again":   {received(func(n int) int { return n % 3 * blob.Chunk }), is(errStuck)},
			"fetches slowly and counts": {func(n int) ([]byte, error) { time.Sleep(hold); return received(func(int) int { return 0 })(n) }, is(errStuck)},
			"is busy in between": {func(n int) ([]byte, error) {
				if n%2 == 1 {
					return nil, transport.ErrBusy
				}
				return received(func(int) int { return 0 })(n)
			}, is(errStuck)},
			"is always busy": {func(int) ([]byte, error) { return nil, transport.ErrBusy }, is(transport.ErrBusy)},
			"says nonsense":  {func(int) ([]byte, error) { return []byte("junk"), nil }, func(err error) bool { var m *MessageError; return errors.As(err, &m) }},
			"fails":          {func(int) ([]byte, error) { return nil, errors.New("out of order") }, func(err error) bool { var r *transport.RemoteError; return errors.As(err, &r) }},
			"is silent":      {func(int) ([]byte, error) { time.Sleep(time.Hour); return nil, nil }, is(context.DeadlineExceeded)},
		} {
			d := newDeal(t, shape, p2p.Faults{})
			var calls atomic.Int32
			must(t, d.worker.host.Handle(OfferProtocol, func(context.Context, transport.PeerID, []byte) ([]byte, error) {
				return c.answer(int(calls.Add(1)) - 1)
			}))
			begin := time.Now()
			if err := d.send(t); !c.want(err) {
				t.Errorf("%s: %v", name, err)
			}
			if n := calls.Load(); n > 100 || time.Since(begin) > 2*time.Minute {
				t.Errorf("%s: %d messages in %v", name, n, time.Since(begin))
			}
			d.close()
		}
	})
}

// FuzzPatience: however a worker counts, a client stops asking.
func FuzzPatience(f *testing.F) {
	f.Add(uint8(4), []byte{0, 1, 2, 3})
	f.Add(uint8(1), []byte{1, 0})
	f.Add(uint8(0), []byte{0})
	f.Fuzz(func(t *testing.T, steps uint8, counts []byte) {
		if len(counts) == 0 {
			return
		}
		p := patience{steps: int(steps)}
		n := 1
		for p.wait(uint32(counts[n%len(counts)])) {
			n++
		}
		if n < idleAnswers || n > idleAnswers*(int(steps)+1) {
			t.Errorf("it stopped after %d answers", n)
		}
	})
}

func TestLargestOfferFits(t *testing.T) {
	o := *samples(t)[typeOffer].(*Offer)
	o.Request.Program = proof.MatMulOf(proof.Int8, proof.MaxDim, proof.MaxDim, proof.MaxDim)
	o.Task.Program, o.Task.Label = o.Request.Program, strings.Repeat("x", proof.MaxLabel)
	data, err := o.Encode()
	must(t, err)
	// The identity in the sample has 52 bytes, and none has more than MaxPeerID.
	if n := len(data) + transport.MaxPeerID - len(o.Quote.Peer); n > OfferProtocol.MaxRequest {
		t.Errorf("%d bytes do not fit a request", n)
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
	if err := SendOffer(t.Context(), nil, Offer{Task: proof.Task{Program: proof.MatMul(1, 1, 1)}}); err == nil {
		t.Error("an empty offer was sent")
	}
	if fetching != 1 || accepted != 2 || refused != 3 {
		t.Error("the numbers of the answers have changed")
	}
}

func BenchmarkSendOffer(b *testing.B) {
	for _, p := range []proof.Program{proof.MatMul(512, 1024, 512), proof.MatMul(2048, 4096, 2048)} {
		b.Run(fmt.Sprintf("%dMiB", p.InputSize()>>20), func(b *testing.B) {
			d := newDeal(b, p, p2p.Faults{})
			defer d.close()
			o := (&inputs{}).offers()
			o.Accept = func(context.Context, transport.PeerID, Offer, []byte) error { return nil }
			d.handle(b, o)
			b.SetBytes(int64(p.InputSize()))
			n := 0
			for b.Loop() {
				n++
				d.offer.Job[0], d.offer.Job[1] = byte(n), byte(n>>8)
				must(b, d.send(b))
			}
		})
	}
}
