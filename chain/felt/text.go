package felt

import (
	"encoding/hex"
	"log/slog"
)

// String writes f as Starknet's RPC does: 0x and the digits without leading zeros.
func (f Felt) String() string { return "0x" + f.element().Text(16) }

// Padded writes f as 0x and 64 digits, the form in which many tools show an address.
func (f Felt) Padded() string {
	b := f.Bytes()
	return "0x" + hex.EncodeToString(b[:])
}

// MarshalText returns what String does, so that JSON has it as a string.
func (f Felt) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// LogValue returns what String does.
func (f Felt) LogValue() slog.Value { return slog.StringValue(f.String()) }

// UnmarshalText reads what Parse does. On an error f is unchanged.
func (f *Felt) UnmarshalText(text []byte) error {
	x, err := Parse(string(text))
	if err == nil {
		*f = x
	}
	return err
}
