package devnet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Version is the version of starknet-devnet that the tests run.
const Version = "0.10.1"

// Install returns the path of starknet-devnet in this version, from PATH or cargo's
// folder of binaries. If it is in neither, cargo builds it, which takes 10 to 40
// minutes, and writes what it does to the standard error.
func Install(ctx context.Context) (string, error) {
	home, err := cargoHome()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(home, "bin")
	built := filepath.Join(bin, "starknet-devnet")
	for _, name := range []string{"starknet-devnet", built} {
		if path, err := exec.LookPath(name); err == nil && version(ctx, path) == Version {
			return path, nil
		}
	}
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		cargo, err = exec.LookPath(filepath.Join(bin, "cargo"))
	}
	if err != nil {
		return "", fmt.Errorf("devnet: starknet-devnet %s is not installed, and there is no cargo to build it: install Rust from https://rustup.rs", Version)
	}
	cmd := exec.CommandContext(ctx, cargo, "install", "starknet-devnet", "--version", Version, "--locked", "--root", home)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("devnet: cargo install starknet-devnet: %w", err)
	}
	if got := version(ctx, built); got != Version {
		return "", fmt.Errorf("devnet: %s has version %q, not %s", built, got, Version)
	}
	return built, nil
}

func cargoHome() (string, error) {
	if dir := os.Getenv("CARGO_HOME"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", errors.New("devnet: neither CARGO_HOME nor the user's home folder is known")
	}
	return filepath.Join(home, ".cargo"), nil
}

// version returns the version that a binary says it has, "" if it says none.
func version(ctx context.Context, path string) string {
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return ""
	}
	_, v, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return v
}
