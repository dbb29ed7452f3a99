package elgamal

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proofCase is a proof of any kind with what its verifier knows.
type proofCase struct {
	name, kind  string
	ctx         Context
	keys        []PublicKey // an auditor's comes last
	ciphertexts []Ciphertext
	values      []Felt
	felts       []Felt // the proof, or the message that has it
}

type message interface {
	parts() []any
	Felts() []Felt
}

// shapes are the commitments and responses of simple proofs.
var shapes = map[string][2]int{
	kindOwnership: {1, 1}, kindEncryption: {2, 2}, kindSame: {3, 2}, kindReencryption: {4, 3}, kindRagequit: {2, 1},
}

func (c *proofCase) audited() bool {
	return c.kind == kindTransfer && len(c.keys) == 3 || c.kind == kindWithdraw && len(c.keys) == 2
}

func (c *proofCase) parse() (message, error) {
	switch c.kind {
	case kindRange:
		return parsed(ParseRangeProof(c.felts, int(uint64Of(c.values[0]))))
	case kindTransfer:
		return parsed(ParseTransfer(c.felts, c.audited()))
	case kindWithdraw:
		return parsed(ParseWithdraw(c.felts, c.audited()))
	}
	return parsed(ParseProof(c.felts, shapes[c.kind][0], shapes[c.kind][1]))
}

