package bitsage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/wallet"
)

// LocalConfig configures a network in one process. The zero value is one in memory with
// a worker and four validators.
type LocalConfig struct {
	// Workers and Validators are how many run from the beginning. Zero means 1 and 4,
	// less means none.
	Workers, Validators int
	// Dir keeps the chain and the roles' folders, for the next Local to go on with. ""
	// is a temporary folder that Close removes.
	Dir string
	// Worker and Validator, if not nil, change the configuration of these roles. i counts
	// them from 0. Network, Account, Dir and Logger are set.
	Worker    func(i int, c *WorkerConfig)
	Validator func(i int, c *ValidatorConfig)
	// Logger receives what happens; nil means slog.Default().
	Logger *slog.Logger
}

// Role is a Worker or a Validator.
type Role interface {
	// Run serves until ctx ends.
	Run(ctx context.Context) error
	// Ready is closed when the role serves.
	Ready() <-chan struct{}
}

// LocalNetwork is a Network in this process: a ledger with all contracts as its chain,
// and the roles that run on it. The keys of the accounts that it makes for itself are
// no secret: it is for trying out, demonstrations and tests.
type LocalNetwork struct {
	*Network
	cfg    LocalConfig
	ledger *ledger.Ledger
	funder *wallet.Account
	dir    string

	ctx     context.Context // of the roles
	stop    context.CancelFunc
	running sync.WaitGroup

	mu         sync.Mutex
	clients    []*Client
	workers    []*Worker
	validators []*Validator
	failure    error         // of roles
	failed     chan struct{} // closed with the first failure
}

// localSeed determines the accounts of a local network.
const localSeed = "bitsage"

