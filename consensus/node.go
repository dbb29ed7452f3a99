package consensus

import (
	"errors"
	"math/bits"
	"slices"

	"github.com/bitsage/bitsage/chain/felt"
)

// The limits that apply where Config has zeros.
const (
	DefaultMaxFacts    = 4096
	DefaultMaxPromises = 1 << 16
)

// The delays of timers, in milliseconds.
const (
	firstReport uint64 = 30_000 // reports come 30, 60, 120, 240, ... seconds after the submission, at last every 5 minutes
	lastReport  uint64 = 300_000
	firstResend uint64 = 1_000 // votes are sent again after 1, 2, 4, ... seconds
	lastResend  uint64 = 60_000
)

// The reasons for which an event changes nothing, besides those of votes,
// certificates and submissions.
var (
	// ErrNoJournal means that a journal does not begin with an Identity. A
	// validator does not run without its journal.
	ErrNoJournal = errors.New("consensus: no journal: it must begin with the validator's identity")
	// ErrIdentity means that a journal is that of another chain or vote key.
	ErrIdentity = errors.New("consensus: the journal is of another chain or vote key")
	// ErrUnknownFact means that there is no open submission of a fact.
	ErrUnknownFact = errors.New("consensus: unknown fact")
	// ErrDuplicate means that the event was seen before, or its time is over.
	ErrDuplicate = errors.New("consensus: seen before")
	// ErrFull means that no more facts can be kept.
	ErrFull = errors.New("consensus: full")
	// ErrResubmitted means that the worker has signed two facts of the job before.
	ErrResubmitted = errors.New("consensus: a third submission for one job")
	// ErrPromise means that a signature is not one that was asked for.
	ErrPromise = errors.New("consensus: a signature that the journal does not allow")
	// ErrKeyReused means that the node's own key signed something against the
	// journal: another process has the key, or the journal is an old copy.
	ErrKeyReused = errors.New("consensus: the vote key signed elsewhere")
	// ErrMessage means that a message or event is none that a node takes.
	ErrMessage = errors.New("consensus: not a message for a node")
)

// Config says who a node is and what it takes.
type Config struct {
	Chain       felt.Felt   // short string of the chain's name
	Key         felt.Felt   // own vote key; zero makes an observer, who counts votes and needs no journal
	Scheme      Scheme      // of the workers' signatures; nil means Stark
	Profiles    []felt.Felt // security profiles that submissions may have
	MaxFacts    int         // open facts; zero means DefaultMaxFacts
	MaxPromises int         // votes in one epoch; zero means DefaultMaxPromises
}

// Node is a validator's, or an observer's, view of the votes. It is a state machine:
// everything it does follows from the journal and the events. It is not safe for
// concurrent use.
type Node struct {
	config    Config
	set, prev *ValidatorSet // of the current epoch and the one before
	self      int           // own index in set, or -1
	floor     uint64        // the latest epoch that the journal or an event named
	promises  map[FactID]*promise
	decisions map[FactID]Decision // from the journal, of facts that are not open now
	facts     map[FactID]*fact
	order     []FactID // open facts, the oldest first
	jobs      map[job][]FactID
	out       []Effect
}

// promise is a Promise of the latest epoch.
type promise struct {
	verdict Verdict
	durable bool
}

// job is what a worker submits once.
type job struct{ id, worker felt.Felt }

// New returns a node that goes on from its journal. Before a validator's first start
// the journal holds one record, the Identity with the chain and its key. It fails with
// ErrNoJournal or ErrIdentity. The first event must be EpochChanged; then come the open
// submissions and the timers, which are not in the journal.
func New(config Config, journal []Record) (*Node, error) {
	if config.Scheme == nil {
		config.Scheme = Stark
	}
	if config.MaxFacts == 0 {
		config.MaxFacts = DefaultMaxFacts
	}
	if config.MaxPromises == 0 {
		config.MaxPromises = DefaultMaxPromises
	}
	n := &Node{
		config:    config,
		self:      -1,
		promises:  make(map[FactID]*promise),
		decisions: make(map[FactID]Decision),
		facts:     make(map[FactID]*fact),
		jobs:      make(map[job][]FactID),
	}
	if n.validator() {
		if len(journal) == 0 {
			return nil, ErrNoJournal
		}
		identity, ok := journal[0].(Identity)
		if !ok {
			return nil, ErrNoJournal
		}
		if identity != (Identity{config.Chain, config.Key}) {
			return nil, ErrIdentity
		}
		journal = journal[1:]
	}
	for _, r := range journal {
		n.replay(r)
	}
	return n, nil
}

