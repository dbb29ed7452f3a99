//! Domain-separated Poseidon hashes. README.md defines them felt by felt for other languages.

use core::poseidon::{hades_permutation, poseidon_hash_span};
use starknet::{ContractAddress, get_contract_address, get_tx_info};
use super::types::{Fact, FactId, JobId, Member, Verdict};

const FACT: felt252 = 'bitsage/fact/v1';
const VOTE: felt252 = 'bitsage/vote/v1';
const JOB: felt252 = 'bitsage/job/v1';
const VOTE_KEY: felt252 = 'bitsage/votekey/v1';
const MEMBER: felt252 = 'bitsage/validator/v1';

/// The number of levels of the tree over a validator set.
const TREE_DEPTH: u32 = 6;
/// The largest number of validators: the leaves of the tree.
pub const MAX_VALIDATORS: u32 = 64;

fn chain_id() -> felt252 {
    get_tx_info().unbox().chain_id
}

/// Identifies the job of a client at the calling JobManager. As the client enters it, nobody else
/// can take the identifier.
pub fn job_id(client: ContractAddress, task_id: u256) -> JobId {
    let fields = array![
        JOB, chain_id(), get_contract_address().into(), client.into(), task_id.low.into(),
        task_id.high.into(),
    ];
    JobId { value: poseidon_hash_span(fields.span()) }
}

/// Identifies a fact. This is also what the worker signs when it submits its proof.
pub fn fact_id(fact: @Fact) -> FactId {
    let mut fields = array![FACT, chain_id()];
    fact.serialize(ref fields);
    FactId { value: poseidon_hash_span(fields.span()) }
}

/// What a validator signs.
pub fn vote(epoch: u64, set_root: felt252, fact: FactId, verdict: Verdict) -> felt252 {
    let mut fields = array![VOTE, chain_id(), epoch.into(), set_root, fact.value];
    verdict.serialize(ref fields);
    poseidon_hash_span(fields.span())
}

/// What the holder of a vote key signs to let a validator use it at the calling registry.
pub fn vote_key_possession(validator: ContractAddress) -> felt252 {
    let fields = array![VOTE_KEY, chain_id(), get_contract_address().into(), validator.into()];
    poseidon_hash_span(fields.span())
}

/// The root of the tree with the hash of member i as leaf i and 0 as the leaves that are left.
pub fn set_root(members: Span<Member>) -> felt252 {
    let mut level = leaves(members);
    for _ in 0..TREE_DEPTH {
        level = parents(level);
    }
    let root = level[0];
    *root
}

fn leaves(members: Span<Member>) -> Span<felt252> {
    let mut leaves = array![];
    let mut index: felt252 = 0;
    for member in members {
        let fields = array![MEMBER, index, *member.vote_key, (*member.weight).into()];
        leaves.append(poseidon_hash_span(fields.span()));
        index += 1;
    }
    for _ in leaves.len()..MAX_VALIDATORS {
        leaves.append(0);
    }
    leaves.span()
}

fn parents(mut level: Span<felt252>) -> Span<felt252> {
    let mut above = array![];
    while let Some(pair) = level.multi_pop_front::<2>() {
        let [left, right] = (*pair).unbox();
        let (parent, _, _) = hades_permutation(left, right, 2);
        above.append(parent);
    }
    above.span()
}
