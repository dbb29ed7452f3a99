package consensus

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
)

// script runs the lines of a transcript against one node, that of validator 0 unless
// a line says otherwise. It writes each line again and, below it, the effects.
type script struct {
	t       *testing.T
	node    *Node
	index   int
	journal []Record
	set     *ValidatorSet
	prev    *ValidatorSet
	facts   map[string]*Submission
	appends []Record
	signs   []Sign
	timers  map[string]Timer
	out     strings.Builder
}

// TestTranscripts runs testdata/*.txt. The lines that begin with > are commands; the
// others are what the node answers.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil || len(files) < 5 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, facts: make(map[string]*Submission), timers: make(map[string]Timer)}
			for p, name := range []string{"A", "B", "C"} { // three proofs for one job
				s.facts[name] = newSubmission(1, byte(p+1))
			}
			s.facts["D"] = newSubmission(2, 1)
			s.restart(nil)
			for line := range strings.Lines(string(text)) {
				switch {
				case strings.HasPrefix(line, "#"):
					s.out.WriteString(line)
				case strings.HasPrefix(line, ">"):
					s.out.WriteString(line)
					s.command(strings.Fields(line[1:]))
				}
			}
			goldenText(t, filepath.Base(path), s.out.String())
		})
	}
}

func (s *script) restart(args []string) {
	config := Config{Chain: chain, Key: key(s.index).PublicKey(), Profiles: []felt.Felt{profile}}
	if len(s.journal) == 0 {
		s.journal = []Record{Identity{chain, config.Key}}
	}
	if slices.Contains(args, "snapshot") {
		s.journal = s.node.Snapshot()
	}
	node, err := New(config, s.journal)
	if err != nil {
		s.t.Fatal(err)
	}
	s.node, s.appends, s.signs = node, nil, nil
}

func (s *script) command(args []string) {
	id := func(i int) FactID { f := s.facts[args[i]].Fact; return f.ID(chain) }
	num := func(i int) uint64 {
		n, err := strconv.ParseUint(args[i], 10, 64)
		if err != nil {
			s.t.Fatal(err)
		}
		return n
	}
	verdict := func(i int) Verdict { return map[string]Verdict{"Valid": Valid, "Invalid": Invalid}[args[i]] }
	set := func() *ValidatorSet {
		if args[len(args)-1] == "previous" {
			return s.prev
		}
		return s.set
	}
	members := func(i int) (m []int) {
		for _, x := range strings.Split(args[i], ",") {
			n, _ := strconv.Atoi(x)
			m = append(m, n)
		}
		return m
	}
	from := func(m Message) Received { return Received{"peer", m} }
	switch args[0] {
	case "validator":
		s.index = int(num(1))
		s.journal = nil
		s.restart(nil)
	case "restart":
		s.restart(args)
	case "epoch": // number weight...
		var weights []uint64
		for i := range args[2:] {
			weights = append(weights, num(i+2))
		}
		next := newSet(s.t, num(1), weights...)
		if s.set != nil && s.set.epoch+1 == next.epoch {
			s.prev = s.set
		}
		s.set = next
		s.step(EpochChanged{s.set, s.prev})
	case "submit":
		s.step(Submitted{s.facts[args[1]], key(100).PublicKey(), 3_600_000})
	case "verified":
		s.step(Verified{id(1), verdict(2)})
	case "unavailable":
		s.step(Unavailable{id(1)})
	case "sync":
		batch := s.appends
		s.appends = nil
		for _, r := range batch {
			s.journal = append(s.journal, r)
			s.step(Appended{r})
		}
	case "sign":
		batch := s.signs
		s.signs = nil
		for _, e := range batch {
			s.step(Signed{e.Vote, sign(key(s.index), e.Hash)})
		}
	case "signed": // a signature that nobody asked for
		s.step(Signed{Promise{s.set.epoch, id(1), verdict(2)}, newVote(s.set, s.index, id(1), verdict(2)).Signature})
	case "vote":
		s.step(from(newVote(set(), int(num(1)), id(2), verdict(3))))
	case "malleated":
		v := newVote(set(), int(num(1)), id(2), verdict(3))
		v.Signature = otherForm(v.Signature)
		s.step(from(v))
	case "forged": // by member 1 in the name of another
		v := newVote(set(), 1, id(2), verdict(3))
		v.Index = uint8(num(1))
		s.step(from(v))
	case "certificate":
		s.step(from(newCertificate(set(), id(2), verdict(3), members(1)...)))
	case "settled":
		s.step(Settled{newCertificate(set(), id(2), verdict(3), members(1)...)})
	case "unsettled":
		s.step(Unsettled{id(1)})
	case "equivocation":
		i := int(num(1))
		s.step(from(newEquivocation(newVote(set(), i, id(2), Valid), newVote(set(), i, id(2), Invalid))))
	case "accuse":
		s.step(from(&FalseVerdict{*newVote(set(), int(num(1)), id(2), verdict(3))}))
	case "request":
		s.step(from(&Request{id(1)}))
	case "fire":
		s.step(Fired{s.timers[args[1]+" "+args[2]]})
	default:
		s.t.Fatalf("no command %q", args)
	}
}

