package p2p

import (
	"container/heap"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// Memory is a network within one process. It waits by timers and channels alone,
// so that it runs in virtual time inside a bubble of testing/synctest. It starts no
// goroutine but those of handlers and timers, and has none left when its hosts are
// closed and nothing is under way.
//
// Every host is connected to every other, and publishes to each subscriber
// directly: nobody relays. All methods are safe for concurrent use.
type Memory struct {
	seed uint64

	mu     sync.Mutex
	closed bool
	faults Faults
	hosts  []*memoryHost // by order of creation
	byID   map[transport.PeerID]*memoryHost
	routes map[routeKey]*route
	groups map[transport.PeerID]int
	cuts   map[[2]transport.PeerID]bool
	slow   map[transport.PeerID]time.Duration
	events events // what is under way
	seq    uint64
	timer  *time.Timer
}

// NewMemory returns an empty network. The seed determines all faults as far as the
// hosts send the same things in the same order, and the keys of Host.
func NewMemory(seed uint64, f Faults) *Memory {
	return &Memory{
		seed: seed, faults: f,
		byID: make(map[transport.PeerID]*memoryHost), routes: make(map[routeKey]*route),
		groups: make(map[transport.PeerID]int), cuts: make(map[[2]transport.PeerID]bool), slow: make(map[transport.PeerID]time.Duration),
	}
}

// ErrJoined means that a host of the same identity is running.
var ErrJoined = errors.New("p2p: a host with this key is running: every role needs a key, and so a directory, of its own")

// Join adds a host with the identity of the key, or lets the one that was closed or
// crashed come back, without subscriptions and handlers. It fails with ErrJoined.
func (m *Memory) Join(_ context.Context, key ed25519.PrivateKey) (transport.Host, error) {
	return m.join(transport.PeerOf(key.Public().(ed25519.PublicKey)))
}

func (m *Memory) join(id transport.PeerID) (transport.Host, error) {
	h := newMemoryHost(m, id)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch old := m.byID[h.id]; {
	case m.closed:
		return nil, transport.ErrClosed
	case old == nil:
		m.hosts = append(m.hosts, h)
	case old.stopped:
		m.hosts[slices.Index(m.hosts, old)] = h
	default:
		return nil, ErrJoined
	}
	m.byID[h.id] = h
	return h, nil
}

// Restart is Join for a host that is known by its identity. It is for tests.
func (m *Memory) Restart(peer transport.PeerID) (transport.Host, error) {
	m.mu.Lock()
	known := m.byID[peer] != nil
	m.mu.Unlock()
	if !known {
		return nil, transport.ErrUnknownPeer
	}
	return m.join(peer)
}

// Key returns the key of the host that Host adds as the n-th, from 0.
func (m *Memory) Key(n int) ed25519.PrivateKey {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], m.seed)
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	seed := sha256.Sum256(b[:])
	return ed25519.NewKeyFromSeed(seed[:])
}

// Host adds a host with the next key that the network's seed determines. It is for tests.
func (m *Memory) Host() transport.Host {
	m.mu.Lock()
	n := len(m.hosts)
	m.mu.Unlock()
	for ; ; n++ {
		switch h, err := m.Join(context.Background(), m.Key(n)); {
		case err == nil:
			return h
		case !errors.Is(err, ErrJoined): // else another call has taken the key
			panic(err)
		}
	}
}

// Crash stops a host at once: nothing that it has under way or that its handlers
// still do reaches anybody. Its requests, and those to it, fail. It does not wait
// for handlers, whose contexts end.
func (m *Memory) Crash(peer transport.PeerID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	h := m.byID[peer]
	if h == nil {
		return transport.ErrUnknownPeer
	}
	h.crashed = true
	h.leave()
	return nil
}

