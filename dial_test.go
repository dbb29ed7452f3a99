package bitsage

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/bitsage/bitsage/chain"
)

// TestDial reads a network's description from a file and from a server, and submits.
func TestDial(t *testing.T) {
	w := newWorld(t, 1)
	w.start(w.worker)
	node := httptest.NewServer(w.ledger.Handler())
	defer node.Close()
	data, err := json.Marshal(Description{node.URL, w.network.contracts})
	w.check(err)
	file := filepath.Join(t.TempDir(), "network.json")
	w.check(os.WriteFile(file, data, 0o600))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(data) }))
	defer server.Close()
	for _, endpoint := range []string{file, server.URL} {
		cfg := w.config(10)
		cfg.Network, cfg.Transport = nil, w.network.memory
		c, err := Dial(t.Context(), endpoint, cfg)
		require.NoError(t, err)
		quotes, err := c.Quotes(t.Context(), smallJob(""))
		require.NoError(t, err)
		require.Len(t, quotes, 1)
		require.NoError(t, c.Close())
	}
}

// TestDialRefuses wants Dial to say what is wrong with a description.
func TestDialRefuses(t *testing.T) {
	w := newNetwork(t)
	node := httptest.NewServer(w.ledger.Handler())
	defer node.Close()
	good, err := json.Marshal(Description{node.URL, w.network.contracts})
	w.check(err)
	noNode, err := json.Marshal(Description{"", w.network.contracts})
	w.check(err)
	other := *w.network.contracts
	other.ChainID = "SN_MAIN"
	otherChain, err := json.Marshal(Description{node.URL, &other})
	w.check(err)
	swapped := chain.Addresses{ChainID: other.ChainID, Contracts: map[string]chain.Contract{}}
	swapped.ChainID = w.network.contracts.ChainID
	for name, c := range w.network.contracts.Contracts {
		swapped.Contracts[name] = c
	}
	c := swapped.Contracts["JobManager"]
	c.Address = swapped.Contracts["SageToken"].Address
	swapped.Contracts["JobManager"] = c
	otherContract, err := json.Marshal(Description{node.URL, &swapped})
	w.check(err)
	for name, test := range map[string]struct {
		data string
		want error
	}{
		"empty":            {"", ErrDescription},
		"unknown member":   {`{"rpc": "http://127.0.0.1", "bootstrap": []}`, ErrDescription},
		"no deployment":    {`{"rpc": "http://127.0.0.1"}`, ErrDescription},
		"no node":          {string(noNode), ErrDescription},
		"two of them":      {string(good) + string(good), ErrDescription},
		"too long":         {string(good) + string(make([]byte, maxDescription)), ErrDescription},
		"another chain":    {string(otherChain), chain.ErrChainID},
		"another contract": {string(otherContract), chain.ErrAddresses},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "network.json")
			require.NoError(t, os.WriteFile(file, []byte(test.data), 0o600))
			cfg := Config{Account: w.keys[0]}
			_, err := Dial(t.Context(), file, cfg)
			require.ErrorIs(t, err, test.want)
		})
	}
	_, err = Dial(t.Context(), "http://network.example/network.json", Config{Account: w.keys[0]})
	require.ErrorContains(t, err, "https")
	_, err = Dial(t.Context(), filepath.Join(t.TempDir(), "none"), Config{Account: w.keys[0]})
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Dial(t.Context(), "", Config{Network: w.network, Account: w.keys[0]})
	require.ErrorContains(t, err, "NewClient")
}

// TestDialServers: a server that sends Dial in circles is left soon, and what a server
// answers is told without the password in its address.
func TestDialServers(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/circle":
			http.Redirect(w, r, "/circle", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "http://network.example/", http.StatusFound)
		case "/garbage":
			w.Write([]byte("garbage"))
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for _, path := range []string{"/circle", "/elsewhere", "/garbage", "/none"} {
		asked = 0
		_, err := Dial(t.Context(), strings.Replace(server.URL, "http://", "http://user:secret@", 1)+path, Config{})
		require.Error(t, err, path)
		require.NotContains(t, err.Error(), "secret", path)
		require.LessOrEqual(t, asked, 1+maxRedirects, path)
	}
}
