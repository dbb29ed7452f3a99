package chaintest

import (
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
)

// confidential lists who has a confidential account.
func (w *world) confidential() []*party {
	var out []*party
	for _, p := range w.parties {
		if p.opened {
			out = append(out, p)
		}
	}
	return out
}

// account reads a confidential account.
func (p *party) account(t *testing.T) privacyrouter.Account {
	t.Helper()
	return view(t, p.w, p.w.privacy.call(privacyrouter.AccountCall(p.Address())), privacyrouter.DecodeAccount)
}

// balance and pending are what only the owner of the account can read.
func (p *party) balance(t *testing.T) elgamal.Amount {
	t.Helper()
	return p.w.books.read(t, p, felts(p.account(t).Balance))
}

func (p *party) pending(t *testing.T) elgamal.Amount {
	t.Helper()
	return p.w.books.read(t, p, felts(p.account(t).Pending))
}

func (w *world) auditor(t *testing.T) elgamal.PublicKey {
	t.Helper()
	point := view(t, w, w.privacy.call(privacyrouter.AuditorCall()), privacyrouter.DecodeAuditor)
	if point == nil {
		return elgamal.PublicKey{}
	}
	return must(elgamal.NewPublicKey(point.X, point.Y))(t)
}

// context is that of the account's next operation.
func (p *party) context(t *testing.T, operation string) elgamal.Context {
	t.Helper()
	a := p.account(t)
	c := elgamal.Context{Operation: operation, ChainID: p.w.chainID, Contract: p.w.privacy.address, Sender: p.Address(), Nonce: a.Nonce}
	if a.Nonce == 0 {
		c.Balance = elgamal.Zero(p.secret.Public())
	} else {
		balance := felts(a.Balance)
		c.Balance = must(elgamal.ParseCiphertext(balance[:]))(t)
	}
	return c
}

// owns proves the ownership of the account's key, for values.
func (p *party) owns(t *testing.T, c elgamal.Context, values ...chain.Felt) []chain.Felt {
	t.Helper()
	return must(p.secret.ProveOwnership(c, values...))(t).Felts()
}

// open opens a confidential account.
func (p *party) open(t *testing.T) {
	t.Helper()
	p.secret, p.opened = must(elgamal.GenerateKey())(t), true
	p.do(t, p.w.privacy.call(privacyrouter.RegisterKeyCall(point(p.secret.Public()), p.owns(t, p.context(t, elgamal.OpRegister)))))
}

func point(y elgamal.PublicKey) privacyrouter.Point {
	f := y.Felts()
	return privacyrouter.Point{X: f[0], Y: f[1]}
}

// allows lets a contract take so many units of the token.
func (p *party) allows(t *testing.T, spender contract, units elgamal.Amount) chain.Call {
	t.Helper()
	return p.w.token.call(sagetoken.ApproveCall(spender.address, u256(must(p.w.rate.BaseUnits(units))(t))))
}

func (p *party) deposit(t *testing.T, amount elgamal.Amount) {
	t.Helper()
	p.do(t, p.allows(t, p.w.privacy, amount), p.depositCall(t, amount))
}

func (p *party) depositCall(t *testing.T, amount elgamal.Amount) chain.Call {
	t.Helper()
	proof := p.owns(t, p.context(t, elgamal.OpDeposit), chain.Uint(uint64(amount)))
	return p.w.privacy.call(privacyrouter.DepositCall(uint64(amount), proof))
}

// statement is that of a transfer to another account.
func (p *party) statement(t *testing.T, to *party, c elgamal.Context) elgamal.TransferStatement {
	t.Helper()
	return elgamal.TransferStatement{Context: c, From: p.secret.Public(), To: to.secret.Public(), Auditor: p.w.auditor(t)}
}

func (p *party) transferCall(t *testing.T, to *party, amount elgamal.Amount) chain.Call {
	t.Helper()
	s := p.statement(t, to, p.context(t, elgamal.OpTransfer))
	transfer := must(elgamal.ProveTransfer(p.secret, s, p.balance(t), amount))(t)
	return p.w.privacy.call(privacyrouter.TransferCall(to.Address(), transfer.Felts()))
}

func (p *party) rolloverCall(t *testing.T) chain.Call {
	t.Helper()
	return p.w.privacy.call(privacyrouter.RolloverCall(p.owns(t, p.context(t, elgamal.OpRollover))))
}

func (p *party) withdrawal(t *testing.T, amount elgamal.Amount, to chain.Felt) elgamal.WithdrawStatement {
	t.Helper()
	return elgamal.WithdrawStatement{Context: p.context(t, elgamal.OpWithdraw), From: p.secret.Public(), Auditor: p.w.auditor(t), Amount: amount, Recipient: to}
}

func (p *party) withdrawCall(t *testing.T, amount elgamal.Amount, to *party) chain.Call {
	t.Helper()
	s := p.withdrawal(t, amount, to.Address())
	proof := must(elgamal.ProveWithdraw(p.secret, s, p.balance(t)))(t)
	return p.w.privacy.call(privacyrouter.WithdrawCall(uint64(amount), to.Address(), proof.Felts()))
}

func (p *party) ragequit(t *testing.T, amount elgamal.Amount, to chain.Felt) elgamal.RagequitStatement {
	t.Helper()
	return elgamal.RagequitStatement{Context: p.context(t, elgamal.OpRagequit), From: p.secret.Public(), Amount: amount, Recipient: to}
}

func (p *party) ragequitCall(t *testing.T, to *party) chain.Call {
	t.Helper()
	amount := p.balance(t)
	proof := must(elgamal.ProveRagequit(p.secret, p.ragequit(t, amount, to.Address())))(t)
	return p.w.privacy.call(privacyrouter.RagequitCall(uint64(amount), to.Address(), proof.Felts()))
}

// must stops the test at an error.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
