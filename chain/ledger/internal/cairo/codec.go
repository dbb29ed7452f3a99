package cairo

import (
	"fmt"
	"reflect"

	"github.com/bitsage/bitsage/chain/felt"
)

// Address is a ContractAddress: a felt below 2^251.
type Address struct{ felt.Felt }

// IsZero reports whether the address names nothing.
func (a Address) IsZero() bool { return a == Address{} }

// The Go types that stand for Cairo's, in calldata, results, events and storage:
//
//	felt.Felt           felt252, ClassHash
//	Address             ContractAddress
//	bool, uint8 … uint64, U128, U256
//	a uint8 type that is an Enum            an enum without payloads
//	string              ByteArray
//	*T                  Option<T>
//	[]T                 Array<T> or Span<T>, not in storage
//	a struct of these   a struct; its fields are exported
//	a Variant           an enum with payloads, only in results

// Enum is an enum without payloads.
type Enum interface {
	Variants() uint64 // how many there are
}

// Variant is a value of an enum with payloads: the index of the variant, and the payload
// or nil.
type Variant interface {
	Variant() (uint64, any)
}

// Sliced is a Span<felt252> as OpenZeppelin's account decodes it: it panics where the span
// is longer than what there is. A contract of today's compiler refuses the argument.
type Sliced []felt.Felt

// toFelt returns a value of one felt.
func toFelt(v reflect.Value) (felt.Felt, bool) {
	var f felt.Felt
	switch v.Type() {
	case reflect.TypeFor[felt.Felt]():
		return v.Interface().(felt.Felt), true
	case reflect.TypeFor[Address]():
		return v.Interface().(Address).Felt, true
	case reflect.TypeFor[U128]():
		return v.Interface().(U128).felt(), true
	}
	switch v.Kind() {
	case reflect.Bool:
		if v.Bool() {
			f.SetUint64(1)
		}
		return f, true
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		f.SetUint64(v.Uint())
		return f, true
	}
	return f, false
}

// isScalar reports whether values of the type are one felt.
func isScalar(t reflect.Type) bool {
	_, ok := toFelt(reflect.Zero(t))
	return ok
}

// fromFelt is the inverse of toFelt. It reports whether the felt is a value of the type.
func fromFelt(f felt.Felt, v reflect.Value) bool {
	switch v.Type() {
	case reflect.TypeFor[felt.Felt]():
		v.Set(reflect.ValueOf(f))
		return true
	case reflect.TypeFor[Address]():
		b := f.Bytes()
		v.Set(reflect.ValueOf(Address{Felt: f}))
		return b[0] < 0x08
	case reflect.TypeFor[U128]():
		b := f.Bytes()
		v.Set(reflect.ValueOf(U256FromBytes(b).low()))
		return [16]byte(b[:16]) == [16]byte{}
	}
	if !f.IsUint64() {
		return false
	}
	x := f.Uint64()
	if v.Kind() == reflect.Bool {
		v.SetBool(x == 1)
		return x <= 1
	}
	if e, ok := v.Interface().(Enum); ok && x >= e.Variants() {
		return false
	}
	v.SetUint(x)
	return v.Uint() == x
}

// serialize appends a value in Cairo's calldata encoding.
func serialize(out []felt.Felt, v reflect.Value) []felt.Felt {
	if f, ok := toFelt(v); ok {
		return append(out, f)
	}
	if v.Type() == reflect.TypeFor[U256]() {
		x := v.Interface().(U256)
		return append(out, x.low().felt(), x.high().felt())
	}
	if x, ok := v.Interface().(Variant); ok {
		index, payload := x.Variant()
		out = append(out, Uint(index))
		if payload != nil {
			out = serialize(out, reflect.ValueOf(payload))
		}
		return out
	}
	switch v.Kind() {
	case reflect.String:
		words, rest := byteWords(v.String())
		out = append(append(out, Uint(uint64(len(words)))), words...)
		return append(out, wordFelt(rest), Uint(uint64(len(rest))))
	case reflect.Pointer:
		if v.IsNil() {
			return append(out, Uint(1))
		}
		return serialize(append(out, felt.Felt{}), v.Elem())
	case reflect.Slice:
		out = append(out, Uint(uint64(v.Len())))
		for i := range v.Len() {
			out = serialize(out, v.Index(i))
		}
		return out
	case reflect.Struct:
		for i := range v.NumField() {
			out = serialize(out, v.Field(i))
		}
		return out
	}
	panic(fmt.Sprintf("cairo: %v is no type of Cairo", v.Type()))
}

