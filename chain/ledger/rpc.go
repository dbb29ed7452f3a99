package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/bitsage/bitsage/chain"
)

// The limits of a request.
const (
	// MaxBody is the size of a request, in bytes.
	MaxBody = 8 << 20
	// MaxBatch is the number of requests in a batch.
	MaxBatch = 100
)

// rpcError is an error as JSON-RPC has it.
type rpcError struct {
	Code    chain.Code `json:"code"`
	Message string     `json:"message"`
	Data    any        `json:"data,omitempty"`
}

// message is the text of an error, word for word that of the specification: starknet.go knows
// an error by its code and its text together.
func message(code chain.Code) string {
	switch code {
	case chain.ErrContractNotFound:
		return "Contract not found"
	case chain.ErrEntrypointNotFound:
		return "Requested entrypoint does not exist in the contract"
	case chain.ErrBlockNotFound:
		return "Block not found"
	case chain.ErrInvalidTxIndex:
		return "Invalid transaction index in a block"
	case chain.ErrClassHashNotFound:
		return "Class hash not found"
	case chain.ErrTxHashNotFound:
		return "Transaction hash not found"
	case chain.ErrPageTooBig:
		return "Requested page size is too big"
	case chain.ErrContinuationToken:
		return "The supplied continuation token is invalid or unknown"
	case chain.ErrTooManyKeys:
		return "Too many keys provided in a filter"
	case chain.ErrContract:
		return "Contract error"
	case chain.ErrExecution:
		return "Transaction execution error"
	case chain.ErrClassDeclared:
		return "Class already declared"
	case chain.ErrNonce:
		return "Invalid transaction nonce"
	case chain.ErrResources:
		return "The transaction's resources don't cover validation or the minimal transaction fee"
	case chain.ErrBalance:
		return "Account balance is smaller than the transaction's maximal fee (calculated as the sum of each resource's limit x max price)"
	case chain.ErrValidation:
		return "Account validation failed"
	case chain.ErrCompilation:
		return "Compilation failed"
	case chain.ErrDuplicateTx:
		return "A transaction with the same hash already exists in the mempool"
	case chain.ErrCompiledClassHash:
		return "The compiled class hash did not match the one supplied in the transaction"
	case chain.ErrInvalidProof:
		return "The proof field in the invoke v3 transaction is invalid"
	case chain.ErrParse:
		return "Parse error"
	case chain.ErrInvalidRequest:
		return "Invalid request"
	case chain.ErrMethodNotFound:
		return "Method not found"
	case chain.ErrInvalidParams:
		return "Invalid params"
	case chain.ErrInternal:
		return "Internal error"
	}
	return ""
}

func fail(code chain.Code) *rpcError { return &rpcError{Code: code, Message: message(code)} }

func failData(code chain.Code, data any) *rpcError { return &rpcError{code, message(code), data} }

func internal(err error) *rpcError { return failData(chain.ErrInternal, err.Error()) }

