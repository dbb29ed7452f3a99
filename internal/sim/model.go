package sim

import (
	"crypto/sha256"
	"math/big"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/wallet"
)

// ChainName is the name of the chain for which everything here is signed.
const ChainName = "SN_SIM"

// Workers is how many workers there are; they take turns with the jobs.
const Workers = workers

// Model is what the simulator takes for the contracts, alone and one operation at a time, so
// that others can compare it with the contracts. An operation that is refused changes
// nothing and returns why; Refusal tells the contracts' code.
type Model struct{ l *ledger }

// Holding is what an account has.
type Holding struct{ Tokens, Staked, Unbonding, Bonded *big.Int }

// Job is a job with the submissions that its worker may make, all about one job and of one
// worker. The first job is of the first worker, and so on in turns.
type Job struct {
	Fee, Bond *big.Int
	Deadline  uint64
	Claims    []*consensus.Submission
}

// ValidatorKey returns the vote key of a validator.
func ValidatorKey(i int) *wallet.Key { return new(starkRing).key(uint64(i)).(starkKey).k }

// WorkerKey returns the signing key of a worker.
func WorkerKey(i int) *wallet.Key { return new(starkRing).key(1000 + uint64(i)).(starkKey).k }

// NewModel returns the contracts with the workers' stakes, which are all that they have, and
// with all jobs submitted and accepted. Validators have no stakes yet: they get those of the
// first epoch when it begins.
func NewModel(validators, workers, clients []*big.Int, jobs []Job) *Model {
	w := &world{Scenario: &Scenario{Real: true}, keys: new(starkRing), trace: sha256.New(), byID: make(map[consensus.FactID]*claim)}
	w.audit = newAudit(w)
	for i := range validators {
		w.hosts = append(w.hosts, newHost(w, i, Role{}))
	}
	for i, j := range jobs {
		for n, s := range j.Claims {
			k := &claim{submission: s, id: s.Fact.ID(chainID), worker: starkKey{WorkerKey(i % Workers)}, number: len(w.claims), job: i}
			if n == 0 {
				k.fee, k.bond, k.TTL = j.Fee, j.Bond, j.Deadline
				w.jobs = append(w.jobs, k)
			}
			w.claims = append(w.claims, k)
			w.byID[k.id] = k
		}
	}
	wealth := []*big.Int{zero, zero}
	for _, list := range [][]*big.Int{validators, workers, clients} {
		wealth = append(wealth, list...)
	}
	return &Model{newLedger(w, wealth)}
}

// Refusal returns the code with which the contracts revert for an error of an operation, or
// "" for a certificate that the simulator refuses in words of its own.
func Refusal(err error) string {
	r, _ := err.(refusal)
	return string(r)
}

// SetTime sets the time of the operations that follow.
func (m *Model) SetTime(now uint64) { m.l.now = now }

// AdvanceEpoch begins the epoch after the last one.
func (m *Model) AdvanceEpoch(set *consensus.ValidatorSet) error {
	e := &epoch{number: set.Epoch(), set: set}
	m.l.w.epochs = append(m.l.w.epochs, e)
	m.l.epoch = e.number
	return m.l.advanceEpoch(e)
}

// SubmitProof is submit_proof with a submission.
func (m *Model) SubmitProof(id consensus.FactID) error { return m.l.submitProof(m.l.w.byID[id]) }

// ReportEquivocation is report_equivocation with a submission.
func (m *Model) ReportEquivocation(id consensus.FactID) error {
	return m.l.reportEquivocation(m.l.w.byID[id])
}

// Finalize is finalize of a job.
func (m *Model) Finalize(job int) error { return m.l.finalize(job) }

// Expire is expire of a job.
func (m *Model) Expire(job int) error { return m.l.expire(job) }

// SubmitPayment is submit_payment_with_proof of a job.
func (m *Model) SubmitPayment(job int) error { return m.l.submitPayment(job) }

// RecordCertificate is record_certificate.
func (m *Model) RecordCertificate(c *consensus.Certificate) error { return m.l.recordCertificate(c) }

// SubmitEquivocation is submit_equivocation by a validator.
func (m *Model) SubmitEquivocation(e *consensus.Equivocation, reporter int) error {
	return m.l.submitEquivocation(e, m.l.w.validator(reporter))
}

// SubmitFalseVerdict is submit_false_verdict by a validator.
func (m *Model) SubmitFalseVerdict(v consensus.Vote, reporter int) error {
	return m.l.submitFalseVerdict(v, m.l.w.validator(reporter))
}

// Validator returns what a validator has.
func (m *Model) Validator(i int) Holding { return m.holding(m.l.w.validator(i)) }

// Worker returns what a worker has.
func (m *Model) Worker(i int) Holding { return m.holding(m.l.w.worker(i)) }

// Client returns what the client of a job has.
func (m *Model) Client(job int) Holding { return m.holding(m.l.w.client(job)) }

func (m *Model) holding(a account) Holding {
	s := m.l.stakes[a]
	return Holding{m.l.tokens[a], s.amount, s.unbonding, s.bonded}
}

// Stakes returns what StakingManager holds.
func (m *Model) Stakes() *big.Int { return m.l.tokens[stakingManager] }

// Escrow returns the fees of jobs that are not paid or refunded.
func (m *Model) Escrow() *big.Int { return m.l.tokens[paymentRouter] }

// Burned returns what no account has any more.
func (m *Model) Burned() *big.Int { return m.l.burned }

// Job returns the state of a job and of its payment, as the contracts number them, and what
// is left of its bond.
func (m *Model) Job(job int) (state, payment uint8, bond *big.Int) {
	j := m.l.jobs[job]
	return uint8(j.state) + 2, uint8(j.payment) + 1, j.bond
}
