package cairo

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// Storage is laid out as Cairo does it: a variable begins at the keccak of its name, an
// entry of a map at the Pedersen hashes of that with each felt of the key; a value takes
// consecutive slots, an enum one for the index of the variant, where the default is 0,
// and an Option one slot and then those of its value, with 0 for None.

// Variable is a storage variable of a contract.
type Variable[T any] struct {
	f    *Frame
	name string
}

// NewVariable is the variable of a name in the contract of a call.
func NewVariable[T any](f *Frame, name string) Variable[T] { return Variable[T]{f, name} }

// Read returns the value; zero if nothing was written.
func (v Variable[T]) Read() T { return load[T](v.f, Selector(v.name)) }

// Write sets the value.
func (v Variable[T]) Write(x T) { save(v.f, Selector(v.name), x) }

// Mapping is a storage variable of type Map. A key of type (A, B) is pair[A, B].
type Mapping[K, V any] struct {
	f    *Frame
	name string
}

// NewMapping is the map of a name in the contract of a call.
func NewMapping[K, V any](f *Frame, name string) Mapping[K, V] { return Mapping[K, V]{f, name} }

// Read returns the value of a key; zero if nothing was written.
func (m Mapping[K, V]) Read(key K) V { return load[V](m.f, m.At(key)) }

// Write sets the value of a key.
func (m Mapping[K, V]) Write(key K, x V) { save(m.f, m.At(key), x) }

// At is the first slot of the value of a key.
func (m Mapping[K, V]) At(key K) felt.Felt {
	h := Selector(m.name)
	for _, k := range Felts(key) {
		h = PedersenHash(h, k)
	}
	return slotAddress(h)
}

// Pair is a key of two parts.
type Pair[A, B any] struct {
	First  A
	Second B
}

// PairOf is a key of two parts.
func PairOf[A, B any](a A, b B) Pair[A, B] { return Pair[A, B]{a, b} }

// addressBound is 2^251 - 256; addresses of slots are below it, as those of contracts.
func addressBound() *felt.Felt {
	addresses.once.Do(func() {
		addresses.bound = felt.MustParse("0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00")
	})
	return &addresses.bound
}

var addresses struct {
	once  sync.Once
	bound felt.Felt
}

func slotAddress(f felt.Felt) felt.Felt {
	if f.Cmp(*addressBound()) >= 0 {
		f.Sub(&f, addressBound())
	}
	return f
}

// slots are the consecutive slots of one value.
type slots struct {
	f  *Frame
	at felt.Felt
}

func (s *slots) next() felt.Felt {
	at := s.at
	one := Uint(1)
	s.at.Add(&s.at, &one)
	return at
}

func load[T any](f *Frame, base felt.Felt) T {
	var out T
	s := slots{f, base}
	s.load(reflect.ValueOf(&out).Elem())
	return out
}

func save[T any](f *Frame, base felt.Felt, x T) {
	s := slots{f, base}
	s.save(reflect.ValueOf(&x).Elem())
}

func (s *slots) load(v reflect.Value) {
	if isScalar(v.Type()) {
		at := s.next()
		if !fromFelt(s.f.storage(at), v) {
			panic(fmt.Sprintf("cairo: slot %s holds no %v", at.String(), v.Type()))
		}
		return
	}
	if v.Type() == reflect.TypeFor[U256]() {
		var low, high U128
		s.load(reflect.ValueOf(&low).Elem())
		s.load(reflect.ValueOf(&high).Elem())
		v.Set(reflect.ValueOf(U256{low[0], low[1], high[0], high[1]}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s.loadBytes())
	case reflect.Pointer:
		some := s.f.storage(s.next())
		v.SetZero()
		p := reflect.New(v.Type().Elem())
		s.load(p.Elem())
		if !some.IsZero() {
			v.Set(p)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			s.load(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("cairo: %v cannot be stored", v.Type()))
	}
}

func (s *slots) save(v reflect.Value) {
	if f, ok := toFelt(v); ok {
		s.f.setStorage(s.next(), f)
		return
	}
	if v.Type() == reflect.TypeFor[U256]() {
		x := v.Interface().(U256)
		s.f.setStorage(s.next(), x.low().felt())
		s.f.setStorage(s.next(), x.high().felt())
		return
	}
	switch v.Kind() {
	case reflect.String:
		s.saveBytes(v.String())
	case reflect.Pointer:
		if v.IsNil() { // Cairo leaves the old value, which nobody reads
			s.f.setStorage(s.next(), felt.Felt{})
			for range size(v.Type().Elem()) {
				s.next()
			}
			return
		}
		s.f.setStorage(s.next(), Uint(1))
		s.save(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			s.save(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("cairo: %v cannot be stored", v.Type()))
	}
}

// size is how many slots a value of the type takes.
func size(t reflect.Type) int {
	switch {
	case isScalar(t) || t.Kind() == reflect.String:
		return 1
	case t == reflect.TypeFor[U256]():
		return 2
	case t.Kind() == reflect.Pointer:
		return 1 + size(t.Elem())
	}
	n := 0
	for i := range t.NumField() {
		n += size(t.Field(i).Type)
	}
	return n
}

// A ByteArray has its length in its slot. Its words are elsewhere, in chunks of 256 slots
// whose addresses are hashes of the slot and the number of the chunk.
func byteChunk(at felt.Felt, chunk int) felt.Felt {
	state := [3]felt.Felt{at, Uint(uint64(chunk)), ShortString("ByteArray")}
	poseidon.Permute(&state)
	return slotAddress(state[0])
}

func byteSlot(at felt.Felt, word int) felt.Felt {
	chunk, offset := byteChunk(at, word/256), Uint(uint64(word%256))
	chunk.Add(&chunk, &offset)
	return chunk
}

func (s *slots) loadBytes() string {
	at := s.next()
	length := s.f.storage(at)
	var out []byte
	for word, left := 0, int(length.Uint64()); left > 0; word, left = word+1, left-bytesPerWord {
		b := s.f.storage(byteSlot(at, word))
		out, _ = appendWord(out, b, min(left, bytesPerWord))
	}
	return string(out)
}

func (s *slots) saveBytes(text string) {
	at := s.next()
	s.f.setStorage(at, Uint(uint64(len(text))))
	words, rest := byteWords(text)
	if rest != "" {
		words = append(words, wordFelt(rest))
	}
	for i, w := range words {
		s.f.setStorage(byteSlot(at, i), w)
	}
}
