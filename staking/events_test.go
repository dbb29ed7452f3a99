package staking

import (
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"reflect"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/cairo/bindings/reputationmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/stakingmanager"
	"github.com/bitsage/bitsage/internal/cairo/bindings/validatorregistry"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
	"github.com/bitsage/bitsage/wallet"
)

// contractsAt are contracts at small addresses, without a client.
func contractsAt(t *testing.T) *Contracts {
	t.Helper()
	a := &chain.Addresses{ChainID: "SN_TEST", Contracts: map[string]chain.Contract{}}
	for i, name := range []string{"SageToken", "StakingManager", "ReputationManager", "ValidatorRegistry", "JobManager"} {
		if _, err := New(nil, a); !errors.Is(err, chain.ErrUnknownContract) {
			t.Errorf("without %s: %v", name, err)
		}
		a.Contracts[name] = chain.Contract{Address: chain.Uint(uint64(i) + 1), Class: chain.Uint(9)}
	}
	c, err := New(nil, a)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func testKey(t *testing.T) (elgamal.PublicKey, stakingmanager.Point) {
	t.Helper()
	secret, err := elgamal.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	xy := secret.Public().Felts()
	return secret.Public(), stakingmanager.Point{X: xy[0], Y: xy[1]}
}

func TestChange(t *testing.T) {
	sage := func(n uint64) calldata.U256 { return u256(money.SAGE(n)) }
	f := chain.Uint
	who := f(0xacc)
	key, point := testKey(t)
	text, err := felt.ShortString("INVALID_PROOF")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	for _, c := range []struct {
		in   any
		want Change
	}{
		{stakingmanager.StakedEvent{Staker: who, Added: sage(1), Amount: sage(2), Tier: stakingmanager.TierFrontier, LockedUntil: 1_700_000_000}, Staked{money.SAGE(1), money.SAGE(2), TierFrontier, t0}},
		{stakingmanager.UnstakeRequestedEvent{Staker: who, Amount: sage(3), UnbondingUntil: 1_700_000_000}, UnstakeRequested{money.SAGE(3), t0}},
		{stakingmanager.UnstakedEvent{Staker: who, Amount: sage(4)}, Unstaked{money.SAGE(4)}},
		{stakingmanager.OperatorSetEvent{Staker: who, Operator: f(5)}, OperatorSet{f(5)}},
		{stakingmanager.WorkerRegisteredEvent{Worker: who, PeerID: "peer", SigningKey: f(6), ElGamalKey: point, TEEQuoteHash: calldata.U256{7}}, WorkerRegistered{Registration{"peer", f(6), key, [32]byte{7}}}},
		{stakingmanager.WorkerPeerChangedEvent{Worker: who, PeerID: "another peer"}, WorkerPeerChanged{"another peer"}},
		{stakingmanager.WorkerDeregisteredEvent{Worker: who}, WorkerDeregistered{}},
		{stakingmanager.BondLockedEvent{Staker: who, Holder: f(8), Amount: sage(9)}, BondLocked{f(8), money.SAGE(9)}},
		{stakingmanager.BondUnlockedEvent{Staker: who, Holder: f(8), Amount: sage(9)}, BondUnlocked{f(8), money.SAGE(9)}},
		{stakingmanager.BondSeizedEvent{Staker: who, Holder: f(8), Recipient: f(10), Amount: sage(9)}, BondSeized{f(8), f(10), money.SAGE(9)}},
		{stakingmanager.SlashedEvent{Staker: who, Offence: text, Amount: sage(11), Reporter: f(12), Reward: sage(1)}, Slashed{OffenceInvalidProof, money.SAGE(11), f(12), money.SAGE(1)}},
		{stakingmanager.SlashedEvent{Staker: who, Offence: f(1 << 40), Amount: sage(11)}, Slashed{Offence: "0x10000000000", Amount: money.SAGE(11)}},
		{reputationmanager.ReputationChangedEvent{Worker: who, Previous: 1, Score: 2, Finalized: 3}, ReputationChanged{1, 2, 3}},
		{validatorregistry.ValidatorRegisteredEvent{Validator: who, VoteKey: f(13), Stake: sage(14)}, ValidatorRegistered{f(13), money.SAGE(14)}},
		{validatorregistry.ValidatorLeftEvent{Validator: who, Status: validatorregistry.ValidatorStatusTombstoned, LastEpoch: 15}, ValidatorLeft{ValidatorTombstoned, 15}},
		{validatorregistry.ValidatorReleasedEvent{Validator: who, Stake: sage(16)}, ValidatorReleased{money.SAGE(16)}},
		{validatorregistry.EquivocatedEvent{Validator: who, Fact: validatorregistry.FactID{Value: f(17)}, Epoch: 18, Penalty: sage(19)}, Equivocated{f(17), 18, money.SAGE(19)}},
		{validatorregistry.VotedFalselyEvent{Validator: who, Fact: validatorregistry.FactID{Value: f(17)}, Epoch: 18, Penalty: sage(19)}, VotedFalsely{f(17), 18, money.SAGE(19)}},
		{validatorregistry.EpochAdvancedEvent{Epoch: 20, SetRoot: f(21), Validators: 22, TotalWeight: sage(23)}, EpochAdvanced{20, f(21), 22, money.SAGE(23)}},
	} {
		var v converter
		account, got := v.change(c.in)
		_, epoch := c.want.(EpochAdvanced)
		if v.err != nil || got != c.want || account.IsZero() != epoch || !epoch && account != who {
			t.Errorf("%+v became %+v of %s, %v", c.in, got, account, v.err)
		}
		seen[reflect.TypeOf(got)] = true
	}
	if len(seen) != len(eventSelectors) {
		t.Errorf("%d kinds of changes, %d selectors", len(seen), len(eventSelectors))
	}
	var v converter
	if _, got := v.change(stakingmanager.HeartbeatEvent{Worker: who}); got != nil {
		t.Errorf("a heartbeat became %+v", got)
	}
}

func TestConverterErrors(t *testing.T) {
	big128, err := calldata.U256FromBig(new(big.Int).Lsh(big.NewInt(1), 128))
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]any{
		"amount": stakingmanager.UnstakedEvent{Amount: big128},
		"time":   stakingmanager.UnstakeRequestedEvent{UnbondingUntil: 1<<40 + 1},
		"key":    stakingmanager.WorkerRegisteredEvent{PeerID: "x", ElGamalKey: stakingmanager.Point{X: chain.Uint(1), Y: chain.Uint(1)}},
	} {
		var v converter
		if v.change(in); !errors.Is(v.err, chain.ErrResponse) {
			t.Errorf("%s: %v", name, v.err)
		}
	}
}

