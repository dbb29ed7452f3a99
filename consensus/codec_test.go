package consensus

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

// messages returns one message of each kind, and the smallest and largest
// certificates.
func messages(t testing.TB) map[string]Message {
	set := newSet(t, 7, 10, 20, 30, 40)
	s := newSubmission(1, 1)
	id := s.Fact.ID(chain)
	full := &Certificate{Epoch: ^uint64(0), Fact: id, Verdict: Invalid, Bitmap: ^uint64(0)}
	for range MaxValidators {
		full.Signatures = append(full.Signatures, s.Signature)
	}
	return map[string]Message{
		"submission":       s,
		"vote":             newVote(set, 3, id, Valid),
		"certificate":      newCertificate(set, id, Valid, 1, 2, 3),
		"full certificate": full,
		"equivocation":     newEquivocation(newVote(set, 0, id, Valid), newVote(set, 0, id, Invalid)),
		"false verdict":    &FalseVerdict{*newVote(set, 0, id, Invalid)},
		"request":          &Request{id},
	}
}

func records(t testing.TB) map[string]Record {
	set := newSet(t, 7, 10, 20, 30, 40)
	s := newSubmission(1, 1)
	id := s.Fact.ID(chain)
	return map[string]Record{
		"identity": Identity{chain, key(1).PublicKey()},
		"rollover": Rollover{7, set.root},
		"promise":  Promise{7, id, Invalid},
		"decision": Decision{set.root, newCertificate(set, id, Valid, 1, 2, 3)},
	}
}

func TestCodec(t *testing.T) {
	sizes := map[string]int{"submission": 302, "vote": 108, "certificate": 51 + 3*64, "full certificate": MaxMessageSize,
		"equivocation": 171, "false verdict": 108, "request": 34}
	for name, m := range messages(t) {
		b, err := Encode(m)
		if err != nil || len(b) != sizes[name] {
			t.Errorf("%s: %d bytes, want %d; %v", name, len(b), sizes[name], err)
		}
		back, err := Decode(b)
		if err != nil || !reflect.DeepEqual(back, m) {
			t.Errorf("%s: %#v, %v; want %#v", name, back, err, m)
		}
		for cut := range b {
			if _, err := Decode(b[:cut]); !errors.Is(err, ErrEncoding) {
				t.Errorf("%s cut at %d: %v", name, cut, err)
			}
		}
		if _, err := Decode(append(bytes.Clone(b), 0)); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s and a byte: %v", name, err)
		}
		for i := range b { // what is accepted is another message
			bad := bytes.Clone(b)
			bad[i] ^= 1 << (i % 8)
			if m2, err := Decode(bad); err == nil && reflect.DeepEqual(m2, m) {
				t.Errorf("%s: a second encoding, by byte %d", name, i)
			}
		}
	}
	if MaxMessageSize != 4147 {
		t.Errorf("the longest message has %d bytes", MaxMessageSize)
	}
	for name, r := range records(t) {
		typ, b, err := EncodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeRecord(typ, b)
		if err != nil || !reflect.DeepEqual(back, r) {
			t.Errorf("%s: %#v, %v; want %#v", name, back, err, r)
		}
		for cut := range b {
			if _, err := DecodeRecord(typ, b[:cut]); !errors.Is(err, ErrEncoding) {
				t.Errorf("%s cut at %d: %v", name, cut, err)
			}
		}
		if _, err := DecodeRecord(typ, append(bytes.Clone(b), 0)); !errors.Is(err, ErrEncoding) {
			t.Errorf("%s and a byte: %v", name, err)
		}
	}
	for _, typ := range []byte{0, 5} {
		_, err := DecodeRecord(typ, nil)
		wantErr(t, "a record of no type", err, ErrEncoding)
	}
	_, err := DecodeRecord(typeDecision, make([]byte, maxRecordSize+1))
	wantErr(t, "a long record", err, ErrEncoding)
}

