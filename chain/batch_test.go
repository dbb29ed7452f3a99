package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// batchNode answers a batch of n requests with a text in which #i stands for the
// identifier of request i.
func batchNode(n int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var list []struct{ ID uint64 }
		if err := json.NewDecoder(r.Body).Decode(&list); err != nil || len(list) != n {
			w.WriteHeader(400)
			return
		}
		out := body
		for i, req := range list {
			out = strings.ReplaceAll(out, fmt.Sprintf("#%d", i), fmt.Sprint(req.ID))
		}
		io.WriteString(w, out)
	}
}

func ask(n int) []BatchItem {
	items := make([]BatchItem, n)
	for i := range items {
		items[i] = BatchItem{Method: "starknet_chainId", Result: new(rpcFelt)}
	}
	return items
}

func TestBatchOutOfOrder(t *testing.T) {
	c, _ := testClient(t, batchNode(3, `[{"id":#2,"result":"0x3"},{"id":#0,"result":"0x1"},{"id":#1,"error":{"code":20,"message":"m"}}]`), Options{})
	items := ask(3)
	require.NoError(t, c.Batch(t.Context(), items))
	if *items[0].Result.(*rpcFelt) != rpcFelt(Uint(1)) || *items[2].Result.(*rpcFelt) != rpcFelt(Uint(3)) {
		t.Error("the answers are mixed up")
	}
	if items[0].Err != nil || items[2].Err != nil || !errors.Is(items[1].Err, ErrContractNotFound) {
		t.Errorf("%v", items)
	}
}

func TestBatchRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want error
	}{
		"missing":      {`[{"id":#0,"result":"0x1"}]`, ErrResponse},
		"twice":        {`[{"id":#0,"result":"0x1"},{"id":#0,"result":"0x1"}]`, ErrResponse},
		"unknown":      {`[{"id":#0,"result":"0x1"},{"id":99999,"result":"0x1"}]`, ErrResponse},
		"zero":         {`[{"id":#0,"result":"0x1"},{"id":0,"result":"0x1"}]`, ErrResponse},
		"no id":        {`[{"id":#0,"result":"0x1"},{"result":"0x1"}]`, ErrResponse},
		"null id":      {`[{"id":#0,"result":"0x1"},{"id":null,"result":"0x1"}]`, ErrResponse},
		"null":         {`[{"id":#0,"result":"0x1"},null]`, ErrResponse},
		"too many":     {`[{"id":#0,"result":"0x1"},{"id":#1,"result":"0x1"},{"id":#1,"result":"0x1"}]`, ErrResponse},
		"a flood":      {"[" + strings.Repeat("{},", 1<<20) + "{}]", ErrResponse},
		"truncated":    {`[{"id":#0,"result":"0x1"},{"id":#1,`, ErrResponse},
		"trailing":     {`[{"id":#0,"result":"0x1"},{"id":#1,"result":"0x1"}] []`, ErrResponse},
		"one object":   {`{"id":#0,"result":"0x1"}`, ErrResponse},
		"one error":    {`{"id":null,"error":{"code":-32600,"message":"no batches"}}`, ErrInvalidRequest},
		"not an array": {`"x"`, ErrResponse},
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := testClient(t, batchNode(2, tc.body), Options{})
			if err := c.Batch(t.Context(), ask(2)); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

func TestBatchLimits(t *testing.T) {
	c, _ := testClient(t, batchNode(maxBatch+1, `[]`), Options{})
	assert.NoError(t, c.Batch(t.Context(), nil))
	if err := c.Batch(t.Context(), ask(maxBatch+1)); err == nil {
		t.Error("a batch above the limit is sent")
	}
	if err := c.Batch(t.Context(), []BatchItem{{Method: "starknet_addInvokeTransaction"}}); err == nil {
		t.Error("a transaction is sent in a batch, where it would be repeated")
	}
}
