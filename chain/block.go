package chain

import (
	"context"
	"encoding/json"
	"math/big"
	"time"
)

// The most that is read of a block or receipt.
const (
	maxBlockTxs     = 1_000_000
	maxReceiptItems = 100_000
	maxReason       = 64 << 10 // bytes of a revert reason that are kept
)

// Block is a block's header with the hashes of its transactions.
type Block struct {
	BlockRef              // zero Hash for the block that is being built
	Parent       Felt     // hash of the block before; zero for the block that is being built
	Finality     Finality // PreConfirmed for the block that is being built
	Time         time.Time
	Version      string // of Starknet, for example "0.14.1"
	Transactions []Felt
}

type rpcBlock struct {
	Status       *Finality       `json:"status"`
	Hash         *rpcFelt        `json:"block_hash"`
	Parent       *rpcFelt        `json:"parent_hash"`
	Number       *uint64         `json:"block_number"`
	Timestamp    *uint64         `json:"timestamp"`
	Version      string          `json:"starknet_version"`
	Transactions json.RawMessage `json:"transactions"`
}

// Block returns a block. It fails with ErrBlockNotFound.
func (c *Client) Block(ctx context.Context, id BlockID) (*Block, error) {
	var w rpcBlock
	if err := c.Do(ctx, "starknet_getBlockWithTxHashes", map[string]any{"block_id": id}, &w); err != nil {
		return nil, err
	}
	b, err := w.block()
	if err != nil {
		return nil, err
	}
	if id.kind == idNumber && b.Number != id.number || id.kind == idHash && b.Hash != id.hash {
		return nil, malformed("block %d instead of %s", b.Number, id)
	}
	return b, nil
}

func (w *rpcBlock) block() (*Block, error) {
	if w.Number == nil || w.Timestamp == nil || *w.Timestamp > 1<<40 || len(w.Version) > 64 {
		return nil, malformed("a block without number or time")
	}
	txs, err := decodeArray[rpcFelt](w.Transactions, maxBlockTxs)
	if err != nil {
		return nil, err
	}
	b := &Block{BlockRef: BlockRef{Number: *w.Number}, Finality: PreConfirmed, Time: time.Unix(int64(*w.Timestamp), 0).UTC(),
		Version: w.Version, Transactions: fromRPC(txs)}
	if w.Status != nil {
		b.Finality = *w.Status
	}
	if b.Finality >= AcceptedOnL2 {
		if w.Hash == nil || w.Parent == nil {
			return nil, malformed("an accepted block without hash or parent")
		}
		b.Hash, b.Parent = Felt(*w.Hash), Felt(*w.Parent)
	}
	return b, nil
}

// TxStatus is what a node knows about a transaction.
type TxStatus struct {
	Finality Finality
	Reverted bool   // meaningful from PreConfirmed on
	Reason   string // of the revert or failure
}

// TransactionStatus returns how far a transaction is. It fails with
// ErrTxHashNotFound if the node does not know it, or a *DroppedError if it was
// rejected.
func (c *Client) TransactionStatus(ctx context.Context, hash Felt) (TxStatus, error) {
	var w struct {
		Finality  json.RawMessage `json:"finality_status"`
		Execution string          `json:"execution_status"`
		Failure   string          `json:"failure_reason"`
	}
	if err := c.Do(ctx, "starknet_getTransactionStatus", map[string]any{"transaction_hash": rpcFelt(hash)}, &w); err != nil {
		return TxStatus{}, err
	}
	w.Failure = clip(w.Failure)
	if string(w.Finality) == `"REJECTED"` { // before RPC 0.9
		return TxStatus{}, &DroppedError{hash, w.Failure}
	}
	s := TxStatus{Reason: w.Failure}
	if err := s.Finality.UnmarshalJSON(w.Finality); err != nil {
		return TxStatus{}, err
	}
	var err error
	if s.Finality >= PreConfirmed {
		s.Reverted, err = reverted(w.Execution)
	}
	return s, err
}

func clip(reason string) string { return reason[:min(len(reason), maxReason)] }

func reverted(status string) (bool, error) {
	switch status {
	case "SUCCEEDED":
		return false, nil
	case "REVERTED":
		return true, nil
	}
	return false, malformed("unknown execution status %q", printable(status))
}

