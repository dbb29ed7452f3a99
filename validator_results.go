package bitsage

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
)

// results are those of the valid proofs that a validator has checked. It hands them out
// when their worker is gone. They are kept on the disk until retention has passed, the
// oldest ones only as long as there is room.
type results struct {
	room    int64 // bytes, of blobs
	blobs   *blob.Disk
	records *records

	mu   sync.Mutex
	list []result // the oldest first
}

// result is also the record of one.
type result struct {
	Description []byte       `json:"description"` // encoded wire message
	Proof       proof.Digest `json:"proof"`
	Until       int64        `json:"until"` // Unix time in seconds

	description wire.Description
}

const recordResult byte = 1

// openResults opens the results in a validator's folder, with room for so many bytes.
func openResults(dir string, room int64) (*results, error) {
	blobs, err := blob.OpenDisk(filepath.Join(dir, "blobs"), room)
	if err != nil {
		return nil, err
	}
	rs := &results{room: room, blobs: blobs}
	if rs.records, err = openRecords(filepath.Join(dir, "results")); err != nil {
		return nil, err
	}
	err = rs.records.replay(func(_ byte, data []byte) (err error) {
		var r result
		if err = json.Unmarshal(data, &r); err == nil {
			r.description, err = wire.DecodeDescription(r.Description)
		}
		rs.list = append(rs.list, r)
		return err
	})
	if err == nil {
		err = rs.drop(0)
	}
	if err != nil {
		return nil, errors.Join(err, rs.close())
	}
	return rs, nil
}

func (rs *results) close() error { return rs.records.close() }

// drop forgets the n oldest results, those whose time has passed, and blobs of none.
func (rs *results) drop(n int) error {
	var keep []record
	list := rs.list[n:]
	rs.list = nil
	wanted := make(map[blob.ID]bool)
	for _, r := range list {
		if time.Now().Unix() < r.Until {
			rs.list, keep = append(rs.list, r), append(keep, record{recordResult, r})
			wanted[blob.ID{Kind: blob.Proof, Digest: r.Proof}] = true
			wanted[blob.ID{Kind: blob.Data, Digest: r.description.OutputHash}] = true
		}
	}
	if err := rs.records.rewrite(keep); err != nil {
		return err
	}
	return rs.blobs.Retain(func(id blob.ID) bool { return wanted[id] })
}

// add keeps the result of a job, unless it has one, until some time.
func (rs *results) add(job proof.JobID, t proof.Task, encoded, output []byte, until time.Time) error {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if _, ok := rs.find(job); ok {
		return nil
	}
	if int64(len(encoded)+len(output)) > rs.room {
		return blob.ErrFull
	}
	p, o, err := rs.put(encoded, output)
	for errors.Is(err, blob.ErrFull) && len(rs.list) > 0 {
		if err = rs.drop(1); err == nil {
			p, o, err = rs.put(encoded, output)
		}
	}
	if err != nil {
		return err
	}
	r := result{Proof: p.Digest, Until: until.Unix(), description: wire.Description{Job: job, Task: t, OutputHash: o.Digest}}
	if r.Description, err = r.description.Encode(); err != nil {
		return err
	}
	if err := rs.records.put(recordResult, r); err != nil {
		return err
	}
	rs.list = append(rs.list, r)
	return nil
}

func (rs *results) put(encoded, output []byte) (p, o blob.ID, err error) {
	if p, err = rs.blobs.Put(blob.Proof, encoded); err == nil {
		o, err = rs.blobs.Put(blob.Data, output)
	}
	return p, o, err
}

// describe says what others can fetch of a job.
func (rs *results) describe(job proof.JobID) (wire.Description, bool) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return rs.find(job)
}

func (rs *results) find(job proof.JobID) (wire.Description, bool) {
	for _, r := range rs.list {
		if r.description.Job == job {
			return r.description, true
		}
	}
	return wire.Description{}, false
}
