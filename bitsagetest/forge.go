// Package bitsagetest helps to test programs that use package bitsage.
package bitsagetest

import (
	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/internal/forgery"
)

// Forge makes a worker cheat: it changes every proof after it has checked it, and
// signs and submits that. It must not run yet.
func Forge(w *bitsage.Worker) { forgery.Worker(w) }
