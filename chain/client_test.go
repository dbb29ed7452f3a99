package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// raw answers every request with a body in which ID stands for the identifier.
func raw(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req struct{ ID json.Number }
		json.NewDecoder(r.Body).Decode(&req)
		io.WriteString(w, strings.ReplaceAll(body, "ID", req.ID.String()))
	}
}

func TestNewClientRefuses(t *testing.T) {
	for _, u := range []string{"", "ftp://host", "host:80", "http://", "http://[::1", ":"} {
		if _, err := NewClient(u, Options{}); err == nil {
			t.Errorf("%q is accepted", u)
		}
	}
	for name, o := range map[string]Options{
		"long chain": {ChainID: strings.Repeat("a", 32)}, "negative": {Attempts: -1}, "timeout": {Timeout: -1},
	} {
		if _, err := NewClient("http://host", o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestDial(t *testing.T) {
	for _, tc := range []struct {
		version, want string
		err           error
	}{
		{"0.9.0", "SN_SEPOLIA", nil},
		{"0.10.2", "SN_SEPOLIA", nil},
		{"v0.10.0-rc.1", "", nil},
		{"0.8.1", "", ErrSpecVersion},
		{"0.11.0", "", ErrSpecVersion},
		{"0.100.0", "", ErrSpecVersion},
		{"", "", ErrSpecVersion},
		{strings.Repeat("0.9.", 20), "", ErrResponse},
		{"0.10.0", "SN_MAIN", ErrChainID},
	} {
		n := newNode()
		n.on("starknet_specVersion", fixed(tc.version))
		server := httptest.NewServer(n)
		c, err := Dial(t.Context(), server.URL, Options{ChainID: tc.want})
		if !errors.Is(err, tc.err) || (c == nil) != (tc.err != nil) {
			t.Errorf("%q, chain %q: %v", tc.version, tc.want, err)
		}
		server.Close()
	}
}

func TestChainIDMayNotChange(t *testing.T) {
	n := newNode()
	c, _ := testClient(t, n, Options{})
	if id, err := c.ChainID(t.Context()); err != nil || id != "SN_SEPOLIA" {
		t.Fatal(id, err)
	}
	n.on("starknet_chainId", fixed("0x534e5f4d41494e"))
	if id, err := c.ChainID(t.Context()); err != nil || id != "SN_SEPOLIA" || n.count("starknet_chainId") != 1 {
		t.Errorf("the chain is asked for again: %v %v", id, err)
	}
	for _, bad := range []string{"0x0", "0x00ff", "0x01"} {
		n := newNode()
		n.on("starknet_chainId", fixed(bad))
		c, _ := testClient(t, n, Options{})
		if _, err := c.ChainID(t.Context()); bad != "0x01" && !errors.Is(err, ErrResponse) {
			t.Errorf("chain %s: %v", bad, err)
		}
	}
}

func TestHostileAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"empty":                {``, ErrResponse},
		"no JSON":              {`<html>`, ErrResponse},
		"truncated":            {`{"jsonrpc":"2.0","id":ID,"result":"0x`, ErrResponse},
		"trailing data":        {`{"jsonrpc":"2.0","id":ID,"result":"0x1"}{}`, ErrResponse},
		"array":                {`[{"jsonrpc":"2.0","id":ID,"result":"0x1"}]`, ErrResponse},
		"other identifier":     {`{"jsonrpc":"2.0","id":0,"result":"0x1"}`, ErrResponse},
		"no identifier":        {`{"jsonrpc":"2.0","result":"0x1"}`, ErrResponse},
		"null identifier":      {`{"jsonrpc":"2.0","id":null,"result":"0x1"}`, ErrResponse},
		"text identifier":      {`{"jsonrpc":"2.0","id":"ID","result":"0x1"}`, ErrResponse},
		"null result":          {`{"jsonrpc":"2.0","id":ID,"result":null}`, ErrResponse},
		"nothing":              {`{"jsonrpc":"2.0","id":ID}`, ErrResponse},
		"null error":           {`{"jsonrpc":"2.0","id":ID,"error":null}`, ErrResponse},
		"result and error":     {`{"jsonrpc":"2.0","id":ID,"result":"0x1","error":{"code":20,"message":""}}`, ErrResponse},
		"error without code":   {`{"jsonrpc":"2.0","id":ID,"error":{"message":"x"}}`, ErrResponse},
		"code out of range":    {`{"jsonrpc":"2.0","id":ID,"error":{"code":1e30,"message":"x"}}`, ErrResponse},
		"number":               {`{"jsonrpc":"2.0","id":ID,"result":17}`, ErrResponse},
		"object":               {`{"jsonrpc":"2.0","id":ID,"result":{}}`, ErrResponse},
		"not hexadecimal":      {`{"jsonrpc":"2.0","id":ID,"result":"0xzz"}`, ErrResponse},
		"the prime":            {`{"jsonrpc":"2.0","id":ID,"result":"0x800000000000011000000000000000000000000000000000000000000000001"}`, ErrResponse},
		"65 digits":            {`{"jsonrpc":"2.0","id":ID,"result":"0x` + strings.Repeat("0", 65) + `"}`, ErrResponse},
		"escapes":              {`{"jsonrpc":"2.0","id":ID,"result":"0\u00781"}`, ErrResponse},
		"deep nesting":         {strings.Repeat("[", 100_000), ErrResponse},
		"error":                {`{"jsonrpc":"2.0","id":ID,"error":{"code":20,"message":"Contract not found"}}`, ErrContractNotFound},
		"error with no result": {`{"jsonrpc":"2.0","id":ID,"result":null,"error":{"code":20,"message":""}}`, ErrContractNotFound},
		"unread request":       {`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":""}}`, ErrParse},
		"too large":            {`{"jsonrpc":"2.0","id":ID,"result":"0x1","pad":"` + strings.Repeat("x", 2<<20) + `"}`, ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			c, clock := testClient(t, raw(tc.body), Options{MaxResponse: 1 << 20})
			_, err := c.ClassHashAt(t.Context(), Uint(1), AtLatest())
			if !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
			if len(clock.pauses()) > 0 {
				t.Error("an answer that is final is asked for again")
			}
			if err != nil && len(err.Error()) > 3*maxErrorText {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

// TestEndlessBody answers without end and without a length.
func TestEndlessBody(t *testing.T) {
	var sent atomic.Int64
	c, _ := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		chunk := bytes.Repeat([]byte(" "), 64<<10)
		for {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	}), Options{MaxResponse: 1 << 20})
	require.ErrorIs(t, c.Do(t.Context(), "starknet_chainId", nil, nil), ErrTooLarge)
	c.Close()
	if sent.Load() > 64<<20 {
		t.Errorf("%d bytes were accepted", sent.Load())
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var reached atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
	defer other.Close()
	for _, status := range []int{301, 302, 307, 308} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) })
		c, clock := testClient(t, h, Options{HTTP: &http.Client{}})
		err := c.Do(t.Context(), "starknet_chainId", nil, nil)
		var e *HTTPError
		if !errors.As(err, &e) || e.Status != status || reached.Load() || len(clock.pauses()) > 0 {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestRetries(t *testing.T) {
	ms := time.Millisecond
	for name, tc := range map[string]struct {
		failures []any // a status, an error, or a header Retry-After for 429
		pauses   []time.Duration
		ok       bool
	}{
		"none":          {nil, nil, true},
		"status":        {[]any{500, 502, 503}, []time.Duration{200 * ms, 400 * ms, 800 * ms}, true},
		"broken off":    {[]any{io.EOF}, []time.Duration{200 * ms}, true},
		"limited":       {[]any{"3"}, []time.Duration{3000 * ms}, true},
		"limited, date": {[]any{"Tue, 14 Nov 2023 22:13:25 GMT"}, []time.Duration{5000 * ms}, true},
		"nonsense":      {[]any{"soon"}, []time.Duration{200 * ms}, true},
		"for too long":  {[]any{"61"}, nil, false},
		"overflow":      {[]any{"4294967295"}, nil, false},
		"past":          {[]any{"Mon, 01 Jan 2001 00:00:00 GMT"}, []time.Duration{200 * ms}, true},
		"for ever":      {[]any{500, 500, 500, 500, 500}, []time.Duration{200 * ms, 400 * ms, 800 * ms, 1600 * ms}, false},
		"refused":       {[]any{403}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var n atomic.Int64
			c, clock := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				i := int(n.Add(1)) - 1
				if i >= len(tc.failures) {
					newNode().ServeHTTP(w, r)
					return
				}
				switch f := tc.failures[i].(type) {
				case int:
					w.WriteHeader(f)
				case string:
					w.Header().Set("Retry-After", f)
					w.WriteHeader(429)
				case error:
					panic(http.ErrAbortHandler)
				}
			}), Options{})
			err := c.Do(t.Context(), "starknet_chainId", nil, nil)
			if (err == nil) != tc.ok {
				t.Errorf("error %v", err)
			}
			if got := clock.pauses(); !slices.Equal(got, tc.pauses) {
				t.Errorf("pauses %v, want %v", got, tc.pauses)
			}
		})
	}
}

