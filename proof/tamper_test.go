package proof

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
)

// A proof is a tree of Go values. The tests below walk over all of them by
// reflection, so that a field that is new in a proof is tampered with too. A
// value's class is its path without indices, but for those of the commitments.

// tampering is one change of a proof.
type tampering struct {
	path string
	do   func() (undo func())
}

var index = regexp.MustCompile(`\[\d+\]`)

// class returns the class of a path.
func class(path string) string {
	if strings.HasPrefix(path, ".Commitments[") {
		return path[:len(".Commitments[0]")]
	}
	return index.ReplaceAllString(path, "[]")
}

// walk calls visit on v and everything below it.
func walk(path string, v reflect.Value, visit func(path string, v reflect.Value)) {
	visit(path, v)
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			walk(path+"."+v.Type().Field(i).Name, v.Field(i), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i), visit)
		}
	}
}

// scalarTamperings returns, for every number and hash of a proof, the change by
// one unit, and for field elements the change of representation.
func scalarTamperings(p *Proof) (out []tampering) {
	walk("", reflect.ValueOf(p.stark).Elem(), func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.Int:
			out = append(out, tampering{path, func() func() {
				v.SetInt(v.Int() + 1)
				return func() { v.SetInt(v.Int() - 1) }
			}})
		case reflect.Uint32:
			out = append(out, tampering{path, func() func() {
				old := v.Uint()
				v.SetUint(uint64(m31.Elem(old).Add(1)))
				return func() { v.SetUint(old) }
			}})
			out = append(out, tampering{path + " plus p", func() func() {
				v.SetUint(v.Uint() + m31.P)
				return func() { v.SetUint(v.Uint() - m31.P) }
			}})
		case reflect.Uint64:
			out = append(out, tampering{path, func() func() {
				v.SetUint(v.Uint() + 1)
				return func() { v.SetUint(v.Uint() - 1) }
			}})
		case reflect.Array: // a hash
			for _, i := range []int{0, 31} {
				out = append(out, tampering{path, func() func() {
					b := v.Index(i)
					b.SetUint(b.Uint() ^ 0x80)
					return func() { b.SetUint(b.Uint() ^ 0x80) }
				}})
			}
		}
	})
	return out
}

// listTamperings returns, for every list of a proof, the change to a list that
// lacks an element, or has one twice, at both ends and in the middle.
func listTamperings(p *Proof) (out []tampering) {
	walk("", reflect.ValueOf(p.stark).Elem(), func(path string, v reflect.Value) {
		if v.Kind() != reflect.Slice || v.Len() == 0 {
			return
		}
		replace := func(what string, i int, list reflect.Value) {
			out = append(out, tampering{fmt.Sprintf("%s %s %d", path, what, i), func() func() {
				old := reflect.ValueOf(v.Interface())
				v.Set(list)
				return func() { v.Set(old) }
			}})
		}
		for _, i := range []int{0, v.Len() / 2, v.Len() - 1} {
			less := reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v.Slice(0, i))
			replace("without", i, reflect.AppendSlice(less, v.Slice(i+1, v.Len())))
			more := reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()+1), v.Slice(0, i+1))
			replace("twice", i, reflect.AppendSlice(more, v.Slice(i, v.Len())))
		}
		replace("empty", 0, reflect.Zero(v.Type()))
	})
	return out
}

