package chain

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
)

// Options configures a Client. The zero value is for production.
type Options struct {
	// ChainID is the chain that the node must serve, for example "SN_MAIN" or
	// "SN_SEPOLIA". Empty accepts whatever the node serves; then the node decides
	// for which chain transactions are signed.
	ChainID string
	// HTTP makes the requests; nil means a client of this package. Redirects are
	// not followed with any.
	HTTP *http.Client
	// Header is added to every request, for example a provider's key.
	Header http.Header
	// Timeout is for one attempt of one request; 0 means 30 s.
	Timeout time.Duration
	// Attempts is how often a request is made before its error is returned; 0
	// means 5. Only reads are repeated just so, see Client.Add.
	Attempts int
	// Backoff is the longest pause before the second attempt. It doubles with
	// every attempt, up to 10 s, and the pause is uniform between 0 and it. 0 means
	// 200 ms. A Retry-After of the node prolongs it, up to a minute.
	Backoff time.Duration
	// MaxResponse is the size of the largest answer to read, in bytes; 0 means 64 MiB.
	MaxResponse int64
	// Poll is the shortest pause between two looks at the chain while waiting for a
	// transaction or for events; 0 means 500 ms. It grows to eight times that.
	Poll time.Duration
	// DropAfter is for how long a node may not know a transaction before Wait
	// takes it for dropped; 0 means 90 s.
	DropAfter time.Duration
	// Logger gets attempts that failed; nil means slog.Default(). Parameters of
	// requests, and so signatures, and the node's URL, which may hold a key, are
	// never logged.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 30*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 5)
	o.Backoff = cmp.Or(o.Backoff, 200*time.Millisecond)
	o.MaxResponse = cmp.Or(o.MaxResponse, 64<<20)
	o.Poll = cmp.Or(o.Poll, 500*time.Millisecond)
	o.DropAfter = cmp.Or(o.DropAfter, 90*time.Second)
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

// Client speaks JSON-RPC with one node. Make it with Dial or NewClient.
type Client struct {
	url   string
	http  *http.Client
	opts  Options
	clock clock
	id    atomic.Uint64

	mu    sync.Mutex
	chain *Felt // the node's chain, once known and accepted
}

// NewClient returns a client of the node at an http or https URL. It does no I/O:
// the node's chain is checked when it is first needed.
func NewClient(rawURL string, o Options) (*Client, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("chain: a node's URL begins with http:// or https:// and names a host")
	}
	if _, err := felt.ShortString(o.ChainID); err != nil {
		return nil, fmt.Errorf("chain: Options.ChainID: %w", err)
	}
	if o.Timeout < 0 || o.Attempts < 0 || o.Backoff < 0 || o.MaxResponse < 0 || o.Poll < 0 || o.DropAfter < 0 {
		return nil, errors.New("chain: an option is negative")
	}
	h := http.Client{}
	if o.HTTP != nil {
		h = *o.HTTP
	} else {
		h.Transport = newTransport()
	}
	h.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{url: u.String(), http: &h, opts: o.withDefaults(), clock: realClock()}, nil
}

func newTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 16
	t.IdleConnTimeout = 30 * time.Second
	return t
}

// Dial returns a client after checking that the node answers, speaks RPC 0.9 or
// 0.10 and serves the expected chain. It fails with ErrSpecVersion, ErrChainID, or
// as Do does.
func Dial(ctx context.Context, rawURL string, o Options) (*Client, error) {
	c, err := NewClient(rawURL, o)
	if err != nil {
		return nil, err
	}
	if err := c.checkVersion(ctx); err != nil {
		c.Close()
		return nil, err
	}
	if _, err := c.chainID(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close closes idle connections. The client can still be used.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// SpecVersion returns the version of the RPC that the node speaks, as "0.10.0".
func (c *Client) SpecVersion(ctx context.Context) (string, error) {
	var v string
	if err := c.Do(ctx, "starknet_specVersion", nil, &v); err != nil {
		return "", err
	}
	if len(v) > 32 {
		return "", malformed("a version of %d characters", len(v))
	}
	return v, nil
}

func (c *Client) checkVersion(ctx context.Context) error {
	v, err := c.SpecVersion(ctx)
	if err != nil {
		return err
	}
	if v = strings.TrimPrefix(v, "v"); !strings.HasPrefix(v, "0.9.") && !strings.HasPrefix(v, "0.10.") {
		return fmt.Errorf("%w: %q, want 0.9 or 0.10", ErrSpecVersion, printable(v))
	}
	return nil
}

// ChainID returns the identifier of the node's chain, for example "SN_SEPOLIA". It
// fails with ErrChainID if another one is expected. The answer is kept.
func (c *Client) ChainID(ctx context.Context) (string, error) {
	id, err := c.chainID(ctx)
	if err != nil {
		return "", err
	}
	return felt.Text(id)
}

// chainID is ChainID as a felt.
func (c *Client) chainID(ctx context.Context) (Felt, error) {
	c.mu.Lock()
	known := c.chain
	c.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	var w rpcFelt
	if err := c.Do(ctx, "starknet_chainId", nil, &w); err != nil {
		return Felt{}, err
	}
	id := Felt(w)
	text, err := felt.Text(id)
	if err != nil || text == "" {
		return Felt{}, malformed("the chain identifier %s is no text", id)
	}
	if c.opts.ChainID != "" && text != c.opts.ChainID {
		return Felt{}, fmt.Errorf("%w: %q, want %q", ErrChainID, text, c.opts.ChainID)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chain != nil && *c.chain != id {
		return Felt{}, fmt.Errorf("%w: %q, before it was another", ErrChainID, text)
	}
	c.chain = &id
	return id, nil
}

// Do makes a request that only reads, and decodes the result into result, a pointer
// or nil. params is an object, marshalled as JSON, or nil for none. The request is
// repeated after failures of the network, timeouts and the statuses 408, 429 and
// 5xx. It fails with an *RPCError, *HTTPError, ErrResponse, ErrTooLarge, the cause
// of ctx, or the last failure of the network. A result of null is ErrResponse.
func (c *Client) Do(ctx context.Context, method string, params, result any) error {
	return c.retry(ctx, method, func() error { return c.once(ctx, method, params, result) })
}

// once makes one attempt of one request.
func (c *Client) once(ctx context.Context, method string, params, result any) error {
	id := c.id.Add(1)
	body, err := json.Marshal(newRequest(id, method, params))
	if err != nil {
		return fmt.Errorf("chain: %s: %w", method, err)
	}
	data, err := c.post(ctx, body)
	if err != nil && len(data) == 0 {
		return err
	}
	if err := decodeSingle(data, id, method, result, err); err != nil {
		return err
	}
	return nil
}