func (n *Node) validator() bool { return !n.config.Key.IsZero() }

// replay restores what a record says.
func (n *Node) replay(r Record) {
	switch r := r.(type) {
	case Rollover:
		n.enter(r.Epoch)
	case Promise:
		n.enter(r.Epoch)
		if r.Epoch == n.floor {
			n.promises[r.Fact] = &promise{r.Verdict, true}
		}
	case Decision:
		n.decisions[r.Certificate.Fact] = r
	}
}

// enter raises the floor to an epoch. Promises of earlier epochs have no use then,
// as nothing is signed there any more.
func (n *Node) enter(epoch uint64) {
	if epoch > n.floor {
		n.floor = epoch
		clear(n.promises)
	}
}

// Snapshot returns the records that a new journal needs to take this node's place,
// for rewriting a journal that has grown. It holds nothing that Append has asked for
// and Appended has not confirmed, so do not rewrite the journal in between.
func (n *Node) Snapshot() []Record {
	records := []Record{Identity{n.config.Chain, n.config.Key}}
	if n.set != nil {
		records = append(records, Rollover{n.floor, n.set.root})
	}
	for _, id := range sorted(n.promises) {
		if p := n.promises[id]; p.durable {
			records = append(records, Promise{n.floor, id, p.verdict})
		}
	}
	for _, id := range sorted(n.decisions) {
		if d := n.decisions[id]; d.Certificate.Epoch+2 > n.floor {
			records = append(records, d)
		}
	}
	for _, id := range n.order {
		if f := n.facts[id]; f.announced {
			records = append(records, Decision{f.root, f.certificate})
		}
	}
	return records
}

func sorted[T any](m map[FactID]T) []FactID {
	ids := make([]FactID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b FactID) int {
		return a.Felt().Cmp(b.Felt())
	})
	return ids
}

// Certificate returns the certificate by which a fact was decided, or nil.
func (n *Node) Certificate(id FactID) *Certificate {
	if f := n.facts[id]; f != nil && f.announced {
		return f.certificate
	}
	return nil
}

// Votes returns the votes of the current epoch that are kept for a fact, at most two
// for each validator, in no order.
func (n *Node) Votes(id FactID) []Vote {
	f := n.facts[id]
	if f == nil {
		return nil
	}
	var votes []Vote
	for b, sig := range f.signatures {
		votes = append(votes, Vote{n.set.epoch, b.index, id, b.verdict, sig})
	}
	return votes
}

// Facts returns the number of open facts.
func (n *Node) Facts() int { return len(n.facts) }

// Step lets an event happen and returns what is to be done, in this order. An error
// says why the event was refused; there may be effects all the same, such as an
// answer to a peer that is behind. Events are checked before anything changes, the
// cheap checks first.
func (n *Node) Step(ev Event) ([]Effect, error) {
	n.out = nil
	err := n.step(ev)
	return n.out, err
}

func (n *Node) step(ev Event) error {
	if e, ok := ev.(EpochChanged); ok {
		return n.onEpoch(e.Set, e.Previous)
	}
	if n.set == nil {
		return ErrEpoch
	}
	switch ev := ev.(type) {
	case Submitted:
		return n.onSubmitted(ev)
	case Received:
		return n.onMessage(ev.From, ev.Message)
	case Appended:
		return n.onAppended(ev.Record)
	case Verified:
		return n.with(ev.Fact, func(f *fact) error { return n.onVerified(f, ev.Verdict) })
	case Unavailable:
		return n.with(ev.Fact, n.onUnavailable)
	case Signed:
		return n.with(ev.Vote.Fact, func(f *fact) error { return n.onSigned(f, ev) })
	case Fired:
		return n.with(ev.Timer.Fact, func(f *fact) error { return n.onFired(f, ev.Timer) })
	case Settled:
		return n.with(ev.Certificate.Fact, func(f *fact) error { return n.onSettled(f, ev.Certificate) })
	case Unsettled:
		return n.with(ev.Fact, n.onUnsettled)
	}
	return ErrMessage
}

