package faucet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain/felt"
)

const goodDrip = `{"tx_hash":"0x123","amount":"1000000000000000000000"}`

var someAddress = felt.MustParse("0x77")

// reply writes a status, headers and a body.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// hangUp closes the connection without an answer.
func hangUp(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }

// testFaucet is a Client whose server gives the replies one after the other, and then
// the last one for ever. It records requests and pauses.
type testFaucet struct {
	Client
	requests atomic.Int32
	keys     []string
	pauses   []time.Duration
}

func newFaucet(t *testing.T, replies ...http.HandlerFunc) *testFaucet {
	f := new(testFaucet)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(f.requests.Add(1))
		f.keys = append(f.keys, r.Header.Get("Idempotency-Key"))
		replies[min(n, len(replies))-1](w, r)
	}))
	t.Cleanup(s.Close)
	f.URL = s.URL
	f.sleep = func(ctx context.Context, d time.Duration) error {
		f.pauses = append(f.pauses, d)
		return ctx.Err()
	}
	return f
}

func TestRequest(t *testing.T) {
	f := newFaucet(t, func(w http.ResponseWriter, r *http.Request) {
		var body map[string]string
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || len(body) != 1 || body["address"] != someAddress.Padded() {
			t.Errorf("body %v, %v", body, err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/base/faucet" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s, %v", r.Method, r.URL, r.Header)
		}
		io.WriteString(w, goodDrip)
	})
	f.URL += "/base/"
	drip, err := f.Request(context.Background(), someAddress)
	require.NoError(t, err)
	if drip.TxHash.String() != "0x123" || drip.Amount.String() != "1000000000000000000000" {
		t.Errorf("%+v", drip)
	}
}

// TestFaucetRetries wants errors that pass to be tried again, with the same
// idempotency key and growing pauses.
func TestRetries(t *testing.T) {
	// hangUp comes first: on a used connection net/http itself would try again.
	f := newFaucet(t, hangUp, reply(503, "busy"), reply(500, ""), reply(200, goodDrip))
	if _, err := f.Request(context.Background(), someAddress); err != nil {
		t.Fatal(err)
	}
	if f.requests.Load() != 4 || len(slices.Compact(f.keys)) != 1 || len(f.keys[0]) < 20 {
		t.Errorf("%d requests with keys %q", f.requests.Load(), f.keys)
	}
	for i, base := range []time.Duration{500, 1000, 2000} {
		if p := f.pauses[i]; p < base*time.Millisecond/2 || p > base*time.Millisecond {
			t.Errorf("pause %d is %v", i, p)
		}
	}
}

func TestGivesUp(t *testing.T) {
	f := newFaucet(t, reply(502, `{"error":"upstream"}`))
	f.Attempts = 3
	var e *Error
	if _, err := f.Request(context.Background(), someAddress); !errors.As(err, &e) || e.Status != 502 || e.Message != "upstream" {
		t.Errorf("got %v", err)
	}
	if n := f.requests.Load(); n != 3 {
		t.Errorf("%d requests", n)
	}
	dead := newFaucet(t, reply(200, goodDrip))
	dead.URL, dead.Attempts = "http://127.0.0.1:1", 2
	if _, err := dead.Request(context.Background(), someAddress); err == nil || len(dead.pauses) != 1 {
		t.Errorf("nobody there: %v after pauses %v", err, dead.pauses)
	}
}

// TestFaucetRetryAfter wants a server's pause kept if it is short, and reported if
// it is long.
func TestRetryAfter(t *testing.T) {
	f := newFaucet(t, reply(503, "", "Retry-After", "7"), reply(200, goodDrip))
	if _, err := f.Request(context.Background(), someAddress); err != nil || len(f.pauses) != 1 || f.pauses[0] != 7*time.Second {
		t.Errorf("%v after %v", err, f.pauses)
	}
	f = newFaucet(t, reply(503, "", "Retry-After", "3600"))
	var e *Error
	if _, err := f.Request(context.Background(), someAddress); !errors.As(err, &e) || e.RetryAfter != time.Hour || len(f.pauses) != 0 {
		t.Errorf("got %v after %v", err, f.pauses)
	}
}

