package bitsage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// WorkerConfig configures a Worker. Its Account is the operator: the hot key on the
// worker's host, which signs proofs and can move no money. Its PaymentKey, under which
// the worker is paid, is registered for ever.
type WorkerConfig struct {
	Config
	// Staker is the account that stakes and is paid; it can stay cold. Run needs it
	// until stake and registration are on the chain, and Claim needs it. Nil means
	// the account StakerAddress, for which StakerSigner signs if it is set, or, if that
	// is zero too, the operator itself.
	Staker        *wallet.Account
	StakerAddress chain.Felt
	StakerSigner  wallet.Signer
	// Tier is the class of the GPU, see staking.ParseTier; zero is TierConsumer,
	// that of machines without one.
	Tier staking.Tier
	// Stake is what Run stakes if there is no stake yet; zero is the tier's minimum.
	// A job binds a tenth of the tier's minimum as long as it lasts.
	Stake Amount
	// Lock is how long the stake is locked then; zero is 30 days.
	Lock time.Duration
	// Price returns the fee for a job, a whole number of thousandths of a SAGE: of any
	// other there is no quote. Several goroutines call it at once. Nil is DefaultPrice.
	Price func(Estimate) Amount
	// Prover makes the proofs; nil is NewProver on this machine with MaxMemory.
	Prover Prover
	// MaxMemory bounds the memory of a proof in bytes; zero means what the machine
	// has available. See prover.Options for what a low bound costs. There is no quote
	// for a job that does not fit.
	MaxMemory int64
	// Drain is how long jobs in progress may go on after Run's context has ended.
	// Zero means not at all. What is not done then goes on with the next Run, if
	// there is a Dir and the deadline allows it.
	Drain time.Duration
	// Heartbeat is the time between two signs of life on the chain; zero is an hour.
	Heartbeat time.Duration
}

// DefaultPrice is a tenth of a SAGE for a job and another for every 1024 rows of
// its trace.
func DefaultPrice(e Estimate) Amount {
	tenth, _ := SAGE(1).Share(1000) // a tenth fits
	fee, err := tenth.Mul(1 + uint64(e.Rows)/1024)
	if err != nil { // not for any number of rows that can be proven
		return SAGE(1 << 40)
	}
	return fee
}

// Worker executes and proves jobs, one at a time on all processors, and accepts a job
// on the chain when the one before it is proven. A worker that finds its own proof
// wrong, or whose job was rejected or expired, takes no more jobs until proofs that it
// makes for itself verify: so it loses one bond at most. Its methods are safe for
// concurrent use, while Run serves too.
type Worker struct {
	cfg      WorkerConfig
	prover   Prover
	contract *settle.Contracts
	operator *chain.Account
	worker   chain.Felt        // the staker's address, by which the worker is known
	staker   *chain.Account    // nil if its key is not here
	key      elgamal.SecretKey // under which it is paid
	money    *settle.Account   // the staker's; nil if its key is not here
	chainID  chain.Felt

	taking  chan struct{} // holds a token while a job is being taken on
	proving chan struct{} // holds a token while a proof is being made
	speed   speed
	breaker breaker
	broken  chan struct{} // has an element if the breaker has opened

	ready chan struct{} // closed when it serves
	ran   atomic.Bool

	// Set by Run.
	host    transport.Host
	blobs   blob.Store
	records *records

	mu       sync.Mutex
	stopped  bool                             // takes on nothing more
	jobs     map[proof.JobID]*assignment      // that have not ended
	signed   map[proof.JobID]*submission      // also of jobs that have ended: a reorganisation can bring one back
	results  map[proof.JobID]wire.Description // of submitted jobs, which are handed out
	order    []proof.JobID                    // of results, the oldest first
	running  sync.WaitGroup
	arriving sync.WaitGroup // inputs, of which handlers may begin more until the host is closed
}

