package bitsage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
)

// Client submits jobs, pays for them and collects receipts. It is safe for
// concurrent use.
type Client struct {
	cfg      Config
	prover   *prover.Prover
	contract *settle.Contracts
	account  *chain.Account
	key      elgamal.SecretKey
	money    *settle.Account

	joining chan struct{} // holds a token while somebody joins; guards opened, and what join sets
	opened  bool
	host    transport.Host
	records *records

	mu      sync.Mutex
	closed  bool
	intents map[proof.JobID]intent
	paid    map[proof.JobID]bool                                    // put on the chain by this Client
	hearers map[proof.JobID]map[chan wire.Progress]transport.PeerID // who watches, and the peer of the job's worker
	inputs  inputs
	asking  wire.Asking     // for quotes
	dialed  bool            // the network is this client's own
	ctx     context.Context // of what runs in the background
	leave   context.CancelFunc
	running sync.WaitGroup
}

// NewClient returns a client. It does nothing before it is asked something.
func NewClient(cfg Config) (*Client, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	key, err := cfg.paymentKey()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, prover: prover.New(prover.Options{}), contract: cfg.Network.settle, account: cfg.account(), key: key,
		joining: make(chan struct{}, 1), asking: wire.Asking{Enough: enoughQuotes, Patience: quotePatience},
		intents: make(map[proof.JobID]intent), paid: make(map[proof.JobID]bool),
		hearers: make(map[proof.JobID]map[chan wire.Progress]transport.PeerID),
	}
	c.money = c.contract.NewAccount(c.account, key)
	c.ctx, c.leave = context.WithCancel(context.Background())
	return c, nil
}

// Close leaves the network. Jobs go on: a client that wants their receipts later
// needs their identifiers alone.
func (c *Client) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock() // handlers, for which the host waits, want it
	if closed {
		return nil
	}
	c.leave()               // which ends a join
	c.joining <- struct{}{} // for good: nobody joins any more
	var err error
	if c.opened {
		err = c.host.Close()
		c.running.Wait()
		err = errors.Join(err, c.records.close())
	}
	if c.dialed {
		err = errors.Join(err, c.cfg.Network.Close())
	}
	return err
}

// Balance is what a confidential account holds.
type Balance struct {
	Available Amount `json:"available"` // what can be spent
	Pending   Amount `json:"pending"`   // what has come in and is added before the next spending that needs it
}

// Total returns both together.
func (b Balance) Total() Amount { return settle.Balance(b).Total() }

// Deposit moves SAGE of the client's account into its confidential balance, from
// which fees are paid. The amount is public; what is paid from it is not. It must be
// a whole number of thousandths of a SAGE. If the account has too little, the error is
// the chain's, with INSUFFICIENT_BALANCE in it.
func (c *Client) Deposit(ctx context.Context, amount Amount) (Transaction, error) {
	r, err := c.money.Deposit(ctx, amount)
	return newTransaction(r, amount), err
}

// Withdraw moves an amount of the confidential balance back to the client's account,
// refunds that are pending included. The amount becomes public. It must be a whole
// number of thousandths of a SAGE. It fails with a *BalanceError.
func (c *Client) Withdraw(ctx context.Context, amount Amount) (Transaction, error) {
	r, err := c.money.Withdraw(ctx, amount, c.account.Address())
	return newTransaction(r, amount), explain(err, amount)
}

// Balance decrypts the confidential balance. Refunds are pending until they are
// needed.
func (c *Client) Balance(ctx context.Context) (Balance, error) {
	b, err := c.money.Balance(ctx)
	return Balance(b), err
}

// Estimate returns what a job amounts to: its trace, its proof and how many bits of
// security that has. It asks nobody; see Quotes for what the job costs. The job must be
// complete, with its input.
func (c *Client) Estimate(job Job) (Estimate, error) {
	if err := job.validate(); err != nil {
		return Estimate{}, err
	}
	return estimate(job.Program, job.Profile)
}

// JobStatus is a job as the chain has it.
type JobStatus struct {
	ID           proof.JobID `json:"job"`
	State        State       `json:"state"`
	Worker       chain.Felt  `json:"worker"`        // address
	LockDeadline time.Time   `json:"lock_deadline"` // for the worker to accept
	Deadline     time.Time   `json:"deadline"`      // for proof and verdict
}

// states are those of the chain.
var states = map[settle.State]State{
	settle.Submitted: Submitted, settle.Accepted: Accepted, settle.Proven: Proven, settle.Finalized: Done,
	settle.Rejected: Rejected, settle.Expired: Expired, settle.Cancelled: Cancelled,
}

// Job returns how far a job is, of this client or another. It fails with
// ErrUnknownJob.
func (c *Client) Job(ctx context.Context, id proof.JobID) (JobStatus, error) {
	_, job, err := c.job(ctx, id)
	if err != nil {
		return JobStatus{}, err
	}
	return JobStatus{id, states[job.State], job.Worker, job.LockDeadline, job.Deadline}, nil
}

