package elgamal

import (
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
)

// Felt is an element of the field of the Stark curve, Cairo's felt252.
type Felt = felt.Felt

// FeltBytes is the length of a felt in bytes: big-endian, canonical.
const FeltBytes = felt.Size

// DecodeFelt reads 32 big-endian bytes below the field's prime.
func DecodeFelt(data []byte) (Felt, error) {
	x, err := felt.FromBytes(data)
	switch {
	case errors.Is(err, felt.ErrSize):
		return Felt{}, invalid(CheckLength, "felt")
	case err != nil:
		return Felt{}, invalid(CheckFelt, "")
	}
	return x, nil
}

// DecodeFelts reads any number of felts.
func DecodeFelts(data []byte) ([]Felt, error) {
	if len(data)%FeltBytes != 0 {
		return nil, invalid(CheckLength, "felts")
	}
	felts := make([]Felt, len(data)/FeltBytes)
	for i := range felts {
		x, err := DecodeFelt(data[i*FeltBytes : (i+1)*FeltBytes])
		if err != nil {
			return nil, err
		}
		felts[i] = x
	}
	return felts, nil
}

// EncodeFelts is the inverse of [DecodeFelts].
func EncodeFelts(felts []Felt) []byte {
	data := make([]byte, 0, len(felts)*FeltBytes)
	for i := range felts {
		b := felts[i].Bytes()
		data = append(data, b[:]...)
	}
	return data
}

func feltOf(v uint64) (x Felt) {
	x.SetUint64(v)
	return x
}

// shortString is Cairo's short string of 1 to 31 printable characters.
func shortString(s string) (Felt, bool) {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return Felt{}, false
		}
	}
	x, err := felt.ShortString(s)
	return x, err == nil && s != ""
}

func mustShortString(s string) Felt {
	x, _ := shortString(s)
	return x
}

// appendWord appends 32 bytes, a big-endian number, as Cairo's u256: the low 128
// bits, then the high ones.
func appendWord(felts []Felt, w [32]byte) []Felt {
	var low, high Felt
	low.SetBytes(w[16:])
	high.SetBytes(w[:16])
	return append(felts, low, high)
}
