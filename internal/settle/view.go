package settle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
)

// Record is what the events say of a job.
type Record struct {
	ID             chain.Felt
	State          State
	Client, Worker chain.Felt
	LockDeadline   time.Time
	Deadline       time.Time
	Refund         Ciphertext       // the fee under the client's key
	Fact           consensus.FactID // from Proven on
	Certificate    *Change          // which recorded one of the job's fact; nil if there is none yet
	Contested      bool             // there are certificates of both verdicts
	Payment        PaymentState     // Payable, Released or Refunded once the job has ended
	Changes        []Change
}

// apply enters a change.
func (r *Record) apply(c Change) {
	r.Changes = append(r.Changes, c)
	if s := c.Event.State(); s != None {
		r.State = s
	}
	switch c.Event {
	case JobSubmitted:
		r.Client, r.Worker = c.terms.client, c.terms.worker
		r.LockDeadline, r.Deadline = blockTime(c.terms.lockDeadline), blockTime(c.terms.deadline)
	case ProofSubmitted:
		r.Fact = c.Fact
	case JobFinalized:
		r.Payment = Payable
	case PaymentEscrowed:
		r.Refund = c.refund
	case PaymentReleased:
		r.Payment = Released
	case PaymentRefunded:
		r.Payment = Refunded
	case CertificateRecorded:
		if c.Fact == r.Fact {
			r.Certificate = &c
		}
	case FactContested:
		r.Contested = r.Contested || c.Fact == r.Fact
	}
}

// View follows the events of JobManager, PaymentRouter and ProofVerifier and knows
// from them what became of every job. All roles of a process share one. Its
// methods may be called by several goroutines at once.
//
// What a View says may be some blocks old. It tells when to look; whoever acts on
// it asks the contracts first.
type View struct {
	c   *Contracts
	log *slog.Logger

	mu      sync.Mutex
	all     []Change // in the order of the chain
	jobs    map[chain.Felt]*Record
	order   []chain.Felt  // of submission
	changed chan struct{} // closed and replaced when anything above changes
	missing int           // events until the view has caught up with the chain as it began
	synced  chan struct{}
	err     error // why Run has ended
}

// NewView returns an empty view. It does nothing before Run.
func (c *Contracts) NewView(log *slog.Logger) *View {
	return &View{c: c, log: log, jobs: make(map[chain.Felt]*Record), changed: make(chan struct{}), synced: make(chan struct{})}
}

// selectors are those of all events that a View follows.
var selectors = []chain.Felt{
	jobmanager.SelectorJobSubmitted, jobmanager.SelectorJobAccepted, jobmanager.SelectorProofSubmitted,
	jobmanager.SelectorJobFinalized, jobmanager.SelectorJobRejected, jobmanager.SelectorJobExpired,
	jobmanager.SelectorJobCancelled, jobmanager.SelectorWorkerEquivocated,
	paymentrouter.SelectorPaymentEscrowed, paymentrouter.SelectorPaymentReleased, paymentrouter.SelectorRefunded,
	proofverifier.SelectorFactRegistered, proofverifier.SelectorFactContested,
}

// Run follows the chain until ctx ends, and returns why. When the stream of events
// fails it begins anew. It is called once.
func (v *View) Run(ctx context.Context) error {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := v.follow(ctx)
		if ctx.Err() == nil {
			v.log.Warn("the chain's events failed, beginning anew", "error", err)
			select {
			case <-time.After(pause):
				v.undo(0)
				continue
			case <-ctx.Done():
			}
		}
		v.mu.Lock()
		v.err = context.Cause(ctx)
		v.wake()
		v.mu.Unlock()
		return context.Cause(ctx)
	}
}

func (v *View) follow(ctx context.Context) error {
	behind, err := v.count(ctx)
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.missing = behind
	v.mu.Unlock()
	v.catchUp(0)
	for e, err := range v.c.client.Events(ctx, chain.EventFilter{Keys: [][]chain.Felt{selectors}}) {
		var reorg *chain.ReorgError
		switch {
		case errors.As(err, &reorg):
			v.undo(reorg.From)
		case err != nil:
			return err
		default:
			if err := v.enter(&e); err != nil {
				return err
			}
			v.catchUp(-1)
		}
	}
	return context.Cause(ctx)
}

// count returns how many events there are up to the head of the chain. The stream
// does not tell when it has reached the head.
func (v *View) count(ctx context.Context) (int, error) {
	head, err := v.c.client.Head(ctx)
	if errors.Is(err, chain.ErrNoBlocks) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	keys := make([]string, len(selectors))
	for i, s := range selectors {
		keys[i] = s.String()
	}
	filter := map[string]any{
		"from_block": chain.AtNumber(0), "to_block": chain.AtNumber(head.Number),
		"keys": [][]string{keys}, "chunk_size": 1000,
	}
	for n := 0; ; {
		var page struct {
			Events []json.RawMessage `json:"events"`
			Next   string            `json:"continuation_token"`
		}
		if err := v.c.client.Do(ctx, "starknet_getEvents", map[string]any{"filter": filter}, &page); err != nil {
			return 0, err
		}
		n += len(page.Events)
		if page.Next == "" {
			return n, nil
		}
		if page.Next == filter["continuation_token"] && len(page.Events) == 0 {
			return 0, fmt.Errorf("%w: a continuation token that leads to itself", chain.ErrResponse)
		}
		filter["continuation_token"] = page.Next
	}
}

