package starknetgo_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/curve"
	"github.com/NethermindEth/starknet.go/paymaster"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

const chainID = "SN_SEPOLIA"

var (
	forwarder = chain.Uint(0x75a1)
	gasToken  = chain.Uint(0x70cc)
	sponsored = paymaster.FeeMode{Mode: paymaster.FeeModeSponsored}
	inToken   = paymaster.FeeMode{Mode: paymaster.FeeModeDefault, GasToken: starknetgo.ToJuno(gasToken)}
)

// service is a paymaster as SNIP-29 has it, as far as the one who signs sees it: it builds
// messages and checks signatures as the account's contract does. It sends nothing.
type service struct {
	key    wallet.Signer
	fee    uint64                               // what it wants where it is not the sponsor
	forge  func(m map[string]any)               // changes what is to be signed
	sent   *paymaster.ExecuteTransactionRequest // what was accepted
	params []paymaster.BuildTransactionRequest  // what was asked for
	types  map[string][]map[string]string       // as SNIP-9 names them
}

func newService(key wallet.Signer) *service {
	member := func(name, typ string) map[string]string { return map[string]string{"name": name, "type": typ} }
	return &service{key: key, fee: 500, types: map[string][]map[string]string{
		"StarknetDomain": {member("name", "shortstring"), member("version", "shortstring"), member("chainId", "shortstring"), member("revision", "shortstring")},
		"OutsideExecution": {member("Caller", "ContractAddress"), member("Nonce", "felt"), member("Execute After", "u128"),
			member("Execute Before", "u128"), member("Calls", "Call*")},
		"Call": {member("To", "ContractAddress"), member("Selector", "selector"), member("Calldata", "felt*")},
	}}
}

// client returns starknet.go's client of the service.
func (s *service) client(t *testing.T) *paymaster.Paymaster {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(server.Close)
	c, err := paymaster.New(t.Context(), server.URL)
	require.NoError(t, err)
	return c
}

