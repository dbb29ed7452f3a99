package settle

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/wallet"
)

// world is a ledger with a client, a worker and validators.
type world struct {
	t        *testing.T
	ledger   *ledger.Ledger
	c        *Contracts
	staking  *staking.Contracts
	accounts []*chain.Account
	keys     []*wallet.Key
	client   *Account
	worker   *Account
	set      *consensus.ValidatorSet
}

const (
	owner = iota
	client
	worker
	firstValidator
	validators = 4
)

// deployed is a ledger with the contracts, made once and copied for every test.
var deployed struct {
	sync.Once
	file      []byte
	addresses *chain.Addresses
	err       error
}

func deployOnce() error {
	dir, err := os.MkdirTemp("", "settle-test-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	accounts, err := ledger.SeedAccounts("settle", firstValidator+validators)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "ledger")
	l, err := ledger.Open(ledger.Options{Accounts: accounts, File: file})
	if err != nil {
		return err
	}
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err == nil {
		account := chain.NewAccount(l.Client(), accounts[owner].Address(), accounts[owner], chain.FeePolicy{})
		deployed.addresses, err = deploy.Run(context.Background(), account, cfg)
	}
	if err := errors.Join(err, l.Close()); err != nil {
		return err
	}
	deployed.file, err = os.ReadFile(file)
	return err
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t}
	deployed.Do(func() { deployed.err = deployOnce() })
	w.must(deployed.err)
	accounts, err := ledger.SeedAccounts("settle", firstValidator+validators)
	w.must(err)
	file := filepath.Join(t.TempDir(), "ledger")
	w.must(os.WriteFile(file, deployed.file, 0o600))
	w.ledger, err = ledger.Open(ledger.Options{File: file})
	w.must(err)
	t.Cleanup(func() { w.ledger.Close() })
	for _, a := range accounts {
		w.accounts = append(w.accounts, chain.NewAccount(w.ledger.Client(), a.Address(), a, chain.FeePolicy{}))
		w.keys = append(w.keys, a.Key())
	}
	w.c, err = New(w.ledger.Client(), deployed.addresses)
	w.must(err)
	w.staking, err = staking.New(w.ledger.Client(), deployed.addresses)
	w.must(err)
	w.give(client, 100)
	w.give(worker, 2000)
	for i := range validators {
		w.give(firstValidator+i, 10_000)
	}
	w.client, w.worker = w.account(client), w.account(worker)
	w.enlist()
	return w
}

