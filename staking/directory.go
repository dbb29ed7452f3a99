package staking

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
)

// WorkerRecord is a worker of a deployment.
type WorkerRecord struct {
	Account      chain.Felt // the staker, by which the worker is known
	Registration            // what it published last; PeerID may hold any bytes
	Active       bool       // whether it takes jobs; false after Staker.Deregister
	// Tier is that of its stake. Whether the stake still counts for it, after slashes
	// or the end of its lock, is what Contracts.VerifyStake says.
	Tier Tier
}

// Directory lists the workers of a deployment. It follows the events of the chain and
// keeps what they say in memory, so that an update reads only what is new. It may be
// used by several goroutines at once. Make one with NewDirectory.
type Directory struct {
	contracts *Contracts
	from      uint64
	turn      chan struct{} // holds an element while somebody updates; guards what follows
	reader    *chain.EventReader
	table     workerTable

	workers atomic.Pointer[[]WorkerRecord] // by ascending account; never changed
}

// NewDirectory returns a directory that is empty until its first Update, which reads
// the events from a block on: the one in which the contracts were deployed, or any
// before it. It does no I/O.
func NewDirectory(c *Contracts, fromBlock uint64) *Directory {
	d := &Directory{contracts: c, from: fromBlock, turn: make(chan struct{}, 1)}
	d.workers.Store(new([]WorkerRecord))
	return d
}

// Workers returns all who ever registered as workers, the inactive ones too, by
// ascending account, as of the last Update that succeeded.
func (d *Directory) Workers() []WorkerRecord { return slices.Clone(*d.workers.Load()) }

// Worker returns the worker of a staker, and whether it ever registered, as of the
// last Update that succeeded.
func (d *Directory) Worker(staker chain.Felt) (WorkerRecord, bool) {
	workers := *d.workers.Load()
	i, ok := slices.BinarySearchFunc(workers, staker, byAccount)
	if !ok {
		return WorkerRecord{}, false
	}
	return workers[i], true
}

func byAccount(r WorkerRecord, account chain.Felt) int { return r.Account.Cmp(account) }

// Update goes to the head of the chain, and back first where the chain was
// reorganised. After an error Workers is what it was before, and the next Update goes
// on where this one stopped.
func (d *Directory) Update(ctx context.Context) error {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for {
		err := d.read(ctx)
		if errors.Is(err, errForgotten) {
			d.reader = nil
			continue
		}
		if err == nil {
			workers := d.table.workers()
			d.workers.Store(&workers)
		}
		return err
	}
}

// errForgotten means that a reorganisation reaches further back than the table does.
var errForgotten = errors.New("staking: the directory has to begin anew")

// read brings the table up to the head of the chain.
func (d *Directory) read(ctx context.Context) error {
	if d.reader == nil {
		r, err := d.contracts.client.NewEventReader(chain.EventFilter{
			Contract: d.contracts.staking, Keys: [][]chain.Felt{workerSelectors}, FromBlock: d.from})
		if err != nil {
			return err
		}
		d.reader, d.table = r, workerTable{records: make(map[chain.Felt]WorkerRecord)}
	}
	for raw, err := range d.reader.Read(ctx) {
		var reorg *chain.ReorgError
		switch {
		case errors.As(err, &reorg):
			if !d.table.undo(reorg.From) {
				return errForgotten
			}
			continue
		case err != nil:
			return err
		}
		e, _, err := d.contracts.event(&raw)
		if err != nil {
			d.reader = nil // which has passed it: ask for it again
			return err
		}
		d.table.apply(&e)
	}
	return nil
}

// workerSelectors are the first keys of the events that tell of workers.
var workerSelectors = []felt.Felt{
	stakingmanager.SelectorStaked, stakingmanager.SelectorWorkerRegistered,
	stakingmanager.SelectorWorkerPeerChanged, stakingmanager.SelectorWorkerDeregistered,
}

// maxPast is how many changes a table can undo; when there are more, the older half
// is forgotten. A change is a transaction of a worker, so this is many blocks.
const maxPast = 4096

// workerTable is what events say of stakers, and what was there before the last of
// them.
type workerTable struct {
	records map[chain.Felt]WorkerRecord // of all who staked, by account
	past    []pastRecord                // by ascending block
	floor   uint64                      // the lowest block from which changes can be undone
}

type pastRecord struct {
	account chain.Felt
	record  WorkerRecord // before the change; zero if there was none
	block   uint64       // of the change
}

func (t *workerTable) apply(e *Event) {
	if len(t.past) == maxPast {
		t.floor = t.past[maxPast/2-1].block + 1
		t.past = slices.Delete(t.past, 0, maxPast/2)
	}
	old := t.records[e.Account]
	t.past = append(t.past, pastRecord{e.Account, old, e.Block.Number})
	t.records[e.Account] = old.after(e)
}

// after returns the record after an event.
func (r WorkerRecord) after(e *Event) WorkerRecord {
	r.Account = e.Account
	switch c := e.Change.(type) {
	case Staked:
		r.Tier = c.Tier
	case WorkerRegistered:
		r.Registration, r.Active = c.Registration, true
	case WorkerPeerChanged:
		r.PeerID = c.PeerID
	case WorkerDeregistered:
		r.Active = false
	}
	return r
}

// undo takes back the changes from a block on. It reports whether it could.
func (t *workerTable) undo(from uint64) bool {
	if from < t.floor {
		return false
	}
	n := len(t.past)
	for ; n > 0 && t.past[n-1].block >= from; n-- {
		p := &t.past[n-1]
		if p.record.Account.IsZero() {
			delete(t.records, p.account)
		} else {
			t.records[p.account] = p.record
		}
	}
	t.past = t.past[:n]
	return true
}

// workers returns the records of those who registered, by account.
func (t *workerTable) workers() []WorkerRecord {
	out := []WorkerRecord{}
	for _, r := range t.records {
		if r.PeerID != "" {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b WorkerRecord) int { return byAccount(a, b.Account) })
	return out
}
