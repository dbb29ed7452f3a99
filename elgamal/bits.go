package elgamal

import (
	"strconv"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/internal/poseidon"
)

// BitProof proves that V = g^b h^r commits to b = 0 or b = 1: that the prover
// knows the logarithm to the base h of V or of V/g, without saying of which. One
// of the two proofs is simulated, with a challenge of the prover's choice; the
// challenges add up to the one that is hashed.
type BitProof struct {
	V, A0, A1  Point
	C0, S0, S1 Scalar
}

func (b *BitProof) parts() []any { return []any{&b.V, &b.A0, &b.A1, &b.C0, &b.S0, &b.S1} }

func bitParts(bits []BitProof) []any {
	parts := make([]any, 0, 6*len(bits))
	for i := range bits {
		parts = append(parts, bits[i].parts()...)
	}
	return parts
}

// bitsPrefix is the prefix of the first bit of a range. That of the next bit is
// greater by 1.
func bitsPrefix(prefix Felt, label string) Felt {
	return poseidon.HashMany(prefix, mustShortString(label))
}

// split returns n random numbers with the sum of 2^i times number i being r.
func (p prover) split(r *fr.Element, n int) ([]fr.Element, error) {
	for {
		parts, err := p.scalars(n)
		if err != nil {
			return nil, err
		}
		var sum fr.Element
		for i := n - 1; i > 0; i-- {
			sum.Add(&sum, &parts[i]).Double(&sum)
		}
		parts[0].Sub(r, &sum)
		if !parts[0].IsZero() {
			return parts, nil
		}
	}
}

// bits proves the low n bits of value in commitments that add up to
// g^value h^r.
func (p prover) bits(prefix Felt, value uint64, n int, r *fr.Element) ([]BitProof, error) {
	parts, err := p.split(r, n)
	if err != nil {
		return nil, err
	}
	proofs := make([]BitProof, n)
	one := feltOf(1)
	for i := range proofs {
		if proofs[i], err = p.bit(prefix, value>>i&1, &parts[i]); err != nil {
			return nil, err
		}
		prefix.Add(&prefix, &one)
	}
	return proofs, nil
}

func (p prover) bit(prefix Felt, b uint64, r *fr.Element) (BitProof, error) {
	value := scalarOf(b)
	proof := BitProof{V: p.commit(&value, r)}
	for {
		n, err := p.scalars(3)
		if err != nil {
			return BitProof{}, err
		}
		k, simC, simS := &n[0], &n[1], &n[2]
		honest, simulated := p.h.mul(k), p.simulate(b, r, simC, simS)
		if b == 0 {
			proof.A0, proof.A1 = honest, simulated
		} else {
			proof.A0, proof.A1 = simulated, honest
		}
		c, ok := challenge(prefix, proof.V, proof.A0, proof.A1)
		if !ok || checkParts("", proof.parts()...) != nil {
			continue
		}
		proof.respond(b, r, k, &c, simC, simS)
		return proof, nil
	}
}

// commit is g^b h^r.
func (s *setting) commit(b, r *fr.Element) Point {
	acc := identity()
	baseG().addMul(&acc, b)
	s.h.addMul(&acc, r)
	return affine(&acc)
}

// simulate is the commitment of the branch that is not b, for a challenge and a
// response chosen before: h^s V^-c if b = 1, h^s (V/g)^-c if b = 0.
func (s *setting) simulate(b uint64, r, c, resp *fr.Element) Point {
	var e fr.Element
	e.Mul(r, c).Sub(resp, &e)
	d := *c
	if b == 1 {
		d.Neg(&d)
	}
	return s.commit(&d, &e)
}

func (b *BitProof) respond(bit uint64, r, k, c, simC, simS *fr.Element) {
	var ownC, ownS fr.Element
	ownC.Sub(c, simC)
	ownS.Mul(&ownC, r).Add(&ownS, k)
	if bit == 0 {
		b.C0.s, b.S0.s, b.S1.s = ownC, ownS, *simS
	} else {
		b.C0.s, b.S0.s, b.S1.s = *simC, *simS, ownS
	}
}

// sum is the commitment to the number that the bits make up: the product of
// V_i^(2^i).
func sum(bits []BitProof) Point {
	acc := identity()
	for i := len(bits) - 1; i >= 0; i-- {
		acc.DoubleAssign()
		acc.AddMixed(&bits[i].V.p)
	}
	return affine(&acc)
}

// checkBits checks the shape of n bits and returns their sum.
func checkBits(bits []BitProof, n int) (Point, error) {
	if len(bits) != n {
		return Point{}, invalid(CheckShape, "number of bits")
	}
	if err := checkParts("bits", bitParts(bits)...); err != nil {
		return Point{}, err
	}
	v := sum(bits)
	if !v.Valid() {
		return Point{}, invalid(CheckIdentity, "sum of the bits")
	}
	return v, nil
}

func (s *setting) verifyBits(prefix Felt, bits []BitProof) error {
	one := feltOf(1)
	for i := range bits {
		if err := s.verifyBit(prefix, &bits[i], strconv.Itoa(i)); err != nil {
			return err
		}
		prefix.Add(&prefix, &one)
	}
	return nil
}

// verifyBit checks h^s0 = A0 V^c0 and h^s1 = A1 (V/g)^c1 with c0 + c1 = c.
func (s *setting) verifyBit(prefix Felt, b *BitProof, part string) error {
	c, ok := challenge(prefix, b.V, b.A0, b.A1)
	if !ok {
		return invalid(CheckChallenge, "bit "+part)
	}
	var c1, minus fr.Element
	c1.Sub(&c, &b.C0.s)
	zero := is(CheckBit, b.V, hTo(0))
	got := s.power(&zero, []fr.Element{b.S0.s}, minus.Neg(&b.C0.s))
	if !b.A0.is(&got) {
		return invalid(CheckBit, part)
	}
	one := is(CheckBit, b.V, hTo(0), gTo(1))
	got = s.power(&one, []fr.Element{b.S1.s, c1}, minus.Neg(&c1))
	if !b.A1.is(&got) {
		return invalid(CheckBit, part)
	}
	return nil
}
