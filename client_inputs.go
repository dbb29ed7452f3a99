package bitsage

import (
	"sync"

	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
)

// inputs are the parts of inputs that a client is handing over, and to which peers. The
// zero value is empty.
type inputs struct {
	mu      sync.Mutex
	offered map[offered][]byte
	count   map[offered]int
}

// offered is a part that a peer may fetch.
type offered struct {
	peer transport.PeerID
	id   blob.ID
}

// offer lets a peer fetch the input of a task, until the returned function is called.
func (in *inputs) offer(peer transport.PeerID, t *proof.Task, input []byte) (withdraw func()) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.offered == nil {
		in.offered, in.count = make(map[offered][]byte), make(map[offered]int)
	}
	ids := inputsOf(t)
	for i, part := range t.Program.Parts(input) {
		o := offered{peer, ids[i]}
		in.offered[o] = part
		in.count[o]++
	}
	return func() {
		in.mu.Lock()
		defer in.mu.Unlock()
		for _, id := range ids {
			o := offered{peer, id}
			if in.count[o]--; in.count[o] == 0 {
				delete(in.offered, o)
				delete(in.count, o)
			}
		}
	}
}

// bytes returns a part to a peer to which it was offered.
func (in *inputs) bytes(from transport.PeerID, id blob.ID) ([]byte, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if part, ok := in.offered[offered{from, id}]; ok {
		return part, nil
	}
	return nil, blob.ErrNotFound
}
