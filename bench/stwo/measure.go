package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/prover"
)

// The stages that correspond on both sides.
const (
	stageCommit   = "commit"   // interpolate, extend, hash the trees of the trace
	stageCompose  = "compose"  // constraints, and the tree of the composition
	stageQuotient = "quotient" // out-of-domain values and DEEP quotient
	stageFRI      = "fri"      // layers and their trees
	stageGrind    = "grind"    // proof of work before the queries
	stageOpen     = "open"     // openings; on the Rust side, all that has no span
	stageTwiddles = "twiddles" // on the Go side part of other stages
)

var stages = []string{stageTwiddles, stageCommit, stageCompose, stageQuotient, stageFRI, stageGrind, stageOpen}

// times are seconds by stage. The making of the columns is not counted.
type times map[string]float64

func (t times) total() float64 {
	var sum float64
	for _, v := range t {
		sum += v
	}
	return sum
}

func (t times) withoutGrind() float64 { return t.total() - t[stageGrind] }

// timed is one timed process. It makes two proofs. The first waits for the system to
// find and clear memory for it, which takes about as long as the half of the work and
// depends on what other processes left; the second is like all that follow.
type timed struct {
	times  // of the second
	first  times
	proof  []byte
	tried  uint64  // nonces of the proof of work
	memory float64 // the process's peak in MiB
}

// rate returns the nonces tried per second.
func (t *timed) rate() float64 { return float64(t.tried) / t.times[stageGrind] }

// runs makes a program prove twice.
var runs = []string{"--runs", "2"}

// measure runs the pairs.
func (p *programs) measure(ctx context.Context, c *bench, pairs int) (*result, error) {
	rustArgs := c.rust
	if c.files {
		in := filepath.Join(p.dir, "in")
		if _, err := p.golang.Run(ctx, slices.Concat([]string{"prove"}, c.golang, []string{"--witness", "--out", in})...); err != nil {
			return nil, err
		}
		rustArgs = append([]string{filepath.Join(in, "AIR.json"), filepath.Join(in, "WITNESS.json")}, rustArgs...)
	}
	var ours, theirs []*timed
	var same sameness
	for i := range pairs {
		g, err := p.runGo(ctx, c.golang)
		if err != nil {
			return nil, err
		}
		r, err := p.runRust(ctx, rustArgs)
		if err != nil {
			return nil, err
		}
		if err := p.verify(ctx); err != nil {
			return nil, fmt.Errorf("pair %d: %w", i, err)
		}
		if same, err = compareProofs(g.proof, r.proof); err != nil {
			return nil, fmt.Errorf("pair %d: %w", i, err)
		}
		ours, theirs = append(ours, g), append(theirs, r)
	}
	return newResult(c, p.threads, ours, theirs, same)
}

func (p *programs) out(side string) string { return filepath.Join(p.dir, side) }

// runGo times this side.
func (p *programs) runGo(ctx context.Context, args []string) (*timed, error) {
	args = slices.Concat([]string{"prove"}, args, runs, []string{"--threads", fmt.Sprint(p.threads), "--json", "--out", p.out("go")})
	out, err := p.golang.Run(ctx, args...)
	if err != nil {
		return nil, err
	}
	return newTimed[goReport](out, p.out("go"), func(nonce uint64) uint64 { return nonce + 1 })
}

// newTimed reads what a program printed, a report of each proof, and the last proof.
// tried returns how many nonces were tried up to the one found.
func newTimed[R interface {
	times() times
	memory() float64
}](out []byte, dir string, tried func(nonce uint64) uint64) (*timed, error) {
	reports := make([]R, 2)
	dec := json.NewDecoder(bytes.NewReader(out))
	for i := range reports {
		if err := dec.Decode(&reports[i]); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "PROOF.json"))
	if err != nil {
		return nil, err
	}
	proof, err := stark.ParseJSON(data, stark.Blake2s)
	if err != nil {
		return nil, err
	}
	return &timed{reports[1].times(), reports[0].times(), data, tried(proof.ProofOfWork), reports[1].memory()}, nil
}

// goReport is what stwo-go prints.
type goReport struct {
	Stages     []prover.Timing
	PeakMemory float64 `json:"peak_memory_mib"`
}

func (r goReport) memory() float64 { return r.PeakMemory }

func (r goReport) times() times {
	t := make(times)
	for _, s := range r.Stages {
		switch s.Stage {
		case prover.StageExecute, prover.StageTrace, prover.StageLookup: // the columns
		default:
			t[string(s.Stage)] += s.Time.Seconds()
		}
	}
	return t
}

