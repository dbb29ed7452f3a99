package starknetgo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"math/big"
	"net/http/httptest"
	"time"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"
	"github.com/NethermindEth/starknet.go/curve"
	"github.com/NethermindEth/starknet.go/paymaster"
	"github.com/NethermindEth/starknet.go/rpc"
	"github.com/NethermindEth/starknet.go/typeddata"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/starknetgo"
	"github.com/bitsage/bitsage/wallet"
)

// A key of BitSage's wallet sends STRK through starknet.go, here on a ledger in this process
// that is served over HTTP; give Dial the URL of a node instead.
func Example() {
	keys, err := ledger.SeedAccounts("starknetgo", 2)
	if err != nil {
		log.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Accounts: keys})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	node := httptest.NewServer(l.Handler())
	defer node.Close()

	ctx := context.Background()
	provider, err := starknetgo.Dial(ctx, node.URL)
	if err != nil {
		log.Fatal(err)
	}
	sender, err := starknetgo.NewAccount(ctx, provider, keys[0].Address(), keys[0])
	if err != nil {
		log.Fatal(err)
	}
	sent, err := sender.BuildAndSendInvokeTxn(ctx, []rpc.InvokeFunctionCall{{
		ContractAddress: starknetgo.ToJuno(chain.STRK()),
		FunctionName:    "transfer",
		CallData:        []*felt.Felt{starknetgo.ToJuno(keys[1].Address()), new(felt.Felt).SetUint64(25), new(felt.Felt)},
	}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := sender.WaitForTransactionReceipt(ctx, sent.Hash, 10*time.Millisecond)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.ExecutionStatus, receipt.FinalityStatus, receipt.BlockNumber, len(receipt.Events))
	// Output: SUCCEEDED ACCEPTED_ON_L2 1 2
}

// A key that starknet.go keeps signs for package chain, and so for BitSage's roles.
func ExampleKeystoreSigner() {
	private, public := big.NewInt(12345), new(felt.Felt)
	x, _ := curve.PrivateKeyToPoint(private)
	public.SetBigInt(x)
	keystore := account.SetNewMemKeystore(public.String(), private)

	signer := starknetgo.KeystoreSigner(keystore, public.String(), starknetgo.FromJuno(public))
	address, err := wallet.ClassArgent.Address(signer.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	a := chain.NewAccount(l.Client(), address, signer, chain.FeePolicy{})
	fmt.Println(a.Address())
	// Output: 0x66ca6ce50414305e3c9cb6da9a4af90809951c5a275d460ecca4699592a5e24
}

// A message by SNIP-12, as a wallet gets it from an application.
func ExampleSignTypedData() {
	const message = `{
		"types": {
			"StarknetDomain": [{"name": "name", "type": "shortstring"}, {"name": "version", "type": "shortstring"},
				{"name": "chainId", "type": "shortstring"}, {"name": "revision", "type": "shortstring"}],
			"Login": [{"name": "site", "type": "string"}, {"name": "nonce", "type": "felt"}]
		},
		"primaryType": "Login",
		"domain": {"name": "example", "version": "1", "chainId": "SN_SEPOLIA", "revision": "1"},
		"message": {"site": "example.org", "nonce": "0x17"}
	}`
	td := new(typeddata.TypedData)
	if err := json.Unmarshal([]byte(message), td); err != nil {
		log.Fatal(err)
	}
	keys, err := ledger.SeedAccounts("starknetgo", 1)
	if err != nil {
		log.Fatal(err)
	}
	owner := keys[0]
	signature, err := starknetgo.SignTypedData(context.Background(), td, owner.Address(), owner)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(starknetgo.VerifyTypedData(td, owner.Address(), owner.PublicKey(), signature))
	td.Message["nonce"] = "0x18"
	fmt.Println(starknetgo.VerifyTypedData(td, owner.Address(), owner.PublicKey(), signature))
	// Output:
	// <nil>
	// wallet: the signature does not verify
}

// A transaction for which somebody else pays. The service is given by its URL.
func ExamplePaymaster() {
	ctx := context.Background()
	client, err := paymaster.New(ctx, "https://paymaster.example")
	if err != nil {
		log.Fatal(err)
	}
	keys, err := ledger.SeedAccounts("starknetgo", 2)
	if err != nil {
		log.Fatal(err)
	}
	p := starknetgo.Paymaster{Client: client, ChainID: "SN_SEPOLIA", Address: keys[0].Address(), Signer: keys[0]}
	calldata := []chain.Felt{keys[1].Address(), chain.Uint(25), {}} // the amount as a low and a high half
	request := p.Request(paymaster.FeeMode{Mode: paymaster.FeeModeSponsored},
		chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: calldata})
	sent, err := p.Execute(ctx, request)
	fmt.Println(sent.TransactionHash, err)
}
