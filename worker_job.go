package bitsage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
)

// goOn works on an assignment until it has ended.
func (w *Worker) goOn(ctx context.Context, a *assignment) {
	w.mu.Lock()
	w.jobs[a.id], a.stored, a.bound = a, true, true // bound until the chain says otherwise
	w.mu.Unlock()
	w.running.Go(func() { w.work(ctx, a) })
}

// assignments returns the jobs that have not ended.
func (w *Worker) assignments() []*assignment {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Values(w.jobs))
}

// leaving reports whether the worker stops and need not wait for a job that it has
// not accepted.
func (w *Worker) leaving(a *assignment) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped && !a.accepted
}

// work looks at the chain and does the next step, again and again.
func (w *Worker) work(ctx context.Context, a *assignment) {
	log := w.cfg.Logger.With("job", a.id)
	for {
		ended, err := w.step(ctx, a)
		if ctx.Err() != nil || w.leaving(a) {
			return // goes on after a restart
		}
		if err != nil {
			log.Warn("job step failed", "error", err)
		}
		if ended {
			w.forget(a)
			return
		}
		select {
		case <-a.wake:
		case <-time.After(lookAgain):
		case <-ctx.Done():
			return
		}
	}
}

// forget ends an assignment. Output and proof stay for those who still want them.
func (w *Worker) forget(a *assignment) {
	if err := w.records.put(recordEnded, a.id); err != nil {
		w.cfg.Logger.Error("journal", "error", err)
	}
	w.mu.Lock()
	delete(w.jobs, a.id)
	w.next()
	w.mu.Unlock()
	w.drop(inputsOf(&a.task))
}

// needed returns the blobs that jobs and results refer to. The caller holds mu.
func (w *Worker) needed() map[blob.ID]bool {
	needed := make(map[blob.ID]bool)
	need := func(ids []blob.ID) {
		for _, id := range ids {
			needed[id] = true
		}
	}
	for _, a := range w.jobs {
		need(inputsOf(&a.task))
		need(a.made)
	}
	for id := range w.results {
		need(w.signed[id].blobs())
	}
	return needed
}

// put stores a blob. If there is no room it forgets what it hands out of jobs that have
// ended, the oldest first: the validators have it too.
func (w *Worker) put(kind blob.Kind, data []byte) error {
	for {
		_, err := w.blobs.Put(kind, data)
		if !errors.Is(err, blob.ErrFull) {
			return err
		}
		old := w.oldest()
		if old == nil {
			return err
		}
		w.drop(old.blobs())
	}
}

// oldest takes the oldest result of a job that has ended out of what is handed out, or
// returns nil. What was signed for the job stays known.
func (w *Worker) oldest() *submission {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, id := range w.order {
		if w.jobs[id] == nil {
			w.order = slices.Delete(w.order, i, i+1)
			delete(w.results, id)
			return w.signed[id]
		}
	}
	return nil
}

// keep hands out the result of a submitted job. The caller holds mu.
func (w *Worker) keep(a *assignment) {
	if _, ok := w.results[a.id]; !ok {
		w.order = append(w.order, a.id)
	}
	w.signed[a.id], w.results[a.id] = a.submission, a.description()
}

// drop deletes blobs, unless another job needs them: jobs may share a matrix, and the
// output of one may be the input of another.
func (w *Worker) drop(ids []blob.ID) {
	w.mu.Lock()
	defer w.mu.Unlock() // so that no job comes to need them meanwhile
	needed := w.needed()
	for _, id := range ids {
		if needed[id] {
			continue
		}
		if err := w.blobs.Delete(id); err != nil {
			w.cfg.Logger.Warn("blob not deleted", "blob", id, "error", err)
		}
	}
}