// done wants what was to be done to be on the chain, by a transaction or before.
func (w *world) done(r *chain.Receipt, err error) {
	w.t.Helper()
	w.must(err)
	if r != nil && (r.Hash.IsZero() || r.Block.Number == 0) {
		w.t.Errorf("the receipt is %+v", r)
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// give sends SAGE from the owner.
func (w *world) give(i int, sage uint64) {
	w.t.Helper()
	amount, err := calldata.U256FromBig(money.SAGE(sage).Base())
	w.must(err)
	_, err = send(w.t.Context(), w.accounts[owner], sagetoken.TransferCall(w.accounts[i].Address(), amount).At(w.c.token))
	w.must(err)
}

func (w *world) account(i int) *Account {
	w.t.Helper()
	key, err := elgamal.GenerateKey()
	w.must(err)
	return w.c.NewAccount(w.accounts[i], key)
}

// enlist registers the worker and the validators.
func (w *world) enlist() {
	w.t.Helper()
	ctx := w.t.Context()
	s := staking.NewStaker(w.staking, w.accounts[worker])
	_, err := s.Stake(ctx, money.SAGE(2000), staking.TierConsumer, 30*24*time.Hour)
	w.must(err)
	_, err = s.Register(ctx, staking.Registration{PeerID: "worker", SigningKey: w.keys[worker].PublicKey(), ElGamalKey: w.worker.Key()})
	w.must(err)
	w.must(w.worker.Register(ctx))
	w.must(w.worker.Register(ctx)) // again is nothing
	for i := firstValidator; i < firstValidator+validators; i++ {
		s := staking.NewStaker(w.staking, w.accounts[i])
		_, err := s.Stake(ctx, money.SAGE(10_000), staking.TierValidator, 30*24*time.Hour)
		w.must(err)
		_, err = s.BondAsValidator(ctx, money.SAGE(10_000), w.keys[i])
		w.must(err)
	}
	_, err = w.staking.AdvanceEpoch(ctx, w.accounts[owner])
	w.must(err)
	epoch, err := w.staking.CurrentEpoch(ctx)
	w.must(err)
	w.set, err = ValidatorSet(epoch)
	w.must(err)
}

// order returns a job for the worker.
func (w *world) order(n byte) Order {
	now, err := w.c.Now(w.t.Context())
	w.must(err)
	return Order{
		Task: [32]byte{n}, Program: [32]byte{2}, Root: [32]byte{3}, Profile: "fast", Worker: w.accounts[worker].Address(),
		LockDeadline: uint64(now.Unix()) + 100, Deadline: uint64(now.Unix()) + 1000, Fee: money.SAGE(3),
	}
}

func (w *world) id(o Order) chain.Felt {
	return consensus.JobID(w.c.chainID, w.c.jobs, w.accounts[client].Address(), o.Task)
}

// prove accepts a job and submits a proof of it.
func (w *world) prove(o Order) consensus.Fact {
	w.t.Helper()
	ctx, id := w.t.Context(), w.id(o)
	w.must(w.c.Accept(ctx, w.accounts[worker], id))
	job, err := w.c.Job(ctx, id)
	w.must(err)
	fact := Fact(id, &job)
	fact.ResultRoot, fact.ProofHash = consensus.Digest{7}, consensus.Digest{8}
	sig, err := w.keys[worker].Sign(ctx, fact.ID(w.c.chainID).Felt())
	w.must(err)
	w.must(w.c.SubmitProof(ctx, w.accounts[worker], &fact, consensus.Signature(sig)))
	return fact
}

// certify has the first validators vote on a fact.
func (w *world) certify(f consensus.Fact, v consensus.Verdict, votes int) *consensus.Certificate {
	w.t.Helper()
	id := f.ID(w.c.chainID)
	c := &consensus.Certificate{Epoch: w.set.Epoch(), Fact: id, Verdict: v}
	for i := range votes {
		key := w.keys[firstValidator+i]
		at, ok := w.set.Index(key.PublicKey())
		if !ok || at != i {
			w.t.Fatalf("validator %d has index %d", i, at)
		}
		sig, err := key.Sign(w.t.Context(), consensus.VoteHash(w.c.chainID, w.set, id, v))
		w.must(err)
		c.Bitmap |= 1 << at
		c.Signatures = append(c.Signatures, consensus.Normalize(consensus.Signature(sig)))
	}
	return c
}

func (w *world) balance(a *Account) Balance {
	w.t.Helper()
	b, err := a.Balance(w.t.Context())
	w.must(err)
	return b
}

func sageOf(t *testing.T, s string) money.Amount {
	t.Helper()
	a, err := money.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestPaid follows a job to its payment, and does every step twice.
func TestPaid(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	o := w.order(1)
	var short *InsufficientError
	if _, err := w.client.Submit(ctx, o); !errors.Is(err, ErrNoAccount) {
		t.Fatalf("without an account: %v", err)
	}
	w.done(w.client.Deposit(ctx, money.SAGE(2)))
	if _, err := w.client.Submit(ctx, o); !errors.As(err, &short) || short.Have != money.SAGE(2) || short.Need != money.SAGE(3) {
		t.Fatalf("with too little: %v", err)
	}
	w.done(w.client.Deposit(ctx, sageOf(t, "8.5")))
	if _, err := w.client.Deposit(ctx, sageOf(t, "0.0001")); !errors.Is(err, elgamal.ErrAmount) {
		t.Errorf("a part of a unit: %v", err)
	}
	w.done(w.client.Submit(ctx, o))
	w.done(w.client.Submit(ctx, o))
	if b := w.balance(w.client); b.Available != sageOf(t, "7.5") {
		t.Fatalf("after submitting twice: %+v", b)
	}
	id := w.id(o)
	p, err := w.c.Payment(ctx, id)
	w.must(err)
	for _, who := range []*Account{w.worker, w.client} {
		amount := p.Fee
		if who == w.client {
			amount = p.Refund
		}
		if fee, err := w.c.Decrypt(ctx, who.key, amount); err != nil || fee != money.SAGE(3) {
			t.Errorf("fee %v, %v", fee, err)
		}
	}
	if err := w.c.Settle(ctx, w.accounts[owner], id, nil); !errors.Is(err, ErrPending) {
		t.Errorf("before a proof: %v", err)
	}
	if err := w.c.Expire(ctx, w.accounts[owner], id); !errors.Is(err, ErrPending) {
		t.Errorf("too early: %v", err)
	}
	fact := w.prove(o)
	if err := w.c.Settle(ctx, w.accounts[owner], id, nil); !errors.Is(err, ErrPending) {
		t.Errorf("without a certificate: %v", err)
	}
	if err := w.c.Settle(ctx, w.accounts[owner], id, w.certify(fact, consensus.Valid, 2)); cairo.Refusal(err) != "NO_QUORUM" {
		t.Errorf("without a quorum: %v", err)
	}
	// All validators settle at once.
	errs := make(chan error, validators)
	for i := range validators {
		certificate := w.certify(fact, consensus.Valid, 3+i%2)
		go func() { errs <- w.c.Settle(ctx, w.accounts[firstValidator+i], id, certificate) }()
	}
	for range validators {
		w.must(<-errs)
	}
	w.must(w.c.Settle(ctx, w.accounts[owner], id, nil))
	if p, err := w.c.Payment(ctx, id); err != nil || p.State != Released {
		t.Fatalf("payment %v, %v", p.State, err)
	}
	if b := w.balance(w.worker); b.Pending != money.SAGE(3) || !b.Available.IsZero() {
		t.Errorf("worker %+v", b)
	}
	w.claim()
	w.view(id, fact)
}

// claim withdraws what the worker has earned, to the unit.
func (w *world) claim() {
	ctx, t := w.t.Context(), w.t
	part := sageOf(t, "0.25")
	w.done(w.worker.Withdraw(ctx, part, chain.Uint(0x77)))
	got, _, err := w.worker.WithdrawAll(ctx, chain.Uint(0x78))
	if err != nil || got != sageOf(t, "2.75") {
		t.Errorf("claimed %v, %v", got, err)
	}
	if got, r, err := w.worker.WithdrawAll(ctx, chain.Uint(0x78)); err != nil || r != nil || !got.IsZero() {
		t.Errorf("claimed again %v, %v", got, err)
	}
	for address, want := range map[uint64]string{0x77: "0.25", 0x78: "2.75"} {
		n, err := w.c.client.Balance(ctx, w.c.token, chain.Uint(address), chain.AtLatest())
		if err != nil || n.Cmp(sageOf(t, want).Base()) != 0 {
			t.Errorf("address %x has %v, want %v: %v", address, n, want, err)
		}
	}
}

// view wants the events to tell the whole story, and the certificate to be found.
func (w *world) view(id chain.Felt, fact consensus.Fact) {
	t := w.t
	v := w.c.NewView(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- v.Run(ctx) }()
	w.must(v.Synced(ctx))
	r, ok := v.Job(id)
	if !ok || r.State != Finalized || r.Payment != Released || r.Certificate == nil ||
		r.Worker != w.accounts[worker].Address() || len(v.Jobs()) != 1 {
		t.Fatalf("%+v %v", r, ok)
	}
	var kinds []string
	for c, err := range v.History(ctx, id) {
		if err != nil {
			break
		}
		switch c.Event {
		case JobSubmitted:
			kinds = append(kinds, "submitted")
		case JobAccepted:
			kinds = append(kinds, "accepted")
		case ProofSubmitted:
			kinds = append(kinds, "proven")
		case JobFinalized:
			kinds = append(kinds, "finalized")
		case PaymentReleased:
			kinds = append(kinds, "released")
			cancel()
		default:
			if c.Job != id {
				t.Errorf("event %d is of job %v", c.Event, c.Job)
			}
		}
	}
	if len(kinds) != 5 || kinds[4] != "released" {
		t.Errorf("history %v", kinds)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	certificate, err := w.c.Certificate(t.Context(), r.Certificate.Tx, fact.ID(w.c.chainID))
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.Verify(w.c.chainID, w.set); err != nil {
		t.Error(err)
	}
}

// TestRefunded ends jobs in every way in which the fee goes back, once.
func TestRefunded(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.done(w.client.Deposit(ctx, money.SAGE(10)))
	for n, end := range map[byte]func(o Order){
		1: func(o Order) { w.must(w.c.Cancel(ctx, w.accounts[client], w.id(o))) },
		2: func(o Order) { // not accepted
			w.ledger.Advance(101 * time.Second)
			w.must(w.c.Expire(ctx, w.accounts[owner], w.id(o)))
		},
		3: func(o Order) { // not proven
			w.must(w.c.Accept(ctx, w.accounts[worker], w.id(o)))
			w.ledger.Advance(1001 * time.Second)
			w.must(w.c.Expire(ctx, w.accounts[owner], w.id(o)))
		},
		4: func(o Order) { // not judged
			w.prove(o)
			w.ledger.Advance(1001 * time.Second)
			w.must(w.c.Expire(ctx, w.accounts[owner], w.id(o)))
		},
		5: func(o Order) {
			fact := w.prove(o)
			w.must(w.c.Settle(ctx, w.accounts[owner], w.id(o), w.certify(fact, consensus.Invalid, 3)))
		},
	} {
		o := w.order(n)
		before := w.balance(w.client).Total()
		w.done(w.client.Submit(ctx, o))
		end(o)
		if after := w.balance(w.client); after.Total() != before || after.Pending.IsZero() {
			t.Errorf("%d: %+v, was %v", n, after, before)
		}
		p, err := w.c.Payment(ctx, w.id(o))
		if err != nil || p.State != Refunded {
			t.Errorf("%d: payment %v, %v", n, p.State, err)
		}
		// Nothing is left to do.
		w.must(w.c.Settle(ctx, w.accounts[owner], w.id(o), nil))
		w.must(w.c.Expire(ctx, w.accounts[owner], w.id(o)))
	}
	if _, _, err := w.client.WithdrawAll(ctx, chain.Uint(0x79)); err != nil {
		t.Error(err)
	}
	n, err := w.c.client.Balance(ctx, w.c.token, chain.Uint(0x79), chain.AtLatest())
	if err != nil || n.Cmp(money.SAGE(10).Base()) != 0 {
		t.Errorf("withdrew %v, %v", n, err)
	}
}

func TestUnknown(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	if err := w.c.Settle(ctx, w.accounts[owner], chain.Uint(9), nil); !errors.Is(err, ErrUnknownJob) {
		t.Error(err)
	}
	if err := w.c.Expire(ctx, w.accounts[owner], chain.Uint(9)); !errors.Is(err, ErrUnknownJob) {
		t.Error(err)
	}
	if b := w.balance(w.client); !b.Total().IsZero() {
		t.Error(b)
	}
	if _, err := w.client.Withdraw(ctx, money.SAGE(1), chain.Uint(1)); !errors.Is(err, ErrNoAccount) {
		t.Error(err)
	}
	other := w.account(worker)
	if _, err := other.Balance(ctx); !errors.Is(err, ErrOtherKey) {
		t.Error(err)
	}
}
