//! Tests that run all contracts together in the compiler's own simulation of a chain.

mod access;
mod jobs;
mod staking;
mod token;
mod validators;
mod vectors;
mod verifier;
mod world;
