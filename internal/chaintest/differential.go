package chaintest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// Side is one of several chains that are to agree in everything. All have the same
// chain ID, owner and cast.
type Side struct {
	Client *chain.Client
	// Owner deploys and owns the contracts.
	Owner *wallet.Account
	// Cast are CastSize other accounts that act. All are deployed and can pay.
	Cast []*wallet.Account
	// Fees has bounds that suffice for every operation, in Fixed.
	Fees chain.FeePolicy
	// SetTime gives the next block a time, in seconds, that is not before that of
	// the last.
	SetTime func(ctx context.Context, seconds uint64) error
}

// CastSize is how many accounts act in a differential run besides the owner.
const CastSize = 12

// Comparison is a differential run: sequences of valid and invalid operations, each of
// which follows from a seed and acts on contracts of its own.
type Comparison struct {
	// First is the chain on which the sequences are made up.
	First Side
	// Others repeat them, each sequence on one of them and all at the same time.
	Others []Side
	// Seed is that of the first sequence. Seeds of runs on the same chains must
	// ascend: each has its own time of 400 days.
	Seed, Sequences uint64
	// Steps is the length of a sequence.
	Steps int
	// Fresh makes two chains on which nothing has happened, for the same test.
	Fresh func(*testing.T) (a, b Side)
	// Coverage counts what was done.
	Coverage *Coverage
}

// Run makes sequences up and compares. After every operation both chains must give the
// same result: whether it was accepted, the reason if not, the events and the changed
// storage of the contracts, slot by slot. Where they do not, it reports the shortest
// part of the sequence it finds that tells two fresh chains apart, and ends.
func (c Comparison) Run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	work, began := make(chan *sequence), time.Now()
	var group sync.WaitGroup
	end := sync.OnceFunc(func() {
		close(work)
		group.Wait()
	})
	defer end()
	for _, side := range c.Others {
		group.Go(func() {
			for s := range work {
				if err := s.repeat(ctx, side); err != nil {
					stop(err)
					return
				}
			}
		})
	}
	for i := uint64(0); i < c.Sequences && ctx.Err() == nil; i++ {
		var s *sequence
		t.Run(fmt.Sprint(c.Seed+i), func(t *testing.T) { s = record(t, c.First, c.Seed+i, c.Steps, c.Coverage) })
		if t.Failed() {
			return
		}
		select {
		case work <- s:
		case <-ctx.Done():
		}
		if (i+1)%25 == 0 {
			t.Logf("%d sequences in %v", i+1, time.Since(began).Round(time.Second))
		}
	}
	end()
	var d *difference
	switch err := context.Cause(ctx); {
	case errors.As(err, &d):
		d.shrink(t, c.Fresh)
		t.Errorf("seed %d: %v\nrerun with -differential.seed=%d -differential.seqs=1 -differential.steps=%d", d.seed, d, d.seed, c.Steps)
	case err != nil:
		t.Fatal(err)
	}
}

const (
	sequenceDays = 400
	genesis      = 2_000_000_000 // later than the clock of any machine
)

// began is the time at which a sequence begins.
func began(seed uint64) uint64 { return genesis + seed*sequenceDays*24*3600 }

// step is something done on a chain. A step without an account deploys the contracts.
type step struct {
	what  string
	time  uint64
	by    int // of the twin's accounts
	calls []chain.Call
	view  bool // whether the only call is made without a transaction
	flaw  flaw // of the transaction
}

// sequence is what was done on a chain after the contracts were deployed there, and
// what came of it.
type sequence struct {
	seed     uint64
	steps    []step
	deployed string   // what came of the deployment
	results  []string // of the steps
	names    map[chain.Felt]string
}

// record makes a sequence up and takes its steps.
func record(t *testing.T, side Side, seed uint64, steps int, c *Coverage) *sequence {
	t.Helper()
	w := must(newTwin(t.Context(), side, seed))(t)
	s := &sequence{seed: seed, deployed: w.deployed, names: w.names}
	c.deployment(w)
	cryptotest.SetGlobalRandom(t, seed)
	g := newGenerator(t, w, s)
	for len(s.steps) < steps {
		next := g.next()
		result := must(w.take(t.Context(), next))(t)
		s.steps, s.results = append(s.steps, next), append(s.results, result)
		c.count(w, next, result)
	}
	return s
}

