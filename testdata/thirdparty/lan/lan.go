// Package lan is a transport for machines that know each other's addresses: HTTPS, where both
// ends show certificates of their peer keys.
package lan

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/bitsage/bitsage/transport"
)

// Network is the machines by their identities. It is a bitsage.Transport.
type Network struct {
	mu        sync.Mutex
	addresses map[transport.PeerID]string
}

// New returns a network of the machines at addresses, such as "10.0.0.7:4001".
func New(addresses map[transport.PeerID]string) *Network {
	n := &Network{addresses: make(map[transport.PeerID]string)}
	for id, address := range addresses {
		n.addresses[id] = address
	}
	return n
}

// Load reads a network from a JSON file: an object of addresses by identity.
func Load(path string) (*Network, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var addresses map[transport.PeerID]string
	if err := json.Unmarshal(data, &addresses); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return New(addresses), nil
}

// Join listens at the address of the key's identity, or at a free port of this machine.
func (n *Network) Join(ctx context.Context, key ed25519.PrivateKey) (transport.Host, error) {
	certificate, err := selfSigned(key)
	if err != nil {
		return nil, err
	}
	h := &host{
		net: n, id: transport.PeerOf(key.Public().(ed25519.PublicKey)),
		served: make(map[string]*service), topics: make(map[string][]*queue),
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	n.mu.Lock()
	defer n.mu.Unlock()
	address := n.addresses[h.id]
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	n.addresses[h.id] = listener.Addr().String()
	h.certificate = certificate
	h.server = &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return h.ctx }}
	secured := tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13,
	})
	h.running.Go(func() { h.server.Serve(secured) })
	return h, nil
}

func (n *Network) address(id transport.PeerID) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	address, ok := n.addresses[id]
	return address, ok
}

// selfSigned is a certificate by which nothing but the key is shown.
func selfSigned(key ed25519.PrivateKey) (tls.Certificate, error) {
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// peerOf is the identity that the other end has shown that it holds the key of.
func peerOf(state tls.ConnectionState) (transport.PeerID, error) {
	if len(state.PeerCertificates) == 0 {
		return "", errors.New("lan: no certificate")
	}
	key, ok := state.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return "", errors.New("lan: the certificate's key is not Ed25519")
	}
	return transport.PeerOf(key), nil
}

type host struct {
	net         *Network
	id          transport.PeerID
	certificate tls.Certificate
	server      *http.Server
	ctx         context.Context
	cancel      context.CancelFunc
	running     sync.WaitGroup

	mu     sync.Mutex
	served map[string]*service
	topics map[string][]*queue
}

type service struct {
	transport.Protocol
	handler transport.Handler
	all     int
	byPeer  map[transport.PeerID]int
}

func (h *host) ID() transport.PeerID { return h.id }

func (h *host) Peers() []transport.PeerID {
	h.net.mu.Lock()
	defer h.net.mu.Unlock()
	var peers []transport.PeerID
	for id := range h.net.addresses {
		if id != h.id {
			peers = append(peers, id)
		}
	}
	return peers
}

func (h *host) Close() error {
	h.cancel()
	err := h.server.Close()
	h.running.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, list := range h.topics {
		for _, q := range list {
			q.end()
		}
	}
	clear(h.topics)
	return err
}

func (h *host) Handle(p transport.Protocol, handler transport.Handler) error {
	if err := p.Validate(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.ctx.Err() != nil:
		return transport.ErrClosed
	case handler == nil:
		delete(h.served, p.Name)
	case h.served[p.Name] != nil:
		return transport.ErrHandled
	default:
		h.served[p.Name] = &service{p, handler, 0, make(map[transport.PeerID]int)}
	}
	return nil
}

