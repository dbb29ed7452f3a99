package codec

import (
	"encoding/binary"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// MaxFelts is above the length of the calldata of every proof of at most
// MaxBytes: a hash takes two felts for 32 bytes, eight columns at least two for
// 40, a full run of elements one for 32, and all counts and rests of runs
// together fewer than 256.
const MaxFelts = MaxBytes/16 + 256

// firstFelt opens the calldata: the magic number and the version, as in the
// binary form.
const firstFelt = magic<<8 | Version

// Calldata returns the proof as a list of felts. It fails as [Encode] does.
func Calldata(p *stark.Proof, kind stark.Kind) ([]felt.Felt, error) {
	size, err := check(p, kind)
	if err != nil {
		return nil, err
	}
	w := calldataWriter{kind: kind, out: make([]felt.Felt, 0, size/20+64)}
	w.number(firstFelt)
	w.number(uint64(kind))
	write(&w, p)
	return w.out, nil
}

// ParseCalldata parses calldata. A list that [Calldata] does not return gives a
// [*FormatError]. The proof is well formed but not verified.
func ParseCalldata(felts []felt.Felt) (p *stark.Proof, kind stark.Kind, err error) {
	if len(felts) > MaxFelts {
		return nil, 0, &FormatError{MaxFelts, "proof", ErrTooLarge}
	}
	defer catch(&err)
	r := &calldataReader{data: felts}
	r.header()
	proof := read(r)
	if r.pos != len(felts) {
		r.fail("proof", ErrTrailing)
	}
	if _, err := check(proof, r.kind); err != nil { // felts do not show the size in bytes
		return nil, 0, err
	}
	return proof, r.kind, nil
}

// A run is packed in words of perFelt elements, 8*31 = 248 bits, the first one
// on top. The last word holds the rest alone.
const perFelt = 8

// runFelts returns the number of felts of a run of n elements.
func runFelts(n int) int { return (n + perFelt - 1) / perFelt }

// limbs is a 256-bit number, least significant limb first.
type limbs [4]uint64

// push appends an element: l = l*2^31 + e.
func (l *limbs) push(e m31.Elem) {
	carry := uint64(e)
	for i, x := range l {
		l[i] = x<<31 | carry
		carry = x >> 33
	}
}

// pop undoes push and returns 31 bits, which may be no canonical element.
func (l *limbs) pop() m31.Elem {
	low := l[0] & (1<<31 - 1)
	for i := range l {
		l[i] >>= 31
		if i+1 < len(l) {
			l[i] |= l[i+1] << 33
		}
	}
	return m31.Elem(low)
}

// felt returns l, which is below the prime: a run has 248 bits.
func (l *limbs) felt() (f felt.Felt) {
	var b [32]byte
	for i, x := range l {
		binary.BigEndian.PutUint64(b[24-8*i:], x)
	}
	f.SetBytes(b[:])
	return f
}

type calldataWriter struct {
	kind stark.Kind
	out  []felt.Felt
	word limbs // the open word of a run
	n    int   // its elements
}

func (w *calldataWriter) number(v uint64) {
	l := limbs{v}
	w.out = append(w.out, l.felt())
}

func (w *calldataWriter) push(e m31.Elem) {
	w.word.push(e)
	if w.n++; w.n == perFelt {
		w.endRun()
	}
}

func (w *calldataWriter) endRun() {
	if w.n > 0 {
		w.out = append(w.out, w.word.felt())
	}
	w.word, w.n = limbs{}, 0
}

func (w *calldataWriter) numbers(v []int) {
	for _, n := range v {
		w.push(m31.Elem(n)) // check bounds it by maxItems
	}
	w.endRun()
}

func (w *calldataWriter) elems(columns ...[]m31.Elem) {
	for _, c := range columns {
		for _, e := range c {
			w.push(e)
		}
	}
	w.endRun()
}

func (w *calldataWriter) felts(columns ...[]stark.QM31) {
	for _, c := range columns {
		for _, x := range c {
			for _, e := range x.Coords() {
				w.push(e)
			}
		}
	}
	w.endRun()
}

func (w *calldataWriter) hashes(v []stark.Hash) {
	for i := range v {
		if w.kind == stark.Poseidon252 {
			var f felt.Felt
			f.SetBytes(v[i][:]) // below the prime, by check
			w.out = append(w.out, f)
			continue
		}
		low, high := halves(&v[i])
		w.out = append(w.out, low, high)
	}
}

// halves splits a digest, read as a little-endian number.
func halves(h *stark.Hash) (low, high felt.Felt) {
	half := func(b []byte) limbs {
		return limbs{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])}
	}
	l, g := half(h[:16]), half(h[16:])
	return l.felt(), g.felt()
}

