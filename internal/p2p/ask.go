package p2p

import (
	"context"
	"errors"
	"time"

	"github.com/bitsage/bitsage/transport"
)

// How often Ask asks, with pauses that double from the first one.
const (
	attempts   = 7
	firstPause = 50 * time.Millisecond
)

// Ask is transport.Host.Request for requests that may be repeated. It asks again, after a
// pause, when the peer is busy or the connection to it breaks, and gives up after
// about three seconds of pauses. A peer that is silent for the protocol's timeout
// is not asked again.
func Ask(ctx context.Context, host transport.Host, peer transport.PeerID, protocol transport.Protocol, request []byte) ([]byte, error) {
	pause := firstPause
	for n := 1; ; n++ {
		response, err := host.Request(ctx, peer, protocol, request)
		if n == attempts || !errors.Is(err, transport.ErrBusy) && !errors.Is(err, transport.ErrUnreachable) {
			return response, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		pause *= 2
	}
}