// runRust times the other side.
func (p *programs) runRust(ctx context.Context, args []string) (*timed, error) {
	out, err := p.rust.Run(ctx, slices.Concat([]string{"prove"}, args, runs, []string{"--out", p.out("rust")})...)
	if err != nil {
		return nil, err
	}
	// stwo's SIMD backend counts to 2^20 in the low half of the nonce, then up by one in
	// the high half.
	return newTimed[rustReport](out, p.out("rust"), func(nonce uint64) uint64 { return nonce>>32<<20 + uint64(uint32(nonce)) + 1 })
}

// rustReport is what stwo-oracle prints: wall and CPU time in milliseconds.
type rustReport struct {
	Twiddles, Prove [2]float64
	Spans           map[string][2]float64
	PeakMemory      float64 `json:"peak_rss_mib"`
}

// spans maps stwo's spans to stages. The rest of the time is spent without one.
var spans = map[string]string{
	"Commitment":                              stageCommit,
	"Interpolation for commitment":            stageCommit,
	"prove_ex/Composition":                    stageCompose,
	"prove_ex/Evaluate columns out of domain": stageQuotient,
	"prove_ex/Compute FRI quotients":          stageQuotient,
	"prove_ex/commit":                         stageFRI,
	"prove_ex/Grind":                          stageGrind,
}

func (r rustReport) memory() float64 { return r.PeakMemory }

func (r rustReport) times() times {
	t := times{stageTwiddles: r.Twiddles[0] / 1e3}
	rest := r.Prove[0] / 1e3
	for span, stage := range spans {
		v := r.Spans[span][0] / 1e3
		t[stage] += v
		rest -= v
	}
	t[stageOpen] = rest
	return t
}

// verify lets each side verify the proofs of both.
func (p *programs) verify(ctx context.Context) error {
	for _, side := range []string{"go", "rust"} {
		airPath, proofPath := filepath.Join(p.out(side), "AIR.json"), filepath.Join(p.out(side), "PROOF.json")
		if ok, err := p.rust.Verify(ctx, airPath, proofPath); err != nil || !ok {
			return fmt.Errorf("stwo rejects the proof of the %s side: %w", side, err)
		}
		if err := verifyHere(airPath, proofPath); err != nil {
			return fmt.Errorf("the proof of the %s side: %w", side, err)
		}
	}
	return nil
}

func verifyHere(airPath, proofPath string) error {
	data, err := os.ReadFile(airPath)
	if err != nil {
		return err
	}
	a, err := air.Parse(data)
	if err != nil {
		return err
	}
	if data, err = os.ReadFile(proofPath); err != nil {
		return err
	}
	p, err := stark.ParseJSON(data, a.Kind)
	if err != nil {
		return err
	}
	_, err = a.Verify(p)
	return err
}

// sameness says how far two proofs were compared.
type sameness string

const (
	sameBytes  sameness = "equal bytes"
	samePrefix sameness = "equal up to the proof of work (stwo's SIMD backend tries nonces in another order)"
)

// compareProofs expects equal proofs, or, where the nonces differ, equal parts
// before the proof of work.
func compareProofs(ours, theirs []byte) (sameness, error) {
	if bytes.Equal(ours, theirs) {
		return sameBytes, nil
	}
	a, err := beforeWork(ours)
	if err != nil {
		return "", err
	}
	b, err := beforeWork(theirs)
	if err != nil {
		return "", err
	}
	if a.nonce == b.nonce || !bytes.Equal(a.json, b.json) {
		return "", errors.New("the proofs differ before the proof of work, or after the same one")
	}
	return samePrefix, nil
}

type prefix struct {
	json  []byte
	nonce uint64
}

// beforeWork removes from a proof all that depends on the proof of work. All
// statements here use Blake2s.
func beforeWork(proof []byte) (prefix, error) {
	p, err := stark.ParseJSON(proof, stark.Blake2s)
	if err != nil {
		return prefix{}, err
	}
	nonce := p.ProofOfWork
	p.ProofOfWork, p.Decommitments, p.QueriedValues = 0, nil, nil
	for _, l := range p.FRI.Layers() {
		l.Witness, l.Decommitment.HashWitness = nil, nil
	}
	return prefix{p.AppendJSON(nil, stark.Blake2s), nonce}, nil
}

// median returns the median, in seconds rounded to microseconds.
func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	m := v[len(v)/2]
	if len(v)%2 == 0 {
		m = (m + v[len(v)/2-1]) / 2
	}
	return time.Duration(m * float64(time.Second)).Round(time.Microsecond).Seconds()
}
