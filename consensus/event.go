package consensus

import "github.com/bitsage/bitsage/chain/felt"

// Peer names who sent a message, for the answer. The transport authenticates it;
// here it is opaque.
type Peer string

// Event is what may happen to a Node: a Submitted, Verified, Unavailable,
// Received, Appended, Signed, Fired, EpochChanged, Settled or Unsettled.
type Event interface{ event() }

// Submitted says that a submission for an open job was seen on the chain, or by
// gossip and then compared with the chain: the job is open, the worker is its
// worker and has the stake.
type Submitted struct {
	Submission *Submission
	WorkerKey  felt.Felt // the worker's signing key, as on the chain
	TTL        uint64    // milliseconds until Submission.Expiry
}

// Verified is the result of checking a proof: Invalid only if the proof is wrong,
// never because something was missing, late or too large for the machine.
type Verified struct {
	Fact    FactID
	Verdict Verdict
}

// Unavailable says that proof or output could not be fetched in time, or not be
// checked. The node does not vote; it asks for the proof again later.
type Unavailable struct {
	Fact FactID
}

// Received is a message of another node. Decode has checked its form.
type Received struct {
	From    Peer
	Message Message
}

// Appended says that the record of an Append is on the disk: journaled and synced.
type Appended struct {
	Record Record
}

// Signed carries the signature that the effect Sign asked for.
type Signed struct {
	Vote      Promise
	Signature Signature
}

// Fired says that the time of a timer has come.
type Fired struct {
	Timer Timer
}

// EpochChanged says which set votes now. It comes first in a node's life and then
// at each new epoch, or when a reorganization of the chain replaced the set of the
// epoch. Certificates of the previous epoch count as well.
type EpochChanged struct {
	Set      *ValidatorSet
	Previous *ValidatorSet // of the epoch before, nil if there was none
}

// Settled says that the chain has recorded a certificate, which the contract has
// checked, so that no later epoch needs to vote on the fact again.
type Settled struct {
	Certificate *Certificate
}

// Unsettled says that a reorganization took what the chain had recorded of a fact off the
// chain. The decision stands and is announced again, so that its certificate is sent
// again; if the contract takes that no more, the current set votes on the fact again.
type Unsettled struct {
	Fact FactID
}

func (Submitted) event()    {}
func (Verified) event()     {}
func (Unavailable) event()  {}
func (Received) event()     {}
func (Appended) event()     {}
func (Signed) event()       {}
func (Fired) event()        {}
func (EpochChanged) event() {}
func (Settled) event()      {}
func (Unsettled) event()    {}

// Timer is a timer of a fact. A later timer of the same kind and fact replaces it.
type Timer struct {
	Kind TimerKind
	Fact FactID
	N    uint32 // counts the timers of this kind and fact
}

// TimerKind says what a timer is for.
type TimerKind uint8

// The kinds of timers.
const (
	ReportTimer TimerKind = iota // the fact is still undecided
	ResendTimer                  // the own vote is sent again
	ExpiryTimer                  // the fact has expired
	timerKinds  = iota
)

// Effect is what a Node wants done: an Append, Sign, Broadcast, Send, RequestProof,
// SetTimer, Approved, Rejected, Undecided, Accused, Contested, Resubmitted or
// Closed. Effects are to be carried out in their order.
type Effect interface{ effect() }

// Append asks to journal a record and to sync; then the event Appended follows.
type Append struct {
	Record Record
}

// Sign asks for a signature of the hash under the vote key; then the event Signed
// follows. It is only ever asked for what the journal holds.
type Sign struct {
	Vote Promise
	Hash felt.Felt
}

// Broadcast asks to send a message to all nodes.
type Broadcast struct {
	Message Message
}

// Send asks to send a message to one node.
type Send struct {
	To      Peer
	Message Message
}

// RequestProof asks to fetch and check the proof and the output of a submission,
// from any node that has them; then Verified or Unavailable follows.
type RequestProof struct {
	Fact       FactID
	Submission *Submission
}

// SetTimer asks for the event Fired after a number of milliseconds.
type SetTimer struct {
	Timer Timer
	Delay uint64
}

// Approved is the decision that the fact is valid. It is final. It comes again after a
// restart, with a certificate of a later epoch, and when the chain has lost the one that
// it had recorded.
type Approved struct {
	Certificate *Certificate
}

// Rejected is the decision that the fact is invalid. It is final, and comes again as
// Approved does.
type Rejected struct {
	Certificate *Certificate
}

// Undecided reports that neither verdict has a quorum yet. It decides nothing: votes
// are still collected.
type Undecided struct {
	Fact           FactID
	Valid, Invalid Weight // of the votes so far
	Missing        Weight // that the larger of both still needs
}

// Accused asks to bring evidence before the contract.
type Accused struct {
	Evidence Evidence
}

// Contested reports a certificate against the decision. If both are of one epoch, more
// than a third of its weight voted both ways; if not, more than two thirds of the weight
// of one epoch voted for what is not true. The first decided and still does.
type Contested struct {
	First, Second *Certificate
}

// Resubmitted reports that a worker signed two different facts of one job, which
// the contract JobManager punishes.
type Resubmitted struct {
	First, Second *Submission
}

// Closed reports that the node has forgotten a fact because it expired or, if the
// node was full, because it was decided.
type Closed struct {
	Fact FactID
}

func (Append) effect()       {}
func (Sign) effect()         {}
func (Broadcast) effect()    {}
func (Send) effect()         {}
func (RequestProof) effect() {}
func (SetTimer) effect()     {}
func (Approved) effect()     {}
func (Rejected) effect()     {}
func (Undecided) effect()    {}
func (Accused) effect()      {}
func (Contested) effect()    {}
func (Resubmitted) effect()  {}
func (Closed) effect()       {}
