package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
)

// host runs one validator: what a process, its disk and its clock do.
type host struct {
	Role
	w       *world
	index   int
	key     signer
	node    *consensus.Node // nil while it is down
	life    int             // counts restarts, so that nothing of an old life reaches a new one
	disk    []record        // the journal; the last ones may not be synced yet
	synced  int
	view    []*consensus.ValidatorSet // by epoch from 1 on, as seen on the chain; nil while unseen
	known   []*claim
	settled map[consensus.FactID]*consensus.Certificate
	deaf    uint64
	timers  map[consensus.Timer]bool
	stopped bool
	decided map[consensus.FactID]consensus.Verdict
}

// record is a record of the journal, in its bytes.
type record struct {
	typ  byte
	data []byte
}

func (w *world) encodeRecord(r consensus.Record) record {
	typ, data, err := consensus.EncodeRecord(r)
	if err != nil {
		w.violate("I3", "a record of a node does not encode: %#v", r)
	}
	return record{typ, data}
}

func newHost(w *world, index int, r Role) *host {
	h := &host{
		Role: r, w: w, index: index, key: w.keys.key(uint64(index)),
		settled: make(map[consensus.FactID]*consensus.Certificate),
		timers:  make(map[consensus.Timer]bool),
		decided: make(map[consensus.FactID]consensus.Verdict),
	}
	h.disk = []record{w.encodeRecord(consensus.Identity{Chain: chainID, Key: h.key.public()})}
	h.synced = 1
	h.view = make([]*consensus.ValidatorSet, len(w.Epochs))
	return h
}

func (h *host) config() consensus.Config {
	return consensus.Config{Chain: chainID, Key: h.key.public(), Scheme: h.w.keys.scheme,
		Profiles: profiles, MaxFacts: h.w.MaxFacts}
}

var profiles = []felt.Felt{profile}

// honest reports whether the host follows the protocol, whatever its verifier says.
func (h *host) honest() bool { return h.Byzantine == 0 }

// correct reports whether the host's verdicts are right, too.
func (h *host) correct() bool { return h.honest() && !h.Flaky && !h.Misled }

// see notices an epoch's set on the chain.
func (h *host) see(i int, set *consensus.ValidatorSet) {
	if h.view[i] == h.w.epochs[i].set {
		return // the right set is never replaced
	}
	h.view[i] = set
	if h.node == nil {
		if i == 0 && h.life == 0 {
			h.recover()
		}
		return
	}
	h.enter()
}

// enter tells the node the latest epoch.
func (h *host) enter() {
	for i := len(h.view) - 1; i >= 0; i-- {
		if h.view[i] == nil {
			continue
		}
		var prev *consensus.ValidatorSet
		if i > 0 {
			if prev = h.view[i-1]; prev == nil {
				prev = h.w.epochs[i-1].set
			}
		}
		h.step(consensus.EpochChanged{Set: h.view[i], Previous: prev})
		return
	}
}

// crash loses the memory and a part of what was not synced.
func (h *host) crash() bool {
	if h.node == nil {
		return false
	}
	h.node = nil
	h.life++
	h.w.audit.forgets(h, nil)
	keep := h.synced
	if extra := len(h.disk) - h.synced; extra > 0 {
		keep += h.w.rng.IntN(extra + 1)
	}
	if h.Lies {
		keep = max(1, keep-h.w.rng.IntN(4))
	}
	h.disk = h.disk[:keep]
	h.synced = keep
	clear(h.timers)
	h.w.note(h.index, 'X', nil)
	return true
}

// recover starts the node again from its journal and the chain.
func (h *host) recover() {
	if h.node != nil || h.stopped || !h.honest() || h.view[0] == nil {
		return
	}
	node, err := h.restore(h.config())
	if err != nil {
		h.w.violate("I10", "node %d does not start again: %v", h.index, err)
		return
	}
	h.node = node
	h.enter()
	for _, c := range h.known {
		h.submit(c)
		if cert := h.settled[c.id]; cert != nil {
			h.step(consensus.Settled{Certificate: cert})
		}
	}
}

