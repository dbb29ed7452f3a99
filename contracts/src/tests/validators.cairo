//! Validator sets and evidence.

use starknet::testing::set_block_timestamp;
use super::world::{
    SAGE, T0, WEEK, WORKER_KEY, WorldTrait, call_as, fact, outsider, point, public_key, reverts,
    sign, validator, vote_key, with_validators, with_worker, world,
};
use super::super::interfaces::{
    Certificate, Equivocation, FalseVerdict, IJobManagerDispatcherTrait,
    IJobManagerSafeDispatcherTrait, IProofVerifierDispatcherTrait, IStakingManagerDispatcherTrait,
    IStakingManagerSafeDispatcherTrait, IValidatorRegistryDispatcherTrait,
    IValidatorRegistrySafeDispatcherTrait, PaymentState, ValidatorStatus,
};
use super::super::math;
use super::super::types::{JobId, Kind, Verdict};

#[test]
#[feature("safe_dispatcher")]
fn validators() {
    let w = with_worker();
    let r = w.try_registry();
    call_as(outsider());
    reverts('SET_EMPTY', r.advance_epoch());
    w.fund(validator(0), 20_000);
    let key = public_key(vote_key(0));
    let sig = w.possession(validator(0), 0);
    reverts('STAKE_NOT_VALID', r.register(10_000 * SAGE, key, sig));
    w.staking().stake(12_000 * SAGE, 'Validator', WEEK);
    reverts(
        'STAKE_NOT_VALID',
        w.try_staking().register_worker("a", public_key(WORKER_KEY), point(5), 0),
    );
    reverts('BELOW_MINIMUM', r.register(10_000 * SAGE - 1, key, sig));
    reverts('BOND_EXCEEDS_STAKE', r.register(12_001 * SAGE, key, sig));
    reverts('BAD_SIGNATURE', r.register(10_000 * SAGE, public_key(vote_key(1)), sig));
    reverts('BAD_SIGNATURE', r.register(10_000 * SAGE, 0, sig));
    w.registry().register(10_000 * SAGE, key, sig);
    reverts('ALREADY_VALIDATOR', r.register(10_000 * SAGE, key, sig));
    w.fund(validator(1), 20_000);
    w.staking().stake(12_000 * SAGE, 'Validator', WEEK);
    reverts('KEY_IN_USE', r.register(10_000 * SAGE, key, w.possession(validator(1), 0)));
    reverts('NOT_A_VALIDATOR', r.exit());
    reverts('NOT_A_VALIDATOR', r.release());
    w.registry().advance_epoch();
    reverts('EPOCH_NOT_OVER', r.advance_epoch());
    call_as(validator(0));
    reverts('NOT_A_VALIDATOR', r.release());
    w.registry().exit();
    reverts('EPOCH_NOT_OVER', r.release());
    reverts('ALREADY_VALIDATOR', r.register(10_000 * SAGE, key, sig));
    set_block_timestamp(T0 + 3600);
    w.registry().advance_epoch();
    assert!(
        w.registry().validator_set(2).len() == 0 && w.registry().total_weight(1) == 10_000 * SAGE,
        "sets",
    );
    assert!(w.registry().weight(1, 0) == math::narrow(10_000 * SAGE), "weight");
    w.registry().release();
    assert!(w.staking().stake_of(validator(0)).bonded == 0, "free");
    w.registry().register(12_000 * SAGE, key, sig);
}

