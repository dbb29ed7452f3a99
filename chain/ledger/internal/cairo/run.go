package cairo

import (
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
)

// maxDepth is how deep calls may be nested, as on Starknet.
const maxDepth = 50

// Event is what a contract emitted.
type Event struct {
	From felt.Felt
	Keys []felt.Felt
	Data []felt.Felt
}

// BlockInfo is what contracts see of their block.
type BlockInfo struct {
	Number uint64
	Time   uint64 // seconds since 1970
}

// TxInfo is what contracts see of their transaction; zero in a call from outside.
type TxInfo struct {
	Hash      felt.Felt
	Version   felt.Felt
	Signature []felt.Felt
}

// Run is the execution of one transaction or of one call from outside.
type Run struct {
	Classes map[felt.Felt]*Class
	State   *Overlay
	Block   BlockInfo
	ChainID felt.Felt
	Tx      TxInfo
	Used    Usage
	Events  []Event
	Stack   []Site
}

// Site is a call under way, for the reason of a revert. A constructor has no selector until
// it runs.
type Site struct {
	Contract, Class, Selector felt.Felt
	Constructor               bool
}

func (r *Run) emit(from felt.Felt, keys, data []felt.Felt) {
	r.Events = append(r.Events, Event{from, keys, data})
}

// Call calls a function of a contract. It panics with *Reverted.
func (r *Run) Call(from, to, selector felt.Felt, args []felt.Felt) []felt.Felt {
	hash := r.State.ClassAt(to)
	r.enter(Site{to, hash, selector, false})
	if hash.IsZero() {
		panic(&Reverted{Text: fmt.Sprintf("Requested contract address %s is not deployed.", to.Padded())})
	}
	fn, ok := r.Classes[hash].Functions[selector]
	if !ok {
		panic(&Reverted{Data: []felt.Felt{ShortString("ENTRYPOINT_NOT_FOUND")}})
	}
	out := fn.Call(r.Frame(to, from), args)
	r.Stack = r.Stack[:len(r.Stack)-1]
	return out
}

// spend counts what is used, and stops what uses more than any transaction may.
func (r *Run) spend(counter *uint64, n uint64) {
	*counter += n
	Require(r.Used.Gas(false).L2 <= MaxGas, "Out of gas")
}

// Frame is a call of a contract from an address, under way without an entry in the stack.
func (r *Run) Frame(at, from felt.Felt) *Frame { return &Frame{r, at, from} }

// enter begins a call.
func (r *Run) enter(s Site) {
	r.Stack = append(r.Stack, s)
	r.spend(&r.Used.Calls, 1)
	if len(r.Stack) > maxDepth {
		panic(&Reverted{Text: "recursion depth exceeded"})
	}
}

// Deploy deploys a contract and runs its constructor. It panics with *Reverted.
func (r *Run) Deploy(from, at, hash felt.Felt, args []felt.Felt) {
	r.enter(Site{at, hash, felt.Felt{}, true})
	if !r.State.IsDeclared(hash) {
		panic(&Reverted{Text: fmt.Sprintf("Class with hash %s is not declared.", hash.Padded())})
	}
	if existing := r.State.ClassAt(at); !existing.IsZero() {
		panic(&Reverted{Text: fmt.Sprintf("Deployment failed: contract already deployed at address %s", at.Padded())})
	}
	r.Stack[len(r.Stack)-1].Selector = Selector("constructor")
	r.State.Deployed[at] = hash
	if init := r.Classes[hash].Constructor; init.Call != nil {
		init.Call(r.Frame(at, from), args)
	} else {
		Require(len(args) == 0, "Input too long for arguments")
	}
	r.Stack = r.Stack[:len(r.Stack)-1]
}
