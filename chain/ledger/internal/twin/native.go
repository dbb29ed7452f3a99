package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/wallet"
)

// strk is the token in which fees are paid, as on Starknet, without what its bridge does.
type strk struct {
	*cairo.Frame
	tokenName   cairo.Variable[string]
	tokenSymbol cairo.Variable[string]
	precision   cairo.Variable[uint8]
	total       cairo.Variable[cairo.U256]
	balances    cairo.Mapping[cairo.Address, cairo.U256]
	allowances  cairo.Mapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256]
}

// NewSTRK is the token in a call.
func NewSTRK(f *cairo.Frame) *strk {
	return &strk{
		f,
		cairo.NewVariable[string](f, "ERC20_name"),
		cairo.NewVariable[string](f, "ERC20_symbol"),
		cairo.NewVariable[uint8](f, "ERC20_decimals"),
		cairo.NewVariable[cairo.U256](f, "ERC20_total_supply"),
		cairo.NewMapping[cairo.Address, cairo.U256](f, "ERC20_balances"),
		cairo.NewMapping[cairo.Pair[cairo.Address, cairo.Address], cairo.U256](f, "ERC20_allowances"),
	}
}

// STRKHash is the class hash of the token.
func STRKHash() felt.Felt {
	return felt.MustParse("0x2e77ee61d4df3d988ee1f42ea5442e913862cc82c2584d212ecda76666498fc")
}

func strkClass() *cairo.Class {
	return cairo.NewClass("STRK", STRKHash(), cairo.Methods(NewSTRK, cairo.Functions{
		"name":          (*strk).name,
		"symbol":        (*strk).symbol,
		"decimals":      (*strk).decimals,
		"total_supply":  (*strk).totalSupply,
		"totalSupply":   (*strk).totalSupply,
		"balance_of":    (*strk).BalanceOf,
		"balanceOf":     (*strk).BalanceOf,
		"allowance":     (*strk).allowance,
		"transfer":      (*strk).Transfer,
		"transfer_from": (*strk).transferFrom,
		"transferFrom":  (*strk).transferFrom,
		"approve":       (*strk).approve,
	}))
}

// Initialize sets the texts and gives out the supply; for the genesis block.
func (t *strk) Initialize() {
	t.tokenName.Write("StarkNet Token")
	t.tokenSymbol.Write("STRK")
	t.precision.Write(18)
}

func (t *strk) Mint(to cairo.Address, amount cairo.U256) {
	t.total.Write(t.total.Read().Add(amount))
	t.balances.Write(to, t.balances.Read(to).Add(amount))
}

func (t *strk) name() string            { return t.tokenName.Read() }
func (t *strk) symbol() string          { return t.tokenSymbol.Read() }
func (t *strk) decimals() uint8         { return t.precision.Read() }
func (t *strk) totalSupply() cairo.U256 { return t.total.Read() }

func (t *strk) BalanceOf(account cairo.Address) cairo.U256 { return t.balances.Read(account) }

func (t *strk) allowance(owner, spender cairo.Address) cairo.U256 {
	return t.allowances.Read(cairo.PairOf(owner, spender))
}

func (t *strk) Transfer(recipient cairo.Address, amount cairo.U256) bool {
	t.move(t.Caller(), recipient, amount)
	return true
}

func (t *strk) transferFrom(sender, recipient cairo.Address, amount cairo.U256) bool {
	if allowed := t.allowances.Read(cairo.PairOf(sender, t.Caller())); allowed != cairo.MaxU256 {
		cairo.Require(!allowed.Less(amount), "ERC20: insufficient allowance")
		t.setAllowance(sender, t.Caller(), allowed.Sub(amount))
	}
	t.move(sender, recipient, amount)
	return true
}

func (t *strk) approve(spender cairo.Address, amount cairo.U256) bool {
	t.setAllowance(t.Caller(), spender, amount)
	return true
}

func (t *strk) setAllowance(owner, spender cairo.Address, amount cairo.U256) {
	cairo.Require(!owner.IsZero(), "ERC20: approve from 0")
	cairo.Require(!spender.IsZero(), "ERC20: approve to 0")
	t.allowances.Write(cairo.PairOf(owner, spender), amount)
	t.Emit("Approval", cairo.Keys{owner, spender}, amount)
}

func (t *strk) move(from, to cairo.Address, amount cairo.U256) {
	cairo.Require(!from.IsZero(), "ERC20: transfer from 0")
	cairo.Require(!to.IsZero(), "ERC20: transfer to 0")
	balance := t.balances.Read(from)
	cairo.Require(!balance.Less(amount), "ERC20: insufficient balance")
	t.balances.Write(from, balance.Sub(amount))
	t.balances.Write(to, t.balances.Read(to).Add(amount))
	t.Emit("Transfer", cairo.Keys{from, to}, amount)
}

// OldDeployer is the older of the two addresses of the universal deployer, which starknet.go
// calls.
func OldDeployer() felt.Felt {
	return felt.MustParse("0x41a78e741e5af2fec34b695679bc6891742439f7afb8484ecd7766661ad02bf")
}

// deployer is the universal deployer. It is at two addresses, as on the public networks: the
// first is that of package chain, the other OldDeployer.
type deployer struct{ *cairo.Frame }

func newDeployer(f *cairo.Frame) deployer { return deployer{f} }

// DeployerHash is the class hash of the deployer at the address of package chain.
func DeployerHash() felt.Felt {
	return felt.MustParse("0x1b2df6d8861670d4a8ca4670433b2418d78169c2947f46dc614e69f333745c8")
}

func deployerClass() *cairo.Class {
	return cairo.NewClass("universal deployer", DeployerHash(), cairo.Methods(newDeployer, cairo.Functions{
		"deployContract":  deployer.deploy,
		"deploy_contract": deployer.deploy,
	}))
}

// OldDeployerHash is the class hash of the deployer at OldDeployer.
func OldDeployerHash() felt.Felt {
	return felt.MustParse("0x7b3e05f48f0c69e4a65ce5e076a66271a527aff2c34ce1083ec6e1526997a69")
}

func oldDeployerClass() *cairo.Class {
	return cairo.NewClass("universal deployer of Cairo 0", OldDeployerHash(), cairo.Methods(newDeployer, cairo.Functions{
		"deployContract": deployer.deploy,
	}))
}

// deploy deploys a contract. A unique address depends on who deploys.
func (t deployer) deploy(class, salt felt.Felt, unique bool, calldata []felt.Felt) cairo.Address {
	from, actual := felt.Felt{}, salt
	if unique {
		from, actual = t.This, cairo.PedersenHash(t.From, salt)
	}
	at := cairo.Address{Felt: wallet.ContractAddress(from, actual, class, calldata)}
	t.Run.Deploy(t.This, at.Felt, class, calldata)
	t.Emit("ContractDeployed", nil, at, t.Caller(), unique, class, calldata, salt)
	return at
}
