package blob

import (
	"container/list"
	"sync"
)

// Memory is a Store in memory.
type Memory struct {
	max   int64
	evict bool

	mu    sync.Mutex
	bytes int64
	blobs map[ID]*list.Element // of entry
	used  *list.List           // the most recently used first
}

type entry struct {
	id   ID
	data []byte
}

// NewMemory returns a store of at most max bytes that refuses what does not fit:
// what it has taken stays until it is deleted.
func NewMemory(max int64) *Memory { return newMemory(max, false) }

// NewCache returns a store of at most max bytes that drops the blobs that were not
// used for the longest time to make room.
func NewCache(max int64) *Memory { return newMemory(max, true) }

func newMemory(max int64, evict bool) *Memory {
	return &Memory{max: max, evict: evict, blobs: make(map[ID]*list.Element), used: list.New()}
}

// Put implements Store.
func (m *Memory) Put(kind Kind, data []byte) (ID, error) {
	id, err := check(kind, data)
	if err != nil {
		return ID{}, err
	}
	return id, m.put(id, data)
}

func (m *Memory) put(id ID, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.blobs[id]; e != nil {
		m.used.MoveToFront(e)
		return nil
	}
	size := int64(len(data))
	for m.evict && size <= m.max && m.bytes+size > m.max {
		m.remove(m.used.Back())
	}
	if m.bytes+size > m.max {
		return ErrFull
	}
	m.blobs[id] = m.used.PushFront(entry{id, data})
	m.bytes += size
	return nil
}

func (m *Memory) remove(e *list.Element) {
	blob := m.used.Remove(e).(entry)
	delete(m.blobs, blob.id)
	m.bytes -= int64(len(blob.data))
}

// Bytes implements Store.
func (m *Memory) Bytes(id ID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.blobs[id]
	if e == nil {
		return nil, ErrNotFound
	}
	m.used.MoveToFront(e)
	return e.Value.(entry).data, nil
}

// Delete implements Store.
func (m *Memory) Delete(id ID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.blobs[id]; e != nil {
		m.remove(e)
	}
	return nil
}

// Retain implements Store.
func (m *Memory) Retain(wanted func(ID) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, e := range m.blobs {
		if !wanted(id) {
			m.remove(e)
		}
	}
	return nil
}
