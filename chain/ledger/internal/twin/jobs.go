package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

const (
	maxDuration            = 90 * day
	bondBPS         uint64 = 1_000
	invalidProofBPS uint64 = 1_000
	minBits         uint16 = 60
)

// jobState is a job's state. Those from finalized on are final.
type jobState uint8

const (
	jobNone jobState = iota
	jobSubmitted
	jobAccepted
	jobProven
	jobFinalized
	jobRejected
	jobExpired
	jobCancelled
)

func (jobState) Variants() uint64 { return 8 }

type job struct {
	State        jobState
	Client       cairo.Address
	Worker       cairo.Address
	TaskID       cairo.U256
	ProgramID    cairo.U256
	JobRoot      cairo.U256
	Profile      felt.Felt
	LockDeadline uint64
	Deadline     uint64
	SigningKey   felt.Felt
	Bond         cairo.U256
	ResultRoot   cairo.U256
	ProofHash    cairo.U256
	Fact         factID
}

// jobManager is contracts/src/jobs.cairo.
type jobManager struct {
	pausable
	staking    cairo.Variable[cairo.Address]
	reputation cairo.Variable[cairo.Address]
	verifier   cairo.Variable[cairo.Address]
	router     cairo.Variable[cairo.Address]
	jobs       cairo.Mapping[jobID, job]
}

func newJobManager(f *cairo.Frame) *jobManager {
	return &jobManager{
		newPausable(f),
		cairo.NewVariable[cairo.Address](f, "staking"),
		cairo.NewVariable[cairo.Address](f, "reputation"),
		cairo.NewVariable[cairo.Address](f, "verifier"),
		cairo.NewVariable[cairo.Address](f, "router"),
		cairo.NewMapping[jobID, job](f, "jobs"),
	}
}

func jobManagerClass() *cairo.Class {
	return contract("JobManager", cairo.Methods(newJobManager, cairo.Functions{
		"constructor":         (*jobManager).constructor,
		"configure":           (*jobManager).configure,
		"submit_job":          (*jobManager).submitJob,
		"accept_job":          (*jobManager).acceptJob,
		"submit_proof":        (*jobManager).submitProof,
		"finalize":            (*jobManager).finalize,
		"cancel":              (*jobManager).cancel,
		"expire":              (*jobManager).expire,
		"report_equivocation": (*jobManager).reportEquivocation,
		"job":                 (*jobManager).job,
		"job_id":              (*jobManager).jobIdentifier,
		"payment_router":      (*jobManager).paymentRouter,
	}), ownableFunctions(), pausableFunctions())
}

