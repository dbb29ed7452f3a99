// Package forgery is how package bitsagetest makes a worker of package bitsage
// cheat. Only packages of this module can import it.
package forgery

// Worker makes a *bitsage.Worker that does not run yet change every proof after it
// has checked it and before it signs it. Package bitsage sets it.
var Worker func(worker any)
