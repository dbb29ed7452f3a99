// Package programtest is a second kind of program, for tests: with matrix products alone,
// nothing would show that the other packages know no kind. It has what they lack: a body
// that the text names by hash, three parts of an input, and no tree of the output.
package programtest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/zeebo/blake3"

	"github.com/bitsage/bitsage/internal/air"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/exec"
	"github.com/bitsage/bitsage/internal/stark"
)

// Register makes the kind and its executor known to this process. Call it from the init
// function of a test.
var Register = sync.OnceFunc(func() {
	program.Register(Kind{})
	exec.Register(Kind{}, executor{})
})

// Kind is the kind of programs that square and add, again and again.
type Kind struct{}

// Name implements program.Kind.
func (Kind) Name() string { return "squares" }

// Tag implements program.Kind: "SQRS", little-endian.
func (Kind) Tag() uint32 { return 0x53525153 }

// Profile implements program.Kind.
func (Kind) Profile() string { return "std" }

// SelfTests implements program.Kind. The proof of work of the input is short.
func (Kind) SelfTests() []program.SelfTest {
	return []program.SelfTest{{Program: New(Body(16)), Profile: "std", Seed: 110}}
}

// Sample implements program.Kind.
func (Kind) Sample() program.Program { return New(Body(128)) }

// Parse implements program.Kind.
func (Kind) Parse(text string) (program.Program, error) {
	var p Program
	var hash string
	if _, err := fmt.Sscanf(text, "squares %d %s", &p.steps, &hash); err != nil {
		return nil, fmt.Errorf("malformed program %.80q: %w", text, err)
	}
	if p.steps < 16 || p.steps > 1<<12 || p.steps&(p.steps-1) != 0 {
		return nil, fmt.Errorf("%d steps, want a power of two from 16 to 4096", p.steps)
	}
	if n, err := hex.Decode(p.body[:], []byte(hash[:min(len(hash), 64)])); err != nil || n != len(p.body) {
		return nil, errors.New("malformed hash of the body")
	}
	if p.String() != text {
		return nil, fmt.Errorf("malformed program %.80q, did you mean %q?", text, p)
	}
	return p, nil
}

// Program computes x -> x^2 + c for every constant c of its body, in order, and begins
// with the sum of two elements.
type Program struct {
	steps int
	body  program.Digest
}

// Body returns the body of a program of some steps, a power of two from 16 to 4096: their
// constants, of four bytes each.
func Body(steps int) []byte {
	var b []byte
	for i := range steps {
		b = binary.LittleEndian.AppendUint32(b, uint32(7*i+1))
	}
	return b
}

// New returns the program of a body.
func New(body []byte) Program { return Program{len(body) / 4, blake3.Sum256(body)} }

// Kind implements program.Program.
func (Program) Kind() program.Kind { return Kind{} }

// String implements program.Program: the number of steps and the hash of the body.
func (p Program) String() string { return fmt.Sprintf("squares %d %x", p.steps, p.body) }

// Words implements program.Program.
func (p Program) Words() []uint32 {
	w := []uint32{uint32(p.steps)}
	for i := 0; i < len(p.body); i += 4 {
		w = append(w, binary.LittleEndian.Uint32(p.body[i:]))
	}
	return w
}

// Blobs implements program.Program.
func (p Program) Blobs() []program.Digest { return []program.Digest{p.body} }

// NumParts implements program.Program.
func (Program) NumParts() int { return 3 }

// Parts implements program.Program: the body and the two elements.
func (p Program) Parts(input []byte) [][]byte {
	n := 4 * p.steps
	return [][]byte{input[:n], input[n : n+4], input[n+4:]}
}

// InputSize implements program.Program.
func (p Program) InputSize() int { return 4*p.steps + 8 }

// OutputSize implements program.Program.
func (Program) OutputSize() int { return 4 }

// CheckInput implements program.Program.
func (p Program) CheckInput(input []byte) error { return check(input, p.InputSize()) }

// CheckOutput implements program.Program.
func (p Program) CheckOutput(output []byte) error { return check(output, p.OutputSize()) }

func check(data []byte, size int) error {
	if len(data) != size {
		return fmt.Errorf("%d bytes, want %d", len(data), size)
	}
	for i := 0; i < size; i += 4 {
		if v := binary.LittleEndian.Uint32(data[i:]); v >= m31.P {
			return fmt.Errorf("element %d is %d, want less than 2^31 - 1", i/4, v)
		}
	}
	return nil
}

// TestInput implements program.Program. It knows no bodies but those of Body.
func (p Program) TestInput(seed byte) []byte {
	body := Body(p.steps)
	if New(body) != p {
		return nil
	}
	return append(body, seed, 0, 0, 0, 1, 0, 0, 0)
}

// LogRows implements program.Program.
func (p Program) LogRows() int { return circle.Log2(p.steps) }

// ErrorBits implements program.Program: nothing is left to chance.
func (Program) ErrorBits() int { return 0 }

// DigestOutput implements program.OutputDigest: the output itself, and zeros.
func (Program) DigestOutput(output []byte) (d program.Digest) {
	copy(d[:], output)
	return d
}

// CheckDigest implements program.OutputDigest.
func (Program) CheckDigest(d program.Digest) error {
	if strings.Trim(string(d[4:]), "\x00") != "" {
		return errors.New("it is longer than an output")
	}
	return check(d[:4], 4)
}

// EncodeInput implements program.Program: the constants, the two elements in the first
// row, and selectors of the first and the last row.
func (p Program) EncodeInput(input []byte, each program.Each) ([][]m31.Elem, error) {
	columns := make([][]m31.Elem, 5)
	for i := range columns {
		columns[i] = make([]m31.Elem, p.steps)
	}
	err := each(p.steps, func(lo, hi int) {
		for slot := lo; slot < hi; slot++ {
			row := circle.StorageToRow(slot, p.LogRows())
			columns[0][slot] = elem(input[4*row:])
			switch row {
			case 0:
				columns[1][slot], columns[2][slot] = elem(input[4*p.steps:]), elem(input[4*p.steps+4:])
				columns[3][slot] = 1
			case p.steps - 1:
				columns[4][slot] = 1
			}
		}
	})
	return columns, err
}

func elem(b []byte) m31.Elem { return m31.Elem(binary.LittleEndian.Uint32(b)) }

// AIR implements program.Program.
func (p Program) AIR(kind stark.Kind, cfg stark.Config, c program.Claim) (*air.AIR, error) {
	b := air.NewComponent("squares", p.LogRows())
	constant, first, last, one := b.Pre("c"), b.Pre("first"), b.Pre("last"), b.Const(1)
	x := b.Column(1, 0, 1)
	square := x[0].Mul(x[0]).Add(constant)
	b.Constrain("start", first.Mul(x[0].Sub(b.Pre("a")).Sub(b.Pre("b"))))
	b.Constrain("step", one.Sub(last).Mul(x[1].Sub(square)))
	b.Constrain("result", last.Mul(square.Sub(b.Const(elem(c.Result[:])))))
	component, err := b.Build()
	if err != nil {
		return nil, err
	}
	a := &air.AIR{Kind: kind, Config: cfg, Components: []*air.Component{component}}
	for _, id := range []string{"c", "a", "b", "first", "last"} {
		a.Preprocessed = append(a.Preprocessed, air.Preprocessed{ID: id, LogSize: p.LogRows()})
	}
	a.Transcript = []air.Step{
		{Op: air.MixConfig}, {Op: air.MixU32s, Words: c.Words},
		{Op: air.Commit, Tree: 0}, {Op: air.Commit, Tree: 1},
	}
	return a, nil
}
