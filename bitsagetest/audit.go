package bitsagetest

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/settle"
	"github.com/bitsage/bitsage/money"
)

// books are all that the events of a ledger say of money.
type books struct {
	holders   map[chain.Felt]bool // who ever had SAGE
	minted    *big.Int
	burned    *big.Int
	accounts  []chain.Felt // with a confidential balance
	jobs      []chain.Felt // with a fee in escrow, at least once
	escrowed  map[chain.Felt]int
	released  map[chain.Felt]int
	refunded  map[chain.Felt]int
	slashed   map[chain.Felt]string // the offence, by staker
	contracts map[string]chain.Felt
}

// read reads the ledger's events up to now.
func (n *Network) read(ctx context.Context) (*books, error) {
	b := &books{
		holders: make(map[chain.Felt]bool), minted: new(big.Int), burned: new(big.Int),
		escrowed: make(map[chain.Felt]int), released: make(map[chain.Felt]int), refunded: make(map[chain.Felt]int),
		slashed: make(map[chain.Felt]string), contracts: make(map[string]chain.Felt),
	}
	for name, enter := range map[string]func(keys, data []chain.Felt) error{
		"SageToken": b.enterToken, "PrivacyRouter": b.enterPrivacy, "PaymentRouter": b.enterPayment, "StakingManager": b.enterStaking,
	} {
		address, err := n.Contracts().Address(name)
		if err != nil {
			return nil, err
		}
		b.contracts[name] = address
		if err := n.events(ctx, address, enter); err != nil {
			return nil, fmt.Errorf("events of %s: %w", name, err)
		}
	}
	return b, nil
}

