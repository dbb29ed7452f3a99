package wallet

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	secpfr "github.com/consensys/gnark-crypto/ecc/secp256k1/fr"
	"github.com/consensys/gnark-crypto/ecc/stark-curve/fr"
)

var (
	// ErrScheme means that a Scheme is none of this package.
	ErrScheme = errors.New("wallet: unknown derivation scheme: want braavos or argent")
	// ErrIndex means that an account index is not below 2^31.
	ErrIndex = errors.New("wallet: an account index is below 2^31")
	// ErrSeedSize means that a seed has not the 16 to 64 bytes that BIP-32 wants.
	ErrSeedSize = errors.New("wallet: a seed has 16 to 64 bytes")
	// ErrDerivation means that BIP-32 has no key at this index, which happens once
	// in about 2^127. Use the next index.
	ErrDerivation = errors.New("wallet: BIP-32 has no key at this index")
)

// Scheme is a way to derive Stark keys from a seed. The same mnemonic has
// different accounts under different schemes.
type Scheme uint8

const (
	// SchemeBraavos derives along m/44'/9004'/0'/0/i from the seed of the mnemonic,
	// as the Braavos wallet does. It is what this package uses unless told otherwise.
	SchemeBraavos Scheme = iota + 1
	// SchemeArgent first derives the Ethereum key m/44'/60'/0'/0/0 and takes its 32
	// bytes as the seed of a second tree, as Argent X, now Ready, does. Very old
	// wallets dropped leading zero bytes of that key, which changes the accounts of
	// one mnemonic in 256; this package does not.
	SchemeArgent
)

// String returns braavos or argent.
func (s Scheme) String() string {
	switch s {
	case SchemeBraavos:
		return "braavos"
	case SchemeArgent:
		return "argent"
	}
	return fmt.Sprintf("Scheme(%d)", uint8(s))
}

// ParseScheme is the inverse of String. It fails with ErrScheme.
func ParseScheme(s string) (Scheme, error) {
	for _, scheme := range []Scheme{SchemeBraavos, SchemeArgent} {
		if s == scheme.String() {
			return scheme, nil
		}
	}
	return 0, ErrScheme
}

const hardened = 1 << 31

// DeriveKey derives the key of an account from a seed of BIP-39. It fails with
// ErrSeedSize, ErrScheme, ErrIndex or, in theory, ErrDerivation.
func DeriveKey(seed []byte, scheme Scheme, index uint32) (*Key, error) {
	if index >= hardened {
		return nil, ErrIndex
	}
	switch scheme {
	case SchemeBraavos:
	case SchemeArgent:
		eth, err := derivePath(seed, 44|hardened, 60|hardened, 0|hardened, 0, 0)
		if err != nil {
			return nil, err
		}
		defer clear(eth)
		seed = eth
	default:
		return nil, ErrScheme
	}
	child, err := derivePath(seed, 44|hardened, 9004|hardened, 0|hardened, 0, index)
	if err != nil {
		return nil, err
	}
	defer clear(child)
	d, _ := grindKey(child)
	if d.IsZero() {
		return nil, ErrDerivation
	}
	return newKey(&d), nil
}

// node is an extended private key of BIP-32.
type node struct {
	key   secpfr.Element
	chain []byte
}

// derivePath returns the private key at a path below the root of a seed.
func derivePath(seed []byte, path ...uint32) ([]byte, error) {
	if len(seed) < 16 || len(seed) > 64 {
		return nil, ErrSeedSize
	}
	n, ok := split([]byte("Bitcoin seed"), seed)
	defer n.key.SetZero()
	for _, i := range path {
		if !ok || n.key.IsZero() {
			return nil, ErrDerivation
		}
		ok = n.descend(i)
	}
	if !ok || n.key.IsZero() {
		return nil, ErrDerivation
	}
	b := n.key.Bytes()
	return b[:], nil
}

// split halves HMAC-SHA512(key, data) into a scalar and a chain code. It reports
// false if the scalar is not below the order of secp256k1.
func split(key, data []byte) (node, bool) {
	mac := hmac.New(sha512.New, key)
	mac.Write(data)
	sum := mac.Sum(nil)
	defer clear(sum[:32])
	var n node
	err := n.key.SetBytesCanonical(sum[:32])
	n.chain = sum[32:]
	return n, err == nil
}

// descend moves n to its child i (BIP-32, CKDpriv).
func (n *node) descend(i uint32) bool {
	private := n.key.Bytes()
	defer clear(private[:])
	data := append([]byte{0}, private[:]...)
	if i < hardened {
		data = compressed(&n.key)
	}
	defer clear(data)
	child, ok := split(n.chain, binary.BigEndian.AppendUint32(data, i))
	n.key.Add(&n.key, &child.key)
	n.chain = child.chain
	return ok
}

// compressed returns the public key of a private one in the 33 bytes of SEC 1.
func compressed(key *secpfr.Element) []byte {
	k := key.BigInt(new(big.Int))
	defer clear(k.Bits())
	p := new(secp256k1.G1Affine).ScalarMultiplicationBase(k)
	x, y := p.X.Bytes(), p.Y.Bytes()
	return append([]byte{2 + y[len(y)-1]&1}, x[:]...)
}

// grindLimit is the largest multiple of the order that is at most 2^256.
var grindLimit = func() *big.Int {
	limit := new(big.Int).Lsh(big.NewInt(1), 256)
	return limit.Sub(limit, new(big.Int).Mod(limit, fr.Modulus()))
}()

// grindKey makes a scalar of a seed without bias: SHA-256(seed || i) for the byte
// i = 0, 1, ... until it is below the largest multiple of the order, then reduced.
// It also returns the i that was taken: 0 but for about one seed in 32.
func grindKey(seed []byte) (d fr.Element, i byte) {
	for ; ; i++ {
		h := sha256.New()
		h.Write(seed)
		h.Write([]byte{i})
		sum := h.Sum(nil)
		x := new(big.Int).SetBytes(sum)
		fits := x.Cmp(grindLimit) < 0
		clear(x.Bits())
		if fits {
			d.SetBytes(sum)
			clear(sum)
			return d, i
		}
	}
}
