//go:build devnet

package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/money"
)

// These tests deploy on a real starknet-devnet:
//
//	go test -tags devnet -run Devnet ./contracts/deploy

type testnet struct {
	*devnet.Devnet
	accounts []devnet.Account
}

func start(t *testing.T, args ...string) *testnet {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Accounts: 3, Args: args})
	accounts, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return &testnet{d, accounts}
}

// dial returns an account that speaks with the devnet at a URL. It gives up soon.
func (d *testnet) dial(t *testing.T, url string, i int) *chain.Account {
	t.Helper()
	c, err := chain.NewClient(url, chain.Options{Poll: 10 * time.Millisecond, Attempts: 1, DropAfter: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return chain.NewAccount(c, d.accounts[i].Address, d.accounts[i].Key, chain.FeePolicy{})
}

// log records what Run reports.
type log struct {
	mu   sync.Mutex
	done map[string]int // transactions that were executed, by step
	sent int
}

func (l *log) report(p Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(map[string]int)
	}
	switch p.Status {
	case Done:
		l.done[p.Step]++
	case Sent:
		l.sent++
	}
}

func devnetConfig(t *testing.T, l *log) Config {
	t.Helper()
	cfg, err := Defaults(Devnet)
	if err != nil {
		t.Fatal(err)
	}
	cfg.State, cfg.Progress = filepath.Join(t.TempDir(), "state.json"), l.report
	return cfg
}

// checkOnce wants exactly one deployment on the chain: nine contracts by the
// universal deployer, and the faucet's funding given once.
func (d *testnet) checkOnce(t *testing.T, a *chain.Account, got *chain.Addresses, cfg Config) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	c := a.Client()
	head, err := c.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	deployed := make(map[chain.Felt]int)
	refills := 0
	// The stream ends at the head with the marker transaction.
	marker, err := a.Execute(ctx, chain.Call{To: got.Contracts[FaucetContract].Address, Selector: chain.Selector("pause")})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range c.Events(ctx, chain.EventFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.From == chain.Deployer() && e.Keys[0] == chain.Selector("ContractDeployed") {
			deployed[e.Data[0]]++
		}
		if e.From == got.Contracts[FaucetContract].Address && e.Keys[0] == faucet.SelectorRefilled {
			refills++
		}
		if e.Tx == marker {
			break
		}
	}
	for name, contract := range got.Contracts {
		if deployed[contract.Address] != 1 {
			t.Errorf("%s was deployed %d times", name, deployed[contract.Address])
		}
	}
	if len(deployed) != len(got.Contracts) || len(got.Contracts) != 9 || refills != 1 {
		t.Errorf("%d contracts were deployed, %d are known; %d refills, at block %d", len(deployed), len(got.Contracts), refills, head.Number)
	}
	balance, err := c.Balance(ctx, got.Contracts[SageToken].Address, got.Contracts[FaucetContract].Address, chain.AtLatest())
	if err != nil || balance.Cmp(cfg.Faucet.Funding.Base()) != 0 {
		t.Errorf("the faucet has %v: %v", balance, err)
	}
}

