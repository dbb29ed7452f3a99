package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
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

// numbered returns the offer with another job.
func numbered(o Offer, n int) Offer {
	binary.BigEndian.PutUint32(o.Job[:], uint32(n))
	return o
}

// TestOfferBudget: inputs beyond the budget wait until there is room, which a transfer
// that ended or was left makes.
func TestOfferBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		o := (&inputs{}).offers()
		o.Budget, o.Idle = int64(shape.InputSize()), time.Minute
		d.handle(t, o)
		mute := d.net.Host() // offers, and serves nothing
		first, second := numbered(d.offer, 1), numbered(d.offer, 2)
		if a, err := d.ask(t, mute, first); err != nil || a != (answer{status: fetching}) {
			t.Fatal(a, err)
		}
		begin := time.Now()
		if err := SendOffer(t.Context(), d.client, second); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("beyond the budget: %v", err)
		}
		if time.Since(begin) < 10*time.Second {
			t.Errorf("it was tried for %v only", time.Since(begin))
		}
		time.Sleep(time.Minute)
		if err := SendOffer(t.Context(), d.client, second); err != nil {
			t.Errorf("after the first was left: %v", err)
		}
		if err := d.send(t); err != nil {
			t.Errorf("after the other ended: %v", err)
		}
	})
}

// TestShareOfPeer: one peer cannot take the whole budget.
func TestShareOfPeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		o := (&inputs{}).offers()
		o.Budget = 8 * int64(shape.InputSize())
		d.handle(t, o)
		for peer := range 5 {
			greedy := d.net.Host()
			for n := range 3 {
				a, err := d.ask(t, greedy, numbered(d.offer, n))
				if fits := peer < 4 && n < 2; fits && (err != nil || a.status != fetching) || !fits && !errors.Is(err, transport.ErrBusy) {
					t.Errorf("offer %d of peer %d: %+v %v", n, peer, a, err)
				}
			}
		}
	})
}

// TestOffersAreCounted: many small offers do not fill the memory either, and those that
// have been answered make room for new ones.
func TestOffersAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(1, 1, 1), p2p.Faults{})
		defer d.close()
		accepted := 0
		o := (&inputs{}).offers()
		o.Accept = func(context.Context, transport.PeerID, Offer, []byte) error { accepted++; return nil }
		d.handle(t, o)
		for i := range maxOffersOfPeer + 10 {
			must(t, SendOffer(t.Context(), d.client, numbered(d.offer, i)))
		}
		if accepted != maxOffersOfPeer+10 {
			t.Errorf("%d offers were accepted", accepted)
		}
		o.Accept = func(ctx context.Context, _ transport.PeerID, _ Offer, _ []byte) error { <-ctx.Done(); return ctx.Err() }
		d.handle(t, o)
		// Fetched, and not decided yet: there is nothing to forget.
		crowd := []transport.Host{d.client}
		for len(crowd) < maxOffers/maxOffersOfPeer {
			h := d.net.Host()
			must(t, d.serve(h))
			crowd = append(crowd, h)
		}
		for _, h := range crowd {
			ctx, cancel := context.WithCancel(t.Context())
			for i := range maxOffersOfPeer {
				message, err := numbered(d.offer, i).Encode()
				must(t, err)
				go h.Request(ctx, d.worker.host.ID(), OfferProtocol, message)
				synctest.Wait()
				if i%OfferProtocol.PerPeer == OfferProtocol.PerPeer-1 { // no more at a time
					cancel()
					synctest.Wait()
					ctx, cancel = context.WithCancel(t.Context())
				}
			}
			cancel()
			synctest.Wait()
			if _, err := d.ask(t, h, numbered(d.offer, maxOffersOfPeer)); !errors.Is(err, transport.ErrBusy) {
				t.Errorf("one more of a peer: %v", err)
			}
		}
		if _, err := d.ask(t, d.net.Host(), d.offer); !errors.Is(err, transport.ErrBusy) {
			t.Errorf("one more of another peer: %v", err)
		}
	})
}