func TestRateLimit(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                              0,
		"120":                           2 * time.Minute,
		"-5":                            0,
		"soon":                          0,
		"4294967295":                    maxRetryAfter,
		"99999999999999999999":          0,
		"Mon, 02 Jan 2006 15:04:05 GMT": 0,
	} {
		f := newFaucet(t, reply(429, "slow down", "Retry-After", header))
		var e *RateLimitError
		if _, err := f.Request(context.Background(), someAddress); !errors.As(err, &e) || e.RetryAfter != want {
			t.Errorf("Retry-After %q: got %v", header, err)
		}
		if f.requests.Load() != 1 {
			t.Errorf("Retry-After %q: %d requests", header, f.requests.Load())
		}
	}
	now := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)
	h := http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:35 GMT"}}
	if d := retryAfter(h, now); d != 30*time.Second {
		t.Errorf("a date gives %v", d)
	}
}

// TestFaucetHostile wants every bad answer refused at once and with its name.
func TestHostile(t *testing.T) {
	huge := `{"tx_hash":"0x1","amount":"1","x":"` + strings.Repeat("x", maxBody) + `"}`
	for name, body := range map[string]string{
		"huge body":       huge,
		"empty":           "",
		"not JSON":        "<html>",
		"cut":             goodDrip[:20],
		"two":             goodDrip + goodDrip,
		"array":           "[]",
		"null":            "null",
		"no hash":         `{"amount":"1"}`,
		"hash zero":       `{"tx_hash":"0x0","amount":"1"}`,
		"hash too large":  `{"tx_hash":"0x` + strings.Repeat("f", 64) + `","amount":"1"}`,
		"hash a number":   `{"tx_hash":1,"amount":"1"}`,
		"no amount":       `{"tx_hash":"0x1"}`,
		"amount a number": `{"tx_hash":"0x1","amount":1}`,
		"amount negative": `{"tx_hash":"0x1","amount":"-1"}`,
		"amount zero":     `{"tx_hash":"0x1","amount":"0"}`,
		"amount hex":      `{"tx_hash":"0x1","amount":"0x10"}`,
		"amount float":    `{"tx_hash":"0x1","amount":"1e18"}`,
		"amount spaces":   `{"tx_hash":"0x1","amount":" 1"}`,
		"amount 2^256":    `{"tx_hash":"0x1","amount":"` + new(big.Int).Lsh(big.NewInt(1), 256).String() + `"}`,
		"amount long":     `{"tx_hash":"0x1","amount":"` + strings.Repeat("9", 1000) + `"}`,
	} {
		f := newFaucet(t, reply(200, body))
		if _, err := f.Request(context.Background(), someAddress); !errors.Is(err, ErrResponse) || f.requests.Load() != 1 {
			t.Errorf("%s: got %v after %d requests", name, err, f.requests.Load())
		}
	}
}

// TestFaucetEndless reads an answer that never ends only up to the bound.
func TestEndless(t *testing.T) {
	f := newFaucet(t, func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	})
	if _, err := f.Request(context.Background(), someAddress); !errors.Is(err, ErrResponse) {
		t.Errorf("got %v", err)
	}
}

func TestRefusals(t *testing.T) {
	for status, body := range map[int]string{
		400: `{"error":"no such address"}`, 403: "", 404: strings.Repeat("long ", 1000), 418: "\x1b[31mred\x00\xff\n",
	} {
		f := newFaucet(t, reply(status, body))
		_, err := f.Request(context.Background(), someAddress)
		var e *Error
		if !errors.As(err, &e) || e.Status != status || f.requests.Load() != 1 {
			t.Errorf("%d: got %v after %d requests", status, err, f.requests.Load())
			continue
		}
		if len(e.Message) > 2*maxMessage || strings.ContainsAny(e.Message, "\x00\x1b\n") {
			t.Errorf("%d: message %q", status, e.Message)
		}
	}
}

