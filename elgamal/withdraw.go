package elgamal

import "github.com/consensys/gnark-crypto/ecc/stark-curve/fr"

// WithdrawStatement is what both sides of a withdrawal know: a public amount
// leaves the balance of From for the address Recipient. The proof is bound to
// both.
type WithdrawStatement struct {
	Context
	From      PublicKey
	Auditor   PublicKey // zero for none
	Amount    Amount
	Recipient Felt
}

// Withdraw is the proof of a withdrawal.
type Withdraw struct {
	AuditRemainder Ciphertext // what is left, under Auditor; zero without one
	Remainder      []BitProof // 40
	// Proof has commitments for y = g^x; L' = g^m R^x, (L', R) being what is left
	// of the balance; V = g^m h^q, the sum of the bits; with an auditor a also for
	// AuditRemainder = (g^m a^q, g^q). It has responses for x, m, q.
	Proof Proof
}

const (
	withdrawRelations = 3
	withdrawAudit     = 2
	withdrawSecrets   = 3
)

func (w *Withdraw) audited() bool { return len(w.Proof.A) > withdrawRelations }

func (w *Withdraw) parts() []any {
	var parts []any
	if w.audited() {
		parts = append(parts, &w.AuditRemainder)
	}
	parts = append(parts, bitParts(w.Remainder)...)
	return append(parts, w.Proof.parts()...)
}

// Felts returns the ciphertext for the auditor if there is one, the bits, and the
// proof.
func (w *Withdraw) Felts() []Felt { return encode(w.parts()...) }

// ParseWithdraw reads the felts of a withdrawal, with or without an auditor.
func ParseWithdraw(felts []Felt, audited bool) (*Withdraw, error) {
	commitments := withdrawRelations
	if audited {
		commitments += withdrawAudit
	}
	w := &Withdraw{Remainder: make([]BitProof, Bits), Proof: emptyProof(commitments, withdrawSecrets)}
	if err := parse(felts, "withdrawal", w.parts()...); err != nil {
		return nil, err
	}
	return w, nil
}

func (s *WithdrawStatement) statement(w *Withdraw, left Ciphertext, v Point) statement {
	st := statement{
		Transcript{
			Kind: kindWithdraw, Context: s.Context, Keys: []PublicKey{s.From}, Commitments: []Point{v},
			Values: []Felt{feltOf(uint64(s.Amount)), s.Recipient, feltOf(Bits)},
		},
		[]relation{
			is(CheckKey, s.From.Point, gTo(0)),
			is(CheckBalance, left.L, gTo(1), pointTo(left.R, 0)),
			is(CheckRemainderCommitment, v, gTo(1), hTo(2)),
		}, withdrawSecrets,
	}
	if s.Auditor.Valid() {
		st.transcript.Keys = append(st.transcript.Keys, s.Auditor)
		st.transcript.Ciphertexts = []Ciphertext{w.AuditRemainder}
		st.relations = append(st.relations,
			is(CheckAuditRemainder, w.AuditRemainder.L, gTo(1), keyTo(s.Auditor, 2)),
			is(CheckAuditRandomness, w.AuditRemainder.R, gTo(2)),
		)
	}
	return st
}

func checkPublic(amount Amount, recipient *Felt) error {
	if !amount.Valid() {
		return invalid(CheckAmount, "")
	}
	if recipient.IsZero() {
		return invalid(CheckRecipient, "")
	}
	return nil
}

// ProveWithdraw proves that the balance, which the prover knows, covers the
// statement's amount. [ErrInsufficient] says that it does not.
func ProveWithdraw(k SecretKey, s WithdrawStatement, balance Amount) (*Withdraw, error) {
	return newProver().proveWithdraw(k, s, balance)
}

func (p prover) proveWithdraw(k SecretKey, s WithdrawStatement, balance Amount) (*Withdraw, error) {
	if err := spendable(k, s.From, s.Balance, balance, s.Amount); err != nil {
		return nil, err
	}
	if err := checkPublic(s.Amount, &s.Recipient); err != nil {
		return nil, err
	}
	q, err := p.scalar()
	if err != nil {
		return nil, err
	}
	m := scalarOf(uint64(balance - s.Amount))
	return p.withdraw(&s, []fr.Element{k.s().x, m, q}, uint64(balance-s.Amount))
}

