package felt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
)

// TestText wants the same text of values, pointers, fields and keys, by whatever
// prints them.
func TestText(t *testing.T) {
	f := MustParse("0x00c0ffee")
	inside := struct{ F Felt }{f}
	for _, c := range []struct{ got, want string }{
		{fmt.Sprint(f), "0xc0ffee"},
		{fmt.Sprintf("%v %s %+v", f, &f, inside), "0xc0ffee 0xc0ffee {F:0xc0ffee}"},
		{fmt.Sprint([]Felt{{}, f}, map[Felt]int{f: 1}), "[0x0 0xc0ffee] map[0xc0ffee:1]"},
		{asJSON(t, inside), `{"F":"0xc0ffee"}`},
		{asJSON(t, []any{f, &f, map[Felt]Felt{f: {}}}), `["0xc0ffee","0xc0ffee",{"0xc0ffee":"0x0"}]`},
		{logged(func(w *bytes.Buffer) slog.Handler { return slog.NewTextHandler(w, nil) }, f), "f=0xc0ffee"},
		{logged(func(w *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(w, nil) }, f), `"f":"0xc0ffee"`},
	} {
		if !strings.Contains(c.got, c.want) {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func logged(handler func(*bytes.Buffer) slog.Handler, f Felt) string {
	var b bytes.Buffer
	slog.New(handler(&b)).Info("hello", "f", f)
	return b.String()
}

// TestUnmarshalText reads what MarshalText writes, and leaves a felt alone that it
// cannot set.
func TestUnmarshalText(t *testing.T) {
	var list []Felt
	if err := json.Unmarshal([]byte(`["0xA", "`+largest+`"]`), &list); err != nil || list[0] != FromUint64(10) || list[1].String() != largest {
		t.Errorf("%v, %v", list, err)
	}
	f := FromUint64(7)
	for in, want := range map[string]error{"": ErrSyntax, "10": ErrSyntax, prime: ErrRange} {
		if err := f.UnmarshalText([]byte(in)); !errors.Is(err, want) || f != FromUint64(7) {
			t.Errorf("%q: %v, %v", in, f, err)
		}
	}
}

// TestArithmetic compares with gnark-crypto at the edges of the field.
func TestArithmetic(t *testing.T) {
	edges := []Felt{{}, FromUint64(1), FromUint64(1<<64 - 1), MustParse("0x10000000000000000"), MustParse(largest)}
	for _, x := range edges {
		for _, y := range edges {
			a, b := fp.Element(x), fp.Element(y)
			for name, c := range map[string]struct {
				got  *Felt
				want *fp.Element
			}{
				"+":      {new(Felt).Add(&x, &y), new(fp.Element).Add(&a, &b)},
				"-":      {new(Felt).Sub(&x, &y), new(fp.Element).Sub(&a, &b)},
				"*":      {new(Felt).Mul(&x, &y), new(fp.Element).Mul(&a, &b)},
				"neg":    {new(Felt).Neg(&x), new(fp.Element).Neg(&a)},
				"double": {new(Felt).Double(&x), new(fp.Element).Double(&a)},
				"square": {new(Felt).Square(&x), new(fp.Element).Square(&a)},
			} {
				if *c.got != Felt(*c.want) {
					t.Errorf("%s of %v and %v is %v", name, x, y, c.got)
				}
			}
			if x.Cmp(y) != a.Cmp(&b) || x.IsZero() != a.IsZero() || x.IsUint64() != a.IsUint64() || x.Uint64() != a.Uint64() || x.Bits() != a.Bits() {
				t.Errorf("%v is not what gnark-crypto says", x)
			}
		}
	}
}