// with calls do for an open fact.
func (n *Node) with(id FactID, do func(*fact) error) error {
	f := n.facts[id]
	if f == nil {
		return ErrUnknownFact
	}
	return do(f)
}

func (n *Node) emit(e ...Effect) { n.out = append(n.out, e...) }

func (n *Node) onSubmitted(ev Submitted) error {
	s := ev.Submission
	if s.ProofSize == 0 || s.ProofSize > MaxProofSize {
		return ErrProofSize
	}
	if !slices.Contains(n.config.Profiles, s.Profile) {
		return ErrProfile
	}
	id := s.Fact.ID(n.config.Chain)
	if n.facts[id] != nil {
		return ErrDuplicate
	}
	j := job{s.JobID, s.Worker}
	decision, decided := n.decisions[id]
	if len(n.jobs[j]) >= 2 && !decided {
		return ErrResubmitted
	}
	check, err := n.config.Scheme(ev.WorkerKey)
	if err != nil || !check(id.Felt(), s.Signature) {
		return ErrSignature
	}
	if err := n.makeRoom(); err != nil {
		return err
	}
	rivals := n.jobs[j]
	if len(rivals) == 1 {
		n.emit(Resubmitted{n.facts[rivals[0]].submission, s})
	}
	f := newFact(id, s)
	n.facts[id] = f
	n.order = append(n.order, id)
	n.jobs[j] = append(rivals, id)
	n.setTimer(f, ExpiryTimer, ev.TTL)
	n.setTimer(f, ReportTimer, firstReport)
	if decided {
		delete(n.decisions, id)
		f.root, f.certificate = decision.Root, decision.Certificate
		n.announce(f)
		n.note(f, f.root, f.certificate)
	}
	if n.open(f) {
		n.reopen(f)
	}
	return nil
}

// makeRoom forgets the oldest decided fact if there is no room for another one,
// one that the chain has recorded if possible.
func (n *Node) makeRoom() error {
	if len(n.facts) < n.config.MaxFacts {
		return nil
	}
	i := slices.IndexFunc(n.order, func(id FactID) bool { return n.facts[id].settled })
	if i < 0 {
		i = slices.IndexFunc(n.order, func(id FactID) bool { return n.facts[id].announced })
	}
	if i < 0 {
		return ErrFull
	}
	n.close(n.facts[n.order[i]])
	return nil
}

func (n *Node) close(f *fact) {
	j := job{f.submission.JobID, f.submission.Worker}
	n.jobs[j] = slices.DeleteFunc(slices.Clone(n.jobs[j]), func(id FactID) bool { return id == f.id })
	if len(n.jobs[j]) == 0 {
		delete(n.jobs, j)
	}
	delete(n.facts, f.id)
	n.order = slices.DeleteFunc(n.order, func(id FactID) bool { return id == f.id })
	n.emit(Closed{f.id})
}

// open reports whether a fact still needs votes: it has no certificate, or one that
// the chain takes no more, because it is too old or because its set was replaced.
func (n *Node) open(f *fact) bool {
	return f.certificate == nil || !f.settled && !n.current(f.certificate.Epoch, f.root)
}

// current reports whether a root is that of a set whose votes still count.
func (n *Node) current(epoch uint64, root felt.Felt) bool {
	s := n.setOf(epoch)
	return s != nil && s.root == root
}

// reopen goes on with an open fact: by another certificate of the decision that is known
// and that the contract takes, or by votes.
func (n *Node) reopen(f *fact) {
	for _, s := range []*ValidatorSet{n.set, n.prev} {
		if f.certificate == nil || s == nil {
			continue
		}
		if c := f.certificates[issue{s.epoch, s.root, f.certificate.Verdict}]; c != nil {
			n.decide(f, s.root, c)
			return
		}
	}
	n.vote(f)
}

