package sim

import (
	"bytes"
	"errors"
	"math/big"
	"slices"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// audit sees everything and checks the invariants.
type audit struct {
	w            *world
	hashes       map[hashKey]felt.Felt
	checks       map[felt.Felt]consensus.Check
	signed       map[signKey]consensus.Verdict
	certificates map[consensus.FactID]*consensus.Certificate // the first that an honest node published
	guilty       map[guiltKey]map[int]bool
	heard        map[hearing]bool // right certificates that a running node has seen
	conflict     []guiltKey       // of which one node has seen certificates of both verdicts
	steps        int
}

type hashKey struct {
	epoch   uint64
	root    felt.Felt
	fact    consensus.FactID
	verdict consensus.Verdict
}

type signKey struct {
	host  int
	epoch uint64
	fact  consensus.FactID
}

type guiltKey struct {
	epoch uint64
	fact  consensus.FactID
}

// hearing is where a certificate was seen.
type hearing struct {
	host int
	guiltKey
	verdict consensus.Verdict
}

func newAudit(w *world) *audit {
	return &audit{
		w:            w,
		hashes:       make(map[hashKey]felt.Felt),
		checks:       make(map[felt.Felt]consensus.Check),
		signed:       make(map[signKey]consensus.Verdict),
		certificates: make(map[consensus.FactID]*consensus.Certificate),
		guilty:       make(map[guiltKey]map[int]bool),
		heard:        make(map[hearing]bool),
	}
}

// hash is what a member of a set signs, as the contracts define it.
func (a *audit) hash(set *consensus.ValidatorSet, id consensus.FactID, v consensus.Verdict) felt.Felt {
	k := hashKey{set.Epoch(), set.Root(), id, v}
	h, ok := a.hashes[k]
	if !ok {
		h = poseidon.HashMany(shortString("bitsage/vote/v1"), chainID, number(set.Epoch()), set.Root(), id.Felt(), number(uint64(v)))
		a.hashes[k] = h
	}
	return h
}

func (a *audit) verify(key, hash felt.Felt, sig consensus.Signature) bool {
	check, ok := a.checks[key]
	if !ok {
		var err error
		if check, err = a.w.keys.scheme(key); err != nil {
			return false
		}
		a.checks[key] = check
	}
	return check(hash, sig)
}

// sets returns the sets that an epoch had: the right one, and one that was replaced.
func (a *audit) sets(number uint64) []*consensus.ValidatorSet {
	if number == 0 || number > uint64(len(a.w.epochs)) {
		return nil
	}
	e := a.w.epochs[number-1]
	if e.replaced != nil {
		return []*consensus.ValidatorSet{e.set, e.replaced}
	}
	return []*consensus.ValidatorSet{e.set}
}

var (
	errEpoch     = errors.New("no such epoch")
	errShape     = errors.New("signatures do not match the bitmap")
	errQuorum    = errors.New("no quorum")
	errSignature = errors.New("wrong signature")
)

// certificate checks a certificate as the contract does: against the epoch's right
// set.
func (a *audit) certificate(c *consensus.Certificate) error {
	sets := a.sets(c.Epoch)
	if sets == nil {
		return errEpoch
	}
	return a.certified(c, sets[0])
}

func (a *audit) certified(c *consensus.Certificate, set *consensus.ValidatorSet) error {
	total, sum := new(big.Int), new(big.Int)
	next := 0
	for i := range 64 {
		signed := c.Bitmap>>i&1 == 1
		if i >= set.Len() {
			if signed {
				return errShape
			}
			continue
		}
		m := set.Member(i)
		weight := m.Weight.Big()
		total.Add(total, weight)
		if !signed {
			continue
		}
		if next == len(c.Signatures) {
			return errShape
		}
		if !a.verify(m.Key, a.hash(set, c.Fact, c.Verdict), c.Signatures[next]) {
			return errSignature
		}
		next++
		sum.Add(sum, weight)
	}
	if next != len(c.Signatures) {
		return errShape
	}
	if sum.Cmp(quorum(total)) < 0 {
		return errQuorum
	}
	return nil
}

// quorum is floor(2 total / 3) + 1.
func quorum(total *big.Int) *big.Int {
	q := new(big.Int).Mul(total, big.NewInt(2))
	q.Div(q, big.NewInt(3))
	return q.Add(q, big.NewInt(1))
}

// wellFormed checks a certificate of an honest node, whose set may be one that the
// chain replaces later.
func (a *audit) wellFormed(c *consensus.Certificate) bool {
	for _, set := range a.sets(c.Epoch) {
		if a.certified(c, set) == nil {
			return true
		}
	}
	return false
}

// published checks I1, I2 and I3.
func (a *audit) published(h *host, c *consensus.Certificate) {
	if !a.wellFormed(c) {
		a.w.violate("I3", "node %d published a certificate of %v by %b in epoch %d: %v", h.index, c.Verdict, c.Bitmap, c.Epoch, a.certificate(c))
		return
	}
	first := a.certificates[c.Fact]
	if first == nil {
		a.certificates[c.Fact] = c
		first = c
	}
	if a.w.Broken {
		return
	}
	if first.Verdict != c.Verdict {
		a.w.violate("I1", "two certificates of %v: %v in epoch %d, %v in epoch %d", c.Fact, first.Verdict, first.Epoch, c.Verdict, c.Epoch)
	}
	if c.Verdict != a.w.byID[c.Fact].verdict() {
		a.w.violate("I2", "%v is certified %v", c.Fact, c.Verdict)
	}
}

// decided checks I4 and I8.
func (a *audit) decided(h *host, c *consensus.Certificate, v consensus.Verdict) {
	if c == nil || c.Verdict != v || !a.wellFormed(c) {
		a.w.violate("I8", "node %d decided %v without such a certificate", h.index, v)
		return
	}
	before, again := h.decided[c.Fact]
	if again && before != v {
		if h.Lies && a.w.Broken {
			return // its disk forgot what it had decided
		}
		a.w.violate("I4", "node %d decided %v and then %v", h.index, before, v)
	}
	h.decided[c.Fact] = v
	if !again {
		a.w.report.Decided++
	}
}

// signing checks the first part of I6: what is signed was promised on the disk, and
// nothing else was.
func (a *audit) signing(h *host, s consensus.Sign) {
	promise := a.w.encodeRecord(s.Vote)
	durable := false
	for _, r := range h.disk[:h.synced] {
		durable = durable || r.typ == promise.typ && bytes.Equal(r.data, promise.data)
	}
	if !durable {
		a.w.violate("I6", "node %d signs before its journal is synced", h.index)
	}
	right := false
	for _, set := range a.sets(s.Vote.Epoch) {
		want := a.hash(set, s.Vote.Fact, s.Vote.Verdict)
		right = right || want == s.Hash
	}
	if !right {
		a.w.violate("I6", "node %d signs something that is no vote of it", h.index)
	}
	k := signKey{h.index, s.Vote.Epoch, s.Vote.Fact}
	if before, ok := a.signed[k]; ok && before != s.Vote.Verdict {
		a.w.violate("I6", "node %d signs %v after %v in epoch %d", h.index, s.Vote.Verdict, before, s.Vote.Epoch)
	}
	a.signed[k] = s.Vote.Verdict
}

// accused checks the second part of I6, and that evidence is what the contract wants.
func (a *audit) accused(h *host, e consensus.Evidence) {
	a.w.report.Evidence++
	epoch, index, id := e.Offender()
	for _, set := range a.sets(epoch) {
		if int(index) >= set.Len() {
			continue
		}
		key := set.Member(int(index)).Key
		signed := func(v consensus.Verdict, sig consensus.Signature) bool { return a.verify(key, a.hash(set, id, v), sig) }
		offender := a.owner(key)
		switch e := e.(type) {
		case *consensus.Equivocation:
			if !signed(consensus.Valid, e.Valid) || !signed(consensus.Invalid, e.Invalid) {
				continue
			}
			if offender.honest() {
				a.w.violate("I6", "honest node %d is accused of equivocation", offender.index)
			}
			k := guiltKey{epoch, id}
			if a.guilty[k] == nil {
				a.guilty[k] = make(map[int]bool)
			}
			a.guilty[k][offender.index] = true
		case *consensus.FalseVerdict:
			if !signed(e.Vote.Verdict, e.Vote.Signature) {
				continue
			}
			if offender.correct() && !a.w.Broken {
				a.w.violate("I6", "correct node %d is accused of a false verdict", offender.index)
			}
			// A disk that lies may have lost the decision, and by then there may be a
			// contradicting certificate.
			if h.decided[id] == e.Vote.Verdict && !(h.Lies && a.w.Broken) {
				a.w.violate("I6", "node %d accuses node %d of the verdict it decided itself", h.index, offender.index)
			}
		}
		return
	}
	a.w.violate("I6", "node %d has evidence that the contract refuses", h.index)
}

func (a *audit) owner(key felt.Felt) *host {
	for _, h := range a.w.hosts {
		if h.key.public() == key {
			return h
		}
	}
	return nil
}

func (a *audit) contested(h *host, e consensus.Contested) {
	a.w.report.Contested++
	if e.First.Verdict == e.Second.Verdict || !a.wellFormed(e.First) || !a.wellFormed(e.Second) {
		a.w.violate("I3", "node %d reports a conflict that is none", h.index)
	}
	if !a.w.Broken {
		a.w.violate("I1", "node %d has certificates of both verdicts", h.index)
	}
}

// hears notes for I5 a right certificate that a node got, made or was told by the chain,
// while its epoch is one of the two whose sets the node knows.
func (a *audit) hears(h *host, c *consensus.Certificate) {
	if !a.knows(h, c.Epoch) || a.certificate(c) != nil {
		return
	}
	k := guiltKey{c.Epoch, c.Fact}
	a.heard[hearing{h.index, k, c.Verdict}] = true
	if a.heard[hearing{h.index, k, consensus.Valid + consensus.Invalid - c.Verdict}] && !slices.Contains(a.conflict, k) {
		a.conflict = append(a.conflict, k)
	}
}

// knows reports whether a host has seen the right set of an epoch and is not more than
// one epoch further.
func (a *audit) knows(h *host, epoch uint64) bool {
	if epoch == 0 || epoch > uint64(len(h.view)) {
		return false
	}
	for _, later := range h.view[min(epoch+1, uint64(len(h.view))):] {
		if later != nil {
			return false
		}
	}
	seen := h.view[epoch-1]
	if seen == nil && epoch < uint64(len(h.view)) && h.view[epoch] != nil {
		return true // it asks the chain for the set before the latest
	}
	return seen == a.w.epochs[epoch-1].set
}

// forgets drops what a node had heard when it crashes or, if a fact is given, closes it.
func (a *audit) forgets(h *host, id *consensus.FactID) {
	for k := range a.heard {
		if k.host == h.index && (id == nil || k.fact == *id) {
			delete(a.heard, k)
		}
	}
}

// served reports whether somebody besides the worker has a claim's proof and gives
// it.
func (a *audit) served(c *claim) bool {
	for _, h := range a.w.hosts {
		if h.node != nil && h.correct() && c.Withheld&(1<<h.index) == 0 {
			return true
		}
	}
	return false
}

// stepped checks I9, now and then.
func (a *audit) stepped(h *host, ev consensus.Event) {
	if a.steps++; a.steps%8 != 0 {
		return
	}
	if n := h.node.Facts(); n > a.w.MaxFacts {
		a.w.violate("I9", "node %d keeps %d facts", h.index, n)
	}
	if r, ok := ev.(consensus.Received); ok {
		if v, ok := r.Message.(*consensus.Vote); ok {
			a.bounded(h, v.Fact)
		}
	}
}

func (a *audit) bounded(h *host, id consensus.FactID) {
	kept := make(map[uint8]int)
	for _, v := range h.node.Votes(id) {
		if kept[v.Index]++; kept[v.Index] > 2 || int(v.Index) >= len(a.w.hosts) {
			a.w.violate("I9", "node %d keeps more than two votes of validator %d", h.index, v.Index)
		}
	}
}

// end checks what must hold when all is over.
func (a *audit) end() {
	if a.w.report.Violation != nil {
		return
	}
	for _, h := range a.w.hosts {
		if h.node == nil {
			continue
		}
		for _, c := range a.w.claims {
			a.bounded(h, c.id)
		}
		a.restarts(h)
	}
	for _, c := range a.w.claims {
		if a.w.Broken {
			a.accountable(c)
		} else {
			a.terminates(c)
		}
		a.recorded(c)
	}
	a.conflicts()
	a.w.chain.books.end(a.w.chain.ledger)
}

// recorded checks for I11 that a certificate that the contract takes gets there, which
// takes whoever has it to send it again after a reorganization.
func (a *audit) recorded(c *claim) {
	if a.w.Chain.Never || a.w.chain.ledger.facts[c.number].first != nil {
		return
	}
	for _, h := range a.w.hosts {
		if h.node == nil {
			continue
		}
		if own := h.node.Certificate(c.id); own != nil && own.Epoch+1 >= a.w.chain.epoch && a.certificate(own) == nil {
			a.w.violate("I11", "node %d has a certificate of %v that is not on the chain", h.index, c.id)
		}
	}
}

// accountable checks a part of I5: where a node decided against what the chain recorded
// in the same epoch, one of the last two, a third of the weight is convicted.
func (a *audit) accountable(c *claim) {
	recorded := a.w.chain.ledger.facts[c.number].first
	if recorded == nil || recorded.Epoch+1 < uint64(len(a.w.epochs)) {
		return
	}
	for _, h := range a.w.hosts {
		if h.node == nil {
			continue
		}
		own := h.node.Certificate(c.id)
		if own == nil || own.Verdict == recorded.Verdict || own.Epoch != recorded.Epoch || a.certificate(own) != nil {
			continue
		}
		if !a.third(guiltKey{own.Epoch, c.id}) {
			a.w.violate("I5", "node %d decided %v, the chain %v, and too few are convicted", h.index, own.Verdict, recorded.Verdict)
		}
	}
}

// third reports whether those convicted of an equivocation are a third of the weight.
func (a *audit) third(k guiltKey) bool {
	total, convicted := new(big.Int), new(big.Int)
	for _, m := range a.w.epochs[k.epoch-1].members {
		total.Add(total, weight(m.Weight).Big())
		if a.guilty[k][m.Validator] {
			convicted.Add(convicted, weight(m.Weight).Big())
		}
	}
	return convicted.Mul(convicted, big.NewInt(3)).Cmp(total) >= 0
}

// conflicts checks the rest of I5: where a node has seen two certificates of one epoch
// against each other, a third of the weight is convicted.
func (a *audit) conflicts() {
	for _, k := range a.conflict {
		a.w.report.Conflicts++
		if a.third(k) {
			a.w.report.Thirds++
		} else {
			a.w.violate("I5", "%v has certificates of both verdicts in epoch %d, and too few are convicted", k.fact, k.epoch)
		}
	}
}

// terminates checks I7 and, for I11, that what all have decided gets on the chain, and
// back on it after a reorganization.
func (a *audit) terminates(c *claim) {
	if !a.decidable(c) {
		return
	}
	for _, h := range a.w.hosts {
		if h.node != nil && h.node.Certificate(c.id) == nil {
			a.w.violate("I7", "node %d has not decided claim %v", h.index, c.id)
		}
	}
	if !a.w.Chain.Never && a.w.chain.ledger.facts[c.number].first == nil {
		a.w.violate("I11", "claim %v is decided and has no certificate on the chain", c.id)
	}
}

// decidable reports whether those who are up and right in the last epoch can decide a claim.
func (a *audit) decidable(c *claim) bool {
	rivals := 0
	for _, other := range a.w.claims {
		if other.submission.JobID == c.submission.JobID {
			rivals++
		}
	}
	if c.Oversize || rivals > 2 || len(a.w.claims) > a.w.MaxFacts || c.At+c.TTL <= a.w.End {
		return false
	}
	last := a.w.epochs[len(a.w.epochs)-1]
	total, able := new(big.Int), new(big.Int)
	for _, m := range last.members {
		weight := weight(m.Weight).Big()
		total.Add(total, weight)
		if h := a.w.hosts[m.Validator]; h.node != nil && h.correct() && (a.served(c) || c.Withheld&(1<<m.Validator) == 0) {
			able.Add(able, weight)
		}
	}
	return able.Cmp(quorum(total)) >= 0
}

// restarts checks I10.
func (a *audit) restarts(h *host) {
	if h.Lies {
		return
	}
	config := h.config()
	config.MaxFacts = 0 // of facts that do not all fit, another selection would be kept
	node, err := h.restore(config)
	if err != nil {
		a.w.violate("I10", "node %d does not start again: %v", h.index, err)
		return
	}
	i := len(h.view) - 1
	for h.view[i] == nil {
		i--
	}
	if _, err := node.Step(consensus.EpochChanged{Set: h.view[i]}); err != nil {
		a.w.violate("I10", "node %d refuses its epoch: %v", h.index, err)
		return
	}
	for _, c := range h.known {
		before := h.node.Certificate(c.id)
		node.Step(consensus.Submitted{Submission: c.submission, WorkerKey: c.worker.public(), TTL: 1})
		after := node.Certificate(c.id)
		if before != nil && (after == nil || after.Verdict != before.Verdict) {
			a.w.violate("I10", "node %d decided %v and has not after a restart", h.index, before.Verdict)
		}
	}
}
