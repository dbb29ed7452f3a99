package chain

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/wallet"
)

func signed(t testing.TB) *InvokeTx {
	t.Helper()
	tx := &InvokeTx{From: Uint(1), Calldata: []Felt{Uint(2)}, Envelope: Envelope{Nonce: 5}}
	if _, err := SignTransaction(t.Context(), tx, sepolia, testKey(t)); err != nil {
		t.Fatal(err)
	}
	return tx
}

var sepolia = short("SN_SEPOLIA")

func hashOf(t testing.TB, tx Transaction) Felt {
	t.Helper()
	h, err := tx.Hash(sepolia)
	require.NoError(t, err)
	return h
}

// script answers with one step after another and then with the last one.
func script(steps ...any) method {
	i := 0
	return func(json.RawMessage) (any, error) {
		step := steps[min(i, len(steps)-1)]
		i++
		if err, ok := step.(error); ok {
			return nil, err
		}
		return step, nil
	}
}

var received = map[string]string{"finality_status": "RECEIVED"}

func TestAdd(t *testing.T) {
	tx := signed(t)
	hash := hashOf(t, tx)
	accepted := map[string]any{"transaction_hash": rpcFelt(hash)}
	other := map[string]any{"transaction_hash": "0x1"}
	unknown := ErrTxHashNotFound
	const add, look = "starknet_addInvokeTransaction", "starknet_getTransactionStatus"
	for name, tc := range map[string]struct {
		add, look []any
		sent      int   // how often the transaction is sent
		want      error // nil for success
		unclear   bool
	}{
		"accepted":                        {[]any{accepted}, []any{unknown}, 1, nil, false},
		"refused":                         {[]any{ErrBalance}, []any{unknown}, 1, ErrBalance, false},
		"bad signature":                   {[]any{ErrValidation}, []any{unknown}, 1, ErrValidation, false},
		"limited, then accepted":          {[]any{httpFailure(429), accepted}, []any{unknown}, 2, nil, false},
		"forbidden":                       {[]any{httpFailure(403)}, []any{unknown}, 1, &HTTPError{}, false},
		"broken off, but known":           {[]any{io.EOF}, []any{received}, 1, nil, false},
		"broken off, known after a while": {[]any{io.EOF}, []any{unknown, unknown, received}, 1, nil, false},
		"broken off and unknown":          {[]any{io.EOF, accepted}, []any{unknown}, 2, nil, false},
		"status 500, but known":           {[]any{httpFailure(500)}, []any{received}, 1, nil, false},
		"for ever broken":                 {[]any{io.EOF}, []any{unknown}, 5, &UncertainError{}, true},
		"internal error":                  {[]any{ErrInternal}, []any{unknown}, 1, ErrInternal, true},
		"internal error, but known":       {[]any{ErrInternal}, []any{received}, 1, nil, false},
		"unexpected error":                {[]any{ErrUnexpected}, []any{unknown}, 1, ErrUnexpected, true},
		"unknown code":                    {[]any{Code(-1)}, []any{unknown}, 1, Code(-1), true},
		"duplicate":                       {[]any{ErrDuplicateTx}, []any{unknown}, 1, nil, false},
		"old nonce":                       {[]any{ErrNonce}, []any{unknown}, 1, ErrNonce, false},
		"old nonce of itself":             {[]any{ErrNonce}, []any{received}, 1, nil, false},
		"broken off, then old nonce":      {[]any{io.EOF, ErrNonce}, []any{unknown}, 2, ErrNonce, true},
		"broken off, then poor":           {[]any{io.EOF, ErrBalance}, []any{unknown}, 2, ErrBalance, true},
		"broken off, then found":          {[]any{io.EOF, ErrNonce}, []any{unknown, unknown, unknown, unknown, received}, 2, nil, false},
		"another hash":                    {[]any{other}, []any{unknown}, 1, ErrResponse, true},
		"no hash":                         {[]any{map[string]any{}}, []any{received}, 1, nil, false},
		"null":                            {[]any{nil}, []any{unknown}, 1, ErrResponse, true},
		"cannot look":                     {[]any{io.EOF}, []any{ErrMethodNotFound}, 1, ErrMethodNotFound, true},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode()
			n.on(add, script(tc.add...))
			n.on(look, script(tc.look...))
			c, _ := testClient(t, n, Options{})
			got, err := c.Add(t.Context(), tx)
			var unclear *UncertainError
			var status *HTTPError
			switch want := tc.want.(type) {
			case nil:
				if err != nil || got != hash {
					t.Errorf("%v", err)
				}
			case *UncertainError:
			case *HTTPError:
				if !errors.As(err, &status) {
					t.Errorf("%v", err)
				}
			default:
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			}
			if errors.As(err, &unclear) != tc.unclear {
				t.Errorf("uncertain: %v", err)
			}
			if tc.unclear && (unclear.Hash != hash || got != hash) || err != nil && !tc.unclear && !got.IsZero() {
				t.Errorf("the hash %s beside %v", got, err)
			}
			if n.count(add) != tc.sent {
				t.Errorf("sent %d times, want %d", n.count(add), tc.sent)
			}
		})
	}
}

