package bitsage_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// A job that cannot be run is refused at Submit, before any work.
func ExampleClient_Submit_refused() {
	client, err := bitsage.NewClient(bitsage.Config{Network: bitsage.NewNetwork(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	_, err = client.Submit(context.Background(), bitsage.Job{Program: proof.MatMul(2, 2, 2), Input: []byte{1, 2, 3}})
	fmt.Println(err)
	// Output:
	// proof: input of matmul int8 2x2x2: 3 bytes, want 8 (A 2x2, then B 2x2, 1 bytes an entry)
}
