package staking

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// vote signs a vote of an epoch on a fact.
func (w *world) vote(t *testing.T, key *wallet.Key, e Epoch, fact chain.Felt, verdict proofverifier.Verdict) wallet.Signature {
	t.Helper()
	domain, err := felt.ShortString("bitsage/vote/v1")
	if err != nil {
		t.Fatal(err)
	}
	id, err := felt.ShortString("SN_SEPOLIA")
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.Sign(t.Context(), poseidon.HashMany(domain, id, chain.Uint(e.Number), e.Root, fact, chain.Uint(uint64(verdict))))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func (w *world) validatorOf(t *testing.T, account int) Validator {
	t.Helper()
	v, err := w.Validator(t.Context(), w.address(account))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func scenarioValidator(t *testing.T, w *world) {
	ctx, sage := t.Context(), money.SAGE
	anyone := w.accounts[4]
	key := wallet.GenerateKey()
	s := w.staker(12)
	register := func(account int, amount money.Amount, k *wallet.Key) chain.Call {
		t.Helper()
		possession, err := w.staker(account).possession(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		return validatorregistry.RegisterCall(u256(amount), k.PublicKey(), possession).At(w.registry)
	}
	exit, release, advance := validatorregistry.ExitCall().At(w.registry), validatorregistry.ReleaseCall().At(w.registry), validatorregistry.AdvanceEpochCall().At(w.registry)

	hash, err := w.client.Call(ctx, validatorregistry.PossessionHashCall(s.Address()).At(w.registry), chain.AtLatest())
	if id, text := felt.ShortString("SN_SEPOLIA"); err != nil || text != nil || hash[0] != possessionHash(id, w.registry, s.Address()) {
		t.Errorf("the contract's possession hash is %v, %v", hash, err)
	}

	// Before the first epoch.
	if _, err := w.CurrentEpoch(ctx); !errors.Is(err, ErrEpoch) {
		t.Error(err)
	}
	w.refuses(t, 4, ErrSetEmpty, advance)
	var rpc *chain.RPCError
	if _, err := w.AdvanceEpoch(ctx, anyone); !errors.Is(err, ErrSetEmpty) || !errors.As(err, &rpc) {
		t.Error(err)
	}
	preflight(t, ErrNotValidator)(s.ExitValidator(ctx))
	w.refuses(t, 12, ErrNotValidator, exit)
	preflight(t, ErrNotValidator)(s.ReleaseValidator(ctx))
	w.refuses(t, 12, ErrNotValidator, release)

	// Who may not become one.
	e := preflight(t, ErrStakeNotValid)(s.BondAsValidator(ctx, sage(10_000), key))
	if _, ok := e.Err.(Insufficient); !ok {
		t.Errorf("%#v", e.Err)
	}
	w.refuses(t, 12, ErrStakeNotValid, register(12, sage(10_000), key))
	w.staked(t, 13, sage(25_000), TierFrontier)
	preflight(t, ErrStakeNotValid)(w.staker(13).BondAsValidator(ctx, sage(10_000), key))
	w.refuses(t, 13, ErrStakeNotValid, register(13, sage(10_000), key))
	w.staked(t, 12, sage(12_000), TierValidator)
	if e := preflight(t, ErrBelowMinimum)(s.BondAsValidator(ctx, sage(9_999), key)); e.Missing() != sage(1) {
		t.Error(e)
	}
	w.refuses(t, 12, ErrBelowMinimum, register(12, sage(9_999), key))
	if e := preflight(t, ErrBonded)(s.BondAsValidator(ctx, sage(12_001), key)); e.Have != sage(12_000) {
		t.Error(e)
	}
	w.refuses(t, 12, ErrBonded, register(12, sage(12_001), key))
	// Another account's possession is none.
	stolen := register(4, sage(10_000), key)
	w.refuses(t, 12, ErrSignature, stolen)

	done(t)(s.BondAsValidator(ctx, sage(11_000), key))
	if v := w.validatorOf(t, 12); v != (Validator{ValidatorActive, key.PublicKey(), sage(11_000), 0}) {
		t.Errorf("%+v", v)
	}
	if b, err := w.Bonds(ctx, s.Address()); err != nil || b != (Bonds{Validating: sage(11_000)}) || w.stakeOf(t, 12).Free() != sage(1000) {
		t.Errorf("%+v %v", b, err)
	}
	preflight(t, ErrAlreadyValidator)(s.BondAsValidator(ctx, sage(10_000), wallet.GenerateKey()))
	w.refuses(t, 12, ErrAlreadyValidator, register(12, sage(10_000), wallet.GenerateKey()))
	w.staked(t, 14, sage(20_000), TierValidator)
	other := w.staker(14)
	if _, err := other.BondAsValidator(ctx, sage(10_000), key); !errors.Is(err, ErrKeyInUse) || !errors.As(err, &rpc) {
		t.Errorf("another's vote key: %v", err)
	}
	w.refuses(t, 14, ErrKeyInUse, register(14, sage(10_000), key))
	otherKey := wallet.GenerateKey()
	done(t)(other.BondAsValidator(ctx, sage(20_000), otherKey))

	// The first epoch, and its end.
	done(t)(w.AdvanceEpoch(ctx, anyone))
	epoch, err := w.CurrentEpoch(ctx)
	want := []Member{{s.Address(), key.PublicKey(), sage(11_000)}, {other.Address(), otherKey.PublicKey(), sage(20_000)}}
	if err != nil || epoch.Number != 1 || epoch.Weight != sage(31_000) || !slices.Equal(epoch.Members, want) ||
		epoch.Start != w.time(t) || epoch.End != epoch.Start.Add(epochLength*time.Second) {
		t.Errorf("%+v %v", epoch, err)
	}
	if _, err := w.Epoch(ctx, 2); !errors.Is(err, ErrEpoch) {
		t.Error(err)
	}
	if e := preflight(t, ErrEpochNotOver)(w.AdvanceEpoch(ctx, anyone)); e.Until != epoch.End {
		t.Error(e)
	}
	w.refuses(t, 4, ErrEpochNotOver, advance)

	// Leaving: bonded until the next epoch.
	preflight(t, ErrNotValidator)(s.ReleaseValidator(ctx))
	w.refuses(t, 12, ErrNotValidator, release)
	done(t)(s.ExitValidator(ctx))
	if v := w.validatorOf(t, 12); v.Status != ValidatorLeaving || v.LastEpoch != 1 {
		t.Errorf("%+v", v)
	}
	preflight(t, ErrNotValidator)(s.ExitValidator(ctx))
	preflight(t, ErrAlreadyValidator)(s.BondAsValidator(ctx, sage(10_000), key))
	if e := preflight(t, ErrEpochNotOver)(s.ReleaseValidator(ctx)); e.Until != epoch.End {
		t.Error(e)
	}
	w.refuses(t, 12, ErrEpochNotOver, release)
	w.pass(t, epochLength*time.Second)
	done(t)(w.AdvanceEpoch(ctx, anyone))
	done(t)(s.ReleaseValidator(ctx))
	if v := w.validatorOf(t, 12); v.Status != ValidatorNone || !v.Stake.IsZero() || w.stakeOf(t, 12).Free() != sage(12_000) {
		t.Errorf("%+v", v)
	}
	if second, err := w.Epoch(ctx, 2); err != nil || len(second.Members) != 1 || second.Weight != sage(20_000) || !second.End.IsZero() {
		t.Errorf("%+v %v", second, err)
	}

	w.contradict(t, otherKey, anyone)
	w.punish(t, epoch, otherKey, anyone)
}

// contradict has the only member of epoch 2 convicted of a vote against the
// certificate that it made.
func (w *world) contradict(t *testing.T, key *wallet.Key, reporter *chain.Account) {
	ctx := t.Context()
	epoch, err := w.CurrentEpoch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := felt.ShortString("matmul-p96")
	if err != nil {
		t.Fatal(err)
	}
	fact := proofverifier.Fact{JobID: proofverifier.JobID{Value: chain.Uint(1)}, Profile: profile, Worker: chain.Uint(2)}
	result, err := w.client.Call(ctx, proofverifier.FactIDCall(fact).At(w.verifier), chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	valid := w.vote(t, key, epoch, result[0], proofverifier.VerdictValid)
	w.run(t, 4, proofverifier.RecordCertificateCall(fact, proofverifier.Certificate{
		Epoch: epoch.Number, Verdict: proofverifier.VerdictValid, Bitmap: 1, Signatures: []proofverifier.Signature{proofverifier.Signature(valid)}}).At(w.verifier))

	if _, err := w.ReportFalseVerdict(ctx, reporter, FalseVerdict{epoch.Number, 0, result[0], true, valid}); !errors.Is(err, ErrNoOffence) {
		t.Errorf("a vote for the certificate: %v", err)
	}
	evidence := FalseVerdict{epoch.Number, 0, result[0], false, w.vote(t, key, epoch, result[0], proofverifier.VerdictInvalid)}
	changes, err := w.Decode(done(t)(w.ReportFalseVerdict(ctx, reporter, evidence)))
	if err != nil || len(changes) != 3 || changes[0].Change != (VotedFalsely{result[0], epoch.Number, money.SAGE(1000)}) ||
		changes[2].Change != (Slashed{OffenceFalseVerdict, money.SAGE(1000), reporter.Address(), money.SAGE(50)}) {
		t.Errorf("%+v %v", changes, err)
	}
	if _, err := w.ReportFalseVerdict(ctx, reporter, evidence); !errors.Is(err, ErrAlreadySlashed) {
		t.Error(err)
	}
}

// punish has the second member of epoch 1 convicted.
func (w *world) punish(t *testing.T, epoch Epoch, key *wallet.Key, reporter *chain.Account) {
	ctx, sage := t.Context(), money.SAGE
	const account = 14
	fact := chain.Uint(0xfac7)
	evidence := Equivocation{Epoch: 1, Index: 1, Fact: fact,
		Valid: w.vote(t, key, epoch, fact, proofverifier.VerdictValid), Invalid: w.vote(t, key, epoch, fact, proofverifier.VerdictInvalid)}
	bad := func(want Code, change func(*Equivocation)) {
		t.Helper()
		e := evidence
		change(&e)
		if _, err := w.ReportEquivocation(ctx, reporter, e); !errors.Is(err, want) {
			t.Errorf("%v, want %s", err, string(want))
		}
	}
	bad(ErrEpoch, func(e *Equivocation) { e.Epoch = 3 })
	bad(ErrIndex, func(e *Equivocation) { e.Index = 2 })
	bad(ErrSignature, func(e *Equivocation) { e.Index = 0 })
	bad(ErrSignature, func(e *Equivocation) { e.Invalid = e.Valid })
	bad(ErrSignature, func(e *Equivocation) { e.Fact = chain.Uint(1) })
	falsely := FalseVerdict{Epoch: 1, Index: 1, Fact: fact, Valid: true, Signature: evidence.Valid}
	if _, err := w.ReportFalseVerdict(ctx, reporter, falsely); !errors.Is(err, ErrNoOffence) {
		t.Errorf("a vote on an undecided fact: %v", err)
	}

	before, err := w.Balance(ctx, reporter.Address())
	if err != nil {
		t.Fatal(err)
	}
	r := done(t)(w.ReportEquivocation(ctx, reporter, evidence))
	changes, err := w.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	var got []Change
	for _, c := range changes {
		if c.Account != w.address(account) {
			t.Errorf("an event of %s", c.Account)
		}
		got = append(got, c.Change)
	}
	if want := []Change{
		ValidatorLeft{ValidatorTombstoned, 2}, Equivocated{fact, 1, sage(1000)}, BondUnlocked{w.registry, sage(1000)},
		Slashed{OffenceEquivocation, sage(1000), reporter.Address(), sage(50)},
	}; !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	after, err := w.Balance(ctx, reporter.Address())
	if err != nil || after.Excess(before) != sage(50) {
		t.Errorf("the reward is %v: %v", after.Excess(before), err)
	}
	if s := w.stakeOf(t, account); s.Amount != sage(18_000) || s.Bonded != sage(18_000) {
		t.Errorf("%+v", s)
	}
	bad(ErrAlreadySlashed, func(*Equivocation) {})
	s := w.staker(account)
	preflight(t, ErrTombstoned)(s.BondAsValidator(ctx, sage(10_000), wallet.GenerateKey()))
	w.pass(t, epochLength*time.Second)
	done(t)(w.AdvanceEpoch(ctx, reporter))
	done(t)(s.ReleaseValidator(ctx))
	possession, err := s.possession(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	w.refuses(t, account, ErrTombstoned, validatorregistry.RegisterCall(u256(sage(10_000)), key.PublicKey(), possession).At(w.registry))
	w.pass(t, 7*day)
	bad(ErrEvidenceExpired, func(*Equivocation) {})
}

func scenarioEvents(t *testing.T, w *world) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sage := money.SAGE
	const account = 15
	head, err := w.client.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	from := head.Number + 1
	// Another contract has events of the same names, some in the same blocks.
	foreign := w.deploy(t, "StakingManager", stakingmanager.Constructor(w.address(9), w.token))
	name, err := felt.ShortString("Consumer")
	if err != nil {
		t.Fatal(err)
	}
	abroad := []chain.Call{
		sagetoken.ApproveCall(foreign, u256(sage(1000))).At(w.token),
		stakingmanager.StakeCall(u256(sage(1000)), name, 7*24*3600).At(foreign),
		stakingmanager.SetOperatorCall(w.address(9)).At(w.staking),
	}
	w.fund(t, account, sage(1000))
	s := w.staked(t, account, sage(2000), TierConsumer)
	reg := w.registration(t)
	done(t)(s.Register(ctx, reg))
	w.run(t, account, abroad...)
	done(t)(s.Heartbeat(ctx)) // not in the stream
	until := w.stakeOf(t, account).LockedUntil
	w.run(t, 1, w.lock(account, sage(100)))
	w.run(t, 1, w.slash(t, account, sage(200), w.address(4)))
	last := w.run(t, 1, w.unlock(account, sage(100)))

	holder := w.address(1)
	want := []Change{
		Staked{sage(2000), sage(2000), TierConsumer, until}, WorkerRegistered{reg}, OperatorSet{w.address(9)},
		BondLocked{holder, sage(100)}, Slashed{OffenceInvalidProof, sage(200), w.address(4), sage(10)}, BondUnlocked{holder, sage(100)},
	}
	var seen []Event
	var reorgs int
	for e, err := range w.Events(ctx, s.Address(), from) {
		var reorg *chain.ReorgError
		switch {
		case errors.As(err, &reorg):
			reorgs++
			seen = slices.DeleteFunc(seen, func(e Event) bool { return e.Block.Number >= reorg.From })
			if len(seen) != len(want)-1 {
				t.Fatalf("%d events are left", len(seen))
			}
			continue
		case err != nil:
			t.Fatal(err)
		case e.Account != s.Address() || e.Tx.IsZero():
			t.Errorf("%+v", e)
		}
		seen = append(seen, e)
		if i := len(seen) - 1; reorgs == 0 && seen[i].Change != want[i] {
			t.Fatalf("event %d is %+v, want %+v", i, seen[i].Change, want[i])
		}
		if len(seen) < len(want) {
			continue
		}
		if reorgs == 1 || w.abort == nil {
			break
		}
		// The release of the bond never happened; the bond was seized, and later:
		// devnet's block hashes tell only blocks of different times apart.
		w.abort(t, last.Block.Number)
		w.pass(t, time.Minute)
		w.accounts[1] = chain.NewAccount(w.client, w.address(1), w.keys[1], chain.FeePolicy{})
		w.run(t, 1, w.seize(account, sage(100), w.address(4)))
	}
	if got := seen[len(seen)-1].Change; w.abort != nil && got != (BondSeized{holder, w.address(4), sage(100)}) {
		t.Errorf("%+v", got)
	}

	// Going on after an event.
	for i := range len(seen) - 1 {
		for e, err := range w.Events(ctx, s.Address(), from, seen[i].Cursor) {
			if err != nil || e.Change != seen[i+1].Change {
				t.Errorf("after %+v: %+v %v", seen[i].Change, e, err)
			}
			break
		}
	}
	// All accounts and epochs: the whole history has the events of the account.
	var mine, epochs, n int
	for e, err := range w.Events(ctx, chain.Felt{}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		if _, ok := e.Change.(EpochAdvanced); ok {
			epochs++
		}
		if e.Account == s.Address() {
			if e.Change != seen[mine].Change || e.Tx != seen[mine].Tx {
				t.Errorf("%+v, the stream of the account has %+v", e, seen[mine])
			}
			mine++
		}
		if mine == len(seen) {
			break
		}
	}
	if epochs != 3 || n < 50 {
		t.Errorf("%d events, %d epochs", n, epochs)
	}
}
