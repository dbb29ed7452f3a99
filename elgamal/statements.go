package elgamal

import "github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

// The kinds of proofs, as their transcripts name them.
const (
	kindOwnership    = "ownership"
	kindEncryption   = "encryption"
	kindSame         = "same"
	kindReencryption = "reencryption"
	kindRange        = "range"
	kindTransfer     = "transfer"
	kindWithdraw     = "withdraw"
	kindRagequit     = "ragequit"
)

// statement is what a sigma proof is about.
type statement struct {
	transcript Transcript
	relations  []relation
	secrets    int // how many
}

func (p prover) proveStatement(s statement, secrets ...fr.Element) (*Proof, error) {
	prefix, err := s.transcript.Prefix()
	if err != nil {
		return nil, err
	}
	proof, err := p.prove(prefix, s.relations, secrets)
	return &proof, err
}

func (s *setting) verifyStatement(st statement, proof *Proof) error {
	if err := st.check(proof); err != nil {
		return err
	}
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return err
	}
	return s.verify(prefix, st.relations, proof)
}

func (s statement) check(proof *Proof) error { return proof.check(len(s.relations), s.secrets) }

func ownership(ctx Context, y PublicKey, values []Felt) statement {
	return statement{
		Transcript{Kind: kindOwnership, Context: ctx, Keys: []PublicKey{y}, Values: values},
		[]relation{is(CheckKey, y.Point, gTo(0))}, 1,
	}
}

// ProveOwnership proves that the prover has the key: y = g^x. The values are
// whatever else the operation is about, such as the amount of a deposit.
//
// Commitments: A with g^s = A y^c. Responses: s for x.
func (k SecretKey) ProveOwnership(ctx Context, values ...Felt) (*Proof, error) {
	return newProver().ownership(k, ctx, values)
}

func (p prover) ownership(k SecretKey, ctx Context, values []Felt) (*Proof, error) {
	if k.s == nil {
		return nil, ErrKey
	}
	return p.proveStatement(ownership(ctx, k.s().y, values), k.s().x)
}

// VerifyOwnership checks a proof of [SecretKey.ProveOwnership].
func VerifyOwnership(ctx Context, y PublicKey, proof *Proof, values ...Felt) error {
	return standard().verifyStatement(ownership(ctx, y, values), proof)
}

func encryption(ctx Context, y PublicKey, c Ciphertext) statement {
	return statement{
		Transcript{Kind: kindEncryption, Context: ctx, Keys: []PublicKey{y}, Ciphertexts: []Ciphertext{c}},
		[]relation{
			is(CheckCiphertext, c.L, gTo(0), keyTo(y, 1)),
			is(CheckRandomness, c.R, gTo(1)),
		}, 2,
	}
}

// ProveEncryption proves that the opening's ciphertext is well formed, the
// encryption of some number modulo n. It says nothing of the number's size, see
// [Opening.ProveRange].
//
// Commitments: those of L = g^b y^r and R = g^r. Responses: b, r.
func (o Opening) ProveEncryption(ctx Context) (*Proof, error) {
	return newProver().encryption(o, ctx)
}

func (p prover) encryption(o Opening, ctx Context) (*Proof, error) {
	if o.o == nil {
		return nil, ErrKey
	}
	w := o.o()
	return p.proveStatement(encryption(ctx, w.y, w.under(w.y)), w.b, w.r)
}

// VerifyEncryption checks a proof of [Opening.ProveEncryption].
func VerifyEncryption(ctx Context, y PublicKey, c Ciphertext, proof *Proof) error {
	return standard().verifyStatement(encryption(ctx, y, c), proof)
}

func same(ctx Context, y, z PublicKey, c, d Ciphertext) statement {
	return statement{
		Transcript{Kind: kindSame, Context: ctx, Keys: []PublicKey{y, z}, Ciphertexts: []Ciphertext{c, d}},
		[]relation{
			is(CheckCiphertext, c.L, gTo(0), keyTo(y, 1)),
			is(CheckRandomness, c.R, gTo(1)),
			is(CheckOtherCiphertext, d.L, gTo(0), keyTo(z, 1)),
		}, 2,
	}
}

