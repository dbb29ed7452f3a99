package blob

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/transport"
)

// serve adds a host that serves a store with the blobs.
func serve(t testing.TB, m *p2p.Memory, blobs ...[]byte) transport.Host {
	t.Helper()
	h, s := m.Host(), NewMemory(1<<30)
	for _, b := range blobs {
		if _, err := s.Put(Data, b); err != nil {
			t.Fatal(err)
		}
	}
	require.NoError(t, Serve(h, Anyone(s)))
	return h
}

// liar adds a host that answers as it likes.
func liar(t *testing.T, m *p2p.Memory, answer func(r request) []byte) transport.Host {
	t.Helper()
	h, p := m.Host(), Protocol
	p.MaxResponse = 1 << 30
	if err := h.Handle(p, func(_ context.Context, _ transport.PeerID, b []byte) ([]byte, error) {
		r, err := decodeRequest(b)
		if err != nil {
			return nil, err
		}
		return answer(r), nil
	}); err != nil {
		t.Fatal(err)
	}
	return h
}

func ids(hosts ...transport.Host) (peers []transport.PeerID) {
	for _, h := range hosts {
		peers = append(peers, h.ID())
	}
	return peers
}

func TestFetch(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	client := m.Host()
	for _, n := range []int{1, Chunk - 1, Chunk, Chunk + 1, 3 * Chunk} {
		data := fill(n, 1)
		h := serve(t, m, data)
		got, err := Fetch(t.Context(), client, ids(client, h), IDOf(Data, data), n)
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: %d, %v", n, len(got), err)
		}
		if _, err := Fetch(t.Context(), client, ids(h), IDOf(Data, data), n-1); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes, one less wanted: %v", n, err)
		}
	}
	if _, err := Fetch(t.Context(), client, nil, ID{}, 1); !errors.Is(err, ErrKind) {
		t.Error(err)
	}
	var nobody *p2p.PeersError
	if _, err := Fetch(t.Context(), client, ids(client), IDOf(Data, nil), 1); !errors.As(err, &nobody) || len(nobody.Peers) != 0 {
		t.Error(err)
	}
}

// TestFetchProof addresses a proof by its identity, from the disk.
func TestFetchProof(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	client, h := m.Host(), m.Host()
	d, err := OpenDisk(t.TempDir(), MaxBytes)
	require.NoError(t, err)
	data := fill(MaxProof, 1)
	id := put(t, d, Proof, data)
	require.NoError(t, Serve(h, Anyone(d)))
	if got, err := Fetch(t.Context(), client, ids(h), id, MaxProof); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := Fetch(t.Context(), client, ids(h), ID{Data, id.Digest}, MaxProof); err == nil {
		t.Error("found under another kind")
	}
}

// TestLiars: none of them is believed, none costs more than a few messages, and the
// honest peer behind them still serves.
func TestLiars(t *testing.T) {
	data := fill(3*Chunk+5, 1)
	id := IDOf(Data, data)
	cut := func(r request) part {
		end := min(r.offset+Chunk, int64(len(data)))
		return part{int64(len(data)), data[r.offset:end]}
	}
	for _, c := range []struct {
		name     string
		answer   func(r request) []byte
		want     error
		messages int
	}{
		{"wrong bytes", func(r request) []byte { p := cut(r); p.data = make([]byte, len(p.data)); return p.encode() }, ErrDeceived, 4},
		{"endless", func(r request) []byte { return part{MaxBytes, make([]byte, Chunk)}.encode() }, ErrTooLarge, 1},
		{"grows", func(r request) []byte {
			return part{min(int64(len(data)), r.offset+2*Chunk), make([]byte, Chunk)}.encode()
		}, ErrDeceived, 2},
		{"shorter than it says", func(r request) []byte { p := cut(r); p.data = p.data[1:]; return p.encode() }, ErrDeceived, 1},
		{"longer than it says", func(r request) []byte { p := cut(r); p.data = append(bytes.Clone(p.data), 0); return p.encode() }, nil, 1},
		{"byte by byte", func(r request) []byte { p := cut(r); p.data = p.data[:1]; return p.encode() }, ErrDeceived, 1},
		{"small and long", func(r request) []byte { return part{1, []byte{1, 2}}.encode() }, ErrDeceived, 1},
		{"another blob", func(r request) []byte { return part{3, []byte("abc")}.encode() }, ErrDeceived, 1},
		{"no bytes", func(r request) []byte { return part{0, nil}.encode() }, ErrDeceived, 1},
		{"larger than anything", func(r request) []byte { return part{-1, make([]byte, Chunk)}.encode() }, ErrDeceived, 1},
		{"another version", func(r request) []byte { b := cut(r).encode(); b[0]++; return b }, ErrDeceived, 1},
		{"nothing", func(r request) []byte { return nil }, ErrDeceived, 1},
		{"a flood", func(r request) []byte { return make([]byte, 8<<20) }, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := p2p.NewMemory(1, p2p.Faults{})
			defer m.Close()
			messages := 0
			bad := liar(t, m, func(r request) []byte { messages++; return c.answer(r) })
			client, good := m.Host(), serve(t, m, data)
			_, err := Fetch(t.Context(), client, ids(bad), id, len(data))
			var failed *p2p.PeersError
			var size *transport.SizeError
			if !errors.As(err, &failed) || c.want != nil && !errors.Is(err, c.want) || c.want == nil && !errors.As(err, &size) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if messages != c.messages {
				t.Errorf("%d messages", messages)
			}
			got, err := Fetch(t.Context(), client, ids(bad, good), id, len(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("from the honest peer: %v", err)
			}
		})
	}
}

