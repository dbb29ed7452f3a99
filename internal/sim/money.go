package sim

import (
	"math/big"

	"github.com/bitsage/bitsage/consensus"
)

// books check I11. They follow the events of the contracts, know by the rules what each
// of them may do, and compare every balance after every transaction.
type books struct {
	w       *world
	supply  *big.Int
	read    int        // events
	tokens  []*big.Int // balances as they must be
	stakes  []*big.Int // with what is unbonding
	burned  *big.Int
	states  []jobState
	ends    []int // how often a job was paid or refunded
	seized  []bool
	charged map[offence]*big.Int
	convict map[offence]bool // as one of a conflict
}

func newBooks(w *world, wealth []*big.Int) *books {
	b := &books{
		w: w, supply: new(big.Int), burned: new(big.Int),
		states: make([]jobState, len(w.jobs)), ends: make([]int, len(w.jobs)), seized: make([]bool, len(w.jobs)),
		charged: make(map[offence]*big.Int), convict: make(map[offence]bool),
	}
	for _, x := range wealth {
		b.supply.Add(b.supply, x)
		b.tokens = append(b.tokens, new(big.Int).Set(x))
		b.stakes = append(b.stakes, new(big.Int))
	}
	for i, c := range w.jobs {
		b.move(w.client(i), paymentRouter, c.fee)
	}
	return b
}

func (b *books) stake(a account, amount *big.Int) {
	b.move(a, stakingManager, amount)
	b.stakes[a].Add(b.stakes[a], amount)
}

// check compares the ledger with the books.
func (b *books) check(l *ledger) {
	for ; b.read < len(l.events); b.read++ {
		b.enter(l, l.events[b.read])
	}
	total, stakes, escrow := new(big.Int).Set(l.burned), new(big.Int), new(big.Int)
	for a, have := range l.tokens {
		s := l.stakes[a]
		total.Add(total, have)
		stakes.Add(stakes, s.amount).Add(stakes, s.unbonding)
		if have.Sign() < 0 || s.amount.Sign() < 0 || s.unbonding.Sign() < 0 || s.bonded.Sign() < 0 {
			b.fail("account %d has %v, %v staked, %v unbonding, %v bonded", a, have, s.amount, s.unbonding, s.bonded)
		}
		if have.Cmp(b.tokens[a]) != 0 || plus(s.amount, s.unbonding).Cmp(b.stakes[a]) != 0 {
			b.fail("account %d has %v, and %v and %v staked; by the rules it has %v and %v", a, have, s.amount, s.unbonding, b.tokens[a], b.stakes[a])
		}
	}
	var bonded [workers]big.Int
	for i := range l.jobs {
		if state := l.jobs[i].state; state != b.states[i] {
			b.become(l, i, state)
		}
		if b.ends[i] == 0 {
			escrow.Add(escrow, b.w.jobs[i].fee)
		}
		if l.jobs[i].state < finalized && !b.seized[i] {
			bonded[i%workers].Add(&bonded[i%workers], bond)
		}
	}
	for i := range bonded {
		if have := l.stakes[b.w.worker(i)].bonded; have.Cmp(&bonded[i]) != 0 {
			b.fail("worker %d has %v bonded for jobs that need %v", i, have, &bonded[i])
		}
	}
	for i, v := range l.validators {
		if have := l.stakes[b.w.validator(i)].bonded; have.Cmp(v.stake) != 0 {
			b.fail("validator %d has %v bonded and is registered with %v", i, have, v.stake)
		}
	}
	if total.Cmp(b.supply) != 0 || l.burned.Cmp(b.burned) != 0 {
		b.fail("%v of %v are left, with %v burned for %v", total, b.supply, l.burned, b.burned)
	}
	if l.tokens[stakingManager].Cmp(stakes) != 0 || l.tokens[paymentRouter].Cmp(escrow) != 0 {
		b.fail("stakes of %v and fees of %v are covered by %v and %v", stakes, escrow, l.tokens[stakingManager], l.tokens[paymentRouter])
	}
}

// become checks that nothing that has ended changes, and that a certificate decides only
// if there is none against it.
func (b *books) become(l *ledger, i int, state jobState) {
	if b.states[i] >= finalized {
		b.fail("job %d has ended and changes from %d to %d", i, b.states[i], state)
	}
	b.states[i] = state
	want := map[jobState]consensus.Verdict{finalized: consensus.Valid, rejected: consensus.Invalid}[state]
	if want == 0 {
		return
	}
	k := l.jobs[i].claim
	if k == nil || l.facts[k.number].votes[want] == nil || l.facts[k.number].contested() {
		b.fail("job %d becomes %d without a certificate of %v alone", i, state, want)
	}
}

func (b *books) fail(format string, args ...any) { b.w.violate("I11", format, args...) }

func (b *books) move(from, to account, amount *big.Int) {
	b.tokens[from].Sub(b.tokens[from], amount)
	b.tokens[to].Add(b.tokens[to], amount)
}

// enter books an event, if it may happen.
func (b *books) enter(l *ledger, e event) {
	switch e.kind {
	case staked:
		b.stake(e.account, e.amount)
	case paymentReleased:
		b.ended(l, e, consensus.Valid)
		b.move(paymentRouter, b.w.worker(e.job), b.w.jobs[e.job].fee)
	case paymentRefunded:
		b.ended(l, e, consensus.Invalid)
		b.move(paymentRouter, b.w.client(e.job), b.w.jobs[e.job].fee)
	case bondSeized:
		b.seize(l, e)
	case slashed:
		b.slash(l, e)
	}
}

