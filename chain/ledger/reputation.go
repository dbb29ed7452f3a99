package ledger

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

func (level) variants() uint64 { return 6 }

// outcome is how a job ended for its worker.
type outcome uint8

const (
	outcomeFinalized outcome = iota
	outcomeFailed
	outcomeSlashed
)

func (outcome) variants() uint64 { return 3 }

// standing is a worker's Record.
type standing struct {
	Known      bool
	Score      uint16
	Finalized  uint32
	LastActive uint64
}

// reputationManager is contracts/src/reputation.cairo.
type reputationManager struct {
	*frame
	deployer variable[address]
	jobs     variable[address]
	records  mapping[address, standing]
}

func newReputationManager(f *frame) *reputationManager {
	return &reputationManager{f, variable[address]{f, "deployer"}, variable[address]{f, "job_manager"}, mapping[address, standing]{f, "records"}}
}

var reputationManagerClass = contract("ReputationManager", methods(newReputationManager, functions{
	"constructor": (*reputationManager).constructor,
	"configure":   (*reputationManager).configure,
	"initialize":  (*reputationManager).initialize,
	"record":      (*reputationManager).record,
	"reputation":  (*reputationManager).reputation,
	"level":       (*reputationManager).level,
	"record_of":   (*reputationManager).recordOf,
}))

func (t *reputationManager) constructor(deployer address) {
	assert(!deployer.IsZero(), "ZERO_ADDRESS")
	t.deployer.write(deployer)
}

func (t *reputationManager) configure(jobs address) {
	assert(t.caller() == t.deployer.read(), "UNAUTHORIZED")
	assert(t.jobs.read().IsZero(), "ALREADY_CONFIGURED")
	assert(!jobs.IsZero(), "ZERO_ADDRESS")
	t.jobs.write(jobs)
	t.emit("Configured", nil, jobs)
}

func (t *reputationManager) initialize() {
	worker := t.caller()
	assert(!t.records.read(worker).Known, "BAD_STATE")
	t.update(worker, scoreStart, t.newcomer())
}

func (t *reputationManager) record(worker address, o outcome) {
	jobs := t.jobs.read()
	assert(!jobs.IsZero(), "NOT_CONFIGURED")
	assert(t.caller() == jobs, "UNAUTHORIZED")
	r := t.records.read(worker)
	if !r.Known {
		r = t.newcomer()
	}
	previous := t.faded(r)
	switch o {
	case outcomeFinalized:
		r.Score = min(scoreTop, previous+15)
		r.Finalized = add("u32", r.Finalized, 1)
	case outcomeFailed:
		r.Score = previous - min(previous, 25)
	case outcomeSlashed:
		r.Score = previous - min(previous, 100)
	}
	t.update(worker, previous, r)
}

func (t *reputationManager) reputation(worker address) uint16 {
	if r := t.records.read(worker); r.Known {
		return t.faded(r)
	}
	return scoreStart
}

func (t *reputationManager) level(worker address) level {
	r := t.records.read(worker)
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

func (t *reputationManager) recordOf(worker address) standing { return t.records.read(worker) }

func (t *reputationManager) update(worker address, previous uint16, r standing) {
	r.LastActive = t.timestamp()
	t.records.write(worker, r)
	t.emit("ReputationChanged", key{worker}, previous, r.Score, r.Finalized)
}

func (t *reputationManager) newcomer() standing { return standing{true, scoreStart, 0, t.timestamp()} }

// faded is the score after the days of inactivity.
func (t *reputationManager) faded(r standing) uint16 {
	idle := sub("u64", t.timestamp(), r.LastActive) / day
	if r.Score <= scoreStart || idle <= idleDays {
		return r.Score
	}
	points := uint16(min(idle-idleDays, uint64(scoreTop)))
	return max(scoreStart, r.Score-min(points, r.Score))
}