func TestNotCanonical(t *testing.T) {
	set := newSet(t, 7, 10, 20, 30, 40)
	s := newSubmission(1, 1)
	id := s.Fact.ID(chain)
	vote := *newVote(set, 1, id, Valid)
	cert := *newCertificate(set, id, Valid, 1, 2, 3)
	change := func(f func(*Vote)) *Vote {
		v := vote
		f(&v)
		return &v
	}
	changeC := func(f func(*Certificate)) *Certificate {
		c := cert
		f(&c)
		return &c
	}
	for name, m := range map[string]Message{
		"other form":     change(func(v *Vote) { v.Signature = otherForm(v.Signature) }),
		"s above n":      change(func(v *Vote) { v.Signature.S = largest }),
		"no verdict":     change(func(v *Vote) { v.Verdict = 0 }),
		"third verdict":  change(func(v *Vote) { v.Verdict = 3 }),
		"index":          change(func(v *Vote) { v.Index = MaxValidators }),
		"empty":          changeC(func(c *Certificate) { c.Bitmap, c.Signatures = 0, nil }),
		"too few":        changeC(func(c *Certificate) { c.Bitmap |= 1 }),
		"too many":       changeC(func(c *Certificate) { c.Bitmap = 1 }),
		"cert's verdict": changeC(func(c *Certificate) { c.Verdict = 9 }),
	} {
		_, err := Encode(m)
		wantErr(t, name, err, ErrEncoding)
	}
	_, _, err := EncodeRecord(Promise{7, id, 0})
	wantErr(t, "a promise of nothing", err, ErrEncoding)

	good, err := Encode(&vote)
	if err != nil {
		t.Fatal(err)
	}
	other := otherForm(vote.Signature)
	malleated := other.S.Bytes()
	prime := bytes.Repeat([]byte{0xff}, felt.Size)
	for name, patch := range map[string]struct {
		at int
		b  []byte
	}{
		"version":           {0, []byte{2}},
		"kind":              {1, []byte{7}},
		"kind 0":            {1, []byte{0}},
		"index":             {10, []byte{64}},
		"fact of p or more": {11, prime},
		"verdict":           {43, []byte{3}},
		"r of p or more":    {44, prime},
		"s of p or more":    {76, prime},
		"other form":        {76, malleated[:]},
	} {
		bad := bytes.Clone(good)
		copy(bad[patch.at:], patch.b)
		_, err := Decode(bad)
		wantErr(t, name, err, ErrEncoding)
	}
	_, err = Decode(make([]byte, MaxMessageSize+1))
	wantErr(t, "long", err, ErrEncoding)
}

// TestVectors pins the bytes that docs/spec/consensus.md describes.
func TestVectors(t *testing.T) {
	set := newSet(t, 7, 10, 20, 30, 40)
	id := newSubmission(1, 1).Fact.ID(chain)
	type entry struct {
		Type     byte     `json:"type,omitempty"`
		Bytes    string   `json:"bytes"`
		Calldata []string `json:"calldata,omitempty"`
	}
	file := struct {
		Chain    string            `json:"chain"`
		Keys     []string          `json:"keys"`
		Weights  []string          `json:"weights"`
		Epoch    uint64            `json:"epoch"`
		Root     string            `json:"root"`
		Quorum   string            `json:"quorum"`
		Fact     string            `json:"fact"`
		Valid    string            `json:"valid_hash"`
		Invalid  string            `json:"invalid_hash"`
		Messages map[string]*entry `json:"messages"`
		Records  map[string]*entry `json:"records"`
	}{
		Chain: "SN_TEST", Epoch: 7, Root: set.root.String(), Quorum: set.Quorum().String(), Fact: id.String(),
		Valid: VoteHash(chain, set, id, Valid).String(), Invalid: VoteHash(chain, set, id, Invalid).String(),
		Messages: map[string]*entry{}, Records: map[string]*entry{},
	}
	for i := range set.Len() {
		file.Keys = append(file.Keys, set.Member(i).Key.String())
		file.Weights = append(file.Weights, set.Member(i).Weight.String())
	}
	for name, m := range messages(t) {
		b, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		e := &entry{Bytes: hex.EncodeToString(b)}
		if c, ok := m.(interface{ Calldata() []felt.Felt }); ok && name != "full certificate" {
			for _, f := range c.Calldata() {
				e.Calldata = append(e.Calldata, f.String())
			}
		}
		if name != "full certificate" {
			file.Messages[name] = e
		}
	}
	for name, r := range records(t) {
		typ, b, err := EncodeRecord(r)
		if err != nil {
			t.Fatal(err)
		}
		file.Records[name] = &entry{Type: typ, Bytes: hex.EncodeToString(b)}
	}
	golden(t, "vectors.json", file)
}

func FuzzDecode(f *testing.F) {
	for _, m := range messages(f) {
		b, err := Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Decode(b)
		if err != nil {
			return
		}
		again, err := Encode(m)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x decodes to %#v, which encodes to %x, %v", b, m, again, err)
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	for _, r := range records(f) {
		typ, b, err := EncodeRecord(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(typ, b)
	}
	f.Fuzz(func(t *testing.T, typ byte, b []byte) {
		r, err := DecodeRecord(typ, b)
		if err != nil {
			return
		}
		again, data, err := EncodeRecord(r)
		if err != nil || again != typ || !bytes.Equal(data, b) {
			t.Errorf("%d %x decodes to %#v, which encodes to %d %x, %v", typ, b, r, again, data, err)
		}
	})
}
