package bitsagetest

import (
	"context"
	"io"
)

// TestingT is what this package needs of a test, with the meaning that package testing gives
// these methods. *testing.T, *testing.B and *testing.F have them, and so have the T of a
// suite of testify and the GinkgoT of Ginkgo 2.25. It is also a TestingT of testify's require
// and assert.
type TestingT interface {
	Helper()
	Name() string
	Context() context.Context
	TempDir() string
	Output() io.Writer
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	FailNow()
	Failed() bool
	Cleanup(f func())
}

// fatalf fails a test and ends it.
func fatalf(t TestingT, format string, args ...any) {
	t.Helper()
	t.Errorf(format, args...)
	t.FailNow()
}
