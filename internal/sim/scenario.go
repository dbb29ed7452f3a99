// Package sim runs networks of consensus.Nodes in one goroutine, with a virtual
// clock and faults that follow from a seed, and checks after every step what must
// always hold:
//
//	I1  no two certificates of one fact have opposite verdicts
//	I2  every certificate says what is true
//	I3  every certificate is well formed: distinct members, a quorum, right signatures
//	I4  a decision is never changed or taken back
//	I5  two certificates of one epoch against each other, known to one node while it knows
//	    the epoch, bring evidence against a third of the weight
//	I6  nothing accuses an honest validator, and none signs two verdicts or before its journal is synced
//	I7  once the network behaves, everyone decides
//	I8  nobody rejects without a certificate of Invalid, or approves without one of Valid
//	I9  at most two votes of a validator are kept for a fact, and no more facts than the limit
//	I10 a node that restarts from its journal has decided the same
//	I11 no money appears or is lost: what accounts hold, the escrow, the stakes and what is
//	    burned add up to the same, balance by balance, after every transaction; a job is paid
//	    or refunded once, and in the end nothing is in escrow; an offence is paid for once,
//	    with no more than the stake, and never by an honest validator; what is certified gets
//	    on the chain, and back on it after a reorganization
//
// I1, I2 and I7 hold while less than a third of the weight is faulty; scenarios with
// more check the others. Of I11 the same goes for this part: what is true and has a
// certificate on the chain by its deadline is paid, what is false is never paid, and no
// validator that is right pays for a false verdict. An equivocation is never charged to
// an honest one, whatever the others do.
//
// The contracts are in ledger.go, by the rules of contracts/src. Their transactions come
// late, twice, from anyone and in any order, and reorganizations of the chain undo them.
//
// The checks are written anew, with big integers, and share no arithmetic with package
// consensus. Times are in milliseconds.
package sim

import (
	"math/rand/v2"
	"slices"
)

// Scenario is a run: everything that happens follows from it.
type Scenario struct {
	Seed       uint64 // of the network's and the adversary's choices
	Validators []Role
	Epochs     []Epoch // the first begins at 0
	Facts      []Claim
	Faults     []Fault
	Network    Network
	GST        uint64 // from then on no message is lost or late, and everyone who comes back is back
	End        uint64
	Chain      Chain
	MaxFacts   int
	Broken     bool // a third of the weight or more is faulty
	Real       bool // real signatures
}

// Role says how a validator behaves.
type Role struct {
	Byzantine Tricks // zero for one that follows the protocol
	Flaky     bool   // its verifier answers at random, which makes it faulty but never an equivocator
	Misled    bool   // its verifier always takes the true for false and the reverse
	Slow      uint64 // more time to verify
	Clock     uint64 // percent of the right speed
	Lies      bool   // its disk acknowledges what it has not kept
}

// Tricks is a set of misbehaviours.
type Tricks uint32

// The misbehaviours.
const (
	Equivocate Tricks = 1 << iota // one verdict to some, the other to others
	Lie                           // vote against the truth
	Guess                         // vote without looking
	Withhold                      // say nothing
	Flood                         // duplicates, random bytes, impossible signatures
	Replay                        // votes of other epochs, chains, facts and indices
	Malleate                      // the other form of signatures, and second signatures
	Forge                         // certificates without a quorum, doubled, of wrong epochs
	Frame                         // evidence against the honest
	allTricks  = 1<<iota - 1
)

// Epoch is a set and when it begins.
type Epoch struct {
	At      uint64
	Members []Stake
	Replace bool // nodes first see another set, which the chain then takes back
}

// Stake is a validator's weight, in units of 2^60 + 7.
type Stake struct {
	Validator int
	Weight    uint64
}

// Claim is a submission.
type Claim struct {
	At       uint64
	True     bool
	TTL      uint64
	Withheld uint64 // bitmap of the validators to which the worker does not serve the proof
	Rival    int    // number of an earlier claim for the same job plus 1, or 0
	Oversize bool
	Silent   bool // the worker never sends the proof to the chain
}

