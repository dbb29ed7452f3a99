package deploy

import (
	"context"
	"math/big"

	"github.com/bitsage/bitsage/chain"
)

// Step is a transaction that Run would send now.
type Step struct {
	Name  string
	Calls []string // what the transaction that deploys and configures does, in order
	Fee   *big.Int // FRI, at the current prices
	L2Gas uint64
}

// Estimate returns the transactions that Run would send now and what they would
// cost, by simulating them one after the other. It changes nothing and neither reads
// nor writes the state file. The account must be deployed and must own the fees; it
// fails as Run does and as Client.EstimateFee.
func Estimate(ctx context.Context, account *chain.Account, cfg Config) ([]Step, error) {
	p, err := NewPlan(account.Address(), cfg)
	if err != nil {
		return nil, err
	}
	c := account.Client()
	if _, err := p.checkNetwork(ctx, c); err != nil {
		return nil, err
	}
	var steps []Step
	var txs []chain.Transaction
	for _, contract := range p.Contracts {
		if ok, err := contract.declared(ctx, c); ok || err != nil {
			if err != nil {
				return nil, err
			}
			continue
		}
		class, err := chain.ParseClass(contract.class.Sierra)
		if err != nil {
			return nil, err
		}
		steps = append(steps, Step{Name: "declare " + contract.Name})
		txs = append(txs, &chain.DeclareTx{From: p.Account, Class: class, Compiled: contract.Compiled})
	}
	missing, err := p.missing(ctx, c)
	if err != nil {
		return nil, err
	}
	if len(missing) > 0 {
		step, calls := Step{Name: "deploy and configure"}, make([]chain.Call, len(missing))
		for i, m := range missing {
			step.Calls, calls[i] = append(step.Calls, m.name), m.call
		}
		calldata, err := chain.Multicall(calls...)
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
		txs = append(txs, &chain.InvokeTx{From: p.Account, Calldata: calldata})
	}
	if len(txs) == 0 {
		return nil, nil
	}
	estimates, err := account.EstimateAll(ctx, txs...)
	if err != nil {
		return nil, err
	}
	for i, e := range estimates {
		steps[i].Fee, steps[i].L2Gas = e.Fee, e.L2Gas.Amount
	}
	return steps, nil
}
