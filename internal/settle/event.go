package settle

import (
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
)

// Event is what has happened to a job on the chain.
type Event uint8

// The events. The first seven bring the job into another state.
const (
	JobSubmitted Event = iota + 1
	JobAccepted
	ProofSubmitted
	JobFinalized
	JobRejected
	JobExpired
	JobCancelled
	WorkerEquivocated
	PaymentEscrowed
	PaymentReleased
	PaymentRefunded
	CertificateRecorded
	FactContested // by a certificate of the other verdict
)

// State returns the state of a job after an event, or None if the event says nothing
// of it.
func (e Event) State() State {
	switch e {
	case JobSubmitted:
		return Submitted
	case JobAccepted:
		return Accepted
	case ProofSubmitted:
		return Proven
	case JobFinalized:
		return Finalized
	case JobRejected:
		return Rejected
	case JobExpired:
		return Expired
	case JobCancelled:
		return Cancelled
	}
	return None
}

// payment returns where the fee is after an event, or NoPayment if the event does not
// move it.
func (e Event) payment() PaymentState {
	switch e {
	case PaymentEscrowed:
		return Escrowed
	case JobFinalized:
		return Payable
	case PaymentReleased:
		return Released
	case PaymentRefunded:
		return Refunded
	}
	return NoPayment
}

// Change is an event in the life of a job, and where on the chain it is.
type Change struct {
	Job       chain.Felt
	Event     Event
	Fact      consensus.FactID    // of ProofSubmitted, CertificateRecorded and FactContested
	Signature consensus.Signature // the worker's, of ProofSubmitted
	Block     chain.BlockRef
	Tx        chain.Felt
	// Undone says that a reorganisation has taken the change, told before, off the
	// chain.
	Undone bool

	terms  terms      // of JobSubmitted
	refund Ciphertext // of PaymentEscrowed
}

// terms are what a client has submitted.
type terms struct {
	client, worker         chain.Felt
	lockDeadline, deadline uint64
}

// same reports whether c and d are the same event at the same place of the chain.
func (c *Change) same(d *Change) bool { return c.Block == d.Block && c.Tx == d.Tx && c.Job == d.Job }

// changeOf returns what an event of the bindings says, and false for an event that is
// not about a job.
func changeOf(event any) (Change, bool) {
	switch e := event.(type) {
	case jobmanager.JobSubmittedEvent:
		return Change{Job: e.JobID.Value, Event: JobSubmitted, terms: terms{e.Client, e.Worker, e.LockDeadline, e.Deadline}}, true
	case jobmanager.JobAcceptedEvent:
		return Change{Job: e.JobID.Value, Event: JobAccepted}, true
	case jobmanager.ProofSubmittedEvent:
		return Change{Job: e.JobID.Value, Event: ProofSubmitted, Fact: consensus.FactID(e.Fact.Value),
			Signature: consensus.Signature{R: e.WorkerSignature.R, S: e.WorkerSignature.S}}, true
	case jobmanager.JobFinalizedEvent:
		return Change{Job: e.JobID.Value, Event: JobFinalized}, true
	case jobmanager.JobRejectedEvent:
		return Change{Job: e.JobID.Value, Event: JobRejected}, true
	case jobmanager.JobExpiredEvent:
		return Change{Job: e.JobID.Value, Event: JobExpired}, true
	case jobmanager.JobCancelledEvent:
		return Change{Job: e.JobID.Value, Event: JobCancelled}, true
	case jobmanager.WorkerEquivocatedEvent:
		return Change{Job: e.JobID.Value, Event: WorkerEquivocated}, true
	case paymentrouter.PaymentEscrowedEvent:
		return Change{Job: e.JobID.Value, Event: PaymentEscrowed, refund: ciphertextOf(e.Refund)}, true
	case paymentrouter.PaymentReleasedEvent:
		return Change{Job: e.JobID.Value, Event: PaymentReleased}, true
	case paymentrouter.RefundedEvent:
		return Change{Job: e.JobID.Value, Event: PaymentRefunded}, true
	case proofverifier.FactRegisteredEvent:
		return Change{Job: e.JobID.Value, Event: CertificateRecorded, Fact: consensus.FactID(e.Fact.Value)}, true
	case proofverifier.FactContestedEvent:
		return Change{Job: e.JobID.Value, Event: FactContested, Fact: consensus.FactID(e.Fact.Value)}, true
	}
	return Change{}, false
}
