package bitsage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/transport"
)

// The times of a quote.
const (
	quoteLife   = 2 * time.Minute  // to hand the job over
	lockTime    = 10 * time.Minute // to put it on the chain and accept it
	minimumTime = 30 * time.Minute // for proof and verdict
)

// Why a worker does not take a job. A client reads these texts.
var (
	errBroken   = errors.New("the worker is out of order")
	errStopping = errors.New("the worker is stopping")
	errBusy     = errors.New("the worker would not be sure to begin and be done in time: give the job more time, or try again later")
	errStake    = errors.New("the worker's stake secures as many jobs as it can")
	errUsed     = errors.New("the worker has taken another job for this quote")
	errOffline  = errors.New("the worker cannot reach the chain")
)

// maxInputs bounds the bytes of the inputs that are on their way to a worker.
const maxInputs = 512 << 20

// serve answers requests until the host is closed. Inputs come in until serving ends, and
// jobs that are taken go on until work does.
func (w *Worker) serve(serving, work context.Context) error {
	return errors.Join(
		blob.Serve(w.host, w.handOut),
		wire.HandleQuotes(w.host, w.quote),
		wire.HandleOffers(serving, &w.arriving, w.host, wire.Offers{
			Budget: maxInputs,
			Have:   w.blobs.Bytes,
			Admit:  w.admit,
			Accept: func(ctx context.Context, from transport.PeerID, o wire.Offer, input []byte) error {
				return w.take(ctx, work, from, o, input)
			},
		}),
		wire.HandleTasks(w.host, func(job proof.JobID) (wire.Description, bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			d, ok := w.results[job]
			return d, ok
		}),
	)
}

// handOut returns what peers may have: outputs and proofs, but not the inputs of clients.
func (w *Worker) handOut(_ transport.PeerID, id blob.ID) ([]byte, error) {
	w.mu.Lock()
	public := false
	for job := range w.results {
		public = public || slices.Contains(w.signed[job].blobs(), id)
	}
	w.mu.Unlock()
	if !public {
		return nil, blob.ErrNotFound
	}
	return w.blobs.Bytes(id)
}

// follow lets jobs be looked at again when something happens to them, until ctx
// ends.
func (w *Worker) follow(ctx context.Context) error {
	votes, err := w.host.Subscribe(topic(domain(w.contract), &consensus.Certificate{}))
	if err != nil {
		return err
	}
	defer votes.Close()
	w.running.Go(func() { w.listen(ctx, votes) })
	for c, err := range w.cfg.Network.follow().Changes(ctx) {
		if err != nil {
			return err
		}
		switch c.Event {
		case settle.JobSubmitted, settle.JobAccepted, settle.JobFinalized, settle.JobRejected,
			settle.JobExpired, settle.JobCancelled, settle.CertificateRecorded:
			if a := w.assignment(proof.JobID(c.Job.Bytes())); a != nil {
				a.poke()
			}
		}
	}
	return context.Cause(ctx)
}

// listen keeps the certificates of own jobs. They are not checked: the contract does
// that, and refuses a wrong one before it costs anything.
func (w *Worker) listen(ctx context.Context, votes transport.Subscription) {
	for {
		m, err := votes.Next(ctx)
		if err != nil {
			return
		}
		message, err := consensus.Decode(m.Data)
		c, ok := message.(*consensus.Certificate)
		if err != nil || !ok {
			continue
		}
		w.mu.Lock()
		for _, a := range w.jobs {
			if a.submission != nil && w.fact(a) == c.Fact {
				a.certificate = c // settled when the validators do not
			}
		}
		w.mu.Unlock()
	}
}

// fact returns the fact that a submitted assignment claims.
func (w *Worker) fact(a *assignment) consensus.FactID {
	f, err := receipt.Fact(a.id, &a.task, w.worker, a.submission.ResultRoot, a.submission.ProofHash)
	if err != nil {
		return consensus.FactID{}
	}
	return f.ID(w.chainID)
}

func (w *Worker) assignment(id proof.JobID) *assignment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.jobs[id]
}

