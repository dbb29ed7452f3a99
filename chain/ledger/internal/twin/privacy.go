package twin

import (
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/elgamal"
)

// amountLimit is the least number that is no amount.
func amountLimit() cairo.U256 { return cairo.U256Of(uint64(elgamal.MaxAmount) + 1) }

// maxRate is 2^216 - 1.
var maxRate = cairo.U256{^uint64(0), ^uint64(0), ^uint64(0), 1<<24 - 1}

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
	token    cairo.Variable[cairo.Address]
	rate     cairo.Variable[cairo.U256]
	payments cairo.Variable[cairo.Address]
	auditor  cairo.Variable[*point]
	accounts cairo.Mapping[cairo.Address, confidential]
}

func newPrivacyRouter(f *cairo.Frame) *privacyRouter {
	return &privacyRouter{
		newPausable(f),
		cairo.NewVariable[cairo.Address](f, "token"),
		cairo.NewVariable[cairo.U256](f, "rate"),
		cairo.NewVariable[cairo.Address](f, "payment_router"),
		cairo.NewVariable[*point](f, "auditor"),
		cairo.NewMapping[cairo.Address, confidential](f, "accounts"),
	}
}

func privacyRouterClass() *cairo.Class {
	return contract("PrivacyRouter", cairo.Methods(newPrivacyRouter, cairo.Functions{
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
	}), ownableFunctions(), pausableFunctions())
}

func (t *privacyRouter) constructor(owner, token cairo.Address, rate cairo.U256) {
	cairo.Assert(!token.IsZero(), "ZERO_ADDRESS")
	t.initializeOwner(owner)
	cairo.Assert(rate.Cmp(maxRate) <= 0, "BAD_RATE")
	cairo.Assert(cairo.Call[cairo.U256](t.Frame, token, "total_supply").Less(amountLimit().Mul(rate)), "BAD_RATE")
	t.token.Write(token)
	t.rate.Write(rate)
}

func (t *privacyRouter) configure(payments cairo.Address) {
	t.assertOwner()
	cairo.Assert(t.payments.Read().IsZero(), "ALREADY_CONFIGURED")
	cairo.Assert(!payments.IsZero(), "ZERO_ADDRESS")
	t.payments.Write(payments)
	t.Emit("Configured", nil, payments)
}

func (t *privacyRouter) registerKey(y point, proof []felt.Felt) {
	t.assertOpen()
	owner := t.Caller()
	cairo.Assert(t.nonce(owner) == 0, "ACCOUNT_EXISTS")
	assertKey(y)
	zero := fromCiphertext(elgamal.Zero(publicKey(y)))
	a := confidential{y, zero, zero, 0}
	t.verifyOwnership(elgamal.OpRegister, owner, a, proof)
	a.Nonce = 1
	t.accounts.Write(owner, a)
	t.Emit("KeyRegistered", cairo.Keys{owner}, y)
}

func (t *privacyRouter) deposit(amount uint64, proof []felt.Felt) {
	t.assertOpen()
	cairo.Assert(elgamal.Amount(amount).Valid(), "PROOF_AMOUNT")
	owner, a := t.ownAccount()
	t.verifyOwnership(elgamal.OpDeposit, owner, a, proof, cairo.Uint(amount))
	balance, err := a.Balance.elgamal().AddPlain(elgamal.Amount(amount))
	verified(err)
	t.advance(owner, balance)
	t.Emit("Deposited", cairo.Keys{owner}, amount)
	paid := cairo.Call[bool](t.Frame, t.token.Read(), "transfer_from", owner, t.Address(), t.value(amount))
	cairo.Assert(paid, "TRANSFER_FAILED")
}

func (t *privacyRouter) transfer(to cairo.Address, message []felt.Felt) {
	t.assertOpen()
	from := t.Caller()
	cairo.Assert(from != to, "SELF_TRANSFER")
	a := t.existing(from)
	f := t.spend(t.context(elgamal.OpTransfer, from, a), from, a, to, message)
	t.enter(to, f.Fee)
	t.Emit("Transferred", cairo.Keys{from, to}, f.Refund, f.Fee)
}

func (t *privacyRouter) rollover(proof []felt.Felt) {
	owner, a := t.ownAccount()
	t.verifyOwnership(elgamal.OpRollover, owner, a, proof)
	y := publicKey(a.Key)
	t.Curve(2)
	balance, err := elgamal.Credit(y, a.Balance.elgamal(), a.Pending.elgamal())
	verified(err)
	t.advance(owner, balance)
	a = t.accounts.Read(owner)
	a.Pending = fromCiphertext(elgamal.Zero(y))
	t.accounts.Write(owner, a)
	t.Emit("RolledOver", cairo.Keys{owner})
}

