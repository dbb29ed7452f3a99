package elgamal

import (
	"errors"
	"fmt"
)

var (
	// ErrInvalid matches every [InvalidError].
	ErrInvalid = errors.New("elgamal: invalid")
	// ErrKey means that a secret key, or an opening, is the zero value.
	ErrKey = errors.New("elgamal: no secret")
	// ErrAmount means that a number is no [Amount]: it is negative, has more than
	// 40 bits, or is not a whole number of units.
	ErrAmount = errors.New("elgamal: not an amount")
	// ErrRate means that a [Rate] is not positive or too large.
	ErrRate = errors.New("elgamal: not a rate")
	// ErrInsufficient means that more is to be spent than the balance has.
	ErrInsufficient = errors.New("elgamal: insufficient balance")
	// ErrWrongOpening means that a ciphertext does not hold what its owner says.
	ErrWrongOpening = errors.New("elgamal: the ciphertext holds another amount")
	// ErrNoAmount means that a ciphertext holds no amount of at most 40 bits under
	// this key.
	ErrNoAmount = errors.New("elgamal: the ciphertext holds no amount under this key")
)

// Check names one thing that decoding or verification looks at.
type Check uint8

// The checks, in the order in which they are made: shape before cryptography.
const (
	CheckLength              Check = iota + 1 // the number of bytes or felts
	CheckFelt                                 // a felt is below the field's prime
	CheckScalar                               // a scalar is below the group's order
	CheckZero                                 // a secret is not zero
	CheckIdentity                             // a point is not the identity
	CheckPoint                                // a point is on the curve
	CheckShape                                // a proof has the parts that its statement asks for
	CheckContext                              // the operation has a name of 1 to 31 ASCII characters
	CheckAmount                               // a public amount or number of bits is in range
	CheckRecipient                            // money does not go to address zero
	CheckSharedRandomness                     // ciphertexts of one amount have the same R
	CheckChallenge                            // the challenge is in [1, n)
	CheckBit                                  // a bit's commitment holds 0 or 1
	CheckKey                                  // the prover has the secret key
	CheckRandomness                           // R = g^r
	CheckCiphertext                           // L = g^b y^r
	CheckOtherCiphertext                      // the same b under the other key
	CheckCommitment                           // the same b in the sum of the bits
	CheckBalance                              // what is left of the balance decrypts to the remainder
	CheckRemainderCommitment                  // the same remainder in the sum of the bits
	CheckAuditAmount                          // the same b under the auditor's key
	CheckAuditRemainder                       // the same remainder under the auditor's key
	CheckAuditRandomness                      // R of the remainder's encryption to the auditor
)

var checkNames = [...]string{
	CheckLength: "length", CheckFelt: "felt", CheckScalar: "scalar", CheckZero: "zero",
	CheckIdentity: "identity", CheckPoint: "point", CheckShape: "shape", CheckContext: "context",
	CheckAmount: "amount", CheckRecipient: "recipient", CheckSharedRandomness: "shared randomness",
	CheckChallenge: "challenge", CheckBit: "bit", CheckKey: "key", CheckRandomness: "randomness",
	CheckCiphertext: "ciphertext", CheckOtherCiphertext: "other ciphertext", CheckCommitment: "commitment",
	CheckBalance: "balance", CheckRemainderCommitment: "remainder commitment",
	CheckAuditAmount: "audit amount", CheckAuditRemainder: "audit remainder", CheckAuditRandomness: "audit randomness",
}

// String returns the check's name.
func (c Check) String() string {
	if int(c) < len(checkNames) && checkNames[c] != "" {
		return checkNames[c]
	}
	return fmt.Sprintf("check %d", uint8(c))
}

// InvalidError says which check an encoding or a proof failed.
type InvalidError struct {
	Check Check
	Part  string // which part of it, where there are several
}

// Error implements error.
func (e *InvalidError) Error() string {
	if e.Part == "" {
		return "elgamal: invalid: " + e.Check.String()
	}
	return "elgamal: invalid: " + e.Check.String() + ": " + e.Part
}

// Is makes every InvalidError match [ErrInvalid].
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(c Check, part string) error { return &InvalidError{Check: c, Part: part} }
