package cairo

import (
	"slices"
	"strings"
	"testing"
)

// TestHexNumbers wants of a node's report what a person would read as numbers.
func TestHexNumbers(t *testing.T) {
	digits := strings.Repeat("a", 64)
	for text, want := range map[string][]string{
		"":                                nil,
		"0x":                              nil,
		"0xg, 0x":                         nil,
		"0x4241445f5354415445":            {"0x4241445f5354415445"},
		`["0x1", "0xaB"]. 0x2`:            {"0x1", "0xaB", "0x2"},
		"00x0x1":                          {"0x0"},
		"0x" + digits + "b":               {"0x" + digits},
		"0x" + digits + "0x" + digits[1:]: {"0x" + digits, "0x" + digits[1:]},
	} {
		if got := slices.Collect(hexNumbers(text)); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
