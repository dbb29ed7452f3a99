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

// estimate returns about how many bytes a proof of the layout needs: for every
// column its values, coefficients, extension and, where the blowup is not 2, the
// evaluations that the constraints are computed on; the trees; the composition,
// quotient and FRI columns.
func estimate(l *stark.Layout) int64 {
	const elem, hash = 4, 32
	blowup := l.Config.LogBlowup
	var bytes int64
	for _, cols := range l.Columns() {
		for _, c := range cols {
			n := int64(elem) << c.LogSize
			bytes += n + n + n<<blowup
			if blowup != 1 {
				bytes += 2 * n
			}
		}
	}
	trees := int64(len(l.Trees) + 1)
	bytes += trees * 2 * hash << l.Lifted()
	bytes += 3 * 4 * elem << l.LogDegree             // accumulators of the composition
	bytes += 4*elem<<l.MaxLog() + 4*elem<<l.Lifted() // quotient
	bytes += (4*elem + 2*hash) << l.Lifted()         // FRI layers
	return bytes
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
