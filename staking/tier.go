package staking

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/money"
)

// Tier is a class of stakes: by the GPU of a worker, or that of validators. The
// zero Tier is that of an account without a stake.
type Tier uint8

// The tiers, in the contract's order.
const (
	TierConsumer    = Tier(stakingmanager.TierConsumer)
	TierWorkstation = Tier(stakingmanager.TierWorkstation)
	TierDataCenter  = Tier(stakingmanager.TierDataCenter)
	TierEnterprise  = Tier(stakingmanager.TierEnterprise)
	TierFrontier    = Tier(stakingmanager.TierFrontier)
	TierValidator   = Tier(stakingmanager.TierValidator) // any machine; runs no jobs
)

// minimums are in whole SAGE. Without a tier it is that of the lowest, as in the
// contract.
var minimums = [...]uint64{
	0:               1_000,
	TierConsumer:    1_000,
	TierWorkstation: 2_500,
	TierDataCenter:  5_000,
	TierEnterprise:  10_000,
	TierFrontier:    25_000,
	TierValidator:   10_000,
}

// models are the GPU models of the contract's table. pattern is for the words by
// which drivers name one, if it is not the model itself.
var models = [...]struct {
	name    string
	tier    Tier
	pattern string
}{
	{"CPU", TierConsumer, ""},
	{"T4", TierConsumer, "t4g?"},
	{"RTX 20", TierConsumer, "rtx ?20([5-9]0)?"},
	{"RTX 30", TierConsumer, "rtx ?30([5-9]0)?"},
	{"RTX 40", TierConsumer, "rtx ?40([5-9]0)?"},
	{"RTX 50", TierConsumer, "rtx ?50([5-9]0)?"},
	{"L4", TierWorkstation, ""},
	{"A10", TierWorkstation, "a10g?"},
	{"RTX A", TierWorkstation, "rtx ?a([0-9]{3,4})?"},
	{"RTX Ada", TierWorkstation, "rtx( ?[0-9]{3,4}( sff)?)? ada"},
	{"A100", TierDataCenter, ""},
	{"L40", TierDataCenter, ""},
	{"L40S", TierDataCenter, ""},
	{"H100", TierEnterprise, ""},
	{"GH200", TierEnterprise, ""},
	{"H200", TierFrontier, ""},
	{"B100", TierFrontier, ""},
	{"B200", TierFrontier, ""},
	{"GB200", TierFrontier, ""},
}

var patterns struct {
	once sync.Once
	list []*regexp.Regexp
}

// modelPatterns returns a pattern for each of the models.
func modelPatterns() []*regexp.Regexp {
	patterns.once.Do(func() {
		for _, m := range models {
			p := m.pattern
			if p == "" {
				p = strings.ToLower(m.name)
			}
			patterns.list = append(patterns.list, regexp.MustCompile(`\b(`+p+`)\b`))
		}
	})
	return patterns.list
}

// Tiers returns all tiers, the lowest first and TierValidator last.
func Tiers() []Tier {
	return []Tier{TierConsumer, TierWorkstation, TierDataCenter, TierEnterprise, TierFrontier, TierValidator}
}

// Valid reports whether t is one of the tiers.
func (t Tier) Valid() bool { return t > 0 && int(t) < len(minimums) }

// GPU reports whether t is a tier of workers.
func (t Tier) GPU() bool { return t.Valid() && t != TierValidator }

// String returns the tier's name, as Enterprise; None for the zero Tier.
func (t Tier) String() string { return stakingmanager.Tier(t).String() }

// Minimum returns the least stake of the tier; for the zero Tier that of the lowest
// one, and for what is no Tier more than there is SAGE.
func (t Tier) Minimum() money.Amount {
	if int(t) >= len(minimums) {
		return money.Max
	}
	return money.SAGE(minimums[t])
}

// bondBPS is the bond of a job in ten-thousandths of the tier's minimum.
const bondBPS = 1_000

// Bond returns what of the stake of a worker of the tier secures a job: a tenth of
// the minimum.
func (t Tier) Bond() money.Amount {
	bond, _ := t.Minimum().Share(bondBPS) // a tenth is in range
	return bond
}

// Models returns the GPU models of the tier by the names of the contract's table.
func (t Tier) Models() []string {
	var list []string
	for _, m := range models {
		if m.tier == t {
			list = append(list, m.name)
		}
	}
	return list
}

// gpuTier is the argument by which the contract knows the tier: its name.
func (t Tier) gpuTier() felt.Felt {
	f, _ := felt.ShortString(t.String()) // all names are short
	return f
}

// UnknownTierError says that a text names no tier. It unwraps to ErrUnknownTier.
type UnknownTierError struct{ Name string }

// maxTierText is the length of the longest text that ParseTier reads.
const maxTierText = 128

// Error implements error. It lists the tiers.
func (e *UnknownTierError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "staking: no tier is known for %q; the tiers are", e.Name[:min(len(e.Name), maxTierText)])
	for i, t := range Tiers() {
		sep := ","
		if i == 0 {
			sep = ""
		}
		fmt.Fprintf(&b, "%s %s", sep, t)
		if m := t.Models(); m != nil {
			fmt.Fprintf(&b, " (%s)", strings.Join(m, ", "))
		}
	}
	return b.String()
}

// Unwrap returns ErrUnknownTier.
func (e *UnknownTierError) Unwrap() error { return ErrUnknownTier }

// ParseTier returns the tier of a tier's own name or of a GPU's, as the contract's
// table or the driver has it, in upper or lower case: "Enterprise", "h100",
// "NVIDIA H100 80GB HBM3", "NVIDIA GeForce RTX 4090", "CPU". What it does not know,
// and a text that names GPUs of different tiers, is an *UnknownTierError: it never
// guesses, because too low a tier is a stake that does not count. Models that the
// contract learned after this version are unknown here: name their tier.
func ParseTier(name string) (Tier, error) {
	if len(name) > maxTierText {
		return 0, &UnknownTierError{name}
	}
	words := words(name)
	for _, t := range Tiers() {
		if words == strings.ToLower(t.String()) {
			return t, nil
		}
	}
	var found Tier
	for i, p := range modelPatterns() {
		switch t := models[i].tier; {
		case !p.MatchString(words):
		case found != 0 && found != t:
			return 0, &UnknownTierError{name}
		default:
			found = t
		}
	}
	if found == 0 {
		return 0, &UnknownTierError{name}
	}
	return found, nil
}

// words returns the ASCII letters, in lower case, and digits of s with one space
// in place of what is between them.
func words(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		}
		return ' '
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// MarshalText returns the name of a valid tier, and nothing for the zero Tier.
func (t Tier) MarshalText() ([]byte, error) {
	if t == 0 {
		return nil, nil
	}
	if !t.Valid() {
		return nil, &UnknownTierError{t.String()}
	}
	return []byte(t.String()), nil
}

// UnmarshalText reads what ParseTier does, and an empty text as the zero Tier. So a
// Tier can be a field of a configuration or, with flag.TextVar, a flag.
func (t *Tier) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*t = 0
		return nil
	}
	parsed, err := ParseTier(string(text))
	if err == nil {
		*t = parsed
	}
	return err
}
