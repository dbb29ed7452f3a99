// Stwo times this module's prover against the Rust crate stwo 2.3.0 on the same
// statements: both are run in turn, as fresh processes with the same number of
// threads. Each proves twice: the second proof counts, the first is reported beside it.
// Both sides verify the proofs of both.
//
//	go run ./bench/stwo --log-rows 16 --columns 100 --threads 2 --pairs 3
//
// It needs cargo. Run it inside the module; results go to bench/results.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/bitsage/bitsage/interop/oracle"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stwo:", err)
		os.Exit(1)
	}
}

// options are the values of the flags.
type options struct {
	name             string // of the statement
	logRows, columns int
	size             int // of the matrices
	threads, pairs   int
	noPow, json      bool
}

func parse() (*options, error) {
	o := new(options)
	flag.StringVar(&o.name, "case", "wide-fib", "statement: wide-fib, logup or matmul")
	flag.IntVar(&o.logRows, "log-rows", 16, "log2 of the rows of wide-fib, or of both components of logup")
	flag.IntVar(&o.columns, "columns", 100, "columns of wide-fib")
	flag.IntVar(&o.size, "size", 1024, "dimension of the square matrices of matmul")
	flag.IntVar(&o.threads, "threads", 1, "threads of both sides")
	flag.IntVar(&o.pairs, "pairs", 3, "runs of each side")
	flag.BoolVar(&o.noPow, "no-pow", false, "no proof of work, whose time is a matter of luck")
	flag.BoolVar(&o.json, "json", false, "print the result as JSON")
	flag.Parse()
	if flag.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if o.threads < 1 || o.pairs < 1 {
		return nil, fmt.Errorf("want at least one thread and one pair")
	}
	return o, nil
}

func run(ctx context.Context) error {
	o, err := parse()
	if err != nil {
		return err
	}
	root, err := oracle.Root(ctx)
	if err != nil {
		return err
	}
	c, err := o.bench()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench-stwo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := build(ctx, root, dir, o.threads)
	if err != nil {
		return err
	}
	result, err := p.measure(ctx, c, o.pairs)
	if err != nil {
		return err
	}
	if err := store(filepath.Join(root, "bench", "results"), result); err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(result)
	}
	return result.print(os.Stdout)
}

// programs are the two sides.
type programs struct {
	golang, rust *oracle.Oracle
	threads      int
	dir          string // for files
}

// build builds both sides.
func build(ctx context.Context, root, dir string, threads int) (*programs, error) {
	rust, err := oracle.Build(ctx, root)
	if err != nil {
		return nil, err
	}
	rust.Threads = threads
	golang := &oracle.Oracle{Path: filepath.Join(dir, "stwo-go")}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", golang.Path, "./interop/stwo-go")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return &programs{golang, rust, threads, dir}, nil
}

// bench is what to measure.
type bench struct {
	name   string
	title  string
	golang []string // arguments after prove
	rust   []string // arguments after prove, or after those of files
	files  bool     // the Rust side reads the statement that the Go side writes to files
	pow    int      // bits of work
	cells  int64    // committed before the blowup
}

// bench returns the statement that the flags ask for.
func (o *options) bench() (*bench, error) {
	pow := 26
	suffix := fmt.Sprintf("-t%d", o.threads)
	if o.noPow {
		pow, suffix = 0, suffix+"-nopow"
	}
	var b *bench
	switch o.name {
	case "wide-fib":
		args := fmt.Sprintf("--log-rows %d --columns %d", o.logRows, o.columns)
		b = native("wide-fib", args, fmt.Sprintf("wide-fib-%dx2^%d", o.columns, o.logRows), pow)
		b.cells = int64(o.columns) << o.logRows
	case "logup":
		// Of equal size: stwo may refuse its own proofs where tree 0 is lower than
		// the domain (interop/README.md).
		args := fmt.Sprintf("--log-user %d --log-table %d", o.logRows, o.logRows)
		b = native("logup", args, fmt.Sprintf("logup-2^%d", o.logRows), pow)
		b.cells = 21 << o.logRows // 14 of the user, 7 of the table
	case "matmul":
		b = matMul(o.size, pow)
	default:
		return nil, fmt.Errorf("no case %q: want wide-fib, logup or matmul", o.name)
	}
	b.name += suffix
	b.pow = pow
	return b, nil
}
