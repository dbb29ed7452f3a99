package proof

import (
	"fmt"
	"math"
	"strings"

	"github.com/bitsage/bitsage/internal/stark"
)

// sizeMargin is kept free below MaxBytes. The size of a proof varies with the
// positions drawn, for the largest by a standard deviation of nearly 3,000 bytes:
// TestSizeMargin simulates it.
const sizeMargin = 12 << 10

// EstimateBytes returns the expected size of the binary form of a proof of the
// program under a profile.
func EstimateBytes(p Program, profile Profile) (int, error) {
	s := Statement{Program: p}
	a, err := s.AIR(profile)
	if err != nil {
		return 0, err
	}
	return expectedBytes(a.Layout())
}

// SizeError says that proofs of a program do not fit MaxBytes under a profile.
type SizeError struct {
	Program  Program
	Profile  Profile
	Expected int       // bytes
	Fitting  []Profile // profiles under which they do
}

// Error implements error.
func (e *SizeError) Error() string {
	var names []string
	for _, p := range e.Fitting {
		names = append(names, p.String())
	}
	return fmt.Sprintf("proof: a proof of %v under %v has about %d bytes, too near to or beyond the limit of %d; under these profiles it fits: %s",
		e.Program, e.Profile, e.Expected, MaxBytes, strings.Join(names, ", "))
}

// CheckSize returns a *SizeError if proofs of the program under the profile would
// exceed MaxBytes. Call it before the work.
func CheckSize(p Program, profile Profile) error {
	n, err := EstimateBytes(p, profile)
	if err != nil || n <= MaxBytes-sizeMargin {
		return err
	}
	e := &SizeError{Program: p, Profile: profile, Expected: n}
	for _, q := range Profiles() {
		if n, err := EstimateBytes(p, q); err == nil && n <= MaxBytes-sizeMargin {
			e.Fitting = append(e.Fitting, q)
		}
	}
	return e
}

const (
	elemBytes = 4
	feltBytes = 16
	hashBytes = 32
)

// expectedBytes adds up the expected lengths of a proof's lists.
func expectedBytes(l *stark.Layout) (int, error) {
	folds, err := l.Config.FRIFolds(l.Lifted())
	if err != nil {
		return 0, err
	}
	queries := distinct(l.Lifted(), float64(l.Config.Queries))
	bytes := feltBytes * math.Exp2(float64(l.Config.LogLastLayer))
	for t, cols := range l.Columns() {
		for _, c := range cols {
			bytes += float64(feltBytes * len(c.Offsets))
		}
		bytes += queries * float64(elemBytes*len(cols))
		bytes += hashBytes * (1 + siblings(l.Height(t), queries))
	}
	for _, f := range folds {
		// Every group of 2^Fold neighbours is opened whole, so that hashes are
		// needed only from the group up.
		groups := distinct(f.Log-f.Fold, queries)
		bytes += feltBytes * (groups*math.Exp2(float64(f.Fold)) - queries)
		bytes += hashBytes * (1 + siblings(f.Log-f.Fold, groups))
		queries = groups
	}
	return int(bytes), nil
}

// distinct returns the expected number of different values among q drawn from
// 2^log.
func distinct(log int, q float64) float64 {
	n := math.Exp2(float64(log))
	return n * (1 - math.Pow(1-1/n, q))
}

// siblings returns the expected number of hashes that complete the paths of q
// random leaves in a tree of the given height: on every level, the nodes that lie
// on a path while their siblings do not.
func siblings(height int, q float64) (sum float64) {
	for l := 1; l <= height; l++ {
		n := math.Exp2(float64(l))
		sum += n * (math.Pow(1-1/n, q) - math.Pow(1-2/n, q))
	}
	return sum
}
