package transport

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestCleanText(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "",
		"plain, with space":         "plain, with space",
		"no\x1b[31m\nway":           "no[31mway",
		"\xff\xc3ok\x00":            "ok",
		"1234567890123456789\u00e4": "1234567890123456789", // cut within a character
		"\u202eevil":                "evil",                // would turn the line around
		strings.Repeat("x", 99):     strings.Repeat("x", 20),
	} {
		if got := CleanText(text, 20); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	if e := NewRemoteError("p", strings.Repeat("x", 1000)); len(e.Text) != MaxErrorText || e.Peer != "p" || !strings.HasSuffix(e.Error(), e.Text) {
		t.Errorf("%d bytes", len(e.Text))
	}
}

func TestLimits(t *testing.T) {
	topic := Topic{Name: "t", MaxBytes: 1, Queue: 1}
	protocol := Protocol{Name: "p", Timeout: 1, Concurrency: 1, PerPeer: 1}
	topics := map[string]func(t *Topic){
		"name": func(t *Topic) { t.Name = "" }, "bytes": func(t *Topic) { t.MaxBytes = 0 }, "queue": func(t *Topic) { t.Queue = -1 },
	}
	for what, edit := range topics {
		bad := topic
		if edit(&bad); bad.Validate() != ErrLimits || topic.Validate() != nil {
			t.Errorf("a topic without %s", what)
		}
	}
	protocols := map[string]func(p *Protocol){
		"name": func(p *Protocol) { p.Name = "" }, "request": func(p *Protocol) { p.MaxRequest = -1 }, "response": func(p *Protocol) { p.MaxResponse = -1 },
		"timeout": func(p *Protocol) { p.Timeout = -time.Second }, "places": func(p *Protocol) { p.Concurrency = 0 }, "places of a peer": func(p *Protocol) { p.PerPeer = 0 },
	}
	for what, edit := range protocols {
		bad := protocol
		if edit(&bad); bad.Validate() != ErrLimits || protocol.Validate() != nil {
			t.Errorf("a protocol without %s", what)
		}
	}
}

func TestAllow(t *testing.T) {
	errBad := errors.New("bad")
	calls := 0
	topic := Topic{Name: "t", MaxBytes: 3, Queue: 1, Check: func(from PeerID, data []byte) error {
		if calls++; from == "bad" {
			return errBad
		}
		return nil
	}}
	var size *SizeError
	if err := topic.Allow("bad", make([]byte, 4)); !errors.As(err, &size) || *size != (SizeError{"message", "t", 4, 3}) || calls != 0 || err.Error() == "" {
		t.Errorf("%v after %d checks: the size comes first", err, calls)
	}
	if err := topic.Allow("bad", make([]byte, 3)); err != errBad {
		t.Error(err)
	}
	if err := topic.Allow("good", make([]byte, 3)); err != nil {
		t.Error(err)
	}
	topic.Check = nil
	if err := topic.Allow("bad", nil); err != nil {
		t.Error(err)
	}
}
