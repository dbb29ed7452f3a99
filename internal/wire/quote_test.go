package wire

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// TestQuoteHash computes the hash of the specification by another way, and wants
// every field to change it.
func TestQuoteHash(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	w := newWorker(t, m.Host(), 1)
	r, _ := newRequest(t, proof.MatMul(8, 8, 8))
	q := w.quote(t, r, 77)
	q.Peer = transport.PeerID(strings.Repeat("p", 31) + "q")
	text := func(s string) felt.Felt { f, err := felt.ShortString(s); must(t, err); return f }
	num := func(v any) felt.Felt { return felt.MustParse(fmt.Sprintf("0x%x", v)) }
	key := q.Key.Felts()
	want := poseidon.HashMany(text("bitsage/quote/v1"), domain.ChainID, domain.JobManager, num(q.Request[16:]), num(q.Request[:16]), q.Worker,
		num(77), num(q.Expiry), num(q.LockDeadline), num(q.Deadline), key[0], key[1], num(32), text(strings.Repeat("p", 31)), text("q"))
	if got := q.Hash(domain); got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
	seen := map[felt.Felt]string{want: "nothing"}
	for what, edit := range map[string]func(q *Quote, d *Domain){
		"chain":         func(_ *Quote, d *Domain) { d.ChainID = num(1) },
		"contract":      func(_ *Quote, d *Domain) { d.JobManager = num(1) },
		"request":       func(q *Quote, _ *Domain) { q.Request[0]++ },
		"request, low":  func(q *Quote, _ *Domain) { q.Request[31]++ },
		"worker":        func(q *Quote, _ *Domain) { q.Worker = num(1) },
		"fee":           func(q *Quote, _ *Domain) { q.Fee++ },
		"expiry":        func(q *Quote, _ *Domain) { q.Expiry++ },
		"lock deadline": func(q *Quote, _ *Domain) { q.LockDeadline++ },
		"deadline":      func(q *Quote, _ *Domain) { q.Deadline++ },
		"key":           func(q *Quote, _ *Domain) { q.Key = newWorker(t, w.host, 2).elgamal },
		"peer":          func(q *Quote, _ *Domain) { q.Peer = transport.PeerID(strings.Repeat("p", 31) + "r") },
		"shorter peer":  func(q *Quote, _ *Domain) { q.Peer = q.Peer[:31] },
		"longer peer":   func(q *Quote, _ *Domain) { q.Peer = transport.PeerID(strings.Repeat("p", 31) + "\x00q") },
	} {
		changed, d := q, domain
		edit(&changed, &d)
		h := changed.Hash(d)
		if other, ok := seen[h]; ok {
			t.Errorf("a change of %s gives the hash of a change of %s", what, other)
		}
		seen[h] = what
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestQuoteVerify(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	w, thief := newWorker(t, m.Host(), 1), newWorker(t, m.Host(), 2)
	r, _ := newRequest(t, proof.MatMul(8, 8, 8))
	now := time.Unix(r.LockDeadline-100, 0)
	good := w.quote(t, r, 77)
	edited := func(edit func(q *Quote)) Quote { q := good; edit(&q); return q }
	resigned := func(edit func(q *Quote)) Quote {
		q, err := edited(edit).Sign(domain, w.sign)
		must(t, err)
		return q
	}
	other := r
	other.Nonce[0]++
	otherClient := r
	otherClient.Client = felt.MustParse("0xbad")
	otherChain := r
	otherChain.ChainID = felt.MustParse("0xbad")
	otherContract := r
	otherContract.JobManager = felt.MustParse("0xbad")
	wrongChain, err := good.Sign(otherChain.Domain, w.sign)
	must(t, err)
	malformed := func(err error) bool { var m *MessageError; return errors.As(err, &m) }
	for _, c := range []struct {
		name string
		q    Quote
		r    QuoteRequest
		key  felt.Felt
		now  time.Time
		want error
	}{
		{"good", good, r, w.key.PublicKey(), now, nil},
		{"last moment", good, r, w.key.PublicKey(), time.Unix(good.Expiry-1, 999), nil},
		{"earlier deadlines", resigned(func(q *Quote) { q.LockDeadline--; q.Deadline-- }), r, w.key.PublicKey(), now, nil},
		{"expired", good, r, w.key.PublicKey(), time.Unix(good.Expiry, 0), ErrExpired},
		{"another nonce", good, other, w.key.PublicKey(), now, ErrOtherRequest},
		{"another client", good, otherClient, w.key.PublicKey(), now, ErrOtherRequest},
		{"another chain", good, otherChain, w.key.PublicKey(), now, ErrOtherRequest},
		{"another contract", good, otherContract, w.key.PublicKey(), now, ErrOtherRequest},
		{"signed for another chain", wrongChain, r, w.key.PublicKey(), now, starksig.ErrSignature},
		{"later lock deadline", resigned(func(q *Quote) { q.LockDeadline++ }), r, w.key.PublicKey(), now, ErrDeadline},
		{"later deadline", resigned(func(q *Quote) { q.Deadline++ }), r, w.key.PublicKey(), now, ErrDeadline},
		{"another key", good, r, thief.key.PublicKey(), now, starksig.ErrSignature},
		{"lower fee", edited(func(q *Quote) { q.Fee-- }), r, w.key.PublicKey(), now, starksig.ErrSignature},
		{"another peer", edited(func(q *Quote) { q.Peer = thief.host.ID() }), r, w.key.PublicKey(), now, starksig.ErrSignature},
		{"another ElGamal key", edited(func(q *Quote) { q.Key = thief.elgamal }), r, w.key.PublicKey(), now, starksig.ErrSignature},
		{"another worker", edited(func(q *Quote) { q.Worker = thief.address }), r, w.key.PublicKey(), now, starksig.ErrSignature},
		{"not a key", good, r, felt.Felt{}, now, starksig.ErrPublicKey},
	} {
		if err := c.q.Verify(c.r, c.key, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for what, q := range map[string]Quote{
		"fee":        resigned(func(q *Quote) { q.Fee = elgamal.MaxAmount + 1 }),
		"expiry":     resigned(func(q *Quote) { q.Expiry = q.LockDeadline + 1 }),
		"no peer":    resigned(func(q *Quote) { q.Peer = "" }),
		"bad key":    edited(func(q *Quote) { q.Key = elgamal.PublicKey{} }),
		"no request": edited(func(q *Quote) { q.Signature = starksig.Signature{} }),
	} {
		if err := q.Verify(r, w.key.PublicKey(), now); !malformed(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := edited(func(q *Quote) { q.Key = elgamal.PublicKey{} }).Sign(domain, w.sign); !malformed(err) {
		t.Errorf("signed without a key: %v", err)
	}
	if err := good.Verify(QuoteRequest{}, w.key.PublicKey(), now); !malformed(err) {
		t.Errorf("no request: %v", err)
	}
}

func TestSeal(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	w := newWorker(t, m.Host(), 1)
	r, key := newRequest(t, proof.MatMul(8, 8, 8))
	other, otherKey := newRequest(t, proof.MatMul(8, 8, 8))
	q := w.quote(t, r, 77)
	sealed, err := q.Seal(r)
	must(t, err)
	if got, err := OpenQuote(sealed, r, key); err != nil || got.Verify(r, w.key.PublicKey(), time.Now()) != nil || got != q {
		t.Errorf("%+v %v", got, err)
	}
	if len(sealed) > QuoteProtocol.MaxResponse {
		t.Errorf("a sealed quote has %d bytes", len(sealed))
	}
	plain, err := q.Encode()
	must(t, err)
	if bytes.Contains(sealed, plain[2:34]) {
		t.Error("the request is readable in the sealed quote")
	}
	nist, err := hpke.DHKEM(ecdh.P256()).GenerateKey()
	must(t, err)
	for name, c := range map[string]struct {
		sealed []byte
		r      QuoteRequest
		key    hpke.PrivateKey
	}{
		"another key":     {sealed, r, otherKey},
		"another curve":   {sealed, r, nist},
		"another request": {sealed, other, key},
		"flipped":         {append(bytes.Clone(sealed[:len(sealed)-1]), sealed[len(sealed)-1]^1), r, key},
		"cut":             {sealed[:len(sealed)-1], r, key},
		"only the key":    {sealed[:32], r, key},
		"empty":           {nil, r, key},
		"not sealed":      {plain, r, key},
	} {
		if _, err := OpenQuote(c.sealed, c.r, c.key); !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := q.Seal(other); !errors.Is(err, ErrOtherRequest) {
		t.Errorf("sealed for another request: %v", err)
	}
	// The point of order one, to which anybody could read.
	low := r
	low.Key = [32]byte{}
	if _, err := w.quote(t, low, 1).Seal(low); err == nil {
		t.Error("sealed to a point of small order")
	}
	if _, err := OpenQuote(sealed, QuoteRequest{}, key); err == nil {
		t.Error("opened for no request")
	}
	// What is sealed well may still be no quote.
	pk, err := kem().NewPublicKey(r.Key[:])
	must(t, err)
	hash, err := r.Hash()
	must(t, err)
	junk, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), sealInfo(hash), []byte("junk"))
	must(t, err)
	var malformed *MessageError
	if _, err := OpenQuote(junk, r, key); !errors.As(err, &malformed) {
		t.Error(err)
	}
}

func TestNewQuoteRequest(t *testing.T) {
	a, _ := newRequest(t, proof.MatMul(1, 1, 1))
	b, _ := newRequest(t, proof.MatMul(1, 1, 1))
	if a.Key == b.Key || a.Nonce == b.Nonce {
		t.Error("two requests share a key or a nonce")
	}
	if _, _, err := NewQuoteRequest(QuoteRequest{}); err == nil {
		t.Error("an empty request was made")
	}
	largest, _ := newRequest(t, proof.MatMulOf(proof.Int8, proof.MaxDim, proof.MaxDim, proof.MaxDim))
	data, err := largest.Encode()
	if err != nil || len(data) > QuoteProtocol.MaxRequest {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// TestAskQuotes asks honest workers and every kind of other peer.
func TestAskQuotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{Latency: 20 * time.Millisecond})
		defer m.Close()
		client := m.Host()
		r, key := newRequest(t, proof.MatMul(64, 64, 64))
		otherRequest, _ := newRequest(t, proof.MatMul(64, 64, 64))
		var workers []*worker
		var peers []transport.PeerID
		add := func(answer func(w *worker, r QuoteRequest) (Quote, error)) *worker {
			w := newWorker(t, m.Host(), uint64(len(workers)))
			must(t, HandleQuotes(w.host, func(_ context.Context, from transport.PeerID, r QuoteRequest) (Quote, error) {
				if from != client.ID() {
					return Quote{}, errors.New("who is it?")
				}
				return answer(w, r)
			}))
			workers, peers = append(workers, w), append(peers, w.host.ID())
			return w
		}
		honest := func(fee elgamal.Amount) func(w *worker, r QuoteRequest) (Quote, error) {
			return func(w *worker, r QuoteRequest) (Quote, error) { return w.quote(t, r, fee), nil }
		}
		raw := func(answer func() []byte) *worker {
			w := newWorker(t, m.Host(), uint64(len(workers)))
			must(t, w.host.Handle(QuoteProtocol, func(context.Context, transport.PeerID, []byte) ([]byte, error) { return answer(), nil }))
			workers, peers = append(workers, w), append(peers, w.host.ID())
			return w
		}
		add(honest(30))
		add(honest(10))
		add(honest(20))
		remote := func(err error) bool { var e *transport.RemoteError; return errors.As(err, &e) }
		is := func(target error) func(error) bool { return func(err error) bool { return errors.Is(err, target) } }
		bad := map[*worker]func(error) bool{
			add(func(*worker, QuoteRequest) (Quote, error) { return Quote{}, errors.New("no capacity") }): func(err error) bool {
				return remote(err) && strings.Contains(err.Error(), "no capacity")
			},
			add(func(w *worker, _ QuoteRequest) (Quote, error) { return w.quote(t, otherRequest, 1), nil }):            remote, // its own Seal refuses
			raw(func() []byte { sealed, _ := workers[0].quote(t, otherRequest, 1).Seal(otherRequest); return sealed }): is(ErrSealed),
			raw(func() []byte { return nil }): is(ErrSealed),
			raw(func() []byte { sealed, _ := workers[0].quote(t, r, 1).Seal(r); return sealed }): is(ErrPeer), // a quote of another peer, passed on
			add(func(w *worker, r QuoteRequest) (Quote, error) {
				q := w.quote(t, r, 1)
				q.Worker = workers[0].address
				return q, nil
			}): is(starksig.ErrSignature),
			add(func(w *worker, r QuoteRequest) (Quote, error) {
				q := w.quote(t, r, 1)
				q.Expiry = time.Now().Unix()
				return q.Sign(r.Domain, w.sign)
			}): is(ErrExpired),
			add(func(w *worker, r QuoteRequest) (Quote, error) {
				q := w.quote(t, r, 1)
				q.Worker = felt.MustParse("0xdead")
				return q, nil
			}): func(err error) bool { return err != nil && err.Error() == "not registered" },
		}
		mute := add(honest(1))
		m.Cut(client.ID(), mute.host.ID())
		bad[mute] = is(context.DeadlineExceeded)
		peers = append(peers, "nobody")

		begin := time.Now()
		quotes, refused := AskQuotes(t.Context(), client, peers, r, key, signingKeys(workers...), Asking{})
		if d := time.Since(begin); d != QuoteProtocol.Timeout {
			t.Errorf("it took %v", d)
		}
		if len(quotes) != 3 || quotes[0].Fee != 10 || quotes[1].Fee != 20 || quotes[2].Fee != 30 {
			t.Errorf("quotes %+v", quotes)
		}
		if len(refused) != len(bad)+1 || !errors.Is(refused["nobody"], transport.ErrUnknownPeer) {
			t.Errorf("%d refused: %v", len(refused), refused)
		}
		for w, want := range bad {
			if err := refused[w.host.ID()]; !want(err) {
				t.Errorf("worker %s: %v", w.address, err)
			}
		}

		// The end of the context leaves what has come.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if quotes, _ := AskQuotes(ctx, client, peers, r, key, signingKeys(workers...), Asking{}); len(quotes) != 3 || time.Since(begin) != time.Second {
			t.Errorf("%d quotes after %v", len(quotes), time.Since(begin))
		}
		_, refused = AskQuotes(t.Context(), client, peers[:1], QuoteRequest{}, key, signingKeys(workers...), Asking{})
		if len(refused) != 1 {
			t.Error("an empty request was sent")
		}
		// What is no request is answered by an error.
		if _, err := client.Request(t.Context(), peers[0], QuoteProtocol, []byte("junk")); !remote(err) {
			t.Error(err)
		}
	})
}

// crowd is a client, dead workers and some that answer after a while.
func crowd(t *testing.T, dead int, delays ...time.Duration) (ask func(Asking) ([]Quote, map[transport.PeerID]error, time.Duration)) {
	t.Helper()
	m := p2p.NewMemory(1, p2p.Faults{Latency: 20 * time.Millisecond})
	t.Cleanup(func() { m.Close() })
	client := m.Host()
	r, key := newRequest(t, proof.MatMul(64, 64, 64))
	var peers []transport.PeerID
	for range dead {
		h := m.Host()
		m.Cut(client.ID(), h.ID()) // says nothing until the timeout
		peers = append(peers, h.ID(), h.ID())
	}
	var workers []*worker
	for i, delay := range delays {
		w := newWorker(t, m.Host(), uint64(i))
		must(t, HandleQuotes(w.host, func(_ context.Context, _ transport.PeerID, r QuoteRequest) (Quote, error) {
			time.Sleep(delay)
			return w.quote(t, r, elgamal.Amount(100-i)), nil
		}))
		workers, peers = append(workers, w), append(peers, w.host.ID())
	}
	return func(how Asking) ([]Quote, map[transport.PeerID]error, time.Duration) {
		begin := time.Now()
		quotes, refused := AskQuotes(t.Context(), client, peers, r, key, signingKeys(workers...), how)
		return quotes, refused, time.Since(begin)
	}
}

// TestAskingEnds: it ends with enough quotes, and after a time if there is one at all.
func TestAskingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const answer = 40 * time.Millisecond // there and back
		slow := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second}
		for _, c := range []struct {
			name   string
			dead   int
			delays []time.Duration
			how    Asking
			quotes int
			took   time.Duration
		}{
			{"all", 0, slow, Asking{}, 4, 4*time.Second + answer},
			{"enough", 0, slow, Asking{Enough: 2}, 2, 2*time.Second + answer},
			{"more than there are", 0, slow, Asking{Enough: 5}, 4, 4*time.Second + answer},
			{"patience", 0, slow, Asking{Patience: 2500 * time.Millisecond}, 2, 2500 * time.Millisecond},
			{"patience without a quote", 0, slow, Asking{Patience: 500 * time.Millisecond}, 1, time.Second + answer},
			{"enough before the patience ends", 0, slow, Asking{Enough: 1, Patience: time.Minute}, 1, time.Second + answer},
			{"nobody", 3, nil, Asking{Enough: 1, Patience: time.Second}, 0, QuoteProtocol.Timeout},
			{"behind the dead", 50, []time.Duration{0, 0, 0}, Asking{Enough: 3}, 3, askPause + answer},
			{"behind the dead, with patience", 50, []time.Duration{0, 0, 0}, Asking{Patience: 2 * time.Second}, 3, 2 * time.Second},
			{"behind the dead, all", 50, []time.Duration{0}, Asking{}, 1, askPause + QuoteProtocol.Timeout},
		} {
			quotes, refused, took := crowd(t, c.dead, c.delays...)(c.how)
			if len(quotes) != c.quotes || took != c.took {
				t.Errorf("%s: %d quotes after %v", c.name, len(quotes), took)
			}
			if len(refused) != c.dead+len(c.delays)-len(quotes) {
				t.Errorf("%s: %d gave none: %v", c.name, len(refused), refused)
			}
			ended := c.how.Enough > 0 && len(quotes) == c.how.Enough || c.how.Patience > 0 && len(quotes) > 0
			for peer, err := range refused {
				if want := map[bool]error{true: errSlow, false: context.DeadlineExceeded}[ended]; !errors.Is(err, want) {
					t.Errorf("%s: %s: %v", c.name, peer, err)
				}
			}
		}
	})
}

func BenchmarkQuote(b *testing.B) {
	m := p2p.NewMemory(1, p2p.Faults{})
	w := newWorker(b, m.Host(), 1)
	r, key := newRequest(b, proof.MatMul(8, 8, 8))
	q := w.quote(b, r, 77)
	sealed, err := q.Seal(r)
	must(b, err)
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			must(b, second(q.Seal(r)))
		}
	})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			must(b, second(OpenQuote(sealed, r, key)))
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			must(b, q.Verify(r, w.key.PublicKey(), time.Now()))
		}
	})
}
