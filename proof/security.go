package proof

import (
	"errors"
	"fmt"
	"math"
)

// ErrSecurityParams is wrapped by every error of [SecurityParams.Report].
var ErrSecurityParams = errors.New("proof: bad security parameters")

// secureFieldOrder is |F| = p^4 with p = 2^31-1: the order of QM31, the field
// of every challenge. It is a little less than 2^124, so that a bound such as
// 2^20/|F| is a little less than 104 bits and is reported as 103.
const secureFieldOrder = float64((1<<31)-1) * ((1 << 31) - 1) * ((1 << 31) - 1) * ((1 << 31) - 1)

const (
	// minSecurityLogRows keeps the code long enough for quotients by two
	// points (Ha22, §4.1.3): N + 2 < (1-θ)·|D| holds in both proven regimes,
	// since there (1-θ)·|D| >= N·√2 and N >= 8.
	minSecurityLogRows = 3

	// maxCircleLogDomain is the largest domain of the circle over M31, whose
	// group has order 2^31, half of it taken by the canonic coset.
	maxCircleLogDomain = 30

	// compositionColumns is how many columns Stwo 2.3.0 commits for the
	// composition polynomial: two halves of four coordinates. A proof opens
	// these and at least one of the trace.
	compositionColumns = 8

	// openingPoints is the largest number of rows of one column that one
	// constraint reads: masks are {0} and {-1, 0}.
	openingPoints = 2

	// maxMultiplicity ends the search for m; the radius it gives is within
	// 0.05 % of the Johnson bound.
	maxMultiplicity = 1000
)

// SecurityParams is what the soundness of one proof depends on. The zero value
// is refused by Report: there are no default parameters.
type SecurityParams struct {
	LogRows      int // log2 of N, the rows of the largest component
	LogBlowup    int // log2 of 1/ρ, the evaluation domain having |D| = N/ρ points
	Queries      int // FRI queries
	PowBits      int // proof of work before the queries are drawn
	FoldStep     int // log2 of the folding factor of a FRI layer
	LogLastLayer int // log2 of the degree bound of the last FRI layer

	// Columns counts the committed columns opened at the out-of-domain point,
	// the eight of the composition polynomial included.
	Columns int

	// Samples counts the terms that powers of one challenge combine in the
	// DEEP quotient: in Stwo 2.3.0 one for each column and mask offset, and one
	// more, for periodicity, for each column with exactly two offsets. Zero
	// means Columns, which is exact where every mask is {0}.
	Samples int

	Constraints int // constraints combined by powers of one challenge
	MaxDegree   int // largest degree of a constraint in the columns

	LogupTerms         int // LogUp fractions of the whole proof, all rows together; zero: no LogUp
	LogupWidth         int // elements of the widest LogUp tuple, its tag included
	InteractionPowBits int // proof of work before the LogUp challenges are drawn

	// StatementErrorBits is the soundness of what the AIR itself leaves to
	// chance, such as Freivalds' check of a matrix product, in bits; zero
	// means that the AIR is deterministic.
	StatementErrorBits float64

	// HashBits is the collision resistance of the commitments: 128 for
	// Blake2s-256 and Poseidon252, 124 for Blake2s-M31.
	HashBits int
}

// SecurityReport says how many bits of security one proof has, under four
// assumptions from the strongest to the weakest. Figures are whole bits,
// rounded down: the weakest round of the protocol, for a prover who does not
// find hash collisions and treats the hash as a random oracle. Since challenges
// are elements of QM31, none reaches 124.
type SecurityReport struct {
	// Conjectured assumes that a word which passes the queries with more than
	// probability ρ^Queries is near one codeword. This is the figure other
	// STARKs advertise. It is refuted as a statement on all words
	// (eprint 2025/2010, 2025/2046), without a known attack on a deployed
	// system.
	Conjectured int

	// ListDecoding is Conjectured for the largest radius that those results
	// leave open.
	ListDecoding int

	// Johnson is proven, for words up to the Johnson radius 1-√ρ.
	Johnson int

	// Unique is proven, for words up to half of the minimum distance.
	Unique int

	// Multiplicity is the m for which Johnson is largest. It is chosen by the
	// analysis; prover and verifier have no such parameter.
	Multiplicity int

	// Terms has one entry for each round; each figure is the least of its
	// column.
	Terms []SecurityTerm
}

// SecurityTerm is the soundness of one round in bits, as it is before it is
// rounded down. Zero means that the regime has no such term.
type SecurityTerm struct {
	Name                                       string
	Conjectured, ListDecoding, Johnson, Unique float64
}

