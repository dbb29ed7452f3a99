package sim

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// edit replaces a piece of a file of package consensus or, for the contracts, of this one.
type edit struct{ file, old, new string }

// mutants are nodes with one thing wrong and the invariants that may catch it.
var mutants = []struct {
	name   string
	caught string
	edits  []edit
}{
	{"signs before the journal is synced", "I6", []edit{{"node.go",
		"n.emit(Append{Promise{n.set.epoch, f.id, v}})",
		"n.emit(Append{Promise{n.set.epoch, f.id, v}}); n.promises[f.id].durable = true; n.vote(f)"}}},
	{"forgets its promises in a crash", "I6", []edit{{"node.go",
		"n.promises[r.Fact] = &promise{r.Verdict, true}", "_ = promise{}"}}},
	{"counts duplicates", "I3", []edit{{"tally.go",
		"if f.seen[v.Verdict]&(1<<v.Index) != 0 {\n\t\tn.answer(f, from)\n\t\treturn ErrDuplicate\n\t}", ""}}},
	{"quorum one too low", "I3", []edit{{"weight.go", "q, _ = q.Add(Weight{Lo: 1})", ""}}},
	{"quorum of a half", "I3", []edit{{"weight.go",
		"third.Lo, rest = bits.Div64(w.Hi%3, w.Lo, 3)",
		"third.Hi = w.Hi / 2; third.Lo, rest = bits.Div64(w.Hi%2, w.Lo, 2)"}}},
	{"accepts votes of other epochs", "I3 I6", []edit{
		{"vote.go", "checkShape(set *ValidatorSet) error {\n\tif v.Epoch != set.epoch {", "checkShape(set *ValidatorSet) error {\n\tif false {"},
		{"tally.go", "if err := v.checkSignature(n.set, n.hash(f, v.Verdict))",
			"if err := v.checkSignature(n.set, VoteHash(n.config.Chain, &ValidatorSet{epoch: v.Epoch, root: n.set.root}, v.Fact, v.Verdict))"}}},
	{"keeps votes when the set changes", "I3 I6", []edit{{"node.go", "f.tally = newTally()", "_ = newTally"}}},
	{"does not check signatures of votes", "I3 I6", []edit{{"vote.go",
		"if !set.checks[v.Index](hash, v.Signature) {", "if false {"}}},
	{"does not check the weight of certificates", "I3", []edit{{"vote.go",
		"if set.Weight(c.Bitmap).Cmp(set.quorum) < 0 {", "if false {"}}},
	{"does not check signatures of certificates", "I3 I6", []edit{{"vote.go",
		"if !set.checks[bits.TrailingZeros64(b)](hash, c.Signatures[next]) {", "if hash.IsZero() {"}}},
	{"believes evidence", "I6", []edit{{"vote.go",
		"if err := v.verify(set, hash); err != nil {\n\t\t\treturn err\n\t\t}", "_ = v"}}},
	{"takes the last certificate", "I4", []edit{{"tally.go",
		"against := f.certificate != nil && f.certificate.Verdict != c.Verdict", "against := false"}}},
	{"does not journal decisions", "I10", []edit{{"tally.go", "n.emit(Append{Decision{root, c}})", "n.announce(f)"}}},
	{"takes time for a verdict", "I8", []edit{{"node.go",
		"n.emit(n.undecided(f))", "n.emit(Rejected{&Certificate{Fact: f.id, Verdict: Invalid}})"}}},
	{"rejects what it cannot fetch", "I2", []edit{{"node.go",
		"f.fetching = false\n\tn.emit(Broadcast{&Request{f.id}})", "return n.onVerified(f, Invalid)"}}},
	{"says everything once", "I7 I11", []edit{
		{"node.go", "n.setTimer(f, ResendTimer, firstResend)", ""},
		{"node.go", "n.emit(Broadcast{&Request{f.id}})\n\t\tn.fetch(f)", ""}}},
	{"does not answer", "I7", []edit{{"tally.go", "n.emit(Send{to, f.certificate})", ""}}},
	{"does not vote again in a new epoch", "I7", []edit{{"node.go", "if n.open(f) {\n\t\t\tn.reopen(f)\n\t\t}", ""}}},
	{"does not accuse", "I5", []edit{{"tally.go", "n.emit(Broadcast{e}, Accused{e})", ""}}},
	{"looks at one conflict of certificates alone", "I5", []edit{{"tally.go",
		"if against {\n\t\tf.contested = true", "if against && f.contested {\n\t\treturn\n\t}\n\tif against {\n\t\tf.contested = true"}}},
	{"keeps facts for ever", "I9", []edit{{"node.go",
		"if len(n.facts) < n.config.MaxFacts {\n\t\treturn nil\n\t}", "if true {\n\t\treturn nil\n\t}"}}},
	{"keeps a vote for each signature", "I9 I3", []edit{
		{"tally.go", "type ballot struct {", "type ballot struct {\n\tr felt.Felt"},
		{"tally.go", "n.answer(f, from)\n\t\treturn ErrDuplicate\n\t}", "f.signatures[ballot{v.Signature.S, v.Index, v.Verdict}] = v.Signature\n\t\treturn ErrDuplicate\n\t}"},
		{"tally.go", "f.signatures[ballot{v.Index, v.Verdict}] =", "f.signatures[ballot{felt.Felt{}, v.Index, v.Verdict}] ="},
		{"tally.go", "f.signatures[ballot{uint8(bits.TrailingZeros64(b)), v}]", "f.signatures[ballot{felt.Felt{}, uint8(bits.TrailingZeros64(b)), v}]"},
		{"tally.go", "f.signatures[ballot{index, v}]", "f.signatures[ballot{felt.Felt{}, index, v}]"}}},

	{"pays again for a certificate sent again", "I11", []edit{{ledgerFile,
		"if r.votes[c.Verdict] != nil {\n\t\treturn errFactRecorded\n\t}",
		"for i := range l.jobs {\n\t\tif j := &l.jobs[i]; j.state == finalized && j.claim.id == c.Fact {\n\t\t\tj.payment = payable\n\t\t}\n\t}"}}},
	{"pays whenever asked", "I11", []edit{{ledgerFile, "if j.payment != payable {", "if j.payment != payable && j.payment != released {"}}},
	{"pays after a refund", "I11", []edit{{ledgerFile, "if j.payment != payable {", "if j.payment != payable && j.payment != refunded {"}}},
	{"pays without a certificate", "I11", []edit{{ledgerFile, "if j.payment != payable {", "if j.payment == released {"}}},
	{"refunds after a payment", "I11", []edit{
		{ledgerFile, "if j.state != accepted && j.state != proven {", "if j.state == expired || j.state == rejected {"},
		{ledgerFile, "if j.payment != escrowed {", "if j.payment == refunded {"}}},
	{"pays what is invalid", "I11", []edit{
		{ledgerFile, "\tcase consensus.Valid:", "\tcase consensus.Valid, consensus.Invalid:"},
		{ledgerFile, "\tcase consensus.Invalid:\n", "\tcase 99:\n"}}},
	{"rejects without a refund", "I11", []edit{{ledgerFile, "reporter: nobody})\n\t\treturn l.refund(id)", "reporter: nobody})"}}},
	{"keeps the escrow at the expiry", "I11", []edit{{ledgerFile, "j.state = expired\n\treturn l.refund(id)", "j.state = expired\n\treturn nil"}}},
	{"expires before the deadline", "I11", []edit{{ledgerFile, "if l.now <= j.deadline {", "if false {"}}},
	{"expires in spite of a certificate", "I11", []edit{{ledgerFile, "if j.state == proven && l.verdict(j.claim) != 0 {", "if false {"}}},
	{"takes the bond when validators are late", "I11", []edit{{ledgerFile,
		"if j.state == proven {\n\t\tl.unlockBond(j.worker, j.bond)", "if false {\n\t\tl.unlockBond(j.worker, j.bond)"}}},
	{"leaves the bond of a finished job", "I11", []edit{{ledgerFile, "j.state = finalized\n\t\tl.unlockBond(j.worker, j.bond)", "j.state = finalized"}}},
	{"seizes a bond twice", "I11", []edit{{ledgerFile, "j.bond = zero", ""}}},
	{"seizes a bond for one proof", "I11", []edit{{ledgerFile, "if c.id == j.claim.id {", "if false {"}}},
	{"decides by the first of two certificates", "I11", []edit{{ledgerFile, "if r.first == nil || r.contested() {", "if r.first == nil {"}}},
	{"believes certificates on the chain", "I3 I5 I8 I11", []edit{{ledgerFile, "if err := l.w.audit.certificate(c); err != nil {", "if err := error(nil); err != nil {"}}},
	{"believes evidence on the chain", "I11", []edit{{ledgerFile,
		"if !l.w.audit.verify(h.key.public(), l.w.audit.hash(set, v.Fact, v.Verdict), v.Signature) {", "if v.Verdict == 0 || set == nil {"}}},
	{"slashes without an offence", "I11", []edit{{ledgerFile, "decided == 0 || decided == v.Verdict {", "decided == 0 {"}}},
	{"slashes twice for one offence", "I11", []edit{
		{ledgerFile, "if before >= bps {", "if before < 0 {"},
		{ledgerFile, "minus(share(weight, bps), share(weight, before))", "share(weight, bps)"}}},
	{"adds the whole stake to what an offence has cost", "I11", []edit{{ledgerFile,
		"minus(share(weight, bps), share(weight, before))", "share(weight, bps)"}}},
	{"slashes more than the stake", "I11", []edit{{ledgerFile,
		"least(minus(amount, fromUnbonding), s.amount)", "minus(amount, fromUnbonding)"}}},
	{"forgets what is unbonding", "I11", []edit{{ledgerFile, "fromUnbonding := least(amount, s.unbonding)", "fromUnbonding := zero"}}},
	{"leaves what is slashed bonded", "I11", []edit{{ledgerFile, "l.unlockBond(l.w.validator(i), freed)", ""}}},
	{"burns the reward too", "I11", []edit{{ledgerFile, "burn := minus(e.amount, e.reward)", "burn := e.amount"}}},
	{"pays rewards without a cap", "I11", []edit{{ledgerFile, "least(share(e.amount, rewardBPS), rewardCap)", "share(e.amount, rewardBPS)"}}},
	{"counts in 64 bits", "I11", []edit{{ledgerFile,
		"new(big.Int).Mul(amount, big.NewInt(bps))", "new(big.Int).SetUint64(amount.Uint64() * uint64(bps))"}}},
	{"keeps what a reorganization undoes", "I11", []edit{{filepath.Join("sim", "chain.go"),
		"kept, undone := c.log[:cut:cut], c.log[cut:]\n\tc.restart()", "kept, undone := c.log[:cut:cut], c.log[cut:]\n\tc.log = nil"}}},
	{"does not send again what a reorganization lost", "I11", []edit{{filepath.Join("sim", "host.go"),
		"h.step(consensus.Unsettled{Fact: c.id})", "_ = c"}}},
	{"does not vote again on what a reorganization lost", "I11", []edit{{"node.go", "f.settled = false", ""}}},
}

