//! Tests that run all contracts together in the compiler's own simulation of a chain.

mod access;
mod elgamal;
mod jobs;
mod payments;
mod privacy;
mod proofs;
mod prover;
mod staking;
mod token;
mod validators;
mod vectors;
mod verifier;
mod world;
