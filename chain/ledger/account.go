package ledger

import (
	"reflect"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/wallet"
)

// The account contracts of package wallet but Braavos's, as far as an owner with a key of
// the Stark curve uses them: they validate and execute its transactions. Upgrades,
// guardians, changes of the key and what others submit for the owner are not here. Those of
// OpenZeppelin 1.0.0 and Argent 0.4.0 are compared with the real ones on a devnet.

var validated = shortString("VALID")

// accountCall is a call of a multicall.
type accountCall struct {
	To       address
	Selector Felt
	Calldata sliced
}

// sliced is a Span<felt252> as OpenZeppelin's account decodes it: it panics where the span
// is longer than what there is. A contract of today's compiler refuses the argument.
type sliced []Felt

var typeSliced = reflect.TypeFor[sliced]()

// ownedAccount is what the account contracts have in common.
type ownedAccount struct {
	*frame
	key               variable[Felt]
	badSig, badCaller string // with what it panics
}

func (t ownedAccount) verify(hash Felt, sig []Felt) bool {
	return len(sig) == 2 && t.signed(hash, t.key.read(), signature{sig[0], sig[1]})
}

func (t ownedAccount) isValidSignature(hash Felt, sig []Felt) Felt {
	if t.verify(hash, sig) {
		return validated
	}
	return Felt{}
}

func (t ownedAccount) publicKey() Felt { return t.key.read() }

func (t ownedAccount) validateTx() Felt {
	require(t.caller().IsZero(), t.badCaller)
	require(t.verify(t.tx().Hash, t.tx().Signature), t.badSig)
	return validated
}

func (t ownedAccount) validate([]accountCall) Felt { return t.validateTx() }
func (t ownedAccount) validateDeclare(Felt) Felt   { return t.validateTx() }

func (t ownedAccount) execute(calls []accountCall) [][]Felt {
	require(t.caller().IsZero(), t.badCaller)
	out := make([][]Felt, len(calls))
	for i, c := range calls {
		out[i] = t.run.call(t.this, c.To.Felt, c.Selector, c.Calldata)
	}
	return out
}

// openZeppelin is OpenZeppelin's account contract.
type openZeppelin struct {
	ownedAccount
	interfaces mapping[Felt, bool]
}

func newOpenZeppelin(f *frame) openZeppelin {
	return openZeppelin{ownedAccount{f, variable[Felt]{f, "Account_public_key"}, "Account: invalid signature", "Account: invalid caller"},
		mapping[Felt, bool]{f, "SRC5_supported_interfaces"}}
}

var openZeppelinFunctions = methods(newOpenZeppelin, functions{
	"constructor":          openZeppelin.constructor,
	"__validate__":         openZeppelin.validate,
	"__validate_declare__": openZeppelin.validateDeclare,
	"__validate_deploy__":  openZeppelin.validateDeploy,
	"__execute__":          openZeppelin.execute,
	"is_valid_signature":   openZeppelin.isValidSignature,
	"get_public_key":       openZeppelin.publicKey,
	"supports_interface":   openZeppelin.supportsInterface,
})

// The interfaces that OpenZeppelin's account registers: an account (SNIP-6), and execution
// from outside (SNIP-9).
var (
	interfaceAccount = felt.MustParse("0x2ceccef7f994940b3962a6c67e0ba4fcd37df7d131417c604f91e03caecc1cd")
	interfaceOutside = felt.MustParse("0x1d1144bb2138366ff28d8e9ab57456b1d332ac42196230c3a602003c89872")
	interfaceSRC5    = felt.MustParse("0x3f918d17e5ee77373b56385708f855659a07f75997f365cf87748628532a055")
)

func (t openZeppelin) constructor(key Felt) {
	t.interfaces.write(interfaceAccount, true)
	t.key.write(key)
	t.emit("OwnerAdded", []any{key})
	t.interfaces.write(interfaceOutside, true)
}

func (t openZeppelin) validateDeploy(class, salt, key Felt) Felt { return t.validateTx() }

