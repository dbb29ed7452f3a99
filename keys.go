package bitsage

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/atomicfile"
	"github.com/bitsage/bitsage/wallet"
)

// peerFile is the file with the peer key in a role's folder, and pemType what it holds.
const (
	peerFile = "peer.pem"
	pemType  = "PRIVATE KEY"
)

// PeerKey returns the Ed25519 key by which the role in a folder is known to its peers;
// transport.PeerOf tells its identity. It makes the key if there is none. The file is
// peer.pem, PKCS #8 as PEM without a password: whoever copies it can speak as that peer,
// but can neither sign nor spend. Without a folder the key is new.
func PeerKey(dir string) (ed25519.PrivateKey, error) {
	if dir == "" {
		_, key, err := ed25519.GenerateKey(nil)
		return key, err
	}
	path := filepath.Join(dir, peerFile)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return makePeerKey(path)
	case err != nil:
		return nil, err
	}
	key, err := parsePeerKey(data)
	if err != nil {
		return nil, fmt.Errorf("bitsage: %s is no Ed25519 key in PKCS #8 and PEM: restore it from a backup, or move it away to get a new identity: %w", path, err)
	}
	return key, nil
}

func parsePeerKey(data []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(data)
	if block == nil || block.Type != pemType || len(rest) > 0 {
		return nil, errors.New("not one PEM block of type " + pemType)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a key of type %T", key)
	}
	return private, nil
}

func makePeerKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	err = atomicfile.Create(path, pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), 0o600)
	if errors.Is(err, fs.ErrExist) { // somebody else was faster: that is the identity
		return PeerKey(filepath.Dir(path))
	}
	return key, err
}

// PaymentKey derives the key of an account's encrypted amounts from its private key, so
// that whoever restores the account can read them again (docs/spec/job.md).
func PaymentKey(a *wallet.Account) (elgamal.SecretKey, error) {
	private, err := a.Key().Reveal()
	if err != nil {
		return elgamal.SecretKey{}, err
	}
	defer clear(private)
	for n := byte(0); ; n++ {
		h := blake3.NewDeriveKey("github.com/bitsage/bitsage payment key v1")
		h.Write(private)
		h.Write([]byte{n})
		k := h.Sum(nil)
		k[0] &= 0x0f // below 2^252, of which nearly all are scalars
		key, err := elgamal.DecodeSecretKey(k)
		clear(k)
		if err == nil || n == 255 {
			return key, err
		}
	}
}
