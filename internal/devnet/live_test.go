//go:build devnet

package devnet

import (
	"context"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

type block struct {
	Number    uint64 `json:"block_number"`
	Timestamp int64  `json:"timestamp"`
}

func (d *Devnet) latest(t *testing.T) (b block) {
	t.Helper()
	if err := d.do(t.Context(), "starknet_getBlockWithTxHashes", map[string]any{"block_id": "latest"}, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDevnet starts two devnets at once, with the same accounts, and uses all methods.
func TestDevnet(t *testing.T) {
	d, other := Test(t, Options{Seed: 3, Accounts: 2, Args: []string{"--state-archive-capacity", "full"}}), Test(t, Options{Seed: 3})
	ctx := t.Context()
	accounts, err := d.Accounts(ctx)
	if err != nil || len(accounts) != 2 {
		t.Fatal(accounts, err)
	}
	if more, err := other.Accounts(ctx); err != nil || len(more) != 10 || more[1].Address != accounts[1].Address || d.URL() == other.URL() {
		t.Error(more, err)
	}
	if err := d.Mint(ctx, accounts[0].Address, new(big.Int).Lsh(big.NewInt(1), 100)); err != nil {
		t.Error(err)
	}
	before := d.latest(t)
	if err := d.CreateBlock(ctx); err != nil {
		t.Fatal(err)
	}
	if err := d.IncreaseTime(ctx, 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	after := d.latest(t)
	if after.Number != before.Number+2 || after.Timestamp < before.Timestamp+7200 || after.Timestamp > before.Timestamp+7300 {
		t.Errorf("%+v, before %+v", after, before)
	}
	then := time.Now().AddDate(1, 0, 0)
	if err := d.SetTime(ctx, then); err != nil {
		t.Fatal(err)
	}
	if b := d.latest(t); b.Timestamp != then.Unix() {
		t.Errorf("%+v, want %d", b, then.Unix())
	}
	if err := d.AbortBlocks(ctx, before.Number+1); err != nil {
		t.Fatal(err)
	}
	if b := d.latest(t); b != before {
		t.Errorf("%+v, want %+v", b, before)
	}
	if err := d.AbortBlocks(ctx, 1<<40); err == nil || !strings.Contains(err.Error(), "devnet_abortBlocks") {
		t.Error(err)
	}
	d.Close()
	d.Close()
	if _, err := http.Get(d.URL()); err == nil {
		t.Error("it still answers")
	}
}

// TestDevnetEnds with its context, and does not start with bad flags.
func TestDevnetEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d, err := Start(ctx, Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-d.done:
	case <-time.After(10 * time.Second):
		t.Error("it still runs")
	}
	if _, err := Start(t.Context(), Options{Args: []string{"--no-such-flag"}}); err == nil || !strings.Contains(err.Error(), "no-such-flag") {
		t.Errorf("%v", err)
	}
}
