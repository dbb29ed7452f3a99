package chaintest

import (
	"math/big"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
)

// An edit changes what a proof is made for; the call stays what it is. A change
// alters the felts of a proof that was made for the right thing.
type (
	edit   func(*scene, *elgamal.Context)
	change func([]chain.Felt) []chain.Felt
)

func identity(*scene, *elgamal.Context)         {}
func unchanged(proof []chain.Felt) []chain.Felt { return proof }

// operation is one that moves an encrypted balance, by a proof.
type operation struct {
	contract, function string
	attempt            func(s *scene, t *testing.T, e edit, c change) attempt
	changes            []alteration
}

// alteration is a change and the check that finds it.
type alteration struct {
	when, code string
	change     change
}

var operations = []operation{
	{"PrivacyRouter", "register_key", (*scene).opening, ownershipChanges},
	{"PrivacyRouter", "deposit", (*scene).depositing, ownershipChanges},
	{"PrivacyRouter", "rollover", (*scene).rolling, ownershipChanges},
	{"PrivacyRouter", "transfer", (*scene).transferring, transferChanges(0)},
	{"PrivacyRouter", "withdraw", (*scene).withdrawing, withdrawalChanges},
	{"PrivacyRouter", "ragequit", (*scene).quitting, ragequitChanges},
	{"JobManager", "submit_job", (*scene).escrowing, transferChanges(0)},
}

// edits are all that a proof is bound to besides its own values.
var edits = []struct {
	when string
	edit edit
}{
	{"made for another operation", func(s *scene, c *elgamal.Context) { c.Operation = elgamal.OpAudit }},
	{"made for another chain", func(s *scene, c *elgamal.Context) { c.ChainID = text("SN_OTHER") }},
	{"made for another contract", func(s *scene, c *elgamal.Context) { c.Contract = s.bare.privacy.address }},
	{"made by another account", func(s *scene, c *elgamal.Context) { c.Sender = s.rival.Address() }},
	{"made for the nonce after", func(s *scene, c *elgamal.Context) { c.Nonce++ }},
	{"made for the nonce before", func(s *scene, c *elgamal.Context) { c.Nonce-- }},
	{"made for another job", func(s *scene, c *elgamal.Context) { c.JobID[31]++ }},
	{"made for the proof of a job", func(s *scene, c *elgamal.Context) { c.ProofHash[31]++ }},
}

func accountRefusals() []refusal {
	var out []refusal
	for _, op := range operations {
		row := func(when, code string, e edit, c change) {
			out = append(out, refusal{op.contract, op.function, when, code, func(t *testing.T, s *scene) attempt { return op.attempt(s, t, e, c) }})
		}
		for _, e := range edits {
			row("with a proof "+e.when, "PROOF_KEY", e.edit, unchanged)
		}
		for _, a := range op.changes {
			row("with "+a.when, a.code, identity, a.change)
		}
	}
	return slices.Concat(out, confidentialRefusals(), routerRefusals(), forgedRefusals())
}

func (s *scene) opening(t *testing.T, e edit, c change) attempt {
	t.Helper()
	ctx := elgamal.Context{Operation: elgamal.OpRegister, ChainID: s.chainID, Contract: s.privacy.address, Sender: s.stranger.Address(),
		Balance: elgamal.Zero(s.key.Public())}
	e(s, &ctx)
	proof := must(s.key.ProveOwnership(ctx))(t).Felts()
	return s.stranger.at(s.privacy, privacyrouter.RegisterKeyCall(point(s.key.Public()), c(proof)))
}

func (s *scene) depositing(t *testing.T, e edit, c change) attempt {
	t.Helper()
	ctx := s.client.context(t, elgamal.OpDeposit)
	e(s, &ctx)
	return s.client.at(s.privacy, privacyrouter.DepositCall(7, c(s.client.owns(t, ctx, chain.Uint(7)))))
}

func (s *scene) rolling(t *testing.T, e edit, c change) attempt {
	t.Helper()
	ctx := s.client.context(t, elgamal.OpRollover)
	e(s, &ctx)
	return s.client.at(s.privacy, privacyrouter.RolloverCall(c(s.client.owns(t, ctx))))
}

