package blake2s

import (
	"context"
	"sync"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/stark"
)

// Nodes hashes neighbours in src, which holds twice as many digests as dst.
func Nodes(h stark.Hasher, dst, src []stark.Hash) {
	if k, reduced := of(h); k != nil {
		if groups := len(dst) / k.lanes; groups > 0 {
			k.nodes(&dst[0][0], &src[0][0], groups, reduced)
			dst, src = dst[groups*k.lanes:], src[2*groups*k.lanes:]
		}
		if len(dst) > 2 { // fill the group up
			s := scratches.Get().(*scratch)
			copy(s.below[:], src[:2*len(dst)])
			k.nodes(&s.nodes[0][0], &s.below[0][0], 1, reduced)
			copy(dst, s.nodes[:])
			scratches.Put(s)
			return
		}
	}
	for i := range dst {
		dst[i] = h.Node(&src[2*i], &src[2*i+1])
	}
}

// BlockRows is the number of rows that are best hashed together: their states fit
// the first-level cache.
const BlockRows = 256

// minLog is the smallest log size of a set of rows that kernels hash: that of the
// widest vectors.
const minLog = 4

// Rows hashes the rows of a set of columns. It is safe for concurrent use.
type Rows struct {
	h       stark.Hasher
	log     int // of the number of rows
	words   []word
	kernels *kernels
	reduced bool
	last    stage
}

// word is a word of a row's message: row r has column[r*stride+offset], after the
// row has been lifted.
type word struct {
	column         []m31.Elem
	log            int // of the number of rows
	stride, offset int
}

// stage is a run of blocks of the messages that have the same number of distinct
// rows. Columns are in ascending order of their sizes, so that all rows lifted from
// one share the state after the blocks of the smaller columns.
type stage struct {
	log      int // of the number of rows
	from, to int // blocks of 16 words
	before   *stage
	state    []uint32 // after the stage; none for the last one
}

// NewRows returns the rows of columns, each lifted to 2^log rows.
func NewRows(ctx context.Context, h stark.Hasher, columns [][]m31.Elem, log int) (*Rows, error) {
	logs := make([]int, len(columns))
	for i, c := range columns {
		logs[i] = circle.Log2(len(c))
	}
	words := make([]word, len(columns))
	for i, c := range stark.SizeOrder(logs) {
		words[i] = word{columns[c], logs[c], 1, 0}
	}
	return newRows(ctx, h, words, log)
}

// NewPackedRows returns the rows that hold 2^packing neighbours each of a secure
// column.
func NewPackedRows(ctx context.Context, h stark.Hasher, column m31.SecureVec, packing int) (*Rows, error) {
	log := circle.Log2(column.Len()) - packing
	words := make([]word, 0, 4<<packing)
	for i := range 1 << packing {
		for _, c := range column {
			words = append(words, word{c, log, 1 << packing, i})
		}
	}
	return newRows(ctx, h, words, log)
}

func newRows(ctx context.Context, h stark.Hasher, words []word, log int) (*Rows, error) {
	r := &Rows{h: h, log: log, words: words}
	if r.kernels, r.reduced = of(h); log < minLog {
		r.kernels = nil
	}
	if r.kernels == nil {
		return r, nil
	}
	blocks := max(1, (len(words)+15)/16)
	s := stage{log: r.blockLog(0)}
	for b := 1; b < blocks; b++ {
		if l := r.blockLog(b); l > s.log {
			s.to = b
			s.state = make([]uint32, 8<<s.log)
			done := s
			if err := parallel.For(ctx, 1<<s.log, BlockRows, func(lo, hi int) {
				c := scratches.Get().(*scratch)
				r.run(&done, c, done.state[8*lo:8*hi], lo)
				scratches.Put(c)
			}); err != nil {
				return nil, err
			}
			s = stage{log: l, from: b, before: &done}
		}
	}
	// The last stage ends with digests for all rows, lifted or not.
	s.log, s.to = log, blocks
	r.last = s
	return r, nil
}

// blockLog returns the log size of the largest column in a block.
func (r *Rows) blockLog(b int) int {
	l := minLog
	for _, w := range r.block(b) {
		l = max(l, w.log)
	}
	return l
}

func (r *Rows) block(b int) []word {
	return r.words[min(16*b, len(r.words)):min(16*b+16, len(r.words))]
}

// Hash writes the digests of the rows from first on to dst. Unless it writes all,
// first and len(dst) must be multiples of 16.
func (r *Rows) Hash(dst []stark.Hash, first int) {
	if r.kernels == nil {
		r.hashGeneric(dst, first)
		return
	}
	c := scratches.Get().(*scratch)
	for len(dst) > 0 {
		n := min(len(dst), BlockRows)
		state := c.state[:8*n]
		r.run(&r.last, c, state, first)
		r.kernels.digests(&dst[0][0], &state[0], n/r.kernels.lanes, r.reduced)
		dst, first = dst[n:], first+n
	}
	scratches.Put(c)
}

