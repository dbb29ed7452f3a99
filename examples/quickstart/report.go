package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// schema versions the JSON output.
const schema = "bitsage-quickstart/2"

// report is what the quickstart prints. Times are in nanoseconds in JSON.
type report struct {
	Schema          string               `json:"schema"`
	Program         proof.Program        `json:"program"`
	Profile         proof.Profile        `json:"profile"`
	Job             bitsage.JobID        `json:"job"`
	InputBytes      int                  `json:"input_bytes"`
	OutputBytes     int                  `json:"output_bytes"`
	JobRoot         proof.Digest         `json:"job_root"`
	ResultRoot      proof.Digest         `json:"result_root"`
	Stages          []stage              `json:"stages"` // as the worker's news arrived
	Network         time.Duration        `json:"network_ns"`
	Submit          time.Duration        `json:"submit_ns"`
	Settled         time.Duration        `json:"settled_ns"` // from the submission to the payment
	Validators      int                  `json:"validators"` // who signed the certificate's set
	Fee             bitsage.Amount       `json:"fee_sage"`
	Payment         bitsage.PaymentState `json:"payment"`
	Claimed         bitsage.Amount       `json:"claimed_sage"`
	VerifyProof     time.Duration        `json:"verify_proof_ns"`
	VerifyReceipt   time.Duration        `json:"verify_receipt_ns"`
	Total           time.Duration        `json:"total_ns"`
	ProofBytes      int                  `json:"proof_bytes"`
	CompressedBytes int                  `json:"compressed_bytes"`
	ProofHash       proof.Digest         `json:"proof_blake3"`
	Security        security             `json:"security_bits"`
	Tampered        []refusal            `json:"tampered,omitempty"`
}

type security struct {
	Unique       int `json:"proven_unique_decoding"`
	Johnson      int `json:"proven_johnson"`
	Conjectured  int `json:"conjectured"`
	ListDecoding int `json:"conjectured_list_decoding"`
}

// stage is the time that a stage of the proof took.
type stage struct {
	Stage prover.Stage  `json:"stage"`
	Time  time.Duration `json:"time_ns"`
}

// stopwatch measures stages by the news of them.
type stopwatch struct {
	times []stage
	began time.Time
}

func newStopwatch() *stopwatch { return new(stopwatch) }

// event ends the stage before.
func (s *stopwatch) event(ev bitsage.Event) {
	now := time.Now()
	if n := len(s.times); n > 0 && s.times[n-1].Time == 0 {
		s.times[n-1].Time = max(now.Sub(s.began), 1)
	}
	if ev.State == bitsage.Proving {
		s.times, s.began = append(s.times, stage{Stage: ev.Stage}), now
	}
}

// paid tells what became of the fee, and has the worker claim it.
func (r *report) paid(ctx context.Context, n *roles) error {
	for p, err := range n.client.Payments(ctx) {
		if err != nil {
			return err
		}
		r.Fee, r.Payment = p.Amount, p.State
	}
	var err error
	r.Claimed, err = n.worker.Claim(ctx)
	return err
}

// verify checks the receipt, and times the STARK verifier by itself.
func (r *report) verify(receipt *bitsage.Receipt) error {
	p, err := proof.Decompress(receipt.Proof)
	if err != nil {
		return err
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		return err
	}
	start := time.Now()
	if _, err := proof.Verify(receipt.Statement(), p, receipt.Task.Profile); err != nil {
		return err
	}
	r.VerifyProof = time.Since(start)
	start = time.Now()
	rep, err := receipt.Verify()
	if err != nil {
		return err
	}
	r.VerifyReceipt = time.Since(start)
	s := rep.Security
	r.Security = security{s.Unique, s.Johnson, s.Conjectured, s.ListDecoding}
	r.JobRoot, r.ResultRoot = receipt.Task.JobRoot, receipt.ResultRoot
	if receipt.Certificate != nil {
		r.Validators = len(receipt.Certificate.Set)
	}
	r.OutputBytes, r.ProofBytes, r.CompressedBytes, r.ProofHash = len(receipt.Output), len(raw), len(receipt.Proof), receipt.ProofHash
	return nil
}

func (r *report) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("input", "%d bytes, job root %v", r.InputBytes, r.JobRoot)
	row("output", "%d bytes, result root %v", r.OutputBytes, r.ResultRoot)
	for _, s := range r.Stages {
		row("  "+string(s.Stage), "%v", s.Time.Round(10*time.Microsecond))
	}
	row("proof", "%d bytes, %d compressed (limit %d)", r.ProofBytes, r.CompressedBytes, proof.MaxBytes)
	row("BLAKE3", "%v", r.ProofHash)
	row("security", "%d bits proven (unique decoding), %d proven (Johnson bound)", r.Security.Unique, r.Security.Johnson)
	row("", "%d conjectured, %d below list-decoding capacity; not zero-knowledge", r.Security.Conjectured, r.Security.ListDecoding)
	row("verified", "proof in %v, whole receipt in %v", r.VerifyProof.Round(10*time.Microsecond), r.VerifyReceipt.Round(10*time.Microsecond))
	row("attested", "by validators of a set of %d", r.Validators)
	row("payment", "%v SAGE, encrypted on the chain, %s; the worker claimed %v SAGE", r.Fee, r.Payment, r.Claimed)
	row("settled", "%v after the submission", r.Settled.Round(time.Millisecond))
	row("total", "%v", r.Total.Round(time.Millisecond))
	for _, x := range r.Tampered {
		row("refused", "%s: %s", x.Changed, x.Reason)
	}
	return t.Flush()
}