// Proven returns the larger of the two proven figures. Both hold for the same
// proof, so the better analysis counts.
func (r SecurityReport) Proven() int { return max(r.Johnson, r.Unique) }

// String returns all four figures on one line, proven ones first.
func (r SecurityReport) String() string {
	return fmt.Sprintf("%d bits proven (unique decoding), %d proven (Johnson bound), %d conjectured (%d below list-decoding capacity)",
		r.Unique, r.Johnson, r.Conjectured, r.ListDecoding)
}

// Report evaluates the soundness bounds, as github.com/ethereum/soundcalc does
// for DEEP-ALI over FRI, for the code of a circle STARK (eprint 2024/278).
// Stereographic projection makes that a generalised Reed-Solomon code, so the
// bounds for Reed-Solomon codes hold for it; its dimension, N+1 and not N,
// moves no figure by as much as a hundredth of a bit at 2^15 rows.
//
// Each round is bounded on its own and the least counts: round-by-round
// soundness, which the Fiat-Shamir transform keeps (eprint 2016/116,
// 2019/1261).
//
// The error wraps [ErrSecurityParams]. It is returned for parameters that no
// proof can have and for those under which some round has no soundness at all.
func (p SecurityParams) Report() (SecurityReport, error) {
	if err := p.check(); err != nil {
		return SecurityReport{}, err
	}
	rounds, rho := p.rounds(), p.rate()
	m, johnson := bestJohnson(rounds, rho)
	capacity, entropy, unique := capacityRegime(rho), entropyRegime(rho), uniqueRegime(rho)

	r := SecurityReport{Multiplicity: m}
	for _, round := range rounds {
		term := SecurityTerm{
			Name:         round.name,
			Conjectured:  round.in(capacity),
			ListDecoding: round.in(entropy),
			Johnson:      round.in(johnson),
			Unique:       round.in(unique),
		}
		if min(term.Conjectured, term.ListDecoding, term.Johnson, term.Unique) < 0 {
			return SecurityReport{}, fmt.Errorf("%w: no soundness is left in round %q", ErrSecurityParams, term.Name)
		}
		r.Terms = append(r.Terms, term)
	}
	r.Conjectured = wholeBits(rounds, capacity)
	r.ListDecoding = wholeBits(rounds, entropy)
	r.Johnson = wholeBits(rounds, johnson)
	r.Unique = wholeBits(rounds, unique)
	return r, nil
}

// check refuses what no proof can have. The upper bounds are far above use and
// keep the arithmetic of the bounds in range.
func (p SecurityParams) check() error {
	for _, c := range []struct {
		name        string
		got, lo, hi int
	}{
		{"LogBlowup", p.LogBlowup, 1, 16},
		{"LogRows", p.LogRows, minSecurityLogRows, maxCircleLogDomain - p.LogBlowup},
		{"LogLastLayer", p.LogLastLayer, 0, p.LogRows - 1},
		{"FoldStep", p.FoldStep, 1, p.LogRows - p.LogLastLayer},
		{"Queries", p.Queries, 1, 1 << 16},
		{"PowBits", p.PowBits, 0, 64},
		{"Columns", p.Columns, compositionColumns + 1, 1 << 24},
		{"Samples", p.samples(), p.Columns, 1 << 26},
		{"Constraints", p.Constraints, 1, 1 << 24},
		{"MaxDegree", p.MaxDegree, 1, 1 << 10},
		{"LogupTerms", p.LogupTerms, 0, math.MaxInt},
		{"LogupWidth", p.LogupWidth, min(p.LogupTerms, 1), 1 << 16},
		{"InteractionPowBits", p.InteractionPowBits, 0, 64},
		{"HashBits", p.HashBits, 1, 128},
	} {
		if c.got < c.lo || c.got > c.hi {
			return fmt.Errorf("%w: %s is %d, want %d to %d", ErrSecurityParams, c.name, c.got, c.lo, c.hi)
		}
	}
	// Written so that a NaN is refused.
	if s := p.StatementErrorBits; !(s >= 0 && s <= 124) {
		return fmt.Errorf("%w: StatementErrorBits is %v, want 0 to 124", ErrSecurityParams, s)
	}
	return nil
}

// rate returns ρ.
func (p SecurityParams) rate() float64 { return math.Ldexp(1, -p.LogBlowup) }

// samples returns the number of functions batched in the DEEP quotient.
func (p SecurityParams) samples() int {
	if p.Samples == 0 {
		return p.Columns
	}
	return p.Samples
}

