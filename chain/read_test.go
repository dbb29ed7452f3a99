package chain

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded answers a method and checks its parameters.
func recorded(t *testing.T, want string, result any) method {
	return func(raw json.RawMessage) (any, error) {
		if !sameJSON(t, raw, []byte(want)) {
			t.Errorf("parameters %s, want %s", raw, want)
		}
		return result, nil
	}
}

func TestReads(t *testing.T) {
	n := newNode()
	c, _ := testClient(t, n, Options{})
	ctx := t.Context()

	n.on("starknet_call", recorded(t, `{"block_id":"latest","request":{"contract_address":"0x1","entry_point_selector":"0x2","calldata":["0x3"]}}`, []string{"0x4", "0x5"}))
	if out, err := c.Call(ctx, Call{Uint(1), Uint(2), []Felt{Uint(3)}}, AtLatest()); err != nil || !sameFelts(out, []Felt{Uint(4), Uint(5)}) {
		t.Error(out, err)
	}
	n.on("starknet_getNonce", recorded(t, `{"block_id":"pre_confirmed","contract_address":"0x1"}`, "0xff"))
	if nonce, err := c.Nonce(ctx, Uint(1), AtPreConfirmed()); err != nil || nonce != 255 {
		t.Error(nonce, err)
	}
	n.on("starknet_getStorageAt", recorded(t, `{"block_id":{"block_number":7},"contract_address":"0x1","key":"0x2"}`, "0x9"))
	if v, err := c.StorageAt(ctx, Uint(1), Uint(2), AtNumber(7)); err != nil || v != Uint(9) {
		t.Error(v, err)
	}
	n.on("starknet_getClassHashAt", recorded(t, `{"block_id":{"block_hash":"0xab"},"contract_address":"0x1"}`, "0x9"))
	if v, err := c.ClassHashAt(ctx, Uint(1), AtHash(Uint(0xab))); err != nil || v != Uint(9) {
		t.Error(v, err)
	}
	n.on("starknet_blockNumber", recorded(t, `[]`, 12))
	if v, err := c.BlockNumber(ctx); err != nil || v != 12 {
		t.Error(v, err)
	}
	n.on("starknet_call", fixed([]string{"0x1", "0x1"}))
	if v, err := c.Balance(ctx, STRK(), Uint(1), AtL1Accepted()); err != nil || v.Text(16) != "1"+strings.Repeat("0", 31)+"1" {
		t.Error(v, err)
	}
	for _, bad := range []any{[]string{}, []string{"0x1"}, []string{"0x1", "0x1", "0x1"}, []string{"0x100000000000000000000000000000000", "0x0"}, []any{nil, nil}, "0x1"} {
		n.on("starknet_call", fixed(bad))
		if _, err := c.Balance(ctx, STRK(), Uint(1), AtLatest()); !errors.Is(err, ErrResponse) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	var tooLong *CalldataError
	if _, err := c.Call(ctx, Call{Calldata: make([]Felt, MaxCalldata+1)}, AtLatest()); !errors.As(err, &tooLong) {
		t.Error(err)
	}
	for _, bad := range []any{"0x10000000000000000", "255", 255, "0x", "-0x1", "0x-1", "0x_1"} {
		n.on("starknet_getNonce", fixed(bad))
		if _, err := c.Nonce(ctx, Uint(1), AtLatest()); !errors.Is(err, ErrResponse) {
			t.Errorf("nonce %v: %v", bad, err)
		}
	}
}

func TestBlocks(t *testing.T) {
	whole := func() map[string]any {
		return map[string]any{"status": "ACCEPTED_ON_L1", "block_number": 7, "block_hash": "0x77", "parent_hash": "0x66", "timestamp": 1700000000,
			"starknet_version": "0.14.1", "transactions": []string{"0x1", "0x2"}}
	}
	n := newNode()
	c, _ := testClient(t, n, Options{})
	n.on("starknet_getBlockWithTxHashes", fixed(whole()))
	b, err := c.Block(t.Context(), AtNumber(7))
	if err != nil || b.Number != 7 || b.Hash != Uint(0x77) || b.Parent != Uint(0x66) || b.Finality != AcceptedOnL1 || b.Time.Unix() != 1700000000 || len(b.Transactions) != 2 {
		t.Errorf("%+v %v", b, err)
	}
	for _, id := range []BlockID{AtNumber(8), AtHash(Uint(1))} {
		if _, err := c.Block(t.Context(), id); !errors.Is(err, ErrResponse) {
			t.Errorf("block %v: %v", id, err)
		}
	}
	for field, v := range map[string]any{"block_number": nil, "block_hash": nil, "parent_hash": nil, "timestamp": nil, "transactions": nil, "status": "WHO KNOWS", "starknet_version": strings.Repeat("1", 65)} {
		m := whole()
		m[field] = v
		n.on("starknet_getBlockWithTxHashes", fixed(m))
		if _, err := c.Block(t.Context(), AtLatest()); !errors.Is(err, ErrResponse) {
			t.Errorf("%s = %v: %v", field, v, err)
		}
	}
	pending := whole()
	for _, field := range []string{"status", "block_hash", "parent_hash"} {
		delete(pending, field)
	}
	n.on("starknet_getBlockWithTxHashes", fixed(pending))
	if b, err := c.Block(t.Context(), AtPreConfirmed()); err != nil || b.Finality != PreConfirmed || !b.Hash.IsZero() {
		t.Errorf("%+v %v", b, err)
	}
	for _, m := range []any{map[string]any{"block_number": 1}, map[string]any{"block_hash": "0x1"}, map[string]any{"block_hash": "0x1", "block_number": -1}} {
		n.on("starknet_blockHashAndNumber", fixed(m))
		if _, err := c.Head(t.Context()); !errors.Is(err, ErrResponse) {
			t.Errorf("head %v: %v", m, err)
		}
	}
}

func TestStatusOfATransaction(t *testing.T) {
	n := newNode()
	c, _ := testClient(t, n, Options{})
	n.on("starknet_getTransactionStatus", fixed(map[string]string{"finality_status": "PRE_CONFIRMED", "execution_status": "REVERTED", "failure_reason": "x"}))
	s, err := c.TransactionStatus(t.Context(), Uint(1))
	if err != nil || s != (TxStatus{PreConfirmed, true, "x"}) {
		t.Errorf("%+v %v", s, err)
	}
	n.on("starknet_getTransactionStatus", fixed(map[string]string{"finality_status": "ACCEPTED_ON_L2"}))
	if _, err := c.TransactionStatus(t.Context(), Uint(1)); !errors.Is(err, ErrResponse) {
		t.Error(err)
	}
}

func TestClassFromANode(t *testing.T) {
	g := golden(t).Files[0]
	class, err := ParseClass(g.Class)
	require.NoError(t, err)
	n := newNode()
	n.on("starknet_getClass", fixed(class))
	c, _ := testClient(t, n, Options{})
	got, err := c.Class(t.Context(), Felt(g.Hash), AtLatest())
	if err != nil || !reflect.DeepEqual(got, class) {
		t.Error(err)
	}
	// A node that rewrites the ABI without spaces.
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(class.ABI)); err != nil || compact.String() == class.ABI {
		t.Fatal("the class has no spaces to lose", err)
	}
	tight := *class
	tight.ABI = compact.String()
	n.on("starknet_getClass", fixed(&tight))
	if got, err := c.Class(t.Context(), Felt(g.Hash), AtLatest()); err != nil || got.ABI != class.ABI {
		t.Error(got, err)
	}
	if _, err := c.Class(t.Context(), Uint(1), AtLatest()); !errors.Is(err, ErrResponse) {
		t.Error(err)
	}
}

