package chaintest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/wallet"
)

var (
	differentialSeed    = flag.Uint64("differential.seed", 1, "the first `seed` of the differential run")
	differentialSeqs    = flag.Uint64("differential.seqs", 20, "the `number` of sequences of the differential run")
	differentialDevnets = flag.Int("differential.devnets", 2, "the `number` of devnets that repeat the sequences side by side")
	differentialSteps   = flag.Int("differential.steps", 60, "the `length` of its sequences")
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

// declared is the file of a ledger on which the cast have money and the classes are
// declared, which takes longer than all else.
var declared = sync.OnceValue(func() []byte {
	file := filepath.Join(os.TempDir(), fmt.Sprintf("bitsage-differential-%d", os.Getpid()))
	defer os.Remove(file)
	accounts, err := ledger.SeedAccounts("differential", 1+CastSize)
	if err != nil {
		panic(err)
	}
	l, err := ledger.Open(ledger.Options{ChainID: "SN_SEPOLIA", File: file, Accounts: accounts, Balance: sage(10_000_000),
		Clock: func() time.Time { return time.Unix(genesis, 0) }})
	if err != nil {
		panic(err)
	}
	owner := chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{})
	for _, c := range contracts.Classes() {
		class, err := chain.ParseClass(c.Sierra)
		if err != nil {
			panic(err)
		}
		compiled, err := chain.ParseFelt(c.CompiledClassHash)
		if err != nil {
			panic(err)
		}
		if _, err := owner.Declare(context.Background(), class, compiled); err != nil {
			panic(err)
		}
	}
	if err := l.Close(); err != nil {
		panic(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return data
})

// ledgerSide opens a ledger, whose RPC a test may alter.
func ledgerSide(t *testing.T, alter func(body []byte) []byte) Side {
	t.Helper()
	accounts := cast(t)
	var now atomic.Int64
	now.Store(genesis)
	file := filepath.Join(t.TempDir(), "ledger")
	if err := os.WriteFile(file, declared(), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{ChainID: "SN_SEPOLIA", File: file, Clock: func() time.Time { return time.Unix(now.Load(), 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	options := chain.Options{Poll: time.Millisecond, Backoff: time.Millisecond}
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

// fresh makes two ledgers, of which the second is altered.
func fresh(alter func([]byte) []byte) func(*testing.T) (a, b Side) {
	return func(t *testing.T) (a, b Side) { return ledgerSide(t, nil), ledgerSide(t, alter) }
}

// TestDifferentialAgrees wants nothing to be found between two ledgers, and the
// sequences to be of all kinds of operations, passed and refused.
func TestDifferentialAgrees(t *testing.T) {
	a, b := fresh(nil)(t)
	coverage := new(Coverage)
	Comparison{First: a, Others: []Side{b}, Seed: *differentialSeed, Sequences: 3, Steps: *differentialSteps, Fresh: fresh(nil), Coverage: coverage}.Run(t)
	t.Logf("\n%v", coverage)
	if n := len(coverage.Missing()); 3*n > 4*len(changing()) {
		t.Errorf("%d of %d kinds were never done", n, 2*len(changing()))
	}
}

// TestDifferentialFinds wants one difference of every kind to be found, and shrunk to the
// steps that make it.
func TestDifferentialFinds(t *testing.T) {
	epoch := `"key":"` + chain.Selector("epoch").String() + `","value":"0x`
	for _, tt := range []struct {
		name, from, to string
		want           []string // what the steps do
	}{
		{"an event", `"keys":["` + chain.Selector("KeyRegistered").String(), `"keys":["0x1`, []string{"client A opens an account"}},
		{"a slot", epoch + `1"`, epoch + `2"`, []string{"pays everyone", "becomes a validator", "stranger begins the first epoch"}},
		{"a reason", "'ACTION_UNKNOWN'", "'ACTION_NOT_READY'", []string{"stranger accepts what nobody offered"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pair := fresh(func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(tt.from), []byte(tt.to)) })
			a, b := pair(t)
			s := record(t, a, 0, 30, new(Coverage))
			var d *difference
			if err := s.repeat(t.Context(), b); !errors.As(err, &d) {
				t.Fatal("found: ", err)
			}
			d.shrink(t, pair)
			t.Log(d)
			if len(d.steps) != len(tt.want) {
				t.Fatalf("%d steps remain, want %d", len(d.steps), len(tt.want))
			}
			for i, s := range d.steps {
				if !strings.Contains(s.what, tt.want[i]) {
					t.Errorf("step %d: %s, want %q", i+1, s.what, tt.want[i])
				}
			}
		})
	}
}
