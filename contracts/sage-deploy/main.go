// Sage-deploy puts BitSage's contracts on a Starknet network, resumes deployments
// that were interrupted, and verifies those that anyone made.
//
//	go run ./contracts/sage-deploy --help
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/wallet"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

const usage = `Sage-deploy declares, deploys, configures and verifies BitSage's contracts, and
writes where they are to a file that the SDK reads.

Usage: sage-deploy --network NAME --rpc URL --keystore FILE --account ADDRESS [flags]
       sage-deploy --verify --rpc URL --out FILE

Where
  --network NAME        devnet, sepolia or mainnet; the node's chain is checked
  --rpc URL             a node's JSON-RPC, version 0.9 or 0.10; if left out, the
                        environment variable STARKNET_RPC, which keeps a
                        provider's key out of the list of processes
Who pays
  --keystore FILE       the account's key, encrypted by this SDK's wallet
  --password-file FILE  the keystore's password; if left out, it is asked for on
                        a terminal, or else is all of the standard input
  --account ADDRESS     the account contract, which must be deployed
  --max-fee STRK        the most that one transaction may cost, a whole number
                        (default 100)
What
  --config FILE         JSON with any of these fields:
                          owner             address; default: the account
                          supply_recipient  address; default: the account
                          supply            SAGE (default "1000000000")
                          faucet            {"cap": SAGE, "funding": SAGE} or null
                          epoch_length      seconds, 60 to 604800
                          rate              base units of SAGE in a unit of
                                            confidential amounts (default 10^15)
                          salt              felt, to make a second deployment
                        On mainnet owner and supply_recipient must be named,
                        and a faucet is deployed only if the file asks for it.
  --out FILE            where to write the addresses (default addresses.json)
  --state FILE          pins the parameters of a deployment that was begun
                        (default: the name of --out with .state after it)
How
  --dry-run             print the transactions that are still to do and what they
                        would cost; send nothing and write nothing
  --verify              only check the deployment that --out describes
  --yes                 do not ask for confirmation on mainnet
  --json                print one JSON object on the standard output

Everything is deployed and configured by one transaction, after one for each class
that is not declared yet. Interrupted at any point, run the same command again: it
looks at the chain for what is left and never deploys twice. Ctrl-C lets the
transaction under way end first; a second one does not wait.

An owner other than the account is offered the contracts: it calls accept_ownership
of each, a day to 15 days later.

Example, on a local devnet:
  starknet-devnet --seed 0 &
  sage-deploy --network devnet --rpc http://127.0.0.1:5050/rpc \
    --keystore account.json --account 0x64b4... --dry-run

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.
`

type options struct {
	network      deploy.Network
	rpc          string
	keystore     string
	passwordFile string
	account      chain.Felt
	maxFee       uint64 // STRK
	config       string
	out, state   string
	dryRun       bool
	verify       bool
	yes          bool
	json         bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// usageError is wrong usage that only shows when files are read.
type usageError struct{ error }

// run is main without the process around it.
func run(ctx context.Context, args []string, stdin *os.File, stdout, stderr io.Writer) int {
	opt, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return exitOK
	}
	if err == nil {
		c := &command{options: opt, stdin: stdin, stdout: stdout, stderr: stderr}
		err = c.run(ctx)
	} else {
		err = usageError{err}
	}
	var wrong usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		fmt.Fprintf(stderr, "sage-deploy: %v\nRun sage-deploy --help for the flags.\n", err)
		return exitUsage
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "sage-deploy: interrupted: to resume, run the same command again")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "sage-deploy: %v\n", err)
	return exitFailed
}

