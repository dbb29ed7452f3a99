package proof

import (
	"errors"
	"testing"

	"github.com/zeebo/blake3"
)

// TestTaskCheckInput has tasks whose hashes and job root are of one input, of another, or
// of one each.
func TestTaskCheckInput(t *testing.T) {
	p := MatMul(2, 2, 2)
	inputs := [][]byte{{1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 9, 9, 9, 9}}
	var roots []Digest
	for _, input := range inputs {
		root, err := JobRoot(p, input, Std)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	for _, c := range []struct {
		name         string
		hashes, root int // of which input
		want         []error
	}{
		{"honest", 0, 0, []error{nil, ErrOtherInput}},
		{"honest, of the other", 1, 1, []error{ErrOtherInput, nil}},
		{"lying", 0, 1, []error{ErrContradiction, ErrContradiction}},
		{"lying the other way", 1, 0, []error{ErrContradiction, ErrContradiction}},
	} {
		task := NewTask(p, Std, "", inputs[c.hashes], roots[c.root])
		for i, want := range c.want {
			if err := task.CheckInput(inputs[i], roots[i]); !errors.Is(err, want) {
				t.Errorf("%s: input %d: %v, want %v", c.name, i, err, want)
			}
		}
	}
	task := NewTask(p, Std, "", inputs[0], roots[0])
	task.Inputs = append(task.Inputs, blake3.Sum256(nil))
	if err := task.CheckInput(inputs[0], roots[0]); !errors.Is(err, ErrContradiction) {
		t.Errorf("one hash too many: %v", err)
	}
}
