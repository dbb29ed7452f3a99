// Oracle writes ../golden.json with starknet.go: transaction hashes, class hashes,
// selectors and encodings of seeded random inputs. Run it with
//
//	go run . > ../golden.json
//
// It is a module of its own, so that starknet.go is no dependency of the package.
package main

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/NethermindEth/juno/core/felt"
	"github.com/NethermindEth/starknet.go/account"
	"github.com/NethermindEth/starknet.go/contracts"
	"github.com/NethermindEth/starknet.go/curve"
	"github.com/NethermindEth/starknet.go/hash"
	"github.com/NethermindEth/starknet.go/rpc"
	"github.com/NethermindEth/starknet.go/utils"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var rng = rand.New(rand.NewPCG(1, 2))

func random() *felt.Felt {
	switch rng.IntN(8) {
	case 0:
		return new(felt.Felt)
	case 1:
		return new(felt.Felt).Sub(new(felt.Felt), new(felt.Felt).SetUint64(1)) // p - 1
	case 2:
		return new(felt.Felt).SetUint64(rng.Uint64())
	}
	var b [32]byte
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return new(felt.Felt).SetBytes(b[:])
}

func list(n int) []*felt.Felt {
	out := make([]*felt.Felt, n)
	for i := range out {
		out[i] = random()
	}
	return out
}

func bound() rpc.ResourceBounds {
	price := new(big.Int).SetUint64(rng.Uint64())
	amount := rng.Uint64()
	switch rng.IntN(4) {
	case 0:
		price.Lsh(price, 64).Add(price, new(big.Int).SetUint64(rng.Uint64()))
	case 1:
		price.Sub(price.Lsh(big.NewInt(1), 128), big.NewInt(1))
		amount = 1<<64 - 1
	case 2:
		price.SetUint64(0)
		amount = 0
	}
	return rpc.ResourceBounds{MaxAmount: rpc.U64(fmt.Sprintf("%#x", amount)), MaxPricePerUnit: rpc.U128("0x" + price.Text(16))}
}

func bounds() *rpc.ResourceBoundsMapping {
	return &rpc.ResourceBoundsMapping{L1Gas: bound(), L1DataGas: bound(), L2Gas: bound()}
}

func tip() rpc.U64      { return rpc.U64(fmt.Sprintf("%#x", rng.Uint64()>>rng.IntN(64))) }
func nonce() *felt.Felt { return new(felt.Felt).SetUint64(rng.Uint64() >> rng.IntN(64)) }
func da() rpc.DataAvailabilityMode {
	return []rpc.DataAvailabilityMode{rpc.DAModeL1, rpc.DAModeL2}[rng.IntN(2)]
}

func version(i int) rpc.TransactionVersion {
	if i%3 == 2 {
		return rpc.TransactionV3WithQueryBit
	}
	return rpc.TransactionV3
}

type tx struct {
	Chain string          `json:"chain"`
	Tx    json.RawMessage `json:"tx"`
	Hash  *felt.Felt      `json:"hash"`
}

func chain(i int) (string, *felt.Felt) {
	id := []string{"SN_MAIN", "SN_SEPOLIA", "BITSAGE_LEDGER"}[i%3]
	return id, new(felt.Felt).SetBytes([]byte(id))
}

func raw(v any) json.RawMessage { return must(json.Marshal(v)) }

func invoke(i int) tx {
	id, c := chain(i / 2)
	t := &rpc.InvokeTxnV3{Type: rpc.TransactionTypeInvoke, SenderAddress: random(), Calldata: list(1 + rng.IntN(9)), Version: version(i), Signature: list(2),
		Nonce: nonce(), ResourceBounds: bounds(), Tip: tip(), PayMasterData: list(rng.IntN(3)), AccountDeploymentData: list(rng.IntN(3)), NonceDataMode: da(), FeeMode: da()}
	return tx{id, raw(t), must(hash.TransactionHashInvokeV3(t, c))}
}

