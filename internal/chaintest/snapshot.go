package chaintest

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/contracts"
)

// function is an external function or a view of a contract.
type function struct {
	contract, name string
	params         []string // Cairo types
	view           bool
}

// functions reads the ABI of a contract.
func functions(name string) ([]function, error) {
	class, err := contracts.ByName(name)
	if err != nil {
		return nil, err
	}
	var abi []struct {
		Type  string `json:"type"`
		Items []struct {
			Name       string `json:"name"`
			Mutability string `json:"state_mutability"`
			Inputs     []struct {
				Type string `json:"type"`
			} `json:"inputs"`
		} `json:"items"`
	}
	if err := json.Unmarshal(class.ABI, &abi); err != nil {
		return nil, err
	}
	var out []function
	for _, entry := range abi {
		for _, item := range entry.Items {
			f := function{contract: name, name: item.Name, view: item.Mutability == "view"}
			for _, in := range item.Inputs {
				f.params = append(f.params, in.Type)
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// snapshot is what all views of a deployment say, for all arguments of interest.
type snapshot struct {
	of      deployment
	version int // of the world
	names   []string
	calls   []chain.Call
	results [][]chain.Felt
}

// pure are the views that only hash their arguments.
var pure = map[string]bool{"job_id": true, "fact_id": true, "vote_hash": true, "possession_hash": true,
	"ownership_action": true, "model_action": true, "profile_action": true, "auditor_action": true}

// look takes a snapshot.
func (s *scene) look(t *testing.T, d deployment) *snapshot {
	t.Helper()
	snap := s.question(t, d)
	snap.results = s.views(t, snap.calls)
	return snap
}

// known is the last snapshot, or a new one if anything has happened since.
func (s *scene) known(t *testing.T, d deployment) *snapshot {
	t.Helper()
	if s.last != nil && s.last.of == d && s.last.version == s.version {
		return s.last
	}
	return s.look(t, d)
}

// question lists the calls of a snapshot.
func (s *scene) question(t *testing.T, d deployment) *snapshot {
	t.Helper()
	snap := &snapshot{of: d, version: s.version}
	values := s.values(t, d)
	for _, c := range d.all() {
		list := must(functions(c.name))(t)
		for _, f := range list {
			if !f.view || pure[f.name] {
				continue
			}
			for _, args := range arguments(t, f, values) {
				snap.names = append(snap.names, c.name+"."+f.name)
				snap.calls = append(snap.calls, chain.Call{To: c.address, Selector: chain.Selector(f.name), Calldata: args})
			}
		}
	}
	return snap
}

// differs says which view has another answer than before.
func (before *snapshot) differs(after *snapshot) error {
	for i := range before.calls {
		if !slices.Equal(before.results[i], after.results[i]) {
			return fmt.Errorf("%s of %v was %v and is %v", before.names[i], hexes(before.calls[i].Calldata), hexes(before.results[i]), hexes(after.results[i]))
		}
	}
	return nil
}

const addressType = "core::starknet::contract_address::ContractAddress"

// arguments are all combinations of the values of the parameters. Of two addresses
// only those combinations matter in which both are of the inner circle.
func arguments(t *testing.T, f function, values map[string][][]chain.Felt) [][]chain.Felt {
	t.Helper()
	out := [][]chain.Felt{nil}
	for _, p := range f.params {
		if p == addressType && len(f.params) == 2 && f.params[0] == f.params[1] {
			p = "inner circle"
		}
		list, ok := values[p]
		if !ok {
			t.Fatalf("no values of type %s for %s.%s", p, f.contract, f.name)
		}
		var longer [][]chain.Felt
		for _, args := range out {
			for _, v := range list {
				longer = append(longer, slices.Concat(args, v))
			}
		}
		out = longer
	}
	return out
}

// values are the arguments of interest, by type.
func (s *scene) values(t *testing.T, d deployment) map[string][][]chain.Felt {
	t.Helper()
	one := func(list ...chain.Felt) (out [][]chain.Felt) {
		for _, f := range list {
			out = append(out, []chain.Felt{f})
		}
		return out
	}
	numbers := func(n uint64) (out [][]chain.Felt) {
		for i := range n {
			out = append(out, []chain.Felt{chain.Uint(i)})
		}
		return out
	}
	inner := one(s.client.Address(), s.worker.Address(), s.worker.operator.Address(),
		d.staking.address, d.jobs.address, d.registry.address, d.privacy.address)
	everyone := append(inner, one(s.stranger.Address(), s.owner.Address(), s.rival.Address(), s.unlocked.Address(), s.leaver.Address(),
		s.committee[0].Address(), s.exiting.Address(), s.barred.Address(), s.candidate.Address(), d.faucet.address)...)
	var jobIDs, factIDs [][]chain.Felt
	for _, j := range []*job{s.submitted, s.accepted, s.proven, s.payable, s.released, s.refunded, s.stripped, s.decided, s.lateSubmitted, s.lateAccepted} {
		jobIDs = append(jobIDs, one(j.id)...)
		factIDs = append(factIDs, one(j.factID())...)
	}
	names := append(one(s.actions...), one(text("T4"), text("H100"), text("Consumer"), text("Validator"), text("std"), text("matmul-p96"))...)
	return map[string][][]chain.Felt{
		addressType:              everyone,
		"inner circle":           inner,
		"core::felt252":          names,
		"core::integer::u16":     one(chain.Uint(60), chain.Uint(96)),
		"core::integer::u32":     numbers(5),
		"core::integer::u64":     numbers(s.epoch(t) + 2)[max(0, int(s.epoch(t))-3):],
		"bitsage::types::JobId":  jobIDs,
		"bitsage::types::FactId": factIDs,
		"bitsage::types::Kind":   numbers(2),
	}
}
