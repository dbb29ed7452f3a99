// Kernels runs this module's benchmarks of its kernels, each of which verifies what
// it timed, and compares every implementation with plain Go and with what the
// processor's execution units allow.
//
//	go run ./bench/kernels --count 5 --write
//
// Run it inside the module, on a machine that does nothing else. With --write the
// table goes to docs/kernels.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/bitsage/bitsage/interop/oracle"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kernels:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	count := flag.Int("count", 5, "runs of every benchmark, of which the fastest counts")
	benchtime := flag.Duration("benchtime", 200*time.Millisecond, "least time of a run")
	asJSON := flag.Bool("json", false, "print the result as JSON")
	write := flag.Bool("write", false, "write the table to docs/kernels.md")
	flag.Parse()
	if flag.NArg() > 0 || *count < 1 || *benchtime <= 0 {
		return fmt.Errorf("want no arguments, at least one run and some time")
	}
	root, err := oracle.Root(ctx)
	if err != nil {
		return err
	}
	r := &result{
		Command: strings.Join(append([]string{"go run ./bench/kernels"}, os.Args[1:]...), " "),
		Load:    load(),
		Clock:   clock(),
	}
	times, err := measure(ctx, root, *count, *benchtime, r)
	if err != nil {
		return err
	}
	r.Clock = max(r.Clock, clock())
	if err := r.fill(root, times); err != nil {
		return err
	}
	if *write {
		if err := r.store(filepath.Join(root, "docs", "kernels.md")); err != nil {
			return err
		}
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	_, err = os.Stdout.WriteString(r.table())
	return err
}

// load returns the load average of the last minute, or "unknown".
func load() string {
	data, _ := os.ReadFile("/proc/loadavg")
	first, _, ok := strings.Cut(string(data), " ")
	if !ok {
		return "unknown"
	}
	return first
}