// soundnessRegime is one analysis of the same protocol.
type soundnessRegime struct {
	// agreement is 1-θ: a query accepts a word further than θ from the code
	// with at most this probability.
	agreement float64

	// list bounds the codewords within θ of a word. A prover is bound to that
	// many traces at once, so each challenge drawn on the trace fails with
	// list times the probability for one.
	list float64

	// line bounds the probability that f + z·g is within θ of the code for a
	// random z although f and g are not, jointly: the error of correlated
	// agreement, over a domain of the given size. It is nil in the
	// conjectured regimes.
	line func(domain float64) float64
}

// capacityRegime is the conjecture of ethSTARK (eprint 2021/582, §5.10.1,
// equation 19), that a query is worth log2(1/ρ) bits. As in Stwo's own
// security_bits, the equation's one bit for the union of two events is not
// subtracted.
func capacityRegime(rho float64) soundnessRegime { return soundnessRegime{agreement: rho, list: 1} }

// entropyRegime is the same conjecture kept below list-decoding capacity. There
// random words already are near the code, by counting: θ = 1-ρ-η with
// η = ρ·log2(e/ρ)/log2|F| (eprint 2025/2010, §1.5).
func entropyRegime(rho float64) soundnessRegime {
	eta := rho * math.Log2(math.E/rho) / math.Log2(secureFieldOrder)
	return soundnessRegime{agreement: rho + eta, list: 1}
}

// uniqueRegime is θ = (1-ρ)/2, with the error of eprint 2025/2055 (BCHKS25),
// Corollary 1.4: (θ·|D|+1)/|F|.
func uniqueRegime(rho float64) soundnessRegime {
	theta := (1 - rho) / 2
	return soundnessRegime{
		agreement: 1 - theta,
		list:      1,
		line:      func(domain float64) float64 { return (theta*domain + 1) / secureFieldOrder },
	}
}

// johnsonRegime is θ = 1-√ρ-η with η = √ρ/(2m), for the multiplicity m of the
// interpolation, with the error of BCHKS25, Theorem 4.2. The theorem asks for
// m >= 3; the remark after Lemma 3.1 there extends it to m >= 1. A larger m
// makes queries worth more and every batching, with (m+1/2)^5, less.
func johnsonRegime(rho float64, m int) soundnessRegime {
	root, half := math.Sqrt(rho), float64(m)+0.5
	theta := 1 - root - root/(2*float64(m))
	return soundnessRegime{
		agreement: 1 - theta,
		list:      half / root,
		line: func(domain float64) float64 {
			perPoint := (2*math.Pow(half, 5) + 3*half*theta*rho) / (3 * rho * root)
			return (perPoint*domain + half/root) / secureFieldOrder
		},
	}
}

// bestJohnson returns the multiplicity under which the weakest round is
// strongest. Only radii beyond unique decoding are tried.
func bestJohnson(rounds []soundnessRound, rho float64) (m int, best soundnessRegime) {
	bits := math.Inf(-1)
	for try := 1; try <= maxMultiplicity; try++ {
		r := johnsonRegime(rho, try)
		if r.agreement >= uniqueRegime(rho).agreement {
			continue
		}
		b := weakest(rounds, r)
		if m != 0 && b <= bits {
			// The query round grows with m and all others fall, so the
			// weakest of them has one peak.
			break
		}
		m, best, bits = try, r, b
	}
	return m, best
}

// weakest returns the bits of the weakest round, not rounded.
func weakest(rounds []soundnessRound, r soundnessRegime) float64 {
	bits := math.Inf(1)
	for _, round := range rounds {
		if round.applies(r) {
			bits = min(bits, round.bits(r))
		}
	}
	return bits
}

// wholeBits returns the largest k such that every round errs with probability
// at most 2^-k.
func wholeBits(rounds []soundnessRound, r soundnessRegime) int {
	return int(math.Floor(weakest(rounds, r)))
}

// soundnessRound is one challenge of the protocol and what its soundness is in a regime.
type soundnessRound struct {
	name string
	only soundnessScope
	bits func(soundnessRegime) float64
}

// soundnessScope says where a round applies.
type soundnessScope int

const (
	everywhere soundnessScope = iota
	whereProven
	whereConjectured
)

func (t soundnessRound) applies(r soundnessRegime) bool {
	proven := r.line != nil
	return t.only == everywhere || proven == (t.only == whereProven)
}

