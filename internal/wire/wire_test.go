package wire

import (
	"bytes"
	"context"
	"crypto/hpke"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

var domain = Domain{ChainID: felt.MustParse("0x534e5f4d41494e"), JobManager: felt.MustParse("0x1234")}

// fill returns n bytes that depend on a seed.
func fill(n int, seed byte) []byte {
	h := blake3.New()
	h.Write([]byte{seed})
	data := make([]byte, n)
	h.Digest().Read(data)
	return data
}

// worker is one that quotes and signs.
type worker struct {
	host    transport.Host
	address felt.Felt
	key     *wallet.Key
	elgamal elgamal.PublicKey
}

func newWorker(t testing.TB, host transport.Host, n uint64) *worker {
	t.Helper()
	secret := make([]byte, 32)
	secret[31] = byte(n + 1)
	key, err := wallet.NewKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	sk, err := elgamal.DecodeSecretKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return &worker{host, felt.MustParse(fmt.Sprintf("0x%x", 1000+n)), key, sk.Public()}
}

func (w *worker) sign(hash felt.Felt) (starksig.Signature, error) { return signing(w.key)(hash) }

// signing signs with a key.
func signing(key *wallet.Key) Sign {
	return func(hash felt.Felt) (starksig.Signature, error) {
		sig, err := key.Sign(context.Background(), hash)
		return starksig.Signature(sig), err
	}
}

// quote returns a signed quote for a request.
func (w *worker) quote(t testing.TB, r QuoteRequest, fee elgamal.Amount) Quote {
	t.Helper()
	hash, err := r.Hash()
	if err != nil {
		t.Fatal(err)
	}
	q := Quote{Request: hash, Worker: w.address, Fee: fee, Expiry: r.LockDeadline - 10, LockDeadline: r.LockDeadline, Deadline: r.Deadline, Key: w.elgamal, Peer: w.host.ID()}
	if q, err = q.Sign(r.Domain, w.sign); err != nil {
		t.Fatal(err)
	}
	return q
}

func newRequest(t testing.TB, p proof.Program) (QuoteRequest, hpke.PrivateKey) {
	t.Helper()
	now := time.Now().Unix()
	r, key, err := NewQuoteRequest(QuoteRequest{
		Domain: domain, Client: felt.MustParse("0xc11e47"), Program: p, Profile: proof.MatMulP96,
		MinTier: 3, LockDeadline: now + 600, Deadline: now + 3600,
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, key
}

func newTask(p proof.Program, input []byte) proof.Task {
	return proof.NewTask(p, proof.MatMulP96, "label", input, proof.Digest{9})
}

// sampleKey opens the quotes for the request among the samples.
func sampleKey(t testing.TB) hpke.PrivateKey {
	t.Helper()
	key, err := kem().NewPrivateKey(bytes.Repeat([]byte{0x42}, 32))
	must(t, err)
	return key
}

// samples returns a message of every type, as fields to change and as bytes.
func samples(t testing.TB) map[messageType]anyMessage {
	t.Helper()
	m := p2p.NewMemory(1, p2p.Faults{})
	w := newWorker(t, m.Host(), 1)
	r, _ := newRequest(t, proof.MatMul(8, 8, 8))
	r.LockDeadline, r.Deadline, r.Key, r.Nonce = 2000000000, 2000003600, [32]byte(sampleKey(t).PublicKey().Bytes()), [16]byte{7}
	q := w.quote(t, r, 1<<39)
	task := newTask(r.Program, fill(r.Program.InputSize(), 1))
	record, err := PeerRecord{Key: w.key.PublicKey(), Peer: w.host.ID(), Time: 2000000000}.Sign(domain, w.sign)
	must(t, err)
	return map[messageType]anyMessage{
		typeQuoteRequest:   &r,
		typeQuote:          &q,
		typeOffer:          &Offer{proof.JobID{3}, r, task, q},
		typeAnswer:         &answer{refused, 0, "no"},
		typeTaskRequest:    &taskRequest{proof.JobID{5}},
		typeDescription:    &Description{proof.JobID{6}, task, proof.Digest{7}},
		typeProgress:       &Progress{proof.JobID{8}, 9, "commit"},
		typeAnnouncement:   &Announcement{proof.JobID{1}, blob.ID{Kind: blob.Proof, Digest: proof.Digest{2}}, 262144},
		typePeerRecord:     &record,
		typeRecordsRequest: &recordsRequest{},
		typeRecords:        &records{[]PeerRecord{record, record}},
	}
}

// anyMessage is a pointer to a message.
type anyMessage interface{ fields(*codec) }

func mustEncode(t testing.TB, typ messageType, m anyMessage) []byte {
	t.Helper()
	b, err := encode(typ, m.fields)
	if err != nil {
		t.Fatalf("%s: %v", typeNames[typ], err)
	}
	return b
}

// fresh returns an empty message of the type.
func fresh(typ messageType) anyMessage {
	switch typ {
	case typeQuoteRequest:
		return new(QuoteRequest)
	case typeQuote:
		return new(Quote)
	case typeOffer:
		return new(Offer)
	case typeAnswer:
		return new(answer)
	case typeTaskRequest:
		return new(taskRequest)
	case typeDescription:
		return new(Description)
	case typeProgress:
		return new(Progress)
	case typeAnnouncement:
		return new(Announcement)
	case typePeerRecord:
		return new(PeerRecord)
	case typeRecordsRequest:
		return new(recordsRequest)
	case typeRecords:
		return new(records)
	}
	return nil
}

// TestCodec: every message decodes to itself, and to nothing when it is cut, longer,
// or of another type or version.
func TestCodec(t *testing.T) {
	for typ, m := range samples(t) {
		data := mustEncode(t, typ, m)
		got := fresh(typ)
		if err := decode(data, typ, got.fields); err != nil || !bytes.Equal(mustEncode(t, typ, got), data) {
			t.Errorf("%s: %v", typeNames[typ], err)
		}
		bad := map[string][]byte{"longer": append(bytes.Clone(data), 0), "type": append([]byte{data[0] + 1}, data[1:]...), "version": append([]byte{data[0], 2}, data[2:]...)}
		for n := range data {
			bad[fmt.Sprint("cut at ", n)] = data[:n]
		}
		for what, b := range bad {
			var malformed *MessageError
			if err := decode(b, typ, fresh(typ).fields); !errors.As(err, &malformed) || malformed.Type != typeNames[typ] || malformed.Error() == "" {
				t.Errorf("%s, %s: %v", typeNames[typ], what, err)
			}
		}
	}
}

var update = flag.Bool("update", false, "write the test vectors anew")

// vectors returns the lines of testdata/vectors.txt but for the sealed quote, which is
// different each time: the binary form of every sample, and what is computed from them.
func vectors(t *testing.T) (lines []string) {
	t.Helper()
	all := samples(t)
	add := func(name, value string) { lines = append(lines, name+": "+value) }
	for typ := typeQuoteRequest; typ <= typeRecords; typ++ {
		add(typeNames[typ], hex.EncodeToString(mustEncode(t, typ, all[typ])))
	}
	request, err := all[typeQuoteRequest].(*QuoteRequest).Hash()
	must(t, err)
	offer, err := all[typeOffer].(*Offer).Hash()
	must(t, err)
	add("hash of the quote request", request.String())
	add("hash of the quote", all[typeQuote].(*Quote).Hash(domain).Padded())
	add("hash of the offer", offer.String())
	add("hash of the peer record", all[typePeerRecord].(*PeerRecord).Hash(domain).Padded())
	add("topic of votes", domain.Votes(1).Name)
	return lines
}

// TestVectors compares with testdata/vectors.txt, which the specification refers to.
//
//	go test ./internal/wire -run TestVectors -update
func TestVectors(t *testing.T) {
	const path, sealed = "testdata/vectors.txt", "sealed quote: "
	all := samples(t)
	r, q := all[typeQuoteRequest].(*QuoteRequest), all[typeQuote].(*Quote)
	want := vectors(t)
	if *update {
		b, err := q.Seal(*r)
		must(t, err)
		must(t, os.WriteFile(path, []byte(strings.Join(append(want, sealed+hex.EncodeToString(b)), "\n")+"\n"), 0o644))
	}
	file, err := os.ReadFile(path)
	must(t, err)
	got := strings.Split(strings.TrimSuffix(string(file), "\n"), "\n")
	last, ok := strings.CutPrefix(got[len(got)-1], sealed)
	if got = got[:len(got)-1]; !ok || !slices.Equal(got, want) {
		t.Errorf("%s has\n%s\nwant\n%s", path, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	b, err := hex.DecodeString(last)
	must(t, err)
	if opened, err := OpenQuote(b, *r, sampleKey(t)); err != nil || opened != *q {
		t.Errorf("the sealed quote: %v", err)
	}
}

// TestBounds exceeds every bound of a field, when writing and when reading.
func TestBounds(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name string
		typ  messageType
		edit func(m anyMessage)
		ok   bool
	}{
		{"tier", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).MinTier = 5 }, true},
		{"tier", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).MinTier = 6 }, false},
		{"no program", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Program = proof.Program{} }, false},
		{"program too large", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Program = proof.MatMul(1, 1, proof.MaxDim+1) }, false},
		{"no profile", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Profile = 0 }, false},
		{"profile", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Profile = proof.TestOnly }, false},
		{"deadlines", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Deadline = m.(*QuoteRequest).LockDeadline }, false},
		{"no deadline", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).LockDeadline = 0 }, false},
		{"negative", typeQuoteRequest, func(m anyMessage) { m.(*QuoteRequest).Deadline = -1 }, false},
		{"fee", typeQuote, func(m anyMessage) { m.(*Quote).Fee = elgamal.MaxAmount }, true},
		{"fee", typeQuote, func(m anyMessage) { m.(*Quote).Fee = elgamal.MaxAmount + 1 }, false},
		{"expiry", typeQuote, func(m anyMessage) { m.(*Quote).Expiry = m.(*Quote).LockDeadline + 1 }, false},
		{"deadlines", typeQuote, func(m anyMessage) { m.(*Quote).LockDeadline = m.(*Quote).Deadline }, false},
		{"no key", typeQuote, func(m anyMessage) { m.(*Quote).Key = elgamal.PublicKey{} }, false},
		{"no peer", typeQuote, func(m anyMessage) { m.(*Quote).Peer = "" }, false},
		{"peer", typeQuote, func(m anyMessage) { m.(*Quote).Peer = transport.PeerOf(make([]byte, 32)) }, true},
		{"peer", typeQuote, func(m anyMessage) { m.(*Quote).Peer = transport.PeerID(long(52)) }, false},
		{"peer of a short key", typeQuote, func(m anyMessage) { m.(*Quote).Peer = transport.PeerOf(make([]byte, 31)) }, false},
		{"peer", typeQuote, func(m anyMessage) { m.(*Quote).Peer = transport.PeerID(long(65)) }, false},
		{"peer", typeQuote, func(m anyMessage) { m.(*Quote).Peer = transport.PeerID(long(300)) }, false},
		{"no signature", typeQuote, func(m anyMessage) { m.(*Quote).Signature = starksig.Signature{} }, false},
		{"label", typeOffer, func(m anyMessage) { m.(*Offer).Task.Label = long(proof.MaxLabel) }, true},
		{"label", typeOffer, func(m anyMessage) { m.(*Offer).Task.Label = long(proof.MaxLabel + 1) }, false},
		{"label", typeOffer, func(m anyMessage) { m.(*Offer).Task.Label = long(1<<16 + 1) }, false},
		{"label not UTF-8", typeOffer, func(m anyMessage) { m.(*Offer).Task.Label = "\xff" }, false},
		{"another program", typeOffer, func(m anyMessage) { m.(*Offer).Task.Program = proof.MatMul(8, 8, 9) }, false},
		{"another profile", typeOffer, func(m anyMessage) { m.(*Offer).Task.Profile = proof.Fast }, false},
		{"status", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{status: fetching} }, true},
		{"status", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{status: refused + 1} }, false},
		{"no status", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{} }, false},
		{"bytes", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{fetching, 1 << 31, ""} }, true},
		{"bytes without need", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{accepted, 1, ""} }, false},
		{"reason without need", typeAnswer, func(m anyMessage) { *m.(*answer) = answer{accepted, 0, "x"} }, false},
		{"reason", typeAnswer, func(m anyMessage) { m.(*answer).reason = long(MaxReason) }, true},
		{"reason", typeAnswer, func(m anyMessage) { m.(*answer).reason = long(MaxReason + 1) }, false},
		{"stage", typeProgress, func(m anyMessage) { m.(*Progress).Stage = long(MaxStage) }, true},
		{"stage", typeProgress, func(m anyMessage) { m.(*Progress).Stage = long(MaxStage + 1) }, false},
		{"no stage", typeProgress, func(m anyMessage) { m.(*Progress).Stage = "" }, false},
		{"control character", typeProgress, func(m anyMessage) { m.(*Progress).Stage = "a\x1b" }, false},
		{"kind", typeAnnouncement, func(m anyMessage) { m.(*Announcement).Blob.Kind = 3 }, false},
		{"empty blob", typeAnnouncement, func(m anyMessage) { m.(*Announcement).Size = 0 }, false},
		{"no peer", typePeerRecord, func(m anyMessage) { m.(*PeerRecord).Peer = "" }, false},
		{"no time", typePeerRecord, func(m anyMessage) { m.(*PeerRecord).Time = 0 }, false},
		{"last time", typePeerRecord, func(m anyMessage) { m.(*PeerRecord).Time = 1<<63 - 1 }, true},
		{"no signature", typePeerRecord, func(m anyMessage) { m.(*PeerRecord).Signature = starksig.Signature{} }, false},
		{"no records", typeRecords, func(m anyMessage) { m.(*records).list = nil }, true},
		{"records", typeRecords, func(m anyMessage) { r := m.(*records); r.list = slices.Repeat(r.list[:1], MaxRecords) }, true},
		{"records", typeRecords, func(m anyMessage) { r := m.(*records); r.list = slices.Repeat(r.list[:1], MaxRecords+1) }, false},
		{"size of proof", typeAnnouncement, func(m anyMessage) { m.(*Announcement).Size = blob.MaxProof + 1 }, false},
	} {
		m := samples(t)[c.typ]
		c.edit(m)
		data, err := encode(c.typ, m.fields)
		if (err == nil) != c.ok {
			t.Errorf("%s, %s: %v", typeNames[c.typ], c.name, err)
		}
		if err != nil {
			// What a careless encoder would write does not decode either.
			w := codec{buf: []byte{byte(c.typ), version}}
			m.fields(&w) // which goes on writing after a failed check
			data = w.buf
		}
		if err := decode(data, c.typ, fresh(c.typ).fields); (err == nil) != c.ok {
			t.Errorf("%s, %s: decodes with %v", typeNames[c.typ], c.name, err)
		}
	}
}

