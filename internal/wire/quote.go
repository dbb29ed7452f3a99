package wire

import (
	"cmp"
	"context"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// maxTier is the highest tier of workers (contracts/src/types.cairo).
const maxTier = 5

// QuoteRequest asks what a job would cost. It tells the program, from which the
// sizes of input and output follow, but nothing of the input.
type QuoteRequest struct {
	Domain
	Client       felt.Felt // address
	Program      proof.Program
	Profile      proof.Profile
	MinTier      uint8    // at least this tier, by its number on the chain: 1 to 5; 0 for any
	LockDeadline int64    // latest time to accept the job, Unix seconds
	Deadline     int64    // latest time to submit the proof, Unix seconds
	Key          [32]byte // X25519: quotes are sealed to it
	Nonce        [16]byte
}

// NewQuoteRequest completes a request with a nonce and a key. The returned key opens
// the quotes; it is for this request alone.
func NewQuoteRequest(r QuoteRequest) (QuoteRequest, hpke.PrivateKey, error) {
	key, err := kem().GenerateKey()
	if err != nil {
		return QuoteRequest{}, nil, err
	}
	r.Key = [32]byte(key.PublicKey().Bytes())
	rand.Read(r.Nonce[:])
	if _, err := r.Encode(); err != nil {
		return QuoteRequest{}, nil, err
	}
	return r, key, nil
}

func (r *QuoteRequest) fields(c *codec) {
	c.felt(&r.ChainID)
	c.felt(&r.JobManager)
	c.felt(&r.Client)
	c.program(&r.Program)
	c.profile(&r.Profile)
	c.byte(&r.MinTier)
	c.check(r.MinTier <= maxTier, "tier")
	c.time(&r.LockDeadline)
	c.time(&r.Deadline)
	c.check(r.LockDeadline < r.Deadline, "deadlines")
	c.bytes(r.Key[:])
	c.bytes(r.Nonce[:])
}

// Encode returns the binary form. It fails on values that have none.
func (r QuoteRequest) Encode() ([]byte, error) { return encode(typeQuoteRequest, r.fields) }

// DecodeQuoteRequest is the inverse of Encode.
func DecodeQuoteRequest(data []byte) (QuoteRequest, error) {
	return decodeAs[QuoteRequest](data, typeQuoteRequest)
}

// Hash returns the identity of the request: BLAKE3 in key derivation mode over the
// binary form.
func (r QuoteRequest) Hash() (proof.Digest, error) {
	b, err := r.Encode()
	if err != nil {
		return proof.Digest{}, err
	}
	return hashMessage("github.com/bitsage/bitsage quote request v1", b), nil
}

func hashMessage(context string, b []byte) (d proof.Digest) {
	blake3.DeriveKey(context, b, d[:])
	return d
}

// Quote is what a worker offers to do a job for. It binds the worker towards the
// client that asked, until Expiry.
type Quote struct {
	Request      proof.Digest // hash of the QuoteRequest
	Worker       felt.Felt    // address
	Fee          elgamal.Amount
	Expiry       int64             // of the quote, Unix seconds
	LockDeadline int64             // of the job, not after the one asked for
	Deadline     int64             // of the job, not after the one asked for
	Key          elgamal.PublicKey // to which the fee is to be encrypted
	Peer         transport.PeerID  // that takes the offer
	Signature    starksig.Signature
}

func (q *Quote) fields(c *codec) {
	c.bytes(q.Request[:])
	c.felt(&q.Worker)
	c.amount(&q.Fee)
	c.time(&q.Expiry)
	c.time(&q.LockDeadline)
	c.time(&q.Deadline)
	c.check(q.Expiry <= q.LockDeadline && q.LockDeadline < q.Deadline, "deadlines")
	c.publicKey(&q.Key)
	c.peer(&q.Peer)
	c.signature(&q.Signature)
}

// Encode returns the binary form. It fails on values that have none.
func (q Quote) Encode() ([]byte, error) { return encode(typeQuote, q.fields) }

// DecodeQuote is the inverse of Encode.
func DecodeQuote(data []byte) (Quote, error) { return decodeAs[Quote](data, typeQuote) }

// quoteTag separates quotes from everything else that a worker signs.
const quoteTag = "bitsage/quote/v1"

// Hash returns what the worker signs: poseidon_hash_many over all fields and the
// deployment.
func (q Quote) Hash(d Domain) felt.Felt {
	felts := []felt.Felt{number([]byte(quoteTag)), d.ChainID, d.JobManager, number(q.Request[16:]), number(q.Request[:16]), q.Worker}
	felts = append(felts, number(binary.BigEndian.AppendUint64(nil, uint64(q.Fee))), seconds(q.Expiry), seconds(q.LockDeadline), seconds(q.Deadline))
	felts = append(felts, q.Key.Felts()...)
	felts = append(felts, peerFelts(q.Peer)...)
	return poseidon.HashMany(felts...)
}

// seconds is a time in a hash.
func seconds(t int64) felt.Felt { return number(binary.BigEndian.AppendUint64(nil, uint64(t))) }

// peerFelts is a peer in a hash: the number of its bytes, and the bytes by 31.
func peerFelts(p transport.PeerID) []felt.Felt {
	felts := []felt.Felt{number([]byte{byte(len(p))})}
	for part := range slices.Chunk([]byte(p), felt.ShortStringMax) {
		felts = append(felts, number(part))
	}
	return felts
}

// number reads at most 31 bytes, the most significant first.
func number(b []byte) (f felt.Felt) {
	f.SetBytes(b)
	return f
}

// Sign signs hashes with a key that it keeps.
type Sign func(hash felt.Felt) (starksig.Signature, error)

// Sign returns the quote with the worker's signature, which sign makes of the hash.
func (q Quote) Sign(d Domain, sign Sign) (Quote, error) {
	if !q.Key.Valid() {
		return Quote{}, &MessageError{typeNames[typeQuote], "ElGamal key"}
	}
	sig, err := sign(q.Hash(d))
	q.Signature = sig
	return q, err
}

// The reasons for which a quote is refused, one per check. A signature that does not
// verify gives an error of package starksig.
var (
	// ErrOtherRequest means that a quote answers another request: of another
	// client, another deployment, or another job.
	ErrOtherRequest = errors.New("wire: the quote answers another request")
	// ErrExpired means that a quote or an offer is no longer valid.
	ErrExpired = errors.New("wire: the quote has expired")
	// ErrDeadline means that a quote's deadlines are after those asked for.
	ErrDeadline = errors.New("wire: the quote's deadlines are after those asked for")
	// ErrPeer means that a quote names a peer other than the one that gave it.
	ErrPeer = errors.New("wire: the quote names another peer")
	// ErrSealed means that a quote was not sealed to the request's key.
	ErrSealed = errors.New("wire: the quote is not sealed to this request")
)

// Verify checks that the quote answers the request, is valid now, and is signed by
// a worker's signing key, an x coordinate as it is registered on the chain. What
// else the chain knows of the worker is for the caller to compare: that it is
// active, its tier, its ElGamal key and its peer.
func (q Quote) Verify(r QuoteRequest, signingKey felt.Felt, now time.Time) error {
	hash, err := r.Hash()
	switch {
	case err != nil:
		return err
	case q.Request != hash:
		return ErrOtherRequest
	case now.Unix() >= q.Expiry:
		return ErrExpired
	case q.LockDeadline > r.LockDeadline || q.Deadline > r.Deadline:
		return ErrDeadline
	}
	if _, err := q.Encode(); err != nil {
		return err
	}
	return starksig.Verify(signingKey, q.Hash(r.Domain), q.Signature)
}

// HPKE in base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// ChaCha20-Poly1305.
func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// sealInfo binds a ciphertext to the request that it answers.
func sealInfo(request proof.Digest) []byte { return append([]byte(quoteTag), request[:]...) }

// Seal encrypts the quote to the client that sent the request. It fails with
// ErrOtherRequest if the quote is for another one.
func (q Quote) Seal(r QuoteRequest) ([]byte, error) {
	hash, err := r.Hash()
	if err != nil {
		return nil, err
	}
	if q.Request != hash {
		return nil, ErrOtherRequest
	}
	plain, err := q.Encode()
	if err != nil {
		return nil, err
	}
	key, err := kem().NewPublicKey(r.Key[:])
	if err != nil {
		return nil, fmt.Errorf("wire: the request's key: %w", err)
	}
	return hpke.Seal(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), sealInfo(hash), plain)
}

