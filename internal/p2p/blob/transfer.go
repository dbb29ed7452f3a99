package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/transport"
)

// Chunk is the number of bytes in every part of a blob but the last.
const Chunk = 1 << 20

// version opens requests and responses.
const version = 1

const (
	requestSize = 1 + 1 + len(Digest{}) + 8
	headerSize  = 1 + 8
)

// Protocol fetches a part of a blob.
var Protocol = transport.Protocol{
	Name:        "/bitsage/blob/1",
	MaxRequest:  requestSize,
	MaxResponse: headerSize + Chunk,
	Timeout:     30 * time.Second,
	Concurrency: 32,
	PerPeer:     4,
}

var errMessage = errors.New("blob: malformed message")

// request asks for the part of a blob at an offset, a multiple of Chunk.
type request struct {
	id     ID
	offset int64
}

func (r request) encode() []byte {
	b := append([]byte{version, byte(r.id.Kind)}, r.id.Digest[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(r.offset))
}

func decodeRequest(b []byte) (r request, err error) {
	if len(b) != requestSize || b[0] != version {
		return r, errMessage
	}
	r.id = ID{Kind(b[1]), Digest(b[2:34])}
	offset := binary.BigEndian.Uint64(b[34:])
	if !r.id.Valid() || offset >= uint64(r.id.Kind.Max()) || offset%Chunk != 0 {
		return r, errMessage
	}
	r.offset = int64(offset)
	return r, nil
}

// part is a part of a blob of total bytes.
type part struct {
	total int64
	data  []byte
}

func (p part) encode() []byte {
	b := make([]byte, 0, headerSize+len(p.data))
	b = binary.BigEndian.AppendUint64(append(b, version), uint64(p.total))
	return append(b, p.data...)
}

// decodePart reads the answer to a request. A part has exactly the bytes that it
// must have, so that a peer can neither send without end nor byte by byte.
func decodePart(b []byte, r request) (p part, err error) {
	if len(b) < headerSize || b[0] != version {
		return p, errMessage
	}
	total := binary.BigEndian.Uint64(b[1:])
	if total <= uint64(r.offset) || total > uint64(r.id.Kind.Max()) {
		return p, errMessage
	}
	p = part{int64(total), b[headerSize:]}
	if int64(len(p.data)) != min(Chunk, p.total-r.offset) {
		return p, errMessage
	}
	return p, nil
}

// Serve answers requests for blobs, until the host is closed. bytes returns what a peer
// may have, or ErrNotFound.
func Serve(host transport.Host, bytes func(from transport.PeerID, id ID) ([]byte, error)) error {
	return host.Handle(Protocol, func(_ context.Context, from transport.PeerID, b []byte) ([]byte, error) {
		r, err := decodeRequest(b)
		if err != nil {
			return nil, err
		}
		data, err := bytes(from, r.id)
		switch {
		case errors.Is(err, ErrNotFound):
			return nil, ErrNotFound
		case err != nil:
			return nil, errors.New("blob: the store failed") // the reason is for the owner
		case r.offset >= int64(len(data)):
			return nil, errMessage
		}
		end := min(r.offset+Chunk, int64(len(data)))
		return part{int64(len(data)), data[r.offset:end]}.encode(), nil
	})
}

// Anyone is for Serve: it hands out all blobs of a store.
func Anyone(s Store) func(transport.PeerID, ID) ([]byte, error) {
	return func(_ transport.PeerID, id ID) ([]byte, error) { return s.Bytes(id) }
}

var (
	// ErrDeceived means that a peer sent data which does not hash to the name, or
	// parts that do not belong together.
	ErrDeceived = errors.New("blob: the peer sent something else")
	// ErrTooLarge means that a peer offers more bytes than the caller wants.
	ErrTooLarge = errors.New("blob: larger than wanted")
)

// Fetch gets a blob of at most max bytes from the first of the peers that has it,
// and checks its hash. When a peer breaks off, the next one goes on where it
// stopped. It fails with a *p2p.PeersError or the error of ctx.
func Fetch(ctx context.Context, host transport.Host, peers []transport.PeerID, id ID, max int) ([]byte, error) {
	if !id.Valid() {
		return nil, ErrKind
	}
	f := NewDownload(host, id, max, nil)
	failed := &p2p.PeersError{What: "blob " + id.String()}
	for _, peer := range peers {
		if peer == host.ID() {
			continue
		}
		mixed := len(f.data) > 0
		data, err := f.From(ctx, peer)
		if mixed && errors.Is(err, ErrDeceived) { // it may have been the one before
			data, err = f.From(ctx, peer)
		}
		if err == nil {
			return data, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed.Add(peer, err)
	}
	return nil, failed
}

// Download is a blob that arrives in parts. It is not safe for concurrent use.
type Download struct {
	host    transport.Host
	id      ID
	max     int64
	arrived func(n int)

	total int64 // as the peers say; 0 before the first part
	data  []byte
}

// NewDownload begins to get a blob of at most max bytes. arrived, if not nil, is told of
// the bytes of each part that comes.
func NewDownload(host transport.Host, id ID, max int, arrived func(n int)) *Download {
	if arrived == nil {
		arrived = func(int) {}
	}
	return &Download{host: host, id: id, max: int64(max), arrived: arrived}
}

// From asks one peer for what is missing and returns the blob, checked. After an error
// it may be called again, and goes on with what has come; after ErrDeceived nothing of
// that is left.
func (f *Download) From(ctx context.Context, peer transport.PeerID) ([]byte, error) {
	for f.total == 0 || int64(len(f.data)) < f.total {
		if err := f.part(ctx, peer); err != nil {
			return nil, err
		}
	}
	if IDOf(f.id.Kind, f.data) != f.id {
		return nil, f.deceived()
	}
	return f.data, nil
}

func (f *Download) part(ctx context.Context, peer transport.PeerID) error {
	r := request{f.id, int64(len(f.data))}
	b, err := p2p.Ask(ctx, f.host, peer, Protocol, r.encode())
	if err != nil {
		return err
	}
	p, err := decodePart(b, r)
	if err != nil || f.total != 0 && p.total != f.total {
		return f.deceived()
	}
	if p.total > f.max {
		return ErrTooLarge
	}
	if f.total == 0 {
		f.total, f.data = p.total, make([]byte, 0, p.total)
	}
	f.data = append(f.data, p.data...)
	f.arrived(len(p.data))
	return nil
}

func (f *Download) deceived() error {
	f.total, f.data = 0, nil
	return ErrDeceived
}
