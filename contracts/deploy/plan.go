package deploy

import (
	"fmt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// The names of the contracts, which are those of their classes.
const (
	SageToken         = "SageToken"
	FaucetContract    = "Faucet"
	StakingManager    = "StakingManager"
	ReputationManager = "ReputationManager"
	ValidatorRegistry = "ValidatorRegistry"
	ProofVerifier     = "ProofVerifier"
	JobManager        = "JobManager"
	PrivacyRouter     = "PrivacyRouter"
	PaymentRouter     = "PaymentRouter"
)

// Contract is one contract of a plan.
type Contract struct {
	Name       string
	Address    chain.Felt
	Deployment chain.Deployment
	Compiled   chain.Felt // the compiled class hash for the declaration
	class      *contracts.Class
}

// Plan is what Run does, in order. It depends on the account and the configuration
// alone: all addresses are known before anything is sent.
type Plan struct {
	Account   chain.Felt
	Config    Config // with Owner and Recipient filled in
	Contracts []Contract
}

// NewPlan returns the plan for an account. It fails with ErrConfig.
func NewPlan(account chain.Felt, cfg Config) (*Plan, error) {
	cfg, err := cfg.resolve(account)
	if err != nil {
		return nil, err
	}
	p := &Plan{Account: account, Config: cfg}
	token := p.add(SageToken, sagetoken.Constructor(cfg.Recipient, u256(cfg.Supply.Base())))
	if cfg.Faucet != nil {
		p.add(FaucetContract, faucet.Constructor(account, token, u256(cfg.Faucet.Cap.Base())))
	}
	staking := p.add(StakingManager, stakingmanager.Constructor(account, token))
	reputation := p.add(ReputationManager, reputationmanager.Constructor(account))
	registry := p.add(ValidatorRegistry, validatorregistry.Constructor(account, staking, cfg.EpochLength))
	verifier := p.add(ProofVerifier, proofverifier.Constructor(account, registry))
	jobs := p.add(JobManager, jobmanager.Constructor(account, staking, reputation, verifier))
	privacy := p.add(PrivacyRouter, privacyrouter.Constructor(account, token, u256(cfg.Rate)))
	p.add(PaymentRouter, paymentrouter.Constructor(jobs, privacy))
	return p, nil
}

// add appends a contract and returns its address.
func (p *Plan) add(name string, calldata []chain.Felt) chain.Felt {
	class, err := contracts.ByName(name)
	if err != nil {
		panic(err) // the classes are embedded
	}
	d := chain.Deployment{Class: felt.MustParse(class.ClassHash), Salt: p.Config.Salt, Calldata: calldata}
	p.Contracts = append(p.Contracts, Contract{name, d.Address(), d, felt.MustParse(class.CompiledClassHash), class})
	return d.Address()
}

// address returns the address of a contract of the plan.
func (p *Plan) address(name string) chain.Felt {
	for _, c := range p.Contracts {
		if c.Name == name {
			return c.Address
		}
	}
	panic("deploy: no contract " + name + " in the plan")
}

// Addresses returns where the contracts of the plan are, or will be, on a chain.
func (p *Plan) Addresses(chainID string) *chain.Addresses {
	a := &chain.Addresses{ChainID: chainID, Contracts: make(map[string]chain.Contract)}
	for _, c := range p.Contracts {
		a.Contracts[c.Name] = chain.Contract{Address: c.Address, Class: c.Deployment.Class}
	}
	return a
}

// action is a call of the transaction that deploys and configures.
type action struct {
	name string
	call chain.Call
}

// deployment returns the call that deploys a contract. Its address does not depend
// on who makes it.
func (c *Contract) deployment() action {
	return action{"deploy " + c.Name, c.Deployment.Call()}
}

// configuration is a call that is made once, and the slot that it sets.
type configuration struct {
	contract string
	slot     string
	call     cairo.Call
}

func (p *Plan) configurations() []configuration {
	jobs := p.address(JobManager)
	return []configuration{
		{StakingManager, "job_manager", stakingmanager.ConfigureCall(jobs, p.address(ValidatorRegistry))},
		{ReputationManager, "job_manager", reputationmanager.ConfigureCall(jobs)},
		{ValidatorRegistry, "verifier", validatorregistry.ConfigureCall(p.address(ProofVerifier))},
		{JobManager, "router", jobmanager.ConfigureCall(p.address(PaymentRouter))},
		{PrivacyRouter, "payment_router", privacyrouter.ConfigureCall(p.address(PaymentRouter))},
	}
}

// funding returns the calls that fill the faucet.
func (p *Plan) funding() []action {
	if p.Config.Faucet == nil || p.Config.Faucet.Funding.IsZero() {
		return nil
	}
	amount := u256(p.Config.Faucet.Funding.Base())
	return []action{
		p.act("allow the faucet its funding", SageToken, sagetoken.ApproveCall(p.address(FaucetContract), amount)),
		p.act(fmt.Sprintf("give the faucet %v SAGE", p.Config.Faucet.Funding), FaucetContract, faucet.RefillCall(amount)),
	}
}

func (p *Plan) act(name, contract string, c cairo.Call) action {
	return action{name, chain.Call{To: p.address(contract), Selector: c.Selector, Calldata: c.Calldata}}
}

// owned are the contracts that have an owner.
func (p *Plan) owned() []string {
	list := []string{StakingManager, ProofVerifier, JobManager, PrivacyRouter}
	if p.Config.Faucet != nil {
		list = append(list, FaucetContract)
	}
	return list
}

// offer is the action by which contracts make an account their owner, see
// ownership_action in their sources.
func offer(owner chain.Felt) chain.Felt {
	name, err := felt.ShortString("accept_ownership")
	if err != nil {
		panic(err)
	}
	return poseidon.HashMany(name, owner)
}
