package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Event is what a contract emitted.
type Event struct {
	From  Felt // the contract
	Keys  []Felt
	Data  []Felt
	Block BlockRef
	Tx    Felt
	// Cursor is the position after this event in its stream; zero in a receipt.
	Cursor Cursor
}

// Cursor is a position in a stream of events: after so many of its events of a
// block. It belongs to the filter of the stream. It can be stored, also as JSON, and
// handed to Client.Events to go on from there.
type Cursor struct {
	Block uint64
	Hash  Felt   // of the block; zero if it is not known
	Index uint64 // events of the block, of those that match the filter, that were delivered
}

type rpcCursor struct {
	Block *uint64  `json:"block"`
	Hash  *rpcFelt `json:"hash"`
	Index *uint64  `json:"index"`
}

// MarshalJSON writes an object of block, hash and index.
func (c Cursor) MarshalJSON() ([]byte, error) {
	hash := rpcFelt(c.Hash)
	return json.Marshal(rpcCursor{&c.Block, &hash, &c.Index})
}

// UnmarshalJSON is the inverse of MarshalJSON. No field may be missing.
func (c *Cursor) UnmarshalJSON(data []byte) error {
	var w rpcCursor
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.Block == nil || w.Hash == nil || w.Index == nil {
		return errors.New("chain: a cursor has block, hash and index")
	}
	*c = Cursor{*w.Block, Felt(*w.Hash), *w.Index}
	return nil
}

// EventFilter selects events.
type EventFilter struct {
	// Contract is the contract that emitted them; zero is any.
	Contract Felt
	// Keys selects by keys: position i of an event's keys must be one of Keys[i],
	// unless that is empty. The first key is the Selector of the event's name.
	Keys [][]Felt
	// FromBlock is where a stream without cursor begins, for example the block in
	// which the contract was deployed.
	FromBlock uint64
	// Chunk is how many events to ask for at once; 0 means 256.
	Chunk int
}

// maxChunk is what the RPC's nodes commonly allow.
const maxChunk = 1024

func (f EventFilter) matches(e *Event) bool {
	if !f.Contract.IsZero() && e.From != f.Contract {
		return false
	}
	for i, want := range f.Keys {
		if len(want) > 0 && (i >= len(e.Keys) || !slices.Contains(want, e.Keys[i])) {
			return false
		}
	}
	return true
}

type rpcEvent struct {
	From        *rpcFelt  `json:"from_address"`
	Keys        []rpcFelt `json:"keys"`
	Data        []rpcFelt `json:"data"`
	BlockHash   *rpcFelt  `json:"block_hash"`
	BlockNumber *uint64   `json:"block_number"`
	Tx          *rpcFelt  `json:"transaction_hash"`
}

// event converts what an event in a receipt has.
func (w *rpcEvent) event() (Event, error) {
	if w.From == nil {
		return Event{}, malformed("an event without a contract")
	}
	return Event{From: Felt(*w.From), Keys: fromRPC(w.Keys), Data: fromRPC(w.Data)}, nil
}

// emitted converts what an event of starknet_getEvents has in an accepted block.
func (w *rpcEvent) emitted() (Event, error) {
	e, err := w.event()
	if err != nil {
		return Event{}, err
	}
	if w.BlockHash == nil || w.BlockNumber == nil || w.Tx == nil {
		return Event{}, malformed("an event without block or transaction")
	}
	e.Block, e.Tx = BlockRef{*w.BlockNumber, Felt(*w.BlockHash)}, Felt(*w.Tx)
	return e, nil
}

// maxToken is the length of a continuation token.
const maxToken = 4 << 10

// eventPage asks for one page of the events of some blocks, both ends included. next
// is the token of the next page, "" after the last.
func (c *Client) eventPage(ctx context.Context, f EventFilter, from, to uint64, token string) (page []Event, next string, err error) {
	filter := map[string]any{"from_block": AtNumber(from), "to_block": AtNumber(to), "chunk_size": f.Chunk}
	if !f.Contract.IsZero() {
		filter["address"] = rpcFelt(f.Contract)
	}
	if len(f.Keys) > 0 {
		keys := make([][]rpcFelt, len(f.Keys))
		for i, k := range f.Keys {
			keys[i] = rpcFelts(k)
		}
		filter["keys"] = keys
	}
	if token != "" {
		filter["continuation_token"] = token
	}
	var w struct {
		Events json.RawMessage `json:"events"`
		Token  string          `json:"continuation_token"`
	}
	if err := c.Do(ctx, "starknet_getEvents", map[string]any{"filter": filter}, &w); err != nil {
		return nil, "", err
	}
	if len(w.Token) > maxToken {
		return nil, "", malformed("a continuation token of %d bytes", len(w.Token))
	}
	list, err := decodeArray[rpcEvent](w.Events, f.Chunk)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		e, err := list[i].emitted()
		if err != nil {
			return nil, "", err
		}
		if !f.matches(&e) {
			return nil, "", malformed("an event that does not match the filter")
		}
		page = append(page, e)
	}
	return page, w.Token, nil
}

// ReorgError says that the chain was reorganised: events that the stream delivered
// from blocks at From and above are void. The stream goes on with the events of the
// blocks from From on as they are now; some may be the same as before.
type ReorgError struct {
	From uint64
	// Fork is the last block that the stream knows to be common to both chains, the
	// one before From unless it was long ago. It is zero if none is known; then From
	// is EventFilter.FromBlock.
	Fork Cursor
}

// Error implements error.
func (e *ReorgError) Error() string {
	return fmt.Sprintf("chain: reorganisation: events from block %d on are void", e.From)
}
