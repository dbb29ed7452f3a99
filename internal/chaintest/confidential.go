package chaintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
)

// The amounts are such that no other number on the chain can be one of them by
// chance.
const (
	hiddenDeposit  = elgamal.Amount(87_654_321)
	hiddenFee      = elgamal.Amount(31_415_927)
	ownDeposit     = elgamal.Amount(40_000_001)
	publicWithdraw = elgamal.Amount(35_000_000)
)

// confidentiality pays for a job and then looks for its fee, and for what it left in
// either balance, in everything that the chain shows: every transaction's calldata,
// every event and every changed slot of storage.
//
// Deposits and withdrawals are public by design. The worker has money of its own and
// withdraws another amount than its fee.
func confidentiality(t *testing.T, w *world) {
	client, worker := w.newClient(t, "client", hiddenDeposit), w.newWorker(t, "worker", sage(1_000), year)
	deposit := w.head(t)
	w.owner.pays(t, worker, must(w.rate.BaseUnits(ownDeposit))(t))
	worker.deposit(t, ownDeposit)
	committee := w.newCommittee(t)
	from := w.head(t) + 1

	j := w.submit(t, client, worker, hiddenFee)
	j.accept(t)
	j.prove(t)
	j.certify(t, valid, committee[:3]...)
	w.owner.do(t, j.finalizeCall())
	w.owner.do(t, j.releaseCall(t))
	worker.do(t, worker.rolloverCall(t))
	refunded := w.submit(t, client, worker, hiddenFee-1)
	client.do(t, refunded.cancelCall())
	client.do(t, client.rolloverCall(t))
	worker.do(t, worker.withdrawCall(t, publicWithdraw, worker))
	client.do(t, client.transferCall(t, worker, hiddenFee-2))
	equal(t, "worker's balance", worker.balance(t), ownDeposit+hiddenFee-publicWithdraw)

	seen := make(map[chain.Felt]string)
	for n := from; n <= w.head(t); n++ {
		w.scan(t, n, seen)
	}
	for name, units := range map[string]elgamal.Amount{
		"the fee": hiddenFee, "the refunded fee": hiddenFee - 1, "the transfer": hiddenFee - 2,
		"the client's balance":            hiddenDeposit - hiddenFee,
		"the client's balance in between": hiddenDeposit - hiddenFee - (hiddenFee - 1),
		"the client's balance at the end": hiddenDeposit - hiddenFee - (hiddenFee - 2),
		"the worker's balance":            ownDeposit + hiddenFee,
		"the worker's balance at the end": ownDeposit + hiddenFee - publicWithdraw,
	} {
		for form, f := range w.forms(t, units) {
			if where, ok := seen[f]; ok {
				t.Errorf("%s is visible %s: %s", name, form, where)
			}
		}
	}

	// That the search sees what is there:
	w.found(t, seen, "the withdrawal", publicWithdraw)
	public := make(map[chain.Felt]string)
	w.scan(t, w.depositOf(t, client, deposit), public)
	w.found(t, public, "the deposit", hiddenDeposit)
}

func (w *world) head(t *testing.T) uint64 {
	t.Helper()
	return must(w.Client.BlockNumber(t.Context()))(t)
}

// depositOf is the block of an account's last deposit, at or before a block.
func (w *world) depositOf(t *testing.T, p *party, last uint64) uint64 {
	t.Helper()
	for n := last; n > 0; n-- {
		for _, hash := range must(w.Client.Block(t.Context(), chain.AtNumber(n)))(t).Transactions {
			r := must(w.Client.TransactionReceipt(t.Context(), hash))(t)
			for _, e := range r.Events {
				if e.From == w.privacy.address && e.Keys[0] == chain.Selector("Deposited") && e.Keys[1] == p.Address() {
					return n
				}
			}
		}
	}
	t.Fatal("there is no deposit")
	return 0
}

// forms are the ways in which an amount could be written: in units and in base units,
// as a felt or as the low half of a u256 (whose high half is 0).
func (w *world) forms(t *testing.T, units elgamal.Amount) map[string]chain.Felt {
	t.Helper()
	value := must(w.rate.BaseUnits(units))(t)
	if value.BitLen() > 128 {
		t.Fatal("the amount has a high half")
	}
	var base, negative chain.Felt
	base.SetBigInt(value)
	units64 := chain.Uint(uint64(units))
	negative.Neg(&units64)
	return map[string]chain.Felt{"in units": units64, "in base units": base, "negated": negative}
}

func (w *world) found(t *testing.T, seen map[chain.Felt]string, name string, units elgamal.Amount) {
	t.Helper()
	forms := w.forms(t, units)
	for _, form := range []string{"in units", "in base units"} {
		if _, ok := seen[forms[form]]; !ok {
			t.Errorf("the search does not see %s %s", name, form)
		}
	}
}

// scan collects every number that the node shows of a block: its transactions with
// receipts, and what they changed.
func (w *world) scan(t *testing.T, n uint64, seen map[chain.Felt]string) {
	t.Helper()
	for _, method := range []string{"starknet_getBlockWithReceipts", "starknet_getStateUpdate"} {
		var raw json.RawMessage
		w.ask(t, method, map[string]any{"block_id": chain.AtNumber(n)}, &raw)
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		collect(v, fmt.Sprintf("block %d, %s", n, strings.TrimPrefix(method, "starknet_")), seen)
	}
}

func collect(v any, where string, seen map[chain.Felt]string) {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			collect(e, where+"."+k, seen)
		}
	case []any:
		for _, e := range v {
			collect(e, where, seen)
		}
	case string:
		if f, err := chain.ParseFelt(v); err == nil {
			seen[f] = where
		}
	case json.Number:
		if x, ok := new(big.Int).SetString(v.String(), 10); ok {
			var f chain.Felt
			f.SetBigInt(x)
			seen[f] = where
		}
	}
}
