package consensus

import (
	"fmt"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

// observer returns a node that signs nothing, and so needs no journal, with one open
// fact.
func observer(b *testing.B, set *ValidatorSet, s *Submission) *Node {
	n, err := New(Config{Chain: chain, Profiles: []felt.Felt{profile}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, ev := range []Event{EpochChanged{set, nil}, Submitted{s, key(100).PublicKey(), 1000}} {
		if _, err := n.Step(ev); err != nil {
			b.Fatal(err)
		}
	}
	return n
}

func equalSet(b *testing.B, n int) *ValidatorSet {
	weights := make([]uint64, n)
	for i := range weights {
		weights[i] = 1
	}
	return newSet(b, 1, weights...)
}

// BenchmarkVote verifies votes as a node does: one a round, on a fact that is open.
func BenchmarkVote(b *testing.B) {
	set, s := equalSet(b, 64), newSubmission(1, 1)
	var votes []*Vote
	for i := range 64 {
		votes = append(votes, newVote(set, i, s.Fact.ID(chain), Valid))
	}
	i := 0
	var n *Node
	for b.Loop() {
		if i%32 == 0 { // below the quorum
			b.StopTimer()
			n = observer(b, set, s)
			b.StartTimer()
		}
		if _, err := n.Step(Received{"", votes[i%32]}); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "votes/s")
}

// BenchmarkDuplicate refuses a vote that was seen before.
func BenchmarkDuplicate(b *testing.B) {
	set, s := equalSet(b, 4), newSubmission(1, 1)
	n, v := observer(b, set, s), newVote(set, 1, s.Fact.ID(chain), Valid)
	n.Step(Received{"", v})
	for b.Loop() {
		if _, err := n.Step(Received{"", v}); err != ErrDuplicate {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecide takes a quorum of votes to a certificate, and BenchmarkCertificate
// verifies that certificate.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []int{4, 16, 64} {
		set, s := equalSet(b, size), newSubmission(1, 1)
		var votes []*Vote
		for i := range set.Quorum().Lo {
			votes = append(votes, newVote(set, int(i), s.Fact.ID(chain), Valid))
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				n := observer(b, set, s)
				for _, v := range votes {
					if _, err := n.Step(Received{"", v}); err != nil {
						b.Fatal(err)
					}
				}
				if n.Certificate(s.Fact.ID(chain)) == nil {
					b.Fatal("undecided")
				}
			}
		})
	}
}

// BenchmarkAssemble makes a certificate of verified votes.
func BenchmarkAssemble(b *testing.B) {
	for _, size := range []int{4, 16, 64} {
		set, s := equalSet(b, size), newSubmission(1, 1)
		n := observer(b, set, s)
		f := n.facts[s.Fact.ID(chain)]
		for i := range set.Quorum().Lo {
			n.keep(f, newVote(set, int(i), f.id, Valid))
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				c := n.assemble(f, Valid)
				if _, err := Encode(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCertificate(b *testing.B) {
	for _, size := range []int{4, 16, 64} {
		set := equalSet(b, size)
		var members []int
		for i := range set.Quorum().Lo {
			members = append(members, int(i))
		}
		s := newSubmission(1, 1)
		c := newCertificate(set, s.Fact.ID(chain), Valid, members...)
		encoded, err := Encode(c)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				if err := c.Verify(chain, set); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(encoded)), "bytes")
		})
	}
}
