package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// refusal tells how a change was noticed.
type refusal struct {
	Changed string `json:"changed"`
	Reason  string `json:"reason"`
}

// tamper makes three changes to a good receipt. It is an error if one of them is
// not refused as invalid.
func tamper(good *bitsage.Receipt, input []byte) ([]refusal, error) {
	var out []refusal
	for _, c := range []struct {
		changed string
		check   func() error
	}{
		{"one entry of the product", func() error { return changedOutput(good) }},
		{"one bit of the proof", func() error { return changedProof(good) }},
		{"one input", func() error { return changedInput(good, input) }},
	} {
		err := c.check()
		if err == nil {
			return nil, fmt.Errorf("changing %s went unnoticed", c.changed)
		}
		if !errors.Is(err, proof.ErrInvalid) {
			return nil, fmt.Errorf("changing %s: %w", c.changed, err)
		}
		out = append(out, refusal{c.changed, err.Error()})
	}
	return out, nil
}

func changedOutput(good *bitsage.Receipt) error {
	r := *good
	r.Output = slices.Clone(r.Output)
	r.Output[0] ^= 1
	_, err := r.Verify()
	return err
}

// changedProof flips a bit in the middle of the proof, adapts the hash and leaves the
// votes out, so that it is the verifier that notices.
func changedProof(good *bitsage.Receipt) error {
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
	_, err = r.Verify()
	return err
}

func changedInput(good *bitsage.Receipt, input []byte) error {
	input = slices.Clone(input)
	input[0] ^= 1
	return good.VerifyInput(input)
}
