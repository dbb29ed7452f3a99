// Package backstage is how package bitsagetest reaches behind the API of package
// bitsage, whose types it knows as any. Only packages of this module can import it.
package backstage

import (
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/wallet"
)

// Package bitsage sets all of these.
var (
	// Forge makes a *bitsage.Worker that does not run yet change every proof after it
	// has checked it and before it signs it.
	Forge func(worker any)
	// NewNetwork is bitsage.NewNetwork with the network of messages to use.
	NewNetwork func(config any, peers *p2p.Memory) (network any, err error)
	// Peer returns the identity that the role of an account has, or will have once
	// it joins a *bitsage.Network. The role must not run.
	Peer func(network any, role string, account chain.Felt) (p2p.PeerID, error)
	// Serving returns how many roles of a *bitsage.Network serve.
	Serving func(network any) (workers, validators int)
	// PaymentKey is the key of an account's encrypted amounts.
	PaymentKey func(*wallet.Account) (elgamal.SecretKey, error)
)
