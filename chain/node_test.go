package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/wallet"
)

// fakeClock jumps instead of sleeping.
type fakeClock struct {
	mu    sync.Mutex
	time  time.Time
	slept []time.Duration
	wake  func(n int) // called at every sleep, if set
}

func (f *fakeClock) now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.time
}

func (f *fakeClock) sleep(ctx context.Context, d time.Duration) error {
	f.mu.Lock()
	f.time = f.time.Add(d)
	f.slept = append(f.slept, d)
	n, wake := len(f.slept), f.wake
	f.mu.Unlock()
	if wake != nil {
		wake(n)
	}
	if n > 5000 {
		return errors.New("the test waits for ever")
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (f *fakeClock) pauses() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Duration(nil), f.slept...)
}

// testClient returns a client of a handler whose clock jumps and whose random pauses
// are the longest possible.
func testClient(t testing.TB, h http.Handler, o Options) (*Client, *fakeClock) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Logger = slog.New(slog.DiscardHandler)
	c, err := NewClient(server.URL, o)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	fc := &fakeClock{time: time.Unix(1_700_000_000, 0)}
	c.clock = clock{fc.now, fc.sleep, func(d time.Duration) time.Duration { return d }}
	return c, fc
}

// method answers one method of a fake node: with a value, or with an error.
type method func(params json.RawMessage) (any, error)

// httpFailure, returned by a method, is a status instead of an answer.
type httpFailure int

func (h httpFailure) Error() string { return http.StatusText(int(h)) }

// node is a fake node. It answers a method it does not know with ErrMethodNotFound.
type node struct {
	mu      sync.Mutex
	methods map[string]method
	calls   map[string]int
	serial  sync.Mutex // held while a method runs
}

func newNode() *node {
	n := &node{methods: make(map[string]method), calls: make(map[string]int)}
	n.on("starknet_chainId", fixed("0x534e5f5345504f4c4941"))
	n.on("starknet_specVersion", fixed("0.10.2"))
	return n
}

func fixed(v any) method { return func(json.RawMessage) (any, error) { return v, nil } }

func failing(code Code) method {
	return func(json.RawMessage) (any, error) { return nil, code }
}

func (n *node) on(name string, m method) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.methods[name] = m
}

func (n *node) count(name string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls[name]
}

func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var req struct {
		ID     uint64          `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.calls[req.Method]++
	m := n.methods[req.Method]
	n.mu.Unlock()
	if m == nil {
		m = failing(ErrMethodNotFound)
	}
	out := map[string]any{"jsonrpc": "2.0", "id": req.ID}
	n.serial.Lock()
	v, err := m(req.Params)
	n.serial.Unlock()
	switch e := err.(type) {
	case nil:
		out["result"] = v
	case Code:
		out["error"] = map[string]any{"code": int(e), "message": "scripted"}
	case *RPCError:
		out["error"] = map[string]any{"code": int(e.Code), "message": e.Message, "data": e.Data}
	case httpFailure:
		w.WriteHeader(int(e))
		return
	default:
		panic(http.ErrAbortHandler) // the connection breaks
	}
	json.NewEncoder(w).Encode(out)
}

// params decodes parameters in a test.
func params[T any](raw json.RawMessage) T {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}

func testKey(t testing.TB) *wallet.Account {
	t.Helper()
	key, err := wallet.ParseKey("0x1234567890abcdef1234567890abcdef")
	require.NoError(t, err)
	a, err := wallet.NewAccount(key, wallet.ClassOpenZeppelin)
	require.NoError(t, err)
	return a
}

// brokenSigner cannot sign.
type brokenSigner struct{}

func (brokenSigner) PublicKey() Felt { return Felt{} }
func (brokenSigner) Sign(context.Context, Felt) (wallet.Signature, error) {
	return wallet.Signature{}, io.ErrClosedPipe
}

// roundTrip answers every request with a body, without a network.
type roundTrip func() []byte

func (f roundTrip) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(f()))}, nil
}
