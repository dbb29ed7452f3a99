package elgamal

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKnownLogOfSecondGenerator forges a range proof for -5 under a second
// generator whose logarithm t is known, h' = g^t: the bits of 0 open to -5. The
// forgery works there, and only there.
func TestKnownLogOfSecondGenerator(t *testing.T) {
	w := newWorld(t, 40)
	weak, c, forged := w.forgeWithTrapdoor(t)
	assert.NoError(t, weak.verifyRange(w.ctx, w.payer.Public(), c, Bits, forged), "the forgery under the weak generator fails")
	wantCheck(t, VerifyRange(w.ctx, w.payer.Public(), c, Bits, forged), CheckCommitment)
}

func (w *world) forgeWithTrapdoor(t *testing.T) (*setting, Ciphertext, *RangeProof) {
	t.Helper()
	trapdoor, r, b := must(w.scalar())(t), must(w.scalar())(t), minus(5)
	weak := prover{&setting{newFixedBase(baseG().mul(&trapdoor))}, w.rand}
	c := seal(w.payer.Public(), &b, &r)

	// g^b h'^r = h'^(r + b/t).
	var zeroOpening fr.Element
	zeroOpening.Inverse(&trapdoor).Mul(&zeroOpening, &b).Add(&zeroOpening, &r)
	st := rangeStatement(w.ctx, w.payer.Public(), c, Bits, weak.commit(&b, &r))
	prefix := must(st.transcript.Prefix())(t)
	return weak.setting, c, &RangeProof{
		Bits: must(weak.bits(bitsPrefix(prefix, labelAmount), 0, Bits, &zeroOpening))(t),
		Link: must(weak.prove(prefix, st.relations, []fr.Element{b, r}))(t),
	}
}

// TestRangeProofOfAnotherCiphertext takes a valid range proof, or its bits, to
// another ciphertext: of the same amount, and of a larger one.
func TestRangeProofOfAnotherCiphertext(t *testing.T) {
	w := newWorld(t, 41)
	y := w.payer.Public()
	_, o, err := w.encrypt(y, 77)
	require.NoError(t, err)
	proof := must(w.proveRange(o, w.ctx, Bits))(t)
	for _, amount := range []Amount{77, MaxAmount} {
		c, other, err := w.encrypt(y, amount)
		require.NoError(t, err)
		rejected(t, "another ciphertext", VerifyRange(w.ctx, y, c, Bits, proof))
		spliced := *must(w.proveRange(other, w.ctx, Bits))(t)
		spliced.Bits = proof.Bits
		rejected(t, "the bits of another ciphertext", VerifyRange(w.ctx, y, c, Bits, &spliced))
	}
	negative := newOpening(y, minus(1), must(w.scalar())(t))
	forged := must(w.rangeOf(negative.o(), w.ctx, 77, Bits))(t)
	wantCheck(t, VerifyRange(w.ctx, y, negative.o().under(y), Bits, forged), CheckCommitment)
}

// TestReplay shows every proof to every context that differs in one thing.
func TestReplay(t *testing.T) {
	for _, c := range proofCases(t, 42) {
		for name, ctx := range differentContexts(c.ctx) {
			d := *c
			d.ctx = ctx
			rejected(t, c.name+" for another "+name, d.verify())
		}
	}
}

// TestNegativeAmounts transfers -5 from a balance of a million, which would leave
// more than there was, in the two ways there are: bits of some other number, and
// a commitment to -5 in place of a bit.
func TestNegativeAmounts(t *testing.T) {
	w := newWorld(t, 43)
	s := w.transferStatement(false)
	secrets := must(w.scalars(transferSecrets))(t)
	secrets[secretX], secrets[secretB], secrets[secretM] = w.payer.s().x, minus(5), scalarOf(uint64(w.balance)+5)
	for _, amount := range []uint64{0, 5, 1<<Bits - 5} {
		forged := must(w.transfer(&s, secrets, amount, uint64(w.balance)+5))(t)
		_, err := VerifyTransfer(s, forged)
		wantCheck(t, err, CheckCommitment)
	}
	for shift := range 2 {
		forged := w.forgeBit(t, s, secrets, uint64(w.balance)+5, shift)
		_, err := VerifyTransfer(s, forged)
		wantCheck(t, err, CheckBit)
	}
}

