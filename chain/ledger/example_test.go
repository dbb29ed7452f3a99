package ledger_test

import (
	"context"
	"fmt"
	"log"
	"math/big"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
)

func Example() {
	accounts, err := ledger.SeedAccounts("example", 2)
	if err != nil {
		log.Fatal(err)
	}
	l, err := ledger.Open(ledger.Options{Accounts: accounts, Balance: big.NewInt(1_000_000_000_000_000_000)})
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()

	ctx := context.Background()
	sender := chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{})
	hash, err := sender.Execute(ctx, chain.Call{
		To: chain.STRK(), Selector: chain.Selector("transfer"),
		Calldata: []chain.Felt{accounts[1].Address(), chain.Uint(25), {}}, // the amount as a low and a high half
	})
	if err != nil {
		log.Fatal(err)
	}
	receipt, err := sender.Wait(ctx, hash)
	if err != nil {
		log.Fatal(err)
	}
	balance, err := l.Client().Balance(ctx, chain.STRK(), accounts[1].Address(), chain.AtLatest())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Finality, receipt.Block.Number, receipt.L2Gas, balance)
	// Output: ACCEPTED_ON_L2 1 776080 1000000000000000025
}
