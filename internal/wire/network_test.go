package wire

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// TestLifeOfAJob goes through a job's messages on a bad network, with a worker that
// is gone in the end: quotes, offer, progress, the proof passed on by a validator,
// and the client, back after a restart, that finds task and proof there.
func TestLifeOfAJob(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) { lifeOfAJob(t, seed) })
	}
}

func lifeOfAJob(t *testing.T, seed uint64) {
	m := p2p.NewMemory(seed, p2p.Faults{Latency: 10 * time.Millisecond, Jitter: 10 * time.Millisecond, Loss: 0.05, Duplicate: 0.1, Reorder: 0.1})
	var running sync.WaitGroup
	defer running.Wait()
	defer m.Close()
	job, stages := proof.JobID{byte(seed), 1}, 0
	proofBytes := fill(200<<10, 1)
	id := blob.IDOf(blob.Proof, proofBytes)

	client, validator := m.Host(), m.Host()
	must(t, HandleProgress(client, func(_ transport.PeerID, p Progress) {
		if p.Job == job {
			stages++
		}
	}))
	announcements, err := validator.Subscribe(domain.Blobs())
	must(t, err)

	workers := []*worker{newWorker(t, m.Host(), 1), newWorker(t, m.Host(), 2)}
	var peers []transport.PeerID
	for _, w := range workers {
		peers = append(peers, w.host.ID())
		must(t, HandleQuotes(w.host, func(_ context.Context, _ transport.PeerID, r QuoteRequest) (Quote, error) {
			return w.quote(t, r, 100), nil
		}))
		must(t, HandleOffers(t.Context(), &running, w.host, Offers{
			Budget: 1 << 30,
			Admit: func(_ context.Context, _ transport.PeerID, o Offer) (bool, error) {
				return false, o.Verify(domain, w.key.PublicKey(), w.host.ID(), time.Now())
			},
			Accept: func(ctx context.Context, from transport.PeerID, o Offer, input []byte) error {
				store := blob.NewMemory(1 << 20)
				if err := errors.Join(second(store.Put(blob.Proof, proofBytes)), blob.Serve(w.host, blob.Anyone(store))); err != nil {
					return err
				}
				if err := HandleTasks(w.host, func(proof.JobID) (Description, bool) { return Description{Job: o.Job, Task: o.Task}, true }); err != nil {
					return err
				}
				b, err := Announcement{o.Job, id, uint32(len(proofBytes))}.Encode()
				for range 5 { // against loss
					err = errors.Join(err, w.host.Publish(ctx, domain.Blobs(), b))
				}
				for i := range uint32(10) {
					SendProgress(ctx, w.host, from, Progress{o.Job, i, "commit"})
				}
				return err
			},
		}))
	}

	r, key := newRequest(t, shape)
	quotes, refused := AskQuotes(t.Context(), client, peers, r, key, signingKeys(workers...), Asking{})
	if len(quotes) != 2 {
		t.Fatalf("seed %d: %v", seed, refused)
	}
	input := fill(shape.InputSize(), 1)
	task := newTask(shape, input)
	store := blob.NewMemory(1 << 30)
	for _, part := range shape.Parts(input) {
		must(t, second(store.Put(blob.Data, part)))
	}
	must(t, blob.Serve(client, blob.Anyone(store)))
	must(t, SendOffer(t.Context(), client, Offer{job, r, task, quotes[0]}))
	if stages == 0 {
		t.Errorf("seed %d: no progress was told", seed)
	}

	check := func(got proof.Task) error {
		if got.ID() != task.ID() {
			return errors.New("another task")
		}
		return nil
	}
	msg, err := announcements.Next(t.Context())
	must(t, err)
	a, err := DecodeAnnouncement(msg.Data)
	must(t, err)
	if a != (Announcement{job, id, uint32(len(proofBytes))}) || msg.From != quotes[0].Peer {
		t.Errorf("seed %d: %+v from %s", seed, a, msg.From)
	}
	told, err := FetchTask(t.Context(), validator, []transport.PeerID{msg.From}, a.Job, check)
	must(t, err)
	cache := blob.NewCache(1 << 20)
	got, err := blob.Fetch(t.Context(), validator, []transport.PeerID{msg.From}, a.Blob, blob.MaxProof)
	must(t, err)
	must(t, second(cache.Put(blob.Proof, got)))
	must(t, blob.Serve(validator, blob.Anyone(cache)))
	must(t, HandleTasks(validator, func(proof.JobID) (Description, bool) { return Description{Job: job, Task: told}, true }))

	for _, w := range workers {
		must(t, m.Crash(w.host.ID()))
	}
	must(t, m.Crash(client.ID()))
	client, err = m.Restart(client.ID())
	must(t, err)
	all := append(peers, client.Peers()...)
	must(t, second(FetchTask(t.Context(), client, all, job, check)))
	if got, err := blob.Fetch(t.Context(), client, all, id, blob.MaxProof); err != nil || !bytes.Equal(got, proofBytes) {
		t.Errorf("seed %d: %d bytes, %v", seed, len(got), err)
	}
}
