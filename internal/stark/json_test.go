package stark

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/vectors"
)

// golden is a proof made by stwo.
type golden struct {
	name string
	kind Kind
	data []byte
}

func goldenProofs(t testing.TB) (out []golden) {
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			var air struct{ Channel Kind }
			vectors.Load(t, &air, dir, name, "AIR.json")
			data := bytes.TrimSpace(vectors.Read(t, dir, name, "PROOF.json"))
			out = append(out, golden{name, air.Channel, data})
		}
	}
	return out
}

func TestJSONRoundTrip(t *testing.T) {
	for _, g := range goldenProofs(t) {
		p, err := ParseJSON(g.data, g.kind)
		if err != nil {
			t.Fatalf("%s: %v", g.name, err)
		}
		if !bytes.Equal(p.AppendJSON(nil, g.kind), g.data) {
			t.Errorf("%s: the JSON does not survive a round trip", g.name)
		}
		spaced := bytes.NewBufferString("\r\n\t ")
		if err := json.Indent(spaced, g.data, "", "\t"); err != nil {
			t.Fatal(err)
		}
		spaced.WriteString(" \n")
		if again, err := ParseJSON(spaced.Bytes(), g.kind); err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%s: with white space: error %v", g.name, err)
		}
	}
}

func TestAppendJSONPrefix(t *testing.T) {
	p := new(Proof)
	got := p.AppendJSON([]byte("prefix"), Blake2s)
	if want := append([]byte("prefix"), p.AppendJSON(nil, Blake2s)...); !bytes.Equal(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestJSONOtherKind reads proofs with the wrong kind of hash.
func TestJSONOtherKind(t *testing.T) {
	for _, g := range goldenProofs(t) {
		other := Poseidon252
		if g.kind == Poseidon252 {
			other = Blake2s
		}
		var syntax *SyntaxError
		if _, err := ParseJSON(g.data, other); !errors.As(err, &syntax) {
			t.Errorf("%s: error %v", g.name, err)
		}
	}
	for _, k := range []Kind{0, 77} {
		if _, err := ParseJSON([]byte("{}"), k); err == nil {
			t.Errorf("%v: no error", k)
		}
	}
}

// TestJSONTruncated cuts small proofs at every byte.
func TestJSONTruncated(t *testing.T) {
	for _, g := range goldenProofs(t) {
		if len(g.data) > 5500 {
			continue
		}
		for n := range g.data {
			_, err := ParseJSON(g.data[:n], g.kind)
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset > n {
				t.Fatalf("%s, %d bytes: error %v", g.name, n, err)
			}
		}
	}
}

// smallProof is the shortest text with every member; its hashes are felts.
const smallProof = `{"config":{"pow_bits":5,"fri_config":{"log_blowup_factor":1,"log_last_layer_degree_bound":0,"n_queries":4,"fold_step":2},"lifting_log_size":null},` +
	`"commitments":["7"],"sampled_values":[[[[[1,2],[3,4]]]]],"decommitments":[{"hash_witness":["8","9"]}],"queried_values":[[[10,11]]],"proof_of_work":12,` +
	`"fri_proof":{"first_layer":{"fri_witness":[],"decommitment":{"hash_witness":[]},"commitment":"13"},"inner_layers":[],` +
	`"last_layer_poly":{"coeffs":[[[5,6],[7,8]]],"log_size":3}}}`

const (
	wantElem  = "an element below 2^31 - 1"
	want31    = "a number below 2^31"
	want32    = "a number below 2^32"
	wantFelt  = "a felt252 as a decimal string"
	feltPrime = "3618502788666131213697322783095070105623107215331596699973092056135872020481"
	feltLast  = "3618502788666131213697322783095070105623107215331596699973092056135872020480"
)

// malformed lists changes of smallProof. A caret in the new text marks where the
// parser must stop; without one, the text is valid.
var malformed = []struct{ old, new, want string }{
	// The text as a whole.
	{`{"config"`, `^"config"`, `'{'`},
	{`{"config"`, `^[{"config"`, `'{'`},
	{`"log_size":3}}}`, `"log_size":3}}^`, `'}'`},
	{`"log_size":3}}}`, `"log_size":3}}}^}`, "the end of the proof"},
	{`"log_size":3}}}`, "\"log_size\":3}}}\n^\x00", "the end of the proof"},
	{`"log_size":3}}}`, "\"log_size\":3}}} \t\r\n", ""},
	// Members.
	{`"config"`, `^"Config"`, "the member config"},
	{`"config":`, `"config"^,`, `':'`},
	{`"pow_bits":5,`, `^`, "the member pow_bits"},
	{`"pow_bits":5,`, `"pow_bits":5,^"pow_bits":5,`, "the member fri_config"},
	{`"n_queries":4,"fold_step":2`, `^"fold_step":2,"n_queries":4`, "the member n_queries"},
	{`"fold_step":2}`, `"fold_step":2^,"more":1}`, `'}'`},
	{`"proof_of_work":12,`, ``, "the member proof_of_work"},
	{`"fri_witness"`, `^fri_witness`, "the member fri_witness"},
	{`"coeffs"`, `^"coef\u0066s"`, "the member coeffs"}, // escapes are not needed
	{`,"log_size":3`, `^`, `','`},
	{`"commitments"`, `/**/"commitments"`, "the member commitments"},
	// Numbers.
	{`:5,`, `:^-5,`, want31},
	{`:5,`, `:^+5,`, want31},
	{`:5,`, `:^05,`, want31},
	{`:5,`, `:0,`, ""},
	{`:5,`, `:^00,`, want31},
	{`:5,`, `:^"5",`, want31},
	{`:5,`, `:^,`, want31},
	{`:5,`, `:5^.0,`, `','`},
	{`:5,`, `:5^e1,`, `','`},
	{`:5,`, `:^null,`, want31},
	{`:5,`, `:2147483647,`, ""},
	{`:5,`, `:^2147483648,`, want31},
	{`:5,`, `:^99999999999999999999999,`, want31},
	{`:12,`, `:18446744073709551615,`, ""},
	{`:12,`, `:^18446744073709551616,`, "a number below 2^64"},
	{`"log_size":3`, `"log_size":^65536`, "a number below 2^16"},
	{`:null`, `:8`, ""},
	{`:null`, `:0^`, "null or a positive lifting_log_size"},
	{`:null`, `:^nul`, want31},
	{`:null`, `:null^l`, `'}'`},
	{`:null`, `:^false`, want31},
	// Field elements.
	{`10,11`, `2147483646,0`, ""},
	{`10,11`, `2147483647^,0`, wantElem},
	{`10,11`, `4294967295^,0`, wantElem},
	{`10,11`, `^4294967296,0`, want32},
	{`10,11`, `10,^`, want32},
	{`10,11`, `10 ^11`, `','`},
	{`[10,11]`, ``, ""}, // [[]]: a tree without columns
	{`[10,11]`, `^10,11`, `'['`},
	{`[[1,2],[3,4]]`, ``, ""}, // no samples
	{`[[1,2],[3,4]]`, `[^1,2,3,4]`, `'['`},
	{`[[1,2],[3,4]]`, `[[1^],[3,4]]`, `','`},
	{`[[1,2],[3,4]]`, `[[1,2^,3],[4]]`, `']'`},
	{`[[1,2],[3,4]]`, `[[1,2]^]`, `','`},
	{`[[1,2],[3,4]]`, `[[1,2],^3,4]`, `'['`},
	{`[[1,2],[3,4]]`, `[[1,2],[3,4^,5]]`, `']'`},
	{`[[1,2],[3,4]]`, `[[1,2],[3,4]^,[5,6]]`, `']'`},
	{`[[1,2],[3,4]]`, `[[1,2],[3,2147483647^]]`, wantElem},
	{`[[5,6],[7,8]]`, `[[2147483647^,6],[7,8]]`, wantElem},
	{`"inner_layers":[]`, `"inner_layers":^{}`, `'['`},
	{`"inner_layers":[]`, `"inner_layers":[^,]`, `'{'`},
	{`"inner_layers":[]`, `"inner_layers":[{^}]`, "the member fri_witness"},
	// Hashes.
	{`["7"]`, `[]`, ""},
	{`["7"]`, `["0"]`, ""},
	{`["7"]`, `[ "7" ]`, ""},
	{`["7"]`, `["7",^]`, `'"'`},
	{`["7"]`, `["7"^"8"]`, `','`},
	{`["7"]`, `[^7]`, `'"'`},
	{`["7"]`, `["^"]`, wantFelt},
	{`["7"]`, `["07^"]`, wantFelt},
	{`["7"]`, `["00^"]`, wantFelt},
	{`["7"]`, `["^-7"]`, wantFelt},
	{`["7"]`, `["0^x7"]`, wantFelt},
	{`["7"]`, `["^ 7"]`, wantFelt},
	{`["7"]`, `["7^ "]`, wantFelt},
	{`["7"]`, `["7^a"]`, wantFelt},
	{`["7"]`, `["` + feltLast + `"]`, ""},
	{`["7"]`, `["` + feltPrime + `^"]`, wantFelt},
	{`["7"]`, `["` + strings.Repeat("9", 77) + `^"]`, wantFelt},
	{`["7"]`, `["` + strings.Repeat("1", 78) + `^"]`, wantFelt},
	{`["7"]`, `["` + strings.Repeat("1", 1000) + `^"]`, wantFelt},
}

func TestJSONMalformed(t *testing.T) {
	for _, c := range malformed {
		if !strings.Contains(smallProof, c.old) {
			t.Fatalf("the proof has no %s", c.old)
		}
		checkMalformed(t, strings.Replace(smallProof, c.old, c.new, 1), c.new, c.want, Poseidon252)
	}
}

// checkMalformed parses a text whose caret is where the parser must stop.
func checkMalformed(t *testing.T, text, what, want string, k Kind) {
	t.Helper()
	offset := strings.IndexByte(text, '^')
	p, err := ParseJSON([]byte(strings.Replace(text, "^", "", 1)), k)
	if want == "" {
		if err != nil || p == nil {
			t.Errorf("%.100s: error %v", what, err)
		}
		return
	}
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || p != nil {
		t.Errorf("%.100s: proof %v, error %v", what, p, err)
		return
	}
	equal(t, what+": expectation", syntax.Want, want)
	if offset >= 0 {
		equal(t, what+": offset", syntax.Offset, offset)
	}
}

// TestJSONMalformedBytes changes a hash of 32 bytes.
func TestJSONMalformedBytes(t *testing.T) {
	hash := func(first, last string) string { return first + strings.Repeat("7,", 30) + last }
	for _, c := range []struct{ new, want string }{
		{`[` + hash("0,", "255]"), ""},
		{`[ ` + hash("0 , ", "255 ]"), ""},
		{`[` + hash("", "7^]"), `','`},
		{`[` + hash("7,", "7^,7]"), `']'`},
		{`[` + hash("^256,", "7]"), "a number below 2^8"},
		{`[` + hash("^-1,", "7]"), "a number below 2^8"},
		{`[` + hash("^01,", "7]"), "a number below 2^8"},
		{`^"7"`, `'['`},
	} {
		text := strings.NewReplacer(`["7"]`, `[`+c.new+`]`, `["8","9"]`, `[]`, `"13"`, `[`+hash("1,", "2]")).Replace(smallProof)
		checkMalformed(t, text, c.new, c.want, Blake2s)
	}
}

func TestSyntaxError(t *testing.T) {
	_, err := ParseJSON([]byte(`{"config":[`), Blake2s)
	equal(t, "message", err.Error(), `stark: malformed JSON proof at byte 10: want '{'`)
}

// FuzzParseJSON checks that the parser fails only with its own error, and that
// what it accepts has one canonical form. The seeds are large: fuzz with
// -fuzzminimizetime 20x.
func FuzzParseJSON(f *testing.F) {
	for _, g := range goldenProofs(f) {
		if len(g.data) < 10000 {
			f.Add(uint8(g.kind), g.data)
			f.Add(uint8(g.kind), g.data[:len(g.data)/2])
		}
	}
	f.Add(uint8(Poseidon252), []byte(smallProof))
	for _, c := range malformed {
		text := strings.Replace(smallProof, c.old, strings.Replace(c.new, "^", "", 1), 1)
		f.Add(uint8(Poseidon252), []byte(text))
	}
	f.Fuzz(func(t *testing.T, kind uint8, data []byte) {
		k := kinds[int(kind)%len(kinds)]
		p, err := ParseJSON(data, k)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Offset < 0 || syntax.Offset > len(data) {
				t.Fatalf("error %v", err)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatal("accepted what is not JSON")
		}
		text := p.AppendJSON(nil, k)
		again, err := ParseJSON(text, k)
		if err != nil || !reflect.DeepEqual(p, again) {
			t.Fatalf("the canonical form reads differently: %v", err)
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, data); err != nil || !bytes.Equal(compact.Bytes(), text) {
			t.Fatalf("the canonical form differs from the text without white space: %v", err)
		}
	})
}