// vote takes the next step towards the node's own vote on a fact: finding the verdict,
// journaling it, or signing.
func (n *Node) vote(f *fact) {
	if n.self < 0 {
		return
	}
	p := n.promises[f.id]
	switch {
	case p != nil && !p.durable:
		// Appended will come.
	case p != nil && f.seen[p.verdict]&(1<<n.self) != 0:
		n.publish(f, p.verdict)
	case p != nil:
		n.emit(Sign{Promise{n.set.epoch, f.id, p.verdict}, n.hash(f, p.verdict)})
	case f.verdict == 0:
		n.fetch(f)
	default:
		n.promise(f, f.verdict)
	}
}

func (n *Node) fetch(f *fact) {
	if n.self >= 0 && !f.fetching && f.verdict == 0 {
		f.fetching = true
		n.emit(RequestProof{f.id, f.submission})
	}
}

// promise begins to journal the node's verdict in this epoch. With too many promises
// the node abstains until the next epoch.
func (n *Node) promise(f *fact, v Verdict) {
	if len(n.promises) < n.config.MaxPromises {
		n.promises[f.id] = &promise{verdict: v}
		n.emit(Append{Promise{n.set.epoch, f.id, v}})
	}
}

// publish sends the node's own vote, again and again until the fact is decided.
func (n *Node) publish(f *fact, v Verdict) {
	n.emit(Broadcast{n.kept(f, uint8(n.self), v)})
	f.resends = 0
	if n.open(f) {
		n.setTimer(f, ResendTimer, firstResend)
	}
}

func (n *Node) setTimer(f *fact, kind TimerKind, delay uint64) {
	f.timers[kind]++
	n.emit(SetTimer{Timer{kind, f.id, f.timers[kind]}, delay})
}

func (n *Node) onVerified(f *fact, v Verdict) error {
	if !v.ok() {
		return ErrVerdict
	}
	if f.verdict != 0 {
		return ErrDuplicate
	}
	f.fetching, f.verdict = false, v
	n.vote(f)
	return nil
}

func (n *Node) onUnavailable(f *fact) error {
	if !f.fetching {
		return ErrDuplicate
	}
	f.fetching = false
	n.emit(Broadcast{&Request{f.id}})
	return nil
}

func (n *Node) onAppended(r Record) error {
	switch r := r.(type) {
	case Promise:
		p := n.promises[r.Fact]
		if p == nil || r.Epoch != n.floor || p.verdict != r.Verdict {
			return ErrEpoch // the epoch ended meanwhile
		}
		p.durable = true
		return n.with(r.Fact, func(f *fact) error { n.vote(f); return nil })
	case Decision:
		return n.with(r.Certificate.Fact, func(f *fact) error {
			if f.certificate != r.Certificate || f.announced {
				return ErrDuplicate
			}
			n.announce(f)
			return nil
		})
	}
	return nil
}

func (n *Node) onSigned(f *fact, ev Signed) error {
	if ev.Vote.Epoch != n.set.epoch || n.self < 0 {
		return ErrEpoch
	}
	p := n.promises[f.id]
	if p == nil || !p.durable || p.verdict != ev.Vote.Verdict {
		return ErrPromise
	}
	if f.seen[p.verdict]&(1<<n.self) != 0 {
		return ErrDuplicate
	}
	v := Vote{n.set.epoch, uint8(n.self), f.id, p.verdict, Normalize(ev.Signature)}
	if err := v.checkSignature(n.set, n.hash(f, p.verdict)); err != nil {
		return err
	}
	n.keep(f, &v)
	n.publish(f, p.verdict)
	n.count(f, p.verdict)
	return nil
}

func (n *Node) onFired(f *fact, t Timer) error {
	if t.Kind >= timerKinds || f.timers[t.Kind] != t.N {
		return ErrDuplicate
	}
	switch t.Kind {
	case ExpiryTimer:
		n.close(f)
	case ReportTimer:
		n.report(f)
	case ResendTimer:
		n.resend(f)
	}
	return nil
}

