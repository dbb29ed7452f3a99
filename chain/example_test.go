package chain_test

import (
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain"
)

// A transfer of 2^128 + 5 units, as the call of an ERC-20 token.
func ExampleEncoder() {
	amount := new(big.Int).Lsh(big.NewInt(1), 128)
	amount.Add(amount, big.NewInt(5))
	calldata, err := new(chain.Encoder).Felt(chain.Uint(0xb0b)).U256(amount).Calldata()
	if err != nil {
		fmt.Println(err)
		return
	}
	call := chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: calldata}
	fmt.Println(call.Selector)
	for _, f := range call.Calldata {
		fmt.Println(f)
	}
	// Output:
	// 0x83afd3f4caedc6eebf44246fe54e38c95e3179a5ec9ea81740eca5b482d12e
	// 0xb0b
	// 0x5
	// 0x1
}
