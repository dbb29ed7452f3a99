package settle

import (
	"context"
	"errors"
	"fmt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
)

var (
	// ErrNoAccount means that an account has no encrypted balance: it has
	// registered no key.
	ErrNoAccount = errors.New("settle: the account has registered no key for encrypted amounts")
	// ErrOtherKey means that an account has registered another key than the one at
	// hand, which cannot read its balance.
	ErrOtherKey = errors.New("settle: the account has registered another key for encrypted amounts")
)

// InsufficientError says that an encrypted balance, what is pending included, does
// not cover an amount.
type InsufficientError struct{ Have, Need money.Amount }

// Error implements error.
func (e *InsufficientError) Error() string {
	return fmt.Sprintf("settle: the confidential balance is %v SAGE, %v are needed, %v are missing",
		e.Have, e.Need, e.Need.Excess(e.Have))
}

// Balance is what a confidential account holds.
type Balance struct {
	Available money.Amount `json:"available"` // what can be spent
	Pending   money.Amount `json:"pending"`   // what has come in and is added before the next spending that needs it
}

// Total returns both together.
func (b Balance) Total() money.Amount {
	sum, err := b.Available.Add(b.Pending)
	if err != nil { // two amounts of 40 bits
		panic(err)
	}
	return sum
}

// Account is a confidential account: SAGE of an account that the contract
// PrivacyRouter holds, encrypted under the owner's key. Its operations take turns;
// it may be used by several goroutines at once. Other programs may use the same
// account, at the price of retries.
type Account struct {
	c       *Contracts
	account *chain.Account
	key     elgamal.SecretKey
	turn    chan struct{} // holds a token during an operation
}

// NewAccount returns the confidential account of an account. It does no I/O.
func (c *Contracts) NewAccount(account *chain.Account, key elgamal.SecretKey) *Account {
	return &Account{c, account, key, make(chan struct{}, 1)}
}

// Key returns the key under which the account is paid.
func (a *Account) Key() elgamal.PublicKey { return a.key.Public() }

// PaymentKey returns the key under which an account is paid, or ErrNoAccount.
func (c *Contracts) PaymentKey(ctx context.Context, owner chain.Felt) (elgamal.PublicKey, error) {
	s, err := c.holdings(ctx, owner)
	return s.key, err
}

// Decrypt returns an encrypted fee, or what comes back of it, in SAGE.
func (c *Contracts) Decrypt(ctx context.Context, key elgamal.SecretKey, fee Ciphertext) (money.Amount, error) {
	ct, err := fee.parse()
	if err != nil {
		return money.Amount{}, err
	}
	return c.decrypt(ctx, key, ct)
}

func (c *Contracts) decrypt(ctx context.Context, key elgamal.SecretKey, ct elgamal.Ciphertext) (money.Amount, error) {
	units, err := key.Decrypt(ctx, ct)
	if err != nil {
		return money.Amount{}, err
	}
	return c.SAGE(ctx, units)
}

// holdings is an account as the contract has it.
type holdings struct {
	key              elgamal.PublicKey
	balance, pending elgamal.Ciphertext
	nonce            uint64
}

func (c *Contracts) holdings(ctx context.Context, owner chain.Felt) (holdings, error) {
	a, err := cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.privacy, privacyrouter.AccountCall(owner), privacyrouter.DecodeAccount)
	if err != nil {
		return holdings{}, err
	}
	if a.Nonce == 0 {
		return holdings{}, ErrNoAccount
	}
	h := holdings{nonce: a.Nonce}
	h.key, err = elgamal.NewPublicKey(a.Key.X, a.Key.Y)
	if err == nil {
		h.balance, err = ciphertext(a.Balance)
	}
	if err == nil {
		h.pending, err = ciphertext(a.Pending)
	}
	if err != nil {
		return holdings{}, fmt.Errorf("%w: account: %w", chain.ErrResponse, err)
	}
	return h, nil
}

