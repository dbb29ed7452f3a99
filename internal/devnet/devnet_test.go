package devnet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	l := &tail{address: make(chan string, 1)}
	for _, part := range []string{"Seed: 7\nStarknet Devnet listen", "ing on 127.0.0.1:40", "05", "\n", "listening on 127.0.0.1:1\n"} {
		if len(l.address) != 0 && part != "listening on 127.0.0.1:1\n" {
			t.Fatalf("an address before its line ended at %q", part)
		}
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := <-l.address; got != "127.0.0.1:4005" || len(l.address) != 0 {
		t.Error(got)
	}
	line := strings.Repeat("x", 1000)
	for range 3 * maxLog / len(line) {
		l.Write([]byte(line))
	}
	if n := len(l.String()); n > maxLog || n < maxLog/2 {
		t.Errorf("%d bytes are kept", n)
	}
}

// TestInstall finds the binary of the right version, and says what to do without it.
func TestInstall(t *testing.T) {
	empty, home := t.TempDir(), t.TempDir()
	script := func(path, version string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho starknet-devnet "+version+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", empty)
	t.Setenv("CARGO_HOME", home)
	if _, err := Install(t.Context()); err == nil || !strings.Contains(err.Error(), "https://rustup.rs") {
		t.Error(err)
	}
	built := filepath.Join(home, "bin", "starknet-devnet")
	script(filepath.Join(empty, "starknet-devnet"), "0.7.1")
	if _, err := Install(t.Context()); err == nil {
		t.Error("another version will do")
	}
	script(built, Version)
	if got, err := Install(t.Context()); err != nil || got != built {
		t.Error(got, err)
	}
	script(filepath.Join(empty, "starknet-devnet"), Version)
	if got, err := Install(t.Context()); err != nil || got != filepath.Join(empty, "starknet-devnet") {
		t.Error(got, err)
	}
}
