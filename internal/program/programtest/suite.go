package programtest

import (
	"bytes"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/internal/backend/cpu"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/exec"
	"github.com/bitsage/bitsage/internal/stark"
)

// Run tests what all kinds promise, on the programs of a kind's self-tests and its sample.
func Run(t *testing.T, k program.Kind) {
	seen := make(map[string]string)
	for _, test := range append(k.SelfTests(), program.SelfTest{Program: k.Sample(), Seed: 1}) {
		p := test.Program
		t.Run(p.String(), func(t *testing.T) {
			s := &suite{t, p, p.TestInput(test.Seed)}
			s.text()
			s.input()
			s.run()
			s.layout()
		})
		words := string(wordBytes(p.Words()))
		if other := seen[words]; other != "" && other != p.String() {
			t.Errorf("%q and %q have the same words", p, other)
		}
		seen[words] = p.String()
	}
}

func wordBytes(words []uint32) (b []byte) {
	for _, w := range words {
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	return b
}

type suite struct {
	*testing.T
	p    program.Program
	data []byte
}

// text: the text determines the program and is the only one that does.
func (s *suite) text() {
	text := s.p.String()
	if back, err := program.Parse(text); err != nil || back != s.p || back.Kind() != s.p.Kind() {
		s.Errorf("%q is parsed as %v (%v)", text, back, err)
	}
	for _, other := range []string{text + " ", text + "0 ", " " + text, text[:len(text)-1] + "\x00", text + "\n"} {
		if p, err := program.Parse(other); err == nil && p == s.p {
			s.Errorf("%q is parsed as %v", other, p)
		}
	}
}

// input: the parts are the input, and another length is refused.
func (s *suite) input() {
	if err := s.p.CheckInput(s.data); err != nil || len(s.data) != s.p.InputSize() {
		s.Fatalf("the input has %d bytes, want %d (%v)", len(s.data), s.p.InputSize(), err)
	}
	parts := s.p.Parts(s.data)
	if len(parts) != s.p.NumParts() || !bytes.Equal(slices.Concat(parts...), s.data) {
		s.Errorf("%d parts, want %d that are the input", len(parts), s.p.NumParts())
	}
	for _, wrong := range [][]byte{nil, s.data[1:], append(slices.Clone(s.data), 0)} {
		if s.p.CheckInput(wrong) == nil {
			s.Errorf("an input of %d bytes passes", len(wrong))
		}
	}
	if bytes.Equal(s.data, s.p.TestInput(99)) {
		s.Error("two seeds have the same input")
	}
}

// run: the output passes, and something commits to it.
func (s *suite) run() {
	x, err := exec.Execute(s.Context(), cpu.Backend{}, s.p, s.data)
	if err != nil {
		s.Fatal(err)
	}
	if err := s.p.CheckOutput(x.Output()); err != nil || len(x.Output()) != s.p.OutputSize() {
		s.Errorf("an output of %d bytes, want %d (%v)", len(x.Output()), s.p.OutputSize(), err)
	}
	for _, wrong := range [][]byte{nil, x.Output()[1:], append(slices.Clone(x.Output()), 0)} {
		if s.p.CheckOutput(wrong) == nil {
			s.Errorf("an output of %d bytes passes", len(wrong))
		}
	}
	_, tree := s.p.(program.OutputTree)
	digest, ok := s.p.(program.OutputDigest)
	if tree == ok {
		s.Error("want either a tree or a digest of the output")
	}
	if !ok {
		return
	}
	d := digest.DigestOutput(x.Output())
	if d == (program.Digest{}) || digest.CheckDigest(d) != nil || digest.CheckDigest(program.Digest{}) != nil {
		s.Errorf("the digest of an output is %x, which is zero or refused", d)
	}
}

// layout: the columns of the input are those of the constraints, whose layout does not
// depend on the claim.
func (s *suite) layout() {
	cfg := stark.Config{LogBlowup: 1, Queries: 3, FoldStep: 1}
	a, err := s.p.AIR(stark.Blake2s, cfg, program.Claim{Words: s.p.Words()})
	if err != nil {
		s.Fatal(err)
	}
	if err := a.Validate(); err != nil {
		s.Error(err)
	}
	columns, err := s.p.EncodeInput(s.data, program.Sequential)
	if err != nil {
		s.Fatal(err)
	}
	want := a.Layout().Trees[program.InputTree]
	if len(columns) != len(want) {
		s.Fatalf("the input has %d columns, the constraints %d", len(columns), len(want))
	}
	for i, c := range columns {
		if len(c) != 1<<want[i].LogSize || len(c) > 1<<s.p.LogRows() {
			s.Errorf("column %d has %d rows, the constraints 2^%d, the program 2^%d", i, len(c), want[i].LogSize, s.p.LogRows())
		}
		if slices.ContainsFunc(c, func(e m31.Elem) bool { return !e.IsCanonical() }) {
			s.Errorf("column %d is not reduced", i)
		}
	}
	if s.p.ErrorBits() < 0 || s.p.ErrorBits() > 124 {
		s.Errorf("%d error bits", s.p.ErrorBits())
	}
}
