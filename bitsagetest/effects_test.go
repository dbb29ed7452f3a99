package bitsagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// virtual runs a test with a network in virtual time.
func virtual(t *testing.T, o Options, test func(t *testing.T, n *Network)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, New(t, o)) })
}

// bare is a network without workers and validators.
var bare = Options{Seed: 1, Workers: -1, Validators: -1}

var topic = transport.Topic{Name: "test", MaxBytes: 100, Queue: 4000}

// traffic publishes messages from one host to another and returns what arrives, in
// order, and how long each took.
func traffic(t *testing.T, n *Network, messages int) (got []string, took []time.Duration) {
	from, to := n.peers.Host(), n.peers.Host()
	sub, err := to.Subscribe(topic)
	if err != nil {
		t.Fatal(err)
	}
	sent := time.Now()
	for i := range messages {
		if err := from.Publish(t.Context(), topic, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			m, err := sub.Next(t.Context())
			if err != nil {
				return
			}
			got, took = append(got, string(m.Data)), append(took, time.Since(sent))
		}
	}()
	time.Sleep(time.Hour)
	sub.Close()
	<-done
	return got, took
}

// TestMessages sends messages over a network at fault.
func TestMessages(t *testing.T) {
	send := func(t *testing.T, seed uint64, faults string) (got []string, took []time.Duration) {
		o := bare
		o.Seed, o.Faults = seed, faults
		virtual(t, o, func(t *testing.T, n *Network) { got, took = traffic(t, n, 500) })
		return got, took
	}
	t.Run("none", func(t *testing.T) {
		if got, took := send(t, 1, ""); len(got) != 500 || slices.Max(took) != 0 {
			t.Errorf("%d of 500 messages in %v", len(got), slices.Max(took))
		}
	})
	t.Run("loss", func(t *testing.T) {
		got, _ := send(t, 1, "loss 30%")
		if len(got) < 300 || len(got) > 400 {
			t.Errorf("%d of 500 messages arrived", len(got))
		}
		if again, _ := send(t, 1, "loss 30%"); !slices.Equal(got, again) {
			t.Error("other messages are lost with the same seed")
		}
		if other, _ := send(t, 2, "loss 30%"); slices.Equal(got, other) {
			t.Error("the same messages are lost with another seed")
		}
	})
	t.Run("duplicate", func(t *testing.T) {
		if got, _ := send(t, 1, "duplicate 100%"); len(got) != 1000 {
			t.Errorf("500 messages came %d times", len(got))
		}
	})
	t.Run("delay", func(t *testing.T) {
		_, took := send(t, 1, "delay 10ms..200ms")
		if lo, hi := slices.Min(took), slices.Max(took); len(took) != 500 || lo < 10*time.Millisecond || hi > 200*time.Millisecond || hi < 50*time.Millisecond {
			t.Errorf("%d messages took %v to %v", len(took), lo, hi)
		}
	})
	t.Run("reorder", func(t *testing.T) {
		in, _ := send(t, 1, "delay 1ms")
		out, _ := send(t, 1, "delay 1ms; reorder 20%")
		if len(in) != 500 || len(out) != 500 || slices.Equal(in, out) {
			t.Errorf("%d and %d messages, in the same order: %v", len(in), len(out), slices.Equal(in, out))
		}
	})
}

// TestTimes begins and ends faults at their times.
func TestTimes(t *testing.T) {
	o := bare
	o.Faults = "at 3s rpc delay 1s for 10s"
	virtual(t, o, func(t *testing.T, n *Network) {
		took := func() time.Duration {
			start := time.Now()
			if _, err := n.Chain().SpecVersion(t.Context()); err != nil {
				t.Fatal(err)
			}
			return time.Since(start)
		}
		for _, step := range []struct{ wait, want time.Duration }{
			{2900 * time.Millisecond, 0}, {200 * time.Millisecond, time.Second}, {8 * time.Second, time.Second}, {2 * time.Second, 0},
		} {
			time.Sleep(step.wait)
			if got := took(); got != step.want {
				t.Errorf("a request took %v, want %v", got, step.want)
			}
		}
		n.Inject(t, "rpc delay 1s..2s; at 1h loss 100%")
		if d := took(); d < time.Second || d > 2*time.Second {
			t.Errorf("a request took %v", d)
		}
		n.Heal(t)
		if d := took(); d != 0 {
			t.Errorf("a request took %v after the faults", d)
		}
		time.Sleep(2 * time.Hour)
		if len(n.active) != 0 {
			t.Errorf("%d faults began after all had ended", len(n.active))
		}
	})
}

