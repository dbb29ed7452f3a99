// Package vectors finds the repository's test vectors from any package's tests.
// testdata/README.md says where they come from.
package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of a file or folder below the repository's testdata.
func Path(elem ...string) string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..", "testdata")
	return filepath.Join(append([]string{root}, elem...)...)
}

// Read returns the contents of a file.
func Read(t testing.TB, elem ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(Path(elem...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Load decodes a JSON file into v.
func Load(t testing.TB, v any, elem ...string) {
	t.Helper()
	if err := json.Unmarshal(Read(t, elem...), v); err != nil {
		t.Fatalf("%v: %v", elem, err)
	}
}

// Dirs returns the names of the folders in a folder.
func Dirs(t testing.TB, elem ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(Path(elem...))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		t.Fatalf("no vectors in %s", Path(elem...))
	}
	return names
}
