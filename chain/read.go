package chain

import (
	"context"
	"encoding/json"
	"math/big"

	"github.com/bitsage/bitsage/internal/calldata"
)

// maxCallResult is how many felts are read of what a function returns.
const maxCallResult = 1 << 20

// Call is a call of a contract's function, to read with Client.Call or to execute
// in a transaction.
type Call struct {
	To       Felt   // the contract
	Selector Felt   // see Selector
	Calldata []Felt // the arguments, as Cairo serializes them: a u256 is its low and its high half
}

// Call runs a function on the state of a block without changing anything, and
// returns the felts that it returned. It fails with ErrContractNotFound,
// ErrEntrypointNotFound, ErrBlockNotFound, or ErrContract if the function reverted;
// the reason is in the data of the *RPCError.
func (c *Client) Call(ctx context.Context, call Call, at BlockID) ([]Felt, error) {
	if err := checkCalldata(len(call.Calldata)); err != nil {
		return nil, err
	}
	var raw json.RawMessage
	err := c.Do(ctx, "starknet_call", map[string]any{
		"request": map[string]any{
			"contract_address":     rpcFelt(call.To),
			"entry_point_selector": rpcFelt(call.Selector),
			"calldata":             rpcFelts(call.Calldata),
		},
		"block_id": at,
	}, &raw)
	if err != nil {
		return nil, err
	}
	out, err := decodeArray[rpcFelt](raw, maxCallResult)
	return fromRPC(out), err
}

// Nonce returns the nonce that the next transaction of an account has after a
// block. It fails with ErrContractNotFound if the account is not deployed.
func (c *Client) Nonce(ctx context.Context, account Felt, at BlockID) (uint64, error) {
	var n rpcUint
	err := c.Do(ctx, "starknet_getNonce", map[string]any{"block_id": at, "contract_address": rpcFelt(account)}, &n)
	return uint64(n), err
}

// StorageAt returns a storage slot of a contract, zero if it was never written. It
// fails with ErrContractNotFound if there is no contract.
func (c *Client) StorageAt(ctx context.Context, contract, key Felt, at BlockID) (Felt, error) {
	var v rpcFelt
	err := c.Do(ctx, "starknet_getStorageAt", map[string]any{"contract_address": rpcFelt(contract), "key": rpcFelt(key), "block_id": at}, &v)
	return Felt(v), err
}

// ClassHashAt returns the class of a contract. It fails with ErrContractNotFound if
// there is none.
func (c *Client) ClassHashAt(ctx context.Context, contract Felt, at BlockID) (Felt, error) {
	var v rpcFelt
	err := c.Do(ctx, "starknet_getClassHashAt", map[string]any{"block_id": at, "contract_address": rpcFelt(contract)}, &v)
	return Felt(v), err
}

// Class returns a declared Sierra class. It fails with ErrClassHashNotFound if it is
// not declared, and with ErrResponse if what the node answers has another hash. An
// ABI that the node wrote without the spaces that belong to the hash gets them back.
func (c *Client) Class(ctx context.Context, hash Felt, at BlockID) (*Class, error) {
	var class Class
	if err := c.Do(ctx, "starknet_getClass", map[string]any{"block_id": at, "class_hash": rpcFelt(hash)}, &class); err != nil {
		return nil, err
	}
	got := class.Hash()
	if got != hash { // starknet-devnet answers so for the classes it has from the start
		if abi, err := spaced([]byte(class.ABI)); err == nil {
			class.ABI = abi
		}
	}
	if class.Hash() != hash {
		return nil, malformed("class %s instead of %s", got.String(), hash.String())
	}
	return &class, nil
}

// Balance returns how much of an ERC-20 token an address has after a block, in the
// token's smallest unit.
func (c *Client) Balance(ctx context.Context, token, owner Felt, at BlockID) (*big.Int, error) {
	out, err := c.Call(ctx, Call{To: token, Selector: Selector("balance_of"), Calldata: []Felt{owner}}, at)
	if err != nil {
		return nil, err
	}
	d := calldata.NewDecoder(out)
	balance := d.U256()
	if err := d.Close(); err != nil {
		return nil, malformed("balance_of: %v", err)
	}
	return balance.Big(), nil
}

// BlockNumber returns the height of the last block accepted on L2.
func (c *Client) BlockNumber(ctx context.Context) (uint64, error) {
	var n uint64
	err := c.Do(ctx, "starknet_blockNumber", nil, &n)
	return n, err
}

// BlockRef is the height and the hash of a block.
type BlockRef struct {
	Number uint64
	Hash   Felt
}

// Head returns the last block accepted on L2.
func (c *Client) Head(ctx context.Context) (BlockRef, error) {
	var w struct {
		Hash   *rpcFelt `json:"block_hash"`
		Number *uint64  `json:"block_number"`
	}
	if err := c.Do(ctx, "starknet_blockHashAndNumber", nil, &w); err != nil {
		return BlockRef{}, err
	}
	if w.Hash == nil || w.Number == nil {
		return BlockRef{}, malformed("a head without hash or number")
	}
	return BlockRef{*w.Number, Felt(*w.Hash)}, nil
}
