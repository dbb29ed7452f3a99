package faucet_test

import (
	"context"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet/faucet"
)

// Tokens from a faucet, and the wait until they have arrived.
func ExampleClient() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"tx_hash": "0x4d2", "amount": "1000000000000000000000"}`)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	tokens := faucet.Client{URL: server.URL}
	drip, err := tokens.Request(ctx, felt.FromUint64(7))
	if err != nil {
		log.Fatal(err)
	}
	balance := func(context.Context) (*big.Int, error) { return drip.Amount, nil } // ask a node here
	have, err := faucet.WaitBalance(ctx, balance, drip.Amount)
	fmt.Println(have, err)
	// Output: 1000000000000000000000 <nil>
}
