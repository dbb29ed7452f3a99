package blob

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/stark/codec"
)

// stores returns every store that refuses, with room for max bytes.
func stores(t *testing.T, max int64) map[string]Store {
	t.Helper()
	disk, err := OpenDisk(filepath.Join(t.TempDir(), "new", "blobs"), max)
	require.NoError(t, err)
	return map[string]Store{"memory": NewMemory(max), "cache": NewCache(max), "disk": disk}
}

func put(t *testing.T, s Store, kind Kind, data []byte) ID {
	t.Helper()
	id, err := s.Put(kind, data)
	require.NoError(t, err)
	return id
}

// fill returns n bytes that depend on a seed.
func fill(n int, seed byte) []byte {
	h := blake3.New()
	h.Write([]byte{seed})
	data := make([]byte, n)
	h.Digest().Read(data)
	return data
}

func TestStore(t *testing.T) {
	for name, s := range stores(t, 1<<20) {
		t.Run(name, func(t *testing.T) {
			a, b := fill(1000, 1), fill(1, 2)
			for _, kind := range []Kind{Data, Proof} {
				for _, data := range [][]byte{a, b, a} {
					id := put(t, s, kind, data)
					want := blake3.Sum256(data)
					if kind == Proof {
						want = codec.Hash(data)
					}
					if id != (ID{kind, want}) || id != IDOf(kind, data) {
						t.Errorf("the name is %v", id)
					}
					if got, err := s.Bytes(id); err != nil || !bytes.Equal(got, data) {
						t.Errorf("%v: %x %v", id, got, err)
					}
				}
			}
			id := IDOf(Data, a)
			assert.NoError(t, errors.Join(s.Delete(id), s.Delete(id)))
			if _, err := s.Bytes(id); !errors.Is(err, ErrNotFound) {
				t.Errorf("deleted: %v", err)
			}
			if _, err := s.Bytes(IDOf(Proof, a)); err != nil {
				t.Errorf("the same bytes of another kind: %v", err)
			}
			for _, c := range []struct {
				name string
				kind Kind
				size int
				want error
			}{
				{"no kind", 0, 1, ErrKind},
				{"unknown kind", 3, 1, ErrKind},
				{"empty", Data, 0, ErrSize},
				{"largest proof", Proof, MaxProof, nil},
				{"proof too large", Proof, MaxProof + 1, ErrSize},
				{"too large", Data, MaxBytes + 1, ErrSize},
				{"no room", Data, 1 << 21, ErrFull},
			} {
				if _, err := s.Put(c.kind, make([]byte, c.size)); !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
			}
		})
	}
}

// TestBound: a store that refuses keeps what it has, a cache drops what was not
// used for the longest time, and both take as much as they may.
func TestBound(t *testing.T) {
	for name, s := range stores(t, 300) {
		t.Run(name, func(t *testing.T) {
			var ids []ID
			for i := range 3 {
				ids = append(ids, put(t, s, Data, fill(100, byte(i))))
			}
			if _, err := s.Bytes(ids[0]); err != nil {
				t.Fatal(err)
			}
			fourth, err := s.Put(Data, fill(100, 3))
			lost := ids[1]
			if name == "cache" {
				require.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, ErrFull, "the fourth of three")
				lost = IDOf(Data, fill(100, 3))
				require.NoError(t, s.Delete(ids[1]))
				ids = []ID{ids[0], ids[2]}
				fourth = put(t, s, Data, fill(100, 4))
			}
			if _, err := s.Bytes(lost); !errors.Is(err, ErrNotFound) {
				t.Errorf("%v: %v", lost, err)
			}
			for _, id := range append(ids, fourth) {
				if _, err := s.Bytes(id); err != nil && id != lost {
					t.Errorf("%v: %v", id, err)
				}
			}
		})
	}
}

