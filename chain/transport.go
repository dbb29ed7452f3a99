package chain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxBackoff    = 10 * time.Second
	maxRetryAfter = time.Minute
	maxErrorBody  = 64 << 10
)

// retry calls attempt until it succeeds, fails for good, or the attempts are used up.
func (c *Client) retry(ctx context.Context, method string, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if err == nil || !transient(err) || n >= c.opts.Attempts {
			return err
		}
		if stop := c.pause(ctx, method, n, err); stop != nil {
			return stop
		}
	}
}

// pause waits after attempt n failed with err. It returns an error if there should
// be no other attempt.
func (c *Client) pause(ctx context.Context, method string, n int, err error) error {
	wait := c.clock.random(backoff(c.opts.Backoff, n))
	var h *HTTPError
	if errors.As(err, &h) {
		if h.RetryAfter > maxRetryAfter {
			return err
		}
		wait = max(wait, h.RetryAfter)
	}
	c.opts.Logger.LogAttrs(ctx, slog.LevelDebug, "chain: request failed, trying again", slog.String("method", method),
		slog.Int("attempt", n), slog.Duration("pause", wait), slog.String("error", err.Error()))
	if stop := c.clock.sleep(ctx, wait); stop != nil {
		return fmt.Errorf("%w (last attempt: %w)", stop, err)
	}
	return nil
}

// backoff returns the longest pause after attempt n: base doubled n-1 times.
func backoff(base time.Duration, n int) time.Duration {
	for ; n > 1 && base < maxBackoff; n-- {
		base *= 2
	}
	return min(base, maxBackoff)
}

// post makes one HTTP request. It returns the body with a nil error for status 200.
// For other statuses it returns an *HTTPError and what may be an answer of the RPC.
func (c *Client) post(ctx context.Context, body []byte) ([]byte, error) {
	attempt, cancel := context.WithTimeout(ctx, c.opts.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(attempt, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("chain: the request cannot be made") // err would repeat the URL
	}
	for k, v := range c.opts.Header {
		req.Header[http.CanonicalHeaderKey(k)] = v
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, networkError(ctx, err)
	}
	defer resp.Body.Close()
	limit := c.opts.MaxResponse
	if resp.StatusCode != http.StatusOK {
		limit = maxErrorBody
	}
	data, err := readBody(resp, limit)
	if resp.StatusCode != http.StatusOK {
		return data, &HTTPError{resp.StatusCode, retryAfter(resp.Header, c.clock.now())}
	}
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return nil, networkError(ctx, err)
	}
	return data, err
}

// readBody reads at most limit bytes; more are ErrTooLarge.
func readBody(resp *http.Response, limit int64) ([]byte, error) {
	if resp.ContentLength > limit {
		return nil, ErrTooLarge
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, ErrTooLarge
	}
	return data, nil
}

// networkError wraps a failure of the network, without the URL. If it is the end of
// ctx, and not of the attempt, it is the cause of ctx.
func networkError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &transportError{err, !notSent(err)}
}

// retryAfter reads the header of that name, seconds or a date; 0 is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if s, err := strconv.ParseUint(v, 10, 32); err == nil {
		return time.Duration(s) * time.Second
	}
	t, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return max(t.Sub(now), 0)
}