// proven is an invoke with proof facts (SNIP-36), which starknet.go does not know:
// its parts are hashed one by one.
func proven() tx {
	id, c := chain(1)
	t := &rpc.InvokeTxnV3{Type: rpc.TransactionTypeInvoke, SenderAddress: random(), Calldata: list(4), Version: rpc.TransactionV3, Signature: list(2),
		Nonce: nonce(), ResourceBounds: bounds(), Tip: "0x0", PayMasterData: list(0), AccountDeploymentData: list(0), NonceDataMode: rpc.DAModeL1, FeeMode: rpc.DAModeL1}
	facts := list(5)
	h := curve.PoseidonArray(new(felt.Felt).SetBytes([]byte("invoke")), new(felt.Felt).SetUint64(3), t.SenderAddress, must(hash.TipAndResourcesHash(0, t.ResourceBounds)),
		curve.PoseidonArray(), c, t.Nonce, new(felt.Felt), curve.PoseidonArray(), curve.PoseidonArray(t.Calldata...), curve.PoseidonArray(facts...))
	var m map[string]any
	must(0, json.Unmarshal(raw(t), &m))
	m["proof_facts"], m["proof"] = facts, []byte("proof")
	return tx{id, raw(m), h}
}

func entries(n int) []contracts.SierraEntryPoint {
	out := make([]contracts.SierraEntryPoint, n)
	for i := range out {
		out[i] = contracts.SierraEntryPoint{FunctionIdx: uint(rng.IntN(100)), Selector: random()}
	}
	return out
}

func class() *contracts.ContractClass {
	return &contracts.ContractClass{SierraProgram: list(3 + rng.IntN(20)), ContractClassVersion: "0.1.0",
		EntryPointsByType: contracts.SierraEntryPointsByType{Constructor: entries(rng.IntN(2)), External: entries(rng.IntN(4)), L1Handler: entries(rng.IntN(2))},
		ABI:               contracts.NestedString(`[{"type": "function", "name": "f"}]`)}
}

func declare(i int) tx {
	id, c := chain(i)
	t := &rpc.BroadcastDeclareTxnV3{Type: rpc.TransactionTypeDeclare, SenderAddress: random(), CompiledClassHash: random(), Version: version(i), Signature: list(2),
		Nonce: nonce(), ContractClass: class(), ResourceBounds: bounds(), Tip: tip(), PayMasterData: list(rng.IntN(3)), AccountDeploymentData: list(rng.IntN(3)), NonceDataMode: da(), FeeMode: da()}
	return tx{id, raw(t), must(hash.TransactionHashBroadcastDeclareV3(t, c))}
}

func deploy(i int) tx {
	id, c := chain(i)
	t := &rpc.DeployAccountTxnV3{Type: rpc.TransactionTypeDeployAccount, Version: version(i), Signature: list(2), Nonce: nonce(), ContractAddressSalt: random(),
		ConstructorCalldata: list(rng.IntN(5)), ClassHash: random(), ResourceBounds: bounds(), Tip: tip(), PayMasterData: list(rng.IntN(3)), NonceDataMode: da(), FeeMode: da()}
	address := contracts.PrecomputeAddress(new(felt.Felt), t.ContractAddressSalt, t.ClassHash, t.ConstructorCalldata)
	return tx{id, raw(t), must(hash.TransactionHashDeployAccountV3(t, address, c))}
}

type named struct {
	Name  string     `json:"name"`
	Value *felt.Felt `json:"value"`
}

type bytesOf struct {
	Text  string       `json:"text"`
	Felts []*felt.Felt `json:"felts"`
}

type multicall struct {
	Calls []rpc.FunctionCall `json:"calls"`
	Felts []*felt.Felt       `json:"felts"`
}

type file struct {
	Class json.RawMessage `json:"class"`
	Hash  *felt.Felt      `json:"hash"`
}

type golden struct {
	Provenance string      `json:"provenance"`
	Invoke     []tx        `json:"invoke"`
	Declare    []tx        `json:"declare"`
	Deploy     []tx        `json:"deploy_account"`
	Selectors  []named     `json:"selectors"`
	ByteArrays []bytesOf   `json:"byte_arrays"`
	Multicalls []multicall `json:"multicalls"`
	Files      []file      `json:"class_files"`
	Casm       []file      `json:"casm"`
}