// TestFaucetRedirect wants redirects refused, by a client of the user too.
func TestRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("the redirect was followed")
	}))
	defer other.Close()
	for _, client := range []*http.Client{nil, {Timeout: time.Second}} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			f := newFaucet(t, reply(status, "", "Location", other.URL))
			f.HTTP = client
			var e *Error
			if _, err := f.Request(context.Background(), someAddress); !errors.As(err, &e) || e.Status != status {
				t.Errorf("%d: got %v", status, err)
			}
		}
		if client != nil && client.CheckRedirect != nil {
			t.Error("the user's client was changed")
		}
	}
}

func TestContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	returned := make(chan struct{})
	f := newFaucet(t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		<-returned
	})
	_, err := f.Request(ctx, someAddress)
	close(returned)
	if !errors.Is(err, context.Canceled) || f.requests.Load() != 1 {
		t.Errorf("during a request: got %v after %d", err, f.requests.Load())
	}
	// During a pause: the error has the cause and what the server said.
	cause := errors.New("the user is gone")
	ctx2, cancel2 := context.WithCancelCause(context.Background())
	f = newFaucet(t, func(w http.ResponseWriter, r *http.Request) {
		time.AfterFunc(20*time.Millisecond, func() { cancel2(cause) })
		w.WriteHeader(503)
	})
	f.sleep, f.Backoff = nil, time.Hour
	var e *Error
	if _, err := f.Request(ctx2, someAddress); !errors.Is(err, cause) || !errors.As(err, &e) {
		t.Errorf("during a pause: got %v", err)
	}
}

func TestURL(t *testing.T) {
	for _, u := range []string{"", "faucet.example", "ftp://x", "http://", "://", "/faucet"} {
		if _, err := (&Client{URL: u}).Request(context.Background(), someAddress); err == nil || !strings.Contains(err.Error(), "http://") {
			t.Errorf("%q: got %v", u, err)
		}
	}
}

// TestFaucetZeroPauses wants strange settings to do no harm.
func TestZeroPauses(t *testing.T) {
	f := newFaucet(t, reply(500, ""), reply(200, goodDrip))
	f.Backoff = -time.Second
	if _, err := f.Request(context.Background(), someAddress); err != nil {
		t.Error(err)
	}
	f = newFaucet(t, reply(500, ""))
	f.Attempts, f.Backoff = -1, 1
	if _, err := f.Request(context.Background(), someAddress); err == nil || f.requests.Load() != 1 {
		t.Errorf("%v after %d requests", err, f.requests.Load())
	}
}

func TestWaitBalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		balance := func(context.Context) (*big.Int, error) {
			switch calls++; calls {
			case 1:
				return nil, errors.New("node starting")
			case 2:
				return nil, nil
			}
			return big.NewInt(int64(calls)), nil
		}
		got, err := WaitBalance(context.Background(), balance, big.NewInt(5))
		if err != nil || got.Int64() != 5 {
			t.Errorf("%v, %v", got, err)
		}
		if d := time.Since(start); d != 7500*time.Millisecond { // 0.5 + 1 + 2 + 4
			t.Errorf("it took %v", d)
		}
	})
}

func TestWaitBalanceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		calls, broken := 0, errors.New("node gone")
		_, err := WaitBalance(ctx, func(context.Context) (*big.Int, error) {
			if calls++; calls > 3 {
				return nil, broken
			}
			return big.NewInt(3), nil
		}, big.NewInt(4))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, broken) || !strings.Contains(fmt.Sprint(err), "last seen: 3") {
			t.Errorf("got %v", err)
		}
		if calls < 8 || calls > 12 {
			t.Errorf("%d calls in a minute", calls)
		}
	})
}
