package wire

import (
	"context"
	"errors"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// Description says what a job is, and where its output is found.
type Description struct {
	Job  proof.JobID // the job's identifier on the chain
	Task proof.Task
	// OutputHash is the name of the output as a blob of kind blob.Data, or zero as long
	// as there is none. Unlike the task nothing on the chain commits to it: only
	// the output itself shows whether it is right.
	OutputHash proof.Digest
}

func (d *Description) fields(c *codec) {
	c.bytes(d.Job[:])
	c.task(&d.Task)
	c.bytes(d.OutputHash[:])
}

// Encode returns the binary form. It fails on values that have none.
func (d Description) Encode() ([]byte, error) { return encode(typeDescription, d.fields) }

// DecodeDescription is the inverse of Encode.
func DecodeDescription(data []byte) (Description, error) {
	return decodeAs[Description](data, typeDescription)
}

// taskRequest asks for the description of a job.
type taskRequest struct{ job proof.JobID }

func (r *taskRequest) fields(c *codec) { c.bytes(r.job[:]) }

// TaskProtocol asks what a job is.
var TaskProtocol = transport.Protocol{
	Name:        "/bitsage/task/1",
	MaxRequest:  64,
	MaxResponse: 2048,
	Timeout:     10 * time.Second,
	Concurrency: 64,
	PerPeer:     4,
}

// HandleTasks answers what jobs are. The function reports false for a job that it
// does not know.
func HandleTasks(host transport.Host, describe func(job proof.JobID) (Description, bool)) error {
	return host.Handle(TaskProtocol, func(_ context.Context, _ transport.PeerID, data []byte) ([]byte, error) {
		r, err := decodeAs[taskRequest](data, typeTaskRequest)
		if err != nil {
			return nil, err
		}
		d, ok := describe(r.job)
		if !ok {
			return nil, errUnknownJob
		}
		return d.Encode()
	})
}

var (
	errUnknownJob = errors.New("wire: unknown job")
	errOtherJob   = errors.New("wire: the description is of another job")
	errNoOutput   = errors.New("wire: the peer names no output")
)

func describe(ctx context.Context, host transport.Host, peer transport.PeerID, job proof.JobID, check func(proof.Task) error) (Description, error) {
	r := taskRequest{job}
	request, err := encode(typeTaskRequest, r.fields)
	if err != nil {
		return Description{}, err
	}
	b, err := p2p.Ask(ctx, host, peer, TaskProtocol, request)
	if err != nil {
		return Description{}, err
	}
	d, err := DecodeDescription(b)
	if err != nil {
		return Description{}, err
	}
	if d.Job != job {
		return Description{}, errOtherJob
	}
	return d, check(d.Task)
}

// FetchTask asks peers, one after the other, what a job is. check must recompute
// the job's identifier from the task: what passes is the task of the job, whoever
// told it. It fails with a *p2p.PeersError or the error of ctx.
func FetchTask(ctx context.Context, host transport.Host, peers []transport.PeerID, job proof.JobID, check func(proof.Task) error) (proof.Task, error) {
	failed := &p2p.PeersError{What: "the task"}
	for _, peer := range peers {
		d, err := describe(ctx, host, peer, job, check)
		if err == nil {
			return d.Task, nil
		}
		if ctx.Err() != nil {
			return proof.Task{}, ctx.Err()
		}
		failed.Add(peer, err)
	}
	return proof.Task{}, failed
}

// FetchOutput gets the output of a job of a known task from the first peer that has
// the right one. verify must recompute the output's commitment and compare it with
// the one on the chain; it is called once for each different output that peers
// offer. It fails with a *p2p.PeersError or the error of ctx.
func FetchOutput(ctx context.Context, host transport.Host, peers []transport.PeerID, job proof.JobID, task proof.Task, verify func(output []byte) error) ([]byte, error) {
	failed := &p2p.PeersError{What: "the output"}
	wrong := make(map[proof.Digest]error)
	for _, peer := range peers {
		output, err := fetchOutput(ctx, host, peer, job, task, verify, wrong)
		if err == nil {
			return output, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed.Add(peer, err)
	}
	return nil, failed
}

// fetchOutput asks one peer. Outputs that are wrong are noted, so that none is
// fetched and verified twice.
func fetchOutput(ctx context.Context, host transport.Host, peer transport.PeerID, job proof.JobID, task proof.Task, verify func([]byte) error, wrong map[proof.Digest]error) ([]byte, error) {
	d, err := describe(ctx, host, peer, job, func(t proof.Task) error {
		if t.ID() != task.ID() {
			return errOtherJob
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case d.OutputHash == (proof.Digest{}):
		return nil, errNoOutput
	case wrong[d.OutputHash] != nil:
		return nil, wrong[d.OutputHash]
	}
	id := blob.ID{Kind: blob.Data, Digest: d.OutputHash}
	output, err := blob.Fetch(ctx, host, []transport.PeerID{peer}, id, task.Program.OutputSize())
	if err != nil {
		return nil, err
	}
	if err = task.Program.CheckOutput(output); err == nil {
		err = verify(output)
	}
	wrong[d.OutputHash] = err
	return output, err
}

// Progress says how far a job is, as its worker tells.
type Progress struct {
	Job   proof.JobID // the job's identifier on the chain
	Seq   uint32      // counts the job's messages; an older one than the last is out of date
	Stage string      // printable, at most MaxStage bytes
}

func (p *Progress) fields(c *codec) {
	c.bytes(p.Job[:])
	c.uint32(&p.Seq)
	c.text(&p.Stage, MaxStage)
	c.check(p.Stage != "" && transport.CleanText(p.Stage, MaxStage) == p.Stage, "stage")
}

// Encode returns the binary form. It fails on values that have none.
func (p Progress) Encode() ([]byte, error) { return encode(typeProgress, p.fields) }

// DecodeProgress is the inverse of Encode.
func DecodeProgress(data []byte) (Progress, error) { return decodeAs[Progress](data, typeProgress) }

// ProgressProtocol tells a client how far its job is. The response is empty.
var ProgressProtocol = transport.Protocol{
	Name:        "/bitsage/progress/1",
	MaxRequest:  128,
	MaxResponse: 0,
	Timeout:     5 * time.Second,
	Concurrency: 32,
	PerPeer:     4,
}

// SendProgress tells a client how far its job is. The client may be gone: an error
// is nothing to act on.
func SendProgress(ctx context.Context, host transport.Host, client transport.PeerID, p Progress) error {
	b, err := p.Encode()
	if err != nil {
		return err
	}
	_, err = host.Request(ctx, client, ProgressProtocol, b)
	return err
}

// HandleProgress calls f with what peers tell. It is for f to check that the peer is
// the job's worker.
func HandleProgress(host transport.Host, f func(from transport.PeerID, p Progress)) error {
	return host.Handle(ProgressProtocol, func(_ context.Context, from transport.PeerID, data []byte) ([]byte, error) {
		p, err := DecodeProgress(data)
		if err != nil {
			return nil, err
		}
		f(from, p)
		return nil, nil
	})
}
