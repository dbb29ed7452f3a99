package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/prover"
)

// schema versions the JSON output, in which times are in nanoseconds and amounts are texts of
// SAGE in decimal.
const schema = "bitsage-quickstart/4"

// report is what the quickstart prints.
type report struct {
	Schema      string       `json:"schema"`
	Stages      []stage      `json:"stages"`
	ProofStages []proofStage `json:"proof_stages"` // as the worker's news arrived
	Facts       factList     `json:"facts"`
	Refused     []refusal    `json:"refused,omitempty"` // of a receipt that was changed

	began, last, proved time.Time
}

// factList is what came of the job, in the order in which it was found. In JSON it is an object.
type factList []fact

type fact struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (list factList) MarshalJSON() ([]byte, error) {
	object := make(map[string]any)
	for _, f := range list {
		object[f.name] = f.value
	}
	return json.Marshal(object)
}

// stage is a part of the life of the job. Its time is that since the stage before.
type stage struct {
	Stage        string        `json:"stage"`
	What         string        `json:"what"`
	Transactions []transaction `json:"transactions"` // empty for what happened off the chain
	Time         time.Duration `json:"time_ns"`
}

// proofStage is a stage of the proof.
type proofStage struct {
	Stage prover.Stage  `json:"stage"`
	Time  time.Duration `json:"time_ns"`
}

// transaction is one on the chain.
type transaction struct {
	Event string `json:"event"` // that it emitted
	Hash  string `json:"hash"`
	Block uint64 `json:"block"`
}

// sent is a transaction that a role sent, and seen one that Watch told of.
func sent(event string, t bitsage.Transaction) transaction {
	return transaction{event, t.Hash.String(), t.Block}
}

func seen(event string, e bitsage.Event) transaction {
	return transaction{event, fmt.Sprint(e.Tx), e.Block}
}

func newReport(opt options) *report {
	now := time.Now()
	r := &report{Schema: schema, ProofStages: []proofStage{}, began: now, last: now}
	r.Facts = factList{{"program", opt.program()}, {"profile", opt.profile}, {"processors", runtime.GOMAXPROCS(0)}, {"cheat", opt.cheat}}
	return r
}

func (r *report) facts(more ...fact) { r.Facts = append(r.Facts, more...) }

// value returns that of a fact, or nil.
func (r *report) value(name string) any {
	for _, f := range r.Facts {
		if f.name == name {
			return f.value
		}
	}
	return nil
}

// end ends a stage and returns it.
func (r *report) end(name, what string, txs ...transaction) stage {
	now := time.Now()
	s := stage{name, what, append([]transaction{}, txs...), now.Sub(r.last)}
	r.Stages, r.last = append(r.Stages, s), now
	return s
}

// proving ends the stage of the proof before, and begins the next one if it has a name.
func (r *report) proving(next prover.Stage) {
	now := time.Now()
	if n := len(r.ProofStages); n > 0 {
		r.ProofStages[n-1].Time = now.Sub(r.proved)
	}
	if next != "" {
		r.ProofStages, r.proved = append(r.ProofStages, proofStage{next, 0}), now
	}
}

// print prints the facts and what was refused.
func (r *report) print(w io.Writer) error {
	fmt.Fprintln(w)
	for _, f := range r.Facts {
		text := fmt.Sprint(f.value)
		switch v := f.value.(type) {
		case bitsage.Amount:
			text += " SAGE"
		case time.Duration:
			text = v.Round(10 * time.Microsecond).String()
		}
		fmt.Fprintf(w, "%-31s %s\n", strings.ReplaceAll(f.name, "_", " "), text)
	}
	for _, x := range r.Refused {
		fmt.Fprintf(w, "refused: %s: %s\n", x.Changed, x.Reason)
	}
	return nil
}
