package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/randtest"
)

// create returns a new journal that closes with the test.
func create(t *testing.T, o Options) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "votes")
	j, err := Create(path, o)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j, path
}

// put appends records and syncs them as one batch.
func put(t *testing.T, j *Journal, data ...string) {
	t.Helper()
	for _, d := range data {
		if _, err := j.Append(byte(len(d)), []byte(d)); err != nil {
			t.Fatal(err)
		}
	}
	require.NoError(t, j.Sync())
}

// contents returns the data of all records and checks their numbers and types.
func contents(t *testing.T, j *Journal) []string {
	t.Helper()
	var got []string
	var last uint64
	for r, err := range j.Records() {
		require.NoError(t, err)
		if last != 0 && r.Seq != last+1 {
			t.Errorf("record %d after %d", r.Seq, last)
		}
		if r.Type != byte(len(r.Data)) {
			t.Errorf("record %d has type %d", r.Seq, r.Type)
		}
		last = r.Seq
		got = append(got, string(r.Data))
	}
	return got
}

func reopen(t *testing.T, j *Journal, path string) *Journal {
	t.Helper()
	require.NoError(t, j.Close())
	j, err := Open(path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j
}

func TestAppend(t *testing.T) {
	j, path := create(t, Options{})
	if got := contents(t, j); len(got) != 0 {
		t.Errorf("a new journal holds %q", got)
	}
	want := []string{"one", "", "three", string(make([]byte, 200))}
	put(t, j, want[0])
	put(t, j, want[1:]...)
	if got := contents(t, j); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	j = reopen(t, j, path)
	if got := contents(t, j); !slices.Equal(got, want) || j.Repaired() != 0 {
		t.Errorf("reopened: %q, repaired %d; want %q", got, j.Repaired(), want)
	}
	seq, err := j.Append(4, []byte("more"))
	if err != nil || seq != 5 {
		t.Errorf("appended record %d, %v", seq, err)
	}
	if got := contents(t, j); !slices.Equal(got, want) {
		t.Errorf("a record is visible before Sync: %q", got)
	}
	j = reopen(t, j, path) // Close syncs
	if got := contents(t, j); !slices.Equal(got, append(want, "more")) {
		t.Errorf("after Close: %q", got)
	}
	for range j.Records() {
		break // an iteration may end early
	}
}

func TestErrors(t *testing.T) {
	j, path := create(t, Options{MaxRecord: 10, MaxSize: headSize + 3*(frameSize+10)})
	if _, err := Create(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("creating an open journal: %v", err)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("opening an open journal: %v", err)
	}
	if _, err := j.Append(1, make([]byte, 11)); !errors.Is(err, ErrRecordSize) {
		t.Errorf("a large record: %v", err)
	}
	for range 3 {
		if _, err := j.Append(1, make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := j.Append(1, nil); !errors.Is(err, ErrFull) {
		t.Errorf("a full journal: %v", err)
	}
	require.NoError(t, j.Close())
	assert.ErrorIs(t, j.Close(), ErrClosed, "closing twice")
	if _, err := j.Append(1, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("appending to a closed journal: %v", err)
	}
	assert.ErrorIs(t, j.Sync(), ErrClosed, "syncing a closed journal")
	assert.ErrorIs(t, j.Rewrite(nil), ErrClosed, "rewriting a closed journal")
	for _, err := range j.Records() {
		assert.ErrorIs(t, err, ErrClosed, "reading a closed journal")
	}
	if _, err := Create(path, Options{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating an existing journal: %v", err)
	}
	if _, err := Open(path, Options{MaxSize: 50}); !errors.Is(err, ErrFull) {
		t.Errorf("opening a large journal: %v", err)
	}
	if _, err := Open(path+"2", Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening no journal: %v", err)
	}
	if _, err := os.Stat(path + "2.lock"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a lock file of no journal: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestRewrite(t *testing.T) {
	j, path := create(t, Options{MaxRecord: 10})
	put(t, j, "a", "bb", "ccc")
	if _, err := j.Append(1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	err := j.Rewrite(func(yield func(byte, []byte) bool) { yield(11, make([]byte, 11)) })
	assert.ErrorIs(t, err, ErrRecordSize, "rewriting with a large record")
	keep := func(yield func(byte, []byte) bool) {
		_ = yield(2, []byte("bb")) && yield(4, []byte("dddd"))
	}
	require.NoError(t, j.Rewrite(keep))
	put(t, j, "e")
	want := []string{"bb", "dddd", "e"}
	if got := contents(t, j); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := Open(path, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("the lock after Rewrite: %v", err)
	}
	j = reopen(t, j, path)
	if got := contents(t, j); !slices.Equal(got, want) {
		t.Errorf("reopened: got %q, want %q", got, want)
	}
	for r := range j.Records() {
		if r.Seq != 5 {
			t.Errorf("numbers begin at %d, want 5", r.Seq)
		}
		break
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestGroupCommit appends from many goroutines, which must share writes.
func TestGroupCommit(t *testing.T) {
	j, path := create(t, Options{})
	slow := &hooked{disk: j.file, gate: make(chan struct{})}
	j.file = slow
	const callers, each = 32, 20
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				d := fmt.Sprintf("%d-%d", c, i)
				if _, err := j.Append(byte(len(d)), []byte(d)); err != nil {
					t.Error(err)
				}
				assert.NoError(t, j.Sync())
			}
		})
	}
	// The first Sync stands still until all callers have appended something, so at
	// least the second one is shared by the others.
	for {
		j.mu.Lock()
		next := j.next
		j.mu.Unlock()
		if next > callers {
			break
		}
	}
	close(slow.gate)
	wg.Wait()
	if j.syncs > callers*each-callers+2 {
		t.Errorf("%d syncs for %d records", j.syncs, callers*each)
	}
	got := contents(t, reopen(t, j, path))
	slices.Sort(got)
	if len(got) != callers*each || len(slices.Compact(got)) != callers*each {
		t.Errorf("%d records of %d", len(got), callers*each)
	}
	t.Logf("%d records of %d callers by %d syncs", len(got), callers, j.syncs)
}

// hooked is a disk on which things go wrong.
type hooked struct {
	disk
	gate     chan struct{} // Sync waits for it
	writeErr error
	syncErr  error
}

func (h *hooked) Write(b []byte) (int, error) {
	if h.writeErr != nil {
		n, _ := h.disk.Write(b[:len(b)/2])
		return n, h.writeErr
	}
	return h.disk.Write(b)
}

func (h *hooked) Sync() error {
	if h.gate != nil {
		<-h.gate
	}
	if h.syncErr != nil {
		return h.syncErr
	}
	return h.disk.Sync()
}

// TestFailure checks that nothing is acknowledged after a failed write or sync,
// and that the next Open finds what was acknowledged before.
func TestFailure(t *testing.T) {
	cause := errors.New("broken")
	for name, h := range map[string]*hooked{"write": {writeErr: cause}, "sync": {syncErr: cause}} {
		t.Run(name, func(t *testing.T) {
			j, path := create(t, Options{})
			put(t, j, "kept")
			h.disk = j.file
			j.file = h
			if _, err := j.Append(1, []byte("lost or not")); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := j.Sync(); !errors.Is(err, ErrFailed) || !errors.Is(err, cause) {
					t.Errorf("Sync: %v", err)
				}
			}
			if _, err := j.Append(1, nil); !errors.Is(err, ErrFailed) {
				t.Errorf("Append: %v", err)
			}
			assert.ErrorIs(t, j.Rewrite(nil), ErrFailed, "Rewrite")
			assert.ErrorIs(t, j.Close(), ErrFailed, "Close")
			j, err := Open(path, Options{})
			require.NoError(t, err)
			defer j.Close()
			for r, err := range j.Records() {
				if err != nil || string(r.Data) != "kept" {
					t.Errorf("%q, %v", r.Data, err)
				}
				break
			}
		})
	}
}

// sample returns a journal's file of several batches, with the offset at which
// each record ends.
func sample(t *testing.T) (file []byte, ends []int) {
	t.Helper()
	j, path := create(t, Options{})
	rng := randtest.New(t)
	for _, batch := range []int{1, 3, 1, 2} {
		var data []string
		for range batch {
			b := make([]byte, rng.IntN(60))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			data = append(data, string(b))
		}
		put(t, j, data...)
	}
	for r := range j.Records() {
		end := headSize
		if len(ends) > 0 {
			end = ends[len(ends)-1]
		}
		ends = append(ends, end+frameSize+len(r.Data))
	}
	require.NoError(t, j.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	if len(ends) != 7 || ends[6] != len(file) {
		t.Fatalf("records end at %v of %d bytes", ends, len(file))
	}
	return file, ends
}

// openBytes opens a file with the given contents and returns its records.
func openBytes(t *testing.T, data []byte) ([]string, int64, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "votes")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	j, err := Open(path, Options{})
	if err != nil {
		return nil, 0, err
	}
	defer j.Close()
	repaired := j.Repaired()
	var got []string
	for r, err := range j.Records() {
		require.NoError(t, err)
		got = append(got, string(r.Data))
	}
	// What was repaired stays so, and the journal goes on.
	if seq, err := j.Append(0, []byte("next")); err != nil || seq != uint64(len(got)+1) {
		t.Errorf("after repair: record %d, %v", seq, err)
	}
	assert.NoError(t, j.Sync())
	n := 0
	for _, err := range j.Records() {
		assert.NoError(t, err)
		n++
	}
	if n != len(got)+1 {
		t.Errorf("%d records after one more than %d", n, len(got))
	}
	return got, repaired, nil
}

// TestTruncation cuts a journal at every byte: the records before the cut must be
// there, and a head that is cut must be refused.
func TestTruncation(t *testing.T) {
	file, ends := sample(t)
	for cut := range len(file) + 1 {
		got, repaired, err := openBytes(t, file[:cut])
		if cut < headSize {
			assert.ErrorIs(t, err, ErrDamaged, "cut at %d, in the head", cut)
			continue
		}
		whole, good := 0, headSize
		for _, end := range ends {
			if end <= cut {
				whole, good = whole+1, end
			}
		}
		if err != nil || len(got) != whole || repaired != int64(cut-good) {
			t.Errorf("cut at %d: %d records, repaired %d, %v; want %d records, repaired %d", cut, len(got), repaired, err, whole, cut-good)
		}
	}
}

// TestFlippedBits flips one bit in every byte: all of it must be refused, at the
// offset of the record, since no crash flips bits.
func TestFlippedBits(t *testing.T) {
	file, ends := sample(t)
	for i := range file {
		bad := bytes.Clone(file)
		bad[i] ^= 1 << (i % 8)
		start := 0
		if i >= headSize {
			start = headSize
		}
		for _, end := range ends {
			if end <= i {
				start = end
			}
		}
		_, _, err := openBytes(t, bad)
		var damage *DamageError
		if !errors.As(err, &damage) || !errors.Is(err, ErrDamaged) || damage.Offset != int64(start) {
			t.Errorf("a bit of byte %d: %v, want damage at %d", i, err, start)
		}
	}
}

// TestLostBlocks blanks every block of a file in turn, as a power failure does to
// blocks of an unfinished batch. In the last batch this is a torn tail; before it,
// damage.
func TestLostBlocks(t *testing.T) {
	big := func(n int) string { return string(bytes.Repeat([]byte{0xaa}, n)) }
	j, path := create(t, Options{})
	put(t, j, big(700))
	put(t, j, big(1100), "small")
	j.mu.Lock()
	synced := int(j.written)
	j.mu.Unlock()
	put(t, j, big(300), big(600), big(50), big(900))
	require.NoError(t, j.Close())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	torn, damaged := 0, 0
	for b := 0; b < len(file); b += blockSize {
		for _, extra := range []int{0, 700} { // a file may have grown further
			bad := append(bytes.Clone(file), make([]byte, extra)...)
			from, to := max(b, headSize), min(b+blockSize, len(file))
			lastBatch := b >= synced
			if b < synced && to > synced { // the block with the end of what was synced: only new bytes can be lost
				from, lastBatch = synced, true
			}
			clear(bad[from:to])
			got, repaired, err := openBytes(t, bad)
			switch {
			case !lastBatch && extra == 0 && errors.Is(err, ErrDamaged), !lastBatch && extra != 0 && errors.Is(err, ErrDamaged):
				damaged++
			case lastBatch && err == nil && len(got) >= 3 && repaired > 0:
				torn++
			default:
				t.Errorf("block at %d of %d, %d grown: %d records, repaired %d, %v", b, len(file), extra, len(got), repaired, err)
			}
		}
	}
	if torn < 6 || damaged < 4 {
		t.Errorf("%d torn, %d damaged: too few cases", torn, damaged)
	}
}

func TestNotAJournal(t *testing.T) {
	file, _ := sample(t)
	for name, data := range map[string][]byte{
		"empty":         {},
		"other magic":   append([]byte("BSJOURN\x02"), file[8:]...),
		"zeros":         make([]byte, 4096),
		"repeated":      append(bytes.Clone(file), file[headSize:]...),
		"record absent": append(bytes.Clone(file[:headSize]), file[headSize+frameSize+int(file[headSize+3]):]...),
	} {
		if _, _, err := openBytes(t, data); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Zeros after the last record are a file that had grown before the crash.
	got, repaired, err := openBytes(t, append(bytes.Clone(file), make([]byte, 100)...))
	if err != nil || len(got) != 7 || repaired != 100 {
		t.Errorf("zeros at the end: %d records, repaired %d, %v", len(got), repaired, err)
	}
}

// FuzzParse checks of any file that what is read is what was written there.
func FuzzParse(f *testing.F) {
	one := appendRecord(appendHead(nil, 7), Record{7, 1, []byte("seven")}, 0)
	two := appendRecord(one, Record{8, 2, nil}, 1)
	for _, seed := range [][]byte{nil, one, two, two[:len(two)-3], append(one, make([]byte, 600)...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		var records []Record
		next, good, err := parse(file, func(r Record) bool {
			records = append(records, r)
			return true
		})
		if err != nil {
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Offset > int64(len(file)) {
				t.Errorf("%v", err)
			}
			if good == 0 {
				return
			}
		}
		first := next - uint64(len(records))
		again := appendHead(nil, first)
		for i, r := range records {
			if r.Seq != first+uint64(i) {
				t.Errorf("record %d has number %d", i, r.Seq)
			}
			start := len(again)
			again = appendRecord(again, r, 0)
			copy(again[start+13:start+17], file[start+13:start+17]) // the place in the batch
			copy(again[start+21:start+25], file[start+21:start+25])
		}
		if int64(len(again)) != good || !bytes.Equal(again, file[:good]) {
			t.Error("another file has the same records")
		}
		if _, end, err := parse(file[:good], func(Record) bool { return true }); err != nil || end != good {
			t.Errorf("the good part of a journal is not good: %d of %d, %v", end, good, err)
		}
	})
}

func BenchmarkSync(b *testing.B) {
	j, err := Create(filepath.Join(b.TempDir(), "votes"), Options{MaxSize: 1 << 40})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	data := make([]byte, 41)
	for b.Loop() {
		if _, err := j.Append(1, data); err != nil {
			b.Fatal(err)
		}
		if err := j.Sync(); err != nil {
			b.Fatal(err)
		}
	}
}
