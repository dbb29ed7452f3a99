package wire

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// newRecord returns the record of the n-th worker's key, as if it were a validator's.
func newRecord(t testing.TB, n uint64, at time.Time) (PeerRecord, *wallet.Key) {
	t.Helper()
	key := newWorker(t, p2p.NewMemory(n, p2p.Faults{}).Host(), n).key
	peer := transport.PeerOf(ed25519.NewKeyFromSeed(fill(32, byte(n))).Public().(ed25519.PublicKey))
	r, err := PeerRecord{Key: key.PublicKey(), Peer: peer, Time: at.Unix()}.Sign(domain, signing(key))
	must(t, err)
	return r, key
}

// TestRecordHash computes the hash of the specification by another way, and wants every
// field to change it.
func TestRecordHash(t *testing.T) {
	r, _ := newRecord(t, 1, time.Unix(2000000000, 0))
	text := func(s string) felt.Felt { f, err := felt.ShortString(s); must(t, err); return f }
	num := func(n int64) felt.Felt { return felt.MustParse(fmt.Sprintf("0x%x", n)) }
	want := poseidon.HashMany(text("bitsage/peer/v1"), domain.ChainID, domain.JobManager, r.Key, num(r.Time), num(52), text(string(r.Peer[:31])), text(string(r.Peer[31:])))
	if got := r.Hash(domain); got != want {
		t.Errorf("the hash is %s, want %s", got.String(), want.String())
	}
	other, _ := newRecord(t, 2, time.Unix(2000000000, 0))
	seen := map[felt.Felt]bool{want: true}
	for what, edit := range map[string]func(r *PeerRecord, d *Domain){
		"chain":    func(_ *PeerRecord, d *Domain) { d.ChainID = num(1) },
		"contract": func(_ *PeerRecord, d *Domain) { d.JobManager = num(1) },
		"key":      func(r *PeerRecord, _ *Domain) { r.Key = other.Key },
		"peer":     func(r *PeerRecord, _ *Domain) { r.Peer = other.Peer },
		"time":     func(r *PeerRecord, _ *Domain) { r.Time++ },
	} {
		changed, d := r, domain
		edit(&changed, &d)
		if h := changed.Hash(d); seen[h] {
			t.Errorf("a change of the %s gives a hash that was there", what)
		} else {
			seen[h] = true
		}
	}
}

func TestRecordVerify(t *testing.T) {
	now := time.Unix(2000000000, 0)
	good, key := newRecord(t, 1, now)
	other, _ := newRecord(t, 2, now)
	edited := func(edit func(r *PeerRecord)) PeerRecord { r := good; edit(&r); return r }
	resigned := func(edit func(r *PeerRecord)) PeerRecord {
		r, err := edited(edit).Sign(domain, signing(key))
		must(t, err)
		return r
	}
	elsewhere := domain
	elsewhere.ChainID = felt.MustParse("0xbad")
	skew := int64(recordSkew / time.Second)
	for _, c := range []struct {
		name string
		r    PeerRecord
		d    Domain
		want error
	}{
		{"good", good, domain, nil},
		{"old", resigned(func(r *PeerRecord) { r.Time = 1 }), domain, nil},
		{"a clock that is ahead", resigned(func(r *PeerRecord) { r.Time += skew }), domain, nil},
		{"from the future", resigned(func(r *PeerRecord) { r.Time += skew + 1 }), domain, ErrRecordTime},
		{"from the end of time", resigned(func(r *PeerRecord) { r.Time = 1<<63 - 1 }), domain, ErrRecordTime},
		{"of another deployment", good, elsewhere, starksig.ErrSignature},
		{"of another key", edited(func(r *PeerRecord) { r.Key = other.Key }), domain, starksig.ErrSignature},
		{"of another peer", edited(func(r *PeerRecord) { r.Peer = other.Peer }), domain, starksig.ErrSignature},
		{"of another time", edited(func(r *PeerRecord) { r.Time-- }), domain, starksig.ErrSignature},
		{"with another signature", edited(func(r *PeerRecord) { r.Signature = other.Signature }), domain, starksig.ErrSignature},
		{"of no key", edited(func(r *PeerRecord) { r.Key = felt.Felt{} }), domain, starksig.ErrPublicKey},
	} {
		if err := c.r.Verify(c.d, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if b, err := good.Encode(); err != nil || len(b) > domain.Peers().MaxBytes {
		t.Errorf("%d bytes, %v", len(b), err)
	} else if got, err := DecodePeerRecord(b); err != nil || got != good {
		t.Errorf("%+v %v", got, err)
	}
}

// TestRecords asks honest peers and others for what they know.
func TestRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{Latency: time.Millisecond})
		defer m.Close()
		client := m.Host()
		a, _ := newRecord(t, 1, time.Now())
		b, _ := newRecord(t, 2, time.Now())
		for name, known := range map[string][]PeerRecord{"none": nil, "two": {a, b}, "all": slices.Repeat([]PeerRecord{a}, MaxRecords)} {
			h := m.Host()
			must(t, HandleRecords(h, func() []PeerRecord { return known }))
			if got, err := AskRecords(t.Context(), client, h.ID()); err != nil || !slices.Equal(got, known) {
				t.Errorf("%s: %d records, %v", name, len(got), err)
			}
		}
		many := m.Host()
		must(t, HandleRecords(many, func() []PeerRecord { return slices.Repeat([]PeerRecord{a}, MaxRecords+1) }))
		if got, err := AskRecords(t.Context(), client, many.ID()); err != nil || len(got) != MaxRecords {
			t.Errorf("%d records, %v", len(got), err)
		}
		var remote *transport.RemoteError
		if _, err := client.Request(t.Context(), many.ID(), RecordsProtocol, []byte("ju")); !errors.As(err, &remote) {
			t.Error(err)
		}
		junk := m.Host()
		must(t, junk.Handle(RecordsProtocol, func(context.Context, transport.PeerID, []byte) ([]byte, error) { return []byte("junk"), nil }))
		var malformed *MessageError
		if _, err := AskRecords(t.Context(), client, junk.ID()); !errors.As(err, &malformed) || !strings.Contains(err.Error(), string(junk.ID())) {
			t.Error(err)
		}

		// What is not a record does not reach those who listen.
		s, err := client.Subscribe(domain.Peers())
		must(t, err)
		loose := domain.Peers()
		loose.Check = nil
		record, err := a.Encode()
		must(t, err)
		must(t, errors.Join(junk.Publish(t.Context(), loose, []byte("junk")), junk.Publish(t.Context(), domain.Peers(), record)))
		if msg, err := s.Next(t.Context()); err != nil || string(msg.Data) != string(record) || s.Dropped() != 1 {
			t.Errorf("%x %v, %d dropped", msg.Data, err, s.Dropped())
		}
	})
}
