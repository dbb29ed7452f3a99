package chain

import (
	"context"
	"errors"
	"fmt"
)

// ErrAddress means that a deployment does not give the account's address.
var ErrAddress = errors.New("chain: the deployment gives another address than the account's")

// DeployAccount deploys the account itself, which must own enough to pay for it, and
// returns the transaction's hash. It fails with ErrAddress if the deployment is not
// that of the account; otherwise as Execute does. Braavos accounts want more in
// their signature than a Signer gives: deploy those with their own wallet.
func (a *Account) DeployAccount(ctx context.Context, d Deployment) (Felt, error) {
	if d.Address() != a.address {
		return Felt{}, ErrAddress
	}
	if err := a.queue.acquire(ctx); err != nil {
		return Felt{}, err
	}
	defer a.queue.release()
	tx := &DeployAccountTx{Envelope{Tip: a.fees.Tip}, d}
	if err := a.prepare(ctx, tx); err != nil {
		return Felt{}, err
	}
	return a.submit(ctx, tx)
}

// EstimateDeployAccount returns what DeployAccount would use and cost now. The
// account need not own anything yet.
func (a *Account) EstimateDeployAccount(ctx context.Context, d Deployment) (Estimate, error) {
	if d.Address() != a.address {
		return Estimate{}, ErrAddress
	}
	return a.estimate(ctx, &DeployAccountTx{Envelope{Tip: a.fees.Tip}, d})
}

// Deployed is a contract that Deploy put at an address.
type Deployed struct {
	Address Felt
	Tx      Felt // zero if the contract was there already
}

// Deploy deploys a contract of a declared class through the universal deployer. The
// address depends on the deployment alone, not on who deploys, so a contract that is
// there already is the one that was asked for and is returned without a transaction.
// Its constructor sees the universal deployer as the caller: name the owner in the
// calldata. It fails as Execute does.
func (a *Account) Deploy(ctx context.Context, d Deployment) (Deployed, error) {
	out := Deployed{Address: d.Address()}
	class, err := a.client.ClassHashAt(ctx, out.Address, AtPreConfirmed())
	switch {
	case err == nil && class == d.Class:
		return out, nil
	case err == nil:
		return out, fmt.Errorf("chain: contract %s has been upgraded to class %s", out.Address, class)
	case !errors.Is(err, ErrContractNotFound):
		return out, err
	}
	out.Tx, err = a.Execute(ctx, d.Call())
	return out, err
}

// Declared is a class that Declare made known.
type Declared struct {
	Class Felt // the class hash
	Tx    Felt // zero if the class was declared already
}

// Declare declares a class. compiled is the hash of the class compiled to CASM, by
// Blake2s since Starknet 0.14.1, as the Cairo compiler's driver prints it; a wrong
// one is ErrCompiledClassHash. A class that is declared already is no error.
// Otherwise it fails as Execute does.
func (a *Account) Declare(ctx context.Context, class *Class, compiled Felt) (Declared, error) {
	out := Declared{Class: class.Hash()}
	tx, err := a.send(ctx, func(nonce uint64) Transaction {
		return &DeclareTx{Envelope: Envelope{Nonce: nonce, Tip: a.fees.Tip}, From: a.address, Class: class, Compiled: compiled}
	})
	var code Code
	var unclear *UncertainError
	if errors.As(err, &code) && !errors.As(err, &unclear) {
		if _, look := a.client.Class(ctx, out.Class, AtPreConfirmed()); look == nil {
			return out, nil
		}
	}
	out.Tx = tx
	return out, err
}
