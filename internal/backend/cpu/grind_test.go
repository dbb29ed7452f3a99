package cpu

import (
	"context"
	"testing"

	"github.com/bitsage/bitsage/internal/impl/impltest"
	"github.com/bitsage/bitsage/internal/stark"
)

// BenchmarkGrind reports nonces a second of all threads.
func BenchmarkGrind(b *testing.B) {
	ch := stark.Blake2s.NewChannel()
	ch.MixU64(3)
	pow := ch.Pow(20)
	impltest.Bench(b, "20", func(b *testing.B) {
		var nonce uint64
		for b.Loop() {
			var err error
			if nonce, err = (Backend{}).Grind(context.Background(), pow); err != nil || !pow.Check(nonce) {
				b.Fatalf("nonce %d, %v", nonce, err)
			}
		}
		b.ReportMetric(float64(b.N)*float64(nonce)/b.Elapsed().Seconds()/1e6, "Mnonces/s")
	})
}
