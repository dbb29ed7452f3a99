package chain

import (
	"context"
	"errors"
	"math"
	"time"
)

const (
	maxInFlight = 256              // transactions whose fate is remembered
	lostAfter   = 30 * time.Second // when one that the node does not know counts as lost
)

// inFlight is a transaction that was sent and whose nonce the chain has not used.
type inFlight struct {
	nonce uint64
	hash  Felt
	sent  time.Time
}

// nonces hands out the nonces of one account. It remembers what was sent, so that
// after a failure it can tell a nonce that is used by a transaction under way from
// one that is free again. Its methods are called by one goroutine at a time.
type nonces struct {
	next    uint64
	current bool       // whether next can be used without asking the chain
	assumed bool       // whether next counts on transactions that the chain has not confirmed
	sent    []inFlight // by nonce
}

// assign returns the nonce for the next transaction. denied says that the sequencer
// has just refused a nonce: then what the node does not know is lost at once, and
// not only after lostAfter.
func (n *nonces) assign(ctx context.Context, c *Client, account Felt, denied bool) (uint64, error) {
	if n.current {
		return n.next, nil
	}
	used, err := c.Nonce(ctx, account, AtPreConfirmed())
	if err != nil {
		return 0, err
	}
	n.forget(used)
	next := used
	for i := n.index(next); i >= 0; i = n.index(next) {
		lost, err := n.lost(ctx, c, n.sent[i], denied)
		if err != nil {
			return 0, err
		}
		if lost {
			n.sent = append(n.sent[:i], n.sent[i+1:]...)
			break
		}
		next++
	}
	n.next, n.current, n.assumed = next, true, next > used
	return next, nil
}

// lost reports whether a transaction will not be included: the node does not know
// it, and has had the time to learn of it.
func (n *nonces) lost(ctx context.Context, c *Client, tx inFlight, denied bool) (bool, error) {
	_, err := c.TransactionStatus(ctx, tx.hash)
	var dropped *DroppedError
	switch {
	case err == nil:
		return false, nil
	case errors.As(err, &dropped):
		return true, nil
	case errors.Is(err, ErrTxHashNotFound):
		return denied || c.clock.now().Sub(tx.sent) >= lostAfter, nil
	}
	return false, err
}

// used records that a transaction with the assigned nonce was sent. unclear says
// that it may not have been accepted.
func (n *nonces) used(nonce uint64, hash Felt, now time.Time, unclear bool) {
	i := 0
	for i < len(n.sent) && n.sent[i].nonce < nonce {
		i++
	}
	n.sent = append(n.sent[:i:i], append([]inFlight{{nonce, hash, now}}, n.sent[i:]...)...)
	if len(n.sent) > maxInFlight {
		n.sent = n.sent[len(n.sent)-maxInFlight:]
	}
	n.next = nonce + 1
	// With later ones under way, the nonce filled a gap: the next is not nonce+1.
	n.current = !unclear && n.sent[len(n.sent)-1].nonce == nonce && nonce < math.MaxUint64
}

// resync makes the next assign ask the chain.
func (n *nonces) resync() { n.current = false }

// forget drops what the chain has used.
func (n *nonces) forget(next uint64) {
	i := 0
	for i < len(n.sent) && n.sent[i].nonce < next {
		i++
	}
	n.sent = n.sent[i:]
}

func (n *nonces) index(nonce uint64) int {
	for i, tx := range n.sent {
		if tx.nonce == nonce {
			return i
		}
	}
	return -1
}