// ProveSame proves that the opening's ciphertext (L, R), and the one that
// [Opening.Under] makes of it for the key z, (L', R), hold the same number.
//
// Commitments: those of L = g^b y^r, R = g^r and L' = g^b z^r. Responses: b, r.
func (o Opening) ProveSame(ctx Context, z PublicKey) (*Proof, error) {
	return newProver().same(o, ctx, z)
}

func (p prover) same(o Opening, ctx Context, z PublicKey) (*Proof, error) {
	if o.o == nil {
		return nil, ErrKey
	}
	if !z.Valid() {
		return nil, invalid(CheckIdentity, "key")
	}
	w := o.o()
	return p.proveStatement(same(ctx, w.y, z, w.under(w.y), w.under(z)), w.b, w.r)
}

// VerifySame checks a proof of [Opening.ProveSame]: that c under y and d under z
// hold the same number with the same randomness.
func VerifySame(ctx Context, y, z PublicKey, c, d Ciphertext, proof *Proof) error {
	if !c.R.Equal(d.R) {
		return invalid(CheckSharedRandomness, "")
	}
	return standard().verifyStatement(same(ctx, y, z, c, d), proof)
}

func reencryption(ctx Context, y, z PublicKey, c, d Ciphertext) statement {
	return statement{
		Transcript{Kind: kindReencryption, Context: ctx, Keys: []PublicKey{y, z}, Ciphertexts: []Ciphertext{c, d}},
		[]relation{
			is(CheckKey, y.Point, gTo(0)),
			is(CheckBalance, c.L, gTo(1), pointTo(c.R, 0)),
			is(CheckOtherCiphertext, d.L, gTo(1), keyTo(z, 2)),
			is(CheckRandomness, d.R, gTo(2)),
		}, 3,
	}
}

// ProveReencryption proves that c, a ciphertext under k whose randomness nobody
// needs to know, holds the same number as the opening's ciphertext, which is
// under another key z. The owner of a balance proves it so to an auditor.
//
// Commitments: those of y = g^x, L = g^b R^x, L' = g^b z^r and R' = g^r.
// Responses: x, b, r.
func (k SecretKey) ProveReencryption(ctx Context, c Ciphertext, o Opening) (*Proof, error) {
	return newProver().reencryption(k, ctx, c, o)
}

func (p prover) reencryption(k SecretKey, ctx Context, c Ciphertext, o Opening) (*Proof, error) {
	if k.s == nil || o.o == nil {
		return nil, ErrKey
	}
	if !c.Valid() {
		return nil, invalid(CheckIdentity, "ciphertext")
	}
	w := o.o()
	if got, want := k.unmask(c), baseG().mul(&w.b); !got.Equal(want) {
		return nil, ErrWrongOpening
	}
	st := reencryption(ctx, k.s().y, w.y, c, w.under(w.y))
	return p.proveStatement(st, k.s().x, w.b, w.r)
}

// VerifyReencryption checks a proof of [SecretKey.ProveReencryption]: that c under
// y and d under z hold the same number.
func VerifyReencryption(ctx Context, y, z PublicKey, c, d Ciphertext, proof *Proof) error {
	return standard().verifyStatement(reencryption(ctx, y, z, c, d), proof)
}

// ParseProof reads the felts of a proof with that many commitments and responses:
// 1 and 1 for ownership, 2 and 2 for encryption, 3 and 2 for same, 4 and 3 for
// reencryption.
func ParseProof(felts []Felt, commitments, responses int) (*Proof, error) {
	if commitments < 0 || responses < 0 || len(felts) != 2*commitments+responses {
		return nil, invalid(CheckLength, "proof")
	}
	p := emptyProof(commitments, responses)
	if err := parse(felts, "proof", p.parts()...); err != nil {
		return nil, err
	}
	return &p, nil
}
