package staking

import (
	"fmt"
	"testing"
	"time"
)

const day = 24 * time.Hour

func TestScore(t *testing.T) {
	for _, c := range []struct {
		points uint16
		idle   time.Duration
		want   uint16
	}{
		{1000, 0, 1000}, {1000, 30 * day, 1000}, {1000, 31*day - time.Second, 1000}, {1000, 31 * day, 999}, {1000, 100 * day, 930},
		{1000, 530 * day, 500}, {1000, 531 * day, 500}, {1000, 100_000 * day, 500}, {501, 31 * day, 500}, {501, 32 * day, 500},
		{500, 1000 * day, 500}, {499, 1000 * day, 499}, {0, 1000 * day, 0}, {700, -time.Hour, 700},
	} {
		r := Record{Known: true, Points: c.points, LastActive: t0}
		if got := r.Score(t0.Add(c.idle)); got != c.want {
			t.Errorf("%d after %v: %d, want %d", c.points, c.idle, got, c.want)
		}
	}
	if (Record{}).Score(t0) != 500 {
		t.Error("an unknown account does not have 500 points")
	}
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		points    uint16
		finalized uint32
		idle      time.Duration
		want      Level
	}{
		{500, 0, 0, LevelNewcomer}, {1000, 9, 0, LevelNewcomer}, {1000, 10, 0, LevelTrusted},
		{299, 100, 0, LevelPoor}, {299, 0, 0, LevelPoor}, {300, 10, 0, LevelFair}, {649, 10, 0, LevelFair},
		{650, 10, 0, LevelGood}, {849, 10, 0, LevelGood}, {850, 10, 0, LevelTrusted},
		{850, 10, 31 * day, LevelGood}, {1000, 500, 1000 * day, LevelFair},
	} {
		r := Record{Known: true, Points: c.points, Finalized: c.finalized, LastActive: t0}
		if got := r.Level(t0.Add(c.idle)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	if (Record{Points: 1000, Finalized: 1000}).Level(t0) != LevelUnknown {
		t.Error("without a record the level is known")
	}
}

// TestNewcomers tries every score: no number of points makes up for jobs.
func TestNewcomers(t *testing.T) {
	for points := uint16(0); points <= topScore; points++ {
		for finalized := range uint32(newcomerJobs) {
			r := Record{Known: true, Points: points, Finalized: finalized, LastActive: t0}
			if l := r.Level(t0); l >= LevelFair {
				t.Fatalf("%d points after %d jobs are %v", points, finalized, l)
			}
		}
	}
}

func TestAfter(t *testing.T) {
	for _, c := range []struct {
		before  Record
		outcome Outcome
		idle    time.Duration
		want    Record
	}{
		{Record{}, OutcomeFinalized, 0, Record{true, 515, 1, t0}},
		{Record{}, OutcomeSlashed, 0, Record{true, 400, 0, t0}},
		{Record{true, 990, 7, t0}, OutcomeFinalized, day, Record{true, 1000, 8, t0.Add(day)}},
		{Record{true, 24, 7, t0}, OutcomeFailed, day, Record{true, 0, 7, t0.Add(day)}},
		{Record{true, 99, 7, t0}, OutcomeSlashed, day, Record{true, 0, 7, t0.Add(day)}},
		{Record{true, 600, 7, t0}, OutcomeFailed, 40 * day, Record{true, 565, 7, t0.Add(40 * day)}},
	} {
		if got := c.before.After(c.outcome, t0.Add(c.idle)); got != c.want {
			t.Errorf("%+v, %v: %+v, want %+v", c.before, c.outcome, got, c.want)
		}
	}
}

// TestNames names the values of the enums, and what is none.
func TestNames(t *testing.T) {
	for _, c := range []struct {
		value fmt.Stringer
		want  string
	}{
		{LevelUnknown, "Unknown"}, {LevelTrusted, "Trusted"}, {Level(9), "Level(9)"},
		{OutcomeFinalized, "Finalized"}, {OutcomeSlashed, "Slashed"}, {Outcome(9), "Outcome(9)"},
		{ValidatorNone, "None"}, {ValidatorTombstoned, "Tombstoned"}, {ValidatorStatus(9), "ValidatorStatus(9)"},
	} {
		if got := c.value.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}
