//! The life of a job, and reputation.

use core::num::traits::Zero;
use starknet::testing::set_block_timestamp;
use super::world::{
    SAGE, T0, WORKER_KEY, WorldTrait, call_as, client, fact, operator, outsider, point, public_key,
    reverts, sign, with_validators, with_worker, worker, world,
};
use super::super::interfaces::{
    IJobManagerDispatcherTrait, IJobManagerSafeDispatcherTrait, IProofVerifierDispatcherTrait,
    IReputationManagerDispatcherTrait, IReputationManagerSafeDispatcher,
    IReputationManagerSafeDispatcherTrait, IStakingManagerDispatcherTrait, JobState, Level, Outcome,
    PaymentState,
};
use super::super::types::{Signature, Verdict};

#[test]
#[feature("safe_dispatcher")]
fn submissions() {
    let w = with_worker();
    let s = w.try_jobs();
    let p = array![1, 2].span();
    let too_late = T0 + 90 * 24 * 3600 + 1;
    call_as(client());
    reverts('BAD_DEADLINE', s.submit_job(1, 1, 1, 'std', worker(), T0, T0 + 5, p));
    reverts('BAD_DEADLINE', s.submit_job(1, 1, 1, 'std', worker(), T0 + 5, T0 + 5, p));
    reverts('BAD_DEADLINE', s.submit_job(1, 1, 1, 'std', worker(), T0 + 5, too_late, p));
    reverts('PROFILE_TOO_WEAK', s.submit_job(1, 1, 1, 'none', worker(), T0 + 5, T0 + 6, p));
    reverts('SELF_JOB', s.submit_job(1, 1, 1, 'std', client(), T0 + 5, T0 + 6, p));
    reverts('ZERO_ADDRESS', s.submit_job(1, 1, 1, 'std', Zero::zero(), T0 + 5, T0 + 6, p));
    let id = w.submit(1);
    assert!(id == w.jobs().job_id(client(), 1), "id");
    assert!(id != w.jobs().job_id(outsider(), 1), "nobody else can take the id");
    reverts('JOB_EXISTS', s.submit_job(1, 1, 1, 'std', worker(), T0 + 5, T0 + 6, p));
    w.jobs().cancel(id);
    assert!(w.payment(id) == PaymentState::Refunded, "refunded");
    reverts('BAD_STATE', s.cancel(id));
    reverts('JOB_EXISTS', s.submit_job(1, 1, 1, 'std', worker(), T0 + 5, T0 + 6, p));
}

#[test]
#[feature("safe_dispatcher")]
fn acceptance() {
    let w = with_worker();
    let s = w.try_jobs();
    let id = w.submit(1);
    call_as(worker());
    w.staking().deregister();
    reverts('NOT_A_WORKER', s.accept_job(id));
    w.staking().register_worker("a", public_key(WORKER_KEY), point(5), 0);
    call_as(operator());
    w.jobs().accept_job(id);
    reverts('BAD_STATE', s.accept_job(id));
    assert!(w.staking().stake_of(worker()).bonded == 1_000 * SAGE, "bond");
    // The stake secures eleven such bonds; ten others are taken.
    let id = w.submit(2);
    call_as(w.jobs);
    w.staking().lock_bond(worker(), 10_000 * SAGE);
    call_as(operator());
    reverts('BOND_EXCEEDS_STAKE', s.accept_job(id));
}

