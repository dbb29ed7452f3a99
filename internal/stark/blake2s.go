package stark

import (
	"encoding/binary"

	"golang.org/x/crypto/blake2s"

	"github.com/bitsage/bitsage/internal/m31"
)

// blakeSum hashes data; with reduced, every word of the digest is taken modulo p.
func blakeSum(data []byte, reduced bool) Hash {
	h := Hash(blake2s.Sum256(data))
	if reduced {
		reduceWords(&h)
	}
	return h
}

func reduceWords(h *Hash) {
	for i := 0; i < len(h); i += 4 {
		w := binary.LittleEndian.Uint32(h[i:])
		binary.LittleEndian.PutUint32(h[i:], w%m31.P)
	}
}

type blakeChannel struct {
	digest  Hash
	draws   uint32
	reduced bool
}

func (c *blakeChannel) Digest() Hash { return c.digest }

func (c *blakeChannel) mix(data []byte) {
	c.digest = blakeSum(append(c.digest[:len(c.digest):len(c.digest)], data...), c.reduced)
	c.draws = 0
}

func (c *blakeChannel) MixRoot(h Hash) { c.mix(h[:]) }

func (c *blakeChannel) MixFelts(v []m31.QM31) {
	buf := make([]byte, 0, 16*len(v))
	for _, x := range v {
		for _, e := range x.Coords() {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(e))
		}
	}
	c.mix(buf)
}

func (c *blakeChannel) MixU32s(v []uint32) {
	buf := make([]byte, 0, 4*len(v))
	for _, w := range v {
		buf = binary.LittleEndian.AppendUint32(buf, w)
	}
	c.mix(buf)
}

func (c *blakeChannel) MixU64(v uint64) { c.mix(binary.LittleEndian.AppendUint64(nil, v)) }

func (c *blakeChannel) draw() Hash {
	var buf [37]byte // digest, counter, domain separator 0
	copy(buf[:], c.digest[:])
	binary.LittleEndian.PutUint32(buf[32:], c.draws)
	c.draws++
	return blakeSum(buf[:], c.reduced)
}

func (c *blakeChannel) DrawU32s() []uint32 {
	h := c.draw()
	out := make([]uint32, 8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(h[4*i:])
	}
	return out
}

// drawBase draws eight uniform elements, rejecting blocks with a word of 2p or
// more, so that the reduction is uniform.
func (c *blakeChannel) drawBase() (out [8]m31.Elem) {
	for {
		words := c.DrawU32s()
		ok := true
		for i, w := range words {
			ok = ok && w < 2*m31.P
			out[i] = m31.Elem(w % m31.P)
		}
		if ok {
			return out
		}
	}
}

func (c *blakeChannel) DrawFelt() m31.QM31 {
	b := c.drawBase()
	return m31.Q(b[0], b[1], b[2], b[3])
}

func (c *blakeChannel) DrawFelts(n int) []m31.QM31 { return drawFelts(n, c.drawBase) }

func (c *blakeChannel) Pow(n int) Pow {
	var pre [52]byte // prefix, 12 zeros, digest, number of bits
	binary.LittleEndian.PutUint32(pre[:], powPrefix)
	copy(pre[16:], c.digest[:])
	binary.LittleEndian.PutUint32(pre[48:], uint32(n))
	kind := Blake2s
	if c.reduced {
		kind = Blake2sM31
	}
	return Pow{kind, blakeSum(pre[:], c.reduced), n}
}

func (c *blakeChannel) VerifyPow(n int, nonce uint64) bool { return c.Pow(n).Check(nonce) }

// blakeWork returns the lowest 128 bits of the hash of a nonce.
func blakeWork(seed *Hash, nonce uint64, reduced bool) (lo, hi uint64) {
	var buf [40]byte
	copy(buf[:], seed[:])
	binary.LittleEndian.PutUint64(buf[32:], nonce)
	h := blakeSum(buf[:], reduced)
	return binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:])
}

type blakeHasher struct{ reduced bool }

func (h blakeHasher) Leaf(row []m31.Elem) Hash {
	var small [512]byte // rows of up to 128 columns need no allocation
	buf := small[:0]
	if 4*len(row) > len(small) {
		buf = make([]byte, 0, 4*len(row))
	}
	for _, e := range row {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(e))
	}
	return blakeSum(buf, h.reduced)
}

func (h blakeHasher) Node(left, right *Hash) Hash {
	var buf [64]byte
	copy(buf[:32], left[:])
	copy(buf[32:], right[:])
	return blakeSum(buf[:], h.reduced)
}
