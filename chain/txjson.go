package chain

import (
	"encoding/json"
	"fmt"
)

// rpcNames are the words of the RPC for one type of transaction.
type rpcNames struct {
	kind   string // the field "type"
	method string // that adds it
	param  string // of that method
}

func (*InvokeTx) rpc() rpcNames {
	return rpcNames{"INVOKE", "starknet_addInvokeTransaction", "invoke_transaction"}
}

func (*DeclareTx) rpc() rpcNames {
	return rpcNames{"DECLARE", "starknet_addDeclareTransaction", "declare_transaction"}
}

func (*DeployAccountTx) rpc() rpcNames {
	return rpcNames{"DEPLOY_ACCOUNT", "starknet_addDeployAccountTransaction", "deploy_account_transaction"}
}

type rpcResource struct {
	Amount *rpcUint `json:"max_amount"`
	Price  *rpcU128 `json:"max_price_per_unit"`
}

type rpcBounds struct {
	L1Gas     *rpcResource `json:"l1_gas"`
	L2Gas     *rpcResource `json:"l2_gas"`
	L1DataGas *rpcResource `json:"l1_data_gas"`
}

type rpcEnvelope struct {
	Type      string     `json:"type"`
	Version   *rpcFelt   `json:"version"`
	Nonce     *rpcUint   `json:"nonce"`
	Bounds    *rpcBounds `json:"resource_bounds"`
	Tip       *rpcUint   `json:"tip"`
	Paymaster []rpcFelt  `json:"paymaster_data"`
	NonceDA   string     `json:"nonce_data_availability_mode"`
	FeeDA     string     `json:"fee_data_availability_mode"`
	Signature []rpcFelt  `json:"signature"`
}

type rpcInvoke struct {
	rpcEnvelope
	From       *rpcFelt  `json:"sender_address"`
	Calldata   []rpcFelt `json:"calldata"`
	Deployment []rpcFelt `json:"account_deployment_data"`
	ProofFacts []rpcFelt `json:"proof_facts,omitempty"`
	Proof      []byte    `json:"proof,omitempty"`
}

type rpcDeclare struct {
	rpcEnvelope
	From       *rpcFelt  `json:"sender_address"`
	Class      *Class    `json:"contract_class"`
	Compiled   *rpcFelt  `json:"compiled_class_hash"`
	Deployment []rpcFelt `json:"account_deployment_data"`
}

type rpcDeploy struct {
	rpcEnvelope
	Class    *rpcFelt  `json:"class_hash"`
	Salt     *rpcFelt  `json:"contract_address_salt"`
	Calldata []rpcFelt `json:"constructor_calldata"`
}

// maxSignature is the protocol's limit of felts in a signature.
const maxSignature = 4_000

var daNames = [...]string{DAL1: "L1", DAL2: "L2"}

func (m DAMode) name() (string, error) {
	if int(m) >= len(daNames) {
		return "", fmt.Errorf("%w: data availability", ErrTransaction)
	}
	return daNames[m], nil
}

func parseDA(s string) (DAMode, error) {
	for i, name := range daNames {
		if s == name {
			return DAMode(i), nil
		}
	}
	return 0, fmt.Errorf("%w: data availability", ErrTransaction)
}

func (r Resource) encode() (*rpcResource, error) {
	if _, err := r.pack(Felt{}); err != nil {
		return nil, err
	}
	amount := rpcUint(r.Amount)
	return &rpcResource{&amount, &rpcU128{r.Price}}, nil
}

func (b Bounds) encode() (*rpcBounds, error) {
	var out rpcBounds
	for _, p := range []struct {
		from Resource
		to   **rpcResource
	}{{b.L1Gas, &out.L1Gas}, {b.L2Gas, &out.L2Gas}, {b.L1DataGas, &out.L1DataGas}} {
		w, err := p.from.encode()
		if err != nil {
			return nil, err
		}
		*p.to = w
	}
	return &out, nil
}

func (e *Envelope) encode(kind string) (rpcEnvelope, error) {
	version, nonce, tip := rpcFelt(e.version()), rpcUint(e.Nonce), rpcUint(e.Tip)
	bounds, err := e.Bounds.encode()
	if err != nil {
		return rpcEnvelope{}, err
	}
	nonceDA, err := e.NonceDA.name()
	if err != nil {
		return rpcEnvelope{}, err
	}
	feeDA, err := e.FeeDA.name()
	if err != nil {
		return rpcEnvelope{}, err
	}
	return rpcEnvelope{kind, &version, &nonce, bounds, &tip, rpcFelts(e.Paymaster), nonceDA, feeDA, rpcFelts(e.Signature)}, nil
}

