package bitsagetest

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"time"

	"github.com/bitsage/bitsage/chain/ledger"
)

// node answers HTTP requests as the ledger's node, in the goroutine that makes them,
// as far as its faults let it.
type node struct {
	handler http.Handler
	seed    uint64

	mu     sync.Mutex
	faults nodeFaults
	dice   map[string]*rand.Rand // by method
}

// nodeFaults is how badly a node behaves.
type nodeFaults struct {
	reset, stale       float64       // probabilities
	minDelay, maxDelay time.Duration // of every request
}

func newNode(l *ledger.Ledger, seed uint64) *node {
	return &node{handler: l.Handler(), seed: seed, dice: make(map[string]*rand.Rand)}
}

func (n *node) setFaults(f nodeFaults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// fate is what becomes of a request.
type fate struct {
	before, after bool // the connection breaks before, or after the node has acted
	stale         bool
	delay         time.Duration
}

// draw decides on the next request of a method. Every method has random numbers of
// its own, and every request takes as many of them.
func (n *node) draw(method string) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.dice[method]
	if r == nil {
		h := fnv.New64a()
		h.Write([]byte(method))
		r = rand.New(rand.NewPCG(n.seed, h.Sum64()))
		n.dice[method] = r
	}
	reset, half, stale, delay := r.Float64(), r.Float64(), r.Float64(), r.Float64()
	f, broken := n.faults, reset < n.faults.reset
	return fate{
		before: broken && half < 0.5, after: broken && half >= 0.5, stale: stale < f.stale,
		delay: f.minDelay + time.Duration(delay*float64(f.maxDelay-f.minDelay)),
	}
}

// reset is the error of a connection that breaks while the answer is awaited, from
// which nobody can tell whether the node has acted.
func reset() error { return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET} }

// request is what a node's faults depend on.
type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params,omitempty"`
}

// RoundTrip implements http.RoundTripper.
func (n *node) RoundTrip(r *http.Request) (*http.Response, error) {
	defer r.Body.Close()
	ctx := r.Context()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var q request
	if json.Unmarshal(body, &q) != nil {
		q.Method = "batch"
	}
	f := n.draw(q.Method)
	if f.delay > 0 {
		timer := time.NewTimer(f.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if f.before {
		return nil, reset()
	}
	if f.stale {
		body = n.before(q, body)
	}
	resp := n.answer(r, body)
	if f.after {
		return nil, reset()
	}
	return resp, nil
}

// answer lets the node act on a request.
func (n *node) answer(r *http.Request, body []byte) *http.Response {
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	rec := httptest.NewRecorder()
	n.handler.ServeHTTP(rec, r)
	return rec.Result()
}

// before returns a call or a question for a nonce as one about the block before the
// last, if it is about the last. Anything else it returns as it is.
func (n *node) before(q request, body []byte) []byte {
	if q.Method != "starknet_call" && q.Method != "starknet_getNonce" {
		return body
	}
	var params map[string]any
	if json.Unmarshal(q.Params, &params) != nil {
		return body
	}
	if at, ok := params["block_id"].(string); !ok || at != "latest" && at != "pre_confirmed" {
		return body
	}
	var head struct{ Result uint64 }
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	resp := n.answer(r, []byte(`{"jsonrpc":"2.0","id":1,"method":"starknet_blockNumber"}`))
	if json.NewDecoder(resp.Body).Decode(&head) != nil || head.Result == 0 {
		return body
	}
	params["block_id"] = map[string]uint64{"block_number": head.Result - 1}
	var err error
	if q.Params, err = json.Marshal(params); err != nil {
		return body
	}
	old, err := json.Marshal(q)
	if err != nil {
		return body
	}
	return old
}
