package cairo

import (
	"sync"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/pedersen"
)

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
	pairHashes memo[[2]felt.Felt, felt.Felt]
	selectors  memo[string, felt.Felt]
)

// PedersenHash is the hash of two felts, parts of addresses in storage.
func PedersenHash(a, b felt.Felt) felt.Felt {
	return pairHashes.get([2]felt.Felt{a, b}, func() felt.Felt { return pedersen.Hash(a, b) })
}

// Selector is the selector of a function or event, and the address of a variable.
func Selector(name string) felt.Felt {
	return selectors.get(name, func() felt.Felt { return chain.Selector(name) })
}
