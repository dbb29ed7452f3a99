package elgamal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestHomomorphism checks the laws of ciphertexts on seeded amounts.
func TestHomomorphism(t *testing.T) {
	p := seeded(5)
	k := must(p.key())(t)
	y := k.Public()
	rng := rand.New(rand.NewPCG(5, 5))
	enc := func(b Amount) Ciphertext {
		c, _, err := p.encrypt(y, b)
		require.NoError(t, err)
		return c
	}
	for i := range 40 {
		a, b := Amount(rng.Uint64N(1<<39)), Amount(rng.Uint64N(1<<39))
		a, b = max(a, b), min(a, b)
		ca, cb := enc(a), enc(b)
		holds := func(name string, want Amount, c Ciphertext, err error) {
			t.Helper()
			if err != nil || !k.Holds(c, want) {
				t.Errorf("case %d, %s of %d and %d: %v", i, name, a, b, err)
			}
		}
		sum, err := ca.Add(cb)
		holds("sum", a+b, sum, err)
		difference, err := ca.Sub(cb)
		holds("difference", a-b, difference, err)
		plus, err := ca.AddPlain(b)
		holds("sum with a plain amount", a+b, plus, err)
		less, err := ca.SubPlain(b)
		holds("difference with a plain amount", a-b, less, err)
		negative := must(cb.Neg())(t)
		less, err = ca.Add(negative)
		holds("sum with the negated", a-b, less, err)
		fresh, err := Rerandomize(y, ca)
		holds("rerandomized", a, fresh, err)
		if fresh.Equal(ca) || fresh.R.Equal(ca.R) {
			t.Error("rerandomizing changed nothing")
		}
		if other := must(cb.Add(ca))(t); !other.Equal(sum) {
			t.Error("addition is not commutative")
		}
	}
}

func TestZeroIsAnEncryption(t *testing.T) {
	k := must(seeded(6).key())(t)
	zero := Zero(k.Public())
	if !k.Holds(zero, 0) || k.Holds(zero, 1) || !zero.Valid() {
		t.Error("Zero does not hold 0")
	}
	c := must(zero.AddPlain(MaxAmount))(t)
	if !k.Holds(c, MaxAmount) {
		t.Error("a deposit into a new account is lost")
	}
	var none Ciphertext
	if none.Valid() || k.Holds(none, 0) {
		t.Error("the zero Ciphertext passes for an encryption of 0")
	}
	_, err := none.Add(zero)
	wantCheck(t, err, CheckIdentity)
	_, err = zero.Sub(none)
	wantCheck(t, err, CheckIdentity)
	_, err = none.Neg()
	wantCheck(t, err, CheckIdentity)
	_, err = none.AddPlain(1)
	wantCheck(t, err, CheckIdentity)
	_, err = k.Decrypt(t.Context(), none)
	wantCheck(t, err, CheckIdentity)
	_, err = zero.Sub(zero)
	wantCheck(t, err, CheckIdentity)
}

// TestCreditCannotBeBlocked lets a payer, who made all of another's balance, send
// a payment whose randomness cancels the balance's.
func TestCreditCannotBeBlocked(t *testing.T) {
	p := seeded(7)
	k := must(p.key())(t)
	y := k.Public()
	r := must(p.scalar())(t)
	negative := r
	negative.Neg(&r)
	for _, amounts := range [][2]uint64{{30, 12}, {0, 0}} {
		a, b := scalarOf(amounts[0]), scalarOf(amounts[1])
		balance, payment := seal(y, &a, &r), seal(y, &b, &negative)
		_, err := balance.Add(payment)
		wantCheck(t, err, CheckIdentity)
		sum := must(Credit(y, balance, payment))(t)
		if !k.Holds(sum, Amount(amounts[0]+amounts[1])) {
			t.Error("Credit lost money")
		}
	}
	c, _, _ := p.encrypt(y, 5)
	plain, credited := must(c.Add(Zero(y)))(t), must(Credit(y, c, Zero(y)))(t)
	if !plain.Equal(credited) {
		t.Error("Credit differs from Add without need")
	}
	_, err := Credit(PublicKey{}, c, c)
	wantCheck(t, err, CheckIdentity)
	_, err = Credit(y, Ciphertext{}, c)
	wantCheck(t, err, CheckIdentity)
}

// cancelling returns a balance and a payment under k. The two parts of their sum
// are the identity after adding Zero l and r times; for L that takes the secret key.
func (p prover) cancelling(t *testing.T, k SecretKey, l, r uint64) (balance, payment, sum Ciphertext) {
	t.Helper()
	// Each zero adds x to the exponent b + x rho of L and 1 to rho, that of R.
	y, b, left, rho := k.Public(), scalarOf(r), scalarOf(l), minus(r)
	b.Sub(&b, &left).Mul(&b, &k.s().x)
	ownB, ownRho := scalarOf(30), must(p.scalar())(t)
	balance = seal(y, &ownB, &ownRho)
	ownB.Sub(&b, &ownB)
	ownRho.Sub(&rho, &ownRho)
	zeros := uint64(0)
	for zeros == l || zeros == r {
		zeros++
	}
	added := scalarOf(zeros)
	return balance, seal(y, &ownB, &ownRho), seal(y, &b, rho.Add(&rho, &added))
}

// creditCases are l and r of cancelling, 9 standing for never.
var creditCases = [][2]uint64{{9, 9}, {1, 9}, {9, 1}, {1, 1}, {0, 9}, {9, 0}, {0, 0}, {2, 0}, {0, 2}, {0, 1}, {1, 0}}

func TestCreditAddsZeros(t *testing.T) {
	p := seeded(10)
	k := must(p.key())(t)
	for _, c := range creditCases {
		balance, payment, want := p.cancelling(t, k, c[0], c[1])
		if got := must(Credit(k.Public(), balance, payment))(t); !got.Equal(want) {
			t.Errorf("L cancels after %d zeros, R after %d: another sum", c[0], c[1])
		}
	}
}

func TestCiphertextRoundTrip(t *testing.T) {
	w := newWorld(t, 8)
	c := w.ctx.Balance
	d := must(DecodeCiphertext(c.Bytes()))(t)
	e := must(ParseCiphertext(c.Felts()))(t)
	if !c.Equal(d) || !c.Equal(e) || len(c.Bytes()) != 128 || !bytes.Equal(c.Bytes(), d.Bytes()) {
		t.Error("another ciphertext after decoding")
	}
	_, err := ParseCiphertext(c.Felts()[:3])
	wantCheck(t, err, CheckLength)
}

func TestEncryptRefuses(t *testing.T) {
	k := must(seeded(9).key())(t)
	if _, _, err := Encrypt(k.Public(), MaxAmount+1); !errors.Is(err, ErrAmount) {
		t.Errorf("41 bits: %v", err)
	}
	_, _, err := Encrypt(PublicKey{}, 1)
	wantCheck(t, err, CheckIdentity)
	c, o, err := Encrypt(k.Public(), 1)
	require.NoError(t, err)
	if _, err := c.AddPlain(MaxAmount + 1); !errors.Is(err, ErrAmount) {
		t.Errorf("41 bits: %v", err)
	}
	_, err = o.Under(PublicKey{})
	wantCheck(t, err, CheckIdentity)
	if under := must(o.Under(k.Public()))(t); !under.Equal(c) {
		t.Error("Under the same key is another ciphertext")
	}
}
