package starknetgo

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/NethermindEth/starknet.go/paymaster"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// ErrPaymaster means that a paymaster returned something else to sign than what was asked for,
// or wants more for it than Paymaster.MaxFee. Nothing was signed.
var ErrPaymaster = errors.New("starknetgo: the paymaster returned something else to sign")

// Paymaster sends transactions of one account through a paymaster (SNIP-29), which submits
// them from an account of its own and pays for them, or is paid in a token. It may be used by
// several goroutines at once.
//
// A paymaster returns what is to be signed, and could return anything. Only the calls that
// were asked for are signed, and with FeeMode default one more, the last: a transfer of at
// most MaxFee of the token that was agreed on. The message is made anew from these calls;
// none but version 2 of SNIP-9 is signed.
type Paymaster struct {
	Client  *paymaster.Paymaster // see paymaster.New
	ChainID string               // the chain's name, such as SN_SEPOLIA
	Address chain.Felt           // the account's
	Signer  wallet.Signer        // the account's
	// MaxFee is the most that a transaction may cost, in the smallest unit of the gas token of
	// its FeeMode. nil is 0: only sponsored transactions are signed.
	MaxFee *big.Int
}

// Request returns a request for a transaction that makes calls in order, all or none of them.
func (p *Paymaster) Request(mode paymaster.FeeMode, calls ...chain.Call) *paymaster.BuildTransactionRequest {
	invoke := &paymaster.UserInvoke{UserAddress: ToJuno(p.Address), Calls: make([]paymaster.Call, len(calls))}
	for i, c := range calls {
		invoke.Calls[i] = paymaster.Call{To: ToJuno(c.To), Selector: ToJuno(c.Selector), Calldata: ToJunos(c.Calldata)}
	}
	return &paymaster.BuildTransactionRequest{
		Transaction: paymaster.UserTransaction{Type: paymaster.UserTxnInvoke, Invoke: invoke},
		Parameters:  paymaster.UserParameters{Version: paymaster.UserParamV1, FeeMode: mode},
	}
}

// Execute lets the paymaster build a transaction, signs and sends it. It fails with
// ErrPaymaster, or as the Client and the Signer do. The paymaster may replace the transaction
// whose hash it returns; see the Client's TrackingIDToLatestHash.
func (p *Paymaster) Execute(
	ctx context.Context, request *paymaster.BuildTransactionRequest,
) (paymaster.ExecuteTransactionResponse, error) {
	built, err := p.Client.BuildTransaction(ctx, request)
	if err != nil {
		return paymaster.ExecuteTransactionResponse{}, fmt.Errorf("starknetgo: build a transaction: %w", err)
	}
	signed, err := p.Sign(ctx, request, &built)
	if err != nil {
		return paymaster.ExecuteTransactionResponse{}, err
	}
	sent, err := p.Client.ExecuteTransaction(ctx, signed)
	if err != nil {
		return sent, fmt.Errorf("starknetgo: execute a transaction: %w", err)
	}
	return sent, nil
}

// Sign signs what a paymaster built for a request. It fails with ErrPaymaster if that is not
// what was asked for, or as the Signer does. Parameters and deployment are those of the
// request, whatever was returned. A deployment alone needs no signature.
func (p *Paymaster) Sign(
	ctx context.Context, request *paymaster.BuildTransactionRequest, built *paymaster.BuildTransactionResponse,
) (*paymaster.ExecuteTransactionRequest, error) {
	asked := &request.Transaction
	out := &paymaster.ExecuteTransactionRequest{
		Transaction: paymaster.ExecutableUserTransaction{Type: asked.Type, Deployment: asked.Deployment},
		Parameters:  request.Parameters,
	}
	if built.Type != asked.Type {
		return nil, fmt.Errorf("%w: a transaction of another type", ErrPaymaster)
	}
	if asked.Invoke == nil {
		return out, nil
	}
	if FromJuno(asked.Invoke.UserAddress) != p.Address {
		return nil, fmt.Errorf("starknetgo: the request is for account %s, the key for %s",
			FromJuno(asked.Invoke.UserAddress), p.Address)
	}
	execution, err := parseOutsideExecution(built.TypedData)
	if err != nil {
		return nil, err
	}
	if err := p.check(request, execution); err != nil {
		return nil, err
	}
	message, err := execution.typedData(p.ChainID)
	if err != nil {
		return nil, err
	}
	signature, err := SignTypedData(ctx, message, p.Address, p.Signer)
	if err != nil {
		return nil, err
	}
	out.Transaction.Invoke = &paymaster.ExecutableUserInvoke{
		UserAddress: ToJuno(p.Address), TypedData: built.TypedData, Signature: signature,
	}
	return out, nil
}

// check compares what is to be signed with what was asked for.
func (p *Paymaster) check(request *paymaster.BuildTransactionRequest, e *outsideExecution) error {
	want, got := request.Transaction.Invoke.Calls, e.calls
	if len(got) < len(want) {
		return fmt.Errorf("%w: %d calls of %d", ErrPaymaster, len(got), len(want))
	}
	for i, c := range want {
		if !sameCall(c, got[i]) {
			return fmt.Errorf("%w: call %d is not that of the request", ErrPaymaster, i+1)
		}
	}
	if b := request.Parameters.TimeBounds; b != nil {
		after, before := number(b.ExecuteAfter), number(b.ExecuteBefore)
		if after == nil || before == nil || *after != e.after || *before != e.before {
			return fmt.Errorf("%w: other time bounds than those of the request", ErrPaymaster)
		}
	}
	return p.checkFee(request.Parameters.FeeMode, got[len(want):])
}

// checkFee checks the calls that the paymaster added.
func (p *Paymaster) checkFee(mode paymaster.FeeMode, added []chain.Call) error {
	if len(added) == 0 {
		return nil
	}
	if mode.Mode != paymaster.FeeModeDefault || len(added) > 1 {
		return fmt.Errorf("%w: %d calls more than the request has", ErrPaymaster, len(added))
	}
	c := added[0]
	if c.To != FromJuno(mode.GasToken) || c.Selector != chain.Selector("transfer") || len(c.Calldata) != 3 {
		return fmt.Errorf("%w: the last call is no transfer of the gas token", ErrPaymaster)
	}
	fee := toBig(c.Calldata[2])
	fee.Lsh(fee, 128).Add(fee, toBig(c.Calldata[1]))
	limit := p.MaxFee
	if limit == nil {
		limit = new(big.Int)
	}
	if fee.Cmp(limit) > 0 {
		return fmt.Errorf("%w: a fee of %v, MaxFee is %v", ErrPaymaster, fee, limit)
	}
	return nil
}

func sameCall(want paymaster.Call, got chain.Call) bool {
	if FromJuno(want.To) != got.To || FromJuno(want.Selector) != got.Selector || len(want.Calldata) != len(got.Calldata) {
		return false
	}
	for i, f := range want.Calldata {
		if FromJuno(f) != got.Calldata[i] {
			return false
		}
	}
	return true
}

// number reads a felt in hexadecimal with 0x, or in decimal; nil if it is none.
func number(s string) *chain.Felt {
	if f, err := chain.ParseFelt(s); err == nil {
		return &f
	}
	if len(s) > maxDigits || strings.Trim(s, "0123456789") != "" {
		return nil
	}
	x, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil
	}
	f, err := felt.FromBig(x)
	if err != nil {
		return nil
	}
	return &f
}

// maxDigits is how many decimal digits the field's prime has.
const maxDigits = 76
