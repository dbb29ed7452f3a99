package ledger

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"

	"github.com/bitsage/bitsage/chain/felt"
)

// hexFelt is a felt in JSON: a string of 0x and hexadecimal digits.
type hexFelt felt.Felt

// MarshalText implements encoding.TextMarshaler.
func (h hexFelt) MarshalText() ([]byte, error) { return []byte(felt.Felt(h).String()), nil }

// UnmarshalJSON implements json.Unmarshaler. It is strict: only a string is a felt.
func (h *hexFelt) UnmarshalJSON(data []byte) error {
	if len(data) < 2 || len(data) > 100 || data[0] != '"' {
		return felt.ErrSyntax
	}
	f, err := felt.Parse(string(data[1 : len(data)-1]))
	*h = hexFelt(f)
	return err
}

func hexFelts(list []felt.Felt) []hexFelt {
	out := make([]hexFelt, len(list)) // never nil: an empty list is [] in JSON
	for i, f := range list {
		out[i] = hexFelt(f)
	}
	return out
}

func fromHex(list []hexFelt) []felt.Felt {
	out := make([]felt.Felt, len(list))
	for i, f := range list {
		out[i] = felt.Felt(f)
	}
	return out
}

// hexBig is a number in JSON, 0x and hexadecimal digits.
type hexBig struct{ v *big.Int }

// MarshalText implements encoding.TextMarshaler.
func (h hexBig) MarshalText() ([]byte, error) { return []byte("0x" + h.v.Text(16)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hexBig) UnmarshalText(data []byte) error {
	digits, ok := bytes.CutPrefix(data, []byte("0x"))
	x, valid := new(big.Int).SetString(string(digits), 16)
	if !ok || !valid {
		return felt.ErrSyntax
	}
	h.v = x
	return nil
}

func hexUint(x uint64) hexBig { return hexBig{new(big.Int).SetUint64(x)} }

// splice adds members, each with its comma, at the beginning of a JSON object that is not
// empty.
func splice(object []byte, members ...string) json.RawMessage {
	return append([]byte("{"+strings.Join(members, "")), object[1:]...)
}
