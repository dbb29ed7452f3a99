//! The life of a job, and reputation.

use core::num::traits::Zero;
use starknet::testing::set_block_timestamp;
use super::world::{
    SAGE, T0, WORKER_KEY, WorldTrait, call_as, client, fact, operator, outsider, point, public_key,
    reverts, sign, with_validators, worker, world,
};
use super::super::interfaces::{
    Certificate, IJobManagerDispatcherTrait, IJobManagerSafeDispatcherTrait,
    IProofVerifierDispatcherTrait, IProofVerifierSafeDispatcherTrait,
    IReputationManagerDispatcherTrait, IReputationManagerSafeDispatcher,
    IReputationManagerSafeDispatcherTrait, IStakingManagerDispatcherTrait, JobState, Level, Outcome,
};
use super::super::types::{Fact, Kind, Signature, Verdict};

#[test]
#[feature("safe_dispatcher")]
fn job_valid() {
    let w = with_validators(3);
    let now = T0;
    call_as(client());
    let s = w.try_jobs();
    let p = array![1, 2].span();
    reverts('BAD_DEADLINE', s.submit_job(1, 1, 1, 'std', worker(), now, now + 5, p));
    reverts('BAD_DEADLINE', s.submit_job(1, 1, 1, 'std', worker(), now + 5, now + 5, p));
    reverts(
        'BAD_DEADLINE',
        s.submit_job(1, 1, 1, 'std', worker(), now + 5, now + 90 * 24 * 3600 + 1, p),
    );
    reverts('PROFILE_TOO_WEAK', s.submit_job(1, 1, 1, 'none', worker(), now + 5, now + 6, p));
    reverts('SELF_JOB', s.submit_job(1, 1, 1, 'std', client(), now + 5, now + 6, p));
    reverts('ZERO_ADDRESS', s.submit_job(1, 1, 1, 'std', Zero::zero(), now + 5, now + 6, p));
    let id = w.submit(1);
    assert!(id == w.jobs().job_id(client(), 1), "id");
    reverts('JOB_EXISTS', s.submit_job(1, 1, 1, 'std', worker(), now + 5, now + 6, p));
    call_as(outsider());
    reverts('UNAUTHORIZED', s.accept_job(id));
    reverts('UNAUTHORIZED', s.cancel(id));
    reverts('TOO_EARLY', s.expire(id));
    reverts('BAD_STATE', s.finalize(id));
    call_as(operator());
    w.jobs().accept_job(id);
    reverts('BAD_STATE', s.accept_job(id));
    assert!(w.staking().stake_of(worker()).bonded == 1_000 * SAGE, "bond");
    call_as(client());
    reverts('BAD_STATE', s.cancel(id));
    let f = fact(id, 7);
    let h = w.verifier().fact_id(f);
    let good = sign(h.value, WORKER_KEY);
    call_as(outsider());
    reverts('UNAUTHORIZED', s.submit_proof(id, 99, 7, good));
    call_as(operator());
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 8, good));
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 7, Signature { r: good.r, s: good.s + 1 }));
    reverts('BAD_SIGNATURE', s.submit_proof(id, 99, 7, sign(h.value, WORKER_KEY + 1)));
    w.jobs().submit_proof(id, 99, 7, good);
    call_as(outsider());
    reverts('NO_VERDICT', s.finalize(id));
    let c = w.certificate(f, Verdict::Valid, 7);
    reverts(
        'NO_QUORUM', w.try_verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 3)),
    );
    let two = w.certificate(f, Verdict::Valid, 3);
    reverts(
        'SIGNATURE_COUNT', w.try_verifier().record_certificate(f, Certificate { bitmap: 7, ..two }),
    );
    let dup = array![*two.signatures[0], *two.signatures[1], *two.signatures[1]].span();
    reverts(
        'BAD_SIGNATURE',
        w.try_verifier().record_certificate(f, Certificate { bitmap: 7, signatures: dup, ..two }),
    );
    reverts(
        'SIGNATURE_COUNT', w.try_verifier().record_certificate(f, Certificate { bitmap: 3, ..c }),
    );
    reverts('BAD_INDEX', w.try_verifier().record_certificate(f, Certificate { bitmap: 15, ..c }));
    reverts('BAD_EPOCH', w.try_verifier().record_certificate(f, Certificate { epoch: 2, ..c }));
    reverts('BAD_EPOCH', w.try_verifier().record_certificate(f, Certificate { epoch: 0, ..c }));
    reverts(
        'BAD_SIGNATURE',
        w.try_verifier().record_certificate(f, Certificate { verdict: Verdict::Invalid, ..c }),
    );
    reverts(
        'BAD_VERDICT',
        w.try_verifier().record_certificate(f, Certificate { verdict: Verdict::Undecided, ..c }),
    );
    reverts('BAD_SIGNATURE', w.try_verifier().record_certificate(fact(id, 8), c));
    reverts('BAD_PROFILE', w.try_verifier().record_certificate(Fact { profile: 'x', ..f }, c));
    w.verifier().record_certificate(f, c);
    reverts('FACT_RECORDED', w.try_verifier().record_certificate(f, c));
    assert!(
        w.verifier().is_valid(h, 96, Kind::Certificate)
            && !w.verifier().is_valid(h, 97, Kind::Certificate)
            && !w.verifier().is_valid(h, 1, Kind::Full),
        "is_valid",
    );
    set_block_timestamp(T0 + 2000);
    reverts('HAS_VERDICT', s.expire(id));
    w.jobs().finalize(id);
    reverts('BAD_STATE', s.finalize(id));
    reverts('BAD_STATE', s.expire(id));
    assert!(w.jobs().job(id).state == JobState::Finalized && w.payment(id) == 'settled', "state");
    assert!(w.staking().stake_of(worker()).bonded == 0, "bond free");
    assert!(
        w.reputation().reputation(worker()) == 515
            && w.reputation().level(worker()) == Level::Newcomer,
        "reputation",
    );
    reverts(
        'UNAUTHORIZED',
        IReputationManagerSafeDispatcher { contract_address: w.reputation }
            .record(worker(), Outcome::Finalized),
    );
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn job_invalid_and_equivocation() {
    let w = with_validators(3);
    let (id, f) = w.prove(1);
    call_as(outsider());
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 7));
    w.jobs().finalize(id);
    assert!(
        w.jobs().job(id).state == JobState::Rejected && w.payment(id) == 'refunded', "rejected",
    );
    let st = w.staking().stake_of(worker());
    assert!(st.amount == 9_900 * SAGE && st.bonded == 0, "slashed 10 %");
    assert!(w.reputation().reputation(worker()) == 400, "reputation");
    let id2 = w.submit(2);
    call_as(operator());
    reverts('STAKE_NOT_VALID', w.try_jobs().accept_job(id2));
    call_as(client());
    w.jobs().cancel(id2);
    assert!(w.payment(id2) == 'refunded', "cancelled");
    call_as(worker());
    w.staking().increase_stake(9_000 * SAGE, 0);
    let (id3, f3) = w.prove(3);
    let other = sign(w.verifier().fact_id(fact(id3, 8)).value, WORKER_KEY);
    let same = sign(w.verifier().fact_id(f3).value, WORKER_KEY);
    call_as(worker());
    // a new key does not void what the old one signed
    w.staking().register_worker("b", public_key(WORKER_KEY + 1), point(6), 0);
    call_as(outsider());
    reverts('NO_OFFENCE', w.try_jobs().report_equivocation(id3, 99, 7, same));
    reverts('BAD_SIGNATURE', w.try_jobs().report_equivocation(id3, 99, 8, same));
    w.jobs().report_equivocation(id3, 99, 8, other);
    reverts('ALREADY_SLASHED', w.try_jobs().report_equivocation(id3, 99, 8, other));
    assert!(w.balance(client()) == 1_000, "bond to client");
    assert!(w.staking().stake_of(worker()).amount == 17_900 * SAGE, "bond taken");
    w.verifier().record_certificate(f3, w.certificate(f3, Verdict::Valid, 7));
    w.jobs().finalize(id3);
    assert!(w.payment(id3) == 'settled', "paid");
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
        w.payment(a) == 'refunded' && w.payment(b) == 'refunded' && w.payment(c) == 'refunded',
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
    // the worker lets its other bonds go
    for t in 2..12_u64 {
        let j = w.submit(t.into());
        call_as(worker());
        w.jobs().accept_job(j);
    }
    set_block_timestamp(T0 + 1201);
    call_as(outsider());
    for t in 2..12_u64 {
        w.jobs().expire(w.jobs().job_id(client(), t.into()));
    }
    assert!(w.staking().stake_of(worker()).amount == 1_000 * SAGE, "drained");
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Invalid, 7));
    w.jobs().finalize(id);
    assert!(w.staking().stake_of(worker()).amount == 0, "at least the bond");
    w.check_sums();
}

#[test]
fn reputation() {
    let w = world();
    call_as(worker());
    w.reputation().initialize();
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
