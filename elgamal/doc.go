// Package elgamal encrypts amounts over the Stark curve and proves statements
// about them, so that a chain can move balances which it cannot read.
//
// An [Amount] of at most 40 bits is encrypted in the exponent: under the key
// y = g^x, Enc[y](b, r) is the pair (L, R) = (g^b y^r, g^r). [Ciphertext]s add
// up, and the owner of the key finds b again by baby steps and giant steps.
//
// What may be done to a balance is proven. [ProveTransfer], [ProveWithdraw] and
// [ProveRagequit] are whole operations; the proofs that they are made of can be
// had singly: ownership of a key, a well-formed encryption, the same amount
// under two keys, an amount of few bits. A proof is bound to its [Context]: the
// operation, chain, contract, sender, nonce, balance and job. Under any other
// it is invalid. docs/spec/elgamal.md has every byte.
//
// Verification checks shape before cryptography and never panics. Everything
// that a prover got wrong is an [InvalidError], which matches [ErrInvalid] and
// names the [Check] that failed.
//
// # What stays visible
//
// Amounts are hidden, parties are not: keys, contracts, times and the number of
// operations are public, and so are the amounts of deposits and withdrawals.
//
// # Timing
//
// The arithmetic is gnark-crypto's, whose scalar multiplication takes a time
// that depends on the scalar, as do the table look-ups here. Whoever can measure
// the time or the cache use of a key's owner, on the same machine or over a fast
// network, may learn about the secret key and the amounts. Make proofs and
// decrypt where no stranger's code runs, and do not answer requests in a time
// that depends on them. Verification handles public values only.
//
// The functions of this package may be called concurrently. The first use builds
// tables: half a MiB for each generator, and 16 MiB for decryption.
package elgamal
