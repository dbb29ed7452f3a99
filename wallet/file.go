package wallet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

var (
	// ErrNotRegular means that a path is that of a folder, pipe or device.
	ErrNotRegular = errors.New("not a regular file")
	// ErrFileSize means that a file is larger than what it should hold can be.
	ErrFileSize = errors.New("the file is too large")
)

// PermissionError says that a file with a secret is open to other users of the
// machine. The functions that return it have read nothing. Whoever accepts the
// mode, for example in a container that mounts its secrets readable by all, reads
// the file without this package and hands its contents to OpenKey or ReadPassword.
type PermissionError struct {
	Path string
	Mode fs.FileMode
}

// Error implements error.
func (e *PermissionError) Error() string {
	return fmt.Sprintf("wallet: %s has mode %v, which opens it to other users: set it to 0600", e.Path, e.Mode)
}

// SaveOptions says how a keystore is written. The zero value is for production.
type SaveOptions struct {
	Scrypt    Scrypt // cost for the password; zero means DefaultScrypt
	Overwrite bool   // replace a file that is already there
}

// SaveKey encrypts a key under a password and writes it to a file of mode 0600. A
// file of that name is replaced only with o.Overwrite; otherwise the error matches
// fs.ErrExist. Replacing is atomic, and on return the file has reached the disk:
// after a crash there is the old file or the new one, and perhaps a temporary file
// beside it that begins with a dot and can be deleted.
func SaveKey(path string, k *Key, password []byte, o SaveOptions) error {
	if !o.Overwrite {
		if _, err := os.Lstat(path); err == nil { // before the work; place decides
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
	}
	data, err := SealKey(k, password, o.Scrypt)
	if err != nil {
		return err
	}
	return writeFile(path, data, o.Overwrite)
}

// LoadKey reads and decrypts a keystore file. It fails as OpenKey does, or with a
// *PermissionError if others can read or write the file (not checked on Windows),
// ErrNotRegular, or ErrFileSize if the file is larger than MaxKeystoreSize.
func LoadKey(path string, password []byte) (*Key, error) {
	data, err := readSecret(path, MaxKeystoreSize)
	if err != nil {
		return nil, err
	}
	return OpenKey(data, password)
}

// writeFile writes a file of mode 0600 so that a crash leaves the old file or the
// new one.
func writeFile(path string, data []byte, overwrite bool) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		f.Close()
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := place(f.Name(), path, overwrite); err != nil {
		return err
	}
	return syncDir(dir)
}

// place gives the temporary file its name. Without overwrite it uses a hard link,
// which fails if the name is taken; where the file system has none, another
// process may win the moment between the look and the renaming.
func place(temp, path string, overwrite bool) error {
	if !overwrite {
		err := os.Link(temp, path)
		if err == nil {
			return os.Remove(temp)
		}
		if errors.Is(err, fs.ErrExist) {
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
		if _, err := os.Lstat(path); err == nil {
			return &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
		}
	}
	return os.Rename(temp, path)
}

// syncDir makes a new name in a folder durable. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// readSecret reads a regular file of at most limit bytes that is closed to others.
func readSecret(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path) // before opening, which waits on a named pipe
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: path, Err: ErrNotRegular}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, &PermissionError{path, mode}
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = &fs.PathError{Op: "read", Path: path, Err: ErrFileSize}
	}
	return data, err
}