// report says that the fact is undecided and asks others for what is missing here.
func (n *Node) report(f *fact) {
	if f.certificate == nil {
		n.emit(n.undecided(f))
	}
	if n.open(f) {
		n.emit(Broadcast{&Request{f.id}})
		n.fetch(f)
	}
	n.setTimer(f, ReportTimer, min(firstReport<<f.reports, lastReport))
	f.reports = min(f.reports+1, 16)
}

func (n *Node) undecided(f *fact) Undecided {
	u := Undecided{Fact: f.id, Valid: f.weight[Valid], Invalid: f.weight[Invalid]}
	most := u.Valid
	if u.Invalid.Cmp(most) > 0 {
		most = u.Invalid
	}
	u.Missing, _ = n.set.quorum.sub(most)
	return u
}

func (n *Node) resend(f *fact) {
	p := n.promises[f.id]
	if !n.open(f) || n.self < 0 || p == nil || f.seen[p.verdict]&(1<<n.self) == 0 {
		return
	}
	n.emit(Broadcast{n.kept(f, uint8(n.self), p.verdict)})
	f.resends = min(f.resends+1, 16)
	n.setTimer(f, ResendTimer, min(firstResend<<f.resends, lastResend))
}

// onSettled takes the chain's word where the node has none of its own. If they differ,
// both certificates are sent on, and are evidence as far as the signatures can be checked
// here. After a reorganization the chain may have another certificate than before.
func (n *Node) onSettled(f *fact, settled *Certificate) error {
	if !settled.Verdict.ok() {
		return ErrVerdict
	}
	if settled.Bitmap == 0 || len(settled.Signatures) != bits.OnesCount64(settled.Bitmap) {
		return ErrSignatureCount
	}
	before := f.settled
	f.settled = true
	c := settled.normalized()
	var root felt.Felt // stays 0, which is no set's, if the signatures cannot be checked here
	known := false
	if s := n.setOf(c.Epoch); s != nil {
		known = f.certificates[issue{c.Epoch, s.root, c.Verdict}] != nil
		if !known && c.verify(s, n.hasher(f, s)) == nil {
			root = s.root
		}
	}
	against := f.certificate != nil && f.certificate.Verdict != c.Verdict
	switch {
	case f.certificate == nil || !root.IsZero() || against && !f.contested:
		if against {
			n.emit(Broadcast{f.certificate})
		}
		n.certify(f, root, c)
	case before:
		return ErrDuplicate
	}
	return nil
}

// onUnsettled announces the decision again, for its certificate has to get on the chain
// again, or lets the set vote as if the chain had never had one.
func (n *Node) onUnsettled(f *fact) error {
	before := f.settled
	f.settled = false
	switch {
	case before && n.open(f):
		n.reopen(f)
	case f.announced && !n.open(f):
		n.announce(f)
	default:
		return ErrDuplicate
	}
	return nil
}

// onEpoch lets the next set vote. Votes of the old set are dropped: those that made
// no certificate are cast again by the new one.
func (n *Node) onEpoch(set, prev *ValidatorSet) error {
	if set.epoch == 0 || set.epoch < n.floor || prev != nil && prev.epoch+1 != set.epoch {
		return ErrEpoch
	}
	replaced := n.set == nil || n.set.epoch != set.epoch || n.set.root != set.root
	if !replaced && (prev == nil || n.prev != nil && n.prev.root == prev.root) {
		return ErrDuplicate
	}
	if set.epoch > n.floor {
		n.enter(set.epoch)
		if n.validator() {
			n.emit(Append{Rollover{set.epoch, set.root}})
		}
	}
	n.set, n.prev, n.self = set, prev, -1
	if i, ok := set.Index(n.config.Key); ok {
		n.self = i
	}
	for _, id := range n.order {
		f := n.facts[id]
		if replaced {
			f.tally = newTally()
		}
		for i := range f.certificates {
			if !n.current(i.epoch, i.root) {
				delete(f.certificates, i)
			}
		}
		for a := range f.accused {
			if !n.current(a.epoch, a.root) {
				delete(f.accused, a)
			}
		}
		if n.open(f) {
			n.reopen(f)
		}
	}
	return nil
}