// in returns the soundness of the round, zero where it does not apply, and -1
// where nothing is left, so that the two differ.
func (t soundnessRound) in(r soundnessRegime) float64 {
	if !t.applies(r) {
		return 0
	}
	if bits := t.bits(r); bits > 0 {
		return bits
	}
	return -1
}

// rounds lists the rounds in the order in which readers look for them: what
// queries buy, then what no number of queries removes.
func (p SecurityParams) rounds() []soundnessRound {
	rs := []soundnessRound{
		{"query", everywhere, p.queryBits},
		{"batching", whereProven, p.batchingBits},
	}
	rs = append(rs, p.commitRounds()...)
	rs = append(rs,
		soundnessRound{"DEEP", everywhere, p.deepBits},
		soundnessRound{"ALI", everywhere, p.aliBits},
		soundnessRound{"field", whereConjectured, p.fieldBits},
	)
	if p.LogupTerms > 0 {
		rs = append(rs, soundnessRound{"LogUp", everywhere, p.logupBits})
	}
	if p.StatementErrorBits > 0 {
		rs = append(rs, soundnessRound{"statement", everywhere, p.statementBits})
	}
	return append(rs, soundnessRound{"hash", everywhere, func(soundnessRegime) float64 { return float64(p.HashBits) }})
}

// queryBits is the query phase: (1-θ)^q, after grinding.
func (p SecurityParams) queryBits(r soundnessRegime) float64 {
	return float64(p.PowBits) - float64(p.Queries)*math.Log2(r.agreement)
}

// batchingBits is the DEEP quotient, a combination by powers: a curve of degree
// samples-1 fails that many times as often as a line.
func (p SecurityParams) batchingBits(r soundnessRegime) float64 {
	domain := math.Ldexp(1, p.LogRows+p.LogBlowup)
	return bitsOf(float64(p.samples()-1) * r.line(domain))
}

// commitRounds are the FRI layers. One that folds by 2^s combines 2^s functions
// on the smaller domain by the powers of its challenge: Stwo folds s times, by
// α, α², α⁴ and so on. The last layer folds by what remains.
func (p SecurityParams) commitRounds() []soundnessRound {
	var rs []soundnessRound
	for log := p.LogRows; log > p.LogLastLayer; {
		step := min(p.FoldStep, log-p.LogLastLayer)
		log -= step
		functions, domain := math.Ldexp(1, step), math.Ldexp(1, log+p.LogBlowup)
		rs = append(rs, soundnessRound{
			name: fmt.Sprintf("commit round %d", len(rs)+1),
			only: whereProven,
			bits: func(r soundnessRegime) float64 { return bitsOf((functions - 1) * r.line(domain)) },
		})
	}
	return rs
}

// deepBits is the out-of-domain point (eprint 2022/1216, Ha22, Theorem 8): an
// identity of degree below d·(N+1) + N, at a point outside of the domains.
func (p SecurityParams) deepBits(r soundnessRegime) float64 {
	n := math.Ldexp(1, p.LogRows)
	degree := float64(p.MaxDegree)*(n+openingPoints-1) + n - 1
	return bitsOf(r.list * degree / (secureFieldOrder - n - n/p.rate()))
}

// aliBits is the combination of the constraints (Ha22, Theorem 8).
func (p SecurityParams) aliBits(r soundnessRegime) float64 {
	return bitsOf(r.list * float64(p.Constraints) / secureFieldOrder)
}

// fieldBits takes the place of the proven errors of batching and folding in the
// conjectured regimes: |D|/|F|, the least that eprint 2020/654, Conjecture 8.4,
// conjectures for correlated agreement. ethSTARK's equation has 1/|F| there.
func (p SecurityParams) fieldBits(soundnessRegime) float64 {
	return bitsOf(math.Ldexp(1, p.LogRows+p.LogBlowup) / secureFieldOrder)
}

// logupBits is the two challenges of LogUp (eprint 2022/1530): a sum of T
// fractions whose denominators are tuples of w elements combined by powers
// errs with T·w/|F|. soundcalc leaves out the factor list.
func (p SecurityParams) logupBits(r soundnessRegime) float64 {
	sum := float64(p.LogupTerms) * float64(p.LogupWidth) / secureFieldOrder
	return float64(p.InteractionPowBits) + bitsOf(r.list*sum)
}

// statementBits is the AIR's own challenge, drawn after the trace it judges.
func (p SecurityParams) statementBits(r soundnessRegime) float64 {
	return p.StatementErrorBits - math.Log2(r.list)
}

// bitsOf returns -log2 of an error.
func bitsOf(e float64) float64 { return -math.Log2(e) }