// quote answers a request for a fee.
func (w *Worker) quote(ctx context.Context, _ transport.PeerID, r wire.QuoteRequest) (wire.Quote, error) {
	if r.Domain != domain(w.contract) {
		return wire.Quote{}, errors.New("the worker is on another chain or deployment")
	}
	if r.MinTier > uint8(w.cfg.Tier) {
		return wire.Quote{}, fmt.Errorf("the worker's tier is %v", w.cfg.Tier)
	}
	if err := proof.CheckSize(r.Program, r.Profile); err != nil {
		return wire.Quote{}, err
	}
	if err := w.prover.CheckMemory(r.Program, r.Profile); err != nil {
		return wire.Quote{}, fmt.Errorf("the worker has too little memory for the job: %w", err)
	}
	now, err := w.contract.Clock(ctx)
	if err != nil {
		return wire.Quote{}, errOffline
	}
	before := w.backlog()
	need := before + w.speed.estimate(r.Program, r.Profile)
	lock := now.Add(lockTime + 2*before)
	q := wire.Quote{
		Worker: w.worker, Expiry: now.Add(quoteLife).Unix(), LockDeadline: min(lock.Unix(), r.LockDeadline),
		Deadline: min(lock.Add(max(minimumTime, 3*need)).Unix(), r.Deadline), Key: w.key.Public(), Peer: w.host.ID(),
	}
	q.Expiry = min(q.Expiry, q.LockDeadline)
	if q.Request, err = r.Hash(); err != nil {
		return wire.Quote{}, err
	}
	if q.Fee, err = w.price(ctx, r.Program, r.Profile); err != nil {
		return wire.Quote{}, err
	}
	if err := w.room(ctx, r.Program, r.Profile, &q, now); err != nil {
		return wire.Quote{}, err
	}
	return q.Sign(r.Domain, signing(ctx, w.cfg.Signer))
}

// price returns the fee in the units in which it is encrypted.
func (w *Worker) price(ctx context.Context, p proof.Program, profile proof.Profile) (elgamal.Amount, error) {
	e, err := estimate(p, profile)
	if err != nil {
		return 0, err
	}
	units, err := w.contract.Units(ctx, w.cfg.Price(e))
	switch {
	case errors.Is(err, elgamal.ErrAmount):
		w.cfg.Logger.Error("WorkerConfig.Price returned no whole number of thousandths of a SAGE", "error", err)
		return 0, errBroken
	case err != nil:
		return 0, errOffline
	}
	return units, nil
}

// backlog returns how long the proofs of the jobs on hand take.
func (w *Worker) backlog() (sum time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.jobs {
		if a.submission == nil {
			sum += w.speed.estimate(a.task.Program, a.task.Profile)
		}
	}
	return sum
}

// room reports whether a job fits: the worker works, would begin and be done in half
// of the time, and its stake secures one more job.
func (w *Worker) room(ctx context.Context, p proof.Program, profile proof.Profile, q *wire.Quote, now time.Time) error {
	if w.breaker.open() {
		return errBroken
	}
	if w.stopping() {
		return errStopping
	}
	begin := w.backlog()
	done := begin + w.speed.estimate(p, profile)
	if begin > time.Unix(q.LockDeadline, 0).Sub(now)/2 || done > time.Unix(q.Deadline, 0).Sub(now)/2 {
		return errBusy
	}
	stake, err := w.cfg.Network.staking.Stake(ctx, w.worker)
	if err != nil {
		return errOffline
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	unbonded := uint64(0)
	for _, a := range w.jobs {
		if !a.accepted {
			unbonded++
		}
	}
	if unbonded >= stake.Capacity(now) {
		return errStake
	}
	return nil
}

func (w *Worker) stopping() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped
}

// admit looks at an offer before its input comes.
func (w *Worker) admit(ctx context.Context, _ transport.PeerID, o wire.Offer) (held bool, err error) {
	now, err := w.contract.Clock(ctx)
	if err != nil {
		return false, errOffline
	}
	if err := o.Verify(domain(w.contract), w.cfg.Signer.PublicKey(), w.host.ID(), now); err != nil {
		return false, err
	}
	task := o.Task
	if jobID(w.contract, o.Request.Client, task.ID()) != o.Job {
		return false, errors.New("the offer's job is another one")
	}
	known, stored := w.holds(o.Job)
	if known {
		return stored, nil // if not yet, take waits for it
	}
	return false, w.vacant(ctx, &o, now)
}

