package ledger

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/calldata"
)

const childFile = "BITSAGE_LEDGER_TEST_FILE"

// TestMain lets the test binary be the process that TestKill kills.
func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		transact(path)
	}
	os.Exit(m.Run())
}

// transact sends payments from all accounts and prints the hash of each that was accepted,
// until it is killed.
func transact(path string) {
	keys, err := SeedAccounts("test", 4)
	exit := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	exit(err)
	l, err := Open(Options{File: path, Accounts: keys})
	exit(err)
	fmt.Println("open")
	var mu sync.Mutex
	for i, k := range keys {
		go func() {
			a := chain.NewAccount(l.Client(), k.Address(), k, chain.FeePolicy{Fixed: generous()})
			data := new(calldata.Encoder).Felt(chain.Uint(0xcafe)).U256(calldata.U256FromUint64(uint64(i + 1))).Felts()
			call := chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: data}
			for {
				hash, err := a.Execute(context.Background(), call)
				exit(err)
				mu.Lock()
				fmt.Println(hash)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKill kills a process that transacts, at random points, and checks that everything
// that it saw accepted is in the file, and that the file is sound.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var acknowledged []string
	for round := range 4 {
		acknowledged = append(acknowledged, killed(t, path, time.Duration(20+random.IntN(150))*time.Millisecond)...)
		n := open(t, Options{File: path})
		for _, line := range acknowledged {
			if r, err := n.c.TransactionReceipt(t.Context(), felt.MustParse(line)); err != nil || r.Reverted {
				t.Fatalf("round %d: transaction %s was accepted: %+v %v", round, line, r, err)
			}
		}
		head, err := n.c.BlockNumber(t.Context())
		if err != nil || head < uint64(len(acknowledged)) {
			t.Fatal(head, err)
		}
		n.supply(t, chain.AtLatest())
		var nonces uint64
		for _, k := range n.keys {
			nonce, err := n.c.Nonce(t.Context(), k.Address(), chain.AtLatest())
			if err != nil {
				t.Fatal(err)
			}
			nonces += nonce
		}
		if nonces != head {
			t.Errorf("%d transactions in %d blocks", nonces, head)
		}
		done(t, n.account(0), pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1)))
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) == 0 {
		t.Error("no transaction was accepted")
	}
	t.Logf("%d transactions in four rounds", len(acknowledged))
}

// killed runs a process that transacts, kills it after a while and returns what it printed.
func killed(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "open\n" {
		t.Fatalf("%q %v: %s", line, err, stderr.String())
	}
	time.AfterFunc(after, func() { cmd.Process.Kill() })
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil { // a line that is cut off was not read by anyone
			break
		}
		lines = append(lines, strings.TrimSpace(line))
	}
	cmd.Wait()
	if stderr.Len() > 0 {
		t.Fatal(stderr.String())
	}
	return lines
}

func TestReopen(t *testing.T) {
	at := &clock{now: time.Unix(1_800_000_000, 0)}
	path := filepath.Join(t.TempDir(), "ledger")
	n := open(t, Options{File: path, ChainID: "SN_REOPEN", Clock: at.time})
	sage, faucet := funded(t, n.account(0))
	r := done(t, n.account(1), claim(faucet))
	before := snapshot(t, n)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.c.BlockNumber(t.Context()); !errors.Is(err, chain.ErrInternal) {
		t.Errorf("a closed ledger: %v", err)
	}
	if _, err := Open(Options{File: path, ChainID: "SN_OTHER"}); err == nil {
		t.Error("the file was opened for another chain")
	}
	n = open(t, Options{File: path, Clock: at.time})
	if n.ChainID() != "SN_REOPEN" {
		t.Errorf("chain %s", n.ChainID())
	}
	if after := snapshot(t, n); after != before {
		t.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
	if got, err := n.c.TransactionReceipt(t.Context(), r.Hash); err != nil || got.Block != r.Block || len(got.Events) != 3 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := n.account(1).Execute(t.Context(), claim(faucet)); err == nil || !strings.Contains(err.Error(), "CLAIM_TOO_SOON") {
		t.Error(err)
	}
	done(t, n.account(2), claim(faucet))
	if got := n.balance(t, sage, n.keys[2].Address(), chain.AtLatest()); got.Cmp(new(big.Int).Rsh(twoClaims, 1)) != 0 {
		t.Error(got)
	}
}

// snapshot is all blocks and their changes as text.
func snapshot(t *testing.T, n *node) string {
	t.Helper()
	head, err := n.c.BlockNumber(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i := range head + 1 {
		for _, method := range []string{"starknet_getBlockWithReceipts", "starknet_getStateUpdate"} {
			fmt.Fprintf(&b, "%s\n", n.serve(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":1,"method":"%s","params":[{"block_number":%d}]}`, method, i)))
		}
	}
	return b.String()
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	open(t, Options{File: path})
	start := time.Now()
	if _, err := Open(Options{File: path}); !errors.Is(err, ErrLocked) || time.Since(start) > 5*lockTimeout {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// TestDamage changes a file in ways that a disk would not tell.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*bolt.Tx) error
	}{
		{"another amount", func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketBlocks)
			body := strings.Replace(string(b.Get(blockKey(1))), `"0xcafe"`, `"0xcaff"`, 1)
			return b.Put(blockKey(1), []byte(body))
		}},
		{"another amount in the last block", func(tx *bolt.Tx) error {
			b := tx.Bucket(bucketBlocks)
			body := strings.Replace(string(b.Get(blockKey(2))), `"0xcafe"`, `"0xcaff"`, 1)
			return b.Put(blockKey(2), []byte(body))
		}},
		{"a short block", func(tx *bolt.Tx) error { return tx.Bucket(bucketBlocks).Put(blockKey(2), []byte("short")) }},
		{"a missing block", func(tx *bolt.Tx) error { return tx.Bucket(bucketBlocks).Delete(blockKey(1)) }},
		{"no JSON", func(tx *bolt.Tx) error { return tx.Bucket(bucketBlocks).Put(blockKey(2), []byte("{")) }},
		{"another chain", func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Put(keyChain, []byte("SN_OTHER")) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger")
			n := open(t, Options{File: path})
			for range 2 {
				done(t, n.account(0), pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(1)))
			}
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(c.change); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(Options{File: path}); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%v", err)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{File: path}); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}
