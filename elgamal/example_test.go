package elgamal_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bitsage/bitsage/elgamal"
)

// A client pays a worker 250 of its 1000 units. The chain sees neither number.
func Example() {
	client, worker := key(), key()
	balance, err := elgamal.Zero(client.Public()).AddPlain(1000)
	if err != nil {
		log.Fatal(err)
	}
	statement := elgamal.TransferStatement{
		Context: elgamal.Context{Operation: elgamal.OpTransfer, Nonce: 1, Balance: balance},
		From:    client.Public(), To: worker.Public(),
	}
	transfer, err := elgamal.ProveTransfer(client, statement, 1000, 250)
	if err != nil {
		log.Fatal(err)
	}

	// The contract, or anyone.
	left, err := elgamal.VerifyTransfer(statement, transfer)
	if err != nil {
		log.Fatal(err)
	}
	earned, err := worker.Decrypt(context.Background(), transfer.Recipient)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(earned, client.Holds(left, 750), client)

	statement.Nonce++
	_, err = elgamal.VerifyTransfer(statement, transfer)
	fmt.Println(err)
	// Output:
	// 250 true elgamal.SecretKey(redacted)
	// elgamal: invalid: key
}

func key() elgamal.SecretKey {
	k, err := elgamal.GenerateKey()
	if err != nil {
		log.Fatal(err)
	}
	return k
}
