package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
)

// schema versions the JSON output.
const schema = "bitsage-quickstart/3"

// report is what the quickstart prints. In JSON, times are in nanoseconds and amounts
// are texts of SAGE in decimal.
type report struct {
	Schema      string               `json:"schema"`
	Program     proof.Program        `json:"program"`
	Profile     proof.Profile        `json:"profile"`
	Processors  int                  `json:"processors"`
	Cheat       bool                 `json:"cheat"`
	Job         proof.JobID          `json:"job"`
	Stages      []stage              `json:"stages"`
	ProofStages []proofStage         `json:"proof_stages"` // as the worker's news arrived
	Bond        bitsage.Amount       `json:"bond_sage"`
	Vote        vote                 `json:"vote"`
	Fee         bitsage.Amount       `json:"fee_sage"`
	Payment     bitsage.PaymentState `json:"payment"`
	Claimed     bitsage.Amount       `json:"claimed_sage"`
	Escrow      escrow               `json:"escrow"`
	Balances    []holding            `json:"balances"`
	Pool        bitsage.Amount       `json:"pool_sage"` // the public sum of all encrypted amounts
	InputBytes  int                  `json:"input_bytes"`
	Receipt     *verified            `json:"receipt,omitempty"`
	Penalty     *penalty             `json:"penalty,omitempty"`
	Tampered    []refusal            `json:"tampered,omitempty"`
	Total       time.Duration        `json:"total_ns"`
}

func newReport(opt options) *report {
	return &report{
		Schema: schema, Program: opt.program(), Profile: opt.profile, Processors: runtime.GOMAXPROCS(0), Cheat: opt.cheat,
		ProofStages: []proofStage{},
	}
}

// vote is the validators' certificate.
type vote struct {
	Verdict string         `json:"verdict"`
	Voters  []string       `json:"voters"` // whose signatures are in the certificate
	Weight  bitsage.Amount `json:"weight_sage"`
	Total   bitsage.Amount `json:"total_weight_sage"`
}

func (v vote) String() string {
	names := strings.ReplaceAll(strings.Join(v.Voters, ", "), "validator ", "")
	return fmt.Sprintf("%s by validators %s: %v of %v SAGE of stake", strings.ToLower(v.Verdict), names, v.Weight, v.Total)
}

// verified is what the client found in the receipt.
type verified struct {
	OutputBytes     int           `json:"output_bytes"`
	JobRoot         proof.Digest  `json:"job_root"`
	ResultRoot      proof.Digest  `json:"result_root"`
	ProofBytes      int           `json:"proof_bytes"`
	CompressedBytes int           `json:"compressed_bytes"`
	ProofHash       proof.Digest  `json:"proof_blake3"`
	Security        security      `json:"security_bits"`
	VerifyProof     time.Duration `json:"verify_proof_ns"`
	VerifyReceipt   time.Duration `json:"verify_receipt_ns"`
}

type security struct {
	Unique       int `json:"proven_unique_decoding"`
	Johnson      int `json:"proven_johnson"`
	Conjectured  int `json:"conjectured"`
	ListDecoding int `json:"conjectured_list_decoding"`
}

// verify checks a receipt on all processors, and times the STARK verifier by itself.
func verify(ctx context.Context, r *receipt.Receipt) (*verified, error) {
	p, err := proof.Decompress(r.Proof)
	if err != nil {
		return nil, err
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if _, err := proof.Verify(r.Statement(), p, r.Task.Profile); err != nil {
		return nil, err
	}
	took := time.Since(start)
	start = time.Now()
	rep, err := receipt.Verifier{Roots: prover.New(prover.Options{})}.Verify(ctx, r)
	if err != nil {
		return nil, err
	}
	s := rep.Security
	return &verified{
		OutputBytes: len(r.Output), JobRoot: r.Task.JobRoot, ResultRoot: r.ResultRoot,
		ProofBytes: len(raw), CompressedBytes: len(r.Proof), ProofHash: r.ProofHash,
		Security:    security{s.Unique, s.Johnson, s.Conjectured, s.ListDecoding},
		VerifyProof: took, VerifyReceipt: time.Since(start),
	}, nil
}

func (r *report) print(w io.Writer) error {
	if err := table(w, r.Stages, r.ProofStages); err != nil {
		return err
	}
	if err := r.printBalances(w); err != nil {
		return err
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, name+"\t"+format+"\n", args...) }
	row("job", "%v", r.Job)
	if v := r.Receipt; v != nil {
		row("input", "%d bytes, job root %v", r.InputBytes, v.JobRoot)
		row("output", "%d bytes, result root %v", v.OutputBytes, v.ResultRoot)
		row("proof", "%d bytes, %d compressed (limit %d)", v.ProofBytes, v.CompressedBytes, proof.MaxBytes)
		row("BLAKE3", "%v", v.ProofHash)
		row("security", "%d bits proven (unique decoding), %d proven (Johnson bound)", v.Security.Unique, v.Security.Johnson)
		row("", "%d conjectured, %d below list-decoding capacity; not zero-knowledge", v.Security.Conjectured, v.Security.ListDecoding)
		row("verified", "proof in %v, whole receipt in %v", round(v.VerifyProof), round(v.VerifyReceipt))
	}
	row("attested", "%v", r.Vote)
	row("payment", "%v SAGE, encrypted on the chain, %s; the worker claimed %v SAGE", r.Fee, r.Payment, r.Claimed)
	if p := r.Penalty; p != nil {
		row("slashed", "%v SAGE of %v (%s): %v burned, %v to a reporter; %v left", p.Slashed, p.Before, p.Offence, p.Burned, p.Reward, p.After)
	}
	for _, x := range r.Tampered {
		row("refused", "%s: %s", x.Changed, x.Reason)
	}
	row("total", "%v on %d processors", round(r.Total), r.Processors)
	return t.Flush()
}
