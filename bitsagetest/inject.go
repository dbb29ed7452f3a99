package bitsagetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
)

// Inject begins faults, in the language that the package documentation describes. It
// returns when those that have no "at" have begun, and fails the test with the line
// and column of what it does not understand.
func (n *Network) Inject(t TestingT, text string) {
	t.Helper()
	faults, err := parse(text, n.count())
	if err != nil {
		fatalf(t, "%v", err)
	}
	n.inject(text, faults)
}

// Crash is Inject of crash: a worker or validator ends at once. Start starts it again.
func (n *Network) Crash(t TestingT, role string) {
	t.Helper()
	n.Inject(t, "crash "+role)
}

// Partition is Inject of partition, for example of validator/0 and validator/1 from
// all others. Heal ends it.
func (n *Network) Partition(t TestingT, roles ...string) {
	t.Helper()
	n.Inject(t, "partition "+strings.Join(roles, " "))
}

// Heal is Inject of heal: all faults end, those that are still to come too. What has
// crashed begins again, and workers are honest.
func (n *Network) Heal(t TestingT) {
	t.Helper()
	n.Inject(t, "heal")
}

func (n *Network) count() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := map[string]int{client: len(n.clients)}
	for _, kind := range []string{worker, validator} {
		count[kind] = 0
	}
	for _, m := range n.members {
		count[m.kind]++
	}
	return count
}

func (n *Network) inject(text string, faults []fault) {
	if len(faults) == 0 {
		return
	}
	n.mu.Lock()
	n.history = append(n.history, fmt.Sprintf("%s: %q", time.Now().Format("15:04:05.000"), text))
	n.mu.Unlock()
	for i := range faults {
		f := &faults[i]
		if f.at > 0 {
			n.after(f.at, func() { n.begin(f) })
		} else {
			n.begin(f)
		}
	}
}

// after calls do later, unless all faults have ended by then.
func (n *Network) after(d time.Duration, do func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return
	}
	n.pending.Add(1)
	n.timers = append(n.timers, time.AfterFunc(d, func() {
		defer n.pending.Done()
		do()
	}))
}

// cancelTimers ends what is still to come, for ever if so.
func (n *Network) cancelTimers(forever bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = n.closed || forever
	for _, t := range n.timers {
		if t.Stop() {
			n.pending.Done()
		}
	}
	n.timers = nil
}

// begin begins a fault.
func (n *Network) begin(f *fault) {
	n.log.Info("fault begins", "fault", f.verb, "roles", f.roles)
	if f.verb == heal {
		n.heal()
		return
	}
	n.mu.Lock()
	n.active = append(n.active, f)
	n.mu.Unlock()
	n.apply()
	for _, m := range n.affected(f) {
		switch f.verb {
		case crash:
			n.crash(m)
		case forge:
			n.cheat(m, true)
		}
	}
	if f.lasts > 0 {
		n.after(f.lasts, func() { n.end(f) })
	}
}

// affected returns the workers and validators of a fault.
func (n *Network) affected(f *fault) (list []*member) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, set := range f.roles {
		for _, r := range set {
			if m := n.members[r]; m != nil {
				list = append(list, m)
			}
		}
	}
	return list
}

// end ends a fault that has begun.
func (n *Network) end(f *fault) {
	n.log.Info("fault ends", "fault", f.verb, "roles", f.roles)
	n.mu.Lock()
	n.active = slices.DeleteFunc(n.active, func(g *fault) bool { return g == f })
	n.mu.Unlock()
	n.apply()
	for _, m := range n.affected(f) {
		switch f.verb {
		case crash:
			n.run(m)
		case forge:
			n.cheat(m, false)
		}
	}
}

func (n *Network) heal() {
	n.cancelTimers(false)
	n.mu.Lock()
	active := slices.Clone(n.active)
	n.mu.Unlock()
	for _, f := range active {
		n.end(f)
	}
}

// apply brings about what the active faults of messages and of the node amount to.
func (n *Network) apply() {
	n.mu.Lock()
	defer n.mu.Unlock()
	var messages p2p.Faults
	var node nodeFaults
	slowed := make(map[string]time.Duration)
	cuts := make(map[[2]string]bool)
	for _, f := range n.active {
		switch f.verb {
		case loss:
			messages.Loss = f.probability
		case duplicate:
			messages.Duplicate = f.probability
		case reorder:
			messages.Reorder = f.probability
		case delay: // Faults cut the jitter off at ten times its mean
			messages.Latency, messages.Jitter = f.min, (f.max-f.min)/10
		case rpcReset:
			node.reset = f.probability
		case rpcStale:
			node.stale = f.probability
		case rpcDelay:
			node.minDelay, node.maxDelay = f.min, f.max
		case slow:
			for _, r := range f.roles[0] {
				slowed[r] = f.min
			}
		case partition, silence:
			n.cut(f, cuts)
		}
	}
	n.node.setFaults(node)
	n.peers.SetFaults(messages)
	n.peers.Heal()
	for pair := range cuts {
		n.peers.Cut(n.ids[pair[0]], n.ids[pair[1]])
	}
	for r, id := range n.ids {
		n.peers.Slow(id, slowed[r])
	}
}

// cut adds the directions in which nothing passes. The caller holds mu.
func (n *Network) cut(f *fault, cuts map[[2]string]bool) {
	side := make(map[string]int)
	for i, set := range f.roles {
		for _, r := range set {
			side[r] = i + 1
		}
	}
	for from := range n.ids {
		for to := range n.ids {
			if f.verb == silence && side[from] > 0 || f.verb == partition && side[from] != side[to] {
				cuts[[2]string{from, to}] = true
			}
		}
	}
}
