package bitsage

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
)

// directory says who is found at which peer: workers by what the chain knows of them,
// validators by records that they sign with their vote keys. All roles of a Network
// share one.
type directory struct {
	staking *staking.Contracts
	chain   *staking.Directory
	domain  wire.Domain

	mu      sync.Mutex
	members map[chain.Felt]bool            // vote keys of the current epoch and the one before
	asked   time.Time                      // when the chain was asked for them
	records map[chain.Felt]wire.PeerRecord // by vote key
}

func newDirectory(c *staking.Contracts, d wire.Domain) *directory {
	return &directory{staking: c, chain: staking.NewDirectory(c, 0), domain: d, records: make(map[chain.Felt]wire.PeerRecord)}
}

// The times of the directory.
const (
	announceSoon  = 10 * time.Second // a validator says again where it is, then after twice the time
	announceEvery = 10 * time.Minute // and at last so often
	memberPause   = 3 * time.Second  // between two questions to the chain who validates
)

// workers returns the workers that take jobs, as the chain has them now.
func (d *directory) workers(ctx context.Context) ([]staking.WorkerRecord, error) {
	if err := d.chain.Update(ctx); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(d.chain.Workers(), func(w staking.WorkerRecord) bool {
		return !w.Active || !transport.PeerID(w.PeerID).Valid()
	}), nil
}

// member reports whether a vote key is a validator's. It asks the chain for a key that
// it does not know, but not for every message of a stranger.
func (d *directory) member(ctx context.Context, key chain.Felt) (bool, error) {
	d.mu.Lock()
	known, early := d.members[key], time.Since(d.asked) < memberPause
	if !known && !early {
		d.asked = time.Now()
	}
	d.mu.Unlock()
	if known || early {
		return known, nil
	}
	members, err := d.voteKeys(ctx)
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.members = members
	maps.DeleteFunc(d.records, func(k chain.Felt, _ wire.PeerRecord) bool { return !members[k] })
	return members[key], nil
}

// voteKeys reads the vote keys of the current epoch and the one before it.
func (d *directory) voteKeys(ctx context.Context) (map[chain.Felt]bool, error) {
	keys := make(map[chain.Felt]bool)
	epoch, err := d.staking.CurrentEpoch(ctx)
	if errors.Is(err, staking.ErrEpoch) { // there was none yet
		return keys, nil
	}
	for n := 0; err == nil; n++ {
		for _, m := range epoch.Members {
			keys[m.VoteKey] = true
		}
		if n == 1 || epoch.Number <= 1 {
			return keys, nil
		}
		epoch, err = d.staking.Epoch(ctx, epoch.Number-1)
	}
	return nil, err
}

// enter takes in a record that somebody has sent, if it is a validator's and not older
// than the one that is known.
func (d *directory) enter(ctx context.Context, r wire.PeerRecord) error {
	d.mu.Lock()
	old, ok := d.records[r.Key]
	d.mu.Unlock()
	if ok && old.Time >= r.Time {
		return nil
	}
	if ok, err := d.member(ctx, r.Key); err != nil || !ok {
		return err
	}
	if err := r.Verify(d.domain, time.Now()); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.records[r.Key].Time < r.Time {
		d.records[r.Key] = r
	}
	return nil
}

// known returns all records.
func (d *directory) known() []wire.PeerRecord {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.records))
}

// validators returns the peers of validators, but for one.
func (d *directory) validators(except transport.PeerID) []transport.PeerID {
	var peers []transport.PeerID
	for _, r := range d.known() {
		if r.Peer != except {
			peers = append(peers, r.Peer)
		}
	}
	slices.Sort(peers)           // so that equal questions go to equal peers
	return slices.Compact(peers) // nothing keeps a validator from naming another's
}

// serve answers what the directory knows and listens to what others say, until ctx
// ends or the host is closed.
func (d *directory) serve(ctx context.Context, running *sync.WaitGroup, host transport.Host) error {
	heard, err := host.Subscribe(d.domain.Peers())
	if err != nil {
		return err
	}
	running.Go(func() {
		defer heard.Close()
		for {
			m, err := heard.Next(ctx)
			if err != nil {
				return
			}
			if r, err := wire.DecodePeerRecord(m.Data); err == nil {
				d.enter(ctx, r) // what is wrong with a stranger's record is nobody's business
			}
		}
	})
	running.Go(func() { d.learn(ctx, host, host.Peers()) })
	return wire.HandleRecords(host, d.known)
}

// teachers bounds the peers that are asked for records.
const teachers = 8

// learn asks peers, one after the other, for the records that they know.
func (d *directory) learn(ctx context.Context, host transport.Host, peers []transport.PeerID) {
	for _, peer := range peers[:min(len(peers), teachers)] {
		records, err := wire.AskRecords(ctx, host, peer)
		if err != nil {
			continue
		}
		for _, r := range records {
			d.enter(ctx, r)
		}
	}
}

// announce publishes at which peer a validator is, now and from time to time, until ctx
// ends. It enters the record, so that whoever asks hears it too. Soon after the first time
// it does so again, for those who dropped the record because they had just asked the chain
// who validates, for any stranger's key, and it was not known there yet.
func (d *directory) announce(ctx context.Context, host transport.Host, record func(context.Context) (wire.PeerRecord, error)) error {
	for pause := announceSoon; ; pause = min(2*pause, announceEvery) {
		r, err := record(ctx)
		if err != nil {
			return err
		}
		data, err := r.Encode()
		if err != nil {
			return err
		}
		d.enter(ctx, r)
		host.Publish(ctx, d.domain.Peers(), data) // the next time comes
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// results returns who may have the result of a worker's job: the worker, then the
// validators. A worker that seems to be gone is the last to be asked.
func (d *directory) results(ctx context.Context, host transport.Host, worker chain.Felt) ([]transport.PeerID, error) {
	w, err := d.staking.Worker(ctx, worker)
	if err != nil {
		return nil, err
	}
	peers := d.validators(host.ID())
	if len(peers) == 0 {
		d.learn(ctx, host, host.Peers())
		peers = d.validators(host.ID())
	}
	first := transport.PeerID(w.PeerID)
	if slices.Contains(host.Peers(), first) {
		return slices.Insert(peers, 0, first), nil
	}
	return append(peers, first), nil
}
