package cairo

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/calldata"
)

type color uint8

func (color) Variants() uint64 { return 3 }

type shape struct {
	On     bool
	Color  color
	Small  uint16
	Amount U256
	Owner  Address
	Text   string
	Maybe  *Pair[felt.Felt, uint64]
	Last   U128
}

// nothing is the state of a chain on which nothing is.
type nothing struct{}

func (nothing) Slot(Slot) felt.Felt         { return felt.Felt{} }
func (nothing) ClassAt(felt.Felt) felt.Felt { return felt.Felt{} }
func (nothing) NonceOf(felt.Felt) uint64    { return 0 }
func (nothing) IsDeclared(felt.Felt) bool   { return false }

// TestLayout writes a value of every kind and looks at the slots.
func TestLayout(t *testing.T) {
	long := strings.Repeat("0123456789abcdefghijklmnopqrst.", 2) + "rest"
	some := Pair[felt.Felt, uint64]{Uint(70), 71}
	v := shape{true, 2, 300, U256{1, 2, 3, 4}, Address{Felt: Uint(5)}, long, &some, U128{6, 7}}
	base := Selector("thing")
	offset := func(n uint64) felt.Felt { f := Uint(n); f.Add(&f, &base); return f }
	r := &Run{State: NewOverlay(nothing{})}
	failure := r.Protect(func() {
		f := r.Frame(Uint(1), felt.Felt{})
		thing := NewVariable[shape](f, "thing")
		thing.Write(v)
		if got := thing.Read(); !reflect.DeepEqual(got, v) {
			t.Errorf("%+v", got)
		}
		want := []felt.Felt{Uint(1), Uint(2), Uint(300), felt.MustParse("0x20000000000000001"), felt.MustParse("0x40000000000000003"),
			Uint(5), Uint(66), Uint(1), Uint(70), Uint(71), felt.MustParse("0x70000000000000006")}
		for i, x := range want {
			if got := f.storage(offset(uint64(i))); got != x {
				t.Errorf("slot %d is %s, want %s", i, got.String(), x.String())
			}
		}
		if n := size(reflect.TypeFor[shape]()); n != len(want) {
			t.Errorf("a shape has %d slots", n)
		}
		v.Maybe = nil
		thing.Write(v)
		if got := thing.Read(); !reflect.DeepEqual(got, v) {
			t.Errorf("%+v", got)
		}
	})
	if failure != nil {
		t.Error(failure.Text, failure.Data)
	}
	// What a devnet has of the text "StarkNet Token" at ERC20_name.
	if at := byteSlot(Selector("ERC20_name"), 0); at != felt.MustParse("0x35b0c37f7f34be47076c6cfbcf811ad0769dbc81f4c509ee9613e0b0c648ca9") {
		t.Errorf("the text of a ByteArray is at %s", at.String())
	}
	// A devnet's balance of STRK of the account 0x1000.
	if at := NewMapping[Address, U256](nil, "ERC20_balances").At(Address{Felt: Uint(0x1000)}); at != felt.MustParse("0x723973208639b7839ce298f7ffea61e3f9533872defd7abdb91023db4658812") {
		t.Errorf("an entry of a map is at %s", at.String())
	}
}

// TestSerialize encodes a value of every kind, and refuses what is none.
func TestSerialize(t *testing.T) {
	some := Pair[felt.Felt, uint64]{Uint(70), 71}
	v := shape{true, 2, 300, U256{1, 2, 3, 4}, Address{Felt: Uint(5)}, "abc", &some, U128{6}}
	data := Felts(v)
	var back shape
	if c := Calldata(data); !c.Deserialize(reflect.ValueOf(&back).Elem()) || len(c) > 0 || !reflect.DeepEqual(back, v) {
		t.Errorf("%+v", back)
	}
	amount, err := calldata.U256FromBig(v.Amount.Big())
	if err != nil {
		t.Fatal(err)
	}
	want := new(calldata.Encoder).Bool(true).Uint(2).Uint(300).U256(amount).Felt(Uint(5)).ByteArray("abc").Uint(0).Uint(70).Uint(71).Uint(6).Felts()
	if !slices.Equal(data, want) {
		t.Errorf("%v, want %v", data, want)
	}
	for i := range data { // every felt but that of Maybe, which may be any, is now too large
		c := Calldata(slices.Clone(data))
		c[i] = felt.MustParse("0x800000000000011000000000000000000000000000000000000000000000000")
		if c.Deserialize(reflect.ValueOf(&back).Elem()) != (i == 10) {
			t.Errorf("felt %d is out of range", i)
		}
		if c := Calldata(data[:i]); c.Deserialize(reflect.ValueOf(&back).Elem()) {
			t.Errorf("%d felts suffice", i)
		}
	}
	for _, c := range []struct {
		into any
		data []felt.Felt
	}{
		{new(bool), []felt.Felt{Uint(2)}},
		{new(uint8), []felt.Felt{Uint(256)}},
		{new(uint32), []felt.Felt{Uint(1 << 32)}},
		{new(color), []felt.Felt{Uint(3)}},
		{new(*uint8), []felt.Felt{Uint(2)}},
		{new([]felt.Felt), []felt.Felt{Uint(2), Uint(1)}},
		{new([]felt.Felt), []felt.Felt{Uint(1 << 63)}},
		{new(string), []felt.Felt{Uint(0), Uint(256), Uint(1)}},
		{new(string), []felt.Felt{Uint(0), Uint(0), Uint(31)}},
		{new(string), []felt.Felt{Uint(1 << 62)}},
	} {
		if data := Calldata(c.data); data.Deserialize(reflect.ValueOf(c.into).Elem()) {
			t.Errorf("%v is a %T", c.data, c.into)
		}
	}
}
