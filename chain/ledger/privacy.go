package ledger

import (
	"errors"
	"slices"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
)

var (
	// amountLimit is the least number that is no amount.
	amountLimit = num(uint64(elgamal.MaxAmount) + 1)
	// maxRate is 2^216 - 1.
	maxRate = u256FromBytes([32]byte(append(make([]byte, 5), slices.Repeat([]byte{0xff}, 27)...)))
)

// confidential is a confidential account; the contract calls it Account.
type confidential struct {
	Key     point
	Balance ciphertext
	Pending ciphertext
	Nonce   uint64
}

// privacyRouter is contracts/src/privacy.cairo.
type privacyRouter struct {
	pausable
	token    variable[address]
	rate     variable[u256]
	payments variable[address]
	auditor  variable[*point]
	accounts mapping[address, confidential]
}

func newPrivacyRouter(f *frame) *privacyRouter {
	return &privacyRouter{newPausable(f), variable[address]{f, "token"}, variable[u256]{f, "rate"}, variable[address]{f, "payment_router"},
		variable[*point]{f, "auditor"}, mapping[address, confidential]{f, "accounts"}}
}

var privacyRouterClass = contract("PrivacyRouter", methods(newPrivacyRouter, functions{
	"constructor":    (*privacyRouter).constructor,
	"configure":      (*privacyRouter).configure,
	"register_key":   (*privacyRouter).registerKey,
	"deposit":        (*privacyRouter).deposit,
	"transfer":       (*privacyRouter).transfer,
	"rollover":       (*privacyRouter).rollover,
	"withdraw":       (*privacyRouter).withdraw,
	"ragequit":       (*privacyRouter).ragequit,
	"debit":          (*privacyRouter).debit,
	"credit":         (*privacyRouter).credit,
	"set_auditor":    (*privacyRouter).setAuditor,
	"account":        (*privacyRouter).account,
	"nonce":          (*privacyRouter).nonce,
	"rate":           (*privacyRouter).rateView,
	"token":          (*privacyRouter).tokenView,
	"auditor":        (*privacyRouter).auditorView,
	"payment_router": (*privacyRouter).paymentRouter,
	"auditor_action": (*privacyRouter).auditorAction,
}), ownableFunctions, pausableFunctions)

func (t *privacyRouter) constructor(owner, token address, rate u256) {
	assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	assert(rate.cmp(maxRate) <= 0, "BAD_RATE")
	assert(call[u256](t.frame, token, "total_supply").less(amountLimit.mul(rate)), "BAD_RATE")
	t.token.write(token)
	t.rate.write(rate)
}

func (t *privacyRouter) configure(payments address) {
	t.assertOwner()
	assert(t.payments.read().IsZero(), "ALREADY_CONFIGURED")
	assert(!payments.IsZero(), "ZERO_ADDRESS")
	t.payments.write(payments)
	t.emit("Configured", nil, payments)
}

func (t *privacyRouter) registerKey(y point, proof []Felt) {
	t.assertOpen()
	owner := t.caller()
	assert(t.nonce(owner) == 0, "ACCOUNT_EXISTS")
	assertKey(y)
	zero := fromCiphertext(elgamal.Zero(publicKey(y)))
	a := confidential{y, zero, zero, 0}
	t.verifyOwnership(elgamal.OpRegister, owner, a, proof)
	a.Nonce = 1
	t.accounts.write(owner, a)
	t.emit("KeyRegistered", key{owner}, y)
}

func (t *privacyRouter) deposit(amount uint64, proof []Felt) {
	t.assertOpen()
	assert(elgamal.Amount(amount).Valid(), "PROOF_AMOUNT")
	owner, a := t.ownAccount()
	t.verifyOwnership(elgamal.OpDeposit, owner, a, proof, uintFelt(amount))
	balance, err := a.Balance.elgamal().AddPlain(elgamal.Amount(amount))
	verified(err)
	t.advance(owner, balance)
	t.emit("Deposited", key{owner}, amount)
	paid := call[bool](t.frame, t.token.read(), "transfer_from", owner, t.address(), t.value(amount))
	assert(paid, "TRANSFER_FAILED")
}

func (t *privacyRouter) transfer(to address, message []Felt) {
	t.assertOpen()
	from := t.caller()
	assert(from != to, "SELF_TRANSFER")
	a := t.existing(from)
	f := t.spend(t.context(elgamal.OpTransfer, from, a), from, a, to, message)
	t.enter(to, f.Fee)
	t.emit("Transferred", key{from, to}, f.Refund, f.Fee)
}

