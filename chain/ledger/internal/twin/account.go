package twin

import (
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/wallet"
)

// The account contracts of package wallet but Braavos's, as far as an owner with a key of
// the Stark curve uses them: they validate and execute its transactions. Upgrades,
// guardians, changes of the key and what others submit for the owner are not here. Those of
// OpenZeppelin 1.0.0 and Argent 0.4.0 are compared with the real ones on a devnet.

// validated is what an account answers that agrees.
func validated() felt.Felt { return cairo.ShortString("VALID") }

// accountCall is a call of a multicall.
type accountCall struct {
	To       cairo.Address
	Selector felt.Felt
	Calldata cairo.Sliced
}

// ownedAccount is what the account contracts have in common.
type ownedAccount struct {
	*cairo.Frame
	key               cairo.Variable[felt.Felt]
	badSig, badCaller string // with what it panics
}

func (t ownedAccount) verify(hash felt.Felt, sig []felt.Felt) bool {
	return len(sig) == 2 && t.Signed(hash, t.key.Read(), cairo.Signature{R: sig[0], S: sig[1]})
}

func (t ownedAccount) isValidSignature(hash felt.Felt, sig []felt.Felt) felt.Felt {
	if t.verify(hash, sig) {
		return validated()
	}
	return felt.Felt{}
}

func (t ownedAccount) publicKey() felt.Felt { return t.key.Read() }

func (t ownedAccount) validateTx() felt.Felt {
	cairo.Require(t.Caller().IsZero(), t.badCaller)
	cairo.Require(t.verify(t.Tx().Hash, t.Tx().Signature), t.badSig)
	return validated()
}

func (t ownedAccount) validate([]accountCall) felt.Felt    { return t.validateTx() }
func (t ownedAccount) validateDeclare(felt.Felt) felt.Felt { return t.validateTx() }

func (t ownedAccount) execute(calls []accountCall) [][]felt.Felt {
	cairo.Require(t.Caller().IsZero(), t.badCaller)
	out := make([][]felt.Felt, len(calls))
	for i, c := range calls {
		out[i] = t.Run.Call(t.This, c.To.Felt, c.Selector, c.Calldata)
	}
	return out
}

// openZeppelin is OpenZeppelin's account contract.
type openZeppelin struct {
	ownedAccount
	interfaces cairo.Mapping[felt.Felt, bool]
}

func newOpenZeppelin(f *cairo.Frame) openZeppelin {
	return openZeppelin{
		ownedAccount{f, cairo.NewVariable[felt.Felt](f, "Account_public_key"), "Account: invalid signature", "Account: invalid caller"},
		cairo.NewMapping[felt.Felt, bool](f, "SRC5_supported_interfaces"),
	}
}

func openZeppelinFunctions() map[string]cairo.Function {
	return cairo.Methods(newOpenZeppelin, cairo.Functions{
		"constructor":          openZeppelin.constructor,
		"__validate__":         openZeppelin.validate,
		"__validate_declare__": openZeppelin.validateDeclare,
		"__validate_deploy__":  openZeppelin.validateDeploy,
		"__execute__":          openZeppelin.execute,
		"is_valid_signature":   openZeppelin.isValidSignature,
		"get_public_key":       openZeppelin.publicKey,
		"supports_interface":   openZeppelin.supportsInterface,
	})
}

// The interfaces that OpenZeppelin's account registers: an account (SNIP-6), and execution
// from outside (SNIP-9).
func interfaceAccount() felt.Felt {
	return felt.MustParse("0x2ceccef7f994940b3962a6c67e0ba4fcd37df7d131417c604f91e03caecc1cd")
}

func interfaceOutside() felt.Felt {
	return felt.MustParse("0x1d1144bb2138366ff28d8e9ab57456b1d332ac42196230c3a602003c89872")
}

func interfaceSRC5() felt.Felt {
	return felt.MustParse("0x3f918d17e5ee77373b56385708f855659a07f75997f365cf87748628532a055")
}

func (t openZeppelin) constructor(key felt.Felt) {
	t.interfaces.Write(interfaceAccount(), true)
	t.key.Write(key)
	t.Emit("OwnerAdded", []any{key})
	t.interfaces.Write(interfaceOutside(), true)
}

func (t openZeppelin) validateDeploy(class, salt, key felt.Felt) felt.Felt { return t.validateTx() }

func (t openZeppelin) supportsInterface(id felt.Felt) bool {
	return id == interfaceSRC5() || t.interfaces.Read(id)
}

