package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// The core library of Cairo 2.16.0 comes inside this crate, of which nothing else
// is used.
const (
	corelibCrate   = "cairo-native"
	corelibVersion = "0.9.0-rc.2"
	corelibSHA256  = "ece8a402b2f5699cf57c237124d3b9f2eaeea293f690b374828a66a2294d4fbc"
	corelibPrefix  = corelibCrate + "-" + corelibVersion + "/corelib/src/"
)

// unpackCorelib writes the core library to a folder.
func unpackCorelib(to string) error {
	crate, err := fetchCrate()
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(crate); hex.EncodeToString(sum[:]) != corelibSHA256 {
		return fmt.Errorf("the crate %s %s has SHA-256 %x, want %s", corelibCrate, corelibVersion, sum, corelibSHA256)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(crate))
	if err != nil {
		return err
	}
	archive := tar.NewReader(unzipped)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(h.Name, corelibPrefix)
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		if err := writeFile(to, name, archive); err != nil {
			return err
		}
	}
}

func writeFile(dir, name string, from io.Reader) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the crate has a file %q", name)
	}
	data, err := io.ReadAll(from)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// fetchCrate returns the packed crate from cargo's cache. cargo info downloads a
// crate without building it or adding it to anything.
func fetchCrate() ([]byte, error) {
	info := command("cargo", "info", "--quiet", "--registry", "crates-io", corelibCrate+"@"+corelibVersion)
	info.Stdout = io.Discard
	if err := info.Run(); err != nil {
		return nil, fmt.Errorf("cargo info: %w", err)
	}
	home := os.Getenv("CARGO_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		home = filepath.Join(user, ".cargo")
	}
	pattern := filepath.Join(home, "registry", "cache", "*", corelibCrate+"-"+corelibVersion+".crate")
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("cargo left no file %s", pattern)
	}
	return os.ReadFile(found[0])
}