// FaultKind is what may happen to a node or a link.
type FaultKind uint8

// The kinds of faults.
const (
	Crash      FaultKind = iota // and back after For; what is not synced is lost in part
	Stop                        // crash for ever
	Partition                   // no message from the validators in Mask to Node
	ClockJump                   // all timers fire at once
	Wipe                        // crash and lose the journal: must refuse to come back
	Reorganize                  // the chain replaces its last For transactions
)

// Fault is something that goes wrong, before GST or, on the chain, at any time.
type Fault struct {
	Kind    FaultKind
	At, For uint64
	Node    int
	Mask    uint64
}

// Network says how messages travel before GST.
type Network struct {
	Loss, Duplication, Late int    // percent; late ones come after all timers
	Delay                   uint64 // at most
}

// Chain says how certificates get on the chain.
type Chain struct {
	Inclusion uint64 // delay
	Censor    bool   // nothing is included before GST
	Never     bool   // nothing is ever included
}

// Generate returns the scenario of a seed.
func Generate(seed uint64) Scenario {
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	s := Scenario{Seed: seed}
	s.Broken = g.percent(15)
	n := []int{1, 2, 3, 4, 4, 4, 4, 5, 6, 7, 7, 10}[g.IntN(12)]
	if g.percent(1) {
		n = 16
	}
	if s.Broken {
		n = max(n, 4)
	}
	s.GST = uint64(g.IntN(90_000))
	s.End = 2*s.GST + 400_000
	s.Validators = make([]Role, n)
	s.epochs(g, n)
	if s.Broken {
		s.breakThird(g)
	} else {
		s.faulty(g)
	}
	for i := range s.Validators {
		r := &s.Validators[i]
		r.Clock = 100
		if g.percent(20) {
			r.Clock = uint64(50 + g.IntN(150))
		}
		if g.percent(10) {
			r.Slow = uint64(30_000 + g.IntN(30_000))
		}
		r.Lies = g.percent(5) && !r.Flaky
	}
	s.claims(g)
	s.faults(g)
	s.money(seed)
	s.Network = Network{g.IntN(50), g.IntN(30), g.IntN(5), uint64(1 + g.IntN(10_000))}
	s.Chain = Chain{uint64(1000 + g.IntN(60_000)), g.percent(20), !s.Broken && g.percent(30)}
	return s
}

type generator struct{ *rand.Rand }

func (g generator) percent(p int) bool { return g.IntN(100) < p }

// mask is a random set of validators.
func (g generator) mask(n int) uint64 { return g.Uint64() & (1<<n - 1) }

// epochs makes one to three sets out of n validators, with joins, exits and changes
// of stakes.
func (s *Scenario) epochs(g generator, n int) {
	weigh := func() uint64 { return 1 }
	switch g.IntN(4) {
	case 1:
		weigh = func() uint64 { return 10_000 + g.Uint64N(90_000) }
	case 2:
		weigh = func() uint64 { return 1 + g.Uint64N(10)*g.Uint64N(10) } // one may have most
	}
	at := uint64(0)
	for i := range 1 + g.IntN(3) {
		e := Epoch{At: at, Replace: i > 0 && g.percent(15)}
		if i > 0 && g.percent(30) {
			e.Members = slices.Clone(s.Epochs[i-1].Members)
		} else {
			for v := range n {
				if n <= 2 || s.Broken || g.percent(85) {
					e.Members = append(e.Members, Stake{v, weigh()})
				}
			}
			g.Shuffle(len(e.Members), func(a, b int) { e.Members[a], e.Members[b] = e.Members[b], e.Members[a] })
		}
		if i > 0 && !s.Broken && g.percent(3) {
			e.Members = nil // nobody left
		}
		s.Epochs = append(s.Epochs, e)
		at += 1 + g.Uint64N(s.GST+1)
		if at >= s.GST {
			break
		}
	}
}

