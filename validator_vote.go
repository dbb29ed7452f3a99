package bitsage

import (
	"context"
	"errors"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/consensus"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/staking"
	"github.com/bitsage/bitsage/transport"
)

// profileNames returns the security profiles that this process may use as the
// contracts name them.
func profileNames() ([]chain.Felt, error) {
	var names []chain.Felt
	for _, p := range append(proof.Profiles(), proof.TestOnly) {
		if p.Validate() != nil {
			continue
		}
		f, err := felt.ShortString(p.String())
		if err != nil {
			return nil, err
		}
		names = append(names, f)
	}
	return names, nil
}

// loop feeds the node until ctx ends. It alone touches the node.
func (v *Validator) loop(ctx context.Context) error {
	changes := make(chan settle.Change)
	failed := make(chan error, 1)
	v.running.Go(func() { failed <- forward(ctx, v.cfg.Network.follow().Changes(ctx), changes) })
	tick := time.NewTicker(lookAgain)
	defer tick.Stop()
	for {
		var ev consensus.Event
		select {
		case ev = <-v.events:
		case c := <-changes:
			v.onChange(ctx, c)
			continue
		case <-tick.C:
			var err error
			if ev, err = v.nextEpoch(ctx); err != nil && ctx.Err() == nil {
				v.cfg.Logger.Warn("epoch", "error", err)
			}
			if ev == nil {
				continue
			}
		case err := <-failed:
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := v.handle(ctx, ev); err != nil {
			return err
		}
	}
}

// post hands an event to the loop.
func (v *Validator) post(ctx context.Context, ev consensus.Event) {
	select {
	case v.events <- ev:
	case <-ctx.Done():
	}
}

// nextEpoch begins the next epoch on the chain if the current one is over, and
// returns the event of a set that the node does not know, or nil. At first it waits
// until there is an epoch.
func (v *Validator) nextEpoch(ctx context.Context) (consensus.Event, error) {
	c := v.cfg.Network.staking
	epoch, err := c.CurrentEpoch(ctx)
	none := errors.Is(err, staking.ErrEpoch)
	if err != nil && !none {
		return nil, err
	}
	now, err := v.contract.Now(ctx)
	if err != nil {
		return nil, err
	}
	if none || !now.Before(epoch.End) {
		_, err := c.AdvanceEpoch(ctx, v.account)
		if err != nil && !errors.Is(err, staking.ErrEpochNotOver) { // the others try too
			return nil, err
		}
		if epoch, err = c.CurrentEpoch(ctx); err != nil {
			return nil, err
		}
	}
	if epoch.Number == v.epoch.Number && epoch.Root == v.epoch.Root {
		return nil, nil
	}
	return v.epochChanged(ctx, epoch)
}

func (v *Validator) epochChanged(ctx context.Context, epoch staking.Epoch) (consensus.Event, error) {
	set, err := settle.ValidatorSet(epoch)
	if err != nil {
		return nil, err
	}
	var previous *consensus.ValidatorSet
	if epoch.Number > 1 {
		before, err := v.cfg.Network.staking.Epoch(ctx, epoch.Number-1)
		if err != nil {
			return nil, err
		}
		if previous, err = settle.ValidatorSet(before); err != nil {
			return nil, err
		}
	}
	v.epoch, v.index = epoch, -1
	v.forget(epoch.Number)
	if i, ok := set.Index(v.cfg.VoteKey.PublicKey()); ok {
		v.index = i
	}
	return consensus.EpochChanged{Set: set, Previous: previous}, nil
}

// onChange has the node told of a submission or of a certificate on the chain.
func (v *Validator) onChange(ctx context.Context, c settle.Change) {
	switch c.Event {
	case settle.ProofSubmitted:
		r, ok := v.cfg.Network.follow().Job(c.Job)
		if ok && r.State == settle.Proven { // else it is over
			v.learn(ctx, func() (consensus.Event, error) { return v.submitted(ctx, c.Job, c.Signature) })
		}
	case settle.FactContested:
		if !c.Undone {
			v.accuseAgain(ctx, c.Fact)
		}
	case settle.CertificateRecorded:
		if !c.Undone {
			v.accuseAgain(ctx, c.Fact)
		}
		v.learn(ctx, func() (consensus.Event, error) {
			if c.Undone {
				return consensus.Unsettled{Fact: c.Fact}, nil
			}
			certificate, err := v.contract.Certificate(ctx, c.Tx, c.Fact)
			if errors.Is(err, settle.ErrNoCertificate) { // recorded by another contract
				return nil, nil
			}
			return consensus.Settled{Certificate: certificate}, err
		})
	}
}

// learn asks the chain for an event until it answers, and hands the event to the
// loop, if there is one.
func (v *Validator) learn(ctx context.Context, ask func() (consensus.Event, error)) {
	v.running.Go(func() {
		for {
			ev, err := ask()
			if err == nil {
				if ev != nil {
					v.post(ctx, ev)
				}
				return
			}
			if ctx.Err() == nil {
				v.cfg.Logger.Warn("asking the chain", "error", err)
			}
			select {
			case <-time.After(lookAgain):
			case <-ctx.Done():
				return
			}
		}
	})
}

// submitted returns the event of a submission on the chain, or nil if its job has
// ended.
func (v *Validator) submitted(ctx context.Context, id chain.Felt, sig consensus.Signature) (consensus.Event, error) {
	job, err := v.contract.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	now, err := v.contract.Now(ctx)
	if err != nil {
		return nil, err
	}
	ttl := job.Deadline.Sub(now)
	if job.State != settle.Proven || ttl <= 0 {
		return nil, nil
	}
	s := &consensus.Submission{
		Fact:      settle.Fact(id, &job),
		ProofSize: consensus.MaxProofSize, // the chain does not say it
		Expiry:    uint64(job.Deadline.Unix()),
		Signature: consensus.Normalize(sig),
	}
	return consensus.Submitted{Submission: s, WorkerKey: job.SigningKey, TTL: uint64(ttl.Milliseconds())}, nil
}

// handle lets the node take an event and carries out what it wants. Only failures of
// the journal or of the vote key are errors: they end the validator.
func (v *Validator) handle(ctx context.Context, ev consensus.Event) error {
	for queue := []consensus.Event{ev}; len(queue) > 0; queue = queue[1:] {
		effects, err := v.node.Step(queue[0])
		if s, ok := queue[0].(consensus.Settled); ok && errors.Is(err, consensus.ErrUnknownFact) {
			v.missed(s.Certificate)
		}
		if err != nil && !errors.Is(err, consensus.ErrDuplicate) && !errors.Is(err, consensus.ErrUnknownFact) {
			v.cfg.Logger.Debug("event refused", "error", err)
		}
		for _, effect := range effects {
			next, err := v.carryOut(ctx, effect)
			if err != nil {
				return err
			}
			if next != nil {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

// carryOut does what the node wants, and returns the event that follows at once.
func (v *Validator) carryOut(ctx context.Context, effect consensus.Effect) (consensus.Event, error) {
	switch e := effect.(type) {
	case consensus.Append:
		return consensus.Appended(e), v.append(e.Record)
	case consensus.Sign:
		sig, err := v.cfg.VoteKey.Sign(ctx, e.Hash)
		return consensus.Signed{Vote: e.Vote, Signature: consensus.Signature(sig)}, err
	case consensus.Broadcast:
		v.broadcast(ctx, e.Message)
	case consensus.Send:
		v.send(ctx, e.To, e.Message)
	case consensus.RequestProof:
		v.running.Go(func() { v.post(ctx, v.judge(ctx, e)) })
	case consensus.SetTimer:
		time.AfterFunc(time.Duration(e.Delay)*time.Millisecond, func() { v.post(ctx, consensus.Fired{Timer: e.Timer}) })
	case consensus.Approved:
		v.settle(ctx, e.Certificate)
	case consensus.Rejected:
		v.settle(ctx, e.Certificate)
	case consensus.Accused:
		_, _, fact := e.Evidence.Offender()
		v.evidence[fact] = append(v.evidence[fact], e.Evidence)
		v.accuse(ctx, e.Evidence)
	case consensus.Resubmitted:
		v.resubmitted(ctx, e)
	case consensus.Undecided:
		v.cfg.Logger.Warn("undecided", "fact", e.Fact, "valid", e.Valid, "invalid", e.Invalid, "missing", e.Missing)
	case consensus.Contested:
		v.cfg.Logger.Error("contradicting certificates", "fact", e.First.Fact)
		v.contest(ctx, e)
	}
	return nil, nil
}

// settle ends the job that a certificate decides. The validators take turns, so that
// usually one transaction does.
func (v *Validator) settle(ctx context.Context, c *consensus.Certificate) {
	id, ok := v.jobOf(c.Fact)
	if !ok {
		return
	}
	job := proof.JobID(id.Bytes())
	v.decide(c, job)
	v.cfg.Logger.Info("decided", "job", job, "verdict", c.Verdict)
	if v.index < 0 {
		return
	}
	fact := c.Fact.Felt()
	first := fact.Bytes()
	turn := (v.index + int(first[felt.Size-1])) % len(v.epoch.Members)
	v.running.Go(func() {
		for wait := time.Duration(turn) * turnTime; ; wait = lookAgain {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
			err := v.contract.Settle(ctx, v.account, id, c)
			if err == nil || ctx.Err() != nil || errors.Is(err, settle.ErrPending) {
				return
			}
			v.cfg.Logger.Warn("settling", "job", job, "error", err)
			if now, err := v.contract.Now(ctx); err == nil && v.late(ctx, id, now) {
				return
			}
		}
	})
}

// missed publishes a decision on the chain that the others came to before this
// validator had heard of the submission.
func (v *Validator) missed(c *consensus.Certificate) {
	id, ok := v.jobOf(c.Fact)
	if !ok {
		return
	}
	r, ok := v.cfg.Network.follow().Job(id)
	if ok && r.Changes[len(r.Changes)-1].Block.Number > v.begin {
		v.decide(c, proof.JobID(id.Bytes()))
	}
}

// late reports whether a job has passed its deadline.
func (v *Validator) late(ctx context.Context, id chain.Felt, now time.Time) bool {
	job, err := v.contract.Job(ctx, id)
	return err == nil && now.After(job.Deadline)
}

// jobOf returns the job of a fact on the chain.
func (v *Validator) jobOf(fact consensus.FactID) (chain.Felt, bool) {
	for _, r := range v.cfg.Network.follow().Jobs() {
		if r.Fact == fact {
			return r.ID, true
		}
	}
	return chain.Felt{}, false
}

// judge fetches a proof and its output and finds the verdict. What is missing, or
// cannot be told apart from a lie of the peer that serves it, is no verdict. It tries
// for some seconds, in which a worker that was restarted serves its results again.
func (v *Validator) judge(ctx context.Context, r consensus.RequestProof) consensus.Event {
	for wait := turnTime; ; wait *= 2 {
		verdict, err := v.verdict(ctx, r.Submission)
		if err == nil {
			return consensus.Verified{Fact: r.Fact, Verdict: verdict}
		}
		v.cfg.Logger.Warn("proof not checked", "job", r.Submission.JobID, "error", err)
		if wait > maxWait {
			return consensus.Unavailable{Fact: r.Fact}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return consensus.Unavailable{Fact: r.Fact}
		}
	}
}

func (v *Validator) verdict(ctx context.Context, s *consensus.Submission) (consensus.Verdict, error) {
	id := proof.JobID(s.JobID.Bytes())
	job, err := v.contract.Job(ctx, s.JobID)
	if err != nil {
		return 0, err
	}
	peers, err := v.cfg.Network.directory.results(ctx, v.host, s.Worker)
	if err != nil {
		return 0, err
	}
	task, err := fetchTask(ctx, v.host, peers, id, &job)
	if err != nil {
		return 0, err
	}
	encoded, err := blob.Fetch(ctx, v.host, peers, blob.ID{Kind: blob.Proof, Digest: s.ProofHash}, blob.MaxProof)
	if err != nil {
		return 0, err
	}
	statement := task.Statement(id, proof.Digest(s.ResultRoot))
	p, err := proof.Parse(encoded)
	if err == nil {
		_, err = proof.Verify(statement, p, task.Profile)
	}
	switch {
	case errors.Is(err, proof.ErrInvalid):
		return consensus.Invalid, nil
	case err != nil:
		return 0, err
	}
	output, err := fetchOutput(ctx, v.host, peers, id, &task, statement.ResultRoot)
	if err != nil {
		return 0, err
	}
	if err := v.results.add(id, task, encoded, output, job.Deadline.Add(retention)); err != nil {
		v.cfg.Logger.Warn("result not kept", "job", id, "error", err)
	}
	return consensus.Valid, nil
}

// serve answers requests and listens to the other validators.
func (v *Validator) serve(ctx context.Context) error {
	for _, m := range []consensus.Message{&consensus.Vote{}, &consensus.Certificate{}, &consensus.Equivocation{}} {
		sub, err := v.host.Subscribe(topic(domain(v.contract), m))
		if err != nil {
			return err
		}
		v.running.Go(func() {
			defer sub.Close()
			for {
				m, err := sub.Next(ctx)
				if err != nil {
					return
				}
				v.receive(ctx, m.From, m.Data)
			}
		})
	}
	v.running.Go(func() {
		if err := v.cfg.Network.directory.announce(ctx, v.host, v.record); err != nil && ctx.Err() == nil {
			v.cfg.Logger.Warn("not announced: others may not find this validator's results", "error", err)
		}
	})
	return errors.Join(
		blob.Serve(v.host, blob.Anyone(v.results.blobs)),
		v.cfg.Network.directory.serve(ctx, &v.running, v.host),
		wire.HandleTasks(v.host, v.results.describe),
		v.host.Handle(voteProtocol, func(_ context.Context, from transport.PeerID, data []byte) ([]byte, error) {
			v.receive(ctx, from, data)
			return nil, nil
		}),
	)
}

// record says at which peer this validator is, as of now.
func (v *Validator) record(ctx context.Context) (wire.PeerRecord, error) {
	r := wire.PeerRecord{Key: v.cfg.VoteKey.PublicKey(), Peer: v.host.ID(), Time: time.Now().Unix()}
	return r.Sign(domain(v.contract), signing(ctx, v.cfg.VoteKey))
}

// receive hands a message to the loop. What is no message is dropped.
func (v *Validator) receive(ctx context.Context, from transport.PeerID, data []byte) {
	if m, err := consensus.Decode(data); err == nil {
		v.post(ctx, consensus.Received{From: consensus.Peer(from), Message: m})
	}
}

func (v *Validator) broadcast(ctx context.Context, m consensus.Message) {
	data, err := consensus.Encode(m)
	if err == nil {
		err = v.host.Publish(ctx, topic(domain(v.contract), m), data)
	}
	if err != nil {
		v.cfg.Logger.Debug("broadcast", "error", err)
	}
}

func (v *Validator) send(ctx context.Context, to consensus.Peer, m consensus.Message) {
	data, err := consensus.Encode(m)
	if err != nil {
		v.cfg.Logger.Debug("send", "error", err)
		return
	}
	v.running.Go(func() {
		if _, err := v.host.Request(ctx, transport.PeerID(to), voteProtocol, data); err != nil {
			v.cfg.Logger.Debug("send", "to", to, "error", err)
		}
	})
}
