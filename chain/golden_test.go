package chain

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/calldata"
)

type goldenTx struct {
	Chain string
	Tx    json.RawMessage
	Hash  rpcFelt
}

type goldenFile struct {
	Provenance string
	Invoke     []goldenTx
	Declare    []goldenTx
	Deploy     []goldenTx `json:"deploy_account"`
	Selectors  []struct {
		Name  string
		Value rpcFelt
	}
	ByteArrays []struct {
		Text  string
		Felts []rpcFelt
	} `json:"byte_arrays"`
	Multicalls []struct {
		Calls []struct {
			To       rpcFelt   `json:"contract_address"`
			Selector rpcFelt   `json:"entry_point_selector"`
			Calldata []rpcFelt `json:"calldata"`
		}
		Felts []rpcFelt
	}
	Files []struct {
		Class json.RawMessage
		Hash  rpcFelt
	} `json:"class_files"`
	Casm []struct {
		Class json.RawMessage
		Hash  rpcFelt
	}
}

// golden reads what starknet.go computed, see testdata/oracle.
func golden(t testing.TB) *goldenFile {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	require.NoError(t, err)
	var g goldenFile
	require.NoError(t, json.Unmarshal(data, &g))
	if len(g.Invoke) < 10 || len(g.Declare) < 5 || len(g.Deploy) < 5 || len(g.Files) < 3 {
		t.Fatal("golden.json is incomplete")
	}
	return &g
}

func sameFelts(a, b []Felt) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// sameJSON compares JSON without regard to spaces and order of fields.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	require.NoError(t, json.Unmarshal(a, &x))
	require.NoError(t, json.Unmarshal(b, &y))
	return reflect.DeepEqual(x, y)
}

func checkGolden(t *testing.T, list []goldenTx, fresh func() Transaction) {
	t.Helper()
	for i, g := range list {
		tx := fresh()
		require.NoError(t, json.Unmarshal(g.Tx, tx), "%d", i)
		id, err := felt.ShortString(g.Chain)
		require.NoError(t, err)
		hash, err := tx.Hash(id)
		require.NoError(t, err)
		if hash != Felt(g.Hash) {
			t.Errorf("%d: hash %s, starknet.go has %s", i, hash, Felt(g.Hash))
		}
		out, err := json.Marshal(tx)
		require.NoError(t, err)
		if !sameJSON(t, out, g.Tx) {
			t.Errorf("%d: JSON\n%s\nwant\n%s", i, out, g.Tx)
		}
		tx.envelope().Nonce++
		if other, err := tx.Hash(id); err != nil || other == hash {
			t.Errorf("%d: another nonce has the same hash", i)
		}
	}
}

func TestGoldenTransactions(t *testing.T) {
	g := golden(t)
	t.Run("invoke", func(t *testing.T) { checkGolden(t, g.Invoke, func() Transaction { return new(InvokeTx) }) })
	t.Run("declare", func(t *testing.T) { checkGolden(t, g.Declare, func() Transaction { return new(DeclareTx) }) })
	t.Run("deploy", func(t *testing.T) { checkGolden(t, g.Deploy, func() Transaction { return new(DeployAccountTx) }) })
}

func TestGoldenSelectors(t *testing.T) {
	for _, g := range golden(t).Selectors {
		if got := Selector(g.Name); got != Felt(g.Value) {
			t.Errorf("%s: %s, want %s", g.Name, got, Felt(g.Value))
		}
	}
}

func TestGoldenByteArrays(t *testing.T) {
	for _, g := range golden(t).ByteArrays {
		got := new(calldata.Encoder).ByteArray(g.Text).Felts()
		if !sameFelts(got, fromRPC(g.Felts)) {
			t.Errorf("%d bytes: %v", len(g.Text), got)
		}
		d := calldata.NewDecoder(got)
		if back := d.ByteArray(); d.Close() != nil || back != g.Text {
			t.Errorf("%d bytes come back as %q: %v", len(g.Text), back, d.Close())
		}
	}
}

func TestGoldenMulticalls(t *testing.T) {
	for i, g := range golden(t).Multicalls {
		var calls []Call
		for _, c := range g.Calls {
			calls = append(calls, Call{Felt(c.To), Felt(c.Selector), fromRPC(c.Calldata)})
		}
		got, err := Multicall(calls...)
		if err != nil || !sameFelts(got, fromRPC(g.Felts)) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestGoldenClassFiles(t *testing.T) {
	for i, g := range golden(t).Files {
		c, err := ParseClass(g.Class)
		require.NoError(t, err)
		if got := c.Hash(); got != Felt(g.Hash) {
			t.Errorf("%d: hash %s, want %s", i, got, Felt(g.Hash))
		}
		data, err := json.Marshal(c)
		require.NoError(t, err)
		again, err := ParseClass(data)
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%d: the class changes on its way through JSON: %v", i, err)
		}
		if bytes.Contains(data, []byte("debug")) {
			t.Error("debug information is declared")
		}
	}
}
