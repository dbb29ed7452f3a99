package ledger

import (
	"fmt"
	"reflect"

	"github.com/bitsage/bitsage/chain/felt"
)

// Felt is a number of Starknet's field.
type Felt = felt.Felt

// address is a ContractAddress: a felt below 2^251.
type address struct{ Felt }

// IsZero reports whether the address names nothing.
func (a address) IsZero() bool { return a == address{} }

// The Go types that stand for Cairo's, in calldata, results, events and storage:
//
//	Felt                felt252, ClassHash
//	address             ContractAddress
//	bool, uint8 … uint64, u128, u256
//	a uint8 type with a method variants     an enum without payloads
//	string              ByteArray
//	*T                  Option<T>
//	[]T                 Array<T> or Span<T>, not in storage
//	a struct of these   a struct; its fields are exported
//	a variant           an enum with payloads, only in results

// enum is an enum without payloads.
type enum interface {
	variants() uint64 // how many there are
}

// variant is a value of an enum with payloads: the index of the variant, and the payload
// or nil.
type variant interface {
	variant() (uint64, any)
}

var (
	typeFelt    = reflect.TypeFor[Felt]()
	typeAddress = reflect.TypeFor[address]()
	typeU128    = reflect.TypeFor[u128]()
	typeU256    = reflect.TypeFor[u256]()
	typeVariant = reflect.TypeFor[variant]()
)

// toFelt returns a value of one felt.
func toFelt(v reflect.Value) (Felt, bool) {
	var f Felt
	switch v.Type() {
	case typeFelt:
		return v.Interface().(Felt), true
	case typeAddress:
		return v.Interface().(address).Felt, true
	case typeU128:
		return v.Interface().(u128).felt(), true
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
func fromFelt(f Felt, v reflect.Value) bool {
	switch v.Type() {
	case typeFelt:
		v.Set(reflect.ValueOf(f))
		return true
	case typeAddress:
		b := f.Bytes()
		v.Set(reflect.ValueOf(address{f}))
		return b[0] < 0x08
	case typeU128:
		b := f.Bytes()
		v.Set(reflect.ValueOf(u256FromBytes(b).low()))
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
	if e, ok := v.Interface().(enum); ok && x >= e.variants() {
		return false
	}
	v.SetUint(x)
	return v.Uint() == x
}

// serialize appends a value in Cairo's calldata encoding.
func serialize(out []Felt, v reflect.Value) []Felt {
	if f, ok := toFelt(v); ok {
		return append(out, f)
	}
	if v.Type() == typeU256 {
		x := v.Interface().(u256)
		return append(out, x.low().felt(), x.high().felt())
	}
	if x, ok := v.Interface().(variant); ok {
		index, payload := x.variant()
		out = append(out, uintFelt(index))
		if payload != nil {
			out = serialize(out, reflect.ValueOf(payload))
		}
		return out
	}
	switch v.Kind() {
	case reflect.String:
		words, rest := byteWords(v.String())
		out = append(append(out, uintFelt(uint64(len(words)))), words...)
		return append(out, wordFelt(rest), uintFelt(uint64(len(rest))))
	case reflect.Pointer:
		if v.IsNil() {
			return append(out, uintFelt(1))
		}
		return serialize(append(out, Felt{}), v.Elem())
	case reflect.Slice:
		out = append(out, uintFelt(uint64(v.Len())))
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
	panic(fmt.Sprintf("ledger: %v is no type of Cairo", v.Type()))
}

// felts serializes several values.
func felts(values ...any) []Felt {
	var out []Felt
	for _, v := range values {
		out = serialize(out, reflect.ValueOf(v))
	}
	return out
}

// calldata is what of a function's arguments is not read yet.
type calldata []Felt

func (c *calldata) next() (Felt, bool) {
	if len(*c) == 0 {
		return Felt{}, false
	}
	f := (*c)[0]
	*c = (*c)[1:]
	return f, true
}

// deserialize reads a value, and reports whether there was one of the type.
func (c *calldata) deserialize(v reflect.Value) bool {
	if isScalar(v.Type()) {
		f, ok := c.next()
		return ok && fromFelt(f, v)
	}
	if v.Type() == typeU256 {
		var low, high u128
		ok := c.deserialize(reflect.ValueOf(&low).Elem()) && c.deserialize(reflect.ValueOf(&high).Elem())
		v.Set(reflect.ValueOf(u256{low[0], low[1], high[0], high[1]}))
		return ok
	}
	switch v.Kind() {
	case reflect.String:
		s, ok := c.byteArray()
		v.SetString(s)
		return ok
	case reflect.Pointer:
		f, ok := c.next()
		if !ok || !f.IsUint64() || f.Uint64() > 1 {
			return false
		}
		if f.Uint64() == 1 {
			return true
		}
		v.Set(reflect.New(v.Type().Elem()))
		return c.deserialize(v.Elem())
	case reflect.Slice:
		// Every element has at least one felt.
		f, ok := c.next()
		if !ok || !f.IsUint64() || f.Uint64() > uint64(len(*c)) {
			// A length that is no u32 is refused before anything is sliced.
			require(!ok || v.Type() != typeSliced || !f.IsUint64() || f.Uint64() >= 1<<32, "Index out of bounds")
			return false
		}
		v.Set(reflect.MakeSlice(v.Type(), int(f.Uint64()), int(f.Uint64())))
		for i := range v.Len() {
			if !c.deserialize(v.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Struct:
		for i := range v.NumField() {
			if !c.deserialize(v.Field(i)) {
				return false
			}
		}
		return true
	}
	panic(fmt.Sprintf("ledger: %v is no type of Cairo", v.Type()))
}

// bytesPerWord is how many bytes of a ByteArray are in a felt.
const bytesPerWord = 31

func (c *calldata) byteArray() (string, bool) {
	n, ok := c.next()
	if !ok || !n.IsUint64() || n.Uint64() > uint64(len(*c)) {
		return "", false
	}
	var out []byte
	for range n.Uint64() {
		f, _ := c.next()
		if out, ok = appendWord(out, f, bytesPerWord); !ok {
			return "", false
		}
	}
	rest, _ := c.next()
	size, ok := c.next()
	if !ok || !size.IsUint64() || size.Uint64() >= bytesPerWord {
		return "", false
	}
	out, ok = appendWord(out, rest, int(size.Uint64()))
	return string(out), ok
}

// appendWord appends the n low bytes of a felt, which must have no more.
func appendWord(out []byte, f Felt, n int) ([]byte, bool) {
	b := f.Bytes()
	for _, x := range b[:felt.Size-n] {
		if x != 0 {
			return nil, false
		}
	}
	return append(out, b[felt.Size-n:]...), true
}

// byteWords splits a ByteArray into its full words and the rest.
func byteWords(s string) (words []Felt, rest string) {
	for ; len(s) >= bytesPerWord; s = s[bytesPerWord:] {
		words = append(words, wordFelt(s[:bytesPerWord]))
	}
	return words, s
}

func wordFelt(s string) Felt {
	var f Felt
	f.SetBytes([]byte(s)) // at most 31 bytes, so below the prime
	return f
}

func uintFelt(x uint64) Felt {
	var f Felt
	f.SetUint64(x)
	return f
}

// shortString packs a constant of at most 31 ASCII characters.
func shortString(s string) Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err)
	}
	return f
}
