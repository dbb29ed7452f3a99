package chaintest

import (
	"crypto/rand"
	"math/big"
	"testing"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// A forger makes the proofs of package elgamal without any of its checks, after
// docs/spec/elgamal.md: for amounts that are none, ciphertexts that do not belong
// together, and a second generator of its own. It does the best that can be done:
// one thing is wrong, all others are right.

type point2 = starkcurve.G1Affine

var (
	order = fr.Modulus()
	baseG = toCurve(elgamal.Generator())
	baseH = toCurve(elgamal.CommitmentGenerator())
)

func toCurve(p elgamal.Point) point2 {
	f := p.Felts()
	return pointAt(f[0], f[1])
}

func pointAt(x, y chain.Felt) point2 { return point2{X: fp.Element(x), Y: fp.Element(y)} }

// coordinates are x and y of each point.
func coordinates(points ...point2) []chain.Felt {
	var out []chain.Felt
	for _, p := range points {
		out = append(out, chain.Felt(p.X), chain.Felt(p.Y))
	}
	return out
}

func fromCurve(t *testing.T, p point2) elgamal.Point {
	t.Helper()
	return must(elgamal.NewPoint(chain.Felt(p.X), chain.Felt(p.Y)))(t)
}

// power is base^exponent; product multiplies.
func power(base point2, exponent *big.Int) (p point2) {
	p.ScalarMultiplication(&base, new(big.Int).Mod(exponent, order))
	return p
}

func product(factors ...point2) (p point2) {
	for i := range factors {
		p.Add(&p, &factors[i])
	}
	return p
}

func inverse(a point2) (p point2) {
	p.Neg(&a)
	return p
}

func seal(key point2, amount, randomness *big.Int) [2]point2 {
	return [2]point2{product(power(baseG, amount), power(key, randomness)), power(baseG, randomness)}
}

func scalar(t *testing.T) *big.Int {
	t.Helper()
	return must(rand.Int(rand.Reader, order))(t)
}

func big64(x int64) *big.Int { return big.NewInt(x) }

func scalarFelt(x *big.Int) (f chain.Felt) {
	f.SetBigInt(new(big.Int).Mod(x, order))
	return f
}

// relation says that image is the product of bases to the powers of secrets.
type relation struct {
	image  point2
	powers []factor
}

type factor struct {
	base   point2
	secret int
}

// sigma proves relations as if they held for the secrets.
func sigma(t *testing.T, prefix chain.Felt, relations []relation, secrets []*big.Int) []chain.Felt {
	t.Helper()
	nonces := make([]*big.Int, len(secrets))
	for i := range nonces {
		nonces[i] = scalar(t)
	}
	hashed := []chain.Felt{prefix}
	for _, r := range relations {
		var a point2
		for _, f := range r.powers {
			a = product(a, power(f.base, nonces[f.secret]))
		}
		hashed = append(hashed, coordinates(a)...)
	}
	c := challenge(hashed)
	out := hashed[1:]
	for i, s := range secrets {
		response := new(big.Int).Mul(c, s)
		out = append(out, scalarFelt(response.Add(response, nonces[i])))
	}
	return out
}

func challenge(hashed []chain.Felt) *big.Int {
	h := poseidon.HashMany(hashed...)
	return h.BigInt(new(big.Int))
}

// rangeOf commits to the 40 bits of a number with a sum that has the randomness. The
// first commitment may hold more than a bit.
type rangeOf struct {
	h         point2
	number    uint64
	excess    *big.Int // in the place of bit 0
	parts     [elgamal.Bits]*big.Int
	committed [elgamal.Bits]point2
}

func commitBits(t *testing.T, h point2, number uint64, excess, randomness *big.Int) *rangeOf {
	t.Helper()
	r := &rangeOf{h: h, number: number, excess: excess}
	rest := new(big.Int).Set(randomness)
	for i := elgamal.Bits - 1; i > 0; i-- {
		r.parts[i] = scalar(t)
		rest.Sub(rest, new(big.Int).Lsh(r.parts[i], uint(i)))
	}
	r.parts[0] = rest.Mod(rest, order)
	for i := range r.committed {
		r.committed[i] = product(power(baseG, r.bit(i)), power(h, r.parts[i]))
	}
	r.committed[0] = product(r.committed[0], power(baseG, excess))
	return r
}

func (r *rangeOf) bit(i int) *big.Int { return new(big.Int).SetUint64(r.number >> i & 1) }

func (r *rangeOf) sum() (v point2) {
	for i := elgamal.Bits - 1; i >= 0; i-- {
		v = product(v, v, r.committed[i])
	}
	return v
}

// prove proves that each commitment holds a bit, as if it did.
func (r *rangeOf) prove(t *testing.T, prefix chain.Felt, label string) []chain.Felt {
	t.Helper()
	prefix = poseidon.HashMany(prefix, text(label))
	one := chain.Uint(1)
	var out []chain.Felt
	for i, v := range r.committed {
		k, otherC, otherS := scalar(t), scalar(t), scalar(t)
		bit := r.bit(i).Sign()
		// The branch of the other bit is simulated: h^s (V/g^other)^-c.
		image := v
		if bit == 0 {
			image = product(v, inverse(baseG))
		}
		a := [2]point2{}
		a[bit] = power(r.h, k)
		a[1-bit] = product(power(r.h, otherS), power(image, new(big.Int).Neg(otherC)))
		c := challenge(append([]chain.Felt{prefix}, coordinates(v, a[0], a[1])...))
		ownC := c.Sub(c, otherC)
		ownS := new(big.Int).Mul(ownC, r.parts[i])
		responses := [2]*big.Int{}
		responses[bit], responses[1-bit] = ownS.Add(ownS, k), otherS
		c0 := ownC
		if bit == 1 {
			c0 = otherC
		}
		out = append(append(out, coordinates(v, a[0], a[1])...), scalarFelt(c0), scalarFelt(responses[0]), scalarFelt(responses[1]))
		prefix.Add(&prefix, &one)
	}
	return out
}

// forgery is a transfer whose parts the forger chooses.
type forgery struct {
	x                 *big.Int // the secret key that it claims to have
	amount, remainder *big.Int
	amountBits        uint64
	remainderBits     uint64
	excess            *big.Int // in the place of the lowest bit of the amount
	h                 point2
	parts             func(sent, received, audit, rest *[2]point2) // changes ciphertexts before the proof
}

// forger begins with an honest transfer.
func (p *party) forger(t *testing.T, balance, amount elgamal.Amount) *forgery {
	t.Helper()
	return &forgery{x: new(big.Int).SetBytes(p.secret.Bytes()), amount: big64(int64(amount)), remainder: big64(int64(balance - amount)),
		amountBits: uint64(amount), remainderBits: uint64(balance - amount), excess: new(big.Int), h: baseH,
		parts: func(_, _, _, _ *[2]point2) {}}
}

func (f *forgery) transfer(t *testing.T, s elgamal.TransferStatement) []chain.Felt {
	t.Helper()
	const x, b, r, m, q = 0, 1, 2, 3, 4
	secrets := []*big.Int{f.x, f.amount, scalar(t), f.remainder, scalar(t)}
	y, z := toCurve(s.From.Point), toCurve(s.To.Point)
	audited := s.Auditor.Valid()
	sent, received := seal(y, f.amount, secrets[r]), seal(z, f.amount, secrets[r])
	var audit, rest [2]point2
	keys := []elgamal.PublicKey{s.From, s.To}
	if audited {
		audit, rest = seal(toCurve(s.Auditor.Point), f.amount, secrets[r]), seal(toCurve(s.Auditor.Point), f.remainder, secrets[q])
		keys = append(keys, s.Auditor)
	}
	f.parts(&sent, &received, &audit, &rest)
	ciphertexts := []elgamal.Ciphertext{sealed(t, sent), sealed(t, received)}
	if audited {
		ciphertexts = append(ciphertexts, sealed(t, audit), sealed(t, rest))
	}
	balanceL, balanceR := product(toCurve(s.Balance.L), inverse(sent[0])), product(toCurve(s.Balance.R), inverse(sent[1]))

	amountBits := commitBits(t, f.h, f.amountBits, f.excess, secrets[r])
	remainderBits := commitBits(t, f.h, f.remainderBits, new(big.Int), secrets[q])
	v, w := amountBits.sum(), remainderBits.sum()
	relations := []relation{
		{y, []factor{{baseG, x}}},
		{sent[1], []factor{{baseG, r}}},
		{sent[0], []factor{{baseG, b}, {y, r}}},
		{balanceL, []factor{{baseG, m}, {balanceR, x}}},
		{v, []factor{{baseG, b}, {f.h, r}}},
		{w, []factor{{baseG, m}, {f.h, q}}},
		{received[0], []factor{{baseG, b}, {z, r}}},
	}
	if audited {
		a := toCurve(s.Auditor.Point)
		relations = append(relations, relation{audit[0], []factor{{baseG, b}, {a, r}}},
			relation{rest[0], []factor{{baseG, m}, {a, q}}}, relation{rest[1], []factor{{baseG, q}}})
	}
	transcript := elgamal.Transcript{Kind: "transfer", Context: s.Context, Keys: keys, Ciphertexts: ciphertexts,
		Commitments: []elgamal.Point{fromCurve(t, v), fromCurve(t, w)}, Values: []chain.Felt{chain.Uint(elgamal.Bits)}}
	prefix := must(transcript.Prefix())(t)
	var out []chain.Felt
	for _, c := range ciphertexts {
		out = append(out, c.Felts()...)
	}
	out = append(out, amountBits.prove(t, prefix, "amount")...)
	out = append(out, remainderBits.prove(t, prefix, "remainder")...)
	return append(out, sigma(t, prefix, relations, secrets)...)
}

// withdrawal forges a withdrawal: amount is what the statement says.
func (f *forgery) withdrawal(t *testing.T, s elgamal.WithdrawStatement) []chain.Felt {
	t.Helper()
	const x, m, q = 0, 1, 2
	secrets := []*big.Int{f.x, f.remainder, scalar(t)}
	y := toCurve(s.From.Point)
	balanceL := product(toCurve(s.Balance.L), inverse(power(baseG, big64(int64(s.Amount)))))
	bits := commitBits(t, f.h, f.remainderBits, f.excess, secrets[q])
	relations := []relation{
		{y, []factor{{baseG, x}}},
		{balanceL, []factor{{baseG, m}, {toCurve(s.Balance.R), x}}},
		{bits.sum(), []factor{{baseG, m}, {f.h, q}}},
	}
	transcript := elgamal.Transcript{Kind: "withdraw", Context: s.Context, Keys: []elgamal.PublicKey{s.From},
		Commitments: []elgamal.Point{fromCurve(t, bits.sum())}, Values: []chain.Felt{chain.Uint(uint64(s.Amount)), s.Recipient, chain.Uint(elgamal.Bits)}}
	prefix := must(transcript.Prefix())(t)
	return append(bits.prove(t, prefix, "remainder"), sigma(t, prefix, relations, secrets)...)
}

// ragequit forges a ragequit of what the statement says.
func (f *forgery) ragequit(t *testing.T, s elgamal.RagequitStatement) []chain.Felt {
	t.Helper()
	y := toCurve(s.From.Point)
	rest := product(toCurve(s.Balance.L), inverse(power(baseG, big64(int64(s.Amount)))))
	transcript := elgamal.Transcript{Kind: "ragequit", Context: s.Context, Keys: []elgamal.PublicKey{s.From},
		Values: []chain.Felt{chain.Uint(uint64(s.Amount)), s.Recipient}}
	relations := []relation{{y, []factor{{baseG, 0}}}, {rest, []factor{{toCurve(s.Balance.R), 0}}}}
	return sigma(t, must(transcript.Prefix())(t), relations, []*big.Int{f.x})
}

func sealed(t *testing.T, c [2]point2) elgamal.Ciphertext {
	t.Helper()
	return elgamal.Ciphertext{L: fromCurve(t, c[0]), R: fromCurve(t, c[1])}
}
