package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/twin"
	"github.com/bitsage/bitsage/wallet"
)

// DefaultChainID names the chain of a ledger that was not given another name.
const DefaultChainID = "SN_BITSAGE"

// ErrClosed means that the ledger is closed.
var ErrClosed = errors.New("ledger: closed")

// Options configures a Ledger. The zero value is a ledger in memory, without accounts.
type Options struct {
	// ChainID is the short string that names the chain, and that transactions are
	// signed for. Empty means the one in the file, or DefaultChainID. Give every
	// network a name of its own: a transaction is valid on all chains of one name.
	ChainID string
	// File is where the ledger is kept; empty keeps it in memory. The file is made if it
	// is not there. One process at a time can use it.
	File string
	// Accounts are deployed in the genesis block and get Balance. They are ignored when the
	// file has a chain already. See SeedAccounts.
	Accounts []*wallet.Account
	// Balance is what each of the accounts gets, in FRI (10^-18 STRK); nil means a
	// million STRK. The balances of all accounts must not exceed 2^128.
	Balance *big.Int
	// Clock tells the time; nil means time.Now. Blocks have whole seconds, and never a
	// time before that of their parent. It must not call the ledger.
	Clock func() time.Time
	// OnDemand leaves the making of blocks to CreateBlock. Otherwise every transaction
	// makes one. Transactions that are in no block yet end with the process.
	OnDemand bool
}

// defaultBalance is a million STRK in FRI.
func defaultBalance() *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(24), nil) }

// Ledger is a chain inside this process. Its methods may be called by several goroutines
// at once. Transactions are executed one at a time, and readers do not wait for them.
type Ledger struct {
	chainID  felt.Felt
	name     string
	classes  map[felt.Felt]*cairo.Class
	clock    func() time.Time
	onDemand bool
	store    store
	client   *chain.Client

	write sync.Mutex // held by whoever changes the chain

	mu       sync.RWMutex // guards what follows; only who holds write changes it
	archive  *archive
	headers  []header
	numbers  map[felt.Felt]uint64   // of blocks, by hash
	index    map[felt.Felt]place    // of transactions, by hash
	emitters map[felt.Felt][]uint64 // blocks with events, by contract
	pending  *pendingBlock          // nil if no transaction waits for a block
	offset   time.Duration
	closed   bool

	recent cache
}

// header is what is kept in memory of a block.
type header struct {
	hash felt.Felt
	time uint64
}

// place is where a transaction is.
type place struct {
	block uint64
	index int
}

// pendingBlock is the block that is being built.
type pendingBlock struct {
	info  cairo.BlockInfo
	state *cairo.Overlay
	txs   []executed
}

// Open opens the ledger of a file, or begins a new one. It fails with ErrLocked if another
// process uses the file, with ErrCorrupt if it is damaged, or if it is of another chain.
func Open(o Options) (*Ledger, error) {
	if id, err := felt.ShortString(o.ChainID); err != nil || o.ChainID != "" && id.IsZero() {
		return nil, fmt.Errorf("ledger: Options.ChainID: %w", err)
	}
	l := &Ledger{
		classes: make(map[felt.Felt]*cairo.Class), clock: o.Clock, onDemand: o.OnDemand, archive: newArchive(),
		numbers: make(map[felt.Felt]uint64), index: make(map[felt.Felt]place), emitters: make(map[felt.Felt][]uint64),
	}
	if l.clock == nil {
		l.clock = time.Now
	}
	for _, list := range [][]*cairo.Class{twin.Natives(), twin.Contracts()} {
		for _, c := range list {
			l.classes[c.Hash] = c
		}
	}
	l.name, l.store = cmp.Or(o.ChainID, DefaultChainID), &memory{}
	if o.File != "" {
		f, name, err := openFile(o.File, o.ChainID)
		if err != nil {
			return nil, err
		}
		l.name, l.store = name, f
	}
	l.chainID = cairo.ShortString(l.name)
	if err := l.start(o); err != nil {
		return nil, errors.Join(err, l.store.close())
	}
	return l, nil
}

// start loads the blocks, or makes the first.
func (l *Ledger) start(o Options) (err error) {
	if l.client, err = l.Dial(chain.Options{Poll: clientPoll}); err != nil {
		return err
	}
	n, err := l.store.count()
	if err != nil {
		return err
	}
	for number := range n {
		if err := l.load(number); err != nil {
			return err
		}
	}
	if n == 0 {
		return l.genesis(o)
	}
	return nil
}

