package strictjson

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf16"
)

// scanner walks over a text once, along the type that it will be read into.
type scanner struct {
	data   []byte
	pos    int
	depth  int
	limits Limits
}

func (s *scanner) fail(format string, args ...any) *Error {
	return &Error{Offset: s.pos, Reason: fmt.Sprintf(format, args...)}
}

// document reads a value and nothing after it.
func (s *scanner) document(t *shape) error {
	if err := s.value(t); err != nil {
		return err
	}
	if s.peek() != 0 || s.pos < len(s.data) {
		return s.fail("text after the value")
	}
	return nil
}

// peek skips white space and returns the next byte, or 0 at the end.
func (s *scanner) peek() byte {
	for ; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take skips the given byte, if it is the next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.pos == len(s.data) {
		return false
	}
	s.pos++
	return true
}

// value reads a value of a type.
func (s *scanner) value(t *shape) *Error {
	c := s.peek()
	if t.want != any_ && t.want != kindOf(c) {
		return s.fail("%s, want %s", describe(c), t.want)
	}
	switch kindOf(c) {
	case object:
		return s.nested(t, s.object)
	case array:
		return s.nested(t, s.array)
	case text:
		return s.text(t)
	case number:
		return s.number()
	case boolean:
		return s.literal()
	}
	return s.fail("%s, want %s", describe(c), t.want)
}

// nested reads an object or array one level deeper.
func (s *scanner) nested(t *shape, read func(*shape) *Error) *Error {
	if s.depth++; s.depth > s.limits.Depth {
		return s.fail("more than %d levels of objects and arrays", s.limits.Depth)
	}
	defer func() { s.depth-- }()
	s.pos++ // the opening bracket
	return read(t)
}

func (s *scanner) array(t *shape) *Error {
	for i := 0; ; i++ {
		if i == 0 && s.take(']') {
			return nil
		}
		if i == s.limits.Items {
			return s.fail("an array of more than %d members", s.limits.Items)
		}
		if err := s.value(t.elem()); err != nil {
			return in("["+strconv.Itoa(i)+"]", err)
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.fail("%s in an array, want a comma or ]", describe(s.peek()))
		}
	}
}

func (s *scanner) object(t *shape) *Error {
	m := t.members()
	for first := true; ; first = false {
		if first && s.take('}') {
			return m.missing(s)
		}
		start := s.pos
		name, err := s.name()
		if err != nil {
			return err
		}
		member, reason := m.next(name, s.limits.Items)
		if reason != "" {
			s.pos = start
			return s.fail("%s", reason)
		}
		if !s.take(':') {
			return s.fail("%s after the name of a member, want a colon", describe(s.peek()))
		}
		if err := s.value(member); err != nil {
			return in(clip(name), err)
		}
		if s.take('}') {
			return m.missing(s)
		}
		if !s.take(',') {
			return s.fail("%s in an object, want a comma or }", describe(s.peek()))
		}
	}
}

// maxName bounds the name of a member as it is written.
const maxName = 256

// name reads the name of a member.
func (s *scanner) name() (string, *Error) {
	if s.peek() != '"' {
		return "", s.fail("%s, want the name of a member", describe(s.peek()))
	}
	raw, escaped, err := s.quoted()
	switch {
	case err != nil:
		return "", err
	case len(raw) > maxName:
		return "", s.fail("the name of a member has more than %d bytes", maxName)
	case !escaped:
		return string(raw[1 : len(raw)-1]), nil
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return "", s.fail("%v", err)
	}
	return name, nil
}

// text reads a string.
func (s *scanner) text(t *shape) *Error {
	start := s.pos
	raw, escaped, err := s.quoted()
	if err != nil {
		return err
	}
	reason := ""
	switch {
	case t.base64:
		if escaped || !canonical(raw[1:len(raw)-1]) {
			reason = "not the canonical base64 of bytes"
		}
	case len(raw)-2 > s.limits.Text:
		reason = fmt.Sprintf("a string of more than %d bytes", s.limits.Text)
	}
	if reason != "" {
		s.pos = start
		return s.fail("%s", reason)
	}
	return nil
}

// canonical reports whether bytes have this base64 and no other: padded, without line
// breaks, and with zeros for the bits that no byte has. The decoder checks the rest.
func canonical(b []byte) bool {
	for _, c := range b {
		if c == '\r' || c == '\n' {
			return false
		}
	}
	if len(b)%4 != 0 {
		return false
	}
	if len(b) == 0 {
		return true
	}
	var last [3]byte
	_, err := base64.StdEncoding.Strict().Decode(last[:], b[len(b)-4:])
	return err == nil
}

// quoted returns a string as it is written, with its quotes, and whether it has escapes.
func (s *scanner) quoted() (raw []byte, escaped bool, err *Error) {
	start := s.pos
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], escaped, nil
		case c < ' ':
			return nil, false, s.fail("a control character in a string")
		case c == '\\':
			escaped = true
			if err := s.escape(); err != nil {
				return nil, false, err
			}
		}
	}
	return nil, false, s.fail("a string without end")
}

// escape reads an escape sequence, except for its last byte. Half of a surrogate pair
// stands for no character, and readers differ in what they make of it.
func (s *scanner) escape() *Error {
	r, ok := s.unit(s.pos)
	if !ok {
		if s.pos++; s.pos < len(s.data) {
			switch s.data[s.pos] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
				return nil
			}
		}
		return s.fail("an unknown escape in a string")
	}
	if s.pos += 5; !utf16.IsSurrogate(r) {
		return nil
	}
	low, ok := s.unit(s.pos + 1)
	if !ok || utf16.DecodeRune(r, low) == unicode.ReplacementChar {
		return s.fail("half of a surrogate pair in a string")
	}
	s.pos += 6
	return nil
}

// unit returns the code unit of the \u escape at a position, if there is one.
func (s *scanner) unit(pos int) (rune, bool) {
	if pos+6 > len(s.data) || s.data[pos] != '\\' || s.data[pos+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.data[pos+2:pos+6]), 16, 16)
	return rune(n), err == nil
}

// maxNumber bounds a number as it is written.
const maxNumber = 64

// number reads a number: -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() *Error {
	start := s.pos
	s.one("-")
	ok := s.one("0") || s.digits()
	if s.one(".") {
		ok = s.digits() && ok
	}
	if s.one("eE") {
		s.one("+-")
		ok = s.digits() && ok
	}
	if !ok || s.pos-start > maxNumber {
		s.pos = start
		return s.fail("not a number of at most %d characters", maxNumber)
	}
	return nil
}

// one skips one of some characters.
func (s *scanner) one(of string) bool {
	for i := range len(of) {
		if s.pos < len(s.data) && s.data[s.pos] == of[i] {
			s.pos++
			return true
		}
	}
	return false
}

func (s *scanner) digits() bool {
	start := s.pos
	for s.one("0123456789") {
	}
	return s.pos > start
}

// literal reads true or false.
func (s *scanner) literal() *Error {
	for _, word := range []string{"true", "false"} {
		if rest := s.data[s.pos:]; len(rest) >= len(word) && string(rest[:len(word)]) == word {
			s.pos += len(word)
			return nil
		}
	}
	return s.fail("neither true nor false")
}
