package chain

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/chain/felt"
)

// The encodings of the RPC. All readers are strict: null, a number where a string
// belongs, or a value out of range is an error and never becomes a zero.

// rpcFelt is a felt in JSON: a string of 0x and hexadecimal digits.
type rpcFelt Felt

// MarshalText implements encoding.TextMarshaler.
func (w rpcFelt) MarshalText() ([]byte, error) { return []byte(Felt(w).String()), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (w *rpcFelt) UnmarshalJSON(data []byte) error {
	s, err := rpcString(data)
	if err != nil {
		return err
	}
	f, err := felt.Parse(s)
	if err != nil {
		return malformed("%q: %v", printable(s), err)
	}
	*w = rpcFelt(f)
	return nil
}

// rpcString reads a JSON string that needs no escapes and is short.
func rpcString(data []byte) (string, error) {
	if len(data) < 2 || len(data) > 100 || data[0] != '"' || bytes.IndexByte(data, '\\') >= 0 {
		return "", malformed("want a hexadecimal string")
	}
	return string(data[1 : len(data)-1]), nil
}

func rpcFelts(list []Felt) []rpcFelt {
	out := make([]rpcFelt, len(list)) // never nil: an empty list is [] in JSON
	for i, f := range list {
		out[i] = rpcFelt(f)
	}
	return out
}

func fromRPC(list []rpcFelt) []Felt {
	out := make([]Felt, len(list))
	for i, f := range list {
		out[i] = Felt(f)
	}
	return out
}

// rpcUint is a uint64 as 0x and hexadecimal digits.
type rpcUint uint64

// MarshalText implements encoding.TextMarshaler.
func (w rpcUint) MarshalText() ([]byte, error) {
	return append([]byte("0x"), strconv.FormatUint(uint64(w), 16)...), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *rpcUint) UnmarshalJSON(data []byte) error {
	x, err := rpcNumber(data, 64)
	if err == nil {
		*w = rpcUint(x.Uint64())
	}
	return err
}

// rpcU128 is a number below 2^128 as 0x and hexadecimal digits; nil is zero.
type rpcU128 struct{ v *big.Int }

// MarshalText implements encoding.TextMarshaler.
func (w rpcU128) MarshalText() ([]byte, error) {
	if w.v == nil {
		return []byte("0x0"), nil
	}
	return append([]byte("0x"), w.v.Text(16)...), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (w *rpcU128) UnmarshalJSON(data []byte) (err error) {
	w.v, err = rpcNumber(data, 128)
	return err
}

func rpcNumber(data []byte, bits int) (*big.Int, error) {
	s, err := rpcString(data)
	if err != nil {
		return nil, err
	}
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" || strings.Trim(digits, "0123456789abcdefABCDEF") != "" {
		return nil, malformed("%q is not a hexadecimal number", printable(s))
	}
	x, _ := new(big.Int).SetString(digits, 16)
	if x.BitLen() > bits {
		return nil, malformed("%q has more than %d bits", printable(s), bits)
	}
	return x, nil
}

// decodeArray decodes a JSON array of at most limit elements. It stops at the first
// element too many, before memory is spent on it.
func decodeArray[T any](data []byte, limit int) ([]T, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if t, err := dec.Token(); err != nil || t != json.Delim('[') {
		return nil, malformed("want an array")
	}
	var out []T
	for dec.More() {
		if len(out) == limit {
			return nil, malformed("an array of more than %d elements", limit)
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, malformed("%s", printable(err.Error()))
		}
		var v T
		if bytes.Equal(raw, null) {
			return nil, malformed("null in an array")
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, malformed("%s", printable(err.Error()))
		}
		out = append(out, v)
	}
	if _, err := dec.Token(); err != nil {
		return nil, malformed("%s", printable(err.Error()))
	}
	if dec.More() {
		return nil, malformed("data after an array")
	}
	return out, nil
}

// BlockID names a block. The zero BlockID is AtLatest().
type BlockID struct {
	kind   uint8
	number uint64
	hash   Felt
}

const (
	idLatest uint8 = iota
	idPreConfirmed
	idL1Accepted
	idNumber
	idHash
)

// AtLatest returns the identifier of the last block accepted on L2.
func AtLatest() BlockID { return BlockID{} }

// AtPreConfirmed returns the identifier of the block that is being built.
func AtPreConfirmed() BlockID { return BlockID{kind: idPreConfirmed} }

// AtL1Accepted returns the identifier of the last block proven on L1.
func AtL1Accepted() BlockID { return BlockID{kind: idL1Accepted} }

// AtNumber returns the identifier of the block of a height.
func AtNumber(n uint64) BlockID { return BlockID{kind: idNumber, number: n} }

// AtHash returns the identifier of the block of a hash.
func AtHash(h Felt) BlockID { return BlockID{kind: idHash, hash: h} }

// MarshalJSON writes the identifier as the RPC wants it.
func (b BlockID) MarshalJSON() ([]byte, error) {
	switch b.kind {
	case idNumber:
		return json.Marshal(map[string]uint64{"block_number": b.number})
	case idHash:
		return json.Marshal(map[string]rpcFelt{"block_hash": rpcFelt(b.hash)})
	}
	return json.Marshal(b.String())
}

// String returns the tag, height or hash.
func (b BlockID) String() string {
	switch b.kind {
	case idPreConfirmed:
		return "pre_confirmed"
	case idL1Accepted:
		return "l1_accepted"
	case idNumber:
		return strconv.FormatUint(b.number, 10)
	case idHash:
		return b.hash.String()
	}
	return "latest"
}

// Finality says how settled a transaction or block is. Greater is more.
type Finality uint8

// The states in their order. Received and Candidate transactions have not been
// executed; PreConfirmed ones can still be dropped.
const (
	Received Finality = iota + 1
	Candidate
	PreConfirmed
	AcceptedOnL2
	AcceptedOnL1
)

var finalities = [...]string{"", "RECEIVED", "CANDIDATE", "PRE_CONFIRMED", "ACCEPTED_ON_L2", "ACCEPTED_ON_L1"}

// String returns the name that the RPC uses, "" for zero.
func (f Finality) String() string {
	if int(f) < len(finalities) {
		return finalities[f]
	}
	return "Finality(" + strconv.Itoa(int(f)) + ")"
}

// UnmarshalJSON reads the name that the RPC uses.
func (f *Finality) UnmarshalJSON(data []byte) error {
	s, err := rpcString(data)
	if err != nil {
		return err
	}
	for i, name := range finalities {
		if i > 0 && s == name {
			*f = Finality(i)
			return nil
		}
	}
	return malformed("unknown status %q", printable(s))
}

// MarshalText writes the name that the RPC uses.
func (f Finality) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