func TestBackoffIsBounded(t *testing.T) {
	for n := 1; n < 200; n++ {
		if d := backoff(200*time.Millisecond, n); d <= 0 || d > maxBackoff {
			t.Fatalf("after attempt %d: %v", n, d)
		}
	}
	c := realClock()
	for range 1000 {
		if d := c.random(time.Millisecond); d < 0 || d > time.Millisecond {
			t.Fatal(d)
		}
	}
}

func TestTimeoutOfAnAttempt(t *testing.T) {
	var n atomic.Int64
	block := make(chan struct{})
	c, _ := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 1 {
			<-block
			return
		}
		newNode().ServeHTTP(w, r)
	}), Options{Timeout: 50 * time.Millisecond})
	defer close(block)
	assert.NoError(t, c.Do(t.Context(), "starknet_chainId", nil, nil))
}

func TestCancelReturnsTheCause(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	c, _ := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cancel(cause)
		w.WriteHeader(500)
	}), Options{})
	assert.ErrorIs(t, c.Do(ctx, "starknet_chainId", nil, nil), cause)
	assert.ErrorIs(t, c.Do(ctx, "starknet_chainId", nil, nil), cause)
}

func TestRPCErrorUnderAnErrorStatus(t *testing.T) {
	for _, tc := range []struct {
		status, code int
		want         error
	}{{400, -32602, ErrInvalidParams}, {500, 20, ErrContractNotFound}, {404, 20, ErrContractNotFound}} {
		c, _ := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(tc.status)
			raw(fmt.Sprintf(`{"jsonrpc":"2.0","id":ID,"error":{"code":%d,"message":"m"}}`, tc.code))(w, r)
		}), Options{})
		assert.ErrorIs(t, c.Do(t.Context(), "starknet_call", nil, nil), tc.want, "%d", tc.status)
	}
}

