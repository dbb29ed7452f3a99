package sim

import (
	"math/big"
	"slices"

	"github.com/bitsage/bitsage/consensus"
)

// ledger is the contracts as far as they move money, by the rules and in the words of
// contracts/src: each operation checks first, and a refused one changes nothing. Amounts
// are in base units and never changed in place.
type ledger struct {
	w          *world
	now, epoch uint64
	tokens     []*big.Int // balances, by account
	burned     *big.Int
	stakes     []stake // by account
	jobs       []job
	validators []validator
	facts      []factRecord // by claim
	charged    map[offence]int64
	events     []event
}

// account is an index. After the two contracts come validators, workers and clients.
type account int

const (
	stakingManager account = iota
	paymentRouter          // and the confidential balances of PrivacyRouter that it debits
	people
	nobody account = -1
)

const workers = 3 // take turns with the jobs

func (w *world) validator(i int) account { return people + account(i) }
func (w *world) worker(i int) account    { return w.validator(len(w.hosts) + i%workers) }
func (w *world) client(job int) account  { return w.worker(workers-1) + 1 + account(job) }

type stake struct{ amount, unbonding, bonded *big.Int }

type validator struct {
	stake      *big.Int // bonded in ValidatorRegistry
	tombstoned bool
}

type jobState uint8

const (
	accepted jobState = iota
	proven
	finalized
	rejected
	expired
)

type paymentState uint8

const (
	escrowed paymentState = iota
	payable
	released
	refunded
)

// job is an entry of JobManager, and that of PaymentRouter which belongs to it.
type job struct {
	state    jobState
	payment  paymentState
	worker   account
	client   account
	fee      *big.Int
	bond     *big.Int
	deadline uint64
	claim    *claim // whose proof was submitted
}

// factRecord is what ProofVerifier knows of a fact: at most one certificate for each
// verdict. With both it is contested.
type factRecord struct {
	first *consensus.Certificate
	votes [3]*consensus.Certificate // by verdict
	at    uint64
}

func (r *factRecord) contested() bool {
	return r.votes[consensus.Valid] != nil && r.votes[consensus.Invalid] != nil
}

// offence is what a validator pays for once.
type offence struct {
	kind  offenceKind
	epoch uint64
	index uint8
	fact  consensus.FactID
}

type offenceKind uint8

const (
	invalidProof offenceKind = iota // of a worker
	equivocation
	falseVerdict
)

// event is an event of the contracts.
type event struct {
	kind     eventKind
	job      int
	account  account // whom it gives to or takes from
	amount   *big.Int
	offence  offence
	penalty  *big.Int // of which amount could be taken
	reporter account
	reward   *big.Int
}

type eventKind uint8

const (
	staked eventKind = iota
	paymentReleased
	paymentRefunded
	bondSeized
	slashed
)

// refusal is why the contracts revert a transaction.
type refusal string

func (r refusal) Error() string { return string(r) }

const (
	errBadState       refusal = "BAD_STATE"
	errTooLate        refusal = "TOO_LATE"
	errTooEarly       refusal = "TOO_EARLY"
	errNoVerdict      refusal = "NO_VERDICT"
	errBadVerdict     refusal = "BAD_VERDICT"
	errHasVerdict     refusal = "HAS_VERDICT"
	errNoOffence      refusal = "NO_OFFENCE"
	errAlreadySlashed refusal = "ALREADY_SLASHED"
	errFactRecorded   refusal = "FACT_RECORDED"
	errBadEpoch       refusal = "BAD_EPOCH"
	errBadIndex       refusal = "BAD_INDEX"
	errBadSignature   refusal = "BAD_SIGNATURE"
)

const (
	invalidProofBPS = 1_000
	equivocationBPS = 500
	conflictBPS     = 10_000
	falseVerdictBPS = 500
	rewardBPS       = 500
)

var (
	zero      = new(big.Int)
	bond      = weight(100).Big() // of each job
	rewardCap = new(big.Int).Mul(big.NewInt(500), big.NewInt(1e18))
)

func plus(a, b *big.Int) *big.Int  { return new(big.Int).Add(a, b) }
func minus(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }

