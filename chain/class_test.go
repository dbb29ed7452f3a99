package chain

import (
	"sync"
	"testing"

	"github.com/bitsage/bitsage/internal/poseidon"
)

// TestProgramHashes compares what is remembered with Poseidon: for programs that differ
// in one felt or in length, again after a program was changed in place, from several
// goroutines, and when more programs come than are remembered.
func TestProgramHashes(t *testing.T) {
	var p programHashes
	check := func(program []Felt) {
		t.Helper()
		if got, want := p.hash(program), poseidon.HashMany(program...); got != want {
			t.Errorf("%d felts: hash %v, want %v", len(program), got, want)
		}
	}
	program := []Felt{Uint(1), Uint(2), Uint(3)}
	for range 2 {
		for n := range program {
			check(program[:n])
		}
		check(program)
		program[1] = Uint(20)
		check(program)
	}
	var group sync.WaitGroup
	for g := range uint64(4) {
		group.Go(func() {
			for i := range uint64(2 * maxPrograms) {
				check([]Felt{Uint(i + g), Uint(i)})
				if n := p.len(); n > maxPrograms {
					t.Errorf("%d hashes are remembered", n)
				}
			}
		})
	}
	group.Wait()
}

func (p *programHashes) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hashes)
}
