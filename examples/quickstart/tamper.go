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

// tamper makes three changes to a good receipt. It is an error if one of them is
// not refused as what it is.
func tamper(ctx context.Context, good *receipt.Receipt, input []byte) ([]refusal, error) {
	var out []refusal
	for _, c := range []struct {
		changed string
		check   func(context.Context) error
		is      func(error) bool
	}{
		{"one entry of the product", func(ctx context.Context) error { return changedOutput(ctx, good) }, as[*receipt.DamagedError]},
		{"one bit of the proof", func(ctx context.Context) error { return changedProof(ctx, good) }, isFalse},
		{"one input", func(ctx context.Context) error { return changedInput(ctx, good, input) }, as[*receipt.OtherError]},
	} {
		err := c.check(ctx)
		if err == nil {
			return nil, fmt.Errorf("changing %s went unnoticed", c.changed)
		}
		if !c.is(err) {
			return nil, fmt.Errorf("changing %s: %w", c.changed, err)
		}
		out = append(out, refusal{c.changed, err.Error()})
	}
	return out, nil
}

// as reports whether an error is of a type.
func as[E error](err error) bool { return errors.As(err, new(E)) }

// isFalse reports whether an error says that a proof is false.
func isFalse(err error) bool { return errors.Is(err, proof.ErrInvalid) }

func changedOutput(ctx context.Context, good *receipt.Receipt) error {
	r := *good
	r.Output = slices.Clone(r.Output)
	r.Output[0] ^= 1
	_, err := r.Verify(ctx)
	return err
}

// changedProof flips a bit in the middle of the proof, adapts the hash and leaves the
// votes out, so that it is the verifier that notices.
func changedProof(ctx context.Context, good *receipt.Receipt) error {
	p, err := proof.Decompress(good.Proof)
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
	r := *good
	r.Certificate = nil
	if r.Proof, err = p.Compress(); err != nil {
		return err
	}
	if r.ProofHash, err = p.Hash(); err != nil {
		return err
	}
	_, err = r.Verify(ctx)
	return err
}

func changedInput(ctx context.Context, good *receipt.Receipt, input []byte) error {
	input = slices.Clone(input)
	input[0] ^= 1
	return good.VerifyInput(ctx, input)
}
