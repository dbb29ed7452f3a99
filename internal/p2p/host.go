package p2p

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/bitsage/bitsage/transport"
)

// memoryHost is a host of a Memory network. Memory.mu guards its fields.
type memoryHost struct {
	net     *Memory
	id      transport.PeerID
	ctx     context.Context // of its handlers
	cancel  context.CancelFunc
	stopped bool
	crashed bool // what it has sent is lost too
	topics  map[string][]*queue
	served  map[string]*service
	calls   []*call        // that it answers
	running sync.WaitGroup // handlers
}

// service is a protocol that a host answers.
type service struct {
	protocol transport.Protocol
	handler  transport.Handler
	running  int
	byPeer   map[transport.PeerID]int
}

func newMemoryHost(m *Memory, id transport.PeerID) *memoryHost {
	h := &memoryHost{net: m, id: id, topics: make(map[string][]*queue), served: make(map[string]*service)}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	return h
}

// ID implements transport.Host.
func (h *memoryHost) ID() transport.PeerID { return h.id }

// Peers implements transport.Host.
func (h *memoryHost) Peers() []transport.PeerID {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	var peers []transport.PeerID
	for _, p := range h.net.hosts {
		if p != h && !p.stopped {
			peers = append(peers, p.id)
		}
	}
	return peers
}

// Publish implements transport.Host.
func (h *memoryHost) Publish(ctx context.Context, topic transport.Topic, data []byte) error {
	if err := topic.Validate(); err != nil {
		return err
	}
	if err := topic.Allow(h.id, data); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	msg := transport.Message{From: h.id, Data: bytes.Clone(data)}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.stopped {
		return transport.ErrClosed
	}
	for _, p := range h.net.hosts {
		if p != h {
			h.net.publish(h, p.id, topic.Name, msg)
		}
	}
	h.net.run()
	return nil
}

// Subscribe implements transport.Host.
func (h *memoryHost) Subscribe(topic transport.Topic) (transport.Subscription, error) {
	if err := topic.Validate(); err != nil {
		return nil, err
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	if h.stopped {
		return nil, transport.ErrClosed
	}
	q := newQueue(topic)
	q.detach = func() {
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		h.topics[topic.Name] = slices.DeleteFunc(h.topics[topic.Name], func(p *queue) bool { return p == q })
	}
	h.topics[topic.Name] = append(h.topics[topic.Name], q)
	return q, nil
}

// Handle implements transport.Host.
func (h *memoryHost) Handle(p transport.Protocol, handler transport.Handler) error {
	if err := p.Validate(); err != nil {
		return err
	}
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	switch {
	case h.stopped:
		return transport.ErrClosed
	case handler == nil:
		delete(h.served, p.Name)
	case h.served[p.Name] != nil:
		return transport.ErrHandled
	default:
		h.served[p.Name] = &service{protocol: p, handler: handler, byPeer: make(map[transport.PeerID]int)}
	}
	return nil
}

// Request implements transport.Host.
func (h *memoryHost) Request(ctx context.Context, peer transport.PeerID, p transport.Protocol, request []byte) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := transport.CheckSize("request", p.Name, len(request), p.MaxRequest); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := h.call(ctx, peer, p, bytes.Clone(request))
	if err != nil {
		return nil, err
	}
	var r reply
	select {
	case r = <-c.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-h.ctx.Done():
		return nil, transport.ErrClosed
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := transport.CheckSize("response", p.Name, len(r.data), p.MaxResponse); err != nil {
		return nil, err
	}
	return r.data, nil
}

func (h *memoryHost) call(ctx context.Context, peer transport.PeerID, p transport.Protocol, request []byte) (*call, error) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	to := h.net.byID[peer]
	switch {
	case h.stopped:
		return nil, transport.ErrClosed
	case to == nil || to == h: // hosts do not dial themselves
		return nil, transport.ErrUnknownPeer
	}
	c := &call{from: h, to: to, protocol: p, ctx: ctx, request: request, done: make(chan reply, 1)}
	h.net.send(c)
	h.net.run()
	return c, nil
}

// serve starts the handler of a request that has arrived. The caller holds
// Memory.mu.
func (h *memoryHost) serve(c *call) {
	s, from := h.served[c.protocol.Name], c.from.id
	switch {
	case s == nil:
		h.net.reply(c, reply{err: transport.ErrUnsupported})
		return
	case len(c.request) > s.protocol.MaxRequest:
		h.net.reply(c, reply{err: transport.CheckSize("request", s.protocol.Name, len(c.request), s.protocol.MaxRequest)})
		return
	case s.running >= s.protocol.Concurrency || s.byPeer[from] >= s.protocol.PerPeer:
		h.net.reply(c, reply{err: transport.ErrBusy})
		return
	}
	s.running++
	s.byPeer[from]++
	h.calls = append(h.calls, c)
	h.running.Go(func() {
		r := s.answer(h.ctx, c)
		h.net.mu.Lock()
		defer h.net.mu.Unlock()
		s.running--
		if s.byPeer[from]--; s.byPeer[from] == 0 {
			delete(s.byPeer, from)
		}
		if i := slices.Index(h.calls, c); i >= 0 {
			h.calls = slices.Delete(h.calls, i, i+1)
			h.net.reply(c, r)
			h.net.run()
		}
	})
}

// answer runs the handler.
func (s *service) answer(ctx context.Context, c *call) reply {
	ctx, cancel := context.WithTimeout(ctx, s.protocol.Timeout)
	defer cancel()
	defer context.AfterFunc(c.ctx, cancel)() // the peer has gone
	data, err := s.handler(ctx, c.from.id, c.request)
	switch {
	case errors.Is(err, transport.ErrBusy):
		return reply{err: transport.ErrBusy}
	case err != nil:
		return reply{err: transport.NewRemoteError(c.to.id, err.Error())}
	case len(data) > s.protocol.MaxResponse:
		return reply{err: transport.NewRemoteError(c.to.id, "the response is too large")}
	}
	return reply{data: bytes.Clone(data)}
}

// leave ends all that a host does, but for handlers that still run. The caller
// holds Memory.mu.
func (h *memoryHost) leave() {
	if h.stopped {
		return
	}
	h.stopped = true
	h.cancel()
	for _, queues := range h.topics {
		for _, q := range queues {
			q.end()
		}
	}
	clear(h.topics)
	for _, c := range h.calls {
		h.net.reply(c, reply{err: transport.ErrUnreachable})
	}
	h.calls = nil
	h.net.run()
}

// Close implements transport.Host.
func (h *memoryHost) Close() error {
	h.net.mu.Lock()
	h.leave()
	h.net.mu.Unlock()
	h.running.Wait()
	return nil
}