// catchUp changes the number of events to wait for.
func (v *View) catchUp(by int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.missing += by; v.missing <= 0 {
		select {
		case <-v.synced:
		default:
			close(v.synced)
		}
	}
}

// wake wakes everyone who waits for a change. The caller holds mu.
func (v *View) wake() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// enter adds an event of the chain. Other contracts may emit events of the same
// names, which are none of this deployment's.
func (v *View) enter(e *chain.Event) error {
	c, ok, err := v.c.change(e)
	if err != nil || !ok {
		return err
	}
	c.Block, c.Tx = e.Block, e.Tx
	v.mu.Lock()
	defer v.mu.Unlock()
	v.add(c)
	v.wake()
	return nil
}

// change reads an event of the contracts, and reports whether it is about a job.
func (c *Contracts) change(e *chain.Event) (Change, bool, error) {
	var event any
	var err error
	switch e.From {
	case c.jobs:
		event, err = jobmanager.DecodeEvent(e.Keys, e.Data)
	case c.payments:
		event, err = paymentrouter.DecodeEvent(e.Keys, e.Data)
	case c.verifier:
		event, err = proofverifier.DecodeEvent(e.Keys, e.Data)
	default:
		return Change{}, false, nil
	}
	if err != nil {
		return Change{}, false, fmt.Errorf("%w: event of %s: %w", chain.ErrResponse, e.From, err)
	}
	change, ok := changeOf(event)
	return change, ok, nil
}

// FeeAfter returns where the fee of a job is after a transaction, or NoPayment if the
// transaction has not moved it.
func (c *Contracts) FeeAfter(ctx context.Context, tx, job chain.Felt) (PaymentState, error) {
	r, err := c.client.TransactionReceipt(ctx, tx)
	if err != nil {
		return NoPayment, err
	}
	state := NoPayment
	for i := range r.Events {
		change, ok, err := c.change(&r.Events[i])
		if err != nil {
			return NoPayment, err
		}
		if s := change.Event.payment(); ok && change.Job == job && s > state {
			state = s
		}
	}
	return state, nil
}

// add enters a change into the log and its record. The caller holds mu.
func (v *View) add(c Change) {
	v.all = append(v.all, c)
	r := v.jobs[c.Job]
	if r == nil {
		r = &Record{ID: c.Job}
		v.jobs[c.Job] = r
		v.order = append(v.order, c.Job)
	}
	r.apply(c)
}

// undo takes back the changes from a block on.
func (v *View) undo(from uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	kept := v.all
	if i := slices.IndexFunc(kept, func(c Change) bool { return c.Block.Number >= from }); i >= 0 {
		kept = kept[:i]
	}
	v.all, v.order = nil, nil
	clear(v.jobs)
	for _, c := range kept {
		v.add(c)
	}
	v.wake()
}

// Synced waits until the view has caught up with the chain as it was when Run
// began.
func (v *View) Synced(ctx context.Context) error {
	for {
		v.mu.Lock()
		changed, err := v.changed, v.err
		v.mu.Unlock()
		select {
		case <-v.synced:
			return nil
		default:
		}
		if err != nil {
			return err
		}
		select {
		case <-v.synced:
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Job returns what the view knows of a job, and false if it knows none of that
// identifier.
func (v *View) Job(id chain.Felt) (Record, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r := v.jobs[id]
	if r == nil || r.State == None {
		return Record{}, false
	}
	c := *r
	c.Changes = slices.Clip(r.Changes)
	return c, true
}

// Jobs returns the jobs that the view knows, in the order of their submission.
func (v *View) Jobs() []Record {
	v.mu.Lock()
	ids := slices.Clone(v.order)
	v.mu.Unlock()
	records := make([]Record, 0, len(ids))
	for _, id := range ids {
		if r, ok := v.Job(id); ok {
			records = append(records, r)
		}
	}
	return records
}

// Changes returns all changes from the first on, in the order of the chain, and
// goes on with new ones until ctx ends or Run does, whose error comes last. Those that
// a reorganisation takes back come again, Undone, the latest first, and those of the
// other chain follow, the same ones perhaps: what is done about a change must be right
// when it is done again.
func (v *View) Changes(ctx context.Context) iter.Seq2[Change, error] {
	return v.changes(ctx, func() []Change { return v.all })
}

// History is Changes for one job.
func (v *View) History(ctx context.Context, id chain.Felt) iter.Seq2[Change, error] {
	return v.changes(ctx, func() []Change {
		if r := v.jobs[id]; r != nil {
			return r.Changes
		}
		return nil
	})
}

func (v *View) changes(ctx context.Context, log func() []Change) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		for told := []Change(nil); ; {
			v.mu.Lock()
			list, changed, err := log(), v.changed, v.err
			v.mu.Unlock()
			n := min(len(told), len(list))
			for n > 0 && !told[n-1].same(&list[n-1]) {
				n--
			}
			for _, c := range slices.Backward(told[n:]) {
				c.Undone = true
				if !yield(c, nil) {
					return
				}
			}
			for _, c := range list[n:] {
				if !yield(c, nil) {
					return
				}
			}
			told = list
			if err != nil {
				yield(Change{}, err)
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(Change{}, context.Cause(ctx))
				return
			}
		}
	}
}