// argent is Argent's account contract of version 0.4.0.
type argent struct{ ownedAccount }

func newArgent(f *cairo.Frame) argent {
	return argent{
		ownedAccount{f, cairo.NewVariable[felt.Felt](f, "_signer"), "argent/invalid-owner-sig", "argent/non-null-caller"},
	}
}

func argentFunctions() map[string]cairo.Function {
	return cairo.Methods(newArgent, cairo.Functions{
		"constructor":          argent.constructor,
		"__validate__":         argent.validate,
		"__validate_declare__": argent.validateDeclare,
		"__validate_deploy__":  argent.validateDeploy,
		"__execute__":          argent.execute,
		"is_valid_signature":   argent.isValidSignature,
		"get_owner":            argent.publicKey,
	})
}

// constructor takes the owner as a variant of an enum, of which this knows the first, a key
// of the Stark curve, and no guardian.
func (t argent) constructor(kind uint8, key felt.Felt, guardian uint8) {
	cairo.Require(kind == 0 && guardian == 1, "argent/unsupported-signer")
	kindName := cairo.ShortString("Starknet Signer")
	id := poseidon.Hash(&kindName, &key)
	t.Emit("SignerLinked", []any{id}, kind, key)
	t.own(key)
	t.Emit("AccountCreatedGuid", []any{id}, felt.Felt{})
}

func (t argent) validateDeploy(class, salt felt.Felt, kind uint8, key felt.Felt, guardian uint8) felt.Felt {
	return t.validateTx()
}

func (t argent) own(key felt.Felt) {
	cairo.Require(!key.IsZero(), "argent/null-owner")
	t.key.Write(key)
	t.Emit("AccountCreated", []any{key}, felt.Felt{})
}

// execute panics with the number of the call that failed, and with its panic's data.
func (t argent) execute(calls []accountCall) [][]felt.Felt {
	cairo.Require(t.Caller().IsZero(), t.badCaller)
	out, depth := make([][]felt.Felt, len(calls)), len(t.Run.Stack)
	for i, c := range calls {
		failure := t.Run.Protect(func() { out[i] = t.Run.Call(t.This, c.To.Felt, c.Selector, c.Calldata) })
		if failure == nil {
			continue
		}
		if failure.Text != "" || cairo.Uncatchable(t.Run.Stack) >= depth {
			panic(failure)
		}
		data := append([]felt.Felt{cairo.ShortString("argent/multicall-failed"), cairo.Uint(uint64(i))}, failure.Data...)
		for range t.Run.Stack[depth:] {
			data = append(data, cairo.ShortString("ENTRYPOINT_FAILED"))
		}
		t.Run.Stack = t.Run.Stack[:depth]
		panic(&cairo.Reverted{Data: data})
	}
	t.Emit("TransactionExecuted", cairo.Keys{t.Tx().Hash}, out)
	return out
}

// argent031 is Argent's account contract of version 0.3.1.
type argent031 struct{ argent }

func newArgent031(f *cairo.Frame) argent031 { return argent031{newArgent(f)} }

func argent031Functions() map[string]cairo.Function {
	return cairo.Methods(newArgent031, cairo.Functions{
		"constructor":          argent031.constructor,
		"__validate__":         argent031.validate,
		"__validate_declare__": argent031.validateDeclare,
		"__validate_deploy__":  argent031.validateDeploy,
		"__execute__":          argent031.execute,
		"is_valid_signature":   argent031.isValidSignature,
		"get_owner":            argent031.publicKey,
	})
}

func (t argent031) constructor(key, guardian felt.Felt) {
	cairo.Require(guardian.IsZero(), "argent/unsupported-guardian")
	t.own(key)
}

func (t argent031) validateDeploy(class, salt, key, guardian felt.Felt) felt.Felt {
	return t.validateTx()
}

func openZeppelinClass() *cairo.Class {
	return cairo.NewClass("OpenZeppelin account 1.0.0", wallet.ClassOpenZeppelin.Hash(), openZeppelinFunctions())
}

func openZeppelin17Class() *cairo.Class {
	return cairo.NewClass("OpenZeppelin account 0.17.0", wallet.ClassOpenZeppelin17.Hash(), openZeppelinFunctions())
}

func argentClass() *cairo.Class {
	return cairo.NewClass("Argent account 0.4.0", wallet.ClassArgent.Hash(), argentFunctions())
}

func argent031Class() *cairo.Class {
	return cairo.NewClass("Argent account 0.3.1", wallet.ClassArgent031.Hash(), argent031Functions())
}
