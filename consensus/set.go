package consensus

import (
	"errors"
	"fmt"
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// MaxValidators is the largest number of members of a set.
const MaxValidators = 64

// The reasons for which a set is refused.
var (
	// ErrSetSize means that a set has more than MaxValidators members.
	ErrSetSize = errors.New("consensus: a set has at most 64 members")
	// ErrSetKey means that two members have one vote key, or that a vote key is no
	// public key.
	ErrSetKey = errors.New("consensus: vote keys must be distinct public keys")
)

// Member is a validator in a set: its vote key and its stake.
type Member struct {
	Key    felt.Felt // x coordinate of the public point
	Weight Weight
}

// ValidatorSet is the set of one epoch. It does not change, and may be used by
// several goroutines at once if its Scheme's checks may.
type ValidatorSet struct {
	epoch   uint64
	members []Member
	checks  []Check
	index   map[felt.Felt]int
	root    felt.Felt
	total   Weight
	quorum  Weight
}

// NewValidatorSet returns the set of an epoch. Its order is that of the contract's
// snapshot. The set may be empty, and then decides nothing. It fails with
// ErrSetSize, ErrSetKey, or ErrWeight if the total does not fit in 128 bits.
func NewValidatorSet(epoch uint64, members []Member, scheme Scheme) (*ValidatorSet, error) {
	if len(members) > MaxValidators {
		return nil, ErrSetSize
	}
	s := &ValidatorSet{epoch: epoch, index: make(map[felt.Felt]int, len(members))}
	for i, m := range members {
		check, err := scheme(m.Key)
		if err != nil {
			return nil, fmt.Errorf("%w: member %d: %w", ErrSetKey, i, err)
		}
		if _, ok := s.index[m.Key]; ok {
			return nil, fmt.Errorf("%w: member %d", ErrSetKey, i)
		}
		if s.total, err = s.total.Add(m.Weight); err != nil {
			return nil, err
		}
		s.index[m.Key] = i
		s.members = append(s.members, m)
		s.checks = append(s.checks, check)
	}
	s.root, s.quorum = setRoot(s.members), s.total.Quorum()
	return s, nil
}

// setRoot is the root of the binary tree with the members' hashes as its first
// leaves and 0 as the others of the 64.
func setRoot(members []Member) felt.Felt {
	level := make([]felt.Felt, MaxValidators)
	for i, m := range members {
		var weight felt.Felt
		weight.SetBigInt(m.Weight.Big())
		level[i] = poseidon.HashMany(domainMember, number(uint64(i)), m.Key, weight)
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = poseidon.Hash(&level[2*i], &level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// Epoch returns the epoch whose set this is.
func (s *ValidatorSet) Epoch() uint64 { return s.epoch }

// Len returns the number of members.
func (s *ValidatorSet) Len() int { return len(s.members) }

// Member returns a member by its index, which must be below Len.
func (s *ValidatorSet) Member(i int) Member { return s.members[i] }

// Index returns the index of a vote key.
func (s *ValidatorSet) Index(key felt.Felt) (int, bool) {
	i, ok := s.index[key]
	return i, ok
}

// Root returns the hash of the set that enters every vote.
func (s *ValidatorSet) Root() felt.Felt { return s.root }

// Total returns the weight of all members.
func (s *ValidatorSet) Total() Weight { return s.total }

// Quorum returns the weight that a certificate needs.
func (s *ValidatorSet) Quorum() Weight { return s.quorum }

// Weight returns the weight of the members in a bitmap. Bits of no member count
// nothing.
func (s *ValidatorSet) Weight(bitmap uint64) Weight {
	var sum Weight
	for b := bitmap & s.all(); b != 0; b &= b - 1 {
		sum, _ = sum.Add(s.members[bits.TrailingZeros64(b)].Weight) // at most the total
	}
	return sum
}

// all is the bitmap of all members.
func (s *ValidatorSet) all() uint64 {
	return 1<<len(s.members) - 1 // all ones for 64
}
