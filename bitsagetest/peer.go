package bitsagetest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bitsage/bitsage/transport"
)

// identify gives a role a peer key that the seed determines, so that equal seeds have
// equal faults. The caller holds mu, or is alone.
func (n *Network) identify(role, dir string) error {
	seed := sha256.Sum256(fmt.Appendf(nil, "bitsagetest %d %s", n.seed, role))
	key := ed25519.NewKeyFromSeed(seed[:])
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	n.ids[role] = transport.PeerOf(key.Public().(ed25519.PublicKey))
	return os.WriteFile(filepath.Join(dir, "peer.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