// TestBadClients: none of them gets an input accepted, costs the worker more than a few
// requests, or keeps its place.
func TestBadClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chunk := func(total, n int) []byte {
			return append(binary.BigEndian.AppendUint64([]byte{1}, uint64(total)), make([]byte, n)...)
		}
		size := len(shape.Parts(make([]byte, shape.InputSize()))[0])
		for name, c := range map[string]struct {
			answer   func(n int) ([]byte, error)
			reason   string
			requests int
		}{
			"does not have it":             {func(int) ([]byte, error) { return nil, blob.ErrNotFound }, "the worker cannot fetch the input from you", maxFailures},
			"is always busy":               {func(int) ([]byte, error) { return nil, transport.ErrBusy }, "the worker cannot fetch the input from you", 7 * maxFailures},
			"sends something else":         {func(n int) ([]byte, error) { return chunk(size, []int{blob.Chunk, size - blob.Chunk}[n]), nil }, ErrInput.Error(), 2},
			"sends too much":               {func(int) ([]byte, error) { return chunk(shape.InputSize()+1, blob.Chunk), nil }, ErrInput.Error(), 1},
			"sends another size each time": {func(n int) ([]byte, error) { return chunk(size+n, blob.Chunk), nil }, ErrInput.Error(), 2},
			"sends nonsense":               {func(int) ([]byte, error) { return []byte("junk"), nil }, ErrInput.Error(), 1},
			"sends nothing":                {func(int) ([]byte, error) { return chunk(size, 0), nil }, ErrInput.Error(), 1},
		} {
			d := newDeal(t, shape, p2p.Faults{})
			var in inputs
			o := in.offers()
			o.Budget = int64(shape.InputSize())
			d.handle(t, o)
			bad, n := d.net.Host(), 0
			must(t, bad.Handle(blob.Protocol, func(context.Context, transport.PeerID, []byte) ([]byte, error) {
				defer func() { n++ }()
				return c.answer(n)
			}))
			var refused *RefusedError
			if err := SendOffer(t.Context(), bad, d.offer); !errors.As(err, &refused) || !strings.HasPrefix(refused.Reason, c.reason) {
				t.Errorf("%s: %v", name, err)
			}
			if n != c.requests || len(in.got) != 0 {
				t.Errorf("%s: %d requests, %d inputs", name, n, len(in.got))
			}
			if err := d.send(t); err != nil { // an honest one with the same offer
				t.Errorf("after one that %s: %v", name, err)
			}
			d.close()
		}
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		d.handle(t, (&inputs{}).offers())
		for _, junk := range [][]byte{nil, []byte("junk")} {
			var remote *transport.RemoteError
			if _, err := sendOffer(t.Context(), d.client, d.worker.host.ID(), junk); !errors.As(err, &remote) {
				t.Errorf("%q: %v", junk, err)
			}
		}
	})
}

// TestSlowClient: who sends as slowly as can be and does not ask any more loses its
// place, and what it has sent.
func TestSlowClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, proof.MatMul(4096, 4096, 4096), p2p.Faults{})
		defer d.close()
		o := (&inputs{}).offers()
		o.Budget, o.Idle = int64(len(d.input)), time.Minute
		d.handle(t, o)
		d.offer.Quote.LockDeadline, d.offer.Quote.Deadline = 1<<62, 1<<62+1
		var fast atomic.Bool
		d.onPart = func(int) {
			if !fast.Load() {
				time.Sleep(20 * time.Second)
			}
		}
		if a, err := d.ask(t, d.client, d.offer); err != nil || a.status != fetching {
			t.Fatal(a, err)
		}
		time.Sleep(3 * time.Minute)
		if n := d.requests(); n > 5 {
			t.Errorf("%d parts were fetched", n)
		}
		fast.Store(true)
		if err := SendOffer(t.Context(), d.client, numbered(d.offer, 7)); err != nil {
			t.Errorf("the next offer: %v", err)
		}
	})
}

// TestInputIsForgotten: what was reserved for an input that nobody asks for is given back
// though no other offer comes, and answers are not kept for ever.
func TestInputIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		in := newInbox(t.Context(), &d.running, d.worker.host, (&inputs{}).offers())
		must(t, in.handle())
		must(t, d.send(t))
		if a, err := d.ask(t, d.net.Host(), d.offer); err != nil || a.status != fetching {
			t.Fatal(a, err)
		}
		held := func() (int, int64) {
			in.mu.Lock()
			defer in.mu.Unlock()
			return len(in.transfers), in.reserved
		}
		if n, bytes := held(); n != 2 || bytes != int64(shape.InputSize()) {
			t.Errorf("%d offers with %d bytes", n, bytes)
		}
		time.Sleep(2*in.Idle + time.Second)
		if n, bytes := held(); n != 0 || bytes != 0 {
			t.Errorf("%d offers with %d bytes are left", n, bytes)
		}
	})
}

