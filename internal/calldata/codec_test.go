package calldata

import (
	"bytes"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

func felts(texts ...string) []felt.Felt {
	out := make([]felt.Felt, len(texts))
	for i, t := range texts {
		out[i] = felt.MustParse(t)
	}
	return out
}

func equal(t *testing.T, got []felt.Felt, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d felts, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].String() != want[i] {
			t.Errorf("felt %d: %s, want %s", i, got[i], want[i])
		}
	}
}

func TestU256(t *testing.T) {
	// 2^128 + 2: low 2, high 1.
	x := new(big.Int).Lsh(big.NewInt(1), 128)
	u, err := U256FromBig(x.Add(x, big.NewInt(2)))
	if err != nil {
		t.Fatal(err)
	}
	var e Encoder
	e.U256(u)
	e.U256(U256FromUint64(7))
	equal(t, e.Felts(), "0x2", "0x1", "0x7", "0x0")
	d := NewDecoder(e.Felts())
	if d.U256() != u || d.U256() != U256FromUint64(7) || d.Close() != nil {
		t.Error("does not decode to what was encoded")
	}
	if u.String() != "340282366920938463463374607431768211458" {
		t.Error(u.String())
	}
	over := new(big.Int).Lsh(big.NewInt(1), 256)
	for _, bad := range []*big.Int{big.NewInt(-1), over} {
		if _, err := U256FromBig(bad); !errors.Is(err, ErrRange) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := U256FromBig(over.Sub(over, big.NewInt(1))); err != nil {
		t.Error(err)
	}
}

func TestU128(t *testing.T) {
	over := new(big.Int).Lsh(big.NewInt(1), 128)
	if _, err := U128FromBig(over); !errors.Is(err, ErrRange) {
		t.Error(err)
	}
	u, err := U128FromBig(over.Sub(over, big.NewInt(1)))
	if err != nil || u.Big().Cmp(over) != 0 {
		t.Error(u, err)
	}
	d := NewDecoder(felts("0x100000000000000000000000000000000"))
	d.U128()
	if !errors.Is(d.Close(), ErrRange) {
		t.Error("2^128 is no u128")
	}
}

func TestByteArray(t *testing.T) {
	long := strings.Repeat("a", 31) + "bc"
	for s, want := range map[string][]string{
		"":        {"0x0", "0x0", "0x0"},
		"abc":     {"0x0", "0x616263", "0x3"},
		long[:31]: {"0x1", "0x" + strings.Repeat("61", 31), "0x0", "0x0"},
		long:      {"0x1", "0x" + strings.Repeat("61", 31), "0x6263", "0x2"},
		"\x00a":   {"0x0", "0x61", "0x2"},
	} {
		var e Encoder
		e.ByteArray(s)
		equal(t, e.Felts(), want...)
		d := NewDecoder(e.Felts())
		if got := d.ByteArray(); got != s || d.Close() != nil {
			t.Errorf("%q became %q, %v", s, got, d.Close())
		}
	}
	for _, bad := range [][]felt.Felt{
		felts("0x0", "0x616263", "0x2"),              // the rest is longer than it says
		felts("0x0", "0x0", "0x1f"),                  // a rest of a whole word
		felts("0x5", "0x0", "0x0"),                   // words are missing
		felts("0x1", "0x1"+strings.Repeat("00", 31)), // no length
	} {
		d := NewDecoder(bad)
		if d.ByteArray(); d.Close() == nil {
			t.Errorf("accepted %d felts", len(bad))
		}
	}
}

func TestDecoderErrors(t *testing.T) {
	for name, c := range map[string]struct {
		in   []felt.Felt
		read func(*Decoder)
		want error
	}{
		"short":     {nil, func(d *Decoder) { d.Felt() }, ErrShort},
		"trailing":  {felts("0x1"), func(*Decoder) {}, ErrTrailing},
		"bool":      {felts("0x2"), func(d *Decoder) { d.Bool() }, ErrRange},
		"u8":        {felts("0x100"), func(d *Decoder) { d.Uint(255) }, ErrRange},
		"u64":       {felts("0x10000000000000000"), func(d *Decoder) { d.Uint(1<<64 - 1) }, ErrRange},
		"length":    {felts("0x2", "0x0"), func(d *Decoder) { d.Len() }, ErrShort},
		"half":      {felts("0x1"), func(d *Decoder) { d.U256() }, ErrShort},
		"high":      {felts("0x0", "0x100000000000000000000000000000000"), func(d *Decoder) { d.U256() }, ErrRange},
		"array":     {felts("0x1"), func(d *Decoder) { d.Felts() }, ErrShort},
		"huge":      {felts("0xffffffffffffffff"), func(d *Decoder) { d.Felts() }, ErrRange},
		"huge text": {felts("0x7fffffffffffffff", "0x0", "0x0"), func(d *Decoder) { d.ByteArray() }, ErrRange},
	} {
		d := NewDecoder(c.in)
		c.read(d)
		if err := d.Close(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		d.Felt()
		if d.U256() != (U256{}) || d.Bool() || d.ByteArray() != "" || len(d.Felts()) != 0 {
			t.Errorf("%s: values after an error", name)
		}
	}
}

func TestBool(t *testing.T) {
	var e Encoder
	e.Bool(true)
	e.Bool(false)
	equal(t, e.Felts(), "0x1", "0x0")
	d := NewDecoder(e.Felts())
	if !d.Bool() || d.Bool() || d.Close() != nil {
		t.Error("does not decode to what was encoded")
	}
}

func TestArray(t *testing.T) {
	e := new(Encoder).Array(felts("0x5", "0x6")).Array(nil)
	equal(t, e.Felts(), "0x2", "0x5", "0x6", "0x0")
	d := NewDecoder(e.Felts())
	if list := d.Felts(); len(list) != 2 || list[1] != felt.FromUint64(6) || len(d.Felts()) != 0 || d.Close() != nil {
		t.Error("does not decode to what was encoded")
	}
}

func FuzzByteArray(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add(bytes.Repeat([]byte{0}, 62))
	f.Fuzz(func(t *testing.T, in []byte) {
		d := NewDecoder(new(Encoder).ByteArray(string(in)).Felts())
		if got := d.ByteArray(); got != string(in) || d.Close() != nil {
			t.Errorf("%x comes back as %x: %v", in, got, d.Close())
		}
	})
}

// FuzzDecoder reads random felts in every way; it must not panic, and what it reads of a
// ByteArray must encode to the same felts.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{1, 65, 2, 65})
	f.Fuzz(func(t *testing.T, in []byte) {
		list := make([]felt.Felt, len(in))
		for i, b := range in {
			list[i] = felt.FromUint64(uint64(b))
		}
		d := NewDecoder(list)
		if s := d.ByteArray(); d.Close() == nil && !slices.Equal(new(Encoder).ByteArray(s).Felts(), list) {
			t.Errorf("%x", in)
		}
		d = NewDecoder(list)
		d.Felts()
		d.U256()
		d.Len()
		d.Bool()
		if d.Close() == nil && len(in) == 0 {
			t.Error("nothing was read")
		}
	})
}
