package bindgen

import (
	"strings"
	"testing"
)

func abi(items string) []byte {
	const event = `{"type":"event","name":"a::C::Event","kind":"enum","variants":[]}`
	return []byte("[" + strings.TrimPrefix(items+","+event, ",") + "]")
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{"job_id": "JobID", "tee_quote_hash": "TEEQuoteHash", "elgamal_key": "ElGamalKey", "stake": "Stake"} {
		if got := goName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"job_id": "jobID", "type": "type_", "stake": "stake"} {
		if got := paramName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"bitsage::types::JobId": "JobID", "a::b::Fact": "Fact"} {
		if got := typeName(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

func TestGenerate(t *testing.T) {
	code, err := Generate("C", abi(`
		{"type":"struct","name":"a::Id","members":[{"name":"value","type":"core::felt252"}]},
		{"type":"constructor","name":"constructor","inputs":[{"name":"ids","type":"core::array::Span::<a::Id>"}]},
		{"type":"function","name":"count_ids","inputs":[],"outputs":[{"type":"core::integer::u8"}],"state_mutability":"view"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"type ID struct", "func Constructor(ids []ID) []felt.Felt", "func CountIdsCall() cairo.Call",
		"func DecodeCountIds(result []felt.Felt) (out uint8, err error)", "func (x ID) encode(",
	} {
		if !strings.Contains(string(code), want) {
			t.Errorf("no %q in\n%s", want, code)
		}
	}
	if strings.Contains(string(code), "func (x *ID) decode(") {
		t.Error("a decoder that nothing needs")
	}
}

// TestOption wants an option to be a pointer wherever it occurs.
func TestOption(t *testing.T) {
	code, err := Generate("C", abi(`
		{"type":"struct","name":"a::Point","members":[{"name":"x","type":"core::felt252"}]},
		{"type":"enum","name":"core::option::Option::<a::Point>","variants":[{"name":"Some","type":"a::Point"},{"name":"None","type":"()"}]},
		{"type":"function","name":"swap","inputs":[{"name":"key","type":"core::option::Option::<a::Point>"}],
		 "outputs":[{"type":"core::option::Option::<a::Point>"}],"state_mutability":"external"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"func SwapCall(key *Point) cairo.Call {\n\te := new(calldata.Encoder)\n\te.Bool(key == nil)\n\tif key != nil {\n\t\t(*key).encode(e)",
		"(out *Point, err error) {\n\td := calldata.NewDecoder(result)\n\tif !d.Bool() {\n\t\tout = new(Point)\n\t\t(*out).decode(d)",
	} {
		if !strings.Contains(string(code), want) {
			t.Errorf("no %q in\n%s", want, code)
		}
	}
}

func TestGenerateErrors(t *testing.T) {
	function := func(input string) string {
		return `{"type":"function","name":"f","inputs":[{"name":"x","type":"` + input + `"}],"outputs":[],"state_mutability":"external"}`
	}
	for name, items := range map[string]string{
		"unknown type":  function("core::integer::i8"),
		"unknown entry": `{"type":"l1_handler","name":"f"}`,
		"enum with data in a call": `{"type":"enum","name":"a::E","variants":[{"name":"A","type":"core::felt252"}]},` +
			function("a::E"),
	} {
		if _, err := Generate("C", abi(items)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, data := range map[string]string{
		"no JSON":       "x",
		"no events":     "[]",
		"unknown event": `[{"type":"event","name":"a::C::Event","kind":"enum","variants":[{"name":"A","type":"a::A","kind":"nested"}]}]`,
		"nested enum": `[{"type":"event","name":"a::C::Event","kind":"enum","variants":[{"name":"A","type":"a::A","kind":"nested"}]},` +
			`{"type":"event","name":"a::A","kind":"enum","variants":[]}]`,
	} {
		if _, err := Generate("C", []byte(data)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestErrors(t *testing.T) {
	code, err := Errors("/// One\n/// two.\npub const A: felt252 = 'A';\n")
	if err != nil || !strings.Contains(string(code), `{"A", "One two."}`) {
		t.Errorf("%s, %v", code, err)
	}
	for _, bad := range []string{
		"pub const A: felt252 = 'A';",
		"/// One.\npub const A: felt252 = 'B';",
		"/// One.\n\npub const A: felt252 = 'A';",
		"/// One.\npub const A: u8 = 1;",
	} {
		if _, err := Errors(bad); err == nil {
			t.Errorf("accepted %q", bad)
		}
	}
}
