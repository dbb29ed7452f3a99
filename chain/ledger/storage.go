package ledger

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/pedersen"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// Storage is laid out as Cairo does it: a variable begins at the keccak of its name, an
// entry of a map at the Pedersen hashes of that with each felt of the key; a value takes
// consecutive slots, an enum one for the index of the variant, where the default is 0,
// and an Option one slot and then those of its value, with 0 for None.

// variable is a storage variable of a contract.
type variable[T any] struct {
	f    *frame
	name string
}

func (v variable[T]) read() T   { return load[T](v.f, keccak(v.name)) }
func (v variable[T]) write(x T) { save(v.f, keccak(v.name), x) }

// mapping is a storage variable of type Map. A key of type (A, B) is pair[A, B].
type mapping[K, V any] struct {
	f    *frame
	name string
}

func (m mapping[K, V]) read(key K) V     { return load[V](m.f, m.at(key)) }
func (m mapping[K, V]) write(key K, x V) { save(m.f, m.at(key), x) }

func (m mapping[K, V]) at(key K) Felt {
	h := keccak(m.name)
	for _, k := range felts(key) {
		h = pedersenHash(h, k)
	}
	return slotAddress(h)
}

// pair is a key of two parts.
type pair[A, B any] struct {
	First  A
	Second B
}

func by[A, B any](a A, b B) pair[A, B] { return pair[A, B]{a, b} }

// addressBound is 2^251 - 256; addresses of slots are below it, as those of contracts.
var addressBound = felt.MustParse("0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00")

func slotAddress(f Felt) Felt {
	if f.Cmp(addressBound) >= 0 {
		f.Sub(&f, &addressBound)
	}
	return f
}

// slots are the consecutive slots of one value.
type slots struct {
	f  *frame
	at Felt
}

func (s *slots) next() Felt {
	at := s.at
	one := uintFelt(1)
	s.at.Add(&s.at, &one)
	return at
}

func load[T any](f *frame, base Felt) T {
	var out T
	s := slots{f, base}
	s.load(reflect.ValueOf(&out).Elem())
	return out
}

func save[T any](f *frame, base Felt, x T) {
	s := slots{f, base}
	s.save(reflect.ValueOf(&x).Elem())
}

func (s *slots) load(v reflect.Value) {
	if isScalar(v.Type()) {
		at := s.next()
		if !fromFelt(s.f.storage(at), v) {
			panic(fmt.Sprintf("ledger: slot %s holds no %v", at, v.Type()))
		}
		return
	}
	if v.Type() == typeU256 {
		var low, high u128
		s.load(reflect.ValueOf(&low).Elem())
		s.load(reflect.ValueOf(&high).Elem())
		v.Set(reflect.ValueOf(u256{low[0], low[1], high[0], high[1]}))
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
		panic(fmt.Sprintf("ledger: %v cannot be stored", v.Type()))
	}
}

func (s *slots) save(v reflect.Value) {
	if f, ok := toFelt(v); ok {
		s.f.setStorage(s.next(), f)
		return
	}
	if v.Type() == typeU256 {
		x := v.Interface().(u256)
		s.f.setStorage(s.next(), x.low().felt())
		s.f.setStorage(s.next(), x.high().felt())
		return
	}
	switch v.Kind() {
	case reflect.String:
		s.saveBytes(v.String())
	case reflect.Pointer:
		if v.IsNil() { // Cairo leaves the old value, which nobody reads
			s.f.setStorage(s.next(), Felt{})
			for range size(v.Type().Elem()) {
				s.next()
			}
			return
		}
		s.f.setStorage(s.next(), uintFelt(1))
		s.save(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			s.save(v.Field(i))
		}
	default:
		panic(fmt.Sprintf("ledger: %v cannot be stored", v.Type()))
	}
}

// size is how many slots a value of the type takes.
func size(t reflect.Type) int {
	switch {
	case isScalar(t) || t.Kind() == reflect.String:
		return 1
	case t == typeU256:
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
func byteChunk(at Felt, chunk int) Felt {
	state := [3]Felt{at, uintFelt(uint64(chunk)), shortString("ByteArray")}
	poseidon.Permute(&state)
	return slotAddress(state[0])
}

func byteSlot(at Felt, word int) Felt {
	chunk, offset := byteChunk(at, word/256), uintFelt(uint64(word%256))
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
	s.f.setStorage(at, uintFelt(uint64(len(text))))
	words, rest := byteWords(text)
	if rest != "" {
		words = append(words, wordFelt(rest))
	}
	for i, w := range words {
		s.f.setStorage(byteSlot(at, i), w)
	}
}

// memo remembers values of a function, at least the last maxMemo of them.
type memo[K comparable, V any] struct {
	mu       sync.RWMutex
	new, old map[K]V
}

// maxMemo is the size of one of the two generations of a memo.
const maxMemo = 1 << 15

// get returns the value for a key, which f computes if it is not remembered.
func (m *memo[K, V]) get(key K, f func() V) V {
	m.mu.RLock()
	v, fresh := m.new[key]
	known := fresh
	if !fresh {
		v, known = m.old[key]
	}
	m.mu.RUnlock()
	if fresh {
		return v
	}
	if !known {
		v = f()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.new == nil || len(m.new) >= maxMemo {
		m.new, m.old = make(map[K]V), m.new
	}
	m.new[key] = v
	return v
}

var (
	pairHashes memo[[2]Felt, Felt]
	selectors  memo[string, Felt]
)

// pedersenHash is the hash of two felts, parts of addresses in storage.
func pedersenHash(a, b Felt) Felt {
	return pairHashes.get([2]Felt{a, b}, func() Felt { return pedersen.Hash(a, b) })
}

// keccak is the selector of a function or event, and the address of a variable.
func keccak(name string) Felt {
	return selectors.get(name, func() Felt { return chain.Selector(name) })
}
