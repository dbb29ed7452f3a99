package cairo

import "github.com/bitsage/bitsage/chain/felt"

// Reverted is the panic with which a call, and so its transaction, fails. It never leaves
// the package: Run.Protect recovers it.
type Reverted struct {
	Data []felt.Felt // the panic's data in Cairo
	Text string      // instead of data: what the virtual machine says
}

// Assert reverts with a code of the contracts unless the condition holds.
func Assert(ok bool, code string) {
	if !ok {
		panic(&Reverted{Data: []felt.Felt{ShortString(code)}})
	}
}

// Require reverts as the core library does unless the condition holds.
func Require(ok bool, text string) {
	if !ok {
		panic(&Reverted{Data: []felt.Felt{ShortString(text)}})
	}
}

// Uncatchable is the index of the last call in a stack that fails without its caller
// seeing the panic's data: the transaction, or a constructor.
func Uncatchable(stack []Site) int {
	for i := len(stack) - 1; i > 0; i-- {
		if stack[i].Constructor {
			return i
		}
	}
	return 0
}

// Protect runs f and returns how it reverted, or nil. After a revert the stack still has
// the calls that were under way.
func (r *Run) Protect(f func()) (failure *Reverted) {
	defer func() {
		if p := recover(); p != nil {
			rev, ok := p.(*Reverted)
			if !ok {
				panic(p)
			}
			failure = rev
		}
	}()
	f()
	return nil
}
