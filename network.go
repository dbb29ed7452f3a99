package bitsage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/backstage"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// NetworkConfig configures a Network. The zero value is a network of its own, in
// memory.
type NetworkConfig struct {
	// Chain is a node of the chain to use. Nil runs a ledger inside this process, on
	// which all contracts are deployed.
	Chain *chain.Client
	// Contracts are those of the deployment to use on Chain, with which they go
	// together.
	Contracts *chain.Addresses
	// Funder pays for NewAccount and Fund on Chain. Nil makes them fail there; the
	// embedded ledger has a funder of its own.
	Funder *wallet.Account
	// Dir is where the embedded ledger keeps its state; "" keeps it in memory.
	Dir string
	// Logger receives what happens; nil means slog.Default().
	Logger *slog.Logger
}

// Network is the place where roles of one process meet: a chain with the contracts,
// and messages between the roles. All methods are safe for concurrent use.
type Network struct {
	chain     *chain.Client
	contracts *chain.Addresses
	settle    *settle.Contracts
	staking   *staking.Contracts
	funder    *wallet.Account
	log       *slog.Logger
	ledger    func() error // closes the embedded ledger; nil without one

	peers *p2p.Memory

	ctx      context.Context // of what runs in the background
	cancel   context.CancelFunc
	running  sync.WaitGroup
	view     *settle.View
	viewOnce sync.Once

	mu       sync.Mutex
	accounts map[chain.Felt]*chain.Account
	hosts    map[string]p2p.PeerID // by role and account
	serving  [roles]int            // how many of a role serve
	changed  chan struct{}         // closed and replaced when that changes
}

// The roles that serve others.
const (
	roleWorker = iota
	roleValidator
	roles
)

// NewNetwork returns a network. With an embedded ledger it returns when the
// contracts are deployed there, which takes a moment; else it does no I/O.
func NewNetwork(cfg NetworkConfig) (*Network, error) {
	return connect(cfg, p2p.NewMemory(0, p2p.Faults{}))
}

func init() {
	backstage.NewNetwork = func(cfg any, peers *p2p.Memory) (any, error) { return connect(cfg.(NetworkConfig), peers) }
	backstage.Peer = func(n any, role string, account chain.Felt) (p2p.PeerID, error) {
		h, err := n.(*Network).host(role, account)
		if err != nil {
			return "", err
		}
		return h.ID(), h.Close()
	}
	backstage.Serving = func(network any) (workers, validators int) {
		n := network.(*Network)
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.serving[roleWorker], n.serving[roleValidator]
	}
	backstage.PaymentKey = paymentKey
}

