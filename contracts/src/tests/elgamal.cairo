//! The vectors of elgamal/testdata/vectors.json, and what they do not reach.

use core::ec::{EcPointTrait, stark_curve};
use core::poseidon::poseidon_hash_span;
use starknet::syscalls::{call_contract_syscall, deploy_syscall};
use starknet::{ContractAddress, SyscallResultTrait};
use super::world::{address, reverts};
use super::super::types::{Ciphertext, Point};
use super::super::{curve, elgamal};
use super::{proofs, prover};

/// A proof as the calldata of Verifier.verify, with changes at these places, and the error that it
/// must fail with, or 0.
#[derive(Copy, Drop)]
pub struct Case {
    pub name: felt252,
    pub calldata: Span<felt252>,
    pub changes: Span<(u32, felt252)>,
    pub error: felt252,
}

/// A payment to a balance of the key.
#[derive(Copy, Drop)]
pub struct Credit {
    pub key: Point,
    pub balance: Ciphertext,
    pub incoming: Ciphertext,
    pub sum: Ciphertext,
}

#[starknet::interface]
trait IVerifier<T> {
    fn verify(
        self: @T,
        kind: felt252,
        context: elgamal::Context,
        keys: Span<Point>,
        audited: bool,
        values: Span<felt252>,
        message: Span<felt252>,
    );
}

/// Makes calls of the verifying functions, so that a test survives their panics.
#[starknet::contract]
mod Verifier {
    use super::super::super::elgamal;
    use super::super::super::types::Point;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl VerifierImpl of super::IVerifier<ContractState> {
        fn verify(
            self: @ContractState,
            kind: felt252,
            context: elgamal::Context,
            keys: Span<Point>,
            audited: bool,
            values: Span<felt252>,
            message: Span<felt252>,
        ) {
            let from = *keys[0];
            let auditor = if audited {
                Some(*keys[keys.len() - 1])
            } else {
                None
            };
            if kind == 'ownership' {
                elgamal::verify_ownership(context, from, values, message);
            } else if kind == 'transfer' {
                elgamal::verify_transfer(context, from, *keys[1], auditor, message);
            } else {
                let (amount, recipient) = ((*values[0]).try_into().unwrap(), *values[1]);
                if kind == 'withdraw' {
                    elgamal::verify_withdrawal(context, from, auditor, amount, recipient, message);
                } else {
                    assert!(kind == 'ragequit', "kind");
                    elgamal::verify_ragequit(context, from, amount, recipient, message);
                }
            }
        }
    }
}

fn verifier() -> ContractAddress {
    let class = Verifier::TEST_CLASS_HASH;
    let (verifier, _) = deploy_syscall(class, 0, array![].span(), false).unwrap_syscall();
    verifier
}

fn check(cases: Array<Case>) {
    let verifier = verifier();
    for Case { name, calldata, changes, error } in cases {
        let calldata = changed(calldata, changes);
        let got = match call_contract_syscall(verifier, selector!("verify"), calldata) {
            Ok(_) => 0,
            Err(data) => *data[0],
        };
        assert!(got == error, "{name} ends with {got}, want {error}");
    }
}

fn changed(calldata: Span<felt252>, changes: Span<(u32, felt252)>) -> Span<felt252> {
    let mut out = array![];
    let mut i = 0;
    for felt in calldata {
        let mut felt = *felt;
        for change in changes {
            let (place, value) = *change;
            if place == i {
                felt = value;
            }
        }
        out.append(felt);
        i += 1;
    }
    out.span()
}

#[test]
fn register() {
    check(proofs::register());
}

#[test]
fn deposit() {
    check(proofs::deposit());
}

#[test]
fn transfer() {
    check(proofs::transfer());
}

#[test]
fn audited_transfer() {
    check(proofs::transfer_audited());
}

#[test]
fn withdrawal() {
    check(proofs::withdraw());
}

#[test]
fn audited_withdrawal() {
    check(proofs::withdraw_audited());
}

#[test]
fn ragequit() {
    check(proofs::ragequit());
}

#[test]
fn forged() {
    check(proofs::forged());
}

/// Shows for each relation of a transfer that it is checked: proofs with secrets for all others.
#[test]
#[feature("safe_dispatcher")]
fn false_relations() {
    let (x, z, a) = (11, prover::public_key(12), prover::public_key(13));
    let from = prover::public_key(x);
    let balance = prover::seal(from, 100, 14);
    let context = elgamal::Context {
        operation: 'transfer',
        chain_id: 1,
        contract: address(2),
        sender: address(3),
        nonce: 4,
        job_id: 0,
        proof_hash: 0,
        balance,
    };
    let secrets = array![x, 40, 15, 60, 16].span();
    let good = prover::transfer(context, x, z, Some(a), secrets);
    let message = prover::transfer_message(context, z, @good, (40, 60), secrets);
    elgamal::verify_transfer(context, from, z, Some(a), message);
    let verifier = IVerifierSafeDispatcher { contract_address: verifier() };
    for (error, transfer, bits, secrets) in lies(context, z, a, good, secrets) {
        let message = prover::transfer_message(context, z, @transfer, bits, secrets);
        let keys = array![from, z, a].span();
        let got = verifier.verify('transfer', context, keys, true, array![].span(), message);
        reverts(error, got);
    }
}

