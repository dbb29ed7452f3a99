// Package receipt verifies the result of a job, with nothing but the receipt: that the
// output is the program's, that the proof shows it, and that the validators attested the
// proof.
//
// It needs no network, keeps nothing, and imports nothing of the prover or the chain's
// client. It also builds for a browser (GOOS=js) and for WASI (GOOS=wasip1); the npm
// package in receipt/npm stands on it.
//
//	r, err := receipt.Parse(data)
//	err = r.CheckJob(id)            // is it the job that was asked for?
//	report, err := r.Verify(ctx)    // do its parts belong together, and is the proof right?
//	err = r.VerifyInput(ctx, input) // is it about this input?
//
// What is wrong is told by three errors. A [*DamagedError] says that the parts do not
// belong together, whoever has changed them; an [*OtherError], that the receipt is about
// something else than it says or than was asked for; an error that matches
// [proof.ErrInvalid], that the parts belong together and the proof is false, which it was
// from the beginning. Any other error means that the receipt was not checked.
package receipt

import (
	"encoding/json"
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/strictjson"
	"github.com/bitsage/bitsage/proof"
)

// Receipt is the result of a job: all that is needed to check it. It can be stored and
// sent as JSON (docs/schema/receipt.schema.json). Nothing in it is true before Verify has
// returned no error.
type Receipt struct {
	Job    proof.JobID `json:"job"`
	Origin Origin      `json:"origin"`
	Task   proof.Task  `json:"task"`
	// Worker is the address of the account that claims the result. Only the certificate
	// says that it does: without one, anybody could have written any address here.
	Worker     felt.Felt    `json:"worker"`
	ResultRoot proof.Digest `json:"result_root"` // the commitment to the output
	Output     []byte       `json:"output"`
	Proof      []byte       `json:"proof"` // canonical binary form, compressed
	ProofHash  proof.Digest `json:"proof_hash"`
	// Certificate is nil if the validators' votes were not at hand.
	Certificate *Certificate `json:"certificate,omitempty"`
}

// Origin is what a job's identifier is derived from besides the task.
type Origin struct {
	Chain      string    `json:"chain"`       // its name, as SN_MAIN
	JobManager felt.Felt `json:"job_manager"` // address of the contract
	Client     felt.Felt `json:"client"`      // address of the account
}

// JobID returns the identifier of the client's task, which is given by its own. It fails
// if the chain's name is none or an address is zero.
func (o Origin) JobID(task proof.Digest) (proof.JobID, error) {
	chain, err := felt.ShortString(o.Chain)
	if err := errors.Join(in("chain", err), in("job_manager", address(o.JobManager)), in("client", address(o.Client))); err != nil {
		return proof.JobID{}, err
	}
	id := consensus.JobID(chain, o.JobManager, o.Client, consensus.Digest(task))
	return proof.JobID(id.Bytes()), nil
}

// address refuses what is the address of no contract.
func address(f felt.Felt) error {
	if f.IsZero() {
		return errNoAddress
	}
	return nil
}

// Statement returns what the receipt's proof claims.
func (r *Receipt) Statement() proof.Statement {
	return r.Task.Statement(r.Job, r.ResultRoot)
}

// MaxJSON is the number of bytes of the longest receipt that Parse reads.
const MaxJSON = 96 << 20

// limits bound the JSON of a receipt. A text is at its longest as a label in escapes.
var limits = strictjson.Limits{Bytes: MaxJSON, Depth: 4, Items: consensus.MaxValidators, Text: 6 * proof.MaxLabel}

// Parse reads a receipt from JSON that has one reading: members that are unknown, missing,
// there twice or written in another case are refused, and so are lengths that no receipt
// has. It fails with a *DamagedError. What it returns still has to be verified.
func Parse(data []byte) (*Receipt, error) {
	r := new(Receipt)
	if err := r.UnmarshalJSON(data); err != nil {
		return nil, err
	}
	return r, nil
}

// UnmarshalJSON reads what Parse does, and with its error.
func (r *Receipt) UnmarshalJSON(data []byte) error {
	type plain Receipt
	var p plain
	if err := strictjson.Unmarshal(data, &p, limits); err != nil {
		return damaged("JSON", err)
	}
	*r = Receipt(p)
	return nil
}

var _ json.Unmarshaler = (*Receipt)(nil)
