//! The hashes of testdata/hashes.json.

use starknet::testing::{set_chain_id, set_contract_address};
use super::world::{address, public_key};
use super::super::hashes;
use super::super::types::{Fact, FactId, JobId, Member, Verdict};

const SAGE: u128 = 1_000_000_000_000_000_000;

#[test]
fn vectors() {
    set_chain_id('SN_TEST');
    set_contract_address(address(0x1001));
    let task_id = u256 {
        low: 0x101112131415161718191a1b1c1d1e1f, high: 0x102030405060708090a0b0c0d0e0f,
    };
    let job_id = hashes::job_id(address(0x1002), task_id);
    let want = 0x11931207982afc6bed5f964fc64b62b4d553b0ba170a18d0113d84394d302b2;
    assert!(job_id == JobId { value: want }, "job id");

    let fact = Fact {
        job_id,
        program_id: u256 { low: 2, high: 1 },
        profile: 'matmul-p96',
        job_root: u256 { low: 4, high: 3 },
        result_root: u256 { low: 6, high: 5 },
        worker: address(0x1005),
        proof_hash: u256 { low: 8, high: 7 },
    };
    let id = hashes::fact_id(@fact);
    let want = 0x316c08c306bc4e55eb0b1b182cae310960fb7da102f6ee9b491765c76655612;
    assert!(id == FactId { value: want }, "fact");

    let weights = array![10_000 * SAGE, 25_000 * SAGE, 1];
    let mut members = array![];
    let mut key = 0;
    for weight in weights {
        key += 1;
        members.append(Member { validator: address(key), vote_key: public_key(key), weight });
    }
    let root = hashes::set_root(members.span());
    let want = 0x7816cbbeb4fb81410cafe910d83cb417a734964b74b2e900f17396711ed2b10;
    assert!(root == want, "set root");

    let want = 0x806a19c9ff6447592188082683102631566bf463e904f14a70469d2269cb5a;
    assert!(hashes::vote(9, root, id, Verdict::Valid) == want, "vote valid");
    let want = 0x43998f263dad553c5c9d6537eb62e268e45bd5d02fb7306c612b1ea40dc7741;
    assert!(hashes::vote(9, root, id, Verdict::Invalid) == want, "vote invalid");

    set_contract_address(address(0x1003));
    let want = 0x3ced5c99a59e9658bb843cea1725d48536c5adba4f50a30d67506234f809db8;
    assert!(hashes::vote_key_possession(address(0x1004)) == want, "possession");
}
