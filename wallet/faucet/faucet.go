// Package faucet asks a faucet of a test network for tokens, over HTTP, and waits until they
// have arrived. It is apart from package wallet so that keys and signatures link no HTTP.
package faucet

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/bitsage/bitsage/chain/felt"
)

const (
	maxBody       = 64 << 10
	maxDelay      = time.Minute // longest pause between two attempts
	maxRetryAfter = 24 * time.Hour
	maxMessage    = 200 // characters of a faucet's message that an error repeats
)

// ErrResponse means that the faucet said yes but not what it did: its answer
// is too large, is not JSON, or lacks a transaction hash or an amount. It may have
// paid all the same.
var ErrResponse = errors.New("faucet: the faucet's answer cannot be read")

// RateLimitError says that the faucet wants no more requests for now (status 429).
type RateLimitError struct {
	RetryAfter time.Duration // how long to wait, or 0 if the faucet did not say
}

// Error implements error.
func (e *RateLimitError) Error() string {
	if e.RetryAfter == 0 {
		return "faucet: the faucet limits requests and does not say until when"
	}
	return fmt.Sprintf("faucet: the faucet limits requests: try again in %v", e.RetryAfter)
}

// Error is any other refusal of a faucet.
type Error struct {
	Status     int           // of HTTP
	Message    string        // what the faucet said, printable and cut short
	RetryAfter time.Duration // how long to wait, or 0 if the faucet did not say
}

// Error implements error.
func (e *Error) Error() string {
	return fmt.Sprintf("faucet: the faucet answered %d %s: %q", e.Status, http.StatusText(e.Status), e.Message)
}

// Client asks a faucet of a test network for tokens over HTTP. Only URL is needed.
// A Client may be used by several goroutines at once.
//
// A request is POST {URL}/faucet with the JSON object {"address": "0x..."} and an
// Idempotency-Key header that stays the same over its attempts. The answer is
// {"tx_hash": "0x...", "amount": "..."}, the amount in the token's smallest unit
// and in decimal digits.
type Client struct {
	URL      string        // http or https
	HTTP     *http.Client  // nil means one with a timeout of 30 s; redirects are never followed
	Attempts int           // 0 means 5
	Backoff  time.Duration // pause after the first attempt, then doubled; 0 means 500 ms

	sleep func(context.Context, time.Duration) error // for tests; nil means sleep
}

// Drip is what a faucet paid.
type Drip struct {
	TxHash felt.Felt
	Amount *big.Int // in the token's smallest unit
}

// Request asks for tokens for an address. It tries again after network errors and
// statuses of 500 and above, with pauses that grow and vary at random and are at
// least what the faucet asks for in Retry-After. It gives up with the last error
// when the attempts are used up, when Retry-After exceeds a minute, or when ctx
// ends. A status of 429 is a *RateLimitError at once, any other a *Error.
func (c *Client) Request(ctx context.Context, address felt.Felt) (*Drip, error) {
	target, err := c.target()
	if err != nil {
		return nil, err
	}
	body := []byte(`{"address":"` + address.Padded() + `"}`)
	key, pause := rand.Text(), cmp.Or(max(c.Backoff, 0), 500*time.Millisecond)
	for attempt := 1; ; attempt++ {
		drip, wait, err := c.try(ctx, target, key, body)
		if err == nil || wait == noRetry || wait > maxDelay || attempt >= cmp.Or(c.Attempts, 5) {
			return drip, err
		}
		if stop := c.pause(ctx, max(wait, jitter(pause))); stop != nil {
			return nil, fmt.Errorf("%w (last attempt: %w)", stop, err)
		}
		pause = min(2*pause, maxDelay)
	}
}

// jitter returns a random duration in [d/2, d].
func jitter(d time.Duration) time.Duration { return d/2 + mathrand.N(d/2+1) }

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.sleep != nil {
		return c.sleep(ctx, d)
	}
	return sleep(ctx, d)
}

// sleep waits for d or until ctx ends, whose cause it returns.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) target() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("faucet: a faucet's URL begins with http:// or https:// and names a host")
	}
	return u.JoinPath("faucet").String(), nil
}

