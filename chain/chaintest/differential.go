package chaintest

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/cryptotest"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// Side is one of two chains that are to agree in everything. Both have the same chain
// ID, owner and cast.
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

// Differential deploys the contracts on two chains and does the same there: a sequence
// of valid and invalid operations that follows from the seed. After each, both must
// give the same result: whether it was accepted, the reason if not, the events and the
// changed storage of the contracts, slot by slot. Where they do not, it reports
// the shortest part of the sequence it finds that tells two fresh chains apart.
//
// Seeds of runs on the same two chains must ascend: each has its own time of 400 days.
func Differential(t *testing.T, a, b Side, seed uint64, steps int, fresh func(*testing.T) (a, b Side)) {
	t.Helper()
	if d := differ(t, a, b, seed, steps); d != nil {
		d.shrink(t, seed, fresh)
		t.Errorf("seed %d: %s\nrerun with -differential.seed=%d -differential.seqs=1 -differential.steps=%d", seed, d, seed, steps)
	}
}

const (
	sequenceDays = 400
	genesis      = 2_000_000_000 // later than the clock of any machine
)

// began is the time at which a sequence begins.
func began(seed uint64) uint64 { return genesis + seed*sequenceDays*24*3600 }

// differ runs a sequence until the chains differ.
func differ(t *testing.T, a, b Side, seed uint64, steps int) *difference {
	t.Helper()
	return newPair(t, a, b, seed).run(t, seed, steps)
}

func (p *pair) run(t *testing.T, seed uint64, steps int) *difference {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	g := newGenerator(t, p, seed)
	for len(p.steps) < steps {
		if d := p.take(t, g.next()); d != nil {
			return d
		}
	}
	return nil
}

// step is something done on both chains.
type step struct {
	what  string
	time  uint64
	by    int // of the twins' accounts
	calls []chain.Call
	view  bool // whether the only call is made without a transaction
}

// difference says what the last of the steps did on both chains.
type difference struct {
	steps []step
	a, b  string
	names map[chain.Felt]string
}

