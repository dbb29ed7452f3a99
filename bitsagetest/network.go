package bitsagetest

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/stark/codec"
	"github.com/bitsage/bitsage/internal/testprofile"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// Options configures a Network. The zero value has a worker, four validators, and no
// faults.
type Options struct {
	// Seed determines the faults; zero stands for one that the test's name determines.
	Seed uint64
	// Faults are statements in the language that the package documentation describes.
	// They hold from when New returns, but workers forge from the beginning.
	Faults string
	// Workers and Validators are how many there are, at most 8 and 16. Zero means 1
	// and 4, less means none.
	Workers, Validators int
	// Deposit is the client's confidential balance at first, at most 1,000 SAGE; zero
	// means 100 SAGE.
	Deposit bitsage.Amount
	// Worker changes the configuration of the workers if it is not nil, each time that
	// one starts. Network, Transport, Account, Dir and Logger are set.
	Worker func(*bitsage.WorkerConfig)
	// Logger receives what happens. Nil logs to the test's output, which is shown when
	// the test fails or is verbose.
	Logger *slog.Logger
}

// Network is a network of package bitsage with roles on it, for one test. Its methods
// may be called by several goroutines at once, unless they take a TestingT.
type Network struct {
	*bitsage.Network

	t       TestingT
	opts    Options
	seed    uint64
	virtual bool // in a bubble of package synctest
	dir     string
	log     *slog.Logger

	ledger  *ledger.Ledger
	node    *node
	peers   *p2p.Memory
	settle  *settle.Contracts // these two without the node's faults
	staking *staking.Contracts
	keys    map[string][]*wallet.Account

	ctx    context.Context // of the roles
	cancel context.CancelFunc
	number string // tells the goroutines of networks apart

	mu      sync.Mutex
	closed  bool
	clients []*bitsage.Client
	members map[string]*member // workers and validators
	ids     map[string]transport.PeerID
	failed  error // of a role that failed without a fault
	active  []*fault
	timers  []*time.Timer
	pending sync.WaitGroup // timers
	history []string       // of what was injected
}

// The compressor of proofs has channels, which every process makes once. Made in a
// bubble of package synctest they would belong to it.
func init() {
	if _, err := codec.Decompress(codec.Compress([]byte{0})); err != nil {
		panic(err)
	}
}

// networks counts the networks of the process.
var networks atomic.Uint64

// settleTime is how long what ought to happen soon may take.
const settleTime = time.Minute

