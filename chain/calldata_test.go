package chain

import (
	"bytes"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pow2(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

func less(x *big.Int) *big.Int { return new(big.Int).Sub(x, big.NewInt(1)) }

func TestEncoderBounds(t *testing.T) {
	for name, e := range map[string]*Encoder{
		"u128 nil":      new(Encoder).U128(nil),
		"u128 negative": new(Encoder).U128(big.NewInt(-1)),
		"u128 overflow": new(Encoder).U128(pow2(128)),
		"u256 nil":      new(Encoder).U256(nil),
		"u256 negative": new(Encoder).U256(big.NewInt(-1)),
		"u256 overflow": new(Encoder).U256(pow2(256)),
		"short string":  new(Encoder).ShortString(strings.Repeat("a", 32)),
		"not ASCII":     new(Encoder).ShortString("é"),
		"byte array":    new(Encoder).ByteArray(strings.Repeat("a", 31*MaxCalldata)),
		"first of two":  new(Encoder).U128(pow2(128)).Uint(1),
	} {
		if out, err := e.Calldata(); !errors.Is(err, ErrCalldata) || out != nil {
			t.Errorf("%s: %v %v", name, out, err)
		}
	}
	var tooLong *CalldataError
	if _, err := new(Encoder).Felt(make([]Felt, MaxCalldata+1)...).Calldata(); !errors.As(err, &tooLong) {
		t.Error(err)
	}
	if out, err := new(Encoder).Felt(make([]Felt, MaxCalldata)...).Calldata(); err != nil || len(out) != MaxCalldata {
		t.Error(err)
	}
}

func TestEncodeDecode(t *testing.T) {
	max128, max256 := less(pow2(128)), less(pow2(256))
	out, err := new(Encoder).Felt(Uint(3)).Uint(1<<64-1).Bool(true).Bool(false).U128(max128).U256(max256).U256(pow2(128)).
		ShortString("abc").ByteArray("").ByteArray("\x00\xff").Array(Uint(1), Uint(2)).Array().Calldata()
	require.NoError(t, err)
	if want := 1 + 1 + 2 + 1 + 2 + 2 + 1 + 3 + 3 + 3 + 1; len(out) != want {
		t.Errorf("%d felts, want %d", len(out), want)
	}
	d := NewDecoder(out)
	if f := d.Felt(); f != Uint(3) {
		t.Error(f)
	}
	if d.Uint() != 1<<64-1 || !d.Bool() || d.Bool() || d.U128().Cmp(max128) != 0 || d.U256().Cmp(max256) != 0 || d.U256().Cmp(pow2(128)) != 0 {
		t.Error("numbers change")
	}
	if d.ShortString() != "abc" || d.ByteArray() != "" || d.ByteArray() != "\x00\xff" {
		t.Error("texts change")
	}
	if list := d.Array(); len(list) != 2 || list[1] != Uint(2) {
		t.Error("an array changes")
	}
	if d.Len() != 0 || d.End() != nil {
		t.Error(d.Err())
	}
}

func TestDecoderRefuses(t *testing.T) {
	big64 := fromBig(pow2(64))
	for name, tc := range map[string]struct {
		in   []Felt
		read func(*Decoder)
	}{
		"felt":               {nil, func(d *Decoder) { d.Felt() }},
		"uint":               {[]Felt{big64}, func(d *Decoder) { d.Uint() }},
		"bool":               {[]Felt{Uint(2)}, func(d *Decoder) { d.Bool() }},
		"u128":               {[]Felt{fromBig(pow2(128))}, func(d *Decoder) { d.U128() }},
		"u256 high":          {[]Felt{{}, fromBig(pow2(128))}, func(d *Decoder) { d.U256() }},
		"u256 half":          {[]Felt{{}}, func(d *Decoder) { d.U256() }},
		"short string":       {[]Felt{Uint(0xff)}, func(d *Decoder) { d.ShortString() }},
		"array":              {[]Felt{Uint(1)}, func(d *Decoder) { d.Array() }},
		"huge array":         {[]Felt{Uint(1<<64 - 1)}, func(d *Decoder) { d.Array() }},
		"array length":       {[]Felt{big64}, func(d *Decoder) { d.Len() }},
		"byte array":         {[]Felt{Uint(0)}, func(d *Decoder) { d.ByteArray() }},
		"huge byte array":    {[]Felt{Uint(1<<63 - 1), {}, {}}, func(d *Decoder) { d.ByteArray() }},
		"32 bytes in a word": {[]Felt{Uint(1), fromBig(pow2(248)), {}, {}}, func(d *Decoder) { d.ByteArray() }},
		"rest of 31":         {[]Felt{Uint(0), {}, Uint(31)}, func(d *Decoder) { d.ByteArray() }},
		"rest too long":      {[]Felt{Uint(0), Uint(256), Uint(1)}, func(d *Decoder) { d.ByteArray() }},
		"felts left over":    {[]Felt{{}}, func(d *Decoder) {}},
	} {
		d := NewDecoder(tc.in)
		tc.read(d)
		assert.ErrorIs(t, d.End(), ErrCalldata, "%s", name)
		d.Felt()
		if d.U256().Sign() != 0 || d.Bool() || d.ByteArray() != "" || len(d.Array()) != 0 {
			t.Errorf("%s: values after an error", name)
		}
	}
}

func TestKeccak(t *testing.T) {
	// Keccak-256 of the empty string is c5d246...5a470; its low 250 bits begin with 01.
	if got := Keccak(nil).String(); got != "0x1d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470" {
		t.Error(got)
	}
}

func FuzzByteArray(f *testing.F) {
	f.Add([]byte("hello"))
	f.Add(bytes.Repeat([]byte{0}, 62))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := new(Encoder).ByteArray(string(in)).Calldata()
		if err != nil {
			return
		}
		d := NewDecoder(out)
		if got := d.ByteArray(); got != string(in) || d.End() != nil {
			t.Errorf("%x comes back as %x: %v", in, got, d.Err())
		}
	})
}

// FuzzDecoder reads random felts in every way; it must not panic, and what it reads
// of a ByteArray must encode to the same felts.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 0, 0})
	f.Add([]byte{1, 65, 2, 65})
	f.Fuzz(func(t *testing.T, in []byte) {
		felts := make([]Felt, len(in))
		for i, b := range in {
			felts[i] = Uint(uint64(b))
		}
		d := NewDecoder(felts)
		if s := d.ByteArray(); d.End() == nil {
			out, err := new(Encoder).ByteArray(s).Calldata()
			if err != nil || !sameFelts(out, felts) {
				t.Errorf("%x", in)
			}
		}
		d = NewDecoder(felts)
		d.Array()
		d.U256()
		d.ShortString()
		d.Len()
		d.Bool()
		if d.End() != nil && d.Err() == nil {
			t.Error("End and Err differ")
		}
	})
}
