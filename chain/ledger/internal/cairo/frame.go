package cairo

import (
	"reflect"

	starkcurve "github.com/consensys/gnark-crypto/ecc/stark-curve"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/starksig"
)

// Frame is one call of a contract while it is executed.
type Frame struct {
	Run  *Run
	This felt.Felt // the contract
	From felt.Felt // who called it
}

// Keys are the members of an event that are keys.
type Keys []any

// Caller is get_caller_address.
func (f *Frame) Caller() Address { return Address{Felt: f.From} }

// Address is get_contract_address.
func (f *Frame) Address() Address { return Address{Felt: f.This} }

// Timestamp is get_block_timestamp.
func (f *Frame) Timestamp() uint64 { return f.Run.Block.Time }

// ChainID is the chain that the transaction was signed for.
func (f *Frame) ChainID() felt.Felt { return f.Run.ChainID }

// Tx is get_tx_info.
func (f *Frame) Tx() TxInfo { return f.Run.Tx }

// Emit emits an event: its name, its keys and the other members.
func (f *Frame) Emit(name string, keys Keys, data ...any) {
	f.Run.emit(f.This, append([]felt.Felt{Selector(name)}, Felts(keys...)...), Felts(data...))
}

// Invoke calls a function of another contract.
func (f *Frame) Invoke(to Address, function string, args ...any) []felt.Felt {
	return f.Run.Call(f.This, to.Felt, Selector(function), Felts(args...))
}

// Call is invoke for a function with a result.
func Call[T any](f *Frame, to Address, function string, args ...any) T {
	data := Calldata(f.Invoke(to, function, args...))
	var out T
	Require(data.Deserialize(reflect.ValueOf(&out).Elem()), "Returned data too short")
	return out
}

// Hash is poseidon_hash_span of values.
func (f *Frame) Hash(values ...any) felt.Felt { return poseidon.HashMany(Felts(values...)...) }

// Signature is a Stark-curve ECDSA signature.
type Signature struct{ R, S felt.Felt }

// Signed reports whether the holder of the key signed the hash.
func (f *Frame) Signed(hash, key felt.Felt, s Signature) bool {
	f.Curve(1)
	q := points.get(key, func() *starkcurve.G1Affine {
		q, err := starksig.PublicPoint(key)
		if err != nil {
			return nil
		}
		return &q
	})
	return q != nil && starksig.VerifyPoint(*q, hash, starksig.Signature(s)) == nil
}

// points are the public points of keys, nil for what is no key.
var points memo[felt.Felt, *starkcurve.G1Affine]

// Curve accounts for operations on points: multiplications by a scalar.
func (f *Frame) Curve(n uint64) { f.Run.spend(&f.Run.Used.Curve, n) }

// storage reads a slot of the contract.
func (f *Frame) storage(at felt.Felt) felt.Felt { return f.Run.State.Slot(Slot{f.This, at}) }

// setStorage writes a slot of the contract.
func (f *Frame) setStorage(at, value felt.Felt) {
	f.Run.spend(&f.Run.Used.Writes, 1)
	f.Run.State.setSlot(Slot{f.This, at}, value)
}
