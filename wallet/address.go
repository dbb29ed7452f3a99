package wallet

import (
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/pedersen"
)

// ErrClass means that a Class is none of this package.
var ErrClass = errors.New("wallet: unknown account class: want openzeppelin, openzeppelin-0.17, argent, argent-0.3.1 or braavos")

// Class is a kind of account contract. Together with the public key it determines
// the address at which the account is, or will be, deployed. An account keeps that
// address when its owner upgrades it to another class: see AccountAt.
type Class uint8

// The classes, with the names that String and ParseClass use.
const (
	ClassOpenZeppelin   Class = iota + 1 // openzeppelin: OpenZeppelin 1.0.0
	ClassOpenZeppelin17                  // openzeppelin-0.17: OpenZeppelin 0.17, which starknet.js bundles
	ClassArgent                          // argent: Argent, now Ready, 0.4.0
	ClassArgent031                       // argent-0.3.1: Argent 0.3.1
	ClassBraavos                         // braavos: the base class of Braavos 1.1.0
)

var classes = [...]struct {
	name string
	hash felt.Felt
}{
	ClassOpenZeppelin:   {"openzeppelin", felt.MustParse("0x5b4b537eaa2399e3aa99c4e2e0208ebd6c71bc1467938cd52c798c601e43564")},
	ClassOpenZeppelin17: {"openzeppelin-0.17", felt.MustParse("0x540d7f5ec7ecf317e68d48564934cb99259781b1ee3cedbbc37ec5337f8e688")},
	ClassArgent:         {"argent", felt.MustParse("0x36078334509b514626504edc9fb252328d1a240e4e948bef8d0c08dff45927f")},
	ClassArgent031:      {"argent-0.3.1", felt.MustParse("0x29927c8af6bccf3f6fda035981e765a7bdbf18a2dc0d630494f8758aa908e2b")},
	ClassBraavos:        {"braavos", felt.MustParse("0x3d16c7a9a60b0593bd202f660a28c5d76e0403601d9ccc7e4fa253b6a70c201")},
}

func (c Class) valid() bool { return c > 0 && int(c) < len(classes) }

// String returns the name of the class.
func (c Class) String() string {
	if !c.valid() {
		return fmt.Sprintf("Class(%d)", uint8(c))
	}
	return classes[c].name
}

// ParseClass is the inverse of String. It fails with ErrClass.
func ParseClass(s string) (Class, error) {
	for c := Class(1); c.valid(); c++ {
		if s == c.String() {
			return c, nil
		}
	}
	return 0, ErrClass
}

// Scheme returns the derivation that the wallet of this class uses: SchemeArgent
// for Argent's, and SchemeBraavos for the others.
func (c Class) Scheme() Scheme {
	if c == ClassArgent || c == ClassArgent031 {
		return SchemeArgent
	}
	return SchemeBraavos
}

// Hash returns the class hash, or zero for an unknown class.
func (c Class) Hash() felt.Felt {
	if !c.valid() {
		return felt.Felt{}
	}
	return classes[c].hash
}

// Calldata returns the arguments of the constructor, or nil for an unknown class.
func (c Class) Calldata(public felt.Felt) []felt.Felt {
	zero, one := felt.Felt{}, felt.FromUint64(1)
	switch c {
	case ClassOpenZeppelin, ClassOpenZeppelin17, ClassBraavos:
		return []felt.Felt{public}
	case ClassArgent:
		return []felt.Felt{zero, public, one} // signer type Stark, key, no guardian
	case ClassArgent031:
		return []felt.Felt{public, zero} // key, no guardian
	}
	return nil
}

// Address returns the address of the account of this class for a public key. The
// salt is the public key and the deployer zero, as for an account that deploys
// itself. It fails with ErrClass.
func (c Class) Address(public felt.Felt) (felt.Felt, error) {
	if !c.valid() {
		return felt.Felt{}, ErrClass
	}
	return ContractAddress(felt.Felt{}, public, c.Hash(), c.Calldata(public)), nil
}

var contractAddressPrefix = felt.MustParse("0x535441524b4e45545f434f4e54524143545f41444452455353") // STARKNET_CONTRACT_ADDRESS

// addressBound is 2^251 - 256; addresses are below it.
var addressBound = felt.MustParse("0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00")

// ContractAddress returns the address at which Starknet deploys a contract: the
// Pedersen hash of STARKNET_CONTRACT_ADDRESS, deployer, salt, class hash and the
// hash of the constructor's arguments, modulo 2^251 - 256 (Starknet documentation,
// "Contract address").
func ContractAddress(deployer, salt, class felt.Felt, calldata []felt.Felt) felt.Felt {
	return reduceAddress(pedersen.Array(contractAddressPrefix, deployer, salt, class, pedersen.Array(calldata...)))
}

// reduceAddress returns a modulo 2^251 - 256. The field's prime is below twice that.
func reduceAddress(a felt.Felt) felt.Felt {
	if a.Cmp(addressBound) >= 0 {
		a.Sub(&a, &addressBound)
	}
	return a
}
