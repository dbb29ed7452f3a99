package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/internal/stark"
)

// options are the values of all flags. Each command takes some of them.
type options struct {
	set               *flag.FlagSet
	out               string
	json, witness     bool
	threads, runs     int
	backend, channel  string
	cfg               stark.Config
	logRows, columns  int
	logUser, logTable int
	m, k, n           int
	dtype             string
}

func newOptions() *options {
	o := &options{set: flag.NewFlagSet("stwo-go", flag.ContinueOnError)}
	o.set.SetOutput(io.Discard) // errors and help are printed by the caller
	o.set.StringVar(&o.out, "out", "", "")
	o.set.BoolVar(&o.json, "json", false, "")
	o.set.BoolVar(&o.witness, "witness", false, "")
	o.set.StringVar(&o.backend, "backend", "cpu", "")
	o.set.StringVar(&o.channel, "channel", "blake2s", "")
	o.set.StringVar(&o.dtype, "dtype", "int8", "")
	for _, f := range []struct {
		name  string
		to    *int
		value int
	}{
		{"threads", &o.threads, 0}, {"runs", &o.runs, 1},
		{"pow-bits", &o.cfg.PowBits, 10}, {"log-blowup", &o.cfg.LogBlowup, 1},
		{"log-last-layer", &o.cfg.LogLastLayer, 0}, {"n-queries", &o.cfg.Queries, 3},
		{"fold-step", &o.cfg.FoldStep, 1}, {"lifting", &o.cfg.Lifting, 0},
		{"log-rows", &o.logRows, 8}, {"columns", &o.columns, 20},
		{"log-user", &o.logUser, 7}, {"log-table", &o.logTable, 5},
		{"m", &o.m, 16}, {"k", &o.k, 16}, {"n", &o.n, 16},
	} {
		o.set.IntVar(f.to, f.name, f.value, "")
	}
	return o
}

// parse returns the arguments that are not flags, wherever they stand.
func (o *options) parse(args []string) ([]string, error) {
	var words []string
	for {
		if err := o.set.Parse(args); err != nil {
			return nil, err
		}
		if o.set.NArg() == 0 {
			return words, o.check()
		}
		words, args = append(words, o.set.Arg(0)), o.set.Args()[1:]
	}
}

// check checks the flags that every command understands alike.
func (o *options) check() error {
	if o.backend != "cpu" {
		return fmt.Errorf("--backend %s: there is only cpu", o.backend)
	}
	if o.threads < 0 || o.threads > 1024 {
		return fmt.Errorf("--threads %d: want 1 to 1024, or 0 for all", o.threads)
	}
	if o.runs < 1 || o.runs > 1000 {
		return fmt.Errorf("--runs %d: want 1 to 1000", o.runs)
	}
	return nil
}

// only fails if a flag was given that the command does not take.
func (o *options) only(command string, names ...string) error {
	var err error
	o.set.Visit(func(f *flag.Flag) {
		if err == nil && !slices.Contains(names, f.Name) {
			err = fmt.Errorf("%s takes no --%s (see stwo-go --help)", command, f.Name)
		}
	})
	return err
}

// kind returns the channel.
func (o *options) kind() (stark.Kind, error) {
	var k stark.Kind
	if err := k.UnmarshalText([]byte(strings.ReplaceAll(o.channel, "-", "_"))); err != nil {
		return 0, fmt.Errorf("--channel: %w", err)
	}
	return k, nil
}
