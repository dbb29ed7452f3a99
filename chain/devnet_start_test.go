//go:build devnet

package chain

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/wallet"
)

// These tests speak with a real starknet-devnet:
//
//	go test -tags devnet -timeout 90m -run Devnet ./chain
//
// The binary is taken from PATH or cargo's folder; if it is not there, cargo builds
// it, which takes 20 to 40 minutes. Without cargo, or with a binary of another
// version, the tests fail.
const devnetVersion = "0.10.1"

// devnetBinary finds or builds starknet-devnet.
func devnetBinary(t *testing.T) string {
	t.Helper()
	path := findDevnet(t)
	if out, err := exec.Command(path, "--version").Output(); err != nil || !strings.Contains(string(out), devnetVersion) {
		t.Fatalf("%s has version %q, want %s: %v", path, out, devnetVersion, err)
	}
	return path
}

func findDevnet(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("starknet-devnet"); err == nil {
		return path
	}
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(home, ".cargo", "bin", "starknet-devnet")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("cargo", "install", "starknet-devnet", "--version", devnetVersion, "--locked")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("starknet-devnet is not installed, and cargo cannot: %v", err)
	}
	return path
}

// devnet is a running devnet.
type devnet struct {
	*Client
	accounts []devnetAccount
}

type devnetAccount struct {
	address Felt
	signer  *wallet.Key
}

// startDevnet runs a devnet on a free port until the test ends.
func startDevnet(t *testing.T, args ...string) *devnet {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	cmd := exec.Command(devnetBinary(t), append([]string{"--host", "127.0.0.1", "--port", port, "--seed", "7", "--accounts", "6", "--state-archive-capacity", "full"}, args...)...)
	log, err := os.Create(filepath.Join(t.TempDir(), "devnet.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
		if t.Failed() {
			data, _ := os.ReadFile(log.Name())
			t.Logf("devnet: %s", data[max(0, len(data)-4000):])
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		c, err := Dial(ctx, "http://127.0.0.1:"+port+"/rpc", Options{ChainID: "SN_SEPOLIA", Poll: 20 * time.Millisecond})
		if err == nil {
			t.Cleanup(c.Close)
			return &devnet{c, predeployed(t, c)}
		}
		if sleep(ctx, 50*time.Millisecond) != nil {
			t.Fatal(err)
		}
	}
}

func predeployed(t *testing.T, c *Client) []devnetAccount {
	t.Helper()
	var list []struct {
		Address wireFelt `json:"address"`
		Private string   `json:"private_key"`
	}
	if err := c.Do(t.Context(), "devnet_getPredeployedAccounts", map[string]any{}, &list); err != nil {
		t.Fatal(err)
	}
	var out []devnetAccount
	for _, a := range list {
		key, err := wallet.ParseKey(a.Private)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, devnetAccount{Felt(a.Address), key})
	}
	if len(out) != 6 {
		t.Fatalf("%d accounts", len(out))
	}
	return out
}

func (d *devnet) account(i int) *Account {
	return NewAccount(d.Client, d.accounts[i].address, d.accounts[i].signer, FeePolicy{})
}
