package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// kernel is a benchmark with its bound.
type kernel struct {
	title string
	pkg   string
	bench string // its name, less the implementation
	unit  string // of the metric: ns or millions a second
	of    string // what is counted
	loops []loop // the work on one; none if there is no bound
}

func lanes(n512 float64) func(string) float64 {
	return func(impl string) float64 {
		if impl == "avx2" {
			return n512 / 2
		}
		return n512
	}
}

// rounds of a loop that does so many elements with 512 bits, and half of that with 256.
func rounds(fn string, n512, times float64) loop { return loop{fn, lanes(n512), times, nil} }

// addProducts adds up the products of so many columns, at most 32 at a time and of
// these three at a time. A round does 32 rows, or 8 with AVX2.
func addProducts(columns int) []loop {
	items := func(impl string) float64 {
		if impl == "avx2" {
			return 8
		}
		return 32
	}
	var loops []loop
	for ; columns > 0; columns -= 32 {
		n := min(columns, 32)
		loops = append(loops, loop{"addProducts", items, 1, map[string]float64{"three": float64(n / 3), "one": float64(n % 3)}})
	}
	return loops
}

// over returns the loops for a part of their work.
func over(n float64, loops ...loop) []loop {
	for i := range loops {
		loops[i].times /= n
	}
	return loops
}

// plain leaves out the reduction of digests, which Blake2sM31 alone has.
var plain = map[string]float64{"loop+": 0}

func compress(blocks float64) loop { return rounds("compress", 16, blocks) }

var (
	digests = loop{"digests", lanes(16), 1, plain}
	nodes   = loop{"nodes", lanes(16), 1, plain}
	search  = loop{"search", func(impl string) float64 {
		if impl == "avx2" {
			return 8
		}
		return 32
	}, 1, nil}
)

// butterflies is three layers over eight rows, twelve butterflies a lane. Lower layers
// move lanes in addition.
func butterflies(fn string, times float64) loop { return rounds(fn, 12*16, times) }

// kernels are the rows of the table.
func kernels() []kernel {
	const field, secure = "M31 vectors, first-level cache", "QM31 vectors, first-level cache"
	var all []kernel
	for _, op := range []struct{ name, fn string }{
		{"Add", "add"}, {"Sub", "sub"}, {"Mul", "mul"}, {"MulAdd", "mulAdd"}, {"SubMul", "subMul"}, {"Neg", "neg"},
		{"AddConst", "addConst"}, {"MulConst", "mulConst"}, {"Alternate", "alternate"},
	} {
		all = append(all, kernel{field + ": " + op.name, "internal/m31", "Lanes/" + op.name, "ns/elem", "element", []loop{rounds(op.fn, 16, 1)}})
	}
	all = append(all,
		kernel{secure + ": Mul", "internal/m31", "SecureLanes/Mul", "ns/elem", "element", []loop{rounds("secureMul", 16, 1)}},
		kernel{secure + ": AddProducts, 32 columns", "internal/m31", "SecureLanes/AddProducts", "ns/elem", "product", over(32, addProducts(32)...)})
	for _, k := range []string{"12", "16", "20"} {
		all = append(all,
			kernel{"transform: interpolate 2^" + k, "internal/circle", "FFT/interpolate/" + k, "ns/butterfly", "butterfly", []loop{butterflies("inverse3", 1)}},
			kernel{"transform: evaluate 2^" + k + " on twice as many", "internal/circle", "FFT/evaluate/" + k, "ns/butterfly", "butterfly", []loop{butterflies("forward3", 1)}})
	}
	return append(all,
		kernel{"transforms: extend 100 columns of 2^20", "internal/backend/cpu", "Transforms/Extend/20", "ns/element", "element, 30 butterflies", []loop{butterflies("inverse3", 10), butterflies("forward3", 20)}},
		kernel{"Blake2s: rows of 16 columns, first-level cache", "internal/blake2s", "Rows/16_columns", "ns/row", "compression", []loop{compress(1), digests}},
		kernel{"Blake2s: nodes, first-level cache", "internal/blake2s", "Nodes/nodes", "ns/node", "compression", []loop{nodes}},
		kernel{"Blake2s: search for a nonce", "internal/blake2s", "Search/nonces", "Mnonces/s", "nonce", []loop{search}},
		kernel{"tree of 100 columns of 2^18", "internal/backend/cpu", "Merkle/100x2^18", "ns/row", "row, 8 compressions", []loop{compress(7), digests, nodes}},
		kernel{"tree of 4 columns of 2^20", "internal/backend/cpu", "Merkle/4x2^20", "ns/row", "row, 2 compressions", []loop{compress(1), digests, nodes}},
		kernel{"proof of work, 20 bits", "internal/backend/cpu", "Grind/20", "Mnonces/s", "nonce", []loop{search}},
		kernel{"constraints of wide Fibonacci, 100x2^18", "internal/backend/cpu", "Constraints/18", "ns/cell", "cell", wideFib()},
		kernel{"fractions of LogUp, 2^18", "internal/backend/cpu", "Fractions/18", "ns/fraction", "fraction", nil},
		kernel{"running sums of LogUp, 2^18", "internal/air", "Running/18", "ns/row", "row, 1 coordinate", nil},
		kernel{"values at a point, 100x2^18", "internal/backend/cpu", "EvalAt/18", "ns/cell", "cell", []loop{rounds("dot", 64, 1)}},
		kernel{"quotients, 100x2^18", "internal/backend/cpu", "Quotients/18", "ns/cell", "cell", over(100, addProducts(101)...)},
		kernel{"fold 2^19", "internal/backend/cpu", "Fold/19", "ns/pair", "pair", []loop{rounds("fold", 8, 1)}},
		kernel{"product of int8 matrices, 1024^3", "internal/backend/cpu", "MatMulInt8/1024", "ns/mac", "product", []loop{{"tile", tiles, 1, nil}}},
		kernel{"product of M31 matrices, 512^3", "internal/backend/cpu", "MatMulM31/512", "ns/mac", "product", []loop{rounds("product", 256, 1)}},
	)
}

