package main

import (
	"bytes"
	"context"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/bitsage/bitsage/wallet"
)

// file writes a file of mode 0600 and returns its path.
func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// command runs the command with a text as standard input.
func sageDeploy(t *testing.T, ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	in, err := os.Open(file(t, "stdin", stdin))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out, diag bytes.Buffer
	code = run(ctx, args, in, &out, &diag)
	return code, out.String(), diag.String()
}

func keystore(t *testing.T, key *wallet.Key) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "account.json")
	if err := wallet.SaveKey(path, key, []byte("secret"), wallet.SaveOptions{Scrypt: wallet.Scrypt{N: 1 << 12, R: 8, P: 1}}); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsage(t *testing.T) {
	t.Setenv("STARKNET_RPC", "")
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.NotFound(w, nil)
	}))
	defer server.Close()
	keys := keystore(t, wallet.GenerateKey())
	who := []string{"--rpc", server.URL, "--keystore", keys, "--account", "0x123"}
	with := func(args ...string) []string { return append(args, who...) }
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"nothing", nil, "--rpc is missing"},
		{"no network", who, "--network is missing"},
		{"no keystore", []string{"--network", "devnet", "--rpc", server.URL, "--account", "0x1"}, "--keystore is missing"},
		{"no account", []string{"--network", "devnet", "--rpc", server.URL, "--keystore", keys}, "--account is missing"},
		{"unknown network", with("--network", "testnet"), "unknown network"},
		{"unknown flag", with("--password", "secret"), "-password"},
		{"an argument", append(with("--network", "devnet"), "now"), `unexpected argument "now"`},
		{"verify with more", []string{"--verify", "--rpc", server.URL, "--keystore", keys}, "--keystore has no meaning"},
		{"mainnet without owner", with("--network", "mainnet"), "name the owner"},
		{"mainnet without confirmation", with("--network", "mainnet", "--config", file(t, "c.json", `{"owner": "0x5", "supply_recipient": "0x6"}`)), "--yes"},
		{"a faucet that cannot be funded", with("--network", "mainnet", "--yes", "--config",
			file(t, "c.json", `{"owner": "0x5", "supply_recipient": "0x6", "faucet": {"cap": "5000", "funding": "1"}}`)), "cannot be funded"},
		{"a config of another network", with("--network", "sepolia", "--config", file(t, "c.json", `{"network": "devnet"}`)), "--network is sepolia"},
		{"a config with another field", with("--network", "sepolia", "--config", file(t, "c.json", `{"supplies": "1"}`)), "supplies"},
		{"a config that is none", with("--network", "sepolia", "--config", file(t, "c.json", `[]`)), "c.json"},
		{"a bad amount", with("--network", "sepolia", "--config", file(t, "c.json", `{"supply": "1e9"}`)), "an amount is written as"},
		{"a short epoch", with("--network", "sepolia", "--config", file(t, "c.json", `{"epoch_length": 59}`)), "epoch length"},
		{"no address", append(with("--network", "sepolia"), "--account", "0x0"), "no address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := sageDeploy(t, t.Context(), "secret", test.args...)
			if code != exitUsage || !strings.Contains(stderr, test.want) || !strings.Contains(stderr, "--help") || stdout != "" {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
		})
	}
	if asked.Load() != 0 {
		t.Errorf("the node was asked %d times", asked.Load())
	}
	if code, stdout, _ := sageDeploy(t, t.Context(), "", "--help"); code != exitOK || stdout != usage {
		t.Error(code, stdout)
	}
}

// TestFailures wants exit code 1 for what is no wrong usage, and no secret in what
// is printed.
func TestFailures(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	key := wallet.GenerateKey()
	keys := keystore(t, key)
	public := file(t, "public", "secret")
	if err := os.Chmod(public, 0o644); err != nil {
		t.Fatal(err)
	}
	base := []string{"--network", "sepolia", "--rpc", server.URL + "/apikey", "--keystore", keys, "--account", "0x123"}
	for _, test := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"wrong password", "wrong", base, "wrong password"},
		{"no password", "", base, "the password is empty"},
		{"a password file for all", "", append(base, "--password-file", public), "mode"},
		{"no node", "secret", base, "404"},
		{"no keystore file", "secret", append(base, "--keystore", "missing.json"), "missing.json"},
		{"no config file", "secret", append(base, "--config", "missing.json"), "missing.json"},
		{"no address file", "", []string{"--verify", "--rpc", server.URL, "--out", "missing.json"}, "missing.json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := sageDeploy(t, t.Context(), test.stdin, test.args...)
			if code != exitFailed || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, %q, %q", code, stdout, stderr)
			}
			secret, err := key.Reveal()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{"apikey", "secret", new(big.Int).SetBytes(secret).Text(16)} {
				if strings.Contains(stderr, s) {
					t.Errorf("%q is in %q", s, stderr)
				}
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, _, stderr := sageDeploy(t, ctx, "secret", base...); code != exitInterrupted || !strings.Contains(stderr, "resume") {
		t.Error(code, stderr)
	}
}

func TestSTRK(t *testing.T) {
	for fri, want := range map[int64]string{0: "0.000000", 1e12 - 1: "0.000000", 1e12: "0.000001", 1_500_000_000_000_000_000: "1.500000"} {
		if got := strk(big.NewInt(fri)); got != want {
			t.Errorf("%d: %s, want %s", fri, got, want)
		}
	}
	big20 := new(big.Int).Exp(big.NewInt(10), big.NewInt(20), nil)
	if got := strk(big20); got != "100.000000" {
		t.Error(got)
	}
}
