package chain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// ledger is a fake chain of blocks with events. Its block hashes depend on a branch,
// so a reorganisation is a change of branch.
type ledger struct {
	*node
	blocks  []fakeBlock
	perPage int
	tokens  func(string) string // changes the token of a page
	events  func([]any) []any   // changes a page
}

type fakeBlock struct {
	branch int
	events []uint64 // their data
}

func hashOfBlock(n, branch int) Felt { return Uint(uint64(1_000_000*(branch+1) + n)) }

func newLedger(blocks ...fakeBlock) *ledger {
	l := &ledger{node: newNode(), blocks: blocks, perPage: 2}
	l.on("starknet_blockHashAndNumber", func(json.RawMessage) (any, error) {
		if len(l.blocks) == 0 {
			return nil, ErrNoBlocks
		}
		n := len(l.blocks) - 1
		return map[string]any{"block_number": n, "block_hash": rpcFelt(hashOfBlock(n, l.blocks[n].branch))}, nil
	})
	l.on("starknet_getBlockWithTxHashes", func(raw json.RawMessage) (any, error) {
		n := params[struct {
			ID struct {
				N int `json:"block_number"`
			} `json:"block_id"`
		}](raw).ID.N
		if n >= len(l.blocks) {
			return nil, ErrBlockNotFound
		}
		return map[string]any{"status": "ACCEPTED_ON_L2", "block_number": n, "block_hash": rpcFelt(hashOfBlock(n, l.blocks[n].branch)),
			"parent_hash": "0x1", "timestamp": 1, "starknet_version": "0.14.1", "transactions": []string{"0x1"}}, nil
	})
	l.on("starknet_getEvents", l.page)
	return l
}

func (l *ledger) page(raw json.RawMessage) (any, error) {
	f := params[struct {
		Filter struct {
			From  struct{ Block_number int } `json:"from_block"`
			To    struct{ Block_number int } `json:"to_block"`
			Chunk int                        `json:"chunk_size"`
			Token string                     `json:"continuation_token"`
		}
	}](raw).Filter
	if f.Chunk > 300 {
		return nil, ErrPageTooBig
	}
	skip, _ := strconv.Atoi(f.Token)
	page := []any{}
	token := ""
	for n := f.From.Block_number; n <= f.To.Block_number && n < len(l.blocks); n++ {
		for _, data := range l.blocks[n].events {
			if skip > 0 {
				skip--
				continue
			}
			if len(page) == min(l.perPage, f.Chunk) {
				old, _ := strconv.Atoi(f.Token)
				token = strconv.Itoa(old + len(page))
				break
			}
			page = append(page, eventOf(n, l.blocks[n].branch, data))
		}
		if token != "" {
			break
		}
	}
	if l.events != nil {
		page = l.events(page)
	}
	if l.tokens != nil {
		token = l.tokens(token)
	}
	out := map[string]any{"events": page}
	if token != "" {
		out["continuation_token"] = token
	}
	return out, nil
}

func eventOf(n, branch int, data uint64) map[string]any {
	return map[string]any{"from_address": "0xc", "keys": []string{"0xe"}, "data": []any{rpcFelt(Uint(data))},
		"block_number": n, "block_hash": rpcFelt(hashOfBlock(n, branch)), "transaction_hash": "0x7", "transaction_index": 0, "event_index": 0}
}

var filter = EventFilter{Contract: Uint(0xc), Keys: [][]Felt{{Uint(0xd), Uint(0xe)}}}

// transcript runs a stream until it has seen so many entries: the data of events, or
// errors.
func transcript(t *testing.T, c *Client, f EventFilter, entries int, each func(string), resume ...Cursor) ([]string, []Cursor) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var seen []string
	var cursors []Cursor
	for e, err := range c.Events(ctx, f, resume...) {
		var reorg *ReorgError
		switch {
		case errors.As(err, &reorg):
			seen = append(seen, fmt.Sprintf("reorg %d", reorg.From))
		case err != nil:
			seen = append(seen, "error")
			cursors = append(cursors, Cursor{})
			t.Log(err)
		default:
			seen = append(seen, fmt.Sprint(e.Data[0].Uint64()))
			cursors = append(cursors, e.Cursor)
		}
		if each != nil {
			each(seen[len(seen)-1])
		}
		if len(seen) == entries {
			break
		}
	}
	return seen, cursors
}

