package sim

import (
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
)

var (
	seeds    = flag.Uint64("sim.seeds", 1000, "number of seeds to run")
	first    = flag.Uint64("sim.first", 0, "the first seed")
	shrink   = flag.Bool("sim.shrink", true, "make failing scenarios smaller")
	scenario = flag.String("sim.scenario", "", "file with a scenario to run instead of seeds")
)

// failed are seeds beyond the first thousand that once found a fault.
var failed = []uint64{19665, 41757, 64530, 82906, 96459}

// TestSeeds runs the scenarios of many seeds, and of those that once failed. A failing
// one is made smaller and printed as JSON, which -sim.scenario runs again.
func TestSeeds(t *testing.T) {
	if *scenario != "" {
		replay(t, *scenario)
		return
	}
	var run []uint64
	if *first == 0 {
		run = append(run, failed...)
	}
	for i := range *seeds {
		run = append(run, *first+i)
	}
	var next atomic.Uint64
	var mu sync.Mutex
	var total Report
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= uint64(len(run)) || t.Failed() {
					return
				}
				seed := run[i]
				r := Run(Generate(seed))
				if r.Violation != nil {
					fail(t, seed, r.Violation)
				}
				mu.Lock()
				total.add(r)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	whole := *seeds >= 1000 && !t.Failed()
	for _, c := range total.counts() {
		t.Logf("%9d %s", *c.n, c.of)
		if whole && *c.n == 0 {
			t.Errorf("%d seeds show no %s", *seeds, c.of)
		}
	}
}

// counts names what a report counts. All of it must happen.
func (r *Report) counts() []count {
	return []count{
		{&r.Events, "events"}, {&r.Decided, "decisions"}, {&r.Undecided, "reports of undecided facts"},
		{&r.Contested, "reports of two certificates"}, {&r.Evidence, "pieces of evidence"},
		{&r.Broken, "runs with a third of the weight or more faulty"},
		{&r.Conflicts, "facts with two certificates of one epoch"},
		{&r.Thirds, "of them with evidence against a third of the weight"},
		{&r.Paid, "jobs paid"}, {&r.Refunded, "jobs refunded"}, {&r.Slashed, "offences slashed"},
		{&r.Convicted, "of them in a conflict on the chain"}, {&r.Lost, "transactions lost in reorganizations"},
	}
}

type count struct {
	n  *int
	of string
}

func (r *Report) add(x Report) {
	more := x.counts()
	for i, c := range r.counts() {
		*c.n += *more[i].n
	}
}

func fail(t *testing.T, seed uint64, v *Violation) {
	t.Errorf("seed %d: %v\nrepeat with: go test ./internal/sim -run TestSeeds -sim.first %d -sim.seeds 1", seed, v, seed)
	if *shrink {
		t.Errorf("smaller, for a file that -sim.scenario reads:\n%v", Shrink(Generate(seed)))
	}
}

func replay(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	r := Run(s)
	if r.Violation != nil {
		t.Error(r.Violation)
	}
	t.Logf("trace %x, %d events", r.Trace, r.Events)
}

// TestDeterminism runs scenarios twice: events and effects must be the same, and
// those of other seeds must not.
func TestDeterminism(t *testing.T) {
	traces := make(map[[32]byte]uint64)
	for seed := range uint64(50) {
		a, b := Run(Generate(seed)), Run(Generate(seed))
		if a.Trace != b.Trace || a.Events != b.Events {
			t.Errorf("seed %d: two traces, of %d and %d events", seed, a.Events, b.Events)
		}
		if other, ok := traces[a.Trace]; ok {
			t.Errorf("seeds %d and %d have one trace", seed, other)
		}
		traces[a.Trace] = seed
		s, err := Parse(Generate(seed).String())
		if err != nil || Run(s).Trace != a.Trace {
			t.Errorf("seed %d: the scenario read from JSON has another trace; %v", seed, err)
		}
	}
}

// TestReal runs some seeds with the network's own signatures.
func TestReal(t *testing.T) {
	for seed := range uint64(25) {
		s := Generate(seed)
		s.Real = true
		if v := Run(s).Violation; v != nil {
			t.Errorf("seed %d: %v", seed, v)
		}
	}
}

// TestLoad has a thousand facts at once, and an epoch in the middle of them.
func TestLoad(t *testing.T) {
	s := Scenario{Seed: 1, GST: 30_000, End: 400_000, MaxFacts: 2000,
		Network: Network{Loss: 10, Duplication: 5, Delay: 2000}, Chain: Chain{Inclusion: 5000}}
	var members []Stake
	for i := range 4 {
		s.Validators = append(s.Validators, Role{Clock: 100})
		members = append(members, Stake{i, 1})
	}
	s.Validators[3].Byzantine = Equivocate
	s.Epochs = []Epoch{{Members: members}, {At: 15_000, Members: members}}
	for i := range 1000 {
		s.Facts = append(s.Facts, Claim{At: uint64(20 * i), True: i%3 != 0, TTL: 3_600_000})
	}
	r := Run(s)
	if r.Violation != nil {
		t.Fatal(r.Violation)
	}
	if r.Decided != 3000 {
		t.Errorf("%d decisions of 3000", r.Decided)
	}
	t.Logf("%d events, %d decisions", r.Events, r.Decided)
}

// TestScheme checks that the stand-in for signatures tells apart what ECDSA does.
func TestScheme(t *testing.T) {
	for name, ring := range map[string]keyring{"mac": newMACRing(), "stark": &starkRing{}} {
		a, b := ring.key(1), ring.key(2)
		check, err := ring.scheme(a.public())
		if err != nil {
			t.Fatal(err)
		}
		m, other := number(5), number(6)
		sig := a.sign(m, 0)
		for what, c := range map[string]struct {
			hash felt.Felt
			sig  consensus.Signature
			want bool
		}{
			"right":         {m, sig, true},
			"other form":    {m, malleate(sig), true},
			"other message": {other, sig, false},
			"other signer":  {m, b.sign(m, 0), false},
			"changed r":     {m, consensus.Signature{R: other, S: sig.S}, false},
			"changed s":     {m, consensus.Signature{R: sig.R, S: other}, false},
			"empty":         {m, consensus.Signature{}, false},
		} {
			if check(c.hash, c.sig) != c.want {
				t.Errorf("%s, %s: %v", name, what, !c.want)
			}
		}
		if consensus.Normalize(malleate(sig)) != sig || malleate(sig) == sig {
			t.Errorf("%s: malleate is not the other form", name)
		}
		if _, err := ring.scheme(number(7)); err == nil && name == "mac" {
			t.Errorf("%s: a key that nobody has", name)
		}
	}
	ring := newMACRing()
	k := ring.key(1)
	if k.sign(number(5), 0) == k.sign(number(5), 1) {
		t.Error("one signature for two nonces")
	}
}
