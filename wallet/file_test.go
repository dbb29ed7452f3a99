package wallet

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var cheapSave = SaveOptions{Scrypt: cheap}

func TestSaveLoad(t *testing.T) {
	path := tempFile(t)
	require.NoError(t, SaveKey(path, testKey(), password, cheapSave))
	info, err := os.Stat(path)
	require.NoError(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	key, err := LoadKey(path, password)
	if err != nil || key.PublicKey() != testKey().PublicKey() {
		t.Errorf("%v, %v", key, err)
	}
	if _, err := LoadKey(path, []byte("wrong")); !errors.Is(err, ErrPassword) {
		t.Errorf("wrong password: got %v", err)
	}
	onlyFile(t, path)
}

// onlyFile wants no temporary file left.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	if len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

func TestOverwrite(t *testing.T) {
	path, other := tempFile(t), GenerateKey()
	for i, c := range []struct {
		key       *Key
		overwrite bool
		want      error
		holds     *Key
	}{
		{testKey(), false, nil, testKey()},
		{other, false, fs.ErrExist, testKey()},
		{other, true, nil, other},
	} {
		err := SaveKey(path, c.key, password, SaveOptions{Scrypt: cheap, Overwrite: c.overwrite})
		assert.ErrorIs(t, err, c.want, "%d", i)
		if got := must(LoadKey(path, password)); got.PublicKey() != c.holds.PublicKey() {
			t.Errorf("%d: the file holds another key", i)
		}
	}
	onlyFile(t, path)
}

// TestPlaceRace lets the name be taken after the first look.
func TestPlaceRace(t *testing.T) {
	path := tempFile(t)
	require.NoError(t, os.WriteFile(path, []byte("theirs"), 0o600))
	assert.ErrorIs(t, writeFile(path, []byte("ours"), false), fs.ErrExist)
	if data, _ := os.ReadFile(path); string(data) != "theirs" {
		t.Errorf("the file holds %q", data)
	}
	onlyFile(t, path)
}

// TestSaveNowhere wants errors, and nothing left, where nothing can be written.
func TestSaveNowhere(t *testing.T) {
	dir := t.TempDir()
	assert.ErrorIs(t, SaveKey(filepath.Join(dir, "no", "key.json"), testKey(), password, cheapSave), fs.ErrNotExist, "no folder")
	require.NoError(t, os.Mkdir(filepath.Join(dir, "taken"), 0o700))
	over := SaveOptions{Scrypt: cheap, Overwrite: true}
	if err := SaveKey(filepath.Join(dir, "taken"), testKey(), password, over); err == nil {
		t.Error("a folder was overwritten")
	}
	onlyFile(t, filepath.Join(dir, "taken"))
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	require.NoError(t, os.WriteFile(large, []byte(strings.Repeat(" ", MaxKeystoreSize+1)), 0o600))
	for path, want := range map[string]error{
		filepath.Join(dir, "none"): fs.ErrNotExist,
		dir:                        ErrNotRegular,
		os.DevNull:                 ErrNotRegular,
		large:                      ErrFileSize,
	} {
		if _, err := LoadKey(path, password); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

func TestPermissions(t *testing.T) {
	path := tempFile(t)
	require.NoError(t, SaveKey(path, testKey(), password, cheapSave))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o666, 0o610} {
		require.NoError(t, os.Chmod(path, mode))
		var e *PermissionError
		if _, err := LoadKey(path, password); !errors.As(err, &e) || e.Mode != mode || e.Path != path {
			t.Errorf("mode %v: got %v", mode, err)
		}
	}
	// The way around, for those who accept it.
	if _, err := OpenKey(must(os.ReadFile(path)), password); err != nil {
		t.Error(err)
	}
	for _, mode := range []fs.FileMode{0o400, 0o700} {
		require.NoError(t, os.Chmod(path, mode))
		if _, err := LoadKey(path, password); err != nil {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}