// step does what the state of a job on the chain asks of its worker, and reports
// whether nothing is left to do.
func (w *Worker) step(ctx context.Context, a *assignment) (ended bool, err error) {
	id, err := feltOf(a.id)
	if err != nil {
		return true, err
	}
	job, err := w.contract.Job(ctx, id)
	if err != nil {
		return false, err
	}
	now, err := w.contract.Now(ctx)
	if err != nil {
		return false, err
	}
	w.mu.Lock()
	a.bound = job.State == settle.Accepted
	a.accepted = a.accepted || a.bound
	w.mu.Unlock()
	switch job.State {
	case settle.None:
		return now.After(a.lockDeadline()), nil // by then it could not be accepted
	case settle.Submitted:
		return w.accept(ctx, a, id, &job, now)
	case settle.Accepted:
		if now.After(job.Deadline) {
			return false, nil // somebody will expire it
		}
		return false, w.deliver(ctx, a, &job)
	case settle.Proven, settle.Finalized:
		w.mu.Lock()
		certificate := a.certificate
		w.mu.Unlock()
		err := w.contract.Settle(ctx, w.operator, id, certificate)
		if errors.Is(err, settle.ErrPending) {
			err = nil
		}
		return job.State == settle.Finalized && err == nil, err
	}
	w.conclude(a, &job)
	return true, nil
}

// conclude draws the conclusions of a job's bad end.
func (w *Worker) conclude(a *assignment, job *settle.Job) {
	switch {
	case job.State == settle.Rejected:
		w.trip("a proof was rejected", a, nil)
	case job.State == settle.Expired && a.accepted && a.submission == nil:
		w.trip("an accepted job expired", a, nil)
	}
}

// accept takes a job for good if it is what was agreed.
func (w *Worker) accept(ctx context.Context, a *assignment, id chain.Felt, job *settle.Job, now time.Time) (ended bool, err error) {
	if now.After(job.LockDeadline) || job.Worker != w.worker {
		return true, nil
	}
	if w.breaker.open() || w.leaving(a) {
		return false, nil
	}
	if err := w.agreed(ctx, a, id, job); err != nil {
		return lastWord(err)
	}
	if !w.bind(a) || w.breaker.open() { // in this order: the last job may have tripped it
		return false, nil
	}
	err = w.contract.Accept(ctx, w.operator, id)
	if err == nil {
		w.cfg.Logger.Info("job accepted", "job", a.id)
		a.poke()
	}
	return false, err
}

// bind reserves the worker's one bond for a job, unless another job has it that is
// not proven yet: a worker that breaks loses no second one.
func (w *Worker) bind(a *assignment) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, other := range w.jobs {
		if other != a && other.bound && other.submission == nil {
			return false
		}
	}
	a.bound = true
	return true
}

// next lets other jobs be looked at, of which one may be accepted now. The caller
// holds mu.
func (w *Worker) next() {
	for _, a := range w.jobs {
		if !a.accepted {
			a.poke()
		}
	}
}

// lastWord reports whether err is the last word on a job.
func lastWord(err error) (bool, error) {
	var bad *termsError
	return errors.As(err, &bad), err
}

// termsError says that a job on the chain is not what the worker agreed to.
type termsError struct{ reason string }

func (e *termsError) Error() string { return "bitsage: job refused: " + e.reason }

// agreed checks what the client put on the chain against the offer and the quote.
func (w *Worker) agreed(ctx context.Context, a *assignment, id chain.Felt, job *settle.Job) error {
	fact, err := receipt.Fact(a.id, &a.task, w.worker, proof.Digest{}, proof.Digest{})
	if err != nil {
		return err
	}
	onChain := settle.Fact(id, job)
	if onChain != fact {
		return &termsError{"program, input or profile on the chain are not those of the offer"}
	}
	if job.Deadline.Before(a.deadline()) {
		return &termsError{"the deadline is earlier than quoted"}
	}
	p, err := w.contract.Payment(ctx, id)
	if err != nil {
		return err
	}
	fee, err := w.contract.Decrypt(ctx, w.key, p.Fee)
	if err != nil {
		return err
	}
	if fee.Less(a.fee) {
		return &termsError{"the fee is below the quote"}
	}
	return nil
}

// deliver proves an accepted job, unless that was done before, and submits the
// proof.
func (w *Worker) deliver(ctx context.Context, a *assignment, job *settle.Job) error {
	if a.submission == nil {
		if err := w.prove(ctx, a, job.Deadline); err != nil {
			return err
		}
	}
	fact, err := receipt.Fact(a.id, &a.task, w.worker, a.submission.ResultRoot, a.submission.ProofHash)
	if err != nil {
		return err
	}
	if err := w.contract.SubmitProof(ctx, w.operator, &fact, a.submission.signature()); err != nil {
		return err
	}
	w.cfg.Logger.Info("proof submitted", "job", a.id)
	return nil
}