// http returns the HTTP client to use, which refuses redirects: they would send the
// address elsewhere and turn the POST into a GET.
func (c *Client) http() *http.Client {
	h := http.Client{Timeout: 30 * time.Second}
	if c.HTTP != nil {
		h = *c.HTTP
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &h
}

// noRetry, in place of a pause, says that another attempt makes no sense.
const noRetry = time.Duration(-1)

// try makes one attempt. With an error it returns the least pause before the next
// one, or noRetry.
func (c *Client) try(ctx context.Context, target, key string, body []byte) (*Drip, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, noRetry, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := c.http().Do(req)
	if err != nil {
		return nil, retryUnlessDone(ctx), fmt.Errorf("faucet: asking the faucet: %w", err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	after := retryAfter(resp.Header, time.Now())
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return nil, noRetry, &RateLimitError{after}
	case resp.StatusCode >= 500:
		return nil, after, &Error{resp.StatusCode, message(data), after}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, noRetry, &Error{resp.StatusCode, message(data), after}
	case err != nil:
		return nil, retryUnlessDone(ctx), fmt.Errorf("faucet: reading the faucet's answer: %w", err)
	}
	drip, err := parseDrip(data)
	return drip, noRetry, err
}

func retryUnlessDone(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return noRetry
	}
	return 0
}

// retryAfter reads the header of that name, seconds or a date. It returns 0 for
// none and at most a day.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 32); err == nil {
		return min(time.Duration(s)*time.Second, maxRetryAfter)
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(t.Sub(now), 0), maxRetryAfter)
}

// parseDrip reads the answer to a request that succeeded.
func parseDrip(data []byte) (*Drip, error) {
	var answer struct {
		TxHash string `json:"tx_hash"`
		Amount string `json:"amount"`
	}
	if len(data) > maxBody {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrResponse, maxBody)
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("%w: not the JSON object it should be", ErrResponse)
	}
	hash, err := felt.Parse(answer.TxHash)
	if err != nil || hash.IsZero() {
		return nil, fmt.Errorf("%w: no transaction hash in tx_hash", ErrResponse)
	}
	amount, ok := parseAmount(answer.Amount)
	if !ok {
		return nil, fmt.Errorf("%w: no positive amount below 2^256 in amount", ErrResponse)
	}
	return &Drip{hash, amount}, nil
}

// parseAmount reads a positive number of 256 bits in decimal digits.
func parseAmount(s string) (*big.Int, bool) {
	if len(s) > 78 || strings.Trim(s, "0123456789") != "" {
		return nil, false
	}
	x, ok := new(big.Int).SetString(s, 10)
	return x, ok && x.Sign() > 0 && x.BitLen() <= 256
}

// message returns what an error should repeat of a faucet's answer: its field
// error, or the answer itself, made printable and short.
func message(data []byte) string {
	var answer struct {
		Error string `json:"error"`
	}
	text := string(data)
	if json.Unmarshal(data, &answer) == nil && answer.Error != "" {
		text = answer.Error
	}
	printable := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, cut(text, maxMessage))
	return strings.TrimSpace(strings.ToValidUTF8(printable, ""))
}

// cut returns at most n characters of s.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// WaitBalance asks for a balance, at once and then after pauses that grow from
// half a second to eight, until it is at least want, and returns it. Errors of
// balance count as not yet. Only the end of ctx ends the wait early, so give it a
// deadline; the error then holds its cause and the last error of balance.
func WaitBalance(ctx context.Context, balance func(context.Context) (*big.Int, error), want *big.Int) (*big.Int, error) {
	last := "none"
	for pause := 500 * time.Millisecond; ; pause = min(2*pause, 8*time.Second) {
		have, err := balance(ctx)
		if err == nil && have != nil {
			if have.Cmp(want) >= 0 {
				return have, nil
			}
			last = have.String()
		}
		if stop := sleep(ctx, pause); stop != nil {
			return nil, fmt.Errorf("faucet: waiting for a balance of %v, last seen: %s: %w", want, last, errors.Join(stop, err))
		}
	}
}