// forgeBit commits to the amount with the number itself in place of bit 0, and
// does what can be done with its proof: makes it for 0, or for 1.
func (w *world) forgeBit(t *testing.T, s TransferStatement, secrets []fr.Element, remainder uint64, bit int) *Transfer {
	t.Helper()
	b, r, q := &secrets[secretB], &secrets[secretR], &secrets[secretQ]
	forged := &Transfer{Self: seal(s.From, b, r), Recipient: seal(s.To, b, r)}
	left := must(s.Balance.Sub(forged.Self))(t)
	m := scalarOf(remainder)
	st := s.statement(forged, left, w.commit(b, r), w.commit(&m, q))
	prefix := must(st.transcript.Prefix())(t)
	forged.Proof = must(w.prove(prefix, st.relations, secrets))(t)
	forged.Remainder = must(w.bits(bitsPrefix(prefix, labelRemainder), remainder, Bits, q))(t)
	forged.Amount = must(w.bits(bitsPrefix(prefix, labelAmount), uint64(bit), Bits, r))(t)
	shift := scalarOf(uint64(bit))
	shift.Sub(b, &shift)
	forged.Amount[0].V = forged.Amount[0].V.add(baseG().mul(&shift))
	return forged
}

// TestOverspending transfers and withdraws more than the balance, and 41 bits.
func TestOverspending(t *testing.T) {
	w := newWorld(t, 44)
	s, ws := w.transferStatement(false), w.withdrawStatement(false)
	if _, err := ProveTransfer(w.payer, s, w.balance, w.balance+1); !errors.Is(err, ErrInsufficient) {
		t.Errorf("transfer: %v", err)
	}
	if _, err := ProveTransfer(w.payer, s, w.balance+1, w.balance+1); !errors.Is(err, ErrWrongOpening) {
		t.Errorf("transfer with a false balance: %v", err)
	}
	if _, err := ProveTransfer(w.payer, s, MaxAmount+1, 1); !errors.Is(err, ErrAmount) {
		t.Errorf("transfer from a balance of 41 bits: %v", err)
	}
	if _, err := ProveTransfer(w.payee, s, w.balance, 1); !errors.Is(err, ErrKey) {
		t.Errorf("transfer with another's key: %v", err)
	}
	secrets := must(w.scalars(transferSecrets))(t)
	secrets[secretX] = w.payer.s().x
	for _, over := range []uint64{1, 1 << 20, 1<<Bits - 1_000_000} {
		amount := uint64(w.balance) + over
		secrets[secretB], secrets[secretM] = scalarOf(amount), minus(over)
		for _, remainder := range []uint64{0, 1<<Bits - over} {
			_, err := VerifyTransfer(s, must(w.transfer(&s, secrets, amount%(1<<Bits), remainder))(t))
			if amount < 1<<Bits {
				wantCheck(t, err, CheckRemainderCommitment)
			} else {
				wantCheck(t, err, CheckCommitment)
			}
		}
	}
	ws.Amount = w.balance + 1
	forged := must(w.withdraw(&ws, []fr.Element{w.payer.s().x, minus(1), secrets[secretQ]}, 0))(t)
	_, err := VerifyWithdraw(ws, forged)
	wantCheck(t, err, CheckRemainderCommitment)
}

// TestWithdrawBindsAmountAndRecipient lets a front-runner change either.
func TestWithdrawBindsAmountAndRecipient(t *testing.T) {
	w := newWorld(t, 45)
	s := w.withdrawStatement(false)
	proof := must(w.proveWithdraw(w.payer, s, w.balance))(t)
	left := must(VerifyWithdraw(s, proof))(t)
	if !w.payer.Holds(left, w.balance-s.Amount) {
		t.Error("a wrong balance is left")
	}
	for _, f := range []func(*WithdrawStatement){
		func(s *WithdrawStatement) { s.Recipient = feltOf(0xbad) },
		func(s *WithdrawStatement) { s.Amount++ },
		func(s *WithdrawStatement) { s.Amount-- },
		func(s *WithdrawStatement) { s.From = w.payee.Public() },
	} {
		other := s
		f(&other)
		_, err := VerifyWithdraw(other, proof)
		rejected(t, "withdraw", err)
	}
	s.Recipient = Felt{}
	_, err := ProveWithdraw(w.payer, s, w.balance)
	wantCheck(t, err, CheckRecipient)
	_, err = VerifyWithdraw(s, proof)
	wantCheck(t, err, CheckRecipient)
	s = w.withdrawStatement(false)
	s.Amount = MaxAmount + 1
	_, err = VerifyWithdraw(s, proof)
	wantCheck(t, err, CheckAmount)
}

