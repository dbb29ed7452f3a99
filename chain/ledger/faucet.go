package ledger

// claimAmount is 1,000 SAGE.
var claimAmount = decimal("1000000000000000000000")

const claimInterval uint64 = 24 * 3600

// faucet is contracts/src/faucet.cairo.
type faucet struct {
	pausable
	token     variable[address]
	cap       variable[u256]
	given     variable[u256]
	nextClaim mapping[address, uint64]
}

func newFaucet(f *frame) *faucet {
	return &faucet{newPausable(f), variable[address]{f, "token"}, variable[u256]{f, "cap"}, variable[u256]{f, "given"},
		mapping[address, uint64]{f, "next_claim"}}
}

var faucetClass = contract("Faucet", methods(newFaucet, functions{
	"constructor": (*faucet).constructor,
	"claim":       (*faucet).claim,
	"refill":      (*faucet).refill,
	"claim_info":  (*faucet).claimInfo,
}), ownableFunctions, pausableFunctions)

type claimInfo struct {
	Amount    u256
	NextClaim uint64
	Remaining u256
}

func (t *faucet) constructor(owner, token address, limit u256) {
	assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	t.token.write(token)
	t.cap.write(limit)
}

func (t *faucet) claim() {
	t.assertOpen()
	account, now := t.caller(), t.timestamp()
	assert(now >= t.nextClaim.read(account), "CLAIM_TOO_SOON")
	given := t.given.read().add(claimAmount)
	assert(given.cmp(t.cap.read()) <= 0, "CAP_REACHED")
	token := t.token.read()
	held := call[u256](t.frame, token, "balance_of", t.address())
	assert(!held.less(claimAmount), "FAUCET_EMPTY")

	nextClaim := add("u64", now, claimInterval)
	t.given.write(given)
	t.nextClaim.write(account, nextClaim)
	t.emit("Claimed", key{account}, claimAmount, nextClaim)
	assert(call[bool](t.frame, token, "transfer", account, claimAmount), "TRANSFER_FAILED")
}

func (t *faucet) refill(amount u256) {
	assert(!amount.isZero(), "ZERO_AMOUNT")
	account := t.caller()
	t.emit("Refilled", key{account}, amount)
	paid := call[bool](t.frame, t.token.read(), "transfer_from", account, t.address(), amount)
	assert(paid, "TRANSFER_FAILED")
}

func (t *faucet) claimInfo(account address) claimInfo {
	unspent := t.cap.read().subOrZero(t.given.read())
	held := call[u256](t.frame, t.token.read(), "balance_of", t.address())
	return claimInfo{claimAmount, t.nextClaim.read(account), minimum(unspent, held)}
}
