// Quickstart multiplies two matrices as a job, in one process, and shows the whole
// life of the job: accounts are made and take SAGE from the faucet, a worker and
// four validators stake, a client pays for the job, the worker executes and proves
// it, the validators vote, the worker is paid and claims, and the client verifies
// the receipt. The chain is a ledger in the same process. It needs no network, no
// toolchain and no GPU.
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

const usage = `Quickstart multiplies two random matrices as a job and shows its whole life on a
ledger in this process: accounts, faucet, stakes, an encrypted fee in escrow, a
Circle STARK proof, the votes of four validators, payment, claim and receipt. It
prints a line for every stage and a table of all at the end.

Usage: quickstart [flags]

  --size N         dimension of the square matrices, 1 to 4096 (default 1024)
  --dtype TYPE     int8 (exact int32 product) or m31 (integers modulo 2^31-1)
                   (default int8)
  --profile NAME   fast, std, tight, matmul-p80, matmul-p90 or matmul-p96
                   (default matmul-p96: 96 bits proven)
  --seed N         seed of the random matrices (default 1)
  --mnemonic FILE  take the accounts' keys from the mnemonic in FILE, so that a run
                   can be repeated (default: a new mnemonic, forgotten afterwards)
  --cheat          the worker forges its proof: the validators vote it down, the
                   worker is slashed and the client gets its fee back; it is a
                   failure if anything else happens
  --tamper         afterwards change one entry of the product, one bit of the
                   proof and one input, and show that each is refused
  --json           print one JSON object, for scripts; progress goes to stderr

Proving contains a search, the grinding of a proof of work, that is over after
2^20 or 2^22 attempts on average and may by chance take much longer.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
`

type options struct {
	size     int
	dtype    proof.DType
	profile  proof.Profile
	seed     uint64
	mnemonic *wallet.Mnemonic
	cheat    bool
	tamper   bool
	json     bool
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
	out := newPrinter(progress)
	report, err := live(ctx, opt, out)
	out.close()
	if err == nil && opt.json {
		err = json.NewEncoder(stdout).Encode(report)
	} else if err == nil {
		err = report.print(stdout)
	}
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "quickstart: interrupted")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "quickstart: %v\n", err)
	return exitFailed
}

func parse(args []string) (opt options, err error) {
	fs := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.IntVar(&opt.size, "size", 1024, "")
	fs.Uint64Var(&opt.seed, "seed", 1, "")
	fs.BoolVar(&opt.cheat, "cheat", false, "")
	fs.BoolVar(&opt.tamper, "tamper", false, "")
	fs.BoolVar(&opt.json, "json", false, "")
	dtype := fs.String("dtype", "int8", "")
	profile := fs.String("profile", "matmul-p96", "")
	mnemonic := fs.String("mnemonic", "", "")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	if fs.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if opt.cheat && opt.tamper {
		return opt, errors.New("--tamper changes a receipt, and with --cheat there is none")
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
	if err := proof.CheckSize(opt.program(), opt.profile); err != nil {
		return opt, err
	}
	opt.mnemonic, err = readMnemonic(*mnemonic)
	return opt, err
}

// readMnemonic reads a file, or makes a new mnemonic if there is none.
func readMnemonic(file string) (*wallet.Mnemonic, error) {
	if file == "" {
		return wallet.NewMnemonic(wallet.DefaultWords)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return wallet.ParseMnemonic(string(text))
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
