package ledger

import (
	"math/big"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// burner is a contract that uses as much as it is told.
type burner struct{ *cairo.Frame }

func newBurner(f *cairo.Frame) burner { return burner{f} }

var burnerClass = cairo.NewClass("burner", cairo.ShortString("burner"), cairo.Methods(newBurner, cairo.Functions{"burn": burner.burn}))

func (b burner) burn(n uint64) { b.Curve(n) }

// TestGasLimit has a transaction that uses all the gas there is, and one that uses more.
func TestGasLimit(t *testing.T) {
	n := open(t, Options{Balance: new(big.Int).Lsh(big.NewInt(1), 100)})
	n.classes[burnerClass.Hash] = burnerClass
	n.archive.classes[chain.Uint(0xb0b)] = history[felt.Felt]{}.with(0, burnerClass.Hash)
	price := big.NewInt(gasPrice)
	bounds := &chain.Bounds{L1Gas: chain.Resource{Price: price}, L2Gas: chain.Resource{Amount: 2 * cairo.MaxGas, Price: price}, L1DataGas: chain.Resource{Amount: 1000, Price: price}}
	a := n.account(0).WithFees(chain.FeePolicy{Fixed: bounds})
	for _, c := range []struct {
		curve  uint64
		reason string
	}{{(cairo.MaxGas-600_000)/cairo.GasCurve - 1, ""}, {cairo.MaxGas / cairo.GasCurve, "('Out of gas')"}} {
		hash, err := a.Execute(t.Context(), chain.Call{To: chain.Uint(0xb0b), Selector: chain.Selector("burn"), Calldata: []felt.Felt{chain.Uint(c.curve)}})
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Wait(t.Context(), hash)
		if (err == nil) != (c.reason == "") || !strings.Contains(r.Reason, c.reason) || r.L2Gas > cairo.MaxGas || r.L2Gas < cairo.MaxGas-cairo.GasCurve*2 {
			t.Errorf("%d operations: %+v %v", c.curve, r, err)
		}
	}
}
