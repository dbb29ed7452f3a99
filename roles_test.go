package bitsage

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/staking"
)

// leftovers wants no goroutine of a worker to run.
func leftovers(t *testing.T) {
	t.Helper()
	buf := make([]byte, 1<<20)
	for range 400 {
		stacks := buf[:runtime.Stack(buf, true)]
		if !bytes.Contains(stacks, []byte("bitsage.(*Worker)")) && !bytes.Contains(stacks, []byte("prover.(*Prover)")) {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("the worker left something running:\n%s", buf[:runtime.Stack(buf, true)])
}

// TestRefused has a client deviate from what it was quoted for.
func TestRefused(t *testing.T) {
	w := newWorld(t, 1)
	ctx := t.Context()
	w.start(w.worker)
	quote := func() Quote {
		quotes, err := w.client.Quotes(ctx, smallJob(""))
		w.check(err)
		return quotes[0]
	}
	offer := func(task proof.Task, input []byte, q Quote) (proof.JobID, error) {
		id := jobID(w.client.contract, w.client.account.Address(), task.ID())
		defer w.client.inputs.offer(q.quote.Peer, &task, input)()
		return id, wire.SendOffer(ctx, w.client.host, wire.Offer{Job: id, Request: q.request, Task: task, Quote: q.quote})
	}
	j := smallJob("refused")
	task, _, err := commit(ctx, w.client.prover, j.task(), j.Input)
	w.check(err)

	var refused *wire.RefusedError
	wrong := task
	wrong.JobRoot[0] ^= 1
	if _, err := offer(wrong, j.Input, quote()); !errors.As(err, &refused) || len(w.worker.assignments()) != 0 {
		t.Errorf("another commitment to the input: %v", err)
	}
	forged := quote()
	forged.quote.Fee--
	if _, err := offer(task, j.Input, forged); !errors.As(err, &refused) || len(w.worker.assignments()) != 0 {
		t.Errorf("a quote that was changed: %v", err)
	}
	// What the worker agreed to is not what comes on the chain.
	for name, change := range map[string]func(o *settle.Order){
		"fee":      func(o *settle.Order) { o.Fee, _ = o.Fee.Share(5000) },
		"program":  func(o *settle.Order) { o.Program[0] ^= 1 },
		"job root": func(o *settle.Order) { o.Root[0] ^= 1 },
		"profile":  func(o *settle.Order) { o.Profile = proof.Fast.String() },
		"deadline": func(o *settle.Order) { o.Deadline = o.LockDeadline + 1 },
	} {
		task.Label = name
		q := quote()
		w.worker.breaker.set(false)
		id, err := offer(task, j.Input, q)
		w.check(err)
		o := settle.Order{
			Task: task.ID(), Program: task.Program.ID(), Root: task.JobRoot, Profile: task.Profile.String(), Worker: q.quote.Worker,
			LockDeadline: uint64(q.quote.LockDeadline), Deadline: uint64(q.quote.Deadline), Fee: q.Fee,
		}
		change(&o)
		_, err = w.client.money.Submit(ctx, o)
		w.check(err)
		for range 1000 {
			if len(w.worker.assignments()) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		s, err := w.client.Job(ctx, id)
		if err != nil || s.State != Submitted || len(w.worker.assignments()) != 0 {
			t.Errorf("another %s on the chain: %+v, %v, %d assignments", name, s, err, len(w.worker.assignments()))
		}
		w.check(w.client.Cancel(ctx, id))
	}
	w.balances("0")
}

// TestRestart stops a worker in the middle of a proof, which leaves nothing running,
// and another one with its folder finishes the job. The client is another one, too.
func TestRestart(t *testing.T) {
	w := newWorld(t, 3)
	stop := w.start(w.worker)
	id := w.submit(smallJob("small"))
	w.check(w.client.Close())
	w.client = w.newClient(w.client.cfg, 0)
	for ev, err := range w.client.Watch(t.Context(), id) {
		w.check(err)
		if ev.State == Accepted {
			break
		}
	}
	begin := time.Now()
	stop()
	if d := time.Since(begin); d > 3*time.Second {
		t.Errorf("the worker took %v to stop", d)
	}
	leftovers(t)
	orphan, err := w.worker.blobs.Put(blob.Data, []byte("of a job that a crash kept out of the journal"))
	w.check(err)
	again := w.again()
	w.start(again)
	if _, err := again.blobs.Bytes(orphan); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("what no job needs: %v", err)
	}
	r, err := w.client.Wait(t.Context(), id)
	w.check(err)
	if _, err := r.Verify(w.Context()); err != nil {
		t.Error(err)
	}
	if p := w.payment(id); p.State != Released && p.State != Payable {
		t.Errorf("payment %+v", p)
	}
	w.balances("0.1")
}

// TestShared proves a job whose input is the output of another one and a matrix of a
// third. What the worker deletes when it has ended is what no other job needs.
func TestShared(t *testing.T) {
	w := newWorld(t, 3)
	w.start(w.worker)
	finish := func(j Job) *receipt.Receipt {
		r, err := w.client.Wait(t.Context(), w.submit(j))
		w.check(err)
		return r
	}
	first := finish(smallJob("first"))
	j := smallJob("second")
	j.Program = proof.MatMul(6, 8, 1)
	j.Input = append(first.Output[:48:48], 1, 2, 3, 4, 5, 6, 7, 8)
	w.worker.proving <- struct{}{} // until the third job has been taken on as well
	second := w.submit(j)
	w.until(second, Accepted)
	third := j
	third.Label, third.Input = "third", append(bytes.Repeat([]byte{1}, 48), j.Input[48:]...)
	id := w.submit(third)
	<-w.worker.proving
	for _, id := range []proof.JobID{second, id} {
		r, err := w.client.Wait(t.Context(), id)
		w.check(err)
		if _, err := r.Verify(w.Context()); err != nil {
			t.Error(err)
		}
	}
	poll(t, "the end of the jobs", func() bool { return len(w.worker.assignments()) == 0 })
	if got, err := w.worker.blobs.Bytes(blob.IDOf(blob.Data, first.Output)); err != nil || !bytes.Equal(got, first.Output) {
		t.Errorf("the first job's output: %v", err)
	}
	for _, part := range [][]byte{third.Input[:48], third.Input[48:]} {
		poll(t, "an input to be deleted", func() bool {
			_, err := w.worker.blobs.Bytes(blob.IDOf(blob.Data, part))
			return errors.Is(err, blob.ErrNotFound)
		})
	}
}

// TestDrain lets a worker finish its proof after it was told to stop. When it is gone,
// the validators hand out the result.
func TestDrain(t *testing.T) {
	w := newWorld(t, 3)
	w.worker.cfg.Drain = time.Hour
	stop := w.start(w.worker)
	w.worker.proving <- struct{}{} // until it has been told
	id := w.submit(smallJob("small"))
	w.until(id, Accepted)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stop()
	}()
	for {
		w.worker.mu.Lock()
		told := w.worker.stopped
		w.worker.mu.Unlock()
		if told {
			break
		}
		time.Sleep(time.Millisecond)
	}
	<-w.worker.proving
	<-stopped
	r, err := w.client.Wait(t.Context(), id)
	w.check(err)
	if _, err := r.Verify(w.Context()); err != nil {
		t.Error(err)
	}
	if p := w.payment(id); p.State != Released {
		t.Errorf("payment %+v", p)
	}
}

// forger changes proofs after they were verified.
type forger struct{ Prover }

func (f forger) Prove(ctx context.Context, in *prover.Input, job proof.JobID, progress func(prover.Stage)) (*prover.Result, error) {
	res, err := f.Prover.Prove(ctx, in, job, progress)
	if err != nil {
		return nil, err
	}
	encoded, err := res.Proof.MarshalBinary()
	if err != nil {
		return nil, err
	}
	encoded[len(encoded)/2] ^= 1
	res.Proof, err = proof.Parse(encoded)
	return res, err
}

// TestRejected submits a damaged proof. The validators reject it: the fee goes back,
// the worker is slashed and takes no more jobs.
func TestRejected(t *testing.T) {
	w := newWorld(t, 4)
	ctx := t.Context()
	w.worker.prover = forger{w.worker.prover}
	stop := w.start(w.worker)
	id := w.submit(smallJob("small"))
	w.until(id, Proven)
	w.worker.proving <- struct{}{} // no self-test yet
	_, err := w.client.Wait(ctx, id)
	var rejected *RejectedError
	if !errors.As(err, &rejected) || rejected.Worker != w.worker.Address() || rejected.Certificate == nil {
		t.Fatalf("got %v, want a RejectedError with a certificate", err)
	}
	c, err := rejected.Certificate.Verify(w.client.origin(w.worker.Address()).Chain)
	if err != nil || c.Verdict != consensus.Invalid {
		t.Errorf("certificate %+v, %v", c, err)
	}
	if p := w.payment(id); p.State != Refunded {
		t.Errorf("payment %+v", p)
	}
	w.balances("0")
	stake, err := w.network.staking.Stake(ctx, w.worker.Address())
	if err != nil || stake.Amount != SAGE(1800) || !stake.Bonded.IsZero() {
		t.Errorf("stake %+v, %v", stake, err)
	}
	for range 1000 {
		if w.worker.breaker.open() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var none *NoQuoteError
	if _, err := w.client.Quotes(ctx, smallJob("more")); !errors.As(err, &none) {
		t.Errorf("the worker gives quotes after a rejected proof: %v", err)
	}
	<-w.worker.proving // the self-test may begin
	for range 3000 {
		if !w.worker.breaker.open() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := w.client.Quotes(ctx, smallJob("more")); err != nil {
		t.Errorf("after the self-test: %v", err)
	}
	stop()
	for _, v := range w.validators {
		for d, err := range v.Decisions(ctx) {
			if err != nil || d.Job != id || d.Valid || d.Certificate == nil {
				t.Errorf("decision %+v, %v", d, err)
			}
			break
		}
	}
}

// TestValidatorJournal wants a validator to refuse a journal of another key, and to
// go on with its own.
func TestValidatorJournal(t *testing.T) {
	w := newNetwork(t)
	cfg := ValidatorConfig{Config: w.config(20_000)}
	cfg.Dir = filepath.Join(t.TempDir(), "v")
	for range 2 {
		v, err := NewValidator(cfg)
		w.check(err)
		stop := run(t, v)
		<-v.Ready()
		stop()
	}
	other := ValidatorConfig{Config: w.config(20_000)}
	other.Dir = cfg.Dir
	v, err := NewValidator(other)
	w.check(err)
	if err := v.Run(t.Context()); !errors.Is(err, consensus.ErrIdentity) {
		t.Errorf("another's journal: %v", err)
	}
	e, err := w.network.staking.CurrentEpoch(t.Context())
	if err != nil || len(e.Members) != 1 {
		t.Errorf("epoch %+v, %v", e, err)
	}
}

// TestEpochs has validators begin the next epoch when the current one is over.
func TestEpochs(t *testing.T) {
	w := newWorld(t, 2)
	w.check(w.waitEpoch(1))
	w.ledger.Advance(601 * time.Second)
	w.check(w.waitEpoch(2))
	if e, err := w.network.staking.CurrentEpoch(t.Context()); err != nil || len(e.Members) != 2 {
		t.Errorf("%+v %v", e, err)
	}
}

func (w *world) waitEpoch(n uint64) error {
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	for {
		e, err := w.network.staking.CurrentEpoch(ctx)
		if err == nil && e.Number >= n || err != nil && !errors.Is(err, staking.ErrEpoch) {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// TestOperator runs a worker with a hot key that can do no more than work.
func TestOperator(t *testing.T) {
	w := newWorld(t, 1)
	cold, hot := w.config(1000), w.config(0)
	cfg := WorkerConfig{Config: hot, StakerAddress: cold.Account.Address()}
	if err := w.newWorker(cfg).Run(t.Context()); err == nil {
		t.Error("a worker without a stake runs")
	}
	cfg.Staker = cold.Account
	w.start(w.newWorker(cfg))()
	cfg.Staker = nil
	worker := w.newWorker(cfg)
	w.start(worker)
	if _, err := worker.Claim(t.Context()); err == nil {
		t.Error("the operator can claim")
	}
	quotes, err := w.client.Quotes(t.Context(), smallJob("hot"))
	if err != nil || quotes[0].Worker != cold.Account.Address() {
		t.Errorf("quotes %+v, %v", quotes, err)
	}
	owned, err := w.network.staking.Worker(t.Context(), cold.Account.Address())
	if err != nil || owned.SigningKey != hot.Account.PublicKey() {
		t.Errorf("%+v %v", owned, err)
	}
}
