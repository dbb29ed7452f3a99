//! The contracts of BitSage: token, faucet, stakes, validators, reputation, proof facts, jobs
//! and encrypted payments.
//! README.md beside this folder has the table of functions, the hashes and the invariants.

pub mod curve;
pub mod elgamal;
pub mod errors;
pub mod faucet;
pub mod hashes;
pub mod interfaces;
pub mod jobs;
pub mod math;
pub mod ownable;
pub mod pausable;
pub mod payments;
pub mod privacy;
pub mod reputation;
pub mod staking;
#[cfg(test)]
mod tests;
pub mod tiers;
pub mod token;
pub mod types;
pub mod validators;
pub mod verifier;
