package elgamal

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
	"github.com/stretchr/testify/require"
)

// seeded is a prover whose randomness is a function of the seed.
func seeded(seed byte) prover {
	return prover{standard(), rand.NewChaCha8([32]byte{seed})}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		require.NoError(t, err)
		return v
	}
}

// wantCheck wants an error that names the check.
func wantCheck(t testing.TB, err error, check Check) {
	t.Helper()
	var e *InvalidError
	if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) {
		t.Fatalf("error is %v, want check %q", err, check)
	}
	if e.Check != check {
		t.Fatalf("error is %v, want check %q", err, check)
	}
}

// world is a payer with a balance, a payee and an auditor.
type world struct {
	prover
	payer, payee, auditor SecretKey
	balance               Amount
	ctx                   Context
}

func newWorld(t testing.TB, seed byte) *world {
	t.Helper()
	w := &world{prover: seeded(seed), balance: 1_000_000}
	w.payer, w.payee, w.auditor = must(w.key())(t), must(w.key())(t), must(w.key())(t)
	c, _, err := w.encrypt(w.payer.Public(), w.balance)
	require.NoError(t, err)
	w.ctx = Context{
		Operation: OpEscrow, ChainID: mustShortString("SN_SEPOLIA"),
		Contract: feltOf(0x5a6e), Sender: feltOf(0xabc), Nonce: 7, Balance: c,
		JobID: [32]byte{1, 2, 31: 3}, ProofHash: [32]byte{9, 16: 8, 31: 7},
	}
	return w
}

func (w *world) transferStatement(audited bool) TransferStatement {
	s := TransferStatement{Context: w.ctx, From: w.payer.Public(), To: w.payee.Public()}
	if audited {
		s.Auditor = w.auditor.Public()
	}
	return s
}

func (w *world) withdrawStatement(audited bool) WithdrawStatement {
	s := WithdrawStatement{Context: w.ctx, From: w.payer.Public(), Amount: 250_000, Recipient: feltOf(0xdead)}
	s.Operation = OpWithdraw
	if audited {
		s.Auditor = w.auditor.Public()
	}
	return s
}

func (w *world) ragequitStatement() RagequitStatement {
	s := RagequitStatement{Context: w.ctx, From: w.payer.Public(), Amount: w.balance, Recipient: feltOf(0xdead)}
	s.Operation = OpRagequit
	return s
}

// minus is n - v, which stands for the negative number -v.
func minus(v uint64) fr.Element {
	s := scalarOf(v)
	s.Neg(&s)
	return s
}

// differentContexts are copies of ctx with one thing changed each.
func differentContexts(ctx Context) map[string]Context {
	out := make(map[string]Context)
	change := func(name string, f func(*Context)) {
		c := ctx
		f(&c)
		out[name] = c
	}
	change("operation", func(c *Context) { c.Operation = OpTransfer + "x" })
	change("chain", func(c *Context) { c.ChainID = mustShortString("SN_MAIN") })
	change("contract", func(c *Context) { c.Contract = feltOf(1) })
	change("sender", func(c *Context) { c.Sender = feltOf(1) })
	change("nonce", func(c *Context) { c.Nonce++ })
	change("balance", func(c *Context) { c.Balance.R, c.Balance.L = c.Balance.L, c.Balance.R })
	change("job, low half", func(c *Context) { c.JobID[31] ^= 1 })
	change("job, high half", func(c *Context) { c.JobID[0] ^= 1 })
	change("proof hash, low half", func(c *Context) { c.ProofHash[16] ^= 1 })
	change("proof hash, high half", func(c *Context) { c.ProofHash[15] ^= 1 })
	return out
}
