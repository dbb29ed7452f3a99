package stark

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"

	"github.com/bitsage/bitsage/internal/m31"
)

// AppendJSON appends the proof in the form that serde gives stwo's StarkProof,
// byte for byte.
func (p *Proof) AppendJSON(dst []byte, kind Kind) []byte {
	w := jsonWriter{dst, kind}
	w.text(`{"config":`)
	w.config(p.Config)
	w.text(`,"commitments":`)
	w.hashes(p.Commitments)
	w.text(`,"sampled_values":`)
	list(&w, p.SampledValues, func(tree [][]QM31) {
		list(&w, tree, w.felts)
	})
	w.text(`,"decommitments":`)
	list(&w, p.Decommitments, w.decommitment)
	w.text(`,"queried_values":`)
	list(&w, p.QueriedValues, func(tree [][]m31.Elem) {
		list(&w, tree, func(col []m31.Elem) {
			list(&w, col, func(e m31.Elem) { w.uint(uint64(e)) })
		})
	})
	w.text(`,"proof_of_work":`)
	w.uint(p.ProofOfWork)
	w.text(`,"fri_proof":{"first_layer":`)
	w.layer(p.FRI.First)
	w.text(`,"inner_layers":`)
	list(&w, p.FRI.Inner, w.layer)
	w.text(`,"last_layer_poly":{"coeffs":`)
	w.felts(p.FRI.LastPoly.Coeffs)
	w.text(`,"log_size":`)
	w.uint(uint64(p.FRI.LastPoly.LogSize))
	w.text(`}}}`)
	return w.buf
}

type jsonWriter struct {
	buf  []byte
	kind Kind
}

func (w *jsonWriter) text(s string) { w.buf = append(w.buf, s...) }
func (w *jsonWriter) uint(v uint64) { w.buf = strconv.AppendUint(w.buf, v, 10) }

func list[T any](w *jsonWriter, v []T, item func(T)) {
	w.text("[")
	for i, x := range v {
		if i > 0 {
			w.text(",")
		}
		item(x)
	}
	w.text("]")
}

func (w *jsonWriter) config(c Config) {
	w.buf = fmt.Appendf(w.buf,
		`{"pow_bits":%d,"fri_config":{"log_blowup_factor":%d,"log_last_layer_degree_bound":%d,"n_queries":%d,"fold_step":%d},"lifting_log_size":`,
		c.PowBits, c.LogBlowup, c.LogLastLayer, c.Queries, c.FoldStep)
	if c.Lifting == 0 {
		w.text("null}")
	} else {
		w.buf = fmt.Appendf(w.buf, "%d}", c.Lifting)
	}
}

func (w *jsonWriter) hash(h Hash) {
	if w.kind == Poseidon252 {
		w.buf = fmt.Appendf(w.buf, `"%s"`, new(big.Int).SetBytes(h[:]))
		return
	}
	list(w, h[:], func(b byte) { w.uint(uint64(b)) })
}

func (w *jsonWriter) hashes(v []Hash) { list(w, v, w.hash) }

func (w *jsonWriter) felts(v []QM31) {
	list(w, v, func(x QM31) {
		w.buf = fmt.Appendf(w.buf, "[[%d,%d],[%d,%d]]", x.A.A, x.A.B, x.B.A, x.B.B)
	})
}

func (w *jsonWriter) decommitment(d Decommitment) {
	w.text(`{"hash_witness":`)
	w.hashes(d.HashWitness)
	w.text("}")
}

func (w *jsonWriter) layer(l FRILayer) {
	w.text(`{"fri_witness":`)
	w.felts(l.Witness)
	w.text(`,"decommitment":`)
	w.decommitment(l.Decommitment)
	w.text(`,"commitment":`)
	w.hash(l.Commitment)
	w.text("}")
}

// SyntaxError reports where a JSON proof leaves the expected form.
type SyntaxError struct {
	Offset int
	Want   string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("stark: malformed JSON proof at byte %d: want %s", e.Offset, e.Want)
}

// ParseJSON parses the form written by AppendJSON. Members must come in that
// order; white space is allowed. Memory is linear in len(data).
func ParseJSON(data []byte, kind Kind) (p *Proof, err error) {
	if _, ok := kindNames[kind]; !ok {
		return nil, fmt.Errorf("stark: no channel kind %d", kind)
	}
	r := &jsonReader{data: data, kind: kind}
	// The reader panics with its own error type alone, to keep the grammar legible.
	defer func() {
		if e := recover(); e != nil {
			syntax, ok := e.(*SyntaxError)
			if !ok {
				panic(e)
			}
			p, err = nil, syntax
		}
	}()
	p = r.proof()
	if r.space(); r.pos != len(data) {
		r.fail("the end of the proof")
	}
	return p, nil
}

type jsonReader struct {
	data []byte
	pos  int
	kind Kind
}

func (r *jsonReader) fail(want string) { panic(&SyntaxError{r.pos, want}) }

func (r *jsonReader) space() {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return
		}
	}
}

