package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxBatch is the number of requests in a batch.
const maxBatch = 100

type request struct {
	Version string `json:"jsonrpc"`
	ID      uint64 `json:"id"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

func newRequest(id uint64, method string, params any) request {
	if params == nil {
		params = []any{}
	}
	return request{"2.0", id, method, params}
}

type response struct {
	ID     json.RawMessage `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    *int            `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	} `json:"error"`
}

var null = []byte("null")

// rpcError returns the error in a response, nil if there is none.
func (r *response) rpcError(method string) error {
	if r.Error == nil {
		return nil
	}
	if r.Error.Code == nil || len(r.Result) > 0 && !bytes.Equal(r.Result, null) {
		return malformed("%s: an error without code, or beside a result", method)
	}
	data := r.Error.Data
	if bytes.Equal(data, null) {
		data = nil
	}
	return &RPCError{method, Code(*r.Error.Code), r.Error.Message, data}
}

// decodeResult decodes the result, which must be there.
func (r *response) decodeResult(method string, result any) error {
	if err := r.rpcError(method); err != nil {
		return err
	}
	if len(r.Result) == 0 {
		return malformed("%s: neither result nor error", method)
	}
	if result == nil {
		return nil
	}
	if bytes.Equal(r.Result, null) {
		return malformed("%s: the result is null", method)
	}
	if err := json.Unmarshal(r.Result, result); err != nil {
		if errors.Is(err, ErrResponse) {
			return fmt.Errorf("%s: %w", method, err)
		}
		return malformed("%s: %s", method, printable(err.Error()))
	}
	return nil
}

// answers reports whether the response has the identifier id.
func (r *response) answers(id uint64) bool {
	var got uint64
	return json.Unmarshal(r.ID, &got) == nil && got == id && !bytes.Equal(r.ID, null)
}

// decodeSingle decodes the answer to one request. status is the *HTTPError it came
// with, if any, which is returned unless the body holds an error of the RPC.
func decodeSingle(data []byte, id uint64, method string, result any, status error) error {
	var r response
	if err := json.Unmarshal(data, &r); err != nil {
		if status != nil {
			return status
		}
		return malformed("%s: %s", method, printable(err.Error()))
	}
	if status != nil {
		var e *RPCError
		if err := r.rpcError(method); r.answers(id) && errors.As(err, &e) && (e.Code > 0 || !transient(status)) {
			return err
		}
		return status
	}
	if !r.answers(id) {
		// A node that could not read the identifier answers null with an error.
		if err := r.rpcError(method); err != nil && bytes.Equal(r.ID, null) {
			return err
		}
		return malformed("%s: an answer to another request", method)
	}
	return r.decodeResult(method, result)
}

// BatchItem is one request of a batch.
type BatchItem struct {
	Method string
	Params any   // an object, or nil for none
	Result any   // a pointer to decode into, or nil
	Err    error // set by Batch: what went wrong with this request alone
}

// Batch makes several reading requests, at most 100, in one HTTP request. It fails
// as Do does if the batch as a whole has no answer; otherwise it returns nil and
// sets the Err of each item. The node may answer in any order, but every request
// must be answered exactly once. Transactions cannot be sent in a batch.
func (c *Client) Batch(ctx context.Context, items []BatchItem) error {
	if len(items) == 0 {
		return nil
	}
	if len(items) > maxBatch {
		return fmt.Errorf("chain: a batch of %d requests, at most %d are allowed", len(items), maxBatch)
	}
	for i := range items {
		if strings.HasPrefix(items[i].Method, "starknet_add") {
			return fmt.Errorf("chain: %s cannot be part of a batch", items[i].Method)
		}
	}
	return c.retry(ctx, "batch", func() error { return c.batchOnce(ctx, items) })
}

func (c *Client) batchOnce(ctx context.Context, items []BatchItem) error {
	first := c.id.Add(uint64(len(items))) - uint64(len(items)) + 1
	requests := make([]request, len(items))
	for i, it := range items {
		requests[i] = newRequest(first+uint64(i), it.Method, it.Params)
	}
	body, err := json.Marshal(requests)
	if err != nil {
		return fmt.Errorf("chain: batch: %w", err)
	}
	data, err := c.post(ctx, body)
	if err != nil {
		return err
	}
	answers, err := matchBatch(data, first, len(items))
	if err != nil {
		return err
	}
	for i := range items {
		items[i].Err = answers[i].decodeResult(items[i].Method, items[i].Result)
	}
	return nil
}

// matchBatch decodes a batch and sorts it by identifier.
func matchBatch(data []byte, first uint64, n int) ([]*response, error) {
	list, err := decodeArray[response](data, n)
	if err != nil {
		var one response // some nodes answer a batch they refuse with one error
		if json.Unmarshal(data, &one) == nil {
			if err := one.rpcError("batch"); err != nil {
				return nil, err
			}
		}
		return nil, fmt.Errorf("batch: %w", err)
	}
	if len(list) != n {
		return nil, malformed("batch: %d answers to %d requests", len(list), n)
	}
	sorted := make([]*response, n)
	for i := range list {
		var id uint64
		if json.Unmarshal(list[i].ID, &id) != nil || id-first >= uint64(n) || sorted[id-first] != nil {
			return nil, malformed("batch: an answer to no request, or a second one")
		}
		sorted[id-first] = &list[i]
	}
	return sorted, nil
}
