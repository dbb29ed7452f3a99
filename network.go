package bitsage

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// NetworkConfig configures a Network.
type NetworkConfig struct {
	// Chain is a node of the chain. It is required.
	Chain *chain.Client
	// Contracts are those of the deployment to use on Chain. It is required.
	Contracts *chain.Addresses
	// Logger receives what happens; nil means slog.Default().
	Logger *slog.Logger
}

// Network is a deployment of the contracts on a chain, and the directory of who is known
// there. Roles that share one read the chain together. All methods are safe for
// concurrent use.
type Network struct {
	chain     *chain.Client
	contracts *chain.Addresses
	settle    *settle.Contracts
	staking   *staking.Contracts
	directory *directory
	memory    *p2p.Memory // the transport of roles that have no other
	log       *slog.Logger

	ctx      context.Context // of what runs in the background
	cancel   context.CancelFunc
	running  sync.WaitGroup
	view     *settle.View
	viewOnce sync.Once

	mu       sync.Mutex
	accounts map[chain.Felt]*chain.Account
}

// NewNetwork returns a network. It does no I/O.
func NewNetwork(cfg NetworkConfig) (*Network, error) {
	switch {
	case cfg.Chain == nil:
		return nil, errors.New("bitsage: NetworkConfig.Chain is nil: make one with chain.NewClient, or use Local for a chain in this process")
	case cfg.Contracts == nil:
		return nil, errors.New("bitsage: NetworkConfig.Contracts is nil: load the deployment's address file with chain.LoadAddresses")
	}
	n := &Network{
		chain: cfg.Chain, contracts: cfg.Contracts, log: cfg.Logger,
		memory: p2p.NewMemory(0, p2p.Faults{}), accounts: make(map[chain.Felt]*chain.Account),
	}
	if n.log == nil {
		n.log = slog.Default()
	}
	var err error
	if n.settle, err = settle.New(n.chain, n.contracts); err != nil {
		return nil, err
	}
	if n.staking, err = staking.New(n.chain, n.contracts); err != nil {
		return nil, err
	}
	n.directory = newDirectory(n.staking, domain(n.settle))
	n.view = n.settle.NewView(n.log)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n, nil
}

// Close ends the network: what roles still do on it fails. Stop them first.
func (n *Network) Close() error {
	n.cancel()
	n.running.Wait()
	return n.memory.Close()
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

// account returns an account on the chain with a policy for fees. All of one address
// share their nonces.
func (n *Network) account(address chain.Felt, signer wallet.Signer, fees chain.FeePolicy) *chain.Account {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.accounts[address]
	if a == nil {
		a = chain.NewAccount(n.chain, address, signer, fees)
		n.accounts[address] = a
	}
	return a.WithSigner(signer).WithFees(fees)
}