// TestLengthsAreChecked gives lengths that are beyond the bound or the data, which
// must be refused before anything is allocated.
func TestLengthsAreChecked(t *testing.T) {
	description := mustEncode(t, typeDescription, samples(t)[typeDescription])
	label := bytes.Index(description, []byte("label")) - 2
	list := mustEncode(t, typeRecords, samples(t)[typeRecords])
	for _, c := range []struct {
		typ    messageType
		data   []byte
		at     int
		length []byte
	}{
		{typeDescription, description, label, []byte{0xff, 0xff}},
		{typeDescription, description, label, []byte{1, 1}},           // one more than the bound
		{typeDescription, description[:label+7], label, []byte{1, 0}}, // more than there is
		{typeRecords, list, 2, []byte{0xff, 0xff}},
		{typeRecords, list, 2, []byte{0, MaxRecords + 1}},
		{typeRecords, list[:4], 2, []byte{0, MaxRecords}},
	} {
		bad := slices.Concat(c.data[:c.at], c.length, c.data[c.at+2:])
		allocs := testing.AllocsPerRun(10, func() {
			if err := decode(bad, c.typ, fresh(c.typ).fields); err == nil {
				t.Errorf("%s: length %x was accepted", typeNames[c.typ], c.length)
			}
		})
		if allocs > 30 { // a few more with the race detector
			t.Errorf("%s, length %x: %v allocations", typeNames[c.typ], c.length, allocs)
		}
	}
	for _, n := range []byte{1, 3} { // the list has two
		if _, err := decodeAs[records](slices.Concat(list[:2], []byte{0, n}, list[4:]), typeRecords); err == nil {
			t.Errorf("two records were read as %d", n)
		}
	}
}