#[test]
#[feature("safe_dispatcher")]
fn valid_proof() {
    let w = with_validators(3);
    let s = w.try_jobs();
    let id = w.submit(1);
    let f = fact(id, 7);
    let h = w.verifier().fact_id(f);
    let good = sign(h.value, WORKER_KEY);
    call_as(operator());
    reverts('BAD_STATE', s.submit_proof(id, 99, 7, good));
    w.jobs().accept_job(id);
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 8, good));
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 7, Signature { r: good.r, s: good.s + 1 }));
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 7, sign(h.value, WORKER_KEY + 1)));
    w.jobs().submit_proof(id, 99, 7, good);
    call_as(client());
    reverts('BAD_STATE', s.cancel(id));
    call_as(outsider());
    reverts('NO_VERDICT', s.finalize(id));
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 7));
    set_block_timestamp(T0 + 2000);
    reverts('HAS_VERDICT', s.expire(id));
    w.jobs().finalize(id);
    reverts('BAD_STATE', s.finalize(id));
    reverts('BAD_STATE', s.expire(id));
    assert!(
        w.jobs().job(id).state == JobState::Finalized && w.payment(id) == PaymentState::Payable,
        "state",
    );
    assert!(w.staking().stake_of(worker()).bonded == 0, "bond");
    assert!(w.reputation().reputation(worker()) == 515, "reputation");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn invalid_proof() {
    let w = with_validators(3);
    let (id, f) = w.prove(1);
    call_as(outsider());
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 7));
    w.jobs().finalize(id);
    assert!(w.jobs().job(id).state == JobState::Rejected, "rejected");
    assert!(w.payment(id) == PaymentState::Refunded, "refunded");
    let stake = w.staking().stake_of(worker());
    assert!(stake.amount == 9_900 * SAGE && stake.bonded == 0, "slashed 10 %");
    assert!(w.reputation().reputation(worker()) == 400, "reputation");
    // What is left is below the tier's minimum.
    let id = w.submit(2);
    call_as(operator());
    reverts('STAKE_NOT_VALID', w.try_jobs().accept_job(id));
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn worker_equivocation() {
    let w = with_validators(3);
    let (id, f) = w.prove(1);
    let s = w.try_jobs();
    let same = sign(w.verifier().fact_id(f).value, WORKER_KEY);
    let other = sign(w.verifier().fact_id(fact(id, 8)).value, WORKER_KEY);
    // A new key does not void what the old one signed.
    call_as(worker());
    w.staking().register_worker("b", public_key(WORKER_KEY + 1), point(6), 0);
    call_as(outsider());
    reverts('NO_OFFENCE', s.report_equivocation(id, 99, 7, same));
    reverts('BAD_SIGNATURE', s.report_equivocation(id, 99, 8, same));
    w.jobs().report_equivocation(id, 99, 8, other);
    reverts('ALREADY_SLASHED', s.report_equivocation(id, 99, 8, other));
    assert!(w.balance(client()) == 1_000, "the bond is the client's");
    assert!(w.staking().stake_of(worker()).amount == 10_000 * SAGE, "stake");
    assert!(w.reputation().reputation(worker()) == 400, "reputation");
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 7));
    w.jobs().finalize(id);
    reverts('BAD_STATE', s.report_equivocation(id, 99, 8, other));
    assert!(w.payment(id) == PaymentState::Payable, "paid");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn deadlines() {
    let w = with_validators(3);
    let a = w.submit(1);
    let b = w.submit(2);
    call_as(operator());
    w.jobs().accept_job(b);
    let (c, _) = w.prove(3);
    set_block_timestamp(T0 + 601);
    call_as(operator());
    reverts('TOO_LATE', w.try_jobs().accept_job(a));
    call_as(outsider());
    w.jobs().expire(a);
    reverts('TOO_EARLY', w.try_jobs().expire(b));
    set_block_timestamp(T0 + 1200);
    reverts('TOO_EARLY', w.try_jobs().expire(c));
    set_block_timestamp(T0 + 1201);
    let f = fact(b, 7);
    let sig = sign(w.verifier().fact_id(f).value, WORKER_KEY);
    call_as(operator());
    reverts('TOO_LATE', w.try_jobs().submit_proof(b, 99, 7, sig));
    call_as(outsider());
    w.jobs().expire(b);
    w.jobs().expire(c);
    assert!(
        w.payment(a) == PaymentState::Refunded
            && w.payment(b) == PaymentState::Refunded
            && w.payment(c) == PaymentState::Refunded,
        "refunds",
    );
    assert!(w.balance(client()) == 1_000, "one bond");
    let st = w.staking().stake_of(worker());
    assert!(st.amount == 10_000 * SAGE && st.bonded == 0, "stake");
    assert!(w.reputation().reputation(worker()) == 475, "reputation");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn slash_covers_bond() {
    let w = with_validators(3);
    let (id, f) = w.prove(1);
    // The worker lets ten other bonds go to the client.
    call_as(w.jobs);
    w.staking().lock_bond(worker(), 10_000 * SAGE);
    w.staking().seize_bond(worker(), 10_000 * SAGE, client());
    assert!(w.staking().stake_of(worker()).amount == 1_000 * SAGE, "drained");
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 7));
    w.jobs().finalize(id);
    assert!(w.staking().stake_of(worker()).amount == 0, "at least the bond");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn reputation() {
    let w = world();
    call_as(worker());
    w.reputation().initialize();
    let s = IReputationManagerSafeDispatcher { contract_address: w.reputation };
    reverts('BAD_STATE', s.initialize());
    assert!(
        w.reputation().reputation(worker()) == 500
            && w.reputation().level(worker()) == Level::Newcomer
            && w.reputation().level(client()) == Level::Unknown,
        "new",
    );
    call_as(w.jobs);
    for _ in 0..40_u32 {
        w.reputation().record(worker(), Outcome::Finalized);
    }
    assert!(
        w.reputation().reputation(worker()) == 1000
            && w.reputation().level(worker()) == Level::Trusted,
        "top",
    );
    set_block_timestamp(T0 + 31 * 24 * 3600);
    assert!(w.reputation().reputation(worker()) == 999, "fades");
    set_block_timestamp(T0 + 3100 * 24 * 3600);
    assert!(w.reputation().reputation(worker()) == 500, "not below start");
    for _ in 0..6_u32 {
        w.reputation().record(worker(), Outcome::Slashed);
    }
    assert!(
        w.reputation().reputation(worker()) == 0 && w.reputation().level(worker()) == Level::Poor,
        "bottom",
    );
    set_block_timestamp(T0 + 4100 * 24 * 3600);
    assert!(w.reputation().reputation(worker()) == 0, "waiting repairs nothing");
}
