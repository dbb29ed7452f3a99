package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/interop/statement"
	"github.com/bitsage/bitsage/prover"
)

// Flags of the prove commands.
var (
	outputFlags = []string{"out", "json", "witness", "threads", "backend", "runs"}
	configFlags = []string{"channel", "pow-bits", "log-blowup", "log-last-layer", "n-queries", "fold-step", "lifting"}
)

// cmdProve proves; words are AIR and witness, or the name of a built-in statement.
func cmdProve(ctx context.Context, words []string, o *options, stdout io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	defer context.AfterFunc(ctx, stop)() // a second interrupt ends the program
	if o.threads > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(o.threads))
	}
	s, err := makeStatement(words, o)
	if err != nil {
		return err
	}
	p := prover.New(prover.Options{})
	for i := range o.runs {
		r, made, err := prove(ctx, p, s)
		if err != nil {
			return err
		}
		if i == o.runs-1 {
			if err := o.write(made, r.proof); err != nil {
				return err
			}
		}
		if err := r.print(stdout, o.json); err != nil {
			return err
		}
	}
	return nil
}

// makeStatement reads or makes what is to be proven.
func makeStatement(words []string, o *options) (*statement.Statement, error) {
	if len(words) == 2 {
		return loadStatement(words[0], words[1], o)
	}
	kind, err := o.kind()
	if err != nil {
		return nil, err
	}
	var own []string
	var build func() (*statement.Statement, error)
	switch words[0] {
	case "wide-fib":
		own = []string{"log-rows", "columns"}
		build = func() (*statement.Statement, error) {
			return statement.WideFib(kind, o.cfg, o.logRows, o.columns, false)
		}
	case "logup":
		own = []string{"log-user", "log-table"}
		build = func() (*statement.Statement, error) {
			return statement.LogUp(kind, o.cfg, o.logUser, o.logTable)
		}
	case "matmul":
		own = []string{"m", "k", "n", "dtype"}
		build = func() (*statement.Statement, error) { return o.matmul(kind) }
	default:
		return nil, fmt.Errorf("no statement %q: want wide-fib, logup or matmul, or two files", words[0])
	}
	if err := o.only("prove "+words[0], concat(own, outputFlags, configFlags)...); err != nil {
		return nil, err
	}
	if err := o.checkSizes(); err != nil {
		return nil, err
	}
	return build()
}

func concat(lists ...[]string) (out []string) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// checkSizes bounds what is allocated before the AIR can be validated.
func (o *options) checkSizes() error {
	for _, f := range []struct {
		name      string
		v, lo, hi int
	}{{"log-rows", o.logRows, 1, 26}, {"columns", o.columns, 3, 4096}, {"log-user", o.logUser, 1, 26}, {"log-table", o.logTable, 1, 26}} {
		if f.v < f.lo || f.v > f.hi {
			return fmt.Errorf("--%s %d: want %d to %d", f.name, f.v, f.lo, f.hi)
		}
	}
	return o.cfg.Validate()
}

func (o *options) matmul(kind stark.Kind) (*statement.Statement, error) {
	s := matmul.Shape{M: o.m, K: o.k, N: o.n}
	switch o.dtype {
	case "int8":
		s.DType = statement.Int8
	case "m31":
		s.DType = statement.M31
	default:
		return nil, fmt.Errorf("--dtype %s: want int8 or m31", o.dtype)
	}
	return statement.MatMul(kind, o.cfg, s)
}

func loadStatement(airPath, witnessPath string, o *options) (*statement.Statement, error) {
	if err := o.only("prove AIR.json WITNESS.json", outputFlags...); err != nil {
		return nil, err
	}
	if o.out == "" {
		return nil, errors.New("prove AIR.json WITNESS.json needs --out DIR")
	}
	a, err := loadAIR(airPath)
	if err != nil {
		return nil, err
	}
	data, err := readFile(witnessPath, maxWitness)
	if err != nil {
		return nil, err
	}
	trees, err := a.ParseWitness(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", witnessPath, err)
	}
	return statement.Given(a, trees), nil
}

// report is what prove tells of a proof.
type report struct {
	Stages     []prover.Timing `json:"stages"`
	Prove      time.Duration   `json:"prove_ns"`
	Verify     time.Duration   `json:"verify_ns"`
	Threads    int             `json:"threads"`
	ProofBytes int             `json:"proof_bytes"`
	Nonce      uint64          `json:"nonce"`
	PeakMemory int64           `json:"peak_memory_mib,omitempty"` // of the process; 0 where Linux does not tell
	proof      []byte
}

// errSelfCheck means that a proof made here does not verify here.
var errSelfCheck = errors.New("the proof does not pass its own verification")

// prove makes the proof, and verifies it after a round trip through JSON.
func prove(ctx context.Context, p *prover.Prover, s *statement.Statement) (*report, *statement.Made, error) {
	start := time.Now()
	made, err := s.Prove(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	r := &report{Stages: made.Timings, Prove: time.Since(start), Threads: runtime.GOMAXPROCS(0), Nonce: made.Proof.ProofOfWork}
	r.proof = made.Proof.AppendJSON(nil, made.AIR.Kind)
	r.ProofBytes = len(r.proof)
	parsed, err := stark.ParseJSON(r.proof, made.AIR.Kind)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	start = time.Now()
	if _, err := made.AIR.Verify(parsed); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errSelfCheck, err)
	}
	r.Verify = time.Since(start)
	r.PeakMemory = peakMemory()
	return r, made, nil
}

// peakMemory returns the most memory that this process has had, in MiB.
func peakMemory() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib >> 10
		}
	}
	return 0
}

// write writes the files into the folder of --out, if any.
func (o *options) write(made *statement.Made, proof []byte) error {
	if o.out == "" {
		return nil
	}
	if err := os.MkdirAll(o.out, 0o777); err != nil {
		return err
	}
	a, err := json.Marshal(made.AIR)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "AIR.json"), append(a, '\n'), 0o666); err != nil {
		return err
	}
	if o.witness {
		if err := writeWitness(filepath.Join(o.out, "WITNESS.json"), made); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(o.out, "PROOF.json"), proof, 0o666)
}

func writeWitness(path string, made *statement.Made) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(statement.WriteWitness(f, made.Trees), f.Close())
}

// print writes the report.
func (r *report) print(stdout io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, t := range r.Stages {
		fmt.Fprintf(w, "%s\t%v\t\n", t.Stage, t.Time.Round(time.Microsecond))
	}
	fmt.Fprintf(w, "prove\t%v\t\nverify\t%v\t\nproof\t%d bytes\t\n", r.Prove.Round(time.Microsecond), r.Verify.Round(time.Microsecond), r.ProofBytes)
	return w.Flush()
}

// statusOf returns the exit status that tells of the error.
func statusOf(err error) int {
	switch {
	case err == nil:
		return statusOK
	case errors.Is(err, context.Canceled):
		return statusInterrupted
	case errors.Is(err, stark.ErrInvalid), errors.Is(err, prover.ErrUnsatisfied), errors.Is(err, errSelfCheck):
		return statusRejected
	}
	return statusUnusable
}
