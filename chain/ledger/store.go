package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// store keeps encoded blocks, the first of which has number 0. One goroutine appends while
// others read.
type store interface {
	append(number uint64, body []byte) error // durable when it returns
	body(number uint64) ([]byte, error)
	count() (uint64, error) // when it is opened
	close() error
}

// memory is a store that ends with the process.
type memory struct {
	mu     sync.RWMutex
	bodies [][]byte
}

func (m *memory) append(_ uint64, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bodies = append(m.bodies, body)
	return nil
}

func (m *memory) body(number uint64) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.bodies[number], nil
}

func (m *memory) count() (uint64, error) { return uint64(len(m.bodies)), nil }
func (m *memory) close() error           { return nil }

// file is a store in a bbolt file: the bucket "blocks" has the blocks by their number as 8
// bytes, the most significant first; the bucket "meta" has the version and the chain.
type file struct{ db *bolt.DB }

var (
	bucketBlocks = []byte("blocks")
	bucketMeta   = []byte("meta")
	keyVersion   = []byte("version")
	keyChain     = []byte("chain_id")
)

const fileVersion = "1"

// ErrLocked means that another process uses the ledger's file.
var ErrLocked = errors.New("ledger: another process uses the file")

// lockTimeout is how long Open waits for the file.
const lockTimeout = time.Second

// openFile opens or makes a file for a chain. chainID may be "" for the one in the file; a
// new file then gets DefaultChainID.
func openFile(path, chainID string) (*file, string, error) {
	db, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, "", fmt.Errorf("%w: %s", ErrLocked, path)
	case err != nil:
		return nil, "", fmt.Errorf("ledger: %s: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		if _, err := tx.CreateBucketIfNotExists(bucketBlocks); err != nil {
			return err
		}
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		if meta.Get(keyVersion) == nil {
			if chainID == "" {
				chainID = DefaultChainID
			}
			return errors.Join(meta.Put(keyVersion, []byte(fileVersion)), meta.Put(keyChain, []byte(chainID)))
		}
		if v := string(meta.Get(keyVersion)); v != fileVersion {
			return fmt.Errorf("ledger: %s has version %q, want %q", path, v, fileVersion)
		}
		stored := string(meta.Get(keyChain))
		if chainID != "" && chainID != stored {
			return fmt.Errorf("ledger: %s is of chain %q, want %q", path, stored, chainID)
		}
		chainID = stored
		return nil
	})
	if err != nil {
		return nil, "", errors.Join(err, db.Close())
	}
	return &file{db}, chainID, nil
}

func blockKey(number uint64) []byte { return binary.BigEndian.AppendUint64(nil, number) }

func (f *file) append(number uint64, body []byte) error {
	return f.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket(bucketBlocks)
		b.FillPercent = 1 // keys only ascend
		return b.Put(blockKey(number), body)
	})
}

func (f *file) body(number uint64) (body []byte, err error) {
	err = f.db.View(func(tx *bolt.Tx) error {
		if body = tx.Bucket(bucketBlocks).Get(blockKey(number)); body == nil {
			return fmt.Errorf("%w: block %d is missing", ErrCorrupt, number)
		}
		body = append([]byte(nil), body...)
		return nil
	})
	return body, err
}

func (f *file) count() (n uint64, err error) {
	err = f.db.View(func(tx *bolt.Tx) error {
		if last, _ := tx.Bucket(bucketBlocks).Cursor().Last(); last != nil {
			n = binary.BigEndian.Uint64(last) + 1
		}
		return nil
	})
	return n, err
}

func (f *file) close() error { return f.db.Close() }
