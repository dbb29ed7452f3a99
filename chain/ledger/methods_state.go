package ledger

import (
	"encoding/json"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

type atContract struct {
	Block    *blockID `json:"block_id"`
	Contract *hexFelt `json:"contract_address"`
}

// contract returns a state and the class of a contract in it.
func (l *Ledger) contract(id *blockID, at *hexFelt) (cairo.Reader, cairo.BlockInfo, felt.Felt, *rpcError) {
	state, block, err := l.state(id)
	if err != nil {
		return nil, block, felt.Felt{}, err
	}
	class := state.ClassAt(felt.Felt(*at))
	if class.IsZero() {
		return nil, block, class, fail(chain.ErrContractNotFound)
	}
	return state, block, class, nil
}

func (l *Ledger) getNonce(p *atContract) (any, *rpcError) {
	state, _, _, err := l.contract(p.Block, p.Contract)
	if err != nil {
		return nil, err
	}
	return hexUint(state.NonceOf(felt.Felt(*p.Contract))), nil
}

func (l *Ledger) getStorageAt(p *struct {
	Contract *hexFelt `json:"contract_address"`
	Key      *hexFelt `json:"key"`
	Block    *blockID `json:"block_id"`
}) (any, *rpcError) {
	state, _, _, err := l.contract(p.Block, p.Contract)
	if err != nil {
		return nil, err
	}
	return hexFelt(state.Slot(cairo.Slot{Contract: felt.Felt(*p.Contract), Key: felt.Felt(*p.Key)})), nil
}

func (l *Ledger) getClassHashAt(p *atContract) (any, *rpcError) {
	_, _, class, err := l.contract(p.Block, p.Contract)
	if err != nil {
		return nil, err
	}
	return hexFelt(class), nil
}

func (l *Ledger) getClassAt(p *atContract) (any, *rpcError) {
	state, _, class, err := l.contract(p.Block, p.Contract)
	if err != nil {
		return nil, err
	}
	return l.sierra(state, class)
}

func (l *Ledger) getClass(p *struct {
	Block *blockID `json:"block_id"`
	Class *hexFelt `json:"class_hash"`
}) (any, *rpcError) {
	state, _, err := l.state(p.Block)
	if err != nil {
		return nil, err
	}
	return l.sierra(state, felt.Felt(*p.Class))
}

// sierra returns the code of a declared class, if it is held.
func (l *Ledger) sierra(state cairo.Reader, hash felt.Felt) (any, *rpcError) {
	class := l.classes[hash]
	if class == nil || class.Sierra == nil || !state.IsDeclared(hash) {
		return nil, fail(chain.ErrClassHashNotFound)
	}
	return json.RawMessage(class.Sierra), nil
}
