package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// sequencer is a fake chain with one account: it wants nonces in order, or takes them
// into a pool first, and includes what is in the pool when it is told.
type sequencer struct {
	*node
	mu       sync.Mutex
	account  Felt
	nonce    uint64           // that the chain expects
	pool     map[uint64]Felt  // accepted, not yet included
	known    map[Felt]uint64  // hashes it has, with their nonces
	order    []uint64         // nonces of what was included
	instant  bool             // include at once, and refuse gaps
	fail     func(uint64) any // an error for the transaction of a nonce: before or, as afterError, after accepting
	estimate func(uint64) error
	accepted func(*InvokeTx)
}

// afterError is a failure after the transaction was accepted.
type afterError struct{ error }

func newSequencer(account Felt) *sequencer {
	s := &sequencer{node: newNode(), account: account, pool: map[uint64]Felt{}, known: map[Felt]uint64{}, instant: true}
	s.on("starknet_getNonce", func(json.RawMessage) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Sprintf("%#x", s.nonce), nil
	})
	s.on("starknet_estimateFee", func(raw json.RawMessage) (any, error) {
		tx := params[struct{ Request []*InvokeTx }](raw).Request[0]
		s.mu.Lock()
		defer s.mu.Unlock()
		if !tx.Query || len(tx.Signature) != 2 || tx.Bounds.MaxFee(0).Sign() != 0 {
			return nil, ErrInvalidParams
		}
		if s.instant && tx.Nonce != s.nonce || tx.Nonce < s.nonce {
			return nil, ErrExecution // as devnet does
		}
		if s.estimate != nil {
			if err := s.estimate(tx.Nonce); err != nil {
				return nil, err
			}
		}
		return []any{estimateOf(100, 7)}, nil
	})
	s.on("starknet_addInvokeTransaction", func(raw json.RawMessage) (any, error) {
		tx := params[struct {
			Tx *InvokeTx `json:"invoke_transaction"`
		}](raw).Tx
		return s.add(tx)
	})
	s.on("starknet_getTransactionStatus", func(raw json.RawMessage) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.known[Felt(params[struct {
			Hash rpcFelt `json:"transaction_hash"`
		}](raw).Hash)]; ok {
			return received, nil
		}
		return nil, ErrTxHashNotFound
	})
	return s
}

func estimateOf(gas, price int) map[string]any {
	g, p := fmt.Sprintf("%#x", gas), fmt.Sprintf("%#x", price)
	return map[string]any{"l1_gas_consumed": "0x0", "l1_gas_price": p, "l2_gas_consumed": g, "l2_gas_price": p,
		"l1_data_gas_consumed": g, "l1_data_gas_price": p, "overall_fee": fmt.Sprintf("%#x", 2*gas*price), "unit": "FRI"}
}

func (s *sequencer) add(tx *InvokeTx) (any, error) {
	hash, err := tx.Hash(sepolia)
	if err != nil {
		return nil, ErrInvalidParams
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var failure any
	if s.fail != nil {
		failure = s.fail(tx.Nonce)
	}
	after, late := failure.(afterError)
	if err, ok := failure.(error); ok && !late {
		return nil, err
	}
	if _, ok := s.known[hash]; ok {
		return nil, ErrDuplicateTx
	}
	if _, taken := s.pool[tx.Nonce]; taken || tx.Nonce < s.nonce || s.instant && tx.Nonce > s.nonce {
		return nil, ErrNonce
	}
	s.known[hash] = tx.Nonce
	if s.accepted != nil {
		s.accepted(tx)
	}
	s.pool[tx.Nonce] = hash
	if s.instant {
		s.include()
	}
	if late {
		return nil, after.error
	}
	return map[string]any{"transaction_hash": rpcFelt(hash)}, nil
}

// include executes what the pool has in order. The caller holds mu.
func (s *sequencer) include() {
	for {
		if _, ok := s.pool[s.nonce]; !ok {
			return
		}
		delete(s.pool, s.nonce)
		s.order = append(s.order, s.nonce)
		s.nonce++
	}
}

// expire drops a transaction from the pool.
func (s *sequencer) expire(nonce uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, s.pool[nonce])
	delete(s.pool, nonce)
}