func check(t *testing.T, got []string, want string) {
	t.Helper()
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
}

var five = []fakeBlock{{}, {events: []uint64{10, 11, 12}}, {}, {events: []uint64{30}}, {events: []uint64{40, 41}}}

func TestStreamInOrder(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	seen, cursors := transcript(t, c, filter, 6, nil)
	check(t, seen, "10, 11, 12, 30, 40, 41")
	for i := range 5 {
		rest, _ := transcript(t, c, filter, 5-i, nil, cursors[i])
		if !slices.Equal(rest, seen[i+1:]) {
			t.Errorf("after event %d: %v", i, rest)
		}
	}
	f := filter
	f.FromBlock = 3
	seen, _ = transcript(t, c, f, 3, nil)
	check(t, seen, "30, 40, 41")
}

func TestStreamFollows(t *testing.T) {
	l := newLedger()
	c, clock := testClient(t, l, Options{})
	clock.wake = func(n int) { // the chain grows while the stream sleeps
		if n%3 == 0 {
			l.blocks = append(l.blocks, fakeBlock{events: []uint64{uint64(n)}})
		}
	}
	seen, _ := transcript(t, c, filter, 4, nil)
	check(t, seen, "3, 6, 9, 12")
}

func TestStreamBacksOff(t *testing.T) {
	l := newLedger(five...)
	c, clock := testClient(t, l, Options{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	clock.wake = func(n int) {
		if n == 20 {
			cancel(cause)
		}
	}
	var last error
	for _, err := range c.Events(ctx, filter) {
		last = err
	}
	if !errors.Is(last, cause) {
		t.Errorf("the stream ends with %v", last)
	}
	pauses := clock.pauses()
	if !slices.IsSorted(pauses) || pauses[len(pauses)-1] != 8*c.opts.Poll {
		t.Errorf("pauses %v", pauses)
	}
}

func TestStreamSurvivesFailures(t *testing.T) {
	l := newLedger(five...)
	n := 0
	flaky := func(m method, failures ...error) method {
		return func(raw json.RawMessage) (any, error) {
			if n++; n%2 == 1 {
				return nil, failures[n/2%len(failures)]
			}
			return m(raw)
		}
	}
	l.on("starknet_getEvents", flaky(l.page, io.EOF, httpFailure(500), ErrInternal, ErrContinuationToken, ErrBlockNotFound))
	c, _ := testClient(t, l, Options{Attempts: 1})
	l.perPage = 10
	seen, _ := transcript(t, c, filter, 6, nil)
	check(t, seen, "10, 11, 12, 30, 40, 41")
}

func TestStreamHalvesItsPages(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	f := filter
	f.Chunk = 1024
	seen, _ := transcript(t, c, f, 6, nil)
	check(t, seen, "10, 11, 12, 30, 40, 41")
}

// TestReorgs changes the chain under a stream; each step happens after an entry.
func TestReorgs(t *testing.T) {
	branch := func(from int, blocks ...fakeBlock) []fakeBlock {
		out := slices.Clone(five[:from])
		for _, b := range blocks {
			b.branch = 1
			out = append(out, b)
		}
		return out
	}
	for name, tc := range map[string]struct {
		after string // the entry after which the chain changes
		chain []fakeBlock
		want  string
	}{
		"last block":         {"41", branch(4, fakeBlock{events: []uint64{140}}, fakeBlock{events: []uint64{150}}), "10, 11, 12, 30, 40, 41, reorg 4, 140, 150"},
		"same height":        {"41", branch(4, fakeBlock{events: []uint64{140, 141}}), "10, 11, 12, 30, 40, 41, reorg 4, 140, 141"},
		"two blocks":         {"41", branch(3, fakeBlock{}, fakeBlock{events: []uint64{140}}), "10, 11, 12, 30, 40, 41, reorg 2, 140"},
		"events go":          {"41", append(branch(3, fakeBlock{}, fakeBlock{}), fakeBlock{branch: 1, events: []uint64{150}}), "10, 11, 12, 30, 40, 41, reorg 2, 150"},
		"everything":         {"41", branch(0, fakeBlock{events: []uint64{100}}, fakeBlock{}, fakeBlock{}, fakeBlock{}, fakeBlock{}), "10, 11, 12, 30, 40, 41, reorg 0, 100"},
		"in the middle":      {"11", branch(1, fakeBlock{events: []uint64{110}}, fakeBlock{}, fakeBlock{}, fakeBlock{}), "10, 11, reorg 0, 110"},
		"above the position": {"11", branch(2, fakeBlock{events: []uint64{120}}, fakeBlock{}, fakeBlock{}), "10, 11, 12, 120, reorg 3"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(five...)
			l.perPage = 2
			c, _ := testClient(t, l, Options{})
			want := strings.Split(tc.want, ", ")
			seen, _ := transcript(t, c, filter, len(want), func(entry string) {
				if entry == tc.after {
					l.blocks = tc.chain
				}
			})
			check(t, seen, tc.want)
		})
	}
}

// TestThereAndBack returns to the first chain before the second one was read.
func TestThereAndBack(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	seen, _ := transcript(t, c, filter, 9, func(entry string) {
		switch entry {
		case "41":
			l.blocks = append(slices.Clone(five[:4]), fakeBlock{branch: 1, events: []uint64{140}})
		case "reorg 4":
			l.blocks = five
		}
	})
	check(t, seen, "10, 11, 12, 30, 40, 41, reorg 4, 40, 41")
}

func TestResumeAfterReorg(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	_, cursors := transcript(t, c, filter, 6, nil)
	l.blocks = append(slices.Clone(five[:4]), fakeBlock{branch: 1, events: []uint64{140}})
	last := cursors[5]
	seen, _ := transcript(t, c, filter, 2, nil, cursors[2], cursors[3], last)
	check(t, seen, "reorg 4, 140")
	seen, _ = transcript(t, c, filter, 3, nil, cursors[1], last) // cursors[1] is within block 1
	check(t, seen, "reorg 2, 12, 30")
	seen, _ = transcript(t, c, filter, 3, nil, last)
	check(t, seen, "reorg 0, 10, 11")
	seen, _ = transcript(t, c, filter, 1, nil, Cursor{Block: 4, Index: 0})
	check(t, seen, "140")
}

// TestLongTrail forks far behind a stream that has passed many blocks.
func TestLongTrail(t *testing.T) {
	l := newLedger()
	for i := range 1000 {
		l.blocks = append(l.blocks, fakeBlock{events: []uint64{uint64(i)}})
	}
	l.perPage = 100
	c, _ := testClient(t, l, Options{})
	for _, fork := range []int{999, 990, 900, 500, 2} {
		for i := range l.blocks {
			l.blocks[i].branch = 0
		}
		state := map[int]string{} // what a consumer that undoes void events has
		entries := 0
		for e, err := range c.Events(t.Context(), filter) {
			entries++
			var reorg *ReorgError
			if errors.As(err, &reorg) {
				if reorg.From > uint64(fork) {
					t.Fatalf("events from %d on are void, the fork is at %d", reorg.From, fork)
				}
				for n := range state {
					if n >= int(reorg.From) {
						delete(state, n)
					}
				}
				continue
			}
			require.NoError(t, err)
			n := int(e.Block.Number)
			if _, twice := state[n]; twice {
				t.Fatalf("block %d is delivered twice", n)
			}
			state[n] = e.Block.Hash.String()
			if n == 999 && l.blocks[999].branch == 1 {
				break
			}
			if n == 999 {
				for i := fork; i < 1000; i++ {
					l.blocks[i].branch = 1
				}
			}
		}
		if len(state) != 1000 || entries > 2200 {
			t.Errorf("fork at %d: %d blocks after %d entries", fork, len(state), entries)
		}
		for n, h := range state {
			if h != hashOfBlock(n, l.blocks[n].branch).String() {
				t.Errorf("block %d is void", n)
			}
		}
	}
}

func TestLaggingNode(t *testing.T) {
	l := newLedger(five...)
	c, clock := testClient(t, l, Options{})
	clock.wake = func(n int) {
		switch n {
		case 3:
			l.blocks = five[:3]
		case 6:
			l.blocks = append(slices.Clone(five), fakeBlock{events: []uint64{50}})
		}
	}
	seen, _ := transcript(t, c, filter, 7, nil)
	check(t, seen, "10, 11, 12, 30, 40, 41, 50")
}

func TestHostileEvents(t *testing.T) {
	for name, tc := range map[string]struct {
		events func([]any) []any
		tokens func(string) string
	}{
		"another contract": {events: func(p []any) []any { return set(p, "from_address", "0xbad") }},
		"another key":      {events: func(p []any) []any { return set(p, "keys", []string{"0xbad"}) }},
		"no key":           {events: func(p []any) []any { return set(p, "keys", []string{}) }},
		"null key":         {events: func(p []any) []any { return set(p, "keys", []any{nil}) }},
		"no block":         {events: func(p []any) []any { return set(p, "block_number", nil) }},
		"no hash":          {events: func(p []any) []any { return set(p, "block_hash", nil) }},
		"no transaction":   {events: func(p []any) []any { return set(p, "transaction_hash", nil) }},
		"beyond the head":  {events: func(p []any) []any { return set(p, "block_number", 99) }},
		"backwards":        {events: func(p []any) []any { slices.Reverse(p); return append(p, eventOf(0, 0, 1)) }},
		"too many":         {events: func(p []any) []any { return slices.Repeat([]any{eventOf(1, 0, 1)}, 257) }},
		"null":             {events: func([]any) []any { return []any{nil} }},
		"endless":          {events: func([]any) []any { return nil }, tokens: func(string) string { return "again" }},
		"no array":         {events: func([]any) []any { return nil }},
		"huge token":       {tokens: func(string) string { return strings.Repeat("t", maxToken+1) }},
		"other block":      {events: func(p []any) []any { return set(p, "block_hash", "0xbad") }},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(five...)
			l.perPage = 100
			l.events, l.tokens = tc.events, tc.tokens
			c, clock := testClient(t, l, Options{})
			var last error
			for _, err := range c.Events(t.Context(), filter) {
				last = err
			}
			if !errors.Is(last, ErrResponse) && !errors.Is(last, errUneven) {
				t.Errorf("the stream ends with %v", last)
			}
			if len(clock.pauses()) > 2*maxUneven {
				t.Errorf("%d pauses", len(clock.pauses()))
			}
		})
	}
}

