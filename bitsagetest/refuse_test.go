package bitsagetest

import (
	"context"
	"fmt"
	"math/big"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/proof"
)

var (
	_ TestingT         = testing.TB(nil)
	_ require.TestingT = TestingT(nil)
)

// recorder is a test that may fail, with no more methods than a TestingT needs.
type recorder struct {
	TestingT
	cleanups []func()

	mu     sync.Mutex
	text   strings.Builder
	failed bool
}

func (r *recorder) log(failed bool, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, format+"\n", args...)
	r.failed = r.failed || failed
}

func (r *recorder) Logf(format string, args ...any)   { r.log(false, format, args...) }
func (r *recorder) Errorf(format string, args ...any) { r.log(true, format, args...) }
func (r *recorder) FailNow()                          { r.log(true, ""); runtime.Goexit() }
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// record runs a test to its end and returns what it said, "" if it passed.
func record(t *testing.T, test func(t *recorder)) string {
	r := &recorder{TestingT: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range r.cleanups {
				f()
			}
		}()
		test(r)
	}()
	<-done
	if !r.failed {
		return ""
	}
	return r.text.String()
}

// TestFailures has tests fail for every reason that a network knows.
func TestFailures(t *testing.T) {
	for name, test := range map[string]struct {
		run  func(t *recorder)
		want []string
	}{
		"nothing": {func(t *recorder) { New(t, bare) }, nil},
		"the test itself": {func(t *recorder) {
			o := bare
			o.Seed, o.Faults = 77, "loss 1%"
			New(t, o).Inject(t, "rpc delay 1ms")
			t.Errorf("mine")
		}, []string{"mine", "Options.Seed 77", `"loss 1%"`, `"rpc delay 1ms"`}},
		"faults": {func(t *recorder) {
			o := bare
			o.Faults = "crash worker/0"
			New(t, o)
		}, []string{"faults:1:7: there is no worker/0"}},
		"injected faults": {func(t *recorder) { New(t, bare).Inject(t, "\nboom") }, []string{"faults:2:1: want a fault"}},
		"too many":        {func(t *recorder) { New(t, Options{Workers: 9}) }, []string{"at most 8 of worker"}},
		"unknown role":    {func(t *recorder) { New(t, bare).Start(t, "worker/0") }, []string{"there is no worker/0"}},
		"unknown job":     {func(t *recorder) { New(t, bare).RequirePaid(t, proof.JobID{1}) }, []string{"unknown job"}},
		"not slashed":     {func(t *recorder) { New(t, bare).RequireSlashed(t, "worker/0") }, []string{"worker/0 was not slashed"}},
		"too many clients": {func(t *recorder) {
			n := New(t, bare)
			for range 4 {
				n.NewClient(t, bitsage.SAGE(1))
			}
		}, []string{"no more clients"}},
		"a goroutine is left": {func(t *recorder) {
			n := New(t, bare)
			started, stop := make(chan struct{}), make(chan struct{})
			go pprof.Do(context.Background(), pprof.Labels(label, n.number), func(context.Context) { close(started); <-stop })
			<-started
			t.Cleanup(func() { close(stop) })
		}, []string{"something is left running", "TestFailures"}},
	} {
		got := record(t, test.run)
		if (got == "") != (test.want == nil) {
			t.Errorf("%s: got %q", name, got)
		}
		for _, want := range test.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q in it", name, got, want)
			}
		}
	}
}

// TestAudit wants the audit to see what is wrong with the books.
func TestAudit(t *testing.T) {
	virtual(t, bare, func(t *testing.T, n *Network) {
		ctx := t.Context()
		b, err := n.read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := n.audit(ctx); err != nil {
			t.Fatal(err)
		}
		check := func(want string, err error) {
			t.Helper()
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		}
		good := *b
		b.burned = big.NewInt(1)
		check("the supply is", n.supply(ctx, b))
		*b = good
		b.holders = map[chain.Felt]bool{n.Account("client/0").Address(): true}
		check("all balances are", n.supply(ctx, b))
		*b = good
		b.contracts = map[string]chain.Felt{"StakingManager": n.Account("client/0").Address(), "PrivacyRouter": n.Account("client/0").Address()}
		check("are staked", n.stakes(ctx, b))
		check("confidential balances and fees are 100 SAGE", n.confidential(ctx, b))
		*b = good
		b.accounts = nil
		check("confidential balances and fees are 0 SAGE", n.confidential(ctx, b))
		*b = good
		if err := n.fees(b); err != nil {
			t.Error(err)
		}
		id := chain.Uint(1)
		b.jobs, b.escrowed[id], b.released[id], b.refunded[id] = []chain.Felt{id}, 1, 1, 1
		check("paid 1 times and refunded 1 times", n.fees(b))
		n.members["worker/0"] = &member{name: "worker/0", account: n.Account("worker/0")}
		b.jobs, b.slashed[n.Account("worker/0").Address()] = nil, "INVALID_PROOF"
		check("worker/0, who never forged a proof, was slashed for INVALID_PROOF", n.fees(b))
		n.members["worker/0"].forged = true
		if err := n.fees(b); err != nil {
			t.Error(err)
		}
		delete(n.members, "worker/0")
	})
}

// TestRequire wants another end than the one that comes.
func TestRequire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := record(t, func(t *recorder) {
			n := New(t, Options{Validators: 1})
			job, err := n.Client().Submit(t.Context(), n.Job(0))
			require.NoError(t, err)
			require.Equal(t, bitsage.Released, n.RequireEnded(t, job.ID))
			n.RequireRefunded(t, job.ID)
		})
		if !strings.Contains(got, "was released, want refunded") {
			t.Errorf("got %q", got)
		}
	})
}

// TestAdvanceTime lets epochs end, in real and in virtual time.
func TestAdvanceTime(t *testing.T) {
	epochs := func(t *testing.T) {
		n := New(t, Options{Workers: -1, Validators: 1})
		start := time.Now()
		before, err := n.staking.CurrentEpoch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n.AdvanceTime(before.End.Sub(before.Start) + time.Second)
		for range 200 {
			now, err := n.staking.CurrentEpoch(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if now.Number > before.Number {
				if n.virtual != (time.Since(start) >= 10*time.Minute) {
					t.Errorf("an epoch passed in %v", time.Since(start))
				}
				return
			}
			time.Sleep(50 * time.Millisecond)
		}
		t.Error("no epoch has passed")
	}
	t.Run("real", epochs)
	t.Run("virtual", func(t *testing.T) { synctest.Test(t, epochs) })
}
