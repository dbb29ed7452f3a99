package stark

import (
	"encoding/binary"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// shiftAdd sets x to x*2^n + v.
func shiftAdd(x *felt.Felt, n uint, v uint32) {
	var f felt.Felt
	f.SetUint64(1 << n)
	x.Mul(x, &f)
	f.SetUint64(uint64(v))
	x.Add(x, &f)
}

// addLength adds n*2^248, which tells how much of a padded word was filled.
func addLength(x *felt.Felt, n int) {
	var b [32]byte
	b[0] = byte(n)
	var f felt.Felt
	f.SetBytes(b[:])
	x.Add(x, &f)
}

func toFelt(h *Hash) (f felt.Felt) { f.SetBytes(h[:]); return f }

type poseidonChannel struct {
	digest felt.Felt
	draws  uint64
}

func (c *poseidonChannel) Digest() Hash { return c.digest.Bytes() }

func (c *poseidonChannel) set(d felt.Felt) { c.digest, c.draws = d, 0 }

func (c *poseidonChannel) MixRoot(h Hash) {
	r := toFelt(&h)
	c.set(poseidon.Hash(&c.digest, &r))
}

func (c *poseidonChannel) MixFelts(v []m31.QM31) {
	var s poseidon.Sponge
	s.Absorb(&c.digest)
	for i := 0; i < len(v); i += 2 {
		var f felt.Felt
		f.SetUint64(1) // a leading 1 marks the length of the last, maybe shorter, word
		for _, x := range v[i:min(i+2, len(v))] {
			for _, e := range x.Coords() {
				shiftAdd(&f, 31, uint32(e))
			}
		}
		s.Absorb(&f)
	}
	c.set(s.Sum())
}

func (c *poseidonChannel) MixU32s(v []uint32) {
	var s poseidon.Sponge
	s.Absorb(&c.digest)
	for i := 0; i < len(v); i += 7 {
		var f felt.Felt
		chunk := v[i:min(i+7, len(v))]
		for j := range 7 {
			var w uint32
			if j < len(chunk) {
				w = chunk[j]
			}
			shiftAdd(&f, 32, w)
		}
		if len(chunk) < 7 {
			addLength(&f, len(chunk))
		}
		s.Absorb(&f)
	}
	c.set(s.Sum())
}

func (c *poseidonChannel) MixU64(v uint64) {
	var f felt.Felt
	f.SetUint64(v)
	c.set(poseidon.Hash(&c.digest, &f))
}

func (c *poseidonChannel) draw() Hash {
	s := [3]felt.Felt{c.digest}
	s[1].SetUint64(c.draws)
	s[2].SetUint64(3)
	c.draws++
	poseidon.Permute(&s)
	return s[0].Bytes()
}

func (c *poseidonChannel) DrawU32s() []uint32 {
	h := c.draw()
	out := make([]uint32, 7)
	for i := range out {
		out[i] = binary.BigEndian.Uint32(h[28-4*i:])
	}
	return out
}

func (c *poseidonChannel) drawBase() (out [8]m31.Elem) {
	h := c.draw()
	var limbs [4]uint64 // least significant first
	for i := range limbs {
		limbs[i] = binary.BigEndian.Uint64(h[24-8*i:])
	}
	for i := range out {
		bit := 31 * i
		w := limbs[bit/64] >> (bit % 64)
		if bit%64 > 33 {
			w |= limbs[bit/64+1] << (64 - bit%64)
		}
		out[i] = m31.New(w & m31.P) // the limb p becomes 0
	}
	return out
}

func (c *poseidonChannel) DrawFelt() m31.QM31 {
	b := c.drawBase()
	return m31.Q(b[0], b[1], b[2], b[3])
}

func (c *poseidonChannel) DrawFelts(n int) []m31.QM31 { return drawFelts(n, c.drawBase) }

func (c *poseidonChannel) Pow(n int) Pow {
	var s poseidon.Sponge
	var f felt.Felt
	f.SetUint64(powPrefix)
	s.Absorb(&f)
	s.Absorb(&c.digest)
	f.SetUint64(uint64(n))
	s.Absorb(&f)
	seed := s.Sum()
	return Pow{Poseidon252, seed.Bytes(), n}
}

func (c *poseidonChannel) VerifyPow(n int, nonce uint64) bool { return c.Pow(n).Check(nonce) }

// poseidonWork returns the lowest 128 bits of the hash of a nonce.
func poseidonWork(seed *Hash, nonce uint64) (lo, hi uint64) {
	s := toFelt(seed)
	var f felt.Felt
	f.SetUint64(nonce)
	h := poseidon.Hash(&s, &f)
	b := h.Bytes()
	return binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[16:])
}

type poseidonHasher struct{}

func (poseidonHasher) Leaf(row []m31.Elem) Hash {
	var s poseidon.Sponge
	for i := 0; i < len(row); i += 8 {
		var f felt.Felt
		chunk := row[i:min(i+8, len(row))]
		for _, e := range chunk {
			shiftAdd(&f, 31, uint32(e))
		}
		if len(chunk) < 8 {
			addLength(&f, len(chunk))
		}
		s.Absorb(&f)
	}
	h := s.Sum()
	return h.Bytes()
}

func (poseidonHasher) Node(left, right *Hash) Hash {
	l, r := toFelt(left), toFelt(right)
	h := poseidon.Hash(&l, &r)
	return h.Bytes()
}

// isFelt reports whether h is a reduced felt252.
func isFelt(h *Hash) bool {
	_, err := felt.FromBytes(h[:])
	return err == nil
}