// set changes a field of the last event of a page, which is in the head.
func set(page []any, field string, v any) []any {
	if len(page) > 0 {
		page[len(page)-1].(map[string]any)[field] = v
	}
	return page
}

func TestStreamRefuses(t *testing.T) {
	c, _ := testClient(t, newLedger(five...), Options{})
	for name, tc := range map[string]struct {
		filter EventFilter
		resume []Cursor
	}{
		"chunk": {EventFilter{Chunk: -1}, nil}, "large chunk": {EventFilter{Chunk: 1025}, nil},
		"descending": {filter, []Cursor{{Block: 3}, {Block: 2}}},
	} {
		seen, _ := transcript(t, c, tc.filter, 5, nil, tc.resume...)
		if !slices.Equal(seen, []string{"error"}) {
			t.Errorf("%s: %v", name, seen)
		}
	}
	l := newLedger(five...)
	l.on("starknet_getEvents", failing(ErrTooManyKeys))
	c, _ = testClient(t, l, Options{})
	seen, _ := transcript(t, c, filter, 5, nil)
	check(t, seen, "error")
}

// TestCursorOfAnotherFilter counts events that are not there.
func TestCursorOfAnotherFilter(t *testing.T) {
	c, _ := testClient(t, newLedger(five...), Options{})
	seen, _ := transcript(t, c, filter, 5, nil, Cursor{Block: 3, Hash: hashOfBlock(3, 0), Index: 9})
	check(t, seen, "error")
	seen, _ = transcript(t, c, filter, 5, nil, Cursor{Block: 4, Hash: hashOfBlock(4, 0), Index: 3})
	check(t, seen, "error")
}

func TestCursorJSON(t *testing.T) {
	want := Cursor{1 << 60, Uint(5), 7}
	data, err := json.Marshal(want)
	if err != nil || string(data) != `{"block":1152921504606846976,"hash":"0x5","index":7}` {
		t.Fatal(string(data), err)
	}
	var got Cursor
	if err := json.Unmarshal(data, &got); err != nil || got != want {
		t.Error(got, err)
	}
	for _, bad := range []string{`{}`, `{"block":1,"hash":"0x5"}`, `{"block":-1,"hash":"0x5","index":7}`, `{"block":1,"hash":null,"index":7}`, `{"block":1,"hash":5,"index":7}`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s is a cursor", bad)
		}
	}
}