// OpenQuote decrypts a quote with the key of NewQuoteRequest. Verify it then.
func OpenQuote(sealed []byte, r QuoteRequest, key hpke.PrivateKey) (Quote, error) {
	hash, err := r.Hash()
	if err != nil {
		return Quote{}, err
	}
	plain, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), sealInfo(hash), sealed)
	if err != nil {
		return Quote{}, ErrSealed
	}
	return DecodeQuote(plain)
}

// QuoteProtocol asks a worker for a sealed quote.
var QuoteProtocol = transport.Protocol{
	Name:        "/bitsage/quote/1",
	MaxRequest:  512,
	MaxResponse: 512,
	Timeout:     10 * time.Second,
	Concurrency: 64,
	PerPeer:     2,
}

// HandleQuotes answers requests for quotes. The function returns a signed quote; an
// error is a refusal, and its text goes to the client.
func HandleQuotes(host transport.Host, quote func(ctx context.Context, from transport.PeerID, r QuoteRequest) (Quote, error)) error {
	return host.Handle(QuoteProtocol, func(ctx context.Context, from transport.PeerID, data []byte) ([]byte, error) {
		r, err := DecodeQuoteRequest(data)
		if err != nil {
			return nil, err
		}
		q, err := quote(ctx, from, r)
		if err != nil {
			return nil, err
		}
		return q.Seal(r)
	})
}

