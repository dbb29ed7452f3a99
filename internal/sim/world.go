package sim

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"strconv"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
)

// Report is what a run ended with.
type Report struct {
	Trace     [32]byte // hash of every event and effect
	Violation *Violation
	Events    int
	Decided   int // decisions, of all nodes together
	Undecided int // reports that a fact is undecided
	Contested int // reports of certificates of both verdicts
	Evidence  int // accusations

	Broken    int // 1 if a third of the weight or more is faulty
	Conflicts int // facts with certificates of both verdicts in one epoch
	Thirds    int // of these, those with evidence against a third of the weight
	Paid      int // jobs
	Refunded  int // jobs
	Slashed   int // offences of validators
	Convicted int // of these, those for a conflict of two certificates on the chain
	Lost      int // transactions that a reorganization of the chain undid
}

// Violation says which invariant failed first.
type Violation struct {
	Invariant string
	Detail    string
	At        uint64
}

// Error implements error.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s at %d ms: %s", v.Invariant, v.At, v.Detail)
}

var (
	chainID = shortString(ChainName)
	other   = shortString("SN_OTHER") // another chain, for replays
	profile = shortString("matmul-p96")
)

func shortString(s string) felt.Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err)
	}
	return f
}

// world is a run in progress.
type world struct {
	*Scenario
	rng    *rand.Rand
	keys   keyring
	now    uint64
	queue  queue
	count  uint64
	hosts  []*host
	epochs []*epoch
	claims []*claim
	jobs   []*claim // the first claims
	byID   map[consensus.FactID]*claim
	chain  chain
	audit  *audit
	foe    adversary
	trace  hash.Hash
	report Report
}

type epoch struct {
	number   uint64
	set      *consensus.ValidatorSet
	replaced *consensus.ValidatorSet // what nodes see first, or nil
	members  []Stake
}

// claim is a submission with what the checks must know of it.
type claim struct {
	Claim
	submission *consensus.Submission
	id         consensus.FactID
	worker     signer
	number     int
	job        int
	fee, bond  *big.Int
}

func (c *claim) verdict() consensus.Verdict {
	if c.True {
		return consensus.Valid
	}
	return consensus.Invalid
}

// action is something that happens at a time.
type action struct {
	at, seq uint64
	do      func()
}

type queue []action

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].seq < q[j].seq
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(action)) }
func (q *queue) Pop() any {
	old := *q
	a := old[len(old)-1]
	*q = old[:len(old)-1]
	return a
}

func (w *world) after(delay uint64, do func()) {
	w.count++
	heap.Push(&w.queue, action{w.now + delay, w.count, do})
}

func (w *world) percent(p int) bool { return w.rng.IntN(100) < p }

// Run plays a scenario to its end or to the first violation.
func Run(s Scenario) Report { return play(s).report }

// play runs a scenario and returns everything as it is in the end.
func play(s Scenario) *world {
	w := &world{Scenario: &s, rng: rand.New(rand.NewPCG(s.Seed, 2)), keys: newMACRing(), trace: sha256.New(), byID: make(map[consensus.FactID]*claim)}
	if s.Real {
		w.keys = &starkRing{}
	}
	w.audit = newAudit(w)
	if s.Broken {
		w.report.Broken = 1
	}
	for i, r := range s.Validators {
		w.hosts = append(w.hosts, newHost(w, i, r))
	}
	for i, e := range s.Epochs {
		w.epochs = append(w.epochs, w.newEpoch(uint64(i+1), e))
	}
	w.foe = adversary{w: w}
	w.claim()
	w.chain = w.newChain()
	for _, c := range w.claims {
		w.chain.watch(c)
	}
	for i, e := range s.Epochs {
		w.after(e.At, func() { w.begin(i) })
	}
	for _, f := range s.Faults {
		w.after(f.At, func() { w.fault(f) })
	}
	w.after(s.GST, func() {
		for _, h := range w.hosts {
			h.recover()
		}
	})
	for len(w.queue) > 0 && w.report.Violation == nil {
		a := heap.Pop(&w.queue).(action)
		if a.at > s.End {
			break
		}
		w.now = a.at
		a.do()
	}
	if w.report.Violation == nil {
		w.chain.close()
	}
	w.audit.end()
	w.trace.Sum(w.report.Trace[:0])
	return w
}

// violate notes the first violation.
func (w *world) violate(invariant, format string, args ...any) {
	if w.report.Violation == nil {
		w.report.Violation = &Violation{invariant, fmt.Sprintf(format, args...), w.now}
	}
}