func (s *scene) transferring(t *testing.T, e edit, c change) attempt {
	t.Helper()
	ctx := s.client.context(t, elgamal.OpTransfer)
	e(s, &ctx)
	transfer := must(elgamal.ProveTransfer(s.client.secret, s.client.statement(t, s.worker, ctx), s.client.balance(t), sceneFee))(t)
	return s.client.at(s.privacy, privacyrouter.TransferCall(s.worker.Address(), c(transfer.Felts())))
}

func (s *scene) withdrawing(t *testing.T, e edit, c change) attempt {
	t.Helper()
	statement := s.client.withdrawal(t, 7, s.client.Address())
	e(s, &statement.Context)
	proof := must(elgamal.ProveWithdraw(s.client.secret, statement, s.client.balance(t)))(t)
	return s.client.at(s.privacy, privacyrouter.WithdrawCall(7, s.client.Address(), c(proof.Felts())))
}

func (s *scene) quitting(t *testing.T, e edit, c change) attempt {
	t.Helper()
	statement := s.client.ragequit(t, s.client.balance(t), s.client.Address())
	e(s, &statement.Context)
	proof := must(elgamal.ProveRagequit(s.client.secret, statement))(t)
	return s.client.at(s.privacy, privacyrouter.RagequitCall(uint64(statement.Amount), s.client.Address(), c(proof.Felts())))
}

func (s *scene) escrowing(t *testing.T, e edit, c change) attempt {
	t.Helper()
	j := s.newJob(t, s.client, s.worker, sceneFee)
	ctx := j.escrowContext(t)
	e(s, &ctx)
	transfer := must(elgamal.ProveTransfer(s.client.secret, s.client.statement(t, s.worker, ctx), s.client.balance(t), sceneFee))(t)
	return attempt{s.client, j.submitCall(c(transfer.Felts()))}
}

// put writes felts over a proof, at an index that counts from the end if it is
// negative.
func put(at int, felts ...chain.Felt) change {
	return func(proof []chain.Felt) []chain.Felt {
		proof = slices.Clone(proof)
		copy(proof[index(proof, at):], felts)
		return proof
	}
}

// raise adds 1 to a felt.
func raise(at int) change {
	return func(proof []chain.Felt) []chain.Felt {
		one := chain.Uint(1)
		return put(at, *one.Add(&one, &proof[index(proof, at)]))(proof)
	}
}

func index(proof []chain.Felt, at int) int {
	if at < 0 {
		return len(proof) + at
	}
	return at
}

var (
	aPoint  = elgamal.Generator().Felts()
	tooHigh = func() (f chain.Felt) { f.SetBigInt(order); return f }()
)

// shapeChanges are those of any proof: it begins with a point and ends with a scalar.
var shapeChanges = []alteration{
	{"an empty proof", "PROOF_LENGTH", func([]chain.Felt) []chain.Felt { return nil }},
	{"a felt missing", "PROOF_LENGTH", func(p []chain.Felt) []chain.Felt { return p[1:] }},
	{"a felt too many", "PROOF_LENGTH", func(p []chain.Felt) []chain.Felt { return append(slices.Clone(p), chain.Uint(0)) }},
	{"the identity as a point", "PROOF_IDENTITY", put(0, chain.Felt{}, chain.Felt{})},
	{"a point off the curve", "PROOF_POINT", raise(0)},
	{"a scalar of the group's order", "PROOF_SCALAR", put(-1, tooHigh)},
}

var ownershipChanges = append(slices.Clone(shapeChanges),
	alteration{"another response", "PROOF_KEY", raise(-1)},
	alteration{"another commitment", "PROOF_KEY", put(0, aPoint...)},
)

var ragequitChanges = append(slices.Clone(shapeChanges),
	alteration{"another response", "PROOF_KEY", raise(-1)},
	alteration{"another commitment", "PROOF_KEY", put(2, aPoint...)},
)

// A bit has nine felts, the last of them its responses.
const bitFelts = 9

