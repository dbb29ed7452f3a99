package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/calldata"
)

// TestMalformed has requests that are none, with what they are answered.
func TestMalformed(t *testing.T) {
	n := open(t, Options{})
	get := func(method, params string) string {
		return `{"jsonrpc":"2.0","id":7,"method":"` + method + `","params":` + params + `}`
	}
	for _, c := range []struct{ body, want string }{
		{``, `-32700`},
		{`{bad`, `-32700`},
		{`[{bad`, `-32700`},
		{`7`, `-32600`},
		{`null`, `-32600`},
		{`[]`, `-32600`},
		{`[1]`, `[{"jsonrpc":"2.0","id":null,"error":{"code":-32600`},
		{`{"id":1}`, `"id":1,"error":{"code":-32600`},
		{`{"jsonrpc":"2.0","id":{},"method":"starknet_chainId"}`, `-32600`},
		{`{"jsonrpc":"1.0","id":1,"method":"starknet_chainId"}`, `-32600`},
		{`{"jsonrpc":"2.0","id":1,"method":5}`, `-32600`},
		{`{"jsonrpc":"2.0","method":"starknet_chainId"}`, ``}, // a notification
		{`[{"jsonrpc":"2.0","method":"starknet_chainId"}]`, ``},
		{`{"jsonrpc":"2.0","id":"a","method":"starknet_chainId"}`, `"id":"a","result":"0x`},
		{`{"jsonrpc":"2.0","id":1,"method":"starknet_chainId","params":null}`, `"result":"0x`},
		{get("starknet_foo", `[]`), `-32601`},
		{get("starknet_getNonce", `{}`), "missing field `block_id`"},
		{get("starknet_getNonce", `["latest"]`), "missing field `contract_address`"},
		{get("starknet_getNonce", `["latest","0x1","0x2"]`), `-32602`},
		{get("starknet_getNonce", `["latest","0x4718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d"]`), `"result":"0x0"`},
		{get("starknet_getNonce", `["pending","0x1"]`), `-32602`},
		{get("starknet_getNonce", `[{"block_number":-1},"0x1"]`), `-32602`},
		{get("starknet_getNonce", `[{"block_number":0,"block_hash":"0x0"},"0x1"]`), `-32602`},
		{get("starknet_getNonce", `[{"block_number":1e30},"0x1"]`), `-32602`},
		{get("starknet_getNonce", `["latest","1"]`), `-32602`},
		{get("starknet_getNonce", `["latest",1]`), `-32602`},
		{get("starknet_getNonce", `["latest","0x800000000000011000000000000000000000000000000000000000000000001"]`), `-32602`},
		{get("starknet_getNonce", `"latest"`), `-32602`},
		{get("starknet_call", `{"request":{},"block_id":"latest"}`), `-32602`},
		{get("starknet_call", `{"request":null,"block_id":"latest"}`), `-32602`},
		{get("starknet_addInvokeTransaction", `{}`), `-32602`},
		{get("starknet_addInvokeTransaction", `{"invoke_transaction":{}}`), `-32602`},
		{get("starknet_addInvokeTransaction", `{"invoke_transaction":{"type":"INVOKE","version":"0x1"}}`), `-32602`},
		{get("starknet_addDeclareTransaction", `{"declare_transaction":{"type":"DECLARE"}}`), `-32602`},
		{get("starknet_addDeployAccountTransaction", `[[]]`), `-32602`},
		{get("starknet_estimateFee", `{"request":[{}],"simulation_flags":[],"block_id":"latest"}`), `-32602`},
		{get("starknet_estimateFee", `{"request":[],"simulation_flags":["SKIP_FEE_CHARGE"],"block_id":"latest"}`), `-32602`},
		{get("starknet_estimateFee", `{"request":[],"simulation_flags":[],"block_id":"latest"}`), `"result":[]`},
		{get("starknet_getEvents", `{"filter":{}}`), `-32602`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":0}}`), `-32602`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1025}}`), `"code":31`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"continuation_token":"abc"}}`), `"code":33`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"continuation_token":"9-0"}}`), `"code":33`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"from_block":{"block_number":9}}}`), `"code":24`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"keys":[["0x1"`+strings.Repeat(`,"0x1"`, 300)+`]]}}`), `"code":34`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"address":["0x1","0x2"]}}`), `"events":[]`},
		{get("starknet_getEvents", `{"filter":{"chunk_size":1,"address":7}}`), `-32602`},
		{get("starknet_getTransactionByHash", `["0x1"]`), `"code":29`},
		{get("starknet_getTransactionByBlockIdAndIndex", `["latest",0]`), `"code":27`},
		{get("starknet_getBlockTransactionCount", `["latest"]`), `"result":0`},
		{get("starknet_getClassAt", `["latest","0x5"]`), `"code":20`},
		{get("starknet_getClass", `["latest","0x5"]`), `"code":28`},
		{get("starknet_syncing", `[]`), `"result":false`},
		{`[` + strings.Repeat(`{},`, MaxBatch) + `{}]`, `-32600`},
	} {
		if got := string(n.serve([]byte(c.body))); !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%.150s\n gives %.300s\n want %s", c.body, got, c.want)
		}
	}
	deep := strings.Repeat("[", 200_000)
	if got := n.serve([]byte(deep)); !bytes.Contains(got, []byte("-32700")) {
		t.Errorf("deep nesting: %.200s", got)
	}
	if got := n.serve([]byte(get("starknet_call", deep))); !bytes.Contains(got, []byte("-32700")) {
		t.Errorf("deep nesting in the parameters: %.200s", got)
	}
}