// holds reports whether a job was taken on, and whether it is on the disk.
func (w *Worker) holds(id proof.JobID) (known, stored bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.jobs[id]
	return a != nil, a != nil && a.stored
}

// vacant fails if the quote of an offer was used or its job does not fit.
func (w *Worker) vacant(ctx context.Context, o *wire.Offer, now time.Time) error {
	for _, a := range w.assignments() {
		if a.offer.Quote.Request == o.Quote.Request {
			return errUsed
		}
	}
	return w.room(ctx, o.Task.Program, o.Task.Profile, &o.Quote, now)
}

// maxKept bounds the memory of the one committed input that waits for its proof. It
// holds that of a product of 1024 x 1024 matrices at a blowup of 8.
const maxKept = 128 << 20

// take checks that an input is the one that the job commits to, and takes the job
// on. What a client hears that is taken is on the disk. One job after the other is taken:
// a commitment takes a multiple of the input's memory, and many offers may have been
// admitted before the first of them was taken.
func (w *Worker) take(ctx, work context.Context, from transport.PeerID, o wire.Offer, input []byte) error {
	select {
	case w.taking <- struct{}{}:
		defer func() { <-w.taking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if known, _ := w.holds(o.Job); known {
		return nil
	}
	now, err := w.contract.Clock(ctx)
	if err != nil {
		return errOffline
	}
	if err := w.vacant(ctx, &o, now); err != nil {
		return err
	}
	t := o.Task
	task, committed, err := commit(ctx, w.prover, &t, input)
	if err != nil {
		return err
	}
	if task.ID() != t.ID() {
		return ErrWrongInput
	}
	taken, err := w.newAssignment(ctx, o, from)
	if err != nil {
		return errOffline // the fee is the worker's own, which can be converted
	}
	if committed.Size() <= maxKept {
		taken.input = committed
	}
	return w.assign(work, taken, input)
}

// assign stores an assignment's input, journals it and begins to work on it.
func (w *Worker) assign(ctx context.Context, a *assignment, input []byte) error {
	w.mu.Lock()
	if w.stopped {
		w.mu.Unlock()
		return errStopping
	}
	if w.jobs[a.id] != nil {
		w.mu.Unlock()
		return nil
	}
	a.submission = w.signed[a.id]
	for _, other := range w.jobs {
		if other.input != nil {
			a.input = nil // one is kept, that of the job which comes first
		}
	}
	w.jobs[a.id] = a
	w.running.Add(1)
	w.mu.Unlock()
	if err := w.store(a, input); err != nil {
		w.cfg.Logger.Error("job not stored", "error", err)
		w.mu.Lock()
		delete(w.jobs, a.id)
		w.mu.Unlock()
		w.drop(inputsOf(&a.task))
		w.running.Done()
		if errors.Is(err, blob.ErrFull) {
			return errors.New("the worker has no room for the input")
		}
		return errors.New("the worker's disk fails")
	}
	w.mu.Lock()
	a.stored = true
	w.mu.Unlock()
	go func() {
		defer w.running.Done()
		w.work(ctx, a)
	}()
	return nil
}

// store puts an assignment on the disk, the input first.
func (w *Worker) store(a *assignment, input []byte) error {
	for _, part := range a.task.Program.Parts(input) {
		if err := w.put(blob.Data, part); err != nil {
			return err
		}
	}
	t, err := a.record()
	if err != nil {
		return err
	}
	return w.records.put(recordTaken, t)
}

// tell tells the client the stages of a proof. The client may be gone.
func (w *Worker) tell(ctx context.Context, a *assignment, stages <-chan prover.Stage) {
	seq := uint32(0)
	for s := range stages {
		p := wire.Progress{Job: a.id, Seq: seq, Stage: string(s)}
		if err := wire.SendProgress(ctx, w.host, a.client, p); err != nil {
			w.cfg.Logger.Debug("progress", "job", a.id, "error", err)
		}
		seq++
	}
}
