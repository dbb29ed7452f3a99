package chain

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/wallet"
)

func TestAccountDeployment(t *testing.T) {
	key := testKey(t)
	d, err := AccountDeployment(key)
	if err != nil || d.Address() != key.Address() {
		t.Fatal(err)
	}
	tx := &DeployAccountTx{Deployment: d}
	if tx.Sender() != key.Address() || (&InvokeTx{From: Uint(1)}).Sender() != Uint(1) || (&DeclareTx{From: Uint(1)}).Sender() != Uint(1) {
		t.Error("another sender")
	}
	at, err := wallet.AccountAt(Uint(1), key.Key())
	require.NoError(t, err)
	if _, err := AccountDeployment(at); !errors.Is(err, wallet.ErrClass) {
		t.Error(err)
	}
}

func TestDeployAccount(t *testing.T) {
	key := testKey(t)
	d, err := AccountDeployment(key)
	require.NoError(t, err)
	n := newNode()
	n.on("starknet_estimateFee", fixed([]any{estimateOf(100, 7)}))
	n.on("starknet_addDeployAccountTransaction", func(raw json.RawMessage) (any, error) {
		tx := params[struct {
			Tx *DeployAccountTx `json:"deploy_account_transaction"`
		}](raw).Tx
		hash, err := tx.Hash(sepolia)
		if err != nil || tx.Nonce != 0 || tx.Bounds.L2Gas.Amount != 130 {
			return nil, ErrInvalidParams
		}
		sig := wallet.Signature{R: tx.Signature[0], S: tx.Signature[1]}
		if wallet.Verify(key.PublicKey(), hash, sig) != nil {
			return nil, ErrValidation
		}
		return map[string]any{"transaction_hash": rpcFelt(hash), "contract_address": rpcFelt(tx.Sender())}, nil
	})
	c, _ := testClient(t, n, Options{})
	a := NewAccount(c, key.Address(), key, FeePolicy{})
	if a.Address() != key.Address() || a.Client() != c {
		t.Error("the account forgets what it is")
	}
	if e, err := a.EstimateDeployAccount(t.Context(), d); err != nil || e.L2Gas.Amount != 100 || e.Fee.Int64() != 1400 {
		t.Error(e, err)
	}
	if _, err := a.DeployAccount(t.Context(), d); err != nil {
		t.Error(err)
	}
	if a.queue.nonces.next != 1 {
		t.Errorf("the next nonce is %d", a.queue.nonces.next)
	}
	d.Salt = Uint(1)
	if _, err := a.DeployAccount(t.Context(), d); !errors.Is(err, ErrAddress) {
		t.Error(err)
	}
	if _, err := a.EstimateDeployAccount(t.Context(), d); !errors.Is(err, ErrAddress) {
		t.Error(err)
	}
}

func TestDeploy(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{})
	d := Deployment{Class: Uint(5), Salt: Uint(6), Calldata: []Felt{Uint(7)}}
	var sent *InvokeTx
	s.accepted = func(tx *InvokeTx) { sent = tx }
	s.on("starknet_getClassHashAt", failing(ErrContractNotFound))
	out, err := a.Deploy(t.Context(), d)
	if err != nil || out.Tx.IsZero() || out.Address != d.Address() {
		t.Fatal(out, err)
	}
	want := []Felt{Uint(1), Deployer(), Selector("deployContract"), Uint(5), Uint(5), Uint(6), {}, Uint(1), Uint(7)}
	if !sameFelts(sent.Calldata, want) {
		t.Errorf("calldata %v", sent.Calldata)
	}
	s.on("starknet_getClassHashAt", fixed("0x5"))
	if out, err := a.Deploy(t.Context(), d); err != nil || !out.Tx.IsZero() || out.Address != d.Address() {
		t.Error(out, err)
	}
	s.on("starknet_getClassHashAt", fixed("0x8"))
	if _, err := a.Deploy(t.Context(), d); err == nil {
		t.Error("another class is at the address")
	}
	s.on("starknet_getClassHashAt", failing(ErrInvalidParams))
	if _, err := a.Deploy(t.Context(), d); !errors.Is(err, ErrInvalidParams) {
		t.Error(err)
	}
}

func TestDeclare(t *testing.T) {
	a, s, _ := newTestAccount(t, FeePolicy{Fixed: &Bounds{}})
	class, err := ParseClass(golden(t).Files[0].Class)
	require.NoError(t, err)
	s.on("starknet_addDeclareTransaction", func(raw json.RawMessage) (any, error) {
		tx := params[struct {
			Tx *DeclareTx `json:"declare_transaction"`
		}](raw).Tx
		hash, err := tx.Hash(sepolia)
		if err != nil || tx.Compiled != Uint(9) {
			return nil, ErrInvalidParams
		}
		return map[string]any{"transaction_hash": rpcFelt(hash)}, nil
	})
	out, err := a.Declare(t.Context(), class, Uint(9))
	if err != nil || out.Class != class.Hash() || out.Tx.IsZero() {
		t.Fatal(out, err)
	}
	s.on("starknet_addDeclareTransaction", failing(ErrClassDeclared))
	s.on("starknet_getClass", fixed(class))
	if out, err := a.Declare(t.Context(), class, Uint(9)); err != nil || out.Class != class.Hash() || !out.Tx.IsZero() {
		t.Error(out, err)
	}
	s.on("starknet_addDeclareTransaction", failing(ErrCompiledClassHash))
	s.on("starknet_getClass", failing(ErrClassHashNotFound))
	if _, err := a.Declare(t.Context(), class, Uint(9)); !errors.Is(err, ErrCompiledClassHash) {
		t.Error(err)
	}
}

