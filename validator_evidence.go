package bitsage

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// accuse reports a validator's offence to the chain. The chain may not know of it yet:
// a verdict is false, and an equivocation costs the whole stake, only once the
// certificates are there that say so. Then accuseAgain reports it again.
func (v *Validator) accuse(ctx context.Context, evidence consensus.Evidence) {
	epoch, index, fact := evidence.Offender()
	log := v.cfg.Logger.With("epoch", epoch, "index", index, "fact", fact)
	v.insist(ctx, func() error {
		err := v.report(ctx, evidence)
		switch {
		case err == nil:
			log.Warn("validator slashed")
		case errors.Is(err, staking.ErrAlreadySlashed):
			log.Debug("validator slashed before")
		default:
			log.Warn("validator accused", "error", err)
		}
		var refusal staking.Code
		if errors.As(err, &refusal) {
			return nil
		}
		return err
	})
}

// accuseAgain reports the offences that a certificate on the chain is about.
func (v *Validator) accuseAgain(ctx context.Context, fact consensus.FactID) {
	for _, e := range v.evidence[fact] {
		v.accuse(ctx, e)
	}
}

// forget drops evidence of epochs before the last.
func (v *Validator) forget(current uint64) {
	for fact, all := range v.evidence {
		all = slices.DeleteFunc(all, func(e consensus.Evidence) bool {
			epoch, _, _ := e.Offender()
			return epoch+1 < current
		})
		if v.evidence[fact] = all; len(all) == 0 {
			delete(v.evidence, fact)
		}
	}
}

func (v *Validator) report(ctx context.Context, evidence consensus.Evidence) error {
	c := v.cfg.Network.staking
	var err error
	switch e := evidence.(type) {
	case *consensus.Equivocation:
		_, err = c.ReportEquivocation(ctx, v.account, staking.Equivocation{
			Epoch: e.Epoch, Index: uint32(e.Index), Fact: e.Fact.Felt(),
			Valid: wallet.Signature(e.Valid), Invalid: wallet.Signature(e.Invalid),
		})
	case *consensus.FalseVerdict:
		_, err = c.ReportFalseVerdict(ctx, v.account, staking.FalseVerdict{
			Epoch: e.Vote.Epoch, Index: uint32(e.Vote.Index), Fact: e.Vote.Fact.Felt(),
			Valid: e.Vote.Verdict == consensus.Valid, Signature: wallet.Signature(e.Vote.Signature),
		})
	}
	return err
}

// contest puts both of two contradicting certificates on the chain, so that nobody is
// paid and whoever signed both loses the stake.
func (v *Validator) contest(ctx context.Context, e consensus.Contested) {
	id, ok := v.jobOf(e.First.Fact)
	if !ok {
		return
	}
	v.insist(ctx, func() error {
		for _, c := range []*consensus.Certificate{e.First, e.Second} {
			if err := v.contract.Record(ctx, v.account, id, c); err != nil && cairo.Refusal(err) == "" {
				return err
			}
		}
		return nil
	})
}

// resubmitted reports a worker that signed two proofs for one job. Which of them is the
// one on the chain, the chain knows.
func (v *Validator) resubmitted(ctx context.Context, e consensus.Resubmitted) {
	v.insist(ctx, func() error {
		var err error
		for _, s := range []*consensus.Submission{e.First, e.Second} {
			if err = v.contract.ReportEquivocation(ctx, v.account, &s.Fact, s.Signature); cairo.Refusal(err) != "NO_OFFENCE" {
				break
			}
		}
		v.cfg.Logger.Warn("worker submitted twice", "job", e.Second.JobID, "error", err)
		if cairo.Refusal(err) != "" {
			return nil
		}
		return err
	})
}

// insist calls f until it has no error.
func (v *Validator) insist(ctx context.Context, f func() error) {
	v.running.Go(func() {
		for wait := lookAgain; f() != nil; wait = min(2*wait, time.Minute) {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
	})
}
