package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/wallet"
)

// signer holds one key and signs with it.
type signer interface {
	public() felt.Felt
	// sign returns a signature; a nonce that is not 0 gives another one of the same
	// message.
	sign(hash felt.Felt, nonce uint64) consensus.Signature
}

// keyring makes keys, and checks signatures under those that it made.
type keyring interface {
	key(seed uint64) signer
	scheme(public felt.Felt) (consensus.Check, error)
}

// macRing stands in for ECDSA where that is too slow. A signature is a hash with the
// signer's secret: it depends on signer, message and nonce, has the two forms (R, S)
// and (R, n-S) that verify alike, and only the signer can make another one.
type macRing struct{ keys map[felt.Felt]macKey }

type macKey [32]byte

func newMACRing() *macRing { return &macRing{make(map[felt.Felt]macKey)} }

func (r *macRing) key(seed uint64) signer {
	k := macKey(sha256.Sum256(binary.BigEndian.AppendUint64([]byte("key"), seed)))
	r.keys[k.public()] = k
	return k
}

var errNoKey = errors.New("sim: no such key")

func (r *macRing) scheme(public felt.Felt) (consensus.Check, error) {
	k, ok := r.keys[public]
	if !ok {
		return nil, errNoKey
	}
	return func(hash felt.Felt, sig consensus.Signature) bool {
		sig = consensus.Normalize(sig)
		return k.mac(hash, sig.S) == sig.R
	}, nil
}

func (k macKey) public() felt.Felt { return small(sha256.Sum256(k[:])) }

func (k macKey) mac(hash, nonce felt.Felt) felt.Felt {
	h, n := hash.Bytes(), nonce.Bytes()
	var b [96]byte
	copy(b[:], k[:])
	copy(b[32:], h[:])
	copy(b[64:], n[:])
	return small(sha256.Sum256(b[:]))
}

func (k macKey) sign(hash felt.Felt, nonce uint64) consensus.Signature {
	var s felt.Felt
	s.SetUint64(nonce + 1)
	return consensus.Signature{R: k.mac(hash, s), S: s}
}

// small takes 248 bits of a hash, which are a felt.
func small(h [32]byte) felt.Felt {
	var f felt.Felt
	f.SetBytes(h[:31])
	return f
}

// starkRing is the network's own scheme.
type starkRing struct{}

func (r *starkRing) key(seed uint64) signer {
	h := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("key"), seed))
	h[0] = 0
	k, err := wallet.NewKey(h[:])
	if err != nil {
		panic(err) // 248 bits that are a hash are not zero
	}
	return starkKey{k}
}

func (*starkRing) scheme(public felt.Felt) (consensus.Check, error) { return consensus.Stark(public) }

type starkKey struct{ k *wallet.Key }

func (k starkKey) public() felt.Felt { return k.k.PublicKey() }

// sign ignores the nonce: the wallet's is that of RFC 6979.
func (k starkKey) sign(hash felt.Felt, _ uint64) consensus.Signature {
	sig, err := k.k.Sign(context.Background(), hash)
	if err != nil {
		panic(err) // a Poseidon hash of 2^251 or more, once in 2^55
	}
	return consensus.Normalize(consensus.Signature(sig))
}

// malleate returns the other form of a signature.
func malleate(sig consensus.Signature) consensus.Signature {
	n := felt.MustParse("0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f")
	sig.S.Sub(&n, &sig.S)
	return sig
}
