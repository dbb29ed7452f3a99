// Package deploy puts BitSage's contracts on a chain.
//
//	cfg, err := deploy.Defaults(deploy.Sepolia)
//	addresses, err := deploy.Run(ctx, account, cfg)
//	err = addresses.Save("addresses.json")
//
// Run declares the classes, each in a transaction of its own, and then deploys and
// configures all contracts in a single transaction, so that there is never a
// deployment in part. Every address follows from the account and the configuration.
// Run looks at the chain for what is still to do; when it was interrupted, by a crash
// at whatever point, run it again with the same configuration. That cannot make a
// second deployment: each call of the last transaction can succeed only once, or is
// bound to one that can.
//
// Verify checks a deployment that anyone made.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
)

// finishTimeout is how long a transaction that was sent is waited for after the end
// of the context. Only tests change it.
var finishTimeout = 2 * time.Minute

// maxRounds bounds how often Run looks at what is still to do: every round but the
// last has changed something, or somebody else has.
const maxRounds = 16

// Progress is something that Run did.
type Progress struct {
	Step   string     // for example "declare SageToken"
	Status Status     // what became of it
	Tx     chain.Felt // zero if the step was done before
}

// Status is what became of a step.
type Status string

// The states of a step.
const (
	Sent    Status = "sent"    // the transaction is under way
	Done    Status = "done"    // the transaction was accepted on L2
	Skipped Status = "skipped" // it was done before
)

// Run declares, deploys, configures and verifies the contracts, as far as that is
// still to do, and returns where they are. It writes cfg.State before it sends
// anything.
//
// When ctx ends, Run waits for the transaction under way, up to two minutes, and
// returns the cause. It fails with ErrConfig, ErrState, ErrNetwork, ErrVerify, or as
// Account.Execute and Account.Wait do.
func Run(ctx context.Context, account *chain.Account, cfg Config) (*chain.Addresses, error) {
	p, err := NewPlan(account.Address(), cfg)
	if err != nil {
		return nil, err
	}
	id, err := p.checkNetwork(ctx, account.Client())
	if err != nil {
		return nil, err
	}
	if err := p.pin(id); err != nil {
		return nil, err
	}
	r := run{p, account, account.Client()}
	if err := r.declareAll(ctx); err != nil {
		return nil, err
	}
	if err := r.deploy(ctx); err != nil {
		return nil, err
	}
	addresses := p.Addresses(id)
	return addresses, p.verify(ctx, r.client, addresses)
}

// ErrNetwork means that the node does not serve the network of the configuration.
var ErrNetwork = errors.New("deploy: the node serves another network")

// checkNetwork returns the chain's identifier. Since a devnet can have any, and has
// that of Sepolia if nothing else is said, it is recognised by its own method.
func (p *Plan) checkNetwork(ctx context.Context, c *chain.Client) (string, error) {
	id, err := c.ChainID(ctx)
	if err != nil {
		return "", err
	}
	n := p.Config.Network
	if want := n.chainID(); want != "" && id != want {
		return "", fmt.Errorf("%w: chain %s, want %s for %s", ErrNetwork, id, want, n)
	}
	if n != Devnet {
		return id, nil
	}
	err = c.Do(ctx, "devnet_getConfig", map[string]any{}, nil)
	if errors.Is(err, chain.ErrMethodNotFound) || errors.Is(err, chain.ErrInvalidRequest) {
		return "", fmt.Errorf("%w: it is no devnet", ErrNetwork)
	}
	return id, err
}

type run struct {
	*Plan
	account *chain.Account
	client  *chain.Client
}

func (r *run) report(step string, s Status, tx chain.Felt) {
	if r.Config.Progress != nil {
		r.Config.Progress(Progress{step, s, tx})
	}
}

// transact sends a transaction and waits for it, also when ctx ends meanwhile.
func (r *run) transact(ctx context.Context, step string, send func(context.Context) (chain.Felt, error)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	under, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(finishTimeout)
		defer t.Stop()
		select {
		case <-t.C:
			cancel(context.Cause(ctx))
		case <-under.Done():
		}
	})
	defer stop()
	tx, err := send(under)
	var unclear *chain.UncertainError
	if err != nil && !errors.As(err, &unclear) {
		return fmt.Errorf("deploy: %s: %w", step, err)
	}
	if tx.IsZero() {
		r.report(step, Skipped, tx)
		return nil
	}
	r.report(step, Sent, tx)
	if _, err := r.account.Wait(under, tx); err != nil {
		return fmt.Errorf("deploy: %s: %w", step, err)
	}
	r.report(step, Done, tx)
	return nil
}