func newTestAccount(t *testing.T, fees FeePolicy) (*Account, *sequencer, *fakeClock) {
	t.Helper()
	key := testKey(t)
	s := newSequencer(key.Address())
	c, clock := testClient(t, s, Options{})
	return NewAccount(c, key.Address(), key, fees), s, clock
}

var aCall = Call{To: Uint(1), Selector: Selector("f"), Calldata: []Felt{Uint(9)}}

func execute(t *testing.T, a *Account, n int) {
	t.Helper()
	for range n {
		if _, err := a.Execute(t.Context(), aCall); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *sequencer) expect(t *testing.T, n uint64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, got := range s.order {
		if got != uint64(i) {
			t.Fatalf("included %v", s.order)
		}
	}
	if s.nonce != n {
		t.Errorf("%d transactions were included, want %d", s.nonce, n)
	}
}

func TestExecuteInOrder(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	execute(t, a, 5)
	s.expect(t, 5)
	if got := s.count("starknet_getNonce"); got != 1 {
		t.Errorf("the nonce is asked for %d times", got)
	}
}

func TestConcurrentSenders(t *testing.T) {
	for _, instant := range []bool{true, false} {
		a, s, _ := newTestAccount(t, FeePolicy{})
		s.instant = instant
		var wg sync.WaitGroup
		var mu sync.Mutex
		hashes := map[Felt]bool{}
		for range 10 {
			wg.Go(func() {
				for range 10 {
					h, err := a.WithFees(FeePolicy{Tip: 1}).Execute(t.Context(), aCall)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					hashes[h] = true
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		s.mu.Lock()
		s.include()
		s.mu.Unlock()
		s.expect(t, 100)
		if len(hashes) != 100 {
			t.Errorf("%d hashes", len(hashes))
		}
	}
}

func TestAnotherProgramUsesTheAccount(t *testing.T) {
	for _, fixed := range []*Bounds{nil, {}} { // the estimate fails, or the sending
		a, s, _ := newTestAccount(t, FeePolicy{Fixed: fixed})
		execute(t, a, 2)
		s.mu.Lock()
		s.order = append(s.order, 2, 3)
		s.nonce = 4
		s.mu.Unlock()
		execute(t, a, 2)
		s.expect(t, 6)
	}
}

func TestRefusedTransactionUsesNoNonce(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	execute(t, a, 1)
	for _, code := range []Code{ErrBalance, ErrValidation, ErrFeeBelowMinimum} {
		s.fail = func(uint64) any { return code }
		if _, err := a.Execute(t.Context(), aCall); !errors.Is(err, code) {
			t.Errorf("%v", err)
		}
	}
	s.fail = nil
	s.estimate = func(uint64) error { return &RPCError{Code: ErrExecution, Message: "reverted"} }
	if _, err := a.Execute(t.Context(), aCall); !errors.Is(err, ErrExecution) || errors.Is(err, ErrNonce) {
		t.Errorf("%v", err)
	}
	s.estimate = nil
	execute(t, a, 2)
	s.expect(t, 3)
}

// TestUnclearAndAccepted loses the answer to a transaction that was accepted, and
// the node does not know the hash for a while.
func TestUnclearAndAccepted(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	status := s.methods["starknet_getTransactionStatus"]
	s.on("starknet_getTransactionStatus", failing(ErrTxHashNotFound))
	s.fail = func(uint64) any { return afterError{ErrInternal} }
	hash, err := a.Execute(t.Context(), aCall)
	var unclear *UncertainError
	if !errors.As(err, &unclear) || hash.IsZero() {
		t.Fatal(err)
	}
	s.on("starknet_getTransactionStatus", status)
	s.fail = nil
	execute(t, a, 2)
	s.expect(t, 3)
}

// TestUnclearAndLost loses a transaction that was not accepted: its nonce is used
// again, once the node denies the next.
func TestUnclearAndLost(t *testing.T) {
	for _, fixed := range []*Bounds{nil, {}} { // the estimate fails, or the sending
		a, s, _ := newTestAccount(t, FeePolicy{Fixed: fixed})
		s.fail = func(uint64) any { return ErrInternal }
		_, err := a.Execute(t.Context(), aCall)
		var unclear *UncertainError
		if !errors.As(err, &unclear) {
			t.Fatal(err)
		}
		s.fail = nil
		execute(t, a, 3)
		s.expect(t, 3)
	}
}

// TestUnclearAndLostFromThePool is the same with a sequencer that takes any nonce.
func TestUnclearAndLostFromThePool(t *testing.T) {
	a, s, clock := newTestAccount(t, FeePolicy{})
	s.instant = false
	s.fail = func(uint64) any { return ErrInternal }
	if _, err := a.Execute(t.Context(), aCall); err == nil {
		t.Fatal("no error")
	}
	s.fail = nil
	clock.sleep(t.Context(), lostAfter)
	execute(t, a, 3)
	s.mu.Lock()
	s.include()
	s.mu.Unlock()
	s.expect(t, 3)
}

// TestExpiredLeavesAGap lets one of several pooled transactions expire: the next
// sender fills the gap, and the one after goes on at the end.
func TestExpiredLeavesAGap(t *testing.T) {
	a, s, clock := newTestAccount(t, FeePolicy{})
	s.instant = false
	var hashes []Felt
	for range 5 {
		h, err := a.Execute(t.Context(), aCall)
		require.NoError(t, err)
		hashes = append(hashes, h)
	}
	s.expire(2)
	s.on("starknet_getTransactionReceipt", failing(ErrTxHashNotFound))
	_, err := a.Wait(t.Context(), hashes[2])
	var dropped *DroppedError
	if !errors.As(err, &dropped) {
		t.Fatal(err)
	}
	clock.sleep(t.Context(), lostAfter)
	s.mu.Lock()
	s.include()
	s.mu.Unlock()
	s.expect(t, 2)
	execute(t, a, 2)
	s.mu.Lock()
	s.include()
	s.mu.Unlock()
	s.expect(t, 6)
}

// TestNoReplacement keeps what was sent a moment ago: a node that does not know it yet
// must not make the account use its nonce for something else.
func TestNoReplacement(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	s.instant = false
	execute(t, a, 1)
	s.on("starknet_getTransactionStatus", failing(ErrTxHashNotFound))
	a.queue.stale.Store(true)
	execute(t, a, 1)
	if len(s.pool) != 2 {
		t.Errorf("the pool has %d transactions", len(s.pool))
	}
}

func TestNonceNeverAccepted(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	s.fail = func(uint64) any { return ErrNonce }
	_, err := a.Execute(t.Context(), aCall)
	if !errors.Is(err, ErrNonce) || s.count("starknet_addInvokeTransaction") != nonceTries {
		t.Errorf("%v", err)
	}
}

func TestQueueEndsWithContext(t *testing.T) {
	a, _, _ := newTestAccount(t, FeePolicy{})
	require.NoError(t, a.queue.acquire(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := a.Execute(ctx, aCall); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	a.queue.release()
	execute(t, a, 1)
	cancel()
	if _, err := a.Execute(ctx, aCall); err == nil {
		t.Error("sent after the end of the context")
	}
}

func TestBrokenSigner(t *testing.T) {
	_, s, _ := newTestAccount(t, FeePolicy{})
	c, _ := testClient(t, s, Options{})
	a := NewAccount(c, s.account, brokenSigner{}, FeePolicy{})
	if _, err := a.Execute(t.Context(), aCall); !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	if s.count("starknet_addInvokeTransaction") > 0 {
		t.Error("something was sent")
	}
}

func TestFees(t *testing.T) {
	e := Estimate{Bounds: Bounds{L1Gas: Resource{0, big.NewInt(3)}, L2Gas: Resource{1001, big.NewInt(7)}, L1DataGas: Resource{10, nil}}}
	b, err := FeePolicy{}.Bounds(e)
	if err != nil || b.L2Gas.Amount != 1302 || b.L2Gas.Price.Int64() != 11 || b.L1DataGas.Amount != 13 || b.L1Gas.Price.Int64() != 5 {
		t.Errorf("%+v %v", b, err)
	}
	if got := b.MaxFee(2); got.Int64() != 1302*11+2*1302 {
		t.Errorf("the most to pay is %v", got)
	}
	for name, p := range map[string]FeePolicy{"cap": {MaxFee: big.NewInt(1302*11 - 1)}, "tip": {MaxFee: big.NewInt(1302 * 11), Tip: 1}, "amount": {AmountPercent: 1 << 63}} {
		if _, err := p.Bounds(e); !errors.Is(err, ErrFeeCap) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (FeePolicy{MaxFee: big.NewInt(1302 * 11)}).Bounds(e); err != nil {
		t.Error(err)
	}
	e.L2Gas = Resource{1 << 62, new(big.Int).Lsh(big.NewInt(1), 127)}
	if _, err := (FeePolicy{}).Bounds(e); !errors.Is(err, ErrFeeCap) {
		t.Errorf("an absurd price: %v", err)
	}
}

// TestHostileEstimate signs nothing for an estimate above the cap.
func TestHostileEstimate(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	lacking := estimateOf(1, 1)
	delete(lacking, "l2_gas_price")
	dear := estimateOf(1, 1)
	dear["l2_gas_price"] = "0xffffffffffffffffffffffffffff"
	wide := estimateOf(1, 1)
	wide["l2_gas_price"] = "0x100000000000000000000000000000000"
	for name, tc := range map[string]struct {
		answer any
		want   error
	}{
		"none": {[]any{}, ErrResponse}, "two": {[]any{estimateOf(1, 1), estimateOf(1, 1)}, ErrResponse}, "null": {[]any{nil}, ErrResponse},
		"lacking": {[]any{lacking}, ErrResponse}, "129 bits": {[]any{wide}, ErrResponse}, "dear": {[]any{dear}, ErrFeeCap},
	} {
		s.on("starknet_estimateFee", fixed(tc.answer))
		if _, err := a.Execute(t.Context(), aCall); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.count("starknet_addInvokeTransaction") > 0 {
		t.Error("something was sent")
	}
}

func TestExecuteTooMuchCalldata(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	var tooLong *CalldataError
	_, err := a.Execute(t.Context(), Call{Calldata: make([]Felt, MaxCalldata-3)})
	if !errors.As(err, &tooLong) || tooLong.Len != MaxCalldata+1 {
		t.Error(err)
	}
	if _, err := a.Execute(t.Context(), slices.Repeat([]Call{{Calldata: make([]Felt, 997)}}, 5)...); !errors.As(err, &tooLong) {
		t.Error(err)
	}
	if _, err := a.Execute(t.Context(), Call{Calldata: make([]Felt, MaxCalldata-4)}); err != nil {
		t.Errorf("the longest calldata: %v", err)
	}
	s.expect(t, 1)
}

// TestEstimateAll simulates transactions one after the other, all as queries.
func TestEstimateAll(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{Tip: 3})
	s.nonce = 5
	var seen []*InvokeTx
	s.on("starknet_estimateFee", func(raw json.RawMessage) (any, error) {
		seen = params[struct{ Request []*InvokeTx }](raw).Request
		return []any{estimateOf(100, 7), estimateOf(200, 7)}, nil
	})
	txs := []Transaction{&InvokeTx{From: a.Address()}, &InvokeTx{From: a.Address(), Calldata: []Felt{Uint(1)}}}
	list, err := a.EstimateAll(t.Context(), txs...)
	if err != nil || len(list) != 2 || list[0].L2Gas.Amount != 100 || list[1].L2Gas.Amount != 200 {
		t.Fatal(list, err)
	}
	for i, tx := range seen {
		hash, err := tx.Hash(sepolia)
		if err != nil || tx.Nonce != uint64(5+i) || !tx.Query || tx.Tip != 3 {
			t.Fatalf("%d: %+v %v", i, tx, err)
		}
		assert.NoError(t, wallet.Verify(a.signer.PublicKey(), hash, wallet.Signature{R: tx.Signature[0], S: tx.Signature[1]}), "%d", i)
		if left := txs[i].envelope(); left.Query || left.Signature != nil {
			t.Errorf("%d is left signed: %+v", i, left)
		}
	}
	s.on("starknet_estimateFee", fixed([]any{estimateOf(100, 7)}))
	if _, err := a.EstimateAll(t.Context(), txs...); !errors.Is(err, ErrResponse) {
		t.Errorf("one estimate for two transactions: %v", err)
	}
}

func TestIsAddress(t *testing.T) {
	limit := felt.MustParse("0x7" + strings.Repeat("f", 60) + "00") // 2^251 - 256
	last := felt.MustParse("0x7" + strings.Repeat("f", 59) + "eff")
	for f, want := range map[Felt]bool{{}: false, Uint(1): true, last: true, limit: false} {
		if IsAddress(f) != want {
			t.Errorf("%s: %v", f, !want)
		}
	}
}
