package ledger

import (
	"sync"

	"github.com/bitsage/bitsage/chain"
)

// SpecVersion is the version of the RPC that a ledger speaks.
const SpecVersion = "0.9.0"

// starknetVersion is what blocks say of the protocol.
const starknetVersion = "0.14.1"

// rpcMethods are the methods of the RPC that the ledger has.
func rpcMethods() map[string]rpcMethod {
	methodsOnce.Do(func() { methods = newMethods() })
	return methods
}

var (
	methodsOnce sync.Once
	methods     map[string]rpcMethod
)

func newMethods() map[string]rpcMethod {
	return map[string]rpcMethod{
		"starknet_specVersion":        reading(func(*Ledger, *struct{}) (any, *rpcError) { return SpecVersion, nil }),
		"starknet_chainId":            reading(func(l *Ledger, _ *struct{}) (any, *rpcError) { return hexFelt(l.chainID), nil }),
		"starknet_syncing":            reading(func(*Ledger, *struct{}) (any, *rpcError) { return false, nil }),
		"starknet_blockNumber":        reading(func(l *Ledger, _ *struct{}) (any, *rpcError) { return l.head().block, nil }),
		"starknet_blockHashAndNumber": reading((*Ledger).blockHashAndNumber),

		"starknet_getBlockWithTxHashes":     reading(blockWith(onlyHash)),
		"starknet_getBlockWithTxs":          reading(blockWith(withTransaction)),
		"starknet_getBlockWithReceipts":     reading(blockWith(withReceipt)),
		"starknet_getBlockTransactionCount": reading((*Ledger).transactionCount),
		"starknet_getStateUpdate":           reading((*Ledger).stateUpdate),

		"starknet_getTransactionByHash":            reading((*Ledger).transactionByHash),
		"starknet_getTransactionByBlockIdAndIndex": reading((*Ledger).transactionByIndex),
		"starknet_getTransactionReceipt":           reading((*Ledger).transactionReceipt),
		"starknet_getTransactionStatus":            reading((*Ledger).transactionStatus),

		"starknet_getNonce":       reading((*Ledger).getNonce),
		"starknet_getStorageAt":   reading((*Ledger).getStorageAt),
		"starknet_getClassHashAt": reading((*Ledger).getClassHashAt),
		"starknet_getClassAt":     reading((*Ledger).getClassAt),
		"starknet_getClass":       reading((*Ledger).getClass),
		"starknet_call":           reading((*Ledger).call),
		"starknet_estimateFee":    reading((*Ledger).estimateFee),
		"starknet_getEvents":      reading((*Ledger).getEvents),

		"devnet_getConfig": reading((*Ledger).config),

		"starknet_addInvokeTransaction": changing(func(l *Ledger, p *struct {
			Tx *chain.InvokeTx `json:"invoke_transaction"`
		}) (any, *rpcError) {
			return l.added(p.Tx)
		}),
		"starknet_addDeclareTransaction": changing(func(l *Ledger, p *struct {
			Tx *chain.DeclareTx `json:"declare_transaction"`
		}) (any, *rpcError) {
			return l.added(p.Tx)
		}),
		"starknet_addDeployAccountTransaction": changing(func(l *Ledger, p *struct {
			Tx *chain.DeployAccountTx `json:"deploy_account_transaction"`
		}) (any, *rpcError) {
			return l.added(p.Tx)
		}),
	}
}

// config answers by what tools recognise a chain that is nobody's but its user's.
func (l *Ledger) config(*struct{}) (any, *rpcError) {
	generation := "transaction"
	if l.onDemand {
		generation = "demand"
	}
	return map[string]any{"chain_id": hexFelt(l.chainID), "block_generation_on": generation}, nil
}
