package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// schema versions the JSON output.
const schema = "bitsage-quickstart/1"

// report is what the quickstart prints. Times are in nanoseconds in JSON.
type report struct {
	Schema          string          `json:"schema"`
	Program         proof.Program   `json:"program"`
	Profile         proof.Profile   `json:"profile"`
	Job             bitsage.JobID   `json:"job"`
	InputBytes      int             `json:"input_bytes"`
	OutputBytes     int             `json:"output_bytes"`
	JobRoot         proof.Digest    `json:"job_root"`
	ResultRoot      proof.Digest    `json:"result_root"`
	Stages          []prover.Timing `json:"stages"`
	Submit          time.Duration   `json:"submit_ns"`
	VerifyProof     time.Duration   `json:"verify_proof_ns"`
	VerifyReceipt   time.Duration   `json:"verify_receipt_ns"`
	Total           time.Duration   `json:"total_ns"`
	ProofBytes      int             `json:"proof_bytes"`
	CompressedBytes int             `json:"compressed_bytes"`
	ProofHash       proof.Digest    `json:"proof_blake3"`
	Security        security        `json:"security_bits"`
	Tampered        []refusal       `json:"tampered,omitempty"`
}

type security struct {
	Unique       int `json:"proven_unique_decoding"`
	Johnson      int `json:"proven_johnson"`
	Conjectured  int `json:"conjectured"`
	ListDecoding int `json:"conjectured_list_decoding"`
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
	r.JobRoot, r.ResultRoot, r.Stages = receipt.Task.JobRoot, receipt.ResultRoot, receipt.Timings
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
	row("total", "%v", r.Total.Round(time.Millisecond))
	for _, x := range r.Tampered {
		row("refused", "%s: %s", x.Changed, x.Reason)
	}
	return t.Flush()
}