// TestLiarThatBreaksOff sends a wrong part and leaves; the honest peer that goes on
// is not taken for the liar.
func TestLiarThatBreaksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := fill(3*Chunk, 1)
		for name, total := range map[string]int64{"wrong part": int64(len(data)), "wrong size": 2 * Chunk} {
			m := p2p.NewMemory(1, p2p.Faults{})
			bad := m.Host()
			bad.Handle(Protocol, func(_ context.Context, _ transport.PeerID, b []byte) ([]byte, error) {
				if binary.BigEndian.Uint64(b[34:]) > 0 {
					return nil, errors.New("no more")
				}
				return part{total, make([]byte, Chunk)}.encode(), nil
			})
			got, err := Fetch(t.Context(), m.Host(), ids(bad, serve(t, m, data)), IDOf(Data, data), len(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %v", name, err)
			}
			m.Close()
		}
	})
}

// TestFetchGoesOn: the second peer continues where the first one crashed.
func TestFetchGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{Latency: time.Second})
		defer m.Close()
		data := fill(8*Chunk, 1)
		first, client := serve(t, m, data), m.Host()
		var offsets []int64
		second := liar(t, m, func(r request) []byte {
			offsets = append(offsets, r.offset)
			return part{int64(len(data)), data[r.offset:][:Chunk]}.encode()
		})
		time.AfterFunc(7*time.Second, func() { m.Crash(first.ID()) })
		got, err := Fetch(t.Context(), client, ids(first, second), IDOf(Data, data), len(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatal(err)
		}
		if want := []int64{3 * Chunk, 4 * Chunk, 5 * Chunk, 6 * Chunk, 7 * Chunk}; !slices.Equal(offsets, want) {
			t.Errorf("the second peer was asked for %v", offsets)
		}
	})
}

func TestFetchOverBadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := fill(20*Chunk, 1)
		for seed := range uint64(4) {
			m := p2p.NewMemory(seed, p2p.Faults{Latency: 20 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: 0.1})
			got, err := Fetch(t.Context(), m.Host(), ids(serve(t, m, data)), IDOf(Data, data), len(data))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("seed %d: %v", seed, err)
			}
			m.Close()
		}
	})
}

// TestFetchSilence: a peer that says nothing costs one timeout, and the context
// ends the wait.
func TestFetchSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := p2p.NewMemory(1, p2p.Faults{})
		defer m.Close()
		data := fill(10, 1)
		mute, good, client := serve(t, m, data), serve(t, m, data), m.Host()
		m.Cut(client.ID(), mute.ID())
		begin := time.Now()
		if _, err := Fetch(t.Context(), client, ids(mute, good), IDOf(Data, data), 10); err != nil || time.Since(begin) != Protocol.Timeout {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin = time.Now()
		if _, err := Fetch(ctx, client, ids(mute, good), IDOf(Data, data), 10); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		// While it pauses, too.
		m.Crash(good.ID())
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := Fetch(ctx, client, ids(good), IDOf(Data, data), 10); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

type brokenStore struct{ Store }

func (brokenStore) Bytes(ID) ([]byte, error) { return nil, errors.New("secret path") }

// TestServeRefuses sends requests that no honest peer sends.
func TestServeRefuses(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	data := fill(Chunk, 1)
	server, client, broken := serve(t, m, data), m.Host(), m.Host()
	id := IDOf(Data, data)
	good := request{id, 0}.encode()
	change := func(i int, v byte) []byte { b := bytes.Clone(good); b[i] = v; return b }
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[1:], "version": change(0, 2), "kind": change(1, 3), "not there": change(2, ^good[2]),
		"unaligned": request{id, 1}.encode(), "at the end": request{id, Chunk}.encode(),
		"beyond all blobs": request{id, MaxBytes}.encode(), "negative": request{id, -Chunk}.encode(),
	} {
		var remote *transport.RemoteError
		if _, err := client.Request(t.Context(), server.ID(), Protocol, b); !errors.As(err, &remote) {
			t.Errorf("%s: %v", name, err)
		}
	}
	require.NoError(t, Serve(broken, Anyone(brokenStore{})))
	if _, err := client.Request(t.Context(), broken.ID(), Protocol, good); err == nil || bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("the server tells: %v", err)
	}
}

