package transport

import (
	"crypto/ed25519"
	"fmt"

	"github.com/mr-tron/base58"
)

// MaxPeerID is the largest length of a PeerID in bytes, on the chain too.
const MaxPeerID = 64

// PeerID is the identity of a host: its Ed25519 public key, as the networks of libp2p
// write it, such as 12D3KooW... It is the same on every transport. A transport
// authenticates it: no host can speak under the identity of another.
type PeerID string

// identity opens an Ed25519 public key in the form that libp2p's specification of peer
// identities hashes, here by the identity: a multihash (code 0, 36 bytes) of a protocol
// buffer with the key's type and its 32 bytes.
const identity = "\x00\x24\x08\x01\x12\x20"

// PeerOf returns the identity of a public key.
func PeerOf(key ed25519.PublicKey) PeerID {
	return PeerID(base58.Encode(append([]byte(identity), key...)))
}

// Key returns the public key of the identity. It fails on everything that PeerOf does
// not return.
func (p PeerID) Key() (ed25519.PublicKey, error) {
	if len(p) > MaxPeerID {
		return nil, fmt.Errorf("transport: a peer's identity of %d bytes, want at most %d", len(p), MaxPeerID)
	}
	b, err := base58.Decode(string(p))
	if err != nil || len(b) != len(identity)+ed25519.PublicKeySize || string(b[:len(identity)]) != identity || PeerOf(b[len(identity):]) != p {
		return nil, fmt.Errorf("transport: %q is no peer's identity: want an Ed25519 key as libp2p writes it", CleanText(string(p), MaxPeerID))
	}
	return b[len(identity):], nil
}

// Valid reports whether p is the identity of a key.
func (p PeerID) Valid() bool {
	_, err := p.Key()
	return err == nil
}
