package twin

import "github.com/bitsage/bitsage/chain/ledger/internal/cairo"

// claimAmount is 1,000 SAGE.
func claimAmount() cairo.U256 { return cairo.U256Of(1_000).Mul(sage) }

const claimInterval uint64 = 24 * 3600

// faucet is contracts/src/faucet.cairo.
type faucet struct {
	pausable
	token     cairo.Variable[cairo.Address]
	cap       cairo.Variable[cairo.U256]
	given     cairo.Variable[cairo.U256]
	nextClaim cairo.Mapping[cairo.Address, uint64]
}

func newFaucet(f *cairo.Frame) *faucet {
	return &faucet{
		newPausable(f),
		cairo.NewVariable[cairo.Address](f, "token"),
		cairo.NewVariable[cairo.U256](f, "cap"),
		cairo.NewVariable[cairo.U256](f, "given"),
		cairo.NewMapping[cairo.Address, uint64](f, "next_claim"),
	}
}

func faucetClass() *cairo.Class {
	return contract("Faucet", cairo.Methods(newFaucet, cairo.Functions{
		"constructor": (*faucet).constructor,
		"claim":       (*faucet).claim,
		"refill":      (*faucet).refill,
		"claim_info":  (*faucet).claimInfo,
	}), ownableFunctions(), pausableFunctions())
}

type claimInfo struct {
	Amount    cairo.U256
	NextClaim uint64
	Remaining cairo.U256
}

func (t *faucet) constructor(owner, token cairo.Address, limit cairo.U256) {
	cairo.Assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.token.Write(token)
	t.cap.Write(limit)
}

func (t *faucet) claim() {
	t.assertOpen()
	account, now := t.Caller(), t.Timestamp()
	cairo.Assert(now >= t.nextClaim.Read(account), "CLAIM_TOO_SOON")
	given := t.given.Read().Add(claimAmount())
	cairo.Assert(given.Cmp(t.cap.Read()) <= 0, "CAP_REACHED")
	token := t.token.Read()
	held := cairo.Call[cairo.U256](t.Frame, token, "balance_of", t.Address())
	cairo.Assert(!held.Less(claimAmount()), "FAUCET_EMPTY")

	nextClaim := cairo.Add("u64", now, claimInterval)
	t.given.Write(given)
	t.nextClaim.Write(account, nextClaim)
	t.Emit("Claimed", cairo.Keys{account}, claimAmount(), nextClaim)
	cairo.Assert(cairo.Call[bool](t.Frame, token, "transfer", account, claimAmount()), "TRANSFER_FAILED")
}

func (t *faucet) refill(amount cairo.U256) {
	cairo.Assert(!amount.IsZero(), "ZERO_AMOUNT")
	account := t.Caller()
	t.Emit("Refilled", cairo.Keys{account}, amount)
	paid := cairo.Call[bool](t.Frame, t.token.Read(), "transfer_from", account, t.Address(), amount)
	cairo.Assert(paid, "TRANSFER_FAILED")
}

func (t *faucet) claimInfo(account cairo.Address) claimInfo {
	unspent := t.cap.Read().SubOrZero(t.given.Read())
	held := cairo.Call[cairo.U256](t.Frame, t.token.Read(), "balance_of", t.Address())
	return claimInfo{claimAmount(), t.nextClaim.Read(account), cairo.Min(unspent, held)}
}
