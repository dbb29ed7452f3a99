package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
)

// ciphertext is an encrypted amount as everybody sees it on the chain: the
// coordinates of two points.
type ciphertext [4]string

func newCiphertext(lx, ly, rx, ry chain.Felt) ciphertext {
	return ciphertext{lx.String(), ly.String(), rx.String(), ry.String()}
}

// escrow is the job's fee as everybody sees it: once for the worker and once for the
// client, who gets it back if the job fails.
type escrow struct {
	Fee    ciphertext `json:"fee_ciphertext"`
	Refund ciphertext `json:"refund_ciphertext"`
}

func newEscrow(e paymentrouter.PaymentEscrowedEvent) escrow {
	return escrow{
		newCiphertext(e.Fee.L.X, e.Fee.L.Y, e.Fee.R.X, e.Fee.R.Y),
		newCiphertext(e.Refund.L.X, e.Refund.L.Y, e.Refund.R.X, e.Refund.R.Y),
	}
}

// holding is what an account holds. All but Decrypted is public.
type holding struct {
	Account   string         `json:"account"`
	Address   string         `json:"address"`
	Public    bitsage.Amount `json:"public_sage"`
	Staked    bitsage.Amount `json:"staked_sage"`
	Balance   ciphertext     `json:"balance_ciphertext"`
	Pending   ciphertext     `json:"pending_ciphertext"`
	Decrypted bitsage.Amount `json:"decrypted_sage"` // balance and pending, by the owner's key
}

// holdings returns what client and worker hold, and what the contract PrivacyRouter
// holds for both.
func (n *network) holdings() ([]holding, error) {
	var list []holding
	for _, o := range []struct {
		name    string
		balance func() (bitsage.Balance, error)
	}{
		{"client", func() (bitsage.Balance, error) { return n.client.Balance(n.ctx) }},
		{"worker", func() (bitsage.Balance, error) { return n.worker.Balance(n.ctx) }},
	} {
		h, err := n.public(o.name, n.accounts[o.name].Address())
		if err != nil {
			return nil, err
		}
		balance, err := o.balance()
		if err != nil {
			return nil, err
		}
		h.Decrypted = balance.Total()
		list = append(list, h)
	}
	return list, nil
}

// public returns what everybody sees of an account.
func (n *network) public(name string, address chain.Felt) (h holding, err error) {
	h.Account, h.Address = name, address.String()
	if h.Public, err = n.staking.Balance(n.ctx, address); err != nil {
		return h, err
	}
	stake, err := n.staking.Stake(n.ctx, address)
	if err != nil {
		return h, err
	}
	h.Staked = stake.Amount
	to, err := n.Contracts().Address("PrivacyRouter")
	if err != nil {
		return h, err
	}
	call := privacyrouter.AccountCall(address)
	result, err := n.Chain().Call(n.ctx, chain.Call{To: to, Selector: call.Selector, Calldata: call.Calldata}, chain.AtLatest())
	if err != nil {
		return h, err
	}
	a, err := privacyrouter.DecodeAccount(result)
	h.Balance = newCiphertext(a.Balance.L.X, a.Balance.L.Y, a.Balance.R.X, a.Balance.R.Y)
	h.Pending = newCiphertext(a.Pending.L.X, a.Pending.L.Y, a.Pending.R.X, a.Pending.R.Y)
	return h, err
}

// pool returns the public sum of all encrypted amounts.
func (n *network) pool() (bitsage.Amount, error) {
	privacy, err := n.Contracts().Address("PrivacyRouter")
	if err != nil {
		return bitsage.Amount{}, err
	}
	return n.staking.Balance(n.ctx, privacy)
}

// printBalances prints what everybody sees, and what the owners' keys decrypt.
func (r *report) printBalances(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "balances\tSAGE\tstaked\tencrypted\tpending\tonly its owner can decrypt")
	for _, h := range r.Balances {
		fmt.Fprintf(t, "  %s\t%v\t%v\t%s\t%s\t%v\n", h.Account, h.Public, h.Staked, short(h.Balance[0]), short(h.Pending[0]), h.Decrypted)
	}
	fmt.Fprintf(t, "  escrow\t-\t-\t%s\t-\t%v (client and worker), %s\n", short(r.Escrow.Fee[0]), r.Fee, r.Payment)
	fmt.Fprintf(t, "  together\t%v\t-\t-\t-\tthe sum of what is encrypted is public\n\n", r.Pool)
	return t.Flush()
}