func (s *service) serve(w http.ResponseWriter, r *http.Request) {
	var request struct {
		ID     json.RawMessage
		Method string
		Params []json.RawMessage
	}
	answer := map[string]any{"jsonrpc": "2.0"}
	err := json.NewDecoder(r.Body).Decode(&request)
	if err == nil {
		answer["id"] = request.ID
		answer["result"], err = s.answer(request.Method, request.Params[0])
	}
	if err != nil {
		delete(answer, "result")
		answer["error"] = map[string]any{"code": 153, "message": "Invalid signature", "data": err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(answer)
}

func (s *service) answer(method string, params json.RawMessage) (any, error) {
	switch method {
	case "paymaster_buildTransaction":
		var request paymaster.BuildTransactionRequest
		if err := json.Unmarshal(params, &request); err != nil {
			return nil, err
		}
		s.params = append(s.params, request)
		return s.build(&request), nil
	case "paymaster_executeTransaction":
		var request paymaster.ExecuteTransactionRequest
		if err := json.Unmarshal(params, &request); err != nil {
			return nil, err
		}
		if err := s.verify(&request); err != nil {
			return nil, err
		}
		s.sent = &request
		return map[string]string{"tracking_id": "0x7", "transaction_hash": "0x8"}, nil
	}
	return nil, fmt.Errorf("no method %s", method)
}

// build answers what is to be signed.
func (s *service) build(request *paymaster.BuildTransactionRequest) map[string]any {
	out := map[string]any{"type": request.Transaction.Type, "parameters": request.Parameters, "fee": paymaster.FeeEstimate{}}
	if request.Transaction.Deployment != nil {
		out["deployment"] = request.Transaction.Deployment
	}
	if request.Transaction.Invoke == nil {
		return out
	}
	var calls []any
	for _, c := range request.Transaction.Invoke.Calls {
		calls = append(calls, wireCall(c.To, c.Selector, c.Calldata...))
	}
	if request.Parameters.FeeMode.Mode == paymaster.FeeModeDefault {
		calls = append(calls, wireCall(request.Parameters.FeeMode.GasToken, starknetgo.ToJuno(chain.Selector("transfer")),
			starknetgo.ToJuno(forwarder), uints(s.fee)[0], uints(0)[0]))
	}
	message := map[string]any{"Caller": forwarder.String(), "Nonce": "0x99", "Execute After": "0x1", "Execute Before": "0x68cb0db5", "Calls": calls}
	typed := map[string]any{"types": s.types, "primaryType": "OutsideExecution", "message": message,
		"domain": map[string]any{"name": "Account.execute_from_outside", "version": "2", "chainId": chainID, "revision": "1"}}
	out["typed_data"] = typed
	if s.forge != nil {
		s.forge(typed)
	}
	return out
}

func wireCall(to, selector *felt.Felt, calldata ...*felt.Felt) map[string]any {
	list := make([]any, len(calldata))
	for i, f := range calldata {
		list[i] = f.String()
	}
	return map[string]any{"To": to.String(), "Selector": selector.String(), "Calldata": list}
}

// verify checks the signature under the hash that the account's contract computes by SNIP-9,
// with the type hashes of that text.
func (s *service) verify(request *paymaster.ExecuteTransactionRequest) error {
	invoke := request.Transaction.Invoke
	if invoke == nil {
		return nil
	}
	number := func(v any) *felt.Felt {
		f, err := new(felt.Felt).SetString(v.(string))
		if err != nil {
			panic(err)
		}
		return f
	}
	m := invoke.TypedData.Message
	var calls []*felt.Felt
	for _, v := range m["Calls"].([]any) {
		c := v.(map[string]any)
		var data []*felt.Felt
		for _, f := range c["Calldata"].([]any) {
			data = append(data, number(f))
		}
		calls = append(calls, curve.PoseidonArray(number("0x3635c7f2a7ba93844c0d064e18e487f35ab90f7c39d00f186a781fc3f0c2ca9"),
			number(c["To"]), number(c["Selector"]), curve.PoseidonArray(data...)))
	}
	message := curve.PoseidonArray(number("0x312b56c05a7965066ddbda31c016d8d05afc305071c0ca3cdc2192c3c2f1f0f"),
		number(m["Caller"]), number(m["Nonce"]), number(m["Execute After"]), number(m["Execute Before"]), curve.PoseidonArray(calls...))
	domain := curve.PoseidonArray(number("0x1ff2f602e42168014d405a94f75e8a93d640751d71d16311266e140d8b0a210"),
		shortString("Account.execute_from_outside"), uints(2)[0], shortString(chainID), uints(1)[0])
	hash := curve.PoseidonArray(shortString("StarkNet Message"), domain, invoke.UserAddress, message)
	sig := wallet.Signature{R: starknetgo.FromJuno(invoke.Signature[0]), S: starknetgo.FromJuno(invoke.Signature[1])}
	return wallet.Verify(s.key.PublicKey(), starknetgo.FromJuno(hash), sig)
}

// newPaymaster returns a service, and the Paymaster of an account at it.
func newPaymaster(t *testing.T) (*service, *starknetgo.Paymaster) {
	t.Helper()
	key := newKey(t, 11)
	s := newService(key)
	return s, &starknetgo.Paymaster{Client: s.client(t), ChainID: chainID, Address: chain.Uint(0xacc), Signer: key}
}

var paymasterCalls = []chain.Call{
	{To: chain.Uint(0x1), Selector: chain.Selector("transfer"), Calldata: []chain.Felt{chain.Uint(2), chain.Uint(3), {}}},
	{To: chain.Uint(0x4), Selector: chain.Selector("mint")},
}

func TestPaymasterSponsored(t *testing.T) {
	s, p := newPaymaster(t)
	sent, err := p.Execute(t.Context(), p.Request(sponsored, paymasterCalls...))
	require.NoError(t, err)
	require.Equal(t, uints(7)[0], sent.TrackingID)
	require.Equal(t, uints(8)[0], sent.TransactionHash)
	require.NotNil(t, s.sent)
	require.Equal(t, p.Address, starknetgo.FromJuno(s.sent.Transaction.Invoke.UserAddress))
}

func TestPaymasterInToken(t *testing.T) {
	s, p := newPaymaster(t)
	_, err := p.Execute(t.Context(), p.Request(inToken, paymasterCalls...))
	require.ErrorIs(t, err, starknetgo.ErrPaymaster, "a fee, and no MaxFee")
	p.MaxFee = big.NewInt(499)
	_, err = p.Execute(t.Context(), p.Request(inToken, paymasterCalls...))
	require.ErrorIs(t, err, starknetgo.ErrPaymaster)
	require.ErrorContains(t, err, "a fee of 500, MaxFee is 499")
	require.Nil(t, s.sent)
	p.MaxFee = big.NewInt(500)
	_, err = p.Execute(t.Context(), p.Request(inToken, paymasterCalls...))
	require.NoError(t, err)
}

// A deployment is that of the request, and alone it needs no signature.
func TestPaymasterDeployment(t *testing.T) {
	s, p := newPaymaster(t)
	d := &paymaster.AccountDeploymentData{Address: starknetgo.ToJuno(p.Address), ClassHash: uints(5)[0], Salt: uints(6)[0],
		Calldata: uints(7), Version: paymaster.Cairo1}
	request := p.Request(sponsored, paymasterCalls...)
	request.Transaction.Type, request.Transaction.Deployment = paymaster.UserTxnDeployAndInvoke, d
	_, err := p.Execute(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, d, s.sent.Transaction.Deployment)
	require.NotNil(t, s.sent.Transaction.Invoke)

	request.Transaction.Type, request.Transaction.Invoke = paymaster.UserTxnDeploy, nil
	_, err = p.Execute(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, d, s.sent.Transaction.Deployment)
	require.Nil(t, s.sent.Transaction.Invoke)
}

// What differs from the request is not signed.
func TestPaymasterRefuses(t *testing.T) {
	message := func(typed map[string]any) map[string]any { return typed["message"].(map[string]any) }
	calls := func(typed map[string]any) []any { return message(typed)["Calls"].([]any) }
	call := func(typed map[string]any, n int) map[string]any { return calls(typed)[n].(map[string]any) }
	extra := wireCall(starknetgo.ToJuno(gasToken), starknetgo.ToJuno(chain.Selector("transfer")), uints(0xe71, 1, 0)...)
	for name, c := range map[string]struct {
		mode  paymaster.FeeMode
		forge func(map[string]any)
	}{
		"another contract":         {sponsored, func(m map[string]any) { call(m, 0)["To"] = "0xe71" }},
		"another function":         {sponsored, func(m map[string]any) { call(m, 1)["Selector"] = chain.Selector("burn").String() }},
		"another argument":         {sponsored, func(m map[string]any) { call(m, 0)["Calldata"].([]any)[1] = "0x1000" }},
		"an argument more":         {sponsored, func(m map[string]any) { call(m, 1)["Calldata"] = []any{"0x1"} }},
		"a call less":              {sponsored, func(m map[string]any) { message(m)["Calls"] = calls(m)[:1] }},
		"no call":                  {sponsored, func(m map[string]any) { message(m)["Calls"] = []any{} }},
		"no calls":                 {sponsored, func(m map[string]any) { delete(message(m), "Calls") }},
		"a call that is none":      {sponsored, func(m map[string]any) { calls(m)[0] = "0x1" }},
		"the other order":          {sponsored, func(m map[string]any) { l := calls(m); l[0], l[1] = l[1], l[0] }},
		"a fee though sponsored":   {sponsored, func(m map[string]any) { message(m)["Calls"] = append(calls(m), extra) }},
		"two fees":                 {inToken, func(m map[string]any) { message(m)["Calls"] = append(calls(m), extra) }},
		"a fee first":              {inToken, func(m map[string]any) { l := calls(m); l[0], l[2] = l[2], l[0] }},
		"a fee in another token":   {inToken, func(m map[string]any) { call(m, 2)["To"] = "0x1" }},
		"a fee by approval":        {inToken, func(m map[string]any) { call(m, 2)["Selector"] = chain.Selector("approve").String() }},
		"a fee with a high half":   {inToken, func(m map[string]any) { call(m, 2)["Calldata"].([]any)[2] = "0x1" }},
		"a fee that is too short":  {inToken, func(m map[string]any) { call(m, 2)["Calldata"] = []any{"0x1", "0x1"} }},
		"no nonce":                 {sponsored, func(m map[string]any) { delete(message(m), "Nonce") }},
		"a nonce outside":          {sponsored, func(m map[string]any) { message(m)["Nonce"] = "0x8" + strings.Repeat("f", 63) }},
		"a nonce that is a number": {sponsored, func(m map[string]any) { message(m)["Nonce"] = 1e20 }},
		"a caller that is a text":  {sponsored, func(m map[string]any) { message(m)["Caller"] = "somebody" }},
		"an octal time":            {sponsored, func(m map[string]any) { message(m)["Execute After"] = "0o17" }},
		"a long number":            {sponsored, func(m map[string]any) { message(m)["Nonce"] = strings.Repeat("1", 1000) }},
		"version 1":                {sponsored, func(m map[string]any) { m["domain"].(map[string]any)["version"] = "1" }},
		"another message": {sponsored, func(m map[string]any) {
			m["primaryType"] = "Call"
			delete(m["types"].(map[string][]map[string]string), "OutsideExecution")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := newPaymaster(t)
			p.MaxFee = big.NewInt(1000)
			s.forge = c.forge
			_, err := p.Execute(t.Context(), p.Request(c.mode, paymasterCalls...))
			require.ErrorIs(t, err, starknetgo.ErrPaymaster)
			require.Nil(t, s.sent)
		})
	}
}

// Types and a domain that are not those of SNIP-9 are not signed either: the signature is
// that of the message of SNIP-9, and of no use for another.
func TestPaymasterSignsOneMessage(t *testing.T) {
	honest, p := newPaymaster(t)
	_, err := p.Execute(t.Context(), p.Request(sponsored, paymasterCalls...))
	require.NoError(t, err)
	for name, forge := range map[string]func(map[string]any){
		"another chain": func(m map[string]any) { m["domain"].(map[string]any)["chainId"] = "SN_MAIN" },
		"another name":  func(m map[string]any) { m["domain"].(map[string]any)["name"] = "login" },
		"another type": func(m map[string]any) {
			types := m["types"].(map[string][]map[string]string)
			types["Call"] = types["Call"][:1]
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := newPaymaster(t)
			s.forge = forge
			_, err := p.Execute(t.Context(), p.Request(sponsored, paymasterCalls...))
			require.NoError(t, err)
			require.Equal(t, honest.sent.Transaction.Invoke.Signature, s.sent.Transaction.Invoke.Signature)
		})
	}
}

func TestPaymasterChecksRequest(t *testing.T) {
	s, p := newPaymaster(t)
	request := p.Request(sponsored, paymasterCalls...)
	request.Parameters.TimeBounds = &paymaster.TimeBounds{ExecuteAfter: "1", ExecuteBefore: "1758137781"}
	_, err := p.Execute(t.Context(), request)
	require.NoError(t, err, "0x1 and 0x68cb0db5")
	request.Parameters.TimeBounds.ExecuteBefore = "1758137782"
	_, err = p.Execute(t.Context(), request)
	require.ErrorIs(t, err, starknetgo.ErrPaymaster)

	request = p.Request(sponsored, paymasterCalls...)
	request.Transaction.Invoke.UserAddress = uints(0xbad)[0]
	_, err = p.Execute(t.Context(), request)
	require.ErrorContains(t, err, "the request is for account 0xbad, the key for 0xacc")

	p.Signer = newKey(t, 12)
	_, err = p.Execute(t.Context(), p.Request(sponsored, paymasterCalls...))
	require.ErrorContains(t, err, "execute a transaction")
	require.Len(t, s.params, 4)
}
