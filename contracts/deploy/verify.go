package deploy

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/money"
)

// ErrVerify means that a deployment is not what it must be. The error lists all that
// is wrong.
var ErrVerify = errors.New("deploy: the deployment does not verify")

// relations are the contracts that know each other: a storage slot of the first
// holds the address of the other. The slots are those of the classes of this
// package, which are checked first.
var relations = []struct{ contract, slot, other string }{
	{FaucetContract, "token", SageToken},
	{StakingManager, "token", SageToken},
	{StakingManager, "job_manager", JobManager},
	{StakingManager, "validator_registry", ValidatorRegistry},
	{ReputationManager, "job_manager", JobManager},
	{ValidatorRegistry, "staking", StakingManager},
	{ValidatorRegistry, "verifier", ProofVerifier},
	{ProofVerifier, "registry", ValidatorRegistry},
	{JobManager, "staking", StakingManager},
	{JobManager, "reputation", ReputationManager},
	{JobManager, "verifier", ProofVerifier},
	{JobManager, "router", PaymentRouter},
	{PrivacyRouter, "token", SageToken},
	{PrivacyRouter, "payment_router", PaymentRouter},
	{PaymentRouter, "job_manager", JobManager},
	{PaymentRouter, "privacy", PrivacyRouter},
}

// Report is what is known of a deployment.
type Report struct {
	ChainID string `json:"chain_id"`
	// Owners are the owners of the contracts that have one.
	Owners map[string]Address `json:"owners"`
	// Deployer configured ReputationManager and ValidatorRegistry and has no other
	// power.
	Deployer    Address      `json:"deployer"`
	Supply      money.Amount `json:"supply"`       // what is left of it, if something was burned
	Rate        string       `json:"rate"`         // base units, decimal
	EpochLength uint64       `json:"epoch_length"` // seconds
	Faucet      *FaucetState `json:"faucet"`       // nil without a faucet
}

// FaucetState is what is known of a faucet.
type FaucetState struct {
	Cap     money.Amount `json:"cap"`     // of all claims
	Given   money.Amount `json:"given"`   // by claims so far
	Balance money.Amount `json:"balance"` // what it holds
}

// Address is the address of an account. As text it is hexadecimal.
type Address chain.Felt

// String returns the address in hexadecimal.
func (a Address) String() string { return chain.Felt(a).String() }

// MarshalText returns what String does.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// Verify checks that contracts are there, are those of this version, and are
// configured to work with each other and no other. See Inspect.
func Verify(ctx context.Context, c *chain.Client, a *chain.Addresses) error {
	_, err := Inspect(ctx, c, a)
	return err
}

// Inspect is Verify that also returns what it read. The faucet may be missing, other
// contracts may not. Who the owners are, and whether the parameters are good ones,
// is for the reader to judge. It fails with ErrVerify if the deployment is wrong,
// chain.ErrChainID for another chain, or as Client.Do does.
func Inspect(ctx context.Context, c *chain.Client, a *chain.Addresses) (*Report, error) {
	id, err := c.ChainID(ctx)
	if err != nil {
		return nil, err
	}
	if id != a.ChainID {
		return nil, fmt.Errorf("%w: %s, the addresses are of %s", chain.ErrChainID, id, a.ChainID)
	}
	i := &inspection{ctx: ctx, client: c, addresses: a}
	// Without the right classes the slots mean nothing.
	if i.classes(); i.failed() {
		return nil, i.err()
	}
	r := &Report{ChainID: id, Owners: make(map[string]Address)}
	i.relations()
	i.roles(r)
	i.amounts(r)
	return r, i.err()
}

// inspection collects what is wrong. After an error of the node it reads nothing more.
type inspection struct {
	ctx       context.Context
	client    *chain.Client
	addresses *chain.Addresses
	broken    error   // could not check
	wrong     []error // checked and wrong
}

func (i *inspection) failed() bool { return i.broken != nil || i.wrong != nil }

func (i *inspection) err() error {
	switch {
	case i.broken != nil:
		return i.broken
	case i.wrong != nil:
		return fmt.Errorf("%w: %w", ErrVerify, errors.Join(i.wrong...))
	}
	return nil
}

func (i *inspection) complain(format string, args ...any) {
	if i.broken == nil {
		i.wrong = append(i.wrong, fmt.Errorf(format, args...))
	}
}

func (i *inspection) has(name string) bool { _, ok := i.addresses.Contracts[name]; return ok }

// slot reads a felt of a contract's storage, offset felts behind a variable.
func (i *inspection) slot(contract, name string, offset uint64) chain.Felt {
	if i.broken != nil {
		return chain.Felt{}
	}
	key, by := chain.Selector(name), chain.Uint(offset)
	key.Add(&key, &by)
	v, err := i.client.StorageAt(i.ctx, i.addresses.Contracts[contract].Address, key, chain.AtLatest())
	if err != nil {
		i.broken = fmt.Errorf("deploy: %s.%s: %w", contract, name, err)
	}
	return v
}

// amount reads an amount of SAGE of a contract's storage.
func (i *inspection) amount(contract, name string) money.Amount {
	x := i.u256(contract, name)
	a, err := money.FromBase(x)
	if err != nil {
		i.complain("%s.%s is %v base units", contract, name, x)
	}
	return a
}

// u256 reads a u256 of a contract's storage.
func (i *inspection) u256(contract, name string) *big.Int {
	low, high := i.slot(contract, name, 0), i.slot(contract, name, 1)
	x := high.BigInt(new(big.Int))
	return x.Lsh(x, 128).Add(x, low.BigInt(new(big.Int)))
}

