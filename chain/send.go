package chain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Add sends a signed transaction and returns its hash, which is computed here. That
// it was accepted does not mean that it will succeed, see Wait.
//
// When the sending fails so that the node may have got the transaction, Add asks for
// its hash before it sends the same bytes again; what has been accepted once is not
// accepted twice, as the nonce is part of it. If the question stays open, the error
// is an *UncertainError, and the hash is returned beside it. A *RPCError, *HTTPError
// or other error means that the transaction was not accepted.
func (c *Client) Add(ctx context.Context, tx Transaction) (Felt, error) {
	chainID, err := c.chainID(ctx)
	if err != nil {
		return Felt{}, err
	}
	hash, err := tx.Hash(chainID)
	if err != nil {
		return Felt{}, err
	}
	if err := sendable(tx); err != nil {
		return Felt{}, err
	}
	if ctx.Err() != nil { // later it would be unclear what the node has got
		return Felt{}, context.Cause(ctx)
	}
	names := tx.rpc()
	s := sending{client: c, hash: hash, method: names.method, params: map[string]any{names.param: tx}}
	err = s.run(ctx)
	var unclear *UncertainError
	if err != nil && !errors.As(err, &unclear) {
		return Felt{}, err
	}
	return hash, err
}

func sendable(tx Transaction) error {
	e := tx.envelope()
	if len(e.Signature) == 0 || e.Query {
		return ErrUnsigned
	}
	if d, ok := tx.(*DeclareTx); ok {
		data, err := d.Class.MarshalJSON()
		if err != nil {
			return err
		}
		if len(data) > MaxClassBytes {
			return fmt.Errorf("%w: %d bytes, at most %d can be declared", ErrClass, len(data), MaxClassBytes)
		}
	}
	return nil
}

// sending is the sending of one transaction.
type sending struct {
	client  *Client
	hash    Felt
	method  string
	params  any
	unclear bool // whether an earlier attempt may have been accepted
}

func (s *sending) run(ctx context.Context) error {
	for n := 1; ; n++ {
		err := s.attempt(ctx)
		if err == nil {
			return nil
		}
		known, look := s.settle(ctx, err)
		if known {
			return nil
		}
		if !transient(err) || n >= s.client.opts.Attempts || look != nil {
			return s.verdict(errors.Join(err, look))
		}
		if stop := s.client.pause(ctx, s.method, n, err); stop != nil {
			return s.verdict(stop)
		}
	}
}

// attempt sends the transaction once and checks that the node computed its hash.
func (s *sending) attempt(ctx context.Context) error {
	var w struct {
		Hash *rpcFelt `json:"transaction_hash"`
	}
	if err := s.client.once(ctx, s.method, s.params, &w); err != nil {
		return err
	}
	if w.Hash == nil || Felt(*w.Hash) != s.hash {
		return malformed("%s: the node computed another transaction hash", s.method)
	}
	return nil
}

// settle finds out after a failed attempt whether the node has the transaction. It
// asks when the failure leaves it open, and when it is one that a transaction which
// has already been accepted provokes. look is what went wrong with the asking.
func (s *sending) settle(ctx context.Context, err error) (known bool, look error) {
	if errors.Is(err, ErrDuplicateTx) {
		return true, nil
	}
	refused := refused(err)
	if !refused {
		s.unclear = true
	}
	if refused && !s.unclear && !errors.Is(err, ErrNonce) {
		return false, nil
	}
	return s.client.knows(ctx, s.hash)
}

// verdict is the error to return for err.
func (s *sending) verdict(err error) error {
	if s.unclear {
		return &UncertainError{s.hash, err}
	}
	return err
}

// refused reports whether err shows that the transaction was not accepted.
func refused(err error) bool {
	var code Code
	var t *transportError
	var h *HTTPError
	switch {
	case errors.As(err, &code):
		return code.rejects()
	case errors.As(err, &t):
		return !t.sent
	case errors.As(err, &h):
		return h.Status < 500 && h.Status != http.StatusRequestTimeout
	}
	return false
}

// knows asks whether the node knows a transaction. It asks several times, as a node
// may learn of it with a delay.
func (c *Client) knows(ctx context.Context, hash Felt) (bool, error) {
	const looks = 4
	for n := 1; ; n++ {
		_, err := c.TransactionStatus(ctx, hash)
		var dropped *DroppedError
		switch {
		case err == nil:
			return true, nil
		case errors.As(err, &dropped):
			return false, nil
		case !errors.Is(err, ErrTxHashNotFound):
			return false, err
		case n == looks:
			return false, nil
		}
		if stop := c.clock.sleep(ctx, backoff(c.opts.Backoff, n)); stop != nil {
			return false, stop
		}
	}
}

// Wait waits until a transaction is accepted on L2 and returns its receipt. If it
// reverted, the error is a *RevertError and the receipt is returned as well. If the
// node does not know it for Options.DropAfter, or rejects it, the error is a
// *DroppedError. Failures of the network are waited out until ctx ends.
func (c *Client) Wait(ctx context.Context, hash Felt) (*Receipt, error) {
	missing := time.Time{} // since when the node has not known the transaction
	for pause := c.opts.Poll; ; pause = min(pause*3/2, 8*c.opts.Poll) {
		r, err := c.TransactionReceipt(ctx, hash)
		switch {
		case err == nil && r.Finality >= AcceptedOnL2:
			return r, r.Err()
		case err == nil || transient(err):
			missing = time.Time{}
		case !errors.Is(err, ErrTxHashNotFound):
			return nil, err
		default:
			if missing, err = c.missing(ctx, hash, missing); err != nil {
				return nil, err
			}
		}
		if stop := c.clock.sleep(ctx, pause); stop != nil {
			return nil, fmt.Errorf("chain: waiting for transaction %s: %w", hash, stop)
		}
	}
}

// missing looks for a transaction that has no receipt. It returns since when the
// node has not known it, zero if it does.
func (c *Client) missing(ctx context.Context, hash Felt, since time.Time) (time.Time, error) {
	_, err := c.TransactionStatus(ctx, hash)
	switch {
	case err == nil || transient(err):
		return time.Time{}, nil
	case !errors.Is(err, ErrTxHashNotFound):
		return since, err
	case since.IsZero():
		return c.clock.now(), nil
	case c.clock.now().Sub(since) >= c.opts.DropAfter:
		return since, &DroppedError{Hash: hash}
	}
	return since, nil
}
