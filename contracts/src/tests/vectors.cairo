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
    let want = 0x443d408094e2b0708ba1bf0a6d7b606efdefae1c0aef8f0666778a5dfea5583;
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
    let want = 0x267dd72fb77b093d968b4b140ea13d1784a08042d1021acd9496b02a63301da;
    assert!(id == FactId { value: want }, "fact");

    let weights = array![10_000 * SAGE, 25_000 * SAGE, 1];
    let mut members = array![];
    let mut key = 0;
    for weight in weights {
        key += 1;
        members.append(Member { validator: address(key), vote_key: public_key(key), weight });
    }
    let root = hashes::set_root(members.span());
    let want = 0x404696eee9699cdcb343752905578606b0033f034fec236e40bb69b7e08d788;
    assert!(root == want, "set root");

    let want = 0x45cc612bf3d3e15143fa8c1476aaa7e0ab0bccebd8f70a1a7f1ebfc1e5db6de;
    assert!(hashes::vote(9, root, id, Verdict::Valid) == want, "vote valid");
    let want = 0x330b9eefbad7453b61e13fab00d12a303c797578891247065c37dbd4b2a04e4;
    assert!(hashes::vote(9, root, id, Verdict::Invalid) == want, "vote invalid");

    set_contract_address(address(0x1003));
    let want = 0x70fcbc17eed59d0c514467e4218adfbb100e29660741e378bccc714a5b454d;
    assert!(hashes::vote_key_possession(address(0x1004)) == want, "possession");
}