// restore makes a node of the journal's bytes.
func (h *host) restore(config consensus.Config) (*consensus.Node, error) {
	var records []consensus.Record
	for _, r := range h.disk {
		rec, err := consensus.DecodeRecord(r.typ, r.data)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return consensus.New(config, records)
}

// look sees what the chain has recorded of a fact. What a reorganization took back has to
// be sent again.
func (h *host) look(c *claim) {
	if cert := h.w.chain.ledger.facts[c.number].first; cert != nil {
		h.step(consensus.Settled{Certificate: cert})
		return
	}
	delete(h.settled, c.id)
	h.step(consensus.Unsettled{Fact: c.id})
}

func (h *host) submitted(c *claim) {
	h.known = append(h.known, c)
	h.submit(c)
}

func (h *host) submit(c *claim) {
	if end := c.At + c.TTL; end > h.w.now {
		h.step(consensus.Submitted{Submission: c.submission, WorkerKey: c.worker.public(), TTL: end - h.w.now})
	}
}

// receive takes bytes off the network.
func (h *host) receive(from int, b []byte) {
	m, err := consensus.Decode(b)
	if err != nil {
		if h.w.hosts[from].honest() {
			h.w.violate("I3", "node %d sent what does not decode", from)
		}
		return
	}
	h.step(consensus.Received{From: peer(from), Message: m})
}

// later does something in this life of the node, if it lasts so long.
func (h *host) later(delay uint64, do func()) {
	life := h.life
	h.w.after(delay, func() {
		if h.life == life && h.node != nil {
			do()
		}
	})
}

// step gives the node an event and carries out the effects.
func (h *host) step(ev consensus.Event) {
	if s, ok := ev.(consensus.Settled); ok {
		h.settled[s.Certificate.Fact] = s.Certificate
	}
	if h.node == nil || h.w.report.Violation != nil {
		return
	}
	h.w.report.Events++
	h.w.note(h.index, 'E', fmt.Appendf(nil, "%T", ev))
	effects, err := h.node.Step(ev)
	if err != nil {
		h.w.note(h.index, '!', []byte(err.Error()))
	}
	for _, e := range effects {
		h.perform(e)
	}
	if err != consensus.ErrUnknownFact {
		h.hear(ev)
	}
	h.w.audit.stepped(h, ev)
}

// hear tells the audit of a certificate that came in.
func (h *host) hear(ev consensus.Event) {
	switch e := ev.(type) {
	case consensus.Received:
		if c, ok := e.Message.(*consensus.Certificate); ok {
			h.w.audit.hears(h, c)
		}
	case consensus.Settled:
		h.w.audit.hears(h, e.Certificate)
	}
}

func (h *host) perform(e consensus.Effect) {
	w := h.w
	w.note(h.index, 'F', fmt.Appendf(nil, "%T", e))
	switch e := e.(type) {
	case consensus.Append:
		h.journal(e.Record)
	case consensus.Sign:
		w.audit.signing(h, e)
		h.later(1, func() {
			h.step(consensus.Signed{Vote: e.Vote, Signature: h.key.sign(e.Hash, 0)})
		})
	case consensus.Broadcast:
		b := h.encode(e.Message)
		w.broadcast(h.index, b)
		if c, ok := e.Message.(*consensus.Certificate); ok {
			w.audit.published(h, c)
			w.audit.hears(h, c)
			w.chain.submit(c)
		}
	case consensus.Send:
		b := h.encode(e.Message)
		for to := range w.hosts {
			if peer(to) == e.To {
				w.send(h.index, to, b)
			}
		}
	case consensus.RequestProof:
		h.fetch(w.byID[e.Fact])
	case consensus.SetTimer:
		h.timers[e.Timer] = true
		h.later(e.Delay*100/h.Clock, func() { h.fire(e.Timer) })
	case consensus.Approved:
		w.audit.decided(h, e.Certificate, consensus.Valid)
	case consensus.Rejected:
		w.audit.decided(h, e.Certificate, consensus.Invalid)
	case consensus.Undecided:
		w.report.Undecided++
	case consensus.Accused:
		w.audit.accused(h, e.Evidence)
		w.chain.accuse(e.Evidence, w.validator(h.index))
	case consensus.Resubmitted:
		w.chain.report(e.First)
		w.chain.report(e.Second)
	case consensus.Contested:
		w.audit.contested(h, e)
	case consensus.Closed:
		w.audit.forgets(h, &e.Fact)
	}
}

func (h *host) encode(m consensus.Message) []byte {
	b, err := consensus.Encode(m)
	if err != nil {
		h.w.violate("I3", "node %d sends what does not encode: %#v", h.index, m)
	}
	h.w.note(h.index, 'M', b)
	return b
}

// journal appends a record and syncs it, together with those before it.
func (h *host) journal(r consensus.Record) {
	rec := h.w.encodeRecord(r)
	h.disk = append(h.disk, rec)
	h.w.note(h.index, 'J', rec.data)
	end := len(h.disk)
	h.later(1+h.w.rng.Uint64N(50), func() {
		h.synced = max(h.synced, end)
		h.step(consensus.Appended{Record: r})
	})
}

// fire fires a timer, unless the clock's jump has done so.
func (h *host) fire(t consensus.Timer) {
	if h.timers[t] {
		delete(h.timers, t)
		h.step(consensus.Fired{Timer: t})
	}
}

// jump sets the clock forward: all timers fire, but for the expiry of facts, which
// goes by the chain's time.
func (h *host) jump() {
	var pending []consensus.Timer
	for t := range h.timers {
		if t.Kind != consensus.ExpiryTimer {
			pending = append(pending, t)
		}
	}
	slices.SortFunc(pending, func(a, b consensus.Timer) int {
		return cmp.Or(strings.Compare(a.Fact.String(), b.Fact.String()), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.N, b.N))
	})
	for _, t := range pending {
		h.fire(t)
	}
}

// fetch gets the proof and checks it. A node that has it gives it to others.
func (h *host) fetch(c *claim) {
	w := h.w
	const patience = 20_000
	if c.Withheld&(1<<h.index) != 0 && !w.audit.served(c) {
		h.later(patience, func() { h.step(consensus.Unavailable{Fact: c.id}) })
		return
	}
	v := c.verdict()
	if h.Misled || h.Flaky && w.percent(50) {
		v = consensus.Valid + consensus.Invalid - v
	}
	h.later(100+w.rng.Uint64N(2000)+h.Slow, func() { h.step(consensus.Verified{Fact: c.id, Verdict: v}) })
}