func ciphertext(c privacyrouter.Ciphertext) (elgamal.Ciphertext, error) {
	return elgamal.ParseCiphertext([]felt.Felt{c.L.X, c.L.Y, c.R.X, c.R.Y})
}

// own returns the account's holdings.
func (a *Account) own(ctx context.Context) (holdings, error) {
	h, err := a.c.holdings(ctx, a.account.Address())
	if err == nil && !h.key.Equal(a.key.Public()) {
		err = ErrOtherKey
	}
	return h, err
}

// context is what a proof for an operation is bound to.
func (a *Account) context(operation string, h *holdings) elgamal.Context {
	return elgamal.Context{
		Operation: operation, ChainID: a.c.chainID, Contract: a.c.privacy, Sender: a.account.Address(),
		Nonce: h.nonce, Balance: h.balance,
	}
}

// ownership returns a proof of the key for an operation and moves the nonce.
func (a *Account) ownership(operation string, h *holdings, values ...felt.Felt) ([]felt.Felt, error) {
	proof, err := a.key.ProveOwnership(a.context(operation, h), values...)
	if err != nil {
		return nil, err
	}
	h.nonce++
	return proof.Felts(), nil
}

// lock waits for the account's turn.
func (a *Account) lock(ctx context.Context) (unlock func(), err error) {
	select {
	case a.turn <- struct{}{}:
		return func() { <-a.turn }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Balance decrypts what the account holds: nothing if it has registered no key.
func (a *Account) Balance(ctx context.Context) (Balance, error) {
	return a.c.Balance(ctx, a.account.Address(), a.key)
}

// Balance decrypts what an account holds with its key: nothing if it has registered
// none.
func (c *Contracts) Balance(ctx context.Context, owner chain.Felt, key elgamal.SecretKey) (Balance, error) {
	h, err := c.holdings(ctx, owner)
	switch {
	case errors.Is(err, ErrNoAccount):
		return Balance{}, nil
	case err != nil:
		return Balance{}, err
	case !h.key.Equal(key.Public()):
		return Balance{}, ErrOtherKey
	}
	var b Balance
	if b.Available, err = c.decrypt(ctx, key, h.balance); err != nil {
		return Balance{}, err
	}
	b.Pending, err = c.decrypt(ctx, key, h.pending)
	return b, err
}

// registration returns the holdings of the account and, if it has registered no
// key, the call that does, after which the holdings are those returned.
func (a *Account) registration(ctx context.Context) (holdings, []chain.Call, error) {
	h, err := a.own(ctx)
	if !errors.Is(err, ErrNoAccount) {
		return h, nil, err
	}
	y := a.key.Public()
	h = holdings{key: y, balance: elgamal.Zero(y), pending: elgamal.Zero(y)}
	proof, err := a.ownership("register_key", &h)
	if err != nil {
		return h, nil, err
	}
	xy := y.Felts()
	return h, []chain.Call{privacyrouter.RegisterKeyCall(privacyrouter.Point{X: xy[0], Y: xy[1]}, proof).At(a.c.privacy)}, nil
}

// Register registers the account's key if there is none, so that it can be paid.
func (a *Account) Register(ctx context.Context) error {
	unlock, err := a.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	_, calls, err := a.registration(ctx)
	if err != nil || len(calls) == 0 {
		return err
	}
	_, err = send(ctx, a.account, calls...)
	return err
}

// Deposit moves public SAGE of the account into its encrypted balance, registering
// its key if need be, in one transaction. The amount becomes public and must be a
// whole number of the encryption's units.
func (a *Account) Deposit(ctx context.Context, amount money.Amount) (*chain.Receipt, error) {
	unlock, err := a.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	units, err := a.c.Units(ctx, amount)
	if err != nil {
		return nil, err
	}
	h, calls, err := a.registration(ctx)
	if err != nil {
		return nil, err
	}
	proof, err := a.ownership("deposit", &h, chain.Uint(uint64(units)))
	if err != nil {
		return nil, err
	}
	base, err := calldata.U256FromBig(amount.Base())
	if err != nil {
		return nil, err
	}
	calls = append(calls,
		sagetoken.ApproveCall(a.c.privacy, base).At(a.c.token),
		privacyrouter.DepositCall(uint64(units), proof).At(a.c.privacy))
	return send(ctx, a.account, calls...)
}

// spendable returns the account's holdings with at least an amount to spend, what
// that is, and the call that adds what is pending if that is needed for it.
func (a *Account) spendable(ctx context.Context, amount elgamal.Amount) (holdings, elgamal.Amount, []chain.Call, error) {
	h, err := a.own(ctx)
	if err != nil {
		return h, 0, nil, err
	}
	have, err := a.key.Decrypt(ctx, h.balance)
	if err != nil || have >= amount {
		return h, have, nil, err
	}
	pending, err := a.key.Decrypt(ctx, h.pending)
	if err != nil {
		return h, 0, nil, err
	}
	total, err := have.Add(pending)
	if err != nil {
		return h, 0, nil, err
	}
	if total < amount {
		return h, 0, nil, a.c.insufficient(ctx, total, amount)
	}
	proof, err := a.ownership("rollover", &h)
	if err != nil {
		return h, 0, nil, err
	}
	if h.balance, err = elgamal.Credit(h.key, h.balance, h.pending); err != nil {
		return h, 0, nil, err
	}
	h.pending = elgamal.Zero(h.key)
	return h, total, []chain.Call{privacyrouter.RolloverCall(proof).At(a.c.privacy)}, nil
}

func (c *Contracts) insufficient(ctx context.Context, have, need elgamal.Amount) error {
	h, err := c.SAGE(ctx, have)
	if err != nil {
		return err
	}
	n, err := c.SAGE(ctx, need)
	if err != nil {
		return err
	}
	return &InsufficientError{h, n}
}

// auditor returns the auditor's key, zero if there is none.
func (c *Contracts) auditor(ctx context.Context) (elgamal.PublicKey, error) {
	p, err := cairo.Read(ctx, c.client, chain.AtPreConfirmed(), c.privacy, privacyrouter.AuditorCall(), privacyrouter.DecodeAuditor)
	if err != nil || p == nil {
		return elgamal.PublicKey{}, err
	}
	return elgamal.NewPublicKey(p.X, p.Y)
}

// Order is a job for the chain.
type Order struct {
	Task, Program, Root    [32]byte // task identifier, program_id, job_root
	Profile                string
	Worker                 chain.Felt
	LockDeadline, Deadline uint64 // Unix times in seconds
	Fee                    money.Amount
}

// Submit sends a job and its fee, encrypted for the worker and, for the case of a
// refund, for this account, and waits until it is on the chain. A job that is there
// already, whoever its worker is, is left as it is: so Submit pays once however
// often it is called, also after a crash. Then there is no receipt. It fails with
// *InsufficientError, ErrNoAccount, or an error of package chain.
func (a *Account) Submit(ctx context.Context, o Order) (*chain.Receipt, error) {
	unlock, err := a.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	id := consensus.JobID(a.c.chainID, a.c.jobs, a.account.Address(), o.Task)
	for try := 1; ; try++ {
		job, err := a.c.Job(ctx, id)
		if err != nil || job.State != None {
			return nil, err
		}
		calls, err := a.submission(ctx, id, &o)
		if err != nil {
			return nil, err
		}
		r, err := send(ctx, a.account, calls...)
		if err == nil || try == maxRaces || !raced(err) && !outdated(err) {
			return r, err
		}
	}
}

// outdated reports whether a proof was refused as being for another state of the
// account, which another program has changed.
func outdated(err error) bool {
	switch cairo.Refusal(err) {
	case "PROOF_KEY", "PROOF_BALANCE":
		return true
	}
	return false
}

func (a *Account) submission(ctx context.Context, id chain.Felt, o *Order) ([]chain.Call, error) {
	fee, err := a.c.Units(ctx, o.Fee)
	if err != nil {
		return nil, err
	}
	h, balance, calls, err := a.spendable(ctx, fee)
	if err != nil {
		return nil, err
	}
	s := elgamal.TransferStatement{Context: a.context("submit_job", &h), From: h.key}
	s.JobID = id.Bytes()
	if s.To, err = a.c.PaymentKey(ctx, o.Worker); err != nil {
		return nil, fmt.Errorf("settle: the worker cannot be paid: %w", err)
	}
	if s.Auditor, err = a.c.auditor(ctx); err != nil {
		return nil, err
	}
	transfer, err := elgamal.ProveTransfer(a.key, s, balance, fee)
	if err != nil {
		return nil, err
	}
	profile, err := felt.ShortString(o.Profile)
	if err != nil {
		return nil, err
	}
	return append(calls, jobmanager.SubmitJobCall(
		calldata.U256(o.Task), calldata.U256(o.Program), calldata.U256(o.Root), profile,
		o.Worker, o.LockDeadline, o.Deadline, transfer.Felts()).At(a.c.jobs)), nil
}

// Withdraw moves an amount out of the encrypted balance to an address, as public
// SAGE; what is pending is added first if it is needed. It fails with
// *InsufficientError, ErrNoAccount, or an error of package chain.
func (a *Account) Withdraw(ctx context.Context, amount money.Amount, recipient chain.Felt) (*chain.Receipt, error) {
	unlock, err := a.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	return a.withdraw(ctx, amount, recipient)
}

func (a *Account) withdraw(ctx context.Context, amount money.Amount, recipient chain.Felt) (*chain.Receipt, error) {
	units, err := a.c.Units(ctx, amount)
	if err != nil {
		return nil, err
	}
	h, balance, calls, err := a.spendable(ctx, units)
	if err != nil {
		return nil, err
	}
	last, err := a.withdrawal(ctx, &h, balance, units, recipient)
	if err != nil {
		return nil, err
	}
	return send(ctx, a.account, append(calls, last)...)
}

// withdrawal returns the call for a part of the balance or, with a shorter proof,
// for all of it.
func (a *Account) withdrawal(ctx context.Context, h *holdings, balance, amount elgamal.Amount, recipient chain.Felt) (chain.Call, error) {
	if amount == balance {
		s := elgamal.RagequitStatement{Context: a.context("ragequit", h), From: h.key, Amount: amount, Recipient: recipient}
		proof, err := elgamal.ProveRagequit(a.key, s)
		if err != nil {
			return chain.Call{}, err
		}
		return privacyrouter.RagequitCall(uint64(amount), recipient, proof.Felts()).At(a.c.privacy), nil
	}
	auditor, err := a.c.auditor(ctx)
	if err != nil {
		return chain.Call{}, err
	}
	s := elgamal.WithdrawStatement{Context: a.context("withdraw", h), From: h.key, Auditor: auditor, Amount: amount, Recipient: recipient}
	proof, err := elgamal.ProveWithdraw(a.key, s, balance)
	if err != nil {
		return chain.Call{}, err
	}
	return privacyrouter.WithdrawCall(uint64(amount), recipient, proof.Felts()).At(a.c.privacy), nil
}

// WithdrawAll moves everything, pending payments included, and returns how much that
// was. If there is nothing to withdraw, there is no receipt.
func (a *Account) WithdrawAll(ctx context.Context, recipient chain.Felt) (money.Amount, *chain.Receipt, error) {
	unlock, err := a.lock(ctx)
	if err != nil {
		return money.Amount{}, nil, err
	}
	defer unlock()
	b, err := a.Balance(ctx)
	if err != nil || b.Total().IsZero() {
		return money.Amount{}, nil, err
	}
	r, err := a.withdraw(ctx, b.Total(), recipient)
	return b.Total(), r, err
}
