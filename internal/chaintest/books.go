package chaintest

import (
	"math/big"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
)

// books are kept of all money there is. They hold that
//
//   - the balances of the token add up to the first supply less what was burned,
//   - what PrivacyRouter has of the token is worth all confidential balances, all
//     that is pending, and all fees in escrow, decrypted,
//   - what StakingManager has of the token is all that is staked.
type books struct {
	supply, burned *big.Int
	// opened are ciphertexts that were decrypted before, by their points.
	opened map[[4]chain.Felt]elgamal.Amount
}

func (b *books) open(t *testing.T, w *world) {
	t.Helper()
	supply := view(t, w, w.token.call(sagetoken.TotalSupplyCall()), sagetoken.DecodeTotalSupply)
	*b = books{supply.Big(), new(big.Int), make(map[[4]chain.Felt]elgamal.Amount)}
}

// enter adds up what a transaction burned.
func (b *books) enter(t *testing.T, w *world, r *chain.Receipt) {
	t.Helper()
	for _, e := range r.Events {
		if e.From != w.token.address {
			continue
		}
		event, err := sagetoken.DecodeEvent(e.Keys, e.Data)
		if err != nil {
			t.Fatal(err)
		}
		if move, ok := event.(sagetoken.TransferEvent); ok && move.To.IsZero() {
			b.burned.Add(b.burned, move.Value.Big())
		}
	}
}

// balance compares.
func (b *books) balance(t *testing.T, w *world) {
	t.Helper()
	holders := make([]chain.Felt, 0, len(w.parties)+9)
	for _, c := range w.all() {
		holders = append(holders, c.address)
	}
	for _, p := range w.parties {
		holders = append(holders, p.Address())
	}
	calls := []chain.Call{w.token.call(sagetoken.TotalSupplyCall()), w.staking.call(stakingmanager.TotalStakedCall())}
	for _, h := range holders {
		calls = append(calls, w.token.call(sagetoken.BalanceOfCall(h)))
	}
	secrets := w.confidential()
	for _, p := range secrets {
		calls = append(calls, w.privacy.call(privacyrouter.AccountCall(p.Address())))
	}
	for _, j := range w.work {
		calls = append(calls, w.payments.call(paymentrouter.PaymentCall(paymentrouter.JobID{Value: j.id})))
	}
	results := w.views(t, calls)

	supply, staked := decoded(t, results[0], sagetoken.DecodeTotalSupply).Big(), decoded(t, results[1], stakingmanager.DecodeTotalStaked).Big()
	held, sum := make(map[chain.Felt]*big.Int), new(big.Int)
	results = results[2:]
	for i, h := range holders {
		held[h] = decoded(t, results[i], sagetoken.DecodeBalanceOf).Big()
		sum.Add(sum, held[h])
	}
	results = results[len(holders):]
	if want := new(big.Int).Sub(b.supply, b.burned); sum.Cmp(want) != 0 || supply.Cmp(want) != 0 {
		t.Fatalf("the balances add up to %v, the supply is %v; it was %v and %v were burned", sum, supply, b.supply, b.burned)
	}
	if staked.Cmp(held[w.staking.address]) != 0 {
		t.Fatalf("%v is staked, StakingManager has %v", staked, held[w.staking.address])
	}
	var units elgamal.Amount
	for i, p := range secrets {
		a := decoded(t, results[i], privacyrouter.DecodeAccount)
		if a.Nonce != 0 {
			units += b.read(t, p, felts(a.Balance)) + b.read(t, p, felts(a.Pending))
		}
	}
	for i, j := range w.work {
		p := decoded(t, results[len(secrets)+i], paymentrouter.DecodePayment)
		if p.State == paymentrouter.PaymentStateEscrowed || p.State == paymentrouter.PaymentStatePayable {
			units += b.read(t, j.worker, feeFelts(p.Fee))
		}
	}
	worth, err := w.rate.BaseUnits(units)
	if err != nil {
		t.Fatal(err)
	}
	if worth.Cmp(held[w.privacy.address]) != 0 {
		t.Fatalf("the confidential amounts are worth %v, PrivacyRouter has %v", worth, held[w.privacy.address])
	}
}

// read decrypts an amount once. What somebody had before the key was lost is still
// known.
func (b *books) read(t *testing.T, p *party, c [4]chain.Felt) elgamal.Amount {
	t.Helper()
	if amount, ok := b.opened[c]; ok {
		return amount
	}
	ciphertext, err := elgamal.ParseCiphertext(c[:])
	if err != nil {
		t.Fatal(err)
	}
	amount, err := p.secret.Decrypt(t.Context(), ciphertext)
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	b.opened[c] = amount
	return amount
}

func felts(c privacyrouter.Ciphertext) [4]chain.Felt {
	return [4]chain.Felt{c.L.X, c.L.Y, c.R.X, c.R.Y}
}

func feeFelts(c paymentrouter.Ciphertext) [4]chain.Felt {
	return [4]chain.Felt{c.L.X, c.L.Y, c.R.X, c.R.Y}
}

func decoded[T any](t *testing.T, result []chain.Felt, decode func([]chain.Felt) (T, error)) T {
	t.Helper()
	v, err := decode(result)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
