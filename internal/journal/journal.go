// Package journal is an append-only log of records that survives crashes: what
// Sync has acknowledged is there when the journal is opened again, whatever
// happened to the process or the machine in between, as long as the disk keeps
// what it acknowledged.
//
// Open repairs a torn tail, which is what a crash leaves of records that were
// never acknowledged, and refuses a journal that is damaged in any other way.
// Records carry checksums against accidents, not against someone who can write
// the file.
package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math"
	"os"
	"sync"

	"github.com/bitsage/bitsage/internal/atomicfile"
)

// The limits that apply where Options has zeros.
const (
	DefaultMaxRecord = 1 << 20   // 1 MiB
	DefaultMaxSize   = 256 << 20 // 256 MiB
)

var (
	// ErrLocked means that the journal is open already, here or in another process.
	ErrLocked = errors.New("journal: open in another process")
	// ErrRecordSize means that a record's data is longer than Options.MaxRecord.
	ErrRecordSize = errors.New("journal: the record is too large")
	// ErrFull means that the file would become larger than Options.MaxSize.
	// Rewrite makes room.
	ErrFull = errors.New("journal: full")
	// ErrClosed means that the journal was closed.
	ErrClosed = errors.New("journal: closed")
	// ErrFailed means that an earlier write failed. What of it reached the disk is
	// unknown until the journal is opened again, so it takes no more records.
	ErrFailed = errors.New("journal: an earlier write failed")
)

// Options bounds a journal. The zero value stands for the defaults.
type Options struct {
	MaxRecord int   // bytes of a record's data; zero means DefaultMaxRecord
	MaxSize   int64 // bytes of the file, which Open and Records read into memory; zero means DefaultMaxSize
}

func (o Options) withDefaults() Options {
	if o.MaxRecord == 0 {
		o.MaxRecord = DefaultMaxRecord
	}
	if o.MaxSize == 0 {
		o.MaxSize = DefaultMaxSize
	}
	return o
}

// disk is what a journal needs of its file.
type disk interface {
	io.Writer
	io.ReaderAt
	Sync() error
	Close() error
}

// Journal is an open journal. Its methods may be called by several goroutines at
// once.
type Journal struct {
	path     string
	options  Options
	lock     io.Closer
	repaired int64

	mu      sync.Mutex
	wake    sync.Cond // a Sync has ended
	file    disk
	size    int64  // of the file, with what is pending
	written int64  // of the file on the disk
	next    uint64 // number of the next record
	durable uint64 // number of the first record that is not on the disk
	first   uint64 // number of the first pending record
	pending []byte // encoded records that Sync has not taken yet
	spare   []byte
	syncing bool
	syncs   int // how often the file was synced
	err     error
}

// Create makes an empty journal, which is on the disk when it returns. It fails
// with an error that matches fs.ErrExist if there is a file of that name, and
// with ErrLocked. Beside the journal it leaves a lock file, PATH.lock.
func Create(path string, o Options) (*Journal, error) {
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		return nil, errors.Join(err, lock.Close())
	}
	if err := atomicfile.Write(path, appendHead(nil, 1), 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return open(path, o, lock)
}

// Open opens a journal and repairs a torn tail: see Repaired. It fails with an
// error that matches fs.ErrNotExist if there is none, with ErrLocked, with a
// *DamageError that matches ErrDamaged, or with ErrFull if the file is larger
// than Options.MaxSize.
func Open(path string, o Options) (*Journal, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	lock, err := acquire(path + ".lock")
	if err != nil {
		return nil, err
	}
	return open(path, o, lock)
}

func open(path string, o Options, lock io.Closer) (*Journal, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	j := &Journal{path: path, options: o.withDefaults(), lock: lock, file: file}
	j.wake.L = &j.mu
	if err := j.load(file); err != nil {
		return nil, errors.Join(err, file.Close(), lock.Close())
	}
	return j, nil
}

// load checks the file, cuts off a torn tail and goes to the end.
func (j *Journal) load(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > j.options.MaxSize {
		return ErrFull
	}
	data, err := readAll(file, info.Size())
	if err != nil {
		return err
	}
	next, good, err := parse(data, func(Record) bool { return true })
	if err != nil {
		return err
	}
	j.next, j.durable, j.first, j.size, j.written = next, next, next, good, good
	j.repaired = info.Size() - good
	if j.repaired != 0 {
		if err := file.Truncate(good); err != nil {
			return err
		}
	}
	// What an earlier process wrote and did not sync may be in the system's cache
	// alone; from here on it counts as acknowledged.
	if err := file.Sync(); err != nil {
		return err
	}
	_, err = file.Seek(good, io.SeekStart)
	return err
}

