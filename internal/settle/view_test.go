package settle

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain"
)

// TestUndone takes changes back, of which some come again in other blocks, before and
// after they were told.
func TestUndone(t *testing.T) {
	v := new(Contracts).NewView(slog.New(slog.DiscardHandler))
	enter := func(block, hash, tx uint64) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.add(Change{Job: chain.Uint(7), Block: chain.BlockRef{Number: block, Hash: chain.Uint(hash)}, Tx: chain.Uint(tx)})
		v.wake()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	told := make(chan string)
	for _, stream := range []func(func(Change, error) bool){v.Changes(ctx), v.History(ctx, chain.Uint(7))} {
		go func() {
			for c, err := range stream {
				if err == nil {
					told <- fmt.Sprintf("%d.%d %v", c.Block.Number, c.Tx.Uint64(), c.Undone)
				}
			}
		}()
	}
	expect := func(want ...string) {
		t.Helper()
		var got []string
		for range 2 * len(want) {
			got = append(got, <-told)
		}
		want = append(want, want...)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("told %v, want %v", got, want)
		}
	}
	enter(1, 1, 10)
	enter(2, 2, 20)
	enter(3, 3, 30)
	expect("1.10 false", "2.20 false", "3.30 false")
	v.undo(2)
	expect("3.30 true", "2.20 true")
	enter(2, 12, 20)
	expect("2.20 false")
	v.mu.Lock() // nobody hears of the undoing before the new block
	v.all = slices.Clone(v.all[:1])
	v.jobs[chain.Uint(7)].Changes = slices.Clone(v.all)
	v.mu.Unlock()
	enter(2, 22, 21)
	expect("2.20 true", "2.21 false")
}