// tiles returns the products of a round: 6 rows of 16 columns and 2 along k, or 12 of
// 32 and 4.
func tiles(impl string) float64 {
	if impl == "avx2" {
		return 6 * 16 * 2
	}
	return 12 * 32 * 4
}

// wideFib is a row of 98 constraints z = x^2 + y^2, as compiled: 97 squares, sums of
// two, and the combination of all; the first and last constraint use products that
// add.
func wideFib() []loop {
	loops := append(addProducts(98), rounds("add", 16, 96), rounds("sub", 16, 2), rounds("mul", 16, 97), rounds("mulAdd", 16, 2))
	return over(100, loops...)
}

// times are nanoseconds by benchmark with implementation.
type times map[string]float64

// measure runs the benchmarks and notes what they say of the machine.
func measure(ctx context.Context, root string, count int, benchtime time.Duration, r *result) (times, error) {
	all, t := kernels(), make(times)
	for len(all) > 0 {
		pkg, name := all[0].pkg, top(all[0].bench)
		same := func(k kernel) bool { return k.pkg == pkg && top(k.bench) == name }
		var group []kernel
		for _, k := range all {
			if same(k) {
				group = append(group, k)
			}
		}
		all = slices.DeleteFunc(all, same)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern(group), "-cpu", "1", "-count", strconv.Itoa(count),
			"-benchtime", benchtime.String(), "-timeout", "0", "./"+pkg)
		cmd.Dir = root
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
		if err := t.read(out, group, r); err != nil {
			return nil, fmt.Errorf("%s: %w", cmd, err)
		}
	}
	return t, nil
}

func top(bench string) string {
	name, _, _ := strings.Cut(bench, "/")
	return name
}

// pattern returns the expression that selects kernels of one benchmark, element by
// element of the names.
func pattern(group []kernel) string {
	var levels [][]string
	for _, k := range group {
		for i, name := range strings.Split(k.bench, "/") {
			if i == 0 {
				name = "Benchmark" + name
			}
			if i == len(levels) {
				levels = append(levels, nil)
			}
			if name = strings.ReplaceAll(name, "^", `\^`); !slices.Contains(levels[i], name) {
				levels[i] = append(levels[i], name)
			}
		}
	}
	var out []string
	for _, names := range levels {
		out = append(out, "^("+strings.Join(names, "|")+")$")
	}
	return strings.Join(out, "/")
}

// read takes the fastest run of every kernel and implementation from the output of go
// test.
func (t times) read(out []byte, group []kernel, r *result) error {
	units := make(map[string]string)
	for _, k := range group {
		units["Benchmark"+k.bench] = k.unit
	}
	for line := range bytes.Lines(out) {
		if cpu, ok := strings.CutPrefix(string(line), "cpu: "); ok {
			r.Processor = strings.TrimSpace(cpu)
		}
		f := strings.Fields(string(line))
		if len(f) < 4 || len(f)%2 != 0 {
			continue
		}
		unit, ok := units[path.Dir(f[0])]
		if !ok {
			continue
		}
		i := slices.Index(f, unit)
		if i < 0 {
			return fmt.Errorf("%s reports no %s", f[0], unit)
		}
		ns, err := strconv.ParseFloat(f[i-1], 64)
		if err != nil || ns <= 0 {
			return fmt.Errorf("%s: %s %s", f[0], f[i-1], unit)
		}
		if strings.HasPrefix(unit, "M") {
			ns = 1e3 / ns
		}
		name := strings.TrimPrefix(f[0], "Benchmark")
		if old, ok := t[name]; !ok || ns < old {
			t[name] = ns
		}
	}
	for _, k := range group {
		if t[k.bench+"/generic"] == 0 {
			return fmt.Errorf("%s did not run", k.bench)
		}
	}
	return nil
}
