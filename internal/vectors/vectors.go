// Package vectors finds the repository's test vectors from any package's tests.
// testdata/README.md says where they come from.
package vectors

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"

	"github.com/stretchr/testify/require"
)

// Path returns the path of a file or folder below the repository's testdata.
func Path(elem ...string) string {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(file), "..", "..", "testdata")
	return filepath.Join(append([]string{root}, elem...)...)
}

// Read returns the contents of a file.
func Read(t require.TestingT, elem ...string) []byte {
	data, err := os.ReadFile(Path(elem...))
	require.NoError(t, err)
	return data
}

// Load decodes a JSON file into v.
func Load(t require.TestingT, v any, elem ...string) {
	require.NoError(t, json.Unmarshal(Read(t, elem...), v), "%v", elem)
}

// Dirs returns the names of the folders in a folder.
func Dirs(t require.TestingT, elem ...string) []string {
	entries, err := os.ReadDir(Path(elem...))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	require.NotEmpty(t, names, "no vectors in %s", Path(elem...))
	return names
}
