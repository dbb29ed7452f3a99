package p2p

import (
	"context"
	"sync"

	"github.com/bitsage/bitsage/transport"
)

// queue is the subscription of any network: a bounded queue in which no sender
// takes more than its share.
type queue struct {
	topic  transport.Topic
	detach func() // takes the queue out of its host

	mu       sync.Mutex
	messages []transport.Message
	held     map[transport.PeerID]int // messages by sender
	dropped  uint64
	ready    chan struct{} // has an element if there may be messages
	closed   chan struct{}
	once     sync.Once
}

func newQueue(topic transport.Topic) *queue {
	return &queue{topic: topic, held: make(map[transport.PeerID]int), ready: make(chan struct{}, 1), closed: make(chan struct{})}
}

// put adds a message or drops it. It does not block.
func (q *queue) put(m transport.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	share := max(1, q.topic.Queue/4)
	if len(m.Data) > q.topic.MaxBytes || len(q.messages) >= q.topic.Queue || q.held[m.From] >= share {
		q.dropped++
		return
	}
	q.messages = append(q.messages, m)
	q.held[m.From]++
	q.signal()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) take() (transport.Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return transport.Message{}, false
	}
	m := q.messages[0]
	q.messages[0] = transport.Message{} // frees the data
	q.messages = q.messages[1:]
	if q.held[m.From]--; q.held[m.From] == 0 {
		delete(q.held, m.From)
	}
	if len(q.messages) > 0 {
		q.signal() // another consumer may wait
	}
	return m, true
}

func (q *queue) drop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dropped++
}

// Next implements transport.Subscription. The topic's check runs here, on the consumer's
// time.
func (q *queue) Next(ctx context.Context) (transport.Message, error) {
	for {
		select {
		case <-q.closed:
			return transport.Message{}, transport.ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			q.signal() // this call may have taken the signal of another consumer
			return transport.Message{}, err
		}
		if m, ok := q.take(); ok {
			if q.topic.Allow(m.From, m.Data) == nil {
				return m, nil
			}
			q.drop()
			continue
		}
		select {
		case <-q.ready:
		case <-q.closed:
		case <-ctx.Done():
		}
	}
}

// Dropped implements transport.Subscription.
func (q *queue) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Close implements transport.Subscription.
func (q *queue) Close() {
	q.detach()
	q.end()
}

func (q *queue) end() { q.once.Do(func() { close(q.closed) }) }