// TestFeltsAreCanonical refuses numbers that are not below the field's prime, and
// points off the curve.
func TestFeltsAreCanonical(t *testing.T) {
	all := bytes.Repeat([]byte{0xff}, 32)
	request := mustEncode(t, typeQuoteRequest, samples(t)[typeQuoteRequest])
	for _, at := range []int{2, 34, 66} {
		if _, err := DecodeQuoteRequest(slices.Concat(request[:at], all, request[at+32:])); err == nil {
			t.Errorf("a felt of 2^256 - 1 at %d was accepted", at)
		}
	}
	quote := mustEncode(t, typeQuote, samples(t)[typeQuote])
	key := 2 + 32 + 32 + 4*8
	for name, b := range map[string][]byte{
		"worker": slices.Concat(quote[:34], all, quote[66:]),
		"key":    slices.Concat(quote[:key+63], []byte{quote[key+63] ^ 1}, quote[key+64:]),
		"sig":    slices.Concat(quote[:len(quote)-32], all),
	} {
		if _, err := DecodeQuote(b); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTopics(t *testing.T) {
	other := domain
	other.JobManager = felt.MustParse("0x1235")
	names := make(map[string]bool)
	for _, d := range []Domain{domain, other} {
		for _, topic := range []transport.Topic{d.Votes(1000), d.Certificates(1001), d.Evidence(1002), d.Blobs(), d.Peers()} {
			if names[topic.Name] {
				t.Errorf("%s twice", topic.Name)
			}
			names[topic.Name] = true
		}
	}
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{})
		defer m.Close()
		a, b := m.Host(), m.Host()
		blobs, err := b.Subscribe(domain.Blobs())
		if err != nil {
			t.Fatal(err)
		}
		loose := domain.Blobs()
		loose.Check = nil
		announcement, err := samples(t)[typeAnnouncement].(*Announcement).Encode()
		must(t, err)
		if err := errors.Join(a.Publish(t.Context(), loose, []byte("junk")), a.Publish(t.Context(), domain.Blobs(), announcement)); err != nil {
			t.Fatal(err)
		}
		if msg, err := blobs.Next(t.Context()); err != nil || !bytes.Equal(msg.Data, announcement) || blobs.Dropped() != 1 {
			t.Errorf("%x %v, %d dropped", msg.Data, err, blobs.Dropped())
		}
		if err := a.Publish(t.Context(), domain.Blobs(), []byte("junk")); err == nil {
			t.Error("published what is no announcement")
		}
		votes, err := b.Subscribe(domain.Votes(10))
		if err != nil {
			t.Fatal(err)
		}
		var size *transport.SizeError
		if err := a.Publish(t.Context(), domain.Votes(10), make([]byte, 11)); !errors.As(err, &size) {
			t.Errorf("a vote that is too large: %v", err)
		}
		for _, n := range []int{11, 10} {
			if err := a.Publish(t.Context(), domain.Votes(100), make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		if msg, err := votes.Next(t.Context()); err != nil || len(msg.Data) != 10 {
			t.Errorf("%x %v", msg.Data, err)
		}
	})
}

// FuzzDecode: what decodes has this encoding and no other.
func FuzzDecode(f *testing.F) {
	for typ, m := range samples(f) {
		f.Add(mustEncode(f, typ, m))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		typ := messageType(data[0])
		m := fresh(typ)
		if m == nil || decode(data, typ, m.fields) != nil {
			return
		}
		if got := mustEncode(t, typ, m); !bytes.Equal(got, data) {
			t.Errorf("%x decodes as %x", data, got)
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	all := samples(b)
	for typ := typeQuoteRequest; typ <= typeRecords; typ++ {
		data := mustEncode(b, typ, all[typ])
		b.Run("encode/"+strings.ReplaceAll(typeNames[typ], " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				mustEncode(b, typ, all[typ])
			}
		})
		b.Run("decode/"+strings.ReplaceAll(typeNames[typ], " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			m := fresh(typ)
			for b.Loop() {
				if err := decode(data, typ, m.fields); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// signingKeys looks workers up as the chain would.
func signingKeys(workers ...*worker) func(context.Context, Quote) (felt.Felt, error) {
	return func(_ context.Context, q Quote) (felt.Felt, error) {
		for _, w := range workers {
			if w.address == q.Worker {
				return w.key.PublicKey(), nil
			}
		}
		return felt.Felt{}, errors.New("not registered")
	}
}