func TestParseClassRefuses(t *testing.T) {
	good := `{"sierra_program":["0x1"],"contract_class_version":"0.1.0","entry_points_by_type":{"CONSTRUCTOR":[],"EXTERNAL":[{"selector":"0x1","function_idx":0}],"L1_HANDLER":[]},"abi":"[]"}`
	if _, err := ParseClass([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`["0x1"]`, `[]`}, {`["0x1"]`, `[null]`}, {`["0x1"]`, `["` + strings.Repeat("1", 70) + `"]`}, {`"0.1.0"`, `""`}, {`"0.1.0"`, `"` + strings.Repeat("1", 20) + `"`},
		{`"selector":"0x1",`, ``}, {`,"function_idx":0`, ``}, {`"function_idx":0`, `"function_idx":-1`}, {`"abi":"[]"`, `"abi":7`}, {`"abi":"[]"`, "\"abi\":[\"\xff\"]"}, {`{`, `[`},
		{`["0x1"]`, `["0x1"` + strings.Repeat(`,"0x1"`, MaxSierra) + `]`},
	} {
		if _, err := ParseClass([]byte(strings.Replace(good, r[0], r[1], 1))); !errors.Is(err, ErrClass) {
			t.Errorf("%s: %v", r[1][:min(len(r[1]), 40)], err)
		}
	}
}

func TestAddresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "addresses.json")
	a := &Addresses{ChainID: "SN_SEPOLIA", Contracts: map[string]Contract{"SageToken": {Uint(5), Uint(6)}, "Faucet": {Uint(7), Uint(8)}}}
	for range 2 { // the second time it is replaced
		require.NoError(t, a.Save(path))
	}
	got, err := LoadAddresses(path)
	if err != nil || !reflect.DeepEqual(got, a) {
		t.Fatalf("%+v %v", got, err)
	}
	if f, err := got.Address("Faucet"); err != nil || f != Uint(7) {
		t.Error(f, err)
	}
	if _, err := got.Address("Fauset"); !errors.Is(err, ErrUnknownContract) {
		t.Error(err)
	}
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("%v are left over, %v", files, err)
	}
	if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o644 {
		t.Error(info, err)
	}
	if err := a.Save(filepath.Join(path, "below")); err == nil {
		t.Error("saved below a file")
	}
	if _, err := LoadAddresses(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAddressesRefuse(t *testing.T) {
	good := `{"chain_id":"SN_MAIN","contracts":{"A":{"address":"0x1","class_hash":"0x2"}}}`
	if _, err := ParseAddresses([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`"SN_MAIN"`, `""`}, {`"chain_id":"SN_MAIN",`, ``}, {`"SN_MAIN"`, `"` + strings.Repeat("a", 32) + `"`}, {`"A"`, `""`}, {`"A"`, `"a b"`}, {`"A"`, `"` + strings.Repeat("a", 65) + `"`},
		{`"0x1"`, `"0x0"`}, {`"0x1"`, `null`}, {`"0x1"`, `1`}, {`"0x2"`, `"0x0"`}, {`,"class_hash":"0x2"`, ``}, {`"0x1"`, `"0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00"`},
		{`}}}`, `}}}{}`}, {`}}}`, `}}`}, {`"contracts"`, `"contract"`}, {`{`, strings.Repeat(" ", maxAddressFile+1)},
	} {
		if _, err := ParseAddresses([]byte(strings.Replace(good, r[0], r[1], 1))); !errors.Is(err, ErrAddresses) {
			t.Errorf("%s: %v", r[1][:min(len(r[1]), 40)], err)
		}
	}
	assert.ErrorIs(t, (&Addresses{ChainID: "A", Contracts: map[string]Contract{"a/b": {Uint(1), Uint(1)}}}).Save(filepath.Join(t.TempDir(), "f")), ErrAddresses)
}

func TestVerifyAddresses(t *testing.T) {
	n := newNode()
	n.on("starknet_getClassHashAt", fixed("0x6"))
	c, _ := testClient(t, n, Options{})
	for _, tc := range []struct {
		chain string
		class uint64
		want  error
	}{{"SN_SEPOLIA", 6, nil}, {"SN_SEPOLIA", 7, ErrAddresses}, {"SN_MAIN", 6, ErrChainID}} {
		a := &Addresses{tc.chain, map[string]Contract{"A": {Uint(5), Uint(tc.class)}}}
		assert.ErrorIs(t, a.Verify(t.Context(), c), tc.want, "%v", tc)
	}
	n.on("starknet_getClassHashAt", failing(ErrContractNotFound))
	assert.ErrorIs(t, (&Addresses{"SN_SEPOLIA", map[string]Contract{"A": {Uint(5), Uint(6)}}}).Verify(t.Context(), c), ErrContractNotFound)
}

func TestWordsOfErrors(t *testing.T) {
	e := &RPCError{"starknet_call", ErrContract, "Contract\nerror\x1b[31m", json.RawMessage(strings.Repeat("y", 1<<20))}
	if s := e.Error(); len(s) > 2*maxErrorText || strings.ContainsAny(s, "\n\x1b") || !strings.Contains(s, "code 40") {
		t.Error(s[:min(len(s), 200)])
	}
	if !errors.Is(e, ErrContract) || errors.Is(e, ErrNonce) {
		t.Error("the code of an error is lost")
	}
}
