// Command verifier verifies a receipt from its standard input, offline.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/bitsage/bitsage/receipt"
)

func main() {
	if err := run(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(io.LimitReader(in, receipt.MaxJSON))
	if err != nil {
		return err
	}
	r, err := receipt.Parse(data)
	if err != nil {
		return err
	}
	report, err := r.Verify(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%v: %s by %s, %d bytes of output\n", report.Profile, r.Task.Program, r.Worker, len(r.Output))
	return err
}
