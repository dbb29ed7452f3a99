package bitsage

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/bindings/paymentrouter"
	"github.com/bitsage/bitsage/staking"
)

// go test -run TestKilled -args -crash.points 200
var (
	crashPoints = flag.Int("crash.points", 3, "how many jobs to follow through crashes")
	crashSeed   = flag.Uint64("crash.seed", 1, "seed of the crashes")
)

// The environment of the process that is killed.
const (
	crashDir = "BITSAGE_CRASH_DIR"
	crashURL = "BITSAGE_CRASH_URL"
)

const crashValidators = 3

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir, os.Getenv(crashURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	deployed.remove()
	os.Exit(code)
}

// crashRoles makes all roles, with their folders in dir.
func crashRoles(n *Network, dir string) (*Client, *Worker, []*Validator, error) {
	keys, err := ledger.SeedAccounts("test", 3+crashValidators)
	if err != nil {
		return nil, nil, nil, err
	}
	config := func(i int, name string) Config {
		return Config{Network: n, Account: keys[i], Dir: filepath.Join(dir, name), Logger: logs()}
	}
	client, err := NewClient(config(1, "client"))
	if err != nil {
		return nil, nil, nil, err
	}
	worker, err := NewWorker(WorkerConfig{Config: config(2, "worker"), Stake: SAGE(2000)})
	if err != nil {
		return nil, nil, nil, err
	}
	var validators []*Validator
	for i := range crashValidators {
		v, err := NewValidator(ValidatorConfig{Config: config(3+i, "validator"+strconv.Itoa(i))})
		if err != nil {
			return nil, nil, nil, err
		}
		validators = append(validators, v)
	}
	return client, worker, validators, nil
}

// crashChild is the process that is killed: a client, a worker and validators, who
// bring one job to its end.
func crashChild(dir, url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c, err := chain.NewClient(url, chain.Options{Poll: 10 * time.Millisecond, Logger: logs()})
	if err != nil {
		return err
	}
	contracts, err := chain.LoadAddresses(filepath.Join(dir, "addresses.json"))
	if err != nil {
		return err
	}
	n, err := NewNetwork(NetworkConfig{Chain: c, Contracts: contracts, Logger: logs()})
	if err != nil {
		return err
	}
	client, worker, validators, err := crashRoles(n, dir)
	if err != nil {
		return err
	}
	ended := make(chan error, 1+crashValidators)
	go func() { ended <- worker.Run(ctx) }()
	for _, v := range validators {
		go func() { ended <- v.Run(ctx) }()
	}
	go func() {
		if err := n.Ready(ctx); err != nil {
			ended <- err
			return
		}
		id, err := client.Submit(ctx, smallJob(labelGood))
		if err == nil {
			_, err = client.Wait(ctx, id)
		}
		if err == nil || errors.Is(err, ErrExpired) {
			err = paid(ctx, n, id)
		}
		ended <- err
	}()
	return <-ended
}

