// Package strictjson reads JSON that states what is proven or owed, and so must have one
// reading: by this package, by encoding/json and by a parser in any other language.
//
// encoding/json takes members that no field has, two members of one name, names in
// another case, null for anything, text that is not UTF-8 and base64 with line breaks in
// it. What one reader leaves out or overwrites, another may believe. Here all of that is
// refused, and so is a member that is missing.
package strictjson

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits bound what is read. All of them must be set.
type Limits struct {
	Bytes int // of the whole text
	Depth int // of objects and arrays in each other
	Items int // of one array, or of one object that is read into a map
	Text  int // bytes of a string as it is written, unless it is base64 or the name of a member
}

// Error says where a text is not what was expected.
type Error struct {
	Path   string // as in set[3].weight; "" for the whole text
	Offset int    // in bytes
	Reason string
}

// Error implements error.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("json: %s, at byte %d", e.Reason, e.Offset)
	}
	return fmt.Sprintf("json: %s: %s, at byte %d", e.Path, e.Reason, e.Offset)
}

// Unmarshal reads one JSON text into the value that v points to, which is made of structs
// without embedded fields, slices, arrays, maps by string, strings, booleans, numbers,
// bytes in base64 and types that unmarshal themselves from text or JSON. Members whose
// field says omitempty or omitzero may be missing, all others must be there.
//
// It fails with an [*Error] or one of encoding/json, v then being unspecified. Its time
// and memory are linear in the length of the text, and text beyond the limits is refused
// before anything of it is kept.
func Unmarshal(data []byte, v any, limits Limits) error {
	if len(data) > limits.Bytes {
		return &Error{"", 0, fmt.Sprintf("%d bytes, want at most %d", len(data), limits.Bytes)}
	}
	if !utf8.Valid(data) {
		return &Error{"", 0, "the text is not UTF-8"}
	}
	s := &scanner{data: data, limits: limits}
	if err := s.document(typeOf(v)); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// in puts the name of a member or index before the path of an error.
func in(where string, err *Error) *Error {
	if err == nil {
		return nil
	}
	switch {
	case err.Path == "":
		err.Path = where
	case strings.HasPrefix(err.Path, "["):
		err.Path = where + err.Path
	default:
		err.Path = where + "." + err.Path
	}
	return err
}
