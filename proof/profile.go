package proof

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/testprofile"
)

// Profile selects the parameters of a proof. The verifier's caller pins it; it is
// never read from a proof. The zero Profile is invalid: there is no default
// security.
type Profile uint8

// The profiles. Proofs of different profiles are not interchangeable, and the
// values enter job identifiers and must not change. docs/profiles.md has the
// security, size and time of each.
const (
	// Fast has the smallest blowup: the cheapest proof to make and the largest of
	// the three conjectured-96 profiles.
	Fast Profile = iota + 1
	// Std balances size and time.
	Std
	// Tight gives the smallest proofs of the three conjectured-96 profiles.
	Tight
	// MatMulP80 has 80 bits proven (Johnson bound) for products that need up to
	// 2^16 rows, such as 1024 x 1024 x 1024, and 78 for the largest. Security
	// tells for a given program.
	MatMulP80
	// MatMulP90 has 90 bits proven. Its proofs fit MaxBytes up to 2^16 rows.
	MatMulP90
	// MatMulP96 has 96 bits proven in the unique-decoding regime, without any
	// conjecture. It is what package bitsage uses for matrix products. Its proofs
	// fit MaxBytes up to 2^15 rows.
	MatMulP96
	// TestOnly makes proofs that are done at once and prove nothing: anybody can
	// forge one. It exists for tests of what is around proofs. Every function
	// refuses it with ErrTestOnly outside of networks of package bitsagetest, so
	// that there are no quotes, jobs, votes or receipts under it, and the
	// contracts of real networks do not know it.
	TestOnly
)

// ErrTestOnly means that somebody has asked for TestOnly outside of a test.
var ErrTestOnly = errors.New("proof: under the profile test-only anybody can forge a proof: only networks of package bitsagetest take it")

// profiles are the parameters that TestProfileSearch finds for what each profile
// promises, and those of TestOnly, which promises nothing.
var profiles = [...]struct {
	name string
	cfg  stark.Config
}{
	Fast:      {"fast", stark.Config{PowBits: 20, LogBlowup: 1, Queries: 82, FoldStep: 3, LogLastLayer: 6}},
	Std:       {"std", stark.Config{PowBits: 20, LogBlowup: 2, Queries: 41, FoldStep: 3, LogLastLayer: 6}},
	Tight:     {"tight", stark.Config{PowBits: 22, LogBlowup: 3, Queries: 27, FoldStep: 3, LogLastLayer: 6}},
	MatMulP80: {"matmul-p80", stark.Config{PowBits: 20, LogBlowup: 2, Queries: 66, FoldStep: 3, LogLastLayer: 6}},
	MatMulP90: {"matmul-p90", stark.Config{PowBits: 22, LogBlowup: 3, Queries: 82, FoldStep: 3, LogLastLayer: 6}},
	MatMulP96: {"matmul-p96", stark.Config{PowBits: 20, LogBlowup: 3, Queries: 92, FoldStep: 3, LogLastLayer: 6}},
	TestOnly:  {"test-only", stark.Config{PowBits: 2, LogBlowup: 1, Queries: 8, FoldStep: 3, LogLastLayer: 6}},
}

// profileKind is the hash function of all profiles.
const profileKind = stark.Blake2s

// Profiles lists all profiles but TestOnly.
func Profiles() []Profile {
	return []Profile{Fast, Std, Tight, MatMulP80, MatMulP90, MatMulP96}
}

func (p Profile) known() bool { return p >= Fast && int(p) < len(profiles) }

// String returns the profile's name.
func (p Profile) String() string {
	if p.known() {
		return profiles[p].name
	}
	return fmt.Sprintf("proof.Profile(%d)", uint8(p))
}

// Validate returns an error for anything but the profiles above, and ErrTestOnly for
// TestOnly outside of a test network.
func (p Profile) Validate() error {
	switch {
	case !p.known():
		return fmt.Errorf("proof: no profile %d: choose one, such as proof.MatMulP96", uint8(p))
	case p == TestOnly && !testprofile.Allowed():
		return ErrTestOnly
	}
	return nil
}

// ParseProfile is the inverse of String.
func ParseProfile(s string) (Profile, error) {
	var names []string
	for _, p := range Profiles() {
		if p.String() == s {
			return p, nil
		}
		names = append(names, p.String())
	}
	if s == TestOnly.String() {
		if err := TestOnly.Validate(); err != nil {
			return 0, err
		}
		return TestOnly, nil
	}
	return 0, fmt.Errorf("proof: unknown profile %q, want one of %s", s, strings.Join(names, ", "))
}

// MarshalText implements [encoding.TextMarshaler] by String.
func (p Profile) MarshalText() ([]byte, error) { return []byte(p.String()), p.Validate() }

// UnmarshalText implements [encoding.TextUnmarshaler] by ParseProfile.
func (p *Profile) UnmarshalText(text []byte) error {
	q, err := ParseProfile(string(text))
	if err != nil {
		return err
	}
	*p = q
	return nil
}

// Params are a profile's parameters. LogLastLayer is the largest that it has: see
// [Profile.Config].
type Params struct {
	PowBits, LogBlowup, Queries, FoldStep, LogLastLayer int
}

// Params returns the parameters. It panics on an unknown profile.
func (p Profile) Params() Params {
	c := p.config()
	return Params{c.PowBits, c.LogBlowup, c.Queries, c.FoldStep, c.LogLastLayer}
}

// Config returns the parameters for a trace of 2^logRows rows in the form that
// packages of this module use. FRI's first layer folds by 2^FoldStep whatever the
// trace, so that the last layer of a short trace has fewer coefficients. It panics
// on an unknown profile.
func (p Profile) Config(logRows int) stark.Config {
	c := p.config()
	c.LogLastLayer = max(0, min(c.LogLastLayer, logRows-c.FoldStep))
	return c
}

func (p Profile) config() stark.Config {
	if !p.known() {
		panic(p.Validate())
	}
	return profiles[p].cfg
}
