package sim

import (
	"math/big"
	"testing"
)

// TestMoney holds the contracts' model to amounts that are worked out by hand, in units
// of 2^60 + 7: a fee is 50, a bond 100, a worker's stake 1,000, a validator's 10,000.
func TestMoney(t *testing.T) {
	const hour = 3_600_000
	for name, c := range map[string]struct {
		facts                                    []Claim
		trick                                    Tricks // of the last validator
		never                                    bool
		fee, client, worker, foe, burned, reward int64 // what each has in the end; the reward goes to a reporter
	}{
		"valid":               {facts: []Claim{{True: true, TTL: hour}}, fee: 50, worker: 1000, foe: 10_000},
		"invalid":             {facts: []Claim{{TTL: hour}}, client: 50, worker: 900, foe: 10_000, burned: 100},
		"no certificate":      {facts: []Claim{{True: true, TTL: hour}}, never: true, client: 50, worker: 1000, foe: 10_000},
		"too late":            {facts: []Claim{{True: true, TTL: 1}}, client: 50, worker: 1000, foe: 10_000},
		"no proof":            {facts: []Claim{{True: true, TTL: hour, Silent: true}}, client: 150, worker: 900, foe: 10_000},
		"two proofs":          {facts: []Claim{{True: true, TTL: hour}, {True: true, TTL: hour, At: 10, Rival: 1}}, fee: 50, client: 100, worker: 900, foe: 10_000},
		"both verdicts":       {facts: []Claim{{True: true, TTL: hour}}, trick: Equivocate, fee: 50, worker: 1000, foe: 9000, burned: 950, reward: 50},
		"false verdict":       {facts: []Claim{{True: true, TTL: hour}}, trick: Lie, fee: 50, worker: 1000, foe: 9500, burned: 475, reward: 25},
		"invalid, and a liar": {facts: []Claim{{TTL: hour}}, trick: Lie, client: 50, worker: 900, foe: 9500, burned: 575, reward: 25},
	} {
		t.Run(name, func(t *testing.T) {
			s := Scenario{Seed: 3, End: 400_000, MaxFacts: 64, Facts: c.facts, Network: Network{Delay: 1000}, Chain: Chain{Inclusion: 1000, Never: c.never}}
			e := Epoch{}
			for i := range 4 {
				s.Validators = append(s.Validators, Role{Clock: 100})
				e.Members = append(e.Members, Stake{i, 10_000})
			}
			s.Validators[3].Byzantine = c.trick
			s.Epochs = []Epoch{e}
			w := play(s)
			if v := w.report.Violation; v != nil {
				t.Fatal(v)
			}
			l := w.chain.ledger
			rewards := new(big.Int)
			for i := range w.hosts {
				rewards.Add(rewards, l.tokens[w.validator(i)])
			}
			for what, x := range map[string]struct {
				have *big.Int
				want int64
			}{
				"worker's fee":      {l.tokens[w.worker(0)], c.fee},
				"client's money":    {l.tokens[w.client(0)], c.client},
				"worker's stake":    {l.stakes[w.worker(0)].amount, c.worker},
				"validator's stake": {l.stakes[w.validator(3)].amount, c.foe},
				"burned":            {l.burned, c.burned},
				"rewards":           {rewards, c.reward},
			} {
				if want := units(x.want); x.have.Cmp(want) != 0 {
					t.Errorf("%s is %v, want %d units, %v", what, x.have, x.want, want)
				}
			}
			if l.stakes[w.validator(0)].amount.Cmp(units(10_000)) != 0 {
				t.Error("an honest validator has paid")
			}
		})
	}
	if units(50).BitLen() <= 64 {
		t.Error("a fee fits in 64 bits")
	}
}

func units(n int64) *big.Int {
	x := big.NewInt(1<<60 + 7)
	return x.Mul(x, big.NewInt(n))
}
