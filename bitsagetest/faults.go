package bitsagetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The names of roles.
const (
	client    = "client"
	worker    = "worker"
	validator = "validator"
)

// verb is what a statement does.
type verb string

const (
	loss      verb = "loss"
	duplicate verb = "duplicate"
	reorder   verb = "reorder"
	delay     verb = "delay"
	slow      verb = "slow"
	partition verb = "partition"
	silence   verb = "silence"
	crash     verb = "crash"
	forge     verb = "forge"
	heal      verb = "heal"
	rpcReset  verb = "rpc reset"
	rpcStale  verb = "rpc stale"
	rpcDelay  verb = "rpc delay"
)

// fault is a statement.
type fault struct {
	verb        verb
	at          time.Duration
	lasts       time.Duration // 0 for ever
	probability float64
	min, max    time.Duration
	roles       [][]string // sets of a partition; else one set
}

// SyntaxError says what is wrong with a text of faults, and where.
type SyntaxError struct {
	Line, Column int // from 1; the column counts bytes
	Reason       string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("bitsagetest: faults:%d:%d: %s", e.Line, e.Column, e.Reason)
}

// word is a part of a statement.
type word struct {
	text         string
	line, column int
}

// statements splits a text into statements of words. The last word of each is empty
// and stands for the statement's end.
func statements(text string) (list [][]word) {
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		column := 1
		for part := range strings.SplitSeq(line, ";") {
			var words []word
			for rest, at := part, column; ; {
				trimmed := strings.TrimLeft(rest, " \t\r")
				at += len(rest) - len(trimmed)
				end := strings.IndexAny(trimmed, " \t\r|")
				switch {
				case end < 0:
					end = len(trimmed)
				case end == 0: // a bar
					end = 1
				}
				words = append(words, word{trimmed[:end], i + 1, at})
				if end == 0 {
					break
				}
				rest, at = trimmed[end:], at+end
			}
			if len(words) > 1 {
				list = append(list, words)
			}
			column += len(part) + 1
		}
	}
	return list
}

// parse reads a text of faults for a network with so many of each role.
func parse(text string, count map[string]int) ([]fault, error) {
	var faults []fault
	for _, words := range statements(text) {
		p := parser{words, count}
		f, err := p.statement()
		if err != nil {
			return nil, err
		}
		faults = append(faults, f)
	}
	return faults, nil
}

type parser struct {
	words []word // the rest of a statement; never empty
	count map[string]int
}

// peek returns the next word, "" at the end of the statement.
func (p *parser) peek() string { return p.words[0].text }

// next takes the next word.
func (p *parser) next() word {
	w := p.words[0]
	if w.text != "" {
		p.words = p.words[1:]
	}
	return w
}

// accept takes the next word if it is text.
func (p *parser) accept(text string) bool {
	if p.peek() != text {
		return false
	}
	p.next()
	return true
}

func (w word) fail(format string, args ...any) error {
	return &SyntaxError{w.line, w.column, fmt.Sprintf(format, args...)}
}

// want is the error that w is not what is wanted.
func (w word) want(what string) error {
	if w.text == "" {
		return w.fail("want %s, the statement ends", what)
	}
	return w.fail("want %s, not %q", what, w.text)
}

func (p *parser) statement() (f fault, err error) {
	if p.accept("at") {
		if f.at, err = p.duration(); err != nil {
			return f, err
		}
	}
	begin := p.words[0]
	if err := p.fault(&f); err != nil {
		return f, err
	}
	if lasts := p.words[0]; p.accept("for") {
		if f.lasts, err = p.duration(); err != nil {
			return f, err
		}
		if f.verb == heal {
			return f, lasts.fail("heal has no end")
		}
		if f.lasts == 0 {
			return f, lasts.fail("a fault lasts longer than 0")
		}
	}
	if w := p.words[0]; w.text != "" {
		return f, w.want("for or the end of the statement")
	}
	if f.verb == forge {
		for _, r := range f.roles[0] {
			if !strings.HasPrefix(r, worker) {
				return f, begin.fail("%s makes no proofs: only workers forge", r)
			}
		}
	}
	if f.verb == crash && slices.ContainsFunc(f.roles[0], func(r string) bool { return strings.HasPrefix(r, client) }) {
		return f, begin.fail("a client is the test's: only workers and validators crash")
	}
	return f, nil
}