func TestEstimateOfCalls(t *testing.T) {
	a, _, _ := newTestAccount(t, FeePolicy{})
	e, err := a.Estimate(t.Context(), aCall, aCall)
	if err != nil || e.Unit != "FRI" || e.Fee.Int64() != 1400 || e.L2Gas.Price.Int64() != 7 {
		t.Errorf("%+v %v", e, err)
	}
}

// TestTransactionsRefuse changes one thing in transactions that are right.
func TestTransactionsRefuse(t *testing.T) {
	g := golden(t)
	invoke, declare, deploy := string(g.Invoke[0].Tx), string(g.Declare[0].Tx), string(g.Deploy[0].Tx)
	drop := func(doc, field string) string {
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(doc), &m); err != nil || m[field] == nil {
			t.Fatal(field, err)
		}
		delete(m, field)
		out, err := json.Marshal(m)
		require.NoError(t, err)
		return string(out)
	}
	replace := func(doc, field, value string) string {
		return strings.Replace(drop(doc, field), "{", `{"`+field+`":`+value+`,`, 1)
	}
	long := "[" + strings.Repeat(`"0x1",`, MaxCalldata) + `"0x1"]`
	bound := `{"max_amount":"0x1","max_price_per_unit":"0x1"}`
	for _, field := range []string{"type", "version", "nonce", "resource_bounds", "tip", "nonce_data_availability_mode", "fee_data_availability_mode", "sender_address"} {
		if json.Unmarshal([]byte(drop(invoke, field)), new(InvokeTx)) == nil {
			t.Errorf("an invoke without %s", field)
		}
	}
	for _, field := range []string{"contract_class", "compiled_class_hash", "sender_address", "type"} {
		if json.Unmarshal([]byte(drop(declare, field)), new(DeclareTx)) == nil {
			t.Errorf("a declare without %s", field)
		}
	}
	for _, field := range []string{"class_hash", "contract_address_salt", "type"} {
		if json.Unmarshal([]byte(drop(deploy, field)), new(DeployAccountTx)) == nil {
			t.Errorf("a deploy_account without %s", field)
		}
	}
	for field, values := range map[string][]string{
		"type": {`"DECLARE"`}, "version": {`"0x1"`, `"0x100000000000000000000000000000001"`, `3`}, "nonce": {`"0x10000000000000000"`, `null`, `5`}, "tip": {`"0x10000000000000000"`},
		"calldata": {long, `[null]`}, "account_deployment_data": {long}, "paymaster_data": {long}, "signature": {long},
		"nonce_data_availability_mode": {`"L3"`}, "fee_data_availability_mode": {`0`},
		"resource_bounds": {`{}`, `{"l1_gas":` + bound + `,"l2_gas":` + bound + `}`, `{"l1_gas":{"max_amount":"0x1"},"l2_gas":` + bound + `,"l1_data_gas":` + bound + `}`},
	} {
		for _, v := range values {
			if json.Unmarshal([]byte(replace(invoke, field, v)), new(InvokeTx)) == nil {
				t.Errorf("an invoke with %s %s", field, v[:min(40, len(v))])
			}
		}
	}
	if json.Unmarshal([]byte(replace(deploy, "constructor_calldata", long)), new(DeployAccountTx)) == nil {
		t.Error("a constructor with too much calldata")
	}
}

func TestNames(t *testing.T) {
	for _, err := range []error{&CalldataError{6000}, ErrContract, &RevertError{Uint(7), "r"}, &UncertainError{Uint(7), ErrNonce}, &DroppedError{Uint(7), "r"}, &ReorgError{From: 7}, &HTTPError{Status: 503}} {
		if s := err.Error(); !strings.HasPrefix(s, "chain: ") || len(s) < 20 {
			t.Errorf("%T: %s", err, s)
		}
	}
	for id, want := range map[BlockID]string{AtLatest(): "latest", AtPreConfirmed(): "pre_confirmed", AtL1Accepted(): "l1_accepted", AtNumber(7): "7", AtHash(Uint(7)): "0x7"} {
		if id.String() != want {
			t.Errorf("%s, want %s", id, want)
		}
	}
	for f := Received; f <= AcceptedOnL1; f++ {
		var back Finality
		data, err := json.Marshal(f)
		if err != nil || json.Unmarshal(data, &back) != nil || back != f {
			t.Errorf("%v becomes %v", f, back)
		}
	}
	if f, err := ParseFelt("0x7"); err != nil || f != Uint(7) {
		t.Error(err)
	}
}
