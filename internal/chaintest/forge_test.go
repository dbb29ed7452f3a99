package chaintest

import (
	"errors"
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
)

// statements are those of an account with so many units.
func statements(t *testing.T, units elgamal.Amount, audited bool) (*party, elgamal.TransferStatement) {
	t.Helper()
	p, to := &party{secret: must(elgamal.GenerateKey())(t)}, must(elgamal.GenerateKey())(t)
	balance := must(elgamal.Zero(p.secret.Public()).AddPlain(units))(t)
	s := elgamal.TransferStatement{From: p.secret.Public(), To: to.Public(),
		Context: elgamal.Context{Operation: elgamal.OpTransfer, ChainID: chain.Uint(1), Contract: chain.Uint(2), Sender: chain.Uint(3), Nonce: 4, Balance: balance}}
	if audited {
		s.Auditor = must(elgamal.GenerateKey())(t).Public()
	}
	return p, s
}

// TestForgerCanBeHonest wants the forger's proofs to be valid where nothing is
// forged: what a chain refuses is the forgery, then.
func TestForgerCanBeHonest(t *testing.T) {
	for _, audited := range []bool{false, true} {
		p, s := statements(t, 1_000, audited)
		transfer := must(elgamal.ParseTransfer(p.forger(t, 1_000, 400).transfer(t, s), audited))(t)
		if left, err := elgamal.VerifyTransfer(s, transfer); err != nil || !p.secret.Holds(left, 600) {
			t.Errorf("transfer, audited %v: %v", audited, err)
		}
	}
	p, s := statements(t, 1_000, false)
	w := elgamal.WithdrawStatement{Context: s.Context, From: s.From, Amount: 400, Recipient: chain.Uint(9)}
	withdrawal := must(elgamal.ParseWithdraw(p.forger(t, 1_000, 400).withdrawal(t, w), false))(t)
	if left, err := elgamal.VerifyWithdraw(w, withdrawal); err != nil || !p.secret.Holds(left, 600) {
		t.Errorf("withdrawal: %v", err)
	}
	q := elgamal.RagequitStatement{Context: s.Context, From: s.From, Amount: 1_000, Recipient: chain.Uint(9)}
	if _, err := elgamal.VerifyRagequit(q, must(elgamal.ParseProof(p.forger(t, 1_000, 0).ragequit(t, q), 2, 1))(t)); err != nil {
		t.Errorf("ragequit: %v", err)
	}
}

// TestForgeriesFail wants the Go verifier to find what the contracts find.
func TestForgeriesFail(t *testing.T) {
	more := func(p *point2) { *p = product(*p, baseG) }
	for name, tc := range map[string]struct {
		check elgamal.Check
		forge func(*forgery)
	}{
		"a negative amount":    {elgamal.CheckCommitment, func(f *forgery) { f.amount, f.remainder, f.remainderBits = big64(-5), big64(1_005), 1_005 }},
		"a number for a bit":   {elgamal.CheckBit, func(f *forgery) { f.amountBits, f.excess = 0, f.amount }},
		"other bits":           {elgamal.CheckCommitment, func(f *forgery) { f.amountBits++ }},
		"other remainder bits": {elgamal.CheckRemainderCommitment, func(f *forgery) { f.remainderBits++ }},
		"too much": {elgamal.CheckRemainderCommitment, func(f *forgery) {
			f.amount, f.amountBits, f.remainder, f.remainderBits = big64(1_005), 1_005, big64(-5), 0
		}},
		"another balance":   {elgamal.CheckBalance, func(f *forgery) { f.remainder, f.remainderBits = big64(700), 700 }},
		"another key":       {elgamal.CheckKey, func(f *forgery) { f.x = new(big.Int).Add(f.x, big64(1)) }},
		"a known logarithm": {elgamal.CheckCommitment, func(f *forgery) { f.h = power(baseG, big64(12_345)) }},
		"another amount": {elgamal.CheckOtherCiphertext, func(f *forgery) {
			f.parts = func(_, received, _, _ *[2]point2) { more(&received[0]) }
		}},
		"another R": {elgamal.CheckSharedRandomness, func(f *forgery) {
			f.parts = func(_, received, _, _ *[2]point2) { more(&received[1]) }
		}},
		"another amount for the auditor": {elgamal.CheckAuditAmount, func(f *forgery) {
			f.parts = func(_, _, audit, _ *[2]point2) { more(&audit[0]) }
		}},
		"another remainder for the auditor": {elgamal.CheckAuditRemainder, func(f *forgery) {
			f.parts = func(_, _, _, rest *[2]point2) { more(&rest[0]) }
		}},
	} {
		p, s := statements(t, 1_000, true)
		f := p.forger(t, 1_000, 400)
		tc.forge(f)
		_, err := elgamal.VerifyTransfer(s, must(elgamal.ParseTransfer(f.transfer(t, s), true))(t))
		var wrong *elgamal.InvalidError
		if !errors.As(err, &wrong) || wrong.Check != tc.check {
			t.Errorf("%s: %v, want %v", name, err, tc.check)
		}
	}
}
