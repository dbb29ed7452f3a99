package bitsage

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/internal/backend"
	"github.com/bitsage/bitsage/internal/backend/cpu"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// tap is the processor as a backend that tells what it does, and that can be broken:
// then every result of one operation has one wrong element.
type tap struct {
	cpu.Backend
	tell func(operation string)

	mu     sync.Mutex
	broken string // the operation
	least  int    // products that MatMulInt8 must have to be wrong
	spoilt int    // how many results are wrong
}

func newTap(tell func(string)) *tap { return &tap{tell: tell} }

// set breaks an operation, or with "" heals all.
func (b *tap) set(operation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = operation
}

func (b *tap) spoils() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spoilt
}

// enter begins an operation. What it returns spoils the result, if that is to be.
func (b *tap) enter(operation string) func(spoil func()) {
	b.tell(operation)
	return func(spoil func()) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.broken == operation {
			b.spoilt++
			spoil()
		}
	}
}

func spoil(e *m31.Elem) {
	if *e == 0 {
		*e = 1
	} else {
		*e = 0
	}
}

func (b *tap) Interpolate(ctx context.Context, dst, values [][]m31.Elem) error {
	leave := b.enter("Interpolate")
	err := b.Backend.Interpolate(ctx, dst, values)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) Evaluate(ctx context.Context, dst, coeffs [][]m31.Elem) error {
	leave := b.enter("Evaluate")
	err := b.Backend.Evaluate(ctx, dst, coeffs)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) Extend(ctx context.Context, dst, values [][]m31.Elem, part backend.Part) error {
	leave := b.enter("Extend")
	err := b.Backend.Extend(ctx, dst, values, part)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) Merkle(ctx context.Context, h stark.Hasher, room []stark.Hash, columns [][]m31.Elem, logHeight int) ([][]stark.Hash, error) {
	leave := b.enter("Merkle")
	layers, err := b.Backend.Merkle(ctx, h, room, columns, logHeight)
	leave(func() { layers[0][0][0] ^= 1 })
	return layers, err
}

func (b *tap) MerklePacked(ctx context.Context, h stark.Hasher, room []stark.Hash, column m31.SecureVec, packing int) ([][]stark.Hash, error) {
	leave := b.enter("MerklePacked")
	layers, err := b.Backend.MerklePacked(ctx, h, room, column, packing)
	leave(func() { layers[0][0][0] ^= 1 })
	return layers, err
}

func (b *tap) EvalAt(ctx context.Context, polys []backend.Poly) ([]m31.QM31, error) {
	leave := b.enter("EvalAt")
	values, err := b.Backend.EvalAt(ctx, polys)
	leave(func() { spoil(&values[0].A.A) })
	return values, err
}

func (b *tap) Constraints(ctx context.Context, c *backend.Constraints) error {
	leave := b.enter("Constraints")
	err := b.Backend.Constraints(ctx, c)
	leave(func() { spoil(&c.Acc[0][0]) })
	return err
}

func (b *tap) Fractions(ctx context.Context, f *backend.Fractions) ([]m31.SecureVec, error) {
	leave := b.enter("Fractions")
	sums, err := b.Backend.Fractions(ctx, f)
	leave(func() { spoil(&sums[0][0][0]) })
	return sums, err
}

func (b *tap) Quotients(ctx context.Context, dst m31.SecureVec, q *backend.Quotients) error {
	leave := b.enter("Quotients")
	err := b.Backend.Quotients(ctx, dst, q)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) FoldCircle(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	leave := b.enter("FoldCircle")
	err := b.Backend.FoldCircle(ctx, dst, column, alpha)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) FoldLine(ctx context.Context, dst, column m31.SecureVec, alpha m31.QM31) error {
	leave := b.enter("FoldLine")
	err := b.Backend.FoldLine(ctx, dst, column, alpha)
	leave(func() { spoil(&dst[0][0]) })
	return err
}

func (b *tap) MatMulInt8(ctx context.Context, c []int32, x, y []int8, m, k, n int) error {
	if m*k*n < b.least {
		return b.Backend.MatMulInt8(ctx, c, x, y, m, k, n)
	}
	leave := b.enter("MatMulInt8")
	err := b.Backend.MatMulInt8(ctx, c, x, y, m, k, n)
	leave(func() { c[0] ^= 1 })
	return err
}

func (b *tap) MatMulM31(ctx context.Context, c, x, y []m31.Elem, m, k, n int) error {
	leave := b.enter("MatMulM31")
	err := b.Backend.MatMulM31(ctx, c, x, y, m, k, n)
	leave(func() { spoil(&c[0]) })
	return err
}

func (b *tap) Grind(ctx context.Context, pow stark.Pow) (uint64, error) {
	leave := b.enter("Grind")
	nonce, err := b.Backend.Grind(ctx, pow)
	leave(func() { nonce ^= 1 << 40 })
	return nonce, err
}

// patient is a worker with a tap, and its job.
type patient struct {
	*Worker
	tap       *tap
	operation string
	job       proof.JobID
	lost      bool
}

