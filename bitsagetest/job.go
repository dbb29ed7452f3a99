package bitsagetest

import (
	"strconv"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/proof"
)

// Job returns a small product of matrices, another job for every i from 0 on, to be
// submitted by Client for at most 1 SAGE. It is proven and verified like any other, but
// under proof.TestOnly, so that a proof takes no time.
func (n *Network) Job(i int) bitsage.Job {
	p := proof.MatMul(2, 2, 2)
	input := make([]byte, p.InputSize())
	for i := range input {
		input[i] = byte(37 * i)
	}
	return bitsage.Job{Program: p, Input: input, Profile: proof.TestOnly, MaxFee: bitsage.SAGE(1), Label: "job " + strconv.Itoa(i)}
}
