package settle

import (
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/calldata"
)

// Transfer is the call that gives an account an amount of an ERC-20 token, such as SAGE
// or STRK, in its smallest units. It panics unless the amount is in [0, 2^256).
func Transfer(token, to chain.Felt, amount *big.Int) chain.Call {
	u, err := calldata.U256FromBig(amount)
	if err != nil {
		panic(fmt.Sprintf("settle: a transfer of %v units", amount))
	}
	return sagetoken.TransferCall(to, u).At(token)
}
