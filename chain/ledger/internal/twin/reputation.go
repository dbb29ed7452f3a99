package twin

import "github.com/bitsage/bitsage/chain/ledger/internal/cairo"

const (
	scoreStart   uint16 = 500
	scoreTop     uint16 = 1000
	idleDays     uint64 = 30
	newcomerJobs uint32 = 10
)

// level is how much a worker is to be trusted.
type level uint8

const (
	levelUnknown level = iota
	levelNewcomer
	levelPoor
	levelFair
	levelGood
	levelTrusted
)

func (level) Variants() uint64 { return 6 }

// outcome is how a job ended for its worker.
type outcome uint8

const (
	outcomeFinalized outcome = iota
	outcomeFailed
	outcomeSlashed
)

func (outcome) Variants() uint64 { return 3 }

// standing is a worker's Record.
type standing struct {
	Known      bool
	Score      uint16
	Finalized  uint32
	LastActive uint64
}

// reputationManager is contracts/src/reputation.cairo.
type reputationManager struct {
	*cairo.Frame
	deployer cairo.Variable[cairo.Address]
	jobs     cairo.Variable[cairo.Address]
	records  cairo.Mapping[cairo.Address, standing]
}

func newReputationManager(f *cairo.Frame) *reputationManager {
	return &reputationManager{
		f,
		cairo.NewVariable[cairo.Address](f, "deployer"),
		cairo.NewVariable[cairo.Address](f, "job_manager"),
		cairo.NewMapping[cairo.Address, standing](f, "records"),
	}
}

func reputationManagerClass() *cairo.Class {
	return contract("ReputationManager", cairo.Methods(newReputationManager, cairo.Functions{
		"constructor": (*reputationManager).constructor,
		"configure":   (*reputationManager).configure,
		"initialize":  (*reputationManager).initialize,
		"record":      (*reputationManager).record,
		"reputation":  (*reputationManager).reputation,
		"level":       (*reputationManager).level,
		"record_of":   (*reputationManager).recordOf,
	}))
}

func (t *reputationManager) constructor(deployer cairo.Address) {
	cairo.Assert(!deployer.IsZero(), "ZERO_ADDRESS")
	t.deployer.Write(deployer)
}

func (t *reputationManager) configure(jobs cairo.Address) {
	cairo.Assert(t.Caller() == t.deployer.Read(), "UNAUTHORIZED")
	cairo.Assert(t.jobs.Read().IsZero(), "ALREADY_CONFIGURED")
	cairo.Assert(!jobs.IsZero(), "ZERO_ADDRESS")
	t.jobs.Write(jobs)
	t.Emit("Configured", nil, jobs)
}

func (t *reputationManager) initialize() {
	worker := t.Caller()
	cairo.Assert(!t.records.Read(worker).Known, "BAD_STATE")
	t.update(worker, scoreStart, t.newcomer())
}

func (t *reputationManager) record(worker cairo.Address, o outcome) {
	jobs := t.jobs.Read()
	cairo.Assert(!jobs.IsZero(), "NOT_CONFIGURED")
	cairo.Assert(t.Caller() == jobs, "UNAUTHORIZED")
	r := t.records.Read(worker)
	if !r.Known {
		r = t.newcomer()
	}
	previous := t.faded(r)
	switch o {
	case outcomeFinalized:
		r.Score = min(scoreTop, previous+15)
		r.Finalized = cairo.Add("u32", r.Finalized, 1)
	case outcomeFailed:
		r.Score = previous - min(previous, 25)
	case outcomeSlashed:
		r.Score = previous - min(previous, 100)
	}
	t.update(worker, previous, r)
}

func (t *reputationManager) reputation(worker cairo.Address) uint16 {
	if r := t.records.Read(worker); r.Known {
		return t.faded(r)
	}
	return scoreStart
}

func (t *reputationManager) level(worker cairo.Address) level {
	r := t.records.Read(worker)
	if !r.Known {
		return levelUnknown
	}
	switch score := t.faded(r); {
	case score < 300:
		return levelPoor
	case r.Finalized < newcomerJobs:
		return levelNewcomer
	case score < 650:
		return levelFair
	case score < 850:
		return levelGood
	}
	return levelTrusted
}

func (t *reputationManager) recordOf(worker cairo.Address) standing { return t.records.Read(worker) }

func (t *reputationManager) update(worker cairo.Address, previous uint16, r standing) {
	r.LastActive = t.Timestamp()
	t.records.Write(worker, r)
	t.Emit("ReputationChanged", cairo.Keys{worker}, previous, r.Score, r.Finalized)
}

func (t *reputationManager) newcomer() standing { return standing{true, scoreStart, 0, t.Timestamp()} }

// faded is the score after the days of inactivity.
func (t *reputationManager) faded(r standing) uint16 {
	idle := cairo.Sub("u64", t.Timestamp(), r.LastActive) / day
	if r.Score <= scoreStart || idle <= idleDays {
		return r.Score
	}
	points := uint16(min(idle-idleDays, uint64(scoreTop)))
	return max(scoreStart, r.Score-min(points, r.Score))
}
