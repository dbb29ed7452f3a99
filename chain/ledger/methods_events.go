package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
)

// The limits of a query of events.
const (
	maxChunk = 1024
	maxKeys  = 256
	// maxScan is how many blocks are looked at for one page; then the page ends early.
	maxScan = 4096
)

// eventFilter is what selects events.
type eventFilter struct {
	From    *blockID        `json:"from_block"`
	To      *blockID        `json:"to_block"`
	Address json.RawMessage `json:"address"`
	Keys    [][]hexFelt     `json:"keys"`
	Chunk   *uint64         `json:"chunk_size"`
	Token   *string         `json:"continuation_token"`
}

type emitted struct {
	rpcEvent
	BlockHash *hexFelt `json:"block_hash,omitempty"`
	Block     *uint64  `json:"block_number,omitempty"`
	Tx        hexFelt  `json:"transaction_hash"`
}

func (l *Ledger) getEvents(p *struct {
	Filter *eventFilter `json:"filter"`
}) (any, *rpcError) {
	f := p.Filter
	if f.Chunk == nil || *f.Chunk == 0 {
		return nil, failData(chain.ErrInvalidParams, "chunk_size is at least 1")
	}
	if *f.Chunk > maxChunk {
		return nil, fail(chain.ErrPageTooBig)
	}
	keys := 0
	for _, k := range f.Keys {
		keys += 1 + len(k)
	}
	if keys > maxKeys {
		return nil, fail(chain.ErrTooManyKeys)
	}
	contracts, err := f.contracts()
	if err != nil {
		return nil, err
	}
	from, to, skip, err := l.eventRange(f)
	if err != nil {
		return nil, err
	}
	return l.scan(f, contracts, from, to, skip)
}

// contracts are those whose events are wanted; none are all.
func (f *eventFilter) contracts() ([]hexFelt, *rpcError) {
	if len(f.Address) == 0 || bytes.Equal(f.Address, null) {
		return nil, nil
	}
	list := []hexFelt{{}}
	var err error
	if f.Address[0] == '[' {
		err = json.Unmarshal(f.Address, &list)
	} else {
		err = json.Unmarshal(f.Address, &list[0])
	}
	if err != nil || len(list) > maxKeys {
		return nil, failData(chain.ErrInvalidParams, "address is a felt or a list of felts")
	}
	return list, nil
}

// eventRange returns the blocks to look at, both ends included, and how many of the
// matching events of the first to leave out. A token is "block-events", where to go on.
func (l *Ledger) eventRange(f *eventFilter) (from, to, skip uint64, err *rpcError) {
	if f.From != nil {
		if from, err = l.number(f.From); err != nil {
			return 0, 0, 0, err
		}
	}
	to = uint64(len(l.headers)) - 1
	if f.To != nil {
		if to, err = l.number(f.To); err != nil {
			return 0, 0, 0, err
		}
	}
	if f.Token != nil {
		block, events, ok := strings.Cut(*f.Token, "-")
		n, bad := strconv.ParseUint(block, 10, 64)
		k, worse := strconv.ParseUint(events, 10, 64)
		if !ok || bad != nil || worse != nil || n < from || n > to {
			return 0, 0, 0, fail(chain.ErrContinuationToken)
		}
		from, skip = n, k
	}
	return from, to, skip, nil
}

// scan collects a page of events.
func (l *Ledger) scan(f *eventFilter, contracts []hexFelt, from, to, skip uint64) (any, *rpcError) {
	page := struct {
		Events []emitted `json:"events"`
		Token  string    `json:"continuation_token,omitempty"`
	}{Events: []emitted{}}
	scanned := 0
	for n := from; n <= to; n, skip = n+1, 0 {
		if next := l.emitted(contracts, n); next > n {
			n, skip = next, 0
		}
		if n > to {
			break
		}
		if scanned++; scanned > maxScan {
			page.Token = fmt.Sprintf("%d-0", n)
			break
		}
		h, txs, err := l.rpcHeader(n)
		if err != nil {
			return nil, err
		}
		seen := uint64(0)
		for _, tx := range txs {
			for _, e := range tx.Receipt.Events {
				if !f.matches(contracts, e) {
					continue
				}
				if seen++; seen <= skip {
					continue
				}
				if uint64(len(page.Events)) == *f.Chunk {
					page.Token = fmt.Sprintf("%d-%d", n, seen-1)
					return page, nil
				}
				out := emitted{rpcEvent: e, BlockHash: h.Hash, Tx: tx.Hash}
				if h.Hash != nil {
					out.Block = &h.Number
				}
				page.Events = append(page.Events, out)
			}
		}
	}
	return page, nil
}

// emitted returns the first block from n on in which one of the contracts emitted something;
// the one that is being built always may.
func (l *Ledger) emitted(contracts []hexFelt, n uint64) uint64 {
	if len(contracts) == 0 {
		return n
	}
	first := uint64(len(l.headers))
	for _, c := range contracts {
		blocks := l.emitters[felt.Felt(c)]
		if i, _ := slices.BinarySearch(blocks, n); i < len(blocks) {
			first = min(first, blocks[i])
		}
	}
	return first
}

func (f *eventFilter) matches(contracts []hexFelt, e rpcEvent) bool {
	if len(contracts) > 0 && !slices.Contains(contracts, e.From) {
		return false
	}
	for i, want := range f.Keys {
		if len(want) > 0 && (i >= len(e.Keys) || !slices.Contains(want, e.Keys[i])) {
			return false
		}
	}
	return true
}
