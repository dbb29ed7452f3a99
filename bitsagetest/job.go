package bitsagetest

import (
	"strconv"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// labels are of jobs of a network's first client whose proof of work is found early.
// They hold as long as the contracts have the same addresses and proofs the same
// bytes; go test -run TestLabels -args -labels finds others.
var labels = []string{
	"369", "409", "433", "486", "615", "659", "766", "864", "888", "1051", "1242", "1323", "1443", "1549", "1559", "1588",
}

// Job returns a small product of matrices, another job for every i from 0 on, to be
// submitted by Client for at most 1 SAGE. It is proven and verified like any other. But the proof of
// work, which makes up nearly all of a small proof, happens to be found at once for the
// first 16 of them: other jobs take seconds.
func (n *Network) Job(i int) bitsage.Job {
	if i < len(labels) {
		return job(labels[i])
	}
	return job("job " + strconv.Itoa(i))
}

func job(label string) bitsage.Job {
	p := proof.MatMul(2, 2, 2)
	input := make([]byte, p.InputSize())
	for i := range input {
		input[i] = byte(37 * i)
	}
	return bitsage.Job{Program: p, Input: input, MaxFee: bitsage.SAGE(1), Label: label}
}
