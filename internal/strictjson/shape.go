package strictjson

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// kind is what a JSON value is.
type kind string

const (
	object  kind = "an object"
	array   kind = "an array"
	text    kind = "a string"
	number  kind = "a number"
	boolean kind = "true or false"
	nothing kind = "a value"
	any_    kind = "any value" // what a type wants that reads JSON itself
)

// kindOf returns what the value is that begins with a byte.
func kindOf(c byte) kind {
	switch {
	case c == '{':
		return object
	case c == '[':
		return array
	case c == '"':
		return text
	case c == '-' || '0' <= c && c <= '9':
		return number
	case c == 't' || c == 'f':
		return boolean
	}
	return nothing
}

func describe(c byte) string {
	switch {
	case c == 0:
		return "the end of the text"
	case c == 'n':
		return "null"
	case kindOf(c) != nothing:
		return string(kindOf(c))
	}
	return fmt.Sprintf("%q", c)
}

// clip shortens a name that somebody else has chosen.
func clip(name string) string { return fmt.Sprintf("%.40s", name) }

// shape is what a Go type wants of its JSON.
type shape struct {
	typ    reflect.Type // without pointers; nil accepts everything
	want   kind
	base64 bool
	fields map[string]field // of a struct
	names  []string         // of the fields that must be there
}

type field struct {
	typ   reflect.Type
	index int
}

var (
	everything      = &shape{want: any_}
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()

	shapes sync.Map // of the types seen so far
)

// typeOf returns the shape of what a pointer points to.
func typeOf(v any) *shape { return shapeOf(reflect.TypeOf(v).Elem()) }

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	s := newShape(t)
	shapes.Store(t, s)
	return s
}

func newShape(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch p := reflect.PointerTo(t); {
	case p.Implements(unmarshaler):
		return everything
	case p.Implements(textUnmarshaler):
		return &shape{typ: t, want: text}
	}
	switch t.Kind() {
	case reflect.Struct:
		return structShape(t)
	case reflect.Map:
		return &shape{typ: t, want: object}
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			return &shape{typ: t, want: text, base64: true}
		}
		return &shape{typ: t, want: array}
	case reflect.String:
		return &shape{typ: t, want: text}
	case reflect.Bool:
		return &shape{typ: t, want: boolean}
	case reflect.Interface:
		return everything
	}
	return &shape{typ: t, want: number}
}

func structShape(t reflect.Type) *shape {
	s := &shape{typ: t, want: object, fields: make(map[string]field)}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			panic(fmt.Sprintf("strictjson: %v has an embedded field", t))
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" && options == "" {
			continue
		}
		if name == "" {
			name = f.Name
		}
		s.fields[name] = field{f.Type, i}
		if !strings.Contains(options, "omit") {
			s.names = append(s.names, name)
		}
	}
	return s
}

// elem returns the shape of the members of an array or map.
func (s *shape) elem() *shape {
	if s.typ == nil {
		return everything
	}
	return shapeOf(s.typ.Elem())
}

// members are the members of one object that have been seen.
type members struct {
	shape *shape
	known []bool          // by the struct's field
	names map[string]bool // in any other object
}

func (s *shape) members() *members {
	m := &members{shape: s}
	if s.fields != nil {
		m.known = make([]bool, s.typ.NumField())
	} else {
		m.names = make(map[string]bool)
	}
	return m
}

// next returns the shape of the member of a name, or why there must be none.
func (m *members) next(name string, limit int) (*shape, string) {
	if m.names != nil {
		if m.names[name] {
			return nil, fmt.Sprintf("two members %q", clip(name))
		}
		if m.names[name] = true; len(m.names) > limit {
			return nil, fmt.Sprintf("an object of more than %d members", limit)
		}
		return m.shape.elem(), ""
	}
	f, ok := m.shape.fields[name]
	switch {
	case !ok:
		return nil, fmt.Sprintf("unknown member %q", clip(name))
	case m.known[f.index]:
		return nil, fmt.Sprintf("two members %q", name)
	}
	m.known[f.index] = true
	return shapeOf(f.typ), ""
}

// missing returns an error for the first member that is not there and must be.
func (m *members) missing(s *scanner) *Error {
	for _, name := range m.shape.names {
		if !m.known[m.shape.fields[name].index] {
			return s.fail("no member %q", name)
		}
	}
	return nil
}
