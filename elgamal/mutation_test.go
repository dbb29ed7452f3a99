package elgamal

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// rejected wants ErrInvalid.
func rejected(t *testing.T, what string, err error) {
	t.Helper()
	assert.ErrorIs(t, err, ErrInvalid, "%s", what)
}

// changes are small changes of a part: neighbours that are still well formed.
func changes(part any) (undo func(), edits []func()) {
	switch p := part.(type) {
	case *Point:
		old := *p
		return func() { *p = old }, []func(){
			func() { *p = old.add(Generator()) },
			func() { *p = old.neg() },
		}
	case *Scalar:
		old := *p
		one := scalarOf(1)
		return func() { *p = old }, []func(){
			func() { p.s.Add(&old.s, &one) },
			func() { p.s.Neg(&old.s) },
		}
	}
	return func() {}, nil
}

// TestEveryPartMatters changes every point and scalar of every proof. Of the bits
// of operations, which are those of a range proof, it takes every seventh part.
func TestEveryPartMatters(t *testing.T) {
	for _, c := range proofCases(t, 22) {
		m := must(c.parse())(t)
		parts := flatten(m.parts())
		bits := len(parts) > 100 && (testing.Short() || c.kind != kindRange)
		for i := range parts {
			if bits && i > 7 && i < len(parts)-20 && i%7 != 0 {
				continue
			}
			undo, edits := changes(parts[i])
			if len(edits) == 0 {
				t.Fatalf("%s: part %d is a %T", c.name, i, parts[i])
			}
			if len(parts) > 100 {
				edits = edits[:1+i%2]
			}
			for j, edit := range edits {
				edit()
				d := *c
				d.felts = m.Felts()
				rejected(t, fmt.Sprintf("%s: part %d, change %d", c.name, i, j), d.verify())
				undo()
			}
		}
		c.felts = m.Felts()
		if err := c.verify(); err != nil {
			t.Errorf("%s: %v after undoing all changes", c.name, err)
		}
	}
}

// TestEveryFeltIsChecked puts what is no point and no scalar into every felt of
// every proof.
func TestEveryFeltIsChecked(t *testing.T) {
	var last Felt
	one := feltOf(1)
	last.Sub(&last, &one)
	for _, c := range proofCases(t, 23) {
		for i := range c.felts {
			d := *c
			d.felts = slices.Clone(c.felts)
			d.felts[i] = last
			rejected(t, fmt.Sprintf("%s: felt %d", c.name, i), d.verify())
		}
		d := *c
		d.felts = c.felts[:len(c.felts)-1]
		wantCheck(t, d.verify(), CheckLength)
		d.felts = append(slices.Clone(c.felts), one)
		wantCheck(t, d.verify(), CheckLength)
		d.felts = nil
		wantCheck(t, d.verify(), CheckLength)
	}
}

// TestIdentityInProofs zeroes every point of every proof.
func TestIdentityInProofs(t *testing.T) {
	for _, c := range proofCases(t, 24) {
		m := must(c.parse())(t)
		for i, part := range flatten(m.parts()) {
			p, ok := part.(*Point)
			if !ok {
				continue
			}
			old := *p
			*p = Point{}
			d := *c
			d.felts = m.Felts()
			wantCheck(t, d.verify(), CheckIdentity)
			if direct := c.verifyMessage(m); !errors.Is(direct, ErrInvalid) {
				t.Errorf("%s: part %d: %v", c.name, i, direct)
			}
			*p = old
		}
	}
}

// TestStatementMatters changes keys, ciphertexts and values under valid proofs.
func TestStatementMatters(t *testing.T) {
	stranger := must(seeded(26).key())(t).Public()
	for _, c := range proofCases(t, 25) {
		for i := range c.keys {
			d := *c
			d.keys = slices.Clone(c.keys)
			d.keys[i] = stranger
			rejected(t, fmt.Sprintf("%s: key %d", c.name, i), d.verify())
			d.keys[i] = PublicKey{}
			rejected(t, fmt.Sprintf("%s: key %d missing", c.name, i), d.verify())
		}
		for i := range c.ciphertexts {
			d := *c
			d.ciphertexts = slices.Clone(c.ciphertexts)
			d.ciphertexts[i].L = c.ciphertexts[i].L.add(Generator())
			rejected(t, fmt.Sprintf("%s: ciphertext %d", c.name, i), d.verify())
			d.ciphertexts[i] = Ciphertext{}
			rejected(t, fmt.Sprintf("%s: ciphertext %d missing", c.name, i), d.verify())
		}
		for i := range c.values {
			d := *c
			d.values = slices.Clone(c.values)
			one := feltOf(1)
			d.values[i].Add(&c.values[i], &one)
			rejected(t, fmt.Sprintf("%s: value %d", c.name, i), d.verify())
		}
	}
}

// TestNilProofs wants errors, not panics, for what is not there.
func TestNilProofs(t *testing.T) {
	w := newWorld(t, 27)
	y, c := w.payer.Public(), w.ctx.Balance
	_, transfer := VerifyTransfer(w.transferStatement(false), nil)
	_, empty := VerifyTransfer(w.transferStatement(true), &Transfer{})
	_, withdraw := VerifyWithdraw(w.withdrawStatement(false), nil)
	_, emptyW := VerifyWithdraw(w.withdrawStatement(true), &Withdraw{})
	_, ragequit := VerifyRagequit(w.ragequitStatement(), nil)
	for i, err := range []error{
		transfer, empty, withdraw, emptyW, ragequit,
		VerifyOwnership(w.ctx, y, nil), VerifyOwnership(w.ctx, y, &Proof{}),
		VerifyEncryption(w.ctx, y, c, nil), VerifySame(w.ctx, y, y, c, c, nil),
		VerifyReencryption(w.ctx, y, y, c, c, nil), VerifyRange(w.ctx, y, c, 40, nil),
		VerifyRange(w.ctx, y, c, 40, &RangeProof{}),
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) { wantCheck(t, err, CheckShape) })
	}
	wantCheck(t, VerifyRange(w.ctx, y, c, 0, &RangeProof{}), CheckAmount)
	wantCheck(t, VerifyRange(w.ctx, y, c, 41, &RangeProof{}), CheckAmount)
	_, err := ParseRangeProof(nil, -1)
	wantCheck(t, err, CheckAmount)
	_, err = ParseProof(nil, -1, 2)
	wantCheck(t, err, CheckLength)
}
