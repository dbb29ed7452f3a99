package ledger

import (
	"fmt"
)

// maxDepth is how deep calls may be nested, as on Starknet.
const maxDepth = 50

// usage is what an execution used.
type usage struct {
	Calldata uint64 // felts of calldata and signature
	Calls    uint64
	Writes   uint64 // of storage slots
	Curve    uint64 // multiplications of points
	Sierra   uint64 // felts of a declared program
}

// event is what a contract emitted.
type event struct {
	From Felt
	Keys []Felt
	Data []Felt
}

// blockInfo is what contracts see of their block.
type blockInfo struct {
	Number uint64
	Time   uint64 // seconds since 1970
}

// txInfo is what contracts see of their transaction; zero in a call from outside.
type txInfo struct {
	Hash      Felt
	Version   Felt
	Signature []Felt
}

// run is the execution of one transaction or of one call from outside.
type run struct {
	classes map[Felt]*class
	state   *overlay
	block   blockInfo
	chainID Felt
	tx      txInfo
	used    usage
	events  []event
	stack   []site
}

// site is a call under way, for the reason of a revert. A constructor has no selector until
// it runs.
type site struct {
	contract, class, selector Felt
	constructor               bool
}

func (r *run) emit(from Felt, keys, data []Felt) {
	r.events = append(r.events, event{from, keys, data})
}

// call calls a function of a contract. It panics with *reverted.
func (r *run) call(from, to, selector Felt, args []Felt) []Felt {
	hash := r.state.class(to)
	r.enter(site{to, hash, selector, false})
	if hash.IsZero() {
		panic(&reverted{text: fmt.Sprintf("Requested contract address %s is not deployed.", to.Padded())})
	}
	fn, ok := r.classes[hash].functions[selector]
	if !ok {
		panic(&reverted{data: []Felt{shortString("ENTRYPOINT_NOT_FOUND")}})
	}
	out := fn.call(&frame{r, to, from}, args)
	r.stack = r.stack[:len(r.stack)-1]
	return out
}

// spend counts what is used, and stops what uses more than any transaction may.
func (r *run) spend(counter *uint64, n uint64) {
	*counter += n
	require(r.used.gas(false).L2 <= maxGas, "Out of gas")
}

// enter begins a call.
func (r *run) enter(s site) {
	r.stack = append(r.stack, s)
	r.spend(&r.used.Calls, 1)
	if len(r.stack) > maxDepth {
		panic(&reverted{text: "recursion depth exceeded"})
	}
}

// deploy deploys a contract and runs its constructor. It panics with *reverted.
func (r *run) deploy(from, at, hash Felt, args []Felt) {
	r.enter(site{at, hash, Felt{}, true})
	if !r.state.declared(hash) {
		panic(&reverted{text: fmt.Sprintf("Class with hash %s is not declared.", hash.Padded())})
	}
	if existing := r.state.class(at); !existing.IsZero() {
		panic(&reverted{text: fmt.Sprintf("Deployment failed: contract already deployed at address %s", at.Padded())})
	}
	r.stack[len(r.stack)-1].selector = keccak("constructor")
	r.state.Deployed[at] = hash
	if init := r.classes[hash].constructor; init.call != nil {
		init.call(&frame{r, at, from}, args)
	} else {
		require(len(args) == 0, "Input too long for arguments")
	}
	r.stack = r.stack[:len(r.stack)-1]
}

// protect runs f and returns how it reverted, or nil. After a revert the stack still has
// the calls that were under way.
func (r *run) protect(f func()) (failure *reverted) {
	defer func() {
		if p := recover(); p != nil {
			rev, ok := p.(*reverted)
			if !ok {
				panic(p)
			}
			failure = rev
		}
	}()
	f()
	return nil
}
