package cairo

import (
	"fmt"
	"reflect"

	"github.com/bitsage/bitsage/chain/felt"
)

// Functions are a contract's functions by name: method expressions.
type Functions map[string]any

// Function is one function, ready to be called.
type Function struct {
	Name string
	Call func(f *Frame, args []felt.Felt) []felt.Felt
	In   []reflect.Type // its arguments
	Out  []reflect.Type // its results
}

// Class is what the ledger can run.
type Class struct {
	Name        string
	Hash        felt.Felt
	Compiled    felt.Felt // hash of the CASM; zero if it is not to be declared
	Sierra      []byte
	Functions   map[felt.Felt]Function // by selector
	Constructor Function
}

// Methods makes functions callable whose receivers bind returns.
func Methods[T any](bind func(*Frame) T, m Functions) map[string]Function {
	out := make(map[string]Function, len(m))
	for name, method := range m {
		out[name] = bound(name, func(f *Frame) reflect.Value { return reflect.ValueOf(bind(f)) }, reflect.ValueOf(method))
	}
	return out
}

// bound makes one function callable.
func bound(name string, bind func(*Frame) reflect.Value, method reflect.Value) Function {
	t := method.Type()
	fn := Function{Name: name}
	for i := 1; i < t.NumIn(); i++ {
		fn.In = append(fn.In, t.In(i))
	}
	for i := range t.NumOut() {
		fn.Out = append(fn.Out, t.Out(i))
	}
	fn.Call = func(f *Frame, args []felt.Felt) []felt.Felt {
		in := []reflect.Value{bind(f)}
		data := Calldata(args)
		for i, t := range fn.In {
			v := reflect.New(t).Elem()
			Require(data.Deserialize(v), fmt.Sprintf("Failed to deserialize param #%d", i+1))
			in = append(in, v)
		}
		Require(len(data) == 0, "Input too long for arguments")
		var out []felt.Felt
		for _, v := range method.Call(in) {
			out = serialize(out, v)
		}
		return out
	}
	return fn
}

// NewClass makes a class of tables of functions, of which one may have the constructor.
func NewClass(name string, hash felt.Felt, tables ...map[string]Function) *Class {
	c := &Class{Name: name, Hash: hash, Functions: make(map[felt.Felt]Function)}
	for _, table := range tables {
		for name, fn := range table {
			if name == "constructor" {
				c.Constructor = fn
				continue
			}
			if old, ok := c.Functions[Selector(name)]; ok {
				panic("cairo: two functions of a contract are named " + old.Name)
			}
			c.Functions[Selector(name)] = fn
		}
	}
	return c
}
