package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/chain"
)

// SpecVersion is the version of the RPC that a ledger speaks.
const SpecVersion = "0.9.0"

// starknetVersion is what blocks say of the protocol.
const starknetVersion = "0.14.1"

// rpcMethods are the methods of the RPC that the ledger has.
var rpcMethods = map[string]rpcMethod{
	"starknet_specVersion":        reading(func(*Ledger, *struct{}) (any, *rpcError) { return SpecVersion, nil }),
	"starknet_chainId":            reading(func(l *Ledger, _ *struct{}) (any, *rpcError) { return hexFelt(l.chainID), nil }),
	"starknet_syncing":            reading(func(*Ledger, *struct{}) (any, *rpcError) { return false, nil }),
	"starknet_blockNumber":        reading(func(l *Ledger, _ *struct{}) (any, *rpcError) { return l.head().block, nil }),
	"starknet_blockHashAndNumber": reading((*Ledger).blockHashAndNumber),

	"starknet_getBlockWithTxHashes":     reading(blockWith(onlyHash)),
	"starknet_getBlockWithTxs":          reading(blockWith(withTransaction)),
	"starknet_getBlockWithReceipts":     reading(blockWith(withReceipt)),
	"starknet_getBlockTransactionCount": reading((*Ledger).transactionCount),
	"starknet_getStateUpdate":           reading((*Ledger).stateUpdate),

	"starknet_getTransactionByHash":            reading((*Ledger).transactionByHash),
	"starknet_getTransactionByBlockIdAndIndex": reading((*Ledger).transactionByIndex),
	"starknet_getTransactionReceipt":           reading((*Ledger).transactionReceipt),
	"starknet_getTransactionStatus":            reading((*Ledger).transactionStatus),

	"starknet_getNonce":       reading((*Ledger).getNonce),
	"starknet_getStorageAt":   reading((*Ledger).getStorageAt),
	"starknet_getClassHashAt": reading((*Ledger).getClassHashAt),
	"starknet_getClassAt":     reading((*Ledger).getClassAt),
	"starknet_getClass":       reading((*Ledger).getClass),
	"starknet_call":           reading((*Ledger).call),
	"starknet_estimateFee":    reading((*Ledger).estimateFee),
	"starknet_getEvents":      reading((*Ledger).getEvents),

	"devnet_getConfig": reading((*Ledger).config),

	"starknet_addInvokeTransaction": changing(func(l *Ledger, p *struct {
		Tx *chain.InvokeTx `json:"invoke_transaction"`
	}) (any, *rpcError) {
		return l.added(p.Tx)
	}),
	"starknet_addDeclareTransaction": changing(func(l *Ledger, p *struct {
		Tx *chain.DeclareTx `json:"declare_transaction"`
	}) (any, *rpcError) {
		return l.added(p.Tx)
	}),
	"starknet_addDeployAccountTransaction": changing(func(l *Ledger, p *struct {
		Tx *chain.DeployAccountTx `json:"deploy_account_transaction"`
	}) (any, *rpcError) {
		return l.added(p.Tx)
	}),
}

// config answers by what tools recognise a chain that is nobody's but its user's.
func (l *Ledger) config(*struct{}) (any, *rpcError) {
	generation := "transaction"
	if l.onDemand {
		generation = "demand"
	}
	return map[string]any{"chain_id": hexFelt(l.chainID), "block_generation_on": generation}, nil
}

// added includes a transaction and returns what the RPC answers.
func (l *Ledger) added(tx chain.Transaction) (any, *rpcError) {
	s, err := l.prepare(tx)
	if err != nil {
		return nil, err
	}
	if err := l.add(s); err != nil {
		return nil, err
	}
	answer := map[string]hexFelt{"transaction_hash": hexFelt(s.hash)}
	switch tx.(type) {
	case *chain.DeclareTx:
		answer["class_hash"] = hexFelt(s.class)
	case *chain.DeployAccountTx:
		answer["contract_address"] = hexFelt(tx.Sender())
	}
	return answer, nil
}

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
		if n, ok := l.numbers[Felt(*id.hash)]; ok {
			return n, nil
		}
	}
	return 0, fail(chain.ErrBlockNotFound) // nothing is accepted on L1
}

