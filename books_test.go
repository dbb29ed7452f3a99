package bitsage

import (
	"math/big"
	"sync"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/ledger"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo"
	"github.com/bitsage/bitsage/internal/cairo/bindings/paymentrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/privacyrouter"
	"github.com/bitsage/bitsage/internal/cairo/bindings/sagetoken"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
)

// testAccounts is how many accounts there are in tests, the funder's among them.
const testAccounts = 24

// paymentKeys are the keys of the encrypted amounts of all accounts in tests.
var paymentKeys = sync.OnceValues(func() (map[chain.Felt]elgamal.SecretKey, error) {
	accounts, err := ledger.SeedAccounts("test", testAccounts)
	if err != nil {
		return nil, err
	}
	keys := make(map[chain.Felt]elgamal.SecretKey)
	for _, a := range accounts {
		if keys[a.Address()], err = PaymentKey(a); err != nil {
			return nil, err
		}
	}
	return keys, nil
})

// books is what the events of a chain say of its SAGE, and at which block.
type books struct {
	*testing.T
	c         *chain.Client
	contracts *chain.Addresses
	at        chain.BlockID

	minted, burned, destroyed *big.Int // burned by the token's word, destroyed by that of the stakes
	balances                  map[chain.Felt]*big.Int
	stakers, owners, jobs     map[chain.Felt]bool // owners of confidential accounts
}

// balanceBooks wants no SAGE to be lost or made, at the last block: the balances add
// up to what there was less what was slashed, and each contract has what it owes,
// which for StakingManager is all stakes, and for PrivacyRouter all confidential
// balances and fees in escrow, decrypted.
func balanceBooks(t *testing.T, c *chain.Client, contracts *chain.Addresses) {
	t.Helper()
	head, err := c.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := &books{
		T: t, c: c, contracts: contracts, at: chain.AtNumber(head.Number),
		minted: new(big.Int), burned: new(big.Int), destroyed: new(big.Int),
		balances: make(map[chain.Felt]*big.Int), stakers: make(map[chain.Felt]bool), owners: make(map[chain.Felt]bool), jobs: make(map[chain.Felt]bool),
	}
	b.read(head.Number)
	b.tokens()
	b.stakes()
	b.confidential()
	for _, name := range []string{"SageToken", "ReputationManager", "ValidatorRegistry", "ProofVerifier", "JobManager", "PaymentRouter"} {
		if held := b.of(b.address(name)); held.Sign() != 0 {
			t.Errorf("%s has %v of the token and owes nothing", name, held)
		}
	}
}