func (h *host) Request(ctx context.Context, peer transport.PeerID, p transport.Protocol, request []byte) ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	if err := transport.CheckSize("request", p.Name, len(request), p.MaxRequest); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	status, answer, err := h.post(ctx, peer, "/request", p.Name, request, p.MaxResponse)
	if err != nil {
		return nil, err
	}
	switch status {
	case http.StatusOK:
		return answer, transport.CheckSize("response", p.Name, len(answer), p.MaxResponse)
	case http.StatusNotFound:
		return nil, transport.ErrUnsupported
	case http.StatusTooManyRequests:
		return nil, transport.ErrBusy
	}
	return nil, transport.NewRemoteError(peer, string(answer))
}

func (h *host) Publish(ctx context.Context, topic transport.Topic, data []byte) error {
	if err := topic.Validate(); err != nil {
		return err
	}
	if err := topic.Allow(h.id, data); err != nil {
		return err
	}
	if h.ctx.Err() != nil {
		return transport.ErrClosed
	}
	for _, peer := range h.Peers() {
		h.post(ctx, peer, "/publish", topic.Name, data, 0) // best effort
	}
	return ctx.Err()
}

// post sends something to a peer, and reads one byte more of the answer than is allowed.
func (h *host) post(ctx context.Context, peer transport.PeerID, path, name string, data []byte, max int) (int, []byte, error) {
	if h.ctx.Err() != nil {
		return 0, nil, transport.ErrClosed
	}
	address, ok := h.net.address(peer)
	if !ok {
		return 0, nil, transport.ErrUnknownPeer
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
		Certificates:       []tls.Certificate{h.certificate},
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // a name says nothing here: VerifyConnection wants the key
		VerifyConnection: func(state tls.ConnectionState) error {
			if id, err := peerOf(state); err != nil || id != peer {
				return fmt.Errorf("lan: %s is not %s: %w", address, peer, transport.ErrUnreachable)
			}
			return nil
		},
	}}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+address+path, bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Name", name)
	response, err := client.Do(request)
	if err == nil {
		defer response.Body.Close()
		var answer []byte
		if answer, err = io.ReadAll(io.LimitReader(response.Body, int64(max)+1)); err == nil {
			return response.StatusCode, answer, nil
		}
	}
	if h.ctx.Err() != nil {
		return 0, nil, transport.ErrClosed
	}
	if ctx.Err() != nil {
		return 0, nil, ctx.Err()
	}
	return 0, nil, fmt.Errorf("%w: %w", transport.ErrUnreachable, err)
}

// ServeHTTP takes what another host posts.
func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, err := peerOf(*r.TLS)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if r.URL.Path == "/publish" {
		h.receive(from, r)
		return
	}
	h.answer(w, r, from)
}

func (h *host) answer(w http.ResponseWriter, r *http.Request, from transport.PeerID) {
	s, status := h.begin(r.Header.Get("Name"), from)
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	defer h.done(s, from)
	ctx, cancel := context.WithTimeout(r.Context(), s.Timeout)
	defer cancel()
	request, err := io.ReadAll(io.LimitReader(r.Body, int64(s.MaxRequest)+1))
	if err == nil {
		err = transport.CheckSize("request", s.Name, len(request), s.MaxRequest)
	}
	var response []byte
	if err == nil {
		response, err = s.handler(ctx, from, request)
	}
	switch {
	case errors.Is(err, transport.ErrBusy):
		w.WriteHeader(http.StatusTooManyRequests)
	case err != nil:
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, transport.CleanText(err.Error(), transport.MaxErrorText))
	default:
		w.Write(response)
	}
}

// begin counts a request in, unless there is no room for it.
func (h *host) begin(name string, from transport.PeerID) (*service, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.served[name]
	if s == nil {
		return nil, http.StatusNotFound
	}
	if s.all >= s.Concurrency || s.byPeer[from] >= s.PerPeer || h.ctx.Err() != nil {
		return nil, http.StatusTooManyRequests
	}
	s.all++
	s.byPeer[from]++
	h.running.Add(1)
	return s, http.StatusOK
}

func (h *host) done(s *service, from transport.PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.all--
	if s.byPeer[from]--; s.byPeer[from] == 0 {
		delete(s.byPeer, from)
	}
	h.running.Done()
}
