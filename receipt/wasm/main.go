//go:build js && wasm

// Command wasm is the verifier of receipts as the npm package in receipt/npm calls it. It
// hands a function to globalThis.bitsageReceipt and waits for calls of it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall/js"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

func main() {
	js.Global().Call("bitsageReceipt", js.FuncOf(func(_ js.Value, args []js.Value) any {
		report, err := verify(args)
		if err != nil {
			return answer(map[string]string{"kind": kindOf(err), "message": err.Error()})
		}
		return answer(report)
	}))
	select {}
}

// answer makes a JavaScript string of a value.
func answer(v any) any {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a report has only numbers and strings
	}
	return string(text)
}

// report is what index.d.ts declares as Report, without the output.
type report struct {
	Job        proof.JobID  `json:"job"`
	Program    string       `json:"program"`
	Profile    string       `json:"profile"`
	Label      string       `json:"label"`
	Worker     felt.Felt    `json:"worker"`
	JobRoot    proof.Digest `json:"jobRoot"`
	ResultRoot proof.Digest `json:"resultRoot"`
	ProofHash  proof.Digest `json:"proofHash"`
	Attested   bool         `json:"attested"`
	Security   security     `json:"security"`
}

type security struct {
	Unique       int `json:"unique"`
	Johnson      int `json:"johnson"`
	Conjectured  int `json:"conjectured"`
	ListDecoding int `json:"listDecoding"`
}

// verify verifies the receipt of the first argument, its JSON. The second is the job that
// was asked for, or undefined; the third the input, a Uint8Array, or undefined.
func verify(args []js.Value) (*report, error) {
	if len(args) != 3 {
		return nil, fmt.Errorf("%d arguments, want 3", len(args))
	}
	data, err := bytes(args[0])
	if err != nil {
		return nil, err
	}
	r, err := receipt.Parse(data)
	if err != nil {
		return nil, err
	}
	if err := checkJob(r, args[1]); err != nil {
		return nil, err
	}
	rep, err := r.Verify(context.Background())
	if err != nil {
		return nil, err
	}
	if err := checkInput(r, args[2]); err != nil {
		return nil, err
	}
	return newReport(r, &rep), nil
}

func newReport(r *receipt.Receipt, rep *proof.Report) *report {
	s := rep.Security
	return &report{
		r.Job, r.Task.Program.String(), r.Task.Profile.String(), r.Task.Label, r.Worker, r.Task.JobRoot, r.ResultRoot, r.ProofHash,
		r.Certificate != nil, security{s.Unique, s.Johnson, s.Conjectured, s.ListDecoding},
	}
}

// bytes copies a Uint8Array.
func bytes(v js.Value) ([]byte, error) {
	if v.Type() != js.TypeObject || !v.InstanceOf(js.Global().Get("Uint8Array")) {
		return nil, errors.New("not a Uint8Array")
	}
	data := make([]byte, v.Length())
	js.CopyBytesToGo(data, v)
	return data, nil
}

func checkJob(r *receipt.Receipt, job js.Value) error {
	if job.IsUndefined() {
		return nil
	}
	var id proof.JobID
	if job.Type() != js.TypeString {
		return errors.New("the job is not a string")
	}
	if err := id.UnmarshalText([]byte(job.String())); err != nil {
		return fmt.Errorf("the job that was asked for: %w", err)
	}
	return r.CheckJob(id)
}

func checkInput(r *receipt.Receipt, input js.Value) error {
	if input.IsUndefined() {
		return nil
	}
	data, err := bytes(input)
	if err != nil {
		return fmt.Errorf("the input: %w", err)
	}
	return r.VerifyInput(context.Background(), data)
}

// kindOf returns the kind of an error, as index.d.ts has it.
func kindOf(err error) string {
	switch {
	case errors.As(err, new(*receipt.DamagedError)):
		return "damaged"
	case errors.As(err, new(*receipt.OtherError)):
		return "other"
	case errors.Is(err, proof.ErrInvalid):
		return "false"
	}
	return "unchecked"
}
