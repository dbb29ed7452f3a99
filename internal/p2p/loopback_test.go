package p2p

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// loopback is a small network over TCP on this machine, whose hosts authenticate each
// other by TLS 1.3 with certificates of their keys. The list of hosts is in memory.
type loopback struct {
	mu    sync.Mutex
	hosts map[transport.PeerID]*loopHost
}

func newLoopback() *loopback { return &loopback{hosts: make(map[transport.PeerID]*loopHost)} }

// loopHost publishes over one connection to each peer, which keeps the order, and makes
// one for each request, whose end says that nobody waits any more.
type loopHost struct {
	net      *loopback
	id       transport.PeerID
	config   *tls.Config
	listener net.Listener
	ctx      context.Context
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex
	closed bool
	topics map[string][]*queue
	served map[string]*service
	conns  map[net.Conn]bool

	publishing sync.Mutex
	links      map[transport.PeerID]net.Conn
}

func (l *loopback) join(_ context.Context, key ed25519.PrivateKey) (transport.Host, error) {
	public := key.Public().(ed25519.PublicKey)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(nil, template, template, public, key)
	if err != nil {
		return nil, err
	}
	h := &loopHost{
		net: l, id: transport.PeerOf(public), topics: make(map[string][]*queue), served: make(map[string]*service),
		conns: make(map[net.Conn]bool), links: make(map[transport.PeerID]net.Conn),
		config: &tls.Config{
			MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}},
			ClientAuth: tls.RequireAnyClientCert, InsecureSkipVerify: true, SessionTicketsDisabled: true, // keys are compared, not names
		},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.hosts[h.id]; old != nil && old.ctx.Err() == nil {
		return nil, ErrJoined
	}
	if h.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	l.hosts[h.id] = h
	h.running.Go(h.accept)
	return h, nil
}

// peerOf returns whose certificate the other end of a connection has shown. TLS has
// checked that it has the key, and Go takes no key but Ed25519 for a signature by it.
func peerOf(c *tls.Conn) transport.PeerID {
	key, ok := c.ConnectionState().PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return ""
	}
	return transport.PeerOf(key)
}

func (h *loopHost) accept() {
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		if !h.track(c) {
			return
		}
		h.running.Go(func() {
			defer h.drop(c)
			secure := tls.Server(c, h.config)
			if secure.HandshakeContext(h.ctx) == nil {
				h.read(secure, peerOf(secure))
			}
		})
	}
}

// track notes a connection that Close ends.
func (h *loopHost) track(c net.Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		c.Close()
		return false
	}
	h.conns[c] = true
	return true
}

func (h *loopHost) drop(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c.Close()
	delete(h.conns, c)
}

func (h *loopHost) dial(ctx context.Context, peer transport.PeerID) (*tls.Conn, func(), error) {
	h.net.mu.Lock()
	to := h.net.hosts[peer]
	h.net.mu.Unlock()
	if to == nil || to == h {
		return nil, nil, transport.ErrUnknownPeer
	}
	c, err := new(net.Dialer).DialContext(ctx, "tcp", to.listener.Addr().String())
	if err != nil {
		return nil, nil, err
	}
	if !h.track(c) {
		return nil, nil, transport.ErrClosed
	}
	secure := tls.Client(c, h.config)
	if err := secure.HandshakeContext(ctx); err != nil || peerOf(secure) != peer {
		h.drop(c)
		return nil, nil, transport.ErrUnreachable
	}
	return secure, func() { h.drop(c) }, nil
}

// The kinds of frames: a kind, a name or nothing, and data, both with their lengths.
const (
	framePublish byte = iota
	frameRequest
	frameResponse
	frameUnsupported
	frameBusy
	frameSize
	frameError
)

