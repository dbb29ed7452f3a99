package main

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/internal/cairo/bindings/faucet"
	"github.com/bitsage/bitsage/internal/cairo/bindings/jobmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/proofverifier"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
)

// decoders read the events of the contracts that the quickstart tells of.
var decoders = map[string]func(keys, data []chain.Felt) (any, error){
	"Faucet":            faucet.DecodeEvent,
	"JobManager":        jobmanager.DecodeEvent,
	"PaymentRouter":     paymentrouter.DecodeEvent,
	"PrivacyRouter":     privacyrouter.DecodeEvent,
	"ProofVerifier":     proofverifier.DecodeEvent,
	"SageToken":         sagetoken.DecodeEvent,
	"StakingManager":    stakingmanager.DecodeEvent,
	"ValidatorRegistry": validatorregistry.DecodeEvent,
}

// OwnerAddedEvent is what an OpenZeppelin account emits when it is deployed.
type OwnerAddedEvent struct{}

// transaction is where an event comes from.
type transaction struct {
	Event   string `json:"event"`             // as Faucet.Claimed
	Account string `json:"account,omitempty"` // the one of the quickstart's that the event names first
	Hash    string `json:"hash"`
	Block   uint64 `json:"block"`
}

// seen is an event that was seen on the chain.
type seen[E any] struct {
	Event E
	Tx    transaction
}

// history is the chain's events so far. All hashes that the quickstart prints come
// from here.
type history struct {
	names map[chain.Felt]string // of the quickstart's accounts

	mu      sync.Mutex
	events  []seen[any]
	changed chan struct{} // closed and replaced with every event
}

// follow reads the chain's events until ctx ends or they fail.
func (h *history) follow(ctx context.Context, n *bitsage.Network) error {
	contracts := make(map[chain.Felt]string)
	for name := range decoders {
		address, err := n.Contracts().Address(name)
		if err != nil {
			return err
		}
		contracts[address] = name
	}
	for e, err := range n.Chain().Events(ctx, chain.EventFilter{}) {
		if err != nil { // on a ledger of one's own there is no reorganisation to go on after
			return err
		}
		var event any
		contract, account := contracts[e.From], ""
		switch {
		case contract != "":
			if event, err = decoders[contract](e.Keys, e.Data); err != nil {
				return fmt.Errorf("an event of %s: %w", contract, err)
			}
		case h.names[e.From] != "" && e.Keys[0] == chain.Selector("OwnerAdded"):
			contract, account, event = "Account", h.names[e.From], OwnerAddedEvent{}
		default:
			continue
		}
		if i := slices.IndexFunc(e.Keys, func(k chain.Felt) bool { return h.names[k] != "" }); i >= 0 {
			account = h.names[e.Keys[i]]
		}
		name := contract + "." + strings.TrimSuffix(reflect.TypeOf(event).Name(), "Event")
		h.add(seen[any]{event, transaction{name, account, e.Tx.String(), e.Block.Number}})
	}
	return context.Cause(ctx)
}

func (h *history) add(e seen[any]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	close(h.changed)
	h.changed = make(chan struct{})
}

// one waits for the first event of type E of an account; "" is for events that name
// none.
func one[E any](ctx context.Context, h *history, account string) (seen[E], error) {
	for n := 0; ; {
		h.mu.Lock()
		events, changed := h.events, h.changed
		h.mu.Unlock()
		for ; n < len(events); n++ {
			if e, ok := events[n].Event.(E); ok && events[n].Tx.Account == account {
				return seen[E]{e, events[n].Tx}, nil
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return seen[E]{}, context.Cause(ctx)
		}
	}
}

// each waits for the first event of type E of each account.
func each[E any](ctx context.Context, h *history, accounts []string) ([]transaction, error) {
	var list []transaction
	for _, account := range accounts {
		e, err := one[E](ctx, h, account)
		if err != nil {
			return nil, err
		}
		list = append(list, e.Tx)
	}
	return list, nil
}
