package bitsage

import (
	"bufio"
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
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/testprofile"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
)

// How much TestKilled and TestStopped do, and what. From 50 jobs on, TestKilled wants
// kills in every phase of a job.
//
//	go test -run TestKilled -v . -args -crash.points 200 -crash.seed 11
var (
	crashPoints = flag.Int("crash.points", 3, "how many jobs to follow through crashes")
	crashSeed   = flag.Uint64("crash.seed", 1, "seed of the crashes")
)

// The environment of the process that is killed.
const (
	crashDir  = "BITSAGE_CRASH_DIR"
	crashURL  = "BITSAGE_CRASH_URL"
	crashGone = "BITSAGE_CRASH_GONE" // who never comes back: "", goneClient or goneBoth
)

const (
	goneClient = "client"
	goneBoth   = "client and worker"
)

const crashValidators = 3

// crashFailed is the exit status of a process that has failed by itself, beside that of
// a panic, which is less.
const crashFailed = 3

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		testprofile.Allow()
		if err := crashChild(dir, os.Getenv(crashURL), os.Getenv(crashGone)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(crashFailed)
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

// serving waits until the worker and the validators serve.
func serving(ctx context.Context, worker *Worker, validators []*Validator) error {
	roles := []Role{worker}
	for _, v := range validators {
		roles = append(roles, v)
	}
	for _, r := range roles {
		select {
		case <-r.Ready():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// crashNetwork is a network on the ledger, with the contracts of the file in dir.
func crashNetwork(c *chain.Client, dir string) (*Network, error) {
	contracts, err := chain.LoadAddresses(filepath.Join(dir, "addresses.json"))
	if err != nil {
		return nil, err
	}
	return NewNetwork(NetworkConfig{Chain: c, Contracts: contracts, Logger: logs()})
}

// The marks that the process sets as it goes, one a line. Between accepted and proven
// come the operations of the prover.
const (
	markBegin       = "begin"
	markSubmitted   = "submitted"
	markAccepted    = "accepted"
	markProven      = "proven"
	markCertificate = "certificate" // a validator has it
)

func mark(name string) { fmt.Println(name) }

// crashChild is the process that is killed: a client, a worker and validators, who
// bring one job to its end.
func crashChild(dir, url, gone string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c, err := chain.NewClient(url, chain.Options{Poll: 10 * time.Millisecond, Logger: logs()})
	if err != nil {
		return err
	}
	n, err := crashNetwork(c, dir)
	if err != nil {
		return err
	}
	client, worker, validators, err := crashRoles(n, dir)
	if err != nil {
		return err
	}
	worker.prover = NewProver(prover.Options{Backend: newTap(mark)})
	mark(markBegin)
	go marks(ctx, n, validators)
	ended := make(chan error, 2+crashValidators)
	if gone != goneBoth {
		go func() { ended <- worker.Run(ctx) }()
	}
	for _, v := range validators {
		go func() { ended <- v.Run(ctx) }()
	}
	go func() {
		if gone != "" {
			ended <- finishAlone(ctx, n)
			return
		}
		if err := serving(ctx, worker, validators); err != nil {
			ended <- err
			return
		}
		job, err := client.Submit(ctx, smallJob("small"))
		if err == nil {
			_, err = job.Wait(ctx)
		}
		if err == nil || errors.Is(err, ErrExpired) {
			err = paid(ctx, n, job.ID)
		}
		ended <- err
	}()
	return <-ended
}

// marks sets the marks of the chain and of the validators.
func marks(ctx context.Context, n *Network, validators []*Validator) {
	for _, v := range validators {
		go func() {
			for _, err := range v.Decisions(ctx) {
				if err != nil {
					return
				}
				mark(markCertificate)
			}
		}()
	}
	for c := range n.follow().Changes(ctx) {
		switch c.Event {
		case settle.JobSubmitted:
			mark(markSubmitted)
		case settle.JobAccepted:
			mark(markAccepted)
		case settle.ProofSubmitted:
			mark(markProven)
		}
	}
}

// finishAlone waits for the end of the job without its client. If its time is over, a
// stranger has it expired.
func finishAlone(ctx context.Context, n *Network) error {
	if err := n.follow().Synced(ctx); err != nil {
		return err
	}
	keys, err := ledger.SeedAccounts("test", 1)
	if err != nil {
		return err
	}
	stranger := n.account(keys[0].Address(), keys[0], chain.FeePolicy{})
	for {
		for _, r := range n.follow().Jobs() {
			err := n.settle.Expire(ctx, stranger, r.ID)
			if err == nil {
				return paid(ctx, n, proof.JobID(r.ID.Bytes()))
			}
			if !errors.Is(err, settle.ErrPending) {
				return err
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// paid waits until the fee of a job that has ended is where it belongs.
func paid(ctx context.Context, n *Network, id proof.JobID) error {
	f, err := feltOf(id)
	if err != nil {
		return err
	}
	for {
		p, err := n.settle.Payment(ctx, f)
		if err != nil {
			return err
		}
		if p.State.Ended() {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// crashSnapshot prepares two folders from which crash tests begin: a ledger on which
// everybody is enlisted and paid up, and in the second one a worker that has made the
// job's proof before, so that more kills fall between the proof and the payment.
func crashSnapshot(t *testing.T) (fresh, proven string) {
	t.Helper()
	w := newWorld(t, crashValidators)
	stop := w.start(w.worker)
	w.check(w.waitEpoch(1))
	stop()
	fresh, proven = t.TempDir(), t.TempDir()
	w.check(w.network.contracts.Save(filepath.Join(fresh, "addresses.json")))
	w.check(copyFile(w.file, filepath.Join(fresh, "ledger"))) // nobody writes at the moment
	stop = w.start(w.again())
	if _, err := w.client.Wait(t.Context(), w.submit(smallJob("small"))); err != nil {
		t.Fatal(err)
	}
	stop()
	w.check(os.CopyFS(proven, os.DirFS(fresh)))
	w.check(os.CopyFS(filepath.Join(proven, "worker"), os.DirFS(w.worker.cfg.Dir)))
	return fresh, proven
}

// Where a job is when its process is killed.
const (
	beforeSubmit      = "before submit"
	beforeAccept      = "between submit and accept"
	whileProving      = "while proving"
	beforeCertificate = "between proof and certificate"
	beforePayment     = "between certificate and payment"
	afterPayment      = "after the payment"
)

// coverage is what TestKilled has met.
type coverage struct {
	phases     map[string]int // of kills
	operations map[string]int // the last one of the prover, of kills while proving
	ends       map[string]int // of jobs
}

// TestKilled kills a process with all roles, but not the chain, at random moments,
// and starts it again, with or without client and worker: every job ends paid once or
// refunded once, nobody is slashed, and no SAGE is lost.
func TestKilled(t *testing.T) {
	fresh, proven := crashSnapshot(t)
	c := &coverage{make(map[string]int), make(map[string]int), make(map[string]int)}
	begin := time.Now()
	(&crash{T: t, coverage: c}).run(fresh)
	whole := time.Since(begin)
	t.Logf("without a crash it takes %v", whole)
	for point := range *crashPoints {
		t.Run(strconv.Itoa(point), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(*crashSeed, uint64(point)))
			x := &crash{T: t, coverage: c, rng: rng, whole: whole, fresh: rng.IntN(2) == 0}
			if x.fresh {
				x.run(fresh)
			} else {
				x.run(proven)
			}
		})
	}
	t.Logf("%d jobs after %v: ended %v, kills %v, the prover's last operation %v", *crashPoints, time.Since(begin), c.ends, c.phases, c.operations)
	for _, phase := range []string{beforeSubmit, beforeAccept, whileProving, beforeCertificate, beforePayment} {
		if *crashPoints >= 50 && c.phases[phase] == 0 {
			t.Errorf("no process was killed %s", phase)
		}
	}
}

// crash follows one job.
type crash struct {
	*testing.T
	coverage *coverage
	rng      *rand.Rand // nil to kill nothing
	whole    time.Duration
	fresh    bool // there is no proof at first
	dir      string
	ledger   *ledger.Ledger
	network  *Network // on the ledger, for looking at it
	url      string
	log      strings.Builder
}

func (x *crash) check(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(&x.log, err)
	}
}

func (x *crash) run(snapshot string) {
	x.dir = x.TempDir()
	x.check(os.CopyFS(x.dir, os.DirFS(snapshot)))
	var err error
	x.ledger, err = ledger.Open(ledger.Options{File: filepath.Join(x.dir, "ledger")})
	x.check(err)
	defer x.ledger.Close()
	server := httptest.NewServer(x.ledger.Handler())
	defer server.Close()
	x.url = server.URL
	x.network, err = crashNetwork(x.ledger.Client(), x.dir)
	x.check(err)
	defer x.network.Close()
	gone := ""
	if x.rng != nil {
		for range 1 + x.rng.IntN(3) {
			x.kill(gone)
			// A client can be gone for good once the job is on the chain.
			if _, ok := x.job(); ok && gone == "" {
				gone = []string{"", "", goneClient, goneBoth}[x.rng.IntN(4)]
			}
		}
		if gone == goneBoth || x.rng.IntN(4) == 0 {
			x.ledger.Advance(3 * time.Hour)
			fmt.Fprintln(&x.log, "three hours later")
		}
	}
	if gone != "" {
		fmt.Fprintln(&x.log, "gone for good:", gone)
	}
	if err := x.child(gone, nil); err != nil {
		x.Fatalf("%s the last process: %v", &x.log, err)
	}
	x.audit()
	x.Log(x.log.String())
}

// job returns the job as the chain has it.
func (x *crash) job() (settle.Job, bool) {
	x.Helper()
	client, _, _, err := crashRoles(x.network, x.dir)
	x.check(err)
	j := smallJob("small")
	x.check(j.validate())
	task, _, err := commit(x.Context(), client.prover, j.task(), j.Input)
	x.check(err)
	_, job, err := client.job(x.Context(), jobID(client.contract, client.account.Address(), task.ID()))
	if errors.Is(err, ErrUnknownJob) {
		return job, false
	}
	x.check(err)
	return job, true
}

// kill runs the process and kills it, a random time after its beginning or a little
// after a random one of its marks.
func (x *crash) kill(gone string) {
	x.Helper()
	k := &killer{after: time.Duration(1 + x.rng.Int64N(int64(x.whole)))}
	if x.rng.IntN(2) == 0 {
		marks := []string{markBegin, markSubmitted, markAccepted, markProven, markCertificate, markCertificate}
		if x.fresh {
			marks = append(marks, "MatMulInt8", "Merkle", "Constraints", "EvalAt", "Quotients", "MerklePacked", "FoldCircle", "Grind")
		}
		k.mark = marks[x.rng.IntN(len(marks))]
		k.after = time.Duration(x.rng.IntN(1+x.rng.IntN(10_000))) * time.Microsecond
	}
	err := x.child(gone, k)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 1 {
		x.Errorf("%s the process failed before it was killed: %v", &x.log, err)
	}
	phase := beforeSubmit
	if job, ok := x.job(); ok {
		switch job.State {
		case settle.Submitted:
			phase = beforeAccept
		case settle.Accepted:
			phase = whileProving
			x.coverage.operations[k.operation]++
		case settle.Proven:
			phase = beforeCertificate
			if k.certificate {
				phase = beforePayment
			}
		default:
			phase = afterPayment
		}
	}
	if err != nil {
		x.coverage.phases[phase]++
	}
	fmt.Fprintf(&x.log, "killed %s, %v after %q, the last operation was %q: %v\n", phase, k.after, k.mark, k.operation, err)
	balanceBooks(x.T, x.network.chain, x.network.contracts)
}

// killer says when to kill the process, and notes how far it got.
type killer struct {
	mark  string // "" is its start
	after time.Duration

	operation   string // the last one of the prover that there was a mark of
	certificate bool
}

// child runs the process to its end, or until k kills it.
func (x *crash) child(gone string, k *killer) error {
	x.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+x.dir, crashURL+"="+x.url, crashGone+"="+gone)
	var output strings.Builder
	cmd.Stderr = &output
	marks, err := cmd.StdoutPipe()
	x.check(err)
	x.check(cmd.Start())
	var timer *time.Timer
	if k != nil {
		after := k.after
		if k.mark != "" {
			after = 2 * x.whole // it may not come
		}
		timer = time.AfterFunc(after, func() { cmd.Process.Kill() })
		defer timer.Stop()
	}
	met, accepted := false, false
	for lines := bufio.NewScanner(marks); lines.Scan(); {
		if k == nil {
			continue
		}
		switch name := lines.Text(); name {
		case markAccepted:
			accepted = true
		case markCertificate:
			k.certificate = true
		case markBegin, markSubmitted, markProven:
		default:
			if !accepted {
				continue // it is not for a proof
			}
			k.operation = name
		}
		if lines.Text() == k.mark && !met {
			met = true
			timer.Reset(k.after)
		}
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w %s", err, &output)
	}
	return nil
}

// audit looks at the chain when all is over.
func (x *crash) audit() {
	x.Helper()
	ctx, n := x.Context(), x.network
	balanceBooks(x.T, n.chain, n.contracts)
	client, worker, validators, err := crashRoles(n, x.TempDir())
	x.check(err)
	jobs := 0
	var state PaymentState
	for p, err := range client.Payments(ctx) {
		x.check(err)
		jobs++
		state = p.State
	}
	mine, err := client.Balance(ctx)
	x.check(err)
	theirs, err := worker.Balance(ctx)
	x.check(err)
	fee := DefaultPrice(Estimate{})
	left, err := SAGE(100).Sub(fee)
	x.check(err)
	want := map[PaymentState][2]Amount{Released: {left, fee}, Refunded: {SAGE(100), {}}}[state]
	if jobs != 1 || mine.Total() != want[0] || theirs.Total() != want[1] || want[0].IsZero() {
		x.Errorf("%d jobs, the fee is %s, the client has %+v, the worker %+v", jobs, state, mine, theirs)
	}
	// A job that was accepted and not proven costs its bond, which is the client's.
	bond, err := n.staking.Balance(ctx, client.account.Address())
	x.check(err)
	stake, err := n.staking.Stake(ctx, worker.Address())
	if err != nil || !stake.Bonded.IsZero() || stake.Amount != SAGE(2000).Excess(bond) || !bond.IsZero() && (state == Released || bond != SAGE(100)) {
		x.Errorf("the client got %v of the worker's stake %+v, %v", bond, stake, err)
	}
	for _, v := range validators {
		s, err := n.staking.Validator(ctx, v.account.Address())
		if err != nil || s.Status != staking.ValidatorActive || s.Stake != SAGE(10_000) {
			x.Errorf("validator %+v, %v", s, err)
		}
	}
	end := string(state)
	if !bond.IsZero() {
		end += " with a bond"
	}
	x.coverage.ends[end]++
	fmt.Fprintf(&x.log, "the fee is %s", end)
}