// FuzzServe feeds anything to a ledger, which must answer JSON and stay as it is.
func FuzzServe(f *testing.F) {
	n := open(f, Options{Accounts: seeded(f, 1)})
	calldata, err := chain.Multicall(pay(f, chain.STRK(), chain.Uint(1), big.NewInt(1)))
	if err != nil {
		f.Fatal(err)
	}
	tx := &chain.InvokeTx{Envelope: chain.Envelope{Query: true}, From: n.keys[0].Address(), Calldata: calldata}
	if _, err := chain.SignTransaction(context.Background(), tx, n.chainID, n.keys[0]); err != nil {
		f.Fatal(err)
	}
	for method, params := range map[string]any{
		"starknet_estimateFee":                 map[string]any{"request": []any{tx}, "simulation_flags": []string{}, "block_id": "latest"},
		"starknet_addInvokeTransaction":        []any{tx},
		"starknet_addDeclareTransaction":       []any{map[string]any{"type": "DECLARE", "contract_class": map[string]any{}}},
		"starknet_addDeployAccountTransaction": []any{map[string]any{"type": "DEPLOY_ACCOUNT", "constructor_calldata": []string{"0x1"}}},
		"starknet_call":                        []any{map[string]any{"contract_address": hexFelt(chain.STRK()), "entry_point_selector": hexFelt(chain.Selector("balance_of")), "calldata": []string{"0x1"}}, "latest"},
		"starknet_getEvents":                   []any{map[string]any{"from_block": map[string]any{"block_number": 0}, "address": "0x1", "keys": []any{[]any{"0x1"}, []any{}}, "chunk_size": 10, "continuation_token": "0-0"}},
		"starknet_getStorageAt":                []any{hexFelt(chain.STRK()), "0x1", map[string]any{"block_number": 0}},
		"starknet_getBlockWithTxs":             []any{map[string]any{"block_hash": hexFelt(n.headers[0].hash)}},
		"starknet_getStateUpdate":              []any{"pre_confirmed"},
	} {
		f.Add(encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
	}
	f.Add([]byte(`[{"jsonrpc":"2.0","id":1,"method":"starknet_chainId"},{}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if out := n.serve(body); out != nil && !json.Valid(out) || bytes.Contains(out, []byte("-32603")) {
			t.Errorf("%q", out)
		}
		if len(n.headers) != 1 {
			t.Error("a transaction was accepted")
		}
	})
}

func TestHTTP(t *testing.T) {
	n := open(t, Options{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	serving, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { ended <- n.Serve(serving, listener) }()
	url := "http://" + listener.Addr().String()
	c, err := chain.Dial(t.Context(), url, chain.Options{ChainID: DefaultChainID, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	a := chain.NewAccount(c, n.keys[0].Address(), n.keys[0], chain.FeePolicy{})
	done(t, a, pay(t, chain.STRK(), chain.Uint(0xcafe), big.NewInt(3)))
	if got := n.balance(t, chain.STRK(), chain.Uint(0xcafe), chain.AtLatest()); got.Int64() != 3 {
		t.Error(got)
	}
	if _, err := chain.Dial(t.Context(), url, chain.Options{ChainID: "SN_MAIN"}); !errors.Is(err, chain.ErrChainID) {
		t.Error(err)
	}
	declare(t, a, "SageToken") // a large request
	c.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := n.Serve(t.Context(), listener); err == nil {
		t.Error("a closed listener is served")
	}

	for _, s := range []struct {
		method, body string
		status       int
	}{
		{http.MethodGet, "", http.StatusMethodNotAllowed},
		{http.MethodPost, strings.Repeat(" ", MaxBody+1), http.StatusRequestEntityTooLarge},
		{http.MethodPost, "{", http.StatusOK},
	} {
		w := httptest.NewRecorder()
		n.Handler().ServeHTTP(w, httptest.NewRequest(s.method, "/rpc", strings.NewReader(s.body)))
		if w.Code != s.status {
			t.Errorf("%s with %d bytes: %d", s.method, len(s.body), w.Code)
		}
	}
	r, err := direct{n.Ledger}.RoundTrip(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat(" ", MaxBody+1))))
	if err != nil || r.StatusCode != http.StatusRequestEntityTooLarge {
		t.Error(r, err)
	}
	if body, _ := io.ReadAll(r.Body); len(body) > 0 {
		t.Error(body)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.c.BlockNumber(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func BenchmarkTransfer(b *testing.B) {
	for _, c := range []struct {
		name string
		file bool
	}{{"memory", false}, {"file", true}} {
		b.Run(c.name, func(b *testing.B) {
			o := Options{}
			if c.file {
				o.File = b.TempDir() + "/ledger"
			}
			n := open(b, o)
			data := new(calldata.Encoder).Felt(chain.Uint(0xcafe)).U256(u256(big.NewInt(1))).Felts()
			calldata, err := chain.Multicall(chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: data})
			if err != nil {
				b.Fatal(err)
			}
			bodies := make([][]byte, b.N)
			for i := range bodies {
				tx := &chain.InvokeTx{Envelope: chain.Envelope{Nonce: uint64(i), Bounds: *generous()}, From: n.keys[0].Address(), Calldata: calldata}
				if _, err := chain.SignTransaction(b.Context(), tx, n.chainID, n.keys[0]); err != nil {
					b.Fatal(err)
				}
				bodies[i] = encode(map[string]any{"jsonrpc": "2.0", "id": 1, "method": "starknet_addInvokeTransaction", "params": []any{tx}})
			}
			b.ResetTimer()
			for _, body := range bodies {
				if out := n.serve(body); !bytes.Contains(out, []byte("transaction_hash")) {
					b.Fatalf("%s", out)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tx/s")
		})
	}
}
