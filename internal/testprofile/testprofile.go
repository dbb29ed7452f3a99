// Package testprofile says whether this process may use proof.TestOnly, the profile
// under which anybody can forge a proof. Only tests allow it: package bitsagetest for
// the networks that it runs, and the tests of this module. Everything else, and so
// every program that is no test, is refused by proof.Profile.Validate.
package testprofile

import (
	"sync"
	"sync/atomic"
)

var allowed atomic.Int64

// Allow allows the profile until undo is called. Calls nest.
func Allow() (undo func()) {
	allowed.Add(1)
	return sync.OnceFunc(func() { allowed.Add(-1) })
}

// Allowed reports whether the profile may be used.
func Allowed() bool { return allowed.Load() > 0 }