// NewWorker returns a worker. It does nothing before Run.
func NewWorker(cfg WorkerConfig) (*Worker, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Drain < 0 || cfg.MaxMemory < 0 || cfg.Heartbeat < 0 || cfg.Lock < 0 {
		return nil, errors.New("bitsage: Drain, MaxMemory, Heartbeat and Lock must not be negative")
	}
	if cfg.Tier == 0 {
		cfg.Tier = staking.TierConsumer
	}
	if !cfg.Tier.GPU() {
		return nil, fmt.Errorf("bitsage: %v is no tier of workers", cfg.Tier)
	}
	if cfg.Stake.IsZero() {
		cfg.Stake = cfg.Tier.Minimum()
	}
	if cfg.Lock == 0 {
		cfg.Lock = 30 * 24 * time.Hour
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = time.Hour
	}
	if cfg.Price == nil {
		cfg.Price = DefaultPrice
	}
	if cfg.Prover == nil {
		cfg.Prover = NewProver(prover.Options{MaxMemory: cfg.MaxMemory})
	}
	cfg.resolveStaker()
	key, err := cfg.paymentKey()
	if err != nil {
		return nil, err
	}
	n := cfg.Network
	w := &Worker{
		cfg: cfg, prover: cfg.Prover, contract: n.settle, chainID: n.settle.ChainID(), operator: cfg.account(), worker: cfg.StakerAddress, key: key,
		ready: make(chan struct{}), taking: make(chan struct{}, 1), proving: make(chan struct{}, 1), broken: make(chan struct{}, 1),
		jobs: make(map[proof.JobID]*assignment), signed: make(map[proof.JobID]*submission), results: make(map[proof.JobID]wire.Description),
	}
	if cfg.StakerSigner != nil {
		w.staker = n.account(cfg.StakerAddress, cfg.StakerSigner, cfg.Fees)
		w.money = n.settle.NewAccount(w.staker, key)
	}
	return w, nil
}

// resolveStaker fills in whose stake it is, and who signs for it if that is known.
func (c *WorkerConfig) resolveStaker() {
	switch {
	case c.Staker != nil:
		c.StakerAddress, c.StakerSigner = c.Staker.Address(), c.Staker
	case c.StakerAddress.IsZero():
		c.StakerAddress, c.StakerSigner = c.Address, c.Signer
	}
}

// Address returns the address of the staking account, by which the worker is known.
func (w *Worker) Address() chain.Felt { return w.worker }

// Ready is closed when the worker serves: it is registered and takes jobs.
func (w *Worker) Ready() <-chan struct{} { return w.ready }

// Run stakes and registers the worker if that is still to be done, goes on with the
// jobs that an earlier worker with the same Dir left, and serves until ctx ends. Then
// it lets jobs in progress go on for the time of Drain and returns nil with nothing
// left running. A Worker runs once: Run fails when it is called again.
func (w *Worker) Run(ctx context.Context) (err error) {
	if w.ran.Swap(true) {
		return errRan
	}
	if err := w.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.enlist(ctx); err != nil {
		return cleanStop(ctx, err)
	}
	serving, stop := context.WithCancel(ctx)
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // outlives serving
	err = w.begin(serving, work)
	if err == nil {
		close(w.ready)
		w.cfg.Logger.Info("worker ready", "worker", w.worker.String(), "tier", w.cfg.Tier)
		err = w.follow(serving)
	}
	stop()
	w.drain(cancel)
	return cleanStop(ctx, err)
}

// begin starts everything that goes on at the same time.
func (w *Worker) begin(serving, work context.Context) error {
	w.running.Go(func() { w.heartbeat(serving) })
	w.running.Go(func() { w.heal(serving) })
	if err := w.calibrate(serving); err != nil {
		return err
	}
	if err := w.resume(work); err != nil {
		return err
	}
	if err := w.serve(serving, work); err != nil {
		return err
	}
	return w.cfg.Network.directory.serve(serving, &w.running, w.host)
}

// drain takes on nothing more and lets jobs in progress go on for a while.
func (w *Worker) drain(cancel context.CancelFunc) {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	for _, a := range w.assignments() {
		a.poke()
	}
	done := make(chan struct{})
	go func() { w.running.Wait(); close(done) }()
	timer := time.NewTimer(w.cfg.Drain)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
		cancel()
		<-done
	}
}