// classes checks that the contracts are there with the classes of this version.
func (i *inspection) classes() {
	for _, class := range contracts.Classes() {
		want, at := felt.MustParse(class.ClassHash), i.addresses.Contracts[class.Name]
		if !i.has(class.Name) {
			if class.Name != FaucetContract {
				i.complain("%s is missing", class.Name)
			}
			continue
		}
		if at.Class != want {
			i.complain("%s has class %s in the address file, in this version it is %s", class.Name, at.Class, want)
		}
		got, err := i.client.ClassHashAt(i.ctx, at.Address, chain.AtLatest())
		switch {
		case errors.Is(err, chain.ErrContractNotFound):
			i.complain("%s: there is no contract at %s", class.Name, at.Address)
		case err != nil:
			i.broken = fmt.Errorf("deploy: %s: %w", class.Name, err)
			return
		case got != want:
			i.complain("%s at %s has class %s, not %s", class.Name, at.Address, got, want)
		}
	}
}

func (i *inspection) relations() {
	for _, r := range relations {
		if !i.has(r.contract) {
			continue
		}
		if got, want := i.slot(r.contract, r.slot, 0), i.addresses.Contracts[r.other].Address; got != want {
			i.complain("%s.%s is %s, not %s at %s", r.contract, r.slot, got, r.other, want)
		}
	}
}

// roles reads who owns and who configured the contracts.
func (i *inspection) roles(r *Report) {
	for _, name := range []string{FaucetContract, StakingManager, ProofVerifier, JobManager, PrivacyRouter} {
		if !i.has(name) {
			continue
		}
		owner := i.slot(name, "Ownable_owner", 0)
		if !chain.IsAddress(owner) {
			i.complain("%s has no owner", name)
		}
		r.Owners[name] = Address(owner)
	}
	r.Deployer = Address(i.slot(ReputationManager, "deployer", 0))
	if other := Address(i.slot(ValidatorRegistry, "deployer", 0)); other != r.Deployer {
		i.complain("ReputationManager was configured by %v, ValidatorRegistry by %v", r.Deployer, other)
	}
}

// amounts reads numbers and checks what must hold between them.
func (i *inspection) amounts(r *Report) {
	units := i.u256(PrivacyRouter, "rate")
	r.Supply, r.Rate = i.amount(SageToken, "total_supply"), units.String()
	if rate, err := elgamal.NewRate(units); err != nil || !rate.Covers(r.Supply.Base()) {
		i.complain("the supply of %v SAGE is above 2^40-1 units of %v base units", r.Supply, units)
	}
	length := i.slot(ValidatorRegistry, "epoch_length", 0)
	if r.EpochLength = length.Uint64(); !length.IsUint64() || r.EpochLength < minEpoch || r.EpochLength > maxEpoch {
		i.complain("epochs of %s seconds", length)
	}
	i.token()
	if !i.has(FaucetContract) || i.broken != nil {
		return
	}
	f := &FaucetState{Cap: i.amount(FaucetContract, "cap"), Given: i.amount(FaucetContract, "given")}
	if f.Cap.Less(f.Given) {
		i.complain("the faucet gave %v SAGE, above its cap of %v", f.Given, f.Cap)
	}
	r.Faucet = f
	token, at := i.addresses.Contracts[SageToken].Address, i.addresses.Contracts[FaucetContract].Address
	balance, err := i.client.Balance(i.ctx, token, at, chain.AtLatest())
	if err != nil {
		i.broken = err
		return
	}
	if f.Balance, err = money.FromBase(balance); err != nil || r.Supply.Less(f.Balance) {
		i.complain("the faucet holds more than the supply")
	}
}

// token checks by its views that the token is the one it says it is, which also
// shows that the storage that is read here is that of running contracts.
func (i *inspection) token() {
	if i.broken != nil {
		return
	}
	at := i.addresses.Contracts[SageToken].Address
	symbol, err := view(i.ctx, i.client, at, sagetoken.SymbolCall(), sagetoken.DecodeSymbol)
	if err != nil {
		i.broken = err
		return
	}
	decimals, err := view(i.ctx, i.client, at, sagetoken.DecimalsCall(), sagetoken.DecodeDecimals)
	if err != nil {
		i.broken = err
		return
	}
	if symbol != "SAGE" || decimals != 18 {
		i.complain("the token is %q with %d decimals", symbol, decimals)
	}
}

// verify is Verify with the parameters that the deployment was made with.
func (p *Plan) verify(ctx context.Context, c *chain.Client, a *chain.Addresses) error {
	r, err := Inspect(ctx, c, a)
	if err != nil {
		return err
	}
	cfg := p.Config
	var wrong []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	for name, owner := range r.Owners {
		check(slices.Contains([]chain.Felt{p.Account, cfg.Owner}, chain.Felt(owner)), "%s belongs to %v", name, owner)
	}
	check(chain.Felt(r.Deployer) == p.Account, "%v configured the contracts", r.Deployer)
	check(!cfg.Supply.Less(r.Supply), "the supply is %v SAGE", r.Supply)
	check(r.Rate == cfg.Rate.String(), "the rate is %s", r.Rate)
	check(r.EpochLength == cfg.EpochLength, "epochs of %d seconds", r.EpochLength)
	if cfg.Faucet != nil {
		got, err := r.Faucet.Given.Add(r.Faucet.Balance)
		check(r.Faucet.Cap == cfg.Faucet.Cap, "the faucet's cap is %v SAGE", r.Faucet.Cap)
		check(err == nil && !got.Less(cfg.Faucet.Funding), "the faucet got %v SAGE, not %v", got, cfg.Faucet.Funding)
	}
	if wrong != nil {
		return fmt.Errorf("%w: %w", ErrVerify, errors.Join(wrong...))
	}
	return nil
}
