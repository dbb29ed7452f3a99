package chaintest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/wallet"
)

var (
	differentialSeed  = flag.Uint64("differential.seed", 1, "the first `seed` of the differential run")
	differentialSeqs  = flag.Uint64("differential.seqs", 20, "the `number` of sequences of the differential run")
	differentialSteps = flag.Int("differential.steps", 50, "the `length` of its sequences")
)

// cast are the owner and those who act.
func cast(t *testing.T) []*wallet.Account {
	t.Helper()
	accounts, err := ledger.SeedAccounts("differential", 1+CastSize)
	if err != nil {
		t.Fatal(err)
	}
	return accounts
}

// ledgerSide opens a ledger, whose RPC a test may alter.
func ledgerSide(t *testing.T, alter func(body []byte) []byte) Side {
	t.Helper()
	accounts := cast(t)
	var now atomic.Int64
	l, err := ledger.Open(ledger.Options{ChainID: "SN_SEPOLIA", Accounts: accounts, Balance: sage(10_000_000),
		Clock: func() time.Time { return time.Unix(now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	options := chain.Options{Poll: time.Millisecond}
	c, err := l.Dial(options)
	if alter != nil {
		options.HTTP = &http.Client{Transport: altered{l.Handler(), alter}}
		c, err = chain.NewClient("http://ledger.invalid", options)
	}
	if err != nil {
		t.Fatal(err)
	}
	return Side{Client: c, Owner: accounts[0], Cast: accounts[1:], Fees: chain.FeePolicy{Fixed: differentialBounds()},
		SetTime: func(_ context.Context, seconds uint64) error {
			now.Store(int64(seconds))
			return nil
		}}
}

// altered answers requests as a handler does, with something else in the answers.
type altered struct {
	handler http.Handler
	alter   func([]byte) []byte
}

// RoundTrip implements http.RoundTripper.
func (a altered) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	a.handler.ServeHTTP(recorder, r)
	resp := recorder.Result()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	body = a.alter(body)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// differentialBounds are the network's own limits at twice its prices.
func differentialBounds() *chain.Bounds {
	price := big.NewInt(2_000_000_000)
	return &chain.Bounds{L1Gas: chain.Resource{Amount: 1 << 16, Price: price}, L2Gas: chain.Resource{Amount: 1_110_000_000, Price: price},
		L1DataGas: chain.Resource{Amount: 1 << 16, Price: price}}
}

func ledgerPair(alter func([]byte) []byte) func(*testing.T) (a, b Side) {
	return func(t *testing.T) (a, b Side) { return ledgerSide(t, nil), ledgerSide(t, alter) }
}

// TestDifferentialAgrees wants nothing to be found between two ledgers, and the
// sequences to be of all kinds of operations, passed and refused.
func TestDifferentialAgrees(t *testing.T) {
	a, b := ledgerPair(nil)(t)
	passed, refused := make(map[string]int), make(map[string]int)
	for seed := range uint64(2) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			p := newPair(t, a, b, seed)
			p.passed, p.refused = passed, refused
			if d := p.run(t, seed, 80); d != nil {
				t.Error(d)
			}
		})
	}
	t.Logf("passed %v\nrefused %v", passed, refused)
	if len(passed) < 25 || len(refused) < 20 {
		t.Errorf("%d functions passed and %d were refused", len(passed), len(refused))
	}
}

// TestDifferentialFinds wants differences to be found and shrunk to what makes them.
func TestDifferentialFinds(t *testing.T) {
	for _, tt := range []struct {
		name, from, to string
		steps          int
		want           string
	}{
		{"an event", chain.Hex(chain.Selector("KeyRegistered")), "0x1", 1, "client A opens an account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fresh := ledgerPair(func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(tt.from), []byte(tt.to)) })
			a, b := fresh(t)
			d := differ(t, a, b, 1, 60)
			if d == nil {
				t.Fatal("nothing was found")
			}
			d.shrink(t, 1, fresh)
			t.Log(d)
			if len(d.steps) != tt.steps || !strings.Contains(d.String(), tt.want) {
				t.Errorf("%d steps remain, want %d with %q", len(d.steps), tt.steps, tt.want)
			}
		})
	}
}
