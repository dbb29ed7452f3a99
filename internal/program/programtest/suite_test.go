package programtest

import (
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/program/matmul"
)

func init() {
	program.Register(matmul.Kind{})
	Register()
	program.Register(crowd{})
}

func TestKinds(t *testing.T) {
	for _, k := range []program.Kind{matmul.Kind{}, Kind{}} {
		t.Run(k.Name(), func(t *testing.T) { Run(t, k) })
	}
}

// impostor has the name or the tag of a kind.
type impostor struct {
	Kind
	name string
	tag  uint32
}

func (i impostor) Name() string { return i.name }
func (i impostor) Tag() uint32  { return i.tag }

func TestRegister(t *testing.T) {
	for _, i := range []impostor{{name: "matmul", tag: 1}, {name: "other", tag: matmul.Kind{}.Tag()}} {
		func() {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(r.(string), "matmul") {
					t.Errorf("%+v: %v", i, r)
				}
			}()
			program.Register(i)
		}()
	}
}

// crowded is a program of more parts than there may be.
type crowded struct{ Program }

func (crowded) NumParts() int { return program.MaxParts + 1 }

type crowd struct{ Kind }

func (crowd) Name() string                          { return "crowd" }
func (crowd) Tag() uint32                           { return 2 }
func (crowd) Parse(string) (program.Program, error) { return crowded{}, nil }

func TestMaxParts(t *testing.T) {
	if _, err := program.Parse("crowd"); err == nil || !strings.Contains(err.Error(), "17 parts") {
		t.Error(err)
	}
}
