package twin

import "github.com/bitsage/bitsage/chain/ledger/internal/cairo"

// sageToken is contracts/src/token.cairo.
type sageToken struct {
	*cairo.Frame
	total      cairo.Variable[cairo.U256]
	balances   cairo.Mapping[cairo.Address, cairo.U256]
	allowances cairo.Mapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256]
}

func newSageToken(f *cairo.Frame) *sageToken {
	return &sageToken{
		f,
		cairo.NewVariable[cairo.U256](f, "total_supply"),
		cairo.NewMapping[cairo.Address, cairo.U256](f, "balances"),
		cairo.NewMapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256](f, "allowances"),
	}
}

func sageTokenClass() *cairo.Class {
	return contract("SageToken", cairo.Methods(newSageToken, cairo.Functions{
		"constructor":   (*sageToken).constructor,
		"name":          (*sageToken).name,
		"symbol":        (*sageToken).symbol,
		"decimals":      (*sageToken).decimals,
		"total_supply":  (*sageToken).totalSupply,
		"balance_of":    (*sageToken).balanceOf,
		"allowance":     (*sageToken).allowance,
		"transfer":      (*sageToken).transfer,
		"transfer_from": (*sageToken).transferFrom,
		"approve":       (*sageToken).approve,
		"burn":          (*sageToken).burn,
	}))
}

func (t *sageToken) constructor(recipient cairo.Address, supply cairo.U256) {
	cairo.Assert(!recipient.IsZero(), "ZERO_ADDRESS")
	supply.Narrow()
	t.total.Write(supply)
	t.balances.Write(recipient, supply)
	t.Emit("Transfer", cairo.Keys{cairo.Address{}, recipient}, supply)
}

func (t *sageToken) name() string            { return "BitSage" }
func (t *sageToken) symbol() string          { return "SAGE" }
func (t *sageToken) decimals() uint8         { return 18 }
func (t *sageToken) totalSupply() cairo.U256 { return t.total.Read() }

func (t *sageToken) balanceOf(account cairo.Address) cairo.U256 { return t.balances.Read(account) }

func (t *sageToken) allowance(owner, spender cairo.Address) cairo.U256 {
	return t.allowances.Read(cairo.PairOf(owner, spender))
}

func (t *sageToken) transfer(recipient cairo.Address, amount cairo.U256) bool {
	t.move(t.Caller(), recipient, amount)
	return true
}

func (t *sageToken) transferFrom(sender, recipient cairo.Address, amount cairo.U256) bool {
	t.spendAllowance(sender, t.Caller(), amount)
	t.move(sender, recipient, amount)
	return true
}

func (t *sageToken) approve(spender cairo.Address, amount cairo.U256) bool {
	cairo.Assert(!spender.IsZero(), "ZERO_ADDRESS")
	owner := t.Caller()
	t.allowances.Write(cairo.PairOf(owner, spender), amount)
	t.Emit("Approval", cairo.Keys{owner, spender}, amount)
	return true
}

func (t *sageToken) burn(amount cairo.U256) {
	owner := t.Caller()
	t.debit(owner, amount)
	t.total.Write(t.total.Read().Sub(amount))
	t.Emit("Transfer", cairo.Keys{owner, cairo.Address{}}, amount)
}

func (t *sageToken) debit(account cairo.Address, amount cairo.U256) {
	balance := t.balances.Read(account)
	cairo.Assert(!balance.Less(amount), "INSUFFICIENT_BALANCE")
	t.balances.Write(account, balance.Sub(amount))
}

func (t *sageToken) move(from, to cairo.Address, amount cairo.U256) {
	cairo.Assert(!to.IsZero(), "ZERO_ADDRESS")
	t.debit(from, amount)
	// Read after the debit: the two accounts may be one.
	t.balances.Write(to, t.balances.Read(to).Add(amount))
	t.Emit("Transfer", cairo.Keys{from, to}, amount)
}

func (t *sageToken) spendAllowance(owner, spender cairo.Address, amount cairo.U256) {
	allowed := t.allowances.Read(cairo.PairOf(owner, spender))
	if allowed == cairo.MaxU256 {
		return
	}
	cairo.Assert(!allowed.Less(amount), "INSUFFICIENT_ALLOWANCE")
	t.allowances.Write(cairo.PairOf(owner, spender), allowed.Sub(amount))
}
