// Package consensus decides whether proofs are valid, by the votes of a set of
// validators.
//
// That a proof shows a fact is a question with one answer, which everyone can find
// alone. So there is no leader, no round and no order to agree on: validators vote
// on the fact, votes of more than two thirds of the weight make a Certificate, and
// what is not decided in time stays Undecided until it is, or expires. Votes gathered
// before and after any timeout add up.
//
// Node is a pure state machine: it takes an Event, changes its state and returns
// Effects, the things to do. It has no clock, disk, network, key or goroutine of its
// own; whoever runs it brings them. It is made so that an honest validator never signs
// two verdicts on one fact in one epoch, crashes included: a promise is journaled and
// synced before a signature is even asked for.
//
// While less than a third of the weight is dishonest, no two certificates contradict
// each other and each says what the verification says. If more is, two contradicting
// certificates of one epoch show who voted both ways: at least a third of the weight.
//
// The hashes, the certificates and the evidence are those of the contracts; the bytes
// are in docs/spec/consensus.md. Package sim runs whole networks of Nodes with faults.
package consensus
