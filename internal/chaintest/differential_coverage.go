package chaintest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/chain"
)

// Coverage counts how often each function that changes state has passed and was refused.
// The zero value is ready. One goroutine at a time may use it.
type Coverage struct {
	passed  map[string]int
	refused map[string]map[string]int // by the reason
	flaws   map[string]int            // refusals of whole transactions
}

// inner are the functions that only contracts call, with the events that show that they
// were called.
var inner = map[string]string{
	"JobManager.configure":        "JobManager.Configured",
	"PaymentRouter.escrow":        "PaymentRouter.PaymentEscrowed",
	"PaymentRouter.refund":        "PaymentRouter.Refunded",
	"PaymentRouter.settle":        "JobManager.JobFinalized",
	"PrivacyRouter.configure":     "PrivacyRouter.Configured",
	"PrivacyRouter.credit":        "PrivacyRouter.Credited",
	"PrivacyRouter.debit":         "PrivacyRouter.Debited",
	"ReputationManager.configure": "ReputationManager.Configured",
	"ReputationManager.record":    "JobManager.JobFinalized",
	"StakingManager.configure":    "StakingManager.Configured",
	"StakingManager.lock_bond":    "StakingManager.BondLocked",
	"StakingManager.seize_bond":   "StakingManager.BondSeized",
	"StakingManager.slash":        "StakingManager.Slashed",
	"StakingManager.unlock_bond":  "StakingManager.BondUnlocked",
	"ValidatorRegistry.configure": "ValidatorRegistry.Configured",
}

// unmet are what no sequence can do, each with the reason.
var unmet = map[string]string{
	"StakingManager.set_operator refused": "anyone may name any operator, or none",
}

func (c *Coverage) init() {
	if c.passed == nil {
		c.passed, c.refused, c.flaws = make(map[string]int), make(map[string]map[string]int), make(map[string]int)
	}
}

// deployment counts what the deployment of a twin called.
func (c *Coverage) deployment(w *twin) {
	c.init()
	c.inner(w.deployed)
}

// count counts what a step called.
func (c *Coverage) count(w *twin, s step, result string) {
	switch {
	case s.view:
	case s.flaw != flawless:
		c.flaws[fmt.Sprintf("%s: %.60s", s.flaw, result)]++
	case strings.Contains(result, "reverted: false"):
		for _, call := range s.calls {
			c.passed[w.names[call.To]+"."+w.names[call.Selector]]++
		}
		c.inner(result)
	default:
		c.refusal(w, result)
	}
}

// inner counts the calls between contracts.
func (c *Coverage) inner(result string) {
	for function, event := range inner {
		contract, name, _ := strings.Cut(event, ".")
		c.passed[function] += strings.Count(result, fmt.Sprintf("event of %s: [%s", contract, chain.Selector(name)))
	}
}

var (
	stackText = regexp.MustCompile(`contract address: (0x[0-9a-f]+), class hash: 0x[0-9a-f]+, selector: (0x[0-9a-f]+)`)
	panicText = regexp.MustCompile(`\('([^']*)'\)`)
)

// refusal counts the functions that were under way when a transaction reverted.
func (c *Coverage) refusal(w *twin, result string) {
	code := "?"
	if m := panicText.FindAllStringSubmatch(result, -1); m != nil {
		code = m[len(m)-1][1]
	}
	seen := make(map[string]bool)
	for _, m := range stackText.FindAllStringSubmatch(result, -1) {
		to, err := chain.ParseFelt(m[1])
		selector, wrong := chain.ParseFelt(m[2])
		if err != nil || wrong != nil || w.names[to] == "" || w.names[selector] == "" {
			continue
		}
		seen[w.names[to]+"."+w.names[selector]] = true
	}
	for name := range seen {
		if c.refused[name] == nil {
			c.refused[name] = make(map[string]int)
		}
		c.refused[name][code]++
	}
}

// malformedCall reports whether it was not the contract that refused a call, but the
// decoding of its arguments.
func malformedCall(code string) bool {
	return code == tooLong || strings.HasPrefix(code, "Failed to deserialize") || code == "?"
}

// refusals are how often a function was refused by its own rules, and for how many reasons.
func (c *Coverage) refusals(name string) (n, reasons int) {
	for code, times := range c.refused[name] {
		if !malformedCall(code) {
			n, reasons = n+times, reasons+1
		}
	}
	return n, reasons
}

// changing lists the functions that change state.
func changing() []string {
	var out []string
	for _, f := range abi() {
		if !f.view {
			out = append(out, f.contract+"."+f.name)
		}
	}
	slices.Sort(out)
	return out
}

// String is a table of the functions that change state.
func (c *Coverage) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%-46s %7s %7s %7s %s\n", "function", "passed", "refused", "reasons", "malformed")
	for _, name := range changing() {
		refused, reasons := c.refusals(name)
		all := 0
		for _, n := range c.refused[name] {
			all += n
		}
		fmt.Fprintf(&s, "%-46s %7d %7d %7d %7d\n", name, c.passed[name], refused, reasons, all-refused)
	}
	for _, text := range slices.Sorted(maps.Keys(c.flaws)) {
		fmt.Fprintf(&s, "%4d transactions with %s\n", c.flaws[text], text)
	}
	return s.String()
}

// Missing lists what was never done: functions that never passed or were never refused,
// and flawed transactions that were never sent.
func (c *Coverage) Missing() []string {
	var out []string
	add := func(what string, done bool) {
		if _, known := unmet[what]; !done && !known {
			out = append(out, what)
		}
	}
	for _, name := range changing() {
		n, _ := c.refusals(name)
		add(name+" passed", c.passed[name] > 0)
		add(name+" refused", n > 0)
	}
	for f := flawless + 1; f < flaws; f++ {
		add("a transaction with "+f.String(), slices.ContainsFunc(slices.Collect(maps.Keys(c.flaws)),
			func(text string) bool { return strings.HasPrefix(text, f.String()+":") }))
	}
	return out
}
