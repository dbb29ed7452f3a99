package bitsage

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestDearQuotes: workers that want more than the client pays, and say so at once, do not
// end its search for others.
func TestDearQuotes(t *testing.T) {
	w := newWorld(t, 0)
	asked := make(chan struct{}, 1)
	dear := WorkerConfig{Config: w.config(2000), Stake: SAGE(2000), Price: func(Estimate) Amount {
		asked <- struct{}{}
		return SAGE(50)
	}}
	cheap := WorkerConfig{Config: w.config(2000), Stake: SAGE(2000), Price: func(e Estimate) Amount {
		<-asked
		time.Sleep(200 * time.Millisecond) // the dear one's quote arrives first
		return DefaultPrice(e)
	}}
	w.start(w.newWorker(dear))
	second := w.newWorker(cheap)
	w.start(second)
	w.client.asking.Enough = 1
	quotes, err := w.client.Quotes(t.Context(), smallJob(""))
	require.NoError(t, err)
	require.Len(t, quotes, 1)
	require.Equal(t, second.Address(), quotes[0].quote.Worker)
}
