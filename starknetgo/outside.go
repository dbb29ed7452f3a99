package starknetgo

import (
	"encoding/json"
	"fmt"

	"github.com/NethermindEth/starknet.go/typeddata"

	"github.com/bitsage/bitsage/chain"
)

// outsideExecution is the message of SNIP-9, version 2, by which an account lets another one
// submit calls of its own.
type outsideExecution struct {
	caller, nonce, after, before chain.Felt
	calls                        []chain.Call
}

// outsideTypes are the types of the message, by SNIP-12.
const outsideTypes = `{
	"StarknetDomain": [
		{"name": "name", "type": "shortstring"}, {"name": "version", "type": "shortstring"},
		{"name": "chainId", "type": "shortstring"}, {"name": "revision", "type": "shortstring"}
	],
	"OutsideExecution": [
		{"name": "Caller", "type": "ContractAddress"}, {"name": "Nonce", "type": "felt"},
		{"name": "Execute After", "type": "u128"}, {"name": "Execute Before", "type": "u128"},
		{"name": "Calls", "type": "Call*"}
	],
	"Call": [
		{"name": "To", "type": "ContractAddress"}, {"name": "Selector", "type": "selector"},
		{"name": "Calldata", "type": "felt*"}
	]
}`

// outsideCall is a call in the message.
type outsideCall struct {
	To       string
	Selector string
	Calldata []string
}

// typedData returns the message that is signed. It goes through JSON, as starknet.go hashes
// no domain with the name of a chain that did not.
func (e *outsideExecution) typedData(chainID string) (*typeddata.TypedData, error) {
	calls := make([]outsideCall, len(e.calls))
	for i, c := range e.calls {
		calls[i] = outsideCall{c.To.String(), c.Selector.String(), make([]string, len(c.Calldata))}
		for j, f := range c.Calldata {
			calls[i].Calldata[j] = f.String()
		}
	}
	data, err := json.Marshal(map[string]any{
		"types": json.RawMessage(outsideTypes), "primaryType": "OutsideExecution",
		"domain": map[string]string{"name": "Account.execute_from_outside", "version": "2", "chainId": chainID, "revision": "1"},
		"message": map[string]any{
			"Caller": e.caller.String(), "Nonce": e.nonce.String(), "Calls": calls,
			"Execute After": e.after.String(), "Execute Before": e.before.String(),
		},
	})
	if err != nil {
		return nil, err
	}
	td := new(typeddata.TypedData)
	if err := json.Unmarshal(data, td); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTypedData, err)
	}
	return td, nil
}

// parseOutsideExecution reads the message of a paymaster. Everything but what it reads is
// ignored, as it is not signed.
func parseOutsideExecution(td *typeddata.TypedData) (*outsideExecution, error) {
	if td == nil || td.PrimaryType != "OutsideExecution" || td.Domain.Version != "2" {
		return nil, fmt.Errorf("%w: not an OutsideExecution of version 2", ErrPaymaster)
	}
	m := fields{object: td.Message}
	e := &outsideExecution{caller: m.felt("Caller"), nonce: m.felt("Nonce"),
		after: m.felt("Execute After"), before: m.felt("Execute Before")}
	calls := m.list("Calls")
	e.calls = make([]chain.Call, len(calls))
	for i, v := range calls {
		c := fields{bad: m.bad}
		c.object, _ = v.(map[string]any)
		e.calls[i] = chain.Call{To: c.felt("To"), Selector: c.felt("Selector"), Calldata: c.felts("Calldata")}
		m.bad = c.bad
	}
	if m.bad != "" {
		return nil, fmt.Errorf("%w: %q is missing or no number", ErrPaymaster, m.bad)
	}
	return e, nil
}

// fields reads members of a JSON object and keeps the name of one that is not as it must be.
type fields struct {
	object map[string]any
	bad    string
}

func (f *fields) felt(name string) chain.Felt { return f.number(name, f.object[name]) }

func (f *fields) number(name string, v any) chain.Felt {
	s, _ := v.(string)
	n := number(s)
	if n == nil {
		f.bad = name
		return chain.Felt{}
	}
	return *n
}

func (f *fields) list(name string) []any {
	list, ok := f.object[name].([]any)
	if !ok || len(list) > chain.MaxCalldata {
		f.bad = name
		return nil
	}
	return list
}

func (f *fields) felts(name string) []chain.Felt {
	list := f.list(name)
	out := make([]chain.Felt, len(list))
	for i, v := range list {
		out[i] = f.number(name, v)
	}
	return out
}
