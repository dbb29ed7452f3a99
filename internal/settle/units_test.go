package settle

import (
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/money"
)

// TestUnits converts both ways, and asks the chain for the rate once.
func TestUnits(t *testing.T) {
	w := newWorld(t)
	for text, want := range map[string]elgamal.Amount{"0": 0, "0.001": 1, "2.5": 2500, "1000000000": 1e12} {
		amount := sageOf(t, text)
		units, err := w.c.Units(t.Context(), amount)
		if err != nil || units != want {
			t.Errorf("%s SAGE are %d units, %v, want %d", text, units, err, want)
		}
		if back, err := w.c.SAGE(t.Context(), units); err != nil || back != amount {
			t.Errorf("%d units are %v SAGE, %v, want %v", units, back, err, amount)
		}
	}
	w.must(w.ledger.Close()) // from here on nobody answers
	if units, err := w.c.Units(t.Context(), money.SAGE(1)); err != nil || units != 1000 {
		t.Errorf("a SAGE is %d units, %v", units, err)
	}
	if _, err := w.c.Units(t.Context(), sageOf(t, "0.0001")); !errors.Is(err, elgamal.ErrAmount) {
		t.Errorf("a part of a unit: %v", err)
	}
	if _, err := w.c.SAGE(t.Context(), elgamal.MaxAmount+1); !errors.Is(err, elgamal.ErrAmount) {
		t.Errorf("too many units: %v", err)
	}
	fresh, err := New(w.ledger.Client(), deployed.addresses)
	w.must(err)
	if _, err := fresh.Units(t.Context(), money.SAGE(1)); err == nil || errors.Is(err, elgamal.ErrAmount) {
		t.Errorf("without a chain: %v", err)
	}
}

// TestLyingRate hears two rates of one contract, and some that are none.
func TestLyingRate(t *testing.T) {
	var r rate
	for _, none := range []int64{0, -1} {
		if _, err := r.learn(big.NewInt(none)); !errors.Is(err, chain.ErrResponse) || !errors.Is(err, elgamal.ErrRate) {
			t.Errorf("%d: %v", none, err)
		}
	}
	if _, ok := r.known(); ok {
		t.Fatal("no rate is known")
	}
	for range 2 {
		if _, err := r.learn(big.NewInt(1000)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := r.learn(big.NewInt(1))
	if !errors.Is(err, chain.ErrResponse) || !strings.Contains(err.Error(), "was worth 1000 base units, now 1") {
		t.Errorf("another rate: %v", err)
	}
	known, ok := r.known()
	if unit, err := known.BaseUnits(1); !ok || err != nil || unit.Int64() != 1000 {
		t.Errorf("after a lie a unit is worth %v, %v", unit, err)
	}
}
