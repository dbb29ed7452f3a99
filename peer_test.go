package bitsage

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/internal/p2p"
	"github.com/bitsage/bitsage/internal/p2p/blob"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

func peerOf(t *testing.T, dir string) transport.PeerID {
	t.Helper()
	key, err := PeerKey(dir)
	require.NoError(t, err)
	return transport.PeerOf(key.Public().(ed25519.PublicKey))
}

// TestPeerKey wants a folder to have one identity, in a file that other programs read.
func TestPeerKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "role")
	first := peerOf(t, dir)
	require.True(t, first.Valid())
	require.Equal(t, first, peerOf(t, dir))
	require.NotEqual(t, peerOf(t, ""), peerOf(t, ""))
	info, err := os.Stat(filepath.Join(dir, "peer.pem"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	moved := t.TempDir()
	data, err := os.ReadFile(filepath.Join(dir, "peer.pem"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(moved, "peer.pem"), data, 0o600))
	require.Equal(t, first, peerOf(t, moved))
}

// TestPeerKeyDamaged wants no new identity in place of one that cannot be read.
func TestPeerKeyDamaged(t *testing.T) {
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(other)
	require.NoError(t, err)
	good := filepath.Join(t.TempDir(), "good")
	peerOf(t, good)
	whole, err := os.ReadFile(filepath.Join(good, "peer.pem"))
	require.NoError(t, err)
	for name, data := range map[string][]byte{
		"empty":     {},
		"cut":       whole[:len(whole)/2],
		"two keys":  append(append([]byte(nil), whole...), whole...),
		"RSA":       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		"other PEM": pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "peer.pem"), data, 0o600))
		_, err := PeerKey(dir)
		require.ErrorContains(t, err, "restore it from a backup", name)
		kept, err := os.ReadFile(filepath.Join(dir, "peer.pem"))
		require.NoError(t, err)
		require.Equal(t, data, kept, name)
	}
}

// TestNewPeer has a worker come back without its folder: its operator publishes the new
// peer, without the staker's key, and clients find it.
func TestNewPeer(t *testing.T) {
	w := newNetwork(t)
	staker := w.config(2000)
	cfg := WorkerConfig{Config: w.config(10), Staker: staker.Account, Stake: SAGE(2000)}
	cfg.Dir = t.TempDir()
	first := w.newWorker(cfg)
	w.start(first)()
	cfg.Staker, cfg.StakerAddress, cfg.Dir = nil, first.Address(), t.TempDir()
	second := w.newWorker(cfg)
	w.start(second)
	require.NotEqual(t, first.host.ID(), second.host.ID())
	published, err := w.network.staking.Worker(t.Context(), first.Address())
	require.NoError(t, err)
	require.Equal(t, string(second.host.ID()), published.PeerID)
	quotes, err := w.newClient(w.config(1), 0).Quotes(t.Context(), smallJob(""))
	require.NoError(t, err)
	require.Equal(t, second.host.ID(), quotes[0].quote.Peer)
}

// TestDirectory has validators found by the records that they sign, and nobody by those
// of strangers, of another key, from the future, or older than what is known.
func TestDirectory(t *testing.T) {
	w := newWorld(t, 2)
	ctx := t.Context()
	for _, v := range w.validators {
		<-v.Ready()
	}
	d := w.network.directory
	poll(t, "the records of the validators", func() bool { return len(d.validators("")) == 2 })
	v := w.validators[0]
	require.Equal(t, []transport.PeerID{w.validators[1].host.ID()}, d.validators(v.host.ID()))

	elsewhere := w.network.memory.Host().ID()
	sign := func(key wallet.Signer, r wire.PeerRecord) wire.PeerRecord {
		r.Peer, r.Key = elsewhere, key.PublicKey()
		signed, err := r.Sign(d.domain, signing(ctx, key))
		require.NoError(t, err)
		return signed
	}
	now := time.Now().Unix()
	old, future := sign(v.cfg.VoteKey, wire.PeerRecord{Time: 1}), sign(v.cfg.VoteKey, wire.PeerRecord{Time: now + 3600})
	stranger := sign(wallet.GenerateKey(), wire.PeerRecord{Time: now})
	forged := stranger
	forged.Key, forged.Time = v.cfg.VoteKey.PublicKey(), now+1
	for name, r := range map[string]wire.PeerRecord{"old": old, "from the future": future, "of a stranger": stranger, "of another key": forged} {
		d.enter(ctx, r)
		require.NotContains(t, d.validators(""), elsewhere, name)
	}
	require.NoError(t, d.enter(ctx, sign(v.cfg.VoteKey, wire.PeerRecord{Time: now + 2})))
	require.Contains(t, d.validators(""), elsewhere)

	// Another directory learns from a peer.
	other := newDirectory(w.network.staking, d.domain)
	other.learn(ctx, w.network.memory.Host(), []transport.PeerID{w.validators[1].host.ID()})
	require.Len(t, other.validators(""), 2)
}

