package bitsage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/bitsage/bitsage/chain"
)

// Description says where a network is: a node of its chain and the contracts. As JSON it
// is what Dial reads:
//
//	{"rpc": "https://...", "deployment": {"chain_id": "SN_SEPOLIA", "contracts": {...}}}
//
// The deployment is the contents of an address file. Whoever describes a network says
// which contracts get the money: take a description from where you would take a program.
type Description struct {
	RPC        string           `json:"rpc"`
	Deployment *chain.Addresses `json:"deployment"`
}

// maxDescription bounds a description in bytes.
const maxDescription = 1 << 20

// ErrDescription means that a text is no description of a network.
var ErrDescription = errors.New("bitsage: not the description of a network")

// Dial returns a client of the network that is described at endpoint; see DialNetwork.
// cfg.Network must be nil; the client closes the network.
func Dial(ctx context.Context, endpoint string, cfg Config) (*Client, error) {
	if cfg.Network != nil {
		return nil, errors.New("bitsage: Dial makes a network of its own: leave Config.Network nil, or use NewClient")
	}
	var err error
	if cfg.Network, err = DialNetwork(ctx, endpoint, cfg.Logger); err != nil {
		return nil, err
	}
	c, err := NewClient(cfg)
	if err != nil {
		return nil, errors.Join(err, cfg.Network.Close())
	}
	c.dialed = true
	return c, nil
}

// DialNetwork returns the network that is described at endpoint, the path of a file or an
// https address; http only for this machine. It checks that the node serves the chain and
// has the contracts, which are those of the description for good. A nil logger means
// slog.Default().
func DialNetwork(ctx context.Context, endpoint string, logger *slog.Logger) (*Network, error) {
	data, err := readDescription(ctx, endpoint)
	if err != nil {
		return nil, err
	}
	d, err := parseDescription(data)
	if err != nil {
		return nil, fmt.Errorf("%w: at %s", err, redact(endpoint))
	}
	node, err := chain.NewClient(d.RPC, chain.Options{ChainID: d.Deployment.ChainID, Logger: logger})
	if err != nil {
		return nil, err
	}
	if err := d.Deployment.Verify(ctx, node); err != nil {
		return nil, fmt.Errorf("bitsage: the node is not that of the description: %w", err)
	}
	return NewNetwork(NetworkConfig{Chain: node, Contracts: d.Deployment, Logger: logger})
}

// readDescription reads a file, or what a server has.
func readDescription(ctx context.Context, endpoint string) ([]byte, error) {
	if !strings.Contains(endpoint, "://") {
		f, err := os.Open(endpoint)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readBounded(f)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return nil, err
	}
	if err := checkScheme(request); err != nil {
		return nil, err
	}
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return fmt.Errorf("bitsage: more than %d redirects", maxRedirects)
		}
		return checkScheme(r)
	}}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("bitsage: %s answered %s", redact(endpoint), response.Status)
	}
	return readBounded(response.Body)
}

// maxRedirects is how often a server may send Dial on to another address.
const maxRedirects = 10

// redact takes the password out of an address for an error.
func redact(endpoint string) string {
	if u, err := url.Parse(endpoint); err == nil {
		return u.Redacted()
	}
	return endpoint
}

// checkScheme lets nobody on the way change a description.
func checkScheme(r *http.Request) error {
	host := r.URL.Hostname()
	if r.URL.Scheme == "https" || r.URL.Scheme == "http" && (host == "localhost" || host == "127.0.0.1" || host == "::1") {
		return nil
	}
	return fmt.Errorf("bitsage: %s is neither https nor on this machine: whoever is on the way could say which contracts get the money", r.URL.Redacted())
}

func readBounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxDescription+1))
	if err == nil && len(data) > maxDescription {
		err = fmt.Errorf("%w: more than %d bytes", ErrDescription, maxDescription)
	}
	return data, err
}

func parseDescription(data []byte) (*Description, error) {
	d, dec := new(Description), json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(d); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDescription, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: there is something after it", ErrDescription)
	}
	if d.RPC == "" || d.Deployment == nil {
		return nil, fmt.Errorf("%w: rpc or deployment is missing", ErrDescription)
	}
	return d, nil
}
