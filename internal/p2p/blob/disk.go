package blob

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/bitsage/bitsage/internal/atomicfile"
)

// Disk is a Store in a folder, one file a blob. A file appears whole or not at
// all, and what is read is hashed before it is believed. It refuses what does not
// fit its bound: what it has taken stays until it is deleted.
type Disk struct {
	dir   string
	max   int64
	cache *Memory // hashing a large blob for each part that a peer asks for would be slow

	mu    sync.Mutex
	sizes map[ID]int64
	bytes int64
}

// cacheBytes bounds the memory of a Disk.
const cacheBytes = 2 * MaxBytes

// temporary ends the names of the files that package atomicfile writes.
const temporary = ".tmp"

// OpenDisk opens the store in a folder, which it makes if there is none, with room
// for max bytes. Only one Disk may use a folder. It removes what a crash left
// unfinished, and fails on files that are none of its own.
func OpenDisk(dir string, max int64) (*Disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, max: max, cache: NewCache(cacheBytes), sizes: make(map[ID]int64)}
	for _, f := range files {
		name := filepath.Join(dir, f.Name())
		if strings.HasSuffix(name, temporary) {
			if err := os.Remove(name); err != nil {
				return nil, err
			}
			continue
		}
		id, ok := parseName(f.Name())
		info, err := f.Info()
		if err != nil {
			return nil, err
		}
		if !ok || !info.Mode().IsRegular() {
			return nil, fmt.Errorf("blob: %s is not a blob's file", name)
		}
		d.sizes[id] = info.Size()
		d.bytes += info.Size()
	}
	return d, nil
}

// parseName is the inverse of ID.String.
func parseName(name string) (id ID, ok bool) {
	kind, digest, _ := strings.Cut(name, "-")
	k, err := strconv.ParseUint(kind, 10, 8)
	b, err2 := hex.DecodeString(digest)
	if err != nil || err2 != nil || len(b) != len(id.Digest) {
		return ID{}, false
	}
	id = ID{Kind(k), Digest(b)}
	return id, id.Valid() && id.String() == name
}

func (d *Disk) path(id ID) string { return filepath.Join(d.dir, id.String()) }

// Put implements Store. The blob is on the disk when it returns.
func (d *Disk) Put(kind Kind, data []byte) (ID, error) {
	id, err := check(kind, data)
	if err != nil {
		return ID{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.sizes[id]; ok {
		return id, nil
	}
	size := int64(len(data))
	if d.bytes+size > d.max {
		return ID{}, ErrFull
	}
	if err := atomicfile.Write(d.path(id), data, 0o600); err != nil {
		return ID{}, fmt.Errorf("blob: %w", err)
	}
	d.sizes[id] = size
	d.bytes += size
	return id, nil
}

// Bytes implements Store. A file that has changed is deleted and not found: a
// peer may still have the blob.
func (d *Disk) Bytes(id ID) ([]byte, error) {
	if data, err := d.cache.Bytes(id); err == nil {
		return data, nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.sizes[id]; !ok {
		return nil, ErrNotFound
	}
	data, err := readFile(d.path(id), int64(id.Kind.Max()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob: %w", err)
	}
	if err != nil || IDOf(id.Kind, data) != id {
		return nil, errors.Join(ErrNotFound, d.remove(id))
	}
	return data, d.cache.put(id, data)
}

// readFile reads at most max bytes; what is longer fails to hash.
func readFile(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	data := make([]byte, min(info.Size(), max))
	_, err = io.ReadFull(f, data)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // it has become shorter since
	}
	return data, err
}

// Delete implements Store.
func (d *Disk) Delete(id ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.sizes[id]; !ok {
		return nil
	}
	return d.remove(id)
}

func (d *Disk) remove(id ID) error {
	if err := os.Remove(d.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("blob: %w", err)
	}
	d.bytes -= d.sizes[id]
	delete(d.sizes, id)
	return d.cache.Delete(id)
}

// Retain implements Store.
func (d *Disk) Retain(wanted func(ID) bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.sizes {
		if !wanted(id) {
			if err := d.remove(id); err != nil {
				return err
			}
		}
	}
	return nil
}
