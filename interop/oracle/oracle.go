// Package oracle builds and runs the Rust programs of this folder's Cargo crate.
package oracle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root returns the folder of this module.
func Root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("oracle: go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if filepath.Base(mod) != "go.mod" {
		return "", errors.New("oracle: run this inside the module's folder")
	}
	return filepath.Dir(mod), nil
}

// Oracle runs stwo-oracle, or a program with the same arguments.
type Oracle struct {
	// Path is the program.
	Path string
	// Threads is what RAYON_NUM_THREADS is set to; 0 leaves it alone.
	Threads int
}

// Build builds the Rust crate in its release profile and returns the program.
// Cargo's own environment, such as CARGO_TARGET_DIR, is honoured. The first
// build takes minutes.
func Build(ctx context.Context, root string) (*Oracle, error) {
	cmd := exec.CommandContext(ctx, "cargo", "build", "--release", "--locked", "--message-format", "json-render-diagnostics")
	cmd.Dir = filepath.Join(root, "interop") // where .cargo/config.toml is found
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("oracle: cargo build: %w\n%s", err, stderr.Bytes())
	}
	for line := range bytes.Lines(out) {
		var m struct{ Reason, Executable string }
		if json.Unmarshal(line, &m) == nil && m.Reason == "compiler-artifact" && m.Executable != "" {
			return &Oracle{Path: m.Executable}, nil
		}
	}
	return nil, errors.New("oracle: cargo names no program that it built")
}

// Run runs the program. A program that fails gives a *RunError.
func (o *Oracle) Run(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, o.Path, args...)
	if o.Threads > 0 {
		cmd.Env = append(os.Environ(), fmt.Sprint("RAYON_NUM_THREADS=", o.Threads))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, &RunError{filepath.Base(o.Path), args, err, stderr.String()}
	}
	return stdout.Bytes(), nil
}

// RunError is a failed run.
type RunError struct {
	Program string
	Args    []string
	Err     error
	Stderr  string
}

// Error implements error.
func (e *RunError) Error() string {
	return fmt.Sprintf("%s %s: %v\n%s", e.Program, strings.Join(e.Args, " "), e.Err, e.Stderr)
}

// Unwrap returns the reason, such as an *exec.ExitError.
func (e *RunError) Unwrap() error { return e.Err }

// Prove proves the statement of the files and writes the proof into dir.
func (o *Oracle) Prove(ctx context.Context, air, witness, dir string) ([]byte, error) {
	if _, err := o.Run(ctx, "prove", air, witness, "--backend", "cpu", "--out", dir); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "PROOF.json"))
}

// rejections are what the program says when stwo rejects a proof, or when a
// proof is of a form that stwo cannot be asked about.
var rejections = []string{
	"stwo rejects the proof", "stwo panicked while verifying",
	"the proof was made for another PCS configuration", "wrong number of commitments",
}

// Verify tells whether stwo accepts the proof in the file. An error means that
// it could not be asked.
func (o *Oracle) Verify(ctx context.Context, air, proof string) (bool, error) {
	_, err := o.Run(ctx, "verify", air, proof)
	run, ok := errors.AsType[*RunError](err)
	if !ok {
		return err == nil, err
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		for _, r := range rejections {
			if strings.Contains(run.Stderr, r) {
				return false, nil
			}
		}
	}
	return false, err
}
