package starknetgo

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"sync"

	"github.com/NethermindEth/starknet.go/account"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

// ErrUnknownKey means that a Keystore has no key for the public key that it was asked for.
var ErrUnknownKey = errors.New("starknetgo: the keystore has no such key")

var _ account.Keystore = (*Keystore)(nil)

// Keystore signs for starknet.go with the keys of wallet.Signers. It knows each by its
// public key. The zero value is empty and ready for use; a Keystore may be used by several
// goroutines at once.
type Keystore struct {
	mu      sync.RWMutex
	signers map[chain.Felt]wallet.Signer
}

// NewKeystore returns a Keystore of the signers' keys.
func NewKeystore(signers ...wallet.Signer) *Keystore {
	k := new(Keystore)
	for _, s := range signers {
		k.Add(s)
	}
	return k
}

// Add adds a key. It replaces one with the same public key.
func (k *Keystore) Add(s wallet.Signer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.signers == nil {
		k.signers = make(map[chain.Felt]wallet.Signer)
	}
	k.signers[s.PublicKey()] = s
}

// Sign implements starknet.go's account.Keystore. The id is the public key as 0x and
// hexadecimal digits, with or without leading zeros. It fails with ErrUnknownKey, with
// wallet.ErrHashRange, or as the signer does.
func (k *Keystore) Sign(ctx context.Context, id string, hash *big.Int) (r, s *big.Int, err error) {
	signer, err := k.signer(id)
	if err != nil {
		return nil, nil, err
	}
	// The bound is that of the signature, and below the field's prime.
	if hash == nil || hash.Sign() < 0 || hash.BitLen() > 251 {
		return nil, nil, wallet.ErrHashRange
	}
	sig, err := signer.Sign(ctx, fromBig(hash))
	if err != nil {
		return nil, nil, err
	}
	return toBig(sig.R), toBig(sig.S), nil
}

func (k *Keystore) signer(id string) (wallet.Signer, error) {
	public, err := chain.ParseFelt(id)
	if err != nil {
		return nil, fmt.Errorf("%w: the id is no public key: %w", ErrUnknownKey, err)
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	if s, ok := k.signers[public]; ok {
		return s, nil
	}
	return nil, fmt.Errorf("%w: public key %s", ErrUnknownKey, public)
}