func TestEvent(t *testing.T) {
	c := contractsAt(t)
	raw := chain.Event{From: c.staking, Keys: []felt.Felt{stakingmanager.SelectorUnstaked, chain.Uint(0xacc)}, Data: []felt.Felt{chain.Uint(5), {}},
		Tx: chain.Uint(1), Block: chain.BlockRef{Number: 3}, Cursor: chain.Cursor{Block: 3, Index: 1}}
	e, ours, err := c.event(&raw)
	five, _ := money.FromBase(big.NewInt(5))
	if err != nil || !ours || e.Tx != raw.Tx || e.Block != raw.Block || e.Cursor != raw.Cursor || e.Change != (Unstaked{five}) {
		t.Errorf("%+v %v %v", e, ours, err)
	}
	foreign := raw
	foreign.From = chain.Uint(77)
	if _, ours, err := c.event(&foreign); ours || err != nil {
		t.Errorf("another contract's event: %v %v", ours, err)
	}
	foreign.From, foreign.Data = c.reputation, nil
	if _, ours, err := c.event(&foreign); ours || !errors.Is(err, chain.ErrResponse) {
		t.Errorf("an event that the contract does not have: %v %v", ours, err)
	}
	short := raw
	short.Data = short.Data[:1]
	if _, ours, err := c.event(&short); ours || !errors.Is(err, chain.ErrResponse) || !errors.Is(err, calldata.ErrShort) {
		t.Errorf("an event that is too short: %v %v", ours, err)
	}
	list, err := c.Decode(&chain.Receipt{Events: []chain.Event{raw, {From: chain.Uint(77)}, raw}})
	if err != nil || len(list) != 2 || list[1].Change != e.Change {
		t.Errorf("%+v %v", list, err)
	}
	if _, err := c.Decode(&chain.Receipt{Events: []chain.Event{short}}); !errors.Is(err, chain.ErrResponse) {
		t.Error(err)
	}
}

func TestPossessionHash(t *testing.T) {
	data, err := os.ReadFile("../contracts/testdata/hashes.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		ChainID    string `json:"chain_id"`
		Possession struct{ Registry, Validator, Hash string }
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	id, err := felt.Parse(vectors.ChainID)
	if err != nil {
		if id, err = felt.ShortString(vectors.ChainID); err != nil {
			t.Fatal(err)
		}
	}
	v := vectors.Possession
	if got := possessionHash(id, felt.MustParse(v.Registry), felt.MustParse(v.Validator)); got.String() != v.Hash {
		t.Errorf("%s, want %s", got, v.Hash)
	}
}

func TestRegistrationCheck(t *testing.T) {
	key, _ := testKey(t)
	good := Registration{PeerID: "12D3KooWBmwXN3rsVfnLsZKbXeBrSLfczHxZHwVjPrbKwpLfYm3t", SigningKey: wallet.GenerateKey().PublicKey(), ElGamalKey: key}
	if err := good.check(""); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		change func(*Registration)
		want   error
	}{
		"no peer":        {func(r *Registration) { r.PeerID = "" }, ErrPeerID},
		"long peer":      {func(r *Registration) { r.PeerID = string(make([]byte, 65)) }, ErrPeerID},
		"no signing key": {func(r *Registration) { r.SigningKey = chain.Felt{} }, ErrKey},
		"off the curve":  {func(r *Registration) { r.SigningKey = offCurve(t) }, ErrKey},
		"no payment key": {func(r *Registration) { r.ElGamalKey = elgamal.PublicKey{} }, ErrKey},
	} {
		r := good
		c.change(&r)
		if err := r.check(""); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// offCurve returns a felt that is no x coordinate of the curve.
func offCurve(t *testing.T) felt.Felt {
	t.Helper()
	for x := range uint64(100) {
		if _, err := wallet.PublicPoint(chain.Uint(x + 1)); err != nil {
			return chain.Uint(x + 1)
		}
	}
	t.Fatal("a hundred x coordinates in a row")
	return felt.Felt{}
}
