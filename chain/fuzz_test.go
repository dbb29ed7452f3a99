package chain

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// FuzzTransactions reads transactions; what is accepted must have a hash, and come
// back unchanged.
func FuzzTransactions(f *testing.F) {
	g := golden(f)
	for _, list := range [][]goldenTx{g.Invoke, g.Declare, g.Deploy} {
		for _, tx := range list {
			f.Add([]byte(tx.Tx))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, pair := range [][2]Transaction{{new(InvokeTx), new(InvokeTx)}, {new(DeclareTx), new(DeclareTx)}, {new(DeployAccountTx), new(DeployAccountTx)}} {
			if json.Unmarshal(data, pair[0]) != nil {
				continue
			}
			hash, err := pair[0].Hash(sepolia)
			require.NoError(t, err, "accepted, but without a hash")
			out, err := json.Marshal(pair[0])
			require.NoError(t, err)
			if err := json.Unmarshal(out, pair[1]); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if again, err := pair[1].Hash(sepolia); err != nil || again != hash {
				t.Errorf("another hash on the way back: %v", err)
			}
		}
	})
}

// FuzzAnswers hands any body to every reader. None may panic.
func FuzzAnswers(f *testing.F) {
	for _, v := range []any{"0x1", 7, []string{"0x1"}, receiptOf(Uint(77), "ACCEPTED_ON_L2", "REVERTED"), estimateOf(1, 2), []any{estimateOf(1, 2)},
		map[string]any{"events": []any{eventOf(1, 0, 1)}, "continuation_token": "1"}, map[string]any{"block_hash": "0x1", "block_number": 1},
		map[string]any{"status": "ACCEPTED_ON_L2", "block_number": 1, "block_hash": "0x1", "parent_hash": "0x1", "timestamp": 1, "transactions": []string{}}} {
		data, err := json.Marshal(map[string]any{"id": 1, "result": v})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	var body []byte
	c, _ := testClient(f, http.NotFoundHandler(), Options{Attempts: 1})
	c.http = &http.Client{Transport: roundTrip(func() []byte { return body })}
	f.Fuzz(func(t *testing.T, data []byte) {
		ctx := t.Context()
		body = data
		readers := []func(){
			func() { c.Call(ctx, Call{}, AtLatest()) },
			func() { c.Nonce(ctx, Felt{}, AtLatest()) },
			func() { c.Block(ctx, AtLatest()) },
			func() { c.Head(ctx) },
			func() { c.TransactionStatus(ctx, Uint(77)) },
			func() { c.TransactionReceipt(ctx, Uint(77)) },
			func() { c.Class(ctx, Felt{}, AtLatest()) },
			func() { c.EstimateFee(ctx, &InvokeTx{}) },
			func() { c.eventPage(ctx, EventFilter{Chunk: 9}, 0, 9, "") },
			func() { c.Batch(ctx, []BatchItem{{Result: new(rpcFelt)}}) },
		}
		for _, read := range readers {
			c.id.Store(0)
			read()
		}
	})
}

func FuzzAddresses(f *testing.F) {
	f.Add([]byte(`{"chain_id":"SN_MAIN","contracts":{"A":{"address":"0x1","class_hash":"0x2"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if a, err := ParseAddresses(data); err == nil {
			assert.NoError(t, a.check())
		}
	})
}