// classFile is a class as a compiler writes it, with the ABI as an array.
func classFile() file {
	m := map[string]any{"sierra_program": list(12), "contract_class_version": "0.1.0", "sierra_program_debug_info": map[string]any{"names": []int{1}},
		"entry_points_by_type": contracts.SierraEntryPointsByType{Constructor: entries(1), External: entries(3), L1Handler: entries(1)},
		"abi": json.RawMessage(`[{"type":"impl","name":"A:b, \"c\"","interface_name":"x::y"},
  {"type":"function","name":"f","inputs":[{"name":"a","type":"(core::felt252, core::bool)"},{"name":"b","type":"core::felt252"}],"outputs":[],"state_mutability":"view"}]`)}
	data := raw(m)
	var c contracts.ContractClass
	must(0, json.Unmarshal(data, &c))
	return file{data, hash.ClassHash(&c)}
}

func casmEntries(n int) []contracts.CasmEntryPoint {
	out := make([]contracts.CasmEntryPoint, n)
	for i := range out {
		out[i] = contracts.CasmEntryPoint{Selector: random(), Offset: uint(rng.IntN(1000)), Builtins: []string{"range_check", "poseidon", "ec_op"}[:rng.IntN(4)]}
	}
	return out
}

// casm is a compiled class of 20 felts with segments of the given shape.
func casm(segments string) file {
	code := append(list(17), new(felt.Felt).SetUint64(1<<63-1), new(felt.Felt).SetUint64(1<<63), new(felt.Felt).SetUint64(1<<64-1))
	m := map[string]any{"bytecode": code, "prime": "0x800000000000011000000000000000000000000000000000000000000000001", "compiler_version": "2.16.0", "hints": []any{},
		"entry_points_by_type": contracts.CasmEntryPointsByType{Constructor: casmEntries(1), External: casmEntries(3), L1Handler: casmEntries(1)}}
	if segments != "" {
		m["bytecode_segment_lengths"] = json.RawMessage(segments)
	}
	data := raw(m)
	var c contracts.CasmClass
	must(0, json.Unmarshal(data, &c))
	return file{data, must(hash.CompiledClassHashV2(&c))}
}

func main() {
	g := golden{Provenance: "github.com/NethermindEth/starknet.go v0.17.1 by chain/testdata/oracle"}
	for i := range 12 {
		g.Invoke = append(g.Invoke, invoke(i))
		if i < 6 {
			g.Declare = append(g.Declare, declare(i))
			g.Deploy = append(g.Deploy, deploy(i))
		}
	}
	g.Invoke = append(g.Invoke, proven())
	for _, n := range []string{"transfer", "balance_of", "__execute__", "__default__", "Transfer", "a", "submit_payment_with_proof"} {
		v := utils.GetSelectorFromNameFelt(n)
		if n == "__default__" {
			v = new(felt.Felt) // by the specification; starknet.go hashes the name
		}
		g.Selectors = append(g.Selectors, named{n, v})
	}
	for _, n := range []int{0, 1, 30, 31, 32, 61, 62, 63, 100} {
		s := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 5)[:n]
		g.ByteArrays = append(g.ByteArrays, bytesOf{s, must(utils.StringToByteArrFelt(s))})
	}
	for n := range 4 {
		calls := make([]rpc.FunctionCall, n)
		for i := range calls {
			calls[i] = rpc.FunctionCall{ContractAddress: random(), EntryPointSelector: random(), Calldata: list(rng.IntN(4))}
		}
		g.Multicalls = append(g.Multicalls, multicall{calls, account.FmtCallDataCairo2(calls)})
	}
	for range 3 {
		g.Files = append(g.Files, classFile())
	}
	for _, segments := range []string{"", "[20]", "[3,17]", "[1,[2,3],[[4],5],5]"} {
		g.Casm = append(g.Casm, casm(segments))
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", " ")
	must(0, enc.Encode(g))
}
