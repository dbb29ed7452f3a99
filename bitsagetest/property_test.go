package bitsagetest

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
)

var seeds = flag.Int("seeds", 5, "how many networks with random faults to run")

// swarm draws a random subset of all faults.
func swarm(r *rand.Rand) string {
	at := func() time.Duration { return time.Duration(r.IntN(2000)) * time.Millisecond }
	length := func() time.Duration { return time.Second + time.Duration(r.IntN(60))*time.Second }
	all := []string{
		fmt.Sprintf("loss %d%%", r.IntN(20)),
		fmt.Sprintf("duplicate %d%%", r.IntN(50)),
		fmt.Sprintf("reorder %d%%", r.IntN(50)),
		fmt.Sprintf("delay %dms..%dms", r.IntN(20), 20+r.IntN(300)),
		fmt.Sprintf("slow validator/%d %dms", r.IntN(4), r.IntN(3000)),
		fmt.Sprintf("silence validator/%d", r.IntN(4)),
		fmt.Sprintf("at %v partition validator/0 validator/1 for %v", at(), length()),
		fmt.Sprintf("at %v partition worker/%d for %v", at(), r.IntN(2), length()),
		fmt.Sprintf("at %v crash worker/%d for %v", at(), r.IntN(2), length()),
		fmt.Sprintf("at %v crash validator/%d for %v", at(), r.IntN(4), length()),
		fmt.Sprintf("at %v crash worker/%d", at(), r.IntN(2)),
		fmt.Sprintf("rpc reset %d%%", r.IntN(10)),
		fmt.Sprintf("rpc stale %d%%", r.IntN(10)),
		fmt.Sprintf("rpc delay %dms..%dms", r.IntN(5), 5+r.IntN(100)),
		fmt.Sprintf("at %v rpc reset 100%% for %v", at(), length()),
		"forge worker/1",
	}
	var some []string
	for _, f := range all {
		if r.IntN(2) == 0 {
			some = append(some, f)
		}
	}
	return strings.Join(some, "\n")
}

// TestSwarm has jobs go through random faults. Each must end, and be paid once or
// refunded once; the network checks at the end that no money is lost and that no honest
// role was slashed. When all faults are over, a job is paid.
//
//	go test ./bitsagetest -run TestSwarm -args -seeds 100
func TestSwarm(t *testing.T) {
	for seed := range uint64(*seeds) {
		t.Run(fmt.Sprint("seed=", seed+1), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed+1, 0))
			virtual(t, Options{Seed: seed + 1, Workers: 2, Faults: swarm(r)}, func(t *testing.T, n *Network) {
				ends := make(chan error)
				const jobs = 3
				for i := range jobs {
					go func() { ends <- n.trial(t, i) }()
				}
				for range jobs {
					if err := <-ends; err != nil {
						t.Error(err)
					}
				}
				n.Heal(t)
				n.Start(t, "worker/0")
				id, err := n.persist(t, jobs)
				if err != nil {
					t.Fatal(err)
				}
				n.RequirePaid(t, id)
			})
		})
	}
}

// trial submits a job, again and again while nobody takes it, and waits for its end.
func (n *Network) trial(t *testing.T, i int) error {
	id, err := n.persist(t, i)
	if err != nil {
		return err
	}
	end, err := n.payment(t.Context(), id)
	if err != nil {
		return fmt.Errorf("job %v: %w", id, err)
	}
	t.Logf("job %v was %s after %v", id, end, time.Since(genesis))
	return nil
}

// persist submits a job, for at most a day.
func (n *Network) persist(t *testing.T, i int) (proof.JobID, error) {
	for end := time.Now().Add(24 * time.Hour); ; time.Sleep(time.Second) {
		job, err := n.Client().Submit(t.Context(), n.Job(i))
		if err == nil {
			return job.ID, nil
		}
		if time.Now().After(end) {
			return proof.JobID{}, errors.Join(errors.New("no worker takes the job"), err)
		}
	}
}
