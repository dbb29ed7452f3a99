package ledger

import (
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
)

// TestNestedCallError wants the data of a call that failed in a call in a call as devnet
// has it: that of all three.
func TestNestedCallError(t *testing.T) {
	e := &cairo.Reverted{Data: []felt.Felt{cairo.ShortString("A")}}
	const failed = `\"0x454e545259504f494e545f4641494c4544\"` // ENTRYPOINT_FAILED
	for depth, want := range []string{
		1: `"[\"0x41\"]"`,
		2: `"[\"0x41\",` + failed + `,\"0x41\"]"`,
		3: `"[\"0x41\",` + failed + `,` + failed + `,\"0x41\",` + failed + `,\"0x41\"]"`,
	} {
		if depth == 0 {
			continue
		}
		inner := callError(e, make([]cairo.Site, depth)).(map[string]any)["revert_error"]
		for range depth {
			inner = inner.(callFailure).Error
		}
		if got := string(encode(inner)); got != want {
			t.Errorf("%d calls: %s, want %s", depth, got, want)
		}
	}
}
