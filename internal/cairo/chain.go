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
	"regexp"

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

var hexNumber = regexp.MustCompile(`0x[0-9a-fA-F]{1,64}`)

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
	for _, s := range hexNumber.FindAllString(report, -1) {
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
