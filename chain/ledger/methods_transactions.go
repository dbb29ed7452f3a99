package ledger

import (
	"strconv"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
)

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

func (l *Ledger) finality(block uint64) string {
	if block == uint64(len(l.headers)) {
		return chain.PreConfirmed.String()
	}
	return chain.AcceptedOnL2.String()
}

func onlyHash(tx executed, _ string) any { return tx.Hash }

func withTransaction(tx executed, _ string) any {
	return splice(tx.Transaction, `"transaction_hash":"`+felt.Felt(tx.Hash).String()+`",`)
}

func withReceipt(tx executed, finality string) any {
	return map[string]any{"transaction": tx.Transaction, "receipt": splice(encode(tx.Receipt), `"finality_status":"`+finality+`",`)}
}

type byHash struct {
	Hash *hexFelt `json:"transaction_hash"`
}

// find returns a transaction and the number of its block.
func (l *Ledger) find(hash felt.Felt) (executed, uint64, *rpcError) {
	at, ok := l.index[hash]
	if !ok {
		return executed{}, 0, fail(chain.ErrTxHashNotFound)
	}
	_, txs, err := l.rpcHeader(at.block)
	if err != nil {
		return executed{}, 0, err
	}
	return txs[at.index], at.block, nil
}

func (l *Ledger) transactionByHash(p *byHash) (any, *rpcError) {
	tx, _, err := l.find(felt.Felt(*p.Hash))
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
	_, txs, err := l.rpcHeader(n)
	if err != nil {
		return nil, err
	}
	if *p.Index >= uint64(len(txs)) {
		return nil, fail(chain.ErrInvalidTxIndex)
	}
	return withTransaction(txs[*p.Index], ""), nil
}

func (l *Ledger) transactionReceipt(p *byHash) (any, *rpcError) {
	tx, n, err := l.find(felt.Felt(*p.Hash))
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
	tx, n, err := l.find(felt.Felt(*p.Hash))
	if err != nil {
		return nil, err
	}
	out := map[string]any{"finality_status": l.finality(n), "execution_status": tx.Receipt.Status}
	if tx.Receipt.Reason != "" {
		out["failure_reason"] = tx.Receipt.Reason
	}
	return out, nil
}
