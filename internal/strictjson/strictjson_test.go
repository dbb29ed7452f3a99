package strictjson

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

// member and document have one field of every kind.
type member struct {
	N int `json:"n"`
}

type document struct {
	Text   string            `json:"text"`
	Bytes  []byte            `json:"bytes,omitempty"`
	Flag   bool              `json:"flag,omitempty"`
	Number float64           `json:"number,omitempty"`
	List   []member          `json:"list,omitempty"`
	Pair   [2]uint8          `json:"pair,omitempty"`
	Map    map[string]member `json:"map,omitempty"`
	Sub    *member           `json:"sub,omitempty"`
	Time   time.Time         `json:"time,omitzero"` // reads JSON itself
	Any    any               `json:"any,omitempty"`
	Raw    json.RawMessage   `json:"raw,omitempty"`
	Plain  int               `json:",omitempty"`
	Hidden int               `json:"-"`
}

var limits = Limits{Bytes: 1 << 20, Depth: 5, Items: 4, Text: 24}

func TestAccepts(t *testing.T) {
	for _, text := range []string{
		`{"text":""}`,
		" {\t\"text\" : \"a\\\"\\\\\\/\\b\\f\\n\\r\\t\" }\r\n",
		`{"text":"\u00e4\ud83d\ude00"}`,
		`{"t\u0065xt":"ä😀"}`,
		`{"text":"x","bytes":""}`,
		`{"text":"x","bytes":"AA=="}`,
		`{"text":"x","bytes":"` + strings.Repeat("AAAA", 100) + `"}`,
		`{"text":"x","flag":true}`,
		`{"text":"x","flag":false,"number":-0.5e+10}`,
		`{"text":"x","number":0}`,
		`{"text":"x","list":[]}`,
		`{"text":"x","list":[{"n":1},{"n":-2}]}`,
		`{"text":"x","pair":[1,2]}`,
		`{"text":"x","map":{"a":{"n":1},"A":{"n":2}}}`,
		`{"text":"x","sub":{"n":1},"Plain":3}`,
		`{"text":"x","time":"2026-01-02T03:04:05Z"}`,
		`{"text":"x","any":{"a":[1,"b",true,{"c":0}]},"raw":[ 1 ]}`,
	} {
		var got, want document
		if err := Unmarshal([]byte(text), &got, limits); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := json.Unmarshal([]byte(text), &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v, %v", text, got, want, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	for text, want := range map[string]string{
		``:                                     "the end of the text, want an object",
		`null`:                                 "null, want an object",
		`[]`:                                   "an array, want an object",
		`{`:                                    "the end of the text, want the name",
		`{}`:                                   `no member "text"`,
		`{"text"}`:                             "want a colon",
		`{"text":}`:                            "text: '}', want a string",
		`{"text":"x",}`:                        "want the name",
		`{"text":"x" "flag":true}`:             "want a comma or }",
		`{"text":"x"}}`:                        "text after the value",
		"{\"text\":\"x\"}\x00":                 "text after the value",
		"\x00{\"text\":\"x\"}":                 "want an object",
		`{"text":"x"} 1`:                       "text after the value",
		`{text:"x"}`:                           "want the name",
		`{"text":null}`:                        "text: null, want a string",
		`{"text":"x","sub":null}`:              "sub: null, want an object",
		`{"text":"x","any":null}`:              "any: null",
		`{"text":1}`:                           "text: a number, want a string",
		`{"text":"x`:                           "without end",
		`{"text":"\x"}`:                        "unknown escape",
		`{"text":"\u12"}`:                      "unknown escape",
		`{"text":"\`:                           "unknown escape",
		`{"text":"\ud83d"}`:                    "half of a surrogate pair",
		`{"text":"\ude00\ud83d"}`:              "half of a surrogate pair",
		`{"text":"\ud83d\u0041"}`:              "half of a surrogate pair",
		"{\"text\":\"\n\"}":                    "control character",
		"{\"text\":\"\xc3\"}":                  "not UTF-8",
		`{"text":"1234567890123456789012345"}`: "more than 24 bytes",
		`{"Text":"x"}`:                         `unknown member "Text"`,
		`{"text":"x","Hidden":1}`:              `unknown member "Hidden"`,
		`{"text":"x","secret":1}`:              `unknown member "secret"`,
		`{"text":"x","-":1}`:                   `unknown member "-"`,
		`{"text":"x","plain":1}`:               `unknown member "plain"`,
		`{"text":"x","text":"y"}`:              `two members "text"`,
		`{"text":"x","te\u0078t":"y"}`:         `two members "text"`,
		`{"text":"x","bytes":"AA=\n="}`:        "base64",
		`{"text":"x","bytes":"AA"}`:            "base64",
		`{"text":"x","bytes":"AB=="}`:          "base64",
		"{\"text\":\"x\",\"bytes\":\"A-==\"}":  "base64",
		`{"text":"x","bytes":[1]}`:             "bytes: an array, want a string",
		`{"text":"x","flag":truth}`:            "neither true nor false",
		`{"text":"x","flag":tru}`:              "neither true nor false",
		`{"text":"x","flag":0}`:                "flag: a number",
		`{"text":"x","number":01}`:             "want a comma",
		`{"text":"x","number":-}`:              "not a number",
		`{"text":"x","number":1.}`:             "not a number",
		`{"text":"x","number":.5}`:             "number: '.', want a number",
		`{"text":"x","number":1e}`:             "not a number",
		`{"text":"x","number":` + strings.Repeat("1", 65) + `}`: "not a number of at most",
		`{"text":"x","list":[{"n":1},{}]}`:                      `list[1]: no member "n"`,
		`{"text":"x","list":[{"n":1,"m":2}]}`:                   `list[0]: unknown member "m"`,
		`{"text":"x","list":[{"n":"1"}]}`:                       "list[0].n: a string, want a number",
		`{"text":"x","list":[{"n":1}`:                           "want a comma or ]",
		`{"text":"x","list":[,]}`:                               "list[0]: ',', want an object",
		`{"text":"x","pair":[1,1,1,1,1]}`:                       "more than 4 members",
		`{"text":"x","map":{"a":{"n":1},"a":{"n":1}}}`:          `map: two members "a"`,
		`{"text":"x","map":{"a":{"N":1}}}`:                      `map.a: unknown member "N"`,
		`{"text":"x","any":{"a":1,"a":2}}`:                      `any: two members "a"`,
		`{"text":"x","any":{"a":1,"b":1,"c":1,"d":1,"e":1}}`:    "more than 4 members",
		`{"text":"x","any":[[[[[]]]]]}`:                         "more than 5 levels",
		`{"text":"x","time":[1]}`:                               "not a JSON string",
		`{"text":"x","list":[{"n":1.5}]}`:                       "cannot unmarshal number 1.5",
		`{"text":"x","` + strings.Repeat("x", 300) + `":1}`:     "the name of a member has more than",
	} {
		var d document
		if err := Unmarshal([]byte(text), &d, limits); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	var e *Error
	if err := Unmarshal(make([]byte, 1<<20+1), new(document), limits); !errors.As(err, &e) || e.Path != "" {
		t.Errorf("a long text: %v", err)
	}
	if err := Unmarshal([]byte(`{"text":"x","list":[{"n":true}]}`), new(document), limits); !errors.As(err, &e) || e.Path != "list[0].n" || e.Offset != 25 {
		t.Errorf("%#v", err)
	}
}

// TestLinear reads a text that is twice as long, with members of names that share their
// beginning, and wants no more than a few times the garbage.
func TestLinear(t *testing.T) {
	wide := Limits{Bytes: 1 << 24, Depth: 5, Items: 1 << 20, Text: 16}
	garbage := func(n int) float64 {
		text := `{"text":"x","list":[` + strings.Repeat(`{"n":1},`, n) + `{"n":1}]}`
		return testing.AllocsPerRun(2, func() {
			if err := Unmarshal([]byte(text), new(document), wide); err != nil {
				t.Error(err)
			}
		})
	}
	if small, large := garbage(1000), garbage(8000); large > 10*small {
		t.Errorf("%v allocations for 1,000 members, %v for 8,000", small, large)
	}
}

// TestEmbedded wants no type with an embedded field, whose names would not be found.
func TestEmbedded(t *testing.T) {
	type embedding struct{ member }
	defer func() {
		if recover() == nil {
			t.Error("an embedded field was accepted")
		}
	}()
	Unmarshal([]byte(`{}`), new(embedding), limits)
}

// FuzzUnmarshal compares what is accepted with encoding/json: what is not JSON there is not
// JSON here, and what is read is read alike and can be written and read again.
func FuzzUnmarshal(f *testing.F) {
	for _, text := range []string{
		`{"text":"x","list":[{"n":1}],"map":{"a":{"n":2}},"any":[1,{"b":"c"}],"bytes":"AAA="}`,
		`{"t\u0065xt":"\ud83d\ude00","number":-1.5e3,"flag":true,"time":"2026-01-02T03:04:05Z"}`,
		`{"text":"x","pair":[1,2],"raw":{"a":0}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var loose, strict document
		if Unmarshal(text, &strict, limits) != nil {
			return
		}
		if err := json.Unmarshal(text, &loose); err != nil || !reflect.DeepEqual(loose, strict) {
			t.Fatalf("%q: %+v and %+v, %v", text, strict, loose, err)
		}
		var free any
		if err := Unmarshal(text, &free, Limits{1 << 20, 5, 20, 1 << 20}); err != nil {
			t.Fatalf("%q into any: %v", text, err)
		}
	})
}