// load reads a block when the ledger is opened.
func (l *Ledger) load(number uint64) error {
	body, err := l.store.body(number)
	if err != nil {
		return err
	}
	b, err := decodeBlock(l.chainID, body)
	if err != nil {
		return err
	}
	if b.Number != number || number > 0 && felt.Felt(b.Parent) != l.headers[number-1].hash {
		return fmt.Errorf("%w: block %d does not follow on the one before", ErrCorrupt, number)
	}
	for _, c := range b.Changes.Declared {
		if l.classes[felt.Felt(c.Class)] == nil {
			return fmt.Errorf("ledger: the file has contracts of class %s, which this version does not know", felt.Felt(c.Class).String())
		}
	}
	l.publish(b, b.Changes.diff())
	return nil
}

// genesis makes the first block: the token of the fees, the deployers and the accounts.
func (l *Ledger) genesis(o Options) error {
	state := cairo.NewOverlay(view{l.archive, 0})
	r := &cairo.Run{Classes: l.classes, State: state, ChainID: l.chainID}
	for _, c := range twin.Natives() {
		state.Declared[c.Hash] = c.Compiled
	}
	state.Deployed[chain.STRK()] = twin.STRKHash()
	state.Deployed[chain.Deployer()], state.Deployed[twin.OldDeployer()] = twin.DeployerHash(), twin.OldDeployerHash()
	token := twin.NewSTRK(r.Frame(chain.STRK(), felt.Felt{}))
	balance := o.Balance
	if balance == nil {
		balance = defaultBalance()
	}
	total := new(big.Int).Mul(balance, big.NewInt(int64(len(o.Accounts))))
	if balance.Sign() < 0 || total.BitLen() > 128 {
		return errors.New("ledger: Options.Balance is out of range")
	}
	failure := r.Protect(func() {
		token.Initialize()
		for _, a := range o.Accounts {
			r.Used = cairo.Usage{}
			d, err := chain.AccountDeployment(a)
			cairo.Require(err == nil, "an account without a class")
			r.Deploy(felt.Felt{}, d.Address(), d.Class, d.Calldata)
			token.Mint(cairo.Address{Felt: d.Address()}, cairo.U256FromBig(balance))
		}
	})
	if failure != nil {
		return fmt.Errorf("ledger: Options.Accounts: %s", describe(failure))
	}
	return l.commit(&blockRecord{Time: l.now()}, state.Changes())
}

// SeedAccounts returns n accounts whose keys follow from a seed, for tests and
// demonstrations. Whoever knows the seed has the keys.
func SeedAccounts(seed string, n int) ([]*wallet.Account, error) {
	accounts := make([]*wallet.Account, n)
	for i := range accounts {
		f := chain.Keccak(fmt.Appendf(nil, "bitsage/ledger/account/%d/%s", i, seed))
		key, err := wallet.ParseKey(f.String())
		if err != nil {
			return nil, err
		}
		if accounts[i], err = wallet.NewAccount(key, wallet.ClassOpenZeppelin); err != nil {
			return nil, err
		}
	}
	return accounts, nil
}

// Close waits for the transaction that is being executed and closes the file. Afterwards
// every request fails.
func (l *Ledger) Close() error {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	return l.store.close()
}

// ChainID returns the chain's name.
func (l *Ledger) ChainID() string { return l.name }

// Advance lets the time of the following blocks run ahead of the clock by another d, which
// must not be negative.
func (l *Ledger) Advance(d time.Duration) {
	l.write.Lock()
	defer l.write.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.offset += max(d, 0)
}

// now is the time that a block gets now. The caller holds a lock.
func (l *Ledger) now() uint64 {
	t := l.clock().Add(l.offset).Unix()
	if n := len(l.headers); n > 0 {
		return max(uint64(max(t, 0)), l.headers[n-1].time)
	}
	return uint64(max(t, 0))
}

// head is the state after the last block. The caller holds a lock.
func (l *Ledger) head() view { return view{l.archive, uint64(len(l.headers) - 1)} }

// next is the block that is being built, and its state. The caller holds a lock.
func (l *Ledger) next() (cairo.Reader, cairo.BlockInfo) {
	if l.pending != nil {
		return l.pending.state, l.pending.info
	}
	return l.head(), cairo.BlockInfo{Number: uint64(len(l.headers)), Time: l.now()}
}

