package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func testReader(t *testing.T, c *Client) *EventReader {
	t.Helper()
	r, err := c.NewEventReader(filter)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// reads returns what a Read delivers, up to so many entries; 0 means all.
func reads(t *testing.T, r *EventReader, most int) string {
	t.Helper()
	var seen []string
	for e, err := range r.Read(t.Context()) {
		var reorg *ReorgError
		switch {
		case errors.As(err, &reorg):
			seen = append(seen, fmt.Sprintf("reorg %d", reorg.From))
		case err != nil:
			seen = append(seen, "error")
			t.Log(err)
		default:
			seen = append(seen, fmt.Sprint(e.Data[0].Uint64()))
		}
		if len(seen) == most {
			break
		}
	}
	return strings.Join(seen, ", ")
}

func TestReader(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	r := testReader(t, c)
	for _, step := range []struct {
		chain []fakeBlock
		most  int
		want  string
	}{
		{five, 2, "10, 11"}, // the consumer breaks off
		{five, 0, "12, 30, 40, 41"},
		{five, 0, ""},
		{append(slices.Clone(five), fakeBlock{}), 0, ""},
		{append(slices.Clone(five), fakeBlock{}, fakeBlock{events: []uint64{60}}), 0, "60"},
		{append(slices.Clone(five[:4]), fakeBlock{branch: 1, events: []uint64{140}}), 1, "reorg 4"},
		{append(slices.Clone(five[:4]), fakeBlock{branch: 1, events: []uint64{140}}), 0, "140"},
		{five, 0, "reorg 4, 40, 41"},
		{five[:3], 0, ""}, // a node that lags behind
		{append(slices.Clone(five), fakeBlock{events: []uint64{50}}), 0, "50"},
	} {
		l.blocks = step.chain
		if got := reads(t, r, step.most); got != step.want {
			t.Fatalf("%q, want %q", got, step.want)
		}
	}
}

// TestReaderReadsOnlyWhatIsNew asks for no block again that was passed.
func TestReaderReadsOnlyWhatIsNew(t *testing.T) {
	l := newLedger(five...)
	c, _ := testClient(t, l, Options{})
	r := testReader(t, c)
	reads(t, r, 0)
	before := l.count("starknet_getEvents")
	reads(t, r, 0)
	if n := l.count("starknet_getEvents"); n != before {
		t.Errorf("%d requests for events where no block is new", n-before)
	}
	var from int
	l.on("starknet_getEvents", func(raw json.RawMessage) (any, error) {
		from = params[struct {
			Filter struct {
				From struct{ Block_number int } `json:"from_block"`
			}
		}](raw).Filter.From.Block_number
		return l.page(raw)
	})
	l.blocks = append(slices.Clone(five), fakeBlock{}, fakeBlock{events: []uint64{60}})
	if got := reads(t, r, 0); got != "60" || from != 4 {
		t.Errorf("%s from block %d on", got, from)
	}
}

func TestReaderGoesOnAfterErrors(t *testing.T) {
	l := newLedger(five...)
	c, clock := testClient(t, l, Options{Attempts: 1})
	r := testReader(t, c)
	n := 0
	l.on("starknet_getEvents", func(raw json.RawMessage) (any, error) {
		if n++; n == 2 {
			return nil, io.EOF
		}
		return l.page(raw)
	})
	if got := reads(t, r, 0); got != "10, 11, error" {
		t.Error(got)
	}
	if got := reads(t, r, 0); got != "12, 30, 40, 41" {
		t.Error(got)
	}

	// Answers that do not fit each other are asked for again, but not for ever.
	r = testReader(t, c)
	l.events = func(page []any) []any {
		for _, e := range page {
			if e := e.(map[string]any); e["block_number"] == 4 {
				e["block_hash"] = rpcFelt(Uint(99))
			}
		}
		return page
	}
	slept := len(clock.pauses())
	clock.wake = func(n int) {
		if n == slept+3 {
			l.events = nil
		}
	}
	if got := reads(t, r, 0); got != "10, 11, 12, 30, 40, 41" {
		t.Error(got)
	}
	l.events = func([]any) []any { return []any{} }
	l.blocks = append(slices.Clone(five), fakeBlock{})
	if got := reads(t, r, 0); got != "error" {
		t.Error(got)
	}
}

func TestReaderRefuses(t *testing.T) {
	c, _ := testClient(t, newLedger(), Options{})
	if _, err := c.NewEventReader(EventFilter{Chunk: 1025}); err == nil {
		t.Error("a page of 1,025 events")
	}
	if _, err := c.NewEventReader(filter, Cursor{Block: 2}, Cursor{Block: 1}); err == nil {
		t.Error("cursors of descending blocks")
	}
}
