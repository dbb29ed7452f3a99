package bitsage

import (
	"context"
	"crypto/ed25519"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/transport"
	"github.com/bitsage/bitsage/wallet"
)

// TestRunOnce: a role that has run refuses to run again, in words and not by a panic.
func TestRunOnce(t *testing.T) {
	w := newWorld(t, 0)
	w.start(w.worker)()
	require.ErrorIs(t, w.worker.Run(t.Context()), errRan)
	v := w.newValidator()
	run(t, v)
	<-v.Ready()
	require.ErrorIs(t, v.Run(t.Context()), errRan)
}

// shut is a transport that nobody gets into.
type shut struct{ tried chan struct{} }

func (s shut) Join(ctx context.Context, _ ed25519.PrivateKey) (transport.Host, error) {
	s.tried <- struct{}{}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// TestSlowJoin: while one call waits for the transport, another one ends with its own
// context, and Close ends all.
func TestSlowJoin(t *testing.T) {
	w := newNetwork(t)
	cfg := w.config(1)
	s := shut{make(chan struct{}, 1)}
	cfg.Transport = s
	c, err := NewClient(cfg)
	require.NoError(t, err)
	first := make(chan error, 1)
	go func() {
		_, err := c.Quotes(context.Background(), smallJob(""))
		first <- err
	}()
	<-s.tried
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Quotes(ctx, smallJob(""))
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-first, context.Canceled)
	_, err = c.Quotes(t.Context(), smallJob(""))
	require.ErrorIs(t, err, errClientClosed)
	require.NoError(t, c.Close())
}

// TestSignerMended: a wrong signer does not stay with the account when another role, or
// the same one made anew, has the right one.
func TestSignerMended(t *testing.T) {
	w := newNetwork(t)
	right := w.config(10)
	wrong := right
	wrong.Account, wrong.Address, wrong.Signer = nil, right.Account.Address(), wallet.GenerateKey()
	wrong.PaymentKey = paymentKey(t, right.Account)
	_, err := w.newClient(wrong, 0).Deposit(t.Context(), SAGE(1))
	require.Error(t, err)
	_, err = w.newClient(right, 0).Deposit(t.Context(), SAGE(1))
	require.NoError(t, err)
}

func paymentKey(t *testing.T, a *wallet.Account) elgamal.SecretKey {
	t.Helper()
	key, err := PaymentKey(a)
	require.NoError(t, err)
	return key
}

// TestLocalClosed: nothing begins on a local network that is closed, nor comes back of its
// folder, and to close it again does nothing.
func TestLocalClosed(t *testing.T) {
	n, err := Local(t.Context(), LocalConfig{Workers: -1, Validators: -1, Logger: logs()})
	require.NoError(t, err)
	account, err := n.NewAccount(t.Context(), SAGE(2000))
	require.NoError(t, err)
	w, err := NewWorker(WorkerConfig{Config: Config{Network: n.Network, Account: account, Dir: filepath.Join(n.dir, "late"), Logger: logs()}})
	require.NoError(t, err)
	c, err := NewClient(Config{Network: n.Network, Account: account, Logger: logs()})
	require.NoError(t, err)
	var group sync.WaitGroup
	group.Go(func() { n.adopt(c) })
	require.NoError(t, n.Close())
	group.Wait()
	require.ErrorIs(t, n.Start(t.Context(), w), errLocalClosed)
	require.ErrorIs(t, n.adopt(c), errLocalClosed)
	require.NoDirExists(t, n.dir)
	require.NoError(t, n.Close())
}
