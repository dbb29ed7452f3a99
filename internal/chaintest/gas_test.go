//go:build devnet

package chaintest_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts"
	"github.com/bitsage/bitsage/internal/chaintest"
	"github.com/bitsage/bitsage/internal/devnet"
	"github.com/bitsage/bitsage/wallet"
)

var update = flag.Bool("update", false, "write docs/gas.md anew")

// sierra is what contract_class_version must say for a devnet to meter a class as
// public networks do, in Sierra gas; it knows of no other sign.
const sierra = "1.7.0"

// TestDevnetGas measures what every function costs and compares it with docs/gas.md:
//
//	go test -tags devnet -timeout 30m -run DevnetGas ./internal/chaintest -update
func TestDevnetGas(t *testing.T) {
	d := devnet.Test(t, devnet.Options{Seed: 12, Accounts: 200, Args: []string{"--account-class-custom", meteredAccount(t)}})
	m := &meter{}
	c, err := chain.Dial(t.Context(), d.URL(), chain.Options{ChainID: "SN_SEPOLIA", Poll: 2 * time.Millisecond, HTTP: &http.Client{Transport: m}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	accounts, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fees := chain.FeePolicy{Fixed: bounds()}
	metered := make(map[chain.Felt]bool)
	next := func(ctx context.Context) (*wallet.Account, error) {
		a := accounts[len(metered)]
		metered[a.Address] = true
		if err := d.Mint(ctx, a.Address, strk(10_000)); err != nil {
			return nil, err
		}
		return wallet.AccountAt(a.Address, a.Key)
	}
	first, err := next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner := chain.NewAccount(c, first.Address(), first, fees)
	// The limit of a transaction's gas is not one of declarations.
	declaration := *bounds()
	declaration.L2Gas.Amount *= 3
	declare(t, owner.WithFees(chain.FeePolicy{Fixed: &declaration}))
	fund := func(ctx context.Context, address chain.Felt) error { return d.Mint(ctx, address, strk(10_000)) }
	n := network(t, owner, fund, d.IncreaseTime)
	n.NewAccount = next
	chaintest.Exercise(t, n)
	if t.Failed() {
		return
	}
	rows := m.rows(t, c, n.Contracts, metered)
	everyFunction(t, rows)
	compare(t, rows)
}

// declare declares all classes.
func declare(t *testing.T, owner *chain.Account) {
	for _, c := range contracts.Classes() {
		var class chain.Class
		if err := json.Unmarshal(c.Sierra, &class); err != nil {
			t.Fatal(err)
		}
		compiled, err := chain.ParseFelt(c.CompiledClassHash)
		if err != nil {
			t.Fatal(err)
		}
		d, err := owner.Declare(t.Context(), &class, compiled)
		if err != nil {
			t.Fatal(c.Name, err)
		}
		if _, err := owner.Wait(t.Context(), d.Tx); err != nil {
			t.Fatal(err)
		}
	}
}

// meteredAccount writes the class of a devnet's accounts to a file, as one that is
// metered in Sierra gas: what an account calls is metered as the account is. Another
// ABI makes it another class, or devnet would know it.
func meteredAccount(t *testing.T) string {
	d := devnet.Test(t, devnet.Options{Accounts: 1})
	c, err := chain.Dial(t.Context(), d.URL(), chain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	accounts, err := d.Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var class map[string]any
	err = c.Do(t.Context(), "starknet_getClassAt", map[string]any{"block_id": "latest", "contract_address": accounts[0].Address.String()}, &class)
	if err != nil {
		t.Fatal(err)
	}
	var abi []any
	if err := json.Unmarshal([]byte(class["abi"].(string)), &abi); err != nil {
		t.Fatal(err)
	}
	class["abi"] = append(abi, map[string]any{"type": "event", "name": "Metered", "kind": "struct", "members": []any{}})
	class["contract_class_version"] = sierra
	data, err := json.Marshal(class)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// meter is a transport that lets devnet meter declared classes in Sierra gas, and
// remembers the transactions that went through it.
type meter struct {
	mu      sync.Mutex
	invokes []sent
}

type sent struct {
	hash     string
	sender   string
	calldata []string
}

func (m *meter) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if bytes.Contains(body, []byte(`"starknet_addDeclareTransaction"`)) {
		// The hash of the class, which is signed, has 0.1.0 in it all the same.
		body = bytes.Replace(body, []byte(`"contract_class_version":"0.1.0"`), []byte(`"contract_class_version":"`+sierra+`"`), 1)
	}
	if bytes.Contains(body, []byte(`"starknet_estimateFee"`)) {
		// A class that is metered so runs out of the gas that an estimate does not bid.
		body = bytes.ReplaceAll(body, []byte(`"max_amount":"0x0"`), []byte(`"max_amount":"0x40000000"`))
		body = bytes.Replace(body, []byte(`"simulation_flags":[]`), []byte(`"simulation_flags":["SKIP_VALIDATE"]`), 1)
	}
	out := r.Clone(r.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	switch {
	case bytes.Contains(body, []byte(`"starknet_getClass"`)):
		answer = bytes.Replace(answer, []byte(`"contract_class_version":"`+sierra+`"`), []byte(`"contract_class_version":"0.1.0"`), 1)
	case bytes.Contains(body, []byte(`"starknet_addInvokeTransaction"`)):
		err = m.remember(body, answer)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return resp, err
}

func (m *meter) remember(request, answer []byte) error {
	var in struct {
		Params struct {
			Tx struct {
				Sender   string   `json:"sender_address"`
				Calldata []string `json:"calldata"`
			} `json:"invoke_transaction"`
		} `json:"params"`
	}
	var out struct {
		Result struct {
			Hash string `json:"transaction_hash"`
		} `json:"result"`
	}
	if err := errors.Join(json.Unmarshal(request, &in), json.Unmarshal(answer, &out)); err != nil {
		return err
	}
	if out.Result.Hash != "" { // else the node refused it
		m.mu.Lock()
		defer m.mu.Unlock()
		m.invokes = append(m.invokes, sent{out.Result.Hash, in.Params.Tx.Sender, in.Params.Tx.Calldata})
	}
	return nil
}

// row is what transactions with the same calls use.
type row struct {
	calls    string
	felts    int    // of calldata, the most
	min, max uint64 // L2 gas
}

// rows sums up the transactions of the metered accounts that succeeded.
func (m *meter) rows(t *testing.T, c *chain.Client, at *chain.Addresses, metered map[chain.Felt]bool) []row {
	names := functionNames(t, at)
	table := make(map[string]row)
	for _, tx := range m.invokes {
		sender, err := chain.ParseFelt(tx.sender)
		if err != nil {
			t.Fatal(err)
		}
		calls := callsOf(t, names, tx.calldata)
		if calls == "" || !metered[sender] {
			continue
		}
		hash, err := chain.ParseFelt(tx.hash)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.TransactionReceipt(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		if r.Reverted {
			continue
		}
		old, ok := table[calls]
		if !ok {
			old.min = r.L2Gas
		}
		table[calls] = row{calls, max(old.felts, len(tx.calldata)), min(old.min, r.L2Gas), max(old.max, r.L2Gas)}
	}
	return slices.SortedFunc(maps.Values(table), func(a, b row) int { return cmp.Compare(a.calls, b.calls) })
}

// functionNames are the functions by contract and selector, in hexadecimal.
func functionNames(t *testing.T, at *chain.Addresses) map[[2]string]string {
	names := map[[2]string]string{{chain.Deployer().String(), chain.Selector("deployContract").String()}: "deployment"}
	for _, c := range contracts.Classes() {
		for _, f := range externals(t, c) {
			names[[2]string{at.Contracts[c.Name].Address.String(), chain.Selector(f).String()}] = c.Name + "." + f
		}
	}
	return names
}

// externals are the functions of a contract that change its state.
func externals(t *testing.T, c *contracts.Class) []string {
	var abi []struct {
		Items []struct {
			Type, Name string
			Mutability string `json:"state_mutability"`
		}
	}
	if err := json.Unmarshal(c.ABI, &abi); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, entry := range abi {
		for _, f := range entry.Items {
			if f.Type == "function" && f.Mutability == "external" {
				out = append(out, f.Name)
			}
		}
	}
	return out
}

// callsOf names the calls of a transaction, or is empty if one is of other contracts.
func callsOf(t *testing.T, names map[[2]string]string, calldata []string) string {
	var calls []string
	d := calldata[1:]
	for len(d) > 0 {
		name, ok := names[[2]string{d[0], d[1]}]
		n, err := chain.ParseFelt(d[2])
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return ""
		}
		calls = append(calls, name)
		d = d[3+n.Uint64():]
	}
	return tally(calls)
}

// tally writes runs of equal calls as one.
func tally(calls []string) string {
	var out []string
	for len(calls) > 0 {
		n := 1
		for n < len(calls) && calls[n] == calls[0] {
			n++
		}
		if name := calls[0]; n > 1 {
			out = append(out, fmt.Sprintf("%d × %s", n, name))
		} else {
			out = append(out, name)
		}
		calls = calls[n:]
	}
	return strings.Join(out, " + ")
}

// byContracts are the functions that no account may call.
var byContracts = []string{
	"StakingManager.lock_bond", "StakingManager.unlock_bond", "StakingManager.seize_bond", "StakingManager.slash",
	"ReputationManager.record", "PaymentRouter.escrow", "PaymentRouter.settle", "PaymentRouter.refund",
	"PrivacyRouter.debit", "PrivacyRouter.credit",
}

// everyFunction checks that none is missing.
func everyFunction(t *testing.T, rows []row) {
	seen := make(map[string]bool)
	for _, r := range rows {
		for _, name := range strings.Split(r.calls, " + ") {
			seen[name] = true
		}
	}
	for _, c := range contracts.Classes() {
		for _, f := range externals(t, c) {
			if name := c.Name + "." + f; !seen[name] && !slices.Contains(byContracts, name) {
				t.Errorf("%s was not measured", name)
			}
		}
	}
}

func (r row) String() string {
	gas := fmt.Sprintf("%.2f", float64(r.min)/1e6)
	if most := fmt.Sprintf("%.2f", float64(r.max)/1e6); most != gas {
		gas += " to " + most
	}
	return fmt.Sprintf("| %s | %d | %s |", r.calls, r.felts, gas)
}

// compare compares the rows with the document, or writes it.
func compare(t *testing.T, rows []row) {
	var b strings.Builder
	b.WriteString(gasHeader)
	for _, r := range rows {
		fmt.Fprintln(&b, r)
	}
	if *update {
		if err := os.WriteFile(gasTable, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	data, err := os.ReadFile(gasTable)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := strings.CutPrefix(string(data), gasHeader)
	if !ok {
		t.Fatal("docs/gas.md does not begin as it must")
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != len(rows) {
		t.Errorf("docs/gas.md has %d rows, measured were %d", len(lines), len(rows))
	}
	for i, line := range lines[:min(len(lines), len(rows))] {
		var least, most float64
		var felts int
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		if len(cells) != 3 || cells[0] != rows[i].calls {
			t.Errorf("%q, measured was %v", line, rows[i])
			continue
		}
		if n, _ := fmt.Sscanf(cells[2], "%f to %f", &least, &most); n < 2 {
			most = least
		}
		fmt.Sscan(cells[1], &felts)
		if felts != rows[i].felts || differ(least, rows[i].min) || differ(most, rows[i].max) {
			t.Errorf("%q, measured was %v", line, rows[i])
		}
	}
}

// differ allows for 5 %, and for what rounding takes.
func differ(millions float64, gas uint64) bool {
	d := millions - float64(gas)/1e6
	return max(d, -d) > 0.05*millions+0.01
}
