package bindgen

import (
	"fmt"
	"strings"
)

// builtin says how a type of Cairo's core library is written in Go. In encode, %s
// is the value.
type builtin struct{ goType, encode, decode string }

var builtins = map[string]builtin{
	"core::felt252": {"felt.Felt", "e.Felt(%s)", "d.Felt()"},
	"core::starknet::contract_address::ContractAddress": {"felt.Felt", "e.Felt(%s)", "d.Felt()"},
	"core::starknet::class_hash::ClassHash":             {"felt.Felt", "e.Felt(%s)", "d.Felt()"},
	"core::bool":                                        {"bool", "e.Bool(%s)", "d.Bool()"},
	"core::integer::u8":                                 {"uint8", "e.Uint(uint64(%s))", "uint8(d.Uint(math.MaxUint8))"},
	"core::integer::u16":                                {"uint16", "e.Uint(uint64(%s))", "uint16(d.Uint(math.MaxUint16))"},
	"core::integer::u32":                                {"uint32", "e.Uint(uint64(%s))", "uint32(d.Uint(math.MaxUint32))"},
	"core::integer::u64":                                {"uint64", "e.Uint(%s)", "d.Uint(math.MaxUint64)"},
	"core::integer::u128":                               {"calldata.U128", "e.U128(%s)", "d.U128()"},
	"core::integer::u256":                               {"calldata.U256", "e.U256(%s)", "d.U256()"},
	"core::byte_array::ByteArray":                       {"string", "e.ByteArray(%s)", "d.ByteArray()"},
}

// element returns the type of an array's elements.
func element(cairo string) (string, bool) {
	for _, prefix := range []string{"core::array::Span::<", "core::array::Array::<"} {
		if rest, ok := strings.CutPrefix(cairo, prefix); ok {
			return strings.TrimSuffix(rest, ">"), true
		}
	}
	return "", false
}

// optional returns the type that an option may hold.
func optional(cairo string) (string, bool) {
	rest, ok := strings.CutPrefix(cairo, "core::option::Option::<")
	return strings.TrimSuffix(rest, ">"), ok
}

// content returns the type inside of an array or option.
func content(cairo string) (string, bool) {
	if elem, ok := element(cairo); ok {
		return elem, true
	}
	return optional(cairo)
}

// goType returns the Go type for a Cairo type. An option is a pointer, nil for
// None.
func (c *contract) goType(cairo string) (string, error) {
	if b, ok := builtins[cairo]; ok {
		return b.goType, nil
	}
	if elem, ok := element(cairo); ok {
		t, err := c.goType(elem)
		return "[]" + t, err
	}
	if some, ok := optional(cairo); ok {
		t, err := c.goType(some)
		return "*" + t, err
	}
	for _, t := range c.types {
		if t.Name == cairo {
			return typeName(cairo), nil
		}
	}
	return "", fmt.Errorf("bindgen: %s: no Go type for %q", c.name, cairo)
}

// encode returns the statements that append a value to the encoder e. The type
// must have passed goType.
func encode(cairo, value string) string {
	if b, ok := builtins[cairo]; ok {
		return fmt.Sprintf(b.encode, value)
	}
	if elem, ok := element(cairo); ok {
		return fmt.Sprintf("e.Uint(uint64(len(%s)))\nfor _, v := range %s {\n%s\n}", value, value, encode(elem, "v"))
	}
	if some, ok := optional(cairo); ok {
		return fmt.Sprintf("e.Bool(%s == nil)\nif %s != nil {\n%s\n}", value, value, encode(some, "(*"+value+")"))
	}
	return value + ".encode(e)"
}

// decode returns the statements that read into a variable from the decoder d.
func (c *contract) decode(cairo, variable string) string {
	if b, ok := builtins[cairo]; ok {
		return variable + " = " + b.decode
	}
	if elem, ok := element(cairo); ok {
		goType, _ := c.goType(cairo)
		return fmt.Sprintf("%s = make(%s, d.Len())\nfor i := range %s {\n%s\n}", variable, goType, variable, c.decode(elem, variable+"[i]"))
	}
	if some, ok := optional(cairo); ok {
		goType, _ := c.goType(some)
		return fmt.Sprintf("if !d.Bool() {\n%s = new(%s)\n%s\n}", variable, goType, c.decode(some, "(*"+variable+")"))
	}
	return variable + ".decode(d)"
}
