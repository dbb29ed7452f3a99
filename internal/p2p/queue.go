package p2p

import (
	"context"
	"sync"
)

// queue is the subscription of any network: a bounded queue in which no sender
// takes more than its share.
type queue struct {
	topic  Topic
	detach func() // takes the queue out of its host

	mu       sync.Mutex
	messages []Message
	held     map[PeerID]int // messages by sender
	dropped  uint64
	ready    chan struct{} // has an element if there may be messages
	closed   chan struct{}
	once     sync.Once
}

func newQueue(topic Topic) *queue {
	return &queue{topic: topic, held: make(map[PeerID]int), ready: make(chan struct{}, 1), closed: make(chan struct{})}
}

// put adds a message or drops it. It does not block.
func (q *queue) put(m Message) {
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

func (q *queue) take() (Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return Message{}, false
	}
	m := q.messages[0]
	q.messages[0] = Message{} // frees the data
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

// Next implements Subscription. The topic's check runs here, on the consumer's
// time.
func (q *queue) Next(ctx context.Context) (Message, error) {
	for {
		select {
		case <-q.closed:
			return Message{}, ErrClosed
		default:
		}
		if err := ctx.Err(); err != nil {
			q.signal() // this call may have taken the signal of another consumer
			return Message{}, err
		}
		if m, ok := q.take(); ok {
			if q.topic.check(m.From, m.Data) == nil {
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

// Dropped implements Subscription.
func (q *queue) Dropped() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.dropped
}

// Close implements Subscription.
func (q *queue) Close() {
	q.detach()
	q.end()
}

func (q *queue) end() { q.once.Do(func() { close(q.closed) }) }