func (t *privacyRouter) rollover(proof []Felt) {
	owner, a := t.ownAccount()
	t.verifyOwnership(elgamal.OpRollover, owner, a, proof)
	y := publicKey(a.Key)
	t.curve(2)
	balance, err := elgamal.Credit(y, a.Balance.elgamal(), a.Pending.elgamal())
	verified(err)
	t.advance(owner, balance)
	a = t.accounts.read(owner)
	a.Pending = fromCiphertext(elgamal.Zero(y))
	t.accounts.write(owner, a)
	t.emit("RolledOver", key{owner})
}

func (t *privacyRouter) withdraw(amount uint64, recipient address, message []Felt) {
	owner, a := t.ownAccount()
	s := elgamal.WithdrawStatement{Context: t.context(elgamal.OpWithdraw, owner, a), From: publicKey(a.Key),
		Auditor: t.auditorKey(), Amount: elgamal.Amount(amount), Recipient: recipient.Felt}
	w, err := elgamal.ParseWithdraw(message, s.Auditor.Valid())
	verified(err)
	t.curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyWithdraw(s, w)
	verified(err)
	t.advance(owner, balance)
	if s.Auditor.Valid() {
		t.emit("Audited", key{owner}, *t.auditor.read(), (*ciphertext)(nil), fromCiphertext(w.AuditRemainder))
	}
	t.pay(owner, recipient, amount)
}

func (t *privacyRouter) ragequit(amount uint64, recipient address, message []Felt) {
	owner, a := t.ownAccount()
	s := elgamal.RagequitStatement{Context: t.context(elgamal.OpRagequit, owner, a), From: publicKey(a.Key),
		Amount: elgamal.Amount(amount), Recipient: recipient.Felt}
	proof, err := elgamal.ParseProof(message, 2, 1)
	verified(err)
	t.curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyRagequit(s, proof)
	verified(err)
	t.advance(owner, balance)
	t.pay(owner, recipient, amount)
}

func (t *privacyRouter) debit(id jobID, client, worker address, message []Felt) fee {
	t.assertPaymentRouter()
	t.assertOpen()
	assert(client != worker, "SELF_JOB")
	a := t.existing(client)
	context := t.context(elgamal.OpEscrow, client, a)
	context.JobID = id.Value.Bytes()
	f := t.spend(context, client, a, worker, message)
	t.emit("Debited", key{client, id})
	return f
}

func (t *privacyRouter) credit(account address, amount ciphertext) {
	t.assertPaymentRouter()
	t.enter(account, amount)
	t.emit("Credited", key{account})
}

func (t *privacyRouter) setAuditor(auditor *point) {
	t.assertOwner()
	if auditor != nil {
		assertKey(*auditor)
	}
	t.execute(t.auditorAction(auditor))
	t.auditor.write(auditor)
	t.emit("AuditorSet", nil, auditor)
}

func (t *privacyRouter) account(owner address) confidential { return t.accounts.read(owner) }

func (t *privacyRouter) nonce(owner address) uint64 { return t.accounts.read(owner).Nonce }

func (t *privacyRouter) rateView() u256 { return t.rate.read() }

func (t *privacyRouter) tokenView() address { return t.token.read() }

func (t *privacyRouter) auditorView() *point { return t.auditor.read() }

func (t *privacyRouter) paymentRouter() address { return t.payments.read() }

func (t *privacyRouter) auditorAction(auditor *point) Felt {
	return t.hash(shortString("set_auditor"), auditor)
}

func (t *privacyRouter) assertPaymentRouter() {
	router := t.payments.read()
	assert(!router.IsZero(), "NOT_CONFIGURED")
	assert(t.caller() == router, "UNAUTHORIZED")
}

func (t *privacyRouter) existing(owner address) confidential {
	a := t.accounts.read(owner)
	assert(a.Nonce != 0, "NO_ACCOUNT")
	return a
}

func (t *privacyRouter) ownAccount() (address, confidential) {
	owner := t.caller()
	return owner, t.existing(owner)
}

// advance uses up the nonce and sets the balance.
func (t *privacyRouter) advance(owner address, balance elgamal.Ciphertext) {
	a := t.accounts.read(owner)
	a.Nonce = add("u64", a.Nonce, 1)
	a.Balance = fromCiphertext(balance)
	t.accounts.write(owner, a)
}

// spend takes what a transfer says out of an account's balance.
func (t *privacyRouter) spend(context elgamal.Context, from address, a confidential, to address, message []Felt) fee {
	recipient := t.existing(to)
	s := elgamal.TransferStatement{Context: context, From: publicKey(a.Key), To: publicKey(recipient.Key), Auditor: t.auditorKey()}
	transfer, err := elgamal.ParseTransfer(message, s.Auditor.Valid())
	verified(err)
	t.curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyTransfer(s, transfer)
	verified(err)
	t.advance(from, balance)
	if s.Auditor.Valid() {
		amount := fromCiphertext(transfer.AuditAmount)
		t.emit("Audited", key{from}, *t.auditor.read(), &amount, fromCiphertext(transfer.AuditRemainder))
	}
	return fee{fromCiphertext(transfer.Self), fromCiphertext(transfer.Recipient)}
}

