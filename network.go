package bitsage

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/prover"
)

// Network joins clients and workers within one process. Jobs wait in memory, in
// the order of submission; a job that a worker gives back goes to the front.
// Inputs are dropped when a job ends, receipts and events are kept as long as the
// Network. All methods are safe for concurrent use.
type Network struct {
	mu     sync.Mutex
	jobs   map[JobID]*entry
	queue  []*entry
	wakeup chan struct{} // closed and replaced whenever the queue or an entry changes
}

// entry is a job in the network. It is guarded by Network.mu.
type entry struct {
	id      JobID
	job     Job
	task    Task
	events  []Event
	receipt *Receipt
	err     error
	expiry  *time.Timer
}

// NewNetwork returns an empty network.
func NewNetwork() *Network {
	return &Network{jobs: make(map[JobID]*entry), wakeup: make(chan struct{})}
}

func (e *entry) state() State { return e.events[len(e.events)-1].State }

// changed wakes everyone who waits. The caller holds mu.
func (n *Network) changed() {
	close(n.wakeup)
	n.wakeup = make(chan struct{})
}

// note appends an event. The caller holds mu.
func (n *Network) note(e *entry, s State, stage prover.Stage, err error) {
	ev := Event{Job: e.id, Seq: len(e.events), Time: time.Now(), State: s, Stage: stage}
	if err != nil {
		ev.Err = err.Error()
	}
	e.events = append(e.events, ev)
	n.changed()
}

// submit queues a job unless the network has it already.
func (n *Network) submit(job Job, task Task) JobID {
	n.mu.Lock()
	defer n.mu.Unlock()
	id := task.ID()
	if _, ok := n.jobs[id]; ok {
		return id
	}
	e := &entry{id: id, job: job, task: task}
	n.jobs[id] = e
	n.queue = append(n.queue, e)
	n.note(e, Queued, "", nil)
	if !job.Deadline.IsZero() {
		e.expiry = time.AfterFunc(time.Until(job.Deadline), func() { n.finish(e, nil, ErrExpired) })
	}
	return id
}

// next waits for a job and hands it out, with its input.
func (n *Network) next(ctx context.Context) (*entry, Job, error) {
	for {
		n.mu.Lock()
		if len(n.queue) > 0 && ctx.Err() == nil {
			e := n.queue[0]
			n.queue = n.queue[1:]
			n.note(e, Running, "", nil)
			job := e.job
			n.mu.Unlock()
			return e, job, nil
		}
		wakeup := n.wakeup
		n.mu.Unlock()
		select {
		case <-wakeup:
		case <-ctx.Done():
			return nil, Job{}, ctx.Err()
		}
	}
}

// progress reports a stage of a running job.
func (n *Network) progress(e *entry, stage prover.Stage) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.state() == Running {
		n.note(e, Running, stage, nil)
	}
}

// giveBack queues a running job again, before all others.
func (n *Network) giveBack(e *entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.state() == Running {
		n.queue = append([]*entry{e}, n.queue...)
		n.note(e, Queued, "", nil)
	}
}

// finish ends a job with a receipt or an error. The first end counts.
func (n *Network) finish(e *entry, r *Receipt, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.state().Final() {
		return
	}
	if e.expiry != nil {
		e.expiry.Stop()
	}
	n.queue = slices.DeleteFunc(n.queue, func(q *entry) bool { return q == e })
	e.receipt, e.err, e.job.Input = r, err, nil
	switch err {
	case nil:
		n.note(e, Done, "", nil)
	case ErrExpired:
		n.note(e, Expired, "", err)
	default:
		n.note(e, Failed, "", err)
	}
}

// event returns event number seq of a job once there is one.
func (n *Network) event(ctx context.Context, id JobID, seq int) (Event, error) {
	for {
		n.mu.Lock()
		e, wakeup := n.jobs[id], n.wakeup
		if e == nil {
			n.mu.Unlock()
			return Event{}, ErrUnknownJob
		}
		if seq < len(e.events) {
			ev := e.events[seq]
			n.mu.Unlock()
			return ev, nil
		}
		n.mu.Unlock()
		select {
		case <-wakeup:
		case <-ctx.Done():
			return Event{}, ctx.Err()
		}
	}
}

// result returns how a job ended.
func (n *Network) result(id JobID) (*Receipt, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.jobs[id]
	return e.receipt, e.err
}
