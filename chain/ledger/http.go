package ledger

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/bitsage/bitsage/chain"
)

// Handler returns the RPC over HTTP, at every path. It trusts whoever reaches it with
// nothing but what the signatures on their transactions allow.
func (l *Ledger) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "JSON-RPC is spoken by POST", http.StatusMethodNotAllowed)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
		if err != nil {
			var large *http.MaxBytesError
			if errors.As(err, &large) {
				http.Error(w, "the request is too large", http.StatusRequestEntityTooLarge)
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(l.serve(body))
	})
}

// shutdown is how long Serve waits for requests that are being answered.
const shutdown = 5 * time.Second

// Serve answers the RPC over HTTP on a listener until ctx ends, and then returns nil when
// the last request is answered. It closes the listener.
func (l *Ledger) Serve(ctx context.Context, listener net.Listener) error {
	s := &http.Server{
		Handler: l.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: log.New(io.Discard, "", 0),
	}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		last, cancel := context.WithTimeout(context.Background(), shutdown)
		defer cancel()
		ended <- s.Shutdown(last)
	})
	err := s.Serve(listener)
	if stop() { // ctx has not ended
		return errors.Join(err, s.Close())
	}
	return <-ended
}

// clientPoll is how often the clients of a ledger in this process look at it.
const clientPoll = 10 * time.Millisecond

// Client returns a client of the ledger, which needs no network.
func (l *Ledger) Client() *chain.Client { return l.client }

// Dial returns a client of the ledger with options of its own; HTTP is replaced.
func (l *Ledger) Dial(o chain.Options) (*chain.Client, error) {
	if o.ChainID == "" {
		o.ChainID = l.name
	}
	o.HTTP = &http.Client{Transport: direct{l}}
	return chain.NewClient("http://ledger.invalid", o)
}

// direct answers HTTP requests in the goroutine that makes them.
type direct struct{ ledger *Ledger }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	if err != nil {
		return nil, err
	}
	resp := &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Request: r}
	if len(body) > MaxBody {
		resp.Status, resp.StatusCode, body = "413 Request Entity Too Large", http.StatusRequestEntityTooLarge, nil
	} else {
		body = d.ledger.serve(body)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}