func (t openZeppelin) supportsInterface(id Felt) bool {
	return id == interfaceSRC5 || t.interfaces.read(id)
}

// argent is Argent's account contract of version 0.4.0.
type argent struct{ ownedAccount }

func newArgent(f *frame) argent {
	return argent{ownedAccount{f, variable[Felt]{f, "_signer"}, "argent/invalid-owner-sig", "argent/non-null-caller"}}
}

var argentFunctions = methods(newArgent, functions{
	"constructor":          argent.constructor,
	"__validate__":         argent.validate,
	"__validate_declare__": argent.validateDeclare,
	"__validate_deploy__":  argent.validateDeploy,
	"__execute__":          argent.execute,
	"is_valid_signature":   argent.isValidSignature,
	"get_owner":            argent.publicKey,
})

// constructor takes the owner as a variant of an enum, of which this knows the first, a key
// of the Stark curve, and no guardian.
func (t argent) constructor(kind uint8, key Felt, guardian uint8) {
	require(kind == 0 && guardian == 1, "argent/unsupported-signer")
	kindName := shortString("Starknet Signer")
	id := poseidon.Hash(&kindName, &key)
	t.emit("SignerLinked", []any{id}, kind, key)
	t.own(key)
	t.emit("AccountCreatedGuid", []any{id}, Felt{})
}

func (t argent) validateDeploy(class, salt Felt, kind uint8, key Felt, guardian uint8) Felt {
	return t.validateTx()
}

func (t argent) own(key Felt) {
	require(!key.IsZero(), "argent/null-owner")
	t.key.write(key)
	t.emit("AccountCreated", []any{key}, Felt{})
}

// execute panics with the number of the call that failed, and with its panic's data.
func (t argent) execute(calls []accountCall) [][]Felt {
	require(t.caller().IsZero(), t.badCaller)
	out, depth := make([][]Felt, len(calls)), len(t.run.stack)
	for i, c := range calls {
		failure := t.run.protect(func() { out[i] = t.run.call(t.this, c.To.Felt, c.Selector, c.Calldata) })
		if failure == nil {
			continue
		}
		if failure.text != "" || uncatchable(t.run.stack) >= depth {
			panic(failure)
		}
		data := append([]Felt{shortString("argent/multicall-failed"), uintFelt(uint64(i))}, failure.data...)
		for range t.run.stack[depth:] {
			data = append(data, shortString("ENTRYPOINT_FAILED"))
		}
		t.run.stack = t.run.stack[:depth]
		panic(&reverted{data: data})
	}
	t.emit("TransactionExecuted", key{t.tx().Hash}, out)
	return out
}

// argent031 is Argent's account contract of version 0.3.1.
type argent031 struct{ argent }

func newArgent031(f *frame) argent031 { return argent031{newArgent(f)} }

var argent031Functions = methods(newArgent031, functions{
	"constructor":          argent031.constructor,
	"__validate__":         argent031.validate,
	"__validate_declare__": argent031.validateDeclare,
	"__validate_deploy__":  argent031.validateDeploy,
	"__execute__":          argent031.execute,
	"is_valid_signature":   argent031.isValidSignature,
	"get_owner":            argent031.publicKey,
})

func (t argent031) constructor(key, guardian Felt) {
	require(guardian.IsZero(), "argent/unsupported-guardian")
	t.own(key)
}

func (t argent031) validateDeploy(class, salt, key, guardian Felt) Felt { return t.validateTx() }

var (
	openZeppelinClass   = newClass("OpenZeppelin account 1.0.0", wallet.ClassOpenZeppelin.Hash(), openZeppelinFunctions)
	openZeppelin17Class = newClass("OpenZeppelin account 0.17.0", wallet.ClassOpenZeppelin17.Hash(), openZeppelinFunctions)
	argentClass         = newClass("Argent account 0.4.0", wallet.ClassArgent.Hash(), argentFunctions)
	argent031Class      = newClass("Argent account 0.3.1", wallet.ClassArgent031.Hash(), argent031Functions)
)