func TestDiskReopens(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDisk(dir, 1000)
	require.NoError(t, err)
	id := put(t, d, Proof, fill(600, 1))
	leftover := filepath.Join(dir, ".x.1.tmp")
	require.NoError(t, os.WriteFile(leftover, fill(5000, 1), 0o600))
	d, err = OpenDisk(dir, 1000)
	require.NoError(t, err)
	if _, err := os.Stat(leftover); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what a crash left: %v", err)
	}
	if got, err := d.Bytes(id); err != nil || !bytes.Equal(got, fill(600, 1)) {
		t.Errorf("%x %v", got, err)
	}
	if _, err := d.Put(Data, fill(600, 2)); !errors.Is(err, ErrFull) {
		t.Errorf("the bound after reopening: %v", err)
	}
	require.NoError(t, d.Retain(func(i ID) bool { return i != id }))
	if _, err := d.Bytes(id); !errors.Is(err, ErrNotFound) {
		t.Errorf("what was not wanted: %v", err)
	}
	put(t, d, Data, fill(600, 2))
	put(t, d, Proof, fill(400, 1))
	if id = put(t, d, Data, fill(600, 2)); d.Retain(func(i ID) bool { return i == id }) != nil {
		t.Fatal("retaining one")
	}
	if got, err := d.Bytes(id); err != nil || !bytes.Equal(got, fill(600, 2)) {
		t.Errorf("what was wanted: %x %v", got, err)
	}
	info, err := os.Stat(filepath.Join(dir, id.String()))
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for _, name := range []string{"notes", "1-00", "3-" + strings.Repeat("0", 64), "01-" + strings.Repeat("0", 64), "1-" + strings.Repeat("A", 64)} {
		foreign := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(foreign, nil, 0o600))
		if _, err := OpenDisk(dir, 1000); err == nil {
			t.Errorf("a folder with a file %s was opened", name)
		}
		os.Remove(foreign)
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, ID{Kind: Data}.String()), 0o700))
	if _, err := OpenDisk(dir, 1000); err == nil {
		t.Error("a folder in the place of a blob was accepted")
	}
	if _, err := OpenDisk(filepath.Join(dir, id.String()), 1000); err == nil {
		t.Error("a file in the place of the folder was accepted")
	}
}

// TestDiskDamage: a blob that has changed on the disk is not served and makes room
// for the right one.
func TestDiskDamage(t *testing.T) {
	data := fill(1000, 1)
	for name, damage := range map[string]func(path string) error{
		"flipped":   func(path string) error { b := bytes.Clone(data); b[500] ^= 1; return os.WriteFile(path, b, 0o600) },
		"shortened": func(path string) error { return os.Truncate(path, 999) },
		"empty":     func(path string) error { return os.Truncate(path, 0) },
		"longer":    func(path string) error { return os.WriteFile(path, append(bytes.Clone(data), 0), 0o600) },
		"huge":      func(path string) error { return os.Truncate(path, MaxBytes+1) },
		"gone":      os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			d, err := OpenDisk(dir, 1000)
			require.NoError(t, err)
			id := put(t, d, Data, data)
			require.NoError(t, damage(filepath.Join(dir, id.String())))
			for range 2 {
				if got, err := d.Bytes(id); !errors.Is(err, ErrNotFound) {
					t.Errorf("%d bytes, %v", len(got), err)
				}
			}
			put(t, d, Data, data)
			if got, err := d.Bytes(id); err != nil || !bytes.Equal(got, data) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestDiskFails: an error of the medium is told, and nothing is believed stored.
func TestDiskFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	d, err := OpenDisk(dir, 1000)
	require.NoError(t, err)
	require.NoError(t, os.Remove(dir))
	if _, err := d.Put(Data, fill(10, 1)); err == nil {
		t.Error("stored without a folder")
	}
	if _, err := d.Bytes(IDOf(Data, fill(10, 1))); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func TestStoreIsConcurrent(t *testing.T) {
	for name, s := range stores(t, 1000) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					data := fill(100, byte(i*j))
					id, err := s.Put(Data, data)
					if errors.Is(err, ErrFull) {
						continue
					}
					if got, err2 := s.Bytes(id); err != nil || err2 == nil && !bytes.Equal(got, data) {
						t.Error(name, err)
					}
					if err := s.Delete(id); err != nil {
						t.Error(name, err)
					}
				}
			})
		}
		wg.Wait()
	}
}

func TestNames(t *testing.T) {
	id := ID{Proof, Digest{1, 2, 31: 3}}
	if got, ok := parseName(id.String()); !ok || got != id {
		t.Error(got, ok)
	}
	if s := fmt.Sprint(id); len(s) != 66 {
		t.Error(s)
	}
}