// withdraw proves the bits of remainder whatever the secrets say.
func (p prover) withdraw(s *WithdrawStatement, secrets []fr.Element, remainder uint64) (*Withdraw, error) {
	w := &Withdraw{}
	if s.Auditor.Valid() {
		w.AuditRemainder = seal(s.Auditor, &secrets[1], &secrets[2])
	}
	left, err := s.Balance.SubPlain(s.Amount)
	if err != nil {
		return nil, err
	}
	value := scalarOf(remainder)
	st := s.statement(w, left, p.commit(&value, &secrets[2]))
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return nil, err
	}
	if w.Proof, err = p.prove(prefix, st.relations, secrets); err != nil {
		return nil, err
	}
	w.Remainder, err = p.bits(bitsPrefix(prefix, labelRemainder), remainder, Bits, &secrets[2])
	return w, err
}

// VerifyWithdraw checks a withdrawal and returns what is left of the balance.
func VerifyWithdraw(s WithdrawStatement, w *Withdraw) (Ciphertext, error) {
	return standard().verifyWithdraw(&s, w)
}

func (s *setting) verifyWithdraw(ws *WithdrawStatement, w *Withdraw) (Ciphertext, error) {
	v, err := ws.checkShape(w)
	if err != nil {
		return Ciphertext{}, err
	}
	left, err := ws.Balance.SubPlain(ws.Amount)
	if err != nil {
		return Ciphertext{}, err
	}
	st := ws.statement(w, left, v)
	if err := s.verifyStatement(st, &w.Proof); err != nil {
		return Ciphertext{}, err
	}
	prefix, err := st.transcript.Prefix()
	if err != nil {
		return Ciphertext{}, err
	}
	if err := s.verifyBits(bitsPrefix(prefix, labelRemainder), w.Remainder); err != nil {
		return Ciphertext{}, err
	}
	return left, nil
}

func (s *WithdrawStatement) checkShape(w *Withdraw) (Point, error) {
	if w == nil {
		return Point{}, invalid(CheckShape, "no withdrawal")
	}
	audited := s.Auditor.Valid()
	if w.audited() != audited || !audited && w.AuditRemainder != (Ciphertext{}) {
		return Point{}, invalid(CheckShape, "auditor")
	}
	if err := checkPublic(s.Amount, &s.Recipient); err != nil {
		return Point{}, err
	}
	if err := checkParts("withdrawal", w.parts()...); err != nil {
		return Point{}, err
	}
	return checkBits(w.Remainder, Bits)
}

// RagequitStatement is what both sides of a ragequit know: all of the balance of
// From, which becomes public, leaves for the address Recipient. The proof is
// bound to both.
type RagequitStatement struct {
	Context
	From      PublicKey
	Amount    Amount
	Recipient Felt
}

// statement says that the balance less the amount is an encryption of zero.
func (s *RagequitStatement) statement() (statement, error) {
	if err := checkPublic(s.Amount, &s.Recipient); err != nil {
		return statement{}, err
	}
	left, err := s.Balance.SubPlain(s.Amount)
	if err != nil {
		return statement{}, err
	}
	return statement{
		Transcript{
			Kind: kindRagequit, Context: s.Context, Keys: []PublicKey{s.From},
			Values: []Felt{feltOf(uint64(s.Amount)), s.Recipient},
		},
		[]relation{
			is(CheckKey, s.From.Point, gTo(0)),
			is(CheckBalance, left.L, pointTo(left.R, 0)),
		}, 1,
	}, nil
}

// ProveRagequit proves that the statement's amount is the whole balance.
//
// Commitments: those of y = g^x and L / g^amount = R^x. Responses: x.
func ProveRagequit(k SecretKey, s RagequitStatement) (*Proof, error) {
	return newProver().proveRagequit(k, s)
}

func (p prover) proveRagequit(k SecretKey, s RagequitStatement) (*Proof, error) {
	if err := spendable(k, s.From, s.Balance, s.Amount, s.Amount); err != nil {
		return nil, err
	}
	st, err := s.statement()
	if err != nil {
		return nil, err
	}
	return p.proveStatement(st, k.s().x)
}

// VerifyRagequit checks a ragequit and returns the new balance, [Zero].
func VerifyRagequit(s RagequitStatement, proof *Proof) (Ciphertext, error) {
	st, err := s.statement()
	if err != nil {
		return Ciphertext{}, err
	}
	if err := standard().verifyStatement(st, proof); err != nil {
		return Ciphertext{}, err
	}
	return Zero(s.From), nil
}