// scalarChecks tells by which check a change of each class is found. What the
// channel absorbs before the grinding shows as a lack of work, and what comes
// before the out-of-domain point as constraints that do not hold there.
var scalarChecks = map[string]Check{
	".Config.PowBits":                         CheckConfig,
	".Config.LogBlowup":                       CheckConfig,
	".Config.LogLastLayer":                    CheckConfig,
	".Config.Queries":                         CheckConfig,
	".Config.FoldStep":                        CheckConfig,
	".Config.Lifting":                         CheckConfig,
	".Commitments[0]":                         CheckJobRoot,
	".Commitments[1]":                         CheckResultRoot,
	".Commitments[2]":                         CheckComposition,
	".Commitments[3]":                         CheckComposition,
	".SampledValues[][][].A.A":                CheckComposition,
	".SampledValues[][][].A.B":                CheckComposition,
	".SampledValues[][][].B.A":                CheckComposition,
	".SampledValues[][][].B.B":                CheckComposition,
	".Decommitments[].HashWitness[]":          CheckMerkle,
	".QueriedValues[][][]":                    CheckMerkle,
	".ProofOfWork":                            CheckProofOfWork,
	".FRI.First.Witness[].A.A":                CheckFRIMerkle,
	".FRI.First.Witness[].A.B":                CheckFRIMerkle,
	".FRI.First.Witness[].B.A":                CheckFRIMerkle,
	".FRI.First.Witness[].B.B":                CheckFRIMerkle,
	".FRI.First.Decommitment.HashWitness[]":   CheckFRIMerkle,
	".FRI.First.Commitment":                   CheckProofOfWork,
	".FRI.Inner[].Witness[].A.A":              CheckFRIMerkle,
	".FRI.Inner[].Witness[].A.B":              CheckFRIMerkle,
	".FRI.Inner[].Witness[].B.A":              CheckFRIMerkle,
	".FRI.Inner[].Witness[].B.B":              CheckFRIMerkle,
	".FRI.Inner[].Decommitment.HashWitness[]": CheckFRIMerkle,
	".FRI.Inner[].Commitment":                 CheckProofOfWork,
	".FRI.LastPoly.Coeffs[].A.A":              CheckProofOfWork,
	".FRI.LastPoly.Coeffs[].A.B":              CheckProofOfWork,
	".FRI.LastPoly.Coeffs[].B.A":              CheckProofOfWork,
	".FRI.LastPoly.Coeffs[].B.B":              CheckProofOfWork,
	".FRI.LastPoly.LogSize":                   CheckFRIShape,
}

// listChecks is scalarChecks for lists of another length.
var listChecks = map[string][]Check{
	// Without one of the first two roots, another takes its place.
	".Commitments":                          {CheckCommitments, CheckJobRoot, CheckResultRoot},
	".SampledValues":                        {CheckSampledValues},
	".SampledValues[]":                      {CheckSampledValues},
	".SampledValues[][]":                    {CheckSampledValues},
	".QueriedValues":                        {CheckQueriedValues},
	".QueriedValues[]":                      {CheckQueriedValues},
	".QueriedValues[][]":                    {CheckQueriedValues},
	".Decommitments":                        {CheckDecommitments},
	".Decommitments[].HashWitness":          {CheckMerkle},
	".FRI.First.Witness":                    {CheckFRIWitness},
	".FRI.First.Decommitment.HashWitness":   {CheckFRIMerkle},
	".FRI.Inner":                            {CheckFRIShape},
	".FRI.Inner[].Witness":                  {CheckFRIWitness},
	".FRI.Inner[].Decommitment.HashWitness": {CheckFRIMerkle},
	".FRI.LastPoly.Coeffs":                  {CheckFRIShape},
}

// sample keeps, of the same change to all elements of a list, three that are
// spread over it, or all of fewer.
func sample(all []tampering, rng *rand.Rand) (out []tampering) {
	const keep = 3
	lists := make(map[string][]tampering)
	var order []string
	for _, x := range all {
		last := index.FindAllStringIndex(x.path, -1) // the innermost index
		name := x.path
		if last != nil {
			at := last[len(last)-1]
			name = x.path[:at[0]] + "[]" + x.path[at[1]:]
		}
		if lists[name] == nil {
			order = append(order, name)
		}
		lists[name] = append(lists[name], x)
	}
	for _, name := range order {
		list := lists[name]
		n := min(keep, len(list))
		for i := range n {
			lo, hi := i*len(list)/n, (i+1)*len(list)/n
			out = append(out, list[lo+rng.IntN(hi-lo)])
		}
	}
	return out
}

