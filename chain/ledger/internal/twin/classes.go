// Package twin has the rules of BitSage's contracts in Go, with the storage layout, events and
// errors of the Cairo sources in contracts/src, and those of the token of the fees, the
// universal deployer and the account contracts as far as they are needed. Each is a twin of
// a contract, on the machine of package cairo, and holds nothing but storage variables.
package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/contracts"
)

// Contracts are the contracts of package contracts, written in Go. A contract that is not here
// cannot be declared.
var Contracts = []*cairo.Class{
	sageTokenClass,
	faucetClass,
	stakingManagerClass,
	reputationManagerClass,
	validatorRegistryClass,
	proofVerifierClass,
	jobManagerClass,
	privacyRouterClass,
	paymentRouterClass,
}

// contract makes a class of package contracts executable. The tables are its own functions
// and those of its components.
func contract(name string, tables ...map[string]cairo.Function) *cairo.Class {
	source, err := contracts.ByName(name)
	if err != nil {
		panic(err)
	}
	c := cairo.NewClass(name, felt.MustParse(source.ClassHash), tables...)
	c.Compiled, c.Sierra = felt.MustParse(source.CompiledClassHash), source.Sierra
	return c
}
