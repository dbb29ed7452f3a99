package wallet

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// killPath names, in the environment of a child process, the file to rewrite.
const killPath = "BITSAGE_WALLET_KILL_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(killPath); path != "" {
		rewriteForever(path)
	}
	os.Exit(m.Run())
}

// killKey returns one of two keys.
func killKey(i int) *Key { return must(NewKey(append(make([]byte, 31), byte(1+i%2)))) }

// rewriteForever replaces the file by one with the other key, again and again, and
// writes a line for each round.
func rewriteForever(path string) {
	for i := 0; ; i++ {
		err := SaveKey(path, killKey(i), password, SaveOptions{Scrypt: cheap, Overwrite: true})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
		fmt.Println(i)
	}
}

// TestKill kills a process 50 times while it rewrites a keystore. What is left
// must always open, to one key or the other, with mode 0600.
func TestKill(t *testing.T) {
	seed := time.Now().UnixNano()
	rng := rand.New(rand.NewPCG(uint64(seed), 0))
	path := tempFile(t)
	found := make(map[string]int)
	for i := range 50 {
		delay := time.Duration(rng.IntN(20000)) * time.Microsecond
		killWriter(t, path, delay)
		key, err := LoadKey(path, password)
		require.NoError(t, err, "kill %d after %v (seed %d)", i, delay, seed)
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("kill %d: %v, %v", i, info.Mode(), err)
		}
		found[key.String()]++
	}
	for i := range 2 {
		delete(found, killKey(i).String())
	}
	if len(found) != 0 {
		t.Errorf("the file held other keys: %v", found)
	}
	left := must(filepath.Glob(filepath.Join(filepath.Dir(path), ".*.tmp")))
	t.Logf("50 kills, %d of them with a temporary file left", len(left))
}

// killWriter starts a writer, waits until it has written once, and kills it after
// the delay.
func killWriter(t *testing.T, path string, delay time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Error("the writer wrote nothing")
	}
	go func() {
		for lines.Scan() { // so that the writer never waits for us
		}
	}()
	time.Sleep(delay)
	assert.NoError(t, cmd.Process.Kill())
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Errorf("the writer ended by itself: %v", err)
	}
}