// TestRagequitBindsAmountRecipientAndOwner lets a front-runner change the
// recipient, the owner less or more than the balance, and a stranger quit.
func TestRagequitBindsAmountRecipientAndOwner(t *testing.T) {
	w := newWorld(t, 46)
	s := w.ragequitStatement()
	proof := must(ProveRagequit(w.payer, s))(t)
	if zero := must(VerifyRagequit(s, proof))(t); !w.payer.Holds(zero, 0) {
		t.Error("the new balance is not 0")
	}
	for _, f := range []func(*RagequitStatement){
		func(s *RagequitStatement) { s.Recipient = feltOf(0xbad) },
		func(s *RagequitStatement) { s.Amount++ },
		func(s *RagequitStatement) { s.Amount-- },
		func(s *RagequitStatement) { s.From = w.payee.Public() },
		func(s *RagequitStatement) { s.Recipient = Felt{} },
		func(s *RagequitStatement) { s.Amount = MaxAmount + 1 },
	} {
		other := s
		f(&other)
		_, err := VerifyRagequit(other, proof)
		rejected(t, "ragequit", err)
		forged := must(w.forgeRagequit(other))(t)
		if other.From != s.From || other.Amount != s.Amount {
			_, err = VerifyRagequit(other, forged)
			rejected(t, "forged ragequit", err)
		}
	}
	s.Amount--
	if _, err := ProveRagequit(w.payer, s); !errors.Is(err, ErrWrongOpening) {
		t.Errorf("ragequit of less than the balance: %v", err)
	}
	if _, err := ProveRagequit(w.payee, w.ragequitStatement()); !errors.Is(err, ErrKey) {
		t.Errorf("ragequit by a stranger: %v", err)
	}
}

// forgeRagequit makes the best proof that the payer can for a statement.
func (w *world) forgeRagequit(s RagequitStatement) (*Proof, error) {
	st, err := s.statement()
	if err != nil {
		return &Proof{}, nil
	}
	return w.proveStatement(st, w.payer.s().x)
}

// TestRecipientGetsAnotherAmount sends the payee, or the auditor, less than what
// leaves the balance.
func TestRecipientGetsAnotherAmount(t *testing.T) {
	w := newWorld(t, 47)
	s := w.transferStatement(true)
	good := must(w.proveTransfer(w.payer, s, w.balance, 1000))(t)
	for check, change := range map[Check]func(*Transfer){
		CheckCiphertext:      func(t *Transfer) { t.Self.L = t.Self.L.add(Generator()) },
		CheckOtherCiphertext: func(t *Transfer) { t.Recipient.L = t.Recipient.L.add(Generator()) },
		CheckAuditAmount:     func(t *Transfer) { t.AuditAmount.L = t.AuditAmount.L.add(Generator()) },
		CheckAuditRemainder:  func(t *Transfer) { t.AuditRemainder.L = t.AuditRemainder.L.add(Generator()) },
		CheckAuditRandomness: func(t *Transfer) { t.AuditRemainder.R = t.AuditRemainder.R.add(Generator()) },
	} {
		forged := w.reproved(t, s, good, change)
		_, err := VerifyTransfer(s, forged)
		assert.ErrorIs(t, err, ErrInvalid, "%v", check)
		if check != CheckCiphertext {
			wantCheck(t, err, check)
		}
	}
	split := *good
	split.Recipient.R = split.Recipient.R.add(Generator())
	_, err := VerifyTransfer(s, &split)
	wantCheck(t, err, CheckSharedRandomness)
	split = *good
	split.AuditAmount.R = split.AuditAmount.R.add(Generator())
	_, err = VerifyTransfer(s, &split)
	wantCheck(t, err, CheckSharedRandomness)
}

