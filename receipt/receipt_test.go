package receipt

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/stark/codec"
	"github.com/bitsage/bitsage/internal/strictjson"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/proof"
)

// text is the receipt of testdata/README.md.
func text(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/receipt.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// load returns a copy of the receipt that a test can change.
func load(t testing.TB) *Receipt {
	t.Helper()
	r, err := Parse(text(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// input returns the input of the receipt's job.
func input(r *Receipt) []byte {
	in := make([]byte, r.Task.Program.InputSize())
	for i := range in {
		in[i] = byte(37 * i)
	}
	return in
}

// rename makes the job's identifier that of origin and task.
func rename(r *Receipt) {
	id, err := r.Origin.JobID(r.Task.ID())
	if err != nil {
		panic(err)
	}
	r.Job = id
}

// reprove replaces the binary form of the proof, and the hash with it.
func reprove(r *Receipt, change func(raw []byte) []byte) {
	raw, err := codec.Decompress(r.Proof)
	if err != nil {
		panic(err)
	}
	raw = change(raw)
	r.Proof, r.ProofHash = codec.Compress(raw), codec.Hash(raw)
}

// falsify flips a bit in the middle of the proof.
func falsify(r *Receipt) {
	reprove(r, func(raw []byte) []byte { raw[len(raw)/2] ^= 1; return raw })
}

// The kinds of errors, as TestChanged tells them apart.
const (
	kindFalse   = "false proof"
	kindOther   = "other"
	kindDamaged = "damaged: "
)

// kindOf returns the one kind of an error.
func kindOf(t *testing.T, err error) string {
	t.Helper()
	var kinds []string
	var d *DamagedError
	var o *OtherError
	if errors.As(err, &d) {
		kinds = append(kinds, kindDamaged+d.Part)
	}
	if errors.As(err, &o) {
		kinds = append(kinds, kindOther)
	}
	if errors.Is(err, proof.ErrInvalid) {
		kinds = append(kinds, kindFalse)
	}
	if len(kinds) != 1 {
		t.Fatalf("error %v is of kinds %q, want one", err, kinds)
	}
	return kinds[0]
}

func TestVerify(t *testing.T) {
	r := load(t)
	report, err := r.Verify(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if report.Profile != proof.Std || report.Security.Conjectured < 90 || r.Certificate == nil {
		t.Errorf("report %+v, certificate %+v", report, r.Certificate)
	}
	if err := r.VerifyInput(t.Context(), input(r)); err != nil {
		t.Error(err)
	}
	if err := r.CheckJob(r.Job); err != nil {
		t.Error(err)
	}
	r.Certificate = nil
	if _, err := r.Verify(t.Context()); err != nil {
		t.Errorf("without certificate: %v", err)
	}
}

// TestChanged changes every part of a receipt. What a change is called must not depend on
// whether there are votes, unless it is the votes that notice it.
func TestChanged(t *testing.T) {
	for name, test := range map[string]struct {
		change        func(r *Receipt)
		with, without string // kinds of the error, with the certificate and without
	}{
		"job":          {func(r *Receipt) { r.Job[0] ^= 1 }, kindOther, kindOther},
		"chain":        {func(r *Receipt) { r.Origin.Chain = "SN_MAIN" }, kindOther, kindOther},
		"manager":      {func(r *Receipt) { r.Origin.JobManager = felt.FromUint64(1) }, kindOther, kindOther},
		"client":       {func(r *Receipt) { r.Origin.Client = felt.FromUint64(1) }, kindOther, kindOther},
		"label":        {func(r *Receipt) { r.Task.Label = "other" }, kindOther, kindOther},
		"profile":      {func(r *Receipt) { r.Task.Profile = proof.Fast }, kindOther, kindOther},
		"hash of A":    {func(r *Receipt) { r.Task.Inputs[0][0] ^= 1 }, kindOther, kindOther},
		"hash of B":    {func(r *Receipt) { r.Task.Inputs[1][0] ^= 1 }, kindOther, kindOther},
		"job root":     {func(r *Receipt) { r.Task.JobRoot[0] ^= 1 }, kindOther, kindOther},
		"dtype":        {func(r *Receipt) { r.Task.Program = proof.MatMulOf(proof.M31, 3, 2, 4) }, kindOther, kindOther},
		"no client":    {func(r *Receipt) { r.Origin.Client = felt.Felt{} }, kindDamaged + "origin", kindDamaged + "origin"},
		"long chain":   {func(r *Receipt) { r.Origin.Chain = strings.Repeat("x", 32) }, kindDamaged + "origin", kindDamaged + "origin"},
		"program":      {func(r *Receipt) { r.Task.Program = proof.MatMul(3, 2, 5) }, kindDamaged + "output", kindDamaged + "output"},
		"no program":   {func(r *Receipt) { r.Task.Program = proof.Program{} }, kindDamaged + "task", kindDamaged + "task"},
		"no profile":   {func(r *Receipt) { r.Task.Profile = 0 }, kindDamaged + "task", kindDamaged + "task"},
		"long label":   {func(r *Receipt) { r.Task.Label = strings.Repeat("x", 257) }, kindDamaged + "task", kindDamaged + "task"},
		"one hash":     {func(r *Receipt) { r.Task.Inputs = r.Task.Inputs[1:] }, kindDamaged + "task", kindDamaged + "task"},
		"no worker":    {func(r *Receipt) { r.Worker = felt.Felt{} }, kindDamaged + "worker", kindDamaged + "worker"},
		"output":       {func(r *Receipt) { r.Output[0] ^= 1 }, kindDamaged + "output", kindDamaged + "output"},
		"short output": {func(r *Receipt) { r.Output = r.Output[1:] }, kindDamaged + "output", kindDamaged + "output"},
		"no int32":     {func(r *Receipt) { r.Output[3] = 0x7f }, kindDamaged + "output", kindDamaged + "output"},
		"proof":        {func(r *Receipt) { r.Proof[len(r.Proof)/2] ^= 1 }, kindDamaged + "proof", kindDamaged + "proof"},
		"no proof":     {func(r *Receipt) { r.Proof = nil }, kindDamaged + "proof", kindDamaged + "proof"},
		"long proof":   {func(r *Receipt) { r.Proof = make([]byte, codec.MaxCompressed+1) }, kindDamaged + "proof", kindDamaged + "proof"},
		"proof hash":   {func(r *Receipt) { r.ProofHash[0] ^= 1 }, kindDamaged + "proof", kindDamaged + "proof"},

		// The votes are about one worker, result and proof; without them nothing is.
		"worker":      {func(r *Receipt) { r.Worker = felt.FromUint64(1) }, kindDamaged + "certificate", ""},
		"result root": {func(r *Receipt) { r.ResultRoot[0] ^= 1 }, kindDamaged + "certificate", kindDamaged + "result root"},
		"false proof": {falsify, kindDamaged + "certificate", kindFalse},
		"malformed proof": {func(r *Receipt) {
			reprove(r, func(raw []byte) []byte { return raw[1:] })
		}, kindFalse, kindFalse},
		"another's job root": {func(r *Receipt) { r.Task.JobRoot[0] ^= 1; rename(r) }, kindDamaged + "certificate", kindDamaged + "job root"},
		// The proof alone binds the job.
		"another's label": {func(r *Receipt) { r.Task.Label = "other"; rename(r) }, kindDamaged + "certificate", kindFalse},
		"another's proof": {func(r *Receipt) { r.Origin.Client = felt.FromUint64(1); rename(r) }, kindDamaged + "certificate", kindFalse},
	} {
		for _, votes := range []bool{true, false} {
			r, want := load(t), test.with
			if !votes {
				r.Certificate, want = nil, test.without
			}
			test.change(r)
			_, err := r.Verify(t.Context())
			if want == "" && err == nil {
				continue
			}
			if err == nil {
				t.Errorf("%s, votes %v: went unnoticed, want %s", name, votes, want)
			} else if got := kindOf(t, err); got != want {
				t.Errorf("%s, votes %v: %v, want %s", name, votes, err, want)
			}
		}
	}
}

// TestCertificate changes the votes and their set.
func TestCertificate(t *testing.T) {
	request, err := consensus.Encode(&consensus.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(c *Certificate){
		"signature":     func(c *Certificate) { c.Votes[len(c.Votes)-1] ^= 1 },
		"epoch":         func(c *Certificate) { c.Votes[9] ^= 1 },
		"fact":          func(c *Certificate) { c.Votes[40] ^= 1 },
		"no votes":      func(c *Certificate) { c.Votes = nil },
		"long votes":    func(c *Certificate) { c.Votes = make([]byte, consensus.MaxMessageSize+1) },
		"other message": func(c *Certificate) { c.Votes = request },
		"no set":        func(c *Certificate) { c.Set = nil },
		"shorter set":   func(c *Certificate) { c.Set = c.Set[1:] },
		"twice":         func(c *Certificate) { c.Set[0] = c.Set[1] },
		"no key":        func(c *Certificate) { c.Set[0].VoteKey = felt.Felt{} },
		"not a key":     func(c *Certificate) { c.Set[0].VoteKey = felt.FromUint64(5) },
		"weight":        func(c *Certificate) { c.Set[0].Weight = money.SAGE(1) },
		"no quorum":     func(c *Certificate) { c.Set[2].Weight = money.SAGE(1_000_000) },
		"huge weights":  func(c *Certificate) { c.Set[0].Weight, c.Set[1].Weight = money.Max, money.Max },
		"large set": func(c *Certificate) {
			c.Set = slices.Repeat(c.Set, consensus.MaxValidators)
		},
	} {
		r := load(t)
		change(r.Certificate)
		if _, err := r.Verify(t.Context()); err == nil || kindOf(t, err) != kindDamaged+"certificate" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestCount compares who has voted with the certificate's bits, and wants votes that were
// changed to be no votes.
func TestCount(t *testing.T) {
	r := load(t)
	votes, err := r.Certificate.Verify(r.Origin.Chain)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Certificate.Count(r.Origin.Chain)
	if err != nil {
		t.Fatal(err)
	}
	var bitmap uint64
	var weight, total money.Amount
	for i, m := range r.Certificate.Set {
		if slices.Contains(got.Voters, i) {
			bitmap |= 1 << i
			weight, _ = weight.Add(m.Weight)
		}
		total, _ = total.Add(m.Weight)
	}
	if got.Verdict != consensus.Valid || bitmap != votes.Bitmap || got.Weight != weight || got.Total != total {
		t.Errorf("counted %+v of a bitmap %b", got, votes.Bitmap)
	}
	r.Certificate.Votes[len(r.Certificate.Votes)-1] ^= 1
	if got, err := r.Certificate.Count(r.Origin.Chain); err == nil || got.Voters != nil {
		t.Errorf("counted %+v of changed votes", got)
	}
}

// TestInvalidVerdict shows votes that the proof is invalid.
func TestInvalidVerdict(t *testing.T) {
	r := load(t)
	votes, err := r.Certificate.Verify(r.Origin.Chain)
	if err != nil {
		t.Fatal(err)
	}
	votes.Verdict = consensus.Invalid
	if r.Certificate.Votes, err = consensus.Encode(votes); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "say that the proof is invalid") {
		t.Errorf("got %v", err)
	}
}

// TestOtherJob asks for another job than the receipt's.
func TestOtherJob(t *testing.T) {
	r := load(t)
	if err := r.CheckJob(proof.JobID{1}); err == nil || kindOf(t, err) != kindOther {
		t.Errorf("got %v", err)
	}
}

// TestLyingRoot gives a receipt the hashes of one input and the root of another: finding
// V7. Verify cannot know the input, and VerifyInput must name it.
func TestLyingRoot(t *testing.T) {
	honest := input(load(t))
	for name, test := range map[string]struct {
		change func(r *Receipt)
		kind   string
		says   string
	}{
		"another's hashes": {func(r *Receipt) { r.Task.Inputs[1][0] ^= 1 }, kindDamaged + "task", "the input is the one committed"},
		"another's root":   {func(r *Receipt) { r.Task.JobRoot[0] ^= 1 }, kindDamaged + "task", "the input has the hashes"},
		"another input":    {func(r *Receipt) { r.Task.Inputs[0][0] ^= 1; r.Task.JobRoot[0] ^= 1 }, kindOther, "another input"},
	} {
		r := load(t)
		test.change(r)
		rename(r)
		err := r.VerifyInput(t.Context(), honest)
		if err == nil || kindOf(t, err) != test.kind || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	r := load(t)
	other := slices.Clone(honest)
	other[0] ^= 1
	if err := r.VerifyInput(t.Context(), other); err == nil || kindOf(t, err) != kindOther {
		t.Errorf("another input: got %v", err)
	}
	var e *proof.InputError
	if err := r.VerifyInput(t.Context(), honest[1:]); !errors.As(err, &e) {
		t.Errorf("a short input: got %v", err)
	}
	r.Task.Label = strings.Repeat("x", 257)
	if err := r.VerifyInput(t.Context(), honest); err == nil || kindOf(t, err) != kindDamaged+"task" {
		t.Errorf("a long label: got %v", err)
	}
}

// roots counts how often it is asked.
type roots struct{ results int }

func (*roots) JobRoot(context.Context, proof.Program, []byte, proof.Profile) (proof.Digest, error) {
	panic("not asked for")
}

func (r *roots) ResultRoot(ctx context.Context, p proof.Program, output []byte, profile proof.Profile) (proof.Digest, error) {
	r.results++
	return proof.ResultRoot(p, output, profile)
}

// TestReceiptCost verifies short receipts of large programs: finding V3. A program whose
// proofs do not fit is refused, and the output of any other is not looked at before there
// is a proof.
func TestReceiptCost(t *testing.T) {
	const enough = 4 << 20
	for name, test := range map[string]struct {
		profile proof.Profile
		want    string
	}{
		"no proof fits":   {proof.MatMulP96, kindDamaged + "task"},
		"another's proof": {proof.Std, kindFalse},
	} {
		r := load(t)
		r.Certificate = nil
		r.Task.Program, r.Task.Profile = proof.MatMul(4096, 4096, 1), test.profile
		r.Output = make([]byte, r.Task.Program.OutputSize())
		rename(r)
		data, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var asked roots
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if r, err = Parse(data); err == nil {
			_, err = Verifier{&asked}.Verify(t.Context(), r)
		}
		runtime.ReadMemStats(&after)
		if err == nil || kindOf(t, err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; asked.results != 0 || n > enough {
			t.Errorf("%s: %d bytes of JSON made %d bytes of garbage and %d roots", name, len(data), n, asked.results)
		}
	}
}

// TestOrder makes one fault after the other, each of which costs less to notice than those
// before it. It is the one that must be noticed, and only the first two by the output.
func TestOrder(t *testing.T) {
	r := load(t)
	votes := r.Certificate
	for i, fault := range []struct {
		change func()
		kind   string
	}{
		{func() { votes.Votes[len(votes.Votes)-1] ^= 1 }, kindDamaged + "certificate"},
		{func() { r.Output[0] ^= 1 }, kindDamaged + "output"},
		{func() { r.Certificate = nil; falsify(r) }, kindFalse},
		{func() { r.Certificate = votes }, kindDamaged + "certificate"},
		{func() { r.ProofHash[0] ^= 1 }, kindDamaged + "proof"},
		{func() { r.Job[0] ^= 1 }, kindOther},
		{func() { r.Output = r.Output[1:] }, kindDamaged + "output"},
		{func() { r.Worker = felt.Felt{} }, kindDamaged + "worker"},
	} {
		fault.change()
		var asked roots
		_, err := Verifier{&asked}.Verify(t.Context(), r)
		if err == nil || kindOf(t, err) != fault.kind {
			t.Errorf("fault %d: got %v, want %s", i, err, fault.kind)
		}
		if looked := asked.results != 0; looked != (i < 2) {
			t.Errorf("fault %d: the output was looked at: %v", i, looked)
		}
	}
}

// TestCancelled verifies with a context that has ended.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := load(t)
	if _, err := r.Verify(ctx); err != context.Canceled {
		t.Errorf("Verify: %v", err)
	}
	if err := r.VerifyInput(ctx, input(r)); err != context.Canceled {
		t.Errorf("VerifyInput: %v", err)
	}
	// A receipt that is damaged is so whatever the context.
	r.Worker = felt.Felt{}
	if _, err := r.Verify(ctx); err == nil || kindOf(t, err) != kindDamaged+"worker" {
		t.Errorf("damaged: %v", err)
	}
}

// TestJSON refuses what other readers would read in another way.
func TestJSON(t *testing.T) {
	good := string(text(t))
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	output := base64.StdEncoding.EncodeToString(load(t).Output)
	for name, test := range map[string]struct{ text, says string }{
		"empty":           {"", "the end of the text"},
		"null":            {"null", "null, want an object"},
		"array":           {"[" + good + "]", "an array, want an object"},
		"after":           {good + "1", "text after the value"},
		"unknown":         {with(`"worker"`, `"x": 1, "worker"`), `unknown member "x"`},
		"case":            {with(`"worker"`, `"Worker"`), `unknown member "Worker"`},
		"missing":         {with(`"label": "small",`, ``), ""},
		"no worker":       {with(`"worker": "`+load(t).Worker.String()+`",`, ``), `no member "worker"`},
		"twice":           {with(`"worker"`, `"worker": "0x1", "worker"`), `two members "worker"`},
		"twice, escaped":  {with(`"worker"`, `"w\u006frker": "0x1", "worker"`), `two members "worker"`},
		"unknown, deep":   {with(`"weight"`, `"stake": "1", "weight"`), "certificate.set[0]: unknown member"},
		"null output":     {with(`"`+output+`"`, `null`), "output: null, want a string"},
		"null label":      {with(`"label": "small"`, `"label": null`), "task.label: null"},
		"number":          {with(`"label": "small"`, `"label": 16`), "task.label: a number, want a string"},
		"base64":          {with(output, output[:8]+`\n`+output[8:]), "output: not the canonical base64"},
		"loose base64":    {with(output, "AB=="), "output: not the canonical base64"},
		"surrogate":       {with(`"label": "small"`, `"label": "\ud800"`), "half of a surrogate pair"},
		"not UTF-8":       {with(`"label": "small"`, "\"label\": \"\xff\""), "not UTF-8"},
		"program":         {with("matmul int8 3x2x4", "matmul int8 03x2x4"), "malformed program"},
		"long text":       {with(`"label": "small"`, `"label": "`+strings.Repeat("x", 1537)+`"`), "more than 1536 bytes"},
		"members":         {with(`"set": [`, `"set": [`+strings.Repeat(`{"vote_key":"0x1","weight":"1"},`, 64)), "more than 64 members"},
		"not an address":  {with(`"worker": "0x`, `"worker": "`), "not 0x followed by"},
		"no address":      {with(load(t).Worker.String(), ""), "not 0x followed by"},
		"long address":    {with(load(t).Worker.String(), "0x"+strings.Repeat("0", 65)), "not 0x followed by"},
		"prime":           {with(load(t).Worker.String(), "0x800000000000011000000000000000000000000000000000000000000000001"), "not in the field"},
		"client's range":  {with(load(t).Origin.Client.String(), "0x"+strings.Repeat("f", 64)), "not in the field"},
		"key's range":     {with(load(t).Certificate.Set[0].VoteKey.String(), "0x"+strings.Repeat("f", 64)), "not in the field"},
		"weight":          {with(`"10000"`, `"1e4"`), "an amount is written"},
		"digest":          {with(`"job": "`, `"job": "0`), "64 hexadecimal digits"},
		"nested too deep": {with(`"label": "small"`, `"label": [[[[[]]]]]`), "an array, want a string"},
	} {
		_, err := Parse([]byte(test.text))
		if test.says == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || kindOf(t, err) != kindDamaged+"JSON" || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v, want %q", name, err, test.says)
		}
		var r Receipt
		if json.Unmarshal([]byte(test.text), &r) == nil {
			t.Errorf("%s: json.Unmarshal takes it", name)
		}
	}
	var e *strictjson.Error
	if _, err := Parse(make([]byte, MaxJSON+1)); !errors.As(err, &e) {
		t.Errorf("too long: %v", err)
	}
}

// TestRoundTrip writes a receipt and reads it again.
func TestRoundTrip(t *testing.T) {
	r := load(t)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(data) {
		t.Errorf("%v\n%s\n%s", err, again, data)
	}
}

// BenchmarkVerify verifies the receipt of the tests.
func BenchmarkVerify(b *testing.B) {
	r := load(b)
	for b.Loop() {
		if _, err := r.Verify(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