// Asking says how long AskQuotes asks.
type Asking struct {
	// Enough is how many quotes end it; zero means that all workers are asked.
	Enough int
	// Patience is after what time it ends if there is a quote; zero means that it
	// waits for all answers.
	Patience time.Duration
}

// askAtOnce bounds the workers that AskQuotes asks at a time. One that has not answered
// after askPause does not count, so that the dead do not hold up the others.
const (
	askAtOnce = 32
	askPause  = time.Second
)

// errSlow is the reason of a worker that was not waited for.
var errSlow = errors.New("wire: no answer in time, others have answered")

// SignerOf looks up a worker's signing key on the chain, and compares what else the
// chain knows of the worker with its quote; see Quote.Verify.
type SignerOf func(context.Context, Quote) (felt.Felt, error)

// AskQuotes asks workers for quotes, each once and in the given order, and returns the
// quotes that verify, the cheapest first, and why each other peer gave none.
func AskQuotes(ctx context.Context, host transport.Host, peers []transport.PeerID, r QuoteRequest, key hpke.PrivateKey,
	signer SignerOf, how Asking) ([]Quote, map[transport.PeerID]error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a := &answers{how: how, refused: make(map[transport.PeerID]error), stop: func() { stop(errSlow) }}
	if how.Patience > 0 {
		timer := time.AfterFunc(how.Patience, a.late)
		defer timer.Stop()
	}
	slots := make(chan struct{}, askAtOnce)
	var wg sync.WaitGroup
	asked := make(map[transport.PeerID]bool, len(peers))
	for _, peer := range peers {
		if asked[peer] {
			continue
		}
		asked[peer] = true
		slots <- struct{}{}
		free := sync.OnceFunc(func() { <-slots })
		slow := time.AfterFunc(askPause, free)
		wg.Go(func() {
			defer free()
			defer slow.Stop()
			q, err := askQuote(ctx, host, peer, r, key, signer)
			if err != nil && errors.Is(context.Cause(ctx), errSlow) {
				err = errSlow
			}
			a.add(peer, q, err)
		})
	}
	wg.Wait()
	slices.SortFunc(a.quotes, func(a, b Quote) int {
		return cmp.Or(cmp.Compare(a.Fee, b.Fee), a.Worker.Cmp(b.Worker))
	})
	return a.quotes, a.refused
}

// answers collects what workers answer.
type answers struct {
	how  Asking
	stop func() // ends the asking

	mu      sync.Mutex
	quotes  []Quote
	refused map[transport.PeerID]error
	over    bool // the patience
}

func (a *answers) add(peer transport.PeerID, q Quote, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.refused[peer] = err
		return
	}
	a.quotes = append(a.quotes, q)
	if a.over || a.how.Enough > 0 && len(a.quotes) >= a.how.Enough {
		a.stop()
	}
}

func (a *answers) late() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over = true; len(a.quotes) > 0 {
		a.stop()
	}
}

func askQuote(ctx context.Context, host transport.Host, peer transport.PeerID, r QuoteRequest, key hpke.PrivateKey,
	signer SignerOf) (Quote, error) {
	request, err := r.Encode()
	if err != nil {
		return Quote{}, err
	}
	sealed, err := p2p.Ask(ctx, host, peer, QuoteProtocol, request)
	if err != nil {
		return Quote{}, err
	}
	q, err := OpenQuote(sealed, r, key)
	if err != nil {
		return Quote{}, err
	}
	if q.Peer != peer {
		return Quote{}, ErrPeer
	}
	signingKey, err := signer(ctx, q)
	if err != nil {
		return Quote{}, err
	}
	return q, q.Verify(r, signingKey, time.Now())
}