// Close closes all hosts, and the network to new ones.
func (m *Memory) Close() error {
	m.mu.Lock()
	m.closed = true
	hosts := slices.Clone(m.hosts)
	m.mu.Unlock()
	for _, h := range hosts {
		h.Close()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.events = nil
	if m.timer != nil {
		m.timer.Stop()
	}
	return nil
}

// An event happens at a time, events of one time in the order in which they were
// scheduled. do runs with Memory.mu held and does not block.
type event struct {
	at  time.Time
	seq uint64
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	return e[i].seq < e[j].seq
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = event{}
	*e = (*e)[:last]
	return x
}

// schedule makes something happen. The caller holds mu.
func (m *Memory) schedule(at time.Time, do func()) {
	m.seq++
	heap.Push(&m.events, event{at, m.seq, do})
}

// run lets happen what is due and sets the timer for the rest. The caller holds mu.
func (m *Memory) run() {
	for len(m.events) > 0 {
		wait := time.Until(m.events[0].at)
		if wait > 0 {
			if m.timer == nil {
				m.timer = time.AfterFunc(wait, func() {
					m.mu.Lock()
					defer m.mu.Unlock()
					m.run()
				})
			} else {
				m.timer.Reset(wait)
			}
			return
		}
		heap.Pop(&m.events).(event).do()
	}
}

// publish sends to one receiver. The caller holds mu.
func (m *Memory) publish(from *memoryHost, to transport.PeerID, topic string, msg transport.Message) {
	k := routeKey{from.id, to, topic}
	r := m.route(k)
	lost := chance(r.rand, m.faults.Loss)
	copies := 1
	if chance(r.rand, m.faults.Duplicate) {
		copies++
	}
	for range copies {
		at := time.Now().Add(m.delay(r, k))
		if chance(r.rand, m.faults.Reorder) {
			at = at.Add(time.Duration(r.rand.Float64() * tail * float64(m.faults.Latency+m.faults.Jitter)))
		} else if at.Before(r.last) {
			at = r.last
		} else {
			r.last = at
		}
		if lost || m.severed(from.id, to) || r.inFlight >= maxInFlight {
			continue
		}
		r.inFlight++
		m.schedule(at, func() {
			r.inFlight--
			if h := m.byID[to]; !from.crashed && !m.severed(from.id, to) {
				for _, q := range h.topics[topic] {
					q.put(msg)
				}
			}
		})
	}
}

// call is a request under way.
type call struct {
	from, to *memoryHost
	protocol transport.Protocol
	ctx      context.Context
	request  []byte
	done     chan reply // takes one, and gets at most one
}

type reply struct {
	data []byte
	err  error
}

// send lets a request arrive. The caller holds mu.
func (m *Memory) send(c *call) {
	k := routeKey{c.from.id, c.to.id, c.protocol.Name}
	r := m.route(k)
	broken := chance(r.rand, m.faults.Loss)
	at := time.Now().Add(m.delay(r, k))
	if m.severed(k.from, k.to) {
		return // silence, until the timeout
	}
	m.schedule(at, func() {
		// The host may have restarted meanwhile.
		c.to = m.byID[k.to]
		switch {
		case c.from.stopped || m.severed(k.from, k.to):
		case broken || c.to.stopped:
			m.reply(c, reply{err: transport.ErrUnreachable})
		default:
			c.to.serve(c)
		}
	})
}

// reply lets a response arrive. The caller holds mu.
func (m *Memory) reply(c *call, r reply) {
	k := routeKey{c.to.id, c.from.id, c.protocol.Name}
	route := m.route(k)
	if chance(route.rand, m.faults.Loss) {
		r = reply{err: transport.ErrUnreachable}
	}
	at := time.Now().Add(m.delay(route, k))
	if m.severed(k.from, k.to) {
		return
	}
	m.schedule(at, func() {
		if c.to.crashed {
			r = reply{err: transport.ErrUnreachable}
		}
		if !m.severed(k.from, k.to) {
			c.done <- r
		}
	})
}
