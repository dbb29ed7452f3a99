package bitsage

import (
	"math/bits"
	"testing"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// liars are validators whose keys vote as a test says.
type liars struct {
	*world
	host transport.Host
	set  *consensus.ValidatorSet
	keys map[uint8]*Validator
	fact consensus.FactID
}

// newLiars has a job proven by a network in which only some of four validators run.
func newLiars(t *testing.T, running int) (*liars, proof.JobID) {
	t.Helper()
	l := &liars{world: newNetwork(t), keys: make(map[uint8]*Validator)}
	l.populate(0)
	for range 4 {
		v := l.newValidator()
		l.check(v.Enlist(t.Context()))
		l.validators = append(l.validators, v)
	}
	for _, v := range l.validators[:running] {
		run(t, v)
	}
	l.start(l.worker)
	id := l.submit(smallJob("small"))
	l.until(id, Proven)
	epoch, err := l.network.staking.CurrentEpoch(t.Context())
	l.check(err)
	l.set, err = settle.ValidatorSet(epoch)
	l.check(err)
	for _, v := range l.validators {
		i, ok := l.set.Index(v.cfg.VoteKey.PublicKey())
		if !ok {
			t.Fatal("a validator is not in the epoch")
		}
		l.keys[uint8(i)] = v
	}
	f, job, err := l.client.job(t.Context(), id)
	l.check(err)
	fact := settle.Fact(f, &job)
	l.fact = fact.ID(l.network.settle.ChainID())
	l.host = l.network.memory.Host()
	return l, id
}

// index returns the place of a validator in the set.
func (l *liars) index(v *Validator) uint8 {
	for i, k := range l.keys {
		if k == v {
			return i
		}
	}
	panic("no validator")
}

func (l *liars) vote(v *Validator, verdict consensus.Verdict) *consensus.Vote {
	l.Helper()
	sig, err := v.cfg.VoteKey.Sign(l.Context(), consensus.VoteHash(l.network.settle.ChainID(), l.set, l.fact, verdict))
	l.check(err)
	return &consensus.Vote{Epoch: l.set.Epoch(), Index: l.index(v), Fact: l.fact, Verdict: verdict, Signature: consensus.Normalize(consensus.Signature(sig))}
}

func (l *liars) say(m consensus.Message) {
	l.Helper()
	data, err := consensus.Encode(m)
	l.check(err)
	l.check(l.host.Publish(l.Context(), topic(domain(l.network.settle), m), data))
}

// stake returns what is left of a validator's stake.
func (l *liars) stake(v *Validator) Amount {
	l.Helper()
	s, err := l.network.staking.Stake(l.Context(), v.account.Address())
	l.check(err)
	return s.Amount
}

// TestFalseVerdict has a validator vote against a proof before the others are enough to
// decide. They accuse it when they do, at which time the chain does not know yet that the
// verdict is false.
func TestFalseVerdict(t *testing.T) {
	l, id := newLiars(t, 2)
	liar := l.validators[3]
	l.say(l.vote(liar, consensus.Invalid))
	run(t, l.validators[2])
	l.until(id, Done)
	poll(t, "the liar's stake", func() bool { l.say(l.vote(liar, consensus.Invalid)); return l.stake(liar).Cmp(SAGE(10_000)) < 0 })
	for _, v := range l.validators[:3] {
		if s := l.stake(v); s != SAGE(10_000) {
			t.Errorf("an honest validator's stake is %v", s)
		}
	}
}

// TestContested has three of four validators sign certificates of both verdicts. The one
// that is left brings both before the chain, and whoever signed both loses everything.
func TestContested(t *testing.T) {
	l, id := newLiars(t, 1)
	poll(t, "a decision", func() bool {
		for _, v := range l.validators[1:3] {
			l.say(l.vote(v, consensus.Valid))
		}
		s, err := l.client.Job(t.Context(), id)
		l.check(err)
		return s.State == Done
	})
	c := &consensus.Certificate{Epoch: l.set.Epoch(), Fact: l.fact, Verdict: consensus.Invalid}
	for _, v := range l.validators[1:] {
		c.Bitmap |= 1 << l.index(v)
	}
	for b := c.Bitmap; b != 0; b &= b - 1 {
		c.Signatures = append(c.Signatures, l.vote(l.keys[uint8(bits.TrailingZeros64(b))], consensus.Invalid).Signature)
	}
	for _, v := range l.validators[1:3] {
		poll(t, "an equivocator's stake", func() bool { l.say(c); s := l.stake(v); return s.IsZero() })
	}
	for _, v := range []*Validator{l.validators[0], l.validators[3]} {
		if s := l.stake(v); s != SAGE(10_000) {
			t.Errorf("the stake of a validator that signed once is %v", s)
		}
	}
}
