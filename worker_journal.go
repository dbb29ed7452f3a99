package bitsage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/transport"
)

// The types of a worker's records.
const (
	recordTaken     byte = 1 + iota // an assignment, before the client hears that it is taken
	recordSubmitted                 // a submission, before it is sent
	recordEnded                     // a JobID
)

// assignment is a job that the worker took on, and what has become of it here. How
// far it is in general, the chain knows.
type assignment struct {
	id     proof.JobID
	task   proof.Task
	fee    Amount // agreed
	offer  wire.Offer
	client transport.PeerID // gets news of the proof

	// Worker.mu guards these, but for the goroutine that works on the job, which
	// alone sets the first and may read it.
	submission  *submission
	stored      bool                   // in the journal, with its input on the disk
	accepted    bool                   // seen on the chain
	bound       bool                   // binds a bond, or may do so for all that is known here
	ended       bool                   // nothing is left to do
	certificate *consensus.Certificate // heard of, unchecked
	input       *prover.Input          // committed and kept for the proof, or nil
	made        []blob.ID              // output and proof, before they are stored

	wake chan struct{} // has an element if there may be something to do
}

// taken is the record of an assignment.
type taken struct {
	Offer  []byte `json:"offer"` // encoded wire message
	Client string `json:"client"`
}

func (a *assignment) record() (taken, error) {
	data, err := a.offer.Encode()
	return taken{data, string(a.client)}, err
}

func (w *Worker) recorded(ctx context.Context, t *taken) (*assignment, error) {
	o, err := wire.DecodeOffer(t.Offer)
	if err != nil {
		return nil, err
	}
	return w.newAssignment(ctx, o, transport.PeerID(t.Client))
}

func (w *Worker) newAssignment(ctx context.Context, o wire.Offer, client transport.PeerID) (*assignment, error) {
	fee, err := w.contract.SAGE(ctx, o.Quote.Fee)
	return &assignment{id: o.Job, task: o.Task, fee: fee, offer: o, client: client, wake: make(chan struct{}, 1)}, err
}

func (a *assignment) lockDeadline() time.Time { return time.Unix(a.offer.Quote.LockDeadline, 0) }
func (a *assignment) deadline() time.Time     { return time.Unix(a.offer.Quote.Deadline, 0) }

// submission is what the worker signed about a job. It never signs another one.
type submission struct {
	Job        proof.JobID  `json:"job"`
	ResultRoot proof.Digest `json:"result_root"`
	OutputHash proof.Digest `json:"output_hash"` // BLAKE3
	ProofHash  proof.Digest `json:"proof_hash"`
	R          chain.Felt   `json:"r"`
	S          chain.Felt   `json:"s"`
}

// inputsOf names the parts of a task's input.
func inputsOf(t *proof.Task) []blob.ID {
	ids := make([]blob.ID, len(t.Inputs))
	for i, d := range t.Inputs {
		ids[i] = blob.ID{Kind: blob.Data, Digest: d}
	}
	return ids
}

// blobs names output and proof.
func (s *submission) blobs() []blob.ID {
	return []blob.ID{{Kind: blob.Data, Digest: s.OutputHash}, {Kind: blob.Proof, Digest: s.ProofHash}}
}

// description says what others can fetch of a submitted job.
func (a *assignment) description() wire.Description {
	return wire.Description{Job: a.id, Task: a.offer.Task, OutputHash: a.submission.OutputHash}
}

func (s *submission) signature() consensus.Signature { return consensus.Signature{R: s.R, S: s.S} }

// poke lets the assignment be looked at again.
func (a *assignment) poke() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// resume goes on with the jobs of the journal and forgets those that are over. What
// remains of them on the disk, or of jobs that a crash kept out of the journal, goes.
func (w *Worker) resume(ctx context.Context) error {
	jobs, err := w.history(ctx)
	if err != nil {
		return err
	}
	var keep []record
	for _, a := range jobs {
		if a.ended && (a.submission == nil || time.Now().After(a.deadline().Add(retention))) {
			continue
		}
		t, err := a.record()
		if err != nil {
			return err
		}
		keep = append(keep, record{recordTaken, t})
		if a.submission != nil {
			keep = append(keep, record{recordSubmitted, a.submission})
			w.keep(a)
		}
		if a.ended {
			keep = append(keep, record{recordEnded, a.id})
		}
	}
	if err := w.records.rewrite(keep); err != nil {
		return err
	}
	for _, a := range jobs {
		if !a.ended {
			w.goOn(ctx, a)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	needed := w.needed()
	return w.blobs.Retain(func(id blob.ID) bool { return needed[id] })
}

// history reads the journal.
func (w *Worker) history(ctx context.Context) ([]*assignment, error) {
	var order []*assignment
	jobs := make(map[proof.JobID]*assignment)
	err := w.records.replay(func(typ byte, data []byte) error {
		switch typ {
		case recordTaken:
			var t taken
			if err := json.Unmarshal(data, &t); err != nil {
				return err
			}
			a, err := w.recorded(ctx, &t)
			if err != nil {
				return err
			}
			if old := jobs[a.id]; old != nil { // taken on again
				old.offer, old.fee, old.client, old.ended = a.offer, a.fee, a.client, false
				return nil
			}
			order = append(order, a)
			jobs[a.id] = a
		case recordSubmitted:
			s := new(submission)
			if err := json.Unmarshal(data, s); err != nil {
				return err
			}
			if a := jobs[s.Job]; a != nil {
				a.submission = s
			}
		case recordEnded:
			var id proof.JobID
			if err := json.Unmarshal(data, &id); err != nil {
				return err
			}
			if a := jobs[id]; a != nil {
				a.ended = true
			}
		default:
			return fmt.Errorf("unknown type %d", typ)
		}
		return nil
	})
	return order, err
}
