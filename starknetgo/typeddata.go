package starknetgo

import (
	"context"
	"errors"
	"fmt"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/typeddata"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

// ErrTypedData means that a message has no hash by SNIP-12.
var ErrTypedData = errors.New("starknetgo: not typed data of SNIP-12")

// TypedDataHash returns the hash of a message by SNIP-12, revision 0 or 1, that the account at
// an address signs. It fails with ErrTypedData. Read the message from JSON: a literal has no
// hash, nor has what typeddata.NewTypedData made for a chain with a name.
func TypedDataHash(td *typeddata.TypedData, address chain.Felt) (chain.Felt, error) {
	if td == nil || td.Revision == nil {
		return chain.Felt{}, fmt.Errorf("%w: it was not read from JSON", ErrTypedData)
	}
	hash, err := td.GetMessageHash(address.String())
	if err != nil {
		return chain.Felt{}, fmt.Errorf("%w: %w", ErrTypedData, err)
	}
	return FromJuno(hash), nil
}

// SignTypedData signs a message by SNIP-12 for the account at an address. The result is what
// the account's is_valid_signature takes. The caller must have shown the message, its domain
// and its chain to whoever owns the key: some messages spend money, see Paymaster.
func SignTypedData(ctx context.Context, td *typeddata.TypedData, address chain.Felt, s wallet.Signer) ([]*felt.Felt, error) {
	hash, err := TypedDataHash(td, address)
	if err != nil {
		return nil, err
	}
	sig, err := s.Sign(ctx, hash)
	if err != nil {
		return nil, err
	}
	return []*felt.Felt{ToJuno(sig.R), ToJuno(sig.S)}, nil
}

// VerifyTypedData checks what SignTypedData returned, under the account's public key. It
// returns nil, ErrTypedData or one of the errors of wallet.Verify. An account whose key was
// changed, or that has a guardian, decides itself: ask its is_valid_signature.
func VerifyTypedData(td *typeddata.TypedData, address, public chain.Felt, signature []*felt.Felt) error {
	hash, err := TypedDataHash(td, address)
	if err != nil {
		return err
	}
	if len(signature) != 2 || signature[0] == nil || signature[1] == nil {
		return wallet.ErrSignatureSize
	}
	return wallet.Verify(public, hash, wallet.Signature{R: FromJuno(signature[0]), S: FromJuno(signature[1])})
}