// reproved changes ciphertexts and makes all proofs again, with the secrets of
// unchanged ones.
func (w *world) reproved(t *testing.T, s TransferStatement, good *Transfer, change func(*Transfer)) *Transfer {
	t.Helper()
	secrets := must(w.scalars(transferSecrets))(t)
	secrets[secretX], secrets[secretB], secrets[secretM] = w.payer.s().x, scalarOf(1000), scalarOf(uint64(w.balance)-1000)
	forged := must(w.transfer(&s, secrets, 1000, uint64(w.balance)-1000))(t)
	change(forged)
	left := must(s.Balance.Sub(forged.Self))(t)
	st := s.statement(forged, left, sum(forged.Amount), sum(forged.Remainder))
	prefix := must(st.transcript.Prefix())(t)
	forged.Proof = must(w.prove(prefix, st.relations, secrets))(t)
	return forged
}

// TestAuditorCannotBeLeftOut shows an audited transfer without an auditor, and
// the other way around.
func TestAuditorCannotBeLeftOut(t *testing.T) {
	w := newWorld(t, 48)
	for _, audited := range []bool{false, true} {
		_, err := VerifyTransfer(w.transferStatement(!audited), must(w.proveTransfer(w.payer, w.transferStatement(audited), w.balance, 1))(t))
		wantCheck(t, err, CheckShape)
		_, err = VerifyWithdraw(w.withdrawStatement(!audited), must(w.proveWithdraw(w.payer, w.withdrawStatement(audited), w.balance))(t))
		wantCheck(t, err, CheckShape)
	}
	stray := must(w.proveTransfer(w.payer, w.transferStatement(false), w.balance, 1))(t)
	stray.AuditAmount = w.ctx.Balance
	_, err := VerifyTransfer(w.transferStatement(false), stray)
	wantCheck(t, err, CheckShape)
}

// TestKindsAndOperationsAreSeparate shows a proof where another of the same shape
// is wanted.
func TestKindsAndOperationsAreSeparate(t *testing.T) {
	w := newWorld(t, 49)
	y := w.payer.Public()
	proof := must(w.payer.ProveOwnership(w.ctx))(t)
	deposit := w.ctx
	deposit.Operation = OpDeposit
	wantCheck(t, VerifyOwnership(deposit, y, proof), CheckKey)
	wantCheck(t, VerifyOwnership(w.ctx, y, proof, Felt{}), CheckKey)
	prefixes := make(map[Felt]string)
	for _, kind := range []string{kindOwnership, kindEncryption, kindSame, kindReencryption, kindRange, kindTransfer, kindWithdraw, kindRagequit} {
		p := must((&Transcript{Kind: kind, Context: w.ctx, Keys: []PublicKey{y}}).Prefix())(t)
		if other, ok := prefixes[p]; ok {
			t.Errorf("%s and %s have the same prefix", kind, other)
		}
		prefixes[p] = kind
	}
}

// TestSimulatedProofs makes proofs without secrets the way a simulator does,
// response and challenge first.
func TestSimulatedProofs(t *testing.T) {
	w := newWorld(t, 50)
	y := w.payee.Public()
	for i := range 8 {
		n := must(w.scalars(2))(t)
		c, s := &n[0], &n[1]
		if i == 0 {
			*c, *s = scalarOf(1), scalarOf(1)
		}
		c.Neg(c)
		a := baseG().mul(s).add(mulPoint(y.Point, c))
		wantCheck(t, VerifyOwnership(w.ctx, y, &Proof{[]Point{a}, []Scalar{{*s}}}), CheckKey)
	}
	// A bit whose two challenges do not add up, both proofs simulated.
	r := must(w.scalar())(t)
	two := scalarOf(2)
	bit := BitProof{V: w.commit(&two, &r)}
	n := must(w.scalars(4))(t)
	bit.C0.s, bit.S0.s, bit.S1.s = n[0], n[1], n[2]
	zero, one := is(CheckBit, bit.V, hTo(0)), is(CheckBit, bit.V, hTo(0), gTo(1))
	var last fr.Element
	a := w.power(&zero, []fr.Element{n[1]}, last.Neg(&n[0]))
	bit.A0 = affine(&a)
	a = w.power(&one, []fr.Element{n[2], n[3]}, last.Neg(&n[3]))
	bit.A1 = affine(&a)
	wantCheck(t, w.verifyBit(feltOf(1), &bit, "0"), CheckBit)
}

