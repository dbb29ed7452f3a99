package ledger

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
)

// What a transaction costs: see the package's documentation.
const (
	gasBase     = 200_000
	gasCalldata = 5_120 // a felt of calldata or signature
	gasCall     = 50_000
	gasWrite    = 20_000
	gasCurve    = 300_000
	gasSierra   = 40_960 // a felt of a declared program
	dataBase    = 128
	dataWrite   = 32

	// maxGas is the L2 gas that a transaction may use, whatever its bounds are.
	maxGas = 1_110_000_000

	gasPrice = 1_000_000_000 // FRI for a unit of any gas
)

// gas is what an execution costs. A reverted one writes nothing.
func (u usage) gas(reverted bool) gasUsed {
	writes := u.Writes
	if reverted {
		writes = 0
	}
	return gasUsed{
		L1Data: dataBase + dataWrite*writes,
		L2: gasBase + gasCalldata*u.Calldata + gasCall*u.Calls + gasWrite*writes + gasCurve*u.Curve +
			gasSierra*u.Sierra,
	}
}

// fee is what gas costs, with a tip for each unit of L2 gas.
func (g gasUsed) fee(tip uint64) *big.Int {
	price := big.NewInt(gasPrice)
	b := chain.Bounds{L1Gas: chain.Resource{Amount: g.L1, Price: price}, L2Gas: chain.Resource{Amount: g.L2, Price: price},
		L1DataGas: chain.Resource{Amount: g.L1Data, Price: price}}
	return b.MaxFee(tip)
}

// exceeds says which bound the gas exceeds, or "".
func (g gasUsed) exceeds(b chain.Bounds) string {
	for _, r := range []struct {
		name      string
		max, used uint64
	}{{"L1Gas", b.L1Gas.Amount, g.L1}, {"L1DataGas", b.L1DataGas.Amount, g.L1Data}, {"L2Gas", min(b.L2Gas.Amount, maxGas), g.L2}} {
		if r.used > r.max {
			return fmt.Sprintf("Insufficient max %s: max amount: %d, actual used: %d.", r.name, r.max, r.used)
		}
	}
	return ""
}

// within caps the gas at bounds.
func (g gasUsed) within(b chain.Bounds) gasUsed {
	return gasUsed{min(g.L1, b.L1Gas.Amount), min(g.L1Data, b.L1DataGas.Amount), min(g.L2, b.L2Gas.Amount, maxGas)}
}

// covers reports whether bounds allow the present prices and what is the least to use.
func covers(b chain.Bounds, least gasUsed) bool {
	for _, r := range []struct {
		chain.Resource
		least uint64
	}{{b.L1Gas, least.L1}, {b.L2Gas, least.L2}, {b.L1DataGas, least.L1Data}} {
		if r.Amount < r.least || r.Price == nil || r.Price.Cmp(big.NewInt(gasPrice)) < 0 {
			return false
		}
	}
	return true
}

// mode says what of a transaction is left out when it is only simulated.
type mode struct {
	skipValidate bool
	estimate     bool // bounds are not looked at, and nothing is charged
}

// effect is what a transaction did.
type effect struct {
	receipt wireReceipt
	diff    diff
	failure any // of a reverted transaction, for error 41
}

// signedTx is a transaction with what takes long to compute.
type signedTx struct {
	chain.Transaction
	*chain.Envelope
	hash  Felt
	class Felt // that is declared
}

// prepare computes the hashes of a transaction.
func (l *Ledger) prepare(tx chain.Transaction) (signedTx, *rpcError) {
	hash, err := tx.Hash(l.chainID)
	if err != nil {
		return signedTx{}, &rpcError{Code: chain.ErrInvalidParams, Message: err.Error()}
	}
	s := signedTx{Transaction: tx, Envelope: envelope(tx), hash: hash}
	if d, ok := tx.(*chain.DeclareTx); ok {
		s.class = d.Class.Hash()
	}
	return s, nil
}

// execution is a transaction while it is executed.
type execution struct {
	signedTx
	mode mode
	*run
}