// New starts a network for the time of a test and returns when all its roles serve.
// It may be called inside a bubble of package testing/synctest. It fails the test if
// it cannot.
func New(t TestingT, o Options) *Network {
	t.Helper()
	n := &Network{t: t, opts: o, seed: o.Seed, virtual: bubble(), log: o.Logger, dir: t.TempDir(),
		number:  strconv.FormatUint(networks.Add(1), 10),
		members: make(map[string]*member), ids: make(map[string]transport.PeerID)}
	if n.seed == 0 {
		h := fnv.New64a()
		h.Write([]byte(t.Name()))
		n.seed = h.Sum64()
	}
	if n.log == nil {
		n.log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	t.Cleanup(testprofile.Allow())
	if err := n.start(); err != nil {
		fatalf(t, "%v", err)
	}
	return n
}

// bubble reports whether the caller is in a bubble of package synctest.
func bubble() (in bool) {
	defer func() { in = recover() == nil }()
	synctest.Wait()
	return
}

func (n *Network) start() error {
	count := map[string]int{client: 1, worker: n.opts.Workers, validator: n.opts.Validators}
	for role, usual := range map[string]int{worker: 1, validator: 4} {
		if count[role] == 0 {
			count[role] = usual
		}
		count[role] = max(count[role], 0)
		if count[role] > maxRoles[role] {
			return fmt.Errorf("bitsagetest: there can be at most %d of %s", maxRoles[role], role)
		}
	}
	faults, err := parse(n.opts.Faults, count)
	if err != nil {
		return err
	}
	if err := n.open(); err != nil {
		return err
	}
	n.t.Cleanup(n.close)
	if _, err := n.client(n.opts.Deposit); err != nil {
		return err
	}
	if err := n.populate(count); err != nil {
		return err
	}
	for _, f := range faults {
		if f.verb == forge && f.at == 0 {
			for _, r := range f.roles[0] {
				n.members[r].forges = true
			}
		}
	}
	for _, m := range n.members {
		n.run(m)
	}
	if err := n.ready(n.ctx); err != nil {
		return err
	}
	n.inject(n.opts.Faults, faults)
	return nil
}

// open opens ledger and network.
func (n *Network) open() error {
	d, err := deployed()
	if err != nil {
		return err
	}
	if n.keys, err = accounts(); err != nil {
		return err
	}
	file := filepath.Join(n.dir, "ledger")
	if err := os.WriteFile(file, d.file, 0o600); err != nil {
		return err
	}
	if n.ledger, err = ledger.Open(ledger.Options{File: file}); err != nil {
		return err
	}
	if err := n.connect(d.contracts); err != nil {
		return errors.Join(err, n.ledger.Close())
	}
	return nil
}

// The shortest pauses between two looks at the chain. In virtual time it costs nothing
// to wait, but to look.
const (
	poll        = 10 * time.Millisecond
	virtualPoll = 100 * time.Millisecond
)

func (n *Network) connect(contracts *chain.Addresses) (err error) {
	o := chain.Options{ChainID: n.ledger.ChainID(), Poll: poll, Logger: n.log}
	if n.virtual {
		o.Poll = virtualPoll
	}
	n.node = newNode(n.ledger, n.seed)
	o.HTTP = &http.Client{Transport: n.node}
	c, err := chain.NewClient("http://node.invalid", o)
	if err != nil {
		return err
	}
	if n.settle, err = settle.New(n.ledger.Client(), contracts); err != nil {
		return err
	}
	if n.staking, err = staking.New(n.ledger.Client(), contracts); err != nil {
		return err
	}
	n.peers = p2p.NewMemory(n.seed, p2p.Faults{})
	if n.Network, err = bitsage.NewNetwork(bitsage.NetworkConfig{Chain: c, Contracts: contracts, Logger: n.log}); err != nil {
		return err
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return nil
}

// close stops everything and checks what is left.
func (n *Network) close() {
	n.cancelTimers(true)
	n.pending.Wait()
	n.node.setFaults(nodeFaults{})
	n.cancel()
	for _, m := range n.members {
		m.wait()
	}
	for _, c := range n.clients {
		if err := c.Close(); err != nil {
			n.t.Errorf("bitsagetest: closing a client: %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleTime)
	defer cancel()
	if err := n.audit(ctx); err != nil {
		n.t.Errorf("bitsagetest: %v", err)
	}
	if err := errors.Join(n.Network.Close(), n.peers.Close(), n.ledger.Close()); err != nil {
		n.t.Errorf("bitsagetest: closing the network: %v", err)
	}
	if !n.virtual { // a bubble looks itself
		n.leftovers()
	}
	if n.t.Failed() {
		n.explain()
	}
}

// explain says how to repeat a test.
func (n *Network) explain() {
	n.t.Logf("bitsagetest: to repeat it, run this test with Options.Seed %d", n.seed)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.history {
		n.t.Logf("bitsagetest: faults injected %s", h)
	}
}

// label is the name of the profiler's label that the goroutines of roles have, those
// that they start included.
const label = "bitsagetest"

// leftovers fails the test if a goroutine of a role is left.
func (n *Network) leftovers() {
	var stacks string
	for range 200 {
		if stacks = goroutines(label, n.number); stacks == "" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	n.t.Errorf("bitsagetest: something is left running:\n%s", stacks)
}

// goroutines returns the stacks of the goroutines with a label, as the profiler writes
// them: a paragraph for each.
func goroutines(key, value string) string {
	var b strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&b, 1); err != nil {
		return err.Error()
	}
	var found []string
	for stack := range strings.SplitSeq(b.String(), "\n\n") {
		if strings.Contains(stack, strconv.Quote(key)+":"+strconv.Quote(value)) {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// Client returns the client with the deposit.
func (n *Network) Client() *bitsage.Client {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.clients[0]
}

// NewClient returns another client, with a confidential balance as Options.Deposit has
// it. Statements call it client/1, client/2 or client/3, in the order of creation.
func (n *Network) NewClient(t TestingT, deposit bitsage.Amount) *bitsage.Client {
	t.Helper()
	c, err := n.client(deposit)
	if err != nil {
		fatalf(t, "%v", err)
	}
	return c
}

func (n *Network) client(deposit bitsage.Amount) (*bitsage.Client, error) {
	n.mu.Lock()
	i := len(n.clients)
	if i == maxRoles[client] {
		n.mu.Unlock()
		return nil, errors.New("bitsagetest: there can be no more clients")
	}
	dir := filepath.Join(n.dir, client+strconv.Itoa(i))
	c, err := bitsage.NewClient(bitsage.Config{
		Network: n.Network, Transport: n.peers, Account: n.keys[client][i], Dir: dir, Logger: n.log.With("role", name(client, i)),
	})
	if err == nil {
		n.clients = append(n.clients, c)
		err = n.identify(name(client, i), dir)
	}
	n.mu.Unlock()
	if err != nil {
		return nil, err
	}
	n.apply()
	if deposit.IsZero() {
		deposit = bitsage.SAGE(100)
	}
	_, err = c.Deposit(n.ctx, deposit)
	return c, err
}

// NewAccount makes an account with a new key, deployed on the chain, with STRK for its
// fees and a balance of SAGE.
func (n *Network) NewAccount(ctx context.Context, balance bitsage.Amount) (*wallet.Account, error) {
	a, err := wallet.NewAccount(wallet.GenerateKey(), wallet.ClassOpenZeppelin)
	if err != nil {
		return nil, err
	}
	_, err = n.Fund(ctx, n.keys["funder"][0], a, balance)
	return a, err
}

// Seed returns the seed of the faults.
func (n *Network) Seed() uint64 { return n.seed }

// Ledger returns the chain. Its own client knows no faults.
func (n *Network) Ledger() *ledger.Ledger { return n.ledger }

// AdvanceTime lets time pass. In a bubble of package synctest it is a sleep: all that
// waits for that time happens. Elsewhere the ledger's clock runs ahead, by which
// deadlines and epochs end, but nobody's timeouts.
func (n *Network) AdvanceTime(d time.Duration) {
	if n.virtual {
		time.Sleep(d)
		return
	}
	n.ledger.Advance(d)
}
