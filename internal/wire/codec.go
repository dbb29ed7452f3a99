package wire

import (
	"encoding/binary"
	"unicode/utf8"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/program"
	"github.com/bitsage/bitsage/internal/starksig"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// A message is its type, its version and its fields. Numbers are big-endian; what
// has no fixed length is preceded by it, in two bytes.
const version = 1

// messageType is the first byte of a message. The values must not change.
type messageType byte

const (
	typeQuoteRequest messageType = iota + 1
	typeQuote
	typeOffer
	typeAnswer
	typeTaskRequest
	typeDescription
	typeProgress
	typeAnnouncement
	typePeerRecord
	typeRecordsRequest
	typeRecords
)

var typeNames = [...]string{
	typeQuoteRequest: "quote request", typeQuote: "quote", typeOffer: "offer", typeAnswer: "answer",
	typeTaskRequest: "task request", typeDescription: "description", typeProgress: "progress", typeAnnouncement: "announcement",
	typePeerRecord: "peer record", typeRecordsRequest: "request for records", typeRecords: "records",
}

// codec walks the fields of a message, in the same order to write and to read them.
// Its methods do nothing after the first failure.
type codec struct {
	reading bool
	buf     []byte // what is written, or still to be read
	failure string
}

func encode(t messageType, fields func(*codec)) ([]byte, error) {
	c := codec{buf: []byte{byte(t), version}}
	fields(&c)
	if c.failure != "" {
		return nil, &MessageError{typeNames[t], c.failure}
	}
	return c.buf, nil
}

func decode(data []byte, t messageType, fields func(*codec)) error {
	c := codec{reading: true, buf: data}
	head := [2]byte{byte(t), version}
	c.bytes(head[:])
	c.check(head == [2]byte{byte(t), version}, "type or version")
	fields(&c)
	c.check(len(c.buf) == 0, "bytes at the end")
	if c.failure != "" {
		return &MessageError{typeNames[t], c.failure}
	}
	return nil
}

// message is a type of message: a pointer to T with its fields.
type message[T any] interface {
	*T
	fields(*codec)
}

// decodeAs returns a message, or the zero value and an error.
func decodeAs[T any, M message[T]](data []byte, t messageType) (T, error) {
	var v T
	if err := decode(data, t, M(&v).fields); err != nil {
		var zero T
		return zero, err
	}
	return v, nil
}

func (c *codec) check(ok bool, what string) {
	if !ok && c.failure == "" {
		c.failure = what
	}
}

// take returns the next n bytes, or nil if there are not so many.
func (c *codec) take(n int) []byte {
	c.check(n <= len(c.buf), "too short")
	if c.failure != "" {
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

// bytes is a field of fixed length.
func (c *codec) bytes(b []byte) {
	if c.reading {
		copy(b, c.take(len(b)))
	} else {
		c.buf = append(c.buf, b...)
	}
}

func (c *codec) byte(v *byte) {
	b := [1]byte{*v}
	c.bytes(b[:])
	*v = b[0]
}

func (c *codec) uint16(v *uint16) {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], *v)
	c.bytes(b[:])
	*v = binary.BigEndian.Uint16(b[:])
}

func (c *codec) uint32(v *uint32) {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], *v)
	c.bytes(b[:])
	*v = binary.BigEndian.Uint32(b[:])
}

func (c *codec) uint64(v *uint64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], *v)
	c.bytes(b[:])
	*v = binary.BigEndian.Uint64(b[:])
}

// time is a number of seconds since 1970, positive.
func (c *codec) time(v *int64) {
	u := uint64(*v)
	c.uint64(&u)
	*v = int64(u)
	c.check(*v > 0, "time")
}

// text is a short UTF-8 string.
func (c *codec) text(s *string, max int) {
	n := uint16(min(len(*s), 1<<16-1))
	c.check(len(*s) <= max, "text too long")
	c.uint16(&n)
	c.check(int(n) <= max, "text too long")
	if c.reading {
		*s = string(c.take(int(n)))
	} else {
		c.buf = append(c.buf, *s...)
	}
	c.check(utf8.ValidString(*s), "text is not UTF-8")
}

func (c *codec) felt(f *felt.Felt) {
	b := f.Bytes()
	c.bytes(b[:])
	if c.reading && c.failure == "" {
		var err error
		*f, err = felt.FromBytes(b[:])
		c.check(err == nil, "felt")
	}
}

func (c *codec) program(p *proof.Program) {
	var s string
	if !c.reading {
		c.check(p.Validate() == nil, "program")
		s = p.String()
	}
	c.text(&s, program.MaxText)
	if c.reading && c.failure == "" {
		c.check(p.UnmarshalText([]byte(s)) == nil, "program")
	}
}

func (c *codec) profile(p *proof.Profile) {
	c.byte((*byte)(p))
	c.check(p.Validate() == nil, "profile")
}

func (c *codec) peer(p *transport.PeerID) {
	s := string(*p)
	n := byte(min(len(s), 255))
	c.byte(&n)
	if c.reading {
		s = string(c.take(int(n)))
	} else {
		c.buf = append(c.buf, s...)
	}
	*p = transport.PeerID(s)
	c.check(p.Valid(), "peer")
}

func (c *codec) amount(a *elgamal.Amount) {
	c.uint64((*uint64)(a))
	c.check(a.Valid(), "amount")
}

func (c *codec) publicKey(k *elgamal.PublicKey) {
	b := make([]byte, 2*elgamal.FeltBytes)
	if !c.reading {
		c.check(k.Valid(), "ElGamal key")
		copy(b, k.Bytes())
	}
	c.bytes(b)
	if c.reading && c.failure == "" {
		var err error
		*k, err = elgamal.DecodePublicKey(b)
		c.check(err == nil, "ElGamal key")
	}
}

func (c *codec) signature(s *starksig.Signature) {
	b := make([]byte, starksig.Size)
	if !c.reading {
		copy(b, s.Bytes())
	}
	c.bytes(b)
	if c.failure == "" {
		var err error
		*s, err = starksig.Parse(b)
		c.check(err == nil, "signature")
	}
}