func TestAddRefusesBeforeSending(t *testing.T) {
	n := newNode()
	c, _ := testClient(t, n, Options{})
	long := signed(t)
	long.Calldata = make([]Felt, MaxCalldata+1)
	query := signed(t)
	query.Query = true
	unsigned := signed(t)
	unsigned.Signature = nil
	price := signed(t)
	price.Bounds.L2Gas.Price = new(big.Int).Lsh(big.NewInt(1), 128)
	negative := signed(t)
	negative.Bounds.L1Gas.Price = big.NewInt(-1)
	mode := signed(t)
	mode.FeeDA = 2
	big := &DeclareTx{Class: &Class{Version: "0.1.0", Program: []Felt{{}}, ABI: strings.Repeat("x", MaxClassBytes)}, Envelope: signed(t).Envelope}
	var calldata *CalldataError
	for i, tc := range []struct {
		tx   Transaction
		want error
	}{{query, ErrUnsigned}, {unsigned, ErrUnsigned}, {price, ErrTransaction}, {negative, ErrTransaction}, {mode, ErrTransaction}, {big, ErrClass}, {&DeclareTx{}, ErrTransaction}} {
		if _, err := c.Add(t.Context(), tc.tx); !errors.Is(err, tc.want) {
			t.Errorf("%d: %v, want %v", i, err, tc.want)
		}
	}
	if _, err := c.Add(t.Context(), long); !errors.As(err, &calldata) || calldata.Len != MaxCalldata+1 {
		t.Errorf("%v", err)
	}
	if n.count("starknet_addInvokeTransaction")+n.count("starknet_addDeclareTransaction") > 0 {
		t.Error("something was sent")
	}
}

func TestSignatureVerifies(t *testing.T) {
	tx := signed(t)
	assert.NoError(t, wallet.Verify(testKey(t).PublicKey(), hashOf(t, tx), wallet.Signature{R: tx.Signature[0], S: tx.Signature[1]}))
}

func receiptOf(hash Felt, finality, execution string) map[string]any {
	return map[string]any{
		"type": "INVOKE", "transaction_hash": rpcFelt(hash), "actual_fee": map[string]any{"amount": "0x10", "unit": "FRI"},
		"finality_status": finality, "execution_status": execution, "revert_reason": "because",
		"block_hash": "0xb", "block_number": 7, "messages_sent": []any{},
		"events":              []any{map[string]any{"from_address": "0x1", "keys": []string{"0x2"}, "data": []string{}}},
		"execution_resources": map[string]any{"l1_gas": 1, "l1_data_gas": 2, "l2_gas": 3},
	}
}

