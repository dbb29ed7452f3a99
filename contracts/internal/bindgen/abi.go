// Package bindgen writes Go code from the ABI of a Cairo contract.
package bindgen

import (
	"encoding/json"
	"fmt"
	"strings"
)

// item is an entry of an ABI.
type item struct {
	Type     string  `json:"type"`
	Name     string  `json:"name"`
	Kind     string  `json:"kind"`
	Items    []item  `json:"items"`
	Inputs   []field `json:"inputs"`
	Outputs  []field `json:"outputs"`
	Members  []field `json:"members"`
	Variants []field `json:"variants"`

	StateMutability string `json:"state_mutability"`
}

// field is a parameter, a member or a variant.
type field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Kind string `json:"kind"`
}

// contract is an ABI sorted out.
type contract struct {
	name        string
	constructor *item
	functions   []item
	types       []item // structs and enums without those of the core library
	events      []item // the structs that the contract emits
}

func parse(name string, abi []byte) (*contract, error) {
	var items []item
	if err := json.Unmarshal(abi, &items); err != nil {
		return nil, err
	}
	c := &contract{name: name}
	events := make(map[string]item)
	for _, it := range items {
		switch it.Type {
		case "impl":
		case "struct", "enum":
			if _, builtin := builtins[it.Name]; !builtin && !isContainer(it.Name) {
				c.types = append(c.types, it)
			}
		case "constructor":
			c.constructor = &it
		case "interface":
			c.functions = append(c.functions, it.Items...)
		case "function":
			c.functions = append(c.functions, it)
		case "event":
			events[it.Name] = it
		default:
			return nil, fmt.Errorf("bindgen: an ABI entry has type %q", it.Type)
		}
	}
	var err error
	c.events, err = c.emitted(events)
	return c, err
}

// emitted follows the event enum of the contract. Events of components are flat,
// so that all are named by one selector.
func (c *contract) emitted(events map[string]item) ([]item, error) {
	var out []item
	var follow func(name string) error
	follow = func(name string) error {
		for _, v := range events[name].Variants {
			target, ok := events[v.Type]
			switch {
			case !ok:
				return fmt.Errorf("bindgen: event %s is not in the ABI", v.Type)
			case v.Kind == "flat":
				if err := follow(v.Type); err != nil {
					return err
				}
			case target.Kind == "struct":
				target.Name = v.Name // the variant's name makes the selector
				out = append(out, target)
			default:
				return fmt.Errorf("bindgen: event %s is nested, which is not supported", v.Type)
			}
		}
		return nil
	}
	for name := range events {
		if strings.HasSuffix(name, "::"+c.name+"::Event") {
			err := follow(name)
			return out, err
		}
	}
	return nil, fmt.Errorf("bindgen: %s has no events", c.name)
}

// isContainer says that a type is an array or option of others, which Go has too.
func isContainer(name string) bool {
	_, ok := content(name)
	return ok
}
