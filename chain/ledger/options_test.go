package ledger

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger/internal/cairo"
	"github.com/bitsage/bitsage/wallet"
)

func TestOptions(t *testing.T) {
	keys := seeded(t, 2)
	at, err := wallet.AccountAt(cairo.Uint(5), keys[0].Key())
	if err != nil {
		t.Fatal(err)
	}
	braavos, err := wallet.NewAccount(keys[0].Key(), wallet.ClassBraavos)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"a long chain":           {ChainID: strings.Repeat("x", 32)},
		"a negative balance":     {Accounts: keys, Balance: big.NewInt(-1)},
		"too much":               {Accounts: keys, Balance: new(big.Int).Lsh(big.NewInt(1), 127)},
		"the same account twice": {Accounts: []*wallet.Account{keys[0], keys[0]}},
		"an account of no class": {Accounts: []*wallet.Account{at}},
		"a class that is not":    {Accounts: []*wallet.Account{braavos}},
		"a file that cannot be":  {File: t.TempDir()},
	} {
		if l, err := Open(o); err == nil {
			l.Close()
			t.Errorf("%s: opened", name)
		}
	}
	again, err := SeedAccounts("test", 2)
	if err != nil || again[1].Address() != keys[1].Address() || keys[0].Address() == keys[1].Address() {
		t.Error("the accounts of a seed change")
	}
	l, err := Open(Options{Balance: new(big.Int)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if _, err := l.CreateBlock(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// fullDisk is a store that cannot append.
type fullDisk struct{ store }

var errFull = errors.New("no space left")

func (fullDisk) append(uint64, []byte) error { return errFull }

// TestFullDisk checks that a block which cannot be stored is not there.
func TestFullDisk(t *testing.T) {
	n := open(t, Options{})
	a := n.account(0)
	good := n.store
	n.store = fullDisk{good}
	tx := &chain.InvokeTx{Envelope: chain.Envelope{Bounds: *generous()}, From: a.Address()}
	var err error
	if tx.Calldata, err = chain.Multicall(pay(t, chain.STRK(), chain.Uint(5), big.NewInt(1))); err != nil {
		t.Fatal(err)
	}
	hash, err := chain.SignTransaction(t.Context(), tx, n.chainID, n.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, refused := n.added(tx); refused == nil || refused.Code != chain.ErrInternal {
		t.Errorf("%+v", refused)
	}
	if _, err := n.c.TransactionStatus(t.Context(), hash); !errors.Is(err, chain.ErrTxHashNotFound) {
		t.Error(err)
	}
	if got := n.balance(t, chain.STRK(), chain.Uint(5), chain.AtPreConfirmed()); got.Sign() != 0 {
		t.Error(got)
	}
	n.store = good
	if _, refused := n.added(tx); refused != nil {
		t.Errorf("%+v", refused)
	}
}
