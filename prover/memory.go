package prover

import (
	"bufio"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/internal/stark"
)

// estimate returns about how many bytes a proof of the layout needs.
func estimate(l *stark.Layout) int64 {
	const elem, secure, hash = 4, 16, 32
	blowup := l.Config.LogBlowup
	var bytes int64
	for t, cols := range l.Columns() {
		for _, c := range cols {
			n := int64(elem) << c.LogSize
			bytes += n + n<<blowup
			if blowup != 1 {
				bytes += n + 2*n // coefficients, and what the constraints are computed on
			}
		}
		bytes += hash << l.Height(t)
	}
	L := l.Lifted()
	bytes += 2 * secure << l.LogDegree                  // the composition, summed up by sizes
	bytes += secure<<l.MaxLog() + secure<<L + secure<<L // the quotient and its folds
	if folds, err := l.Config.FRIFolds(L); err == nil {
		for _, f := range folds {
			bytes += hash << (f.Log - f.Packing)
		}
	}
	return bytes + 3*elem<<L // factors of the transforms
}

// checkMemory compares a need with the bound of the options, Go's memory limit
// and what the system says is available.
func (p *Prover) checkMemory(need int64) error {
	have := p.opt.MaxMemory
	if have == 0 {
		have = min(available(), debug.SetMemoryLimit(-1))
	}
	if need > have {
		return &MemoryError{need, have}
	}
	return nil
}

// available returns the memory that the system can give without swapping. Where
// it cannot be told it returns no bound.
func available() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return math.MaxInt64
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		fields := strings.Fields(sc.Text())
		if len(fields) >= 2 && fields[0] == "MemAvailable:" {
			if kb, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kb << 10
			}
		}
	}
	return math.MaxInt64
}