// TestDevnetDeploy deploys, again, and in other ways that must be refused.
func TestDevnetDeploy(t *testing.T) {
	d := start(t)
	a := d.dial(t, d.URL(), 0)
	var l log
	cfg := devnetConfig(t, &l)

	steps, err := Estimate(t.Context(), a, cfg)
	if err != nil || len(steps) != 10 || len(steps[9].Calls) != 16 {
		t.Fatalf("%+v %v", steps, err)
	}
	total := new(big.Int)
	for _, s := range steps {
		total.Add(total, s.Fee)
		t.Logf("%-28s %11d L2 gas, %v FRI", s.Name, s.L2Gas, s.Fee)
	}
	t.Logf("together %v FRI", total)

	before, err := a.Client().Balance(t.Context(), chain.STRK(), a.Address(), chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got, err := Run(t.Context(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("deployed in %v", time.Since(start).Round(time.Millisecond))
	after, err := a.Client().Balance(t.Context(), chain.STRK(), a.Address(), chain.AtLatest())
	if err != nil {
		t.Fatal(err)
	}
	if paid := new(big.Int).Sub(before, after); paid.Cmp(total) > 0 || new(big.Int).Mul(paid, big.NewInt(10)).Cmp(new(big.Int).Mul(total, big.NewInt(9))) < 0 {
		t.Errorf("paid %v FRI, the estimate was %v", paid, total)
	}
	if len(l.done) != 10 || l.sent != 10 {
		t.Errorf("%+v", l.done)
	}
	file := filepath.Join(t.TempDir(), "addresses.json")
	if err := got.Save(file); err != nil {
		t.Fatal(err)
	}
	loaded, err := chain.LoadAddresses(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), a.Client(), loaded)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Owners) != 5 || chain.Felt(r.Owners[JobManager]) != a.Address() || r.Supply != cfg.Supply || *r.Faucet != (FaucetState{Cap: cfg.Faucet.Cap, Balance: cfg.Faucet.Funding}) ||
		r.Rate != cfg.Rate.String() || r.EpochLength != cfg.EpochLength || r.ChainID != "SN_SEPOLIA" {
		t.Errorf("%+v", r)
	}

	t.Run("again", func(t *testing.T) {
		again, err := Run(t.Context(), a, cfg)
		if err != nil || l.sent != 10 || again.Contracts[JobManager] != got.Contracts[JobManager] {
			t.Error(l.sent, err)
		}
		if steps, err := Estimate(t.Context(), a, cfg); err != nil || len(steps) != 0 {
			t.Error(steps, err)
		}
	})
	t.Run("changed parameters", func(t *testing.T) {
		for want, change := range map[string]func(*Config){
			"epoch_length was": func(c *Config) { c.EpochLength++ },
			"rate was":         func(c *Config) { c.Rate = new(big.Int).Add(c.Rate, big.NewInt(1)) },
			"salt was":         func(c *Config) { c.Salt = chain.Uint(1) },
			"faucet.cap was":   func(c *Config) { c.Faucet = nil },
		} {
			other := cfg
			change(&other)
			if _, err := Run(t.Context(), a, other); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", want, err)
			}
		}
		if _, err := Run(t.Context(), d.dial(t, d.URL(), 1), cfg); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "account was") {
			t.Error(err)
		}
		if l.sent != 10 {
			t.Errorf("%d transactions were sent", l.sent)
		}
	})
	t.Run("another owner", func(t *testing.T) { offered(t, d, cfg) })
	t.Run("wrong addresses", func(t *testing.T) {
		swap := func(x, y string) *chain.Addresses {
			bad := &chain.Addresses{ChainID: got.ChainID, Contracts: make(map[string]chain.Contract)}
			for name, c := range got.Contracts {
				bad.Contracts[name] = c
			}
			bad.Contracts[x] = got.Contracts[y]
			if y == "" {
				delete(bad.Contracts, x)
			}
			return bad
		}
		for _, bad := range []*chain.Addresses{swap(JobManager, StakingManager), swap(JobManager, "")} {
			if err := Verify(t.Context(), a.Client(), bad); !errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), JobManager) {
				t.Error(err)
			}
		}
		if err := Verify(t.Context(), a.Client(), swap(FaucetContract, "")); err != nil {
			t.Error(err)
		}
		bad := swap(FaucetContract, "")
		bad.ChainID = "SN_MAIN"
		if err := Verify(t.Context(), a.Client(), bad); !errors.Is(err, chain.ErrChainID) {
			t.Error(err)
		}
	})
	t.Run("unconfigured", func(t *testing.T) { unconfigured(t, d, got) })
	d.checkOwnFaucet(t, got)
}

// checkOwnFaucet claims from the faucet: what was deployed works.
func (d *testnet) checkOwnFaucet(t *testing.T, got *chain.Addresses) {
	t.Helper()
	user := d.dial(t, d.URL(), 2)
	claim := faucet.ClaimCall()
	hash, err := user.Execute(t.Context(), chain.Call{To: got.Contracts[FaucetContract].Address, Selector: claim.Selector, Calldata: claim.Calldata})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := user.Wait(t.Context(), hash); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), user.Client(), got)
	if err != nil || r.Faucet.Given != money.SAGE(1000) {
		t.Errorf("%+v %v", r, err)
	}
}

