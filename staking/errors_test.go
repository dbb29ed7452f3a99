package staking

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/money"
)

// TestCodes compares the codes with those of the contracts' sources.
func TestCodes(t *testing.T) {
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	var ours []string
	for _, m := range regexp.MustCompile(`\tErr\w+ +Code = "(\w+)"`).FindAllStringSubmatch(read("errors.go"), -1) {
		if _, ok := cairo.ErrorByCode(m[1]); !ok {
			t.Errorf("%s is no code of the contracts", m[1])
		}
		ours = append(ours, m[1])
	}
	// The rest is for whoever deploys, owns, or is a contract.
	others := []string{"ALREADY_CONFIGURED", "MODEL_EXISTS", "BOND_UNKNOWN", "EPOCH_LENGTH"}
	for _, contract := range []string{"staking", "validators", "reputation"} {
		for _, m := range regexp.MustCompile(`errors::([A-Z_]+)`).FindAllStringSubmatch(read("../contracts/src/"+contract+".cairo"), -1) {
			if !slices.Contains(ours, m[1]) && !slices.Contains(others, m[1]) {
				t.Errorf("%s of %s has no code here", m[1], contract)
			}
		}
	}
}

// panicData lists what a contract panicked with, the code first.
const panicData = `{"transaction_index":0,"execution_error":{"contract_address":"0x1234","class_hash":"0x5678","selector":"0x15d","error":"(0x5354414b455f4c4f434b4544 ('STAKE_LOCKED'), 0x454e545259504f494e545f4641494c4544 ('ENTRYPOINT_FAILED'))"}}`

// report returns what starknet-devnet 0.10.1 said of a stake without the balance.
func report(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestRefusal(t *testing.T) {
	rpc := &chain.RPCError{Method: "starknet_estimateFee", Code: chain.ErrExecution, Data: json.RawMessage(panicData)}
	devnet := &chain.RPCError{Method: "starknet_estimateFee", Code: chain.ErrExecution, Data: json.RawMessage(report(t, "estimate.json"))}
	revert := &chain.RevertError{Hash: chain.Uint(7), Reason: report(t, "revert.txt")}
	for _, c := range []struct {
		err  error
		want Code
	}{
		{rpc, ErrLocked},
		{&chain.RPCError{Code: chain.ErrContract, Data: json.RawMessage(panicData)}, ErrLocked},
		{devnet, ErrBalance},
		{revert, ErrBalance},
		{fmt.Errorf("wrapped: %w", revert), ErrBalance},
	} {
		got := refusal("stake", c.err)
		var e *Error
		if !errors.Is(got, c.want) || !errors.As(got, &e) || e.Op != "stake" || !errors.Is(got, c.err) {
			t.Errorf("%v: %v", c.err, got)
		}
	}
	for _, err := range []error{
		nil, errors.New("no network"),
		&chain.RPCError{Code: chain.ErrNonce, Data: json.RawMessage(panicData)},
		&chain.RPCError{Code: chain.ErrExecution, Data: json.RawMessage(`"Out of gas"`)},
		&chain.RevertError{Reason: "Insufficient max L2Gas: max amount: 1, actual used: 2"},
		&chain.RevertError{Reason: "0x" + strings.Repeat("f", 64)},
	} {
		if got := refusal("stake", err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Op: "stake", Code: ErrBalance, Have: money.SAGE(900), Need: money.SAGE(1000)}
	const balance = "staking: stake: The balance of the token is smaller than the amount. There are 900 SAGE, 1000 are needed, 100 are missing."
	if e.Error() != balance || e.Missing() != money.SAGE(100) || !errors.Is(e, ErrBalance) || errors.Is(e, ErrLocked) {
		t.Error(e)
	}
	e = &Error{Op: "request unstake", Code: ErrLocked, Until: time.Unix(1_700_000_000, 0)}
	if want := "staking: request unstake: The lock of the stake has not ended. It is possible from 2023-11-14T22:13:20Z on."; e.Error() != want {
		t.Error(e)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{Insufficient{money.SAGE(1), money.SAGE(2)}, "staking: x: The account has no stake. (staking: the stake is 1 SAGE and must be at least 2 SAGE)"},
		{&chain.RevertError{Hash: chain.Uint(7), Reason: "a long report"}, "staking: x: The account has no stake. Transaction 0x7 reverted."},
		{&chain.RPCError{Code: chain.ErrExecution, Data: json.RawMessage("{}")}, "staking: x: The account has no stake."},
	} {
		if e := (&Error{Op: "x", Code: ErrNoStake, Err: c.err}); e.Error() != c.want {
			t.Error(e)
		}
	}
	if s := Code("NEW_CODE").Error(); s != "staking: NEW_CODE" {
		t.Error(s)
	}
}

func FuzzRefusal(f *testing.F) {
	f.Add(panicData)
	f.Add(report(f, "revert.txt"))
	f.Add("0x0x0x5354414b455f4c4f434b4544")
	f.Fuzz(func(t *testing.T, report string) {
		code := cairo.Refusal(&chain.RevertError{Reason: report})
		if _, known := cairo.ErrorByCode(code); known != (code != "") {
			t.Fatalf("%q in %q", code, report)
		}
	})
}
