package wire

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// holder adds a host that describes one job and serves blobs.
func holder(t *testing.T, m *p2p.Memory, d Description, blobs ...[]byte) transport.PeerID {
	t.Helper()
	h, store := m.Host(), blob.NewMemory(1<<30)
	for _, b := range blobs {
		must(t, second(store.Put(blob.Data, b)))
	}
	must(t, blob.Serve(h, blob.Anyone(store)))
	must(t, HandleTasks(h, func(job proof.JobID) (Description, bool) { return d, job == proof.JobID{1} }))
	return h.ID()
}

func digestOf(data []byte) proof.Digest { return blob.IDOf(blob.Data, data).Digest }

func TestFetchTask(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	client, job := m.Host(), proof.JobID{1}
	p := proof.MatMul(8, 8, 8)
	task := newTask(p, fill(p.InputSize(), 1))
	other := task
	other.Label = "other"
	errWrong := errors.New("not the job's task")
	check := func(got proof.Task) error {
		if got.ID() != task.ID() {
			return errWrong
		}
		return nil
	}
	good := holder(t, m, Description{Job: job, Task: task})
	liar := holder(t, m, Description{Job: job, Task: other})
	confused := holder(t, m, Description{Job: proof.JobID{2}, Task: task})
	invalid := holder(t, m, Description{Job: job})
	nonsense := m.Host()
	must(t, nonsense.Handle(TaskProtocol, func(context.Context, transport.PeerID, []byte) ([]byte, error) { return []byte("junk"), nil }))
	peers := []transport.PeerID{liar, confused, invalid, nonsense.ID(), "nobody"}
	_, err := FetchTask(t.Context(), client, peers, job, check)
	var failed *p2p.PeersError
	if !errors.As(err, &failed) || len(failed.Peers) != len(peers) || !errors.Is(err, errWrong) || !errors.Is(err, errOtherJob) || !errors.Is(err, transport.ErrUnknownPeer) {
		t.Errorf("from liars: %v", err)
	}
	if got, err := FetchTask(t.Context(), client, append(peers, good), job, check); err != nil || got.ID() != task.ID() {
		t.Errorf("%+v %v", got, err)
	}
	var remote *transport.RemoteError
	if _, err := FetchTask(t.Context(), client, []transport.PeerID{good}, proof.JobID{3}, check); !errors.As(err, &remote) {
		t.Errorf("an unknown job: %v", err)
	}
	if _, err := client.Request(t.Context(), good, TaskProtocol, []byte("junk")); !errors.As(err, &remote) {
		t.Errorf("junk: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FetchTask(ctx, client, peers, job, check); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestFetchOutput(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	client, job := m.Host(), proof.JobID{1}
	p := proof.MatMul(4, 4, 4)
	task := newTask(p, fill(p.InputSize(), 1))
	other := task
	other.Label = "other"
	right, wrong := make([]byte, p.OutputSize()), make([]byte, p.OutputSize())
	right[0], wrong[0] = 1, 2
	tooLarge := append(bytes.Clone(right), 0)
	outOfRange := bytes.Repeat([]byte{0x70}, p.OutputSize())
	errRoot := errors.New("another root")
	verified := 0
	verify := func(output []byte) error {
		verified++
		if !bytes.Equal(output, right) {
			return errRoot
		}
		return nil
	}
	of := func(task proof.Task, output []byte) Description { return Description{job, task, digestOf(output)} }
	bad := []transport.PeerID{
		holder(t, m, of(task, wrong), wrong),
		holder(t, m, of(task, wrong), wrong), // the same: not fetched or verified again
		holder(t, m, of(task, right)),        // does not have it
		holder(t, m, of(task, tooLarge), tooLarge),
		holder(t, m, of(task, outOfRange), outOfRange),
		holder(t, m, of(other, right), right),
		holder(t, m, Description{Job: job, Task: task}),
	}
	_, err := FetchOutput(t.Context(), client, bad, job, task, verify)
	for _, want := range []error{errRoot, blob.ErrTooLarge, errOtherJob, errNoOutput} {
		if !errors.Is(err, want) {
			t.Errorf("%v is not among the errors", want)
		}
	}
	var failed *p2p.PeersError
	if !errors.As(err, &failed) || len(failed.Peers) != len(bad) || verified != 1 {
		t.Errorf("%v; %d verified", err, verified)
	}
	good := holder(t, m, of(task, right), right)
	if got, err := FetchOutput(t.Context(), client, append(bad, good), job, task, verify); err != nil || !bytes.Equal(got, right) {
		t.Errorf("%x %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := FetchOutput(ctx, client, bad, job, task, verify); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{Latency: time.Second})
		defer m.Close()
		client, worker := m.Host(), m.Host()
		var got []Progress
		must(t, HandleProgress(client, func(from transport.PeerID, p Progress) {
			if from != worker.ID() {
				t.Errorf("from %s", from)
			}
			got = append(got, p)
		}))
		want := Progress{proof.JobID{1}, 7, "quotient"}
		if err := SendProgress(t.Context(), worker, client.ID(), want); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%+v %v", got, err)
		}
		if err := SendProgress(t.Context(), worker, client.ID(), Progress{}); err == nil {
			t.Error("sent an empty stage")
		}
		var remote *transport.RemoteError
		if _, err := worker.Request(t.Context(), client.ID(), ProgressProtocol, []byte("junk")); !errors.As(err, &remote) {
			t.Error(err)
		}
		must(t, client.Close())
		if err := SendProgress(t.Context(), worker, client.ID(), want); !errors.Is(err, transport.ErrUnreachable) {
			t.Error(err)
		}
	})
}
