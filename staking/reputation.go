package staking

import (
	"time"

	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
)

// Level is how much a worker is to be trusted. Levels from LevelFair on are of
// workers that finished at least 10 jobs, so
//
//	if level >= staking.LevelFair { ... }
//
// is never true of a newcomer, whatever its score.
type Level uint8

// The levels.
const (
	LevelUnknown  = Level(reputationmanager.LevelUnknown)  // no record
	LevelNewcomer = Level(reputationmanager.LevelNewcomer) // fewer than 10 finalized jobs, and at least 300 points
	LevelPoor     = Level(reputationmanager.LevelPoor)     // below 300 points
	LevelFair     = Level(reputationmanager.LevelFair)     // from 300 points
	LevelGood     = Level(reputationmanager.LevelGood)     // from 650 points
	LevelTrusted  = Level(reputationmanager.LevelTrusted)  // from 850 points
)

// String returns the level's name.
func (l Level) String() string { return reputationmanager.Level(l).String() }

// Outcome is how a job ended for its worker.
type Outcome uint8

// The outcomes.
const (
	OutcomeFinalized = Outcome(reputationmanager.OutcomeFinalized) // +15
	OutcomeFailed    = Outcome(reputationmanager.OutcomeFailed)    // -25
	OutcomeSlashed   = Outcome(reputationmanager.OutcomeSlashed)   // -100
)

// String returns the outcome's name.
func (o Outcome) String() string { return reputationmanager.Outcome(o).String() }

// The numbers of the contract ReputationManager.
const (
	startScore   = 500
	topScore     = 1000
	gain         = 15
	lossFailed   = 25
	lossSlashed  = 100
	idleDays     = 30 // cost nothing; each further one costs a point, down to startScore
	newcomerJobs = 10
	fairScore    = 300
	goodScore    = 650
	trustedScore = 850
)

// Record is what the contract remembers of a worker's jobs. Its methods are the
// contract's rules. The zero Record is that of an unknown account.
type Record struct {
	Known      bool      // whether the account has a record
	Points     uint16    // the score when it last changed, 0 to 1,000
	Finalized  uint32    // jobs that were finalized as valid
	LastActive time.Time // when the record last changed
}

// Score returns the score at a block time: points above 500 fade by one a day after
// 30 days of inactivity. An account without a record has 500.
func (r Record) Score(now time.Time) uint16 {
	if !r.Known {
		return startScore
	}
	idle := (now.Unix() - r.LastActive.Unix()) / (24 * 3600)
	if r.Points <= startScore || idle <= idleDays {
		return r.Points
	}
	return max(startScore, r.Points-uint16(min(idle-idleDays, int64(r.Points))))
}

// Level returns the level at a block time.
func (r Record) Level(now time.Time) Level {
	score := r.Score(now)
	switch {
	case !r.Known:
		return LevelUnknown
	case score < fairScore:
		return LevelPoor
	case r.Finalized < newcomerJobs:
		return LevelNewcomer
	case score < goodScore:
		return LevelFair
	case score < trustedScore:
		return LevelGood
	}
	return LevelTrusted
}

// After returns the record after a job that ended at a block time.
func (r Record) After(o Outcome, now time.Time) Record {
	score := r.Score(now)
	next := Record{Known: true, Points: score, Finalized: r.Finalized, LastActive: now}
	switch o {
	case OutcomeFinalized:
		next.Points = min(topScore, score+gain)
		next.Finalized++
	case OutcomeFailed:
		next.Points -= min(score, lossFailed)
	case OutcomeSlashed:
		next.Points -= min(score, lossSlashed)
	}
	return next
}

// Reputation is a worker's reputation as the contract computes it.
type Reputation struct {
	Score  uint16 // 0 to 1,000, with the decay for inactivity
	Level  Level
	Record Record
}