func (c *Client) job(ctx context.Context, id proof.JobID) (chain.Felt, settle.Job, error) {
	f, err := feltOf(id)
	if err != nil {
		return f, settle.Job{}, err
	}
	for range nodeLag / time.Second {
		job, err := c.contract.Job(ctx, f)
		if err != nil || job.State != settle.None {
			return f, job, err
		}
		if !c.submitted(id) {
			break
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return f, job, context.Cause(ctx)
		}
	}
	return f, settle.Job{}, ErrUnknownJob
}

func (c *Client) submitted(id proof.JobID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.paid[id]
}

// own returns the records of this client's jobs.
func (c *Client) own(ctx context.Context) ([]settle.Record, error) {
	view := c.cfg.Network.follow()
	if err := view.Synced(ctx); err != nil {
		return nil, err
	}
	var own []settle.Record
	for _, r := range view.Jobs() {
		if r.Client == c.account.Address() {
			own = append(own, r)
		}
	}
	return own, nil
}

// Jobs returns this client's jobs in the order of their submission, from whatever
// process they were submitted.
func (c *Client) Jobs(ctx context.Context) iter.Seq2[JobStatus, error] {
	return func(yield func(JobStatus, error) bool) {
		own, err := c.own(ctx)
		if err != nil {
			yield(JobStatus{}, err)
			return
		}
		for _, r := range own {
			s := JobStatus{proof.JobID(r.ID.Bytes()), states[r.State], r.Worker, r.LockDeadline, r.Deadline}
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Payment is what became of a job's fee.
type Payment struct {
	Job    proof.JobID  `json:"job"`
	Worker chain.Felt   `json:"worker"` // address
	Amount Amount       `json:"amount"`
	State  PaymentState `json:"state"`
}

// PaymentState says where a fee is.
type PaymentState string

// The states of a payment. It goes from escrowed to one of the last two, once.
const (
	Escrowed PaymentState = "escrowed" // neither the client's nor the worker's
	Payable  PaymentState = "payable"  // the worker's, who has not fetched it yet
	Released PaymentState = "released" // paid to the worker
	Refunded PaymentState = "refunded" // back in the client's confidential balance
)

var paymentStates = map[settle.PaymentState]PaymentState{
	settle.Escrowed: Escrowed, settle.Payable: Payable, settle.Released: Released, settle.Refunded: Refunded,
}

// Payments returns the fees of this client's jobs, decrypted, in the order of their
// submission.
func (c *Client) Payments(ctx context.Context) iter.Seq2[Payment, error] {
	return func(yield func(Payment, error) bool) {
		own, err := c.own(ctx)
		if err != nil {
			yield(Payment{}, err)
			return
		}
		for _, r := range own {
			p, err := c.payment(ctx, &r)
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// payment returns what became of a job's fee. What has not ended as far as events tell,
// may have since.
func (c *Client) payment(ctx context.Context, r *settle.Record) (Payment, error) {
	state := r.Payment
	if !state.Ended() {
		now, err := c.contract.Payment(ctx, r.ID)
		if err != nil {
			return Payment{}, err
		}
		state = now.State
	}
	amount, err := c.contract.Decrypt(ctx, c.key, r.Refund)
	return Payment{proof.JobID(r.ID.Bytes()), r.Worker, amount, paymentStates[state]}, err
}

// Workers returns the workers that take jobs, as the chain has them now, by ascending
// account. Whether their stakes are valid, and what they ask, tell Quotes.
func (c *Client) Workers(ctx context.Context) iter.Seq2[staking.WorkerRecord, error] {
	return func(yield func(staking.WorkerRecord, error) bool) {
		workers, err := c.cfg.Network.directory.workers(ctx)
		if err != nil {
			yield(staking.WorkerRecord{}, err)
			return
		}
		for _, w := range workers {
			if !yield(w, nil) {
				return
			}
		}
	}
}

// Cancel takes a job back before its worker has accepted it. The fee becomes part of
// the pending balance.
func (c *Client) Cancel(ctx context.Context, id proof.JobID) error {
	f, job, err := c.job(ctx, id)
	if err != nil {
		return err
	}
	if job.State != settle.Submitted {
		return fmt.Errorf("bitsage: job %v is %s: only a job that no worker has accepted can be cancelled", id, states[job.State])
	}
	return c.contract.Cancel(ctx, c.account, f)
}

// Expire ends a job whose deadline has passed, so that the fee goes back. Wait does
// so by itself. A job that has ended is left alone; one that may still be done in
// time is an error.
func (c *Client) Expire(ctx context.Context, id proof.JobID) error {
	f, err := feltOf(id)
	if err != nil {
		return err
	}
	err = c.contract.Expire(ctx, c.account, f)
	if errors.Is(err, settle.ErrPending) {
		return fmt.Errorf("bitsage: job %v may still be done in time", id)
	}
	return explain(err, Amount{})
}