func (t *jobManager) constructor(owner, staking, reputation, verifier cairo.Address) {
	cairo.Assert(!staking.IsZero() && !reputation.IsZero() && !verifier.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.staking.Write(staking)
	t.reputation.Write(reputation)
	t.verifier.Write(verifier)
}

func (t *jobManager) configure(router cairo.Address) {
	t.assertOwner()
	cairo.Assert(t.router.Read().IsZero(), "ALREADY_CONFIGURED")
	cairo.Assert(!router.IsZero(), "ZERO_ADDRESS")
	t.router.Write(router)
	t.Emit("Configured", nil, router)
}

func (t *jobManager) submitJob(task, program, root cairo.U256, profile felt.Felt, worker cairo.Address, lockDeadline, deadline uint64, payment []felt.Felt) jobID {
	t.assertOpen()
	router := t.router.Read()
	cairo.Assert(!router.IsZero(), "NOT_CONFIGURED")
	client := t.Caller()
	cairo.Assert(!worker.IsZero(), "ZERO_ADDRESS")
	cairo.Assert(worker != client, "SELF_JOB")
	now := t.Timestamp()
	ordered := now < lockDeadline && lockDeadline < deadline
	cairo.Assert(ordered && deadline <= cairo.Add("u64", now, maxDuration), "BAD_DEADLINE")
	bits := cairo.Call[uint16](t.Frame, t.verifier.Read(), "profile_bits", profile)
	cairo.Assert(bits >= minBits, "PROFILE_TOO_WEAK")
	id := hashJob(t.Frame, client, task)
	cairo.Assert(t.jobs.Read(id).State == jobNone, "JOB_EXISTS")

	t.jobs.Write(id, job{State: jobSubmitted, Client: client, Worker: worker, TaskID: task, ProgramID: program,
		JobRoot: root, Profile: profile, LockDeadline: lockDeadline, Deadline: deadline})
	t.Emit("JobSubmitted", cairo.Keys{id, client, worker}, task, program, root, profile, lockDeadline, deadline)
	t.Invoke(router, "escrow", id, client, worker, payment)
	return id
}

func (t *jobManager) acceptJob(id jobID) {
	j := t.jobIn(id, jobSubmitted)
	t.assertOperates(j.Worker)
	cairo.Assert(t.Timestamp() <= j.LockDeadline, "TOO_LATE")
	staking := t.staking.Read()
	w := cairo.Call[worker](t.Frame, staking, "worker", j.Worker)
	cairo.Assert(w.Active, "NOT_A_WORKER")

	j.State, j.SigningKey = jobAccepted, w.SigningKey
	j.Bond = share(askStake(t.Frame, staking, j.Worker).assertValid(forWorkers).minimum(), bondBPS)
	t.jobs.Write(id, j)
	t.Emit("JobAccepted", cairo.Keys{id, j.Worker}, j.Bond)
	t.Invoke(staking, "lock_bond", j.Worker, j.Bond)
}

func (t *jobManager) submitProof(id jobID, resultRoot, proofHash cairo.U256, s cairo.Signature) {
	j := t.jobIn(id, jobAccepted)
	t.assertOperates(j.Worker)
	cairo.Assert(t.Timestamp() <= j.Deadline, "TOO_LATE")
	fact := t.factOf(id, j, resultRoot, proofHash)
	cairo.Assert(t.Signed(fact.Value, j.SigningKey, s), "BAD_SIGNATURE")

	j.State, j.ResultRoot, j.ProofHash, j.Fact = jobProven, resultRoot, proofHash, fact
	t.jobs.Write(id, j)
	t.Emit("ProofSubmitted", cairo.Keys{id, j.Worker}, resultRoot, proofHash, fact, s)
}

func (t *jobManager) finalize(id jobID) {
	j := t.jobIn(id, jobProven)
	switch t.verdict(j.Fact) {
	case undecided:
		cairo.Assert(false, "NO_VERDICT")
	case valid:
		t.pay(id, j)
	case invalid:
		t.reject(id, j)
	}
}

func (t *jobManager) cancel(id jobID) {
	j := t.jobIn(id, jobSubmitted)
	cairo.Assert(t.Caller() == j.Client, "UNAUTHORIZED")
	t.end(id, j, jobCancelled)
	t.Emit("JobCancelled", cairo.Keys{id})
	t.Invoke(t.router.Read(), "refund", id)
}

func (t *jobManager) expire(id jobID) {
	j, now := t.jobs.Read(id), t.Timestamp()
	switch j.State {
	case jobSubmitted:
		cairo.Assert(now > j.LockDeadline, "TOO_EARLY")
	case jobAccepted:
		cairo.Assert(now > j.Deadline, "TOO_EARLY")
	case jobProven:
		cairo.Assert(now > j.Deadline, "TOO_EARLY")
		cairo.Assert(t.verdict(j.Fact) == undecided, "HAS_VERDICT")
	default:
		cairo.Assert(false, "BAD_STATE")
	}
	t.end(id, j, jobExpired)
	t.Emit("JobExpired", cairo.Keys{id, j.Worker}, j.State)
	switch j.State {
	case jobProven: // only the validators were late
		t.unlockBond(j)
	case jobAccepted:
		cairo.Call[cairo.U256](t.Frame, t.staking.Read(), "seize_bond", j.Worker, j.Bond, j.Client)
		t.Invoke(t.reputation.Read(), "record", j.Worker, outcomeFailed)
	}
	t.Invoke(t.router.Read(), "refund", id)
}

func (t *jobManager) reportEquivocation(id jobID, resultRoot, proofHash cairo.U256, s cairo.Signature) {
	j := t.jobIn(id, jobProven)
	cairo.Assert(!j.Bond.IsZero(), "ALREADY_SLASHED")
	fact := t.factOf(id, j, resultRoot, proofHash)
	cairo.Assert(fact != j.Fact, "NO_OFFENCE")
	cairo.Assert(t.Signed(fact.Value, j.SigningKey, s), "BAD_SIGNATURE")

	bond := j.Bond
	j.Bond = cairo.U256{}
	t.jobs.Write(id, j)
	t.Emit("WorkerEquivocated", cairo.Keys{id, j.Worker}, fact, bond)
	cairo.Call[cairo.U256](t.Frame, t.staking.Read(), "seize_bond", j.Worker, bond, j.Client)
	t.Invoke(t.reputation.Read(), "record", j.Worker, outcomeSlashed)
}

func (t *jobManager) job(id jobID) job { return t.jobs.Read(id) }

func (t *jobManager) jobIdentifier(client cairo.Address, task cairo.U256) jobID {
	return hashJob(t.Frame, client, task)
}

func (t *jobManager) paymentRouter() cairo.Address { return t.router.Read() }

func (t *jobManager) jobIn(id jobID, state jobState) job {
	j := t.jobs.Read(id)
	cairo.Assert(j.State == state, "BAD_STATE")
	return j
}

// end writes a job's final state.
func (t *jobManager) end(id jobID, j job, state jobState) {
	j.State = state
	t.jobs.Write(id, j)
}

func (t *jobManager) assertOperates(worker cairo.Address) {
	cairo.Assert(cairo.Call[bool](t.Frame, t.staking.Read(), "may_operate", worker, t.Caller()), "UNAUTHORIZED")
}

func (t *jobManager) factOf(id jobID, j job, resultRoot, proofHash cairo.U256) factID {
	return hashFact(t.Frame, fact{id, j.ProgramID, j.Profile, j.JobRoot, resultRoot, j.Worker, proofHash})
}

// verdict is what decides about money. A fact with certificates of both verdicts decides
// nothing.
func (t *jobManager) verdict(id factID) verdict {
	verifier := t.verifier.Read()
	r := cairo.Call[factRecord](t.Frame, verifier, "fact", id)
	switch {
	case r.Contested:
		return undecided
	case r.Verdict == valid && !cairo.Call[bool](t.Frame, verifier, "is_valid", id, minBits, byCertificate):
		return undecided
	}
	return r.Verdict
}

func (t *jobManager) pay(id jobID, j job) {
	t.end(id, j, jobFinalized)
	t.Emit("JobFinalized", cairo.Keys{id, j.Worker}, j.Fact)
	t.unlockBond(j)
	t.Invoke(t.reputation.Read(), "record", j.Worker, outcomeFinalized)
	t.Invoke(t.router.Read(), "settle", id, j.ProofHash)
}

func (t *jobManager) reject(id jobID, j job) {
	t.end(id, j, jobRejected)
	t.unlockBond(j)
	staking := t.staking.Read()
	s := cairo.Call[stake](t.Frame, staking, "stake_of", j.Worker)
	// The bond was there until now, so a worker that emptied its stake loses that at least.
	penalty := share(s.Amount.Add(s.Unbonding), invalidProofBPS)
	if penalty.Less(j.Bond) {
		penalty = j.Bond
	}
	slashed := cairo.Call[cairo.U256](t.Frame, staking, "slash", j.Worker, penalty, cairo.ShortString("INVALID_PROOF"), cairo.Address{})
	t.Emit("JobRejected", cairo.Keys{id, j.Worker}, j.Fact, slashed)
	t.Invoke(t.reputation.Read(), "record", j.Worker, outcomeSlashed)
	t.Invoke(t.router.Read(), "refund", id)
}

func (t *jobManager) unlockBond(j job) {
	if !j.Bond.IsZero() {
		t.Invoke(t.staking.Read(), "unlock_bond", j.Worker, j.Bond)
	}
}
