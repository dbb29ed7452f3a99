package staking

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// scenarioDirectory compares the directory of all that happened before with what the
// contract says, and then follows a worker.
func scenarioDirectory(t *testing.T, w *world) {
	ctx, s := t.Context(), w.staker(15)
	d := NewDirectory(w.Contracts, 0)
	if got := d.Workers(); len(got) != 0 {
		t.Errorf("before the first update: %+v", got)
	}
	update(t, d)
	registered := 0
	for i := range w.accounts {
		r, ok := d.Worker(w.address(i))
		got, err := w.Worker(ctx, w.address(i))
		if ok != (err == nil) {
			t.Fatalf("account %d: %v, and the contract says %v", i, ok, err)
		}
		if !ok {
			continue
		}
		registered++
		want := WorkerRecord{w.address(i), got.Registration, got.Active, w.stakeOf(t, i).Tier}
		if r != want {
			t.Errorf("account %d: %+v, want %+v", i, r, want)
		}
	}
	if n := len(d.Workers()); n != registered || n < 2 {
		t.Errorf("%d workers, %d of these accounts", n, registered)
	}

	done(t)(s.Deregister(ctx))
	if r, _ := d.Worker(s.Address()); !r.Active {
		t.Error("the directory changed without an update")
	}
	update(t, d)
	if r, _ := d.Worker(s.Address()); r.Active {
		t.Errorf("after Deregister: %+v", r)
	}
	reg := w.registration(t)
	done(t)(s.Register(ctx, reg))
	update(t, d)
	if r, _ := d.Worker(s.Address()); r != (WorkerRecord{s.Address(), reg, true, TierConsumer}) {
		t.Errorf("after Register: %+v", r)
	}

	done(t)(s.SetPeer(ctx, "another peer"))
	update(t, d)
	reg.PeerID = "another peer"
	if r, _ := d.Worker(s.Address()); r != (WorkerRecord{s.Address(), reg, true, TierConsumer}) {
		t.Errorf("after SetPeer: %+v", r)
	}

	cause := errors.New("enough")
	cancelled, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	d.turn <- struct{}{}
	if err := d.Update(cancelled); !errors.Is(err, cause) {
		t.Errorf("an update that waits for another: %v", err)
	}
	<-d.turn
}

