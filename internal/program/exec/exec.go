// Package exec runs programs and makes the columns of their proofs: one executor a kind, and
// what they have in common.
package exec

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/parallel"
	"github.com/bitsage/bitsage/internal/program"
)

// Executor runs the programs of one kind. It is safe for concurrent use.
type Executor interface {
	// Execute runs a program on an input that has passed its check.
	Execute(ctx context.Context, be backend.Backend, p program.Program, input []byte) (Execution, error)
}

// Execution is a program that has run. It serves one proof at most, from one goroutine.
type Execution interface {
	// Output returns the program's output.
	Output() []byte

	// Tree returns the columns of the tree after those given, in storage order. The first
	// of those given is the tree of the input; they must not be changed. syms holds the
	// challenges drawn so far.
	Tree(ctx context.Context, before [][][]m31.Elem, syms air.Symbols) ([][]m31.Elem, error)

	// Resolve returns a statement value that came up with the columns, such as a claimed
	// sum.
	Resolve(ctx context.Context, name string, syms air.Symbols) (m31.QM31, error)
}

// executors has one for every kind, by its name.
var executors = map[string]Executor{
	"matmul": matmulExecutor{},
}

// Register makes the executor of a kind known to this process, as [program.Register] does
// the kind.
func Register(k program.Kind, e Executor) {
	if executors[k.Name()] != nil {
		panic(fmt.Sprintf("exec: kind %q has an executor already", k.Name()))
	}
	executors[k.Name()] = e
}

// Execute runs a program on an input that has passed its check.
func Execute(ctx context.Context, be backend.Backend, p program.Program, input []byte) (Execution, error) {
	e := executors[p.Kind().Name()]
	if e == nil {
		return nil, fmt.Errorf("exec: nothing here runs programs of the kind %q", p.Kind().Name())
	}
	return e.Execute(ctx, be, p, input)
}

// Each splits loops over all processors.
func Each(ctx context.Context) program.Each {
	return func(n int, f func(lo, hi int)) error {
		return parallel.For(ctx, n, 1+n/256, f)
	}
}