#[test]
#[feature("safe_dispatcher")]
fn evidence() {
    let w = with_validators(4);
    let r = w.try_registry();
    let (id, f) = w.prove(1);
    let h = w.verifier().fact_id(f);
    call_as(outsider());
    reverts('NO_OFFENCE', r.submit_false_verdict(w.false_verdict(f, 3, Verdict::Invalid)));
    let e = w.equivocation(f, 0);
    reverts('BAD_SIGNATURE', r.submit_equivocation(Equivocation { invalid: e.valid, ..e }));
    reverts('BAD_SIGNATURE', r.submit_equivocation(Equivocation { index: 1, ..e }));
    reverts('BAD_INDEX', r.submit_equivocation(Equivocation { index: 4, ..e }));
    reverts('BAD_EPOCH', r.submit_equivocation(Equivocation { epoch: 2, ..e }));
    reverts('BAD_EPOCH', r.submit_equivocation(Equivocation { epoch: 0, ..e }));
    w.registry().submit_equivocation(e);
    reverts('ALREADY_SLASHED', r.submit_equivocation(e));
    assert!(w.staking().stake_of(validator(0)).amount == 11_500 * SAGE, "5 %");
    assert!(w.balance(outsider()) == 25, "reward");
    assert!(
        w.registry().validator(validator(0)).status == ValidatorStatus::Tombstoned, "tombstoned",
    );
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 7));
    assert!(w.verifier().conflict(h, 1) == 0, "no conflict");
    reverts('NO_OFFENCE', r.submit_false_verdict(w.false_verdict(f, 3, Verdict::Valid)));
    reverts(
        'BAD_VERDICT',
        r
            .submit_false_verdict(
                FalseVerdict {
                    verdict: Verdict::Undecided, ..w.false_verdict(f, 3, Verdict::Valid),
                },
            ),
    );
    w.registry().submit_false_verdict(w.false_verdict(f, 3, Verdict::Invalid));
    reverts('ALREADY_SLASHED', r.submit_false_verdict(w.false_verdict(f, 3, Verdict::Invalid)));
    assert!(w.registry().validator(validator(3)).status == ValidatorStatus::Leaving, "too small");
    assert!(w.staking().stake_of(validator(3)).bonded == 9_500 * SAGE, "rest is bonded");
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 14));
    assert!(
        w.verifier().fact(h).contested && !w.verifier().is_valid(h, 0, Kind::Certificate),
        "contested",
    );
    assert!(
        w.verifier().conflict(h, 1) == 6
            && w.verifier().conflict(h, 2) == 0
            && w.verifier().conflict(h, 0) == 0,
        "conflict",
    );
    reverts('NO_VERDICT', w.try_jobs().finalize(id));
    reverts('NO_OFFENCE', r.submit_false_verdict(w.false_verdict(f, 1, Verdict::Invalid)));
    w.registry().submit_equivocation(w.equivocation(f, 1));
    assert!(w.staking().stake_of(validator(1)).amount == 2_000 * SAGE, "100 %");
    reverts('ALREADY_SLASHED', r.submit_equivocation(w.equivocation(f, 0)));
    set_block_timestamp(T0 + 3600);
    w.registry().advance_epoch();
    assert!(w.registry().validator_set(2).len() == 1, "one is left");
    set_block_timestamp(T0 + 3600 + 6 * 24 * 3600);
    w.registry().submit_equivocation(w.equivocation(f, 2));
    set_block_timestamp(T0 + 3601 + 6 * 24 * 3600);
    reverts('EVIDENCE_EXPIRED', r.submit_equivocation(w.equivocation(f, 3)));
    w.jobs().expire(id);
    assert!(w.payment(id) == PaymentState::Refunded, "refunded");
    w.registry().advance_epoch();
    call_as(validator(1));
    reverts(
        'TOMBSTONED',
        r.register(10_000 * SAGE, public_key(vote_key(9)), w.possession(validator(1), 9)),
    );
    w.registry().release();
    reverts(
        'TOMBSTONED',
        r.register(10_000 * SAGE, public_key(vote_key(9)), w.possession(validator(1), 9)),
    );
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn escalation() {
    let w = with_validators(3);
    let r = w.try_registry();
    let (_, f) = w.prove(1);
    call_as(outsider());
    w.registry().submit_equivocation(w.equivocation(f, 0));
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 7));
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 7));
    w.registry().submit_equivocation(w.equivocation(f, 0));
    assert!(w.staking().stake_of(validator(0)).amount == 2_000 * SAGE, "5 and 95 %");
    reverts('ALREADY_SLASHED', r.submit_equivocation(w.equivocation(f, 0)));
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn full_set() {
    let w = world();
    let r = w.try_registry();
    for i in 0..64_u32 {
        w.fund(validator(i), 11_000);
        w.staking().stake(11_000 * SAGE, 'Validator', WEEK);
        let stake = if i == 40 {
            10_000
        } else {
            10_500
        };
        w.register(i, stake);
    }
    w.fund(validator(64), 11_000);
    w.staking().stake(11_000 * SAGE, 'Validator', WEEK);
    let sig = w.possession(validator(64), 64);
    reverts('SET_FULL', r.register(10_000 * SAGE, public_key(vote_key(64)), sig));
    w.register(64, 11_000);
    assert!(w.registry().validator(validator(40)).status == ValidatorStatus::Leaving, "gave way");
    w.registry().advance_epoch();
    assert!(w.registry().validator_set(1).len() == 64, "full");
    let f = fact(JobId { value: 1 }, 7);
    let h = w
        .verifier()
        .vote_hash(1, w.registry().set_root(1), w.verifier().fact_id(f), Verdict::Valid);
    let mut signatures = array![];
    let mut bitmap: u64 = 0;
    let mut bit: u64 = 1;
    for i in 0..43_u32 {
        // Who came last before the newcomer has moved to place 40.
        let k = if i == 40 {
            63
        } else {
            i
        };
        signatures.append(sign(h, vote_key(k)));
        bitmap += bit;
        bit *= 2;
    }
    let c = Certificate {
        epoch: 1, verdict: Verdict::Valid, bitmap, signatures: signatures.span(),
    };
    w.verifier().record_certificate(f, c);
}