// ledgerFile has the contracts.
var ledgerFile = filepath.Join("sim", "ledger.go")

// TestMutants checks that the invariants have teeth: each mutant must break one of
// those that are said to catch it, within the seeds of TestSeeds.
func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			overlay := mutate(t, m.edits)
			out, err := testSeeds(overlay, "-sim.shrink=false")
			found := regexp.MustCompile(`seed (\d+): (I\d+) at`).FindStringSubmatch(out)
			if err == nil || found == nil {
				t.Fatalf("survives: %v\n%s", err, out)
			}
			if !strings.Contains(m.caught, found[2]) {
				t.Errorf("caught by %s, want %s", found[2], m.caught)
			}
			t.Logf("caught by %s with seed %s", found[2], found[1])
		})
	}
}

// testSeeds runs TestSeeds on package consensus with an overlay, one seed after the
// other, so that the first to fail is always the same.
func testSeeds(overlay string, args ...string) (string, error) {
	args = append([]string{"test", "-vet=off", "-ldflags=-s -w", "-overlay", overlay, "-cpu", "1", "-run", "^TestSeeds$", ".", "-sim.seeds", "1000"}, args...)
	out, err := exec.Command("go", args...).CombinedOutput()
	return string(out), err
}

// TestShrink lets a mutant fail, and runs the smaller scenario that it prints: it must
// fail again with the mutant, and pass without.
func TestShrink(t *testing.T) {
	overlay := mutate(t, []edit{{"weight.go", "q, _ = q.Add(Weight{Lo: 1})", ""}})
	out, err := testSeeds(overlay)
	found := regexp.MustCompile(`(?m)^\s*(\{"Seed":.*\})$`).FindStringSubmatch(out)
	if err == nil || found == nil {
		t.Fatalf("no scenario: %v\n%s", err, out)
	}
	path := filepath.Join(t.TempDir(), "scenario.json")
	if err := os.WriteFile(path, []byte(found[1]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := testSeeds(overlay, "-sim.scenario", path); err == nil || !strings.Contains(out, "I3 at") {
		t.Errorf("the smaller scenario does not fail: %v\n%s", err, out)
	}
	s, err := Parse(found[1])
	if err != nil {
		t.Fatal(err)
	}
	if v := Run(s).Violation; v != nil {
		t.Errorf("it fails without the mutant: %v", v)
	}
	if full := Generate(s.Seed); len(s.Faults)+len(s.Facts)+len(s.Validators) >= len(full.Faults)+len(full.Facts)+len(full.Validators) {
		t.Errorf("nothing became smaller: %v", s)
	}
}

// mutate writes an overlay of packages consensus and sim with the edits, each of which must
// fit in one place.
func mutate(t *testing.T, edits []edit) string {
	t.Helper()
	dir := t.TempDir()
	sources, replace := make(map[string]string), make(map[string]string)
	for _, e := range edits {
		folder := filepath.Join("..", "..", "consensus")
		if filepath.Dir(e.file) == "sim" {
			folder = ".."
		}
		path, err := filepath.Abs(filepath.Join(folder, e.file))
		if err != nil {
			t.Fatal(err)
		}
		if sources[e.file] == "" {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources[e.file] = string(data)
		}
		if n := strings.Count(sources[e.file], e.old); n != 1 {
			t.Fatalf("%s has %q %d times", e.file, e.old, n)
		}
		sources[e.file] = strings.Replace(sources[e.file], e.old, e.new, 1)
		replace[path] = filepath.Join(dir, filepath.Base(e.file))
		if err := os.WriteFile(replace[path], []byte(sources[e.file]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}
