package consensus

import "github.com/bitsage/bitsage/chain/felt"

// The types of records in the journal.
const (
	typeIdentity byte = 1 + iota
	typeRollover
	typePromise
	typeDecision
)

// Record is what a node keeps in its journal: an Identity, Rollover, Promise or
// Decision.
type Record interface {
	recordType() byte
	record(e *encoder)
}

// Identity is the first record of a journal, written when the journal is made. It
// binds the journal to one chain and vote key: a node without it, whose journal is
// lost or another's, refuses to sign.
type Identity struct {
	Chain felt.Felt
	Key   felt.Felt // the vote key
}

// Rollover says that the node has entered an epoch, and signs in none before it.
type Rollover struct {
	Epoch uint64
	Root  felt.Felt // of the epoch's set, for the reader
}

// Promise says that the node signs no other verdict on the fact in the epoch. It is
// on the disk before the vote is signed.
type Promise struct {
	Epoch   uint64
	Fact    FactID
	Verdict Verdict
}

// Decision is a certificate by which the node decided. It is on the disk before
// the node acts on it.
type Decision struct {
	Root        felt.Felt // of the set that signed it
	Certificate *Certificate
}

func (Identity) recordType() byte { return typeIdentity }
func (Rollover) recordType() byte { return typeRollover }
func (Promise) recordType() byte  { return typePromise }
func (Decision) recordType() byte { return typeDecision }

func (r Identity) record(e *encoder) {
	e.felt(r.Chain)
	e.felt(r.Key)
}

func (r Rollover) record(e *encoder) {
	e.uint64(r.Epoch)
	e.felt(r.Root)
}

func (r Promise) record(e *encoder) {
	e.uint64(r.Epoch)
	e.felt(r.Fact.Felt())
	e.verdict(r.Verdict)
}

func (r Decision) record(e *encoder) {
	e.felt(r.Root)
	r.Certificate.body(e)
}

const maxRecordSize = felt.Size + MaxMessageSize - headSize

// EncodeRecord returns the type and data of a record for the journal. It fails
// with ErrEncoding, as Encode does.
func EncodeRecord(r Record) (typ byte, data []byte, err error) {
	e := new(encoder)
	r.record(e)
	if e.bad {
		return 0, nil, ErrEncoding
	}
	return r.recordType(), e.b, nil
}

// DecodeRecord is the inverse of EncodeRecord and as strict as Decode.
func DecodeRecord(typ byte, data []byte) (Record, error) {
	if len(data) > maxRecordSize {
		return nil, ErrEncoding
	}
	var r Record
	d := &decoder{b: data}
	switch typ {
	case typeIdentity:
		r = Identity{d.felt(), d.felt()}
	case typeRollover:
		r = Rollover{d.uint64(), d.felt()}
	case typePromise:
		r = Promise{d.uint64(), d.fact(), d.verdict()}
	case typeDecision:
		r = Decision{d.felt(), d.certificate()}
	default:
		return nil, ErrEncoding
	}
	if d.bad || len(d.b) != 0 {
		return nil, ErrEncoding
	}
	return r, nil
}
