package p2p

import (
	"testing"

	"github.com/bitsage/bitsage/internal/p2p/p2ptest"
)

func TestMemoryConforms(t *testing.T) {
	p2ptest.Run(t, func(t *testing.T) p2ptest.Network {
		m := NewMemory(1, Faults{})
		t.Cleanup(func() { m.Close() })
		return p2ptest.Network{Join: m.Join, VirtualTime: true, Cut: m.Cut}
	})
}

// TestLoopbackConforms shows that the suite suits a network of sockets.
func TestLoopbackConforms(t *testing.T) {
	p2ptest.Run(t, func(t *testing.T) p2ptest.Network {
		return p2ptest.Network{Join: newLoopback().join}
	})
}