// transferChanges are those of a transfer, which has some ciphertexts more with an
// auditor.
func transferChanges(more int) []alteration {
	bits := 4 * (2 + more)
	return append(slices.Clone(shapeChanges),
		alteration{"another R for the recipient", "PROOF_SHARED_RANDOMNESS", put(6, aPoint...)},
		alteration{"another response of a bit of the amount", "PROOF_BIT", raise(bits + bitFelts - 1)},
		alteration{"another response of a bit of the remainder", "PROOF_BIT", raise(bits + 80*bitFelts - 2)},
		alteration{"bits that are not those of the amount", "PROOF_KEY", put(bits, aPoint...)},
		alteration{"another response for the key", "PROOF_KEY", raise(-5)},
		alteration{"another response for the amount", "PROOF_CIPHERTEXT", raise(-4)},
		alteration{"another response for the randomness", "PROOF_RANDOMNESS", raise(-3)},
		alteration{"another response for the remainder", "PROOF_BALANCE", raise(-2)},
		alteration{"another response for the remainder's randomness", "PROOF_REMAINDER_COMMITMENT", raise(-1)},
	)
}

var withdrawalChanges = append(slices.Clone(shapeChanges),
	alteration{"another response of a bit of the remainder", "PROOF_BIT", raise(bitFelts - 1)},
	alteration{"bits that are not those of the remainder", "PROOF_KEY", put(0, aPoint...)},
	alteration{"another response for the key", "PROOF_KEY", raise(-3)},
	alteration{"another response for the remainder", "PROOF_BALANCE", raise(-2)},
	alteration{"another response for the remainder's randomness", "PROOF_REMAINDER_COMMITMENT", raise(-1)},
)

// confidentialRefusals are those of everything but the proofs' own parts.
func confidentialRefusals() []refusal {
	const c = "PrivacyRouter"
	tooMuch := uint64(elgamal.MaxAmount) + 1
	first := func(a attempt, arg chain.Felt) attempt { return attempt{a.by, withArgument(a.call, 0, arg)} }
	second := func(a attempt, arg chain.Felt) attempt { return attempt{a.by, withArgument(a.call, 1, arg)} }
	beyond := func() (f chain.Felt) { f.SetBigInt(new(big.Int).Lsh(big.NewInt(1), 64)); return f }()
	return []refusal{
		{c, "register_key", "a second time", "ACCOUNT_EXISTS", func(t *testing.T, s *scene) attempt {
			ctx := s.client.context(t, elgamal.OpRegister)
			return s.client.at(s.privacy, privacyrouter.RegisterKeyCall(point(s.client.secret.Public()), s.client.owns(t, ctx)))
		}},
		{c, "register_key", "with the identity as key", "BAD_KEY", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.RegisterKeyCall(privacyrouter.Point{}, nil))
		}},
		{c, "register_key", "with a key off the curve", "BAD_KEY", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.RegisterKeyCall(privacyrouter.Point{X: aPoint[0], Y: aPoint[0]}, nil))
		}},
		{c, "register_key", "with another's key", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			a := s.opening(t, identity, unchanged)
			y := s.client.secret.Public().Felts()
			copy(a.call.Calldata, y)
			return a
		}},
		{c, "deposit", "without an account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.DepositCall(7, nil))
		}},
		{c, "deposit", "of what is not allowed", "INSUFFICIENT_ALLOWANCE", func(t *testing.T, s *scene) attempt { return s.depositing(t, identity, unchanged) }},
		{c, "deposit", "of another amount than proven", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return first(s.depositing(t, identity, unchanged), chain.Uint(8))
		}},
		{c, "deposit", "of 41 bits", "PROOF_AMOUNT", func(t *testing.T, s *scene) attempt {
			return first(s.depositing(t, identity, unchanged), chain.Uint(tooMuch))
		}},
		{c, "deposit", "of 65 bits", malformed, func(t *testing.T, s *scene) attempt { return first(s.depositing(t, identity, unchanged), beyond) }},
		{c, "rollover", "without an account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.RolloverCall(nil))
		}},
		{c, "transfer", "without an account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.TransferCall(s.client.Address(), nil))
		}},
		{c, "transfer", "to who has no account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.client.at(s.privacy, privacyrouter.TransferCall(s.stranger.Address(), nil))
		}},
		{c, "transfer", "to oneself", "SELF_TRANSFER", func(t *testing.T, s *scene) attempt {
			return s.client.at(s.privacy, privacyrouter.TransferCall(s.client.Address(), nil))
		}},
		{c, "transfer", "to another than the proof is for", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return first(s.transferring(t, identity, unchanged), s.rival.Address())
		}},
		{c, "withdraw", "without an account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.WithdrawCall(7, s.stranger.Address(), nil))
		}},
		{c, "withdraw", "of another amount than proven", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return first(s.withdrawing(t, identity, unchanged), chain.Uint(8))
		}},
		{c, "withdraw", "of 41 bits", "PROOF_AMOUNT", func(t *testing.T, s *scene) attempt {
			return first(s.withdrawing(t, identity, unchanged), chain.Uint(tooMuch))
		}},
		{c, "withdraw", "of 65 bits", malformed, func(t *testing.T, s *scene) attempt { return first(s.withdrawing(t, identity, unchanged), beyond) }},
		{c, "withdraw", "to another than the proof is for", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return second(s.withdrawing(t, identity, unchanged), s.rival.Address())
		}},
		{c, "withdraw", "to nobody", "PROOF_RECIPIENT", func(t *testing.T, s *scene) attempt {
			return second(s.withdrawing(t, identity, unchanged), nobody)
		}},
		{c, "ragequit", "without an account", "NO_ACCOUNT", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.RagequitCall(7, s.stranger.Address(), nil))
		}},
		{c, "ragequit", "of another amount than proven", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return first(s.quitting(t, identity, unchanged), chain.Uint(8))
		}},
		{c, "ragequit", "of 41 bits", "PROOF_AMOUNT", func(t *testing.T, s *scene) attempt {
			return first(s.quitting(t, identity, unchanged), chain.Uint(tooMuch))
		}},
		{c, "ragequit", "to another than the proof is for", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return second(s.quitting(t, identity, unchanged), s.rival.Address())
		}},
		{c, "ragequit", "to nobody", "PROOF_RECIPIENT", func(t *testing.T, s *scene) attempt {
			return second(s.quitting(t, identity, unchanged), nobody)
		}},
		{"JobManager", "submit_job", "with the payment of another job", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			return attempt{s.client, s.newJob(t, s.client, s.worker, sceneFee).submitCall(s.spent)}
		}},
		{"JobManager", "submit_job", "with the payment of another client", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			j := s.newJob(t, s.client, s.worker, sceneFee)
			payment := j.payment(t)
			stolen := *j
			stolen.client = s.rival
			return attempt{s.rival, stolen.submitCall(payment)}
		}},
		{"JobManager", "submit_job", "with a payment for another worker", "PROOF_KEY", func(t *testing.T, s *scene) attempt {
			j := s.newJob(t, s.client, s.worker, sceneFee)
			payment := j.payment(t)
			j.worker = s.rival
			return attempt{s.client, j.submitCall(payment)}
		}},
	}
}