type rpcRequest struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  *string         `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type rpcResponse struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

var null = json.RawMessage("null")

// serve answers the body of a request, which is one request or a batch. It answers nothing
// to notifications alone.
func (l *Ledger) serve(body []byte) []byte {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		return l.serveBatch(body)
	}
	r := l.serveOne(body)
	if r == nil {
		return nil
	}
	return encode(r)
}

func (l *Ledger) serveBatch(body []byte) []byte {
	var list []json.RawMessage
	if err := json.Unmarshal(body, &list); err != nil {
		return encode(refuse(failData(chain.ErrParse, err.Error())))
	}
	if len(list) == 0 {
		return encode(refuse(fail(chain.ErrInvalidRequest)))
	}
	if len(list) > MaxBatch {
		return encode(refuse(failData(chain.ErrInvalidRequest, fmt.Sprintf("a batch has at most %d requests", MaxBatch))))
	}
	var out []*rpcResponse
	for _, item := range list {
		if r := l.serveOne(item); r != nil {
			out = append(out, r)
		}
	}
	if out == nil {
		return nil
	}
	return encode(out)
}

// refuse is the answer to what is no request.
func refuse(err *rpcError) *rpcResponse { return &rpcResponse{"2.0", null, nil, err} }

// serveOne answers one request, or returns nil for a notification.
func (l *Ledger) serveOne(body []byte) *rpcResponse {
	var req rpcRequest
	if err := json.Unmarshal(body, &req); err != nil {
		if json.Valid(body) {
			return refuse(fail(chain.ErrInvalidRequest))
		}
		return refuse(failData(chain.ErrParse, err.Error()))
	}
	id := req.ID
	if len(id) > 0 && (id[0] == '{' || id[0] == '[' || len(id) > 200) {
		return refuse(fail(chain.ErrInvalidRequest))
	}
	if req.Version != "2.0" || req.Method == nil {
		if id == nil {
			id = null
		}
		return &rpcResponse{"2.0", id, nil, fail(chain.ErrInvalidRequest)}
	}
	result, err := l.dispatch(*req.Method, req.Params)
	if id == nil {
		return nil
	}
	if err != nil {
		return &rpcResponse{"2.0", id, nil, err}
	}
	return &rpcResponse{"2.0", id, encode(result), nil}
}

// encode writes what is always JSON.
func encode(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// dispatch calls a method. A panic, which is a mistake in this package, fails the request
// and leaves the chain as it was.
func (l *Ledger) dispatch(method string, params json.RawMessage) (result any, err *rpcError) {
	defer func() {
		if p := recover(); p != nil {
			result, err = nil, internal(fmt.Errorf("%s: %v", method, p))
		}
	}()
	m, ok := rpcMethods()[method]
	if !ok {
		return nil, fail(chain.ErrMethodNotFound)
	}
	return m(l, params)
}

// rpcMethod is a method of the RPC.
type rpcMethod func(*Ledger, json.RawMessage) (any, *rpcError)

// changing is a method that locks by itself.
func changing[P any](f func(*Ledger, *P) (any, *rpcError)) rpcMethod {
	return func(l *Ledger, raw json.RawMessage) (any, *rpcError) {
		p := new(P)
		if err := decodeParams(raw, p); err != nil {
			return nil, err
		}
		return f(l, p)
	}
}

// reading is a method that sees the chain as it is between two blocks.
func reading[P any](f func(*Ledger, *P) (any, *rpcError)) rpcMethod {
	return changing(func(l *Ledger, p *P) (any, *rpcError) {
		l.mu.RLock()
		defer l.mu.RUnlock()
		if l.closed {
			return nil, internal(ErrClosed)
		}
		return f(l, p)
	})
}

// decodeParams reads parameters, by name or by position, into a struct whose fields are
// pointers, slices or json.RawMessage. A field that is missing is an error unless its tag
// has omitempty.
func decodeParams(raw json.RawMessage, p any) *rpcError {
	v := reflect.ValueOf(p).Elem()
	invalid := func(format string, args ...any) *rpcError {
		return &rpcError{Code: chain.ErrInvalidParams, Message: fmt.Sprintf(format, args...)}
	}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0 || bytes.Equal(raw, null):
	case raw[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return invalid("%v", err)
		}
		if len(list) > v.NumField() {
			return invalid("%d parameters, at most %d are expected", len(list), v.NumField())
		}
		for i, item := range list {
			if err := json.Unmarshal(item, v.Field(i).Addr().Interface()); err != nil {
				return invalid("parameter %d: %v", i+1, err)
			}
		}
	default:
		if err := json.Unmarshal(raw, p); err != nil {
			return invalid("%v", err)
		}
	}
	for i := range v.NumField() {
		name, optional, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if optional == "" && v.Field(i).IsNil() {
			return invalid("missing field `%s`", name)
		}
	}
	return nil
}