// events calls enter for every event of a contract.
func (n *Network) events(ctx context.Context, contract chain.Felt, enter func(keys, data []chain.Felt) error) error {
	filter := map[string]any{"from_block": chain.AtNumber(0), "to_block": "latest", "address": contract.String(), "chunk_size": 1000}
	for {
		var page struct {
			Events []struct{ Keys, Data []string }
			Next   string `json:"continuation_token"`
		}
		if err := n.ledger.Client().Do(ctx, "starknet_getEvents", map[string]any{"filter": filter}, &page); err != nil {
			return err
		}
		for _, e := range page.Events {
			keys, err := felts(e.Keys)
			if err != nil {
				return err
			}
			data, err := felts(e.Data)
			if err != nil {
				return err
			}
			if err := enter(keys, data); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		filter["continuation_token"] = page.Next
	}
}

func felts(texts []string) ([]chain.Felt, error) {
	list := make([]chain.Felt, len(texts))
	for i, text := range texts {
		var err error
		if list[i], err = chain.ParseFelt(text); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (b *books) enterToken(keys, data []chain.Felt) error {
	event, err := sagetoken.DecodeEvent(keys, data)
	move, ok := event.(sagetoken.TransferEvent)
	if err != nil || !ok {
		return err
	}
	if move.From.IsZero() {
		b.minted.Add(b.minted, move.Value.Big())
	}
	if move.To.IsZero() {
		b.burned.Add(b.burned, move.Value.Big())
	} else {
		b.holders[move.To] = true
	}
	return nil
}

func (b *books) enterPrivacy(keys, data []chain.Felt) error {
	event, err := privacyrouter.DecodeEvent(keys, data)
	if e, ok := event.(privacyrouter.KeyRegisteredEvent); ok {
		b.accounts = append(b.accounts, e.Account)
	}
	return err
}

func (b *books) enterPayment(keys, data []chain.Felt) error {
	event, err := paymentrouter.DecodeEvent(keys, data)
	switch e := event.(type) {
	case paymentrouter.PaymentEscrowedEvent:
		b.jobs = append(b.jobs, e.JobID.Value)
		b.escrowed[e.JobID.Value]++
	case paymentrouter.PaymentReleasedEvent:
		b.released[e.JobID.Value]++
	case paymentrouter.RefundedEvent:
		b.refunded[e.JobID.Value]++
	}
	return err
}

func (b *books) enterStaking(keys, data []chain.Felt) error {
	event, err := stakingmanager.DecodeEvent(keys, data)
	if e, ok := event.(stakingmanager.SlashedEvent); ok {
		if b.slashed[e.Staker], err = felt.Text(e.Offence); err != nil {
			return err
		}
	}
	return err
}

// audit checks that no SAGE has appeared or vanished, that every fee was paid or
// refunded at most once, and that only forgers were slashed.
func (n *Network) audit(ctx context.Context) error {
	b, err := n.read(ctx)
	if err != nil {
		return err
	}
	return errors.Join(n.supply(ctx, b), n.stakes(ctx, b), n.confidential(ctx, b), n.fees(b))
}

// fees checks that every fee was paid or refunded at most once, and that nobody was
// slashed but who forged.
func (n *Network) fees(b *books) error {
	var errs []error
	for _, id := range b.jobs {
		if b.escrowed[id] != 1 || b.released[id]+b.refunded[id] > 1 {
			errs = append(errs, fmt.Errorf("the fee of job %s was escrowed %d times, paid %d times and refunded %d times",
				id, b.escrowed[id], b.released[id], b.refunded[id]))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range n.members {
		if offence, ok := b.slashed[m.account.Address()]; ok && !m.forged {
			errs = append(errs, fmt.Errorf("%s, who never forged a proof, was slashed for %s", m.name, offence))
		}
	}
	return errors.Join(errs...)
}

// supply compares what everybody has with the token's supply.
func (n *Network) supply(ctx context.Context, b *books) error {
	sum := new(big.Int)
	for holder := range b.holders {
		have, err := n.staking.Balance(ctx, holder)
		if err != nil {
			return err
		}
		sum.Add(sum, have.Base())
	}
	result, err := n.ledger.Client().Call(ctx, chain.Call{
		To: b.contracts["SageToken"], Selector: sagetoken.TotalSupplyCall().Selector,
	}, chain.AtLatest())
	if err != nil {
		return err
	}
	total, err := sagetoken.DecodeTotalSupply(result)
	if err != nil {
		return err
	}
	want := new(big.Int).Sub(b.minted, b.burned)
	if supply := total.Big(); sum.Cmp(supply) != 0 || want.Cmp(supply) != 0 {
		return fmt.Errorf("all balances are %v, the supply is %v, and %v less %v was minted and burned", sum, supply, b.minted, b.burned)
	}
	return nil
}

// stakes compares what is staked with what StakingManager has.
func (n *Network) stakes(ctx context.Context, b *books) error {
	have, err := n.staking.Balance(ctx, b.contracts["StakingManager"])
	if err != nil {
		return err
	}
	staked, err := n.staking.TotalStaked(ctx)
	if err == nil && staked != have {
		err = fmt.Errorf("%v SAGE are staked, StakingManager has %v", staked, have)
	}
	return err
}

// confidential compares all encrypted balances, and the fees in escrow, with what
// PrivacyRouter has. Those of accounts that are not the network's cannot be read: then
// it can have more.
func (n *Network) confidential(ctx context.Context, b *books) error {
	keys, err := n.paymentKeys()
	if err != nil {
		return err
	}
	var sum money.Amount
	unread := false
	add := func(amount money.Amount, err error) error {
		if err == nil {
			sum, err = sum.Add(amount)
		}
		return err
	}
	for _, account := range b.accounts {
		key, ok := keys[account]
		if !ok {
			unread = true
			continue
		}
		balance, err := n.settle.Balance(ctx, account, key)
		if err := add(balance.Total(), err); err != nil {
			return err
		}
	}
	for _, id := range b.jobs {
		p, err := n.settle.Payment(ctx, id)
		if err != nil {
			return err
		}
		if p.State != settle.Escrowed && p.State != settle.Payable {
			continue
		}
		if key, ok := keys[p.Worker]; ok {
			err = add(n.settle.Decrypt(ctx, key, p.Fee))
		} else if key, ok = keys[p.Client]; ok {
			err = add(n.settle.Decrypt(ctx, key, p.Refund))
		} else {
			unread = true
		}
		if err != nil {
			return err
		}
	}
	have, err := n.staking.Balance(ctx, b.contracts["PrivacyRouter"])
	if err == nil && (have.Less(sum) || !unread && have != sum) {
		err = fmt.Errorf("confidential balances and fees are %v SAGE, PrivacyRouter has %v", sum, have)
	}
	return err
}

// paymentKeys returns the keys of the encrypted amounts of the network's accounts.
func (n *Network) paymentKeys() (map[chain.Felt]elgamal.SecretKey, error) {
	keys := make(map[chain.Felt]elgamal.SecretKey)
	for _, kind := range []string{client, worker} {
		for _, a := range n.keys[kind] {
			key, err := bitsage.PaymentKey(a)
			if err != nil {
				return nil, err
			}
			keys[a.Address()] = key
		}
	}
	return keys, nil
}
