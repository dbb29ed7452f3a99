package chain

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/wallet"
)

// ErrTransaction means that a transaction cannot be hashed: a price of 2^128 or
// more, or an unknown data-availability mode.
var ErrTransaction = errors.New("chain: a field of the transaction is out of range")

// Resource bounds what a transaction may use of one resource, and at which price.
type Resource struct {
	Amount uint64   // units of gas
	Price  *big.Int // FRI (10^-18 STRK) for a unit, below 2^128; nil is zero
}

// Bounds are the most that a transaction may use. Up to the sum of amounts times
// prices can be charged, and the account must own that much when it sends.
type Bounds struct {
	L1Gas, L2Gas, L1DataGas Resource
}

// MaxFee returns the most that can be charged, in FRI, with a tip for each unit of
// L2 gas.
func (b Bounds) MaxFee(tip uint64) *big.Int {
	sum := new(big.Int)
	for _, r := range []Resource{b.L1Gas, b.L2Gas, b.L1DataGas, {b.L2Gas.Amount, new(big.Int).SetUint64(tip)}} {
		if r.Price != nil {
			sum.Add(sum, new(big.Int).Mul(new(big.Int).SetUint64(r.Amount), r.Price))
		}
	}
	return sum
}

// DAMode says where data is made available. The network accepts only L1 so far.
type DAMode uint32

// The modes.
const (
	DAL1 DAMode = 0
	DAL2 DAMode = 1
)

// Envelope is what transactions of all types have.
type Envelope struct {
	Nonce     uint64
	Bounds    Bounds
	Tip       uint64 // FRI for a unit of L2 gas
	Paymaster []Felt // must be empty so far
	NonceDA   DAMode
	FeeDA     DAMode
	Signature []Felt
	// Query marks a transaction that is only simulated. It changes the hash, so its
	// signature is worthless for the transaction itself.
	Query bool
}

// Transaction is one of *InvokeTx, *DeclareTx and *DeployAccountTx, all of version 3.
// Their JSON is that of the RPC, in both directions.
type Transaction interface {
	// Hash returns the transaction hash on a chain, which is given as the short
	// string of its identifier. It does not depend on the signature. It fails with
	// ErrTransaction or a *CalldataError.
	Hash(chainID Felt) (Felt, error)
	// Sender returns the account that signs and pays.
	Sender() Felt

	envelope() *Envelope
	rpc() rpcNames
}

// InvokeTx calls contracts.
type InvokeTx struct {
	Envelope
	From       Felt
	Calldata   []Felt // see Multicall
	Deployment []Felt // account deployment data; must be empty so far
	// ProofFacts are what Proof proves (SNIP-36); both are usually empty.
	ProofFacts []Felt
	Proof      []byte
}

// DeclareTx declares a class.
type DeclareTx struct {
	Envelope
	From       Felt
	Class      *Class
	Compiled   Felt   // hash of the class compiled to CASM, from the Cairo compiler
	Deployment []Felt // account deployment data; must be empty so far
}

// DeployAccountTx deploys the account that pays for it.
type DeployAccountTx struct {
	Envelope
	Deployment
}

// Deployment determines a contract's address.
type Deployment struct {
	Class    Felt
	Salt     Felt
	Calldata []Felt // of the constructor
}

// Address returns the address of a contract that is deployed by nobody: an account
// that deploys itself, or by Account.Deploy.
func (d Deployment) Address() Felt {
	return wallet.ContractAddress(Felt{}, d.Salt, d.Class, d.Calldata)
}

// Call returns the call of the universal deployer that puts the contract at Address,
// whoever makes it. A contract that is there makes it fail; Account.Deploy looks first.
func (d Deployment) Call() Call {
	args := new(calldata.Encoder).Felt(d.Class).Felt(d.Salt).Bool(false).Array(d.Calldata)
	return Call{To: deployer, Selector: selectorDeploy, Calldata: args.Felts()}
}

var selectorDeploy = Selector("deployContract")

// AccountDeployment returns the deployment of a wallet's account. It fails with
// wallet.ErrClass if the class of the account is not known.
func AccountDeployment(a *wallet.Account) (Deployment, error) {
	public := a.PublicKey()
	if _, err := a.Class().Address(public); err != nil {
		return Deployment{}, err
	}
	return Deployment{a.Class().Hash(), public, a.Class().Calldata(public)}, nil
}

func short(s string) Felt {
	f, err := felt.ShortString(s)
	if err != nil {
		panic(err) // only constants get here
	}
	return f
}

var (
	prefixInvoke  = short("invoke")
	prefixDeclare = short("declare")
	prefixDeploy  = short("deploy_account")

	nameL1Gas  = short("L1_GAS")
	nameL2Gas  = short("L2_GAS")
	nameL1Data = short("L1_DATA")

	versionInvoke = Uint(3)
	versionQuery  = felt.MustParse("0x100000000000000000000000000000003") // 2^128 + 3
)

func (e *Envelope) envelope() *Envelope { return e }

func (e *Envelope) version() Felt {
	if e.Query {
		return versionQuery
	}
	return versionInvoke
}

