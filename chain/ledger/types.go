package ledger

import (
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/wallet"
)

// The types of contracts/src/types.cairo.

type (
	jobID      struct{ Value Felt }
	factID     struct{ Value Felt }
	point      struct{ X, Y Felt }
	ciphertext struct{ L, R point }
)

// fact is what validators vote on.
type fact struct {
	JobID      jobID
	ProgramID  u256
	Profile    Felt
	JobRoot    u256
	ResultRoot u256
	Worker     address
	ProofHash  u256
}

// member is a validator in the set of an epoch.
type member struct {
	Validator address
	VoteKey   Felt
	Weight    u128
}

type verdict uint8

const (
	undecided verdict = iota
	valid
	invalid
)

func (verdict) variants() uint64 { return 3 }

// kind is how a fact became known.
type kind uint8

const (
	byCertificate kind = iota
	inFull
)

func (kind) variants() uint64 { return 2 }

type tier uint8

const (
	tierNone tier = iota
	tierConsumer
	tierWorkstation
	tierDataCenter
	tierEnterprise
	tierFrontier
	tierValidator
)

func (tier) variants() uint64 { return 7 }

// minimum is the least stake of the tier; of the lowest tier for none.
func (t tier) minimum() u256 {
	thousands := [...]uint64{1_000, 1_000, 2_500, 5_000, 10_000, 25_000, 10_000}
	return num(thousands[t]).mul(sage)
}

var sage = decimal("1000000000000000000")

// tiers are the tiers by their own names and by GPU models.
var tiers = map[Felt]tier{}

func init() {
	for t, names := range map[tier][]string{
		tierConsumer:    {"Consumer", "CPU", "T4", "RTX 20", "RTX 30", "RTX 40", "RTX 50"},
		tierWorkstation: {"Workstation", "L4", "A10", "RTX A", "RTX Ada"},
		tierDataCenter:  {"DataCenter", "A100", "L40", "L40S"},
		tierEnterprise:  {"Enterprise", "H100", "GH200"},
		tierFrontier:    {"Frontier", "H200", "B100", "B200", "GB200"},
		tierValidator:   {"Validator"},
	} {
		for _, name := range names {
			tiers[shortString(name)] = t
		}
	}
}

// share is amount * bps / 10,000, rounded down.
func share(amount u256, bps uint64) u256 { return amount.mul(num(bps)).div(num(10_000)) }

// quorum is the least weight that is more than two thirds of the total.
func quorum(total u256) u256 { return total.mul(num(2)).div(num(3)).add(num(1)) }

// The hashes of contracts/src/hashes.cairo.

const maxValidators = 64

// jobID identifies the job of a client at the contract.
func (f *frame) jobID(client address, task u256) jobID {
	return jobID{f.hash(shortString("bitsage/job/v1"), f.chainID(), f.address(), client, task)}
}

// factID identifies a fact. The worker signs it when it submits its proof.
func (f *frame) factID(x fact) factID {
	return factID{f.hash(shortString("bitsage/fact/v1"), f.chainID(), x)}
}

// voteHash is what a validator signs.
func (f *frame) voteHash(epoch uint64, root Felt, id factID, v verdict) Felt {
	return f.hash(shortString("bitsage/vote/v1"), f.chainID(), epoch, root, id, v)
}

// possessionHash is what the holder of a vote key signs to let a validator use it.
func (f *frame) possessionHash(validator address) Felt {
	return f.hash(shortString("bitsage/votekey/v1"), f.chainID(), f.address(), validator)
}

// setRoot is the root of the tree over a set.
func (f *frame) setRoot(members []member) Felt {
	level := make([]Felt, maxValidators)
	for i, m := range members {
		level[i] = f.hash(shortString("bitsage/validator/v1"), uint32(i), m.VoteKey, m.Weight)
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = poseidon.Hash(&level[2*i], &level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// assertKey refuses what is no key: the identity, and what is not on the curve.
func assertKey(p point) {
	_, err := elgamal.NewPublicKey(p.X, p.Y)
	assert(err == nil, "BAD_KEY")
}

// assertKeyX refuses what is not the x coordinate of a point.
func assertKeyX(x Felt) {
	_, err := wallet.PublicPoint(x)
	assert(err == nil, "BAD_KEY")
}
