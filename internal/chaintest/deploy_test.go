package chaintest_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/chaintest"
	"github.com/bitsage/bitsage/money"
)

const epoch = time.Hour

// network deploys the contracts twice on a chain and describes it to the suite.
func network(t *testing.T, owner *chain.Account, fund func(context.Context, chain.Felt) error, advance func(context.Context, time.Duration) error) chaintest.Network {
	t.Helper()
	contracts := deployment(t, owner)
	return chaintest.Network{
		Client: owner.Client(), Contracts: contracts, Bare: bare(t, owner, contracts), Epoch: epoch, Owner: owner,
		Fund: fund, Advance: advance, Fees: chain.FeePolicy{Fixed: bounds()},
	}
}

// deployment is one as an operator would make it.
func deployment(t *testing.T, owner *chain.Account) *chain.Addresses {
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		t.Fatal(err)
	}
	cfg.EpochLength = uint64(epoch / time.Second)
	cfg.Faucet = &deploy.Faucet{Cap: money.SAGE(100_000), Funding: money.SAGE(10_000)}
	a, err := deploy.Run(t.Context(), owner, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func strk(n int64) *big.Int {
	return new(big.Int).Mul(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))
}

// bounds are the network's own limits at twice devnet's prices.
func bounds() *chain.Bounds {
	price := big.NewInt(2_000_000_000)
	return &chain.Bounds{L1Gas: chain.Resource{Amount: 1 << 16, Price: price}, L2Gas: chain.Resource{Amount: 1_110_000_000, Price: price},
		L1DataGas: chain.Resource{Amount: 1 << 16, Price: price}}
}

// deployer deploys contracts of classes that another deployment has declared.
type deployer struct {
	t     *testing.T
	owner *chain.Account
	other *chain.Addresses
}

func (d deployer) at(a *chain.Addresses, salt uint64, name string, calldata []chain.Felt) chain.Felt {
	dep := chain.Deployment{Class: d.other.Contracts[name].Class, Salt: chain.Uint(salt), Calldata: calldata}
	out, err := d.owner.Deploy(d.t.Context(), dep)
	if err != nil {
		d.t.Fatal(name, err)
	}
	if _, err := d.owner.Wait(d.t.Context(), out.Tx); err != nil {
		d.t.Fatal(name, err)
	}
	a.Contracts[name] = chain.Contract{Address: out.Address, Class: dep.Class}
	return out.Address
}

func u256(x *big.Int) calldata.U256 {
	u, err := calldata.U256FromBig(x)
	if err != nil {
		panic(err)
	}
	return u
}

// bare makes another deployment, without configuring it.
func bare(t *testing.T, owner *chain.Account, other *chain.Addresses) *chain.Addresses {
	const salt = 2
	d := deployer{t, owner, other}
	a := &chain.Addresses{ChainID: other.ChainID, Contracts: map[string]chain.Contract{}}
	o := owner.Address()
	token := d.at(a, salt, "SageToken", sagetoken.Constructor(o, u256(strk(1_000_000_000))))
	d.at(a, salt, "Faucet", faucet.Constructor(o, token, u256(strk(1_500))))
	sta := d.at(a, salt, "StakingManager", stakingmanager.Constructor(o, token))
	rep := d.at(a, salt, "ReputationManager", reputationmanager.Constructor(o))
	reg := d.at(a, salt, "ValidatorRegistry", validatorregistry.Constructor(o, sta, uint64(epoch/time.Second)))
	ver := d.at(a, salt, "ProofVerifier", proofverifier.Constructor(o, reg))
	jobs := d.at(a, salt, "JobManager", jobmanager.Constructor(o, sta, rep, ver))
	pri := d.at(a, salt, "PrivacyRouter", privacyrouter.Constructor(o, token, u256(big.NewInt(1_000_000_000_000_000))))
	d.at(a, salt, "PaymentRouter", paymentrouter.Constructor(jobs, pri))
	return a
}