// routerRefusals are those of the functions of the owner and of PaymentRouter.
func routerRefusals() []refusal {
	const c = "PrivacyRouter"
	auditor := func(by func(*scene) *party, when, code string, key func(*scene) *privacyrouter.Point) refusal {
		return refusal{c, "set_auditor", when, code, func(t *testing.T, s *scene) attempt {
			return by(s).at(s.privacy, privacyrouter.SetAuditorCall(key(s)))
		}}
	}
	owner := func(s *scene) *party { return s.owner }
	announced := func(s *scene) *privacyrouter.Point { key := point(s.key.Public()); return &key }
	out := []refusal{
		{c, "configure", "by a stranger", "UNAUTHORIZED", func(t *testing.T, s *scene) attempt {
			return s.stranger.at(s.privacy, privacyrouter.ConfigureCall(s.stranger.Address()))
		}},
		{c, "configure", "a second time", "ALREADY_CONFIGURED", func(t *testing.T, s *scene) attempt {
			return s.owner.at(s.privacy, privacyrouter.ConfigureCall(s.owner.Address()))
		}},
		auditor(func(s *scene) *party { return s.stranger }, "by a stranger", "UNAUTHORIZED", announced),
		auditor(owner, "to the identity", "BAD_KEY", func(*scene) *privacyrouter.Point { return new(privacyrouter.Point) }),
		auditor(owner, "off the curve", "BAD_KEY", func(*scene) *privacyrouter.Point { return &privacyrouter.Point{X: aPoint[0], Y: aPoint[0]} }),
		auditor(owner, "that was not announced", "ACTION_UNKNOWN", func(s *scene) *privacyrouter.Point { key := point(s.client.secret.Public()); return &key }),
		auditor(owner, "before a day has passed", "ACTION_NOT_READY", announced),
	}
	for _, who := range outsiders {
		call := func(when string, b func(*testing.T, *scene) cairo.Call, function string) refusal {
			return refusal{c, function, when, "UNAUTHORIZED", func(t *testing.T, s *scene) attempt { return who.of(s).at(s.privacy, b(t, s)) }}
		}
		out = append(out,
			call("by "+who.name, func(t *testing.T, s *scene) cairo.Call {
				j := s.newJob(t, s.client, s.worker, sceneFee)
				return privacyrouter.DebitCall(privacyrouter.JobID{Value: j.id}, s.client.Address(), s.worker.Address(), j.payment(t))
			}, "debit"),
			call("by "+who.name, func(t *testing.T, s *scene) cairo.Call {
				return privacyrouter.CreditCall(who.of(s).Address(), s.client.account(t).Balance)
			}, "credit"),
		)
	}
	return out
}

