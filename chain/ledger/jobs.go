package ledger

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

func (jobState) variants() uint64 { return 8 }

type job struct {
	State        jobState
	Client       address
	Worker       address
	TaskID       u256
	ProgramID    u256
	JobRoot      u256
	Profile      Felt
	LockDeadline uint64
	Deadline     uint64
	SigningKey   Felt
	Bond         u256
	ResultRoot   u256
	ProofHash    u256
	Fact         factID
}

// jobManager is contracts/src/jobs.cairo.
type jobManager struct {
	pausable
	staking    variable[address]
	reputation variable[address]
	verifier   variable[address]
	router     variable[address]
	jobs       mapping[jobID, job]
}

func newJobManager(f *frame) *jobManager {
	return &jobManager{newPausable(f), variable[address]{f, "staking"}, variable[address]{f, "reputation"},
		variable[address]{f, "verifier"}, variable[address]{f, "router"}, mapping[jobID, job]{f, "jobs"}}
}

var jobManagerClass = contract("JobManager", methods(newJobManager, functions{
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
}), ownableFunctions, pausableFunctions)

func (t *jobManager) constructor(owner, staking, reputation, verifier address) {
	assert(!staking.IsZero() && !reputation.IsZero() && !verifier.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.staking.write(staking)
	t.reputation.write(reputation)
	t.verifier.write(verifier)
}

func (t *jobManager) configure(router address) {
	t.assertOwner()
	assert(t.router.read().IsZero(), "ALREADY_CONFIGURED")
	assert(!router.IsZero(), "ZERO_ADDRESS")
	t.router.write(router)
	t.emit("Configured", nil, router)
}

func (t *jobManager) submitJob(task, program, root u256, profile Felt, worker address, lockDeadline, deadline uint64, payment []Felt) jobID {
	t.assertOpen()
	router := t.router.read()
	assert(!router.IsZero(), "NOT_CONFIGURED")
	client := t.caller()
	assert(!worker.IsZero(), "ZERO_ADDRESS")
	assert(worker != client, "SELF_JOB")
	now := t.timestamp()
	ordered := now < lockDeadline && lockDeadline < deadline
	assert(ordered && deadline <= add("u64", now, maxDuration), "BAD_DEADLINE")
	bits := call[uint16](t.frame, t.verifier.read(), "profile_bits", profile)
	assert(bits >= minBits, "PROFILE_TOO_WEAK")
	id := t.jobID(client, task)
	assert(t.jobs.read(id).State == jobNone, "JOB_EXISTS")

	t.jobs.write(id, job{State: jobSubmitted, Client: client, Worker: worker, TaskID: task, ProgramID: program,
		JobRoot: root, Profile: profile, LockDeadline: lockDeadline, Deadline: deadline})
	t.emit("JobSubmitted", key{id, client, worker}, task, program, root, profile, lockDeadline, deadline)
	t.invoke(router, "escrow", id, client, worker, payment)
	return id
}

func (t *jobManager) acceptJob(id jobID) {
	j := t.jobIn(id, jobSubmitted)
	t.assertOperates(j.Worker)
	assert(t.timestamp() <= j.LockDeadline, "TOO_LATE")
	staking := t.staking.read()
	w := call[worker](t.frame, staking, "worker", j.Worker)
	assert(w.Active, "NOT_A_WORKER")

	j.State, j.SigningKey = jobAccepted, w.SigningKey
	j.Bond = share(t.verifyStake(staking, j.Worker).assertValid(forWorkers).minimum(), bondBPS)
	t.jobs.write(id, j)
	t.emit("JobAccepted", key{id, j.Worker}, j.Bond)
	t.invoke(staking, "lock_bond", j.Worker, j.Bond)
}

func (t *jobManager) submitProof(id jobID, resultRoot, proofHash u256, s signature) {
	j := t.jobIn(id, jobAccepted)
	t.assertOperates(j.Worker)
	assert(t.timestamp() <= j.Deadline, "TOO_LATE")
	fact := t.factOf(id, j, resultRoot, proofHash)
	assert(t.signed(fact.Value, j.SigningKey, s), "BAD_SIGNATURE")

	j.State, j.ResultRoot, j.ProofHash, j.Fact = jobProven, resultRoot, proofHash, fact
	t.jobs.write(id, j)
	t.emit("ProofSubmitted", key{id, j.Worker}, resultRoot, proofHash, fact, s)
}

func (t *jobManager) finalize(id jobID) {
	j := t.jobIn(id, jobProven)
	switch t.verdict(j.Fact) {
	case undecided:
		assert(false, "NO_VERDICT")
	case valid:
		t.pay(id, j)
	case invalid:
		t.reject(id, j)
	}
}

func (t *jobManager) cancel(id jobID) {
	j := t.jobIn(id, jobSubmitted)
	assert(t.caller() == j.Client, "UNAUTHORIZED")
	t.end(id, j, jobCancelled)
	t.emit("JobCancelled", key{id})
	t.invoke(t.router.read(), "refund", id)
}

func (t *jobManager) expire(id jobID) {
	j, now := t.jobs.read(id), t.timestamp()
	switch j.State {
	case jobSubmitted:
		assert(now > j.LockDeadline, "TOO_EARLY")
	case jobAccepted:
		assert(now > j.Deadline, "TOO_EARLY")
	case jobProven:
		assert(now > j.Deadline, "TOO_EARLY")
		assert(t.verdict(j.Fact) == undecided, "HAS_VERDICT")
	default:
		assert(false, "BAD_STATE")
	}
	t.end(id, j, jobExpired)
	t.emit("JobExpired", key{id, j.Worker}, j.State)
	switch j.State {
	case jobProven: // only the validators were late
		t.unlockBond(j)
	case jobAccepted:
		call[u256](t.frame, t.staking.read(), "seize_bond", j.Worker, j.Bond, j.Client)
		t.invoke(t.reputation.read(), "record", j.Worker, outcomeFailed)
	}
	t.invoke(t.router.read(), "refund", id)
}

func (t *jobManager) reportEquivocation(id jobID, resultRoot, proofHash u256, s signature) {
	j := t.jobIn(id, jobProven)
	assert(!j.Bond.isZero(), "ALREADY_SLASHED")
	fact := t.factOf(id, j, resultRoot, proofHash)
	assert(fact != j.Fact, "NO_OFFENCE")
	assert(t.signed(fact.Value, j.SigningKey, s), "BAD_SIGNATURE")

	bond := j.Bond
	j.Bond = u256{}
	t.jobs.write(id, j)
	t.emit("WorkerEquivocated", key{id, j.Worker}, fact, bond)
	call[u256](t.frame, t.staking.read(), "seize_bond", j.Worker, bond, j.Client)
	t.invoke(t.reputation.read(), "record", j.Worker, outcomeSlashed)
}

func (t *jobManager) job(id jobID) job { return t.jobs.read(id) }

func (t *jobManager) jobIdentifier(client address, task u256) jobID { return t.jobID(client, task) }

func (t *jobManager) paymentRouter() address { return t.router.read() }

func (t *jobManager) jobIn(id jobID, state jobState) job {
	j := t.jobs.read(id)
	assert(j.State == state, "BAD_STATE")
	return j
}

// end writes a job's final state.
func (t *jobManager) end(id jobID, j job, state jobState) {
	j.State = state
	t.jobs.write(id, j)
}

func (t *jobManager) assertOperates(worker address) {
	assert(call[bool](t.frame, t.staking.read(), "may_operate", worker, t.caller()), "UNAUTHORIZED")
}

func (t *jobManager) factOf(id jobID, j job, resultRoot, proofHash u256) factID {
	return t.factID(fact{id, j.ProgramID, j.Profile, j.JobRoot, resultRoot, j.Worker, proofHash})
}

// verdict is what decides about money. A fact with certificates of both verdicts decides
// nothing.
func (t *jobManager) verdict(id factID) verdict {
	verifier := t.verifier.read()
	r := call[factRecord](t.frame, verifier, "fact", id)
	switch {
	case r.Contested:
		return undecided
	case r.Verdict == valid && !call[bool](t.frame, verifier, "is_valid", id, minBits, byCertificate):
		return undecided
	}
	return r.Verdict
}

func (t *jobManager) pay(id jobID, j job) {
	t.end(id, j, jobFinalized)
	t.emit("JobFinalized", key{id, j.Worker}, j.Fact)
	t.unlockBond(j)
	t.invoke(t.reputation.read(), "record", j.Worker, outcomeFinalized)
	t.invoke(t.router.read(), "settle", id, j.ProofHash)
}

func (t *jobManager) reject(id jobID, j job) {
	t.end(id, j, jobRejected)
	t.unlockBond(j)
	staking := t.staking.read()
	s := call[stake](t.frame, staking, "stake_of", j.Worker)
	// The bond was there until now, so a worker that emptied its stake loses that at least.
	penalty := share(s.Amount.add(s.Unbonding), invalidProofBPS)
	if penalty.less(j.Bond) {
		penalty = j.Bond
	}
	slashed := call[u256](t.frame, staking, "slash", j.Worker, penalty, shortString("INVALID_PROOF"), address{})
	t.emit("JobRejected", key{id, j.Worker}, j.Fact, slashed)
	t.invoke(t.reputation.read(), "record", j.Worker, outcomeSlashed)
	t.invoke(t.router.read(), "refund", id)
}

func (t *jobManager) unlockBond(j job) {
	if !j.Bond.isZero() {
		t.invoke(t.staking.read(), "unlock_bond", j.Worker, j.Bond)
	}
}
