package chain

import (
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// TestNoDoublePayment sends payments over a node that fails at random, from a seed:
// before a transaction is accepted or after it, with a status, an error or a broken
// connection, and that learns of transactions late. Whatever Execute returns, a
// payment must not be made twice: nil means once, an *UncertainError at most once,
// any other error not at all.
func TestNoDoublePayment(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 15
	}
	for seed := range seeds {
		lag := int(seed % 4)
		if seed%5 == 4 {
			lag = 1000 // the node does not learn of it in time
		}
		payRandomly(t, seed, lag)
	}
}

func payRandomly(t *testing.T, seed uint64, lag int) {
	rng := rand.New(rand.NewPCG(seed, 1))
	a, s, _ := newTestAccount(t, FeePolicy{Fixed: &Bounds{}})
	failures := []error{io.EOF, httpFailure(500), httpFailure(503), httpFailure(429), ErrInternal, ErrUnexpected, Code(-1)}
	refusals := []error{ErrBalance, ErrValidation, ErrNonce}
	s.fail = func(uint64) any {
		switch rng.IntN(8) {
		case 0:
			return failures[rng.IntN(len(failures))]
		case 1:
			return refusals[rng.IntN(len(refusals))]
		case 2:
			if lag < 4 && rng.IntN(4) == 0 {
				return afterError{ErrNonce} // a proxy that sent it twice
			}
			return afterError{[]error{io.EOF, httpFailure(502), ErrInternal, Code(-1)}[rng.IntN(4)]}
		}
		return nil
	}
	paid := map[Felt]int{}
	s.accepted = func(tx *InvokeTx) { paid[tx.Calldata[len(tx.Calldata)-1]]++ }
	status := s.methods["starknet_getTransactionStatus"]
	looks := map[string]int{}
	s.on("starknet_getTransactionStatus", func(raw json.RawMessage) (any, error) {
		if looks[string(raw)]++; looks[string(raw)] <= lag {
			return nil, ErrTxHashNotFound
		}
		return status(raw)
	})
	for i := range uint64(30) {
		id := Uint(1_000 + i)
		_, err := a.Execute(t.Context(), Call{Calldata: []Felt{id}})
		var unclear *UncertainError
		switch n := paid[id]; {
		case err == nil && n != 1, errors.As(err, &unclear) && n > 1, err != nil && !errors.As(err, &unclear) && n != 0:
			t.Fatalf("seed %d: payment %d was made %d times beside %v", seed, i, n, err)
		}
	}
	s.fail, s.methods["starknet_getTransactionStatus"] = nil, status
	execute(t, a, 2) // the account recovers from whatever has happened
}
