package chaintest

import (
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/calldata"
)

var (
	largest = u256(new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)))
	unit    = calldata.U256FromUint64(1)
	nothing = calldata.U256{}
	nobody  = chain.Felt{}
)

func tokenRefusals() []refusal {
	const token, fau = "SageToken", "Faucet"
	tooMuch := u256(sage(1_001))
	return []refusal{
		{token, "transfer", "of more than the balance", "INSUFFICIENT_BALANCE", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.TransferCall(s.client.Address(), tooMuch))
		}},
		{token, "transfer", "of the largest number", "INSUFFICIENT_BALANCE", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.token, sagetoken.TransferCall(s.client.Address(), largest))
		}},
		{token, "transfer", "to nobody", "ZERO_ADDRESS", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.TransferCall(nobody, unit))
		}},
		{token, "transfer_from", "by somebody whom nobody allowed it", "INSUFFICIENT_ALLOWANCE", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.TransferFromCall(s.owner.Address(), s.stranger.Address(), unit))
		}},
		{token, "transfer_from", "of a contract's money", "INSUFFICIENT_ALLOWANCE", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.token, sagetoken.TransferFromCall(s.privacy.address, s.owner.Address(), unit))
		}},
		{token, "transfer_from", "with an allowance that was used up", "INSUFFICIENT_ALLOWANCE", func(t *testing.T, s *scene) attempt {
			s.stranger.do(t, s.token.call(sagetoken.ApproveCall(s.heir.Address(), unit)))
			s.heir.do(t, s.token.call(sagetoken.TransferFromCall(s.stranger.Address(), s.stranger.Address(), unit)))
			return s.heir.at(s.token, sagetoken.TransferFromCall(s.stranger.Address(), s.heir.Address(), unit))
		}},
		{token, "transfer_from", "of more than the balance", "INSUFFICIENT_BALANCE", func(t *testing.T, s *scene) attempt {
			s.stranger.do(t, s.token.call(sagetoken.ApproveCall(s.heir.Address(), tooMuch)))
			return s.heir.at(s.token, sagetoken.TransferFromCall(s.stranger.Address(), s.heir.Address(), tooMuch))
		}},
		{token, "transfer_from", "to nobody", "ZERO_ADDRESS", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.TransferFromCall(s.owner.Address(), nobody, nothing))
		}},
		{token, "approve", "of nobody", "ZERO_ADDRESS", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.ApproveCall(nobody, unit))
		}},
		{token, "burn", "of more than the balance", "INSUFFICIENT_BALANCE", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.token, sagetoken.BurnCall(tooMuch))
		}},
		{fau, "claim", "a second time in a day", "CLAIM_TOO_SOON", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.faucet, faucet.ClaimCall())
		}},
		{fau, "claim", "when all was given", "CAP_REACHED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.bare.faucet, faucet.ClaimCall())
		}},
		{fau, "refill", "with nothing", "ZERO_AMOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.faucet, faucet.RefillCall(nothing))
		}},
		{fau, "refill", "with what is not allowed", "INSUFFICIENT_ALLOWANCE", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.faucet, faucet.RefillCall(unit))
		}},
	}
}

// ownerRefusals are those of the functions that all owned contracts have.
func ownerRefusals() []refusal {
	var out []refusal
	for _, c := range owned {
		at := func(s *scene) contract { return s.named(c) }
		out = append(out,
			refusal{c, "schedule", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return s.stranger.at(at(s), stakingmanager.ScheduleCall(ownershipAction(s.stranger)))
			}},
			refusal{c, "schedule", "a second time", "ACTION_SCHEDULED", func(t *testing.T, s *scene) attempt {
				return s.owner.at(at(s), stakingmanager.ScheduleCall(ownershipAction(s.heir)))
			}},
			refusal{c, "unschedule", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return s.stranger.at(at(s), stakingmanager.UnscheduleCall(ownershipAction(s.heir)))
			}},
			refusal{c, "unschedule", "of what is not scheduled", "ACTION_UNKNOWN", func(t *testing.T, s *scene) attempt {
				return s.owner.at(at(s), stakingmanager.UnscheduleCall(chain.Uint(7)))
			}},
			refusal{c, "accept_ownership", "by a stranger", "ACTION_UNKNOWN", func(t *testing.T, s *scene) attempt {
				return s.stranger.at(at(s), stakingmanager.AcceptOwnershipCall())
			}},
			refusal{c, "accept_ownership", "before a day has passed", "ACTION_NOT_READY", func(t *testing.T, s *scene) attempt {
				return s.heir.at(at(s), stakingmanager.AcceptOwnershipCall())
			}},
			refusal{c, "accept_ownership", "after 15 days", "ACTION_STALE", func(t *testing.T, s *scene) attempt {
				return s.oldHeir.at(at(s), stakingmanager.AcceptOwnershipCall())
			}},
		)
	}
	for _, c := range pausable {
		at := func(s *scene) contract { return s.named(c) }
		out = append(out,
			refusal{c, "pause", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return s.stranger.at(at(s), faucet.PauseCall())
			}},
			refusal{c, "unpause", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
				return s.stranger.at(at(s), faucet.UnpauseCall())
			}},
			refusal{c, "unpause", "when it is not paused", "NOT_PAUSED", func(t *testing.T, s *scene) attempt {
				return s.owner.at(at(s), faucet.UnpauseCall())
			}},
		)
	}
	return out
}
