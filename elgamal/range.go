package elgamal

import (
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// The labels under which the bits of a range are hashed.
const (
	labelAmount    = "amount"
	labelRemainder = "remainder"
)

// RangeProof proves that a ciphertext holds a number of so many bits: a proof for
// each bit, and the link, which says that the ciphertext holds the number that
// the bits make up.
type RangeProof struct {
	Bits []BitProof
	Link Proof
}

// Felts returns the bits, each as V, A0, A1, c0, s0, s1, then the link.
func (p *RangeProof) Felts() []Felt { return encode(p.parts()...) }

func (p *RangeProof) parts() []any { return append(bitParts(p.Bits), p.Link.parts()...) }

// ParseRangeProof reads the felts of a range proof for that many bits.
func ParseRangeProof(felts []Felt, bits int) (*RangeProof, error) {
	if bits < 1 || bits > Bits {
		return nil, invalid(CheckAmount, "number of bits")
	}
	p := &RangeProof{make([]BitProof, bits), emptyProof(3, 2)}
	if err := parse(felts, "range proof", p.parts()...); err != nil {
		return nil, err
	}
	return p, nil
}

func rangeStatement(ctx Context, y PublicKey, c Ciphertext, bits int, v Point) statement {
	return statement{
		Transcript{
			Kind: kindRange, Context: ctx, Keys: []PublicKey{y}, Ciphertexts: []Ciphertext{c},
			Commitments: []Point{v}, Values: []Felt{feltOf(uint64(bits))},
		},
		[]relation{
			is(CheckCiphertext, c.L, gTo(0), keyTo(y, 1)),
			is(CheckRandomness, c.R, gTo(1)),
			is(CheckCommitment, v, gTo(0), hTo(1)),
		}, 2,
	}
}

// ProveRange proves that the opening's amount has at most that many bits, 1 to 40.
//
// The link's commitments: those of L = g^b y^r, R = g^r and V = g^b h^r, with V
// the sum of the bits. Its responses: b, r.
func (o Opening) ProveRange(ctx Context, bits int) (*RangeProof, error) {
	return newProver().proveRange(o, ctx, bits)
}

func (p prover) proveRange(o Opening, ctx Context, bits int) (*RangeProof, error) {
	if o.o == nil {
		return nil, ErrKey
	}
	value, ok := amountOf(&o.o().b)
	if bits < 1 || bits > Bits || !ok || uint64(value)>>bits != 0 {
		return nil, ErrAmount
	}
	return p.rangeOf(o.o(), ctx, uint64(value), bits)
}

// rangeOf proves the bits of value whatever the opening holds.
func (p prover) rangeOf(o *opening, ctx Context, value uint64, bits int) (*RangeProof, error) {
	b := scalarOf(value)
	st := rangeStatement(ctx, o.y, o.under(o.y), bits, p.commit(&b, &o.r))
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return nil, err
	}
	link, err := p.prove(prefix, st.relations, []fr.Element{o.b, o.r})
	if err != nil {
		return nil, err
	}
	proofs, err := p.bits(bitsPrefix(prefix, labelAmount), value, bits, &o.r)
	return &RangeProof{proofs, link}, err
}

func amountOf(s *fr.Element) (Amount, bool) {
	if !s.IsUint64() {
		return 0, false
	}
	a := Amount(s.Uint64())
	return a, a.Valid()
}

// VerifyRange checks that c under y holds a number of at most that many bits.
func VerifyRange(ctx Context, y PublicKey, c Ciphertext, bits int, proof *RangeProof) error {
	return standard().verifyRange(ctx, y, c, bits, proof)
}

func (s *setting) verifyRange(ctx Context, y PublicKey, c Ciphertext, bits int, proof *RangeProof) error {
	if bits < 1 || bits > Bits {
		return invalid(CheckAmount, "number of bits")
	}
	if proof == nil {
		return invalid(CheckShape, "no proof")
	}
	v, err := checkBits(proof.Bits, bits)
	if err != nil {
		return err
	}
	st := rangeStatement(ctx, y, c, bits, v)
	if err := s.verifyStatement(st, &proof.Link); err != nil {
		return err
	}
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return err
	}
	return s.verifyBits(bitsPrefix(prefix, labelAmount), proof.Bits)
}
