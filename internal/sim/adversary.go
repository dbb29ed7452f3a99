package sim

import (
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// adversary plays all Byzantine validators. It hears every message, knows what is
// true, and has the keys of its own validators only.
type adversary struct {
	w            *world
	votes        []consensus.Vote        // heard
	certificates []consensus.Certificate // heard
}

const memory = 200 // messages of each kind

func (a *adversary) any() bool {
	for _, r := range a.w.Validators {
		if r.Byzantine != 0 {
			return true
		}
	}
	return false
}

func (a *adversary) overhear(b []byte) {
	if !a.any() {
		return
	}
	switch m, _ := consensus.Decode(b); m := m.(type) {
	case *consensus.Vote:
		if len(a.votes) < memory {
			a.votes = append(a.votes, *m)
		}
	case *consensus.Certificate:
		if len(a.certificates) < memory {
			a.certificates = append(a.certificates, *m)
		}
	}
}

// submitted plans what to do about a claim, some of it more than once.
func (a *adversary) submitted(c *claim) {
	for i, h := range a.w.hosts {
		if h.Byzantine == 0 {
			continue
		}
		for range 4 {
			a.w.after(a.w.rng.Uint64N(a.w.GST+20_000), func() { a.act(i, c) })
		}
	}
}

func (a *adversary) act(from int, c *claim) {
	w, tricks := a.w, a.w.hosts[from].Byzantine
	if w.report.Violation != nil {
		return
	}
	e := w.epochs[w.chain.epoch-1]
	index, member := e.set.Index(w.hosts[from].key.public())
	own := func(v consensus.Verdict) consensus.Vote { return a.vote(from, index, e.set, c.id, v) }
	if member {
		a.speak(from, c, own)
	}
	if member && tricks&Flood != 0 {
		a.flood(from, own(c.verdict()))
	}
	if tricks&Replay != 0 {
		a.replay(from, c, e.set)
	}
	if tricks&Malleate != 0 {
		a.malleate(from, c, e.set, index, member)
	}
	if member && tricks&Forge != 0 {
		a.forge(from, c, e.set, own)
	}
	if tricks&Frame != 0 {
		a.frame(from, c, e)
	}
}

// speak casts the validator's own votes.
func (a *adversary) speak(from int, c *claim, own func(consensus.Verdict) consensus.Vote) {
	w, tricks := a.w, a.w.hosts[from].Byzantine
	truth := c.verdict()
	lie := consensus.Valid + consensus.Invalid - truth
	switch {
	case tricks&Withhold != 0:
	case tricks&Equivocate != 0:
		for to, h := range w.hosts {
			v := truth
			if h.Misled || !w.Broken && w.percent(50) {
				v = lie // what it believes, or just anything
			}
			a.say(from, to, own(v))
		}
	case tricks&Lie != 0:
		a.shout(from, own(lie))
	case tricks&Guess != 0 && w.percent(50):
		a.shout(from, own(lie))
	default:
		a.shout(from, own(truth))
	}
}

func (a *adversary) vote(from, index int, set *consensus.ValidatorSet, id consensus.FactID, v consensus.Verdict) consensus.Vote {
	sig := a.w.hosts[from].key.sign(a.w.audit.hash(set, id, v), 0)
	return consensus.Vote{Epoch: set.Epoch(), Index: uint8(index), Fact: id, Verdict: v, Signature: sig}
}

// say sends a message in its bytes or, if it has none, hands it to the node as if a
// decoder had let it through.
func (a *adversary) say(from, to int, m any) {
	var message consensus.Message
	switch m := m.(type) {
	case consensus.Vote:
		message = &m
	case consensus.Message:
		message = m
	}
	if b, err := consensus.Encode(message); err == nil {
		a.w.send(from, to, b)
	} else if h := a.w.hosts[to]; h.node != nil {
		h.step(consensus.Received{From: peer(from), Message: message})
	}
}

// shout sends a message to everyone, and to the contracts if they take such things.
func (a *adversary) shout(from int, m any) {
	switch m := m.(type) {
	case *consensus.Certificate:
		a.w.chain.submit(m)
	case consensus.Evidence:
		a.w.chain.accuse(m, a.w.validator(from))
	}
	for to := range a.w.hosts {
		if to != from {
			a.say(from, to, m)
		}
	}
}

func (a *adversary) flood(from int, v consensus.Vote) {
	rng := a.w.rng
	for range 4 {
		a.shout(from, v)
	}
	junk := make([]byte, rng.IntN(200))
	for i := range junk {
		junk[i] = byte(rng.Uint32())
	}
	copy(junk, []byte{1, byte(1 + rng.IntN(6))})
	to := rng.IntN(len(a.w.hosts))
	a.w.send(from, to, junk)
	for _, sig := range []consensus.Signature{{}, {R: v.Signature.R}, {S: v.Signature.S}, {R: v.Signature.S, S: v.Signature.R}} {
		bad := v
		bad.Signature = sig
		a.say(from, to, bad)
	}
	bad := v
	bad.Verdict = consensus.Verdict(rng.IntN(4))
	a.say(from, to, bad)
	bad = v
	bad.Index = uint8(rng.Uint32())
	a.say(from, to, bad)
}

// heard returns a vote that was heard, mostly of honest validators.
func (a *adversary) heard() (consensus.Vote, bool) {
	if len(a.votes) == 0 {
		return consensus.Vote{}, false
	}
	return a.votes[a.w.rng.IntN(len(a.votes))], true
}

func (a *adversary) replay(from int, c *claim, set *consensus.ValidatorSet) {
	v, ok := a.heard()
	if !ok {
		return
	}
	rng := a.w.rng
	a.shout(from, v) // late
	for range 3 {
		r := v
		switch rng.IntN(4) {
		case 0:
			r.Epoch = set.Epoch()
		case 1:
			r.Fact = c.id
		case 2:
			r.Index = uint8(rng.IntN(max(1, set.Len())))
		case 3:
			r.Verdict = consensus.Valid + consensus.Invalid - r.Verdict
		}
		a.shout(from, r)
	}
	if i, ok := set.Index(a.w.hosts[from].key.public()); ok {
		hash := poseidon.HashMany(shortString("bitsage/vote/v1"), other, number(set.Epoch()), set.Root(), c.id.Felt(), number(1))
		a.shout(from, consensus.Vote{Epoch: set.Epoch(), Index: uint8(i), Fact: c.id, Verdict: consensus.Valid, Signature: a.w.hosts[from].key.sign(hash, 0)})
	}
}

func (a *adversary) malleate(from int, c *claim, set *consensus.ValidatorSet, index int, member bool) {
	if v, ok := a.heard(); ok {
		v.Signature = malleate(v.Signature)
		a.shout(from, v)
	}
	if !member {
		return
	}
	for nonce := range uint64(3) {
		v := c.verdict()
		hash := a.w.audit.hash(set, c.id, v)
		a.shout(from, consensus.Vote{Epoch: set.Epoch(), Index: uint8(index), Fact: c.id, Verdict: v, Signature: a.w.hosts[from].key.sign(hash, nonce)})
	}
}

func (a *adversary) forge(from int, c *claim, set *consensus.ValidatorSet, own func(consensus.Verdict) consensus.Vote) {
	rng := a.w.rng
	lie := consensus.Valid + consensus.Invalid - c.verdict()
	mine := own(lie)
	all := uint64(1)<<set.Len() - 1
	// The own signature for everyone, or for as many as the bitmap has bits.
	for _, bitmap := range []uint64{1 << mine.Index, all, all | 1<<rng.IntN(64), rng.Uint64(), 0} {
		forged := &consensus.Certificate{Epoch: set.Epoch(), Fact: c.id, Verdict: lie, Bitmap: bitmap}
		for range bits.OnesCount64(bitmap) {
			forged.Signatures = append(forged.Signatures, mine.Signature)
		}
		a.shout(from, forged)
	}
	a.shout(from, a.gather(set, c, lie))
	a.shout(from, &consensus.Certificate{Epoch: set.Epoch(), Fact: c.id, Verdict: lie, Bitmap: all, Signatures: []consensus.Signature{mine.Signature}})
	if len(a.certificates) == 0 {
		return
	}
	real := a.certificates[rng.IntN(len(a.certificates))]
	for change := range 4 {
		changed := real
		switch change {
		case 0:
			changed.Epoch++
		case 1:
			changed.Verdict = consensus.Valid + consensus.Invalid - changed.Verdict
		case 2:
			changed.Fact = c.id
		case 3: // one signer less, and its weight
			changed.Bitmap &= changed.Bitmap - 1
			changed.Signatures = changed.Signatures[1:]
		}
		a.shout(from, &changed)
	}
}

// gather makes a certificate of all votes for a verdict that the adversary can cast
// or has heard. It is a right one only if they are a quorum.
func (a *adversary) gather(set *consensus.ValidatorSet, c *claim, v consensus.Verdict) *consensus.Certificate {
	votes := make(map[uint8]consensus.Signature)
	for _, heard := range a.votes {
		if heard.Epoch == set.Epoch() && heard.Fact == c.id && heard.Verdict == v {
			votes[heard.Index] = heard.Signature
		}
	}
	for i, h := range a.w.hosts {
		if index, ok := set.Index(h.key.public()); ok && h.Byzantine != 0 {
			vote := a.vote(i, index, set, c.id, v)
			votes[uint8(index)] = vote.Signature
		}
	}
	cert := &consensus.Certificate{Epoch: set.Epoch(), Fact: c.id, Verdict: v}
	for i := range uint8(set.Len()) {
		if sig, ok := votes[i]; ok {
			cert.Bitmap |= 1 << i
			cert.Signatures = append(cert.Signatures, sig)
		}
	}
	return cert
}

func (a *adversary) frame(from int, c *claim, e *epoch) {
	v, ok := a.heard()
	if !ok {
		return
	}
	a.shout(from, &consensus.FalseVerdict{Vote: v})
	otherForm := malleate(v.Signature)
	second := otherForm
	for _, w := range a.votes { // of another epoch or fact, if there is one
		if w.Verdict != v.Verdict && w.Index == v.Index {
			second = w.Signature
		}
	}
	for _, sig := range []consensus.Signature{v.Signature, otherForm, second, a.w.hosts[from].key.sign(a.w.audit.hash(e.set, c.id, consensus.Invalid), 0)} {
		a.shout(from, &consensus.Equivocation{Epoch: v.Epoch, Index: v.Index, Fact: v.Fact, Valid: v.Signature, Invalid: sig})
		a.shout(from, &consensus.Equivocation{Epoch: v.Epoch, Index: v.Index, Fact: v.Fact, Valid: sig, Invalid: v.Signature})
	}
}

func number(x uint64) felt.Felt {
	var f felt.Felt
	f.SetUint64(x)
	return f
}