// Felts serializes several values.
func Felts(values ...any) []felt.Felt {
	var out []felt.Felt
	for _, v := range values {
		out = serialize(out, reflect.ValueOf(v))
	}
	return out
}

// Calldata is what of a function's arguments is not read yet.
type Calldata []felt.Felt

// Next reads a felt, and reports whether there was one.
func (c *Calldata) Next() (felt.Felt, bool) {
	if len(*c) == 0 {
		return felt.Felt{}, false
	}
	f := (*c)[0]
	*c = (*c)[1:]
	return f, true
}

// Deserialize reads a value, and reports whether there was one of the type.
func (c *Calldata) Deserialize(v reflect.Value) bool {
	if isScalar(v.Type()) {
		f, ok := c.Next()
		return ok && fromFelt(f, v)
	}
	if v.Type() == reflect.TypeFor[U256]() {
		var low, high U128
		ok := c.Deserialize(reflect.ValueOf(&low).Elem()) && c.Deserialize(reflect.ValueOf(&high).Elem())
		v.Set(reflect.ValueOf(U256{low[0], low[1], high[0], high[1]}))
		return ok
	}
	switch v.Kind() {
	case reflect.String:
		s, ok := c.byteArray()
		v.SetString(s)
		return ok
	case reflect.Pointer:
		f, ok := c.Next()
		if !ok || !f.IsUint64() || f.Uint64() > 1 {
			return false
		}
		if f.Uint64() == 1 {
			return true
		}
		v.Set(reflect.New(v.Type().Elem()))
		return c.Deserialize(v.Elem())
	case reflect.Slice:
		// Every element has at least one felt.
		f, ok := c.Next()
		if !ok || !f.IsUint64() || f.Uint64() > uint64(len(*c)) {
			// A length that is no u32 is refused before anything is sliced.
			Require(!ok || v.Type() != reflect.TypeFor[Sliced]() || !f.IsUint64() || f.Uint64() >= 1<<32, "Index out of bounds")
			return false
		}
		v.Set(reflect.MakeSlice(v.Type(), int(f.Uint64()), int(f.Uint64())))
		for i := range v.Len() {
			if !c.Deserialize(v.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range v.NumField() {
			if !c.Deserialize(v.Field(i)) {
				return false
			}
		}
		return true
	}
	panic(fmt.Sprintf("cairo: %v is no type of Cairo", v.Type()))
}

// bytesPerWord is how many bytes of a ByteArray are in a felt.
const bytesPerWord = 31

func (c *Calldata) byteArray() (string, bool) {
	n, ok := c.Next()
	if !ok || !n.IsUint64() || n.Uint64() > uint64(len(*c)) {
		return "", false
	}
	var out []byte
	for range n.Uint64() {
		f, _ := c.Next()
		if out, ok = appendWord(out, f, bytesPerWord); !ok {
			return "", false
		}
	}
	rest, _ := c.Next()
	size, ok := c.Next()
	if !ok || !size.IsUint64() || size.Uint64() >= bytesPerWord {
		return "", false
	}
	out, ok = appendWord(out, rest, int(size.Uint64()))
	return string(out), ok
}

// appendWord appends the n low bytes of a felt, which must have no more.
func appendWord(out []byte, f felt.Felt, n int) ([]byte, bool) {
	b := f.Bytes()
	for _, x := range b[:felt.Size-n] {
		if x != 0 {
			return nil, false
		}
	}
	return append(out, b[felt.Size-n:]...), true
}

// byteWords splits a ByteArray into its full words and the rest.
func byteWords(s string) (words []felt.Felt, rest string) {
	for ; len(s) >= bytesPerWord; s = s[bytesPerWord:] {
		words = append(words, wordFelt(s[:bytesPerWord]))
	}
	return words, s
}

func wordFelt(s string) felt.Felt {
	var f felt.Felt
	f.SetBytes([]byte(s)) // at most 31 bytes, so below the prime
	return f
}

// Uint is a number as a felt.
func Uint(x uint64) felt.Felt {
	var f felt.Felt
	f.SetUint64(x)
	return f
}

// ShortString packs a constant of at most 31 ASCII characters.
func ShortString(s string) felt.Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err)
	}
	return f
}
