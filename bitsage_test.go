package bitsage

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/internal/testnet"
	"github.com/bitsage/bitsage/internal/testprofile"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// world is a network on a ledger whose time can be moved.
type world struct {
	*testing.T
	ledger     *ledger.Ledger
	file       string // of the ledger
	network    *Network
	funder     *wallet.Account
	keys       []*wallet.Account // always the same, so that jobs have the same identifiers and proofs
	client     *Client
	worker     *Worker
	validators []*Validator
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// logs shows what the roles log, if asked for.
func logs() *slog.Logger {
	if os.Getenv("BITSAGE_TEST_LOG") != "" {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return slog.New(slog.DiscardHandler)
}

// deployed is a ledger with the contracts, made once and copied for every test.
var deployed deployment

type deployment struct {
	sync.Once
	dir       string
	contracts *chain.Addresses
	err       error
}

func (d *deployment) remove() {
	if d.dir != "" {
		os.RemoveAll(d.dir)
	}
}

func (d *deployment) make() (err error) {
	if d.dir, err = os.MkdirTemp("", "bitsage-test-"); err != nil {
		return err
	}
	accounts, err := ledger.SeedAccounts("test", 1)
	if err != nil {
		return err
	}
	clock := testnet.NewClock(time.Now())
	l, err := ledger.Open(ledger.Options{Accounts: accounts, File: filepath.Join(d.dir, "ledger"), Clock: clock.Now})
	if err != nil {
		return err
	}
	d.contracts, err = testnet.Deploy(context.Background(), chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{}), clock)
	return errors.Join(err, l.Close())
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}

// newNetwork returns a network without roles.
func newNetwork(t *testing.T) *world {
	t.Helper()
	t.Cleanup(testprofile.Allow())
	w := &world{T: t}
	deployed.Do(func() { deployed.err = deployed.make() })
	w.check(deployed.err)
	accounts, err := ledger.SeedAccounts("test", testAccounts)
	w.check(err)
	w.funder, w.keys = accounts[0], accounts[1:]
	w.file = filepath.Join(t.TempDir(), "ledger")
	w.check(copyFile(filepath.Join(deployed.dir, "ledger"), w.file))
	w.ledger, err = ledger.Open(ledger.Options{File: w.file})
	w.check(err)
	w.network, err = NewNetwork(NetworkConfig{Chain: w.ledger.Client(), Contracts: deployed.contracts, Logger: logs()})
	w.check(err)
	t.Cleanup(func() {
		if err := errors.Join(w.network.Close(), w.ledger.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// config returns that of a role with the next account.
func (w *world) config(balance uint64) Config {
	w.Helper()
	a := w.keys[0]
	w.keys = w.keys[1:]
	_, err := w.network.Fund(context.Background(), w.funder, a, SAGE(balance))
	w.check(err)
	return Config{Network: w.network, Account: a, Logger: logs()}
}

// run runs a role and returns a function that stops it and waits.
func run(t *testing.T, role interface{ Run(context.Context) error }) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- role.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// newWorld makes a client with a confidential balance, a worker that does not run
// yet, and validators that do.
func newWorld(t *testing.T, validators int) *world {
	t.Helper()
	w := newNetwork(t)
	w.populate(validators)
	return w
}

func (w *world) populate(validators int) {
	w.Helper()
	w.client = w.newClient(w.config(100), 100)
	cfg := WorkerConfig{Config: w.config(2000), Stake: SAGE(2000)}
	cfg.Dir = w.TempDir()
	w.worker = w.newWorker(cfg)
	for range validators {
		v := w.newValidator()
		w.check(v.Enlist(w.Context())) // all are in the first epoch
		w.validators = append(w.validators, v)
	}
	for _, v := range w.validators {
		run(w.T, v)
	}
}

func (w *world) newValidator() *Validator {
	w.Helper()
	cfg := ValidatorConfig{Config: w.config(10_000)}
	cfg.Dir = w.TempDir()
	v, err := NewValidator(cfg)
	w.check(err)
	return v
}

func (w *world) newClient(cfg Config, deposit uint64) *Client {
	w.Helper()
	c, err := NewClient(cfg)
	w.check(err)
	w.Cleanup(func() {
		if err := c.Close(); err != nil {
			w.Error(err)
		}
	})
	if deposit > 0 {
		tx, err := c.Deposit(w.Context(), SAGE(deposit))
		w.check(err)
		if tx.Hash.IsZero() || tx.Block == 0 || tx.Amount != SAGE(deposit) {
			w.Errorf("deposited by %+v", tx)
		}
	}
	return c
}

func (w *world) newWorker(cfg WorkerConfig) *Worker {
	w.Helper()
	worker, err := NewWorker(cfg)
	w.check(err)
	return worker
}

// again returns a worker with the folder and keys of the one that was stopped, as
// after a restart.
func (w *world) again() *Worker { return w.newWorker(w.worker.cfg) }

// start runs a worker and waits until it serves.
func (w *world) start(worker *Worker) (stop func()) {
	w.Helper()
	stop = run(w.T, worker)
	<-worker.Ready()
	return stop
}

// smallJob is done at once.
func smallJob(label string) Job {
	p := proof.MatMul(3, 2, 4)
	in := make([]byte, p.InputSize())
	for i := range in {
		in[i] = byte(37 * i)
	}
	return Job{Program: p, Input: in, Profile: proof.TestOnly, MaxFee: SAGE(1), Label: label}
}

func (w *world) submit(j Job) proof.JobID {
	w.Helper()
	job, err := w.client.Submit(w.Context(), j)
	w.check(err)
	if tx := job.Transaction; job.Worker.IsZero() || tx.Hash.IsZero() != tx.Amount.IsZero() {
		w.Errorf("submitted as %+v", job)
	}
	return job.ID
}

// until waits for a state of a job on the chain.
func (w *world) until(id proof.JobID, want State) {
	w.Helper()
	for ev, err := range w.client.Watch(w.Context(), id) {
		w.check(err)
		if ev.State == want {
			return
		}
	}
	w.Fatalf("job %v was never %s", id, want)
}

// payment returns what became of a job's fee.
func (w *world) payment(id proof.JobID) Payment {
	w.Helper()
	for p, err := range w.client.Payments(w.Context()) {
		w.check(err)
		if p.Job == id {
			return p
		}
	}
	w.Fatalf("no payment for %v", id)
	return Payment{}
}

// balances wants the client's money to be all there but for what was paid.
func (w *world) balances(paid string) {
	w.Helper()
	b, err := w.client.Balance(w.Context())
	w.check(err)
	var want Amount
	w.check(want.UnmarshalText([]byte(paid)))
	if got := SAGE(100).Excess(b.Total()); got != want {
		w.Errorf("the client has %+v, paid %v, want %v", b, got, want)
	}
}

// finished is a job from submission to payment, done once for all tests that look at
// its traces.
type finished struct {
	id      proof.JobID
	states  []State
	stages  int
	receipt receipt.Receipt
	payment Payment
	earned  Amount
}

var finishOnce struct {
	sync.Once
	finished
}

func finish(t *testing.T) finished {
	t.Helper()
	finishOnce.Do(func() { newWorld(t, 4).finish(&finishOnce.finished) })
	if finishOnce.id == (proof.JobID{}) {
		t.Fatal("the job did not finish")
	}
	return finishOnce.finished
}

func (w *world) finish(f *finished) {
	w.Helper()
	ctx := w.Context()
	w.start(w.worker)
	j := smallJob("small")
	j.Profile = proof.Std // a real one
	f.id = w.submit(j)
	for ev, err := range w.client.Watch(ctx, f.id) {
		w.check(err)
		if ev.State == Proving {
			f.stages++
		}
		if n := len(f.states); n == 0 || f.states[n-1] != ev.State {
			f.states = append(f.states, ev.State)
		}
	}
	r, err := w.client.Wait(ctx, f.id)
	w.check(err)
	f.receipt = *r
	f.payment = w.payment(f.id)
	w.balances("0.1")
	b, err := w.worker.Balance(ctx)
	w.check(err)
	if b.Total() != f.payment.Amount {
		w.Errorf("the worker was paid %+v of %v", b, f.payment.Amount)
	}
	claim, err := w.worker.Claim(ctx)
	w.check(err)
	f.earned = claim.Amount
	if again, err := w.worker.Claim(ctx); err != nil || again != (Transaction{}) || claim.Hash.IsZero() {
		w.Errorf("claimed %v twice: %v", again, err)
	}
}

func (f *finished) verify(t *testing.T) {
	t.Helper()
	if fmt.Sprint(f.states) != "[submitted accepted proving proven done]" || f.stages < 5 {
		t.Errorf("states %v, %d stages", f.states, f.stages)
	}
	if f.payment.State != Released || f.earned != f.payment.Amount || f.earned.String() != "0.1" {
		t.Errorf("payment %+v, claimed %v", f.payment, f.earned)
	}
}

func TestPaid(t *testing.T) {
	f := finish(t)
	f.verify(t)
}

// receiptFile writes the receipt of TestReceipt to a file, as the one that package receipt
// is tested with: see receipt/testdata/README.md.
var receiptFile = flag.String("receipt.write", "", "write the receipt of TestReceipt to this file")

func TestReceipt(t *testing.T) {
	r := finish(t).receipt
	rep, err := r.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Profile != proof.Std || rep.Security.Conjectured < 95 || r.Certificate == nil || len(r.Certificate.Set) != 4 {
		t.Errorf("report %+v, certificate %+v", rep, r.Certificate)
	}
	if err := r.VerifyInput(t.Context(), smallJob("").Input); err != nil {
		t.Error(err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	back, err := receipt.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.Verify(t.Context()); err != nil {
		t.Errorf("after JSON: %v", err)
	}
	if *receiptFile != "" {
		if err := os.WriteFile(*receiptFile, append(text, '\n'), 0o644); err != nil {
			t.Error(err)
		}
	}
}

func TestSubmitRefuses(t *testing.T) {
	w := newNetwork(t)
	c := w.newClient(w.config(1), 0)
	good := smallJob("")
	m31 := proof.MatMulOf(proof.M31, 1, 1, 1)
	for name, test := range map[string]struct {
		change func(j *Job)
		want   string
	}{
		"no program":      {func(j *Job) { j.Program = proof.Program{} }, "no program"},
		"unknown dtype":   {func(j *Job) { j.Program = proof.MatMulOf(9, 3, 2, 4) }, "unknown dtype"},
		"no rows":         {func(j *Job) { j.Program = proof.MatMul(0, 2, 4) }, "dimension m is 0"},
		"too large":       {func(j *Job) { j.Program = proof.MatMul(3, 4097, 4) }, "dimension k is 4097"},
		"short input":     {func(j *Job) { j.Input = j.Input[1:] }, "13 bytes, want 14"},
		"long input":      {func(j *Job) { j.Input = append(j.Input, 0) }, "15 bytes, want 14"},
		"not reduced":     {func(j *Job) { j.Program, j.Input = m31, []byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f} }, "entry 1 is 2147483647"},
		"unknown profile": {func(j *Job) { j.Profile = 99 }, "no profile 99"},
		"label":           {func(j *Job) { j.Label = strings.Repeat("x", 257) }, "257 bytes"},
		"label's text":    {func(j *Job) { j.Label = "\xff" }, "UTF-8"},
		"deadline":        {func(j *Job) { j.Deadline = time.Now().Add(-time.Second) }, "deadline"},
		"no worker":       {func(*Job) {}, "none is registered on the chain"},
		"proof too big": {func(j *Job) {
			j.Program = proof.MatMul(4096, 4096, 1)
			j.Input, j.Profile = make([]byte, j.Program.InputSize()), 0
		}, "limit of 262144"},
	} {
		j := good
		j.Input = append([]byte(nil), j.Input...)
		test.change(&j)
		_, err := c.Submit(t.Context(), j)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, test.want)
		}
	}
	for j, err := range c.Jobs(t.Context()) {
		t.Errorf("a job was submitted: %+v, %v", j, err)
	}
}

// TestTerms takes jobs that nobody proves: the worker is not given the time.
func TestTerms(t *testing.T) {
	w := newWorld(t, 1)
	ctx := t.Context()
	w.worker.cfg.Price = func(Estimate) Amount { return SAGE(2) }
	w.worker.proving <- struct{}{} // it is busy for ever
	stop := w.start(w.worker)
	j := smallJob("dear")
	var none *NoQuoteError
	if _, err := w.client.Submit(ctx, j); !errors.As(err, &none) || !strings.Contains(err.Error(), "wants 2 SAGE") {
		t.Errorf("a fee above MaxFee: %v", err)
	}
	j.MaxFee = SAGE(200)
	w.worker.cfg.Price = func(Estimate) Amount { return SAGE(150) }
	var short *BalanceError
	if _, err := w.client.Submit(ctx, j); !errors.As(err, &short) || short.Missing() != SAGE(50) || !strings.Contains(err.Error(), "50 SAGE are missing") {
		t.Errorf("a fee above the balance: %v", err)
	}
	w.worker.cfg.Price = DefaultPrice
	quotes, err := w.client.Quotes(ctx, j)
	if err != nil || len(quotes) != 1 || quotes[0].Fee.String() != "0.1" || quotes[0].Worker != w.worker.Address() {
		t.Fatalf("quotes %+v, %v", quotes, err)
	}
	j.Quote = &quotes[0]
	j.Label = "chosen"
	id := w.submit(j)
	if w.submit(j) != id {
		t.Error("an equal job got another identifier")
	}
	w.balances("0.1")
	j.Label = "again"
	if _, err := w.client.Submit(ctx, j); !errors.As(err, &none) || !strings.Contains(err.Error(), "for this quote") {
		t.Errorf("a second job for one quote: %v", err)
	}
	w.until(id, Accepted)
	if err := w.client.Cancel(ctx, id); err == nil || !strings.Contains(err.Error(), "accepted") {
		t.Errorf("cancelling an accepted job: %v", err)
	}
	if err := w.client.Expire(ctx, id); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("expiring early: %v", err)
	}
	// Its client, in another process without any memory, knows the job by its
	// identifier; other clients have none of it.
	other := w.newClient(w.config(1), 0)
	s, err := other.Job(ctx, id)
	if err != nil || s.State != Accepted || s.Worker != w.worker.Address() {
		t.Errorf("%+v %v", s, err)
	}
	for j := range other.Jobs(ctx) {
		t.Errorf("another's job %v", j.ID)
	}
	n := 0
	for j, err := range w.client.Jobs(ctx) {
		n++
		if err != nil || j.ID != id || j.State != Accepted {
			t.Errorf("%+v %v", j, err)
		}
	}
	if p := w.payment(id); n != 1 || p.State != Escrowed || p.Amount.String() != "0.1" {
		t.Errorf("%d jobs, payment %+v", n, p)
	}
	stop()
	// The deadline passes: Wait has the job expired.
	w.ledger.Advance(3 * time.Hour)
	_, err = w.client.Wait(ctx, id)
	var bad *JobError
	if !errors.As(err, &bad) || !errors.Is(err, ErrExpired) || bad.Job != id {
		t.Errorf("got %v, want a JobError with ErrExpired", err)
	}
	if p := w.payment(id); p.State != Refunded {
		t.Errorf("payment %+v", p)
	}
	w.balances("0")
}

// unaccepted submits a job that its worker has taken on and does not accept.
func (w *world) unaccepted(label string) proof.JobID {
	w.Helper()
	j := smallJob(label)
	w.check(w.client.join(w.Context()))
	w.check(j.validate())
	task, _, err := commit(w.Context(), w.client.prover, j.task(), j.Input)
	w.check(err)
	id := jobID(w.client.contract, w.client.account.Address(), task.ID())
	w.worker.breaker.set(false)
	quote, err := w.client.handOver(w.Context(), id, &j, &task)
	w.check(err)
	w.worker.breaker.set(true)
	_, err = w.client.pay(w.Context(), &task, quote)
	w.check(err)
	return id
}

// TestLate lets the lock deadline pass, or has the job cancelled before.
func TestLate(t *testing.T) {
	w := newWorld(t, 1)
	w.start(w.worker)
	id := w.unaccepted("cancelled")
	w.check(w.client.Cancel(t.Context(), id))
	if _, err := w.client.Wait(t.Context(), id); !errors.Is(err, ErrCancelled) {
		t.Errorf("cancelled: %v", err)
	}
	if p := w.payment(id); p.State != Refunded {
		t.Errorf("cancelled: payment %+v", p)
	}
	id = w.unaccepted("late")
	w.ledger.Advance(20 * time.Minute)
	if _, err := w.client.Wait(t.Context(), id); !errors.Is(err, ErrExpired) {
		t.Errorf("late: %v", err)
	}
	if p := w.payment(id); p.State != Refunded {
		t.Errorf("late: payment %+v", p)
	}
	w.balances("0")
}

// TestLocalDir closes a local network and opens it again.
func TestLocalDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "network")
	var account *wallet.Account
	var peers []transport.PeerID
	for round := range 2 {
		n, err := Local(t.Context(), LocalConfig{Dir: dir, Validators: 2, Logger: logs()})
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			if account, err = n.NewAccount(t.Context(), SAGE(7)); err != nil {
				t.Fatal(err)
			}
		}
		if b, err := n.staking.Balance(t.Context(), account.Address()); err != nil || b != SAGE(7) {
			t.Errorf("round %d: the account has %v, %v", round, b, err)
		}
		epoch, err := n.staking.CurrentEpoch(t.Context())
		if err != nil || len(epoch.Members) != 2 {
			t.Errorf("round %d: validators are %+v, %v", round, epoch.Members, err)
		}
		peers = append(peers, n.Workers()[0].host.ID())
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if peers[0] != peers[1] {
		t.Errorf("the worker was %s and is %s", peers[0], peers[1])
	}
}

// TestLocalFails wants the error of a role that cannot start, at once.
func TestLocalFails(t *testing.T) {
	_, err := Local(t.Context(), LocalConfig{Logger: logs(), Workers: 2, Worker: func(i int, c *WorkerConfig) {
		if i == 1 {
			c.Stake = SAGE(1) // below the least
		}
	}})
	if !errors.Is(err, errNotReady) || !strings.Contains(err.Error(), "to stake") {
		t.Errorf("a worker that cannot stake: %v", err)
	}
	_, err = Local(t.Context(), LocalConfig{Logger: logs(), Workers: -1, Validator: func(_ int, c *ValidatorConfig) { c.Dir = "" }})
	if !errors.Is(err, ErrNoDir) {
		t.Errorf("validators without a folder: %v", err)
	}
	n, err := Local(t.Context(), LocalConfig{Logger: logs(), Workers: -1, Validators: -1})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := n.Start(t.Context(), failing{broken}); err != nil && !errors.Is(err, broken) {
		t.Fatal(err)
	}
	<-n.Failed()
	if err := n.Close(); !errors.Is(err, broken) {
		t.Errorf("a role that failed: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Local(ctx, LocalConfig{Logger: logs()}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
}

// failing is a role that serves and then fails.
type failing struct{ err error }

func (f failing) Run(context.Context) error { return f.err }

func (f failing) Ready() <-chan struct{} {
	ready := make(chan struct{})
	close(ready)
	return ready
}

// TestOneDir: two roles with one folder would be one peer, and write one journal.
func TestOneDir(t *testing.T) {
	w := newWorld(t, 0)
	w.start(w.worker)
	cfg := w.config(10)
	cfg.Dir = w.worker.cfg.Dir
	c, err := NewClient(cfg)
	w.check(err)
	defer c.Close()
	if _, err := c.Quotes(t.Context(), smallJob("")); err == nil {
		t.Error("a client with a worker's folder")
	}
}

func TestUnknownJob(t *testing.T) {
	w := newNetwork(t)
	c := w.newClient(w.config(1), 0)
	for _, id := range []proof.JobID{{1}, {0xff}} {
		if _, err := c.Wait(t.Context(), id); !errors.Is(err, ErrUnknownJob) {
			t.Errorf("Wait: %v", err)
		}
		if _, err := c.Job(t.Context(), id); !errors.Is(err, ErrUnknownJob) {
			t.Errorf("Job: %v", err)
		}
		if err := c.Expire(t.Context(), id); !errors.Is(err, ErrUnknownJob) {
			t.Errorf("Expire: %v", err)
		}
	}
}

func TestConfigErrors(t *testing.T) {
	n := new(Network)
	a, err := wallet.NewAccount(wallet.GenerateKey(), wallet.ClassOpenZeppelin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewClient(Config{Account: a}); err == nil || !strings.Contains(err.Error(), "NewNetwork") {
		t.Errorf("client without a network: %v", err)
	}
	if _, err := NewWorker(WorkerConfig{Config: Config{Network: n}}); err == nil || !strings.Contains(err.Error(), "Account") {
		t.Errorf("worker without an account: %v", err)
	}
	if _, err := NewWorker(WorkerConfig{Config: Config{Network: n, Account: a}, Drain: -1}); err == nil || !strings.Contains(err.Error(), "negative") {
		t.Errorf("a negative Drain: %v", err)
	}
	if _, err := NewWorker(WorkerConfig{Config: Config{Network: n, Account: a}, Tier: 6}); err == nil || !strings.Contains(err.Error(), "no tier of workers") {
		t.Errorf("a validator's tier: %v", err)
	}
	if _, err := NewValidator(ValidatorConfig{Config: Config{Network: n, Account: a}}); !errors.Is(err, ErrNoDir) {
		t.Errorf("validator without a folder: %v", err)
	}
	if _, err := NewWorker(WorkerConfig{Config: Config{Network: n, Signer: wallet.GenerateKey(), Address: chain.Felt{1}}}); err == nil || !strings.Contains(err.Error(), "PaymentKey") {
		t.Errorf("worker without a payment key: %v", err)
	}
	if _, err := NewClient(Config{Network: n, Signer: wallet.GenerateKey()}); err == nil || !strings.Contains(err.Error(), "Address") {
		t.Errorf("client without an address: %v", err)
	}
	if _, err := NewNetwork(NetworkConfig{Contracts: new(chain.Addresses)}); err == nil || !strings.Contains(err.Error(), "Chain") {
		t.Errorf("network without a chain: %v", err)
	}
	if _, err := NewNetwork(NetworkConfig{Chain: new(chain.Client)}); err == nil || !strings.Contains(err.Error(), "Contracts") {
		t.Errorf("network without contracts: %v", err)
	}
}
