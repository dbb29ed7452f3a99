package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// blockRecord is a block as it is stored.
type blockRecord struct {
	Number  uint64     `json:"number"`
	Time    uint64     `json:"time"`
	Parent  hexFelt    `json:"parent"`
	Txs     []executed `json:"transactions"`
	Changes stateDiff  `json:"state_diff"`

	hash felt.Felt
}

// executed is a transaction with its outcome.
type executed struct {
	Hash        hexFelt         `json:"hash"`
	Transaction json.RawMessage `json:"transaction"` // as the RPC has it, without the hash
	Receipt     rpcReceipt      `json:"receipt"`
}

// rpcReceipt is the RPC's, without what the block tells.
type rpcReceipt struct {
	Type      string     `json:"type"`
	Hash      hexFelt    `json:"transaction_hash"`
	Fee       feePayment `json:"actual_fee"`
	Messages  []struct{} `json:"messages_sent"`
	Events    []rpcEvent `json:"events"`
	Status    string     `json:"execution_status"`
	Reason    string     `json:"revert_reason,omitempty"`
	Resources gasUsed    `json:"execution_resources"`
	Contract  *hexFelt   `json:"contract_address,omitempty"`
}

type feePayment struct {
	Unit   string `json:"unit"`
	Amount hexBig `json:"amount"`
}

type gasUsed struct {
	L1     uint64 `json:"l1_gas"`
	L1Data uint64 `json:"l1_data_gas"`
	L2     uint64 `json:"l2_gas"`
}

type rpcEvent struct {
	From hexFelt   `json:"from_address"`
	Keys []hexFelt `json:"keys"`
	Data []hexFelt `json:"data"`
}

// stateDiff is a diff as the RPC has it, in ascending order of addresses and keys.
type stateDiff struct {
	Storage    []storageDiff      `json:"storage_diffs"`
	Deprecated []struct{}         `json:"deprecated_declared_classes"`
	Declared   []declaredClass    `json:"declared_classes"`
	Deployed   []deployedContract `json:"deployed_contracts"`
	Replaced   []struct{}         `json:"replaced_classes"`
	Nonces     []nonceUpdate      `json:"nonces"`
}

type storageDiff struct {
	Address hexFelt        `json:"address"`
	Entries []storageEntry `json:"storage_entries"`
}

type storageEntry struct {
	Key   hexFelt `json:"key"`
	Value hexFelt `json:"value"`
}

type declaredClass struct {
	Class    hexFelt `json:"class_hash"`
	Compiled hexFelt `json:"compiled_class_hash"`
}

type deployedContract struct {
	Address hexFelt `json:"address"`
	Class   hexFelt `json:"class_hash"`
}

type nonceUpdate struct {
	Contract hexFelt `json:"contract_address"`
	Nonce    hexBig  `json:"nonce"`
}

// rpcDiff converts a diff.
func rpcDiff(d cairo.Diff) stateDiff {
	w := stateDiff{[]storageDiff{}, []struct{}{}, []declaredClass{}, []deployedContract{}, []struct{}{}, []nonceUpdate{}}
	for _, s := range sortedSlots(d.Storage) {
		if n := len(w.Storage); n == 0 || felt.Felt(w.Storage[n-1].Address) != s.Contract {
			w.Storage = append(w.Storage, storageDiff{Address: hexFelt(s.Contract)})
		}
		last := &w.Storage[len(w.Storage)-1]
		last.Entries = append(last.Entries, storageEntry{hexFelt(s.Key), hexFelt(d.Storage[s])})
	}
	for _, class := range sorted(d.Declared) {
		w.Declared = append(w.Declared, declaredClass{hexFelt(class), hexFelt(d.Declared[class])})
	}
	for _, contract := range sorted(d.Deployed) {
		w.Deployed = append(w.Deployed, deployedContract{hexFelt(contract), hexFelt(d.Deployed[contract])})
	}
	for _, contract := range sorted(d.Nonces) {
		w.Nonces = append(w.Nonces, nonceUpdate{hexFelt(contract), hexUint(d.Nonces[contract])})
	}
	return w
}

// diff is the inverse of rpcDiff.
func (w stateDiff) diff() cairo.Diff {
	d := cairo.NewDiff()
	for _, s := range w.Storage {
		for _, e := range s.Entries {
			d.Storage[cairo.Slot{Contract: felt.Felt(s.Address), Key: felt.Felt(e.Key)}] = felt.Felt(e.Value)
		}
	}
	for _, c := range w.Declared {
		d.Declared[felt.Felt(c.Class)] = felt.Felt(c.Compiled)
	}
	for _, c := range w.Deployed {
		d.Deployed[felt.Felt(c.Address)] = felt.Felt(c.Class)
	}
	for _, n := range w.Nonces {
		d.Nonces[felt.Felt(n.Contract)] = n.Nonce.v.Uint64()
	}
	return d
}

// encode writes the record, after its hash, which it sets.
func (r *blockRecord) encode(chainID felt.Felt) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	r.seal(chainID, body)
	hash := r.hash.Bytes()
	return append(hash[:], body...), nil
}

// seal sets the hash of a block: the Poseidon hash of BITSAGE_LEDGER_BLOCK0, the chain, the
// number, the time, the hash of the parent and the keccak of the record.
func (r *blockRecord) seal(chainID felt.Felt, body []byte) {
	r.hash = poseidon.HashMany(cairo.ShortString("BITSAGE_LEDGER_BLOCK0"), chainID, chain.Uint(r.Number), chain.Uint(r.Time), felt.Felt(r.Parent), chain.Keccak(body))
}

// ErrCorrupt means that a file is no ledger's, or damaged.
var ErrCorrupt = errors.New("ledger: the file is damaged")

// decodeBlock is the inverse of encode. It fails with ErrCorrupt.
func decodeBlock(chainID felt.Felt, data []byte) (*blockRecord, error) {
	if len(data) < felt.Size {
		return nil, fmt.Errorf("%w: a block of %d bytes", ErrCorrupt, len(data))
	}
	r := new(blockRecord)
	if err := json.Unmarshal(data[felt.Size:], r); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	r.seal(chainID, data[felt.Size:])
	if hash := r.hash.Bytes(); !bytes.Equal(hash[:], data[:felt.Size]) {
		return nil, fmt.Errorf("%w: block %d has another hash", ErrCorrupt, r.Number)
	}
	return r, nil
}
