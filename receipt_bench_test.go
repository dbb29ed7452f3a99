package bitsage

import (
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/receipt"
)

// lap is the time on the wall and of all processors.
type lap struct{ wall, cpu time.Duration }

// stopwatch measures one stage after the other.
type stopwatch struct {
	epoch time.Time
	begin lap
	stage string
	laps  map[string]lap
}

// enter ends the running stage and begins another.
func (s *stopwatch) enter(b *testing.B, stage string) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	now := lap{time.Since(s.epoch), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
	if s.stage != "" {
		sum := s.laps[s.stage]
		s.laps[s.stage] = lap{sum.wall + now.wall - s.begin.wall, sum.cpu + now.cpu - s.begin.cpu}
	}
	s.stage, s.begin = stage, now
}

// BenchmarkReceipt takes a product of 1024 x 1024 matrices from its committed input to a
// receipt that its client has verified, under every profile, and reports the least time
// of every stage on the wall. The totals leave out the proof of work, whose time is a
// matter of luck, so that the average is given for it ("work-ms"), and the commitment to
// the input ("input-ms"), which a worker makes before it accepts a job and keeps.
func BenchmarkReceipt(b *testing.B) {
	for _, profile := range proof.Profiles() {
		b.Run(profile.String(), func(b *testing.B) { benchmarkReceipt(b, profile) })
	}
}

func benchmarkReceipt(b *testing.B, profile proof.Profile) {
	const size = 1024
	job := &Job{Program: proof.MatMul(size, size, size), Profile: profile, Input: make([]byte, 2*size*size)}
	rand.NewChaCha8([32]byte{1}).Read(job.Input)
	p := prover.New(prover.Options{})
	least := make(map[string]lap)
	var work time.Duration
	for i := 0; b.Loop(); i++ {
		job.Label = strconv.Itoa(i) // another proof, whose work is another
		laps := timeReceipt(b, p, job)
		work += laps[string(prover.StageGrind)].wall
		for stage, l := range laps {
			if old, ok := least[stage]; ok {
				l = lap{min(l.wall, old.wall), min(l.cpu, old.cpu)}
			}
			least[stage] = l
		}
	}
	delete(least, string(prover.StageGrind))
	var total lap
	for stage, l := range least {
		b.ReportMetric(float64(l.wall.Microseconds())/1e3, stage+"-ms")
		if stage != "input" {
			total.wall += l.wall
			total.cpu += l.cpu
		}
	}
	b.ReportMetric(float64(work.Microseconds())/1e3/float64(b.N), "work-ms")
	b.ReportMetric(float64(total.wall.Microseconds())/1e3, "total-ms")
	b.ReportMetric(float64(total.cpu.Microseconds())/1e3, "total-cpu-ms")
	b.ReportMetric(0, "ns/op")
}

// timeReceipt makes and verifies one receipt and returns the time of each stage.
func timeReceipt(b *testing.B, p *prover.Prover, job *Job) map[string]lap {
	origin := receipt.Origin{Chain: "SN_SEPOLIA", JobManager: chain.Uint(1), Client: chain.Uint(2)}
	verifier := receipt.Verifier{Roots: p}
	watch := &stopwatch{epoch: time.Now(), laps: make(map[string]lap)}
	watch.enter(b, "input")
	task, in, err := commit(b.Context(), p, job.task(), job.Input)
	if err != nil {
		b.Fatal(err)
	}
	r := &receipt.Receipt{Origin: origin, Task: task, Worker: chain.Uint(3)}
	if r.Job, err = origin.JobID(task.ID()); err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "begin")
	res, err := p.Reporting(func(s prover.Stage) { watch.enter(b, string(s)) }).Prove(b.Context(), in, r.Job)
	if err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "check") // of the worker
	if err := check(b.Context(), p, res, job.Profile); err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "encode")
	r.ResultRoot, r.Output = res.Statement.ResultRoot, res.Output
	if r.ProofHash, err = res.Proof.Hash(); err != nil {
		b.Fatal(err)
	}
	if r.Proof, err = res.Proof.Compress(); err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "verify") // by the client
	if _, err := verifier.Verify(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "verify-input")
	if err := verifier.VerifyInput(b.Context(), r, job.Input); err != nil {
		b.Fatal(err)
	}
	watch.enter(b, "")
	return watch.laps
}
