package staking

import (
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/wallet"
)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// onLedger begins a ledger in memory. Its time stands still but for pass and setTime.
func onLedger(t *testing.T, n int, onDemand bool) *world {
	t.Helper()
	accounts, err := ledger.SeedAccounts("staking", n)
	if err != nil {
		t.Fatal(err)
	}
	c := clock{now: t0}
	l, err := ledger.Open(ledger.Options{ChainID: "SN_SEPOLIA", Accounts: accounts, Clock: c.time, OnDemand: onDemand})
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
	for _, a := range accounts {
		addresses, keys = append(addresses, a.Address()), append(keys, a)
	}
	w := newWorld(t, client, addresses, keys)
	w.createBlock = func() error { _, err := l.CreateBlock(); return err }
	w.setTime = func(t *testing.T, at time.Time) {
		t.Helper()
		c.set(at)
		if err := w.createBlock(); err != nil {
			t.Fatal(err)
		}
	}
	w.pass = func(t *testing.T, d time.Duration) { t.Helper(); w.setTime(t, c.time().Add(d)) }
	return w
}

func TestLedger(t *testing.T) { runScenarios(t, onLedger(t, 16, false)) }

func TestLedgerUncertain(t *testing.T) { scenarioUncertain(t, onLedger(t, 3, true)) }

func TestLedgerDeployment(t *testing.T) {
	cfg, err := deploy.Defaults(deploy.Sepolia)
	if err != nil {
		t.Fatal(err)
	}
	scenarioDeployment(t, onLedger(t, 5, false), cfg)
}