// envelope returns what transactions of all types have.
func envelope(tx chain.Transaction) *chain.Envelope {
	switch tx := tx.(type) {
	case *chain.InvokeTx:
		return &tx.Envelope
	case *chain.DeclareTx:
		return &tx.Envelope
	case *chain.DeployAccountTx:
		return &tx.Envelope
	}
	panic("ledger: another type of transaction")
}

// execute executes a transaction on a state, without changing it. It fails with the error
// for a transaction that is not included in a block.
func (l *Ledger) execute(base reader, block blockInfo, tx signedTx, m mode) (*effect, *rpcError) {
	version := uintFelt(3)
	if tx.Query {
		version = felt.MustParse("0x100000000000000000000000000000003")
	}
	x := &execution{tx, m, &run{
		classes: l.classes, state: newOverlay(base), block: block, chainID: l.chainID,
		tx: txInfo{tx.hash, version, tx.Signature},
	}}
	if err := x.admit(); err != nil {
		return nil, err
	}
	x.state.Nonces[tx.Sender()] = tx.Nonce + 1
	switch tx := tx.Transaction.(type) {
	case *chain.InvokeTx:
		return x.invoke(tx)
	case *chain.DeclareTx:
		return x.declare(tx)
	default:
		return x.deployAccount(tx.(*chain.DeployAccountTx))
	}
}

// admit checks nonce, bounds and balance, and counts the calldata.
func (x *execution) admit() *rpcError {
	sender := x.Sender()
	x.used.Calldata = uint64(len(x.Signature))
	switch tx := x.Transaction.(type) {
	case *chain.InvokeTx:
		x.used.Calldata += uint64(len(tx.Calldata))
		if len(tx.ProofFacts) > 0 || len(tx.Proof) > 0 {
			return fail(chain.ErrInvalidProof)
		}
	case *chain.DeployAccountTx:
		x.used.Calldata += uint64(len(tx.Calldata))
	case *chain.DeclareTx:
		x.used.Sierra = uint64(len(tx.Class.Program))
	}
	if nonce := x.state.nonce(sender); nonce != x.Nonce {
		return failData(chain.ErrNonce, fmt.Sprintf("Invalid transaction nonce of contract at address %s. Account nonce: %d; got: %d.",
			sender.Padded(), nonce, x.Nonce))
	}
	if x.mode.estimate {
		return nil
	}
	least := x.used
	least.Curve, least.Calls = 1, 1
	if !covers(x.Bounds, least.gas(false)) {
		return fail(chain.ErrResources)
	}
	if balance := x.balance(sender); balance.Cmp(x.Bounds.MaxFee(x.Tip)) < 0 {
		return fail(chain.ErrBalance)
	}
	return nil
}

// balance returns what an account has for fees.
func (x *execution) balance(owner Felt) *big.Int {
	token := newSTRK(&frame{x.run, strkAddress, Felt{}})
	return token.balanceOf(address{owner}).big()
}

// validate lets the account check the transaction.
func (x *execution) validate(function string, args []Felt) *rpcError {
	if x.mode.skipValidate {
		return nil
	}
	failure := x.protect(func() {
		x.call(Felt{}, x.Sender(), keccak(function), args)
	})
	return x.refused("validate", failure)
}

// refused is the error for an account that refuses its transaction.
func (x *execution) refused(function string, failure *reverted) *rpcError {
	if failure == nil {
		return nil
	}
	if failure.text != "" {
		return failData(chain.ErrValidation, failure.reason(x.stack))
	}
	return failData(chain.ErrValidation, "The `"+function+"` entry point panicked with:\n"+failure.panicText(x.stack))
}

func (x *execution) invoke(tx *chain.InvokeTx) (*effect, *rpcError) {
	if err := x.validate("__validate__", tx.Calldata); err != nil {
		return nil, err
	}
	before := x.state.diff.clone()
	failure := x.protect(func() {
		x.call(Felt{}, tx.From, keccak("__execute__"), tx.Calldata)
	})
	if failure == nil {
		return x.finish("INVOKE", before, nil)
	}
	why := failure.executionFailure(x.stack)
	o, err := x.revert("INVOKE", before, failure.reason(x.stack))
	if err == nil {
		o.failure = why
	}
	return o, err
}