// repeat takes the steps of a sequence on another chain. It fails with a *difference.
func (s *sequence) repeat(ctx context.Context, side Side) error {
	w, err := newTwin(ctx, side, s.seed)
	if err != nil {
		return err
	}
	if w.deployed != s.deployed {
		return &difference{seed: s.seed, a: s.deployed, b: w.deployed, names: s.names}
	}
	for i, next := range s.steps {
		result, err := w.take(ctx, next)
		if err != nil {
			return err
		}
		if result != s.results[i] {
			return &difference{s.seed, slices.Clone(s.steps[:i+1]), s.results[i], result, s.names}
		}
	}
	return nil
}

// replay takes steps on both of two fresh chains. It fails with a *difference.
func replay(ctx context.Context, a, b Side, seed uint64, steps []step) error {
	w, err := newTwin(ctx, a, seed)
	if err != nil {
		return err
	}
	s := &sequence{seed: seed, steps: steps, deployed: w.deployed, names: w.names}
	for _, next := range steps {
		result, err := w.take(ctx, next)
		if err != nil {
			return err
		}
		s.results = append(s.results, result)
	}
	return s.repeat(ctx, b)
}

// difference says what the last of the steps, or the deployment if there are none, did
// on two chains.
type difference struct {
	seed  uint64
	steps []step
	a, b  string
	names map[chain.Felt]string
}

// Error lists the steps and the two results.
func (d *difference) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "the chains differ after %d steps", len(d.steps))
	for i, step := range d.steps {
		fmt.Fprintf(&s, "\n%3d +%ds account %d: %s", i+1, step.time-d.steps[0].time, step.by, step.what)
		for _, c := range step.calls {
			fmt.Fprintf(&s, " %s.%s", d.names[c.To], d.names[c.Selector])
		}
	}
	if len(d.steps) > 0 {
		for _, c := range d.steps[len(d.steps)-1].calls {
			fmt.Fprintf(&s, "\ncalldata %.4000s", strings.Join(hexes(c.Calldata), " "))
		}
	}
	fmt.Fprintf(&s, "\n%s", diffLines(d.a, d.b))
	return s.String()
}

// diffLines lists the lines that are only in one of two texts.
func diffLines(a, b string) string {
	var out []string
	left, right := strings.Split(a, "\n"), strings.Split(b, "\n")
	for _, l := range left {
		if !slices.Contains(right, l) {
			out = append(out, "only on the first:  "+l)
		}
	}
	for _, l := range right {
		if !slices.Contains(left, l) {
			out = append(out, "only on the second: "+l)
		}
	}
	if out == nil {
		return "in another order:\n" + a + "\n" + b
	}
	return strings.Join(out, "\n")
}

// maxShrinks is how many pairs of fresh chains are made to shrink a sequence.
const maxShrinks = 40

// shrink drops steps, in ever smaller runs of them, as long as fresh chains differ
// without them.
func (d *difference) shrink(t *testing.T, fresh func(*testing.T) (a, b Side)) {
	t.Helper()
	tries := 0
	for size := len(d.steps) / 2; size > 0; size /= 2 {
		for end := len(d.steps) - 1; end > 0 && tries < maxShrinks; end = min(end-size, len(d.steps)-1) {
			tries++
			steps := slices.Delete(slices.Clone(d.steps), max(0, end-size), end)
			t.Run("shrink", func(t *testing.T) {
				a, b := fresh(t)
				var shorter *difference
				switch err := replay(t.Context(), a, b, d.seed, steps); {
				case errors.As(err, &shorter):
					*d = *shorter
				case err != nil:
					t.Fatal(err)
				}
			})
		}
	}
}

// twin is the deployment of a sequence on one of the chains.
type twin struct {
	Side
	addresses *chain.Addresses
	signers   []*wallet.Account
	accounts  []*chain.Account // of the owner and the cast
	names     map[chain.Felt]string
	deployed  string // what came of the deployment
}

func newTwin(ctx context.Context, s Side, seed uint64) (*twin, error) {
	if len(s.Cast) != CastSize {
		return nil, fmt.Errorf("the cast are %d accounts, want %d", len(s.Cast), CastSize)
	}
	if err := s.SetTime(ctx, began(seed)-24*3600); err != nil {
		return nil, err
	}
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		return nil, err
	}
	var last chain.Felt
	cfg.Salt, cfg.EpochLength = chain.Uint(1_000_000+seed), 3600
	cfg.Faucet = &deploy.Faucet{Cap: money.SAGE(4_500), Funding: money.SAGE(3_200)}
	cfg.Progress = func(p deploy.Progress) { last = p.Tx }
	w := &twin{Side: s, signers: append([]*wallet.Account{s.Owner}, s.Cast...), names: make(map[chain.Felt]string)}
	for _, a := range w.signers {
		w.accounts = append(w.accounts, chain.NewAccount(s.Client, a.Address(), a, s.Fees))
	}
	// The limit of a transaction's gas is not one of declarations.
	declaration := *s.Fees.Fixed
	declaration.L2Gas.Amount *= 3
	addresses, err := deploy.Run(ctx, w.accounts[0].WithFees(chain.FeePolicy{Fixed: &declaration}), cfg)
	if err != nil {
		return nil, err
	}
	for _, c := range contracts.Classes() {
		address, err := addresses.Address(c.Name)
		if err != nil {
			return nil, err
		}
		w.names[address] = c.Name
	}
	w.addresses = addresses
	for _, f := range abi() {
		w.names[chain.Selector(f.name)] = f.name
	}
	w.deployed, err = w.outcome(ctx, last)
	return w, err
}

