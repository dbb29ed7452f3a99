package bitsage

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
)

// TestGone has a client that never comes back after Submit. The worker is paid all
// the same; if it is gone, too, anybody can have the fee refunded.
func TestGone(t *testing.T) {
	for name, test := range map[string]struct {
		last  State // that the worker lives to see
		want  PaymentState
		stake uint64
	}{
		"the client":                    {Done, Released, 2000},
		"all before the job is taken":   {Submitted, Refunded, 2000},
		"all before the job is proven":  {Accepted, Refunded, 1900},
		"all before the job is decided": {Proven, Refunded, 2000},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 0)
			ctx := t.Context()
			v := w.newValidator()
			w.check(v.Enlist(ctx))
			observer, stranger := w.newClient(w.config(1), 0), w.network.account(w.funder.Address(), w.funder, chain.FeePolicy{})
			if test.last == Done || test.last == Accepted {
				run(t, v)
			}
			w.worker.proving <- struct{}{}
			stop := w.start(w.worker)
			var id proof.JobID
			if test.last == Submitted {
				id = w.unaccepted("small")
			} else {
				id = w.submit(smallJob("small"))
			}
			w.check(w.client.Close())
			gone := w.client
			w.client = observer
			if test.last == Proven || test.last == Done {
				<-w.worker.proving
			}
			w.until(id, test.last)
			balanceBooks(t, w.network.chain, w.network.contracts)
			f, err := feltOf(id)
			w.check(err)
			if test.last != Done {
				stop()
				if err := w.network.settle.Expire(ctx, stranger, f); !errors.Is(err, settle.ErrPending) {
					t.Errorf("expiring early: %v", err)
				}
				w.ledger.Advance(3 * time.Hour)
				w.check(w.network.settle.Expire(ctx, stranger, f))
			}
			w.check(paid(ctx, w.network, id))
			balanceBooks(t, w.network.chain, w.network.contracts)
			p, err := w.network.settle.Payment(ctx, f)
			w.check(err)
			if p.State == settle.NoPayment || paymentStates[p.State] != test.want {
				t.Errorf("the fee is %s, want %s", paymentStates[p.State], test.want)
			}
			stake, err := w.network.staking.Stake(ctx, w.worker.Address())
			if err != nil || stake.Amount != SAGE(test.stake) || !stake.Bonded.IsZero() {
				t.Errorf("stake %+v, %v", stake, err)
			}
			// What comes back is the client's, whenever it looks.
			w.client = gone
			w.balances(map[PaymentState]string{Released: "0.1", Refunded: "0"}[test.want])
			if got, err := w.network.staking.Balance(ctx, gone.account.Address()); err != nil || got != SAGE(2000-test.stake) {
				t.Errorf("the client got %v of the bond, %v", got, err)
			}
		})
	}
}

// customer is a client that submits a job and waits for its end, again and again from
// the beginning when it is stopped.
type customer struct {
	cfg Config
	job Job
	end chan error // of the job
}

// Run returns when the job has ended, or nil when ctx ends.
func (c *customer) Run(ctx context.Context) (err error) {
	client, err := NewClient(c.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	job, err := client.Submit(ctx, c.job)
	for end := time.Now().Add(time.Minute); err != nil && ctx.Err() == nil && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond) // the worker was stopped, or this client was in the middle of sending
		job, err = client.Submit(ctx, c.job)
	}
	if err == nil {
		_, err = job.Wait(ctx)
	}
	if err == nil {
		err = paid(ctx, c.cfg.Network, job.ID)
	}
	if ctx.Err() == nil {
		select {
		case c.end <- err:
		default: // it had ended before
		}
	}
	return nil
}

// TestStopped stops one role after the other at random moments, without time to drain,
// and begins it anew. Nothing of it costs anybody anything.
func TestStopped(t *testing.T) {
	w := newWorld(t, 0)
	cfg := w.client.cfg
	cfg.Dir = t.TempDir()
	begin := []func() interface{ Run(context.Context) error }{
		nil, // the client, who has another job every time
		func() interface{ Run(context.Context) error } { return w.again() },
	}
	for range crashValidators {
		v := w.newValidator()
		w.check(v.Enlist(t.Context()))
		begin = append(begin, func() interface{ Run(context.Context) error } {
			again, err := NewValidator(v.cfg)
			w.check(err)
			return again
		})
	}
	stops := make([]func(), len(begin))
	for i := 1; i < len(begin); i++ {
		role := begin[i]()
		stops[i] = run(t, role)
		<-role.(Role).Ready()
	}
	w.check(w.waitEpoch(1))
	for point := range *crashPoints {
		rng := rand.New(rand.NewPCG(*crashSeed, uint64(point)))
		c := &customer{cfg, smallJob("stopped " + strconv.Itoa(point)), make(chan error, 1)}
		begin[0] = func() interface{ Run(context.Context) error } { return c }
		stops[0] = run(t, c)
		for range 8 {
			time.Sleep(time.Duration(rng.IntN(60)) * time.Millisecond)
			role := rng.IntN(len(begin))
			stops[role]()
			balanceBooks(t, w.network.chain, w.network.contracts)
			stops[role] = run(t, begin[role]())
		}
		if err := <-c.end; err != nil {
			t.Fatalf("job %d: %v", point, err)
		}
		stops[0]()
	}
	fees, err := DefaultPrice(Estimate{}).Mul(uint64(*crashPoints))
	w.check(err)
	w.balances(fees.String())
	balanceBooks(t, w.network.chain, w.network.contracts)
	stake, err := w.network.staking.Stake(t.Context(), w.worker.Address())
	if err != nil || stake.Amount != SAGE(2000) || !stake.Bonded.IsZero() {
		t.Errorf("stake %+v, %v", stake, err)
	}
}