func least(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

func most(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// share is amount * bps / 10,000, rounded down.
func share(amount *big.Int, bps int64) *big.Int {
	x := new(big.Int).Mul(amount, big.NewInt(bps))
	return x.Quo(x, big.NewInt(10_000))
}

// wealth returns what each account has at the beginning: the stakes of all epochs, the
// fees, and stakes of workers that can bear all their bonds.
func (w *world) wealth() []*big.Int {
	sums := make([]*big.Int, w.client(len(w.jobs)))
	for a := range sums {
		sums[a] = new(big.Int)
	}
	give := func(a account, x *big.Int) { sums[a].Add(sums[a], x) }
	for _, e := range w.epochs {
		for _, m := range e.members {
			give(w.validator(m.Validator), weight(m.Weight).Big())
		}
	}
	for i := range workers {
		jobs := (len(w.jobs) + workers - 1 - i) / workers
		give(w.worker(i), new(big.Int).Mul(bond, big.NewInt(int64(max(10, jobs)))))
	}
	for i, c := range w.jobs {
		give(w.client(i), c.fee)
	}
	return sums
}

// newLedger returns the contracts with the workers' stakes, and all jobs submitted and
// accepted.
func newLedger(w *world, wealth []*big.Int) *ledger {
	l := &ledger{
		w: w, tokens: slices.Clone(wealth), burned: zero, charged: make(map[offence]int64),
		validators: make([]validator, len(w.hosts)), facts: make([]factRecord, len(w.claims)),
	}
	for range wealth {
		l.stakes = append(l.stakes, stake{zero, zero, zero})
	}
	for i := range l.validators {
		l.validators[i].stake = zero
	}
	for i := range workers {
		l.deposit(w.worker(i), l.tokens[w.worker(i)])
	}
	for _, c := range w.jobs {
		l.submitJob(c)
	}
	return l
}

func (l *ledger) transfer(from, to account, amount *big.Int) {
	l.tokens[from] = minus(l.tokens[from], amount)
	l.tokens[to] = plus(l.tokens[to], amount)
}

func (l *ledger) emit(e event) { l.events = append(l.events, e) }

// JobManager and PaymentRouter

func (l *ledger) submitJob(c *claim) {
	j := job{worker: l.w.worker(c.job), client: l.w.client(c.job), fee: c.fee, bond: c.bond, deadline: c.At + c.TTL}
	l.jobs = append(l.jobs, j)
	l.transfer(j.client, paymentRouter, j.fee)
	l.lockBond(j.worker, j.bond)
}

func (l *ledger) submitProof(c *claim) error {
	j := &l.jobs[c.job]
	if j.state != accepted {
		return errBadState
	}
	if l.now > j.deadline {
		return errTooLate
	}
	j.state, j.claim = proven, c
	return nil
}

// verdict is what decides about money. A fact with certificates of both verdicts decides
// nothing.
func (l *ledger) verdict(c *claim) consensus.Verdict {
	r := &l.facts[c.number]
	if r.first == nil || r.contested() {
		return 0
	}
	return r.first.Verdict
}

func (l *ledger) finalize(id int) error {
	j := &l.jobs[id]
	if j.state != proven {
		return errBadState
	}
	switch l.verdict(j.claim) {
	case consensus.Valid:
		j.state = finalized
		l.unlockBond(j.worker, j.bond)
		j.payment = payable
	case consensus.Invalid:
		j.state = rejected
		l.unlockBond(j.worker, j.bond)
		s := l.stakes[j.worker]
		tenth := share(plus(s.amount, s.unbonding), invalidProofBPS)
		l.slash(j.worker, most(tenth, j.bond), event{job: id, reporter: nobody})
		return l.refund(id)
	default:
		return errNoVerdict
	}
	return nil
}

func (l *ledger) expire(id int) error {
	j := &l.jobs[id]
	if j.state != accepted && j.state != proven {
		return errBadState
	}
	if l.now <= j.deadline {
		return errTooEarly
	}
	if j.state == proven && l.verdict(j.claim) != 0 {
		return errHasVerdict
	}
	if j.state == proven {
		l.unlockBond(j.worker, j.bond)
	} else {
		l.seizeBond(id)
	}
	j.state = expired
	return l.refund(id)
}

func (l *ledger) reportEquivocation(c *claim) error {
	j := &l.jobs[c.job]
	if j.state != proven {
		return errBadState
	}
	if j.bond.Sign() == 0 {
		return errAlreadySlashed
	}
	if c.id == j.claim.id {
		return errNoOffence
	}
	if !l.w.audit.verify(j.claim.worker.public(), c.id.Felt(), c.submission.Signature) {
		return errBadSignature
	}
	l.seizeBond(c.job)
	j.bond = zero
	return nil
}

func (l *ledger) refund(id int) error {
	j := &l.jobs[id]
	if j.payment != escrowed {
		return errBadState
	}
	j.payment = refunded
	l.transfer(paymentRouter, j.client, j.fee)
	l.emit(event{kind: paymentRefunded, job: id, account: j.client, amount: j.fee})
	return nil
}

func (l *ledger) submitPayment(id int) error {
	j := &l.jobs[id]
	if j.payment != payable {
		return errBadState
	}
	j.payment = released
	l.transfer(paymentRouter, j.worker, j.fee)
	l.emit(event{kind: paymentReleased, job: id, account: j.worker, amount: j.fee})
	return nil
}

// ProofVerifier

func (l *ledger) recordCertificate(c *consensus.Certificate) error {
	r := &l.facts[l.w.byID[c.Fact].number]
	if c.Verdict != consensus.Valid && c.Verdict != consensus.Invalid {
		return errBadVerdict
	}
	if r.votes[c.Verdict] != nil {
		return errFactRecorded
	}
	if c.Epoch == 0 || c.Epoch > l.epoch || c.Epoch+1 < l.epoch {
		return errBadEpoch
	}
	if err := l.w.audit.certificate(c); err != nil {
		return err
	}
	r.votes[c.Verdict] = c
	if r.first == nil {
		r.first, r.at = c, l.now
	}
	return nil
}

// StakingManager

func (l *ledger) deposit(a account, amount *big.Int) {
	l.transfer(a, stakingManager, amount)
	l.stakes[a].amount = plus(l.stakes[a].amount, amount)
	l.emit(event{kind: staked, account: a, amount: amount})
}

func (l *ledger) requestUnstake(a account, amount *big.Int) {
	s := &l.stakes[a]
	if s.unbonding.Sign() != 0 || amount.Cmp(minus(s.amount, s.bonded)) > 0 {
		return
	}
	s.amount, s.unbonding = minus(s.amount, amount), amount
}

func (l *ledger) lockBond(a account, amount *big.Int) {
	l.stakes[a].bonded = plus(l.stakes[a].bonded, amount)
}

func (l *ledger) unlockBond(a account, amount *big.Int) {
	l.stakes[a].bonded = minus(l.stakes[a].bonded, amount)
}

// take takes an amount, or all if there is less, from what is unbonding and then from the
// rest.
func (l *ledger) take(a account, amount *big.Int) *big.Int {
	s := &l.stakes[a]
	fromUnbonding := least(amount, s.unbonding)
	fromAmount := least(minus(amount, fromUnbonding), s.amount)
	s.unbonding, s.amount = minus(s.unbonding, fromUnbonding), minus(s.amount, fromAmount)
	return plus(fromUnbonding, fromAmount)
}

func (l *ledger) seizeBond(id int) {
	j := &l.jobs[id]
	l.stakes[j.worker].bonded = minus(l.stakes[j.worker].bonded, j.bond)
	taken := l.take(j.worker, j.bond)
	l.transfer(stakingManager, j.client, taken)
	l.emit(event{kind: bondSeized, job: id, account: j.worker, amount: taken})
}

// slash takes from a stake: a part for the reporter, the rest is burned.
func (l *ledger) slash(a account, amount *big.Int, e event) {
	e.kind, e.account, e.penalty, e.reward = slashed, a, amount, zero
	e.amount = l.take(a, amount)
	if e.reporter != nobody && e.reporter != a {
		e.reward = least(share(e.amount, rewardBPS), rewardCap)
		l.transfer(stakingManager, e.reporter, e.reward)
	}
	burn := minus(e.amount, e.reward)
	l.tokens[stakingManager] = minus(l.tokens[stakingManager], burn)
	l.burned = plus(l.burned, burn)
	l.emit(e)
}

// ValidatorRegistry

// advanceEpoch gives validators the stakes that they have in an epoch: who has another
// one leaves, is released and registers again. A tombstoned one cannot; that the next set
// would then be without it is not modelled, as sets are the scenario's, and neither is the
// epoch that it takes to be released.
func (l *ledger) advanceEpoch(e *epoch) error {
	want := make([]*big.Int, len(l.validators))
	for i := range e.set.Len() {
		m := e.set.Member(i)
		want[l.w.audit.owner(m.Key).index] = m.Weight.Big()
	}
	for i := range l.validators {
		v, a := &l.validators[i], l.w.validator(i)
		if want[i] == nil || v.tombstoned {
			want[i] = zero
		}
		if v.stake.Cmp(want[i]) == 0 {
			continue
		}
		l.unlockBond(a, v.stake)
		v.stake = want[i]
		switch missing := minus(want[i], l.stakes[a].amount); {
		case missing.Sign() > 0:
			l.deposit(a, missing)
		case missing.Sign() < 0:
			l.requestUnstake(a, missing.Neg(missing))
		}
		l.lockBond(a, v.stake)
	}
	return nil
}

// accused returns whom evidence accuses: the key in the set of an epoch, and its owner.
func (l *ledger) accused(epoch uint64, index uint8) (*consensus.ValidatorSet, *host, error) {
	if epoch == 0 || epoch > l.epoch {
		return nil, nil, errBadEpoch
	}
	set := l.w.epochs[epoch-1].set
	if int(index) >= set.Len() {
		return nil, nil, errBadIndex
	}
	return set, l.w.audit.owner(set.Member(int(index)).Key), nil
}

// voted checks the votes of evidence.
func (l *ledger) voted(set *consensus.ValidatorSet, h *host, votes ...consensus.Vote) error {
	for _, v := range votes {
		if !l.w.audit.verify(h.key.public(), l.w.audit.hash(set, v.Fact, v.Verdict), v.Signature) {
			return errBadSignature
		}
	}
	return nil
}

func (l *ledger) submitEquivocation(e *consensus.Equivocation, reporter account) error {
	set, h, err := l.accused(e.Epoch, e.Index)
	if err != nil {
		return err
	}
	if err := l.voted(set, h, consensus.Vote{Fact: e.Fact, Verdict: consensus.Valid, Signature: e.Valid},
		consensus.Vote{Fact: e.Fact, Verdict: consensus.Invalid, Signature: e.Invalid}); err != nil {
		return err
	}
	bps := int64(equivocationBPS)
	if l.conflict(e.Fact, e.Epoch)>>e.Index&1 == 1 {
		bps = conflictBPS
	}
	if err := l.penalize(h.index, offence{equivocation, e.Epoch, e.Index, e.Fact}, bps, reporter); err != nil {
		return err
	}
	l.validators[h.index].tombstoned = true
	return nil
}

// conflict returns the members who signed both of two contradicting certificates.
func (l *ledger) conflict(id consensus.FactID, epoch uint64) uint64 {
	valid, invalid := l.record(id).votes[consensus.Valid], l.record(id).votes[consensus.Invalid]
	if valid == nil || invalid == nil || valid.Epoch != epoch || invalid.Epoch != epoch {
		return 0
	}
	return valid.Bitmap & invalid.Bitmap
}

func (l *ledger) record(id consensus.FactID) *factRecord { return &l.facts[l.w.byID[id].number] }

func (l *ledger) submitFalseVerdict(v consensus.Vote, reporter account) error {
	set, h, err := l.accused(v.Epoch, v.Index)
	if err != nil {
		return err
	}
	if decided := l.verdict(l.w.byID[v.Fact]); decided == 0 || decided == v.Verdict {
		return errNoOffence
	}
	if err := l.voted(set, h, v); err != nil {
		return err
	}
	return l.penalize(h.index, offence{falseVerdict, v.Epoch, v.Index, v.Fact}, falseVerdictBPS, reporter)
}

// penalize takes a part of the weight in that epoch, less what the same offence has cost
// already: a conflict that shows up later still costs the rest.
func (l *ledger) penalize(i int, o offence, bps int64, reporter account) error {
	before := l.charged[o]
	if before >= bps {
		return errAlreadySlashed
	}
	l.charged[o] = bps
	weight := l.w.epochs[o.epoch-1].set.Member(int(o.index)).Weight.Big()
	penalty := minus(share(weight, bps), share(weight, before))
	v := &l.validators[i]
	freed := least(v.stake, penalty)
	v.stake = minus(v.stake, freed)
	l.unlockBond(l.w.validator(i), freed)
	l.slash(l.w.validator(i), penalty, event{offence: o, reporter: reporter})
	return nil
}