// resource reads bounds; missing ones are an error.
func (w *rpcResource) resource() (Resource, error) {
	if w == nil || w.Amount == nil || w.Price == nil {
		return Resource{}, fmt.Errorf("%w: bounds are missing", ErrTransaction)
	}
	return Resource{uint64(*w.Amount), w.Price.v}, nil
}

func (w *rpcEnvelope) read(kind string, e *Envelope) (err error) {
	if w.Type != kind || w.Version == nil || w.Nonce == nil || w.Bounds == nil || w.Tip == nil {
		return fmt.Errorf("%w: a field is missing, or the type is not %s", ErrTransaction, kind)
	}
	if len(w.Signature) > maxSignature || len(w.Paymaster) > MaxCalldata {
		return fmt.Errorf("%w: a list is too long", ErrTransaction)
	}
	version := Felt(*w.Version)
	*e = Envelope{Nonce: uint64(*w.Nonce), Tip: uint64(*w.Tip), Paymaster: fromRPC(w.Paymaster), Signature: fromRPC(w.Signature), Query: version == versionQuery}
	if !e.Query && version != versionInvoke {
		return fmt.Errorf("%w: not a transaction of version 3", ErrTransaction)
	}
	for _, p := range []struct {
		from *rpcResource
		to   *Resource
	}{{w.Bounds.L1Gas, &e.Bounds.L1Gas}, {w.Bounds.L2Gas, &e.Bounds.L2Gas}, {w.Bounds.L1DataGas, &e.Bounds.L1DataGas}} {
		if *p.to, err = p.from.resource(); err != nil {
			return err
		}
	}
	if e.NonceDA, err = parseDA(w.NonceDA); err != nil {
		return err
	}
	e.FeeDA, err = parseDA(w.FeeDA)
	return err
}

// MarshalJSON writes the transaction as the RPC has it.
func (t *InvokeTx) MarshalJSON() ([]byte, error) {
	env, err := t.encode(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	from := rpcFelt(t.From)
	return json.Marshal(rpcInvoke{env, &from, rpcFelts(t.Calldata), rpcFelts(t.Deployment), rpcFelts(t.ProofFacts), t.Proof})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrResponse for a field out of range, or a *CalldataError.
func (t *InvokeTx) UnmarshalJSON(data []byte) error {
	var w rpcInvoke
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.From == nil || len(w.Deployment) > MaxCalldata || len(w.ProofFacts) > MaxCalldata {
		return fmt.Errorf("%w: no sender, or a list is too long", ErrTransaction)
	}
	if err := checkCalldata(len(w.Calldata)); err != nil {
		return err
	}
	out := InvokeTx{From: Felt(*w.From), Calldata: fromRPC(w.Calldata), Deployment: fromRPC(w.Deployment), ProofFacts: fromRPC(w.ProofFacts), Proof: w.Proof}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}

// MarshalJSON writes the transaction as the RPC has it.
func (t *DeclareTx) MarshalJSON() ([]byte, error) {
	env, err := t.encode(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	from, compiled := rpcFelt(t.From), rpcFelt(t.Compiled)
	return json.Marshal(rpcDeclare{env, &from, t.Class, &compiled, rpcFelts(t.Deployment)})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrClass, or ErrResponse for a field out of range.
func (t *DeclareTx) UnmarshalJSON(data []byte) error {
	var w rpcDeclare
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.From == nil || w.Class == nil || w.Compiled == nil || len(w.Deployment) > MaxCalldata {
		return fmt.Errorf("%w: a field is missing, or a list is too long", ErrTransaction)
	}
	out := DeclareTx{From: Felt(*w.From), Class: w.Class, Compiled: Felt(*w.Compiled), Deployment: fromRPC(w.Deployment)}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}

// MarshalJSON writes the transaction as the RPC has it.
func (t *DeployAccountTx) MarshalJSON() ([]byte, error) {
	env, err := t.encode(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	class, salt := rpcFelt(t.Class), rpcFelt(t.Salt)
	return json.Marshal(rpcDeploy{env, &class, &salt, rpcFelts(t.Calldata)})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrResponse for a field out of range, or a *CalldataError.
func (t *DeployAccountTx) UnmarshalJSON(data []byte) error {
	var w rpcDeploy
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.Class == nil || w.Salt == nil {
		return fmt.Errorf("%w: a field is missing", ErrTransaction)
	}
	if err := checkCalldata(len(w.Calldata)); err != nil {
		return err
	}
	out := DeployAccountTx{Deployment: Deployment{Felt(*w.Class), Felt(*w.Salt), fromRPC(w.Calldata)}}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}
