// Package poseidon implements Starknet's Poseidon hash over the field of the
// Stark curve.
package poseidon

import (
	"crypto/sha256"
	"strconv"
	"sync"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"

	"github.com/bitsage/bitsage/chain/felt"
)

// Starknet's Poseidon: the Hades permutation with state width 3, 8 full and 83
// partial rounds, S-box x^3 and the MDS matrix [[3,1,1],[1,-1,1],[1,1,-2]] over
// the field of the Stark curve (Starknet documentation, "Hash functions").
const (
	hadesFullRounds    = 8
	hadesPartialRounds = 83
)

// hadesConstants derives the round constants: number i is SHA-256("Hades" || i
// in decimal) modulo the field's prime.
var hadesConstants = sync.OnceValue(func() *[hadesFullRounds + hadesPartialRounds][3]fp.Element {
	var c [hadesFullRounds + hadesPartialRounds][3]fp.Element
	for i := range c {
		for j := range c[i] {
			h := sha256.Sum256([]byte("Hades" + strconv.Itoa(3*i+j)))
			c[i][j].SetBytes(h[:])
		}
	}
	return &c
})

// Permute applies the Hades permutation to the state in place.
func Permute(s *[3]felt.Felt) {
	x := [3]fp.Element{fp.Element(s[0]), fp.Element(s[1]), fp.Element(s[2])}
	permute(&x)
	*s = [3]felt.Felt{felt.Felt(x[0]), felt.Felt(x[1]), felt.Felt(x[2])}
}

func permute(s *[3]fp.Element) {
	cube := func(x *fp.Element) {
		var t fp.Element
		t.Square(x)
		x.Mul(x, &t)
	}
	for r, c := range hadesConstants() {
		for i := range s {
			s[i].Add(&s[i], &c[i])
		}
		if r < hadesFullRounds/2 || r >= hadesFullRounds/2+hadesPartialRounds {
			cube(&s[0])
			cube(&s[1])
		}
		cube(&s[2])
		var sum, t fp.Element
		sum.Add(&s[0], &s[1]).Add(&sum, &s[2])
		t.Double(&s[0])
		s[0].Add(&sum, &t)
		t.Double(&s[1])
		s[1].Sub(&sum, &t)
		t.Double(&s[2]).Add(&t, &s[2])
		s[2].Sub(&sum, &t)
	}
}

// Hash is Starknet's poseidon_hash of two elements.
func Hash(a, b *felt.Felt) felt.Felt {
	s := [3]felt.Felt{*a, *b, {}}
	s[2].SetUint64(2)
	Permute(&s)
	return s[0]
}

// Sponge is Starknet's poseidon_hash_many, fed one element at a time. The zero
// Sponge is empty.
type Sponge struct {
	state [3]felt.Felt
	odd   bool
}

// Absorb adds an element to the message.
func (p *Sponge) Absorb(x *felt.Felt) {
	if !p.odd {
		p.state[0].Add(&p.state[0], x)
	} else {
		p.state[1].Add(&p.state[1], x)
		Permute(&p.state)
	}
	p.odd = !p.odd
}

// Sum ends the message and returns its hash. The sponge must not be used again.
func (p *Sponge) Sum() felt.Felt {
	one := felt.FromUint64(1)
	p.Absorb(&one)
	if p.odd {
		Permute(&p.state)
	}
	return p.state[0]
}

// HashMany is Starknet's poseidon_hash_many.
func HashMany(elems ...felt.Felt) felt.Felt {
	var s Sponge
	for i := range elems {
		s.Absorb(&elems[i])
	}
	return s.Sum()
}
