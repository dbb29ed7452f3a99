package proof

import (
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/matmul"
)

// The kinds of programs. What runs them is registered in internal/program/exec.
func init() {
	program.Register(matmul.Kind{})
}