func TestWait(t *testing.T) {
	hash := Uint(77)
	good, pending := receiptOf(hash, "ACCEPTED_ON_L2", "SUCCEEDED"), receiptOf(hash, "PRE_CONFIRMED", "SUCCEEDED")
	var revert *RevertError
	var dropped *DroppedError
	for name, tc := range map[string]struct {
		receipts, status []any
		as               any
		is               error
		receipt          bool
	}{
		"at once":        {[]any{good}, []any{received}, nil, nil, true},
		"after a while":  {[]any{ErrTxHashNotFound, pending, good}, []any{received}, nil, nil, true},
		"on L1":          {[]any{receiptOf(hash, "ACCEPTED_ON_L1", "SUCCEEDED")}, []any{received}, nil, nil, true},
		"reverted":       {[]any{receiptOf(hash, "ACCEPTED_ON_L2", "REVERTED")}, []any{received}, &revert, nil, true},
		"never known":    {[]any{ErrTxHashNotFound}, []any{ErrTxHashNotFound}, &dropped, nil, false},
		"expired":        {[]any{ErrTxHashNotFound}, []any{received, received, ErrTxHashNotFound}, &dropped, nil, false},
		"rejected":       {[]any{ErrTxHashNotFound}, []any{map[string]string{"finality_status": "REJECTED"}}, &dropped, nil, false},
		"node down":      {[]any{httpFailure(503), httpFailure(503), httpFailure(503), httpFailure(503), httpFailure(503), good}, []any{received}, nil, nil, true},
		"wrong method":   {[]any{ErrMethodNotFound}, []any{received}, nil, ErrMethodNotFound, false},
		"another's":      {[]any{receiptOf(Uint(78), "ACCEPTED_ON_L2", "SUCCEEDED")}, []any{received}, nil, ErrResponse, false},
		"unknown state":  {[]any{receiptOf(hash, "MAYBE", "SUCCEEDED")}, []any{received}, nil, ErrResponse, false},
		"unknown result": {[]any{receiptOf(hash, "ACCEPTED_ON_L2", "PERHAPS")}, []any{received}, nil, ErrResponse, false},
		"too early":      {[]any{receiptOf(hash, "RECEIVED", "SUCCEEDED")}, []any{received}, nil, ErrResponse, false},
		"bad status":     {[]any{ErrTxHashNotFound}, []any{map[string]any{"finality_status": nil}}, nil, ErrResponse, false},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode()
			n.on("starknet_getTransactionReceipt", script(tc.receipts...))
			n.on("starknet_getTransactionStatus", script(tc.status...))
			c, clock := testClient(t, n, Options{})
			start := clock.now()
			r, err := c.Wait(t.Context(), hash)
			switch {
			case tc.as != nil && !errors.As(err, tc.as), tc.as == nil && !errors.Is(err, tc.is):
				t.Errorf("%v", err)
			case (r != nil) != tc.receipt:
				t.Errorf("receipt %v beside %v", r, err)
			}
			if errors.As(err, &dropped) && name != "rejected" && clock.now().Sub(start) < 90*time.Second {
				t.Errorf("given up after %v", clock.now().Sub(start))
			}
			if errors.As(err, &revert) && (revert.Hash != hash || revert.Reason != "because" || r.Err() == nil) {
				t.Errorf("%+v", revert)
			}
			if r != nil && (r.Fee.Int64() != 16 || r.Unit != "FRI" || r.Block.Number != 7 || len(r.Events) != 1 || r.Events[0].Tx != hash || r.L2Gas != 3) {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestReceiptLacksFields(t *testing.T) {
	for _, field := range []string{"transaction_hash", "actual_fee", "finality_status", "execution_status", "block_hash", "block_number", "events", "execution_resources"} {
		m := receiptOf(Uint(77), "ACCEPTED_ON_L2", "SUCCEEDED")
		delete(m, field)
		n := newNode()
		n.on("starknet_getTransactionReceipt", fixed(m))
		c, _ := testClient(t, n, Options{})
		if _, err := c.TransactionReceipt(t.Context(), Uint(77)); !errors.Is(err, ErrResponse) {
			t.Errorf("without %s: %v", field, err)
		}
	}
}
