package bitsage

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/testprofile"
	"github.com/bitsage/bitsage/internal/wire"
	"github.com/bitsage/bitsage/proof"
	"github.com/bitsage/bitsage/receipt"
)

// TestTestOnly wants jobs under the profile of tests refused by everybody who could lose
// by them, where no test network has allowed it.
func TestTestOnly(t *testing.T) {
	j := smallJob("small")
	if _, err := new(Client).Submit(t.Context(), j); !errors.Is(err, proof.ErrTestOnly) {
		t.Errorf("a client submits: %v", err)
	}
	if _, err := new(Client).Quotes(t.Context(), j); !errors.Is(err, proof.ErrTestOnly) {
		t.Errorf("a client asks for quotes: %v", err)
	}
	task := proof.Task{Program: j.Program, Profile: j.Profile}
	if err := task.Validate(); !errors.Is(err, proof.ErrTestOnly) {
		t.Errorf("a task from others: %v", err)
	}
	if _, err := (&wire.QuoteRequest{Program: j.Program, Profile: j.Profile, Deadline: 2, LockDeadline: 1}).Encode(); err == nil {
		t.Error("a request is encoded")
	}
	if _, err := json.Marshal(&receipt.Receipt{Task: task}); !errors.Is(err, proof.ErrTestOnly) {
		t.Errorf("a receipt is encoded: %v", err)
	}
	if names, err := profileNames(); err != nil || len(names) != len(proof.Profiles()) {
		t.Errorf("validators vote on %d profiles (%v)", len(names), err)
	}
}

// TestTestOnlyUnlisted has roles that would take the profile on a chain whose contracts
// are those of a real network.
func TestTestOnlyUnlisted(t *testing.T) {
	t.Cleanup(testprofile.Allow())
	n, err := Local(t.Context(), LocalConfig{Validators: 1, Logger: logs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	client, err := n.NewClient(t.Context(), SAGE(100))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Submit(t.Context(), smallJob("small")); err == nil || !strings.Contains(err.Error(), "PROFILE_TOO_WEAK") {
		t.Errorf("%v, want PROFILE_TOO_WEAK", err)
	}
}