// TestBitsCannotMove swaps bits, and those of amount and remainder.
func TestBitsCannotMove(t *testing.T) {
	w := newWorld(t, 51)
	s := w.transferStatement(false)
	good := must(w.proveTransfer(w.payer, s, w.balance, w.balance/2))(t)
	for name, change := range map[string]func(*Transfer){
		"two bits":             func(t *Transfer) { t.Amount[3], t.Amount[4] = t.Amount[4], t.Amount[3] },
		"amount and remainder": func(t *Transfer) { t.Amount, t.Remainder = t.Remainder, t.Amount },
		"one bit less":         func(t *Transfer) { t.Amount = t.Amount[:Bits-1] },
		"one bit more":         func(t *Transfer) { t.Amount = append(t.Amount, t.Amount[0]) },
		"no remainder":         func(t *Transfer) { t.Remainder = nil },
		"bits that cancel out": func(t *Transfer) {
			for i := range t.Amount {
				t.Amount[i].V = Generator()
			}
			e := minus(1<<Bits - 2)
			t.Amount[0].V = baseG().mul(&e)
		},
	} {
		forged := *good
		forged.Amount, forged.Remainder = slices.Clone(good.Amount), slices.Clone(good.Remainder)
		change(&forged)
		_, err := VerifyTransfer(s, &forged)
		rejected(t, name, err)
	}
}

// TestTransferConserves compares what leaves, what arrives and what is left, over
// seeded amounts.
func TestTransferConserves(t *testing.T) {
	w := newWorld(t, 52)
	s := w.transferStatement(true)
	for _, amount := range []Amount{0, 1, 2, w.balance / 3, w.balance - 1, w.balance} {
		m := must(ProveTransfer(w.payer, s, w.balance, amount))(t)
		left := must(VerifyTransfer(s, m))(t)
		for name, ok := range map[string]bool{
			"left": w.payer.Holds(left, w.balance-amount), "self": w.payer.Holds(m.Self, amount),
			"recipient": w.payee.Holds(m.Recipient, amount), "audit": w.auditor.Holds(m.AuditAmount, amount),
			"audit remainder": w.auditor.Holds(m.AuditRemainder, w.balance-amount),
		} {
			if !ok {
				t.Errorf("amount %d: %s is wrong", amount, name)
			}
		}
		refunded := must(Credit(w.payer.Public(), left, m.Self))(t)
		if !w.payer.Holds(refunded, w.balance) {
			t.Error("a refund does not restore the balance")
		}
	}
}

func TestRangeRefuses(t *testing.T) {
	w := newWorld(t, 53)
	_, o, err := w.encrypt(w.payer.Public(), 256)
	require.NoError(t, err)
	for _, bits := range []int{-1, 0, 8, 41, 64} {
		if _, err := o.ProveRange(w.ctx, bits); !errors.Is(err, ErrAmount) {
			t.Errorf("256 in %d bits: %v", bits, err)
		}
	}
	if _, err := newOpening(w.payer.Public(), minus(1), scalarOf(1)).ProveRange(w.ctx, Bits); !errors.Is(err, ErrAmount) {
		t.Errorf("-1: %v", err)
	}
	_, err = ProveTransfer(w.payer, TransferStatement{Context: w.ctx, From: w.payer.Public()}, w.balance, 1)
	wantCheck(t, err, CheckIdentity)
	if _, err := w.payer.ProveReencryption(w.ctx, w.ctx.Balance, o); !errors.Is(err, ErrWrongOpening) {
		t.Errorf("another amount for the auditor: %v", err)
	}
	if got := fmt.Sprint(invalid(CheckBit, "3"), invalid(CheckKey, ""), Check(0)); got != "elgamal: invalid: bit: 3 elgamal: invalid: key check 0" {
		t.Errorf("messages are %q", got)
	}
}