func (b *books) address(name string) chain.Felt {
	b.Helper()
	a, err := b.contracts.Address(name)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

// of returns the balance of an account by the transfers.
func (b *books) of(account chain.Felt) *big.Int {
	if b.balances[account] == nil {
		b.balances[account] = new(big.Int)
	}
	return b.balances[account]
}

// read enters the events.
func (b *books) read(last uint64) {
	b.Helper()
	decode := map[chain.Felt]func(keys, data []chain.Felt) (any, error){
		b.address("SageToken"): sagetoken.DecodeEvent, b.address("StakingManager"): stakingmanager.DecodeEvent,
		b.address("PrivacyRouter"): privacyrouter.DecodeEvent, b.address("PaymentRouter"): paymentrouter.DecodeEvent,
	}
	for contract, decode := range decode {
		filter := map[string]any{
			"from_block": chain.AtNumber(0), "to_block": chain.AtNumber(last), "address": contract.String(), "chunk_size": 1000,
		}
		for {
			var page struct {
				Events []struct{ Keys, Data []string } `json:"events"`
				Next   string                          `json:"continuation_token"`
			}
			if err := b.c.Do(b.Context(), "starknet_getEvents", map[string]any{"filter": filter}, &page); err != nil {
				b.Fatal(err)
			}
			for _, e := range page.Events {
				event, err := decode(b.felts(e.Keys), b.felts(e.Data))
				if err != nil {
					b.Fatal(err)
				}
				b.enter(event)
			}
			if page.Next == "" {
				break
			}
			filter["continuation_token"] = page.Next
		}
	}
}

func (b *books) felts(texts []string) []chain.Felt {
	b.Helper()
	felts := make([]chain.Felt, len(texts))
	for i, s := range texts {
		var err error
		if felts[i], err = chain.ParseFelt(s); err != nil {
			b.Fatal(err)
		}
	}
	return felts
}

func (b *books) enter(event any) {
	switch e := event.(type) {
	case sagetoken.TransferEvent:
		if e.From.IsZero() {
			b.minted.Add(b.minted, e.Value.Big())
		} else {
			b.of(e.From).Sub(b.of(e.From), e.Value.Big())
		}
		if e.To.IsZero() {
			b.burned.Add(b.burned, e.Value.Big())
		} else {
			b.of(e.To).Add(b.of(e.To), e.Value.Big())
		}
	case stakingmanager.StakedEvent:
		b.stakers[e.Staker] = true
	case stakingmanager.SlashedEvent:
		b.destroyed.Add(b.destroyed, e.Amount.Big()).Sub(b.destroyed, e.Reward.Big())
	case privacyrouter.KeyRegisteredEvent:
		b.owners[e.Account] = true
	case paymentrouter.PaymentEscrowedEvent:
		b.jobs[e.JobID.Value] = true
	}
}

// view calls a view of a contract at the books' block.
func view[T any](b *books, contract string, call cairo.Call, decode func([]chain.Felt) (T, error)) T {
	b.Helper()
	result, err := b.c.Call(b.Context(), chain.Call{To: b.address(contract), Selector: call.Selector, Calldata: call.Calldata}, b.at)
	if err != nil {
		b.Fatal(err)
	}
	v, err := decode(result)
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// tokens compares the token's balances with its transfers and its supply.
func (b *books) tokens() {
	b.Helper()
	sum := new(big.Int)
	for account, want := range b.balances {
		got := view(b, "SageToken", sagetoken.BalanceOfCall(account), sagetoken.DecodeBalanceOf).Big()
		if got.Cmp(want) != 0 {
			b.Errorf("%s has %v SAGE, by its transfers %v", account, got, want)
		}
		sum.Add(sum, got)
	}
	supply := view(b, "SageToken", sagetoken.TotalSupplyCall(), sagetoken.DecodeTotalSupply).Big()
	left := new(big.Int).Sub(b.minted, b.burned)
	if sum.Cmp(supply) != 0 || supply.Cmp(left) != 0 || b.burned.Cmp(b.destroyed) != 0 || supply.Sign() == 0 {
		b.Errorf("the balances add up to %v, the supply is %v; %v were minted and %v burned, %v by slashes", sum, supply, b.minted, b.burned, b.destroyed)
	}
}

// stakes compares the stakes with their sum and with what secures what.
func (b *books) stakes() {
	b.Helper()
	sum := new(big.Int)
	for staker := range b.stakers {
		s := view(b, "StakingManager", stakingmanager.StakeOfCall(staker), stakingmanager.DecodeStakeOf)
		sum.Add(sum, s.Amount.Big()).Add(sum, s.Unbonding.Big())
		bonds := new(big.Int)
		for _, holder := range []string{"JobManager", "ValidatorRegistry"} {
			bonds.Add(bonds, view(b, "StakingManager", stakingmanager.BondOfCall(b.address(holder), staker), stakingmanager.DecodeBondOf).Big())
		}
		if bonds.Cmp(s.Bonded.Big()) != 0 {
			b.Errorf("%v of a stake are bonded, the bonds are %v", s.Bonded, bonds)
		}
	}
	total := view(b, "StakingManager", stakingmanager.TotalStakedCall(), stakingmanager.DecodeTotalStaked).Big()
	if held := b.of(b.address("StakingManager")); sum.Cmp(total) != 0 || held.Cmp(total) != 0 {
		b.Errorf("the stakes add up to %v, %v is staked, StakingManager has %v", sum, total, held)
	}
}

// confidential compares what PrivacyRouter has with what it owes.
func (b *books) confidential() {
	b.Helper()
	keys, err := paymentKeys()
	if err != nil {
		b.Fatal(err)
	}
	units := uint64(0)
	open := func(owner chain.Felt, c ...chain.Felt) {
		b.Helper()
		ciphertext, err := elgamal.ParseCiphertext(c)
		if err != nil {
			b.Fatal(err)
		}
		amount, err := keys[owner].Decrypt(b.Context(), ciphertext)
		if err != nil {
			b.Fatalf("an amount of %s: %v", owner, err)
		}
		units += uint64(amount)
	}
	for owner := range b.owners {
		a := view(b, "PrivacyRouter", privacyrouter.AccountCall(owner), privacyrouter.DecodeAccount)
		for _, c := range []privacyrouter.Ciphertext{a.Balance, a.Pending} {
			open(owner, c.L.X, c.L.Y, c.R.X, c.R.Y)
		}
	}
	for job := range b.jobs {
		p := view(b, "PaymentRouter", paymentrouter.PaymentCall(paymentrouter.JobID{Value: job}), paymentrouter.DecodePayment)
		if p.State == paymentrouter.PaymentStateEscrowed || p.State == paymentrouter.PaymentStatePayable {
			open(p.Worker, p.Fee.L.X, p.Fee.L.Y, p.Fee.R.X, p.Fee.R.Y)
		}
	}
	rate := view(b, "PrivacyRouter", privacyrouter.RateCall(), privacyrouter.DecodeRate).Big()
	worth := new(big.Int).Mul(rate, new(big.Int).SetUint64(units))
	if held := b.of(b.address("PrivacyRouter")); worth.Cmp(held) != 0 {
		b.Errorf("the confidential amounts are worth %v, PrivacyRouter has %v", worth, held)
	}
}
