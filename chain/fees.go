package chain

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
)

// FeePolicy turns an estimate into the bounds that are signed. The zero value is for
// production.
type FeePolicy struct {
	// AmountPercent is the bound on each amount of gas, in percent of the
	// estimate; 0 means 130. The state can change before the transaction runs.
	AmountPercent uint64
	// PricePercent is the bound on each price, in percent of the current price; 0
	// means 150. Only the current price is charged, but amounts times prices must
	// be on the account.
	PricePercent uint64
	// MaxFee is the most that a transaction may cost by its bounds, in FRI; nil
	// means 100 STRK. What could cost more is ErrFeeCap and is not signed.
	MaxFee *big.Int
	// Tip is FRI for a unit of L2 gas, for the sequencer.
	Tip uint64
	// Fixed are bounds to use instead of an estimate. Percentages do not apply to
	// them; MaxFee does.
	Fixed *Bounds
}

var defaultMaxFee = new(big.Int).Mul(big.NewInt(100), new(big.Int).Exp(big.NewInt(10), big.NewInt(18), nil))

func (p FeePolicy) maxFee() *big.Int {
	if p.MaxFee != nil {
		return p.MaxFee
	}
	return defaultMaxFee
}

// check fails with ErrFeeCap if bounds allow more than the policy does.
func (p FeePolicy) check(b Bounds) error {
	if need, limit := b.MaxFee(p.Tip), p.maxFee(); need.Cmp(limit) > 0 {
		return fmt.Errorf("%w: up to %v FRI, the cap is %v FRI", ErrFeeCap, need, limit)
	}
	return nil
}

// Bounds returns the bounds for an estimate. It fails with ErrFeeCap.
func (p FeePolicy) Bounds(e Estimate) (Bounds, error) {
	var b Bounds
	amount, price := cmp.Or(p.AmountPercent, 130), cmp.Or(p.PricePercent, 150)
	for _, r := range []struct {
		from Resource
		to   *Resource
	}{{e.L1Gas, &b.L1Gas}, {e.L2Gas, &b.L2Gas}, {e.L1DataGas, &b.L1DataGas}} {
		n := percent(new(big.Int).SetUint64(r.from.Amount), amount)
		unit := percent(r.from.Price, price)
		if !n.IsUint64() || unit.BitLen() > 128 {
			return Bounds{}, fmt.Errorf("%w: a bound overflows", ErrFeeCap)
		}
		*r.to = Resource{n.Uint64(), unit}
	}
	return b, p.check(b)
}

// percent returns x*p/100, rounded up; nil is zero.
func percent(x *big.Int, p uint64) *big.Int {
	if x == nil {
		return new(big.Int)
	}
	y := new(big.Int).Mul(x, new(big.Int).SetUint64(p))
	return y.Add(y, big.NewInt(99)).Div(y, big.NewInt(100))
}

// Estimate is what a transaction would use and cost now.
type Estimate struct {
	Bounds          // gas used and current prices
	Fee    *big.Int // in Unit
	Unit   string   // FRI (10^-18 STRK) or WEI
}

type rpcEstimate struct {
	L1Gas       *rpcUint `json:"l1_gas_consumed"`
	L1Price     *rpcU128 `json:"l1_gas_price"`
	L2Gas       *rpcUint `json:"l2_gas_consumed"`
	L2Price     *rpcU128 `json:"l2_gas_price"`
	L1DataGas   *rpcUint `json:"l1_data_gas_consumed"`
	L1DataPrice *rpcU128 `json:"l1_data_gas_price"`
	Fee         *rpcU128 `json:"overall_fee"`
	Unit        string   `json:"unit"`
}

func (w *rpcEstimate) estimate() (Estimate, error) {
	for _, p := range []*rpcU128{w.L1Price, w.L2Price, w.L1DataPrice, w.Fee} {
		if p == nil {
			return Estimate{}, malformed("an estimate lacks a price")
		}
	}
	for _, p := range []*rpcUint{w.L1Gas, w.L2Gas, w.L1DataGas} {
		if p == nil || *p > math.MaxInt64 {
			return Estimate{}, malformed("an estimate lacks an amount, or it is absurd")
		}
	}
	if len(w.Unit) > 8 {
		return Estimate{}, malformed("an unknown unit of fees")
	}
	return Estimate{Bounds{
		L1Gas:     Resource{uint64(*w.L1Gas), w.L1Price.v},
		L2Gas:     Resource{uint64(*w.L2Gas), w.L2Price.v},
		L1DataGas: Resource{uint64(*w.L1DataGas), w.L1DataPrice.v},
	}, w.Fee.v, w.Unit}, nil
}

// EstimateFee simulates a transaction on the block that is being built and returns
// what it uses. The transaction must be signed as a query, see Envelope.Query. It
// fails with ErrExecution if the transaction would revert or be refused; the reason
// is in the data of the *RPCError.
func (c *Client) EstimateFee(ctx context.Context, tx Transaction) (Estimate, error) {
	list, err := c.EstimateFees(ctx, tx)
	if err != nil {
		return Estimate{}, err
	}
	return list[0], nil
}

// EstimateFees is EstimateFee of several transactions, each simulated on the state
// that those before it leave.
func (c *Client) EstimateFees(ctx context.Context, txs ...Transaction) ([]Estimate, error) {
	var raw json.RawMessage
	err := c.Do(ctx, "starknet_estimateFee", map[string]any{
		"request": txs, "simulation_flags": []string{}, "block_id": AtPreConfirmed()}, &raw)
	if err != nil {
		return nil, err
	}
	list, err := decodeArray[rpcEstimate](raw, len(txs))
	if err != nil || len(list) != len(txs) {
		return nil, malformed("%d estimates for %d transactions", len(list), len(txs))
	}
	out := make([]Estimate, len(list))
	for i := range list {
		if out[i], err = list[i].estimate(); err != nil {
			return nil, err
		}
	}
	return out, nil
}
