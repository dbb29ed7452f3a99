package lan

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/bitsage/bitsage/transport"
)

// queue is a subscription.
type queue struct {
	host     *host
	topic    transport.Topic
	messages chan transport.Message
	closed   chan struct{}
	once     sync.Once
	dropped  atomic.Uint64

	mu      sync.Mutex
	waiting map[transport.PeerID]int
}

func (h *host) Subscribe(topic transport.Topic) (transport.Subscription, error) {
	if err := topic.Validate(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ctx.Err() != nil {
		return nil, transport.ErrClosed
	}
	q := &queue{
		host: h, topic: topic, messages: make(chan transport.Message, topic.Queue),
		closed: make(chan struct{}), waiting: make(map[transport.PeerID]int),
	}
	h.topics[topic.Name] = append(h.topics[topic.Name], q)
	return q, nil
}

// receive gives a message to the subscribers of its topic.
func (h *host) receive(from transport.PeerID, r *http.Request) {
	h.mu.Lock()
	subscribers := slices.Clone(h.topics[r.Header.Get("Name")])
	h.mu.Unlock()
	largest := 0
	for _, q := range subscribers {
		largest = max(largest, q.topic.MaxBytes)
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, int64(largest)+1))
	if err != nil {
		return
	}
	for _, q := range subscribers {
		q.put(transport.Message{From: from, Data: data})
	}
}

// put queues a message, of one sender at most a quarter of what there is room for.
func (q *queue) put(m transport.Message) {
	if q.topic.Allow(m.From, m.Data) != nil {
		q.dropped.Add(1)
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.waiting[m.From] >= max(1, q.topic.Queue/4) {
		q.dropped.Add(1)
		return
	}
	select {
	case q.messages <- m:
		q.waiting[m.From]++
	default:
		q.dropped.Add(1)
	}
}

func (q *queue) Next(ctx context.Context) (transport.Message, error) {
	select {
	case <-q.closed:
		return transport.Message{}, transport.ErrClosed
	default:
	}
	select {
	case m := <-q.messages:
		q.mu.Lock()
		defer q.mu.Unlock()
		if q.waiting[m.From]--; q.waiting[m.From] == 0 {
			delete(q.waiting, m.From)
		}
		return m, nil
	case <-q.closed:
		return transport.Message{}, transport.ErrClosed
	case <-ctx.Done():
		return transport.Message{}, context.Cause(ctx)
	}
}

func (q *queue) Dropped() uint64 { return q.dropped.Load() }

func (q *queue) Close() {
	q.end()
	q.host.mu.Lock()
	defer q.host.mu.Unlock()
	name := q.topic.Name
	q.host.topics[name] = slices.DeleteFunc(q.host.topics[name], func(p *queue) bool { return p == q })
}

func (q *queue) end() { q.once.Do(func() { close(q.closed) }) }