// enter adds to what is pending.
func (t *privacyRouter) enter(owner address, amount ciphertext) {
	a := t.existing(owner)
	t.curve(2)
	pending, err := elgamal.Credit(publicKey(a.Key), a.Pending.elgamal(), amount.elgamal())
	verified(err)
	a.Pending = fromCiphertext(pending)
	t.accounts.write(owner, a)
}

func (t *privacyRouter) pay(account, recipient address, amount uint64) {
	t.emit("Withdrawn", key{account}, recipient, amount)
	assert(call[bool](t.frame, t.token.read(), "transfer", recipient, t.value(amount)), "TRANSFER_FAILED")
}

// value is an amount in base units.
func (t *privacyRouter) value(amount uint64) u256 { return num(amount).mul(t.rate.read()) }

func (t *privacyRouter) auditorKey() elgamal.PublicKey {
	if a := t.auditor.read(); a != nil {
		return publicKey(*a)
	}
	return elgamal.PublicKey{}
}

func (t *privacyRouter) context(operation string, sender address, a confidential) elgamal.Context {
	return elgamal.Context{Operation: operation, ChainID: t.chainID(), Contract: t.this, Sender: sender.Felt,
		Nonce: a.Nonce, Balance: a.Balance.elgamal()}
}

func (t *privacyRouter) verifyOwnership(operation string, owner address, a confidential, message []Felt, values ...Felt) {
	proof, err := elgamal.ParseProof(message, 1, 1)
	verified(err)
	t.curve(operationCurve(len(message)))
	verified(elgamal.VerifyOwnership(t.context(operation, owner, a), publicKey(a.Key), proof, values...))
}

// operationCurve is about how many multiplications the verification of a message takes: a
// bit has nine felts and takes five.
func operationCurve(felts int) uint64 { return 2 + uint64(felts)*5/9 }

// proofErrors are the errors of contracts/src/elgamal.cairo.
var proofErrors = map[elgamal.Check]string{
	elgamal.CheckLength: "PROOF_LENGTH", elgamal.CheckScalar: "PROOF_SCALAR", elgamal.CheckIdentity: "PROOF_IDENTITY",
	elgamal.CheckPoint: "PROOF_POINT", elgamal.CheckAmount: "PROOF_AMOUNT", elgamal.CheckRecipient: "PROOF_RECIPIENT",
	elgamal.CheckSharedRandomness: "PROOF_SHARED_RANDOMNESS", elgamal.CheckChallenge: "PROOF_CHALLENGE",
	elgamal.CheckBit: "PROOF_BIT", elgamal.CheckKey: "PROOF_KEY", elgamal.CheckRandomness: "PROOF_RANDOMNESS",
	elgamal.CheckCiphertext: "PROOF_CIPHERTEXT", elgamal.CheckOtherCiphertext: "PROOF_OTHER_CIPHERTEXT",
	elgamal.CheckCommitment: "PROOF_HASH", elgamal.CheckBalance: "PROOF_BALANCE",
	elgamal.CheckRemainderCommitment: "PROOF_REMAINDER_COMMITMENT", elgamal.CheckAuditAmount: "PROOF_AUDIT_AMOUNT",
	elgamal.CheckAuditRemainder: "PROOF_AUDIT_REMAINDER", elgamal.CheckAuditRandomness: "PROOF_AUDIT_RANDOMNESS",
}

// verified reverts with the check that failed.
func verified(err error) {
	var bad *elgamal.InvalidError
	if errors.As(err, &bad) {
		code, ok := proofErrors[bad.Check]
		if !ok {
			panic(err) // of a value that the contract itself filled in
		}
		assert(false, code)
	}
	if err != nil {
		panic(err)
	}
}

// publicKey converts a key that the contract accepted.
func publicKey(p point) elgamal.PublicKey {
	key, err := elgamal.NewPublicKey(p.X, p.Y)
	verified(err)
	return key
}

func (c ciphertext) elgamal() elgamal.Ciphertext {
	out, err := elgamal.ParseCiphertext([]felt.Felt{c.L.X, c.L.Y, c.R.X, c.R.Y})
	verified(err)
	return out
}

func fromCiphertext(c elgamal.Ciphertext) ciphertext {
	f := c.Felts()
	return ciphertext{point{f[0], f[1]}, point{f[2], f[3]}}
}
