package bitsagetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

var findLabels = flag.Bool("labels", false, "find labels whose proof of work is short")

// prove proves a job of the first client, and returns the number of hashes of the proof
// of work.
func prove(ctx context.Context, c *settle.Contracts, j bitsage.Job) (uint64, error) {
	all, err := accounts()
	if err != nil {
		return 0, err
	}
	p := prover.New(prover.Options{})
	in, err := p.Input(ctx, j.Program, j.Input, proof.MatMulP96)
	if err != nil {
		return 0, err
	}
	task := proof.NewTask(j.Program, proof.MatMulP96, j.Label, j.Input, in.Root())
	id := consensus.JobID(c.ChainID(), c.JobManager(), all[client][0].Address(), consensus.Digest(task.ID()))
	res, err := p.Prove(ctx, in, proof.JobID(id.Bytes()))
	if err != nil {
		return 0, err
	}
	for _, s := range res.Timings {
		if s.Stage == prover.StageGrind {
			return uint64(s.Cells), nil
		}
	}
	return 0, errors.New("no proof of work")
}

func contracts(t *testing.T) *settle.Contracts {
	d, err := deployed()
	if err != nil {
		t.Fatal(err)
	}
	c, err := settle.New(nil, d.contracts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLabels wants the proofs of work of Network.Job to be short.
func TestLabels(t *testing.T) {
	c := contracts(t)
	if *findLabels {
		for i, found := 0, 0; found < 16; i++ {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Millisecond)
			if n, err := prove(ctx, c, job(strconv.Itoa(i))); err == nil && n < 1<<19 {
				found++
				fmt.Printf("%q, ", strconv.Itoa(i))
			}
			cancel()
		}
		fmt.Println()
		return
	}
	if len(labels) != 16 {
		t.Errorf("%d labels, the documentation says 16", len(labels))
	}
	for _, l := range labels {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		if n, err := prove(ctx, c, job(l)); err != nil || n > 1<<21 {
			t.Errorf("label %s: %d hashes, %v: find others, see the comment on labels", l, n, err)
		}
		cancel()
	}
}
