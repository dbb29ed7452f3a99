package ledger

// sageToken is contracts/src/token.cairo.
type sageToken struct {
	*frame
	total      variable[u256]
	balances   mapping[address, u256]
	allowances mapping[pair[address, address], u256]
}

func newSageToken(f *frame) *sageToken {
	return &sageToken{f, variable[u256]{f, "total_supply"}, mapping[address, u256]{f, "balances"},
		mapping[pair[address, address], u256]{f, "allowances"}}
}

var sageTokenClass = contract("SageToken", methods(newSageToken, functions{
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

func (t *sageToken) constructor(recipient address, supply u256) {
	assert(!recipient.IsZero(), "ZERO_ADDRESS")
	supply.narrow()
	t.total.write(supply)
	t.balances.write(recipient, supply)
	t.emit("Transfer", key{address{}, recipient}, supply)
}

func (t *sageToken) name() string      { return "BitSage" }
func (t *sageToken) symbol() string    { return "SAGE" }
func (t *sageToken) decimals() uint8   { return 18 }
func (t *sageToken) totalSupply() u256 { return t.total.read() }

func (t *sageToken) balanceOf(account address) u256 { return t.balances.read(account) }

func (t *sageToken) allowance(owner, spender address) u256 {
	return t.allowances.read(by(owner, spender))
}

func (t *sageToken) transfer(recipient address, amount u256) bool {
	t.move(t.caller(), recipient, amount)
	return true
}

func (t *sageToken) transferFrom(sender, recipient address, amount u256) bool {
	t.spendAllowance(sender, t.caller(), amount)
	t.move(sender, recipient, amount)
	return true
}

func (t *sageToken) approve(spender address, amount u256) bool {
	assert(!spender.IsZero(), "ZERO_ADDRESS")
	owner := t.caller()
	t.allowances.write(by(owner, spender), amount)
	t.emit("Approval", key{owner, spender}, amount)
	return true
}

func (t *sageToken) burn(amount u256) {
	owner := t.caller()
	t.debit(owner, amount)
	t.total.write(t.total.read().sub(amount))
	t.emit("Transfer", key{owner, address{}}, amount)
}

func (t *sageToken) debit(account address, amount u256) {
	balance := t.balances.read(account)
	assert(!balance.less(amount), "INSUFFICIENT_BALANCE")
	t.balances.write(account, balance.sub(amount))
}

func (t *sageToken) move(from, to address, amount u256) {
	assert(!to.IsZero(), "ZERO_ADDRESS")
	t.debit(from, amount)
	// Read after the debit: the two accounts may be one.
	t.balances.write(to, t.balances.read(to).add(amount))
	t.emit("Transfer", key{from, to}, amount)
}

var maxU256 = u256{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

func (t *sageToken) spendAllowance(owner, spender address, amount u256) {
	allowed := t.allowances.read(by(owner, spender))
	if allowed == maxU256 {
		return
	}
	assert(!allowed.less(amount), "INSUFFICIENT_ALLOWANCE")
	t.allowances.write(by(owner, spender), allowed.sub(amount))
}
