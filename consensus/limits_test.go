package consensus

import (
	"errors"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/journal"
	"github.com/bitsage/bitsage/internal/randtest"
)

func newNode(t *testing.T, config Config, records ...Record) *Node {
	t.Helper()
	config.Chain, config.Profiles = chain, []felt.Felt{profile}
	n, err := New(config, records)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func submitted(s *Submission) Submitted { return Submitted{s, key(100).PublicKey(), 1000} }

func TestNew(t *testing.T) {
	public := key(0).PublicKey()
	config := Config{Chain: chain, Key: public}
	for name, c := range map[string]struct {
		records []Record
		want    error
	}{
		"no journal":    {nil, ErrNoJournal},
		"no identity":   {[]Record{Promise{1, FactID{}, Valid}}, ErrNoJournal},
		"another key":   {[]Record{Identity{chain, key(1).PublicKey()}}, ErrIdentity},
		"another chain": {[]Record{Identity{shortString("SN_OTHER"), public}}, ErrIdentity},
		"right":         {[]Record{Identity{chain, public}}, nil},
	} {
		_, err := New(config, c.records)
		wantErr(t, name, err, c.want)
	}
}

func TestRefused(t *testing.T) {
	set := newSet(t, 2, 1, 1, 1, 1)
	n := newNode(t, Config{})
	s := newSubmission(1, 1)
	id := s.Fact.ID(chain)
	refuse := func(what string, ev Event, want error) {
		t.Helper()
		effects, err := n.Step(ev)
		wantErr(t, what, err, want)
		if len(effects) != 0 {
			t.Errorf("%s: %v", what, effects)
		}
	}
	refuse("before the first epoch", submitted(s), ErrEpoch)
	refuse("epoch 0", EpochChanged{newSet(t, 0), nil}, ErrEpoch)
	refuse("a previous epoch that is none", EpochChanged{set, newSet(t, 2)}, ErrEpoch)
	if _, err := n.Step(EpochChanged{set, nil}); err != nil {
		t.Fatal(err)
	}
	refuse("the same epoch", EpochChanged{set, nil}, ErrDuplicate)
	refuse("an earlier epoch", EpochChanged{newSet(t, 1), nil}, ErrEpoch)
	change := func(f func(*Submission)) Submitted {
		c := *s
		f(&c)
		return submitted(&c)
	}
	refuse("no proof", change(func(s *Submission) { s.ProofSize = 0 }), ErrProofSize)
	refuse("a large proof", change(func(s *Submission) { s.ProofSize = MaxProofSize + 1 }), ErrProofSize)
	refuse("a profile", change(func(s *Submission) { s.Profile = shortString("weak") }), ErrProfile)
	refuse("another fact", change(func(s *Submission) { s.JobRoot[0]++ }), ErrSignature)
	refuse("another worker", Submitted{s, key(101).PublicKey(), 1000}, ErrSignature)
	refuse("no key", Submitted{s, felt.Felt{}, 1000}, ErrSignature)
	refuse("a vote on an unknown fact", Received{"", newVote(set, 0, id, Valid)}, ErrUnknownFact)
	refuse("a verdict on an unknown fact", Verified{id, Valid}, ErrUnknownFact)
	refuse("a submission as a message", Received{"", s}, ErrMessage)
	if _, err := n.Step(submitted(s)); err != nil {
		t.Fatal(err)
	}
	refuse("no verdict", Verified{id, 0}, ErrVerdict)
	refuse("a timer that is over", Fired{Timer{ReportTimer, id, 7}}, ErrDuplicate)
	refuse("no such timer", Fired{Timer{timerKinds, id, 1}}, ErrDuplicate)
	refuse("a fetch that never was", Unavailable{id}, ErrDuplicate)
	refuse("an observer's signature", Signed{Promise{2, id, Valid}, Signature{}}, ErrEpoch)
	refuse("a settled certificate of nothing", Settled{&Certificate{Fact: id}}, ErrVerdict)
	refuse("a settled certificate without signatures", Settled{&Certificate{Fact: id, Verdict: Valid, Bitmap: 3}}, ErrSignatureCount)
	refuse("a settled certificate of nobody", Settled{&Certificate{Fact: id, Verdict: Valid}}, ErrSignatureCount)
	refuse("a promise that never was", Appended{Promise{2, id, Valid}}, ErrEpoch)
	refuse("a decision that never was", Appended{Decision{set.root, newCertificate(set, id, Valid, 0, 1, 2)}}, ErrDuplicate)
	refuse("an old certificate", Received{"", newCertificate(newSet(t, 1, 1, 1, 1, 1), id, Valid, 0, 1, 2)}, ErrEpoch)
	refuse("old evidence", Received{"", &Equivocation{1, 0, id, Signature{}, Signature{}}}, ErrEpoch)
	refuse("old evidence of a false verdict", Received{"", &FalseVerdict{*newVote(newSet(t, 1, 1), 0, id, Valid)}}, ErrEpoch)
}

// TestSettled takes what the chain recorded: signatures in the other form, of an epoch
// long ago, and, from a chain that lies, of members that do not exist.
func TestSettled(t *testing.T) {
	set, s := newSet(t, 5, 1, 1, 1, 1), newSubmission(1, 1)
	id := s.Fact.ID(chain)
	high := newCertificate(set, id, Valid, 0, 1, 2)
	for i := range high.Signatures {
		high.Signatures[i] = otherForm(high.Signatures[i])
	}
	false64 := &Certificate{Epoch: 5, Fact: id, Verdict: Valid, Bitmap: 1 << 63, Signatures: make([]Signature, 1)}
	for name, c := range map[string]*Certificate{
		"other form": high,
		"long ago":   newCertificate(newSet(t, 2, 1), id, Valid, 0),
		"lie":        false64,
	} {
		n := newNode(t, Config{})
		n.Step(EpochChanged{set, nil})
		n.Step(submitted(s))
		effects, err := n.Step(Settled{c})
		if err != nil || n.Certificate(id) == nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, e := range effects {
			if b, ok := e.(Broadcast); ok {
				_, err := Encode(b.Message)
				wantErr(t, name, err, nil)
			}
		}
		// Two certificates convict only if both are right.
		effects, err = n.Step(Received{"", newCertificate(set, id, Invalid, 1, 2, 3)})
		wantErr(t, name, err, nil)
		convicted := 0
		for _, e := range effects {
			if a, ok := e.(Accused); ok {
				q, ok := a.Evidence.(*Equivocation)
				if !ok || q.Verify(chain, set) != nil {
					t.Errorf("%s: wrong evidence %#v", name, a.Evidence)
				}
				convicted++
			}
		}
		if want := map[string]int{"other form": 2}[name]; convicted != want {
			t.Errorf("%s: %d convicted, want %d", name, convicted, want)
		}
	}
}

// TestBounds checks the limits on facts and promises.
func TestBounds(t *testing.T) {
	self := key(0).PublicKey()
	n := newNode(t, Config{Key: self, MaxFacts: 2, MaxPromises: 1}, Identity{chain, self})
	set := newSet(t, 1, 1, 1, 1, 1)
	step := func(ev Event, want error) []Effect {
		t.Helper()
		effects, err := n.Step(ev)
		wantErr(t, "step", err, want)
		return effects
	}
	step(EpochChanged{set, nil}, nil)
	a, b, c := newSubmission(1, 1), newSubmission(2, 1), newSubmission(3, 1)
	step(submitted(a), nil)
	step(submitted(b), nil)
	step(submitted(c), ErrFull)
	if effects := step(Verified{a.Fact.ID(chain), Valid}, nil); len(effects) != 1 {
		t.Errorf("the first verdict: %v", effects)
	}
	if effects := step(Verified{b.Fact.ID(chain), Valid}, nil); len(effects) != 0 {
		t.Errorf("a promise too many: %v", effects)
	}
	// A decided fact makes room.
	effects := step(Received{"", newCertificate(set, b.Fact.ID(chain), Valid, 1, 2, 3)}, nil)
	step(submitted(c), ErrFull) // it is not journaled yet
	step(Appended{effects[0].(Append).Record}, nil)
	if effects := step(submitted(c), nil); effects[0] != (Closed{b.Fact.ID(chain)}) {
		t.Errorf("making room: %v", effects)
	}
	if n.Facts() != 2 {
		t.Errorf("%d facts", n.Facts())
	}
	// In the next epoch there is room for a promise again.
	if effects := step(EpochChanged{newSet(t, 2, 1, 1, 1, 1), set}, nil); len(effects) != 2 {
		t.Errorf("the next epoch: %v", effects)
	}
}

// TestObserverRandom gives votes in any order, some twice or false, to two observers,
// of which one gets the certificate of the other.
func TestObserverRandom(t *testing.T) {
	rng := randtest.New(t)
	for range 20 {
		weights := make([]uint64, 1+rng.IntN(7))
		for i := range weights {
			weights[i] = 1 + rng.Uint64N(5)
		}
		set, s := newSet(t, 1, weights...), newSubmission(1, 1)
		id := s.Fact.ID(chain)
		n, other := newNode(t, Config{}), newNode(t, Config{})
		for _, n := range []*Node{n, other} {
			n.Step(EpochChanged{set, nil})
			n.Step(submitted(s))
		}
		sum, counted := make(map[Verdict]uint64), make(map[int]bool)
		var total uint64
		for _, w := range weights {
			total += w
		}
		quorum := 2*total/3 + 1
		var decided *Certificate
		for range 30 {
			i, v := rng.IntN(len(weights)), Verdict(1+rng.IntN(2))
			effects, _ := n.Step(Received{"", newVote(set, i, id, v)})
			if !counted[i] {
				counted[i] = true
				sum[v] += weights[i]
			}
			for _, e := range effects {
				if b, ok := e.(Broadcast); ok {
					if c, ok := b.Message.(*Certificate); ok && decided == nil {
						decided = c
						if sum[c.Verdict] < quorum {
							t.Fatalf("decided %v with %d of %d", c.Verdict, sum[c.Verdict], quorum)
						}
						wantErr(t, "certificate", c.Verify(chain, set), nil)
					}
				}
			}
			if (sum[Valid] >= quorum || sum[Invalid] >= quorum) != (n.Certificate(id) != nil) {
				t.Fatalf("weights %v, quorum %d, certificate %v", sum, quorum, n.Certificate(id))
			}
			if len(n.Votes(id)) > 2*len(weights) {
				t.Fatalf("%d votes are kept", len(n.Votes(id)))
			}
		}
		if decided != nil {
			if _, err := other.Step(Received{"", decided}); err != nil || other.Certificate(id) == nil {
				t.Errorf("the certificate convinces nobody: %v", err)
			}
		}
	}
}

// run is a validator with a journal on the disk, which it syncs before it goes on.
type run struct {
	t    *testing.T
	path string
	j    *journal.Journal
	node *Node
	sent []Message
	done []Effect
}

func (r *run) open() {
	var err error
	if r.j, err = journal.Open(r.path, journal.Options{}); err != nil {
		r.t.Fatal(err)
	}
	var records []Record
	for rec, err := range r.j.Records() {
		if err != nil {
			r.t.Fatal(err)
		}
		decoded, err := DecodeRecord(rec.Type, rec.Data)
		if err != nil {
			r.t.Fatal(err)
		}
		records = append(records, decoded)
	}
	r.node = newNode(r.t, Config{Key: key(0).PublicKey()}, records...)
}

func (r *run) append(rec Record) {
	typ, data, err := EncodeRecord(rec)
	if err == nil {
		_, err = r.j.Append(typ, data)
	}
	if err == nil {
		err = r.j.Sync()
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *run) step(ev Event) {
	effects, err := r.node.Step(ev)
	if err != nil && !errors.Is(err, ErrDuplicate) {
		r.t.Fatalf("%T: %v", ev, err)
	}
	for _, e := range effects {
		switch e := e.(type) {
		case Append:
			r.append(e.Record)
			r.step(Appended(e))
		case Sign:
			r.step(Signed{e.Vote, sign(key(0), e.Hash)})
		case Broadcast:
			r.sent = append(r.sent, e.Message)
		case Approved, Rejected:
			r.done = append(r.done, e)
		}
	}
}

// TestJournal runs a validator on a real journal and starts it again after every
// event. Its verifier never says the same twice; its votes must.
func TestJournal(t *testing.T) {
	r := &run{t: t, path: filepath.Join(t.TempDir(), "votes")}
	var err error
	if r.j, err = journal.Create(r.path, journal.Options{}); err != nil {
		t.Fatal(err)
	}
	r.append(Identity{chain, key(0).PublicKey()})
	set, s := newSet(t, 1, 1, 1, 1, 1), newSubmission(1, 1)
	id := s.Fact.ID(chain)
	rng := rand.New(rand.NewPCG(1, 1))
	votes := make(map[Verdict]int)
	for i := range 12 {
		if err := r.j.Close(); err != nil {
			t.Fatal(err)
		}
		r.open()
		r.sent = nil
		r.step(EpochChanged{set, nil})
		r.step(submitted(s))
		r.step(Verified{id, Verdict(1 + rng.IntN(2))})
		if i == 6 {
			r.step(Received{"", newCertificate(set, id, Valid, 1, 2, 3)})
		}
		for _, m := range r.sent {
			if v, ok := m.(*Vote); ok {
				votes[v.Verdict]++
			}
		}
	}
	if len(votes) != 1 {
		t.Errorf("votes: %v", votes)
	}
	if len(r.done) != 6 {
		t.Errorf("decided %d times, want once in each life since", len(r.done))
	}
	for _, e := range r.done {
		if _, ok := e.(Approved); !ok {
			t.Errorf("%T", e)
		}
	}
	if err := r.j.Close(); err != nil {
		t.Fatal(err)
	}
}