// Receipt is the outcome of a transaction that was executed.
type Receipt struct {
	Hash                    Felt
	Type                    string   // INVOKE, DECLARE, DEPLOY_ACCOUNT, ...
	Fee                     *big.Int // what was paid, in Unit
	Unit                    string   // FRI (10^-18 STRK) or WEI
	Finality                Finality
	Block                   BlockRef // zero while Finality is PreConfirmed
	Reverted                bool
	Reason                  string // of the revert, at most 64 KiB
	Events                  []Event
	Contract                Felt   // what a DEPLOY_ACCOUNT transaction deployed
	L1Gas, L1DataGas, L2Gas uint64 // what was used
}

// Err returns a *RevertError if the transaction reverted.
func (r *Receipt) Err() error {
	if !r.Reverted {
		return nil
	}
	return &RevertError{r.Hash, r.Reason}
}

type rpcReceipt struct {
	Type string   `json:"type"`
	Hash *rpcFelt `json:"transaction_hash"`
	Fee  *struct {
		Amount *rpcU128 `json:"amount"`
		Unit   string   `json:"unit"`
	} `json:"actual_fee"`
	Finality    *Finality       `json:"finality_status"`
	Execution   string          `json:"execution_status"`
	Reason      string          `json:"revert_reason"`
	BlockHash   *rpcFelt        `json:"block_hash"`
	BlockNumber *uint64         `json:"block_number"`
	Events      json.RawMessage `json:"events"`
	Contract    rpcFelt         `json:"contract_address"`
	Resources   *struct {
		L1     uint64 `json:"l1_gas"`
		L1Data uint64 `json:"l1_data_gas"`
		L2     uint64 `json:"l2_gas"`
	} `json:"execution_resources"`
}

// TransactionReceipt returns the outcome of a transaction. It fails with
// ErrTxHashNotFound if it was not executed or is not known. A revert is no error
// here, see Receipt.Err.
func (c *Client) TransactionReceipt(ctx context.Context, hash Felt) (*Receipt, error) {
	var w rpcReceipt
	if err := c.Do(ctx, "starknet_getTransactionReceipt", map[string]any{"transaction_hash": rpcFelt(hash)}, &w); err != nil {
		return nil, err
	}
	r, err := w.receipt()
	if err != nil {
		return nil, err
	}
	if r.Hash != hash {
		return nil, malformed("a receipt of transaction %s instead of %s", r.Hash.String(), hash.String())
	}
	return r, nil
}

func (w *rpcReceipt) receipt() (*Receipt, error) {
	if w.Hash == nil || w.Fee == nil || w.Fee.Amount == nil || w.Finality == nil || w.Resources == nil || len(w.Type) > 32 || len(w.Fee.Unit) > 8 {
		return nil, malformed("a receipt lacks a field")
	}
	r := &Receipt{Hash: Felt(*w.Hash), Type: w.Type, Fee: w.Fee.Amount.v, Unit: w.Fee.Unit, Finality: *w.Finality, Reason: clip(w.Reason),
		Contract: Felt(w.Contract), L1Gas: w.Resources.L1, L1DataGas: w.Resources.L1Data, L2Gas: w.Resources.L2}
	var err error
	if r.Reverted, err = reverted(w.Execution); err != nil {
		return nil, err
	}
	if r.Finality < PreConfirmed {
		return nil, malformed("a receipt of a transaction that is %s", r.Finality)
	}
	if r.Finality >= AcceptedOnL2 {
		if w.BlockHash == nil || w.BlockNumber == nil {
			return nil, malformed("a receipt of an accepted transaction without a block")
		}
		r.Block = BlockRef{*w.BlockNumber, Felt(*w.BlockHash)}
	}
	events, err := decodeArray[rpcEvent](w.Events, maxReceiptItems)
	if err != nil {
		return nil, err
	}
	for i := range events {
		e, err := events[i].event()
		if err != nil {
			return nil, err
		}
		e.Block, e.Tx = r.Block, r.Hash
		r.Events = append(r.Events, e)
	}
	return r, nil
}
