package bitsage

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bitsage/bitsage/internal/journal"
	"github.com/bitsage/bitsage/internal/p2p/blob"
)

// maxBlobs bounds what a role keeps of inputs, outputs and proofs, in bytes.
const (
	maxBlobs       = 4 << 30 // on disk
	maxBlobsMemory = 1 << 30
)

// openBlobs opens the store of blobs in a role's folder, or one in memory.
func openBlobs(dir string) (blob.Store, error) {
	if dir == "" {
		return blob.NewMemory(maxBlobsMemory), nil
	}
	return blob.OpenDisk(filepath.Join(dir, "blobs"), maxBlobs)
}

// records is a role's journal of JSON records, or nothing if it has no folder.
type records struct{ j *journal.Journal }

// openRecords opens a journal, or makes it.
func openRecords(dir string) (*records, error) {
	if dir == "" {
		return &records{}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	j, err := openJournal(filepath.Join(dir, "journal"))
	return &records{j}, err
}

func openJournal(path string) (*journal.Journal, error) {
	j, err := journal.Open(path, journal.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return journal.Create(path, journal.Options{})
	}
	return j, err
}

// put writes a record. It is on the disk when put returns.
func (r *records) put(typ byte, v any) error {
	if r.j == nil {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if _, err := r.j.Append(typ, data); err != nil {
		return err
	}
	return r.j.Sync()
}

// replay calls f for every record.
func (r *records) replay(f func(typ byte, data []byte) error) error {
	if r.j == nil {
		return nil
	}
	for rec, err := range r.j.Records() {
		if err != nil {
			return err
		}
		if err := f(rec.Type, rec.Data); err != nil {
			return fmt.Errorf("bitsage: record %d of the journal: %w", rec.Seq, err)
		}
	}
	return nil
}

// rewrite replaces all records by those that are still needed.
func (r *records) rewrite(keep []record) error {
	if r.j == nil {
		return nil
	}
	encoded := make([][]byte, len(keep))
	for i, k := range keep {
		var err error
		if encoded[i], err = json.Marshal(k.value); err != nil {
			return err
		}
	}
	return r.j.Rewrite(func(yield func(byte, []byte) bool) {
		for i, k := range keep {
			if !yield(k.typ, encoded[i]) {
				return
			}
		}
	})
}

type record struct {
	typ   byte
	value any
}

func (r *records) close() error {
	if r.j == nil {
		return nil
	}
	return r.j.Close()
}
