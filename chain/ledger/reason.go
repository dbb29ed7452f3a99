package ledger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/chain/felt"
)

// How a failure is told, as nodes tell it: from these texts clients take the short string.

func (s site) String() string {
	selector := s.selector.Padded()
	if s.selector.IsZero() {
		selector = "UNKNOWN"
	}
	return fmt.Sprintf("(contract address: %s, class hash: %s, selector: %s):\n", s.contract.Padded(), s.class.Padded(), selector)
}

// panicText is the text of a panic inside the calls of a stack, the outermost first.
func (e *reverted) panicText(stack []site) string {
	var b strings.Builder
	for _, s := range stack {
		b.WriteString("Error in contract " + s.String())
	}
	b.WriteString(printFelts(e.data) + ".\n")
	return b.String()
}

// uncatchable is the index of the last call in a stack that fails without its caller
// seeing the panic's data: the transaction, or a constructor.
func uncatchable(stack []site) int {
	for i := len(stack) - 1; i > 0; i-- {
		if stack[i].constructor {
			return i
		}
	}
	return 0
}

// reason is the revert reason of a transaction. The stack is not empty.
func (e *reverted) reason(stack []site) string {
	last := len(stack) - 1
	if e.text == "" {
		last = uncatchable(stack)
	}
	var b strings.Builder
	b.WriteString("Transaction execution has failed:\n")
	for i, s := range stack[:last+1] {
		kind := "called contract"
		if s.constructor {
			kind = "contract class constructor"
		}
		fmt.Fprintf(&b, "%d: Error in the %s %s", i, kind, s)
	}
	switch {
	case e.text != "":
		return b.String() + e.text + "\n"
	case len(e.data) > 1: // as Argent's account panics itself
		return b.String() + "Execution failed. Failure reason:\n" + printFelts(e.data) + ".\n"
	}
	return b.String() + "Execution failed. Failure reason:\n" + e.panicText(stack[last:])
}

// executionFailure is the reason as error 41 has it.
func (e *reverted) executionFailure(stack []site) any {
	if e.text != "" {
		return nested(stack, e.text+"\n")
	}
	i := uncatchable(stack)
	return nested(slices.Concat(stack[:i+1], stack[i:]), e.reason(stack))
}

// printFelts writes a panic's data: each felt, with its text if it is one.
func printFelts(data []Felt) string {
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
func nested(stack []site, inner any) any {
	for i := len(stack) - 1; i >= 0; i-- {
		s := stack[i]
		inner = callFailure{hexFelt(s.contract), hexFelt(s.class), hexFelt(s.selector), inner}
	}
	return inner
}

// callError is the data of error 40: of a call from outside, without a transaction. It
// lists the panic's data as each of the calls returned it, the outermost first: each adds
// a felt to what it was given.
func (e *reverted) callError(stack []site) any {
	inner := e.text
	if inner == "" {
		var list []Felt
		for outer := len(stack) - 1; outer >= 0; outer-- {
			list = append(list, e.data...)
			for range outer {
				list = append(list, shortString("ENTRYPOINT_FAILED"))
			}
		}
		data, _ := json.Marshal(hexFelts(list)) // strings
		inner = string(data)
	}
	return map[string]any{"revert_error": nested(stack, inner)}
}

// describe says in short why something reverted.
func (e *reverted) describe() string {
	if e.text != "" {
		return e.text
	}
	return printFelts(e.data)
}
