package sim

import (
	"math/big"
	"math/rand/v2"

	"github.com/bitsage/bitsage/consensus"
)

// chain is the ledger with the transactions that made it, and those who send them. Its
// choices have a generator of their own, so that they change nothing for the network.
type chain struct {
	w      *world
	rng    *rand.Rand
	epoch  uint64
	wealth []*big.Int // at the beginning
	ledger *ledger
	books  *books
	log    []transaction
	told   [][3]*consensus.Certificate // by claim: the certificates that everyone has heard of
	waits  [][]func()                  // by claim: evidence to send again when these change
}

// transaction is one that the contracts have accepted or may accept.
type transaction struct {
	at, epoch uint64
	stays     bool // is in every branch of the chain
	do        func(*ledger) error
	again     func() // sends it once more, after it was lost
}

func (w *world) newChain() chain {
	c := chain{
		w: w, rng: rand.New(rand.NewPCG(w.Seed, 3)), wealth: w.wealth(),
		told: make([][3]*consensus.Certificate, len(w.claims)), waits: make([][]func(), len(w.claims)),
	}
	c.restart()
	return c
}

// restart goes back to the beginning.
func (c *chain) restart() {
	c.log, c.ledger = nil, newLedger(c.w, c.wealth)
	c.books = newBooks(c.w, c.wealth)
	c.books.check(c.ledger)
}

// apply is a transaction that is included now.
func (c *chain) apply(t transaction) error {
	t.at, t.epoch = c.w.now, c.epoch
	if err := c.run(t); err != nil {
		return err
	}
	c.tell()
	return nil
}

func (c *chain) run(t transaction) error {
	c.ledger.now, c.ledger.epoch = t.at, t.epoch
	if err := t.do(c.ledger); err != nil {
		return err
	}
	c.log = append(c.log, t)
	c.w.note(len(c.w.hosts), 'T', nil)
	c.books.check(c.ledger)
	return nil
}

// soon does something within some seconds.
func (c *chain) soon(do func()) { c.w.after(1+c.rng.Uint64N(15_000), do) }

// tell lets nodes know which certificates are on the chain now, and which no more.
func (c *chain) tell() {
	w := c.w
	for i := range c.told {
		k, votes := w.claims[i], c.ledger.facts[i].votes
		if c.told[i] == votes {
			continue
		}
		c.told[i] = votes
		for _, h := range w.hosts {
			w.after(w.rng.Uint64N(10_000), func() { h.look(k) })
		}
		if c.rng.IntN(4) != 0 { // else the deadline comes first
			c.settle(k.job)
		}
		again := c.waits[i]
		c.waits[i] = nil
		for _, send := range again {
			c.soon(send)
		}
	}
}

// include brings a validator's transaction before the contracts some time later.
func (c *chain) include(do func()) {
	w := c.w
	if w.Chain.Never {
		return
	}
	delay := w.Chain.Inclusion
	if w.Chain.Censor && w.now < w.GST {
		delay += w.GST - w.now
	}
	w.after(delay, do)
}

// submit sends a certificate. Whoever needs it on the chain sends it again.
func (c *chain) submit(cert *consensus.Certificate) {
	if c.w.byID[cert.Fact] == nil {
		return
	}
	c.include(func() {
		c.apply(transaction{do: func(l *ledger) error { return l.recordCertificate(cert) }})
	})
}

// accuse sends evidence, again when it is lost, and again when there is a certificate that
// may make it an offence, or a greater one.
func (c *chain) accuse(e consensus.Evidence, reporter account) {
	_, _, id := e.Offender()
	k := c.w.byID[id]
	if k == nil {
		return
	}
	again := func() { c.accuse(e, reporter) }
	c.include(func() {
		err := c.apply(transaction{again: again, do: func(l *ledger) error {
			switch e := e.(type) {
			case *consensus.Equivocation:
				return l.submitEquivocation(e, reporter)
			case *consensus.FalseVerdict:
				return l.submitFalseVerdict(e.Vote, reporter)
			}
			return errNoOffence
		}})
		if err == nil || err == errNoOffence {
			c.waits[k.number] = append(c.waits[k.number], again)
		}
	})
}

// report sends a second submission for one job.
func (c *chain) report(s *consensus.Submission) {
	k := c.w.byID[s.Fact.ID(chainID)]
	c.include(func() {
		c.apply(transaction{do: func(l *ledger) error { return l.reportEquivocation(k) },
			again: func() { c.report(s) }})
	})
}

// settle lets anyone send, in any order and more than once, what may end a job or cost
// its bond.
func (c *chain) settle(job int) {
	for range 2 {
		c.soon(func() {
			if c.poke(job) {
				c.settle(job)
			}
		})
	}
}

// poke reports whether one of these transactions went through.
func (c *chain) poke(job int) bool {
	calls := []func(*ledger) error{
		func(l *ledger) error { return l.finalize(job) },
		func(l *ledger) error { return l.submitPayment(job) },
		func(l *ledger) error { return l.expire(job) },
		func(l *ledger) error { return l.reportEquivocation(c.w.jobs[job]) },
	}
	again := func() { c.settle(job) }
	done := false
	for _, i := range c.rng.Perm(len(calls)) {
		done = c.apply(transaction{do: calls[i], again: again}) == nil || done
	}
	return done
}

// watch sends the proof of a claim, and looks after its job at times that do not
// depend on anything else.
func (c *chain) watch(k *claim) {
	w := c.w
	if !w.jobs[k.job].Silent {
		w.after(k.At, func() {
			c.apply(transaction{stays: true, do: func(l *ledger) error { return l.submitProof(k) }})
		})
	}
	w.after(k.At+c.rng.Uint64N(w.GST+20_000), func() { c.settle(k.job) })
	w.after(k.At+k.TTL, func() { c.settle(k.job) })
}

// reorganize replaces the last transactions: some are in the new branch too, in another
// order, and the others are lost until they are sent again.
func (c *chain) reorganize(depth uint64) {
	cut := len(c.log) - int(min(depth, uint64(len(c.log))))
	kept, undone := c.log[:cut:cut], c.log[cut:]
	c.restart()
	for _, t := range kept {
		if err := c.run(t); err != nil {
			c.w.violate("I11", "a transaction of the past is refused: %v", err)
		}
	}
	var loose []transaction
	for _, t := range undone {
		if !t.stays {
			loose = append(loose, t)
		} else if err := c.run(t); err != nil {
			c.w.violate("I11", "a transaction of the past is refused: %v", err)
		}
	}
	c.rng.Shuffle(len(loose), func(i, j int) { loose[i], loose[j] = loose[j], loose[i] })
	for _, t := range loose {
		t.at, t.epoch = c.w.now, c.epoch
		if c.rng.IntN(2) == 0 && c.run(t) == nil {
			continue
		}
		c.w.report.Lost++
		if t.again != nil {
			c.soon(t.again)
		}
	}
	c.tell()
}

// close lets all deadlines pass, and ends every job.
func (c *chain) close() {
	for _, j := range c.ledger.jobs {
		c.w.now = max(c.w.now, j.deadline+1)
	}
	for i := range c.ledger.jobs {
		for c.poke(i) {
		}
	}
}