func (t *privacyRouter) withdraw(amount uint64, recipient cairo.Address, message []felt.Felt) {
	owner, a := t.ownAccount()
	s := elgamal.WithdrawStatement{Context: t.context(elgamal.OpWithdraw, owner, a), From: publicKey(a.Key),
		Auditor: t.auditorKey(), Amount: elgamal.Amount(amount), Recipient: recipient.Felt}
	w, err := elgamal.ParseWithdraw(message, s.Auditor.Valid())
	verified(err)
	t.Curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyWithdraw(s, w)
	verified(err)
	t.advance(owner, balance)
	if s.Auditor.Valid() {
		t.Emit("Audited", cairo.Keys{owner}, *t.auditor.Read(), (*ciphertext)(nil), fromCiphertext(w.AuditRemainder))
	}
	t.pay(owner, recipient, amount)
}

func (t *privacyRouter) ragequit(amount uint64, recipient cairo.Address, message []felt.Felt) {
	owner, a := t.ownAccount()
	s := elgamal.RagequitStatement{Context: t.context(elgamal.OpRagequit, owner, a), From: publicKey(a.Key),
		Amount: elgamal.Amount(amount), Recipient: recipient.Felt}
	proof, err := elgamal.ParseProof(message, 2, 1)
	verified(err)
	t.Curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyRagequit(s, proof)
	verified(err)
	t.advance(owner, balance)
	t.pay(owner, recipient, amount)
}

func (t *privacyRouter) debit(id jobID, client, worker cairo.Address, message []felt.Felt) fee {
	t.assertPaymentRouter()
	t.assertOpen()
	cairo.Assert(client != worker, "SELF_JOB")
	a := t.existing(client)
	context := t.context(elgamal.OpEscrow, client, a)
	context.JobID = id.Value.Bytes()
	f := t.spend(context, client, a, worker, message)
	t.Emit("Debited", cairo.Keys{client, id})
	return f
}

func (t *privacyRouter) credit(account cairo.Address, amount ciphertext) {
	t.assertPaymentRouter()
	t.enter(account, amount)
	t.Emit("Credited", cairo.Keys{account})
}

func (t *privacyRouter) setAuditor(auditor *point) {
	t.assertOwner()
	if auditor != nil {
		assertKey(*auditor)
	}
	t.execute(t.auditorAction(auditor))
	t.auditor.Write(auditor)
	t.Emit("AuditorSet", nil, auditor)
}

func (t *privacyRouter) account(owner cairo.Address) confidential { return t.accounts.Read(owner) }

func (t *privacyRouter) nonce(owner cairo.Address) uint64 { return t.accounts.Read(owner).Nonce }

func (t *privacyRouter) rateView() cairo.U256 { return t.rate.Read() }

func (t *privacyRouter) tokenView() cairo.Address { return t.token.Read() }

func (t *privacyRouter) auditorView() *point { return t.auditor.Read() }

func (t *privacyRouter) paymentRouter() cairo.Address { return t.payments.Read() }

func (t *privacyRouter) auditorAction(auditor *point) felt.Felt {
	return t.Hash(cairo.ShortString("set_auditor"), auditor)
}

func (t *privacyRouter) assertPaymentRouter() {
	router := t.payments.Read()
	cairo.Assert(!router.IsZero(), "NOT_CONFIGURED")
	cairo.Assert(t.Caller() == router, "UNAUTHORIZED")
}

func (t *privacyRouter) existing(owner cairo.Address) confidential {
	a := t.accounts.Read(owner)
	cairo.Assert(a.Nonce != 0, "NO_ACCOUNT")
	return a
}

func (t *privacyRouter) ownAccount() (cairo.Address, confidential) {
	owner := t.Caller()
	return owner, t.existing(owner)
}

// advance uses up the nonce and sets the balance.
func (t *privacyRouter) advance(owner cairo.Address, balance elgamal.Ciphertext) {
	a := t.accounts.Read(owner)
	a.Nonce = cairo.Add("u64", a.Nonce, 1)
	a.Balance = fromCiphertext(balance)
	t.accounts.Write(owner, a)
}

