package ledger

import (
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// strk is the token in which fees are paid, as on Starknet, without what its bridge does.
type strk struct {
	*frame
	tokenName   variable[string]
	tokenSymbol variable[string]
	precision   variable[uint8]
	total       variable[u256]
	balances    mapping[address, u256]
	allowances  mapping[pair[address, address], u256]
}

func newSTRK(f *frame) *strk {
	return &strk{f, variable[string]{f, "ERC20_name"}, variable[string]{f, "ERC20_symbol"}, variable[uint8]{f, "ERC20_decimals"},
		variable[u256]{f, "ERC20_total_supply"}, mapping[address, u256]{f, "ERC20_balances"},
		mapping[pair[address, address], u256]{f, "ERC20_allowances"}}
}

var strkClass = newClass("STRK", felt.MustParse("0x2e77ee61d4df3d988ee1f42ea5442e913862cc82c2584d212ecda76666498fc"), methods(newSTRK, functions{
	"name":          (*strk).name,
	"symbol":        (*strk).symbol,
	"decimals":      (*strk).decimals,
	"total_supply":  (*strk).totalSupply,
	"totalSupply":   (*strk).totalSupply,
	"balance_of":    (*strk).balanceOf,
	"balanceOf":     (*strk).balanceOf,
	"allowance":     (*strk).allowance,
	"transfer":      (*strk).transfer,
	"transfer_from": (*strk).transferFrom,
	"transferFrom":  (*strk).transferFrom,
	"approve":       (*strk).approve,
}))

// initialize sets the texts and gives out the supply; for the genesis block.
func (t *strk) initialize() {
	t.tokenName.write("StarkNet Token")
	t.tokenSymbol.write("STRK")
	t.precision.write(18)
}

func (t *strk) mint(to address, amount u256) {
	t.total.write(t.total.read().add(amount))
	t.balances.write(to, t.balances.read(to).add(amount))
}

func (t *strk) name() string      { return t.tokenName.read() }
func (t *strk) symbol() string    { return t.tokenSymbol.read() }
func (t *strk) decimals() uint8   { return t.precision.read() }
func (t *strk) totalSupply() u256 { return t.total.read() }

func (t *strk) balanceOf(account address) u256 { return t.balances.read(account) }

func (t *strk) allowance(owner, spender address) u256 { return t.allowances.read(by(owner, spender)) }

func (t *strk) transfer(recipient address, amount u256) bool {
	t.move(t.caller(), recipient, amount)
	return true
}

func (t *strk) transferFrom(sender, recipient address, amount u256) bool {
	if allowed := t.allowances.read(by(sender, t.caller())); allowed != maxU256 {
		require(!allowed.less(amount), "ERC20: insufficient allowance")
		t.setAllowance(sender, t.caller(), allowed.sub(amount))
	}
	t.move(sender, recipient, amount)
	return true
}

func (t *strk) approve(spender address, amount u256) bool {
	t.setAllowance(t.caller(), spender, amount)
	return true
}

func (t *strk) setAllowance(owner, spender address, amount u256) {
	require(!owner.IsZero(), "ERC20: approve from 0")
	require(!spender.IsZero(), "ERC20: approve to 0")
	t.allowances.write(by(owner, spender), amount)
	t.emit("Approval", key{owner, spender}, amount)
}

func (t *strk) move(from, to address, amount u256) {
	require(!from.IsZero(), "ERC20: transfer from 0")
	require(!to.IsZero(), "ERC20: transfer to 0")
	balance := t.balances.read(from)
	require(!balance.less(amount), "ERC20: insufficient balance")
	t.balances.write(from, balance.sub(amount))
	t.balances.write(to, t.balances.read(to).add(amount))
	t.emit("Transfer", key{from, to}, amount)
}

// deployer is the universal deployer. It is at two addresses, as on the public networks: the
// first is that of package chain, the other the older one, which starknet.go calls.
type deployer struct{ *frame }

func newDeployer(f *frame) deployer { return deployer{f} }

var deployerClass = newClass("universal deployer", felt.MustParse("0x1b2df6d8861670d4a8ca4670433b2418d78169c2947f46dc614e69f333745c8"), methods(newDeployer, functions{
	"deployContract":  deployer.deploy,
	"deploy_contract": deployer.deploy,
}))

var oldDeployerClass = newClass("universal deployer of Cairo 0", felt.MustParse("0x7b3e05f48f0c69e4a65ce5e076a66271a527aff2c34ce1083ec6e1526997a69"), methods(newDeployer, functions{
	"deployContract": deployer.deploy,
}))

// deploy deploys a contract. A unique address depends on who deploys.
func (t deployer) deploy(class, salt Felt, unique bool, calldata []Felt) address {
	from, actual := Felt{}, salt
	if unique {
		from, actual = t.this, pedersenHash(t.from, salt)
	}
	at := address{wallet.ContractAddress(from, actual, class, calldata)}
	t.run.deploy(t.this, at.Felt, class, calldata)
	t.emit("ContractDeployed", nil, at, t.caller(), unique, class, calldata, salt)
	return at
}

// natives are the classes that are there from the genesis block on. Their code is not held:
// starknet_getClass does not know them.
var natives = []*class{strkClass, deployerClass, oldDeployerClass, openZeppelinClass, openZeppelin17Class, argentClass, argent031Class}

// sequencer is the address to which fees go.
var sequencer = felt.MustParse("0x1000")

var (
	strkAddress        = chain.STRK()
	deployerAddress    = chain.Deployer()
	oldDeployerAddress = felt.MustParse("0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf")
)
