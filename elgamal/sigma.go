package elgamal

import (
	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// Proof is a proof of knowledge of the exponents in a list of relations, each of
// the form Y = g^u h^v P^w. It has one commitment A for each relation and one
// response s for each secret; see the functions that make one for their order.
// A verifier checks g^s_u h^s_v P^s_w = A Y^c in each relation.
type Proof struct {
	A []Point
	S []Scalar
}

// Felts returns the commitments, then the responses.
func (p *Proof) Felts() []Felt { return encode(p.parts()...) }

func (p *Proof) parts() []any {
	parts := make([]any, 0, len(p.A)+len(p.S))
	for i := range p.A {
		parts = append(parts, &p.A[i])
	}
	for i := range p.S {
		parts = append(parts, &p.S[i])
	}
	return parts
}

func emptyProof(commitments, responses int) Proof {
	return Proof{make([]Point, commitments), make([]Scalar, responses)}
}

func (p *Proof) check(commitments, responses int) error {
	if p == nil || len(p.A) != commitments || len(p.S) != responses {
		return invalid(CheckShape, "number of commitments or responses")
	}
	return checkParts("proof", p.parts()...)
}

// A term is a base to the power of the secret with this number.
type term struct {
	base   baseKind
	point  Point // for basePoint
	secret int
}

type baseKind uint8

const (
	basePoint baseKind = iota
	baseOfG
	baseOfH
)

func gTo(secret int) term                { return term{base: baseOfG, secret: secret} }
func hTo(secret int) term                { return term{base: baseOfH, secret: secret} }
func pointTo(p Point, secret int) term   { return term{point: p, secret: secret} }
func keyTo(y PublicKey, secret int) term { return pointTo(y.Point, secret) }

// relation says that image is the product of the terms.
type relation struct {
	check Check
	image Point
	terms []term
}

func is(check Check, image Point, terms ...term) relation { return relation{check, image, terms} }

// power multiplies the terms with these exponents for the secrets, and image^last
// unless last is nil.
func (s *setting) power(r *relation, exps []fr.Element, last *fr.Element) starkcurve.G1Jac {
	acc := identity()
	points := make([]Point, 0, 2)
	scalars := make([]fr.Element, 0, 2)
	for _, t := range r.terms {
		switch t.base {
		case baseOfG:
			baseG().addMul(&acc, &exps[t.secret])
		case baseOfH:
			s.h.addMul(&acc, &exps[t.secret])
		case basePoint:
			points, scalars = append(points, t.point), append(scalars, exps[t.secret])
		}
	}
	if last != nil {
		points, scalars = append(points, r.image), append(scalars, *last)
	}
	addMulVar(&acc, points, scalars)
	return acc
}

// prove makes the proof of the relations for the secrets. It does not check that
// they hold.
func (p prover) prove(prefix Felt, relations []relation, secrets []fr.Element) (Proof, error) {
	for {
		nonces, err := p.scalars(len(secrets))
		if err != nil {
			return Proof{}, err
		}
		proof := emptyProof(len(relations), len(secrets))
		for i := range relations {
			a := p.power(&relations[i], nonces, nil)
			proof.A[i] = affine(&a)
		}
		c, ok := challenge(prefix, proof.A...)
		if !ok || checkParts("", proof.parts()...) != nil {
			continue
		}
		for i := range secrets {
			proof.S[i].s.Mul(&c, &secrets[i]).Add(&proof.S[i].s, &nonces[i])
		}
		return proof, nil
	}
}

// verify checks a proof of the relations. The caller has checked its shape.
func (s *setting) verify(prefix Felt, relations []relation, proof *Proof) error {
	c, ok := challenge(prefix, proof.A...)
	if !ok {
		return invalid(CheckChallenge, "")
	}
	responses := make([]fr.Element, len(proof.S))
	for i := range responses {
		responses[i] = proof.S[i].s
	}
	c.Neg(&c)
	for i := range relations {
		got := s.power(&relations[i], responses, &c)
		if !proof.A[i].is(&got) {
			return invalid(relations[i].check, "")
		}
	}
	return nil
}