func writeFrame(w io.Writer, kind byte, name string, data []byte) error {
	b := append([]byte{kind, byte(len(name))}, name...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	_, err := w.Write(append(b, data...))
	return err
}

// readHead reads a frame but for its data.
func readHead(r io.Reader) (kind byte, name string, size int, err error) {
	var head [2]byte
	if _, err = io.ReadFull(r, head[:]); err != nil {
		return
	}
	b := make([]byte, int(head[1])+4)
	if _, err = io.ReadFull(r, b); err != nil {
		return
	}
	return head[0], string(b[:head[1]]), int(binary.BigEndian.Uint32(b[head[1]:])), nil
}

func (h *loopHost) read(c net.Conn, from transport.PeerID) {
	r := bufio.NewReader(c)
	for {
		kind, name, size, err := readHead(r)
		switch {
		case err != nil:
			return
		case kind == frameRequest:
			h.answer(c, r, from, name, size)
			return
		case size > 1<<20: // of no topic
			return
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r, data); err != nil {
			return
		}
		h.mu.Lock()
		for _, q := range h.topics[name] {
			q.put(transport.Message{From: from, Data: data})
		}
		h.mu.Unlock()
	}
}

// answer runs the handler of a request.
func (h *loopHost) answer(c net.Conn, r io.Reader, from transport.PeerID, name string, size int) {
	h.mu.Lock()
	s, kind := h.served[name], byte(frameRequest)
	switch {
	case s == nil:
		kind = frameUnsupported
	case size > s.protocol.MaxRequest:
		kind = frameSize
	case s.running >= s.protocol.Concurrency || s.byPeer[from] >= s.protocol.PerPeer:
		kind = frameBusy
	default:
		s.running++
		s.byPeer[from]++
	}
	h.mu.Unlock()
	if kind != frameRequest {
		writeFrame(c, kind, "", binary.BigEndian.AppendUint32(nil, uint32(size)))
		io.Copy(io.Discard, io.LimitReader(r, int64(size))) // so that who still writes comes to read
		return
	}
	kind, response := h.run(s, r, from, size)
	h.mu.Lock()
	s.running--
	s.byPeer[from]--
	h.mu.Unlock()
	writeFrame(c, kind, "", response)
}

func (h *loopHost) run(s *service, r io.Reader, from transport.PeerID, size int) (byte, []byte) {
	request := make([]byte, size)
	if _, err := io.ReadFull(r, request); err != nil {
		return frameError, nil
	}
	ctx, cancel := context.WithTimeout(h.ctx, s.protocol.Timeout)
	defer cancel()
	h.running.Go(func() {
		r.Read(make([]byte, 1)) // which ends with the connection
		cancel()
	})
	response, err := s.handler(ctx, from, request)
	switch {
	case errors.Is(err, transport.ErrBusy):
		return frameBusy, nil
	case err != nil:
		return frameError, []byte(transport.CleanText(err.Error(), transport.MaxErrorText))
	case len(response) > s.protocol.MaxResponse:
		return frameError, []byte("the response is too large")
	}
	return frameResponse, response
}

func (h *loopHost) ID() transport.PeerID { return h.id }

func (h *loopHost) Peers() (peers []transport.PeerID) {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	for id, other := range h.net.hosts {
		if other != h && other.ctx.Err() == nil {
			peers = append(peers, id)
		}
	}
	return peers
}

func (h *loopHost) Publish(ctx context.Context, topic transport.Topic, data []byte) error {
	err := errors.Join(topic.Validate(), ctx.Err())
	if err == nil {
		err = topic.Allow(h.id, data)
	}
	if err != nil {
		return err
	}
	h.publishing.Lock()
	defer h.publishing.Unlock()
	for _, peer := range h.Peers() {
		if h.links[peer] != nil && writeFrame(h.links[peer], framePublish, topic.Name, data) == nil {
			continue
		}
		if c, _, err := h.dial(h.ctx, peer); err == nil {
			h.links[peer] = c
			writeFrame(c, framePublish, topic.Name, data)
		}
	}
	if h.ctx.Err() != nil {
		return transport.ErrClosed
	}
	return nil
}

func (h *loopHost) Subscribe(topic transport.Topic) (transport.Subscription, error) {
	if err := topic.Validate(); err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, transport.ErrClosed
	}
	q := newQueue(topic)
	q.detach = func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.topics[topic.Name] = slices.DeleteFunc(h.topics[topic.Name], func(p *queue) bool { return p == q })
	}
	h.topics[topic.Name] = append(h.topics[topic.Name], q)
	return q, nil
}

func (h *loopHost) Handle(p transport.Protocol, handler transport.Handler) error {
	if err := p.Validate(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
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

func (h *loopHost) Request(ctx context.Context, peer transport.PeerID, p transport.Protocol, request []byte) ([]byte, error) {
	err := errors.Join(p.Validate(), ctx.Err())
	if err == nil {
		err = transport.CheckSize("request", p.Name, len(request), p.MaxRequest)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	data, err := h.request(ctx, peer, p, request)
	var failed net.Error
	switch {
	case err == nil:
		return data, nil
	case h.ctx.Err() != nil:
		return nil, transport.ErrClosed
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &failed), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return nil, transport.ErrUnreachable
	}
	return nil, err
}

func (h *loopHost) request(ctx context.Context, peer transport.PeerID, p transport.Protocol, request []byte) ([]byte, error) {
	c, drop, err := h.dial(ctx, peer)
	if err != nil {
		return nil, err
	}
	defer drop()
	defer context.AfterFunc(ctx, drop)()
	go writeFrame(c, frameRequest, p.Name, request) // a peer that refuses does not read it
	kind, _, size, err := readHead(c)
	if err != nil {
		return nil, err
	}
	max := transport.MaxErrorText
	if kind == frameResponse {
		max = p.MaxResponse
	}
	if err := transport.CheckSize("response", p.Name, size, max); err != nil {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(c, data); err != nil {
		return nil, err
	}
	switch kind {
	case frameResponse:
		return data, nil
	case frameUnsupported:
		return nil, transport.ErrUnsupported
	case frameBusy:
		return nil, transport.ErrBusy
	case frameSize:
		return nil, &transport.SizeError{What: "request", Name: p.Name, Size: len(request), Max: len(request) - 1}
	}
	return nil, transport.NewRemoteError(peer, string(data))
}

func (h *loopHost) Close() error {
	h.mu.Lock()
	h.closed = true
	h.cancel()
	h.listener.Close()
	for c := range h.conns {
		c.Close()
	}
	for _, queues := range h.topics {
		for _, q := range queues {
			q.end()
		}
	}
	h.mu.Unlock()
	h.running.Wait()
	return nil
}
