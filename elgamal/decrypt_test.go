package elgamal

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/stark-curve/fp"
	"github.com/stretchr/testify/require"
)

// TestDecryptEdges decrypts at the ends of the table, of giant steps, and of
// batches of them.
func TestDecryptEdges(t *testing.T) {
	p := seeded(10)
	k := must(p.key())(t)
	batch := Amount(2*reach+1) * giantWidth
	edges := []Amount{
		0, 1, 2, 255, 256, babyCount - 1, babyCount, babyCount + 1, giantWidth - 1, giantWidth, giantWidth + 1,
		reach * giantWidth, reach*giantWidth - 1, (reach + 1) * giantWidth, (reach+1)*giantWidth + babyCount,
		2 * reach * giantWidth, batch - 1, batch, batch + 1, batch + reach*giantWidth, 1<<32 - 1, 1 << 32,
		MaxAmount - giantWidth, MaxAmount - babyCount, MaxAmount - babyCount + 1, MaxAmount - 1, MaxAmount,
	}
	rng := rand.New(rand.NewPCG(10, 10))
	for range 6 {
		edges = append(edges, Amount(rng.Uint64N(uint64(MaxAmount))))
	}
	for _, want := range edges {
		c, _, err := p.encrypt(k.Public(), want)
		require.NoError(t, err)
		if got, err := k.Decrypt(t.Context(), c); err != nil || got != want {
			t.Errorf("decrypted %d, %v, want %d", got, err, want)
		}
	}
}

// TestDecryptNothing wants an error for what holds no amount: a negative number,
// one of 41 bits, and the right ciphertext under the wrong key.
func TestDecryptNothing(t *testing.T) {
	p := seeded(11)
	k, other := must(p.key())(t), must(p.key())(t)
	r, negative, large := must(p.scalar())(t), minus(3), scalarOf(1<<Bits)
	c, _, err := p.encrypt(other.Public(), 3)
	require.NoError(t, err)
	far := scalarOf((giantLast + 3) * giantWidth)
	for name, c := range map[string]Ciphertext{
		"negative": seal(k.Public(), &negative, &r), "2^40": seal(k.Public(), &large, &r),
		"beyond the last giant step": seal(k.Public(), &far, &r), "wrong key": c,
	} {
		if a, err := k.Decrypt(t.Context(), c); !errors.Is(err, ErrNoAmount) {
			t.Errorf("%s: %d, %v", name, a, err)
		}
	}
}

func TestDecryptContext(t *testing.T) {
	w := newWorld(t, 12)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.payer.Decrypt(ctx, w.ctx.Balance); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	c, _, err := w.encrypt(w.payer.Public(), MaxAmount)
	require.NoError(t, err)
	if _, err := w.payer.Decrypt(&expiring{Context: t.Context(), left: 3}, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

// expiring is a context that ends after it was asked a number of times.
type expiring struct {
	context.Context
	left int
}

func (e *expiring) Err() error {
	if e.left--; e.left < 0 {
		return context.DeadlineExceeded
	}
	return nil
}

// TestBabyTable finds every entry, also where entries collide.
func TestBabyTable(t *testing.T) {
	used := 0
	for _, e := range babySteps().slots {
		if e != 0 {
			used++
		}
	}
	if used != babyCount {
		t.Errorf("%d entries, want %d", used, babyCount)
	}
	small := &babyTable{slots: make([]uint64, 1<<slotBits)}
	a := fp.Element{slotMask, 1}
	b := fp.Element{slotMask, 2}
	small.insert(&a, 7)
	small.insert(&b, 9)
	if tag := a[0] >> slotBits; small.slots[slotMask] != tag<<slotBits|7 || small.slots[0] != tag<<slotBits|9 {
		t.Error("colliding entries do not both survive")
	}
}

// TestTruncatedCollision looks up an amount behind an entry of the same 64 bits.
func TestTruncatedCollision(t *testing.T) {
	five := scalarOf(5)
	target := baseG().mul(&five)
	table := &babyTable{slots: make([]uint64, 1<<slotBits)}
	table.insert(&target.p.X, 1234)
	table.insert(&target.p.X, 5)
	s := search{table: table, target: target}
	if !s.at(0, &target.p.X, true) || s.found != 5 {
		t.Errorf("found %d, want 5", s.found)
	}
	table = &babyTable{slots: make([]uint64, 1<<slotBits)}
	table.insert(&target.p.X, 1234)
	s = search{table: table, target: target}
	if s.at(0, &target.p.X, true) {
		t.Errorf("a collision passes for %d", s.found)
	}
}

// TestNeighbours compares shared inversions with single additions, the points
// where they degenerate included.
func TestNeighbours(t *testing.T) {
	l := newLadder(Generator())
	far := l.point(1 << 50)
	for name, centre := range map[string]Point{
		"far": far, "identity": {}, "a step": l.point(3), "minus a step": l.point(3).neg(),
	} {
		count := 0
		l.neighbours(centre, func(d int, x *fp.Element, ok bool) bool {
			count++
			e := scalarOf(uint64(max(d, -d)))
			step := baseG().mul(&e)
			if d < 0 {
				step = step.neg()
			}
			want := centre.add(step)
			if ok && (!want.Valid() || want.p.X != *x) {
				t.Errorf("%s: neighbour %d is wrong", name, d)
			}
			if !ok && d != 3 && d != -3 {
				t.Errorf("%s: neighbour %d is missing", name, d)
			}
			return true
		})
		if count != 2*reach {
			t.Errorf("%s: %d neighbours", name, count)
		}
	}
}
