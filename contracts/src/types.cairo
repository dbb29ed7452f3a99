//! Types that several contracts share.
use starknet::ContractAddress;

/// Identifies a job: hashes::job_id binds chain, JobManager, client and task.
#[derive(Copy, Drop, Debug, Hash, PartialEq, Serde, starknet::Store)]
pub struct JobId {
    pub value: felt252,
}

/// Identifies a fact: hashes::fact_id of its fields.
#[derive(Copy, Drop, Debug, Hash, PartialEq, Serde, starknet::Store)]
pub struct FactId {
    pub value: felt252,
}

/// What validators vote on: that a worker's proof shows a job's output. Digests of 32 bytes are
/// u256, most significant byte first.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Fact {
    pub job_id: JobId,
    pub program_id: u256,
    pub profile: felt252,
    pub job_root: u256,
    pub result_root: u256,
    pub worker: ContractAddress,
    pub proof_hash: u256,
}

/// What a vote or certificate says of a fact. The numbers 1 and 2 enter the hash of a vote.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum Verdict {
    #[default]
    Undecided,
    Valid,
    Invalid,
}

/// How a fact became known: from a certificate of the validators, or by a full verification of the
/// proof on chain, which is worth more.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum Kind {
    #[default]
    Certificate,
    Full,
}

/// A Stark-curve ECDSA signature.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub struct Signature {
    pub r: felt252,
    pub s: felt252,
}

/// A point of the Stark curve, never the identity.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub struct Point {
    pub x: felt252,
    pub y: felt252,
}

/// An encrypted amount: (L, R) = (g^b y^r, g^r) under the key y.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub struct Ciphertext {
    pub l: Point,
    pub r: Point,
}

/// A validator in the set of an epoch.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub struct Member {
    pub validator: ContractAddress,
    pub vote_key: felt252,
    pub weight: u128,
}

/// The stake classes. `tiers` has their names and minimums.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum Tier {
    #[default]
    None,
    Consumer,
    Workstation,
    DataCenter,
    Enterprise,
    Frontier,
    Validator,
}
