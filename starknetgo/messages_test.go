package starknetgo_test

import (
	"encoding/json"
	"testing"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/curve"
	"github.com/NethermindEth/starknet.go/rpc"
	"github.com/NethermindEth/starknet.go/typeddata"
	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

const mail = `{
	"types": {
		"StarknetDomain": [{"name": "name", "type": "shortstring"}, {"name": "version", "type": "shortstring"},
			{"name": "chainId", "type": "shortstring"}, {"name": "revision", "type": "shortstring"}],
		"Mail": [{"name": "to", "type": "ContractAddress"}, {"name": "text", "type": "shortstring"}]
	},
	"primaryType": "Mail",
	"domain": {"name": "mail", "version": "1", "chainId": "SN_BITSAGE", "revision": "1"},
	"message": {"to": "0x7", "text": "hello"}
}`

func parseTypedData(t *testing.T, text string) *typeddata.TypedData {
	t.Helper()
	td := new(typeddata.TypedData)
	require.NoError(t, json.Unmarshal([]byte(text), td))
	return td
}

func shortString(s string) *felt.Felt { return new(felt.Felt).SetBytes([]byte(s)) }

// mailHash computes the hash of mail from the text of SNIP-12, without the library.
func mailHash(address chain.Felt) *felt.Felt {
	domain := curve.PoseidonArray(
		curve.StarknetKeccak([]byte(`"StarknetDomain"("name":"shortstring","version":"shortstring","chainId":"shortstring","revision":"shortstring")`)),
		shortString("mail"), uints(1)[0], shortString("SN_BITSAGE"), uints(1)[0])
	message := curve.PoseidonArray(
		curve.StarknetKeccak([]byte(`"Mail"("to":"ContractAddress","text":"shortstring")`)), uints(7)[0], shortString("hello"))
	return curve.PoseidonArray(shortString("StarkNet Message"), domain, starknetgo.ToJuno(address), message)
}

func TestTypedData(t *testing.T) {
	key, address := newKey(t, 11), chain.Uint(0xabc)
	td := parseTypedData(t, mail)
	hash, err := starknetgo.TypedDataHash(td, address)
	require.NoError(t, err)
	require.Equal(t, mailHash(address), starknetgo.ToJuno(hash))
	sig, err := starknetgo.SignTypedData(t.Context(), td, address, key)
	require.NoError(t, err)
	require.NoError(t, starknetgo.VerifyTypedData(td, address, key.PublicKey(), sig))

	public := newKey(t, 12).PublicKey()
	require.ErrorIs(t, starknetgo.VerifyTypedData(td, address, public, sig), wallet.ErrSignature)
	require.ErrorIs(t, starknetgo.VerifyTypedData(td, chain.Uint(0xabd), key.PublicKey(), sig), wallet.ErrSignature, "another account")
	require.ErrorIs(t, starknetgo.VerifyTypedData(td, address, key.PublicKey(), sig[:1]), wallet.ErrSignatureSize)
	require.ErrorIs(t, starknetgo.VerifyTypedData(td, address, key.PublicKey(), []*felt.Felt{sig[0], nil}), wallet.ErrSignatureSize)
	td.Message["text"] = "hallo"
	require.ErrorIs(t, starknetgo.VerifyTypedData(td, address, key.PublicKey(), sig), wallet.ErrSignature, "another message")
}

func TestTypedDataRefuses(t *testing.T) {
	key := newKey(t, 11)
	for name, td := range map[string]*typeddata.TypedData{
		"nothing":   nil,
		"a literal": {PrimaryType: "Mail"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := starknetgo.SignTypedData(t.Context(), td, chain.Uint(1), key)
			require.ErrorIs(t, err, starknetgo.ErrTypedData)
			require.ErrorIs(t, starknetgo.VerifyTypedData(td, chain.Uint(1), key.PublicKey(), uints(1, 1)), starknetgo.ErrTypedData)
		})
	}
	td := parseTypedData(t, mail)
	delete(td.Message, "to")
	_, err := starknetgo.SignTypedData(t.Context(), td, chain.Uint(1), key)
	require.ErrorIs(t, err, starknetgo.ErrTypedData)
}

// The account's contract on the ledger accepts what SignTypedData signs.
func TestLedgerTypedData(t *testing.T) {
	w := newWorld(t, ledger.Options{})
	td := parseTypedData(t, mail)
	address := w.keys[0].Address()
	hash, err := starknetgo.TypedDataHash(td, address)
	require.NoError(t, err)
	sig, err := starknetgo.SignTypedData(t.Context(), td, address, w.keys[0])
	require.NoError(t, err)
	answer := func(hash, r *felt.Felt) string {
		out, err := w.provider.Call(t.Context(), rpc.FunctionCall{
			ContractAddress: starknetgo.ToJuno(address), EntryPointSelector: starknetgo.ToJuno(chain.Selector("is_valid_signature")),
			Calldata: []*felt.Felt{hash, uints(2)[0], r, sig[1]},
		}, rpc.WithBlockTag(rpc.BlockTagLatest))
		require.NoError(t, err)
		return string(out[0].Marshal())
	}
	require.Contains(t, answer(starknetgo.ToJuno(hash), sig[0]), "VALID")
	require.NotContains(t, answer(uints(1)[0], sig[0]), "VALID")
}