// joinHalves is the inverse of halves. It reports whether both are below 2^128.
func joinHalves(low, high felt.Felt) (h stark.Hash, ok bool) {
	l, g := low.Bits(), high.Bits()
	for i, x := range [4]uint64{l[0], l[1], g[0], g[1]} {
		binary.LittleEndian.PutUint64(h[8*i:], x)
	}
	return h, l[2]|l[3]|g[2]|g[3] == 0
}

type calldataReader struct {
	data []felt.Felt
	pos  int
	kind stark.Kind
}

func (r *calldataReader) fail(field string, reason error) {
	panic(&FormatError{r.pos, field, reason})
}

// need fails unless n felts are left.
func (r *calldataReader) need(field string, n int) {
	if n > len(r.data)-r.pos {
		r.fail(field, ErrTruncated)
	}
}

func (r *calldataReader) header() {
	r.need("magic", 1)
	switch l := limbs(r.data[0].Bits()); {
	case l[0]>>8 != magic || l != limbs{l[0]}:
		r.fail("magic", ErrMagic)
	case byte(l[0]) != Version:
		r.fail("version", ErrVersion)
	}
	r.pos++
	r.need("kind", 1)
	l := limbs(r.data[1].Bits())
	if r.kind = stark.Kind(l[0]); l != (limbs{uint64(r.kind)}) || !knownKind(r.kind) {
		r.fail("kind", ErrKind)
	}
	r.pos++
}

func (r *calldataReader) number(field string, lo, hi uint64) uint64 {
	r.need(field, 1)
	l := limbs(r.data[r.pos].Bits())
	if l != (limbs{l[0]}) || l[0] < lo || l[0] > hi {
		r.fail(field, ErrLength)
	}
	r.pos++
	return l[0]
}

// run passes the n elements of a run to put, in order.
func (r *calldataReader) run(field string, n int, put func(i int, e m31.Elem)) {
	for i := 0; i < n; i += perFelt {
		r.word(field, i, min(perFelt, n-i), put)
	}
}

// word reads the n elements of one felt, which are numbered from i.
func (r *calldataReader) word(field string, i, n int, put func(i int, e m31.Elem)) {
	l := limbs(r.data[r.pos].Bits())
	var elems [perFelt]m31.Elem
	for k := n - 1; k >= 0; k-- {
		if elems[k] = l.pop(); !elems[k].IsCanonical() {
			r.fail(field, ErrNonCanonical)
		}
	}
	if l != (limbs{}) {
		r.fail(field, ErrNonCanonical)
	}
	for k, e := range elems[:n] {
		put(i+k, e)
	}
	r.pos++
}

func (r *calldataReader) numbers(field string, n, hi int) []int {
	r.need(field, runFelts(n))
	out := make([]int, n)
	r.run(field, n, func(i int, e m31.Elem) {
		if int(e) > hi {
			r.fail(field, ErrLength)
		}
		out[i] = int(e)
	})
	return out
}

func (r *calldataReader) elems(field string, n int) []m31.Elem {
	r.need(field, runFelts(n))
	out := make([]m31.Elem, n)
	r.run(field, n, func(i int, e m31.Elem) { out[i] = e })
	return out
}

func (r *calldataReader) felts(field string, n int) []stark.QM31 {
	r.need(field, runFelts(4*n))
	coords := r.elems(field, 4*n)
	out := make([]stark.QM31, n)
	for i := range out {
		c := coords[4*i:]
		out[i] = m31.Q(c[0], c[1], c[2], c[3])
	}
	return out
}

func (r *calldataReader) hashes(field string, n int) []stark.Hash {
	if r.kind == stark.Poseidon252 {
		return r.feltHashes(field, n)
	}
	r.need(field, 2*n)
	out := make([]stark.Hash, n)
	for i := range out {
		var ok bool
		if out[i], ok = joinHalves(r.data[r.pos], r.data[r.pos+1]); !ok {
			r.fail(field, ErrNonCanonical)
		}
		r.pos += 2
	}
	return out
}

func (r *calldataReader) feltHashes(field string, n int) []stark.Hash {
	r.need(field, n)
	out := make([]stark.Hash, n)
	for i := range out {
		out[i] = r.data[r.pos].Bytes()
		r.pos++
	}
	return out
}
