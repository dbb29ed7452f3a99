package bitsage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/journal"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// ValidatorConfig configures a Validator. Its Account stakes, and Dir is required.
type ValidatorConfig struct {
	Config
	// VoteKey signs votes. Nil means Signer. Two running validators must never
	// share a vote key: that costs the stake.
	VoteKey wallet.Signer
	// Stake is what Run stakes and bonds if the account is no validator yet; zero is
	// the least, 10,000 SAGE.
	Stake Amount
	// Lock is how long the stake is locked then; zero is 30 days.
	Lock time.Duration
}

// Validator checks proofs and votes on them.
type Validator struct {
	cfg      ValidatorConfig
	contract *settle.Contracts
	account  *chain.Account
	chainID  chain.Felt

	ready chan struct{} // closed when it serves
	ran   atomic.Bool

	// Set by Run.
	host    transport.Host
	results *results
	journal *journal.Journal
	node    *consensus.Node
	events  chan consensus.Event
	epoch   staking.Epoch
	index   int    // in the epoch's set, or -1
	begin   uint64 // the block after which decisions count
	// evidence is what other validators are accused of, by fact.
	evidence map[consensus.FactID][]consensus.Evidence
	running  sync.WaitGroup

	mu        sync.Mutex
	decisions []Decision
	changed   chan struct{} // closed and replaced with every decision
}

// Decision is what the validators decided about a job's proof.
type Decision struct {
	Job         proof.JobID          `json:"job"`
	Valid       bool                 `json:"valid"`
	Certificate *receipt.Certificate `json:"certificate"`
	Time        time.Time            `json:"time"` // when this validator learned of it
}

// NewValidator returns a validator. It does nothing before Run.
func NewValidator(cfg ValidatorConfig) (*Validator, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if cfg.Dir == "" {
		return nil, ErrNoDir
	}
	if cfg.Lock < 0 {
		return nil, errors.New("bitsage: Lock must not be negative")
	}
	if cfg.VoteKey == nil {
		cfg.VoteKey = cfg.Signer
	}
	if cfg.Stake.IsZero() {
		cfg.Stake = staking.TierValidator.Minimum()
	}
	if cfg.Lock == 0 {
		cfg.Lock = 30 * 24 * time.Hour
	}
	n := cfg.Network
	return &Validator{
		cfg: cfg, contract: n.settle, account: cfg.account(), chainID: n.settle.ChainID(),
		evidence: make(map[consensus.FactID][]consensus.Evidence), changed: make(chan struct{}), ready: make(chan struct{}),
	}, nil
}

// Ready is closed when the validator serves: it is registered, and votes.
func (v *Validator) Ready() <-chan struct{} { return v.ready }

// Run stakes and registers the validator if that is still to be done, and votes
// until ctx ends. Then it returns nil with nothing left running. A Validator runs
// once: Run fails when it is called again.
func (v *Validator) Run(ctx context.Context) (err error) {
	if v.ran.Swap(true) {
		return errRan
	}
	if err := v.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	if err := v.Enlist(ctx); err != nil {
		return cleanStop(ctx, err)
	}
	head, err := v.cfg.Network.chain.Head(ctx)
	if err != nil {
		return cleanStop(ctx, err)
	}
	v.begin = head.Number
	work, cancel := context.WithCancel(ctx)
	defer v.running.Wait()
	defer cancel()
	first, err := v.nextEpoch(work)
	if err == nil {
		err = v.handle(work, first)
	}
	if err != nil {
		return cleanStop(ctx, err)
	}
	if err := v.serve(work); err != nil {
		return err
	}
	close(v.ready)
	v.cfg.Logger.Info("validator ready", "validator", v.account.Address().String(), "epoch", v.epoch.Number)
	return cleanStop(ctx, v.loop(work))
}

// open opens journal, results and host, and makes the node from the journal.
func (v *Validator) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(v.cfg.Dir, 0o700); err != nil {
		return err
	}
	if v.results, err = openResults(v.cfg.Dir, maxBlobs); err != nil {
		return err
	}
	if v.journal, err = openJournal(filepath.Join(v.cfg.Dir, "votes")); err != nil {
		return errors.Join(err, v.results.close())
	}
	if err = v.replay(); err == nil {
		v.host, err = v.cfg.join(ctx)
	}
	if err != nil {
		return errors.Join(err, v.journal.Close(), v.results.close())
	}
	v.events = make(chan consensus.Event, 1024)
	return nil
}

