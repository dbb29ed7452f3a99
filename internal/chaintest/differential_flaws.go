package chaintest

import (
	"context"
	"math/big"

	"github.com/bitsage/bitsage/chain"
)

// flaw is what is wrong with a transaction that its account or the chain must refuse,
// whatever it calls.
type flaw int

const (
	flawless flaw = iota
	otherSignature
	longSignature
	usedNonce
	laterNonce
	otherChain
	littleGas
	noGas
	lowPrice
	highPrice
	shortCalldata
	longCalldata
	otherSender
	flaws
)

// String says what is wrong.
func (f flaw) String() string {
	return [...]string{"nothing wrong", "a signature of another", "a signature of three felts", "a used nonce", "a later nonce",
		"a signature for another chain", "too little gas", "no gas", "too low a price", "more gas than the balance", "calldata that ends early",
		"calldata that goes on", "a sender that is not there"}[f]
}

// sendFlawed sends the calls of a step in a flawed transaction.
func (w *twin) sendFlawed(ctx context.Context, s step) (chain.Felt, error) {
	calldata, err := chain.Multicall(s.calls...)
	if err != nil {
		return chain.Felt{}, err
	}
	sender, signer := w.signers[s.by].Address(), w.signers[s.by]
	nonce, err := w.Client.Nonce(ctx, sender, chain.AtPreConfirmed())
	if err != nil {
		return chain.Felt{}, err
	}
	id, err := w.Client.ChainID(ctx)
	if err != nil {
		return chain.Felt{}, err
	}
	bounds := *w.Fees.Fixed
	switch s.flaw {
	case otherSignature:
		signer = w.signers[(s.by+1)%len(w.signers)]
	case usedNonce:
		nonce--
	case laterNonce:
		nonce++
	case otherChain:
		id = "SN_OTHER"
	case littleGas:
		bounds.L2Gas.Amount = 1_000
	case noGas:
		bounds.L2Gas.Amount = 0
	case lowPrice:
		bounds.L2Gas.Price = big.NewInt(1)
	case highPrice:
		bounds.L2Gas.Price = new(big.Int).Lsh(big.NewInt(1), 100)
	case shortCalldata:
		calldata = calldata[:len(calldata)-1]
	case longCalldata:
		calldata = append(calldata, chain.Uint(1))
	case otherSender:
		sender.SetUint64(s.time)
		nonce = 0
	}
	tx := &chain.InvokeTx{Envelope: chain.Envelope{Nonce: nonce, Bounds: bounds}, From: sender, Calldata: calldata}
	if _, err := chain.SignTransaction(ctx, tx, text(id), signer); err != nil {
		return chain.Felt{}, err
	}
	if s.flaw == longSignature {
		tx.Signature = append(tx.Signature, tx.Signature[0])
	}
	return w.Client.Add(ctx, tx)
}