// TestUnservedOfferIsTriedAgain: a client that did not serve its input at first may offer
// the same again.
func TestUnservedOfferIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeal(t, shape, p2p.Faults{})
		defer d.close()
		d.handle(t, (&inputs{}).offers())
		must(t, d.client.Handle(blob.Protocol, nil))
		var refused *RefusedError
		if err := d.send(t); !errors.As(err, &refused) || !strings.Contains(refused.Reason, transport.ErrUnsupported.Error()) {
			t.Errorf("without the input: %v", err)
		}
		must(t, d.serve(d.client))
		if err := d.send(t); err != nil {
			t.Errorf("with the input: %v", err)
		}
	})
}

// TestBooksOfInbox lets clients come, go, stall and lie as a seed says: what is reserved is
// always what the transfers under way have, within the bounds, and nothing in the end.
func TestBooksOfInbox(t *testing.T) {
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) { booksOfInbox(t, seed) })
	}
}

// answersOf returns how an honest client answers requests for the parts of the input.
func answersOf(t *testing.T, d *deal) func(request []byte) ([]byte, error) {
	t.Helper()
	server, asker := d.net.Host(), d.net.Host()
	store := blob.NewMemory(1 << 30)
	for _, part := range shape.Parts(d.input) {
		must(t, second(store.Put(blob.Data, part)))
	}
	must(t, blob.Serve(server, blob.Anyone(store)))
	return func(request []byte) ([]byte, error) {
		return p2p.Ask(t.Context(), asker, server.ID(), blob.Protocol, request)
	}
}

func booksOfInbox(t *testing.T, seed uint64) {
	d := newDeal(t, shape, p2p.Faults{Latency: 50 * time.Millisecond, Loss: 0.05})
	defer d.close()
	o := (&inputs{}).offers()
	o.Budget, o.Idle = 9*int64(shape.InputSize()), 30*time.Second
	var accepted atomic.Int32
	o.Accept = func(context.Context, transport.PeerID, Offer, []byte) error {
		if accepted.Add(1)%5 == 0 {
			return errors.New("no")
		}
		return nil
	}
	in := newInbox(t.Context(), &d.running, d.worker.host, o)
	must(t, in.handle())
	books := func() int64 {
		in.mu.Lock()
		defer in.mu.Unlock()
		var sum int64
		ofPeer := make(map[transport.PeerID]int64)
		for k, t := range in.transfers {
			sum += t.size
			ofPeer[k.from] += t.size
		}
		if sum != in.reserved || sum > o.Budget {
			t.Errorf("seed %d: %d bytes are reserved, and the transfers have %d", seed, in.reserved, sum)
		}
		for peer, n := range ofPeer {
			if n > o.Budget/4 {
				t.Errorf("seed %d: %s has %d bytes", seed, peer, n)
			}
		}
		return sum
	}
	honest := answersOf(t, d)
	var clients sync.WaitGroup
	for n := range 8 {
		h, r := d.net.Host(), rand.New(rand.NewPCG(seed, uint64(n)))
		var served sync.Mutex
		must(t, h.Handle(blob.Protocol, func(ctx context.Context, _ transport.PeerID, request []byte) ([]byte, error) {
			served.Lock()
			what := r.IntN(40)
			served.Unlock()
			switch what {
			case 0:
				return nil, errors.New("not now")
			case 1:
				return []byte("junk"), nil
			case 2:
				<-ctx.Done()
			case 3:
				return nil, transport.ErrBusy
			}
			return honest(request)
		}))
		clients.Go(func() {
			for range 10 {
				served.Lock()
				offer, wait := numbered(d.offer, r.IntN(5)), time.Duration(1+r.IntN(60))*time.Second
				served.Unlock()
				ctx, cancel := context.WithTimeout(t.Context(), wait)
				SendOffer(ctx, h, offer)
				cancel()
				books()
			}
		})
	}
	clients.Wait()
	if accepted.Load() == 0 {
		t.Errorf("seed %d: nothing was accepted", seed)
	}
	time.Sleep(2*o.Idle + 2*blob.Protocol.Timeout)
	if n := books(); n != 0 {
		t.Errorf("seed %d: %d bytes are left", seed, n)
	}
}