// paid waits until the fee of a job that has ended is where it belongs.
func paid(ctx context.Context, n *Network, id JobID) error {
	f, err := id.felt()
	if err != nil {
		return err
	}
	for {
		p, err := n.settle.Payment(ctx, f)
		if err != nil {
			return err
		}
		if p.State == paymentrouter.PaymentStateReleased || p.State == paymentrouter.PaymentStateRefunded {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// crashSnapshot prepares a folder from which every crash test begins: a ledger on
// which everybody is enlisted and paid up, and a worker that has made the job's
// proof before, so that it is not its proof of work that the tests wait for.
func crashSnapshot(t *testing.T) string {
	t.Helper()
	w := newWorld(t, crashValidators)
	stop := w.start(w.worker)
	w.check(w.waitEpoch(1))
	stop()
	dir := t.TempDir()
	w.check(w.network.contracts.Save(filepath.Join(dir, "addresses.json")))
	w.check(copyFile(w.file, filepath.Join(dir, "ledger"))) // nobody writes at the moment
	stop = w.start(w.again())
	if _, err := w.client.Wait(t.Context(), w.submit(smallJob(labelGood))); err != nil {
		t.Fatal(err)
	}
	stop()
	w.check(os.CopyFS(filepath.Join(dir, "worker"), os.DirFS(w.worker.cfg.Dir)))
	return dir
}

// TestKilled kills a process with all roles, but not the chain, at random moments,
// and starts it again: every job ends paid once or refunded once, nobody is slashed,
// and no SAGE is lost.
func TestKilled(t *testing.T) {
	snapshot := crashSnapshot(t)
	begin := time.Now()
	crash(t, snapshot, nil, 0)
	whole := time.Since(begin)
	t.Logf("without a crash it takes %v", whole)
	for point := range *crashPoints {
		t.Run(strconv.Itoa(point), func(t *testing.T) {
			crash(t, snapshot, rand.New(rand.NewPCG(*crashSeed, uint64(point))), whole)
		})
	}
}

// crash follows one job; without rng nothing is killed.
func crash(t *testing.T, snapshot string, rng *rand.Rand, whole time.Duration) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(snapshot)); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{File: filepath.Join(dir, "ledger")})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	server := httptest.NewServer(l.Handler())
	defer server.Close()
	var log strings.Builder
	for kills := 0; rng != nil && kills < 1+rng.IntN(3); kills++ {
		after := time.Duration(1 + rng.Int64N(int64(whole)))
		err := child(t, dir, server.URL, after)
		fmt.Fprintf(&log, "killed after %v: %v\n", after, err)
	}
	if rng != nil && rng.IntN(4) == 0 {
		l.Advance(3 * time.Hour)
		fmt.Fprintln(&log, "three hours later")
	}
	if err := child(t, dir, server.URL, 0); err != nil {
		t.Fatalf("%s the last process: %v", &log, err)
	}
	t.Log(log.String() + crashAudit(t, l, dir))
}

// child runs the process, and kills it after a time if that is not 0.
func child(t *testing.T, dir, url string, after time.Duration) error {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashURL+"="+url)
	var output strings.Builder
	cmd.Stderr = &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		defer time.AfterFunc(after, func() { cmd.Process.Kill() }).Stop()
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w %s", err, &output)
	}
	return nil
}

// crashAudit looks at the chain when all is over.
func crashAudit(t *testing.T, l *ledger.Ledger, dir string) string {
	t.Helper()
	ctx := t.Context()
	contracts, err := chain.LoadAddresses(filepath.Join(dir, "addresses.json"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := NewNetwork(NetworkConfig{Chain: l.Client(), Contracts: contracts, Logger: logs()})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	client, worker, validators, err := crashRoles(n, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	jobs := 0
	var state PaymentState
	for p, err := range client.Payments(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		jobs++
		state = p.State
	}
	mine, err := client.Balance(ctx)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := worker.Balance(ctx)
	if err != nil {
		t.Fatal(err)
	}
	fee := DefaultPrice(Estimate{})
	left, err := SAGE(100).Sub(fee)
	if err != nil {
		t.Fatal(err)
	}
	want := map[PaymentState][2]Amount{Released: {left, fee}, Refunded: {SAGE(100), {}}}[state]
	if jobs != 1 || mine.Total() != want[0] || theirs.Total() != want[1] || want[0].IsZero() {
		t.Errorf("%d jobs, the fee is %s, the client has %+v, the worker %+v", jobs, state, mine, theirs)
	}
	stake, err := n.staking.Stake(ctx, worker.Address())
	if err != nil || state == Released && stake.Amount != SAGE(2000) || !stake.Bonded.IsZero() {
		t.Errorf("the worker's stake %+v, %v", stake, err)
	}
	for _, v := range validators {
		s, err := n.staking.Validator(ctx, v.account.Address())
		if err != nil || s.Status != staking.ValidatorActive || s.Stake != SAGE(10_000) {
			t.Errorf("validator %+v, %v", s, err)
		}
	}
	return fmt.Sprintf("the fee is %s", state)
}
