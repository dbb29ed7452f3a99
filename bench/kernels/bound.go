package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// use is how many cycles instructions keep each kind of unit busy at least. The rates
// are those of Zen 4, whose units are 256 bits wide: in a cycle it executes four
// operations of 256 bits, of which two multiply, loads twice 256 bits and stores them
// once; operations of 512 bits take twice as long. Copies between registers are made
// by renaming and cost nothing. Shifts and shuffles, which only half of the units
// execute, count like others.
type use struct{ alu, mul, load, store float64 }

// bound returns the cycles of the busiest kind of unit.
func (u use) bound() float64 { return max(u.alu, u.mul, u.load, u.store) }

func (u *use) add(v use, times float64) {
	u.alu += times * v.alu
	u.mul += times * v.mul
	u.load += times * v.load
	u.store += times * v.store
}

var multiplies = []string{"VPMULUDQ", "VPMADDWD", "VPDPBUSD"}

// cost counts one instruction in Go's syntax, with its destination last. Only those on
// vectors count.
func cost(line string) use {
	op, args, _ := strings.Cut(strings.TrimSpace(line), " ")
	op, _, _ = strings.Cut(op, ".")
	if strings.HasPrefix(op, "PREFETCH") {
		return use{load: 0.5}
	}
	if !strings.HasPrefix(op, "V") || op == "VZEROUPPER" {
		return use{}
	}
	operands := strings.Split(strings.TrimSpace(args), ", ")
	last := len(operands) - 1
	wide := 1.0
	if slices.ContainsFunc(operands, func(o string) bool { return o[0] == 'Z' }) {
		wide = 2
	}
	memory := func(o string) bool { return strings.Contains(o, "(") }
	var u use
	if memory(operands[last]) {
		u.store = wide
	} else if slices.ContainsFunc(operands, memory) {
		u.load = wide / 2
	}
	moves := strings.HasPrefix(op, "VMOVDQ") || strings.HasPrefix(op, "VPBROADCAST") && u.load > 0
	if masked := len(operands) > 2; !moves || masked {
		u.alu = wide / 4
	}
	if slices.Contains(multiplies, op) {
		u.mul = wide / 2
	}
	return u
}

var (
	text  = regexp.MustCompile(`^TEXT ·(\w+)\(SB\)`)
	label = regexp.MustCompile(`^(\w+):$`)
	jump  = regexp.MustCompile(`^\tJ[A-Z]+ +(\w+)$`)
)

// assembly has the loops of functions, cut into parts at labels and behind jumps: a
// part is named by its label, with a plus for every jump in between.
type assembly map[string][]part

type part struct {
	name string
	use
}

// parse adds the functions of a generated file.
func (a assembly) parse(file string) {
	var fn string
	var parts []part
	for line := range strings.Lines(file) {
		line = strings.TrimSuffix(line, "\n")
		if m := text.FindStringSubmatch(line); m != nil {
			fn, parts = m[1], nil
		} else if m := label.FindStringSubmatch(line); m != nil && (m[1] == "loop" || parts != nil) {
			parts = append(parts, part{name: m[1]})
		} else if parts != nil {
			parts[len(parts)-1].add(cost(line), 1)
			if m := jump.FindStringSubmatch(line); m != nil {
				if m[1] == "loop" {
					a[fn] = slices.Clone(parts)
				}
				parts = append(parts, part{name: parts[len(parts)-1].name + "+"})
			}
		}
	}
}

// sources are the packages that have kernels.
var sources = []string{"internal/m31", "internal/circle", "internal/blake2s", "internal/backend/cpu"}

// readAssembly reads all kernels.
func readAssembly(root string) (assembly, error) {
	a := make(assembly)
	for _, dir := range sources {
		files, err := filepath.Glob(filepath.Join(root, dir, "*_amd64.s"))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				return nil, err
			}
			a.parse(string(data))
		}
	}
	if len(a) == 0 {
		return nil, errors.New("no kernels")
	}
	return a, nil
}

// loop is a part of the work on one element: times/items rounds of a function's loop.
type loop struct {
	fn     string                    // without the suffix of the implementation
	items  func(impl string) float64 // of a round
	times  float64
	repeat map[string]float64 // of the loop's parts by name, once if it is not there
}

// suffixes are those of the functions of an implementation.
var suffixes = map[string]string{"avx2": "AVX2", "avx512": "AVX512", "vnni": "VNNI"}

// cycles16 returns the least number of cycles that 16 elements take, or 0 for plain
// Go and where no bound is known.
func (a assembly) cycles16(loops []loop, impl string) (float64, error) {
	var sum use
	suffix, ok := suffixes[impl]
	if !ok {
		return 0, nil
	}
	for _, l := range loops {
		parts := a[l.fn+suffix]
		if parts == nil {
			return 0, fmt.Errorf("no loop in %s%s", l.fn, suffix)
		}
		for _, p := range parts {
			n, ok := l.repeat[p.name]
			if !ok {
				n = 1
			}
			sum.add(p.use, n*16*l.times/l.items(impl))
		}
	}
	return sum.bound(), nil
}