// fault reads what comes between at and for.
func (p *parser) fault(f *fault) (err error) {
	w := p.next()
	f.verb = verb(w.text)
	if w.text == "rpc" {
		w = p.next()
		f.verb += verb(" " + w.text)
	}
	switch f.verb {
	case loss, duplicate, reorder, rpcReset, rpcStale:
		f.probability, err = p.percentage()
	case delay, rpcDelay:
		f.min, f.max, err = p.span()
	case slow:
		if err = p.set(f); err == nil {
			f.min, err = p.duration()
		}
	case silence, crash, forge:
		err = p.set(f)
	case partition:
		for err = p.set(f); err == nil && p.accept("|"); {
			err = p.set(f)
		}
	case heal:
	default:
		if strings.HasPrefix(string(f.verb), "rpc") {
			return w.want("reset, stale or delay")
		}
		return w.want("a fault, such as loss, delay, partition, crash or rpc")
	}
	return err
}

func (p *parser) percentage() (float64, error) {
	w := p.next()
	number, ok := strings.CutSuffix(w.text, "%")
	x, err := strconv.ParseFloat(number, 64)
	switch {
	case !ok || err != nil:
		return 0, w.want("a percentage, such as 5%")
	case !(x >= 0 && x <= 100):
		return 0, w.fail("%s is not between 0%% and 100%%", w.text)
	}
	return x / 100, nil
}

// maxDuration is above every deadline that a job can have.
const maxDuration = 10 * 365 * 24 * time.Hour

func (p *parser) duration() (time.Duration, error) {
	w := p.next()
	return w.duration(w.text)
}

func (w word) duration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, w.want("a duration, such as 200ms, 3s or 2h")
	case d < 0 || d > maxDuration:
		return 0, w.fail("%s is not between 0 and ten years", text)
	}
	return d, nil
}

// span reads a duration or two of them, joined by two dots.
func (p *parser) span() (lo, hi time.Duration, err error) {
	w := p.next()
	first, second, two := strings.Cut(w.text, "..")
	if lo, err = w.duration(first); err != nil || !two {
		return lo, lo, err
	}
	if hi, err = w.duration(second); err == nil && hi < lo {
		err = w.fail("%s ends before it begins", w.text)
	}
	return lo, hi, err
}

// set reads one or more roles, as one set of the fault.
func (p *parser) set(f *fault) error {
	var set []string
	for {
		w := p.words[0]
		names, known, err := p.role(w)
		if err != nil {
			return err
		}
		if !known {
			break
		}
		p.next()
		set = append(set, names...)
	}
	if len(set) == 0 {
		return p.words[0].want("a role, such as worker/0 or validator/3")
	}
	f.roles = append(f.roles, set)
	return nil
}

// role returns the roles that a word names. It is known if it is the name of a role
// at all.
func (p *parser) role(w word) (names []string, known bool, err error) {
	kind, index, numbered := strings.Cut(w.text, "/")
	n, known := p.count[kind]
	if !known {
		return nil, false, nil
	}
	if kind == client && !numbered {
		index, numbered = "0", true
	}
	if !numbered {
		for i := range n {
			names = append(names, name(kind, i))
		}
		return names, true, nil
	}
	i, err := strconv.ParseUint(index, 10, 16)
	if err != nil || name(kind, int(i)) != kind+"/"+index {
		return nil, true, w.want("a role, such as worker/0 or validator/3")
	}
	if int(i) >= n {
		return nil, true, w.fail("there is no %s: the network has %d of %s", w.text, n, kind)
	}
	return []string{name(kind, int(i))}, true, nil
}

// name is that of a role.
func name(kind string, i int) string { return kind + "/" + strconv.Itoa(i) }
