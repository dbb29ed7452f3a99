// Package wire is what clients, workers and validators say to each other off the
// chain: requests for quotes, quotes, offers of jobs with their inputs, what a job
// is, how far it is, and the topics of votes.
//
// Every message has one binary form (docs/spec/p2p.md), and a decoder accepts
// nothing else. The functions that send and answer messages take a Host;
// package p2p knows nothing of them.
package wire

import (
	"encoding/hex"
	"fmt"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// Bounds of what messages contain, in bytes.
const (
	MaxStage  = 32
	MaxReason = 256
)

// Domain is a deployment on a chain. Quotes and topics of one mean nothing in
// another.
type Domain struct {
	ChainID    felt.Felt // as the chain writes it, such as the short string SN_MAIN
	JobManager felt.Felt // address
}

// topic returns the name of a topic of the deployment.
func (d Domain) topic(name string) string {
	sum := poseidon.HashMany(d.ChainID, d.JobManager)
	b := sum.Bytes()
	return "/bitsage/" + hex.EncodeToString(b[:16]) + "/" + name + "/1"
}

// Votes returns the topic of votes and of what else package consensus sends to all
// validators. This package does not read them; max bounds a message in bytes.
func (d Domain) Votes(max int) transport.Topic {
	return transport.Topic{Name: d.topic("votes"), MaxBytes: max, Queue: 4096}
}

// Certificates returns the topic of certificates; see Votes.
func (d Domain) Certificates(max int) transport.Topic {
	return transport.Topic{Name: d.topic("certificates"), MaxBytes: max, Queue: 1024}
}

// Evidence returns the topic of evidence of offences; see Votes.
func (d Domain) Evidence(max int) transport.Topic {
	return transport.Topic{Name: d.topic("evidence"), MaxBytes: max, Queue: 256}
}

// Blobs returns the topic on which peers announce the blobs that they hold. A
// message is an Announcement; what is none is dropped.
func (d Domain) Blobs() transport.Topic {
	return transport.Topic{Name: d.topic("blobs"), MaxBytes: 128, Queue: 1024, Check: func(_ transport.PeerID, data []byte) error {
		_, err := DecodeAnnouncement(data)
		return err
	}}
}

func (c *codec) task(t *proof.Task) {
	c.program(&t.Program)
	c.profile(&t.Profile)
	c.text(&t.Label, proof.MaxLabel)
	if c.reading && c.failure == "" {
		t.Inputs = make([]proof.Digest, t.Program.NumParts())
	}
	c.check(len(t.Inputs) == t.Program.NumParts(), "number of inputs")
	for i := range t.Inputs {
		c.bytes(t.Inputs[i][:])
	}
	c.bytes(t.JobRoot[:])
}

// Announcement says that its sender holds a blob of a job.
type Announcement struct {
	Job  proof.JobID // the job's identifier on the chain
	Blob blob.ID
	Size uint32 // bytes
}

func (a *Announcement) fields(c *codec) {
	c.bytes(a.Job[:])
	c.byte((*byte)(&a.Blob.Kind))
	c.bytes(a.Blob.Digest[:])
	c.uint32(&a.Size)
	c.check(a.Blob.Valid(), "kind of blob")
	c.check(0 < a.Size && int64(a.Size) <= int64(a.Blob.Kind.Max()), "size of blob")
}

// Encode returns the binary form. It fails on values that have none.
func (a Announcement) Encode() ([]byte, error) { return encode(typeAnnouncement, a.fields) }

// DecodeAnnouncement is the inverse of Encode.
func DecodeAnnouncement(data []byte) (Announcement, error) {
	return decodeAs[Announcement](data, typeAnnouncement)
}

// MessageError says that data is no message of a type, or that a value cannot be
// sent as one.
type MessageError struct {
	Type   string
	Reason string
}

// Error implements error.
func (e *MessageError) Error() string { return fmt.Sprintf("wire: malformed %s: %s", e.Type, e.Reason) }
