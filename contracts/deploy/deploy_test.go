package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

var account = chain.Uint(0xacc)

func defaults(t *testing.T, n Network) Config {
	t.Helper()
	cfg, err := Defaults(n)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func planOf(t *testing.T, cfg Config) *Plan {
	t.Helper()
	p, err := NewPlan(account, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaults(t *testing.T) {
	for _, n := range []Network{Devnet, Sepolia} {
		p := planOf(t, defaults(t, n))
		if p.Config.Owner != account || p.Config.Recipient != account || p.Config.Faucet == nil || len(p.Contracts) != 9 {
			t.Errorf("%s: %+v", n, p.Config)
		}
	}
	cfg := defaults(t, Mainnet)
	cfg.Owner, cfg.Recipient = chain.Uint(1), chain.Uint(2)
	if p := planOf(t, cfg); p.Config.Faucet != nil || len(p.Contracts) != 8 || p.Config.Owner != chain.Uint(1) {
		t.Errorf("mainnet: %+v", p.Config)
	}
	if _, err := Defaults("testnet"); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
}

func TestConfigChecks(t *testing.T) {
	// largest is what 2^40-1 units are worth.
	largest, err := money.FromBase(new(big.Int).Mul(big.NewInt(1<<40-1), big.NewInt(1e15)))
	if err != nil {
		t.Fatal(err)
	}
	dust, err := money.FromBase(big.NewInt(1))
	if err != nil {
		t.Fatal(err)
	}
	one := chain.Uint(1)
	largestFelt := *new(chain.Felt).Neg(&one)
	for name, change := range map[string]func(*Config){
		"unknown network":    func(c *Config) { c.Network = "testnet" },
		"name the owner":     func(c *Config) { c.Network = Mainnet },
		"the owner":          func(c *Config) { c.Owner = largestFelt },
		"the recipient":      func(c *Config) { c.Recipient = largestFelt },
		"the supply is zero": func(c *Config) { c.Supply = money.Amount{} },
		"the rate is not":    func(c *Config) { c.Rate = new(big.Int) },
		"the rate":           func(c *Config) { c.Rate = nil },
		"above 2^40-1 units": func(c *Config) { c.Supply, _ = largest.Add(dust) },
		"between 60":         func(c *Config) { c.EpochLength = 59 },
		"604800 seconds":     func(c *Config) { c.EpochLength = 604_801 },
		"one claim":          func(c *Config) { c.Faucet = &Faucet{Cap: money.SAGE(1000).Excess(dust)} },
		"above its cap":      func(c *Config) { c.Faucet = &Faucet{Cap: money.SAGE(1000), Funding: money.SAGE(1001)} },
		"above the supply": func(c *Config) {
			c.Faucet = &Faucet{Cap: money.SAGE(2_000_000_000), Funding: money.SAGE(1_000_000_001)}
		},
		"if another gets the supply": func(c *Config) { c.Recipient = chain.Uint(5) },
	} {
		cfg := defaults(t, Sepolia)
		change(&cfg)
		if _, err := NewPlan(account, cfg); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewPlan(chain.Felt{}, defaults(t, Sepolia)); !errors.Is(err, ErrConfig) {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"the largest supply":   func(c *Config) { c.Supply = largest },
		"bounds of epochs":     func(c *Config) { c.EpochLength = 60 },
		"bound of epochs":      func(c *Config) { c.EpochLength = 604_800 },
		"one claim":            func(c *Config) { c.Faucet = &Faucet{Cap: money.SAGE(1000), Funding: money.SAGE(1000)} },
		"no funding":           func(c *Config) { c.Recipient = chain.Uint(5); c.Faucet.Funding = money.Amount{} },
		"no faucet, recipient": func(c *Config) { c.Recipient = chain.Uint(5); c.Faucet = nil },
	} {
		cfg := defaults(t, Sepolia)
		change(&cfg)
		if _, err := NewPlan(account, cfg); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func amount(t *testing.T, s string) money.Amount {
	t.Helper()
	a, err := money.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestConfigJSON(t *testing.T) {
	cfg := defaults(t, Sepolia)
	cfg.State, cfg.Salt = "state.json", chain.Uint(7)
	text := `{"network": "sepolia", "owner": "0x5", "supply": "2.000000000000000001", "faucet": {"cap": "1000", "funding": "0.5"}, "epoch_length": 77, "rate": "3"}`
	if err := json.Unmarshal([]byte(text), &cfg); err != nil {
		t.Fatal(err)
	}
	supply, half := amount(t, "2.000000000000000001"), amount(t, "0.5")
	want := Config{Network: Sepolia, Owner: chain.Uint(5), Supply: supply, Faucet: &Faucet{money.SAGE(1000), half},
		EpochLength: 77, Rate: big.NewInt(3), Salt: chain.Uint(7), State: "state.json"}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("%+v", cfg)
	}
	data, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	back := Config{State: "state.json"}
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, want) {
		t.Errorf("%s: %+v %v", data, back, err)
	}
	if err := json.Unmarshal([]byte(`{"faucet": null}`), &cfg); err != nil || cfg.Faucet != nil || cfg.EpochLength != 77 {
		t.Errorf("%+v %v", cfg, err)
	}
	for _, bad := range []string{`[]`, `{"extra": 1}`, `{"owner": "5"}`, `{"supply": 5}`, `{"supply": ""}`, `{"supply": "-1"}`, `{"supply": "1."}`, `{"supply": ".5"}`,
		`{"supply": "1.0000000000000000001"}`, `{"supply": "1e3"}`, `{"supply": "1_0"}`, `{"supply": "` + strings.Repeat("9", 61) + `"}`, `{"rate": "1.5"}`,
		`{"faucet": {"cap": "x"}}`, `{"faucet": {"caps": "1"}}`, `{"epoch_length": -1}`, `{"epoch_length": "60"}`, `{"salt": "x"}`} {
		before := defaults(t, Mainnet)
		if err := json.Unmarshal([]byte(bad), &before); !errors.Is(err, ErrConfig) || !reflect.DeepEqual(before, defaults(t, Mainnet)) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// TestPlan wants every class once, after all that its constructor names, at
// addresses that depend on every parameter.
func TestPlan(t *testing.T) {
	base := planOf(t, defaults(t, Sepolia))
	if len(base.Contracts) != len(contracts.Classes()) {
		t.Errorf("%d contracts of %d classes", len(base.Contracts), len(contracts.Classes()))
	}
	known := map[chain.Felt]bool{account: true}
	for _, c := range base.Contracts {
		for _, arg := range c.Deployment.Calldata {
			if arg.BigInt(new(big.Int)).BitLen() > 130 && !known[arg] {
				t.Errorf("%s names %s, which comes later", c.Name, arg)
			}
		}
		if known[c.Address] || c.Address != c.Deployment.Address() || c.Compiled.IsZero() {
			t.Errorf("%s: %+v", c.Name, c)
		}
		known[c.Address] = true
	}
	same := planOf(t, defaults(t, Sepolia))
	for i, c := range base.Contracts {
		if same.Contracts[i].Address != c.Address {
			t.Errorf("%s has two addresses", c.Name)
		}
	}
	for _, test := range []struct {
		contract string
		change   func(*Config)
	}{
		{SageToken, func(c *Config) { c.Supply = money.SAGE(200_000_000) }},
		{SageToken, func(c *Config) { c.Salt = chain.Uint(1) }},
		{FaucetContract, func(c *Config) { c.Faucet.Cap = money.SAGE(20_000_000) }},
		{ValidatorRegistry, func(c *Config) { c.EpochLength++ }},
		{PrivacyRouter, func(c *Config) { c.Rate = new(big.Int).Add(c.Rate, big.NewInt(1)) }},
	} {
		cfg := defaults(t, Sepolia)
		test.change(&cfg)
		if other := planOf(t, cfg); other.address(test.contract) == base.address(test.contract) {
			t.Errorf("%s has the same address for other parameters", test.contract)
		}
	}
	a := base.Addresses("SN_SEPOLIA")
	if len(a.Contracts) != 9 || a.Contracts[JobManager].Address != base.address(JobManager) {
		t.Errorf("%+v", a)
	}
}

func TestState(t *testing.T) {
	cfg := defaults(t, Sepolia)
	cfg.State = filepath.Join(t.TempDir(), "state.json")
	p := planOf(t, cfg)
	for range 2 {
		if err := p.pin("SN_SEPOLIA"); err != nil {
			t.Fatal(err)
		}
	}
	first, err := os.ReadFile(cfg.State)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(p *Plan, chainID, want string) {
		t.Helper()
		if err := p.pin(chainID); !errors.Is(err, ErrState) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	refused(p, "SN_MAIN", `chain_id was "SN_SEPOLIA" and is now "SN_MAIN"`)
	for want, change := range map[string]func(*Config){
		"supply was":           func(c *Config) { c.Supply = money.SAGE(100_000_000) },
		"rate was":             func(c *Config) { c.Rate = big.NewInt(2e15) },
		"epoch_length was":     func(c *Config) { c.EpochLength = 60 },
		"salt was":             func(c *Config) { c.Salt = chain.Uint(1) },
		"owner was":            func(c *Config) { c.Owner = chain.Uint(1) },
		"network was":          func(c *Config) { c.Network = Devnet },
		"faucet.funding was":   func(c *Config) { c.Faucet = &Faucet{c.Faucet.Cap, money.SAGE(1)} },
		"faucet.cap was":       func(c *Config) { c.Faucet = nil },
		"supply_recipient was": func(c *Config) { c.Recipient, c.Faucet = chain.Uint(9), nil },
	} {
		other := cfg
		change(&other)
		refused(planOf(t, other), "SN_SEPOLIA", want)
	}
	// A class of another version.
	upgraded := planOf(t, cfg)
	upgraded.Contracts[3].Deployment.Class = chain.Uint(5)
	refused(upgraded, "SN_SEPOLIA", `class.ReputationManager was "0x`)
	if now, err := os.ReadFile(cfg.State); err != nil || string(now) != string(first) {
		t.Errorf("the file was changed: %s %v", now, err)
	}
	for _, bad := range []string{"", "{", "[]", `{"chain_id": 5}`, "{}", strings.Repeat(" ", maxState+1)} {
		if err := os.WriteFile(cfg.State, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(p, "SN_SEPOLIA", cfg.State)
	}
	if err := os.Remove(cfg.State); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(cfg.State, 0o700); err != nil {
		t.Fatal(err)
	}
	refused(p, "SN_SEPOLIA", "no file")
}

// TestNetwork refuses a node of another network before anything is sent or written.
func TestNetwork(t *testing.T) {
	serve := func(chainID string) *chain.Account {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			var in struct {
				ID     uint64
				Method string
			}
			if err := json.NewDecoder(req.Body).Decode(&in); err != nil {
				t.Error(err)
			}
			if in.Method == "starknet_chainId" {
				fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"result":"0x%x"}`, in.ID, chainID)
				return
			}
			if in.Method != "devnet_getConfig" {
				t.Errorf("%s was asked for", in.Method)
			}
			fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%d,"error":{"code":-32601,"message":"Method not found"}}`, in.ID)
		}))
		t.Cleanup(server.Close)
		c, err := chain.NewClient(server.URL, chain.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return chain.NewAccount(c, account, wallet.GenerateKey(), chain.FeePolicy{})
	}
	mainnet := defaults(t, Mainnet)
	mainnet.Owner, mainnet.Recipient = account, account
	for _, test := range []struct {
		chainID string
		cfg     Config
	}{{"SN_MAIN", defaults(t, Sepolia)}, {"SN_SEPOLIA", mainnet}, {"SN_SEPOLIA", defaults(t, Devnet)}} {
		test.cfg.State = filepath.Join(t.TempDir(), "state.json")
		a := serve(test.chainID)
		if _, err := Run(t.Context(), a, test.cfg); !errors.Is(err, ErrNetwork) {
			t.Errorf("%s on %s: %v", test.cfg.Network, test.chainID, err)
		}
		if _, err := Estimate(t.Context(), a, test.cfg); !errors.Is(err, ErrNetwork) {
			t.Errorf("%s on %s: %v", test.cfg.Network, test.chainID, err)
		}
		if _, err := os.Stat(test.cfg.State); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
	}
}
