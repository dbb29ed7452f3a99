package elgamal

import (
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

// CiphertextFelts is the length of a ciphertext in felts: L.x, L.y, R.x, R.y.
const CiphertextFelts = 4

// Ciphertext is (L, R) = (g^b y^r, g^r). The zero Ciphertext is invalid: it is
// not an encryption of 0, which is [Zero]'s.
type Ciphertext struct{ L, R Point }

// Encrypt encrypts an amount with fresh randomness. Whoever keeps the opening can
// prove things about the ciphertext.
func Encrypt(y PublicKey, b Amount) (Ciphertext, Opening, error) { return newProver().encrypt(y, b) }

func (p prover) encrypt(y PublicKey, b Amount) (Ciphertext, Opening, error) {
	if !y.Valid() {
		return Ciphertext{}, Opening{}, invalid(CheckIdentity, "key")
	}
	if !b.Valid() {
		return Ciphertext{}, Opening{}, ErrAmount
	}
	r, err := p.scalar()
	if err != nil {
		return Ciphertext{}, Opening{}, err
	}
	o := newOpening(y, scalarOf(uint64(b)), r)
	return o.o().under(y), o, nil
}

// under is the encryption of the same amount with the same randomness under y.
func (o *opening) under(y PublicKey) Ciphertext { return seal(y, &o.b, &o.r) }

func seal(y PublicKey, b, r *fr.Element) Ciphertext {
	l := identity()
	addMulVar(&l, []Point{y.Point}, []fr.Element{*r})
	baseG().addMul(&l, b)
	return Ciphertext{affine(&l), baseG().mul(r)}
}

// Zero is the public encryption of 0 with randomness 1, (y, g): the balance of a
// new account.
func Zero(y PublicKey) Ciphertext { return Ciphertext{y.Point, Generator()} }

// Under returns the encryption of the opening's amount, with the same randomness,
// under another key. What both hold the same amount can be proven by
// [Opening.ProveSame].
func (o Opening) Under(y PublicKey) (Ciphertext, error) {
	if o.o == nil {
		return Ciphertext{}, ErrKey
	}
	if !y.Valid() {
		return Ciphertext{}, invalid(CheckIdentity, "key")
	}
	return o.o().under(y), nil
}

// DecodeCiphertext reads 128 bytes: L.x, L.y, R.x, R.y.
func DecodeCiphertext(data []byte) (Ciphertext, error) {
	var c Ciphertext
	err := decode(data, "ciphertext", &c.L, &c.R)
	if err != nil {
		return Ciphertext{}, err
	}
	return c, nil
}

// ParseCiphertext reads four felts: L.x, L.y, R.x, R.y.
func ParseCiphertext(felts []Felt) (Ciphertext, error) {
	var c Ciphertext
	if err := parse(felts, "ciphertext", &c.L, &c.R); err != nil {
		return Ciphertext{}, err
	}
	return c, nil
}

// Valid says that neither L nor R is the identity.
func (c Ciphertext) Valid() bool { return c.L.Valid() && c.R.Valid() }

// Felts returns L.x, L.y, R.x, R.y.
func (c Ciphertext) Felts() []Felt { return append(c.L.Felts(), c.R.Felts()...) }

// Bytes returns the felts as 128 bytes.
func (c Ciphertext) Bytes() []byte { return EncodeFelts(c.Felts()) }

// Equal reports whether c and d are the same pair of points. Different
// ciphertexts may hold the same amount.
func (c Ciphertext) Equal(d Ciphertext) bool { return c.L.Equal(d.L) && c.R.Equal(d.R) }

// Add returns a ciphertext of the sum. Sums wrap around at n and are not checked:
// amounts are, where they are paid.
func (c Ciphertext) Add(d Ciphertext) (Ciphertext, error) {
	return checked(c, d, Ciphertext{c.L.add(d.L), c.R.add(d.R)})
}

// Sub returns a ciphertext of the difference.
func (c Ciphertext) Sub(d Ciphertext) (Ciphertext, error) {
	return checked(c, d, Ciphertext{c.L.add(d.L.neg()), c.R.add(d.R.neg())})
}

// Neg returns a ciphertext of the negated amount.
func (c Ciphertext) Neg() (Ciphertext, error) {
	return checked(c, c, Ciphertext{c.L.neg(), c.R.neg()})
}

// AddPlain returns a ciphertext of the amount plus b, with the same R.
func (c Ciphertext) AddPlain(b Amount) (Ciphertext, error) { return c.shift(b, false) }

// SubPlain returns a ciphertext of the amount less b, with the same R.
func (c Ciphertext) SubPlain(b Amount) (Ciphertext, error) { return c.shift(b, true) }

func (c Ciphertext) shift(b Amount, negative bool) (Ciphertext, error) {
	if !b.Valid() {
		return Ciphertext{}, ErrAmount
	}
	e := scalarOf(uint64(b))
	if negative {
		e.Neg(&e)
	}
	l := c.L.jac()
	baseG().addMul(&l, &e)
	return checked(c, c, Ciphertext{affine(&l), c.R})
}

// checked returns sum if it and both operands are valid. Points that cancel out
// leave the identity, which is no valid part of a ciphertext.
func checked(c, d, sum Ciphertext) (Ciphertext, error) {
	if !c.Valid() || !d.Valid() || !sum.Valid() {
		return Ciphertext{}, invalid(CheckIdentity, "ciphertext")
	}
	return sum, nil
}

// Credit adds incoming to a balance of y, as contracts do. It fails only if one of
// these is invalid: where a part of the sum is the identity, which a payer who made
// all of the ciphertexts can bring about, it adds [Zero] of y until none is. Each
// part rules out one number of times, so twice is enough.
func Credit(y PublicKey, balance, incoming Ciphertext) (Ciphertext, error) {
	if !y.Valid() || !balance.Valid() || !incoming.Valid() {
		return Ciphertext{}, invalid(CheckIdentity, "ciphertext")
	}
	sum := Ciphertext{balance.L.add(incoming.L), balance.R.add(incoming.R)}
	for zero := Zero(y); !sum.Valid(); {
		sum = Ciphertext{sum.L.add(zero.L), sum.R.add(zero.R)}
	}
	return sum, nil
}

// Rerandomize returns another ciphertext of the same amount, which nobody can
// link to c.
func Rerandomize(y PublicKey, c Ciphertext) (Ciphertext, error) {
	zero, _, err := Encrypt(y, 0)
	if err != nil {
		return Ciphertext{}, err
	}
	return c.Add(zero)
}

// Holds says that c holds the amount b under the key k. It takes one
// multiplication, where [SecretKey.Decrypt] searches.
func (k SecretKey) Holds(c Ciphertext, b Amount) bool {
	if k.s == nil || !c.Valid() || !b.Valid() {
		return false
	}
	e := scalarOf(uint64(b))
	got, want := k.unmask(c), baseG().mul(&e)
	return got.Equal(want)
}

// unmask returns g^b = L / R^x, the identity for 0.
func (k SecretKey) unmask(c Ciphertext) Point {
	var minus fr.Element
	minus.Neg(&k.s().x)
	acc := c.L.jac()
	addMulVar(&acc, []Point{c.R}, []fr.Element{minus})
	return affine(&acc)
}