// forgedRefusals are those of proofs that the forger made.
func forgedRefusals() []refusal {
	row := func(when, code string, forge func(*testing.T, *forgery)) refusal {
		return refusal{"PrivacyRouter", "transfer", when, code, func(t *testing.T, s *scene) attempt { return s.forging(t, forge) }}
	}
	return []refusal{
		row("with bits of another amount", "PROOF_HASH", func(t *testing.T, f *forgery) { f.amountBits++ }),
		row("with bits of another remainder", "PROOF_REMAINDER_COMMITMENT", func(t *testing.T, f *forgery) { f.remainderBits++ }),
		row("with a number in the place of a bit", "PROOF_BIT", func(t *testing.T, f *forgery) { f.amountBits -= 4; f.excess = big64(4) }),
		row("of another amount to the recipient", "PROOF_OTHER_CIPHERTEXT", func(t *testing.T, f *forgery) {
			f.parts = func(_, received, _, _ *[2]point2) { received[0] = product(received[0], power(baseG, big64(1000))) }
		}),
	}
}

// forging is a transfer of sceneFee from the client to the worker, but for the forgery.
func (s *scene) forging(t *testing.T, forge func(*testing.T, *forgery)) attempt {
	t.Helper()
	f := s.client.forger(t, s.client.balance(t), sceneFee)
	forge(t, f)
	transfer := f.transfer(t, s.client.statement(t, s.worker, s.client.context(t, elgamal.OpTransfer)))
	return s.client.at(s.privacy, privacyrouter.TransferCall(s.worker.Address(), transfer))
}

// auditedRefusals are those of transfers while there is an auditor.
func auditedRefusals() []refusal {
	const c, function = "PrivacyRouter", "transfer"
	row := func(when, code string, forge func(*testing.T, *forgery)) refusal {
		return refusal{c, function, when, code, func(t *testing.T, s *scene) attempt { return s.forging(t, forge) }}
	}
	more := func(p *point2) { *p = product(*p, baseG) }
	out := []refusal{
		{c, function, "that the auditor cannot read", "PROOF_LENGTH", func(t *testing.T, s *scene) attempt {
			statement := s.client.statement(t, s.worker, s.client.context(t, elgamal.OpTransfer))
			statement.Auditor = elgamal.PublicKey{}
			transfer := must(elgamal.ProveTransfer(s.client.secret, statement, s.client.balance(t), sceneFee))(t)
			return s.client.at(s.privacy, privacyrouter.TransferCall(s.worker.Address(), transfer.Felts()))
		}},
		row("of another amount for the auditor", "PROOF_AUDIT_AMOUNT", func(t *testing.T, f *forgery) {
			f.parts = func(_, _, audit, _ *[2]point2) { more(&audit[0]) }
		}),
		row("of another remainder for the auditor", "PROOF_AUDIT_REMAINDER", func(t *testing.T, f *forgery) {
			f.parts = func(_, _, _, rest *[2]point2) { more(&rest[0]) }
		}),
		row("of another randomness for the auditor", "PROOF_AUDIT_RANDOMNESS", func(t *testing.T, f *forgery) {
			f.parts = func(_, _, _, rest *[2]point2) { more(&rest[1]) }
		}),
		row("of another R for the auditor", "PROOF_SHARED_RANDOMNESS", func(t *testing.T, f *forgery) {
			f.parts = func(_, _, audit, _ *[2]point2) { more(&audit[1]) }
		}),
	}
	for _, a := range transferChanges(2) {
		out = append(out, refusal{c, function, "with " + a.when, a.code, func(t *testing.T, s *scene) attempt {
			return s.transferring(t, identity, a.change)
		}})
	}
	return out
}
