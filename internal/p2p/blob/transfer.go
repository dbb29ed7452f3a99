package blob

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/bitsage/bitsage/internal/p2p"
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
var Protocol = p2p.Protocol{
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

// Serve answers requests for the blobs of a store, until the host is closed.
func Serve(host p2p.Host, store Store) error {
	return host.Handle(Protocol, func(_ context.Context, _ p2p.PeerID, b []byte) ([]byte, error) {
		r, err := decodeRequest(b)
		if err != nil {
			return nil, err
		}
		data, err := store.Bytes(r.id)
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
func Fetch(ctx context.Context, host p2p.Host, peers []p2p.PeerID, id ID, max int) ([]byte, error) {
	if !id.Valid() {
		return nil, ErrKind
	}
	f := fetch{host: host, id: id, max: int64(max)}
	failed := &p2p.PeersError{What: "blob " + id.String()}
	for _, peer := range peers {
		if peer == host.ID() {
			continue
		}
		mixed := len(f.data) > 0
		err := f.from(ctx, peer)
		if mixed && errors.Is(err, ErrDeceived) { // it may have been the one before
			err = f.from(ctx, peer)
		}
		if err == nil {
			return f.data, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		failed.Add(peer, err)
	}
	return nil, failed
}

// fetch is a blob that arrives in parts.
type fetch struct {
	host p2p.Host
	id   ID
	max  int64

	total int64 // as the peers say; 0 before the first part
	data  []byte
}

// from asks one peer for what is missing. After ErrDeceived nothing of the data is
// left.
func (f *fetch) from(ctx context.Context, peer p2p.PeerID) error {
	for f.total == 0 || int64(len(f.data)) < f.total {
		if err := f.part(ctx, peer); err != nil {
			return err
		}
	}
	if IDOf(f.id.Kind, f.data) != f.id {
		return f.deceived()
	}
	return nil
}

func (f *fetch) part(ctx context.Context, peer p2p.PeerID) error {
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
	return nil
}

func (f *fetch) deceived() error {
	f.total, f.data = 0, nil
	return ErrDeceived
}