func update(t *testing.T, d *Directory) {
	t.Helper()
	if err := d.Update(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// node serves whichever ledger is set, as a node does that changes to another branch.
type node struct{ at atomic.Pointer[ledger.Ledger] }

func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	n.at.Load().Handler().ServeHTTP(rec, r)
	return rec.Result(), nil
}

// branches are two ledgers with a common history, in which the contracts were
// deployed and account 2 registered; each has a world of its own.
func branches(t *testing.T) (a, b *world, ledgers [2]*ledger.Ledger) {
	t.Helper()
	accounts, err := ledger.SeedAccounts("directory", 5)
	if err != nil {
		t.Fatal(err)
	}
	now := t0
	clock := func() time.Time { now = now.Add(time.Second); return now }
	file := filepath.Join(t.TempDir(), "a")
	open := func(file string) (*world, *ledger.Ledger) {
		l, err := ledger.Open(ledger.Options{ChainID: "SN_SEPOLIA", File: file, Accounts: accounts, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		client, err := l.Dial(chain.Options{Poll: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		var addresses []chain.Felt
		var keys []wallet.Signer
		for _, account := range accounts {
			addresses, keys = append(addresses, account.Address()), append(keys, account)
		}
		return newWorld(t, client, addresses, keys), l
	}
	w, l := open(file)
	w.deployAll(t)
	done(t)(w.staked(t, 2, money.SAGE(1000), TierConsumer).Register(t.Context(), w.registration(t)))
	w.fund(t, 3, money.SAGE(3000))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+"b", data, 0o600); err != nil {
		t.Fatal(err)
	}
	a, ledgers[0] = open(file)
	b, ledgers[1] = open(file + "b")
	for _, branch := range []*world{a, b} {
		contracts := *w.Contracts
		contracts.client = branch.client
		branch.Contracts = &contracts
	}
	return a, b, ledgers
}

// TestDirectoryReorganised takes a directory from one branch of the chain to another.
func TestDirectoryReorganised(t *testing.T) {
	ctx, sage := t.Context(), money.SAGE
	a, b, ledgers := branches(t)
	n := new(node)
	n.at.Store(ledgers[0])
	client, err := chain.NewClient("http://node", chain.Options{HTTP: &http.Client{Transport: n}, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	contracts := *a.Contracts
	contracts.client = client
	d := NewDirectory(&contracts, 0)
	update(t, d)
	common := d.Workers()
	if len(common) != 1 || common[0].Account != a.address(2) || !common[0].Active {
		t.Fatalf("before the fork: %+v", common)
	}

	// On one branch 2 leaves and 3 comes; on the other only 3 comes, as another worker.
	done(t)(a.staker(2).Deregister(ctx))
	first, second := a.registration(t), b.registration(t)
	done(t)(a.staker(3).Stake(ctx, sage(1000), TierConsumer, MinLock))
	done(t)(a.staker(3).Register(ctx, first))
	done(t)(b.staker(3).Stake(ctx, sage(2500), TierWorkstation, MinLock))
	done(t)(b.staker(3).Register(ctx, second))
	wants := func(two bool, three WorkerRecord) {
		t.Helper()
		update(t, d)
		if r, ok := d.Worker(a.address(2)); !ok || r.Registration != common[0].Registration || r.Active != two {
			t.Errorf("2 is %+v", r)
		}
		three.Account = a.address(3)
		if r, _ := d.Worker(a.address(3)); r != three {
			t.Errorf("3 is %+v, want %+v", r, three)
		}
	}
	onA, onB := WorkerRecord{Registration: first, Active: true, Tier: TierConsumer}, WorkerRecord{Registration: second, Active: true, Tier: TierWorkstation}
	wants(false, onA)
	n.at.Store(ledgers[1])
	wants(true, onB)
	done(t)(a.staker(2).Register(ctx, common[0].Registration))
	n.at.Store(ledgers[0])
	wants(true, onA)

	// The same if what is undone was forgotten.
	d.table.floor = 1 << 40
	done(t)(b.staker(2).Deregister(ctx))
	done(t)(b.staker(3).Increase(ctx, sage(1), 0))
	n.at.Store(ledgers[1])
	wants(false, onB)
}

// TestDirectoryAfterErrors goes on where it stopped, and shows nothing of what failed.
func TestDirectoryAfterErrors(t *testing.T) {
	a, _, _ := branches(t)
	d := NewDirectory(a.Contracts, 0)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Update(ctx); !errors.Is(err, context.Canceled) || len(d.Workers()) != 0 {
		t.Errorf("%v, %+v", err, d.Workers())
	}
	update(t, d)
	if len(d.Workers()) != 1 {
		t.Errorf("%+v", d.Workers())
	}

	// An event that is none of the contract's is an error every time that it is read.
	bad := *a.Contracts
	bad.staking = a.token
	selectors := workerSelectors
	workerSelectors = []chain.Felt{chain.Selector("Transfer")}
	t.Cleanup(func() { workerSelectors = selectors })
	d = NewDirectory(&bad, 0)
	for range 2 {
		if err := d.Update(t.Context()); !errors.Is(err, chain.ErrResponse) {
			t.Error(err)
		}
	}
}

func TestWorkerTable(t *testing.T) {
	account := func(i int) chain.Felt { return chain.Uint(uint64(i) + 1) }
	table := workerTable{records: make(map[chain.Felt]WorkerRecord)}
	const n = maxPast + 10
	for i := range n { // two changes a block
		table.apply(&Event{Account: account(i), Change: WorkerRegistered{Registration{PeerID: "peer"}}, Block: chain.BlockRef{Number: uint64(i / 2)}})
	}
	table.apply(&Event{Account: account(0), Change: WorkerDeregistered{}, Block: chain.BlockRef{Number: n}})
	table.apply(&Event{Account: account(n), Change: Staked{Tier: TierFrontier}, Block: chain.BlockRef{Number: n}})
	if got := table.workers(); len(got) != n || got[0].Active || got[1].Account != account(1) {
		t.Errorf("%d workers", len(got))
	}
	if len(table.past) > maxPast || table.floor != maxPast/4 {
		t.Errorf("%d changes can be undone, from block %d on", len(table.past), table.floor)
	}
	if table.undo(table.floor-1) || len(table.workers()) != n {
		t.Error("it undid what it forgot")
	}
	if !table.undo(n) || !table.records[account(0)].Active || len(table.records) != n {
		t.Error("a deregistration and a stake were not undone")
	}
	if !table.undo(table.floor) || len(table.workers()) != maxPast/2 || len(table.past) != 0 {
		t.Errorf("%d workers, %d changes", len(table.workers()), len(table.past))
	}
}
