package proof

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/stark"
)

// receipt is a golden proof with everything that belongs to it. TestReceipts of
// package prover writes them.
type receipt struct {
	Profile   Profile
	Statement Statement
	Input     []byte
	Output    []byte
	raw       []byte // the proof's binary form
}

var receiptNames = []string{
	"int8-16x16x16-p96", "m31-20x33x17-p96", "int8-3x2048x2-std", "int8-16x16x16-fast", "int8-16x16x16-fast-swapped",
}

func loadReceipt(t testing.TB, name string) (r receipt) {
	t.Helper()
	read := func(ext string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", name+ext))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := json.Unmarshal(read(".json"), &r); err != nil {
		t.Fatal(err)
	}
	r.raw = read(".bin")
	return r
}

// proof decodes the receipt's proof anew.
func (r *receipt) proof(t testing.TB) *Proof {
	t.Helper()
	p, err := Parse(r.raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkOf returns the check by which err says that a proof is invalid.
func checkOf(err error) (Check, bool) {
	var invalid *InvalidError
	if !errors.As(err, &invalid) || !errors.Is(err, ErrInvalid) {
		return 0, false
	}
	return invalid.Check, true
}

func wantCheck(t *testing.T, what string, err error, want ...Check) {
	t.Helper()
	if got, ok := checkOf(err); !ok || !slices.Contains(want, got) {
		t.Errorf("%s: %v, want the check of %v to fail", what, err, want)
	}
}

// wantUnusable expects an error that blames no prover.
func wantUnusable(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("%s: %v, want an error that is not ErrInvalid", what, err)
	}
}

// wantMalformed expects an error of a decoder.
func wantMalformed(t *testing.T, what string, err error) {
	t.Helper()
	var malformed *MalformedError
	if !errors.As(err, &malformed) || malformed.Unwrap() == nil || !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "malformed proof: ") {
		t.Errorf("%s: %v, want a MalformedError", what, err)
	}
}

// TestReceipts verifies the golden proofs, recomputes their roots and takes them
// through all encodings.
func TestReceipts(t *testing.T) {
	for _, name := range receiptNames {
		r := loadReceipt(t, name)
		p := r.proof(t)
		report, err := Verify(r.Statement, p, r.Profile)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, err := Security(r.Statement.Program, r.Profile)
		if err != nil || !reflect.DeepEqual(report, Report{r.Profile, want}) {
			t.Errorf("%s: report %+v, want %+v (%v)", name, report, want, err)
		}
		if root, err := JobRoot(r.Statement.Program, r.Input, r.Profile); err != nil || root != r.Statement.JobRoot {
			t.Errorf("%s: job root %v (%v)", name, root, err)
		}
		if root, err := ResultRoot(r.Statement.Program, r.Output, r.Profile); err != nil || root != r.Statement.ResultRoot {
			t.Errorf("%s: result root %v (%v)", name, root, err)
		}
		checkEncodings(t, name, &r, p)
	}
}

func checkEncodings(t *testing.T, name string, r *receipt, p *Proof) {
	t.Helper()
	raw, err := p.MarshalBinary()
	if err != nil || !bytes.Equal(raw, r.raw) {
		t.Errorf("%s: another binary form (%v)", name, err)
	}
	small, err := p.Compress()
	if err != nil || len(small) > len(raw)+64 {
		t.Errorf("%s: %d bytes compressed (%v)", name, len(small), err)
	}
	q, err := Decompress(small)
	if err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%s: compression does not keep the proof (%v)", name, err)
	}
	felts, err := p.Calldata()
	if err != nil {
		t.Fatal(err)
	}
	if q, err = ParseCalldata(felts); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%s: calldata does not keep the proof (%v)", name, err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q = new(Proof)
	if err := json.Unmarshal(text, q); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%s: JSON does not keep the proof (%v)", name, err)
	}
	if _, err := Verify(r.Statement, q, r.Profile); err != nil {
		t.Errorf("%s: after JSON: %v", name, err)
	}
}

// TestReplay verifies a good proof against everything but its own statement.
func TestReplay(t *testing.T) {
	r := loadReceipt(t, "int8-16x16x16-fast")
	p := r.proof(t)
	swapped := loadReceipt(t, "int8-16x16x16-fast-swapped")
	with := func(change func(s *Statement)) Statement {
		s := r.Statement
		change(&s)
		return s
	}
	for _, c := range []struct {
		what string
		s    Statement
		want Check
	}{
		{"another job", with(func(s *Statement) { s.JobID[31] ^= 0x80 }), CheckComposition},
		{"another m", with(func(s *Statement) { s.Program = MatMul(15, 16, 16) }), CheckComposition},
		{"another k", with(func(s *Statement) { s.Program = MatMul(16, 15, 16) }), CheckComposition},
		{"another n", with(func(s *Statement) { s.Program = MatMul(16, 16, 15) }), CheckComposition},
		{"another size of the trace", with(func(s *Statement) { s.Program = MatMul(64, 64, 64) }), CheckConfig},
		{"another type", with(func(s *Statement) { s.Program = MatMulOf(M31, 16, 16, 16) }), CheckComposition},
		{"another input", with(func(s *Statement) { s.JobRoot[0] ^= 1 }), CheckJobRoot},
		{"another result", with(func(s *Statement) { s.ResultRoot[31] ^= 1 }), CheckResultRoot},
		{"swapped roots", with(func(s *Statement) { s.JobRoot, s.ResultRoot = s.ResultRoot, s.JobRoot }), CheckJobRoot},
		{"swapped factors", swapped.Statement, CheckJobRoot},
	} {
		_, err := Verify(c.s, p, Fast)
		wantCheck(t, c.what, err, c.want)
	}
	for _, other := range Profiles() {
		if other != Fast {
			_, err := Verify(r.Statement, p, other)
			wantCheck(t, other.String(), err, CheckConfig)
		}
	}
}

