package bitsage

import "github.com/bitsage/bitsage/chain"

// Transaction is what a role has done on the chain.
type Transaction struct {
	Hash   chain.Felt `json:"tx"`     // zero if there was nothing to do
	Block  uint64     `json:"block"`  // in which it is
	Amount Amount     `json:"amount"` // of SAGE that it moved
}

func newTransaction(r *chain.Receipt, amount Amount) Transaction {
	if r == nil {
		return Transaction{}
	}
	return Transaction{r.Hash, r.Block.Number, amount}
}
