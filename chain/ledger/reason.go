package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// How a failure is told, as nodes tell it: from these texts clients take the short string.

// siteText names a call.
func siteText(s cairo.Site) string {
	selector := s.Selector.Padded()
	if s.Selector.IsZero() {
		selector = "UNKNOWN"
	}
	return fmt.Sprintf("(contract address: %s, class hash: %s, selector: %s):\n", s.Contract.Padded(), s.Class.Padded(), selector)
}

// panicText is the text of a panic inside the calls of a stack, the outermost first.
func panicText(e *cairo.Reverted, stack []cairo.Site) string {
	var b strings.Builder
	for _, s := range stack {
		b.WriteString("Error in contract " + siteText(s))
	}
	b.WriteString(printFelts(e.Data) + ".\n")
	return b.String()
}

// reason is the revert reason of a transaction. The stack is not empty.
func reason(e *cairo.Reverted, stack []cairo.Site) string {
	last := len(stack) - 1
	if e.Text == "" {
		last = cairo.Uncatchable(stack)
	}
	var b strings.Builder
	b.WriteString("Transaction execution has failed:\n")
	for i, s := range stack[:last+1] {
		kind := "called contract"
		if s.Constructor {
			kind = "contract class constructor"
		}
		fmt.Fprintf(&b, "%d: Error in the %s %s", i, kind, siteText(s))
	}
	switch {
	case e.Text != "":
		return b.String() + e.Text + "\n"
	case len(e.Data) > 1: // as Argent's account panics itself
		return b.String() + "Execution failed. Failure reason:\n" + printFelts(e.Data) + ".\n"
	}
	return b.String() + "Execution failed. Failure reason:\n" + panicText(e, stack[last:])
}

// executionFailure is the reason as error 41 has it.
func executionFailure(e *cairo.Reverted, stack []cairo.Site) any {
	if e.Text != "" {
		return nested(stack, e.Text+"\n")
	}
	i := cairo.Uncatchable(stack)
	return nested(slices.Concat(stack[:i+1], stack[i:]), reason(e, stack))
}

// printFelts writes a panic's data: each felt, with its text if it is one.
func printFelts(data []felt.Felt) string {
	parts := make([]string, len(data))
	for i, f := range data {
		parts[i] = f.String()
		if text, err := felt.Text(f); err == nil {
			parts[i] += " ('" + text + "')"
		}
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// callFailure is the object in the errors 40 and 41: where a call failed, and why, which is
// a string or the failure of the call that it made.
type callFailure struct {
	Contract hexFelt `json:"contract_address"`
	Class    hexFelt `json:"class_hash"`
	Selector hexFelt `json:"selector"`
	Error    any     `json:"error"`
}

// nested wraps what went wrong in the calls of a stack.
func nested(stack []cairo.Site, inner any) any {
	for i := len(stack) - 1; i >= 0; i-- {
		s := stack[i]
		inner = callFailure{hexFelt(s.Contract), hexFelt(s.Class), hexFelt(s.Selector), inner}
	}
	return inner
}

// callError is the data of error 40: of a call from outside, without a transaction. It
// lists the panic's data as each of the calls returned it, the outermost first: each adds
// a felt to what it was given.
func callError(e *cairo.Reverted, stack []cairo.Site) any {
	inner := e.Text
	if inner == "" {
		var list []felt.Felt
		for outer := len(stack) - 1; outer >= 0; outer-- {
			list = append(list, e.Data...)
			for range outer {
				list = append(list, cairo.ShortString("ENTRYPOINT_FAILED"))
			}
		}
		data, _ := json.Marshal(hexFelts(list)) // strings
		inner = string(data)
	}
	return map[string]any{"revert_error": nested(stack, inner)}
}

// describe says in short why something reverted.
func describe(e *cairo.Reverted) string {
	if e.Text != "" {
		return e.Text
	}
	return printFelts(e.Data)
}
