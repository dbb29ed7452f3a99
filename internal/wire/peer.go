package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/poseidon"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/transport"
)

// PeerRecord says at which peer a validator is found. Its vote key has signed it, by
// which the chain knows the validator.
type PeerRecord struct {
	Key       felt.Felt // the vote key, an x coordinate
	Peer      transport.PeerID
	Time      int64 // Unix seconds: of two records the later one holds
	Signature starksig.Signature
}

func (r *PeerRecord) fields(c *codec) {
	c.felt(&r.Key)
	c.peer(&r.Peer)
	c.time(&r.Time)
	c.signature(&r.Signature)
}

// Encode returns the binary form. It fails on values that have none.
func (r PeerRecord) Encode() ([]byte, error) { return encode(typePeerRecord, r.fields) }

// DecodePeerRecord is the inverse of Encode.
func DecodePeerRecord(data []byte) (PeerRecord, error) {
	return decodeAs[PeerRecord](data, typePeerRecord)
}

// recordTag separates records from everything else that a vote key signs.
const recordTag = "bitsage/peer/v1"

// Hash returns what the vote key signs: poseidon_hash_many over the deployment and all
// fields.
func (r PeerRecord) Hash(d Domain) felt.Felt {
	felts := []felt.Felt{number([]byte(recordTag)), d.ChainID, d.JobManager, r.Key, seconds(r.Time)}
	return poseidon.HashMany(append(felts, peerFelts(r.Peer)...)...)
}

// Sign returns the record with the signature of its key, which sign makes.
func (r PeerRecord) Sign(d Domain, sign Sign) (PeerRecord, error) {
	sig, err := sign(r.Hash(d))
	r.Signature = sig
	return r, err
}

// recordSkew is how far the clock of a record's signer may be ahead.
const recordSkew = 10 * time.Minute

// ErrRecordTime means that a record is from the future.
var ErrRecordTime = errors.New("wire: the peer record is from the future: a clock is wrong")

// Verify checks the signature, and that the record is not from the future, where it
// could not be replaced. Whose key it is, is for the caller to look up.
func (r PeerRecord) Verify(d Domain, now time.Time) error {
	if r.Time > now.Add(recordSkew).Unix() {
		return ErrRecordTime
	}
	return starksig.Verify(r.Key, r.Hash(d), r.Signature)
}

// Peers returns the topic of peer records. What is none is dropped.
func (d Domain) Peers() transport.Topic {
	return transport.Topic{Name: d.topic("peers"), MaxBytes: 256, Queue: 256, Check: func(_ transport.PeerID, data []byte) error {
		_, err := DecodePeerRecord(data)
		return err
	}}
}

// MaxRecords bounds the records in one answer: those of all validators of an epoch.
const MaxRecords = 64

// records is the answer to a request for records.
type records struct{ list []PeerRecord }

func (r *records) fields(c *codec) {
	n := uint16(len(r.list))
	c.uint16(&n)
	c.check(n <= MaxRecords, "number of records")
	if c.reading && c.failure == "" {
		r.list = make([]PeerRecord, n)
	}
	for i := 0; i < len(r.list) && c.failure == ""; i++ {
		r.list[i].fields(c)
	}
}

// recordsRequest asks for records. It has no fields.
type recordsRequest struct{}

func (*recordsRequest) fields(*codec) {}

// RecordsProtocol asks a peer for the records that it knows.
var RecordsProtocol = transport.Protocol{
	Name:        "/bitsage/records/1",
	MaxRequest:  2,
	MaxResponse: MaxRecords * 256,
	Timeout:     5 * time.Second,
	Concurrency: 32,
	PerPeer:     2,
}

// HandleRecords answers which records the host knows.
func HandleRecords(host transport.Host, known func() []PeerRecord) error {
	return host.Handle(RecordsProtocol, func(_ context.Context, _ transport.PeerID, data []byte) ([]byte, error) {
		if _, err := decodeAs[recordsRequest](data, typeRecordsRequest); err != nil {
			return nil, err
		}
		list := known()
		r := records{list[:min(len(list), MaxRecords)]}
		return encode(typeRecords, r.fields)
	})
}

// AskRecords asks a peer for the records that it knows. They are not verified.
func AskRecords(ctx context.Context, host transport.Host, peer transport.PeerID) ([]PeerRecord, error) {
	request, err := encode(typeRecordsRequest, (&recordsRequest{}).fields)
	if err != nil {
		return nil, err
	}
	b, err := p2p.Ask(ctx, host, peer, RecordsProtocol, request)
	if err != nil {
		return nil, err
	}
	r, err := decodeAs[records](b, typeRecords)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", peer, err)
	}
	return r.list, nil
}
