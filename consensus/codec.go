package consensus

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/bitsage/bitsage/chain/felt"
)

// ErrEncoding means that bytes are not the encoding of a message or a record, or
// that a message has no encoding.
var ErrEncoding = errors.New("consensus: not a canonical encoding")

// MaxMessageSize is the number of bytes of the longest message, a certificate
// signed by MaxValidators.
const MaxMessageSize = headSize + certificateSize + MaxValidators*signatureSize

const (
	version         = 1
	headSize        = 2
	signatureSize   = 2 * felt.Size
	certificateSize = 8 + 1 + felt.Size + 8
)

// The kinds of messages.
const (
	kindSubmission byte = 1 + iota
	kindVote
	kindCertificate
	kindEquivocation
	kindFalseVerdict
	kindRequest
)

// Message is what nodes send to each other: a *Submission, *Vote, *Certificate,
// *Equivocation, *FalseVerdict or *Request.
type Message interface {
	kind() byte
	body(e *encoder)
}

// Request asks for what is known of a fact: whoever has decided it answers with
// the certificate, others with their vote. It is neither signed nor counted, and
// says nothing about the fact.
type Request struct {
	Fact FactID
}

// Encode returns the bytes of a message, at most MaxMessageSize. Equal messages
// have equal bytes. It fails with ErrEncoding if a verdict is none, a signature is
// not normalized, or a certificate has not one signature for each bit.
func Encode(m Message) ([]byte, error) {
	e := &encoder{b: []byte{version, m.kind()}}
	m.body(e)
	if e.bad {
		return nil, ErrEncoding
	}
	return e.b, nil
}

// Decode is the inverse of Encode. It accepts nothing that Encode does not return,
// and fails with ErrEncoding. What it returns is well formed, and still has to be
// verified.
func Decode(b []byte) (Message, error) {
	if len(b) < headSize || len(b) > MaxMessageSize || b[0] != version {
		return nil, ErrEncoding
	}
	var m Message
	d := &decoder{b: b[headSize:]}
	switch b[1] {
	case kindSubmission:
		m = d.submission()
	case kindVote:
		v := d.vote()
		m = &v
	case kindCertificate:
		m = d.certificate()
	case kindEquivocation:
		m = d.equivocation()
	case kindFalseVerdict:
		m = &FalseVerdict{d.vote()}
	case kindRequest:
		m = &Request{d.fact()}
	default:
		return nil, ErrEncoding
	}
	if d.bad || len(d.b) != 0 {
		return nil, ErrEncoding
	}
	return m, nil
}

func (*Submission) kind() byte   { return kindSubmission }
func (*Vote) kind() byte         { return kindVote }
func (*Certificate) kind() byte  { return kindCertificate }
func (*Equivocation) kind() byte { return kindEquivocation }
func (*FalseVerdict) kind() byte { return kindFalseVerdict }
func (*Request) kind() byte      { return kindRequest }

func (s *Submission) body(e *encoder) {
	e.felt(s.JobID)
	e.bytes(s.ProgramID[:])
	e.felt(s.Profile)
	e.bytes(s.JobRoot[:])
	e.bytes(s.ResultRoot[:])
	e.felt(s.Worker)
	e.bytes(s.ProofHash[:])
	e.b = binary.BigEndian.AppendUint32(e.b, s.ProofSize)
	e.uint64(s.Expiry)
	e.signature(s.Signature)
}

func (v *Vote) body(e *encoder) {
	e.uint64(v.Epoch)
	e.index(v.Index)
	e.felt(v.Fact.Felt())
	e.verdict(v.Verdict)
	e.signature(v.Signature)
}

func (c *Certificate) body(e *encoder) {
	e.uint64(c.Epoch)
	e.felt(c.Fact.Felt())
	e.verdict(c.Verdict)
	e.uint64(c.Bitmap)
	e.bad = e.bad || c.Bitmap == 0 || len(c.Signatures) != bits.OnesCount64(c.Bitmap)
	for _, s := range c.Signatures {
		e.signature(s)
	}
}

func (q *Equivocation) body(e *encoder) {
	e.uint64(q.Epoch)
	e.index(q.Index)
	e.felt(q.Fact.Felt())
	e.signature(q.Valid)
	e.signature(q.Invalid)
}

func (f *FalseVerdict) body(e *encoder) { f.Vote.body(e) }

func (r *Request) body(e *encoder) { e.felt(r.Fact.Felt()) }

// encoder appends values and remembers whether one has no encoding.
type encoder struct {
	b   []byte
	bad bool
}

func (e *encoder) bytes(b []byte)  { e.b = append(e.b, b...) }
func (e *encoder) uint64(x uint64) { e.b = binary.BigEndian.AppendUint64(e.b, x) }

func (e *encoder) felt(f felt.Felt) {
	b := f.Bytes()
	e.bytes(b[:])
}

func (e *encoder) index(i uint8) {
	e.bad = e.bad || i >= MaxValidators
	e.b = append(e.b, i)
}

func (e *encoder) verdict(v Verdict) {
	e.bad = e.bad || !v.ok()
	e.b = append(e.b, byte(v))
}

func (e *encoder) signature(s Signature) {
	e.bad = e.bad || !normal(s)
	e.felt(s.R)
	e.felt(s.S)
}

// decoder reads values and remembers whether one was missing or not canonical,
// after which it returns zero values.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) next(n int) []byte {
	if d.bad || len(d.b) < n {
		d.bad = true
		return make([]byte, n) // n is a constant of the format
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *decoder) uint64() uint64 { return binary.BigEndian.Uint64(d.next(8)) }
func (d *decoder) digest() Digest { return Digest(d.next(len(Digest{}))) }
func (d *decoder) fact() FactID   { return FactID(d.felt()) }

func (d *decoder) felt() felt.Felt {
	f, err := felt.FromBytes(d.next(felt.Size))
	d.bad = d.bad || err != nil
	return f
}

func (d *decoder) index() uint8 {
	i := d.next(1)[0]
	d.bad = d.bad || i >= MaxValidators
	return i
}

func (d *decoder) verdict() Verdict {
	v := Verdict(d.next(1)[0])
	d.bad = d.bad || !v.ok()
	return v
}

func (d *decoder) signature() Signature {
	s := Signature{R: d.felt(), S: d.felt()}
	d.bad = d.bad || !normal(s)
	return s
}

// The order of the fields below is that of evaluation, which Go defines for calls.

func (d *decoder) submission() *Submission {
	return &Submission{
		Fact: Fact{
			JobID:      d.felt(),
			ProgramID:  d.digest(),
			Profile:    d.felt(),
			JobRoot:    d.digest(),
			ResultRoot: d.digest(),
			Worker:     d.felt(),
			ProofHash:  d.digest(),
		},
		ProofSize: binary.BigEndian.Uint32(d.next(4)),
		Expiry:    d.uint64(),
		Signature: d.signature(),
	}
}

func (d *decoder) vote() Vote {
	return Vote{d.uint64(), d.index(), d.fact(), d.verdict(), d.signature()}
}

func (d *decoder) certificate() *Certificate {
	c := &Certificate{Epoch: d.uint64(), Fact: d.fact(), Verdict: d.verdict(), Bitmap: d.uint64()}
	n := bits.OnesCount64(c.Bitmap)
	if n == 0 || len(d.b) != n*signatureSize {
		d.bad = true
		return c
	}
	for range n {
		c.Signatures = append(c.Signatures, d.signature())
	}
	return c
}

func (d *decoder) equivocation() *Equivocation {
	return &Equivocation{d.uint64(), d.index(), d.fact(), d.signature(), d.signature()}
}