func parsed[M message](m M, err error) (message, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (c *proofCase) key(i int) (y PublicKey) {
	if i < len(c.keys) {
		y = c.keys[i]
	}
	return y
}

// uint64Of returns the largest number for what does not fit.
func uint64Of(x Felt) uint64 {
	if !x.IsUint64() {
		return 1<<64 - 1
	}
	return x.Uint64()
}

// verify parses and verifies.
func (c *proofCase) verify() error {
	m, err := c.parse()
	if err != nil {
		return err
	}
	return c.verifyMessage(m)
}

// verifyMessage verifies without parsing.
func (c *proofCase) verifyMessage(m message) (err error) {
	switch p := m.(type) {
	case *RangeProof:
		err = VerifyRange(c.ctx, c.key(0), c.ciphertexts[0], int(uint64Of(c.values[0])), p)
	case *Transfer:
		_, err = VerifyTransfer(TransferStatement{c.ctx, c.key(0), c.key(1), c.key(2)}, p)
	case *Withdraw:
		_, err = VerifyWithdraw(WithdrawStatement{c.ctx, c.key(0), c.key(1), Amount(uint64Of(c.values[0])), c.values[1]}, p)
	case *Proof:
		err = c.verifyProof(p)
	}
	return err
}

func (c *proofCase) verifyProof(p *Proof) error {
	switch c.kind {
	case kindOwnership:
		return VerifyOwnership(c.ctx, c.key(0), p, c.values...)
	case kindEncryption:
		return VerifyEncryption(c.ctx, c.key(0), c.ciphertexts[0], p)
	case kindSame:
		return VerifySame(c.ctx, c.key(0), c.key(1), c.ciphertexts[0], c.ciphertexts[1], p)
	case kindReencryption:
		return VerifyReencryption(c.ctx, c.key(0), c.key(1), c.ciphertexts[0], c.ciphertexts[1], p)
	}
	_, err := VerifyRagequit(RagequitStatement{c.ctx, c.key(0), Amount(uint64Of(c.values[0])), c.values[1]}, p)
	return err
}

func (c *proofCase) with(operation string) *proofCase {
	d := *c
	d.ctx.Operation = operation
	return &d
}

// proofCases makes a valid proof of every kind from a seed.
func proofCases(t testing.TB, seed byte) []*proofCase {
	t.Helper()
	w := newWorld(t, seed)
	return slices.Concat(w.simpleCases(t), w.rangeCases(t), w.operationCases(t))
}

func (w *world) simpleCases(t testing.TB) []*proofCase {
	payer, payee, auditor := w.payer.Public(), w.payee.Public(), w.auditor.Public()
	register := &proofCase{name: "register", kind: kindOwnership, ctx: w.ctx, keys: []PublicKey{payer}}
	register = register.with(OpRegister)
	register.ctx.Balance = Zero(payer)
	register.felts = must(w.ownership(w.payer, register.ctx, nil))(t).Felts()
	deposit := register.with(OpDeposit)
	deposit.name, deposit.values = "deposit", []Felt{feltOf(5000)}
	deposit.felts = must(w.ownership(w.payer, deposit.ctx, deposit.values))(t).Felts()

	c, o, err := w.encrypt(payer, 123_456)
	require.NoError(t, err)
	encryption := &proofCase{name: "encryption", kind: kindEncryption, ctx: w.ctx, keys: []PublicKey{payer}, ciphertexts: []Ciphertext{c}}
	encryption.felts = must(w.encryption(o, w.ctx))(t).Felts()
	same := &proofCase{name: "same", kind: kindSame, ctx: w.ctx, keys: []PublicKey{payer, payee}}
	same.ciphertexts = []Ciphertext{c, must(o.Under(payee))(t)}
	same.felts = must(w.same(o, w.ctx, payee))(t).Felts()

	d, fresh, err := w.encrypt(auditor, w.balance)
	require.NoError(t, err)
	audit := &proofCase{name: "audit", kind: kindReencryption, ctx: w.ctx, keys: []PublicKey{payer, auditor}}
	audit = audit.with(OpAudit)
	audit.ciphertexts = []Ciphertext{w.ctx.Balance, d}
	audit.felts = must(w.reencryption(w.payer, audit.ctx, w.ctx.Balance, fresh))(t).Felts()
	return []*proofCase{register, deposit, encryption, same, audit}
}

func (w *world) rangeCases(t testing.TB) (cases []*proofCase) {
	y := w.payer.Public()
	for _, test := range []struct {
		name   string
		amount Amount
		bits   int
	}{{"range 1", 1, 1}, {"range 8", 0xa5, 8}, {"range 40", MaxAmount - 2, Bits}} {
		c, o, err := w.encrypt(y, test.amount)
		require.NoError(t, err)
		cases = append(cases, &proofCase{
			name: test.name, kind: kindRange, ctx: w.ctx, keys: []PublicKey{y}, ciphertexts: []Ciphertext{c},
			values: []Felt{feltOf(uint64(test.bits))}, felts: must(w.proveRange(o, w.ctx, test.bits))(t).Felts(),
		})
	}
	return cases
}

func (w *world) operationCases(t testing.TB) (cases []*proofCase) {
	for _, audited := range []bool{false, true} {
		suffix := map[bool]string{true: " audited"}[audited]
		s := w.transferStatement(audited)
		transfer := &proofCase{name: "transfer" + suffix, kind: kindTransfer, ctx: s.Context, keys: []PublicKey{s.From, s.To}}
		transfer.felts = must(w.proveTransfer(w.payer, s, w.balance, 400_001))(t).Felts()
		ws := w.withdrawStatement(audited)
		withdraw := &proofCase{name: "withdraw" + suffix, kind: kindWithdraw, ctx: ws.Context, keys: []PublicKey{ws.From}}
		withdraw.values = []Felt{feltOf(uint64(ws.Amount)), ws.Recipient}
		withdraw.felts = must(w.proveWithdraw(w.payer, ws, w.balance))(t).Felts()
		if audited {
			transfer.keys = append(transfer.keys, s.Auditor)
			withdraw.keys = append(withdraw.keys, ws.Auditor)
		}
		cases = append(cases, transfer, withdraw)
	}
	s := w.ragequitStatement()
	return append(cases, &proofCase{
		name: "ragequit", kind: kindRagequit, ctx: s.Context, keys: []PublicKey{s.From},
		values: []Felt{feltOf(uint64(s.Amount)), s.Recipient}, felts: must(w.proveRagequit(w.payer, s))(t).Felts(),
	})
}

// TestProofs accepts every kind of proof, from seeds and from crypto/rand.
func TestProofs(t *testing.T) {
	for _, c := range proofCases(t, 20) {
		assert.NoError(t, c.verify(), "%s", c.name)
	}
	w := newWorld(t, 21)
	w.prover = newProver()
	for _, c := range slices.Concat(w.simpleCases(t), w.rangeCases(t), w.operationCases(t)) {
		assert.NoError(t, c.verify(), "%s", c.name)
	}
}
