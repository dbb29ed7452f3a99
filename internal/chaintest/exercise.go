package chaintest

import (
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
)

// Exercise plays what is allowed and leaves out what is refused, so that every
// function is at work at least once: for measurements. It uses up the deployments.
func Exercise(t *testing.T, n Network) {
	w := newWorld(t, n)
	t.Run("walk", func(t *testing.T) { walk(t, w) })
	t.Run("endings", func(t *testing.T) { endings(t, w) })
	t.Run("scene", func(t *testing.T) {
		s := setScene(t, w)
		for _, stage := range stages {
			if stage.enter != nil {
				stage.enter(s, t)
			}
			if stage.leave != nil {
				stage.leave(s, t)
			}
		}
		s.rest(t)
	})
}

// rest does what the lives of jobs have no use for.
func (s *scene) rest(t *testing.T) {
	s.client.do(t, s.client.transferCall(t, s.rival, sceneFee))
	s.client.do(t, s.client.ragequitCall(t, s.client))
	some := u256(big.NewInt(2))
	s.client.do(t, s.token.call(sagetoken.ApproveCall(s.rival.Address(), some)))
	s.rival.do(t, s.token.call(sagetoken.TransferFromCall(s.client.Address(), s.rival.Address(), some)))
	s.rival.do(t, s.token.call(sagetoken.BurnCall(some)))

	s.owner.pays(t, s.worker, sage(10))
	s.worker.do(t, s.token.call(sagetoken.ApproveCall(s.staking.address, u256(sage(10)))), s.staking.call(stakingmanager.IncreaseStakeCall(u256(sage(10)), 0)))
	s.impatient.do(t, s.staking.call(stakingmanager.IncreaseStakeCall(calldata.U256{}, uint64(30*day.Seconds()))))
	s.nextEpoch(t)
	s.exiting.do(t, s.registry.call(validatorregistry.ReleaseCall()))

	s.owner.do(t, s.staking.call(stakingmanager.AddModelCall(text("model"), stakingmanager.TierConsumer)))
	s.owner.do(t, s.verifier.call(proofverifier.AddProfileCall(text("profile"), 60)))
	for _, name := range owned {
		s.owner.do(t, s.named(name).call(stakingmanager.UnscheduleCall(ownershipAction(s.oldHeir))))
		s.heir.do(t, s.named(name).call(stakingmanager.AcceptOwnershipCall()))
	}
}
