// Package interop holds what is needed to compare this module with the Rust crate
// stwo 2.3.0: the Cargo crate stwo-oracle (in this folder), the command stwo-go
// that has the same arguments, and tests that run the two against each other.
// The tests need cargo and the tag interop:
//
//	go test -tags interop ./interop/
package interop
