package bitsagetest

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/prover"
	"github.com/bitsage/bitsage/wallet"
)

// member is a worker or validator, of which there is one after the other.
type member struct {
	name, kind string
	account    *wallet.Account
	dir        string

	turn sync.Mutex // held by whoever starts or stops it

	// Network.mu guards these.
	forges, forged bool // from the next start on; whether it ever did
	worker         *bitsage.Worker
	validator      *bitsage.Validator
	serves         <-chan struct{}    // closed when the one that was started last serves; nil before that
	cancel         context.CancelFunc // nil if it does not run
	done           chan struct{}      // closed when it has ended
}

// runner is a worker or validator.
type runner interface{ Run(context.Context) error }

// populate makes the workers, and the validators, all of which are in the first epoch.
func (n *Network) populate(count map[string]int) error {
	for _, kind := range []string{worker, validator} {
		for i := range count[kind] {
			m := &member{name: name(kind, i), kind: kind, account: n.keys[kind][i], dir: filepath.Join(n.dir, kind+strconv.Itoa(i))}
			n.members[m.name] = m
			if err := n.identify(m.name, m.dir); err != nil {
				return err
			}
		}
	}
	var group sync.WaitGroup
	errs := make(chan error, len(n.members))
	for _, m := range n.members {
		r, err := n.make(m)
		if err != nil {
			return err
		}
		if v, ok := r.(*bitsage.Validator); ok {
			group.Go(func() { errs <- v.Enlist(n.ctx) })
		}
	}
	group.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// make makes a worker or validator that does not run.
func (n *Network) make(m *member) (runner, error) {
	cfg := bitsage.Config{Network: n.Network, Transport: n.peers, Account: m.account, Dir: m.dir, Logger: n.log.With("role", m.name)}
	if m.kind == validator {
		v, err := bitsage.NewValidator(bitsage.ValidatorConfig{Config: cfg})
		n.mu.Lock()
		defer n.mu.Unlock()
		if m.validator = v; v != nil {
			m.serves = v.Ready()
		}
		return v, err
	}
	c := bitsage.WorkerConfig{Config: cfg, Stake: bitsage.SAGE(funds[worker])}
	if n.opts.Worker != nil {
		n.opts.Worker(&c)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.forges {
		m.forged = true
		if c.Prover == nil {
			c.Prover = bitsage.NewProver(prover.Options{MaxMemory: c.MaxMemory})
		}
		c.Prover = Forge(c.Prover)
	}
	w, err := bitsage.NewWorker(c)
	if err != nil {
		return nil, err
	}
	m.worker, m.serves = w, w.Ready()
	return w, nil
}

// restartAfter is how long a role whose Run has failed waits before it begins again, as
// under a supervisor.
const restartAfter = time.Second

// run starts a member that does not run.
func (n *Network) run(m *member) {
	m.turn.Lock()
	defer m.turn.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.cancel != nil || n.closed {
		return
	}
	ctx, cancel := context.WithCancel(n.ctx)
	done := make(chan struct{})
	m.cancel, m.done, m.serves = cancel, done, nil
	go pprof.Do(ctx, pprof.Labels(label, n.number), func(ctx context.Context) {
		defer close(done)
		for {
			r, err := n.make(m)
			if err == nil {
				err = r.Run(ctx)
			}
			if err != nil && n.calm() {
				n.t.Errorf("bitsagetest: %s: %v", m.name, err)
				n.mu.Lock()
				defer n.mu.Unlock()
				n.failed = err
				return
			}
			if ctx.Err() != nil {
				return
			}
			n.log.Warn("a role failed and begins again", "role", m.name, "error", err)
			select {
			case <-time.After(restartAfter):
			case <-ctx.Done():
				return
			}
		}
	})
}

// calm reports whether nothing was ever injected.
func (n *Network) calm() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.history) == 0
}

// halt stops a member that runs, after before was called.
func (n *Network) halt(m *member, before func()) {
	m.turn.Lock()
	defer m.turn.Unlock()
	n.mu.Lock()
	cancel := m.cancel
	n.mu.Unlock()
	if cancel == nil {
		return
	}
	before()
	cancel()
	m.wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	m.cancel = nil
}

// wait waits until a member that was told to end has ended.
func (m *member) wait() {
	if m.done != nil {
		<-m.done
	}
}

// crash ends a member without a word to anybody.
func (n *Network) crash(m *member) {
	n.halt(m, func() {
		n.mu.Lock()
		id := n.ids[m.name]
		n.mu.Unlock()
		if err := n.peers.Crash(id); err != nil {
			n.t.Errorf("bitsagetest: %s: %v", m.name, err)
		}
	})
}

// cheat lets a worker forge from now on, or be honest again.
func (n *Network) cheat(m *member, forges bool) {
	n.mu.Lock()
	same, runs := m.forges == forges, m.cancel != nil
	m.forges = forges
	n.mu.Unlock()
	if !same && runs {
		n.halt(m, func() {})
		n.run(m)
	}
}

// member returns the worker or validator of a name.
func (n *Network) member(role string) (*member, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.members[role]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("bitsagetest: there is no %s, which would be a worker or validator that was started", role)
}

// Start starts a worker or validator that was stopped or has crashed, such as
// worker/0, with the folder and accounts that it had, and waits until all roles
// serve. One that runs is left alone.
func (n *Network) Start(t TestingT, role string) {
	t.Helper()
	m, err := n.member(role)
	if err == nil {
		n.run(m)
		err = n.ready(n.ctx)
	}
	if err != nil {
		fatalf(t, "%v", err)
	}
}

// Stop stops a worker or validator as its Run does when its context ends.
func (n *Network) Stop(t TestingT, role string) {
	t.Helper()
	m, err := n.member(role)
	if err != nil {
		fatalf(t, "%v", err)
	}
	n.halt(m, func() {})
}

// ready waits until all that was started serves.
func (n *Network) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		all, failed := n.serving()
		if all {
			return nil
		}
		if failed != nil {
			return fmt.Errorf("bitsagetest: a role failed: %w", failed)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("bitsagetest: the roles do not serve: %w", context.Cause(ctx))
		}
	}
}

// serving reports whether all that was started serves, and what failed.
func (n *Network) serving() (all bool, failed error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.members {
		if m.cancel != nil && !m.ready() {
			return false, n.failed
		}
	}
	return true, n.failed
}

// ready reports whether the member serves. The caller holds Network.mu.
func (m *member) ready() bool {
	select {
	case <-m.serves:
		return true
	default:
		return false
	}
}

// Worker returns the worker i of the network. After a restart it is another one.
func (n *Network) Worker(i int) *bitsage.Worker {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.members[name(worker, i)]; m != nil {
		return m.worker
	}
	return nil
}

// Validator returns the validator i of the network. After a restart it is another one.
func (n *Network) Validator(i int) *bitsage.Validator {
	n.mu.Lock()
	defer n.mu.Unlock()
	if m := n.members[name(validator, i)]; m != nil {
		return m.validator
	}
	return nil
}

// Account returns the account of a role, such as client, worker/0 or validator/3.
func (n *Network) Account(role string) *wallet.Account {
	kind, i, _ := strings.Cut(role, "/")
	k, err := strconv.Atoi(i)
	if keys := n.keys[kind]; err == nil && 0 <= k && k < len(keys) {
		return keys[k]
	}
	return nil
}