func (x *execution) declare(tx *chain.DeclareTx) (*effect, *rpcError) {
	hash, class := x.class, x.classes[x.class]
	switch {
	case x.state.declared(hash):
		return nil, fail(chain.ErrClassDeclared)
	case class == nil:
		return nil, failData(chain.ErrCompilation, "this ledger has the rules of class "+hash.String()+" not in it: it runs BitSage's contracts only")
	case class.compiled != tx.Compiled:
		return nil, fail(chain.ErrCompiledClassHash)
	}
	if err := x.validate("__validate_declare__", []Felt{hash}); err != nil {
		return nil, err
	}
	before := x.state.diff.clone()
	x.state.Declared[hash] = tx.Compiled
	return x.finish("DECLARE", before, nil)
}

func (x *execution) deployAccount(tx *chain.DeployAccountTx) (*effect, *rpcError) {
	if !x.state.declared(tx.Class) {
		return nil, fail(chain.ErrClassHashNotFound)
	}
	at := tx.Sender()
	failure := x.protect(func() { x.deploy(Felt{}, at, tx.Class, tx.Calldata) })
	if err := x.refused("constructor", failure); err != nil {
		return nil, err
	}
	if err := x.validate("__validate_deploy__", append([]Felt{tx.Class, tx.Salt}, tx.Calldata...)); err != nil {
		return nil, err
	}
	return x.finish("DEPLOY_ACCOUNT", x.state.diff.clone(), &at)
}

// finish charges the fee of a transaction that did not revert, unless it used more than it
// may.
func (x *execution) finish(kind string, before diff, contract *Felt) (*effect, *rpcError) {
	gas := x.used.gas(false)
	fee := gas.fee(x.Tip)
	if !x.mode.estimate {
		reason := gas.exceeds(x.Bounds)
		if balance := x.balance(x.Sender()); reason == "" && balance.Cmp(fee) < 0 {
			reason = fmt.Sprintf("Insufficient fee token balance. Fee: %v, balance: %v.", fee, balance)
		}
		if reason != "" {
			if kind == "INVOKE" {
				return x.revert(kind, before, reason)
			}
			return nil, fail(chain.ErrResources)
		}
	}
	return x.settle(kind, gas, fee, contract), nil
}

// revert undoes what a transaction did but its nonce, and charges what it used.
func (x *execution) revert(kind string, before diff, reason string) (*effect, *rpcError) {
	x.state.diff, x.events = before, nil
	gas := x.used.gas(true)
	if !x.mode.estimate {
		gas = gas.within(x.Bounds)
	}
	o := x.settle(kind, gas, gas.fee(x.Tip), nil)
	o.receipt.Status, o.receipt.Reason = "REVERTED", reason
	return o, nil
}

// settle charges the fee and writes the receipt.
func (x *execution) settle(kind string, gas gasUsed, fee *big.Int, contract *Felt) *effect {
	if !x.mode.estimate {
		x.used = usage{} // what follows is not charged
		newSTRK(&frame{x.run, strkAddress, x.Sender()}).transfer(address{sequencer}, u256FromBig(fee))
	}
	r := wireReceipt{Type: kind, Hash: hexFelt(x.hash), Fee: feePayment{"FRI", hexBig{fee}}, Messages: []struct{}{},
		Events: make([]wireEvent, len(x.events)), Status: "SUCCEEDED", Resources: gas, Contract: (*hexFelt)(contract)}
	for i, e := range x.events {
		r.Events[i] = wireEvent{hexFelt(e.From), hexFelts(e.Keys), hexFelts(e.Data)}
	}
	return &effect{receipt: r, diff: x.state.changes()}
}

// stored is the transaction's JSON as the RPC answers it, but for the hash.
func (s signedTx) stored() (json.RawMessage, error) {
	raw, err := json.Marshal(s.Transaction)
	if err != nil || s.class.IsZero() {
		return raw, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "contract_class")
	members["class_hash"] = encode(hexFelt(s.class))
	return json.Marshal(members)
}
