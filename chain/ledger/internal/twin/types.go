package twin

import (
	"sync"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/starksig"
)

// The types of contracts/src/types.cairo.

type (
	jobID      struct{ Value felt.Felt }
	factID     struct{ Value felt.Felt }
	point      struct{ X, Y felt.Felt }
	ciphertext struct{ L, R point }
)

// fact is what validators vote on.
type fact struct {
	JobID      jobID
	ProgramID  cairo.U256
	Profile    felt.Felt
	JobRoot    cairo.U256
	ResultRoot cairo.U256
	Worker     cairo.Address
	ProofHash  cairo.U256
}

// member is a validator in the set of an epoch.
type member struct {
	Validator cairo.Address
	VoteKey   felt.Felt
	Weight    cairo.U128
}

type verdict uint8

const (
	undecided verdict = iota
	valid
	invalid
)

func (verdict) Variants() uint64 { return 3 }

// kind is how a fact became known.
type kind uint8

const (
	byCertificate kind = iota
	inFull
)

func (kind) Variants() uint64 { return 2 }

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

func (tier) Variants() uint64 { return 7 }

// minimum is the least stake of the tier; of the lowest tier for none.
func (t tier) minimum() cairo.U256 {
	thousands := [...]uint64{1_000, 1_000, 2_500, 5_000, 10_000, 25_000, 10_000}
	return cairo.U256Of(thousands[t]).Mul(sage)
}

// sage is one SAGE in base units.
var sage = cairo.U256{1_000_000_000_000_000_000}

// tierNamed returns a tier by its own name or by a GPU model.
func tierNamed(name felt.Felt) (tier, bool) {
	tiersOnce.Do(makeTiers)
	t, ok := tiers[name]
	return t, ok
}

var (
	tiersOnce sync.Once
	tiers     map[felt.Felt]tier
)

func makeTiers() {
	tiers = make(map[felt.Felt]tier)
	for t, names := range map[tier][]string{
		tierConsumer:    {"Consumer", "CPU", "T4", "RTX 20", "RTX 30", "RTX 40", "RTX 50"},
		tierWorkstation: {"Workstation", "L4", "A10", "RTX A", "RTX Ada"},
		tierDataCenter:  {"DataCenter", "A100", "L40", "L40S"},
		tierEnterprise:  {"Enterprise", "H100", "GH200"},
		tierFrontier:    {"Frontier", "H200", "B100", "B200", "GB200"},
		tierValidator:   {"Validator"},
	} {
		for _, name := range names {
			tiers[cairo.ShortString(name)] = t
		}
	}
}

// share is amount * bps / 10,000, rounded down.
func share(amount cairo.U256, bps uint64) cairo.U256 {
	return amount.Mul(cairo.U256Of(bps)).Div(cairo.U256Of(10_000))
}

// quorum is the least weight that is more than two thirds of the total.
func quorum(total cairo.U256) cairo.U256 {
	return total.Mul(cairo.U256Of(2)).Div(cairo.U256Of(3)).Add(cairo.U256Of(1))
}

// assertKey refuses what is no key: the identity, and what is not on the curve.
func assertKey(p point) {
	_, err := elgamal.NewPublicKey(p.X, p.Y)
	cairo.Assert(err == nil, "BAD_KEY")
}

// assertKeyX refuses what is not the x coordinate of a point.
func assertKeyX(x felt.Felt) {
	_, err := starksig.PublicPoint(x)
	cairo.Assert(err == nil, "BAD_KEY")
}