// Local runs a network in this process and returns when all its roles serve: a ledger,
// on which the contracts are deployed, workers and validators. It fails with the error
// of a role that cannot start. Close it at the end.
func Local(ctx context.Context, cfg LocalConfig) (*LocalNetwork, error) {
	for _, c := range []struct {
		n     *int
		usual int
	}{{&cfg.Workers, 1}, {&cfg.Validators, 4}} {
		if *c.n == 0 {
			*c.n = c.usual
		}
		*c.n = max(*c.n, 0)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	n := &LocalNetwork{cfg: cfg, dir: cfg.Dir, failed: make(chan struct{})}
	n.ctx, n.stop = context.WithCancel(context.Background())
	err := n.open(ctx)
	if err == nil {
		err = n.populate(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// open opens the ledger, with all contracts on it.
func (n *LocalNetwork) open(ctx context.Context) (err error) {
	if n.dir == "" {
		if n.dir, err = os.MkdirTemp("", "bitsage-"); err != nil {
			return err
		}
	} else if err = os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	accounts, err := ledger.SeedAccounts(localSeed, 1)
	if err != nil {
		return err
	}
	options := ledger.Options{Accounts: accounts}
	if n.cfg.Dir != "" {
		options.File = filepath.Join(n.dir, "ledger")
	}
	if n.ledger, err = ledger.Open(options); err != nil {
		return err
	}
	n.funder = accounts[0]
	contracts, err := n.contractsOn(ctx)
	if err != nil {
		return err
	}
	n.Network, err = NewNetwork(NetworkConfig{Chain: n.ledger.Client(), Contracts: contracts, Logger: n.cfg.Logger})
	return err
}

// contractsOn deploys what the ledger does not have yet.
func (n *LocalNetwork) contractsOn(ctx context.Context) (*chain.Addresses, error) {
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil {
		return nil, err
	}
	return deploy.Run(ctx, chain.NewAccount(n.ledger.Client(), n.funder.Address(), n.funder, chain.FeePolicy{}), cfg)
}

// populate makes and starts the roles.
func (n *LocalNetwork) populate(ctx context.Context) error {
	validators, err := n.accounts(ctx, "validator", n.cfg.Validators, SAGE(10_000))
	if err != nil {
		return err
	}
	workers, err := n.accounts(ctx, "worker", n.cfg.Workers, SAGE(10_000))
	if err != nil {
		return err
	}
	var roles []Role
	for i, a := range validators {
		v, err := n.validator(i, a)
		if err != nil {
			return err
		}
		roles = append(roles, v)
	}
	for i, a := range workers {
		w, err := n.worker(i, a)
		if err != nil {
			return err
		}
		roles = append(roles, w)
	}
	return n.Start(ctx, roles...)
}

// accounts returns the accounts of a kind of role. Those that are not on the chain yet
// get an amount to stake.
func (n *LocalNetwork) accounts(ctx context.Context, kind string, count int, stake Amount) ([]*wallet.Account, error) {
	all, err := ledger.SeedAccounts(localSeed+" "+kind, count)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		_, err := n.chain.ClassHashAt(ctx, a.Address(), chain.AtPreConfirmed())
		if errors.Is(err, chain.ErrContractNotFound) {
			_, err = n.Fund(ctx, n.funder, a, stake)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// config is that of a role of the network.
func (n *LocalNetwork) config(kind string, i int, a *wallet.Account) Config {
	name := kind + "-" + strconv.Itoa(i)
	return Config{Network: n.Network, Account: a, Dir: filepath.Join(n.dir, name), Logger: n.cfg.Logger.With("role", name)}
}

func (n *LocalNetwork) worker(i int, a *wallet.Account) (*Worker, error) {
	cfg := WorkerConfig{Config: n.config("worker", i, a)}
	if n.cfg.Worker != nil {
		n.cfg.Worker(i, &cfg)
	}
	w, err := NewWorker(cfg)
	n.workers = append(n.workers, w)
	return w, err
}

func (n *LocalNetwork) validator(i int, a *wallet.Account) (*Validator, error) {
	cfg := ValidatorConfig{Config: n.config("validator", i, a)}
	if n.cfg.Validator != nil {
		n.cfg.Validator(i, &cfg)
	}
	v, err := NewValidator(cfg)
	n.validators = append(n.validators, v)
	return v, err
}

// Workers returns the workers that Local started.
func (n *LocalNetwork) Workers() []*Worker { return n.workers }

// Validators returns the validators that Local started.
func (n *LocalNetwork) Validators() []*Validator { return n.validators }

// Start runs roles until the network is closed, and returns when all of them serve.
// Validators that start together are in their first epoch together. It fails with the
// error of a role that ended.
func (n *LocalNetwork) Start(ctx context.Context, roles ...Role) error {
	if n.ctx.Err() != nil {
		return errLocalClosed
	}
	if err := enlist(ctx, roles); err != nil {
		return err
	}
	ended := make([]chan struct{}, len(roles))
	for i, r := range roles {
		ended[i] = make(chan struct{})
		n.running.Go(func() {
			defer close(ended[i])
			if err := r.Run(n.ctx); err != nil {
				n.fail(fmt.Errorf("bitsage: a %s failed: %w", kindOf(r), err))
			}
		})
	}
	for i, r := range roles {
		select {
		case <-r.Ready():
		case <-ended[i]:
			return errors.Join(errNotReady, n.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

var errLocalClosed = errors.New("bitsage: the local network is closed")

// errNotReady means that a role's Run ended before it served.
var errNotReady = errors.New("bitsage: a role ended before it served")

// enlist puts validators on the chain before any of them begins an epoch.
func enlist(ctx context.Context, roles []Role) error {
	errs := make([]error, len(roles))
	var group sync.WaitGroup
	for i, r := range roles {
		if v, ok := r.(*Validator); ok {
			group.Go(func() { errs[i] = v.Enlist(ctx) })
		}
	}
	group.Wait()
	return errors.Join(errs...)
}

func kindOf(r Role) string {
	if _, ok := r.(*Validator); ok {
		return "validator"
	}
	return "worker"
}

func (n *LocalNetwork) fail(err error) {
	n.cfg.Logger.Error("a role ended", "error", err)
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure == nil {
		close(n.failed)
	}
	n.failure = errors.Join(n.failure, err)
}

// Err returns the errors of the roles that failed so far.
func (n *LocalNetwork) Err() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.failure
}

// Failed is closed when a role has failed: what waits for it waits in vain. Err says why.
func (n *LocalNetwork) Failed() <-chan struct{} { return n.failed }

// NewAccount makes an account with a new key, deployed on the chain, with STRK for its
// fees and a balance of SAGE. Save the account to keep its key.
func (n *LocalNetwork) NewAccount(ctx context.Context, balance Amount) (*wallet.Account, error) {
	a, err := wallet.NewAccount(wallet.GenerateKey(), wallet.ClassOpenZeppelin)
	if err != nil {
		return nil, err
	}
	_, err = n.Fund(ctx, n.funder, a, balance)
	return a, err
}

// NewClient makes a client with a new account and an amount of SAGE in its confidential
// balance. The network closes it.
func (n *LocalNetwork) NewClient(ctx context.Context, balance Amount) (*Client, error) {
	a, err := n.NewAccount(ctx, balance)
	if err != nil {
		return nil, err
	}
	c, err := NewClient(Config{Network: n.Network, Account: a, Logger: n.cfg.Logger})
	if err != nil {
		return nil, err
	}
	if err := n.adopt(c); err != nil {
		return nil, err
	}
	if balance.IsZero() {
		return c, nil
	}
	_, err = c.Deposit(ctx, balance)
	return c, err
}

// adopt has a client closed with the network.
func (n *LocalNetwork) adopt(c *Client) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ctx.Err() != nil {
		return errLocalClosed
	}
	n.clients = append(n.clients, c)
	return nil
}

// Funder returns the account that pays for the others.
func (n *LocalNetwork) Funder() *wallet.Account { return n.funder }

// Ledger returns the chain.
func (n *LocalNetwork) Ledger() *ledger.Ledger { return n.ledger }

// Close stops all roles and ends the network. It returns the errors of roles that
// failed.
func (n *LocalNetwork) Close() error {
	n.mu.Lock()
	n.stop()
	clients := n.clients
	n.mu.Unlock()
	n.running.Wait()
	err := n.Err()
	for _, c := range clients {
		err = errors.Join(err, c.Close())
	}
	if n.Network != nil {
		err = errors.Join(err, n.Network.Close())
	}
	if n.ledger != nil {
		err = errors.Join(err, n.ledger.Close())
	}
	if n.cfg.Dir == "" && n.dir != "" {
		err = errors.Join(err, os.RemoveAll(n.dir))
	}
	return err
}