func (w *world) newEpoch(number uint64, e Epoch) *epoch {
	build := func(stakes []Stake) *consensus.ValidatorSet {
		var members []consensus.Member
		for _, m := range stakes {
			members = append(members, consensus.Member{Key: w.hosts[m.Validator].key.public(), Weight: weight(m.Weight)})
		}
		set, err := consensus.NewValidatorSet(number, members, w.keys.scheme)
		if err != nil {
			panic(err) // of the scenario
		}
		return set
	}
	made := &epoch{number: number, set: build(e.Members), members: e.Members}
	if e.Replace && len(e.Members) > 1 {
		made.replaced = build(e.Members[1:])
	}
	return made
}

// weight is a stake in a unit so large that sums need more than 64 bits.
func weight(x uint64) consensus.Weight {
	hi, lo := bits.Mul64(x, 1<<60+7)
	return consensus.Weight{Hi: hi, Lo: lo}
}

// claim makes the submissions and lets every node see them.
func (w *world) claim() {
	for i, c := range w.Facts {
		k := &claim{Claim: c, number: i, job: len(w.jobs), worker: w.keys.key(1000 + uint64(i))}
		s := &consensus.Submission{ProofSize: 1000, Expiry: c.TTL}
		if c.Oversize {
			s.ProofSize = consensus.MaxProofSize + 1
		}
		if c.Rival != 0 && c.Rival <= i {
			k.worker, k.job = w.claims[c.Rival-1].worker, w.claims[c.Rival-1].job
			s.Fact = w.claims[c.Rival-1].submission.Fact
		} else {
			s.JobID.SetUint64(uint64(i + 1))
			s.Worker.SetUint64(uint64(i + 1000))
			s.Profile = profile
			k.fee, k.bond = weight(50+7*uint64(k.job)).Big(), bond
			w.jobs = append(w.jobs, k)
		}
		s.ProofHash[0] = byte(i + 1)
		k.submission, k.id = s, s.Fact.ID(chainID)
		s.Signature = k.worker.sign(k.id.Felt(), 0)
		w.claims = append(w.claims, k)
		w.byID[k.id] = k
		for _, h := range w.hosts {
			w.after(c.At+w.rng.Uint64N(5000), func() { h.submitted(k) })
		}
		if w.foe.any() {
			w.after(c.At, func() { w.foe.submitted(k) })
		}
	}
}

// begin starts an epoch, which nodes notice at different times.
func (w *world) begin(i int) {
	e := w.epochs[i]
	w.chain.epoch = e.number
	w.chain.apply(transaction{stays: true, do: func(l *ledger) error { return l.advanceEpoch(e) }})
	for _, h := range w.hosts {
		d := uint64(0)
		if i > 0 {
			d = w.rng.Uint64N(15_000)
		}
		set := e.set
		if e.replaced != nil {
			set = e.replaced
			w.after(d+1+w.rng.Uint64N(15_000), func() { h.see(i, e.set) })
		}
		w.after(d, func() { h.see(i, set) })
	}
}

func (w *world) fault(f Fault) {
	h := w.hosts[f.Node]
	switch f.Kind {
	case Crash:
		if h.crash() {
			w.after(f.For, h.recover)
		}
	case Stop:
		h.crash()
		h.stopped = true
	case Wipe:
		if h.crash() {
			h.disk = nil
			h.stopped = true
			if _, err := consensus.New(h.config(), nil); !errors.Is(err, consensus.ErrNoJournal) {
				w.violate("I6", "node %d starts without its journal: %v", f.Node, err)
			}
		}
	case Partition:
		h.deaf |= f.Mask
		w.after(f.For, func() { h.deaf &^= f.Mask })
	case ClockJump:
		h.jump()
	case Reorganize:
		w.chain.reorganize(f.For)
	}
}

// send brings bytes from one validator to another, as well as the network can.
func (w *world) send(from, to int, b []byte) {
	h := w.hosts[to]
	if w.now >= w.GST {
		w.after(1+w.rng.Uint64N(500), func() { h.receive(from, b) })
		return
	}
	if h.deaf&(1<<from) != 0 || w.percent(w.Network.Loss) {
		return
	}
	for {
		delay := 1 + w.rng.Uint64N(w.Network.Delay)
		if w.percent(w.Network.Late) {
			delay += 150_000
		}
		w.after(delay, func() { h.receive(from, b) })
		if !w.percent(w.Network.Duplication) {
			return
		}
	}
}

func (w *world) broadcast(from int, b []byte) {
	for to := range w.hosts {
		if to != from {
			w.send(from, to, b)
		}
	}
	w.foe.overhear(b)
}

// note adds to the trace.
func (w *world) note(node int, what byte, b []byte) {
	var head [17]byte
	binary.BigEndian.PutUint64(head[:], w.now)
	binary.BigEndian.PutUint64(head[8:], uint64(node))
	head[16] = what
	w.trace.Write(head[:])
	w.trace.Write(b)
}

func peer(i int) consensus.Peer { return consensus.Peer(strconv.Itoa(i)) }