// TestNodeResets breaks connections to the node before and after it has acted. A
// deposit is made once for all that.
func TestNodeResets(t *testing.T) {
	virtual(t, bare, func(t *testing.T, n *Network) {
		n.Inject(t, "rpc reset 100% for 2s")
		start := time.Now()
		account := n.Account("client/0").Address()
		if _, err := n.Chain().Nonce(t.Context(), account, chain.AtLatest()); err == nil && time.Since(start) < 2*time.Second {
			t.Error("the node answers")
		}
		time.Sleep(2 * time.Second)
		before, after := 0, 0
		n.node.setFaults(nodeFaults{reset: 0.2})
		for range 1000 {
			f := n.node.draw("test")
			if f.before {
				before++
			}
			if f.after {
				after++
			}
		}
		if before < 60 || before > 140 || after < 60 || after > 140 {
			t.Errorf("of 1000 requests %d broke before and %d after", before, after)
		}
		n.node.setFaults(nodeFaults{})
		n.Inject(t, "rpc reset 20%")
		deposits := 0
		for range 10 {
			_, err := n.Client().Deposit(t.Context(), bitsage.SAGE(10))
			var unclear *chain.UncertainError
			if err == nil {
				deposits++
			} else if !errors.As(err, &unclear) && !strings.Contains(err.Error(), "reset") {
				t.Errorf("deposit: %v", err)
			}
		}
		n.Heal(t)
		b, err := n.Client().Balance(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if least := bitsage.SAGE(100 + 10*uint64(deposits)); b.Total().Less(least) || bitsage.SAGE(200).Less(b.Total()) || deposits < 3 {
			t.Errorf("%d deposits were confirmed, the balance is %v", deposits, b.Total())
		}
	})
}

// TestNodeStale asks a node that is a block behind.
func TestNodeStale(t *testing.T) {
	virtual(t, bare, func(t *testing.T, n *Network) {
		account := n.Account("client/0").Address()
		nonce := func() uint64 {
			v, err := n.Chain().Nonce(t.Context(), account, chain.AtPreConfirmed())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		fresh := nonce()
		if _, err := n.Client().Deposit(t.Context(), bitsage.SAGE(1)); err != nil {
			t.Fatal(err)
		}
		n.Inject(t, "rpc stale 100%")
		if got := nonce(); got != fresh {
			t.Errorf("a stale nonce is %d, want %d", got, fresh)
		}
		n.Heal(t)
		if got := nonce(); got != fresh+1 {
			t.Errorf("the nonce is %d, want %d", got, fresh+1)
		}
	})
}

// TestSubmittedStale asks nodes that are behind for a job that was just submitted.
func TestSubmittedStale(t *testing.T) {
	virtual(t, Options{Validators: 1}, func(t *testing.T, n *Network) {
		id := submit(t, n, 0)
		n.Inject(t, "rpc stale 90% for 20s")
		for range 20 {
			if _, err := n.Client().Job(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		n.RequirePaid(t, id)
	})
}

// submit submits a job that the tests have not had yet.
func submit(t *testing.T, n *Network, i int) proof.JobID {
	t.Helper()
	job, err := n.Client().Submit(t.Context(), n.Job(i))
	if err != nil {
		t.Fatal(err)
	}
	return job.ID
}

// until waits for a state of a job.
func until(t *testing.T, n *Network, id proof.JobID, want bitsage.State) {
	t.Helper()
	for ev, err := range n.Client().Watch(t.Context(), id) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.State == want {
			return
		}
	}
	t.Fatalf("the job was never %s", want)
}

// TestSlow has what goes to and from a worker take its time.
func TestSlow(t *testing.T) {
	virtual(t, Options{Validators: 1, Faults: "slow worker/0 700ms"}, func(t *testing.T, n *Network) {
		start := time.Now()
		if _, err := n.Client().Quotes(t.Context(), n.Job(0)); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 1400*time.Millisecond {
			t.Errorf("a quote took %v", d)
		}
	})
}

// TestPartition cuts the client off from the worker.
func TestPartition(t *testing.T) {
	virtual(t, Options{Validators: 1}, func(t *testing.T, n *Network) {
		for _, faults := range []string{"partition client", "partition worker/0 validator | client", "silence client", "silence worker/0"} {
			n.Inject(t, faults)
			var none *bitsage.NoQuoteError
			if _, err := n.Client().Quotes(t.Context(), n.Job(0)); !errors.As(err, &none) {
				t.Errorf("%s: %v", faults, err)
			}
			n.Heal(t)
			if _, err := n.Client().Quotes(t.Context(), n.Job(0)); err != nil {
				t.Errorf("after %s: %v", faults, err)
			}
		}
		n.Partition(t, "client", "worker/0") // from the validator
		if _, err := n.Client().Quotes(t.Context(), n.Job(0)); err != nil {
			t.Error(err)
		}
	})
}

// TestSilence has validators say nothing: one of four makes no difference, without two
// there is no quorum, and the job expires.
func TestSilence(t *testing.T) {
	virtual(t, Options{Faults: "silence validator/3"}, func(t *testing.T, n *Network) {
		n.RequirePaid(t, submit(t, n, 0))
		n.Inject(t, "silence validator/2")
		id := submit(t, n, 1)
		n.RequireRefunded(t, id)
		if s, err := n.Client().Job(t.Context(), id); err != nil || s.State != bitsage.Expired {
			t.Errorf("%+v %v", s, err)
		}
	})
}

// TestMend heals a partition of the validators before the deadline.
func TestMend(t *testing.T) {
	virtual(t, Options{Faults: "partition validator/0 validator/1 for 10m"}, func(t *testing.T, n *Network) {
		id := submit(t, n, 0)
		n.RequirePaid(t, id)
		if time.Since(genesis) < 10*time.Minute {
			t.Errorf("paid %v after the beginning, without a quorum", time.Since(genesis))
		}
	})
}

// TestCrash ends a worker in the middle of a job: one that comes back is paid, for
// another the deadline passes.
func TestCrash(t *testing.T) {
	virtual(t, Options{Validators: 3}, func(t *testing.T, n *Network) {
		n.Inject(t, "rpc delay 100ms") // so that a job takes a while
		id := submit(t, n, 0)
		until(t, n, id, bitsage.Accepted)
		before := n.Worker(0)
		n.Inject(t, "crash worker/0 validator/1 for 20s")
		if _, err := n.Client().Quotes(t.Context(), n.Job(1)); err == nil {
			t.Error("a worker that has crashed quotes")
		}
		n.RequirePaid(t, id)
		if n.Worker(0) == before {
			t.Error("the worker did not begin again")
		}
		n.Heal(t)
		n.Inject(t, "rpc delay 100ms")
		id = submit(t, n, 1)
		until(t, n, id, bitsage.Accepted)
		n.Crash(t, "worker/0")
		n.RequireRefunded(t, id)
		n.Start(t, "worker/0")
		n.Stop(t, "worker/0")
		n.Start(t, "worker/0")
		n.Start(t, "worker/0")
		n.RequirePaid(t, submit(t, n, 2))
	})
}

// TestForge has a worker forge proofs for a while.
func TestForge(t *testing.T) {
	virtual(t, Options{Faults: "forge worker/0 for 1h"}, func(t *testing.T, n *Network) {
		id := submit(t, n, 0)
		_, err := n.Client().Wait(t.Context(), id)
		var rejected *bitsage.RejectedError
		if !errors.As(err, &rejected) {
			t.Errorf("a forged proof: %v", err)
		}
		n.RequireRefunded(t, id)
		n.RequireSlashed(t, "worker/0")
		n.AdvanceTime(time.Hour)
		n.Start(t, "worker/0")
		n.RequirePaid(t, submit(t, n, 1))
	})
}