// poll waits for a condition.
func poll(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// TestBroken breaks a worker's prover after it has accepted a job, for every operation
// of a backend. The worker finds out by itself, submits nothing, accepts no other job
// that it has taken on, gives no quotes until it is healed, and loses the bond of the
// one job.
func TestBroken(t *testing.T) {
	w := newWorld(t, 1)
	ctx := t.Context()
	var patients []*patient
	for m := range reflect.TypeFor[backend.Backend]().Methods() {
		if m.Name == "Name" {
			continue
		}
		cfg := WorkerConfig{Config: w.config(2000), Stake: SAGE(2000)}
		cfg.Dir = t.TempDir()
		p := &patient{Worker: w.newWorker(cfg), tap: newTap(func(string) {}), operation: m.Name}
		p.prover = NewProver(prover.Options{Backend: p.tap})
		p.proving <- struct{}{} // not before the prover is broken
		run(t, p)
		patients = append(patients, p)
	}
	for _, p := range patients {
		<-p.Ready()
	}
	for _, p := range patients {
		j := smallJob(p.operation)
		if p.operation == "MatMulM31" {
			j.Program = proof.MatMulOf(proof.M31, 1, 1, 1)
			j.Input = []byte{3, 0, 0, 0, 5, 0, 0, 0}
		}
		p.job = w.order(p.Worker, j)
		w.until(p.job, Accepted)
	}
	second := w.order(patients[0].Worker, smallJob("second"))
	balanceBooks(t, w.network.chain, w.network.contracts)

	for _, p := range patients {
		p.tap.set(p.operation)
		<-p.proving
	}
	healthy, bonds := 0, uint64(0)
	for _, p := range patients {
		poll(t, "the end of "+p.operation, func() bool {
			s, err := w.client.Job(ctx, p.job)
			w.check(err)
			p.lost = p.breaker.open()
			return p.lost || s.State == Done
		})
		if p.lost != (p.tap.spoils() > 0) {
			t.Errorf("%s: %d wrong results, the worker noticed: %t", p.operation, p.tap.spoils(), p.lost)
		}
		if p.lost {
			bonds++
			if err := p.selfTest(ctx); err == nil {
				t.Errorf("%s: the self-test passes", p.operation)
			}
		} else {
			healthy++ // like Fractions, which the proof of a product has no use for
		}
	}
	if healthy > 2 {
		t.Errorf("%d of %d operations are in no proof", healthy, len(patients))
	}
	w.quoted("broken", healthy)
	if s, err := w.client.Job(ctx, second); err != nil || s.State != Submitted {
		t.Errorf("the second job: %+v, %v", s, err)
	}
	balanceBooks(t, w.network.chain, w.network.contracts)

	w.ledger.Advance(3 * time.Hour)
	if _, err := w.client.Wait(ctx, second); !errors.Is(err, ErrExpired) {
		t.Errorf("the second job: %v", err)
	}
	for _, p := range patients {
		_, err := w.client.Wait(ctx, p.job)
		wantPayment, wantStake := Released, SAGE(2000)
		if p.lost {
			wantPayment, wantStake = Refunded, SAGE(1900)
		}
		if p.lost != errors.Is(err, ErrExpired) || !p.lost && err != nil {
			t.Errorf("%s: %v", p.operation, err)
		}
		if got := w.payment(p.job); got.State != wantPayment {
			t.Errorf("%s: payment %+v", p.operation, got)
		}
		stake, err := w.network.staking.Stake(ctx, p.Address())
		if err != nil || stake.Amount != wantStake || !stake.Bonded.IsZero() {
			t.Errorf("%s: stake %+v, %v", p.operation, stake, err)
		}
		p.mu.Lock()
		if signed := len(p.signed); (signed == 0) != p.lost {
			t.Errorf("%s: %d submissions were signed", p.operation, signed)
		}
		p.mu.Unlock()
		if p.lost && !p.breaker.open() {
			t.Errorf("%s: the worker takes jobs again", p.operation)
		}
	}
	if got, err := w.network.staking.Balance(ctx, w.client.account.Address()); err != nil || got != SAGE(100*bonds) {
		t.Errorf("the client got %v of %d bonds, %v", got, bonds, err)
	}
	balanceBooks(t, w.network.chain, w.network.contracts)

	for _, p := range patients {
		p.tap.set("")
	}
	for _, p := range patients {
		poll(t, p.operation+" to heal", func() bool { return !p.breaker.open() && len(p.assignments()) == 0 })
	}
	w.quoted("healed", len(patients))
}

// TestBrokenLarge breaks a worker's prover for large products. It is not healed by small
// ones.
func TestBrokenLarge(t *testing.T) {
	w := newWorld(t, 1)
	b := newTap(func(string) {})
	b.least = 20 * 20 * 20
	b.set("MatMulInt8")
	w.worker.prover = NewProver(prover.Options{Backend: b})
	w.start(w.worker)
	if err := w.worker.selfTest(t.Context()); err != nil {
		t.Fatalf("small products: %v", err)
	}
	j := smallJob("large")
	j.Program = proof.MatMul(20, 20, 20)
	j.Input = bytes.Repeat([]byte{3}, j.Program.InputSize())
	w.submit(j)
	poll(t, "the worker to notice", w.worker.breaker.open)
	if err := w.worker.selfTest(t.Context()); err == nil {
		t.Error("the self-test leaves out what went wrong")
	}
	b.set("")
	poll(t, "the worker to heal", func() bool { return !w.worker.breaker.open() })
}

// order submits a job to a worker.
func (w *world) order(worker *Worker, j Job) proof.JobID {
	w.Helper()
	quotes, err := w.client.Quotes(w.Context(), j)
	w.check(err)
	for _, q := range quotes {
		if q.Worker == worker.Address() {
			j.Quote = &q
			return w.submit(j)
		}
	}
	w.Fatalf("no quote of worker %s", worker.Address())
	return proof.JobID{}
}

// quoted wants so many workers to give a quote.
func (w *world) quoted(when string, want int) {
	w.Helper()
	quotes, err := w.client.Quotes(w.Context(), smallJob(when))
	var none *NoQuoteError
	if len(quotes) != want || err != nil && (want > 0 || !errors.As(err, &none)) {
		w.Errorf("%s: %d quotes, %v, want %d", when, len(quotes), err, want)
	}
}
