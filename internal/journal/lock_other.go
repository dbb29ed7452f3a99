//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package journal

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// acquire creates a file that nobody else has created, and removes it when it is
// closed. This system has no lock that ends with its process: after a crash the
// file stays, and has to be removed by hand before the journal opens again.
func acquire(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, err
	}
	return exclusive{f}, nil
}

type exclusive struct{ *os.File }

// Close removes the file.
func (e exclusive) Close() error { return errors.Join(e.File.Close(), os.Remove(e.Name())) }
