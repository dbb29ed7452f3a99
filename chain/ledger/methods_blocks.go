package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// blockID names a block: a tag, a number or a hash.
type blockID struct {
	tag    string
	number *uint64
	hash   *hexFelt
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *blockID) UnmarshalJSON(data []byte) error {
	var tag string
	if json.Unmarshal(data, &tag) == nil && slices.Contains([]string{"latest", "pre_confirmed", "l1_accepted"}, tag) {
		*b = blockID{tag: tag}
		return nil
	}
	var named struct {
		Number *uint64  `json:"block_number"`
		Hash   *hexFelt `json:"block_hash"`
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if dec.Decode(&named) != nil || (named.Number == nil) == (named.Hash == nil) {
		return fmt.Errorf("a block is named by block_hash, block_number, or one of latest, pre_confirmed and l1_accepted")
	}
	*b = blockID{number: named.Number, hash: named.Hash}
	return nil
}

// number returns the block's number; the one that is being built has that of the next.
func (l *Ledger) number(id *blockID) (uint64, *rpcError) {
	n := uint64(len(l.headers)) - 1
	switch {
	case id.tag == "latest":
		return n, nil
	case id.tag == "pre_confirmed":
		return n + 1, nil
	case id.number != nil && *id.number <= n:
		return *id.number, nil
	case id.hash != nil:
		if n, ok := l.numbers[felt.Felt(*id.hash)]; ok {
			return n, nil
		}
	}
	return 0, fail(chain.ErrBlockNotFound) // nothing is accepted on L1
}

// state returns the state after a block, and the block that a call on it sees. By the tags
// that is now.
func (l *Ledger) state(id *blockID) (cairo.Reader, cairo.BlockInfo, *rpcError) {
	n, err := l.number(id)
	switch {
	case err != nil:
		return nil, cairo.BlockInfo{}, err
	case id.tag == "pre_confirmed":
		state, info := l.next()
		return state, info, nil
	case id.tag == "latest":
		return l.head(), cairo.BlockInfo{Number: n, Time: l.now()}, nil
	}
	return view{l.archive, n}, cairo.BlockInfo{Number: n, Time: l.headers[n].time}, nil
}

// atBlock are the parameters that name a block.
type atBlock struct {
	Block *blockID `json:"block_id"`
}

func (l *Ledger) blockHashAndNumber(*struct{}) (any, *rpcError) {
	n := l.head().block
	return map[string]any{"block_hash": hexFelt(l.headers[n].hash), "block_number": n}, nil
}

type gasPrices struct {
	FRI string `json:"price_in_fri"`
	WEI string `json:"price_in_wei"`
}

// rpcHeader is a block as the RPC has it, but for the transactions.
type rpcHeader struct {
	Status      string    `json:"status,omitempty"`
	Hash        *hexFelt  `json:"block_hash,omitempty"`
	Parent      *hexFelt  `json:"parent_hash,omitempty"`
	Number      uint64    `json:"block_number"`
	Root        *hexFelt  `json:"new_root,omitempty"`
	Sequencer   hexFelt   `json:"sequencer_address"`
	Time        uint64    `json:"timestamp"`
	Version     string    `json:"starknet_version"`
	L1Gas       gasPrices `json:"l1_gas_price"`
	L2Gas       gasPrices `json:"l2_gas_price"`
	L1DataGas   gasPrices `json:"l1_data_gas_price"`
	DAMode      string    `json:"l1_da_mode"`
	Transaction []any     `json:"transactions"`
}

func (l *Ledger) rpcHeader(number uint64) (rpcHeader, []executed, *rpcError) {
	price := gasPrices{fmt.Sprintf("%#x", gasPrice), fmt.Sprintf("%#x", gasPrice)}
	h := rpcHeader{Number: number, Sequencer: hexFelt(sequencer()), Version: starknetVersion,
		L1Gas: price, L2Gas: price, L1DataGas: price, DAMode: "BLOB", Transaction: []any{}}
	if number == uint64(len(l.headers)) {
		_, info := l.next()
		h.Time = info.Time
		if l.pending == nil {
			return h, nil, nil
		}
		return h, l.pending.txs, nil
	}
	b, err := l.block(number)
	if err != nil {
		return h, nil, internal(err)
	}
	hash := hexFelt(b.hash)
	h.Status, h.Hash, h.Parent, h.Root, h.Time = "ACCEPTED_ON_L2", &hash, &b.Parent, new(hexFelt), b.Time
	return h, b.Txs, nil
}

// blockWith answers a block with its transactions in one of three forms.
func blockWith(form func(executed, string) any) func(*Ledger, *atBlock) (any, *rpcError) {
	return func(l *Ledger, p *atBlock) (any, *rpcError) {
		n, err := l.number(p.Block)
		if err != nil {
			return nil, err
		}
		h, txs, err := l.rpcHeader(n)
		for _, tx := range txs {
			h.Transaction = append(h.Transaction, form(tx, l.finality(n)))
		}
		return h, err
	}
}

func (l *Ledger) transactionCount(p *atBlock) (any, *rpcError) {
	n, err := l.number(p.Block)
	if err != nil {
		return nil, err
	}
	_, txs, err := l.rpcHeader(n)
	return len(txs), err
}

func (l *Ledger) stateUpdate(p *atBlock) (any, *rpcError) {
	n, err := l.number(p.Block)
	if err != nil {
		return nil, err
	}
	if n == uint64(len(l.headers)) {
		d := cairo.NewDiff()
		if l.pending != nil {
			d = l.pending.state.Changes()
		}
		return map[string]any{"old_root": hexFelt{}, "state_diff": rpcDiff(d)}, nil
	}
	b, failure := l.block(n)
	if failure != nil {
		return nil, internal(failure)
	}
	return map[string]any{"block_hash": hexFelt(b.hash), "new_root": hexFelt{}, "old_root": hexFelt{}, "state_diff": b.Changes}, nil
}