// spend takes what a transfer says out of an account's balance.
func (t *privacyRouter) spend(context elgamal.Context, from cairo.Address, a confidential, to cairo.Address, message []felt.Felt) fee {
	recipient := t.existing(to)
	s := elgamal.TransferStatement{Context: context, From: publicKey(a.Key), To: publicKey(recipient.Key), Auditor: t.auditorKey()}
	transfer, err := elgamal.ParseTransfer(message, s.Auditor.Valid())
	verified(err)
	t.Curve(operationCurve(len(message)))
	balance, err := elgamal.VerifyTransfer(s, transfer)
	verified(err)
	t.advance(from, balance)
	if s.Auditor.Valid() {
		amount := fromCiphertext(transfer.AuditAmount)
		t.Emit("Audited", cairo.Keys{from}, *t.auditor.Read(), &amount, fromCiphertext(transfer.AuditRemainder))
	}
	return fee{fromCiphertext(transfer.Self), fromCiphertext(transfer.Recipient)}
}

// enter adds to what is pending.
func (t *privacyRouter) enter(owner cairo.Address, amount ciphertext) {
	a := t.existing(owner)
	t.Curve(2)
	pending, err := elgamal.Credit(publicKey(a.Key), a.Pending.elgamal(), amount.elgamal())
	verified(err)
	a.Pending = fromCiphertext(pending)
	t.accounts.Write(owner, a)
}

func (t *privacyRouter) pay(account, recipient cairo.Address, amount uint64) {
	t.Emit("Withdrawn", cairo.Keys{account}, recipient, amount)
	cairo.Assert(cairo.Call[bool](t.Frame, t.token.Read(), "transfer", recipient, t.value(amount)), "TRANSFER_FAILED")
}

// value is an amount in base units.
func (t *privacyRouter) value(amount uint64) cairo.U256 {
	return cairo.U256Of(amount).Mul(t.rate.Read())
}

func (t *privacyRouter) auditorKey() elgamal.PublicKey {
	if a := t.auditor.Read(); a != nil {
		return publicKey(*a)
	}
	return elgamal.PublicKey{}
}

func (t *privacyRouter) context(operation string, sender cairo.Address, a confidential) elgamal.Context {
	return elgamal.Context{Operation: operation, ChainID: t.ChainID(), Contract: t.This, Sender: sender.Felt,
		Nonce: a.Nonce, Balance: a.Balance.elgamal()}
}

func (t *privacyRouter) verifyOwnership(operation string, owner cairo.Address, a confidential, message []felt.Felt, values ...felt.Felt) {
	proof, err := elgamal.ParseProof(message, 1, 1)
	verified(err)
	t.Curve(operationCurve(len(message)))
	verified(elgamal.VerifyOwnership(t.context(operation, owner, a), publicKey(a.Key), proof, values...))
}

// operationCurve is about how many multiplications the verification of a message takes: a
// bit has nine felts and takes five.
func operationCurve(felts int) uint64 { return 2 + uint64(felts)*5/9 }

// proofError is the error of contracts/src/elgamal.cairo for a check that failed, or "".
func proofError(check elgamal.Check) string {
	switch check {
	case elgamal.CheckLength:
		return "PROOF_LENGTH"
	case elgamal.CheckScalar:
		return "PROOF_SCALAR"
	case elgamal.CheckIdentity:
		return "PROOF_IDENTITY"
	case elgamal.CheckPoint:
		return "PROOF_POINT"
	case elgamal.CheckAmount:
		return "PROOF_AMOUNT"
	case elgamal.CheckRecipient:
		return "PROOF_RECIPIENT"
	case elgamal.CheckSharedRandomness:
		return "PROOF_SHARED_RANDOMNESS"
	case elgamal.CheckChallenge:
		return "PROOF_CHALLENGE"
	case elgamal.CheckBit:
		return "PROOF_BIT"
	case elgamal.CheckKey:
		return "PROOF_KEY"
	case elgamal.CheckRandomness:
		return "PROOF_RANDOMNESS"
	case elgamal.CheckCiphertext:
		return "PROOF_CIPHERTEXT"
	case elgamal.CheckOtherCiphertext:
		return "PROOF_OTHER_CIPHERTEXT"
	case elgamal.CheckCommitment:
		return "PROOF_HASH"
	case elgamal.CheckBalance:
		return "PROOF_BALANCE"
	case elgamal.CheckRemainderCommitment:
		return "PROOF_REMAINDER_COMMITMENT"
	case elgamal.CheckAuditAmount:
		return "PROOF_AUDIT_AMOUNT"
	case elgamal.CheckAuditRemainder:
		return "PROOF_AUDIT_REMAINDER"
	case elgamal.CheckAuditRandomness:
		return "PROOF_AUDIT_RANDOMNESS"
	}
	return ""
}

// verified reverts with the check that failed.
func verified(err error) {
	var bad *elgamal.InvalidError
	if errors.As(err, &bad) {
		code := proofError(bad.Check)
		if code == "" {
			panic(err) // of a value that the contract itself filled in
		}
		cairo.Assert(false, code)
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
