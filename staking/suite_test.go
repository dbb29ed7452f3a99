package staking

import (
	"context"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// The scenarios below run on the ledger, and in devnet_test.go on a real
// starknet-devnet. In place of the contract JobManager they configure an account, so
// that a test can bind, seize and slash as it needs.

// epochLength is the length of the epochs of these tests in seconds.
const epochLength = 3600

// world is a chain, with a deployment or none.
type world struct {
	*Contracts
	verifier chain.Felt // ProofVerifier
	keys     []wallet.Signer
	accounts []*chain.Account // 0 owns everything, 1 is JobManager, the rest are for tests
	// pass makes a block that is later by d, setTime one of a time, and createBlock one
	// of what waits for it. abort takes all blocks from one on off the chain; it is nil
	// if the chain cannot.
	pass        func(t *testing.T, d time.Duration)
	setTime     func(t *testing.T, at time.Time)
	createBlock func() error
	abort       func(t *testing.T, from uint64)
}

func newWorld(t *testing.T, client *chain.Client, addresses []chain.Felt, keys []wallet.Signer) *world {
	t.Cleanup(client.Close)
	w := &world{keys: keys, Contracts: &Contracts{client: client}}
	for i, k := range keys {
		w.accounts = append(w.accounts, chain.NewAccount(client, addresses[i], k, chain.FeePolicy{}))
	}
	return w
}

func (w *world) deployAll(t *testing.T) {
	t.Helper()
	owner, jobs := w.accounts[0].Address(), w.accounts[1].Address()
	token := w.deploy(t, "SageToken", sagetoken.Constructor(owner, u256(money.SAGE(10_000_000))))
	staking := w.deploy(t, "StakingManager", stakingmanager.Constructor(owner, token))
	reputation := w.deploy(t, "ReputationManager", reputationmanager.Constructor(owner))
	registry := w.deploy(t, "ValidatorRegistry", validatorregistry.Constructor(owner, staking, epochLength))
	w.verifier = w.deploy(t, "ProofVerifier", proofverifier.Constructor(owner, registry))
	var err error
	w.Contracts, err = New(w.client, &chain.Addresses{ChainID: "SN_SEPOLIA", Contracts: map[string]chain.Contract{
		"SageToken": {Address: token}, "StakingManager": {Address: staking}, "ReputationManager": {Address: reputation},
		"ValidatorRegistry": {Address: registry}, "JobManager": {Address: jobs},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, 0,
		stakingmanager.ConfigureCall(jobs, registry).At(staking),
		reputationmanager.ConfigureCall(jobs).At(reputation),
		validatorregistry.ConfigureCall(w.verifier).At(registry))
}

// deploy declares and deploys a contract as account 0.
func (w *world) deploy(t *testing.T, name string, calldata []felt.Felt) chain.Felt {
	t.Helper()
	compiled, err := contracts.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	class, err := chain.ParseClass(compiled.Sierra)
	if err != nil {
		t.Fatal(err)
	}
	declared, err := w.accounts[0].Declare(t.Context(), class, felt.MustParse(compiled.CompiledClassHash))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if !declared.Tx.IsZero() { // it was not declared before
		w.wait(t, declared.Tx)
	}
	deployed, err := w.accounts[0].Deploy(t.Context(), chain.Deployment{Class: declared.Class, Calldata: calldata})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	w.wait(t, deployed.Tx)
	return deployed.Address
}

func (w *world) wait(t *testing.T, tx chain.Felt) {
	t.Helper()
	if _, err := w.accounts[0].Wait(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
}

// run executes calls as an account, which must succeed.
func (w *world) run(t *testing.T, account int, calls ...chain.Call) *chain.Receipt {
	t.Helper()
	r, err := send(t.Context(), "test", w.accounts[account], calls...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (w *world) staker(i int) *Staker { return NewStaker(w.Contracts, w.accounts[i]) }

func (w *world) address(i int) chain.Felt { return w.accounts[i].Address() }

// fund gives an account SAGE.
func (w *world) fund(t *testing.T, account int, amount money.Amount) {
	t.Helper()
	w.run(t, 0, sagetoken.TransferCall(w.address(account), u256(amount)).At(w.token))
}

// staked funds an account and stakes all of it for a week.
func (w *world) staked(t *testing.T, account int, amount money.Amount, tier Tier) *Staker {
	t.Helper()
	w.fund(t, account, amount)
	s := w.staker(account)
	done(t)(s.Stake(t.Context(), amount, tier, MinLock))
	return s
}

// done wants an operation to have succeeded.
func done(t *testing.T) func(*chain.Receipt, error) *chain.Receipt {
	t.Helper()
	return func(r *chain.Receipt, err error) *chain.Receipt {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r.Reverted || r.Finality < chain.AcceptedOnL2 {
			t.Fatalf("%+v", r)
		}
		return r
	}
}

// preflight wants an operation to have failed before anything was sent, and returns
// the error.
func preflight(t *testing.T, want Code) func(*chain.Receipt, error) *Error {
	t.Helper()
	return func(r *chain.Receipt, err error) *Error {
		t.Helper()
		var e *Error
		var rpc *chain.RPCError
		if r != nil || !errors.Is(err, want) || !errors.As(err, &e) || e.Code != want || errors.As(err, &rpc) {
			t.Fatalf("%v, want %s before sending", err, string(want))
		}
		return e
	}
}

// generous are bounds that make an account send what will revert.
func generous() chain.FeePolicy {
	price := big.NewInt(2_000_000_000)
	return chain.FeePolicy{Fixed: &chain.Bounds{L1Gas: chain.Resource{Amount: 1 << 16, Price: price},
		L2Gas: chain.Resource{Amount: 1_000_000_000, Price: price}, L1DataGas: chain.Resource{Amount: 1 << 16, Price: price}}}
}

// refuses wants the contracts themselves to refuse calls: in the estimate, and in a
// transaction that is sent without one.
func (w *world) refuses(t *testing.T, account int, want Code, calls ...chain.Call) {
	t.Helper()
	r, err := send(t.Context(), "test", w.accounts[account], calls...)
	var rpc *chain.RPCError
	if r != nil || !errors.Is(err, want) || !errors.As(err, &rpc) {
		t.Fatalf("the estimate: %v, want %s", err, string(want))
	}
	r, err = send(t.Context(), "test", w.accounts[account].WithFees(generous()), calls...)
	var revert *chain.RevertError
	if r == nil || !r.Reverted || !errors.Is(err, want) || !errors.As(err, &revert) {
		t.Fatalf("the transaction: %v, want %s", err, string(want))
	}
}

func (w *world) time(t *testing.T) time.Time {
	t.Helper()
	b, err := w.client.Block(t.Context(), chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	return b.Time
}

func (w *world) stakeOf(t *testing.T, account int) Stake {
	t.Helper()
	s, err := w.Stake(t.Context(), w.address(account))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (w *world) wants(t *testing.T, account int, balance money.Amount) {
	t.Helper()
	if got, err := w.Balance(t.Context(), w.address(account)); err != nil || got != balance {
		t.Fatalf("the balance is %v, want %v: %v", got, balance, err)
	}
}

// as JobManager

func (w *world) lock(staker int, amount money.Amount) chain.Call {
	return stakingmanager.LockBondCall(w.address(staker), u256(amount)).At(w.staking)
}

func (w *world) unlock(staker int, amount money.Amount) chain.Call {
	return stakingmanager.UnlockBondCall(w.address(staker), u256(amount)).At(w.staking)
}

func (w *world) seize(staker int, amount money.Amount, recipient chain.Felt) chain.Call {
	return stakingmanager.SeizeBondCall(w.address(staker), u256(amount), recipient).At(w.staking)
}

func (w *world) slash(t *testing.T, staker int, amount money.Amount, reporter chain.Felt) chain.Call {
	t.Helper()
	name, err := felt.ShortString(string(OffenceInvalidProof))
	if err != nil {
		t.Fatal(err)
	}
	return stakingmanager.SlashCall(w.address(staker), u256(amount), name, reporter).At(w.staking)
}

// runScenarios runs what shares a deployment, on a chain with 16 accounts.
func runScenarios(t *testing.T, w *world) {
	w.deployAll(t)
	for _, sub := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"tiers", scenarioTiers}, {"stake", scenarioStake}, {"unstake", scenarioUnstake}, {"pause", scenarioPause}, {"status", scenarioStatus},
		{"worker", scenarioWorker}, {"capacity", scenarioCapacity}, {"validator", scenarioValidator}, {"reputation", scenarioReputation},
		{"events", scenarioEvents}, {"directory", scenarioDirectory}, {"confirm", scenarioConfirm}, {"cancelled", scenarioCancelled},
	} {
		if !t.Run(sub.name, func(t *testing.T) { sub.run(t, w) }) {
			return
		}
	}
}

func scenarioTiers(t *testing.T, w *world) {
	for _, tier := range Tiers() {
		for _, name := range append(tier.Models(), tier.String()) {
			if got, err := w.Minimum(t.Context(), name); err != nil || got != tier.Minimum() {
				t.Errorf("%s: %v, %v, want %v", name, got, err, tier.Minimum())
			}
		}
	}
	for _, name := range []string{"None", "RTX 4090", "enterprise", "", "a name of more than 31 characters"} {
		if got, err := w.Minimum(t.Context(), name); !errors.Is(err, ErrUnknownTier) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
}

func scenarioStake(t *testing.T, w *world) {
	ctx, s := t.Context(), w.staker(2)
	sage := money.SAGE
	stake := func(amount money.Amount, gpuTier string, seconds uint64) chain.Call {
		name, err := felt.ShortString(gpuTier)
		if err != nil {
			t.Fatal(err)
		}
		return stakingmanager.StakeCall(u256(amount), name, seconds).At(w.staking)
	}
	increase := func(amount money.Amount, seconds uint64) chain.Call {
		return stakingmanager.IncreaseStakeCall(u256(amount), seconds).At(w.staking)
	}
	approve := sagetoken.ApproveCall(w.staking, u256(sage(50_000))).At(w.token)
	const week = 7 * 24 * 3600
	w.fund(t, 2, sage(9_999))

	// Each reason: by the preflight, and by the contract.
	preflight(t, ErrUnknownTier)(s.Stake(ctx, sage(10_000), 0, MinLock))
	preflight(t, ErrUnknownTier)(s.Stake(ctx, sage(10_000), 7, MinLock))
	w.refuses(t, 2, ErrUnknownTier, approve, stake(sage(10_000), "None", week))
	below, err := sage(10_000).Sub(one(t))
	if err != nil {
		t.Fatal(err)
	}
	if e := preflight(t, ErrBelowMinimum)(s.Stake(ctx, below, TierEnterprise, MinLock)); e.Missing() != one(t) || e.Need != sage(10_000) {
		t.Error(e)
	}
	w.refuses(t, 2, ErrBelowMinimum, approve, stake(below, "Enterprise", week))
	preflight(t, ErrLockDuration)(s.Stake(ctx, sage(1000), TierConsumer, MinLock-time.Second))
	w.refuses(t, 2, ErrLockDuration, approve, stake(sage(1000), "Consumer", week-1))
	preflight(t, ErrLockDuration)(s.Stake(ctx, sage(1000), TierConsumer, MaxLock+time.Second))
	w.refuses(t, 2, ErrLockDuration, approve, stake(sage(1000), "Consumer", 4*365*24*3600+1))
	if e := preflight(t, ErrBalance)(s.Stake(ctx, sage(10_000), TierEnterprise, MinLock)); e.Missing() != sage(1) {
		t.Error(e)
	}
	w.refuses(t, 2, ErrBalance, approve, stake(sage(10_000), "Enterprise", week))
	w.refuses(t, 2, ErrAllowance, sagetoken.ApproveCall(w.staking, u256(sage(1))).At(w.token), stake(sage(1000), "Consumer", week))
	preflight(t, ErrNoStake)(s.Increase(ctx, sage(1), 0))
	w.refuses(t, 2, ErrNoStake, approve, increase(sage(1), 0))

	w.fund(t, 2, sage(1))
	r := done(t)(s.Stake(ctx, sage(10_000), TierEnterprise, MinLock))
	got := w.stakeOf(t, 2)
	until := w.time(t).Add(MinLock)
	if want := (Stake{Amount: sage(10_000), LockedUntil: until, Tier: TierEnterprise}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if changes, err := w.Decode(r); err != nil || len(changes) != 1 || changes[0].Change != (Staked{sage(10_000), sage(10_000), TierEnterprise, until}) || changes[0].Account != s.Address() {
		t.Errorf("%+v %v", changes, err)
	}
	if total, err := w.TotalStaked(ctx); err != nil || total != sage(10_000) {
		t.Error(total, err)
	}
	w.wants(t, 2, money.Amount{})
	if left, err := w.client.Call(ctx, sagetoken.AllowanceCall(s.Address(), w.staking).At(w.token), chain.AtLatest()); err != nil || !left[0].IsZero() || !left[1].IsZero() {
		t.Errorf("an allowance is left: %v %v", left, err)
	}

	preflight(t, ErrAlreadyStaked)(s.Stake(ctx, sage(1000), TierConsumer, MinLock))
	w.refuses(t, 2, ErrAlreadyStaked, approve, stake(sage(1000), "Consumer", week))
	preflight(t, ErrZeroAmount)(s.Increase(ctx, money.Amount{}, 0))
	w.refuses(t, 2, ErrZeroAmount, increase(money.Amount{}, 0))
	preflight(t, ErrLockDuration)(s.Increase(ctx, money.Amount{}, time.Hour))
	w.refuses(t, 2, ErrLockDuration, increase(money.Amount{}, 3600))
	if e := preflight(t, ErrBalance)(s.Increase(ctx, sage(5), 0)); e.Missing() != sage(5) {
		t.Error(e)
	}
	w.refuses(t, 2, ErrBalance, approve, increase(sage(5), 0))

	w.fund(t, 2, sage(7))
	done(t)(s.Increase(ctx, sage(5), 0))
	if got := w.stakeOf(t, 2); got.Amount != sage(10_005) || got.LockedUntil != until {
		t.Errorf("%+v", got)
	}
	done(t)(s.Increase(ctx, money.Amount{}, 30*day))
	if got := w.stakeOf(t, 2); got.Amount != sage(10_005) || got.LockedUntil != w.time(t).Add(30*day) {
		t.Errorf("%+v", got)
	}
	until = w.stakeOf(t, 2).LockedUntil
	done(t)(s.Increase(ctx, sage(2), MinLock))
	if got := w.stakeOf(t, 2); got.Amount != sage(10_007) || got.LockedUntil != until {
		t.Errorf("a lock got shorter: %+v", got)
	}
}

func scenarioUnstake(t *testing.T, w *world) {
	ctx, sage := t.Context(), money.SAGE
	request := func(amount money.Amount) chain.Call {
		return stakingmanager.RequestUnstakeCall(u256(amount)).At(w.staking)
	}
	complete := stakingmanager.CompleteUnstakeCall().At(w.staking)
	s := w.staker(3)
	preflight(t, ErrZeroAmount)(s.RequestUnstake(ctx, money.Amount{}))
	w.refuses(t, 3, ErrZeroAmount, request(money.Amount{}))
	preflight(t, ErrNoStake)(s.RequestUnstake(ctx, sage(1)))
	w.refuses(t, 3, ErrNoStake, request(sage(1)))
	preflight(t, ErrNothingUnbonding)(s.CompleteUnstake(ctx))
	w.refuses(t, 3, ErrNothingUnbonding, complete)

	w.staked(t, 3, sage(3000), TierConsumer)
	until := w.stakeOf(t, 3).LockedUntil
	if e := preflight(t, ErrLocked)(s.RequestUnstake(ctx, sage(1000))); e.Until != until {
		t.Error(e)
	}
	w.refuses(t, 3, ErrLocked, request(sage(1000)))
	done(t)(s.Register(ctx, w.registration(t)))
	w.pass(t, MinLock)

	w.run(t, 1, w.lock(3, sage(500)))
	if e := preflight(t, ErrBonded)(s.RequestUnstake(ctx, sage(2501))); e.Have != sage(2500) {
		t.Error(e)
	}
	w.refuses(t, 3, ErrBonded, request(sage(2501)))
	if e := preflight(t, ErrBelowMinimum)(s.RequestUnstake(ctx, sage(2001))); e.Have != sage(999) {
		t.Error(e)
	}
	w.refuses(t, 3, ErrBelowMinimum, request(sage(2001)))
	done(t)(s.RequestUnstake(ctx, sage(1000)))
	end := w.time(t).Add(Unbonding)
	if got := w.stakeOf(t, 3); got.Amount != sage(2000) || got.Unbonding != sage(1000) || got.UnbondingUntil != end || got.Bonded != sage(500) {
		t.Errorf("%+v", got)
	}
	if e := preflight(t, ErrUnbonding)(s.RequestUnstake(ctx, sage(1000))); e.Until != end {
		t.Error(e)
	}
	w.refuses(t, 3, ErrUnbonding, request(sage(1000)))
	if e := preflight(t, ErrStillUnbonding)(s.CompleteUnstake(ctx)); e.Until != end {
		t.Error(e)
	}
	w.refuses(t, 3, ErrStillUnbonding, complete)
	w.pass(t, Unbonding)
	done(t)(s.CompleteUnstake(ctx))
	w.wants(t, 3, sage(1000))

	// The rest, for which the worker must go.
	w.run(t, 1, w.unlock(3, sage(500)))
	preflight(t, ErrWorkerActive)(s.RequestUnstake(ctx, sage(2000)))
	w.refuses(t, 3, ErrWorkerActive, request(sage(2000)))
	done(t)(s.Deregister(ctx))
	done(t)(s.RequestUnstake(ctx, sage(2000)))
	w.pass(t, Unbonding)
	done(t)(s.CompleteUnstake(ctx))
	w.wants(t, 3, sage(3000))
	if got := w.stakeOf(t, 3); !got.Amount.IsZero() || !got.Unbonding.IsZero() {
		t.Errorf("%+v", got)
	}
	// What is gone can be staked again, as another tier.
	done(t)(s.Stake(ctx, sage(2500), TierWorkstation, MinLock))
}

func scenarioPause(t *testing.T, w *world) {
	ctx, s := t.Context(), w.staker(4)
	w.fund(t, 4, money.SAGE(1000))
	w.run(t, 0, stakingmanager.PauseCall().At(w.staking))
	var rpc *chain.RPCError
	if _, err := s.Stake(ctx, money.SAGE(1000), TierConsumer, MinLock); !errors.Is(err, ErrPaused) || !errors.As(err, &rpc) {
		t.Errorf("%v", err)
	}
	w.run(t, 0, stakingmanager.UnpauseCall().At(w.staking))
	done(t)(s.Stake(ctx, money.SAGE(1000), TierConsumer, MinLock))
}

// agree compares what the contract and Stake say of a stake at the last block.
func (w *world) agree(t *testing.T, name string, account int, want Status) {
	t.Helper()
	got, err := w.VerifyStake(t.Context(), w.address(account))
	if err != nil {
		t.Fatal(err)
	}
	pure := w.stakeOf(t, account).Status(w.time(t))
	if got != want || pure != want {
		t.Errorf("%s: the contract says %#v, Go %#v, want %#v", name, got, pure, want)
	}
}

func scenarioStatus(t *testing.T, w *world) {
	sage := money.SAGE
	w.agree(t, "no stake", 5, Insufficient{Required: sage(1000)})
	w.staked(t, 5, sage(1000), TierConsumer)
	until := w.stakeOf(t, 5).LockedUntil
	w.agree(t, "at the minimum", 5, Valid{sage(1000), TierConsumer, until})
	w.run(t, 1, w.slash(t, 5, one(t), chain.Felt{}))
	below := sage(1000).Excess(one(t))
	w.agree(t, "one below", 5, Insufficient{below, sage(1000)})

	w.staked(t, 6, sage(1500), TierConsumer)
	until = w.stakeOf(t, 6).LockedUntil
	w.run(t, 1, w.lock(6, sage(1500)), w.slash(t, 6, sage(150), chain.Felt{}))
	if s := w.stakeOf(t, 6); s.Bonded != sage(1500) || s.Amount != sage(1350) || !s.Free().IsZero() {
		t.Errorf("%+v", s)
	}
	w.agree(t, "bonds above the stake", 6, Valid{sage(1350), TierConsumer, until})
	w.refuses(t, 1, ErrBonded, w.lock(6, one(t)))
	if s := w.stakeOf(t, 6); s.Capacity(w.time(t)) != 0 {
		t.Errorf("%d jobs", s.Capacity(w.time(t)))
	}

	w.staked(t, 7, sage(10_000), TierValidator)
	until = w.stakeOf(t, 7).LockedUntil
	w.agree(t, "validator", 7, Valid{sage(10_000), TierValidator, until})
	for _, c := range []struct {
		name string
		at   time.Time
		want Status
	}{
		{"a second before the end of the lock", until.Add(-time.Second), Valid{sage(10_000), TierValidator, until}},
		{"the end of the lock", until, Unlocked{}},
		{"after the lock", until.Add(time.Second), Unlocked{}},
	} {
		w.setTime(t, c.at)
		if now := w.time(t); now != c.at {
			t.Fatalf("the block is of %v, want %v", now, c.at)
		}
		w.agree(t, c.name, 7, c.want)
	}
	s := w.staker(7)
	w.fund(t, 7, sage(500))
	done(t)(s.Increase(t.Context(), sage(500), 0))
	done(t)(s.RequestUnstake(t.Context(), sage(500)))
	w.agree(t, "unbonding, at the minimum", 7, Unlocked{})
	done(t)(s.Increase(t.Context(), money.Amount{}, MinLock))
	until = w.stakeOf(t, 7).LockedUntil
	w.agree(t, "unbonding, locked again", 7, Valid{sage(10_000), TierValidator, until})
	// A slash takes what is unbonding first.
	w.run(t, 1, w.slash(t, 7, sage(501), chain.Felt{}))
	w.agree(t, "slashed while unbonding", 7, Insufficient{sage(9_999), sage(10_000)})
}

func (w *world) registration(t *testing.T) Registration {
	t.Helper()
	key, _ := testKey(t)
	return Registration{PeerID: "12D3KooWBmwXN3rsVfnLsZKbXeBrSLfczHxZHwVjPrbKwpLfYm3t", SigningKey: wallet.GenerateKey().PublicKey(), ElGamalKey: key, TEEQuoteHash: [32]byte{0: 1, 31: 2}}
}

func scenarioWorker(t *testing.T, w *world) {
	ctx, sage := t.Context(), money.SAGE
	s, hot := w.staker(8), w.accounts[9]
	operator := NewOperator(w.Contracts, hot, s.Address())
	reg := w.registration(t)
	call := func(r Registration) chain.Call {
		xy := r.ElGamalKey.Felts()
		return stakingmanager.RegisterWorkerCall(r.PeerID, r.SigningKey, stakingmanager.Point{X: xy[0], Y: xy[1]}, r.TEEQuoteHash).At(w.staking)
	}
	heartbeat := stakingmanager.HeartbeatCall(s.Address()).At(w.staking)
	deregister := stakingmanager.DeregisterCall().At(w.staking)

	if _, err := w.Worker(ctx, s.Address()); !errors.Is(err, ErrNotWorker) {
		t.Error(err)
	}
	e := preflight(t, ErrStakeNotValid)(s.Register(ctx, reg))
	if short, ok := e.Err.(Insufficient); !ok || short.Required != sage(1000) {
		t.Errorf("%#v", e.Err)
	}
	w.refuses(t, 8, ErrStakeNotValid, call(reg))
	preflight(t, ErrNotWorker)(s.Deregister(ctx))
	w.refuses(t, 8, ErrNotWorker, deregister)
	preflight(t, ErrNotWorker)(s.Heartbeat(ctx))
	w.refuses(t, 8, ErrNotWorker, heartbeat)

	w.staked(t, 8, sage(11_000), TierEnterprise)
	for name, c := range map[string]struct {
		want   Code
		change func(*Registration)
	}{
		"no peer":        {ErrPeerID, func(r *Registration) { r.PeerID = "" }},
		"a long peer":    {ErrPeerID, func(r *Registration) { r.PeerID = string(make([]byte, MaxPeerID+1)) }},
		"no signing key": {ErrKey, func(r *Registration) { r.SigningKey = offCurve(t) }},
	} {
		t.Run(name, func(t *testing.T) {
			bad := reg
			c.change(&bad)
			preflight(t, c.want)(s.Register(ctx, bad))
			w.refuses(t, 8, c.want, call(bad))
		})
	}
	w.refuses(t, 8, ErrKey, stakingmanager.RegisterWorkerCall(reg.PeerID, reg.SigningKey, stakingmanager.Point{X: chain.Uint(1), Y: chain.Uint(1)}, reg.TEEQuoteHash).At(w.staking))

	done(t)(s.Register(ctx, reg))
	got, err := w.Worker(ctx, s.Address())
	if want := (Worker{reg, true, w.time(t)}); err != nil || got != want {
		t.Errorf("%+v, want %+v: %v", got, want, err)
	}

	// The operator may say that the worker is alive, once it is named.
	if err := operator.Check(ctx); !errors.Is(err, ErrUnauthorized) {
		t.Error(err)
	}
	preflight(t, ErrUnauthorized)(operator.Heartbeat(ctx))
	one := chain.Uint(1)
	if _, err := s.SetOperator(ctx, *one.Neg(&one)); err == nil {
		t.Error("the largest felt is an address")
	}
	w.refuses(t, 9, ErrUnauthorized, heartbeat)
	done(t)(s.SetOperator(ctx, hot.Address()))
	if named, err := w.Operator(ctx, s.Address()); err != nil || named != operator.Address() || operator.Worker() != s.Address() {
		t.Error(named, err)
	}
	if err := operator.Check(ctx); err != nil {
		t.Error(err)
	}
	w.pass(t, time.Hour)
	done(t)(operator.Heartbeat(ctx))
	if got, err := w.Worker(ctx, s.Address()); err != nil || got.LastHeartbeat != w.time(t) {
		t.Error(got, err)
	}
	done(t)(s.Heartbeat(ctx))
	scenarioPeer(t, w, s, operator)
	// And nothing else: as the operator, what the staker does is about the
	// operator's own stake, of which there is none.
	w.refuses(t, 9, ErrNotWorker, deregister)
	w.refuses(t, 9, ErrNoStake, stakingmanager.RequestUnstakeCall(u256(sage(1))).At(w.staking))
	preflight(t, ErrNoStake)(NewStaker(w.Contracts, hot).RequestUnstake(ctx, sage(1)))

	changed := reg
	changed.PeerID, changed.TEEQuoteHash = "12D3KooWGRUVh1kXmMnkxFT2rUHGyMGGEEJsmKcMnpxKqVhxCbe9", [32]byte{}
	done(t)(s.Register(ctx, changed))
	if got, err := w.Worker(ctx, s.Address()); err != nil || got.Registration != changed {
		t.Errorf("%+v %v", got, err)
	}
	done(t)(s.Deregister(ctx))
	if got, err := w.Worker(ctx, s.Address()); err != nil || got.Active || got.Registration != changed {
		t.Errorf("%+v %v", got, err)
	}
	preflight(t, ErrNotWorker)(operator.Heartbeat(ctx))
	w.refuses(t, 9, ErrNotWorker, heartbeat)
	preflight(t, ErrNotWorker)(operator.SetPeer(ctx, "peer"))
	preflight(t, ErrNotWorker)(s.SetPeer(ctx, "peer"))
	w.refuses(t, 9, ErrNotWorker, stakingmanager.SetPeerCall(s.Address(), "peer").At(w.staking))
	preflight(t, ErrNotWorker)(s.Deregister(ctx))
	done(t)(s.SetOperator(ctx, chain.Felt{}))
	if ok, err := w.MayOperate(ctx, s.Address(), hot.Address()); err != nil || ok {
		t.Error("an operator that was removed may operate", err)
	}

	// A stake whose lock has ended, and one of a validator, register nothing.
	w.pass(t, MinLock)
	e = preflight(t, ErrStakeNotValid)(s.Register(ctx, reg))
	if _, ok := e.Err.(Unlocked); !ok {
		t.Errorf("%#v", e.Err)
	}
	w.refuses(t, 8, ErrStakeNotValid, call(reg))
	v := w.staked(t, 9, sage(10_000), TierValidator)
	preflight(t, ErrStakeNotValid)(v.Register(ctx, reg))
	w.refuses(t, 9, ErrStakeNotValid, call(reg))
}

// scenarioPeer moves a worker to other peers, by its operator and by itself.
func scenarioPeer(t *testing.T, w *world, s *Staker, operator *Operator) {
	t.Helper()
	ctx := t.Context()
	before, err := w.Worker(ctx, s.Address())
	if err != nil {
		t.Fatal(err)
	}
	call := func(id string) chain.Call { return stakingmanager.SetPeerCall(s.Address(), id).At(w.staking) }
	for _, bad := range []string{"", string(make([]byte, MaxPeerID+1))} {
		preflight(t, ErrPeerID)(operator.SetPeer(ctx, bad))
		preflight(t, ErrPeerID)(s.SetPeer(ctx, bad))
		w.refuses(t, 9, ErrPeerID, call(bad))
	}
	preflight(t, ErrUnauthorized)(NewOperator(w.Contracts, w.accounts[10], s.Address()).SetPeer(ctx, "peer"))
	w.refuses(t, 10, ErrUnauthorized, call("peer"))
	for id, set := range map[string]func(context.Context, string) (*chain.Receipt, error){
		"the operator's peer": operator.SetPeer, string(make([]byte, MaxPeerID)): s.SetPeer,
	} {
		r := done(t)(set(ctx, id))
		if changes, err := w.Decode(r); err != nil || len(changes) != 1 || changes[0].Account != s.Address() || changes[0].Change != (WorkerPeerChanged{id}) {
			t.Errorf("%+v %v", changes, err)
		}
		want := before
		want.PeerID = id
		if got, err := w.Worker(ctx, s.Address()); err != nil || got != want {
			t.Errorf("%+v, want %+v: %v", got, want, err)
		}
	}
}

func scenarioCapacity(t *testing.T, w *world) {
	w.staked(t, 10, money.SAGE(2_750), TierWorkstation)
	bond := TierWorkstation.Bond()
	for want := uint64(11); ; want-- {
		s := w.stakeOf(t, 10)
		if n := s.Capacity(w.time(t)); n != want {
			t.Fatalf("%d more jobs, want %d", n, want)
		}
		if want == 0 {
			break
		}
		w.run(t, 1, w.lock(10, bond))
	}
	w.refuses(t, 1, ErrBonded, w.lock(10, bond))
	if b, err := w.Bonds(t.Context(), w.address(10)); err != nil || b != (Bonds{Jobs: money.SAGE(2_750)}) {
		t.Errorf("%+v %v", b, err)
	}
	w.run(t, 1, w.unlock(10, bond))
	if n := w.stakeOf(t, 10).Capacity(w.time(t)); n != 1 {
		t.Errorf("%d more jobs after one ended", n)
	}
}

func scenarioReputation(t *testing.T, w *world) {
	ctx, s := t.Context(), w.staker(11)
	initialize := reputationmanager.InitializeCall().At(w.reputation)
	var want Record
	agree := func(step string) {
		t.Helper()
		got, err := w.Reputation(ctx, s.Address())
		if err != nil {
			t.Fatal(err)
		}
		now := w.time(t)
		if got != (Reputation{want.Score(now), want.Level(now), want}) {
			t.Errorf("%s: %+v, Go says %d %v %+v", step, got, want.Score(now), want.Level(now), want)
		}
		if want.Finalized < newcomerJobs && got.Level >= LevelFair {
			t.Errorf("%s: a newcomer is %v", step, got.Level)
		}
	}
	agree("no record")
	done(t)(s.InitializeReputation(ctx))
	want = Record{true, 500, 0, w.time(t)}
	agree("initialized")
	preflight(t, ErrHasRecord)(s.InitializeReputation(ctx))
	w.refuses(t, 11, ErrHasRecord, initialize)
	w.refuses(t, 11, ErrUnauthorized, reputationmanager.RecordCall(s.Address(), reputationmanager.OutcomeFinalized).At(w.reputation))

	record := func(o Outcome, n int) {
		t.Helper()
		for range n {
			w.run(t, 1, reputationmanager.RecordCall(s.Address(), reputationmanager.Outcome(o)).At(w.reputation))
			want = want.After(o, w.time(t))
		}
		agree(o.String())
	}
	record(OutcomeFinalized, 9)
	record(OutcomeFinalized, 1) // 650 points and no newcomer any more
	record(OutcomeFailed, 1)
	record(OutcomeFinalized, 15) // 850
	w.pass(t, 31*day-time.Minute)
	agree("almost 31 days")
	w.pass(t, time.Minute)
	agree("31 days")
	w.pass(t, 40*day)
	agree("71 days")
	record(OutcomeFinalized, 1)
	w.pass(t, 2000*day)
	agree("years")
	record(OutcomeSlashed, 3)
	w.pass(t, 100*day)
	agree("poor for long")
	record(OutcomeSlashed, 3)
	if want.Points != 0 || want.Level(w.time(t)) != LevelPoor {
		t.Errorf("%+v", want)
	}
}

// scenarioConfirm shows a plan before anything is sent, and stops there.
func scenarioConfirm(t *testing.T, w *world) {
	ctx, stop := t.Context(), errors.New("no")
	var plans []Plan
	answer := stop
	s := w.staker(2).WithConfirm(func(_ context.Context, p Plan) error {
		plans = append(plans, p)
		return answer
	})
	w.fund(t, 2, money.SAGE(3))
	before := w.stakeOf(t, 2)
	if r, err := s.Increase(ctx, money.SAGE(3), 0); r != nil || err != stop || w.stakeOf(t, 2) != before {
		t.Errorf("%+v %v", r, err)
	}
	preflight(t, ErrBalance)(s.Increase(ctx, money.SAGE(4), 0))
	answer = nil
	done(t)(s.Increase(ctx, money.SAGE(3), 0))
	done(t)(s.SetOperator(ctx, w.address(3)))
	if len(plans) != 3 || plans[1].Op != "increase stake" || plans[1].Amount != money.SAGE(3) || plans[1].Fee.Fee.Sign() <= 0 ||
		plans[2].Op != "set operator" || !plans[2].Amount.IsZero() {
		t.Errorf("%+v", plans)
	}
}

func scenarioCancelled(t *testing.T, w *world) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.staker(2).Increase(ctx, money.SAGE(1), 0); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// scenarioUncertain, on a chain that makes blocks on demand, gives up waiting for a transaction
// that no block has yet.
func scenarioUncertain(t *testing.T, w *world) {
	blocks, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for blocks.Err() == nil {
			if err := w.createBlock(); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	w.deployAll(t)
	s := w.staker(2)
	w.fund(t, 2, money.SAGE(1000))
	stop()
	wg.Wait()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wg.Go(func() { // when the chain has got the transaction
		defer cancel()
		for {
			if n, err := w.client.Nonce(t.Context(), s.Address(), chain.AtPreConfirmed()); n != 0 || err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	r, err := s.Stake(ctx, money.SAGE(1000), TierConsumer, MinLock)
	var unclear *chain.UncertainError
	if r != nil || !errors.As(err, &unclear) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%+v %v", r, err)
	}
	wg.Wait()
	// No block has the stake, but the next one will: the preflight knows.
	if got := w.stakeOf(t, 2); !got.Amount.IsZero() {
		t.Errorf("%+v", got)
	}
	preflight(t, ErrAlreadyStaked)(s.Stake(t.Context(), money.SAGE(1000), TierConsumer, MinLock))
	if err := w.createBlock(); err != nil {
		t.Fatal(err)
	}
	done(t)(w.client.Wait(t.Context(), unclear.Hash))
	if got := w.stakeOf(t, 2); got.Amount != money.SAGE(1000) {
		t.Errorf("%+v", got)
	}
}

// scenarioDeployment uses a deployment as there are on networks, with the real
// JobManager.
func scenarioDeployment(t *testing.T, w *world, cfg deploy.Config) {
	ctx, sage := t.Context(), money.SAGE
	addresses, err := deploy.Run(ctx, w.accounts[0], cfg)
	if err != nil {
		t.Fatal(err)
	}
	if w.Contracts, err = New(w.client, addresses); err != nil {
		t.Fatal(err)
	}
	worker := w.staked(t, 1, sage(10_000), TierEnterprise)
	done(t)(worker.Register(ctx, w.registration(t)))
	done(t)(worker.SetOperator(ctx, w.address(2)))
	done(t)(NewOperator(w.Contracts, w.accounts[2], worker.Address()).Heartbeat(ctx))
	validator := w.staked(t, 3, sage(10_000), TierValidator)
	done(t)(validator.BondAsValidator(ctx, sage(10_000), wallet.GenerateKey()))
	done(t)(w.AdvanceEpoch(ctx, w.accounts[4]))
	e, err := w.CurrentEpoch(ctx)
	if err != nil || len(e.Members) != 1 || e.End.Sub(e.Start) != time.Duration(cfg.EpochLength)*time.Second {
		t.Errorf("%+v %v", e, err)
	}
	status, err := w.VerifyStake(ctx, worker.Address())
	if err != nil || status.Err() != nil {
		t.Error(status, err)
	}
	w.refuses(t, 4, ErrUnauthorized, w.lock(1, sage(1)))
	w.refuses(t, 0, ErrUnauthorized, w.slash(t, 1, sage(1), chain.Felt{}))
}
