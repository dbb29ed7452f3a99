// Quickstart multiplies two matrices as a job, in one process, and shows the whole life of
// the job: a worker and four validators stake, a client pays for the job, the worker executes
// and proves it, the validators vote, the worker is paid and claims, and the client verifies
// the receipt. The chain is a ledger in the same process. It needs Go and nothing else: no
// network, no other toolchain and no GPU.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart --cheat
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/wallet"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const about = `Quickstart multiplies two random matrices as a job and shows its whole life on a
network in this process: stakes, an encrypted fee in escrow, a Circle STARK proof,
the votes of four validators, payment, claim and receipt. It prints a line for every
stage, with the first of its transactions, and at the end what came of the job.

Proving contains a search, the grinding of a proof of work, that is over after 2^20
or 2^22 attempts on average and may by chance take much longer.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.

`

type options struct {
	size                int
	dtype               proof.DType
	profile             proof.Profile
	seed                uint64
	mnemonic            *wallet.Mnemonic
	cheat, tamper, json bool
	out                 string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process around it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opt, err := parse(args, stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "quickstart: %v\nRun quickstart --help for the flags.\n", err)
		return exitUsage
	}
	progress := stdout
	if opt.json {
		progress = stderr
	}
	out := newPrinter(progress)
	report, err := live(ctx, opt, out)
	out.close()
	switch {
	case err == nil && opt.json:
		err = json.NewEncoder(stdout).Encode(report)
	case err == nil:
		err = report.print(stdout)
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "quickstart: interrupted")
		return exitInterrupted
	}
	if err != nil {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
		return exitFailed
	}
	return exitOK
}

// parse reads the flags, or explains them.
func parse(args []string, help io.Writer) (opt options, err error) {
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&opt.size, "size", 1024, "`dimension` of the square matrices, 1 to 4096")
	opt.dtype = proof.Int8
	fs.Func("dtype", "`type` of the entries: int8 (exact int32 product, the default) or m31 (integers modulo 2^31-1)", func(s string) (err error) {
		opt.dtype, err = proof.ParseDType(s)
		return err
	})
	fs.TextVar(&opt.profile, "profile", proof.MatMulP96, "fast, std, tight, matmul-p80, matmul-p90 or matmul-p96, which has 96 bits proven")
	fs.Uint64Var(&opt.seed, "seed", 1, "`seed` of the random matrices")
	mnemonic := fs.String("mnemonic", "", "take the client's key from the mnemonic in `FILE`, so that a run can be repeated; else from a new one, forgotten afterwards")
	fs.BoolVar(&opt.cheat, "cheat", false, "the worker forges its proof: the validators vote it down, the worker is slashed and the client gets its fee back; it is a failure if anything else happens")
	fs.BoolVar(&opt.tamper, "tamper", false, "afterwards change one entry of the product, one bit of the proof and one input, and show that each is refused")
	fs.BoolVar(&opt.json, "json", false, "print one JSON object, for scripts; progress goes to stderr")
	fs.StringVar(&opt.out, "out", "", "write the receipt, as JSON, to `FILE`")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprint(help, about)
		fs.SetOutput(help)
		fs.PrintDefaults()
		return opt, err
	case err != nil:
		return opt, err
	case fs.NArg() > 0:
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	case opt.cheat && (opt.tamper || opt.out != ""):
		return opt, errors.New("--tamper and --out are about a receipt, and with --cheat there is none")
	}
	if err := opt.program().Validate(); err != nil {
		return opt, err
	}
	if err := proof.CheckSize(opt.program(), opt.profile); err != nil {
		return opt, err
	}
	if *mnemonic == "" {
		opt.mnemonic, err = wallet.NewMnemonic(wallet.DefaultWords)
		return opt, err
	}
	text, err := os.ReadFile(*mnemonic)
	if err == nil {
		opt.mnemonic, err = wallet.ParseMnemonic(string(text))
	}
	return opt, err
}

func (o options) program() proof.Program {
	return proof.MatMulOf(o.dtype, o.size, o.size, o.size)
}

// input returns random matrices.
func (o options) input() []byte {
	rng := rand.New(rand.NewPCG(o.seed, 0))
	in := make([]byte, o.program().InputSize())
	for i := range in {
		in[i] = byte(rng.Uint32())
		if o.dtype == proof.M31 && i%4 == 3 {
			in[i] &= 0x3f // entries below 2^30
		}
	}
	return in
}