// Sender implements Transaction.
func (t *InvokeTx) Sender() Felt { return t.From }

// Sender implements Transaction.
func (t *DeclareTx) Sender() Felt { return t.From }

// Sender implements Transaction.
func (t *DeployAccountTx) Sender() Felt { return t.Address() }

// Hash implements Transaction.
func (t *InvokeTx) Hash(chainID Felt) (Felt, error) {
	if err := checkCalldata(len(t.Calldata)); err != nil {
		return Felt{}, err
	}
	tail := []Felt{poseidon.HashMany(t.Deployment...), poseidon.HashMany(t.Calldata...)}
	if len(t.ProofFacts) > 0 {
		tail = append(tail, poseidon.HashMany(t.ProofFacts...))
	}
	return t.hash(prefixInvoke, t.From, chainID, tail...)
}

// Hash implements Transaction.
func (t *DeclareTx) Hash(chainID Felt) (Felt, error) {
	if t.Class == nil {
		return Felt{}, fmt.Errorf("%w: no class", ErrTransaction)
	}
	return t.hash(prefixDeclare, t.From, chainID, poseidon.HashMany(t.Deployment...), t.Class.Hash(), t.Compiled)
}

// Hash implements Transaction.
func (t *DeployAccountTx) Hash(chainID Felt) (Felt, error) {
	if err := checkCalldata(len(t.Calldata)); err != nil {
		return Felt{}, err
	}
	return t.hash(prefixDeploy, t.Address(), chainID, poseidon.HashMany(t.Calldata...), t.Class, t.Salt)
}

// hash is the hash of a version-3 transaction (SNIP-8, and the Starknet
// documentation, "Transaction hash"): the Poseidon hash of prefix, version, sender,
// the hash of tip and bounds, the hash of the paymaster's data, the chain, the nonce,
// the two modes of data availability, and what is special to the type.
func (e *Envelope) hash(prefix, sender, chainID Felt, tail ...Felt) (Felt, error) {
	fee, err := e.feeHash()
	if err != nil {
		return Felt{}, err
	}
	if e.NonceDA > DAL2 || e.FeeDA > DAL2 {
		return Felt{}, fmt.Errorf("%w: data availability", ErrTransaction)
	}
	modes := Uint(uint64(e.NonceDA)<<32 | uint64(e.FeeDA))
	head := []Felt{prefix, e.version(), sender, fee, poseidon.HashMany(e.Paymaster...), chainID, Uint(e.Nonce), modes}
	return poseidon.HashMany(append(head, tail...)...), nil
}

// feeHash hashes the tip and the bounds of the three resources.
func (e *Envelope) feeHash() (Felt, error) {
	list := []Felt{Uint(e.Tip)}
	for _, r := range []struct {
		name Felt
		Resource
	}{{nameL1Gas, e.Bounds.L1Gas}, {nameL2Gas, e.Bounds.L2Gas}, {nameL1Data, e.Bounds.L1DataGas}} {
		f, err := r.pack(r.name)
		if err != nil {
			return Felt{}, err
		}
		list = append(list, f)
	}
	return poseidon.HashMany(list...), nil
}

// pack writes name, 64 bits of amount and 128 bits of price into one felt. The name
// has at most 7 characters, so the number is below 2^248.
func (r Resource) pack(name Felt) (Felt, error) {
	price := r.Price
	if price == nil {
		price = new(big.Int)
	}
	if price.Sign() < 0 || price.BitLen() > 128 {
		return Felt{}, fmt.Errorf("%w: a price is not in [0, 2^128)", ErrTransaction)
	}
	x := name.BigInt(new(big.Int))
	x.Lsh(x, 64).Add(x, new(big.Int).SetUint64(r.Amount))
	var f Felt
	f.SetBigInt(x.Lsh(x, 128).Add(x, price))
	return f, nil
}

// Multicall encodes calls as the accounts of Cairo 1 want them: their number, and
// for each the contract, the selector and the arguments with their length. It fails
// with a *CalldataError.
func Multicall(calls ...Call) ([]Felt, error) {
	n := 1
	for _, c := range calls {
		if n += 3 + len(c.Calldata); n > MaxCalldata {
			return nil, &CalldataError{n}
		}
	}
	out := make([]Felt, 0, n)
	out = append(out, Uint(uint64(len(calls))))
	for _, c := range calls {
		out = append(out, c.To, c.Selector, Uint(uint64(len(c.Calldata))))
		out = append(out, c.Calldata...)
	}
	return out, nil
}

// SignTransaction signs a transaction for a chain and returns its hash. It fails as
// Hash does or as the signer does.
func SignTransaction(ctx context.Context, tx Transaction, chainID Felt, s wallet.Signer) (Felt, error) {
	hash, err := tx.Hash(chainID)
	if err != nil {
		return Felt{}, err
	}
	sig, err := s.Sign(ctx, hash)
	if err != nil {
		return Felt{}, fmt.Errorf("chain: signing: %w", err)
	}
	tx.envelope().Signature = []Felt{sig.R, sig.S}
	return hash, nil
}