// String lists the steps and the two results.
func (d *difference) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "the chains differ after %d steps", len(d.steps))
	first := d.steps[0].time
	for i, step := range d.steps {
		fmt.Fprintf(&s, "\n%3d +%ds account %d: %s", i+1, step.time-first, step.by, step.what)
		for _, c := range step.calls {
			fmt.Fprintf(&s, " %s.%s", d.names[c.To], d.names[c.Selector])
		}
	}
	for _, c := range d.steps[len(d.steps)-1].calls {
		fmt.Fprintf(&s, "\ncalldata %.4000s", strings.Join(hexes(c.Calldata), " "))
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
func (d *difference) shrink(t *testing.T, seed uint64, fresh func(*testing.T) (a, b Side)) {
	t.Helper()
	last, tries := len(d.steps)-1, 0
	for size := (last + 1) / 2; size > 0; size /= 2 {
		for at := max(0, len(d.steps)-1-size); tries < maxShrinks && len(d.steps) > 1; at = max(0, at-size) {
			tries++
			steps := slices.Delete(slices.Clone(d.steps), at, min(at+size, len(d.steps)-1))
			if shorter := replay(t, steps, seed, fresh); shorter != nil {
				*d = *shorter
			}
			if at == 0 {
				break
			}
			at = min(at, len(d.steps)-1)
		}
	}
}

// replay takes steps on fresh chains.
func replay(t *testing.T, steps []step, seed uint64, fresh func(*testing.T) (a, b Side)) (d *difference) {
	t.Helper()
	t.Run("shrink", func(t *testing.T) {
		a, b := fresh(t)
		p := newPair(t, a, b, seed)
		for _, s := range steps {
			if d = p.take(t, s); d != nil {
				return
			}
		}
	})
	return d
}

// pair is two chains with the same deployment.
type pair struct {
	a, b  *twin
	steps []step
	names map[chain.Felt]string // of addresses and selectors
	// passed and refused count the transactions by the functions called.
	passed, refused map[string]int
}

// twin is one chain of a pair.
type twin struct {
	Side
	world    *world
	accounts []*chain.Account // the owner and the cast
}

func newPair(t *testing.T, a, b Side, seed uint64) *pair {
	t.Helper()
	p := &pair{a: newTwin(t, a, seed), b: newTwin(t, b, seed), names: make(map[chain.Felt]string), passed: make(map[string]int), refused: make(map[string]int)}
	if p.a.world.deployment != p.b.world.deployment {
		t.Fatal("the contracts have other addresses on the second chain")
	}
	for _, c := range p.a.world.all() {
		p.names[c.address] = c.name
		for _, f := range must(functions(c.name))(t) {
			p.names[chain.Selector(f.name)] = f.name
		}
	}
	return p
}

func newTwin(t *testing.T, s Side, seed uint64) *twin {
	t.Helper()
	if len(s.Cast) != CastSize {
		t.Fatalf("the cast are %d accounts, want %d", len(s.Cast), CastSize)
	}
	if err := s.SetTime(t.Context(), began(seed)-24*3600); err != nil {
		t.Fatal(err)
	}
	cfg := must(deploy.Defaults(deploy.Devnet))(t)
	cfg.Salt, cfg.EpochLength = chain.Uint(1_000_000+seed), 3600
	cfg.Faucet = &deploy.Faucet{Cap: money.SAGE(4_500), Funding: money.SAGE(3_200)}
	w := &twin{Side: s}
	for _, a := range append([]*wallet.Account{s.Owner}, s.Cast...) {
		w.accounts = append(w.accounts, chain.NewAccount(s.Client, a.Address(), a, s.Fees))
	}
	addresses := must(deploy.Run(t.Context(), w.accounts[0].WithFees(chain.FeePolicy{}), cfg))(t)
	w.world = &world{Network: Network{Client: s.Client, Contracts: addresses}, deployment: openDeployment(t, addresses)}
	return w
}

// take takes a step on both chains and compares.
func (p *pair) take(t *testing.T, s step) *difference {
	t.Helper()
	p.steps = append(p.steps, s)
	a, b := p.a.take(t, s), p.b.take(t, s)
	if a == b {
		p.count(s, a)
		return nil
	}
	return &difference{slices.Clone(p.steps), a, b, p.names}
}

func (p *pair) count(s step, result string) {
	counts := p.refused
	if strings.Contains(result, "reverted: false") {
		counts = p.passed
	}
	for _, c := range s.calls {
		if !s.view {
			counts[p.names[c.To]+"."+p.names[c.Selector]]++
		}
	}
}

// take takes a step and writes down all that came of it, without what depends on fees.
func (w *twin) take(t *testing.T, s step) string {
	t.Helper()
	ctx := t.Context()
	if err := w.SetTime(ctx, s.time); err != nil {
		t.Fatal(err)
	}
	if s.view {
		out, err := w.Client.Call(ctx, s.calls[0], chain.AtLatest())
		return answered(t, fmt.Sprint("returned ", hexes(out)), err)
	}
	hash, err := w.accounts[s.by].Execute(ctx, s.calls...)
	if err != nil {
		return answered(t, "", err)
	}
	var revert *chain.RevertError
	receipt, err := w.accounts[s.by].Wait(ctx, hash)
	if err != nil && !errors.As(err, &revert) {
		t.Fatal(err)
	}
	return w.result(t, receipt)
}

// answered is an answer of the node, or its error.
func answered(t *testing.T, result string, err error) string {
	t.Helper()
	var refused *chain.RPCError
	switch {
	case err == nil:
		return result
	case errors.As(err, &refused):
		return fmt.Sprintf("refused: %d %s %s", refused.Code, refused.Message, reason(string(refused.Data)))
	}
	t.Fatal(err)
	return ""
}

// result writes down the receipt of a transaction and what it changed.
func (w *twin) result(t *testing.T, r *chain.Receipt) string {
	t.Helper()
	ours := make(map[chain.Felt]string)
	for _, c := range w.world.all() {
		ours[c.address] = c.name
	}
	lines := []string{fmt.Sprintf("%s reverted: %v %s", r.Finality, r.Reverted, reason(r.Reason))}
	for _, e := range r.Events {
		if name, ok := ours[e.From]; ok {
			lines = append(lines, fmt.Sprintf("event of %s: %v %v", name, hexes(e.Keys), hexes(e.Data)))
		}
	}
	var writes []string
	for _, c := range w.world.changed(t, r.Block) {
		if name, ok := ours[c.contract]; ok {
			writes = append(writes, fmt.Sprintf("storage of %s: %s = %s", name, chain.Hex(c.key), chain.Hex(c.value)))
		}
	}
	slices.Sort(writes)
	return strings.Join(append(lines, writes...), "\n")
}

// Only a node that executes Cairo knows where in the program it failed.
var (
	traceback = regexp.MustCompile(`(Error at pc=0:\d+:(\n|\\n))?Cairo traceback \(most recent call last\):(\n|\\n)(Unknown location \(pc=0:\d+\)(\n|\\n))*(\n|\\n)`)
	panicData = regexp.MustCompile(`\n \["0x[0-9a-f]+"\]$`)
)

// reason is that of a failure without the places in the program.
func reason(text string) string {
	return panicData.ReplaceAllString(traceback.ReplaceAllString(text, ""), "\n")
}

// abi lists the functions that a class has.
func abi(t *testing.T) []function {
	t.Helper()
	var out []function
	for _, c := range contracts.Classes() {
		out = append(out, must(functions(c.Name))(t)...)
	}
	return out
}