// add executes a transaction and includes it.
func (l *Ledger) add(tx signedTx) *rpcError {
	l.write.Lock()
	defer l.write.Unlock()
	switch {
	case l.closed:
		return internal(ErrClosed)
	case tx.Query:
		return &rpcError{Code: chain.ErrInvalidRequest, Message: "only-query transactions are not supported"}
	case l.known(tx.hash):
		return fail(chain.ErrDuplicateTx)
	}
	state, block := l.next()
	o, rejected := l.execute(state, block, tx, mode{})
	if rejected != nil {
		return rejected
	}
	raw, err := tx.stored()
	if err != nil {
		return internal(err)
	}
	done := executed{hexFelt(tx.hash), raw, o.receipt}
	if l.onDemand {
		l.enqueue(block, done, o.diff)
		return nil
	}
	if err := l.commit(&blockRecord{Number: block.Number, Time: block.Time, Txs: []executed{done}}, o.diff); err != nil {
		return internal(err)
	}
	return nil
}

// known reports whether a transaction was included.
func (l *Ledger) known(hash felt.Felt) bool {
	_, ok := l.index[hash]
	return ok
}

// enqueue adds a transaction to the block that is being built.
func (l *Ledger) enqueue(block cairo.BlockInfo, tx executed, d cairo.Diff) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending == nil {
		l.pending = &pendingBlock{info: block, state: cairo.NewOverlay(l.head())}
	}
	l.index[felt.Felt(tx.Hash)] = place{block.Number, len(l.pending.txs)}
	l.pending.txs = append(l.pending.txs, tx)
	l.pending.state.Merge(d)
}

// CreateBlock makes a block of the transactions that wait for one, if any, and returns it.
func (l *Ledger) CreateBlock() (chain.BlockRef, error) {
	l.write.Lock()
	defer l.write.Unlock()
	if l.closed {
		return chain.BlockRef{}, ErrClosed
	}
	_, info := l.next()
	b, d := &blockRecord{Number: info.Number, Time: info.Time}, cairo.NewDiff()
	if l.pending != nil {
		b.Txs, d = l.pending.txs, l.pending.state.Changes()
	}
	if err := l.commit(b, d); err != nil {
		return chain.BlockRef{}, err
	}
	return chain.BlockRef{Number: b.Number, Hash: b.hash}, nil
}

// commit makes a block durable and then known. The caller holds write.
func (l *Ledger) commit(b *blockRecord, d cairo.Diff) error {
	if b.Number > 0 {
		b.Parent = hexFelt(l.headers[b.Number-1].hash)
	}
	b.Changes = rpcDiff(d)
	body, err := b.encode(l.chainID)
	if err != nil {
		return err
	}
	if err := l.store.append(b.Number, body); err != nil { // readers go on meanwhile
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.publish(b, d)
	return nil
}

// publish makes a block known. The caller holds the locks, or is alone.
func (l *Ledger) publish(b *blockRecord, d cairo.Diff) {
	l.archive.apply(b.Number, d)
	l.headers = append(l.headers, header{b.hash, b.Time})
	l.numbers[b.hash] = b.Number
	l.pending = nil
	for i, tx := range b.Txs {
		l.index[felt.Felt(tx.Hash)] = place{b.Number, i}
		for _, e := range tx.Receipt.Events {
			blocks := l.emitters[felt.Felt(e.From)]
			if n := len(blocks); n == 0 || blocks[n-1] != b.Number {
				l.emitters[felt.Felt(e.From)] = append(blocks, b.Number)
			}
		}
	}
	l.recent.put(b)
}

// block returns a block that was made. The caller holds a lock.
func (l *Ledger) block(number uint64) (*blockRecord, error) {
	if b := l.recent.get(number); b != nil {
		return b, nil
	}
	body, err := l.store.body(number)
	if err != nil {
		return nil, err
	}
	return decodeBlock(l.chainID, body)
}

// cache keeps the last blocks.
type cache struct {
	mu     sync.Mutex
	blocks [128]*blockRecord
}

func (c *cache) put(b *blockRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks[b.Number%uint64(len(c.blocks))] = b
}

func (c *cache) get(number uint64) *blockRecord {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.blocks[number%uint64(len(c.blocks))]; b != nil && b.Number == number {
		return b
	}
	return nil
}