func (v *Validator) close() error {
	return errors.Join(v.host.Close(), v.journal.Close(), v.results.close())
}

// replay makes the node from the journal, which on the first start gets its identity.
func (v *Validator) replay() error {
	var history []consensus.Record
	for rec, err := range v.journal.Records() {
		if err != nil {
			return err
		}
		r, err := consensus.DecodeRecord(rec.Type, rec.Data)
		if err != nil {
			return err
		}
		history = append(history, r)
	}
	key := v.cfg.VoteKey.PublicKey()
	if len(history) == 0 {
		id := consensus.Identity{Chain: v.chainID, Key: key}
		if err := v.append(id); err != nil {
			return err
		}
		history = append(history, id)
	}
	profiles, err := profileNames()
	if err != nil {
		return err
	}
	v.node, err = consensus.New(consensus.Config{Chain: v.chainID, Key: key, Profiles: profiles}, history)
	return err
}

// append journals a record. It is on the disk when append returns.
func (v *Validator) append(r consensus.Record) error {
	typ, data, err := consensus.EncodeRecord(r)
	if err != nil {
		return err
	}
	_, err = v.journal.Append(typ, data)
	if errors.Is(err, journal.ErrFull) {
		if err = v.compact(); err == nil {
			_, err = v.journal.Append(typ, data)
		}
	}
	if err != nil {
		return err
	}
	return v.journal.Sync()
}

// compact keeps what the node still needs of the journal.
func (v *Validator) compact() error {
	type encoded struct {
		typ  byte
		data []byte
	}
	var keep []encoded
	for _, r := range v.node.Snapshot() {
		typ, data, err := consensus.EncodeRecord(r)
		if err != nil {
			return err
		}
		keep = append(keep, encoded{typ, data})
	}
	return v.journal.Rewrite(func(yield func(byte, []byte) bool) {
		for _, k := range keep {
			if !yield(k.typ, k.data) {
				return
			}
		}
	})
}

// Enlist stakes and registers the validator if that is still to be done. Run does so
// by itself; a network that begins with several validators enlists all of them before
// the first one runs, so that its first epoch is not one validator's alone.
func (v *Validator) Enlist(ctx context.Context) error {
	c := v.cfg.Network.staking
	me, err := c.Validator(ctx, v.account.Address())
	if err != nil {
		return err
	}
	key := v.cfg.VoteKey.PublicKey()
	switch {
	case me.Status == staking.ValidatorActive && me.VoteKey == key:
		return nil
	case me.Status == staking.ValidatorActive:
		return fmt.Errorf("bitsage: the account is a validator with the vote key %s, not %s", me.VoteKey, key)
	case me.Status != staking.ValidatorNone:
		return fmt.Errorf("bitsage: the account was a validator and is %v", me.Status)
	}
	staker := staking.NewStaker(c, v.account)
	stake, err := c.Stake(ctx, v.account.Address())
	if err != nil {
		return err
	}
	if stake.Amount.IsZero() {
		if _, err := staker.Stake(ctx, v.cfg.Stake, staking.TierValidator, v.cfg.Lock); err != nil {
			return err
		}
	}
	_, err = staker.BondAsValidator(ctx, v.cfg.Stake, v.cfg.VoteKey)
	return err
}

// Decisions returns what was decided since Run began, from the first decision on,
// until ctx ends or the caller stops.
func (v *Validator) Decisions(ctx context.Context) iter.Seq2[Decision, error] {
	return func(yield func(Decision, error) bool) {
		for n := 0; ; {
			v.mu.Lock()
			list, changed := v.decisions, v.changed
			v.mu.Unlock()
			for ; n < len(list); n++ {
				if !yield(list[n], nil) {
					return
				}
			}
			select {
			case <-changed:
			case <-ctx.Done():
				yield(Decision{}, context.Cause(ctx))
				return
			}
		}
	}
}

// decide publishes a decision.
func (v *Validator) decide(c *consensus.Certificate, job proof.JobID) {
	certificate, err := newCertificate(c, v.epoch)
	if err != nil || c.Epoch != v.epoch.Number {
		certificate = nil // of an epoch before: the chain has its set
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	valid := c.Verdict == consensus.Valid
	if slices.ContainsFunc(v.decisions, func(d Decision) bool { return d.Job == job && d.Valid == valid }) {
		return
	}
	v.decisions = append(v.decisions, Decision{job, valid, certificate, time.Now()})
	close(v.changed)
	v.changed = make(chan struct{})
}
