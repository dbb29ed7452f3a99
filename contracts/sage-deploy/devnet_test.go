//go:build devnet

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts/deploy"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/devnet"
)

// setup starts a devnet and returns the flags for its first account.
func setup(t *testing.T) (*devnet.Devnet, []string) {
	t.Helper()
	d := devnet.Test(t, devnet.Options{Accounts: 1})
	accounts, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return d, []string{"--network", "devnet", "--rpc", d.URL(), "--keystore", keystore(t, accounts[0].Key), "--password-file", file(t, "password", "secret\n"),
		"--account", accounts[0].Address.String(), "--out", filepath.Join(dir, "addresses.json"), "--state", filepath.Join(dir, "state.json")}
}

func out(args []string) string { return args[len(args)-3] }

// TestDevnetCommand runs the command in its different ways.
func TestDevnetCommand(t *testing.T) {
	d, args := setup(t)
	code, stdout, stderr := sageDeploy(t, t.Context(), "", append(args, "--dry-run", "--json")...)
	var dry plan
	if err := json.Unmarshal([]byte(stdout), &dry); err != nil || code != exitOK || len(dry.Steps) != 10 || len(dry.Steps[9].Calls) != 16 || dry.Config.Faucet == nil {
		t.Fatalf("%d %v\n%s\n%s", code, err, stdout, stderr)
	}
	for _, path := range []string{out(args), args[len(args)-1]} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("--dry-run wrote %s: %v", path, err)
		}
	}
	code, _, stderr = sageDeploy(t, t.Context(), "", append(args, "--max-fee", "0")...)
	if code != exitFailed || !strings.Contains(stderr, "exceed the cap") {
		t.Errorf("%d\n%s", code, stderr)
	}
	code, stdout, stderr = sageDeploy(t, t.Context(), "", args...)
	if code != exitOK || strings.Count(stdout, " sent 0x") != 10 || !strings.Contains(stdout, "verified") || stderr != "" {
		t.Fatalf("%d\n%s\n%s", code, stdout, stderr)
	}
	code, stdout, stderr = sageDeploy(t, t.Context(), "", append(args, "--json")...)
	var again struct {
		Steps  []step
		Report struct{ Supply string }
	}
	if err := json.Unmarshal([]byte(stdout), &again); err != nil || code != exitOK || len(again.Steps) != 10 || again.Report.Supply != "1000000000" {
		t.Fatalf("%d %v\n%s\n%s", code, err, stdout, stderr)
	}
	for _, s := range again.Steps {
		if s.Tx != "" {
			t.Errorf("%s was done twice", s.Name)
		}
	}
	code, stdout, stderr = sageDeploy(t, t.Context(), "", "--verify", "--rpc", d.URL(), "--out", out(args))
	if code != exitOK || !strings.Contains(stdout, "9 contracts on SN_SEPOLIA") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
	code, _, stderr = sageDeploy(t, t.Context(), "", append(args, "--config", file(t, "c.json", `{"epoch_length": 61}`))...)
	if code != exitFailed || !strings.Contains(stderr, `epoch_length was "600" and is now "61"`) {
		t.Errorf("%d\n%s", code, stderr)
	}
	code, _, stderr = sageDeploy(t, t.Context(), "", append(args, "--account", "0x123")...)
	if code != exitFailed || !strings.Contains(stderr, "there is no account at 0x123") {
		t.Errorf("%d\n%s", code, stderr)
	}
}

// TestDevnetKill kills the command at random moments, runs it again until it
// succeeds, and wants one deployment.
func TestDevnetKill(t *testing.T) {
	d, args := setup(t)
	binary := filepath.Join(t.TempDir(), "sage-deploy")
	if output, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	kills := 0
	for done := false; !done; {
		if kills > 100 {
			t.Fatal("no progress")
		}
		most := 1500 // milliseconds; at first too few for all of it, however fast the machine
		if kills < 5 {
			most = 200
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+rand.IntN(most))*time.Millisecond)
		if kills >= 15 {
			ctx = t.Context()
		}
		var output bytes.Buffer
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Stdout, cmd.Stderr = &output, &output
		err := cmd.Run() // kills by SIGKILL
		killed := ctx.Err() != nil
		cancel()
		switch {
		case err == nil:
			done = true
		case killed:
			kills++
		default:
			t.Fatalf("%v\n%s", err, output.String())
		}
	}
	t.Logf("killed %d times", kills)
	if kills < 5 {
		t.Errorf("the command was killed only %d times", kills)
	}
	addresses, err := chain.LoadAddresses(out(args))
	if err != nil {
		t.Fatal(err)
	}
	c, err := chain.Dial(t.Context(), d.URL(), chain.Options{Poll: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := deploy.Inspect(t.Context(), c, addresses)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := deploy.Defaults(deploy.Devnet)
	if err != nil || r.Faucet.Balance != cfg.Faucet.Funding {
		t.Error(r.Faucet, err)
	}
	checkOnce(t, c, addresses)
	if list, err := filepath.Glob(filepath.Join(filepath.Dir(out(args)), "*")); err != nil || len(list) != 2 {
		t.Errorf("files %v, %v", list, err)
	}
}

// checkOnce counts the deployments on the chain, up to its head.
func checkOnce(t *testing.T, c *chain.Client, addresses *chain.Addresses) {
	t.Helper()
	deployed := make(map[chain.Felt]int)
	refills := 0
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	for e, err := range c.Events(ctx, chain.EventFilter{Keys: [][]chain.Felt{{chain.Selector("ContractDeployed"), faucet.SelectorRefilled}}}) {
		if errors.Is(err, context.DeadlineExceeded) { // the stream waits at the head
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.From == chain.Deployer() {
			deployed[e.Data[0]]++
		} else {
			refills++
		}
	}
	for name, contract := range addresses.Contracts {
		if deployed[contract.Address] != 1 {
			t.Errorf("%s was deployed %d times", name, deployed[contract.Address])
		}
	}
	if len(deployed) != 9 || refills != 1 {
		t.Errorf("%d contracts, %d refills", len(deployed), refills)
	}
}
