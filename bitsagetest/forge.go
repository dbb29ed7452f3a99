package bitsagetest

import (
	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/internal/backstage"
)

// Forge makes a worker cheat: it changes every proof after it has checked it, and
// signs and submits that. It must not run yet. To have a worker of a Network cheat,
// inject forge worker/0.
func Forge(w *bitsage.Worker) { backstage.Forge(w) }
