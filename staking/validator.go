package staking

import (
	"context"
	"errors"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// voteKeyDomain separates what a vote key signs to show that it is held.
var voteKeyDomain = felt.MustParse("0x626974736167652f766f74656b65792f7631") // bitsage/votekey/v1

// possessionHash is what a vote key signs so that a validator may use it: the
// possession hash of contracts/README.md.
func possessionHash(chainID, registry, validator chain.Felt) chain.Felt {
	return poseidon.HashMany(voteKeyDomain, chainID, registry, validator)
}

// BondAsValidator bonds an amount, the tier's minimum at least, of the stake as the
// weight of a validator, which is in every set from the next epoch on. The stake
// must be of TierValidator, valid, and free to that amount. voteKey shows here that
// it is held, and belongs on the validator's host. It fails with ErrTombstoned,
// ErrAlreadyValidator, ErrBelowMinimum, ErrStakeNotValid (see Register), ErrBonded,
// ErrKeyInUse, ErrSetFull, or as voteKey does.
func (s *Staker) BondAsValidator(ctx context.Context, amount money.Amount, voteKey wallet.Signer) (*chain.Receipt, error) {
	const op = "bond as validator"
	if minimum := TierValidator.Minimum(); amount.Less(minimum) {
		return nil, &Error{Op: op, Code: ErrBelowMinimum, Have: amount, Need: minimum}
	}
	if err := s.mayValidate(ctx, op, amount); err != nil {
		return nil, err
	}
	possession, err := s.possession(ctx, voteKey)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, op, money.Amount{}, validatorregistry.RegisterCall(u256(amount), voteKey.PublicKey(), possession).At(s.contracts.registry))
}

// mayValidate makes the checks of register that are about the account.
func (s *Staker) mayValidate(ctx context.Context, op string, amount money.Amount) error {
	v, err := s.contracts.validator(ctx, s.Address(), chain.AtPreConfirmed())
	switch {
	case err != nil:
		return err
	case v.Status == ValidatorTombstoned:
		return &Error{Op: op, Code: ErrTombstoned}
	case v.Status != ValidatorNone:
		return &Error{Op: op, Code: ErrAlreadyValidator}
	}
	stake, err := s.validStake(ctx, op)
	switch {
	case err != nil:
		return err
	case stake.Tier != TierValidator:
		return &Error{Op: op, Code: ErrStakeNotValid, Err: errors.New("the stake is not one of a validator")}
	case stake.Free().Less(amount):
		return &Error{Op: op, Code: ErrBonded, Have: stake.Free(), Need: amount}
	}
	return nil
}

// possession returns the signature that shows that a vote key is held.
func (s *Staker) possession(ctx context.Context, voteKey wallet.Signer) (validatorregistry.Signature, error) {
	name, err := s.contracts.client.ChainID(ctx)
	if err != nil {
		return validatorregistry.Signature{}, err
	}
	id, err := felt.ShortString(name)
	if err != nil {
		return validatorregistry.Signature{}, err
	}
	sig, err := voteKey.Sign(ctx, possessionHash(id, s.contracts.registry, s.Address()))
	return validatorregistry.Signature(sig), err
}

