package consensus

import (
	"errors"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/randtest"
)

// randomWeight is often near a power of two or zero.
func randomWeight(rng *rand.Rand) Weight {
	x := new(big.Int).Lsh(big.NewInt(1), uint(rng.IntN(128)))
	x.Add(x, big.NewInt(int64(rng.IntN(7)-3)))
	if rng.IntN(2) == 0 {
		x.SetUint64(rng.Uint64())
		x.Lsh(x, uint(rng.IntN(65))).Add(x, new(big.Int).SetUint64(rng.Uint64()>>rng.IntN(64)))
	}
	if x.Sign() < 0 || x.BitLen() > 128 {
		return Weight{}
	}
	w, err := WeightFromBig(x)
	if err != nil {
		panic(err)
	}
	return w
}

func bigQuorum(total *big.Int) *big.Int {
	q := new(big.Int).Lsh(total, 1)
	return q.Div(q, big.NewInt(3)).Add(q, big.NewInt(1))
}

func TestWeight(t *testing.T) {
	rng := randtest.New(t)
	limit := new(big.Int).Lsh(big.NewInt(1), 128)
	most := Weight{^uint64(0), ^uint64(0)}
	for i := range 20000 {
		a, b := randomWeight(rng), randomWeight(rng)
		switch i {
		case 0:
			a, b = most, Weight{Lo: 1}
		case 1:
			a, b = most, Weight{}
		case 2:
			a, b = Weight{}, Weight{}
		}
		sum := new(big.Int).Add(a.Big(), b.Big())
		got, err := a.Add(b)
		if overflow := sum.Cmp(limit) >= 0; overflow != errors.Is(err, ErrWeight) || !overflow && got.Big().Cmp(sum) != 0 {
			t.Fatalf("%v + %v = %v, %v", a, b, got, err)
		}
		if a.Cmp(b) != a.Big().Cmp(b.Big()) {
			t.Fatalf("%v.Cmp(%v) = %d", a, b, a.Cmp(b))
		}
		if q := a.Quorum(); q.Big().Cmp(bigQuorum(a.Big())) != 0 {
			t.Fatalf("quorum of %v is %v, want %v", a, q, bigQuorum(a.Big()))
		}
		if back, err := WeightFromBig(a.Big()); err != nil || back != a || a.String() != a.Big().String() {
			t.Fatalf("%v becomes %v, %v", a, back, err)
		}
	}
	for _, x := range []*big.Int{big.NewInt(-1), limit} {
		if _, err := WeightFromBig(x); !errors.Is(err, ErrWeight) {
			t.Errorf("%v: %v", x, err)
		}
	}
	for total, want := range map[uint64]uint64{0: 1, 1: 1, 2: 2, 3: 3, 4: 3, 5: 4, 6: 5, 7: 5, 10: 7, 64: 43} {
		if got := (Weight{Lo: total}).Quorum(); got != (Weight{Lo: want}) {
			t.Errorf("quorum of %d is %v, want %d", total, got, want)
		}
	}
}

// anyKey is a scheme in which every number is a key.
func anyKey(felt.Felt) (Check, error) {
	return func(felt.Felt, Signature) bool { return true }, nil
}

// TestQuorums compares, over all subsets of random sets, with big integers, and
// checks what quorums are for: two of them share more than a third, and a third
// alone cannot make one.
func TestQuorums(t *testing.T) {
	rng := randtest.New(t)
	for range 60 {
		n := 1 + rng.IntN(6)
		var members []Member
		total := new(big.Int)
		for i := range n {
			w := randomWeight(rng)
			w.Hi >>= 3
			if rng.IntN(2) == 0 {
				w = Weight{Lo: uint64(1 + rng.IntN(3))}
			}
			members = append(members, Member{number(uint64(i + 1)), w})
			total.Add(total, w.Big())
		}
		set, err := NewValidatorSet(1, members, anyKey)
		if err != nil {
			t.Fatal(err)
		}
		weigh := func(subset uint64) *big.Int {
			sum := new(big.Int)
			for i, m := range members {
				if subset>>i&1 == 1 {
					sum.Add(sum, m.Weight.Big())
				}
			}
			return sum
		}
		third := func(sum *big.Int) int { return new(big.Int).Mul(sum, big.NewInt(3)).Cmp(total) }
		var quorums []uint64
		for subset := range uint64(1) << n {
			sum := weigh(subset)
			if set.Weight(subset|^uint64(0)<<n).Big().Cmp(sum) != 0 {
				t.Fatalf("weight of %b is %v, want %v", subset, set.Weight(subset), sum)
			}
			is := set.Weight(subset).Cmp(set.Quorum()) >= 0
			if is != (sum.Cmp(bigQuorum(total)) >= 0) {
				t.Fatalf("%b of %v", subset, members)
			}
			if is {
				quorums = append(quorums, subset)
				rest := new(big.Int).Sub(total, sum)
				if third(rest) >= 0 {
					t.Fatalf("a third, %v of %v, is missing in a quorum", rest, total)
				}
			}
		}
		for _, a := range quorums {
			for _, b := range quorums {
				if third(weigh(a&b)) <= 0 {
					t.Fatalf("quorums %b and %b share a third or less of %v", a, b, members)
				}
			}
		}
	}
}

func TestSet(t *testing.T) {
	full := make([]Member, MaxValidators+1)
	for i := range full {
		full[i] = Member{number(uint64(i + 1)), Weight{Lo: 1}}
	}
	set, err := NewValidatorSet(3, full[:MaxValidators], anyKey)
	if err != nil {
		t.Fatal(err)
	}
	if set.Weight(^uint64(0)) != set.Total() || set.Total() != (Weight{Lo: 64}) || bits.OnesCount64(set.all()) != 64 {
		t.Errorf("64 members weigh %v, all are %x", set.Total(), set.all())
	}
	if i, ok := set.Index(number(64)); !ok || i != 63 || set.Member(63).Key != number(64) {
		t.Errorf("key 64 has index %d, %v", i, ok)
	}
	if _, ok := set.Index(number(65)); ok {
		t.Error("a stranger has an index")
	}
	most := Weight{^uint64(0), ^uint64(0)}
	for name, c := range map[string]struct {
		members []Member
		scheme  Scheme
		want    error
	}{
		"too many":  {full, anyKey, ErrSetSize},
		"same key":  {[]Member{full[0], full[1], full[0]}, anyKey, ErrSetKey},
		"no key":    {[]Member{{}}, Stark, ErrSetKey},
		"no point":  {[]Member{{number(5), Weight{Lo: 1}}}, Stark, ErrSetKey},
		"overflow":  {[]Member{{number(1), most}, {number(2), Weight{Lo: 1}}}, anyKey, ErrWeight},
		"the most":  {[]Member{{number(1), most}}, anyKey, nil},
		"no member": {nil, Stark, nil},
	} {
		_, err := NewValidatorSet(1, c.members, c.scheme)
		wantErr(t, name, err, c.want)
	}
	empty := newSet(t, 1)
	c := &Certificate{Epoch: 1, Verdict: Valid}
	wantErr(t, "a certificate of nobody", c.Verify(chain, empty), ErrQuorum)
}
