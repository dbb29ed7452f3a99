package elgamal

import "github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

// TransferStatement is what both sides of a transfer know. The context's balance
// is that of From.
type TransferStatement struct {
	Context
	From, To PublicKey
	Auditor  PublicKey // zero for none
}

// Transfer moves an encrypted amount from one account to another.
type Transfer struct {
	Self      Ciphertext // the amount under From: leaves the balance, comes back with a refund
	Recipient Ciphertext // the amount under To, with the same R
	// AuditAmount and AuditRemainder are the amount, with the same R, and the
	// balance that is left, under Auditor. Without an auditor they are zero.
	AuditAmount, AuditRemainder Ciphertext
	Amount, Remainder           []BitProof // 40 each
	// Proof has commitments for y = g^x; R = g^r; Self.L = g^b y^r;
	// L' = g^m R'^x, (L', R') being what is left of the balance; V = g^b h^r and
	// V' = g^m h^q, the sums of the bits; Recipient.L = g^b z^r; with an auditor a
	// also for AuditAmount.L = g^b a^r and AuditRemainder = (g^m a^q, g^q).
	// It has responses for x, b, r, m, q.
	Proof Proof
}

// The secrets of a transfer, by number.
const (
	secretX = iota
	secretB
	secretR
	secretM
	secretQ
	transferSecrets
)

func (t *Transfer) parts() []any {
	parts := []any{&t.Self, &t.Recipient}
	if t.audited() {
		parts = append(parts, &t.AuditAmount, &t.AuditRemainder)
	}
	parts = append(parts, bitParts(t.Amount)...)
	parts = append(parts, bitParts(t.Remainder)...)
	return append(parts, t.Proof.parts()...)
}

// audited tells by the length of the proof, which verification compares with
// what the statement asks for.
func (t *Transfer) audited() bool { return len(t.Proof.A) > transferRelations }

const (
	transferRelations = 7
	auditRelations    = 3
)

// Felts returns the ciphertexts, those for the auditor only if there is one, the
// bits of the amount and of the remainder, and the proof.
func (t *Transfer) Felts() []Felt { return encode(t.parts()...) }

// ParseTransfer reads the felts of a transfer, with or without an auditor.
func ParseTransfer(felts []Felt, audited bool) (*Transfer, error) {
	commitments := transferRelations
	if audited {
		commitments += auditRelations
	}
	t := &Transfer{
		Amount: make([]BitProof, Bits), Remainder: make([]BitProof, Bits),
		Proof: emptyProof(commitments, transferSecrets),
	}
	if err := parse(felts, "transfer", t.parts()...); err != nil {
		return nil, err
	}
	return t, nil
}

// statement has v and w for the sums of the bits of amount and remainder.
func (s *TransferStatement) statement(t *Transfer, left Ciphertext, v, w Point) statement {
	st := statement{
		Transcript{
			Kind: kindTransfer, Context: s.Context, Keys: []PublicKey{s.From, s.To},
			Ciphertexts: []Ciphertext{t.Self, t.Recipient},
			Commitments: []Point{v, w}, Values: []Felt{feltOf(Bits)},
		},
		[]relation{
			is(CheckKey, s.From.Point, gTo(secretX)),
			is(CheckRandomness, t.Self.R, gTo(secretR)),
			is(CheckCiphertext, t.Self.L, gTo(secretB), keyTo(s.From, secretR)),
			is(CheckBalance, left.L, gTo(secretM), pointTo(left.R, secretX)),
			is(CheckCommitment, v, gTo(secretB), hTo(secretR)),
			is(CheckRemainderCommitment, w, gTo(secretM), hTo(secretQ)),
			is(CheckOtherCiphertext, t.Recipient.L, gTo(secretB), keyTo(s.To, secretR)),
		}, transferSecrets,
	}
	if s.Auditor.Valid() {
		st.transcript.Keys = append(st.transcript.Keys, s.Auditor)
		st.transcript.Ciphertexts = append(st.transcript.Ciphertexts, t.AuditAmount, t.AuditRemainder)
		st.relations = append(st.relations,
			is(CheckAuditAmount, t.AuditAmount.L, gTo(secretB), keyTo(s.Auditor, secretR)),
			is(CheckAuditRemainder, t.AuditRemainder.L, gTo(secretM), keyTo(s.Auditor, secretQ)),
			is(CheckAuditRandomness, t.AuditRemainder.R, gTo(secretQ)),
		)
	}
	return st
}

// ProveTransfer encrypts the amount for both sides and proves that it is the same,
// that it is not negative, and that the balance, which the prover knows, covers
// it. [ErrInsufficient] says that it does not.
func ProveTransfer(k SecretKey, s TransferStatement, balance, amount Amount) (*Transfer, error) {
	return newProver().proveTransfer(k, s, balance, amount)
}

