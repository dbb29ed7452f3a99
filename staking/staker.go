package staking

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// Staker is the account that staked, or will. Its key moves the stake; it is needed
// on no worker's host, see Operator. Make one with NewStaker.
type Staker struct {
	contracts *Contracts
	account   *chain.Account
	confirm   func(context.Context, Plan) error
}

// NewStaker returns the staker with an account. It does no I/O.
func NewStaker(c *Contracts, account *chain.Account) *Staker {
	return &Staker{contracts: c, account: account}
}

// Plan is an operation that is about to be sent.
type Plan struct {
	Op     string         // the operation, as in Error.Op
	Amount money.Amount   // SAGE that leaves the account with it
	Fee    chain.Estimate // what the transaction costs now
}

// WithConfirm returns the same staker, which calls confirm when an operation has
// passed its checks and an estimate, and sends it only if confirm returns nil. An
// error of confirm is returned as it is. So a command can show what an operation
// costs and ask, or stop there.
func (s *Staker) WithConfirm(confirm func(context.Context, Plan) error) *Staker {
	t := *s
	t.confirm = confirm
	return &t
}

// Address returns the address of the staking account.
func (s *Staker) Address() chain.Felt { return s.account.Address() }

// send executes calls in one transaction and waits until it is accepted on L2. The
// receipt is returned beside the error as well if the transaction reverted.
func send(ctx context.Context, op string, account *chain.Account, calls ...chain.Call) (*chain.Receipt, error) {
	hash, err := account.Execute(ctx, calls...)
	if err != nil {
		return nil, refusal(op, err)
	}
	receipt, err := account.Wait(ctx, hash)
	var dropped *chain.DroppedError
	if err != nil && receipt == nil && !errors.As(err, &dropped) {
		return nil, &chain.UncertainError{Hash: hash, Err: err}
	}
	return receipt, refusal(op, err)
}

// send is send after the confirmation.
func (s *Staker) send(ctx context.Context, op string, amount money.Amount, calls ...chain.Call) (*chain.Receipt, error) {
	if s.confirm != nil {
		fee, err := s.account.Estimate(ctx, calls...)
		if err != nil {
			return nil, refusal(op, err)
		}
		if err := s.confirm(ctx, Plan{op, amount, fee}); err != nil {
			return nil, err
		}
	}
	return send(ctx, op, s.account, calls...)
}

// now returns the time of the block that is being built.
func (c *Contracts) now(ctx context.Context) (time.Time, error) {
	b, err := c.client.Block(ctx, chain.AtPreConfirmed())
	if err != nil {
		return time.Time{}, err
	}
	return b.Time, nil
}

func u256(a money.Amount) calldata.U256 {
	u, _ := calldata.U256FromBig(a.Base()) // 128 bits fit
	return u
}