// TestInputsArePrivate: nobody but the worker of an offer gets the client's input, and no
// worker hands it out.
func TestInputsArePrivate(t *testing.T) {
	w := newWorld(t, 0)
	w.start(w.worker)
	j := smallJob("private")
	task := proof.NewTask(j.Program, j.Profile, j.Label, j.Input, proof.Digest{})
	w.submit(j)
	spy := w.network.memory.Host()
	for _, id := range inputsOf(&task) {
		_, err := w.worker.blobs.Bytes(id)
		require.NoError(t, err, "the worker has the input")
		for _, peer := range []transport.PeerID{w.worker.host.ID(), w.client.host.ID()} {
			_, err := blob.Fetch(t.Context(), spy, []transport.PeerID{peer}, id, blob.MaxBytes)
			require.Error(t, err, "a stranger gets the input")
		}
	}
	// While it is offered, the worker gets it and a stranger does not.
	withdraw := w.client.inputs.offer(w.worker.host.ID(), &task, j.Input)
	id := inputsOf(&task)[0]
	_, err := w.client.inputs.bytes(w.worker.host.ID(), id)
	require.NoError(t, err)
	_, err = w.client.inputs.bytes(spy.ID(), id)
	require.ErrorIs(t, err, blob.ErrNotFound)
	withdraw()
	_, err = w.client.inputs.bytes(w.worker.host.ID(), id)
	require.ErrorIs(t, err, blob.ErrNotFound)
}

// TestAnnouncedAgain: a record that comes when a stranger has just had the directory ask
// the chain, which did not know the validator yet, is not lost until the validator says
// again where it is.
func TestAnnouncedAgain(t *testing.T) {
	w := newWorld(t, 1)
	v := w.validators[0]
	<-v.Ready()
	d := newDirectory(w.network.staking, domain(w.network.settle))
	synctest.Test(t, func(t *testing.T) {
		d.asked = time.Now()
		m := p2p.NewMemory(0, p2p.Faults{})
		defer m.Close()
		ctx, cancel := context.WithCancel(t.Context())
		host := m.Host()
		go d.announce(ctx, host, func(ctx context.Context) (wire.PeerRecord, error) {
			r := wire.PeerRecord{Key: v.cfg.VoteKey.PublicKey(), Peer: host.ID(), Time: time.Now().Unix()}
			return r.Sign(d.domain, signing(ctx, v.cfg.VoteKey))
		})
		synctest.Wait()
		require.Empty(t, d.validators(""), "the record is not dropped: what is this test about?")
		time.Sleep(time.Minute)
		require.Equal(t, []transport.PeerID{host.ID()}, d.validators(""))
		cancel()
		synctest.Wait()
	})
}

// TestPeerKeyOnce: those who make a folder's key at the same time have one identity.
func TestPeerKeyOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "role")
	var group sync.WaitGroup
	var peers [16]transport.PeerID
	var errs [16]error
	for i := range peers {
		group.Go(func() {
			var key ed25519.PrivateKey
			if key, errs[i] = PeerKey(dir); errs[i] == nil {
				peers[i] = transport.PeerOf(key.Public().(ed25519.PublicKey))
			}
		})
	}
	group.Wait()
	for i, peer := range peers {
		require.NoError(t, errs[i])
		require.Equal(t, peers[0], peer)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "of temporary files")
}