// take takes a step and writes down all that came of it, without what depends on fees.
func (w *twin) take(ctx context.Context, s step) (string, error) {
	if err := w.SetTime(ctx, s.time); err != nil {
		return "", err
	}
	var hash chain.Felt
	var err error
	switch {
	case s.view:
		out, err := w.Client.Call(ctx, s.calls[0], chain.AtLatest())
		if err != nil {
			return refusedWith(err)
		}
		return fmt.Sprint("returned ", hexes(out)), nil
	case s.flaw != flawless:
		hash, err = w.sendFlawed(ctx, s)
	default:
		hash, err = w.accounts[s.by].Execute(ctx, s.calls...)
	}
	if err != nil {
		return refusedWith(err)
	}
	return w.outcome(ctx, hash)
}

// refusedWith writes down the error of a node that refused. Other errors are returned.
func refusedWith(err error) (string, error) {
	var refused *chain.RPCError
	if !errors.As(err, &refused) {
		return "", err
	}
	return fmt.Sprintf("refused: %d %s %s", refused.Code, refused.Message, reason(string(refused.Data))), nil
}

// outcome writes down the receipt of a transaction and what it changed.
func (w *twin) outcome(ctx context.Context, hash chain.Felt) (string, error) {
	r, err := w.Client.Wait(ctx, hash)
	var revert *chain.RevertError
	if err != nil && !errors.As(err, &revert) {
		return "", err
	}
	lines := []string{fmt.Sprintf("%s reverted: %v %s", r.Finality, r.Reverted, reason(r.Reason))}
	for _, e := range r.Events {
		if name, ok := w.names[e.From]; ok {
			lines = append(lines, fmt.Sprintf("event of %s: %v %v", name, hexes(e.Keys), hexes(e.Data)))
		}
	}
	var update struct {
		Diff struct {
			Storage []struct {
				Address string `json:"address"`
				Entries []struct {
					Key   string `json:"key"`
					Value string `json:"value"`
				} `json:"storage_entries"`
			} `json:"storage_diffs"`
		} `json:"state_diff"`
	}
	err = w.Client.Do(ctx, "starknet_getStateUpdate", map[string]any{"block_id": chain.AtHash(r.Block.Hash)}, &update)
	if err != nil {
		return "", err
	}
	var writes []string
	for _, c := range update.Diff.Storage {
		address, err := chain.ParseFelt(c.Address)
		if err != nil {
			return "", err
		}
		for _, e := range c.Entries {
			if name, ok := w.names[address]; ok {
				writes = append(writes, fmt.Sprintf("storage of %s: %s = %s", name, e.Key, e.Value))
			}
		}
	}
	slices.Sort(writes)
	return strings.Join(append(lines, writes...), "\n"), nil
}

var (
	// Only a node that executes Cairo knows where in the program it failed.
	traceback = regexp.MustCompile(`(Error at pc=0:\d+:(\n|\\n))?Cairo traceback \(most recent call last\):(\n|\\n)(Unknown location \(pc=0:\d+\)(\n|\\n))*(\n|\\n)`)
	panicData = regexp.MustCompile(`\n \["0x[0-9a-f]+"\]$`)
	// Each of the chains has seen other sequences before.
	nonceText = regexp.MustCompile(`Account nonce: \d+; got: \d+`)
)

// reason is that of a failure without the places in the program.
func reason(text string) string {
	text = nonceText.ReplaceAllString(text, "another nonce")
	return panicData.ReplaceAllString(traceback.ReplaceAllString(text, ""), "\n")
}

// abi lists the functions that all classes have.
var abi = sync.OnceValue(func() []function {
	var out []function
	for _, c := range contracts.Classes() {
		list, err := functions(c.Name)
		if err != nil {
			panic(err) // what is embedded is known to parse
		}
		out = append(out, list...)
	}
	return out
})