func (p prover) proveTransfer(k SecretKey, s TransferStatement, balance, amount Amount) (*Transfer, error) {
	if err := spendable(k, s.From, s.Balance, balance, amount); err != nil {
		return nil, err
	}
	if !s.To.Valid() {
		return nil, invalid(CheckIdentity, "key")
	}
	random, err := p.scalars(2)
	if err != nil {
		return nil, err
	}
	b, m := scalarOf(uint64(amount)), scalarOf(uint64(balance-amount))
	return p.transfer(&s, []fr.Element{k.s().x, b, random[0], m, random[1]}, uint64(amount), uint64(balance-amount))
}

// spendable checks that the key's balance is what its owner says and covers the
// amount.
func spendable(k SecretKey, y PublicKey, c Ciphertext, balance, amount Amount) error {
	switch {
	case k.s == nil || !k.s().y.Equal(y):
		return ErrKey
	case !balance.Valid() || !amount.Valid():
		return ErrAmount
	case amount > balance:
		return ErrInsufficient
	case !k.Holds(c, balance):
		return ErrWrongOpening
	}
	return nil
}

// transfer proves the bits of amount and remainder whatever the secrets say.
func (p prover) transfer(s *TransferStatement, secrets []fr.Element, amount, remainder uint64) (*Transfer, error) {
	b, r, m, q := &secrets[secretB], &secrets[secretR], &secrets[secretM], &secrets[secretQ]
	t := &Transfer{Self: seal(s.From, b, r), Recipient: seal(s.To, b, r)}
	if s.Auditor.Valid() {
		t.AuditAmount, t.AuditRemainder = seal(s.Auditor, b, r), seal(s.Auditor, m, q)
	}
	left, err := s.Balance.Sub(t.Self)
	if err != nil {
		return nil, err
	}
	vb, wm := scalarOf(amount), scalarOf(remainder)
	st := s.statement(t, left, p.commit(&vb, r), p.commit(&wm, q))
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return nil, err
	}
	if t.Proof, err = p.prove(prefix, st.relations, secrets); err != nil {
		return nil, err
	}
	if t.Amount, err = p.bits(bitsPrefix(prefix, labelAmount), amount, Bits, r); err != nil {
		return nil, err
	}
	t.Remainder, err = p.bits(bitsPrefix(prefix, labelRemainder), remainder, Bits, q)
	return t, err
}

// VerifyTransfer checks a transfer and returns what is left of the balance, which
// the contract stores. Recipient is what it adds to the other account's pending
// balance, with [Credit].
func VerifyTransfer(s TransferStatement, t *Transfer) (Ciphertext, error) {
	return standard().verifyTransfer(&s, t)
}

func (s *setting) verifyTransfer(ts *TransferStatement, t *Transfer) (Ciphertext, error) {
	v, w, err := ts.checkShape(t)
	if err != nil {
		return Ciphertext{}, err
	}
	left, err := ts.Balance.Sub(t.Self)
	if err != nil {
		return Ciphertext{}, err
	}
	st := ts.statement(t, left, v, w)
	if err := s.verifyStatement(st, &t.Proof); err != nil {
		return Ciphertext{}, err
	}
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return Ciphertext{}, err
	}
	if err := s.verifyBits(bitsPrefix(prefix, labelAmount), t.Amount); err != nil {
		return Ciphertext{}, err
	}
	if err := s.verifyBits(bitsPrefix(prefix, labelRemainder), t.Remainder); err != nil {
		return Ciphertext{}, err
	}
	return left, nil
}

// checkShape returns the sums of the bits of amount and remainder.
func (s *TransferStatement) checkShape(t *Transfer) (v, w Point, err error) {
	if t == nil {
		return v, w, invalid(CheckShape, "no transfer")
	}
	audited := s.Auditor.Valid()
	if t.audited() != audited || !audited && (t.AuditAmount != Ciphertext{} || t.AuditRemainder != Ciphertext{}) {
		return v, w, invalid(CheckShape, "auditor")
	}
	if err = checkParts("transfer", t.parts()...); err != nil {
		return v, w, err
	}
	if !t.Recipient.R.Equal(t.Self.R) || audited && !t.AuditAmount.R.Equal(t.Self.R) {
		return v, w, invalid(CheckSharedRandomness, "")
	}
	if v, err = checkBits(t.Amount, Bits); err != nil {
		return v, w, err
	}
	w, err = checkBits(t.Remainder, Bits)
	return v, w, err
}