func (s *script) step(ev Event) {
	effects, err := s.node.Step(ev)
	for _, e := range effects {
		switch e := e.(type) {
		case Append:
			s.appends = append(s.appends, e.Record)
		case Sign:
			s.signs = append(s.signs, e)
		case SetTimer:
			s.timers[timerNames[e.Timer.Kind]+" "+s.name(e.Timer.Fact)] = e.Timer
		}
		fmt.Fprintf(&s.out, "    %s\n", s.describe(e))
	}
	if err != nil {
		fmt.Fprintf(&s.out, "    error: %v\n", err)
	}
}

var timerNames = [...]string{"report", "resend", "expiry"}

func (s *script) name(id FactID) string {
	for name, f := range s.facts {
		if f.Fact.ID(chain) == id {
			return name
		}
	}
	return "?"
}

func (s *script) describe(e Effect) string {
	switch e := e.(type) {
	case Append:
		switch r := e.Record.(type) {
		case Rollover:
			return fmt.Sprintf("append rollover %d", r.Epoch)
		case Promise:
			return fmt.Sprintf("append promise %d %s %v", r.Epoch, s.name(r.Fact), r.Verdict)
		case Decision:
			return "append decision " + s.message(r.Certificate)
		}
	case Sign:
		return fmt.Sprintf("sign %d %s %v", e.Vote.Epoch, s.name(e.Vote.Fact), e.Vote.Verdict)
	case Broadcast:
		return "broadcast " + s.message(e.Message)
	case Send:
		return fmt.Sprintf("send %s %s", e.To, s.message(e.Message))
	case RequestProof:
		return "fetch and verify " + s.name(e.Fact)
	case SetTimer:
		return fmt.Sprintf("timer %s %s %d ms", timerNames[e.Timer.Kind], s.name(e.Timer.Fact), e.Delay)
	case Approved:
		return "APPROVED by " + s.message(e.Certificate)
	case Rejected:
		return "REJECTED by " + s.message(e.Certificate)
	case Undecided:
		return fmt.Sprintf("undecided %s: valid %v, invalid %v, missing %v", s.name(e.Fact), e.Valid, e.Invalid, e.Missing)
	case Accused:
		return "accuse by " + s.message(e.Evidence)
	case Contested:
		return fmt.Sprintf("contested: %s against %s", s.message(e.First), s.message(e.Second))
	case Resubmitted:
		return fmt.Sprintf("resubmitted: %s and %s", s.name(e.First.Fact.ID(chain)), s.name(e.Second.Fact.ID(chain)))
	case Closed:
		return "closed " + s.name(e.Fact)
	}
	return fmt.Sprintf("%T", e)
}

func (s *script) message(m Message) string {
	switch m := m.(type) {
	case *Vote:
		return fmt.Sprintf("vote of %d: %d %s %v", m.Index, m.Epoch, s.name(m.Fact), m.Verdict)
	case *Certificate:
		return fmt.Sprintf("certificate %d %s %v %b", m.Epoch, s.name(m.Fact), m.Verdict, m.Bitmap)
	case *Equivocation:
		return fmt.Sprintf("equivocation of %d in %d on %s", m.Index, m.Epoch, s.name(m.Fact))
	case *FalseVerdict:
		return fmt.Sprintf("false verdict of %d in %d on %s: %v", m.Vote.Index, m.Vote.Epoch, s.name(m.Vote.Fact), m.Vote.Verdict)
	case *Request:
		return "request " + s.name(m.Fact)
	}
	return "?"
}