// pay returns the call that stakes an amount, preceded by what allows the contract
// to take it, after checking that the account has it.
func (s *Staker) pay(ctx context.Context, op string, amount money.Amount, call cairo.Call) ([]chain.Call, error) {
	c := s.contracts
	if amount.IsZero() {
		return []chain.Call{call.At(c.staking)}, nil
	}
	balance, err := c.balance(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	if balance.Less(amount) {
		return nil, &Error{Op: op, Code: ErrBalance, Have: balance, Need: amount}
	}
	return []chain.Call{sagetoken.ApproveCall(c.staking, u256(amount)).At(c.token), call.At(c.staking)}, nil
}

// checkLock checks a duration and returns its seconds, of which parts are dropped.
func checkLock(op string, lock time.Duration) (uint64, error) {
	if lock = lock.Truncate(time.Second); lock < MinLock || lock > MaxLock {
		return 0, &Error{Op: op, Code: ErrLockDuration}
	}
	return uint64(lock / time.Second), nil
}

// Stake begins a stake of a tier, locked for a duration from MinLock to MaxLock. One
// transaction allows the contract the amount and stakes it. It fails with
// ErrUnknownTier, ErrBelowMinimum, ErrLockDuration, ErrAlreadyStaked, ErrBalance or
// ErrPaused.
func (s *Staker) Stake(ctx context.Context, amount money.Amount, tier Tier, lock time.Duration) (*chain.Receipt, error) {
	const op = "stake"
	if !tier.Valid() {
		return nil, &Error{Op: op, Code: ErrUnknownTier}
	}
	if minimum := tier.Minimum(); amount.Less(minimum) {
		return nil, &Error{Op: op, Code: ErrBelowMinimum, Have: amount, Need: minimum}
	}
	seconds, err := checkLock(op, lock)
	if err != nil {
		return nil, err
	}
	stake, err := s.contracts.stake(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	if !stake.Amount.IsZero() {
		return nil, &Error{Op: op, Code: ErrAlreadyStaked}
	}
	calls, err := s.pay(ctx, op, amount, stakingmanager.StakeCall(u256(amount), tier.gpuTier(), seconds))
	if err != nil {
		return nil, err
	}
	return s.send(ctx, op, amount, calls...)
}

// Increase adds an amount to the stake, prolongs its lock to a duration from now,
// or both; 0 leaves the one or the other as it is. A lock never gets shorter. It
// fails with ErrZeroAmount if both are 0, ErrLockDuration, ErrNoStake, ErrBalance or
// ErrPaused.
func (s *Staker) Increase(ctx context.Context, amount money.Amount, lock time.Duration) (*chain.Receipt, error) {
	const op = "increase stake"
	if amount.IsZero() && lock == 0 {
		return nil, &Error{Op: op, Code: ErrZeroAmount}
	}
	var seconds uint64
	if lock != 0 {
		var err error
		if seconds, err = checkLock(op, lock); err != nil {
			return nil, err
		}
	}
	if _, err := s.staked(ctx, op); err != nil {
		return nil, err
	}
	calls, err := s.pay(ctx, op, amount, stakingmanager.IncreaseStakeCall(u256(amount), seconds))
	if err != nil {
		return nil, err
	}
	return s.send(ctx, op, amount, calls...)
}

// staked returns the stake, or ErrNoStake.
func (s *Staker) staked(ctx context.Context, op string) (Stake, error) {
	stake, err := s.contracts.stake(ctx, s.Address(), chain.AtPreConfirmed())
	if err == nil && stake.Amount.IsZero() {
		err = &Error{Op: op, Code: ErrNoStake}
	}
	return stake, err
}

// RequestUnstake begins to unbond an amount, which CompleteUnstake pays out after
// Unbonding. What is left must be nothing or the tier's minimum at least. It fails
// with ErrZeroAmount, ErrNoStake, ErrLocked, ErrUnbonding, ErrBonded, ErrBelowMinimum,
// or ErrWorkerActive if nothing is left and the worker is not deregistered.
func (s *Staker) RequestUnstake(ctx context.Context, amount money.Amount) (*chain.Receipt, error) {
	const op = "request unstake"
	if amount.IsZero() {
		return nil, &Error{Op: op, Code: ErrZeroAmount}
	}
	stake, err := s.staked(ctx, op)
	if err != nil {
		return nil, err
	}
	now, err := s.contracts.now(ctx)
	if err != nil {
		return nil, err
	}
	if err := stake.mayUnbond(op, amount, now); err != nil {
		return nil, err
	}
	if stake.Amount == amount {
		if err := s.noWorker(ctx, op); err != nil {
			return nil, err
		}
	}
	return s.send(ctx, op, money.Amount{}, stakingmanager.RequestUnstakeCall(u256(amount)).At(s.contracts.staking))
}

// mayUnbond makes the checks of request_unstake, in its order, but that of the
// worker.
func (s Stake) mayUnbond(op string, amount money.Amount, now time.Time) error {
	rest, minimum := s.Amount.Excess(amount), s.Tier.Minimum()
	switch {
	case now.Before(s.LockedUntil):
		return &Error{Op: op, Code: ErrLocked, Until: s.LockedUntil}
	case !s.Unbonding.IsZero():
		return &Error{Op: op, Code: ErrUnbonding, Until: s.UnbondingUntil}
	case s.Free().Less(amount):
		return &Error{Op: op, Code: ErrBonded, Have: s.Free(), Need: amount}
	case !rest.IsZero() && rest.Less(minimum):
		return &Error{Op: op, Code: ErrBelowMinimum, Have: rest, Need: minimum}
	}
	return nil
}

// noWorker fails with ErrWorkerActive if the worker is registered.
func (s *Staker) noWorker(ctx context.Context, op string) error {
	w, err := s.contracts.worker(ctx, s.Address(), chain.AtPreConfirmed())
	switch {
	case errors.Is(err, ErrNotWorker):
		return nil
	case err != nil:
		return err
	case w.Active:
		return &Error{Op: op, Code: ErrWorkerActive}
	}
	return nil
}

// CompleteUnstake pays what was unbonding to the staking account. It fails with
// ErrNothingUnbonding or ErrStillUnbonding.
func (s *Staker) CompleteUnstake(ctx context.Context) (*chain.Receipt, error) {
	const op = "complete unstake"
	stake, err := s.contracts.stake(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	if stake.Unbonding.IsZero() {
		return nil, &Error{Op: op, Code: ErrNothingUnbonding}
	}
	now, err := s.contracts.now(ctx)
	if err != nil {
		return nil, err
	}
	if now.Before(stake.UnbondingUntil) {
		return nil, &Error{Op: op, Code: ErrStillUnbonding, Until: stake.UnbondingUntil}
	}
	return s.send(ctx, op, money.Amount{}, stakingmanager.CompleteUnstakeCall().At(s.contracts.staking))
}

// SetOperator names the account that may run the worker, in place of any other;
// zero names none. See Operator for what it may do.
func (s *Staker) SetOperator(ctx context.Context, operator chain.Felt) (*chain.Receipt, error) {
	if !operator.IsZero() && !chain.IsAddress(operator) {
		return nil, fmt.Errorf("staking: set operator: %s is no address", operator)
	}
	return s.send(ctx, "set operator", money.Amount{}, stakingmanager.SetOperatorCall(operator).At(s.contracts.staking))
}

// Registration is what a worker publishes. The keys belong on the worker's host,
// but are of no use for moving the stake.
type Registration struct {
	PeerID     string            // libp2p identity, 1 to MaxPeerID bytes
	SigningKey chain.Felt        // x coordinate of the key that signs submissions
	ElGamalKey elgamal.PublicKey // under which the worker is paid
	// TEEQuoteHash is the hash of the worker's TEE quote; zero for none.
	TEEQuoteHash [32]byte
}

// MaxPeerID is the number of bytes of the longest PeerID.
const MaxPeerID = 64

func checkPeerID(op, id string) error {
	if id == "" || len(id) > MaxPeerID {
		return &Error{Op: op, Code: ErrPeerID}
	}
	return nil
}

func (r *Registration) check(op string) error {
	if err := checkPeerID(op, r.PeerID); err != nil {
		return err
	}
	if _, err := wallet.PublicPoint(r.SigningKey); err != nil {
		return &Error{Op: op, Code: ErrKey, Err: err}
	}
	if !r.ElGamalKey.Valid() {
		return &Error{Op: op, Code: ErrKey, Err: errors.New("no ElGamal key")}
	}
	return nil
}

// Register offers the worker for jobs, or changes what was published. Accepted jobs
// keep the signing key that they were accepted with. It fails with ErrPeerID, ErrKey,
// or ErrStakeNotValid if the stake is not valid, which then is an Insufficient or
// Unlocked in the error's chain, or is a validator's.
func (s *Staker) Register(ctx context.Context, r Registration) (*chain.Receipt, error) {
	const op = "register worker"
	if err := r.check(op); err != nil {
		return nil, err
	}
	stake, err := s.validStake(ctx, op)
	if err != nil {
		return nil, err
	}
	if !stake.Tier.GPU() {
		return nil, &Error{Op: op, Code: ErrStakeNotValid, Err: errors.New("the stake is one of a validator")}
	}
	key := r.ElGamalKey.Felts()
	point := stakingmanager.Point{X: key[0], Y: key[1]}
	return s.send(ctx, op, money.Amount{}, stakingmanager.RegisterWorkerCall(r.PeerID, r.SigningKey, point, r.TEEQuoteHash).At(s.contracts.staking))
}

// validStake returns the stake if it is valid, or ErrStakeNotValid.
func (s *Staker) validStake(ctx context.Context, op string) (Stake, error) {
	stake, err := s.contracts.stake(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return Stake{}, err
	}
	now, err := s.contracts.now(ctx)
	if err != nil {
		return Stake{}, err
	}
	if err := stake.Status(now).Err(); err != nil {
		return Stake{}, &Error{Op: op, Code: ErrStakeNotValid, Err: err}
	}
	return stake, nil
}

// Deregister takes the worker out of the offer. Jobs that it accepted stay its own.
// It fails with ErrNotWorker.
func (s *Staker) Deregister(ctx context.Context) (*chain.Receipt, error) {
	const op = "deregister"
	if err := s.contracts.activeWorker(ctx, op, s.Address()); err != nil {
		return nil, err
	}
	return s.send(ctx, op, money.Amount{}, stakingmanager.DeregisterCall().At(s.contracts.staking))
}

// activeWorker fails with ErrNotWorker if the worker is not registered.
func (c *Contracts) activeWorker(ctx context.Context, op string, worker chain.Felt) error {
	w, err := c.worker(ctx, worker, chain.AtPreConfirmed())
	if err == nil && !w.Active || errors.Is(err, ErrNotWorker) {
		return &Error{Op: op, Code: ErrNotWorker}
	}
	return err
}

const opHeartbeat = "heartbeat"

// Heartbeat says that the worker is alive. An Operator can do the same. It fails
// with ErrNotWorker.
func (s *Staker) Heartbeat(ctx context.Context) (*chain.Receipt, error) {
	if err := s.contracts.activeWorker(ctx, opHeartbeat, s.Address()); err != nil {
		return nil, err
	}
	return s.send(ctx, opHeartbeat, money.Amount{}, stakingmanager.HeartbeatCall(s.Address()).At(s.contracts.staking))
}

const opSetPeer = "set peer"

// SetPeer replaces the worker's PeerID and nothing else of what it published. An Operator
// can do the same. It fails with ErrPeerID or ErrNotWorker.
func (s *Staker) SetPeer(ctx context.Context, peerID string) (*chain.Receipt, error) {
	if err := checkPeerID(opSetPeer, peerID); err != nil {
		return nil, err
	}
	if err := s.contracts.activeWorker(ctx, opSetPeer, s.Address()); err != nil {
		return nil, err
	}
	return s.send(ctx, opSetPeer, money.Amount{}, stakingmanager.SetPeerCall(s.Address(), peerID).At(s.contracts.staking))
}

// InitializeReputation begins a record at 500 points, which else begins with the
// worker's first job. It fails with ErrHasRecord.
func (s *Staker) InitializeReputation(ctx context.Context) (*chain.Receipt, error) {
	const op = "initialize reputation"
	record, err := s.contracts.record(ctx, s.Address(), chain.AtPreConfirmed())
	if err != nil {
		return nil, err
	}
	if record.Known {
		return nil, &Error{Op: op, Code: ErrHasRecord}
	}
	return s.send(ctx, op, money.Amount{}, reputationmanager.InitializeCall().At(s.contracts.reputation))
}

// Operator is the hot account on a worker's host, named by Staker.SetOperator. The
// contracts let it accept jobs, submit proofs, send heartbeats and say at which peer the
// worker is; it can neither move money nor change where money goes. Who steals its key
// can lead clients to a peer at which the worker is not, until the staker names another
// operator: they find no worker there, because the signing key makes its quotes. Make one
// with NewOperator.
type Operator struct {
	contracts *Contracts
	account   *chain.Account
	worker    chain.Felt
}

// NewOperator returns the operator with a hot account for the worker of a staker. It
// does no I/O; see Check.
func NewOperator(c *Contracts, account *chain.Account, staker chain.Felt) *Operator {
	return &Operator{c, account, staker}
}

// Address returns the address of the hot account.
func (o *Operator) Address() chain.Felt { return o.account.Address() }

// Worker returns the address of the staker, by which the worker is known.
func (o *Operator) Worker() chain.Felt { return o.worker }

// Check fails with ErrUnauthorized if the staker has not named this operator.
func (o *Operator) Check(ctx context.Context) error { return o.check(ctx, "check operator") }

func (o *Operator) check(ctx context.Context, op string) error {
	ok, err := o.contracts.mayOperate(ctx, o.worker, o.Address(), chain.AtPreConfirmed())
	if err == nil && !ok {
		err = &Error{Op: op, Code: ErrUnauthorized}
	}
	return err
}

// Heartbeat says that the worker is alive. It fails with ErrUnauthorized or
// ErrNotWorker.
func (o *Operator) Heartbeat(ctx context.Context) (*chain.Receipt, error) {
	if err := o.checkWorker(ctx, opHeartbeat); err != nil {
		return nil, err
	}
	return send(ctx, opHeartbeat, o.account, stakingmanager.HeartbeatCall(o.worker).At(o.contracts.staking))
}

// SetPeer replaces the worker's PeerID, after a move to another host or another network.
// It changes nothing else of what the worker published. It fails with ErrPeerID,
// ErrUnauthorized or ErrNotWorker.
func (o *Operator) SetPeer(ctx context.Context, peerID string) (*chain.Receipt, error) {
	if err := checkPeerID(opSetPeer, peerID); err != nil {
		return nil, err
	}
	if err := o.checkWorker(ctx, opSetPeer); err != nil {
		return nil, err
	}
	return send(ctx, opSetPeer, o.account, stakingmanager.SetPeerCall(o.worker, peerID).At(o.contracts.staking))
}

// checkWorker makes the checks of a call for the worker, in the contract's order.
func (o *Operator) checkWorker(ctx context.Context, op string) error {
	if err := o.check(ctx, op); err != nil {
		return err
	}
	return o.contracts.activeWorker(ctx, op, o.worker)
}
