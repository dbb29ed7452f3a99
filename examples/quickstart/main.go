// Quickstart multiplies two matrices as a job, in one process: a client pays for the
// job, a worker executes and proves it, validators attest the proof, the worker is
// paid, and the client verifies the receipt. The chain is a ledger in the same
// process. It needs no network, no toolchain and no GPU.
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
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
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
Circle STARK, has validators attest the proof, pays the worker in an encrypted
amount, verifies the receipt and prints what happened.

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

// balance is what the client deposits for its job.
var balance = bitsage.SAGE(100)

// roles is a network in this process with a worker and validators.
type roles struct {
	*bitsage.Network
	client *bitsage.Client
	worker *bitsage.Worker
	stop   func() error
}

// start runs the roles until stop is called.
func start(ctx context.Context) (*roles, error) {
	quiet := slog.New(slog.DiscardHandler)
	network, err := bitsage.NewNetwork(bitsage.NetworkConfig{Logger: quiet})
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bitsage-quickstart-")
	if err != nil {
		return nil, errors.Join(err, network.Close())
	}
	running, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	r := &roles{Network: network, stop: func() error {
		cancel()
		wait.Wait()
		return errors.Join(network.Close(), os.RemoveAll(dir))
	}}
	config := func(sage bitsage.Amount) (bitsage.Config, error) {
		account, err := network.NewAccount(ctx, sage)
		return bitsage.Config{Network: network, Account: account, Logger: quiet}, err
	}
	err = func() error {
		cfg, err := config(balance)
		if err != nil {
			return err
		}
		if r.client, err = bitsage.NewClient(cfg); err != nil {
			return err
		}
		if cfg, err = config(bitsage.SAGE(1000)); err != nil {
			return err
		}
		if r.worker, err = bitsage.NewWorker(bitsage.WorkerConfig{Config: cfg}); err != nil {
			return err
		}
		wait.Go(func() { r.worker.Run(running) })
		var all []*bitsage.Validator
		for i := range validators {
			if cfg, err = config(bitsage.SAGE(10_000)); err != nil {
				return err
			}
			cfg.Dir = filepath.Join(dir, strconv.Itoa(i))
			v, err := bitsage.NewValidator(bitsage.ValidatorConfig{Config: cfg})
			if err != nil {
				return err
			}
			if err := v.Enlist(ctx); err != nil {
				return err
			}
			all = append(all, v)
		}
		for _, v := range all {
			wait.Go(func() { v.Run(running) })
		}
		return network.Ready(ctx)
	}()
	if err != nil {
		return nil, errors.Join(err, r.stop())
	}
	return r, nil
}

const validators = 3

// quickstart is the main job.
func quickstart(ctx context.Context, opt options, out *printer) (_ *report, err error) {
	program, input := opt.program(), opt.input()
	out.line("job       %v, profile %v, %d processors", program, opt.profile, runtime.GOMAXPROCS(0))
	begin := time.Now()
	network, err := start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, network.stop()) }()
	client := network.client
	if err := client.Deposit(ctx, balance); err != nil {
		return nil, err
	}
	r := &report{Schema: schema, Program: program, Profile: opt.profile, InputBytes: len(input)}
	r.Network = time.Since(begin)
	out.line("network   ledger, worker and %d validators ready in %v", validators, r.Network.Round(time.Millisecond))

	submitted := time.Now()
	if r.Job, err = client.Submit(ctx, bitsage.Job{Program: program, Input: input, Profile: opt.profile, MaxFee: balance}); err != nil {
		return nil, err
	}
	r.Submit = time.Since(submitted)
	out.line("submitted %v", r.Job)
	stages := newStopwatch()
	for ev, err := range client.Watch(ctx, r.Job) {
		if err != nil {
			return nil, err
		}
		stages.event(ev)
		out.progress(stageText(ev))
	}
	out.end()
	r.Stages = stages.times
	receipt, err := client.Wait(ctx, r.Job)
	if err != nil {
		return nil, err
	}
	r.Settled = time.Since(submitted)
	if err := r.verify(receipt); err != nil {
		return nil, err
	}
	if err := r.paid(ctx, network); err != nil {
		return nil, err
	}
	r.Total = time.Since(begin)
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
