//! Certificates.

use starknet::testing::set_block_timestamp;
use super::world::{T0, WorldTrait, call_as, fact, outsider, reverts, with_validators};
use super::super::interfaces::{
    Certificate, IProofVerifierDispatcherTrait, IProofVerifierSafeDispatcherTrait,
    IValidatorRegistryDispatcherTrait,
};
use super::super::types::{Fact, JobId, Kind, Verdict};

const JOB: JobId = JobId { value: 5 };

#[test]
#[feature("safe_dispatcher")]
fn certificates() {
    let w = with_validators(3);
    let f = fact(JOB, 7);
    let h = w.verifier().fact_id(f);
    let v = w.try_verifier();
    let two = w.certificate(f, Verdict::Valid, 3);
    let three = w.certificate(f, Verdict::Valid, 7);
    call_as(outsider());
    reverts('NO_QUORUM', v.record_certificate(f, two));
    reverts('SIGNATURE_COUNT', v.record_certificate(f, Certificate { bitmap: 7, ..two }));
    reverts('SIGNATURE_COUNT', v.record_certificate(f, Certificate { bitmap: 3, ..three }));
    // A signature does not count twice, nor for another validator.
    let twice = array![*two.signatures[0], *two.signatures[1], *two.signatures[1]].span();
    let c = Certificate { bitmap: 7, signatures: twice, ..two };
    reverts('BAD_SIGNATURE', v.record_certificate(f, c));
    let swapped = array![*three.signatures[1], *three.signatures[0], *three.signatures[2]].span();
    let c = Certificate { signatures: swapped, ..three };
    reverts('BAD_SIGNATURE', v.record_certificate(f, c));
    reverts('BAD_INDEX', v.record_certificate(f, Certificate { bitmap: 15, ..three }));
    // Nor do votes count for another epoch, verdict, job, proof or profile.
    reverts('BAD_EPOCH', v.record_certificate(f, Certificate { epoch: 2, ..three }));
    reverts('BAD_EPOCH', v.record_certificate(f, Certificate { epoch: 0, ..three }));
    let c = Certificate { verdict: Verdict::Invalid, ..three };
    reverts('BAD_SIGNATURE', v.record_certificate(f, c));
    let c = Certificate { verdict: Verdict::Undecided, ..three };
    reverts('BAD_VERDICT', v.record_certificate(f, c));
    reverts('BAD_SIGNATURE', v.record_certificate(fact(JobId { value: 6 }, 7), three));
    reverts('BAD_SIGNATURE', v.record_certificate(fact(JOB, 8), three));
    reverts('BAD_SIGNATURE', v.record_certificate(Fact { profile: 'std', ..f }, three));
    reverts('BAD_PROFILE', v.record_certificate(Fact { profile: 'x', ..f }, three));

    assert!(w.verifier().record_certificate(f, three) == h, "id");
    reverts('FACT_RECORDED', v.record_certificate(f, three));
    assert!(w.verifier().is_valid(h, 96, Kind::Certificate), "valid");
    assert!(!w.verifier().is_valid(h, 97, Kind::Certificate), "too few bits");
    assert!(!w.verifier().is_valid(h, 1, Kind::Full), "not verified in full");
}

#[test]
#[feature("safe_dispatcher")]
fn epochs_of_certificates() {
    let w = with_validators(3);
    let first = w.certificate(fact(JOB, 7), Verdict::Valid, 7);
    let second = w.certificate(fact(JOB, 8), Verdict::Valid, 7);
    call_as(outsider());
    set_block_timestamp(T0 + 3600);
    w.registry().advance_epoch();
    w.verifier().record_certificate(fact(JOB, 7), first);
    set_block_timestamp(T0 + 7200);
    w.registry().advance_epoch();
    reverts('BAD_EPOCH', w.try_verifier().record_certificate(fact(JOB, 8), second));
}
