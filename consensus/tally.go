package consensus

import (
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
)

// fact is what a node knows of an open fact.
type fact struct {
	id         FactID
	submission *Submission
	verdict    Verdict // own; zero while unknown
	fetching   bool
	settled    bool // the chain has recorded a certificate

	certificate *Certificate // by which it was decided, the first one or its renewal in a later epoch
	root        felt.Felt    // of the set that signed it
	announced   bool         // it is in the journal
	contested   bool         // there is a certificate of the opposite verdict too, of any epoch

	tally
	certificates     map[issue]*Certificate // those known of the sets that count, the decision or not
	accused          map[accusation]bool
	timers           [timerKinds]uint32
	reports, resends uint
}

// tally has the votes of the current epoch. Verdicts are the indices of its arrays,
// of which the first element has no use.
type tally struct {
	seen       [3]uint64 // members who voted
	counted    [3]uint64 // the same without the second verdict of those who voted both ways
	weight     [3]Weight // of counted
	signatures map[ballot]Signature
	hashes     [3]felt.Felt // what is signed; zero until needed
}

type ballot struct {
	index   uint8
	verdict Verdict
}

// issue is what a set certifies once for each fact, however many quorums of its members
// have signed it.
type issue struct {
	epoch   uint64
	root    felt.Felt
	verdict Verdict
}

// accusation is what a validator is accused of once for each fact.
type accusation struct {
	epoch        uint64
	root         felt.Felt
	index        uint8
	equivocation bool
}

func newFact(id FactID, s *Submission) *fact {
	return &fact{id: id, submission: s, tally: newTally(),
		certificates: make(map[issue]*Certificate), accused: make(map[accusation]bool)}
}

func newTally() tally { return tally{signatures: make(map[ballot]Signature)} }

// hash returns what members sign for a verdict.
func (n *Node) hash(f *fact, v Verdict) felt.Felt {
	if f.hashes[v].IsZero() {
		f.hashes[v] = VoteHash(n.config.Chain, n.set, f.id, v)
	}
	return f.hashes[v]
}

// hasher is hash for one of the sets that count.
func (n *Node) hasher(f *fact, set *ValidatorSet) hashFunc {
	if set != n.set {
		return hasher(n.config.Chain, set, f.id)
	}
	return func(v Verdict) felt.Felt { return n.hash(f, v) }
}

// kept returns a vote that was seen.
func (n *Node) kept(f *fact, index uint8, v Verdict) *Vote {
	return &Vote{n.set.epoch, index, f.id, v, f.signatures[ballot{index, v}]}
}

func (n *Node) onMessage(from Peer, m Message) error {
	switch m := m.(type) {
	case *Vote:
		return n.with(m.Fact, func(f *fact) error { return n.onVote(f, from, *m) })
	case *Certificate:
		return n.with(m.Fact, func(f *fact) error { return n.onCertificate(f, *m) })
	case *Equivocation:
		return n.with(m.Fact, func(f *fact) error { return n.onEquivocation(f, *m) })
	case *FalseVerdict:
		return n.with(m.Vote.Fact, func(f *fact) error { return n.onFalseVerdict(f, *m) })
	case *Request:
		return n.with(m.Fact, func(f *fact) error { return n.onRequest(f, from) })
	}
	return ErrMessage
}

func (n *Node) onVote(f *fact, from Peer, v Vote) error {
	if err := v.checkShape(n.set); err != nil {
		return err
	}
	if f.seen[v.Verdict]&(1<<v.Index) != 0 {
		n.answer(f, from)
		return ErrDuplicate
	}
	v.Signature = Normalize(v.Signature)
	if err := v.checkSignature(n.set, n.hash(f, v.Verdict)); err != nil {
		return err
	}
	if err := n.adopt(f, &v); err != nil {
		return err
	}
	n.keep(f, &v)
	n.count(f, v.Verdict)
	n.answer(f, from)
	return nil
}

// answer sends the certificate to a peer that still votes.
func (n *Node) answer(f *fact, to Peer) {
	if f.announced && !n.open(f) {
		n.emit(Send{to, f.certificate})
	}
}

