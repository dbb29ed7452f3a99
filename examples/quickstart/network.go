package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/bitsagetest"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// tier is the worker's: of machines without a GPU.
const tier = staking.TierConsumer

// The names of the accounts.
var (
	validators = []string{"validator 1", "validator 2", "validator 3", "validator 4"}
	stakers    = append([]string{"worker"}, validators...)
	everyone   = append([]string{"client"}, stakers...)
)

// network is a ledger in this process, the accounts and who acts with them.
type network struct {
	*bitsage.LocalNetwork
	*history
	accounts   map[string]*wallet.Account
	client     *bitsage.Client
	worker     *bitsage.Worker
	validators []*bitsage.Validator
	staking    *staking.Contracts

	dir     string          // of the validators' journals
	ctx     context.Context // ends with its cause when a role fails
	fail    context.CancelCauseFunc
	running sync.WaitGroup
}

// quiet keeps the library's log out of the quickstart's output.
var quiet = slog.New(slog.DiscardHandler)

// newAccounts derives an account for everyone from a mnemonic.
func newAccounts(m *wallet.Mnemonic) (map[string]*wallet.Account, error) {
	accounts := make(map[string]*wallet.Account)
	for i, name := range everyone {
		class := wallet.ClassOpenZeppelin
		a, err := wallet.ImportAccount(m, "", class, class.Scheme(), uint32(i))
		if err != nil {
			return nil, err
		}
		accounts[name] = a
	}
	return accounts, nil
}

// newNetwork runs a ledger on which the contracts are deployed. When ctx ends it does
// not wait for that: the ledger is in memory.
func newNetwork(ctx context.Context, accounts map[string]*wallet.Account) (*network, error) {
	var ledger *bitsage.LocalNetwork
	var err error
	deployed := make(chan struct{})
	go func() {
		ledger, err = bitsage.Local(ctx, bitsage.LocalConfig{Workers: -1, Validators: -1, Logger: quiet})
		close(deployed)
	}()
	select {
	case <-deployed:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	n := &network{LocalNetwork: ledger, accounts: accounts}
	n.history = &history{names: make(map[chain.Felt]string), changed: make(chan struct{})}
	for name, a := range accounts {
		n.names[a.Address()] = name
	}
	n.ctx, n.fail = context.WithCancelCause(ctx)
	n.start(func(ctx context.Context) error { return n.follow(ctx, ledger.Network) })
	if n.staking, err = staking.New(ledger.Chain(), ledger.Contracts()); err == nil {
		n.dir, err = os.MkdirTemp("", "bitsage-quickstart-")
	}
	if err != nil {
		return nil, errors.Join(err, n.close())
	}
	return n, nil
}

// start runs something until the network is closed. If it fails, everything ends.
func (n *network) start(run func(context.Context) error) {
	n.running.Go(func() {
		if err := run(n.ctx); err != nil {
			n.fail(err)
		}
	})
}

// close stops everything.
func (n *network) close() error {
	n.fail(context.Canceled)
	n.running.Wait()
	return errors.Join(n.Close(), os.RemoveAll(n.dir))
}

// deploy puts the accounts on the ledger: the network's funder gives each STRK, and
// each pays for its own deployment.
func (n *network) deploy() error {
	for _, name := range everyone {
		if err := n.Fund(n.ctx, n.Funder(), n.accounts[name], bitsage.Amount{}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// topUp returns what a validator's stake needs and the faucet does not give, and has
// the network's funder give it.
func (n *network) topUp() (bitsage.Amount, error) {
	to, err := n.Contracts().Address("Faucet")
	if err != nil {
		return bitsage.Amount{}, err
	}
	call := faucet.ClaimInfoCall(n.accounts["client"].Address())
	result, err := n.Chain().Call(n.ctx, chain.Call{To: to, Selector: call.Selector, Calldata: call.Calldata}, chain.AtLatest())
	if err != nil {
		return bitsage.Amount{}, err
	}
	info, err := faucet.DecodeClaimInfo(result)
	if err != nil {
		return bitsage.Amount{}, err
	}
	missing := staking.TierValidator.Minimum().Excess(sage(info.Amount))
	for _, name := range validators {
		if err := n.Fund(n.ctx, n.Funder(), n.accounts[name], missing); err != nil {
			return missing, fmt.Errorf("%s: %w", name, err)
		}
	}
	return missing, nil
}

// claim has every account take SAGE from the faucet.
func (n *network) claim() error {
	to, err := n.Contracts().Address("Faucet")
	if err != nil {
		return err
	}
	call := faucet.ClaimCall()
	for _, name := range everyone {
		a := n.accounts[name]
		account := chain.NewAccount(n.Chain(), a.Address(), a, chain.FeePolicy{})
		hash, err := account.Execute(n.ctx, chain.Call{To: to, Selector: call.Selector, Calldata: call.Calldata})
		if err == nil {
			_, err = account.Wait(n.ctx, hash)
		}
		if err != nil {
			return fmt.Errorf("%s claims from the faucet: %w", name, err)
		}
	}
	return nil
}

// enlist makes the roles. The worker begins to run, which stakes and registers it,
// and the validators stake and register.
func (n *network) enlist(cheat bool) (err error) {
	config := func(name string) bitsage.Config {
		return bitsage.Config{Network: n.Network, Account: n.accounts[name], Logger: quiet}
	}
	if n.client, err = bitsage.NewClient(config("client")); err != nil {
		return err
	}
	cfg := bitsage.WorkerConfig{Config: config("worker"), Tier: tier}
	if cheat {
		cfg.Prover = bitsagetest.Forge(bitsage.NewProver(prover.Options{}))
	}
	if n.worker, err = bitsage.NewWorker(cfg); err != nil {
		return err
	}
	n.start(n.worker.Run)
	for _, name := range validators {
		cfg := config(name)
		cfg.Dir = filepath.Join(n.dir, name)
		v, err := bitsage.NewValidator(bitsage.ValidatorConfig{Config: cfg})
		if err != nil {
			return err
		}
		if err := v.Enlist(n.ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		n.validators = append(n.validators, v)
	}
	return nil
}

// vote runs the validators, of whom one begins the first epoch, and waits until
// everybody is ready.
func (n *network) vote() error {
	for _, v := range n.validators {
		n.start(v.Run)
	}
	ready := []<-chan struct{}{n.worker.Ready()}
	for _, v := range n.validators {
		ready = append(ready, v.Ready())
	}
	for _, r := range ready {
		select {
		case <-r:
		case <-n.ctx.Done():
			return context.Cause(n.ctx)
		}
	}
	return nil
}

// sage converts an amount of the contracts, all of which are below the supply of
// 2^128 at most.
func sage(u calldata.U256) bitsage.Amount {
	a, err := money.FromBase(u.Big())
	if err != nil {
		panic(err)
	}
	return a
}