// offered deploys for another owner, who takes the contracts a day later.
func offered(t *testing.T, d *testnet, cfg Config) {
	a, owner := d.dial(t, d.URL(), 0), d.dial(t, d.URL(), 1)
	cfg.State, cfg.Progress, cfg.Owner, cfg.Salt = "", nil, owner.Address(), chain.Uint(77)
	got, err := Run(t.Context(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{StakingManager, FaucetContract} {
		at := got.Contracts[name].Address
		action, err := view(t.Context(), a.Client(), at, stakingmanager.OwnershipActionCall(owner.Address()), stakingmanager.DecodeOwnershipAction)
		if err != nil || action != offer(owner.Address()) {
			t.Errorf("%s: the action is %s: %v", name, action, err)
		}
	}
	if err := d.IncreaseTime(t.Context(), 25*time.Hour); err != nil {
		t.Fatal(err)
	}
	var calls []chain.Call
	for _, name := range []string{FaucetContract, StakingManager, ProofVerifier, JobManager, PrivacyRouter} {
		c := stakingmanager.AcceptOwnershipCall()
		calls = append(calls, chain.Call{To: got.Contracts[name].Address, Selector: c.Selector, Calldata: c.Calldata})
	}
	hash, err := owner.Execute(t.Context(), calls...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Wait(t.Context(), hash); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), a.Client(), got)
	if err != nil || len(r.Owners) != 5 {
		t.Fatal(r, err)
	}
	for name, o := range r.Owners {
		if chain.Felt(o) != owner.Address() {
			t.Errorf("%s belongs to %v", name, o)
		}
	}
	if _, err := Run(t.Context(), a, cfg); err != nil {
		t.Error(err)
	}
}

// unconfigured puts one contract that was not configured among the others.
func unconfigured(t *testing.T, d *testnet, got *chain.Addresses) {
	a := d.dial(t, d.URL(), 0)
	bad := &chain.Addresses{ChainID: got.ChainID, Contracts: make(map[string]chain.Contract)}
	for name, c := range got.Contracts {
		bad.Contracts[name] = c
	}
	p, err := NewPlan(a.Address(), Config{Network: Devnet, Supply: money.SAGE(1), Rate: big.NewInt(1e18), EpochLength: 60, Salt: chain.Uint(99)})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.Contracts, func(c Contract) bool { return c.Name == StakingManager })
	out, err := a.Deploy(t.Context(), p.Contracts[i].Deployment)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Wait(t.Context(), out.Tx); err != nil {
		t.Fatal(err)
	}
	bad.Contracts[StakingManager] = chain.Contract{Address: out.Address, Class: p.Contracts[i].Deployment.Class}
	err = Verify(t.Context(), a.Client(), bad)
	for _, want := range []string{"StakingManager.token", "StakingManager.job_manager is 0x0", "StakingManager.validator_registry", "JobManager.staking", "ValidatorRegistry.staking"} {
		if !errors.Is(err, ErrVerify) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

// TestDevnetForeignDeployment lets another account deploy two of the contracts first.
func TestDevnetForeignDeployment(t *testing.T) {
	d := start(t)
	a, other := d.dial(t, d.URL(), 0), d.dial(t, d.URL(), 1)
	var l log
	cfg := devnetConfig(t, &l)
	p, err := NewPlan(a.Address(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	r := run{p, other, other.Client()}
	if err := r.declareAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	declared := l.sent
	for _, i := range []int{0, 1} {
		out, err := other.Deploy(t.Context(), p.Contracts[i].Deployment)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Wait(t.Context(), out.Tx); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Run(t.Context(), a, cfg)
	if err != nil || l.sent != declared+1 {
		t.Fatal(l.sent, err)
	}
	d.checkOnce(t, a, got, cfg)
}

// cut is a proxy in front of a devnet that lets a number of transactions pass and
// then breaks off every connection: before it hands the next transaction on, or
// after, without the answer.
type cut struct {
	target string
	before bool
	died   func()

	mu   sync.Mutex
	left int
	dead bool
}

func (c *cut) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	c.mu.Lock()
	last := false
	if strings.Contains(string(body), "starknet_add") {
		last = c.left == 0
		c.left--
	}
	drop := c.dead || last && c.before
	c.dead = c.dead || last
	c.mu.Unlock()
	if last {
		defer c.died()
	}
	if drop {
		panic(http.ErrAbortHandler)
	}
	resp, err := http.Post(c.target, "application/json", strings.NewReader(string(body)))
	if err != nil || last {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// TestDevnetCuts breaks the connection off at every transaction of a deployment,
// before and after the node has got it, and resumes.
func TestDevnetCuts(t *testing.T) {
	d := start(t)
	var l log
	cfg := devnetConfig(t, &l)
	defer func(d time.Duration) { finishTimeout = d }(finishTimeout)
	finishTimeout = 10 * time.Millisecond
	var got *chain.Addresses
	runs := 0
	for done := false; !done; runs++ {
		if runs > 40 {
			t.Fatal("no progress")
		}
		ctx, cancel := context.WithCancel(t.Context())
		proxy := &cut{target: d.URL(), before: runs%2 == 0, died: cancel}
		server := httptest.NewServer(proxy)
		a := d.dial(t, server.URL, 0)
		var err error
		got, err = Run(ctx, a, cfg)
		if done = err == nil; !done && !proxy.dead {
			t.Fatalf("run %d failed by itself: %v", runs, err)
		}
		cancel()
		server.Close()
	}
	// Ten transactions, each refused once and lost once, and the last run.
	if runs != 21 {
		t.Errorf("%d runs", runs)
	}
	d.checkOnce(t, d.dial(t, d.URL(), 0), got, cfg)
}

// TestDevnetInterrupt ends the context while a transaction is under way.
func TestDevnetInterrupt(t *testing.T) {
	d := start(t)
	a := d.dial(t, d.URL(), 0)
	stop := errors.New("stop")
	var l log
	cfg := devnetConfig(t, &l)
	for i := range 9 {
		ctx, cancel := context.WithCancelCause(t.Context())
		cfg.Progress = func(p Progress) {
			l.report(p)
			if p.Status == Sent {
				cancel(stop)
			}
		}
		if _, err := Run(ctx, a, cfg); !errors.Is(err, stop) {
			t.Fatalf("run %d: %v", i, err)
		}
		if l.sent != i+1 || len(l.done) != i+1 {
			t.Fatalf("run %d: %d transactions sent, %d done", i, l.sent, len(l.done))
		}
	}
	cfg.Progress = l.report
	got, err := Run(t.Context(), a, cfg)
	if err != nil || l.sent != 10 {
		t.Fatal(l.sent, err)
	}
	d.checkOnce(t, a, got, cfg)
}

// TestDevnetMainnet deploys on a devnet with the chain of mainnet.
func TestDevnetMainnet(t *testing.T) {
	d := start(t, "--chain-id", "MAINNET")
	a := d.dial(t, d.URL(), 0)
	sepolia, err := Defaults(Sepolia)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), a, sepolia); !errors.Is(err, ErrNetwork) {
		t.Error(err)
	}
	cfg, err := Defaults(Mainnet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), a, cfg); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	cfg.Owner, cfg.Recipient = a.Address(), chain.Uint(0x5afe)
	got, err := Run(t.Context(), a, cfg)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), a.Client(), got)
	if err != nil || r.Faucet != nil || len(got.Contracts) != 8 || r.ChainID != "SN_MAIN" {
		t.Error(r, err)
	}
	balance, err := a.Client().Balance(t.Context(), got.Contracts[SageToken].Address, cfg.Recipient, chain.AtLatest())
	if err != nil || balance.Cmp(cfg.Supply.Base()) != 0 {
		t.Error(fmt.Sprint(balance), err)
	}
}
