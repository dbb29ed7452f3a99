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

type wireResource struct {
	Amount *wireUint `json:"max_amount"`
	Price  *wireU128 `json:"max_price_per_unit"`
}

type wireBounds struct {
	L1Gas     *wireResource `json:"l1_gas"`
	L2Gas     *wireResource `json:"l2_gas"`
	L1DataGas *wireResource `json:"l1_data_gas"`
}

type wireEnvelope struct {
	Type      string      `json:"type"`
	Version   *wireFelt   `json:"version"`
	Nonce     *wireUint   `json:"nonce"`
	Bounds    *wireBounds `json:"resource_bounds"`
	Tip       *wireUint   `json:"tip"`
	Paymaster []wireFelt  `json:"paymaster_data"`
	NonceDA   string      `json:"nonce_data_availability_mode"`
	FeeDA     string      `json:"fee_data_availability_mode"`
	Signature []wireFelt  `json:"signature"`
}

type wireInvoke struct {
	wireEnvelope
	From       *wireFelt  `json:"sender_address"`
	Calldata   []wireFelt `json:"calldata"`
	Deployment []wireFelt `json:"account_deployment_data"`
	ProofFacts []wireFelt `json:"proof_facts,omitempty"`
	Proof      []byte     `json:"proof,omitempty"`
}

type wireDeclare struct {
	wireEnvelope
	From       *wireFelt  `json:"sender_address"`
	Class      *Class     `json:"contract_class"`
	Compiled   *wireFelt  `json:"compiled_class_hash"`
	Deployment []wireFelt `json:"account_deployment_data"`
}

type wireDeploy struct {
	wireEnvelope
	Class    *wireFelt  `json:"class_hash"`
	Salt     *wireFelt  `json:"contract_address_salt"`
	Calldata []wireFelt `json:"constructor_calldata"`
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

func (r Resource) wire() (*wireResource, error) {
	if _, err := r.pack(Felt{}); err != nil {
		return nil, err
	}
	amount := wireUint(r.Amount)
	return &wireResource{&amount, &wireU128{r.Price}}, nil
}

func (b Bounds) wire() (*wireBounds, error) {
	var out wireBounds
	for _, p := range []struct {
		from Resource
		to   **wireResource
	}{{b.L1Gas, &out.L1Gas}, {b.L2Gas, &out.L2Gas}, {b.L1DataGas, &out.L1DataGas}} {
		w, err := p.from.wire()
		if err != nil {
			return nil, err
		}
		*p.to = w
	}
	return &out, nil
}

func (e *Envelope) wire(kind string) (wireEnvelope, error) {
	version, nonce, tip := wireFelt(e.version()), wireUint(e.Nonce), wireUint(e.Tip)
	bounds, err := e.Bounds.wire()
	if err != nil {
		return wireEnvelope{}, err
	}
	nonceDA, err := e.NonceDA.name()
	if err != nil {
		return wireEnvelope{}, err
	}
	feeDA, err := e.FeeDA.name()
	if err != nil {
		return wireEnvelope{}, err
	}
	return wireEnvelope{kind, &version, &nonce, bounds, &tip, wireFelts(e.Paymaster), nonceDA, feeDA, wireFelts(e.Signature)}, nil
}

// resource reads bounds; missing ones are an error.
func (w *wireResource) resource() (Resource, error) {
	if w == nil || w.Amount == nil || w.Price == nil {
		return Resource{}, fmt.Errorf("%w: bounds are missing", ErrTransaction)
	}
	return Resource{uint64(*w.Amount), w.Price.v}, nil
}

func (w *wireEnvelope) read(kind string, e *Envelope) (err error) {
	if w.Type != kind || w.Version == nil || w.Nonce == nil || w.Bounds == nil || w.Tip == nil {
		return fmt.Errorf("%w: a field is missing, or the type is not %s", ErrTransaction, kind)
	}
	if len(w.Signature) > maxSignature || len(w.Paymaster) > MaxCalldata {
		return fmt.Errorf("%w: a list is too long", ErrTransaction)
	}
	version := Felt(*w.Version)
	*e = Envelope{Nonce: uint64(*w.Nonce), Tip: uint64(*w.Tip), Paymaster: fromWire(w.Paymaster), Signature: fromWire(w.Signature), Query: version == versionQuery}
	if !e.Query && version != versionInvoke {
		return fmt.Errorf("%w: not a transaction of version 3", ErrTransaction)
	}
	for _, p := range []struct {
		from *wireResource
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
	env, err := t.wire(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	from := wireFelt(t.From)
	return json.Marshal(wireInvoke{env, &from, wireFelts(t.Calldata), wireFelts(t.Deployment), wireFelts(t.ProofFacts), t.Proof})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrResponse for a field out of range, or a *CalldataError.
func (t *InvokeTx) UnmarshalJSON(data []byte) error {
	var w wireInvoke
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.From == nil || len(w.Deployment) > MaxCalldata || len(w.ProofFacts) > MaxCalldata {
		return fmt.Errorf("%w: no sender, or a list is too long", ErrTransaction)
	}
	if err := checkCalldata(len(w.Calldata)); err != nil {
		return err
	}
	out := InvokeTx{From: Felt(*w.From), Calldata: fromWire(w.Calldata), Deployment: fromWire(w.Deployment), ProofFacts: fromWire(w.ProofFacts), Proof: w.Proof}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}

// MarshalJSON writes the transaction as the RPC has it.
func (t *DeclareTx) MarshalJSON() ([]byte, error) {
	env, err := t.wire(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	from, compiled := wireFelt(t.From), wireFelt(t.Compiled)
	return json.Marshal(wireDeclare{env, &from, t.Class, &compiled, wireFelts(t.Deployment)})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrClass, or ErrResponse for a field out of range.
func (t *DeclareTx) UnmarshalJSON(data []byte) error {
	var w wireDeclare
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.From == nil || w.Class == nil || w.Compiled == nil || len(w.Deployment) > MaxCalldata {
		return fmt.Errorf("%w: a field is missing, or a list is too long", ErrTransaction)
	}
	out := DeclareTx{From: Felt(*w.From), Class: w.Class, Compiled: Felt(*w.Compiled), Deployment: fromWire(w.Deployment)}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}

// MarshalJSON writes the transaction as the RPC has it.
func (t *DeployAccountTx) MarshalJSON() ([]byte, error) {
	env, err := t.wire(t.rpc().kind)
	if err != nil {
		return nil, err
	}
	class, salt := wireFelt(t.Class), wireFelt(t.Salt)
	return json.Marshal(wireDeploy{env, &class, &salt, wireFelts(t.Calldata)})
}

// UnmarshalJSON reads the transaction as the RPC has it. It fails with
// ErrTransaction, ErrResponse for a field out of range, or a *CalldataError.
func (t *DeployAccountTx) UnmarshalJSON(data []byte) error {
	var w wireDeploy
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.Class == nil || w.Salt == nil {
		return fmt.Errorf("%w: a field is missing", ErrTransaction)
	}
	if err := checkCalldata(len(w.Calldata)); err != nil {
		return err
	}
	out := DeployAccountTx{Deployment: Deployment{Felt(*w.Class), Felt(*w.Salt), fromWire(w.Calldata)}}
	if err := w.read(t.rpc().kind, &out.Envelope); err != nil {
		return err
	}
	*t = out
	return nil
}
