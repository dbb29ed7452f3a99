package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

// refusal tells how a change was noticed.
type refusal struct {
	Changed string `json:"changed"`
	Reason  string `json:"reason"`
}

// tamper makes three changes to a good receipt. It is an error if one of them is not
// refused as what it is.
func tamper(ctx context.Context, good *receipt.Receipt, input []byte) ([]refusal, error) {
	output, proven := *good, *good
	output.Output = slices.Clone(good.Output)
	output.Output[0] ^= 1
	if err := flip(&proven); err != nil {
		return nil, err
	}
	input = slices.Clone(input)
	input[0] ^= 1

	var out []refusal
	_, err1 := output.Verify(ctx)
	_, err2 := proven.Verify(ctx)
	err3 := good.VerifyInput(ctx, input)
	for _, c := range []struct {
		changed string
		err     error
		noticed bool
	}{
		{"one entry of the product", err1, errors.As(err1, new(*receipt.DamagedError))},
		{"one bit of the proof", err2, errors.Is(err2, proof.ErrInvalid)},
		{"one input", err3, errors.As(err3, new(*receipt.OtherError))},
	} {
		if !c.noticed {
			return nil, fmt.Errorf("changing %s was not noticed as that: %w", c.changed, c.err)
		}
		out = append(out, refusal{c.changed, c.err.Error()})
	}
	return out, nil
}

// flip changes a bit in the middle of the proof, adapts the hash and leaves the votes out, so
// that it is the verifier that notices.
func flip(r *receipt.Receipt) error {
	p, err := proof.Decompress(r.Proof)
	if err != nil {
		return err
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		return err
	}
	raw[len(raw)/2] ^= 1
	if p, err = proof.Parse(raw); err != nil {
		return err
	}
	r.Certificate = nil
	if r.Proof, err = p.Compress(); err == nil {
		r.ProofHash, err = p.Hash()
	}
	return err
}
