package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/wallet"
)

// device stands for hardware that signs with a key that it never gives away.
type device struct {
	key    *wallet.Key
	signed atomic.Int64
}

// openDevice opens the keystore that stands for the device's memory.
func openDevice(keystore string) (*device, error) {
	key, err := wallet.LoadKey(keystore, []byte(os.Getenv("PASSWORD")))
	return &device{key: key}, err
}

// paymentKey reads the key under which the worker is paid, which stays the same for ever, or
// makes it.
func paymentKey(dir string) (elgamal.SecretKey, error) {
	path := filepath.Join(dir, "payment.key")
	data, err := os.ReadFile(path)
	if err == nil {
		return elgamal.DecodeSecretKey(data)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return elgamal.SecretKey{}, err
	}
	key, err := elgamal.GenerateKey()
	if err == nil {
		err = os.WriteFile(path, key.Bytes(), 0o600)
	}
	return key, err
}

// PublicKey implements wallet.Signer.
func (d *device) PublicKey() chain.Felt { return d.key.PublicKey() }

// Sign implements wallet.Signer.
func (d *device) Sign(ctx context.Context, hash chain.Felt) (wallet.Signature, error) {
	d.signed.Add(1)
	return d.key.Sign(ctx, hash)
}
