package chain

import "testing"

func TestKeccak(t *testing.T) {
	// Keccak-256 of the empty string is c5d246...5a470; its low 250 bits begin with 01.
	if got := Keccak(nil).String(); got != "0x1d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" {
		t.Error(got)
	}
}
