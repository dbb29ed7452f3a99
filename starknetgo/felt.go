package starknetgo

import (
	"math/big"

	"github.com/NethermindEth/juno/core/felt"

	"github.com/bitsage/bitsage/chain"
)

// FromJuno returns a number of starknet.go, which has them as pointers to juno's felt. nil,
// which starknet.go leaves where an answer had nothing, is zero.
func FromJuno(f *felt.Felt) chain.Felt {
	if f == nil {
		return chain.Felt{}
	}
	return chain.Felt(*f)
}

// ToJuno returns a number as starknet.go takes it: a pointer to a copy.
func ToJuno(f chain.Felt) *felt.Felt {
	out := felt.Felt(f)
	return &out
}

// FromJunos is FromJuno for each number of a list.
func FromJunos(list []*felt.Felt) []chain.Felt {
	out := make([]chain.Felt, len(list))
	for i, f := range list {
		out[i] = FromJuno(f)
	}
	return out
}

// ToJunos is ToJuno for each number of a list. It never returns nil, which starknet.go would
// send as null where nodes want an empty list.
func ToJunos(list []chain.Felt) []*felt.Felt {
	out := make([]*felt.Felt, len(list))
	for i, f := range list {
		out[i] = ToJuno(f)
	}
	return out
}

// fromBig converts a number that is known to be in the field.
func fromBig(x *big.Int) chain.Felt { return FromJuno(new(felt.Felt).SetBigInt(x)) }

func toBig(f chain.Felt) *big.Int { return ToJuno(f).BigInt(new(big.Int)) }
