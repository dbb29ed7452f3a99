package money

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func base(t *testing.T, s string) Amount {
	t.Helper()
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatal(s)
	}
	a, err := FromBase(n)
	require.NoError(t, err)
	return a
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, units, canonical string }{
		{"0", "0", "0"},
		{"1000", "1000000000000000000000", "1000"},
		{"2.5", "2500000000000000000", "2.5"},
		{"2.500", "2500000000000000000", "2.5"},
		{"007", "7000000000000000000", "7"},
		{"0.000000000000000001", "1", "0.000000000000000001"},
		{"10.010000000000000000", "10010000000000000000", "10.01"},
		{"340282366920938463463.374607431768211455", "340282366920938463463374607431768211455", "340282366920938463463.374607431768211455"},
	} {
		a, err := Parse(c.text)
		if err != nil || a != base(t, c.units) || a.String() != c.canonical {
			t.Errorf("%q: %v, %v", c.text, a, err)
		}
		if b, err := Parse(a.String()); b != a || err != nil {
			t.Errorf("%q does not survive String: %v", c.text, err)
		}
	}
	for text, want := range map[string]error{
		"": ErrSyntax, ".": ErrSyntax, ".5": ErrSyntax, "5.": ErrSyntax, "-1": ErrSyntax, "+1": ErrSyntax,
		"1e3": ErrSyntax, "1,000": ErrSyntax, "1_000": ErrSyntax, "1 000": ErrSyntax, " 1": ErrSyntax, "1 SAGE": ErrSyntax,
		"0x10": ErrSyntax, "1.2.3": ErrSyntax, "NaN": ErrSyntax, "٣": ErrSyntax,
		"0.1234567890123456789":                    ErrPrecision,
		"1.0000000000000000000":                    ErrPrecision,
		"340282366920938463463.374607431768211456": ErrRange,
		strings.Repeat("0", 65):                    ErrSyntax,
		strings.Repeat("9", 64):                    ErrRange,
	} {
		if a, err := Parse(text); !errors.Is(err, want) || !a.IsZero() {
			t.Errorf("%q: %v, %v, want %v", text, a, err, want)
		}
	}
}

func TestSAGE(t *testing.T) {
	for _, n := range []uint64{0, 1, 25_000, ^uint64(0)} {
		want := new(big.Int).Mul(new(big.Int).SetUint64(n), big.NewInt(unit))
		if SAGE(n).Base().Cmp(want) != 0 {
			t.Errorf("%d SAGE is %v", n, SAGE(n).Base())
		}
	}
}

func TestFromBase(t *testing.T) {
	over := new(big.Int).Lsh(big.NewInt(1), 128)
	for _, n := range []*big.Int{big.NewInt(-1), over} {
		if _, err := FromBase(n); !errors.Is(err, ErrRange) {
			t.Errorf("%v: %v", n, err)
		}
	}
	n := over.Sub(over, big.NewInt(1))
	if a, err := FromBase(n); err != nil || a != Max {
		t.Error(a, err)
	}
	a := SAGE(1)
	a.Base().SetUint64(7)
	if a != SAGE(1) {
		t.Error("Base shares its number with the amount")
	}
}

// edges are the numbers around which carries happen.
func edges() []Amount {
	var out []Amount
	for _, w := range []uint64{0, 1, 2, 1 << 63, ^uint64(0) - 1, ^uint64(0)} {
		for _, v := range []uint64{0, 1, unit, 1 << 63, ^uint64(0)} {
			out = append(out, Amount{w, v})
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		out = append(out, Amount{r.Uint64() >> r.UintN(64), r.Uint64()})
	}
	return out
}

// want checks a result against what big.Int says.
func want(t *testing.T, name string, got Amount, err error, exact *big.Int) {
	t.Helper()
	w, rangeErr := FromBase(exact)
	if !errors.Is(err, rangeErr) || got != w {
		t.Errorf("%s: %v, %v, want %v, %v", name, got, err, w, rangeErr)
	}
}

func TestArithmetic(t *testing.T) {
	for _, a := range edges() {
		for _, b := range edges() {
			x, y := a.Base(), b.Base()
			sum, err := a.Add(b)
			want(t, "sum", sum, err, new(big.Int).Add(x, y))
			diff, err := a.Sub(b)
			want(t, "difference", diff, err, new(big.Int).Sub(x, y))
			if a.Excess(b) != diff {
				t.Errorf("excess of %v over %v: %v", a, b, a.Excess(b))
			}
			if a.Cmp(b) != x.Cmp(y) || a.Less(b) != (x.Cmp(y) < 0) || (a == b) != (x.Cmp(y) == 0) {
				t.Errorf("comparison of %v and %v: %d", a, b, a.Cmp(b))
			}
			n := b.lo
			product, err := a.Mul(n)
			want(t, "product", product, err, new(big.Int).Mul(x, new(big.Int).SetUint64(n)))
			q, err := a.Times(b)
			if exact := new(big.Int); y.Sign() == 0 || !exact.Div(x, y).IsUint64() {
				assert.ErrorIs(t, err, ErrRange, "%v by %v: %d", a, b, q)
			} else if q != exact.Uint64() || err != nil {
				t.Errorf("%v by %v: %d, %v", a, b, q, err)
			}
		}
		for _, bps := range []uint64{0, 1, 500, 1_000, 10_000, ^uint64(0)} {
			share, err := a.Share(bps)
			exact := new(big.Int).Mul(a.Base(), new(big.Int).SetUint64(bps))
			want(t, "share", share, err, exact.Div(exact, big.NewInt(10_000)))
		}
	}
}

func TestText(t *testing.T) {
	type price struct {
		Fee Amount            `json:"fee"`
		By  map[Amount]string `json:"by"`
	}
	in := price{base(t, "2500000000000000000"), map[Amount]string{SAGE(1): "one"}}
	data, err := json.Marshal(in)
	if err != nil || string(data) != `{"fee":"2.5","by":{"1":"one"}}` {
		t.Fatalf("%s %v", data, err)
	}
	var out price
	if err := json.Unmarshal(data, &out); err != nil || out.Fee != in.Fee || out.By[SAGE(1)] != "one" {
		t.Errorf("%+v %v", out, err)
	}
	for _, bad := range []string{`{"fee":2.5}`, `{"fee":5}`, `{"fee":"1e3"}`, `{"fee":""}`, `{"fee":true}`} {
		out := price{Fee: SAGE(9)}
		if err := json.Unmarshal([]byte(bad), &out); err == nil || out.Fee != SAGE(9) {
			t.Errorf("%s became %v", bad, out.Fee)
		}
	}
	flags := flag.NewFlagSet("", flag.ContinueOnError)
	var amount Amount
	flags.TextVar(&amount, "amount", SAGE(1), "")
	if err := flags.Parse([]string{"-amount", "0.25"}); err != nil || amount.String() != "0.25" {
		t.Error(amount, err)
	}
	if s := fmt.Sprintf("%v %s", SAGE(3), &amount); s != "3 0.25" {
		t.Error(s)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "1000", "2.5", "1e3", "-1", "340282366920938463463.374607431768211456", "0.0000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			if !a.IsZero() {
				t.Fatal("an amount beside an error")
			}
			return
		}
		// The value is that of the exact rational number.
		r, ok := new(big.Rat).SetString(s)
		if !ok || r.Cmp(new(big.Rat).SetFrac(a.Base(), big.NewInt(unit))) != 0 {
			t.Fatalf("%q became %v", s, a)
		}
		if b, err := Parse(a.String()); err != nil || a != b {
			t.Fatalf("%q does not survive String", s)
		}
	})
}
