package bitsage

import (
	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/wallet"
)

// paymentKey derives the key of an account's encrypted amounts from its private
// key, so that whoever restores the account can read them again (docs/spec/job.md).
func paymentKey(a *wallet.Account) (elgamal.SecretKey, error) {
	private, err := a.Key().Reveal()
	if err != nil {
		return elgamal.SecretKey{}, err
	}
	defer clear(private)
	for n := byte(0); ; n++ {
		h := blake3.NewDeriveKey("github.com/bitsage/bitsage payment key v1")
		h.Write(private)
		h.Write([]byte{n})
		k := h.Sum(nil)
		k[0] &= 0x0f // below 2^252, of which nearly all are scalars
		key, err := elgamal.DecodeSecretKey(k)
		clear(k)
		if err == nil || n == 255 {
			return key, err
		}
	}
}