// ExitValidator leaves the validators: the account is in no set after the current
// epoch. It fails with ErrNotValidator.
func (s *Staker) ExitValidator(ctx context.Context) (*chain.Receipt, error) {
	const op = "exit validator"
	v, err := s.contracts.validator(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	if v.Status != ValidatorActive {
		return nil, &Error{Op: op, Code: ErrNotValidator}
	}
	return s.send(ctx, op, money.Amount{}, validatorregistry.ExitCall().At(s.contracts.registry))
}

// ReleaseValidator frees the bond of a validator that left, once its last epoch is
// over. It fails with ErrNotValidator or ErrEpochNotOver. The epoch is over when
// somebody has begun the next, see Contracts.AdvanceEpoch.
func (s *Staker) ReleaseValidator(ctx context.Context) (*chain.Receipt, error) {
	const op = "release validator"
	c, at := s.contracts, chain.AtPreConfirmed()
	v, err := c.validator(ctx, s.Address(), at)
	if err != nil {
		return nil, err
	}
	if v.Status != ValidatorLeaving && v.Status != ValidatorTombstoned {
		return nil, &Error{Op: op, Code: ErrNotValidator}
	}
	current, err := c.epochNumber(ctx, at)
	if err != nil {
		return nil, err
	}
	if current <= v.LastEpoch {
		return nil, c.epochNotOver(ctx, op, current)
	}
	return s.send(ctx, op, money.Amount{}, validatorregistry.ReleaseCall().At(c.registry))
}

// epochNotOver returns ErrEpochNotOver with the end of the epoch. Before the first
// one there is none.
func (c *Contracts) epochNotOver(ctx context.Context, op string, current uint64) error {
	e := &Error{Op: op, Code: ErrEpochNotOver}
	if current == 0 {
		return e
	}
	end, err := c.epochEnd(ctx, current, chain.AtPreConfirmed())
	if err != nil {
		return err
	}
	e.Until = end
	return e
}

// AdvanceEpoch begins the next epoch, with the validators that are active now. Any
// account may, once the current epoch has lasted its time. It fails with
// ErrEpochNotOver, or with ErrSetEmpty if there is no validator for the first.
func (c *Contracts) AdvanceEpoch(ctx context.Context, account *chain.Account) (*chain.Receipt, error) {
	const op = "advance epoch"
	at := chain.AtPreConfirmed()
	current, err := c.epochNumber(ctx, at)
	if err != nil {
		return nil, err
	}
	if current != 0 {
		end, err := c.epochEnd(ctx, current, at)
		if err != nil {
			return nil, err
		}
		now, err := c.now(ctx)
		if err != nil {
			return nil, err
		}
		if now.Before(end) {
			return nil, &Error{Op: op, Code: ErrEpochNotOver, Until: end}
		}
	}
	return send(ctx, op, account, validatorregistry.AdvanceEpochCall().At(c.registry))
}

// Equivocation is the evidence that a validator voted both ways on a fact: the
// signatures of both votes.
type Equivocation struct {
	Epoch          uint64
	Index          uint32 // of the validator in the epoch's set
	Fact           chain.Felt
	Valid, Invalid wallet.Signature
}

// ReportEquivocation has a validator punished that voted both ways. The reporting
// account gets 5 % of what is slashed, at most 500 SAGE. It fails with ErrEpoch,
// ErrEvidenceExpired, ErrIndex, ErrSignature or ErrAlreadySlashed.
func (c *Contracts) ReportEquivocation(ctx context.Context, reporter *chain.Account, e Equivocation) (*chain.Receipt, error) {
	call := validatorregistry.SubmitEquivocationCall(validatorregistry.Equivocation{
		Epoch: e.Epoch, Index: e.Index, Fact: validatorregistry.FactID{Value: e.Fact},
		Valid: validatorregistry.Signature(e.Valid), Invalid: validatorregistry.Signature(e.Invalid),
	})
	return send(ctx, "report equivocation", reporter, call.At(c.registry))
}

// FalseVerdict is the evidence that a validator voted against the certificate of a
// fact.
type FalseVerdict struct {
	Epoch     uint64
	Index     uint32 // of the validator in the epoch's set
	Fact      chain.Felt
	Valid     bool // what the validator voted
	Signature wallet.Signature
}

// ReportFalseVerdict has a validator punished that voted against a certificate, as
// ReportEquivocation does. It fails as that or with ErrNoOffence.
func (c *Contracts) ReportFalseVerdict(ctx context.Context, reporter *chain.Account, e FalseVerdict) (*chain.Receipt, error) {
	verdict := validatorregistry.VerdictInvalid
	if e.Valid {
		verdict = validatorregistry.VerdictValid
	}
	call := validatorregistry.SubmitFalseVerdictCall(validatorregistry.FalseVerdict{
		Epoch: e.Epoch, Index: e.Index, Fact: validatorregistry.FactID{Value: e.Fact},
		Verdict: verdict, Signature: validatorregistry.Signature(e.Signature),
	})
	return send(ctx, "report false verdict", reporter, call.At(c.registry))
}
