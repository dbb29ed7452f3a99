// Package devnet runs a real starknet-devnet for tests: it finds or builds the
// binary, starts it on a free port and speaks the methods that only it has. For the
// rest of the RPC, point a client at Devnet.URL.
//
// A devnet reports the chain SN_SEPOLIA unless it is started with --chain-id.
package devnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

const (
	startTimeout = time.Minute
	maxLog       = 1 << 20 // bytes of the log that are kept
	maxResponse  = 16 << 20
)

// Options says how to start a devnet. The zero value is ten accounts of 1,000 STRK
// each, always the same, and a block for every transaction.
type Options struct {
	Seed     uint64   // of the accounts
	Accounts int      // 0 means 10
	Args     []string // other flags, for example "--block-generation-on", "demand"
}

// Devnet is a running starknet-devnet. Its methods may be used by several goroutines
// at once.
type Devnet struct {
	url  string
	stop context.CancelFunc
	log  *tail
	done chan struct{} // closed when the process has ended
}

// Start finds the binary, building it if it is missing (see Install), and starts it.
// It returns when the devnet answers. The devnet ends with ctx, with Close, or, on
// Linux, with this process.
func Start(ctx context.Context, o Options) (*Devnet, error) {
	path, err := Install(ctx)
	if err != nil {
		return nil, err
	}
	if o.Accounts == 0 {
		o.Accounts = 10
	}
	args := []string{"--host", "127.0.0.1", "--port", "0", "--seed", strconv.FormatUint(o.Seed, 10), "--accounts", strconv.Itoa(o.Accounts)}
	ctx, stop := context.WithCancel(ctx)
	d := &Devnet{stop: stop, log: &tail{address: make(chan string, 1)}, done: make(chan struct{})}
	cmd := exec.CommandContext(ctx, path, slices.Concat(args, o.Args)...)
	cmd.Stdout, cmd.Stderr = d.log, d.log
	cmd.SysProcAttr = sysProcAttr()
	if err := d.start(cmd); err != nil {
		stop()
		return nil, fmt.Errorf("devnet: %w", err)
	}
	if err := d.ready(ctx); err != nil {
		d.Close()
		return nil, fmt.Errorf("devnet: it did not start: %w\n%s", err, d.Log())
	}
	return d, nil
}

// Test starts a devnet that ends with the test, and logs the end of its log if the
// test fails.
func Test(t testing.TB, o Options) *Devnet {
	t.Helper()
	d, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.Close()
		if log := d.Log(); t.Failed() {
			t.Logf("devnet: %s", log[max(0, len(log)-4000):])
		}
	})
	return d
}

// start runs the command on a thread that lives as long as the command: the kernel
// sends the signal of sysProcAttr when the thread that started it ends.
func (d *Devnet) start(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		defer close(d.done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	return <-started
}

// ready waits until the devnet has said where it listens, and answers.
func (d *Devnet) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case address := <-d.log.address:
		d.url = "http://" + address + "/rpc"
	case <-d.done:
		return errors.New("the process ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return d.do(ctx, "devnet_getConfig", struct{}{}, nil)
}

// Close kills the devnet and waits for its end.
func (d *Devnet) Close() {
	d.stop()
	<-d.done
}

// URL returns the address of the RPC.
func (d *Devnet) URL() string { return d.url }

// Log returns what the devnet wrote, at most the last MiB.
func (d *Devnet) Log() string { return d.log.String() }

var listening = regexp.MustCompile(`listening on (127\.0\.0\.1:[0-9]+)`)

// tail keeps the end of a log and finds the address in it.
type tail struct {
	mu      sync.Mutex
	data    []byte
	found   bool
	address chan string
}

// Write implements io.Writer.
func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data = append(l.data, p...)
	if len(l.data) > maxLog {
		l.data = slices.Clone(l.data[len(l.data)-maxLog/2:])
	}
	// The line may be written in parts: the address ends where a line does.
	if m := listening.FindSubmatchIndex(l.data); !l.found && m != nil && bytes.IndexByte(l.data[m[1]:], '\n') >= 0 {
		l.found = true
		l.address <- string(l.data[m[2]:m[3]])
	}
	return len(p), nil
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.data)
}

// do calls a method. result may be nil.
func (d *Devnet) do(ctx context.Context, method string, params, result any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("devnet: %s: %w", method, err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxResponse)).Decode(&answer); err != nil {
		return fmt.Errorf("devnet: %s: status %d: %w", method, resp.StatusCode, err)
	}
	if answer.Error != nil {
		return fmt.Errorf("devnet: %s: %s", method, answer.Error)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("devnet: %s: %w", method, err)
	}
	return nil
}

// Account is an account that exists from the start.
type Account struct {
	Address felt.Felt
	Key     *wallet.Key
}

// Accounts returns the accounts that exist from the start.
func (d *Devnet) Accounts(ctx context.Context) ([]Account, error) {
	var list []struct {
		Address string `json:"address"`
		Private string `json:"private_key"`
	}
	if err := d.do(ctx, "devnet_getPredeployedAccounts", struct{}{}, &list); err != nil {
		return nil, err
	}
	out := make([]Account, len(list))
	for i, a := range list {
		address, err := felt.Parse(a.Address)
		if err != nil {
			return nil, err
		}
		key, err := wallet.ParseKey(a.Private)
		if err != nil {
			return nil, err
		}
		out[i] = Account{address, key}
	}
	return out, nil
}

// Mint gives an address an amount of STRK, in FRI.
func (d *Devnet) Mint(ctx context.Context, to felt.Felt, amount *big.Int) error {
	return d.do(ctx, "devnet_mint", map[string]any{"address": to.String(), "amount": json.Number(amount.String()), "unit": "FRI"}, nil)
}

// CreateBlock makes a block of the transactions that wait, if any.
func (d *Devnet) CreateBlock(ctx context.Context) error {
	return d.do(ctx, "devnet_createBlock", struct{}{}, nil)
}

// IncreaseTime makes a block whose time, and that of all later blocks, is later by a
// number of whole seconds.
func (d *Devnet) IncreaseTime(ctx context.Context, by time.Duration) error {
	return d.do(ctx, "devnet_increaseTime", map[string]any{"time": int64(by / time.Second)}, nil)
}

// SetTime makes a block of this time, from which that of all later blocks goes on.
func (d *Devnet) SetTime(ctx context.Context, t time.Time) error {
	return d.do(ctx, "devnet_setTime", map[string]any{"time": t.Unix(), "generate_block": true}, nil)
}

// AbortBlocks takes all blocks from a number on off the chain, as a reorganisation
// does. It needs the flags --state-archive-capacity full. Devnet's block hashes do not
// depend on transactions: without IncreaseTime, a block that is made in the same
// second as the one in its place has the same hash.
func (d *Devnet) AbortBlocks(ctx context.Context, from uint64) error {
	return d.do(ctx, "devnet_abortBlocks", map[string]any{"starting_block_id": map[string]any{"block_number": from}}, nil)
}