// reject applies each tampering, verifies and undoes it, and returns the number
// of tamperings by class.
func reject(t *testing.T, r *receipt, p *Proof, all []tampering, want func(class string) []Check) map[string]int {
	t.Helper()
	count := make(map[string]int)
	for _, x := range all {
		undo := x.do()
		_, err := Verify(r.Statement, p, r.Profile)
		undo()
		path, plus, _ := strings.Cut(x.path, " ")
		c := class(path)
		count[c]++
		expected := want(c)
		if plus == "plus p" {
			expected = []Check{CheckCanonical}
		}
		wantCheck(t, x.path, err, expected...)
	}
	if _, err := Verify(r.Statement, p, r.Profile); err != nil {
		t.Fatalf("the proof did not survive the test: %v", err)
	}
	return count
}

// TestTamperedScalars changes every number and hash of a small proof, and a
// sample of every list of larger ones.
func TestTamperedScalars(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	seen := make(map[string]int)
	for _, name := range receiptNames[:4] {
		r := loadReceipt(t, name)
		p := r.proof(t)
		all := scalarTamperings(p)
		if r.Profile != Fast {
			all = sample(all, rng)
		}
		for c, n := range reject(t, &r, p, all, func(c string) []Check { return []Check{scalarChecks[c]} }) {
			seen[c] += n
		}
		t.Logf("%s: %d tamperings", name, len(all))
	}
	for c := range scalarChecks {
		if seen[c] == 0 {
			t.Errorf("no value of class %s was tampered with", c)
		}
	}
}

// TestTamperedLists changes the length of every list.
func TestTamperedLists(t *testing.T) {
	seen := make(map[string]int)
	for _, name := range receiptNames[:4] {
		r := loadReceipt(t, name)
		p := r.proof(t)
		all := listTamperings(p)
		for c, n := range reject(t, &r, p, all, func(c string) []Check { return listChecks[c] }) {
			seen[c] += n
		}
		t.Logf("%s: %d tamperings", name, len(all))
	}
	for c := range listChecks {
		if seen[c] == 0 {
			t.Errorf("no list of class %s was tampered with", c)
		}
	}
}

// TestFlippedBytes changes random bytes of the binary form. Either it is malformed
// or the proof is invalid.
func TestFlippedBytes(t *testing.T) {
	rng := randtest.New(t)
	var malformed, invalid int
	for i := range 1000 {
		r := loadReceipt(t, receiptNames[i%4])
		at, flip := rng.IntN(len(r.raw)), byte(1+rng.IntN(255))
		r.raw[at] ^= flip
		p, err := Parse(r.raw)
		if err != nil {
			wantMalformed(t, fmt.Sprintf("byte %d flipped by %#x", at, flip), err)
			malformed++
			continue
		}
		_, err = Verify(r.Statement, p, r.Profile)
		var e *InvalidError
		if !errors.As(err, &e) || !errors.Is(err, ErrInvalid) {
			t.Errorf("byte %d of %s flipped by %#x: %v", at, receiptNames[i%4], flip, err)
		}
		invalid++
	}
	t.Logf("%d malformed, %d invalid", malformed, invalid)
}

// TestSplicedProofs puts parts of one good proof into another of the same shape.
func TestSplicedProofs(t *testing.T) {
	r, other := loadReceipt(t, "int8-16x16x16-fast"), loadReceipt(t, "int8-16x16x16-fast-swapped")
	p, q := r.proof(t), other.proof(t)
	to, from := reflect.ValueOf(p.stark).Elem(), reflect.ValueOf(q.stark).Elem()
	for i := range to.NumField() {
		name := to.Type().Field(i).Name
		if name == "Config" {
			continue
		}
		old := reflect.ValueOf(to.Field(i).Interface())
		to.Field(i).Set(from.Field(i))
		_, err := Verify(r.Statement, p, r.Profile)
		if _, ok := checkOf(err); !ok {
			t.Errorf("with another proof's %s: %v", name, err)
		}
		to.Field(i).Set(old)
	}
}