// connect is NewNetwork with the network of messages to use.
func connect(cfg NetworkConfig, peers *p2p.Memory) (*Network, error) {
	if (cfg.Chain == nil) != (cfg.Contracts == nil) {
		return nil, errors.New("bitsage: NetworkConfig.Chain and NetworkConfig.Contracts go together")
	}
	n := &Network{
		chain: cfg.Chain, contracts: cfg.Contracts, funder: cfg.Funder, log: cfg.Logger,
		peers: peers, changed: make(chan struct{}),
		accounts: make(map[chain.Felt]*chain.Account), hosts: make(map[string]p2p.PeerID),
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	if n.chain == nil {
		if err := n.openLedger(cfg.Dir); err != nil {
			return nil, err
		}
	}
	var err error
	if n.settle, err = settle.New(n.chain, n.contracts); err == nil {
		n.staking, err = staking.New(n.chain, n.contracts)
	}
	if err != nil {
		return nil, errors.Join(err, n.closeLedger())
	}
	n.view = n.settle.NewView(n.log)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n, nil
}

// Close ends the network: what roles still do on it fails. Stop them first.
func (n *Network) Close() error {
	n.cancel()
	n.running.Wait()
	return errors.Join(n.peers.Close(), n.closeLedger())
}

func (n *Network) closeLedger() error {
	if n.ledger == nil {
		return nil
	}
	return n.ledger()
}

// Chain returns the client of the chain.
func (n *Network) Chain() *chain.Client { return n.chain }

// Contracts returns the deployment on the chain. It must not be changed.
func (n *Network) Contracts() *chain.Addresses { return n.contracts }

// follow returns the view of the chain's jobs, which begins to follow the chain when
// it is first asked for.
func (n *Network) follow() *settle.View {
	n.viewOnce.Do(func() {
		n.running.Go(func() { n.view.Run(n.ctx) })
	})
	return n.view
}

// account returns the one chain.Account of a wallet's account, which hands out its
// nonces.
func (n *Network) account(w *wallet.Account) *chain.Account {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.accounts[w.Address()]
	if a == nil {
		a = chain.NewAccount(n.chain, w.Address(), w, chain.FeePolicy{})
		n.accounts[w.Address()] = a
	}
	return a
}

// host joins the messages' network as a role of an account. A role that was stopped
// and comes back has the identity that it had.
func (n *Network) host(role string, account chain.Felt) (p2p.Host, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := role + chain.Hex(account)
	if id, ok := n.hosts[key]; ok {
		return n.peers.Restart(id)
	}
	h := n.peers.Host()
	n.hosts[key] = h.ID()
	return h, nil
}

// serve counts a role that serves until the returned function is called.
func (n *Network) serve(role int) (stop func()) {
	n.count(role, 1)
	return func() { n.count(role, -1) }
}

func (n *Network) count(role, by int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.serving[role] += by
	close(n.changed)
	n.changed = make(chan struct{})
}

// Ready waits until a worker and a validator of this process serve, so that jobs are
// taken, proven and judged.
func (n *Network) Ready(ctx context.Context) error {
	for {
		n.mu.Lock()
		ready, changed := n.serving[roleWorker] > 0 && n.serving[roleValidator] > 0, n.changed
		n.mu.Unlock()
		if ready {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// gas is what Fund gives for the chain's fees, in units of 10^-18 STRK.
var gas = new(big.Int).Mul(big.NewInt(20), big.NewInt(1e18))

// NewAccount makes an account with a new key, deployed on the chain, with STRK for
// its fees and a balance of SAGE. Save the account to keep its key.
func (n *Network) NewAccount(ctx context.Context, balance Amount) (*wallet.Account, error) {
	a, err := wallet.NewAccount(wallet.GenerateKey(), wallet.ClassOpenZeppelin)
	if err != nil {
		return nil, err
	}
	return a, n.Fund(ctx, a, balance)
}

// Fund gives an account STRK for the chain's fees and an amount of SAGE, from the
// network's funder, and deploys it if it is not on the chain yet.
func (n *Network) Fund(ctx context.Context, a *wallet.Account, balance Amount) error {
	if n.funder == nil {
		return errors.New("bitsage: NetworkConfig.Funder is nil: there is nobody to pay for accounts")
	}
	token, err := n.contracts.Address("SageToken")
	if err != nil {
		return err
	}
	funder := n.account(n.funder)
	calls := []chain.Call{transfer(chain.STRK(), a.Address(), gas)}
	if !balance.IsZero() {
		calls = append(calls, transfer(token, a.Address(), balance.Base()))
	}
	hash, err := funder.Execute(ctx, calls...)
	if err != nil {
		return fmt.Errorf("bitsage: funding an account: %w", err)
	}
	if _, err := funder.Wait(ctx, hash); err != nil {
		return fmt.Errorf("bitsage: funding an account: %w", err)
	}
	switch _, err = n.chain.ClassHashAt(ctx, a.Address(), chain.AtPreConfirmed()); {
	case err == nil:
		return nil
	case !errors.Is(err, chain.ErrContractNotFound):
		return err
	}
	deployment, err := chain.AccountDeployment(a)
	if err != nil {
		return err
	}
	account := n.account(a)
	if hash, err = account.DeployAccount(ctx, deployment); err != nil {
		return fmt.Errorf("bitsage: deploying an account: %w", err)
	}
	_, err = account.Wait(ctx, hash)
	return err
}

// transfer is a transfer of an ERC-20 token.
func transfer(token, to chain.Felt, amount *big.Int) chain.Call {
	u, err := cairo.U256FromBig(amount)
	if err != nil {
		panic(err) // amounts here have at most 128 bits
	}
	c := sagetoken.TransferCall(to, u)
	return chain.Call{To: token, Selector: c.Selector, Calldata: c.Calldata}
}