// TestUnusable: what the caller got wrong is not the prover's fault, and what is
// no proof is.
func TestUnusable(t *testing.T) {
	r := loadReceipt(t, "int8-16x16x16-fast")
	p := r.proof(t)
	for _, profile := range []Profile{0, TestOnly, TestOnly + 1, 255} {
		_, err := Verify(r.Statement, p, profile)
		wantUnusable(t, profile.String(), err)
		_, err = JobRoot(r.Statement.Program, r.Input, profile)
		wantUnusable(t, profile.String(), err)
		_, err = Security(r.Statement.Program, profile)
		wantUnusable(t, profile.String(), err)
	}
	for _, program := range []Program{{}, MatMul(0, 1, 1), MatMul(1, -1, 1), MatMul(1, 1, MaxDim+1), MatMulOf(9, 1, 1, 1)} {
		s := r.Statement
		s.Program = program
		_, err := Verify(s, p, Fast)
		wantUnusable(t, program.String(), err)
		_, err = JobRoot(program, r.Input, Fast)
		wantUnusable(t, program.String(), err)
	}
	_, err := Verify(r.Statement, nil, Fast)
	wantCheck(t, "nil proof", err, CheckConfig)
	_, err = Verify(r.Statement, new(Proof), Fast)
	wantCheck(t, "zero proof", err, CheckConfig)
	_, err = Verify(r.Statement, New(new(stark.Proof), stark.Blake2s), Fast)
	wantCheck(t, "empty proof", err, CheckCommitments)
	for _, kind := range []stark.Kind{0, stark.Blake2sM31, stark.Poseidon252} {
		_, err = Verify(r.Statement, New(p.STARK(), kind), Fast)
		wantCheck(t, kind.String(), err, CheckConfig)
	}
}

// TestMalformed: data that is no proof.
func TestMalformed(t *testing.T) {
	r := loadReceipt(t, "int8-16x16x16-fast")
	for what, data := range map[string][]byte{
		"nothing":   nil,
		"truncated": r.raw[:len(r.raw)-1],
		"trailing":  append(bytes.Clone(r.raw), 0),
		"too large": make([]byte, MaxBytes+1),
		"JSON":      []byte("{}"),
	} {
		_, err := Parse(data)
		wantMalformed(t, what, err)
		_, err = Decompress(data)
		wantMalformed(t, what+", compressed", err)
	}
	_, err := ParseCalldata(nil)
	wantMalformed(t, "no calldata", err)
}

// TestUnmarshalJSON: a proof that fails to decode leaves its receiver alone.
func TestUnmarshalJSON(t *testing.T) {
	r := loadReceipt(t, "int8-16x16x16-fast")
	p, q := r.proof(t), r.proof(t)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for what, data := range map[string][]byte{
		"too large":     append(bytes.Clone(text), bytes.Repeat([]byte(" "), maxJSON)...),
		"nothing":       nil,
		"empty object":  []byte("{}"),
		"null":          []byte("null"),
		"truncated":     text[:len(text)-1],
		"trailing":      append(bytes.Clone(text), '0'),
		"p for 0":       bytes.Replace(text, []byte("[[["), []byte("[[[2147483648],["), 1),
		"another field": bytes.Replace(text, []byte("proof_of_work"), []byte("proof_of_play"), 1),
	} {
		wantMalformed(t, what, q.UnmarshalJSON(data))
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("%s: the proof has changed", what)
		}
	}
}

// TestSecurityOfMatMul pins the figures of the main statement.
func TestSecurityOfMatMul(t *testing.T) {
	for _, c := range []struct {
		profile                                    Profile
		unique, johnson, conjectured, listDecoding int
	}{
		{Fast, 54, 60, 102, 99},
		{Std, 47, 60, 102, 100},
		{Tight, 44, 62, 103, 101},
		{MatMulP80, 64, 80, 104, 104},
		{MatMulP90, 90, 91, 104, 104},
		{MatMulP96, 96, 91, 104, 104},
	} {
		r, err := Security(MatMul(1024, 1024, 1024), c.profile)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unique != c.unique || r.Johnson != c.johnson || r.Conjectured != c.conjectured || r.ListDecoding != c.listDecoding {
			t.Errorf("%v: %v, want %+v", c.profile, r, c)
		}
	}
}