// adopt treats a vote by the node's key that the journal does not know as a promise, so
// that a node whose journal was lost does not contradict it.
func (n *Node) adopt(f *fact, v *Vote) error {
	if int(v.Index) != n.self {
		return nil
	}
	p := n.promises[f.id]
	if p == nil {
		n.promise(f, v.Verdict)
		return nil
	}
	if p.verdict != v.Verdict {
		return ErrKeyReused
	}
	return nil
}

// keep adds a vote that was checked and not seen before. The second verdict of a
// validator is evidence and does not count.
func (n *Node) keep(f *fact, v *Vote) {
	bit := uint64(1) << v.Index
	f.seen[v.Verdict] |= bit
	f.signatures[ballot{v.Index, v.Verdict}] = v.Signature
	if f.seen[v.Verdict.opposite()]&bit != 0 {
		n.accuse(f, newEquivocation(v, n.kept(f, v.Index, v.Verdict.opposite())))
	} else {
		f.counted[v.Verdict] |= bit
		f.weight[v.Verdict], _ = f.weight[v.Verdict].Add(n.set.members[v.Index].Weight) // at most the total
	}
	n.accuseFalse(f, v)
}

// count makes a certificate if the votes for a verdict have become a quorum.
func (n *Node) count(f *fact, v Verdict) {
	if f.weight[v].Cmp(n.set.quorum) >= 0 && f.certificates[issue{n.set.epoch, n.set.root, v}] == nil {
		n.certify(f, n.set.root, n.assemble(f, v))
	}
}

// assemble makes a certificate of the votes that count.
func (n *Node) assemble(f *fact, v Verdict) *Certificate {
	c := &Certificate{Epoch: n.set.epoch, Fact: f.id, Verdict: v, Bitmap: f.counted[v]}
	for b := c.Bitmap; b != 0; b &= b - 1 {
		c.Signatures = append(c.Signatures, f.signatures[ballot{uint8(bits.TrailingZeros64(b)), v}])
	}
	return c
}

// certify takes a right certificate that was not known: it decides the fact, or takes
// the place of one that the contract takes no more, or contradicts the decision.
func (n *Node) certify(f *fact, root felt.Felt, c *Certificate) {
	against := f.certificate != nil && f.certificate.Verdict != c.Verdict
	if against {
		f.contested = true // first, so that no vote of it is called false
		n.emit(Broadcast{c}, Contested{f.certificate, c})
	}
	n.note(f, root, c)
	if f.certificate == nil || !against && n.open(f) {
		n.decide(f, root, c)
	}
}

// note remembers a certificate of a set that counts, and convicts everyone who signed
// the opposite one of that set too. Neither need be the decision: there may be another
// conflict, of an earlier epoch or of two.
func (n *Node) note(f *fact, root felt.Felt, c *Certificate) {
	if !n.current(c.Epoch, root) {
		return
	}
	f.certificates[issue{c.Epoch, root, c.Verdict}] = c
	if c.Epoch == n.set.epoch {
		n.keepAll(f, c)
	}
	second := f.certificates[issue{c.Epoch, root, c.Verdict.opposite()}]
	if second == nil {
		return
	}
	other := make(map[uint8]Vote)
	for _, v := range second.votes() {
		other[v.Index] = v
	}
	for _, v := range c.votes() {
		if w, ok := other[v.Index]; ok {
			n.accuse(f, newEquivocation(&v, &w))
		}
	}
}

// decide takes a certificate as the decision, once it is journaled.
func (n *Node) decide(f *fact, root felt.Felt, c *Certificate) {
	f.certificate, f.root, f.announced = c, root, false
	if n.validator() {
		n.emit(Append{Decision{root, c}})
	} else {
		n.announce(f)
	}
}

func (n *Node) announce(f *fact) {
	f.announced = true
	c := f.certificate
	n.emit(Broadcast{c})
	if c.Verdict == Valid {
		n.emit(Approved{c})
	} else {
		n.emit(Rejected{c})
	}
	for b := f.seen[c.Verdict.opposite()]; b != 0; b &= b - 1 {
		n.accuseFalse(f, n.kept(f, uint8(bits.TrailingZeros64(b)), c.Verdict.opposite()))
	}
}

