package starknetgo

import (
	"context"
	"fmt"
	"math/big"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

// signer is a key that starknet.go keeps.
type signer struct {
	public chain.Felt
	sign   func(ctx context.Context, hash chain.Felt) (r, s *felt.Felt, err error)
}

// KeystoreSigner returns a Signer whose key is in a keystore of starknet.go. The id is by what
// the keystore knows the key, for account.MemKeystore the text with which it was put there,
// and public is its public key. Every signature is verified before it is returned, so a
// wrong public key shows as wallet.ErrSignature.
func KeystoreSigner(ks account.Keystore, id string, public chain.Felt) wallet.Signer {
	return &signer{public, func(ctx context.Context, hash chain.Felt) (r, s *felt.Felt, err error) {
		x, y, err := ks.Sign(ctx, id, toBig(hash))
		if err != nil {
			return nil, nil, err
		}
		if !inField(x) || !inField(y) {
			return nil, nil, wallet.ErrSignatureRange
		}
		return new(felt.Felt).SetBigInt(x), new(felt.Felt).SetBigInt(y), nil
	}}
}

// AccountSigner returns a Signer that signs as an account of starknet.go does, whose public
// key must be given, as the account does not tell it. Every signature is verified before it
// is returned, so a wrong public key shows as wallet.ErrSignature. The account's address is
// FromJuno(a.Address).
func AccountSigner(a account.AccountInterface, public chain.Felt) wallet.Signer {
	return &signer{public, func(ctx context.Context, hash chain.Felt) (r, s *felt.Felt, err error) {
		sig, err := a.Sign(ctx, ToJuno(hash))
		if err != nil {
			return nil, nil, err
		}
		if len(sig) != 2 || sig[0] == nil || sig[1] == nil {
			return nil, nil, fmt.Errorf("%w: starknet.go returned %d felts, want r and s", wallet.ErrSignatureSize, len(sig))
		}
		return sig[0], sig[1], nil
	}}
}

// PublicKey implements wallet.Signer.
func (s *signer) PublicKey() chain.Felt { return s.public }

// Sign implements wallet.Signer.
func (s *signer) Sign(ctx context.Context, hash chain.Felt) (wallet.Signature, error) {
	r, y, err := s.sign(ctx, hash)
	if err != nil {
		return wallet.Signature{}, fmt.Errorf("starknetgo: key %s: %w", s.public, err)
	}
	sig := wallet.Signature{R: FromJuno(r), S: FromJuno(y)}
	if err := wallet.Verify(s.public, hash, sig); err != nil {
		return wallet.Signature{}, fmt.Errorf("starknetgo: what starknet.go signed is not of key %s: %w", s.public, err)
	}
	return sig, nil
}

// inField reports whether a number is a felt.
func inField(x *big.Int) bool {
	return x != nil && x.Sign() >= 0 && x.Cmp(prime) < 0
}

// prime is that of the field: 2^251 + 17 * 2^192 + 1.
var prime, _ = new(big.Int).SetString("800000000000011000000000000000000000000000000000000000000000001", 16)
