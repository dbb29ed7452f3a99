// Quickstart multiplies two matrices as a job, in one process: a client submits
// the job, a worker executes and proves it, and the client verifies the receipt.
// It needs no network, no toolchain and no GPU.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"time"

	"golang.org/x/term"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const usage = `Quickstart multiplies two random matrices as a job, proves the product with a
Circle STARK, verifies the proof and prints what happened.

Usage: quickstart [flags]

  --size N        dimension of the square matrices, 1 to 4096 (default 1024)
  --dtype TYPE    int8 (exact int32 product) or m31 (integers modulo 2^31-1)
                  (default int8)
  --profile NAME  fast, std, tight, matmul-p80, matmul-p90 or matmul-p96
                  (default matmul-p96: 96 bits proven)
  --seed N        seed of the random matrices (default 1)
  --tamper        afterwards change one entry of the product, one bit of the
                  proof and one input, and show that each is refused
  --json          print one JSON object, for scripts

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
`

type options struct {
	size    int
	dtype   proof.DType
	profile proof.Profile
	seed    uint64
	tamper  bool
	json    bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\nRun quickstart --help for the flags.\n", err)
		return exitUsage
	}
	progress := stderr
	if !opt.json {
		progress = stdout
	}
	report, err := quickstart(ctx, opt, newPrinter(progress))
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "quickstart: interrupted")
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitFailed
	}
	if opt.json {
		err = json.NewEncoder(stdout).Encode(report)
	} else {
		err = report.print(stdout)
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string) (opt options, err error) {
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&opt.size, "size", 1024, "")
	fs.Uint64Var(&opt.seed, "seed", 1, "")
	fs.BoolVar(&opt.tamper, "tamper", false, "")
	fs.BoolVar(&opt.json, "json", false, "")
	dtype := fs.String("dtype", "int8", "")
	profile := fs.String("profile", "matmul-p96", "")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	if fs.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if opt.dtype, err = proof.ParseDType(*dtype); err != nil {
		return opt, err
	}
	if opt.profile, err = proof.ParseProfile(*profile); err != nil {
		return opt, err
	}
	if err := opt.program().Validate(); err != nil {
		return opt, err
	}
	return opt, proof.CheckSize(opt.program(), opt.profile)
}

func (o options) program() proof.Program {
	return proof.MatMulOf(o.dtype, o.size, o.size, o.size)
}

// input returns random matrices.
func (o options) input() []byte {
	rng := rand.New(rand.NewPCG(o.seed, 0))
	p := o.program()
	in := make([]byte, p.InputSize())
	for i := range in {
		in[i] = byte(rng.Uint32())
		if o.dtype == proof.M31 && i%4 == 3 {
			in[i] &= 0x3f // entries below 2^30
		}
	}
	return in
}

// quickstart is the main job.
func quickstart(ctx context.Context, opt options, out *printer) (*report, error) {
	program, input := opt.program(), opt.input()
	out.line("job       %v, profile %v, %d processors", program, opt.profile, runtime.GOMAXPROCS(0))

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cfg := bitsage.Config{Network: bitsage.NewNetwork(), Logger: slog.New(slog.DiscardHandler)}
	worker, err := bitsage.NewWorker(bitsage.WorkerConfig{Config: cfg})
	if err != nil {
		return nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- worker.Run(ctx) }()
	defer func() { cancel(); <-stopped }()

	client, err := bitsage.NewClient(cfg)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	id, err := client.Submit(ctx, bitsage.Job{Program: program, Input: input, Profile: opt.profile})
	if err != nil {
		return nil, err
	}
	r := &report{Schema: schema, Program: program, Profile: opt.profile, Job: id, InputBytes: len(input)}
	r.Submit = time.Since(start)
	out.line("submitted %v", id)
	for ev, err := range client.Watch(ctx, id) {
		if err != nil {
			return nil, err
		}
		out.progress(stageText(ev))
	}
	out.end()
	receipt, err := client.Wait(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := r.verify(receipt); err != nil {
		return nil, err
	}
	r.Total = time.Since(start)
	if opt.tamper {
		r.Tampered, err = tamper(receipt, input)
	}
	return r, err
}

func stageText(ev bitsage.Event) string {
	what := map[prover.Stage]string{
		prover.StageExecute:  "multiplying",
		prover.StageTrace:    "laying out the trace",
		prover.StageCommit:   "committing: interpolation, extension, Merkle trees",
		prover.StageLookup:   "accumulators",
		prover.StageCompose:  "combining constraints",
		prover.StageQuotient: "sampling, quotients",
		prover.StageFRI:      "FRI folding",
		prover.StageGrind:    "grinding the proof of work",
		prover.StageOpen:     "opening queries",
	}
	if ev.Stage != "" {
		return fmt.Sprintf("%-9s %s", ev.Stage, what[ev.Stage])
	}
	return string(ev.State)
}

// printer writes progress: on a terminal on one line that changes, else line by
// line.
type printer struct {
	w    io.Writer
	tty  bool
	last string
}

func newPrinter(w io.Writer) *printer {
	f, ok := w.(*os.File)
	return &printer{w: w, tty: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *printer) line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

func (p *printer) progress(text string) {
	if text == p.last {
		return
	}
	p.last = text
	if p.tty {
		fmt.Fprintf(p.w, "\r\x1b[K          %s", text)
	} else {
		fmt.Fprintf(p.w, "          %s\n", text)
	}
}

// end clears the changing line.
func (p *printer) end() {
	if p.tty {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
