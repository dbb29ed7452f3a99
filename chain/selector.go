package chain

import "golang.org/x/crypto/sha3"

// Keccak is Starknet's keccak: the low 250 bits of Keccak-256.
func Keccak(data []byte) Felt {
	h := sha3.NewLegacyKeccak256()
	h.Write(data)
	sum := h.Sum(nil)
	sum[0] &= 0x03
	var f Felt
	f.SetBytes(sum)
	return f
}

// Selector returns the selector of a function, or the first key of an event, of
// that name.
func Selector(name string) Felt {
	if name == "__default__" || name == "__l1_default__" {
		return Felt{}
	}
	return Keccak([]byte(name))
}
