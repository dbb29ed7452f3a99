package chain_test

import (
	"fmt"

	"github.com/bitsage/bitsage/chain"
)

// A transfer of 2^128 + 5 units, as the call of an ERC-20 token.
func ExampleCall() {
	call := chain.Call{To: chain.STRK(), Selector: chain.Selector("transfer"), Calldata: []chain.Felt{
		chain.Uint(0xb0b), chain.Uint(5), chain.Uint(1), // the recipient, and the amount as a low and a high half
	}}
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