// faulty makes validators misbehave while that stays below a third of every epoch.
func (s *Scenario) faulty(g generator) {
	for range len(s.Validators) {
		v := g.IntN(len(s.Validators))
		if s.Validators[v] != (Role{}) {
			continue
		}
		if g.percent(30) {
			s.Validators[v].Flaky = true
		} else {
			s.Validators[v].Byzantine = g.tricks()
		}
		if s.exceeds() {
			s.Validators[v] = Role{}
		}
	}
}

func (g generator) tricks() Tricks {
	if g.percent(20) {
		return allTricks &^ Withhold
	}
	first, a, b := Tricks(1)<<g.IntN(9), Tricks(g.IntN(allTricks)), Tricks(g.IntN(allTricks))
	return first | a&b&^Withhold
}

// breakThird makes equivocators of a third of the weight or more, and misleads half
// of the rest, so that certificates can contradict each other.
func (s *Scenario) breakThird(g generator) {
	order := g.Perm(len(s.Validators))
	misled := false
	for _, v := range order {
		if !s.exceeds() {
			s.Validators[v].Byzantine = Equivocate | Tricks(g.IntN(allTricks))&^(Withhold|Lie|Guess)
		} else if misled = !misled; misled {
			s.Validators[v].Misled = true
		}
	}
}

// exceeds reports whether the faulty weight of an epoch, or of the set that nodes see
// first, is a third of it or more.
func (s *Scenario) exceeds() bool {
	for _, e := range s.Epochs {
		if s.third(e.Members) || e.Replace && len(e.Members) > 1 && s.third(e.Members[1:]) {
			return true
		}
	}
	return false
}

func (s *Scenario) third(members []Stake) bool {
	var faulty, total uint64
	for _, m := range members {
		total += m.Weight
		if r := s.Validators[m.Validator]; r.Byzantine != 0 || r.Flaky {
			faulty += m.Weight
		}
	}
	return total > 0 && 3*faulty >= total
}

func (s *Scenario) claims(g generator) {
	n := len(s.Validators)
	count := 1 + g.IntN(4)
	s.MaxFacts = 64
	if g.percent(2) {
		count, s.MaxFacts = 30, 12
	}
	for i := range count {
		c := Claim{At: g.Uint64N(s.GST + 20_000), True: g.percent(70), TTL: 3_600_000}
		if g.percent(20) {
			c.Withheld = g.mask(n)
		}
		if i > 0 && g.percent(10) {
			c.Rival = 1 + g.IntN(i)
		}
		c.Oversize = g.percent(3)
		if g.percent(5) {
			c.TTL = 1 + g.Uint64N(100_000)
		}
		s.Facts = append(s.Facts, c)
	}
}

// money adds what concerns the contracts alone, of a generator of its own.
func (s *Scenario) money(seed uint64) {
	g := generator{rand.New(rand.NewPCG(seed, 4))}
	for i := range s.Facts {
		s.Facts[i].Silent = g.percent(5)
	}
	if g.percent(35) {
		for range 1 + g.IntN(3) {
			s.Faults = append(s.Faults, Fault{Reorganize, g.Uint64N(s.GST + 150_000), 1 + g.Uint64N(12), 0, 0})
		}
	}
}

func (s *Scenario) faults(g generator) {
	n := len(s.Validators)
	stops := 0
	for range g.IntN(6) {
		f := Fault{FaultKind(g.IntN(5)), g.Uint64N(s.GST + 1), 1 + g.Uint64N(40_000), g.IntN(n), g.mask(n)}
		if f.Kind == Stop || f.Kind == Wipe {
			if stops++; stops > 1 || g.percent(50) {
				f.Kind = Crash // too many of these leave nothing to see
			}
		}
		s.Faults = append(s.Faults, f)
	}
	for v, r := range s.Validators { // one that may find another verdict when it is back
		if r.Flaky && g.percent(70) {
			s.Faults = append(s.Faults, Fault{Crash, s.Facts[0].At + 1000 + g.Uint64N(20_000), 1, v, 0})
		}
	}
	if g.percent(10) { // a link that comes and goes
		f := Fault{Partition, 0, 2000, g.IntN(n), g.mask(n)}
		for ; f.At < s.GST; f.At += 5000 {
			s.Faults = append(s.Faults, f)
		}
	}
}