// accept consumes the byte c after white space if it is there.
func (r *jsonReader) accept(c byte) bool {
	r.space()
	if r.pos < len(r.data) && r.data[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *jsonReader) expect(c byte) {
	if !r.accept(c) {
		r.fail(strconv.QuoteRune(rune(c)))
	}
}

func (r *jsonReader) acceptWord(s string) bool {
	r.space()
	if len(r.data)-r.pos >= len(s) && string(r.data[r.pos:r.pos+len(s)]) == s {
		r.pos += len(s)
		return true
	}
	return false
}

// key consumes `"name":`.
func (r *jsonReader) key(name string) {
	if !r.acceptWord(`"` + name + `"`) {
		r.fail("the member " + name)
	}
	r.expect(':')
}

// member consumes `,"name":`.
func (r *jsonReader) member(name string) {
	r.expect(',')
	r.key(name)
}

func (r *jsonReader) uint(bits int) uint64 {
	r.space()
	start := r.pos
	for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
		r.pos++
	}
	digits := r.data[start:r.pos]
	v, err := strconv.ParseUint(string(digits), 10, bits)
	if err != nil || len(digits) > 1 && digits[0] == '0' {
		r.pos = start
		r.fail(fmt.Sprintf("a number below 2^%d", bits))
	}
	return v
}

func readList[T any](r *jsonReader, item func() T) []T {
	out := []T{}
	r.expect('[')
	if r.accept(']') {
		return out
	}
	for {
		out = append(out, item())
		if r.accept(']') {
			return out
		}
		r.expect(',')
	}
}

func (r *jsonReader) proof() *Proof {
	p := new(Proof)
	r.expect('{')
	r.key("config")
	p.Config = r.config()
	r.member("commitments")
	p.Commitments = r.hashes()
	r.member("sampled_values")
	p.SampledValues = readList(r, func() [][]QM31 { return readList(r, r.felts) })
	r.member("decommitments")
	p.Decommitments = readList(r, r.decommitment)
	r.member("queried_values")
	p.QueriedValues = readList(r, func() [][]m31.Elem {
		return readList(r, func() []m31.Elem { return readList(r, r.elem) })
	})
	r.member("proof_of_work")
	p.ProofOfWork = r.uint(64)
	r.member("fri_proof")
	r.expect('{')
	r.key("first_layer")
	p.FRI.First = r.layer()
	r.member("inner_layers")
	p.FRI.Inner = readList(r, r.layer)
	r.member("last_layer_poly")
	r.expect('{')
	r.key("coeffs")
	p.FRI.LastPoly.Coeffs = r.felts()
	r.member("log_size")
	p.FRI.LastPoly.LogSize = int(r.uint(16))
	r.expect('}')
	r.expect('}')
	r.expect('}')
	return p
}

func (r *jsonReader) config() (c Config) {
	num := func() int { return int(r.uint(31)) }
	r.expect('{')
	r.key("pow_bits")
	c.PowBits = num()
	r.member("fri_config")
	r.expect('{')
	r.key("log_blowup_factor")
	c.LogBlowup = num()
	r.member("log_last_layer_degree_bound")
	c.LogLastLayer = num()
	r.member("n_queries")
	c.Queries = num()
	r.member("fold_step")
	c.FoldStep = num()
	r.expect('}')
	r.member("lifting_log_size")
	if !r.acceptWord("null") {
		if c.Lifting = num(); c.Lifting == 0 {
			r.fail("null or a positive lifting_log_size")
		}
	}
	r.expect('}')
	return c
}

func (r *jsonReader) elem() m31.Elem {
	v := m31.Elem(r.uint(32))
	if !v.IsCanonical() {
		r.fail("an element below 2^31 - 1")
	}
	return v
}

func (r *jsonReader) felt() QM31 {
	var c [4]m31.Elem
	r.expect('[')
	for i := range c {
		switch i {
		case 0:
			r.expect('[')
		case 2:
			r.expect(']')
			r.expect(',')
			r.expect('[')
		default:
			r.expect(',')
		}
		c[i] = r.elem()
	}
	r.expect(']')
	r.expect(']')
	return m31.Q(c[0], c[1], c[2], c[3])
}

func (r *jsonReader) felts() []QM31 { return readList(r, r.felt) }

func (r *jsonReader) hash() (h Hash) {
	if r.kind == Poseidon252 {
		if err := r.feltHash(&h); err != nil {
			r.fail(err.Error())
		}
		return h
	}
	r.expect('[')
	for i := range h {
		if i > 0 {
			r.expect(',')
		}
		h[i] = byte(r.uint(8))
	}
	r.expect(']')
	return h
}

var errFelt = errors.New("a felt252 as a decimal string")

// feltHash reads a quoted decimal below the prime of the Stark curve's field.
func (r *jsonReader) feltHash(h *Hash) error {
	r.expect('"')
	start := r.pos
	for r.pos < len(r.data) && r.data[r.pos] >= '0' && r.data[r.pos] <= '9' {
		r.pos++
	}
	digits := string(r.data[start:r.pos])
	closed := r.pos == len(r.data) || r.data[r.pos] == '"' // no white space inside a string
	if !closed || len(digits) == 0 || len(digits) > 77 || len(digits) > 1 && digits[0] == '0' {
		return errFelt
	}
	v, _ := new(big.Int).SetString(digits, 10)
	v.FillBytes(h[:]) // 77 digits are below 2^256
	if !isFelt(h) {
		return errFelt
	}
	r.expect('"')
	return nil
}

func (r *jsonReader) hashes() []Hash { return readList(r, r.hash) }

func (r *jsonReader) decommitment() (d Decommitment) {
	r.expect('{')
	r.key("hash_witness")
	d.HashWitness = r.hashes()
	r.expect('}')
	return d
}

func (r *jsonReader) layer() (l FRILayer) {
	r.expect('{')
	r.key("fri_witness")
	l.Witness = r.felts()
	r.member("decommitment")
	l.Decommitment = r.decommitment()
	r.member("commitment")
	l.Commitment = r.hash()
	r.expect('}')
	return l
}
