// Stwo-go proves and verifies statements given as JSON files, with the arguments
// of the Rust program stwo-oracle and byte for byte the proofs of its CPU backend.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/stark"
)

const usage = `stwo-go proves and verifies statements, byte for byte as stwo 2.3.0 does.

usage:
  stwo-go prove AIR.json WITNESS.json --out DIR [--threads N] [--json]
  stwo-go prove wide-fib [--log-rows K] [--columns N] [--out DIR] [options]
  stwo-go prove logup [--log-user K] [--log-table K] [--out DIR] [options]
  stwo-go prove matmul [--m M] [--k K] [--n N] [--dtype int8|m31] [--out DIR] [options]
  stwo-go verify AIR.json PROOF.json [--json]

prove writes DIR/PROOF.json and DIR/AIR.json, the latter with the claimed sums,
and with --witness also DIR/WITNESS.json. It verifies the proof before.

  --threads N         processors to use (default all)
  --runs N            proofs to make, one after the other, with a report of each
                      (default 1); the last is written
  --json              report on the standard output as JSON, with times per stage
  --witness           write the columns of all trees, interaction columns included
  --backend cpu       accepted for stwo-oracle's sake; there is no other

options of the built-in statements:
  --channel blake2s|blake2s-m31|poseidon252 (default blake2s)
  --pow-bits N        (10)     --log-blowup N      (1)
  --log-last-layer N  (0)      --n-queries N       (3)
  --fold-step N       (1)      --lifting N         (0: none)

Flags may stand anywhere. Files may have 16 MiB (AIR), 1 GiB (witness) and 16 MiB
(proof). Exit status: 0 proven or accepted; 1 the proof is rejected, or the
witness does not satisfy the constraints; 2 wrong usage, or a file that cannot be
read or is malformed; 130 interrupted.
`

// The exit statuses.
const (
	statusOK          = 0
	statusRejected    = 1
	statusUnusable    = 2
	statusInterrupted = 130
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run executes the command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	return runContext(context.Background(), args, stdout, stderr)
}

// runContext is run with a context that ends a proof early.
func runContext(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	status, err := dispatch(ctx, args, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "stwo-go:", err)
	}
	return status
}

func dispatch(ctx context.Context, args []string, stdout io.Writer) (int, error) {
	o := newOptions()
	words, err := o.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil && slices.Equal(words, []string{"help"}):
		_, err := io.WriteString(stdout, usage)
		return statusOf(err), err
	case err != nil:
		return statusUnusable, fmt.Errorf("%w (see stwo-go --help)", err)
	case len(words) == 3 && words[0] == "verify":
		err = cmdVerify(words[1], words[2], o, stdout)
	case len(words) == 2 && words[0] == "prove", len(words) == 3 && words[0] == "prove":
		err = cmdProve(ctx, words[1:], o, stdout)
	default:
		err = errors.New("want prove AIR.json WITNESS.json, or verify AIR.json PROOF.json (see stwo-go --help)")
	}
	return statusOf(err), err
}

// cmdVerify verifies a proof.
func cmdVerify(airPath, proofPath string, o *options, stdout io.Writer) error {
	if err := o.only("verify", "json"); err != nil {
		return err
	}
	a, err := loadAIR(airPath)
	if err != nil {
		return err
	}
	data, err := readFile(proofPath, maxProof)
	if err != nil {
		return err
	}
	p, err := stark.ParseJSON(data, a.Kind)
	if err != nil {
		return fmt.Errorf("%s: %w", proofPath, err)
	}
	_, err = a.Verify(p)
	if err != nil && !errors.Is(err, stark.ErrInvalid) {
		return fmt.Errorf("%s: %w", airPath, err)
	}
	if werr := reportVerdict(stdout, o.json, err); werr != nil {
		return werr
	}
	if err != nil {
		return fmt.Errorf("%s: rejected: %w", proofPath, err)
	}
	return nil
}

// reportVerdict tells about a proof; on rejection, err says why, and in text form
// it is left to the standard error.
func reportVerdict(stdout io.Writer, asJSON bool, err error) error {
	v := struct {
		Accepted bool   `json:"accepted"`
		Check    string `json:"check,omitempty"`
		Detail   string `json:"detail,omitempty"`
	}{Accepted: err == nil}
	if bad, ok := errors.AsType[*stark.InvalidError](err); ok {
		v.Check, v.Detail = bad.Check.String(), bad.Detail
	}
	switch {
	case asJSON:
		return json.NewEncoder(stdout).Encode(v)
	case v.Accepted:
		_, err := fmt.Fprintln(stdout, "accepted")
		return err
	}
	return nil
}

// Limits of the files.
const (
	maxAIR     = air.MaxJSON
	maxWitness = 1 << 30
	maxProof   = 16 << 20
)

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tooLarge := fmt.Errorf("%s: the file exceeds %d bytes", path, limit)
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > limit {
		return nil, tooLarge
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = tooLarge
	}
	return data, err
}

func loadAIR(path string) (*air.AIR, error) {
	data, err := readFile(path, maxAIR)
	if err != nil {
		return nil, err
	}
	a, err := air.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}
