// Package twin has the rules of BitSage's contracts in Go, with the storage layout, events and
// errors of the Cairo sources in contracts/src, and those of the token of the fees, the
// universal deployer and the account contracts as far as they are needed. Each is a twin of
// a contract, on the machine of package cairo, and holds nothing but storage variables.
package twin

import (
	"sync"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/contracts"
)

// The classes are made when a ledger first asks for them, not when the program starts: so the
// linker leaves them out of programs that import this package and make no ledger.
var (
	contractsOnce, nativesOnce sync.Once
	contractList, nativeList   []*cairo.Class
)

// Contracts are the contracts of package contracts, written in Go. A contract that is not here
// cannot be declared.
func Contracts() []*cairo.Class {
	contractsOnce.Do(func() {
		contractList = []*cairo.Class{
			sageTokenClass(),
			faucetClass(),
			stakingManagerClass(),
			reputationManagerClass(),
			validatorRegistryClass(),
			proofVerifierClass(),
			jobManagerClass(),
			privacyRouterClass(),
			paymentRouterClass(),
		}
	})
	return contractList
}

// Natives are the classes that are there from the genesis block on. Their code is not held:
// starknet_getClass does not know them.
func Natives() []*cairo.Class {
	nativesOnce.Do(func() {
		nativeList = []*cairo.Class{
			strkClass(), deployerClass(), oldDeployerClass(),
			openZeppelinClass(), openZeppelin17Class(), argentClass(), argent031Class(),
		}
	})
	return nativeList
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