// prove executes and proves a job, verifies the proof and the output as a validator
// will, and signs and journals the submission.
func (w *Worker) prove(ctx context.Context, a *assignment, deadline time.Time) error {
	ctx, cancel := context.WithDeadlineCause(ctx, deadline, ErrExpired)
	defer cancel()
	select {
	case w.proving <- struct{}{}:
		defer func() { <-w.proving }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	stages := make(chan prover.Stage, 64)
	defer close(stages)
	w.running.Go(func() { w.tell(ctx, a, stages) })
	res, err := w.result(ctx, a, func(s prover.Stage) {
		select {
		case stages <- s:
		default: // the network is slow, and news is only news
		}
	})
	if err != nil {
		if ctx.Err() == nil { // whatever it is, the next proof may not come about either
			w.trip("a proof did not come about, or does not verify", a, err)
		}
		return err
	}
	return w.sign(ctx, a, res)
}

// result makes the proof, from the input that was committed when the job was taken if
// it was kept.
func (w *Worker) result(ctx context.Context, a *assignment, progress func(prover.Stage)) (*prover.Result, error) {
	in := w.kept(a)
	if in == nil {
		var err error
		if in, err = w.commit(ctx, a); err != nil {
			return nil, err
		}
	}
	res, err := w.prover.Prove(ctx, in, a.id, progress)
	if err == nil {
		w.speed.learn(a.task.Program, a.task.Profile, res.Timings)
	}
	return res, err
}

// kept returns an assignment's committed input, or nil. From then on none is kept: the
// proof needs the memory, and what was no good for one is not for another.
func (w *Worker) kept(a *assignment) *prover.Input {
	w.mu.Lock()
	defer w.mu.Unlock()
	in := a.input
	for _, other := range w.jobs {
		other.input = nil
	}
	return in
}

// commit commits to the input on the disk, if it is the one that the job commits to.
func (w *Worker) commit(ctx context.Context, a *assignment) (*prover.Input, error) {
	input, err := w.input(&a.task)
	if err != nil {
		return nil, err
	}
	task, in, err := commit(ctx, w.prover, &a.task, input)
	if err == nil && task.ID() != a.task.ID() {
		err = ErrWrongInput
	}
	return in, err
}

// input reads a task's input.
func (w *Worker) input(t *proof.Task) ([]byte, error) {
	input := make([]byte, 0, t.Program.InputSize())
	for _, id := range inputsOf(t) {
		part, err := w.blobs.Bytes(id)
		if err != nil {
			return nil, err
		}
		input = append(input, part...)
	}
	return input, nil
}

// sign stores output and proof, signs the submission, and journals it before anyone
// sees it.
func (w *Worker) sign(ctx context.Context, a *assignment, res *prover.Result) error {
	encoded, err := res.Proof.MarshalBinary()
	if err != nil {
		return err
	}
	output, proofID := blob.IDOf(blob.Data, res.Output), blob.IDOf(blob.Proof, encoded)
	w.mu.Lock()
	a.made = []blob.ID{output, proofID}
	w.mu.Unlock()
	if err := w.put(blob.Data, res.Output); err != nil {
		return err
	}
	if err := w.put(blob.Proof, encoded); err != nil {
		return err
	}
	fact, err := receipt.Fact(a.id, &a.task, w.worker, res.Statement.ResultRoot, proofID.Digest)
	if err != nil {
		return err
	}
	signed, err := w.cfg.Signer.Sign(ctx, fact.ID(w.chainID).Felt())
	if err != nil {
		return err
	}
	sig := consensus.Normalize(consensus.Signature(signed))
	s := &submission{a.id, res.Statement.ResultRoot, output.Digest, proofID.Digest, sig.R, sig.S}
	if err := w.records.put(recordSubmitted, s); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	a.submission = s
	w.keep(a)
	w.next()
	return nil
}
