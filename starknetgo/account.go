package starknetgo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/NethermindEth/starknet.go/account"
	"github.com/NethermindEth/starknet.go/client"
	"github.com/NethermindEth/starknet.go/rpc"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/wallet"
)

// Dial connects starknet.go's Provider to a node: a public one, a development network or
// a ledger that is served over HTTP. rpc.NewProvider wants a node of version 0.9.0 of the RPC
// exactly; this takes 0.9 and 0.10. For others it fails with rpc.ErrIncompatibleVersion.
func Dial(ctx context.Context, url string, options ...client.ClientOption) (*rpc.Provider, error) {
	p, err := rpc.NewProvider(ctx, url, options...)
	if err == nil {
		return p, nil
	}
	if p != nil && errors.Is(err, rpc.ErrIncompatibleVersion) {
		version, failed := p.SpecVersion(ctx)
		if failed == nil && (strings.HasPrefix(version, "0.9.") || strings.HasPrefix(version, "0.10.")) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("starknetgo: %s: %w", url, err)
}

// NewAccount returns starknet.go's account at an address, for which the signer signs. The
// contract must be one of Cairo 1, as all of package wallet are. Other than
// account.NewAccount it asks the node for the chain's name under ctx.
func NewAccount(ctx context.Context, p rpc.RPCProvider, address chain.Felt, s wallet.Signer) (*account.Account, error) {
	if _, err := p.ChainID(ctx); err != nil { // the Provider keeps it for account.NewAccount
		return nil, fmt.Errorf("starknetgo: the chain's name: %w", err)
	}
	public := s.PublicKey().String()
	a, err := account.NewAccount(p, ToJuno(address), public, NewKeystore(s), account.CairoV2)
	if err != nil {
		return nil, fmt.Errorf("starknetgo: %w", err)
	}
	return a, nil
}