// state returns the state after a block, and the block that a call on it sees. By the tags
// that is now.
func (l *Ledger) state(id *blockID) (reader, blockInfo, *rpcError) {
	n, err := l.number(id)
	switch {
	case err != nil:
		return nil, blockInfo{}, err
	case id.tag == "pre_confirmed":
		state, info := l.next()
		return state, info, nil
	case id.tag == "latest":
		return l.head(), blockInfo{n, l.now()}, nil
	}
	return view{l.archive, n}, blockInfo{n, l.headers[n].time}, nil
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

// wireHeader is a block as the RPC has it, but for the transactions.
type wireHeader struct {
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

func (l *Ledger) wireHeader(number uint64) (wireHeader, []executed, *rpcError) {
	price := gasPrices{fmt.Sprintf("%#x", gasPrice), fmt.Sprintf("%#x", gasPrice)}
	h := wireHeader{Number: number, Sequencer: hexFelt(sequencer), Version: starknetVersion,
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
		h, txs, err := l.wireHeader(n)
		for _, tx := range txs {
			h.Transaction = append(h.Transaction, form(tx, l.finality(n)))
		}
		return h, err
	}
}

func (l *Ledger) finality(block uint64) string {
	if block == uint64(len(l.headers)) {
		return chain.PreConfirmed.String()
	}
	return chain.AcceptedOnL2.String()
}

func onlyHash(tx executed, _ string) any { return tx.Hash }

func withTransaction(tx executed, _ string) any {
	return splice(tx.Transaction, `"transaction_hash":"`+Felt(tx.Hash).String()+`",`)
}

func withReceipt(tx executed, finality string) any {
	return map[string]any{"transaction": tx.Transaction, "receipt": splice(encode(tx.Receipt), `"finality_status":"`+finality+`",`)}
}

func (l *Ledger) transactionCount(p *atBlock) (any, *rpcError) {
	n, err := l.number(p.Block)
	if err != nil {
		return nil, err
	}
	_, txs, err := l.wireHeader(n)
	return len(txs), err
}

func (l *Ledger) stateUpdate(p *atBlock) (any, *rpcError) {
	n, err := l.number(p.Block)
	if err != nil {
		return nil, err
	}
	if n == uint64(len(l.headers)) {
		d := newDiff()
		if l.pending != nil {
			d = l.pending.state.changes()
		}
		return map[string]any{"old_root": hexFelt{}, "state_diff": d.wire()}, nil
	}
	b, failure := l.block(n)
	if failure != nil {
		return nil, internal(failure)
	}
	return map[string]any{"block_hash": hexFelt(b.hash), "new_root": hexFelt{}, "old_root": hexFelt{}, "state_diff": b.Changes}, nil
}

type byHash struct {
	Hash *hexFelt `json:"transaction_hash"`
}

// find returns a transaction and the number of its block.
func (l *Ledger) find(hash Felt) (executed, uint64, *rpcError) {
	at, ok := l.index[hash]
	if !ok {
		return executed{}, 0, fail(chain.ErrTxHashNotFound)
	}
	_, txs, err := l.wireHeader(at.block)
	if err != nil {
		return executed{}, 0, err
	}
	return txs[at.index], at.block, nil
}

func (l *Ledger) transactionByHash(p *byHash) (any, *rpcError) {
	tx, _, err := l.find(Felt(*p.Hash))
	if err != nil {
		return nil, err
	}
	return withTransaction(tx, ""), nil
}

func (l *Ledger) transactionByIndex(p *struct {
	Block *blockID `json:"block_id"`
	Index *uint64  `json:"index"`
}) (any, *rpcError) {
	n, err := l.number(p.Block)
	if err != nil {
		return nil, err
	}
	_, txs, err := l.wireHeader(n)
	if err != nil {
		return nil, err
	}
	if *p.Index >= uint64(len(txs)) {
		return nil, fail(chain.ErrInvalidTxIndex)
	}
	return withTransaction(txs[*p.Index], ""), nil
}

func (l *Ledger) transactionReceipt(p *byHash) (any, *rpcError) {
	tx, n, err := l.find(Felt(*p.Hash))
	if err != nil {
		return nil, err
	}
	block := `"block_number":` + strconv.FormatUint(n, 10) + `,`
	if n < uint64(len(l.headers)) {
		block += `"block_hash":"` + l.headers[n].hash.String() + `",`
	}
	return splice(encode(tx.Receipt), `"finality_status":"`+l.finality(n)+`",`, block), nil
}

func (l *Ledger) transactionStatus(p *byHash) (any, *rpcError) {
	tx, n, err := l.find(Felt(*p.Hash))
	if err != nil {
		return nil, err
	}
	out := map[string]any{"finality_status": l.finality(n), "execution_status": tx.Receipt.Status}
	if tx.Receipt.Reason != "" {
		out["failure_reason"] = tx.Receipt.Reason
	}
	return out, nil
}

type atContract struct {
	Block    *blockID `json:"block_id"`
	Contract *hexFelt `json:"contract_address"`
}

// contract returns a state and the class of a contract in it.
func (l *Ledger) contract(id *blockID, at *hexFelt) (reader, blockInfo, Felt, *rpcError) {
	state, block, err := l.state(id)
	if err != nil {
		return nil, block, Felt{}, err
	}
	class := state.class(Felt(*at))
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
	return hexUint(state.nonce(Felt(*p.Contract))), nil
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
	return hexFelt(state.slot(slot{Felt(*p.Contract), Felt(*p.Key)})), nil
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
	return l.sierra(state, Felt(*p.Class))
}

// sierra returns the code of a declared class, if it is held.
func (l *Ledger) sierra(state reader, hash Felt) (any, *rpcError) {
	class := l.classes[hash]
	if class == nil || class.sierra == nil || !state.declared(hash) {
		return nil, fail(chain.ErrClassHashNotFound)
	}
	return json.RawMessage(class.sierra), nil
}

func (l *Ledger) call(p *struct {
	Request *struct {
		Contract *hexFelt  `json:"contract_address"`
		Selector *hexFelt  `json:"entry_point_selector"`
		Calldata []hexFelt `json:"calldata"`
	} `json:"request"`
	Block *blockID `json:"block_id"`
}) (any, *rpcError) {
	q := p.Request
	if q.Contract == nil || q.Selector == nil || len(q.Calldata) > chain.MaxCalldata {
		return nil, failData(chain.ErrInvalidParams, "a call has contract_address, entry_point_selector and at most 5000 felts of calldata")
	}
	state, block, class, err := l.contract(p.Block, q.Contract)
	if err != nil {
		return nil, err
	}
	if _, ok := l.classes[class].functions[Felt(*q.Selector)]; !ok {
		return nil, fail(chain.ErrEntrypointNotFound)
	}
	r := &run{classes: l.classes, state: newOverlay(state), block: block, chainID: l.chainID}
	var out []Felt
	if failure := r.protect(func() { out = r.call(Felt{}, Felt(*q.Contract), Felt(*q.Selector), fromHex(q.Calldata)) }); failure != nil {
		return nil, failData(chain.ErrContract, failure.callError(r.stack))
	}
	return hexFelts(out), nil
}

// maxEstimates is how many transactions can be estimated in one request.
const maxEstimates = 100

// estimateFee executes transactions one after the other, without including them.
func (l *Ledger) estimateFee(p *struct {
	Request []json.RawMessage `json:"request"`
	Flags   []string          `json:"simulation_flags"`
	Block   *blockID          `json:"block_id"`
}) (any, *rpcError) {
	if len(p.Request) > maxEstimates {
		return nil, failData(chain.ErrInvalidParams, fmt.Sprintf("at most %d transactions are estimated at once", maxEstimates))
	}
	m := mode{estimate: true}
	for _, flag := range p.Flags {
		if flag != "SKIP_VALIDATE" {
			return nil, failData(chain.ErrInvalidParams, "the only flag is SKIP_VALIDATE")
		}
		m.skipValidate = true
	}
	base, block, err := l.state(p.Block)
	if err != nil {
		return nil, err
	}
	state, out := newOverlay(base), []wireEstimate{}
	for i, raw := range p.Request {
		o, err := l.estimate(state, block, raw, m)
		if err != nil {
			return nil, err
		}
		if o.failure != nil {
			return nil, executionError(i, o.failure)
		}
		state.merge(o.diff)
		g := o.receipt.Resources
		price := hexUint(gasPrice)
		out = append(out, wireEstimate{hexUint(g.L1), price, hexUint(g.L2), price, hexUint(g.L1Data), price, o.receipt.Fee.Amount, "FRI"})
	}
	return out, nil
}

type wireEstimate struct {
	L1Gas       hexBig `json:"l1_gas_consumed"`
	L1Price     hexBig `json:"l1_gas_price"`
	L2Gas       hexBig `json:"l2_gas_consumed"`
	L2Price     hexBig `json:"l2_gas_price"`
	L1DataGas   hexBig `json:"l1_data_gas_consumed"`
	L1DataPrice hexBig `json:"l1_data_gas_price"`
	Fee         hexBig `json:"overall_fee"`
	Unit        string `json:"unit"`
}

func executionError(index int, data any) *rpcError {
	return failData(chain.ErrExecution, map[string]any{"transaction_index": index, "execution_error": data})
}

// estimate executes one transaction of an estimate.
func (l *Ledger) estimate(state reader, block blockInfo, raw json.RawMessage, m mode) (*effect, *rpcError) {
	tx, err := parseTransaction(raw)
	if err != nil {
		return nil, &rpcError{Code: chain.ErrInvalidParams, Message: err.Error()}
	}
	prepared, refused := l.prepare(tx)
	if refused != nil {
		return nil, refused
	}
	o, refused := l.execute(state, block, prepared, m)
	if refused == nil {
		return o, nil
	}
	switch refused.Code {
	case chain.ErrNonce:
		return nil, executionError(0, "Account transaction nonce is invalid.")
	case chain.ErrValidation:
		return nil, executionError(0, fmt.Sprintf("%s: %v", refused.Message, refused.Data))
	}
	return nil, refused
}

func parseTransaction(raw json.RawMessage) (chain.Transaction, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	var tx chain.Transaction
	switch head.Type {
	case "INVOKE":
		tx = new(chain.InvokeTx)
	case "DECLARE":
		tx = new(chain.DeclareTx)
	case "DEPLOY_ACCOUNT":
		tx = new(chain.DeployAccountTx)
	default:
		return nil, fmt.Errorf("unknown type of transaction")
	}
	return tx, json.Unmarshal(raw, tx)
}

// The limits of a query of events.
const (
	maxChunk = 1024
	maxKeys  = 256
	// maxScan is how many blocks are looked at for one page; then the page ends early.
	maxScan = 4096
)

// eventFilter is what selects events.
type eventFilter struct {
	From    *blockID        `json:"from_block"`
	To      *blockID        `json:"to_block"`
	Address json.RawMessage `json:"address"`
	Keys    [][]hexFelt     `json:"keys"`
	Chunk   *uint64         `json:"chunk_size"`
	Token   *string         `json:"continuation_token"`
}

type emitted struct {
	wireEvent
	BlockHash *hexFelt `json:"block_hash,omitempty"`
	Block     *uint64  `json:"block_number,omitempty"`
	Tx        hexFelt  `json:"transaction_hash"`
}

func (l *Ledger) getEvents(p *struct {
	Filter *eventFilter `json:"filter"`
}) (any, *rpcError) {
	f := p.Filter
	if f.Chunk == nil || *f.Chunk == 0 {
		return nil, failData(chain.ErrInvalidParams, "chunk_size is at least 1")
	}
	if *f.Chunk > maxChunk {
		return nil, fail(chain.ErrPageTooBig)
	}
	keys := 0
	for _, k := range f.Keys {
		keys += 1 + len(k)
	}
	if keys > maxKeys {
		return nil, fail(chain.ErrTooManyKeys)
	}
	contracts, err := f.contracts()
	if err != nil {
		return nil, err
	}
	from, to, skip, err := l.eventRange(f)
	if err != nil {
		return nil, err
	}
	return l.scan(f, contracts, from, to, skip)
}

// contracts are those whose events are wanted; none are all.
func (f *eventFilter) contracts() ([]hexFelt, *rpcError) {
	if len(f.Address) == 0 || bytes.Equal(f.Address, null) {
		return nil, nil
	}
	list := []hexFelt{{}}
	var err error
	if f.Address[0] == '[' {
		err = json.Unmarshal(f.Address, &list)
	} else {
		err = json.Unmarshal(f.Address, &list[0])
	}
	if err != nil || len(list) > maxKeys {
		return nil, failData(chain.ErrInvalidParams, "address is a felt or a list of felts")
	}
	return list, nil
}

// eventRange returns the blocks to look at, both ends included, and how many of the
// matching events of the first to leave out. A token is "block-events", where to go on.
func (l *Ledger) eventRange(f *eventFilter) (from, to, skip uint64, err *rpcError) {
	if f.From != nil {
		if from, err = l.number(f.From); err != nil {
			return 0, 0, 0, err
		}
	}
	to = uint64(len(l.headers)) - 1
	if f.To != nil {
		if to, err = l.number(f.To); err != nil {
			return 0, 0, 0, err
		}
	}
	if f.Token != nil {
		block, events, ok := strings.Cut(*f.Token, "-")
		n, bad := strconv.ParseUint(block, 10, 64)
		k, worse := strconv.ParseUint(events, 10, 64)
		if !ok || bad != nil || worse != nil || n < from || n > to {
			return 0, 0, 0, fail(chain.ErrContinuationToken)
		}
		from, skip = n, k
	}
	return from, to, skip, nil
}

// scan collects a page of events.
func (l *Ledger) scan(f *eventFilter, contracts []hexFelt, from, to, skip uint64) (any, *rpcError) {
	page := struct {
		Events []emitted `json:"events"`
		Token  string    `json:"continuation_token,omitempty"`
	}{Events: []emitted{}}
	scanned := 0
	for n := from; n <= to; n, skip = n+1, 0 {
		if next := l.emitted(contracts, n); next > n {
			n, skip = next, 0
		}
		if n > to {
			break
		}
		if scanned++; scanned > maxScan {
			page.Token = fmt.Sprintf("%d-0", n)
			break
		}
		h, txs, err := l.wireHeader(n)
		if err != nil {
			return nil, err
		}
		seen := uint64(0)
		for _, tx := range txs {
			for _, e := range tx.Receipt.Events {
				if !f.matches(contracts, e) {
					continue
				}
				if seen++; seen <= skip {
					continue
				}
				if uint64(len(page.Events)) == *f.Chunk {
					page.Token = fmt.Sprintf("%d-%d", n, seen-1)
					return page, nil
				}
				out := emitted{wireEvent: e, BlockHash: h.Hash, Tx: tx.Hash}
				if h.Hash != nil {
					out.Block = &h.Number
				}
				page.Events = append(page.Events, out)
			}
		}
	}
	return page, nil
}

// emitted returns the first block from n on in which one of the contracts emitted something;
// the one that is being built always may.
func (l *Ledger) emitted(contracts []hexFelt, n uint64) uint64 {
	if len(contracts) == 0 {
		return n
	}
	first := uint64(len(l.headers))
	for _, c := range contracts {
		blocks := l.emitters[Felt(c)]
		if i, _ := slices.BinarySearch(blocks, n); i < len(blocks) {
			first = min(first, blocks[i])
		}
	}
	return first
}

func (f *eventFilter) matches(contracts []hexFelt, e wireEvent) bool {
	if len(contracts) > 0 && !slices.Contains(contracts, e.From) {
		return false
	}
	for i, want := range f.Keys {
		if len(want) > 0 && (i >= len(e.Keys) || !slices.Contains(want, e.Keys[i])) {
			return false
		}
	}
	return true
}
