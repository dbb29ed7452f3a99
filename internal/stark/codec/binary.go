package codec

import (
	"encoding/binary"
	"math/bits"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
)

// magic opens the binary form: "BSPF".
const magic = 0x42535046

// Sizes in the binary form.
const (
	headerBytes = 6 // magic, version, kind
	elemBytes   = 4
	feltBytes   = 4 * elemBytes
	hashBytes   = 32
)

// Encode returns the binary form of a proof made with the given hash function.
// It fails with a [*FormatError] for a proof that no verifier can accept because
// of its shape or an unreduced element, and with [ErrTooLarge] above [MaxBytes].
func Encode(p *stark.Proof, kind stark.Kind) ([]byte, error) {
	return AppendBinary(nil, p, kind)
}

// AppendBinary appends the binary form to dst, as [Encode] returns it. On error
// it returns dst unchanged.
func AppendBinary(dst []byte, p *stark.Proof, kind stark.Kind) ([]byte, error) {
	size, err := check(p, kind)
	if err != nil {
		return dst, err
	}
	w := binaryWriter{dst}
	if cap(dst)-len(dst) < size {
		w.buf = append(make([]byte, 0, len(dst)+size), dst...)
	}
	w.buf = binary.BigEndian.AppendUint32(w.buf, magic)
	w.buf = append(w.buf, Version, byte(kind))
	write(&w, p)
	return w.buf, nil
}

// Decode parses the binary form. Data that [Encode] did not write gives a
// [*FormatError]. The proof is well formed but not verified, and shares no
// memory with data.
func Decode(data []byte) (p *stark.Proof, kind stark.Kind, err error) {
	if len(data) > MaxBytes {
		return nil, 0, &FormatError{MaxBytes, "proof", ErrTooLarge}
	}
	defer catch(&err)
	r := &binaryReader{data: data}
	r.header()
	proof := read(r)
	if r.pos != len(data) {
		r.fail("proof", ErrTrailing)
	}
	return proof, r.kind, nil
}

// uvarintLen returns the length of the shortest varint of v.
func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

type binaryWriter struct{ buf []byte }

func (w *binaryWriter) number(v uint64) { w.buf = binary.AppendUvarint(w.buf, v) }

func (w *binaryWriter) numbers(v []int) {
	for _, n := range v {
		w.number(uint64(n))
	}
}

func (w *binaryWriter) elems(columns ...[]m31.Elem) {
	for _, c := range columns {
		for _, e := range c {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, uint32(e))
		}
	}
}

func (w *binaryWriter) felts(columns ...[]stark.QM31) {
	for _, c := range columns {
		for _, x := range c {
			coords := x.Coords()
			w.elems(coords[:])
		}
	}
}

func (w *binaryWriter) hashes(v []stark.Hash) {
	for i := range v {
		w.buf = append(w.buf, v[i][:]...)
	}
}

type binaryReader struct {
	data []byte
	pos  int
	kind stark.Kind
}

// fail refuses the item at the current position.
func (r *binaryReader) fail(field string, reason error) {
	panic(&FormatError{r.pos, field, reason})
}

// need fails unless n items of the given size are left.
func (r *binaryReader) need(field string, n, size int) {
	if n > (len(r.data)-r.pos)/size {
		r.fail(field, ErrTruncated)
	}
}

func (r *binaryReader) header() {
	r.need("magic", 1, 4)
	if binary.BigEndian.Uint32(r.data) != magic {
		r.fail("magic", ErrMagic)
	}
	r.pos = 4
	r.need("version", 1, 1)
	if r.data[r.pos] != Version {
		r.fail("version", ErrVersion)
	}
	r.pos++
	r.need("kind", 1, 1)
	if r.kind = stark.Kind(r.data[r.pos]); !knownKind(r.kind) {
		r.fail("kind", ErrKind)
	}
	r.pos++
}

func (r *binaryReader) number(field string, lo, hi uint64) uint64 {
	v, n := binary.Uvarint(r.data[r.pos:])
	switch {
	case n == 0:
		r.fail(field, ErrTruncated)
	case n < 0 || n != uvarintLen(v):
		r.fail(field, ErrNonCanonical)
	case v < lo || v > hi:
		r.fail(field, ErrLength)
	}
	r.pos += n
	return v
}

func (r *binaryReader) numbers(field string, n, hi int) []int {
	r.need(field, n, 1)
	out := make([]int, n)
	for i := range out {
		out[i] = count(r, field, 0, hi)
	}
	return out
}

// elem reads an element that need has promised.
func (r *binaryReader) elem(field string) m31.Elem {
	e := m31.Elem(binary.LittleEndian.Uint32(r.data[r.pos:]))
	if !e.IsCanonical() {
		r.fail(field, ErrNonCanonical)
	}
	r.pos += elemBytes
	return e
}

func (r *binaryReader) elems(field string, n int) []m31.Elem {
	r.need(field, n, elemBytes)
	out := make([]m31.Elem, n)
	for i := range out {
		out[i] = r.elem(field)
	}
	return out
}

func (r *binaryReader) felts(field string, n int) []stark.QM31 {
	r.need(field, n, feltBytes)
	out := make([]stark.QM31, n)
	for i := range out {
		// One statement an element: they are read in order.
		a := r.elem(field)
		b := r.elem(field)
		c := r.elem(field)
		d := r.elem(field)
		out[i] = m31.Q(a, b, c, d)
	}
	return out
}

func (r *binaryReader) hashes(field string, n int) []stark.Hash {
	r.need(field, n, hashBytes)
	out := make([]stark.Hash, n)
	for i := range out {
		copy(out[i][:], r.data[r.pos:])
		if r.kind == stark.Poseidon252 && !reduced((*[32]byte)(&out[i])) {
			r.fail(field, ErrNonCanonical)
		}
		r.pos += hashBytes
	}
	return out
}
