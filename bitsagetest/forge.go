package bitsagetest

import (
	"context"
	"errors"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// Forge returns a prover for bitsage.WorkerConfig that cheats: it changes every proof of
// p, which has been checked, and lets the worker sign and submit that. To have a worker
// of a Network cheat, inject forge worker/0.
func Forge(p bitsage.Prover) bitsage.Prover { return forger{p} }

type forger struct{ bitsage.Prover }

// Prove implements bitsage.Prover.
func (f forger) Prove(ctx context.Context, in *prover.Input, job proof.JobID, progress func(prover.Stage)) (*prover.Result, error) {
	res, err := f.Prover.Prove(ctx, in, job, progress)
	if err != nil {
		return nil, err
	}
	res.Proof, err = damage(res.Proof)
	return res, err
}

// damage changes one bit near the middle of a proof, so that it is still well-formed.
func damage(p *proof.Proof) (*proof.Proof, error) {
	encoded, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	for i := len(encoded) / 2; i < len(encoded); i++ {
		encoded[i] ^= 1
		if p, err := proof.Parse(encoded); err == nil {
			return p, nil
		}
		encoded[i] ^= 1
	}
	return nil, errors.New("bitsagetest: no bit of the proof can be changed")
}
