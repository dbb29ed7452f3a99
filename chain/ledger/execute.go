package ledger

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/chain/ledger/internal/twin"
)

// gasPrice is what a unit of any gas costs, in FRI.
const gasPrice = 1_000_000_000

// sequencer is the address to which fees go.
func sequencer() felt.Felt { return chain.Uint(0x1000) }

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
	}{{"L1Gas", b.L1Gas.Amount, g.L1}, {"L1DataGas", b.L1DataGas.Amount, g.L1Data}, {"L2Gas", min(b.L2Gas.Amount, cairo.MaxGas), g.L2}} {
		if r.used > r.max {
			return fmt.Sprintf("Insufficient max %s: max amount: %d, actual used: %d.", r.name, r.max, r.used)
		}
	}
	return ""
}

// within caps the gas at bounds.
func (g gasUsed) within(b chain.Bounds) gasUsed {
	return gasUsed{min(g.L1, b.L1Gas.Amount), min(g.L1Data, b.L1DataGas.Amount), min(g.L2, b.L2Gas.Amount, cairo.MaxGas)}
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
	receipt rpcReceipt
	diff    cairo.Diff
	failure any // of a reverted transaction, for error 41
}

// signedTx is a transaction with what takes long to compute.
type signedTx struct {
	chain.Transaction
	*chain.Envelope
	hash  felt.Felt
	class felt.Felt // that is declared
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
	*cairo.Run
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
func (l *Ledger) execute(base cairo.Reader, block cairo.BlockInfo, tx signedTx, m mode) (*effect, *rpcError) {
	version := chain.Uint(3)
	if tx.Query {
		version = felt.MustParse("0x100000000000000000000000000000003")
	}
	x := &execution{tx, m, &cairo.Run{
		Classes: l.classes, State: cairo.NewOverlay(base), Block: block, ChainID: l.chainID,
		Tx: cairo.TxInfo{Hash: tx.hash, Version: version, Signature: tx.Signature},
	}}
	if err := x.admit(); err != nil {
		return nil, err
	}
	x.State.Nonces[tx.Sender()] = tx.Nonce + 1
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
	x.Used.Calldata = uint64(len(x.Signature))
	switch tx := x.Transaction.(type) {
	case *chain.InvokeTx:
		x.Used.Calldata += uint64(len(tx.Calldata))
		if len(tx.ProofFacts) > 0 || len(tx.Proof) > 0 {
			return fail(chain.ErrInvalidProof)
		}
	case *chain.DeployAccountTx:
		x.Used.Calldata += uint64(len(tx.Calldata))
	case *chain.DeclareTx:
		x.Used.Sierra = uint64(len(tx.Class.Program))
	}
	if nonce := x.State.NonceOf(sender); nonce != x.Nonce {
		return failData(chain.ErrNonce, fmt.Sprintf("Invalid transaction nonce of contract at address %s. Account nonce: %d; got: %d.",
			sender.Padded(), nonce, x.Nonce))
	}
	if x.mode.estimate {
		return nil
	}
	least := x.Used
	least.Curve, least.Calls = 1, 1
	if !covers(x.Bounds, gasUsed(least.Gas(false))) {
		return fail(chain.ErrResources)
	}
	if balance := x.balance(sender); balance.Cmp(x.Bounds.MaxFee(x.Tip)) < 0 {
		return fail(chain.ErrBalance)
	}
	return nil
}

// balance returns what an account has for fees.
func (x *execution) balance(owner felt.Felt) *big.Int {
	token := twin.NewSTRK(x.Run.Frame(chain.STRK(), felt.Felt{}))
	return token.BalanceOf(cairo.Address{Felt: owner}).Big()
}

// validate lets the account check the transaction.
func (x *execution) validate(function string, args []felt.Felt) *rpcError {
	if x.mode.skipValidate {
		return nil
	}
	failure := x.Protect(func() {
		x.Call(felt.Felt{}, x.Sender(), chain.Selector(function), args)
	})
	return x.refused("validate", failure)
}

// refused is the error for an account that refuses its transaction.
func (x *execution) refused(function string, failure *cairo.Reverted) *rpcError {
	if failure == nil {
		return nil
	}
	if failure.Text != "" {
		return failData(chain.ErrValidation, reason(failure, x.Stack))
	}
	return failData(chain.ErrValidation, "The `"+function+"` entry point panicked with:\n"+panicText(failure, x.Stack))
}

func (x *execution) invoke(tx *chain.InvokeTx) (*effect, *rpcError) {
	if err := x.validate("__validate__", tx.Calldata); err != nil {
		return nil, err
	}
	before := x.State.Diff.Clone()
	failure := x.Protect(func() {
		x.Call(felt.Felt{}, tx.From, chain.Selector("__execute__"), tx.Calldata)
	})
	if failure == nil {
		return x.finish("INVOKE", before, nil)
	}
	why := executionFailure(failure, x.Stack)
	o, err := x.revert("INVOKE", before, reason(failure, x.Stack))
	if err == nil {
		o.failure = why
	}
	return o, err
}

func (x *execution) declare(tx *chain.DeclareTx) (*effect, *rpcError) {
	hash, class := x.class, x.Classes[x.class]
	switch {
	case x.State.IsDeclared(hash):
		return nil, fail(chain.ErrClassDeclared)
	case class == nil:
		return nil, failData(chain.ErrCompilation, "this ledger has the rules of class "+hash.String()+" not in it: it runs BitSage's contracts only")
	case class.Compiled != tx.Compiled:
		return nil, fail(chain.ErrCompiledClassHash)
	}
	if err := x.validate("__validate_declare__", []felt.Felt{hash}); err != nil {
		return nil, err
	}
	before := x.State.Diff.Clone()
	x.State.Declared[hash] = tx.Compiled
	return x.finish("DECLARE", before, nil)
}

func (x *execution) deployAccount(tx *chain.DeployAccountTx) (*effect, *rpcError) {
	if !x.State.IsDeclared(tx.Class) {
		return nil, fail(chain.ErrClassHashNotFound)
	}
	at := tx.Sender()
	failure := x.Protect(func() { x.Deploy(felt.Felt{}, at, tx.Class, tx.Calldata) })
	if err := x.refused("constructor", failure); err != nil {
		return nil, err
	}
	if err := x.validate("__validate_deploy__", append([]felt.Felt{tx.Class, tx.Salt}, tx.Calldata...)); err != nil {
		return nil, err
	}
	return x.finish("DEPLOY_ACCOUNT", x.State.Diff.Clone(), &at)
}

// finish charges the fee of a transaction that did not revert, unless it used more than it
// may.
func (x *execution) finish(kind string, before cairo.Diff, contract *felt.Felt) (*effect, *rpcError) {
	gas := gasUsed(x.Used.Gas(false))
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
func (x *execution) revert(kind string, before cairo.Diff, reason string) (*effect, *rpcError) {
	x.State.Diff, x.Events = before, nil
	gas := gasUsed(x.Used.Gas(true))
	if !x.mode.estimate {
		gas = gas.within(x.Bounds)
	}
	o := x.settle(kind, gas, gas.fee(x.Tip), nil)
	o.receipt.Status, o.receipt.Reason = "REVERTED", reason
	return o, nil
}

// settle charges the fee and writes the receipt.
func (x *execution) settle(kind string, gas gasUsed, fee *big.Int, contract *felt.Felt) *effect {
	if !x.mode.estimate {
		x.Used = cairo.Usage{} // what follows is not charged
		twin.NewSTRK(x.Run.Frame(chain.STRK(), x.Sender())).Transfer(cairo.Address{Felt: sequencer()}, cairo.U256FromBig(fee))
	}
	r := rpcReceipt{Type: kind, Hash: hexFelt(x.hash), Fee: feePayment{"FRI", hexBig{fee}}, Messages: []struct{}{},
		Events: make([]rpcEvent, len(x.Events)), Status: "SUCCEEDED", Resources: gas, Contract: (*hexFelt)(contract)}
	for i, e := range x.Events {
		r.Events[i] = rpcEvent{hexFelt(e.From), hexFelts(e.Keys), hexFelts(e.Data)}
	}
	return &effect{receipt: r, diff: x.State.Changes()}
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
