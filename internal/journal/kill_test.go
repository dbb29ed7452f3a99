package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/randtest"
)

// killPath names, in the environment of a child process, the journal to fill.
const killPath = "BITSAGE_JOURNAL_KILL_PATH"

func TestMain(m *testing.M) {
	if path := os.Getenv(killPath); path != "" {
		if err := fill(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// fill appends from two goroutines, now and then rewrites the journal, and prints
// the number of each record after Sync has acknowledged it. The data of record n
// is n and bytes that follow from it.
func fill(path string) error {
	j, err := Open(path, Options{})
	if err != nil {
		return err
	}
	var order sync.Mutex // the data depends on the number
	var wg sync.WaitGroup
	failed := make(chan error, 2)
	for range 2 {
		wg.Go(func() {
			for {
				order.Lock()
				seq, err := j.Append(1, numbered(j.next))
				if err == nil && seq%64 == 0 {
					err = j.Sync()
					if err == nil {
						err = j.Rewrite(lastRecords(j))
					}
				}
				order.Unlock()
				if err == nil {
					err = j.Sync()
				}
				if err != nil {
					failed <- err
					return
				}
				fmt.Println(seq)
			}
		})
	}
	return <-failed
}

// numbered returns the data of the record with a number.
func numbered(seq uint64) []byte {
	rng := rand.New(rand.NewPCG(seq, 0))
	data := binary.BigEndian.AppendUint64(nil, seq)
	for range rng.IntN(1500) {
		data = append(data, byte(rng.Uint32()))
	}
	return data
}

// lastRecords yields the last 40 records, by their own data.
func lastRecords(j *Journal) func(func(byte, []byte) bool) {
	var records []Record
	for r, err := range j.Records() {
		if err != nil {
			return func(func(byte, []byte) bool) {}
		}
		records = append(records, r)
	}
	if len(records) > 40 {
		records = records[len(records)-40:]
	}
	return func(yield func(byte, []byte) bool) {
		for _, r := range records {
			if !yield(r.Type, r.Data) {
				return
			}
		}
	}
}

// TestKill kills a process again and again while it appends. Every record that it
// had acknowledged, as far as the last rewriting keeps it, must be in the journal.
func TestKill(t *testing.T) {
	rng := randtest.New(t)
	path := filepath.Join(t.TempDir(), "votes")
	j, err := Create(path, Options{})
	require.NoError(t, err)
	require.NoError(t, j.Close())
	torn, total := 0, 0
	for i := range 40 {
		acked := killFiller(t, path, time.Duration(rng.IntN(30000))*time.Microsecond)
		j, err := Open(path, Options{})
		require.NoError(t, err, "kill %d", i)
		if j.Repaired() != 0 {
			torn++
		}
		total += len(acked)
		found := make(map[uint64]bool)
		var oldest uint64
		for r, err := range j.Records() {
			require.NoError(t, err)
			seq := binary.BigEndian.Uint64(r.Data)
			if oldest == 0 {
				oldest = seq
			}
			if found[seq] || string(r.Data) != string(numbered(seq)) {
				t.Fatalf("kill %d: record %d holds other data", i, r.Seq)
			}
			found[seq] = true
		}
		for _, seq := range acked {
			if seq >= oldest && !found[seq] {
				t.Fatalf("kill %d: record %d was acknowledged and is lost", i, seq)
			}
		}
		if len(acked) > 0 && oldest > acked[len(acked)-1] {
			t.Fatalf("kill %d: the journal begins at %d, after the last acknowledged record", i, oldest)
		}
		require.NoError(t, j.Close())
	}
	t.Logf("%d records acknowledged before 40 kills, %d torn tails", total, torn)
}

// killFiller starts a process that fills the journal, kills it some time after its
// first record, and returns the numbers that it had acknowledged.
func killFiller(t *testing.T, path string, delay time.Duration) []uint64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killPath+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var acked []uint64
	started := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		once := sync.OnceFunc(func() { close(started) })
		defer once()
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return // a line without its end counts for nothing
			}
			if seq, err := strconv.ParseUint(line[:len(line)-1], 10, 64); err == nil {
				acked = append(acked, seq)
			}
			once()
		}
	}()
	<-started
	time.Sleep(delay)
	assert.NoError(t, cmd.Process.Kill())
	<-done
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != -1 {
		t.Errorf("the process ended by itself: %v", err)
	}
	if len(acked) == 0 {
		t.Error("the process acknowledged nothing")
	}
	return acked
}
