package p2p

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// Faults says how badly a Memory network behaves. The zero value is a perfect
// network without delays.
type Faults struct {
	// Latency is the least time that anything takes one way.
	Latency time.Duration
	// Jitter is the mean of a time that is added to it, distributed exponentially
	// and cut off at ten times the mean.
	Jitter time.Duration
	// Loss is the probability that a published message is lost to one receiver, or
	// that the connection breaks under a request or under its response.
	Loss float64
	// Duplicate is the probability that a published message comes twice.
	Duplicate float64
	// Reorder is the probability that a published message is held back by up to
	// ten times Latency + Jitter, so that later ones overtake it.
	Reorder float64
}

// tail is how far a random delay goes, in multiples of its mean.
const tail = 10

func (f Faults) delay(r *rand.Rand) time.Duration {
	if f.Jitter <= 0 {
		return f.Latency
	}
	return f.Latency + time.Duration(min(r.ExpFloat64(), tail)*float64(f.Jitter))
}

func chance(r *rand.Rand, p float64) bool { return p > 0 && r.Float64() < p }

// route is one direction between two hosts for one topic or protocol. It has
// random numbers of its own, so that what happens on it depends on the seed and on
// what was sent on it before, and not on how goroutines take turns.
type route struct {
	rand     *rand.Rand
	last     time.Time // when the last message in order arrives
	inFlight int       // messages
}

type routeKey struct {
	from, to transport.PeerID
	name     string
}

// maxInFlight bounds the messages under way on a route; more are lost, as on a
// congested link.
const maxInFlight = 4096

func (m *Memory) route(k routeKey) *route {
	r := m.routes[k]
	if r == nil {
		h := fnv.New64a()
		for _, s := range []string{string(k.from), string(k.to), k.name} {
			h.Write([]byte(s))
			h.Write([]byte{0})
		}
		r = &route{rand: rand.New(rand.NewPCG(m.seed, h.Sum64()))}
		m.routes[k] = r
	}
	return r
}

// delay draws the time that something takes from one host to another.
func (m *Memory) delay(r *route, k routeKey) time.Duration {
	return m.faults.delay(r.rand) + m.slow[k.from] + m.slow[k.to]
}

// severed reports whether nothing gets from one host to another.
func (m *Memory) severed(from, to transport.PeerID) bool {
	return m.cuts[[2]transport.PeerID{from, to}] || m.groups[from] != m.groups[to]
}

// SetFaults changes the faults for everything that is sent from now on.
func (m *Memory) SetFaults(f Faults) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = f
}

// Partition splits the network into the given sets; hosts in none of them form
// one more. Between sets nothing passes, what is under way included: messages are
// lost and requests hear nothing until they time out. It replaces an earlier
// partition.
func (m *Memory) Partition(sets ...[]transport.PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.groups)
	for i, set := range sets {
		for _, p := range set {
			m.groups[p] = i + 1
		}
	}
}

// Cut stops everything from one host to another, in this direction only.
func (m *Memory) Cut(from, to transport.PeerID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cuts[[2]transport.PeerID{from, to}] = true
}

// Slow adds a time to everything from and to a host; zero takes it back.
func (m *Memory) Slow(peer transport.PeerID, extra time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.slow[peer] = extra
}

// Heal ends partitions and cuts.
func (m *Memory) Heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.groups)
	clear(m.cuts)
}