// cleanStop returns nil in place of an error that came with the end of ctx.
func cleanStop(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (w *Worker) open(ctx context.Context) (err error) {
	if w.records, err = openRecords(w.cfg.Dir); err != nil {
		return err
	}
	if w.blobs, err = openBlobs(w.cfg.Dir); err == nil {
		w.host, err = w.cfg.join(ctx)
	}
	if err != nil {
		return errors.Join(err, w.records.close())
	}
	return nil
}

func (w *Worker) close() error {
	err := w.host.Close()
	w.arriving.Wait()
	return errors.Join(err, w.records.close())
}

// enlist sees to it that the worker's stake, operator, registration and payment key
// are on the chain.
func (w *Worker) enlist(ctx context.Context) error {
	c := w.cfg.Network.staking
	stake, err := c.Stake(ctx, w.worker)
	if err != nil {
		return err
	}
	if stake.Amount.IsZero() {
		if err := w.asStaker("stake", func(s *staking.Staker) error {
			_, err := s.Stake(ctx, w.cfg.Stake, w.cfg.Tier, w.cfg.Lock)
			return err
		}); err != nil {
			return err
		}
	}
	if ok, err := c.MayOperate(ctx, w.worker, w.operator.Address()); err != nil {
		return err
	} else if !ok {
		if err := w.asStaker("name the operator", func(s *staking.Staker) error {
			_, err := s.SetOperator(ctx, w.operator.Address())
			return err
		}); err != nil {
			return err
		}
	}
	if err := w.register(ctx); err != nil {
		return err
	}
	key, err := w.contract.PaymentKey(ctx, w.worker)
	switch {
	case errors.Is(err, settle.ErrNoAccount):
		return w.asStaker("register the payment key", func(*staking.Staker) error { return w.money.Register(ctx) })
	case err != nil:
		return err
	case !key.Equal(w.key.Public()):
		return fmt.Errorf("bitsage: worker %s is paid under another key than Config.PaymentKey: %w", w.worker.String(), settle.ErrOtherKey)
	}
	return nil
}

// register publishes the worker unless it is published as it is. For a new peer the
// operator's key is enough.
func (w *Worker) register(ctx context.Context) error {
	want := staking.Registration{
		PeerID: string(w.host.ID()), SigningKey: w.cfg.Signer.PublicKey(), ElGamalKey: w.key.Public(),
	}
	have, err := w.cfg.Network.staking.Worker(ctx, w.worker)
	if err != nil && !errors.Is(err, staking.ErrNotWorker) {
		return err
	}
	if err == nil && have.Active && have.SigningKey == want.SigningKey && have.ElGamalKey.Equal(want.ElGamalKey) {
		if have.PeerID == want.PeerID {
			return nil
		}
		w.cfg.Logger.Info("worker enlisting", "step", "publish its new peer")
		_, err := staking.NewOperator(w.cfg.Network.staking, w.operator, w.worker).SetPeer(ctx, want.PeerID)
		return err
	}
	return w.asStaker("register the worker", func(s *staking.Staker) error {
		_, err := s.Register(ctx, want)
		return err
	})
}

// asStaker does what only the staking account can do.
func (w *Worker) asStaker(what string, do func(*staking.Staker) error) error {
	if w.staker == nil {
		return fmt.Errorf("bitsage: the staking account %s must %s first: run the worker once with WorkerConfig.Staker", w.worker.String(), what)
	}
	if err := do(staking.NewStaker(w.cfg.Network.staking, w.staker)); err != nil {
		return fmt.Errorf("bitsage: to %s: %w", what, err)
	}
	w.cfg.Logger.Info("worker enlisting", "step", what)
	return nil
}

// heartbeat says on the chain that the worker is alive.
func (w *Worker) heartbeat(ctx context.Context) {
	operator := staking.NewOperator(w.cfg.Network.staking, w.operator, w.worker)
	tick := time.NewTicker(w.cfg.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := operator.Heartbeat(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Logger.Warn("no heartbeat", "error", err)
		}
	}
}

// Balance decrypts what the worker has earned and not claimed.
func (w *Worker) Balance(ctx context.Context) (Balance, error) {
	b, err := w.contract.Balance(ctx, w.worker, w.key)
	return Balance(b), err
}

// Claim withdraws everything that the worker was paid to its staking account, whose key
// it needs. The transaction is zero if there is nothing. The amount becomes public.
func (w *Worker) Claim(ctx context.Context) (Transaction, error) {
	if w.money == nil {
		return Transaction{}, fmt.Errorf("bitsage: claiming needs the key of the staking account %s: set WorkerConfig.Staker", w.worker)
	}
	amount, r, err := w.money.WithdrawAll(ctx, w.worker)
	return newTransaction(r, amount), err
}
