package archtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// maxClient bounds the program of a client, stripped, in bytes on linux/amd64. The standard
// library's HTTP over TLS alone takes 6.3 million of them.
const maxClient = 7 << 20

// absent are packages that the root imports for Local alone, with those below them.
var absent = []string{"chain/ledger", "contracts"}

// TestClientSize keeps the program of a client light: what only Local uses must not be linked
// because a variable of a package is initialised with it, which the linker cannot leave out.
func TestClientSize(t *testing.T) {
	built := make(chan error, 1)
	symbols, stripped := filepath.Join(t.TempDir(), "client"), filepath.Join(t.TempDir(), "client")
	go func() { built <- buildClient(t, stripped, "-s -w") }()
	if err := buildClient(t, symbols, ""); err != nil {
		t.Error(err)
	} else {
		checkAbsent(t, symbols)
	}
	if err := <-built; err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(stripped)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a client has %d bytes", info.Size())
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" && info.Size() > maxClient {
		t.Errorf("a client has %d bytes, more than %d: `go build -ldflags=-dumpdep ./internal/archtest/testdata/client` says what links what", info.Size(), maxClient)
	}
}

func buildClient(t *testing.T, out, ldflags string) error {
	cmd := exec.Command("go", "build", "-o", out, "-ldflags", ldflags, "./internal/archtest/testdata/client")
	cmd.Dir = root(t)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	return nil
}

// checkAbsent wants no symbol of what a client does not need.
func checkAbsent(t *testing.T, program string) {
	t.Helper()
	out, err := exec.Command("go", "tool", "nm", program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		for _, pkg := range absent {
			if strings.Contains(line, module+"/"+pkg+".") || strings.Contains(line, module+"/"+pkg+"/") {
				t.Errorf("a client has %s", strings.TrimSpace(line))
			}
		}
	}
}