// TestServeSome: who may not have a blob cannot tell whether it is there.
func TestServeSome(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	data := fill(10, 1)
	id, missing := IDOf(Data, data), IDOf(Data, fill(10, 2))
	server, friend, stranger := m.Host(), m.Host(), m.Host()
	store := NewMemory(100)
	put(t, store, Data, data)
	if err := Serve(server, func(from transport.PeerID, id ID) ([]byte, error) {
		if from != friend.ID() {
			return nil, ErrNotFound
		}
		return store.Bytes(id)
	}); err != nil {
		t.Fatal(err)
	}
	if got, err := Fetch(t.Context(), friend, ids(server), id, 10); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%x %v", got, err)
	}
	for what, ask := range map[string]func() (ID, transport.Host){
		"a stranger": func() (ID, transport.Host) { return id, stranger }, "what is not there": func() (ID, transport.Host) { return missing, friend },
	} {
		id, host := ask()
		var remote *transport.RemoteError
		if _, err := host.Request(t.Context(), server.ID(), Protocol, request{id, 0}.encode()); !errors.As(err, &remote) || remote.Text != ErrNotFound.Error() {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestDownloadGoesOn: what has come is not asked for again, after an error, and is
// asked for again after a lie.
func TestDownloadGoesOn(t *testing.T) {
	m := p2p.NewMemory(1, p2p.Faults{})
	defer m.Close()
	data := fill(3*Chunk+5, 1)
	calls, arrived := 0, 0
	var lie bool
	server := m.Host()
	if err := Serve(server, func(_ transport.PeerID, id ID) ([]byte, error) {
		if calls++; calls == 3 {
			return nil, errors.New("not now")
		}
		if lie {
			return make([]byte, len(data)), nil
		}
		return data, nil
	}); err != nil {
		t.Fatal(err)
	}
	d := NewDownload(m.Host(), IDOf(Data, data), len(data), func(n int) { arrived += n })
	var remote *transport.RemoteError
	if _, err := d.From(t.Context(), server.ID()); !errors.As(err, &remote) || arrived != 2*Chunk {
		t.Errorf("%v after %d bytes", err, arrived)
	}
	lie = true
	if _, err := d.From(t.Context(), server.ID()); !errors.Is(err, ErrDeceived) || calls != 5 {
		t.Errorf("%v after %d requests", err, calls)
	}
	lie = false
	for range 2 { // the second time it is there already
		if got, err := d.From(t.Context(), server.ID()); err != nil || !bytes.Equal(got, data) || calls != 9 {
			t.Errorf("%v after %d requests", err, calls)
		}
	}
	if want := len(data) + 2*Chunk + len(data) - 2*Chunk; arrived != want {
		t.Errorf("%d bytes arrived, want %d", arrived, want)
	}
}

// FuzzMessages: what decodes has this encoding and no other.
func FuzzMessages(f *testing.F) {
	r := request{ID{Data, Digest{1}}, Chunk}
	f.Add(r.encode(), part{Chunk + 3, []byte("abc")}.encode())
	f.Add(request{ID{Proof, Digest{1}}, 0}.encode(), part{1, []byte("a")}.encode())
	f.Fuzz(func(t *testing.T, a, b []byte) {
		r, err := decodeRequest(a)
		if err != nil {
			r = request{ID{Data, Digest{1}}, Chunk}
		} else if !bytes.Equal(r.encode(), a) {
			t.Errorf("%x decodes as %+v", a, r)
		}
		if p, err := decodePart(b, r); err == nil && (!bytes.Equal(p.encode(), b) || p.total > MaxBytes || len(p.data) > Chunk) {
			t.Errorf("%x decodes as a part of %d", b, p.total)
		}
	})
}

func BenchmarkFetch(b *testing.B) {
	for _, n := range []int{1 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("%dMiB", n>>20), func(b *testing.B) {
			m := p2p.NewMemory(1, p2p.Faults{})
			defer m.Close()
			data := fill(n, 1)
			client, h := m.Host(), serve(b, m, data)
			b.SetBytes(int64(n))
			for b.Loop() {
				if _, err := Fetch(b.Context(), client, ids(h), IDOf(Data, data), n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