// TestSecretsStayHere looks for the URL and the parameters in errors and logs.
func TestSecretsStayHere(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	listener.Close()
	c, err := NewClient("http://"+address+"/key-5up3r53cr3t", Options{Logger: logger, Attempts: 2, Backoff: time.Millisecond})
	require.NoError(t, err)
	err = c.Do(t.Context(), "starknet_call", map[string]string{"signature": "5up3r53cr3t"}, nil)
	if err == nil || !notSent(err) || strings.Contains(err.Error()+log.String(), "5up3r53cr3t") {
		t.Errorf("%v\n%s", err, log.String())
	}
	if log.Len() == 0 {
		t.Error("the failed attempt is not logged")
	}
}

func TestHeaders(t *testing.T) {
	c, _ := testClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != "k" || r.Header.Get("Content-Type") != "application/json" || r.Method != http.MethodPost {
			w.WriteHeader(400)
			return
		}
		newNode().ServeHTTP(w, r)
	}), Options{Header: http.Header{"x-api-key": {"k"}}})
	assert.NoError(t, c.Do(t.Context(), "starknet_chainId", nil, nil))
}

// pipeListener serves connections inside the process.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { close(l.done); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestInMemory speaks with a node in this process, and leaves no goroutine behind.
func TestInMemory(t *testing.T) {
	before := runtime.NumGoroutine()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: newNode()}
	go server.Serve(l)
	h := &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		l.conns <- far
		return near, nil
	}}}
	c, err := Dial(t.Context(), "http://ledger", Options{HTTP: h, ChainID: "SN_SEPOLIA"})
	require.NoError(t, err)
	c.Close()
	server.Close()
	for i := 0; runtime.NumGoroutine() > before && i < 50; i++ {
		time.Sleep(2 * time.Millisecond)
	}
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines, before there were %d", now, before)
	}
}
