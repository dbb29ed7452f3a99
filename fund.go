package bitsage

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/wallet"
)

// gas is what Fund gives for the chain's fees, in units of 10^-18 STRK.
var gas = new(big.Int).Mul(big.NewInt(20), big.NewInt(1e18))

// Fund gives an account STRK for the chain's fees and an amount of SAGE, from another
// account, in one transaction, and deploys it if it is not on the chain yet.
func (n *Network) Fund(ctx context.Context, from, to *wallet.Account, balance Amount) (Transaction, error) {
	token, err := n.contracts.Address("SageToken")
	if err != nil {
		return Transaction{}, err
	}
	calls := []chain.Call{settle.Transfer(chain.STRK(), to.Address(), gas)}
	if !balance.IsZero() {
		calls = append(calls, settle.Transfer(token, to.Address(), balance.Base()))
	}
	funder := n.account(from.Address(), from, chain.FeePolicy{})
	hash, err := funder.Execute(ctx, calls...)
	var r *chain.Receipt
	if err == nil {
		r, err = funder.Wait(ctx, hash)
	}
	if err != nil {
		return Transaction{}, fmt.Errorf("bitsage: funding an account: %w", err)
	}
	return newTransaction(r, balance), n.deploy(ctx, to)
}

// deploy deploys an account if it is not on the chain yet.
func (n *Network) deploy(ctx context.Context, a *wallet.Account) error {
	_, err := n.chain.ClassHashAt(ctx, a.Address(), chain.AtPreConfirmed())
	if !errors.Is(err, chain.ErrContractNotFound) {
		return err
	}
	deployment, err := chain.AccountDeployment(a)
	if err != nil {
		return err
	}
	account := n.account(a.Address(), a, chain.FeePolicy{})
	hash, err := account.DeployAccount(ctx, deployment)
	if err == nil {
		_, err = account.Wait(ctx, hash)
	}
	if err != nil {
		return fmt.Errorf("bitsage: deploying an account: %w", err)
	}
	return nil
}
