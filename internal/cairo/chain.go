// Package cairo holds what all code that talks to the contracts has in common: calls, reads
// and the contracts' errors, over the encoding of package calldata.
//
// The folder bindings has a generated package for each contract. XCall functions build
// calls, DecodeX functions read what a view returned, and DecodeEvent reads events.
package cairo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
)

// Error is a reason for which the contracts revert.
type Error struct {
	// Code is the short string with which the call reverts.
	Code string
	// Doc says what it means.
	Doc string
}

// ErrorByCode returns the error of a code, such as "PAUSED".
func ErrorByCode(code string) (Error, bool) {
	for _, e := range Errors {
		if e.Code == code {
			return e, true
		}
	}
	return Error{}, false
}

// Call is a call of a contract's function, still without the contract's address.
type Call struct {
	Function string
	Selector felt.Felt
	Calldata []felt.Felt
}

// At addresses the call to a contract.
func (c Call) At(contract chain.Felt) chain.Call {
	return chain.Call{To: contract, Selector: c.Selector, Calldata: c.Calldata}
}

// Read calls a view of a contract and decodes what it returns. A result of another
// form is chain.ErrResponse; other errors are those of chain.Client.Call.
func Read[T any](ctx context.Context, client *chain.Client, at chain.BlockID, contract chain.Felt, view Call, decode func([]felt.Felt) (T, error)) (T, error) {
	var zero T
	result, err := client.Call(ctx, view.At(contract), at)
	if err != nil {
		return zero, err
	}
	value, err := decode(result)
	if err != nil {
		return zero, fmt.Errorf("%w: %s: %w", chain.ErrResponse, view.Function, err)
	}
	return value, nil
}

// Refusal returns the code with which a contract refused a call, such as BAD_STATE, or
// "" if err says nothing of the kind. A node writes what the contract panicked with as
// numbers.
func Refusal(err error) string {
	var rpc *chain.RPCError
	var revert *chain.RevertError
	var report string
	switch {
	case errors.As(err, &revert):
		report = revert.Reason
	case errors.As(err, &rpc) && (rpc.Code == chain.ErrExecution || rpc.Code == chain.ErrContract):
		report = string(rpc.Data)
	}
	for s := range hexNumbers(report) {
		f, err := felt.Parse(s)
		if err != nil {
			continue
		}
		code, err := felt.Text(f)
		if err != nil {
			continue
		}
		if _, ok := ErrorByCode(code); ok {
			return code
		}
	}
	return ""
}

// hexNumbers returns the numbers in a text that are written as 0x and 1 to 64 digits; of a
// longer one, its first 64.
func hexNumbers(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			_, after, found := strings.Cut(text, "0x")
			if !found {
				return
			}
			n := 0
			for n < len(after) && n < 64 && isHex(after[n]) {
				n++
			}
			text = after[n:]
			if n > 0 && !yield("0x"+after[:n]) {
				return
			}
		}
	}
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
