package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

func (l *Ledger) call(p *struct {
	Request *struct {
		Contract *hexFelt  `json:"contract_address"`
		Selector *hexFelt  `json:"entry_point_selector"`
		Calldata []hexFelt `json:"calldata"`
	} `json:"request"`
	Block *blockID `json:"block_id"`
}) (any, *rpcError) {
	q := p.Request
	if q.Contract == nil || q.Selector == nil || len(q.Calldata) > chain.MaxCalldata {
		return nil, failData(chain.ErrInvalidParams, "a call has contract_address, entry_point_selector and at most 5000 felts of calldata")
	}
	state, block, class, err := l.contract(p.Block, q.Contract)
	if err != nil {
		return nil, err
	}
	if _, ok := l.classes[class].Functions[felt.Felt(*q.Selector)]; !ok {
		return nil, fail(chain.ErrEntrypointNotFound)
	}
	r := &cairo.Run{Classes: l.classes, State: cairo.NewOverlay(state), Block: block, ChainID: l.chainID}
	var out []felt.Felt
	if failure := r.Protect(func() { out = r.Call(felt.Felt{}, felt.Felt(*q.Contract), felt.Felt(*q.Selector), fromHex(q.Calldata)) }); failure != nil {
		return nil, failData(chain.ErrContract, callError(failure, r.Stack))
	}
	return hexFelts(out), nil
}

// maxEstimates is how many transactions can be estimated in one request.
const maxEstimates = 100

// estimateFee executes transactions one after the other, without including them.
func (l *Ledger) estimateFee(p *struct {
	Request []json.RawMessage `json:"request"`
	Flags   []string          `json:"simulation_flags"`
	Block   *blockID          `json:"block_id"`
}) (any, *rpcError) {
	if len(p.Request) > maxEstimates {
		return nil, failData(chain.ErrInvalidParams, fmt.Sprintf("at most %d transactions are estimated at once", maxEstimates))
	}
	m := mode{estimate: true}
	for _, flag := range p.Flags {
		if flag != "SKIP_VALIDATE" {
			return nil, failData(chain.ErrInvalidParams, "the only flag is SKIP_VALIDATE")
		}
		m.skipValidate = true
	}
	base, block, err := l.state(p.Block)
	if err != nil {
		return nil, err
	}
	state, out := cairo.NewOverlay(base), []rpcEstimate{}
	for i, raw := range p.Request {
		o, err := l.estimate(state, block, raw, m)
		if err != nil {
			return nil, err
		}
		if o.failure != nil {
			return nil, executionError(i, o.failure)
		}
		state.Merge(o.diff)
		g := o.receipt.Resources
		price := hexUint(gasPrice)
		out = append(out, rpcEstimate{hexUint(g.L1), price, hexUint(g.L2), price, hexUint(g.L1Data), price, o.receipt.Fee.Amount, "FRI"})
	}
	return out, nil
}

type rpcEstimate struct {
	L1Gas       hexBig `json:"l1_gas_consumed"`
	L1Price     hexBig `json:"l1_gas_price"`
	L2Gas       hexBig `json:"l2_gas_consumed"`
	L2Price     hexBig `json:"l2_gas_price"`
	L1DataGas   hexBig `json:"l1_data_gas_consumed"`
	L1DataPrice hexBig `json:"l1_data_gas_price"`
	Fee         hexBig `json:"overall_fee"`
	Unit        string `json:"unit"`
}

func executionError(index int, data any) *rpcError {
	return failData(chain.ErrExecution, map[string]any{"transaction_index": index, "execution_error": data})
}

// estimate executes one transaction of an estimate.
func (l *Ledger) estimate(state cairo.Reader, block cairo.BlockInfo, raw json.RawMessage, m mode) (*effect, *rpcError) {
	tx, err := parseTransaction(raw)
	if err != nil {
		return nil, &rpcError{Code: chain.ErrInvalidParams, Message: err.Error()}
	}
	prepared, refused := l.prepare(tx)
	if refused != nil {
		return nil, refused
	}
	o, refused := l.execute(state, block, prepared, m)
	if refused == nil {
		return o, nil
	}
	switch refused.Code {
	case chain.ErrNonce:
		return nil, executionError(0, "Account transaction nonce is invalid.")
	case chain.ErrValidation:
		return nil, executionError(0, fmt.Sprintf("%s: %v", refused.Message, refused.Data))
	}
	return nil, refused
}

func parseTransaction(raw json.RawMessage) (chain.Transaction, error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	var tx chain.Transaction
	switch head.Type {
	case "INVOKE":
		tx = new(chain.InvokeTx)
	case "DECLARE":
		tx = new(chain.DeclareTx)
	case "DEPLOY_ACCOUNT":
		tx = new(chain.DeployAccountTx)
	default:
		return nil, fmt.Errorf("unknown type of transaction")
	}
	return tx, json.Unmarshal(raw, tx)
}