// declareAll declares the classes that are not declared.
func (r *run) declareAll(ctx context.Context) error {
	for _, c := range r.Contracts {
		step := "declare " + c.Name
		declared, err := c.declared(ctx, r.client)
		if err != nil {
			return fmt.Errorf("deploy: %s: %w", step, err)
		}
		if declared {
			r.report(step, Skipped, chain.Felt{})
			continue
		}
		class, err := chain.ParseClass(c.class.Sierra)
		if err != nil {
			return err
		}
		err = r.transact(ctx, step, func(ctx context.Context) (chain.Felt, error) {
			out, err := r.account.Declare(ctx, class, c.Compiled)
			return out.Tx, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// declared reports whether the class is declared: that there is a contract of it
// shows that without fetching it.
func (c *Contract) declared(ctx context.Context, client *chain.Client) (bool, error) {
	there, err := c.deployed(ctx, client)
	if there || err != nil {
		return there, err
	}
	_, err = client.Class(ctx, c.Deployment.Class, chain.AtPreConfirmed())
	if errors.Is(err, chain.ErrClassHashNotFound) {
		return false, nil
	}
	return err == nil, err
}

// deployed reports whether the contract is at its address.
func (c *Contract) deployed(ctx context.Context, client *chain.Client) (bool, error) {
	class, err := client.ClassHashAt(ctx, c.Address, chain.AtPreConfirmed())
	switch {
	case errors.Is(err, chain.ErrContractNotFound):
		return false, nil
	case err != nil:
		return false, err
	case class != c.Deployment.Class:
		return false, fmt.Errorf("deploy: %s at %s has class %s", c.Name, c.Address, class)
	}
	return true, nil
}

// deploy sends the transaction that deploys and configures. Somebody who sees it
// before it is executed can deploy one of the contracts at the same address, with
// the same arguments: then it reverts, and is made anew without that call.
func (r *run) deploy(ctx context.Context) error {
	missing, err := r.missing(ctx, r.client)
	if err != nil {
		return err
	}
	const step = "deploy and configure"
	if len(missing) == 0 {
		r.report(step, Skipped, chain.Felt{})
	}
	for round := 1; len(missing) > 0; round++ {
		calls := make([]chain.Call, len(missing))
		for i, m := range missing {
			calls[i] = m.call
		}
		failure := r.transact(ctx, step, func(ctx context.Context) (chain.Felt, error) { return r.account.Execute(ctx, calls...) })
		if ctx.Err() != nil && failure != nil {
			return failure
		}
		before := len(missing)
		if missing, err = r.missing(ctx, r.client); err != nil {
			return errors.Join(failure, err)
		}
		if failure != nil && (len(missing) == before || round == maxRounds) {
			return failure
		}
	}
	return nil
}

// missing returns what is still to be called. The funding of the faucet belongs to
// the configuration of StakingManager, which can be made once: so can the funding.
func (p *Plan) missing(ctx context.Context, c *chain.Client) ([]action, error) {
	var out []action
	there := make(map[string]bool)
	for _, contract := range p.Contracts {
		ok, err := contract.deployed(ctx, c)
		if err != nil {
			return nil, err
		}
		there[contract.Name] = ok
		if !ok {
			out = append(out, contract.deployment())
		}
	}
	for _, conf := range p.configurations() {
		if there[conf.contract] {
			v, err := c.StorageAt(ctx, p.address(conf.contract), chain.Selector(conf.slot), chain.AtPreConfirmed())
			if err != nil {
				return nil, err
			}
			if !v.IsZero() {
				continue
			}
		}
		out = append(out, p.act("configure "+conf.contract, conf.contract, conf.call))
		if conf.contract == StakingManager {
			out = append(out, p.funding()...)
		}
	}
	offers, err := p.offers(ctx, c, there)
	return append(out, offers...), err
}

// offers returns the calls that offer the ownership to another than the account.
func (p *Plan) offers(ctx context.Context, c *chain.Client, there map[string]bool) ([]action, error) {
	if p.Config.Owner == p.Account {
		return nil, nil
	}
	var out []action
	// The calls and views of the owner are the same in all contracts.
	what := offer(p.Config.Owner)
	for _, name := range p.owned() {
		if there[name] {
			owner, err := view(ctx, c, p.address(name), stakingmanager.OwnerCall(), stakingmanager.DecodeOwner)
			if err != nil {
				return nil, err
			}
			ready, err := view(ctx, c, p.address(name), stakingmanager.ReadyAtCall(what), stakingmanager.DecodeReadyAt)
			if err != nil {
				return nil, err
			}
			if owner == p.Config.Owner || ready != 0 {
				continue
			}
		}
		out = append(out, p.act("offer the ownership of "+name, name, stakingmanager.ScheduleCall(what)))
	}
	return out, nil
}

// view calls a view and decodes what it returns.
func view[T any](ctx context.Context, c *chain.Client, to chain.Felt, call cairo.Call, decode func([]chain.Felt) (T, error)) (T, error) {
	out, err := c.Call(ctx, chain.Call{To: to, Selector: call.Selector, Calldata: call.Calldata}, chain.AtPreConfirmed())
	if err != nil {
		var zero T
		return zero, fmt.Errorf("deploy: %s of %s: %w", call.Function, to, err)
	}
	return decode(out)
}