// rootOf returns the root of the set of an epoch, or 0 if it is not known any more.
func (n *Node) rootOf(epoch uint64) felt.Felt {
	if s := n.setOf(epoch); s != nil {
		return s.root
	}
	return felt.Felt{}
}

// setOf returns the set of an epoch that still counts, or nil.
func (n *Node) setOf(epoch uint64) *ValidatorSet {
	for _, s := range []*ValidatorSet{n.set, n.prev} {
		if s != nil && s.epoch == epoch {
			return s
		}
	}
	return nil
}

func (n *Node) onCertificate(f *fact, c Certificate) error {
	set := n.setOf(c.Epoch)
	if set == nil {
		return ErrEpoch
	}
	if f.certificates[issue{c.Epoch, set.root, c.Verdict}] != nil {
		return ErrDuplicate
	}
	if err := c.verify(set, n.hasher(f, set)); err != nil {
		return err
	}
	n.certify(f, set.root, c.normalized())
	return nil
}

// keepAll keeps the votes of a certificate that were not seen before.
func (n *Node) keepAll(f *fact, c *Certificate) {
	for _, v := range c.votes() {
		if f.seen[v.Verdict]&(1<<v.Index) == 0 && n.adopt(f, &v) == nil {
			n.keep(f, &v)
		}
	}
}

func (n *Node) onEquivocation(f *fact, e Equivocation) error {
	if f.accused[accusation{e.Epoch, n.rootOf(e.Epoch), e.Index, true}] {
		return ErrDuplicate
	}
	set := n.setOf(e.Epoch)
	if set == nil {
		return ErrEpoch
	}
	e.Valid, e.Invalid = Normalize(e.Valid), Normalize(e.Invalid)
	if err := e.verify(set, n.hasher(f, set)); err != nil {
		return err
	}
	n.accuse(f, &e)
	return nil
}

func (n *Node) onFalseVerdict(f *fact, e FalseVerdict) error {
	if f.accused[accusation{e.Vote.Epoch, n.rootOf(e.Vote.Epoch), e.Vote.Index, false}] {
		return ErrDuplicate
	}
	set := n.setOf(e.Vote.Epoch)
	if set == nil {
		return ErrEpoch
	}
	if !n.trusted(f) {
		return ErrNoOffence
	}
	e.Vote.Signature = Normalize(e.Vote.Signature)
	if err := e.verify(set, n.hasher(f, set), f.certificate); err != nil {
		return err
	}
	n.accuse(f, &e)
	return nil
}

func (n *Node) onRequest(f *fact, from Peer) error {
	if f.announced && !n.open(f) {
		n.answer(f, from)
	} else if p := n.promises[f.id]; p != nil && n.self >= 0 && f.seen[p.verdict]&(1<<n.self) != 0 {
		n.emit(Send{from, n.kept(f, uint8(n.self), p.verdict)})
	}
	return nil
}

// trusted reports whether the certificate decides what a false verdict is: it is the
// only one, and the node's own verification does not contradict it.
func (n *Node) trusted(f *fact) bool {
	return f.announced && !f.contested && (f.verdict == 0 || f.verdict == f.certificate.Verdict)
}

func (n *Node) accuseFalse(f *fact, v *Vote) {
	if n.trusted(f) && v.Verdict != f.certificate.Verdict {
		n.accuse(f, &FalseVerdict{*v})
	}
}

// accuse publishes evidence that was checked, once, and never against the node
// itself.
func (n *Node) accuse(f *fact, e Evidence) {
	epoch, index, _ := e.Offender()
	_, equivocation := e.(*Equivocation)
	a := accusation{epoch, n.rootOf(epoch), index, equivocation}
	if f.accused[a] || n.setOf(epoch).members[index].Key == n.config.Key {
		return
	}
	f.accused[a] = true
	n.emit(Broadcast{e}, Accused{e})
}