type Lie = (felt252, elgamal::Transfer, (u64, u64), Span<felt252>);

fn lies(
    context: elgamal::Context,
    to: Point,
    auditor: Point,
    good: elgamal::Transfer,
    secrets: Span<felt252>,
) -> Array<Lie> {
    let bits = (40, 60);
    let x = *secrets[0];
    let audit = good.audit.unwrap();
    let amount = audit.amount.unwrap();
    // With r = 17 for the proof.
    let other_r = array![x, 40, 17, 60, 16].span();
    // A remainder of 61.
    let more = array![x, 40, 15, 61, 16].span();
    let more_left = prover::transfer(context, x, to, Some(auditor), more);
    let more_left = elgamal::Transfer { balance: good.balance, ..more_left };
    // Another amount in one of the ciphertexts.
    let sent = elgamal::add_plain(good.sent, 1);
    let balance = elgamal::sub(context.balance, sent);
    let received = elgamal::add_plain(good.received, 1);
    let more_shown = Some(elgamal::add_plain(amount, 1));
    let other_rest = elgamal::Audit { remainder: elgamal::add_plain(audit.remainder, 1), ..audit };
    // The R of one of them.
    let r = prover::public_key(18);
    let split = Ciphertext { r, ..good.received };
    let split_audit = elgamal::Audit { amount: Some(Ciphertext { r, ..amount }), ..audit };
    let remainder = Ciphertext { r, ..audit.remainder };
    let split_rest = elgamal::Audit { remainder, ..audit };
    let with = |audit| elgamal::Transfer { audit: Some(audit), ..good };
    array![
        ('PROOF_SHARED_RANDOMNESS', elgamal::Transfer { received: split, ..good }, bits, secrets),
        ('PROOF_SHARED_RANDOMNESS', with(split_audit), bits, secrets),
        ('PROOF_RANDOMNESS', good, bits, other_r),
        ('PROOF_CIPHERTEXT', elgamal::Transfer { sent, balance, ..good }, bits, secrets),
        ('PROOF_BALANCE', more_left, (40, 61), more), ('PROOF_HASH', good, (41, 60), secrets),
        ('PROOF_REMAINDER_COMMITMENT', good, (40, 59), secrets),
        ('PROOF_OTHER_CIPHERTEXT', elgamal::Transfer { received, ..good }, bits, secrets),
        ('PROOF_AUDIT_AMOUNT', with(elgamal::Audit { amount: more_shown, ..audit }), bits, secrets),
        ('PROOF_AUDIT_REMAINDER', with(other_rest), bits, secrets),
        ('PROOF_AUDIT_RANDOMNESS', with(split_rest), bits, secrets),
    ]
}

#[test]
fn credits() {
    for case in proofs::credits() {
        assert!(elgamal::credit(case.key, case.balance, case.incoming) == case.sum, "sum");
    }
}

#[test]
fn second_generator() {
    let x = poseidon_hash_span(array!['bitsage.elgamal.h', 1].span());
    let (_, y) = EcPointTrait::new_nz_from_x(x).unwrap().coordinates();
    let even: u256 = y.into();
    let y = if even % 2 == 0 {
        y
    } else {
        -y
    };
    assert!(elgamal::H == Point { x, y }, "h");
}

#[test]
fn scalars() {
    let n = stark_curve::ORDER;
    assert!(curve::is_scalar(0) && curve::is_scalar(n - 1), "scalars");
    assert!(!curve::is_scalar(n) && !curve::is_scalar(-1), "no scalars");
    for (a, b, difference) in array![(0, 0, 0), (5, 3, 2), (3, 5, n - 2), (0, n - 1, 1)] {
        assert!(curve::difference(a, b) == difference, "difference");
    }
    assert!(elgamal::in_range(1) == 1 && elgamal::in_range(n - 1) == n - 1, "challenges");
}

#[test]
#[should_panic(expected: 'PROOF_CHALLENGE')]
fn challenge_zero() {
    elgamal::in_range(0);
}

#[test]
#[should_panic(expected: 'PROOF_CHALLENGE')]
fn challenge_too_large() {
    elgamal::in_range(stark_curve::ORDER);
}
