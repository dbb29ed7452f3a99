package receipt

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/stark/codec"
	"github.com/bitsage/bitsage/proof"
)

const schemaFile = "../docs/schema/receipt.schema.json"

// compiled returns the published schema.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("receipt.schema.json", v); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("receipt.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// matches reports whether a text has the form that the schema describes.
func matches(t *testing.T, s *jsonschema.Schema, text string) bool {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	return err == nil && s.Validate(v) == nil
}

// TestSchema has the schema and Parse judge the same texts.
func TestSchema(t *testing.T) {
	s, good := compiled(t), string(text(t))
	r := load(t)
	r.Certificate = nil
	bare, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"the receipt": good, "without certificate": string(bare)} {
		if !matches(t, s, text) {
			t.Errorf("%s: refused", name)
		}
	}
	for name, change := range map[string][2]string{
		"unknown":         {`"worker"`, `"x": 1, "worker"`},
		"unknown, deep":   {`"weight"`, `"stake": "1", "weight"`},
		"case":            {`"worker"`, `"Worker"`},
		"missing":         {`"job": "` + r.Job.String() + `",`, ``},
		"null":            {`"label": "small"`, `"label": null`},
		"number":          {`"label": "small"`, `"label": 16`},
		"short digest":    {r.Job.String(), r.Job.String()[2:]},
		"no digest":       {r.Job.String(), strings.Repeat("x", 64)},
		"base64":          {base64.StdEncoding.EncodeToString(r.Output), "?"},
		"no worker":       {r.Worker.String(), ""},
		"long worker":     {r.Worker.String(), "0x" + strings.Repeat("0", 65)},
		"weight":          {`"10000"`, `"1e4"`},
		"negative weight": {`"10000"`, `"-1"`},
		"large set":       {`"set": [`, `"set": [` + strings.Repeat(`{"vote_key":"0x1","weight":"1"},`, 64)},
		"upper case":      {"matmul int8", "MatMul int8"},
		"profile":         {`"std"`, `"Std"`},
	} {
		text := strings.Replace(good, change[0], change[1], 1)
		if text == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if matches(t, s, text) {
			t.Errorf("%s: the schema takes it", name)
		}
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: Parse takes it", name)
		}
	}
	// What no schema can see, or this one does not try to.
	for name, change := range map[string]func(r *Receipt){
		"other worker": func(r *Receipt) { r.Worker = felt.FromUint64(1) },
		"no worker":    func(r *Receipt) { r.Worker = felt.Felt{} },
		"output":       func(r *Receipt) { r.Output[0] ^= 1 },
	} {
		r := load(t)
		change(r)
		data, err := json.Marshal(r)
		if err != nil || !matches(t, s, string(data)) {
			t.Errorf("%s: the schema describes more than the form: %v", name, err)
		}
		if _, err := r.Verify(t.Context()); err == nil {
			t.Errorf("%s: went unnoticed", name)
		}
	}
}

// object is what TestSchemaInStep reads of an object's or a member's schema.
type object struct {
	Ref                  string            `json:"$ref"`
	Type                 string            `json:"type"`
	AdditionalProperties *bool             `json:"additionalProperties"`
	Required             []string          `json:"required"`
	Properties           map[string]object `json:"properties"`
	Items                *object           `json:"items"`
	MaxItems             int               `json:"maxItems"`
	MaxLength            int               `json:"maxLength"`
	Defs                 map[string]object `json:"$defs"`
}

// TestSchemaInStep compares the schema with the fields of the types and with the bounds of
// the protocol.
func TestSchemaInStep(t *testing.T) {
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root object
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&root); err != nil {
		t.Fatal(err)
	}
	compare(t, "receipt", root, root, reflect.TypeFor[Receipt]())
	base64 := base64.StdEncoding.EncodedLen
	receipt, task, certificate := root.Properties, root.Defs["task"].Properties, root.Defs["certificate"].Properties
	for name, bound := range map[string][2]int{
		"proof":   {receipt["proof"].MaxLength, base64(codec.MaxCompressed)},
		"label":   {task["label"].MaxLength, proof.MaxLabel},
		"program": {task["program"].MaxLength, limits.Text},
		"inputs":  {task["inputs"].MaxItems, limits.Items},
		"profile": {task["profile"].MaxLength, felt.ShortStringMax},
		"chain":   {root.Defs["origin"].Properties["chain"].MaxLength, felt.ShortStringMax},
		"votes":   {certificate["votes"].MaxLength, base64(consensus.MaxMessageSize)},
		"set":     {certificate["set"].MaxItems, consensus.MaxValidators},
	} {
		if bound[0] != bound[1] {
			t.Errorf("%s: the schema's bound is %d, want %d", name, bound[0], bound[1])
		}
	}
}

// compare compares the schema of an object with a struct.
func compare(t *testing.T, name string, root, o object, typ reflect.Type) {
	t.Helper()
	if o.Type != "object" || o.AdditionalProperties == nil || *o.AdditionalProperties {
		t.Errorf("%s: not an object without other members", name)
	}
	var required []string
	for i := range typ.NumField() {
		f := typ.Field(i)
		member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if options == "" {
			required = append(required, member)
		}
		p, ok := o.Properties[member]
		if !ok {
			t.Errorf("%s has no %s", name, member)
		}
		descend(t, name+"."+member, root, p, f.Type)
	}
	if len(o.Properties) != typ.NumField() || !slices.Equal(o.Required, required) {
		t.Errorf("%s: %d members, required %q, want %d and %q", name, len(o.Properties), o.Required, typ.NumField(), required)
	}
}

// descend compares the schema of a member with its type, if there is a struct in it.
func descend(t *testing.T, name string, root, o object, typ reflect.Type) {
	t.Helper()
	if ref, ok := strings.CutPrefix(o.Ref, "#/$defs/"); ok {
		o = root.Defs[ref]
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case o.Type == "array":
		descend(t, name+"[]", root, *o.Items, typ.Elem())
	case o.Type == "object":
		compare(t, name, root, o, typ)
	case o.Type != "string":
		t.Errorf("%s: %q", name, o.Type)
	}
}
