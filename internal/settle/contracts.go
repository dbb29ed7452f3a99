// Package settle is the chain's side of jobs: it submits them with their encrypted
// fees, follows what becomes of them, and brings them to an end in which the fee
// was paid once or refunded once.
//
// Nothing here remembers anything between two calls, but for what never changes: whoever
// crashes begins anew by looking at the chain, and every step looks there first.
package settle

import (
	"context"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/calldata"
)

// Contracts are those of one deployment that jobs and payments go through. They may be used
// by several goroutines at once.
type Contracts struct {
	client  *chain.Client
	chainID chain.Felt // the short string of its name

	jobs, payments, verifier, privacy, token chain.Felt

	rate rate
}

// New returns the contracts of a deployment. It does no I/O and fails with
// chain.ErrUnknownContract or felt.ErrShortString.
func New(client *chain.Client, deployment *chain.Addresses) (*Contracts, error) {
	id, err := felt.ShortString(deployment.ChainID)
	if err != nil {
		return nil, err
	}
	c := &Contracts{client: client, chainID: id}
	for name, address := range map[string]*chain.Felt{
		"JobManager": &c.jobs, "PaymentRouter": &c.payments, "ProofVerifier": &c.verifier,
		"PrivacyRouter": &c.privacy, "SageToken": &c.token,
	} {
		if *address, err = deployment.Address(name); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Client returns the client of the chain.
func (c *Contracts) Client() *chain.Client { return c.client }

// ChainID returns the chain's name as a short string.
func (c *Contracts) ChainID() chain.Felt { return c.chainID }

// JobManager returns the address of the contract, which enters job identifiers.
func (c *Contracts) JobManager() chain.Felt { return c.jobs }

// Now returns the time of the block that is being built, by which the contracts
// judge deadlines. A chain without transactions lags behind the clock, and its next
// block will not.
func (c *Contracts) Now(ctx context.Context) (time.Time, error) {
	b, err := c.client.Block(ctx, chain.AtPreConfirmed())
	if err != nil {
		return time.Time{}, err
	}
	return b.Time, nil
}

// send executes calls in one transaction and waits until it is accepted on L2.
func send(ctx context.Context, account *chain.Account, calls ...chain.Call) (*chain.Receipt, error) {
	hash, err := account.Execute(ctx, calls...)
	if err != nil {
		return nil, err
	}
	return account.Wait(ctx, hash)
}

// Accept takes a job for its worker; the account is the worker's or its operator's.
func (c *Contracts) Accept(ctx context.Context, account *chain.Account, id chain.Felt) error {
	_, err := send(ctx, account, jobmanager.AcceptJobCall(jobmanager.JobID{Value: id}).At(c.jobs))
	return err
}

// SubmitProof claims a fact with the signature of the worker's signing key.
func (c *Contracts) SubmitProof(ctx context.Context, account *chain.Account, f *consensus.Fact, sig consensus.Signature) error {
	_, err := send(ctx, account, jobmanager.SubmitProofCall(jobmanager.JobID{Value: f.JobID},
		calldata.U256(f.ResultRoot), calldata.U256(f.ProofHash), jobmanager.Signature{R: sig.R, S: sig.S}).At(c.jobs))
	return err
}

// Cancel takes a job back before its worker has accepted it. The account is the
// client's.
func (c *Contracts) Cancel(ctx context.Context, account *chain.Account, id chain.Felt) error {
	_, err := send(ctx, account, jobmanager.CancelCall(jobmanager.JobID{Value: id}).At(c.jobs))
	return err
}

// ReportEquivocation brings a second submission of a worker for one job before the
// contract, which gives the worker's bond to the client.
func (c *Contracts) ReportEquivocation(ctx context.Context, account *chain.Account, f *consensus.Fact, sig consensus.Signature) error {
	_, err := send(ctx, account, jobmanager.ReportEquivocationCall(jobmanager.JobID{Value: f.JobID},
		calldata.U256(f.ResultRoot), calldata.U256(f.ProofHash), jobmanager.Signature{R: sig.R, S: sig.S}).At(c.jobs))
	return err
}

// Clock returns the later of the chain's time and this machine's: deadlines that
// begin now must begin on both.
func (c *Contracts) Clock(ctx context.Context) (time.Time, error) {
	now, err := c.Now(ctx)
	if clock := time.Now(); clock.After(now) {
		now = clock
	}
	return now, err
}
