package ledger

import (
	"fmt"
	"reflect"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/wallet"
)

// How a contract is written
//
// A contract is the Go twin of a Cairo contract of contracts/src: a struct of its storage
// variables around a *frame, which is the call that is being executed, and one method for
// each function, with the types of codec.go as arguments and results. So
//
//	#[storage] struct Storage { total: u256, seen: Map<(ContractAddress, u64), bool> }
//
//	fn deposit(ref self: ContractState, amount: u256) -> bool {
//	    assert(amount != 0, errors::ZERO_AMOUNT);
//	    let caller = get_caller_address();
//	    assert(self.token.read().transfer_from(caller, get_contract_address(), amount), errors::TRANSFER_FAILED);
//	    self.total.write(self.total.read() + amount);
//	    self.emit(Deposited { account: caller, amount });      // account is a #[key]
//	    true
//	}
//
// is
//
//	type vault struct {
//		pausable                                        // the components, which have the frame; else *frame
//		token variable[address]
//		total variable[u256]
//		seen  mapping[pair[address, uint64], bool]      // t.seen.read(by(account, epoch))
//	}
//
//	func newVault(f *frame) *vault {
//		return &vault{newPausable(f), variable[address]{f, "token"}, variable[u256]{f, "total"},
//			mapping[pair[address, uint64], bool]{f, "seen"}}
//	}
//
//	func (t *vault) deposit(amount u256) bool {
//		t.assertOpen()
//		assert(!amount.isZero(), "ZERO_AMOUNT")
//		caller := t.caller()
//		paid := call[bool](t.frame, t.token.read(), "transfer_from", caller, t.address(), amount)
//		assert(paid, "TRANSFER_FAILED")
//		t.total.write(t.total.read().add(amount))
//		t.emit("Deposited", key{caller}, amount)
//		return true
//	}
//
//	var vaultClass = contract("Vault", methods(newVault, functions{
//		"constructor": (*vault).constructor,
//		"deposit":     (*vault).deposit,
//	}), ownableFunctions, pausableFunctions)
//
// and its line in the table twins. A view is a method as any other; two results stand for a
// tuple, which the caller reads as a pair. An error is a short string of
// contracts/src/errors.cairo; assert reverts the whole transaction with it, and so does
// every arithmetic method that overflows (for plain Go integers use add and sub).
// timestamp is the block's time, chainID that of the transaction; signed verifies a
// signature and hash is poseidon_hash_span; curve accounts for other work with points.
// Nothing but storage may outlive a call. TestABI compares the twin with the contract's
// ABI, and world in contract_test.go runs it without transactions.

// functions are a contract's functions by name: method expressions.
type functions map[string]any

// function is one function, ready to be called.
type function struct {
	name string
	call func(f *frame, args []Felt) []Felt
	in   []reflect.Type // its arguments
	out  []reflect.Type // its results
}

// class is what the ledger can run.
type class struct {
	name        string
	hash        Felt
	compiled    Felt // hash of the CASM; zero if it is not to be declared
	sierra      []byte
	functions   map[Felt]function // by selector
	constructor function
}

// methods makes functions callable whose receivers bind returns.
func methods[T any](bind func(*frame) T, m functions) map[string]function {
	out := make(map[string]function, len(m))
	for name, method := range m {
		out[name] = bound(name, func(f *frame) reflect.Value { return reflect.ValueOf(bind(f)) }, reflect.ValueOf(method))
	}
	return out
}

// bound makes one function callable.
func bound(name string, bind func(*frame) reflect.Value, method reflect.Value) function {
	t := method.Type()
	fn := function{name: name}
	for i := 1; i < t.NumIn(); i++ {
		fn.in = append(fn.in, t.In(i))
	}
	for i := range t.NumOut() {
		fn.out = append(fn.out, t.Out(i))
	}
	fn.call = func(f *frame, args []Felt) []Felt {
		in := []reflect.Value{bind(f)}
		data := calldata(args)
		for i, t := range fn.in {
			v := reflect.New(t).Elem()
			require(data.deserialize(v), fmt.Sprintf("Failed to deserialize param #%d", i+1))
			in = append(in, v)
		}
		require(len(data) == 0, "Input too long for arguments")
		var out []Felt
		for _, v := range method.Call(in) {
			out = serialize(out, v)
		}
		return out
	}
	return fn
}