// ended checks a job's payment or refund, of which there is one.
func (b *books) ended(l *ledger, e event, v consensus.Verdict) {
	if b.ends[e.job]++; b.ends[e.job] > 1 {
		b.fail("job %d is paid or refunded %d times", e.job, b.ends[e.job])
	}
	k := l.jobs[e.job].claim
	if v == consensus.Valid && (k == nil || l.facts[k.number].votes[consensus.Valid] == nil) {
		b.fail("job %d is paid without a certificate", e.job)
	}
	if v == consensus.Valid && !b.w.Broken && !k.True {
		b.fail("job %d is paid for what is false", e.job)
	}
	if v == consensus.Invalid && l.now <= l.jobs[e.job].deadline && (k == nil || l.facts[k.number].votes[consensus.Invalid] == nil) {
		b.fail("job %d is refunded before its deadline, without a certificate", e.job)
	}
}

// seize checks that a job's bond goes to the client once, for a proof that is missing or
// one too many.
func (b *books) seize(l *ledger, e event) {
	if b.seized[e.job] || l.jobs[e.job].claim != nil && !b.w.rivalled(e.job) {
		b.fail("the bond of job %d is seized", e.job)
	}
	b.seized[e.job] = true
	taken := least(bond, b.stakes[e.account])
	b.stakes[e.account] = minus(b.stakes[e.account], taken)
	b.move(stakingManager, b.w.client(e.job), taken)
}

// slash checks that the right one pays what the offence costs, once, if there is so much.
func (b *books) slash(l *ledger, e event) {
	var due *big.Int
	if e.offence.kind == invalidProof {
		due = new(big.Int).Div(b.stakes[e.account], big.NewInt(10))
		if !b.seized[e.job] {
			due = most(due, bond)
		}
		if k := l.jobs[e.job].claim; e.account != b.w.worker(e.job) || k == nil || !b.w.Broken && k.True {
			b.fail("worker %d is slashed for job %d", e.account, e.job)
		}
	} else {
		due = b.penalty(l, e)
	}
	if due.Cmp(e.penalty) != 0 {
		b.fail("account %d has to pay %v for %+v, not %v", e.account, due, e.offence, e.penalty)
	}
	if due.Sign() <= 0 {
		b.fail("account %d is slashed again for %+v", e.account, e.offence)
	}
	taken, reward := least(due, b.stakes[e.account]), new(big.Int)
	if e.reporter != nobody && e.reporter != e.account {
		reward = least(new(big.Int).Div(taken, big.NewInt(20)), rewardCap)
		b.move(stakingManager, e.reporter, reward)
	}
	b.stakes[e.account] = minus(b.stakes[e.account], taken)
	burned := minus(taken, reward)
	b.tokens[stakingManager].Sub(b.tokens[stakingManager], burned)
	b.burned.Add(b.burned, burned)
}

// penalty returns what a validator has to pay for an offence and has not yet.
func (b *books) penalty(l *ledger, e event) *big.Int {
	o := e.offence
	m := b.w.epochs[o.epoch-1].set.Member(int(o.index))
	h := b.w.audit.owner(m.Key)
	if e.account != b.w.validator(h.index) || h.honest() && o.kind == equivocation || h.correct() && !b.w.Broken {
		b.fail("node %d is slashed for %+v, account %d pays", h.index, o, e.account)
	}
	part := big.NewInt(20)
	if r := l.record(o.fact); o.kind == equivocation && r.contested() {
		a, c := r.votes[consensus.Valid], r.votes[consensus.Invalid]
		if bit := uint64(1) << o.index; a.Epoch == o.epoch && c.Epoch == o.epoch && a.Bitmap&bit != 0 && c.Bitmap&bit != 0 {
			part, b.convict[o] = big.NewInt(1), true
		}
	}
	due := new(big.Int).Div(m.Weight.Big(), part)
	before := b.charged[o]
	if before == nil {
		before = zero
	}
	b.charged[o] = due
	return minus(due, before)
}

// end checks that every job has ended as it should.
func (b *books) end(l *ledger) {
	r := &b.w.report
	if l.tokens[paymentRouter].Sign() != 0 {
		b.fail("%v are left in escrow", l.tokens[paymentRouter])
	}
	for i := range workers {
		if a := b.w.worker(i); l.stakes[a].bonded.Sign() != 0 {
			b.fail("%v of worker %d are left bonded", l.stakes[a].bonded, a)
		}
	}
	for i := range l.jobs {
		j := &l.jobs[i]
		if b.ends[i] != 1 || j.state < finalized {
			b.fail("job %d has not ended", i)
		}
		paid := j.payment == released
		if paid {
			r.Paid++
		} else {
			r.Refunded++
		}
		if b.w.Broken || j.claim == nil {
			continue
		}
		f := &l.facts[j.claim.number]
		if f.first != nil && f.at <= j.deadline && paid != j.claim.True {
			b.fail("job %d has a certificate of %v by its deadline, and paid is %v", i, f.first.Verdict, paid)
		}
	}
	for o := range b.charged {
		if r.Slashed++; b.convict[o] {
			r.Convicted++
		}
	}
}

// rivalled reports whether the worker has made two claims for a job.
func (w *world) rivalled(job int) bool {
	n := 0
	for _, c := range w.claims {
		if c.job == job {
			n++
		}
	}
	return n > 1
}
