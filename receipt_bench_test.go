package bitsage

import (
	"encoding/json"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/prover"
)

// stageTimes adds up wall and processor time by stage.
type stageTimes struct {
	stage     string
	wall, cpu time.Duration // at its begin
	total     map[string][2]time.Duration
}

// enter ends the running stage and begins another.
func (s *stageTimes) enter(stage string) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	wall, cpu := time.Since(benchStart), time.Duration(u.Utime.Nano()+u.Stime.Nano())
	t := s.total[s.stage]
	s.total[s.stage] = [2]time.Duration{t[0] + wall - s.wall, t[1] + cpu - s.cpu}
	s.stage, s.wall, s.cpu = stage, wall, cpu
}

var benchStart = time.Now()

// BenchmarkReceipt takes a product of 1024 x 1024 matrices from its committed input
// to a receipt that its client has verified, and reports the least time of each
// stage. The totals leave out the proof of work, whose time is a matter of luck, and
// the commitment to the input, which a worker makes before it accepts a job.
func BenchmarkReceipt(b *testing.B) {
	const size = 1024
	job := &Job{Program: proof.MatMul(size, size, size), Profile: proof.MatMulP96, Input: make([]byte, 2*size*size)}
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(job.Input)
	origin := Origin{Chain: "SN_SEPOLIA", JobManager: "0x1", Client: "0x2"}
	p := prover.New(prover.Options{})
	least := make(map[string][2]time.Duration)
	for b.Loop() {
		times := &stageTimes{total: make(map[string][2]time.Duration)}
		times.enter("input")
		task, in, err := newTask(b.Context(), p, job)
		if err != nil {
			b.Fatal(err)
		}
		r := &Receipt{Origin: origin, Task: task, Worker: "0x3"}
		if r.Job, err = origin.jobID(task.ID()); err != nil {
			b.Fatal(err)
		}
		times.enter("begin")
		res, err := p.Reporting(func(s prover.Stage) { times.enter(string(s)) }).Prove(b.Context(), in, proof.Digest(r.Job))
		if err != nil {
			b.Fatal(err)
		}
		times.enter("check")
		if err := check(b.Context(), p, res, job.Profile); err != nil {
			b.Fatal(err)
		}
		times.enter("encode")
		r.ResultRoot, r.Output = res.Statement.ResultRoot, res.Output
		if r.ProofHash, err = res.Proof.Hash(); err != nil {
			b.Fatal(err)
		}
		if r.Proof, err = res.Proof.Compress(); err != nil {
			b.Fatal(err)
		}
		times.enter("verify")
		if _, err := r.Verify(); err != nil {
			b.Fatal(err)
		}
		times.enter("json")
		data, err := json.Marshal(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(data, new(Receipt)); err != nil {
			b.Fatal(err)
		}
		times.enter("input-again")
		if err := r.VerifyInput(job.Input); err != nil {
			b.Fatal(err)
		}
		times.enter("")
		for s, t := range times.total {
			l, ok := least[s]
			if !ok {
				l = t
			}
			least[s] = [2]time.Duration{min(l[0], t[0]), min(l[1], t[1])}
		}
	}
	var sum [2]time.Duration
	delete(least, "")
	for s, t := range least {
		b.ReportMetric(t[0].Seconds()*1e3, s+"-ms")
		b.ReportMetric(t[1].Seconds()*1e3, s+"-cpu-ms")
		if s != "input" && s != "grind" && s != "json" && s != "input-again" {
			sum[0] += t[0]
			sum[1] += t[1]
		}
	}
	b.ReportMetric(sum[0].Seconds()*1e3, "total-ms")
	b.ReportMetric(sum[1].Seconds()*1e3, "total-cpu-ms")
}
