package receipt_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

// Whoever has a receipt verifies it without a network: here one from a file, of a product
// of a 3 x 2 and a 2 x 4 matrix (testdata/README.md).
func ExampleReceipt_Verify() {
	ctx := context.Background()
	data, err := os.ReadFile("testdata/receipt.json")
	if err != nil {
		panic(err)
	}
	r, err := receipt.Parse(data)
	if err != nil {
		panic(err)
	}
	report, err := r.Verify(ctx)
	var damaged *receipt.DamagedError
	var other *receipt.OtherError
	switch {
	case errors.Is(err, proof.ErrInvalid):
		fmt.Println("the proof is false:", err)
	case errors.As(err, &damaged):
		fmt.Println("get the receipt again:", err)
	case errors.As(err, &other):
		fmt.Println("ask for the right receipt:", err)
	case err != nil:
		fmt.Println("not checked:", err)
	}
	var c [12]int32
	if _, err := binary.Decode(r.Output, binary.LittleEndian, &c); err != nil {
		panic(err)
	}
	fmt.Println(r.Task.Program, "by", r.Worker.String()[:6], "under", report.Profile)
	fmt.Println(c[:4], "is the first row;", len(r.Certificate.Set), "validators")
	// Output:
	// matmul int8 3x2x4 by 0x3892 under std
	// [4218 -3885 -2516 -1147] is the first row; 4 validators
}

// What a receipt's job commits to, only its input settles.
func ExampleReceipt_VerifyInput() {
	ctx := context.Background()
	data, err := os.ReadFile("testdata/receipt.json")
	if err != nil {
		panic(err)
	}
	r, err := receipt.Parse(data)
	if err != nil {
		panic(err)
	}
	input := make([]byte, r.Task.Program.InputSize())
	for i := range input {
		input[i] = byte(37 * i)
	}
	fmt.Println(r.VerifyInput(ctx, input))
	input[0]++
	var other *receipt.OtherError
	fmt.Println(errors.As(r.VerifyInput(ctx, input), &other), other.What)
	// Output:
	// <nil>
	// true input
}