func (r *Rows) hashGeneric(dst []stark.Hash, first int) {
	// Transpose a block of rows, one column at a time.
	n := len(r.words)
	rows := make([]m31.Elem, n*len(dst))
	column := make([]m31.Elem, len(dst))
	for i, w := range r.words {
		w.read(column, first, r.log)
		for j, e := range column {
			rows[j*n+i] = e
		}
	}
	for i := range dst {
		dst[i] = r.h.Leaf(rows[i*n : (i+1)*n])
	}
}

// run takes rows from first on through a stage.
func (r *Rows) run(s *stage, c *scratch, state []uint32, first int) {
	k, rows := r.kernels, len(state)/8
	if len(r.words) > 0 && r.words[0].stride > 1 {
		c.unpack(r, first, rows)
	}
	from, step := &k.start[0], 0
	if s.before != nil {
		s.before.lift(state, first, s.log, k.lanes)
		from, step = &state[0], 32*k.lanes
	}
	for b := s.from; b < s.to; b++ {
		for i := range c.msg {
			c.msg[i] = (*uint32)(&zeros[0])
		}
		for i, w := range r.block(b) {
			v := c.words[i][:rows]
			switch {
			case w.stride > 1:
				v = c.values[16*b+i]
			case w.log == s.log:
				v = w.column[first : first+rows]
			default:
				w.read(v, first, s.log)
			}
			c.msg[i] = (*uint32)(&v[0])
		}
		bytes, final := uint32(64*(b+1)), uint32(0)
		if b == max(1, (len(r.words)+15)/16)-1 {
			bytes, final = uint32(4*len(r.words)), ^final
		}
		k.compress(&state[0], from, step, &c.msg, rows/k.lanes, bytes, final)
		from, step = &state[0], 32*k.lanes
	}
}

// read writes the words of rows from first on, of 2^log rows, to dst.
func (w *word) read(dst []m31.Elem, first, log int) {
	h := log - w.log
	if h == 0 {
		for i := range dst {
			dst[i] = w.column[(first+i)*w.stride+w.offset]
		}
		return
	}
	for i := range dst {
		dst[i] = w.column[circle.LiftIndex(first+i, h)*w.stride+w.offset]
	}
}

// unpack fills values with the words of packed rows from first on.
func (c *scratch) unpack(r *Rows, first, rows int) {
	per := r.words[0].stride
	if need := 6 * rows * per; len(c.packed) < need {
		c.packed = make([]m31.Elem, need)
	}
	c.values = c.values[:0]
	for i := range r.words {
		c.values = append(c.values, c.packed[i*rows:][:rows])
	}
	for i := range 4 {
		c.spread(r.kernels, r.words[i].column[first*per:][:rows*per], c.packed[4*rows*per:], i, 4)
	}
}

// spread distributes src to the values i, i+step, i+2*step, and so on, with the help
// of a buffer of twice its length.
func (c *scratch) spread(k *kernels, src, buf []m31.Elem, i, step int) {
	n := len(src) / 2
	even, odd := buf[:n], buf[n:2*n]
	done := i+2*step >= len(c.values)
	if done {
		even, odd = c.values[i], c.values[i+step]
	}
	k.split((*uint32)(&even[0]), (*uint32)(&odd[0]), (*uint32)(&src[0]), n/k.lanes)
	if !done {
		c.spread(k, even, buf[2*n:], i, 2*step)
		c.spread(k, odd, buf[2*n:], i+step, 2*step)
	}
}

// lift writes the states of rows from first on, of 2^log rows, to dst.
func (s *stage) lift(dst []uint32, first, log, lanes int) {
	for i := 0; i < len(dst)/8; i += 2 {
		// A row and its neighbour, an even one and an odd one, stay neighbours.
		q := circle.LiftIndex(first+i, log-s.log)
		from := s.state[q/lanes*8*lanes+q%lanes:]
		to := dst[i/lanes*8*lanes+i%lanes:]
		for w := 0; w < 8*lanes; w += lanes {
			to[w], to[w+1] = from[w], from[w+1]
		}
	}
}

// scratch is the working memory of one goroutine.
type scratch struct {
	state  [8 * BlockRows]uint32
	words  [16][BlockRows]m31.Elem
	msg    [16]*uint32
	packed []m31.Elem   // packed rows, on their way to values
	values [][]m31.Elem // by word of the message
	below  [32]stark.Hash
	nodes  [16]stark.Hash
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// zeros pads the last block of messages.
var zeros [BlockRows]m31.Elem