func readAll(file io.ReaderAt, size int64) ([]byte, error) {
	data := make([]byte, size)
	if _, err := file.ReadAt(data, 0); err != nil {
		return nil, err
	}
	return data, nil
}

// Repaired returns the number of bytes that Open cut off because a crash had left
// them incomplete. They belonged to records that were never acknowledged.
func (j *Journal) Repaired() int64 { return j.repaired }

// Append adds a record and returns its number. The record is not on the disk
// before a later Sync has returned. It copies data, and fails with ErrRecordSize,
// ErrFull, ErrClosed or ErrFailed.
func (j *Journal) Append(typ byte, data []byte) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	size := frameSize + int64(len(data))
	switch {
	case j.err != nil:
		return 0, j.err
	case len(data) > j.options.MaxRecord || uint64(len(data)) > math.MaxUint32:
		return 0, ErrRecordSize
	case j.size+size > j.options.MaxSize:
		return 0, ErrFull
	}
	seq := j.next
	j.pending = appendRecord(j.pending, Record{seq, typ, data}, uint32(seq-j.first))
	j.next++
	j.size += size
	return seq, nil
}

// Sync returns once all records appended before the call are on the disk. Callers
// that wait at the same time share one write. After an error, which matches
// ErrFailed or ErrClosed, none of those records may be relied on.
func (j *Journal) Sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	target := j.next
	for j.durable < target && j.err == nil {
		if j.syncing {
			j.wake.Wait()
			continue
		}
		j.flush()
	}
	return j.err
}

// flush writes what is pending, without holding the lock meanwhile.
func (j *Journal) flush() {
	batch, size, next := j.pending, j.size, j.next
	j.pending, j.first = j.spare[:0], next
	j.syncing = true
	j.mu.Unlock()
	_, err := j.file.Write(batch)
	if err == nil {
		err = j.file.Sync()
	}
	j.mu.Lock()
	j.syncing, j.spare = false, batch
	j.syncs++
	if err != nil {
		j.err = fmt.Errorf("%w: %w", ErrFailed, err)
	} else {
		j.written, j.durable = size, next
	}
	j.wake.Broadcast()
}

// Records returns the records that are on the disk, in order. It reads the file
// once, when the iteration begins; what is appended later is not in it. The data
// may be kept.
func (j *Journal) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		j.mu.Lock()
		data, err := []byte(nil), j.err
		if err == nil {
			data, err = readAll(j.file, j.written)
		}
		j.mu.Unlock()
		if err == nil {
			_, _, err = parse(data, func(r Record) bool { return yield(r, nil) })
		}
		if err != nil {
			yield(Record{}, err)
		}
	}
}

// Rewrite replaces all records, pending ones too, by others, given as types and
// data: those that are still needed. After a crash the old journal is there or the
// new one. Numbers go on from where they were. With ErrRecordSize or ErrFull nothing
// has happened; other errors match ErrFailed or ErrClosed. The iterator must not call
// the journal.
func (j *Journal) Rewrite(records iter.Seq2[byte, []byte]) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.syncing {
		j.wake.Wait()
	}
	if j.err != nil {
		return j.err
	}
	file, next := appendHead(nil, j.next), j.next
	for typ, data := range records {
		if len(data) > j.options.MaxRecord {
			return ErrRecordSize
		}
		if int64(len(file))+frameSize+int64(len(data)) > j.options.MaxSize {
			return ErrFull
		}
		file = appendRecord(file, Record{next, typ, data}, uint32(next-j.next))
		next++
	}
	fresh, err := j.replace(file)
	if err != nil {
		j.err = fmt.Errorf("%w: %w", ErrFailed, err)
		return j.err
	}
	j.file, j.next, j.durable, j.first, j.pending = fresh, next, next, next, nil
	j.size, j.written = int64(len(file)), int64(len(file))
	return nil
}

// replace puts other contents in the file's place. The old file is closed first,
// because Windows does not rename over an open one.
func (j *Journal) replace(data []byte) (*os.File, error) {
	if err := j.file.Close(); err != nil {
		return nil, err
	}
	if err := atomicfile.Write(j.path, data, 0o600); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(j.path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	_, err = file.Seek(0, io.SeekEnd)
	return file, err
}

// Close writes what is pending, closes the file and lets others open it. Closing
// twice returns ErrClosed.
func (j *Journal) Close() error {
	failed := j.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, ErrClosed) {
		return ErrClosed
	}
	j.err = ErrClosed
	return errors.Join(failed, j.file.Close(), j.lock.Close())
}