func parse(args []string) (opt options, err error) {
	fs := flag.NewFlagSet("sage-deploy", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	network := fs.String("network", "", "")
	account := fs.String("account", "", "")
	fs.StringVar(&opt.rpc, "rpc", os.Getenv("STARKNET_RPC"), "")
	fs.StringVar(&opt.keystore, "keystore", "", "")
	fs.StringVar(&opt.passwordFile, "password-file", "", "")
	fs.Uint64Var(&opt.maxFee, "max-fee", 100, "")
	fs.StringVar(&opt.config, "config", "", "")
	fs.StringVar(&opt.out, "out", "addresses.json", "")
	fs.StringVar(&opt.state, "state", "", "")
	fs.BoolVar(&opt.dryRun, "dry-run", false, "")
	fs.BoolVar(&opt.verify, "verify", false, "")
	fs.BoolVar(&opt.yes, "yes", false, "")
	fs.BoolVar(&opt.json, "json", false, "")
	if err := fs.Parse(args); err != nil {
		return opt, err
	}
	if fs.NArg() > 0 {
		return opt, fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if opt.rpc == "" {
		return opt, errors.New("--rpc is missing")
	}
	if opt.state == "" {
		opt.state = opt.out + ".state"
	}
	if opt.verify {
		fs.Visit(func(f *flag.Flag) {
			switch f.Name {
			case "verify", "rpc", "out", "json":
			default:
				err = fmt.Errorf("--%s has no meaning beside --verify", f.Name)
			}
		})
		return opt, err
	}
	for name, value := range map[string]string{"network": *network, "keystore": opt.keystore, "account": *account} {
		if value == "" {
			return opt, fmt.Errorf("--%s is missing", name)
		}
	}
	opt.network = deploy.Network(*network)
	if _, err := deploy.Defaults(opt.network); err != nil {
		return opt, err
	}
	if opt.account, err = chain.ParseFelt(*account); err != nil {
		return opt, fmt.Errorf("--account: %w", err)
	}
	return opt, nil
}

type command struct {
	options
	stdin          *os.File
	stdout, stderr io.Writer
}

// line writes progress: to the standard output, or to the standard error if that is
// for JSON.
func (c *command) line(format string, args ...any) {
	w := c.stdout
	if c.json {
		w = c.stderr
	}
	fmt.Fprintf(w, format+"\n", args...)
}

func (c *command) run(ctx context.Context) error {
	if c.verify {
		return c.runVerify(ctx)
	}
	cfg, err := c.readConfig()
	if err != nil {
		return err
	}
	if _, err := deploy.NewPlan(c.account, cfg); err != nil {
		return usageError{err}
	}
	if c.network == deploy.Mainnet && !c.yes && !c.dryRun && !term.IsTerminal(int(c.stdin.Fd())) {
		return usageError{errors.New("there is no terminal to ask for confirmation at: mainnet needs --yes")}
	}
	key, err := c.readKey(ctx)
	if err != nil {
		return err
	}
	client, err := chain.Dial(ctx, c.rpc, chain.Options{})
	if err != nil {
		return err
	}
	defer client.Close()
	limit := new(big.Int).Mul(new(big.Int).SetUint64(c.maxFee), big.NewInt(1e18))
	account := chain.NewAccount(client, c.account, key, chain.FeePolicy{MaxFee: limit})
	if _, err := client.Nonce(ctx, c.account, chain.AtLatest()); errors.Is(err, chain.ErrContractNotFound) {
		return fmt.Errorf("there is no account at %s: deploy it first", c.account)
	} else if err != nil {
		return err
	}
	if c.dryRun || c.network == deploy.Mainnet && !c.yes {
		if err := c.estimate(ctx, account, cfg); err != nil || c.dryRun {
			return err
		}
		if err := c.confirm(ctx); err != nil {
			return err
		}
	}
	return c.deploy(ctx, account, cfg)
}

func (c *command) readConfig() (deploy.Config, error) {
	cfg, err := deploy.Defaults(c.network)
	if err != nil {
		return cfg, err
	}
	if c.config != "" {
		data, err := os.ReadFile(c.config)
		if err != nil {
			return cfg, err
		}
		if err := json.Unmarshal(data, &cfg); err != nil {
			return cfg, usageError{fmt.Errorf("%s: %w", c.config, err)}
		}
		if cfg.Network != c.network {
			return cfg, usageError{fmt.Errorf("%s is for %s, --network is %s", c.config, cfg.Network, c.network)}
		}
	}
	cfg.State = c.state
	return cfg, nil
}

func (c *command) readKey(ctx context.Context) (*wallet.Key, error) {
	password, err := c.password(ctx)
	if err != nil {
		return nil, err
	}
	defer clear(password)
	return wallet.LoadKey(c.keystore, password)
}

func (c *command) password(ctx context.Context) ([]byte, error) {
	switch {
	case c.passwordFile != "":
		return wallet.ReadPasswordFile(c.passwordFile)
	case term.IsTerminal(int(c.stdin.Fd())):
		return ask(ctx, c.stdin, func() ([]byte, error) {
			return wallet.PromptPassword(c.stdin, c.stderr, "Password of "+c.keystore+": ")
		})
	}
	return wallet.ReadPassword(c.stdin)
}

// confirm asks at the terminal.
func (c *command) confirm(ctx context.Context) error {
	answer, err := ask(ctx, c.stdin, func() (answer string, err error) {
		fmt.Fprint(c.stderr, "These transactions spend real money. Type mainnet to send them: ")
		_, err = fmt.Fscanln(c.stdin, &answer)
		return answer, err
	})
	if err != nil || answer != string(deploy.Mainnet) {
		return errors.New("not confirmed: nothing was sent")
	}
	return nil
}

// ask asks at a terminal until there is an answer or ctx ends, and then leaves the
// terminal as it was.
func ask[T any](ctx context.Context, tty *os.File, prompt func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	var none T
	state, err := term.GetState(int(tty.Fd()))
	if err != nil {
		return none, err
	}
	answered := make(chan answer, 1)
	go func() {
		value, err := prompt()
		answered <- answer{value, err}
	}()
	select {
	case a := <-answered:
		return a.value, a.err
	case <-ctx.Done():
		return none, errors.Join(context.Cause(ctx), term.Restore(int(tty.Fd()), state))
	}
}

// plan is what --dry-run --json prints. Fees are FRI, 10^-18 STRK.
type plan struct {
	Config  deploy.Config `json:"config"`
	Steps   []planStep    `json:"steps"`
	Fee     string        `json:"fee"`
	Balance string        `json:"balance"`
}

type planStep struct {
	Name  string   `json:"name"`
	Fee   string   `json:"fee"`
	L2Gas uint64   `json:"l2_gas"`
	Calls []string `json:"calls,omitempty"`
}

func (c *command) estimate(ctx context.Context, account *chain.Account, cfg deploy.Config) error {
	steps, err := deploy.Estimate(ctx, account, cfg)
	if err != nil {
		return err
	}
	balance, err := account.Client().Balance(ctx, chain.STRK(), c.account, chain.AtLatest())
	if err != nil {
		return err
	}
	out, total := plan{Config: cfg, Steps: []planStep{}, Balance: balance.String()}, new(big.Int)
	for _, s := range steps {
		total.Add(total, s.Fee)
		out.Steps = append(out.Steps, planStep{s.Name, s.Fee.String(), s.L2Gas, s.Calls})
		c.line("%-28s %s STRK", s.Name, strk(s.Fee))
		for _, call := range s.Calls {
			c.line("  %s", call)
		}
	}
	out.Fee = total.String()
	c.line("%d transactions, about %s STRK; the account has %s STRK", len(steps), strk(total), strk(balance))
	if !c.json || !c.dryRun {
		return nil
	}
	return json.NewEncoder(c.stdout).Encode(out)
}

// strk writes an amount of FRI in STRK, rounded down to six decimals.
func strk(fri *big.Int) string {
	micro := fmt.Sprintf("%07d", new(big.Int).Quo(fri, big.NewInt(1e12)))
	return micro[:len(micro)-6] + "." + micro[len(micro)-6:]
}

// result is what --json prints.
type result struct {
	Addresses string         `json:"addresses"` // the file
	Steps     []step         `json:"steps"`
	Report    *deploy.Report `json:"report"`
	Seconds   float64        `json:"seconds"`
}

type step struct {
	Name string `json:"name"`
	Tx   string `json:"tx"` // "" if it was done before
}

func (c *command) deploy(ctx context.Context, account *chain.Account, cfg deploy.Config) error {
	out, start := result{Addresses: c.out, Steps: []step{}}, time.Now()
	cfg.Progress = func(p deploy.Progress) {
		switch p.Status {
		case deploy.Skipped:
			c.line("%-28s done before", p.Step)
			out.Steps = append(out.Steps, step{p.Step, ""})
		case deploy.Sent:
			c.line("%-28s sent %s", p.Step, p.Tx)
		case deploy.Done:
			c.line("%-28s done", p.Step)
			out.Steps = append(out.Steps, step{p.Step, p.Tx.String()})
		}
	}
	addresses, err := deploy.Run(ctx, account, cfg)
	if err != nil {
		return err
	}
	if err := addresses.Save(c.out); err != nil {
		return err
	}
	if out.Report, err = deploy.Inspect(ctx, account.Client(), addresses); err != nil {
		return err
	}
	out.Seconds = time.Since(start).Seconds()
	c.line("verified; the addresses are in %s", c.out)
	if !c.json {
		return nil
	}
	return json.NewEncoder(c.stdout).Encode(out)
}

// runVerify checks the deployment of an address file.
func (c *command) runVerify(ctx context.Context) error {
	addresses, err := chain.LoadAddresses(c.out)
	if err != nil {
		return err
	}
	client, err := chain.Dial(ctx, c.rpc, chain.Options{ChainID: addresses.ChainID})
	if err != nil {
		return err
	}
	defer client.Close()
	report, err := deploy.Inspect(ctx, client, addresses)
	if err != nil {
		return err
	}
	if c.json {
		return json.NewEncoder(c.stdout).Encode(report)
	}
	data, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	c.line("%s", data)
	c.line("verified: %d contracts on %s work with each other and with no other", len(addresses.Contracts), report.ChainID)
	return nil
}
