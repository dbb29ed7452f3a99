package consensus_test

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/wallet"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// sign signs as consensus has it, with the one form of a signature that is encoded.
func sign(key *wallet.Key, hash felt.Felt) consensus.Signature {
	return consensus.Normalize(consensus.Signature(must(key.Sign(context.Background(), hash))))
}

// One validator decides alone. The caller does what the node asks for: it journals,
// signs and verifies.
func Example() {
	chain, profile := must(felt.ShortString("SN_TEST")), must(felt.ShortString("matmul-p96"))
	key, worker := must(wallet.ParseKey("0x1234")), must(wallet.ParseKey("0x5678"))
	set := must(consensus.NewValidatorSet(1, []consensus.Member{
		{Key: key.PublicKey(), Weight: consensus.Weight{Lo: 10_000}},
	}, consensus.Stark))

	submission := &consensus.Submission{Fact: consensus.Fact{Profile: profile}, ProofSize: 60_000}
	submission.Signature = sign(worker, submission.Fact.ID(chain).Felt())

	journal := []consensus.Record{consensus.Identity{Chain: chain, Key: key.PublicKey()}}
	node := must(consensus.New(consensus.Config{Chain: chain, Key: key.PublicKey(), Profiles: []felt.Felt{profile}}, journal))

	events := []consensus.Event{
		consensus.EpochChanged{Set: set},
		consensus.Submitted{Submission: submission, WorkerKey: worker.PublicKey(), TTL: 3_600_000},
	}
	for len(events) > 0 {
		effects := must(node.Step(events[0]))
		events = events[1:]
		for _, e := range effects {
			switch e := e.(type) {
			case consensus.Append:
				journal = append(journal, e.Record) // and sync
				events = append(events, consensus.Appended(e))
			case consensus.RequestProof:
				events = append(events, consensus.Verified{Fact: e.Fact, Verdict: consensus.Valid})
			case consensus.Sign:
				events = append(events, consensus.Signed{Vote: e.Vote, Signature: sign(key, e.Hash)})
			case consensus.Approved:
				fmt.Println("approved:", e.Certificate.Verify(chain, set) == nil)
			}
		}
	}
	fmt.Println("records:", len(journal))
	// Output:
	// approved: true
	// records: 4
}

// A quorum is more than two thirds of the weight.
func ExampleWeight_Quorum() {
	for _, total := range []uint64{1, 3, 4, 7, 10} {
		fmt.Print(consensus.Weight{Lo: total}.Quorum(), " ")
	}
	// Output: 1 3 3 5 7
}