// contract makes a class of package contracts executable. The tables are its own functions
// and those of its components.
func contract(name string, tables ...map[string]function) *class {
	source, err := contracts.ByName(name)
	if err != nil {
		panic(err)
	}
	c := newClass(name, felt.MustParse(source.ClassHash), tables...)
	c.compiled, c.sierra = felt.MustParse(source.CompiledClassHash), source.Sierra
	return c
}

func newClass(name string, hash Felt, tables ...map[string]function) *class {
	c := &class{name: name, hash: hash, functions: make(map[Felt]function)}
	for _, table := range tables {
		for name, fn := range table {
			if name == "constructor" {
				c.constructor = fn
				continue
			}
			if old, ok := c.functions[keccak(name)]; ok {
				panic("ledger: two functions of a contract are named " + old.name)
			}
			c.functions[keccak(name)] = fn
		}
	}
	return c
}

// reverted is the panic with which a call, and so its transaction, fails. It never leaves
// the package: run.protect recovers it.
type reverted struct {
	data []Felt // the panic's data in Cairo
	text string // instead of data: what the virtual machine says
}

// assert reverts with a code of the contracts unless the condition holds.
func assert(ok bool, code string) {
	if !ok {
		panic(&reverted{data: []Felt{shortString(code)}})
	}
}

// require reverts as the core library does unless the condition holds.
func require(ok bool, text string) {
	if !ok {
		panic(&reverted{data: []Felt{shortString(text)}})
	}
}

// frame is one call of a contract while it is executed.
type frame struct {
	run  *run
	this Felt // the contract
	from Felt // who called it
}

// key are the members of an event that are keys.
type key []any

func (f *frame) caller() address   { return address{f.from} }
func (f *frame) address() address  { return address{f.this} }
func (f *frame) timestamp() uint64 { return f.run.block.Time }
func (f *frame) chainID() Felt     { return f.run.chainID }
func (f *frame) tx() txInfo        { return f.run.tx }

// emit emits an event: its name, its keys and the other members.
func (f *frame) emit(name string, keys key, data ...any) {
	f.run.emit(f.this, append([]Felt{keccak(name)}, felts(keys...)...), felts(data...))
}

// invoke calls a function of another contract.
func (f *frame) invoke(to address, function string, args ...any) []Felt {
	return f.run.call(f.this, to.Felt, keccak(function), felts(args...))
}

// call is invoke for a function with a result.
func call[T any](f *frame, to address, function string, args ...any) T {
	data := calldata(f.invoke(to, function, args...))
	var out T
	require(data.deserialize(reflect.ValueOf(&out).Elem()), "Returned data too short")
	return out
}

// hash is poseidon_hash_span of values.
func (f *frame) hash(values ...any) Felt { return poseidon.HashMany(felts(values...)...) }

// signature is a Stark-curve ECDSA signature.
type signature struct{ R, S Felt }

// signed reports whether the holder of the key signed the hash.
func (f *frame) signed(hash, key Felt, s signature) bool {
	f.curve(1)
	q := points.get(key, func() *starkcurve.G1Affine {
		q, err := wallet.PublicPoint(key)
		if err != nil {
			return nil
		}
		return &q
	})
	return q != nil && wallet.VerifyPoint(*q, hash, wallet.Signature{R: s.R, S: s.S}) == nil
}

// points are the public points of keys, nil for what is no key.
var points memo[Felt, *starkcurve.G1Affine]

// curve accounts for operations on points: multiplications by a scalar.
func (f *frame) curve(n uint64) { f.run.spend(&f.run.used.Curve, n) }

// storage reads a slot of the contract.
func (f *frame) storage(at Felt) Felt { return f.run.state.slot(slot{f.this, at}) }

// setStorage writes a slot of the contract.
func (f *frame) setStorage(at, value Felt) {
	f.run.spend(&f.run.used.Writes, 1)
	f.run.state.setSlot(slot{f.this, at}, value)
}
