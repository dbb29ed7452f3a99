//! The fees of jobs: escrow, release and refund.

use starknet::ContractAddress;
use starknet::syscalls::deploy_syscall;
use super::prover;
use super::world::{
    DEPOSIT, FEE, SAGE, T0, World, WorldTrait, call_as, client, operator, outsider, owner, point,
    reverts, secret, with_validators, with_worker, worker,
};
use super::super::elgamal::Context;
use super::super::interfaces::{
    IJobManagerDispatcherTrait, IJobManagerSafeDispatcherTrait, IPaymentRouterDispatcherTrait,
    IPaymentRouterSafeDispatcherTrait, IPrivacyRouterDispatcherTrait, IProofVerifierDispatcherTrait,
    ISageTokenDispatcherTrait, Payment, PaymentState,
};
use super::super::pausable::{IPausableDispatcher, IPausableDispatcherTrait};
use super::super::payments::PaymentRouter;
use super::super::types::{JobId, Verdict};

#[generate_trait]
impl Payments of PaymentsTrait {
    /// Submits the payment as recorded; anyone may.
    fn release(self: @World, job_id: JobId) -> Result<(), Array<felt252>> {
        self.release_as(job_id, self.payments().payment(job_id))
    }

    #[feature("safe_dispatcher")]
    fn release_as(self: @World, job_id: JobId, p: Payment) -> Result<(), Array<felt252>> {
        let (l, r) = (p.fee.l, p.fee.r);
        self
            .try_payments()
            .submit_payment_with_proof(p.worker, job_id, l.x, l.y, r.x, r.y, p.proof_hash)
    }

    /// What is pending of an account.
    fn pending(self: @World, account: ContractAddress, amount: u64) -> bool {
        prover::holds(secret(account), self.privacy().account(account).pending, amount)
    }

    /// Submits task 1 with this payment.
    #[feature("safe_dispatcher")]
    fn submit_with(self: @World, payment: Span<felt252>) -> Result<JobId, Array<felt252>> {
        self.try_jobs().submit_job(1, 11, 1, 'std', worker(), T0 + 600, T0 + 1200, payment)
    }
}

#[test]
#[feature("safe_dispatcher")]
fn outsiders() {
    let w = with_worker();
    let id = w.submit(1);
    let s = w.try_payments();
    for caller in array![outsider(), owner(), client(), worker(), w.privacy] {
        call_as(caller);
        reverts('UNAUTHORIZED', s.escrow(id, client(), worker(), array![].span()));
        reverts('UNAUTHORIZED', s.settle(id, 7));
        reverts('UNAUTHORIZED', s.refund(id));
        reverts('BAD_STATE', w.release(id));
    }
    let arguments = array![0, w.privacy.into()].span();
    let class = PaymentRouter::TEST_CLASS_HASH;
    reverts('ZERO_ADDRESS', deploy_syscall(class, 1, arguments, false));
    let arguments = array![w.jobs.into(), 0].span();
    reverts('ZERO_ADDRESS', deploy_syscall(class, 1, arguments, false));
    let p = w.payments();
    assert!(p.job_manager() == w.jobs && p.privacy_router() == w.privacy, "addresses");
}

#[test]
#[feature("safe_dispatcher")]
fn escrows() {
    let w = with_worker();
    w.open_account(operator(), 100);
    let id = w.jobs().job_id(client(), 1);
    let fee = w.fee(id);
    // Proofs for another job, operation, worker or client.
    call_as(client());
    reverts('PROOF_KEY', w.submit_with(w.fee(JobId { value: id.value + 1 })));
    let context = Context { job_id: id.value.into(), ..w.context('transfer', client()) };
    let (x, to) = (secret(client()), point(secret(worker())));
    let other = prover::prove_transfer(context, x, to, None, DEPOSIT, FEE);
    reverts('PROOF_KEY', w.submit_with(other));
    let context = Context { operation: 'submit_job', ..context };
    let to = point(secret(operator()));
    let other = prover::prove_transfer(context, x, to, None, DEPOSIT, FEE);
    reverts('PROOF_KEY', w.submit_with(other));
    call_as(operator());
    reverts('PROOF_KEY', w.submit_with(fee));
    call_as(outsider());
    reverts('NO_ACCOUNT', w.submit_with(fee));
    call_as(client());
    reverts('PROOF_LENGTH', w.submit_with(fee.slice(0, 700)));
    reverts('PROOF_LENGTH', w.submit_with(array![].span()));
    let jobs = w.try_jobs();
    let submitted = jobs.submit_job(1, 11, 1, 'std', outsider(), T0 + 600, T0 + 1200, fee);
    reverts('NO_ACCOUNT', submitted);

    assert!(w.payment(id) == PaymentState::None, "none");
    w.submit_with(fee).unwrap();
    let p = w.payments().payment(id);
    assert!(p.state == PaymentState::Escrowed && p.nonce == 2 && p.proof_hash == 0, "state");
    assert!(p.client == client() && p.worker == worker(), "parties");
    assert!(prover::holds(secret(client()), p.refund, FEE), "refund");
    assert!(prover::holds(secret(worker()), p.fee, FEE), "fee");
    let account = w.privacy().account(client());
    assert!(account.nonce == 3, "nonce");
    assert!(prover::holds(secret(client()), account.balance, DEPOSIT - FEE), "balance");
    // Not even JobManager escrows a job twice.
    call_as(w.jobs);
    reverts('BAD_STATE', w.try_payments().escrow(id, client(), worker(), w.fee(id)));
}

#[test]
#[feature("safe_dispatcher")]
fn releases() {
    let w = with_validators(3);
    let (id, f) = w.prove(1);
    call_as(outsider());
    reverts('BAD_STATE', w.release(id));
    w.verifier().record_certificate(f, w.certificate(f, Verdict::Valid, 7));
    w.jobs().finalize(id);
    let p = w.payments().payment(id);
    assert!(p.state == PaymentState::Payable && p.proof_hash == 7, "payable");
    assert!(w.pending(worker(), 0), "not yet");
    reverts('WRONG_PAYMENT', w.release_as(id, Payment { worker: outsider(), ..p }));
    reverts('WRONG_PAYMENT', w.release_as(id, Payment { proof_hash: 8, ..p }));
    reverts('WRONG_PAYMENT', w.release_as(id, Payment { fee: p.refund, ..p }));
    reverts('BAD_STATE', w.release_as(JobId { value: 1 }, p));
    w.release(id).unwrap();
    assert!(w.payment(id) == PaymentState::Released && w.pending(worker(), FEE), "paid");
    reverts('BAD_STATE', w.release(id));
    call_as(w.jobs);
    reverts('BAD_STATE', w.try_payments().refund(id));
    reverts('BAD_STATE', w.try_payments().settle(id, 7));
    // The worker takes its fee out, to any address.
    call_as(worker());
    let x = secret(worker());
    let rollover = w.context('rollover', worker());
    w.privacy().rollover(prover::prove_ownership(rollover, x, array![].span()));
    let context = w.context('withdraw', worker());
    let proof = prover::prove_withdrawal(context, x, None, FEE, FEE, outsider().into());
    w.privacy().withdraw(FEE, outsider(), proof);
    assert!(w.token().balance_of(outsider()) == 40 * SAGE, "40 SAGE");
}

#[test]
#[feature("safe_dispatcher")]
fn refunds() {
    let w = with_worker();
    let id = w.submit(1);
    // Not even a pause holds a refund back.
    call_as(owner());
    IPausableDispatcher { contract_address: w.privacy }.pause();
    call_as(client());
    w.jobs().cancel(id);
    assert!(w.payment(id) == PaymentState::Refunded, "refunded");
    assert!(w.pending(client(), FEE) && w.pending(worker(), 0), "once, to the client");
    reverts('BAD_STATE', w.release(id));
    call_as(w.jobs);
    reverts('BAD_STATE', w.try_payments().refund(id));
    reverts('BAD_STATE', w.try_payments().settle(id, 7));
    reverts('BAD_STATE', w.try_payments().escrow(id, client(), worker(), w.fee(id)));
    reverts('BAD_STATE', w.try_payments().refund(JobId { value: 1 }));
    reverts('BAD_STATE', w.try_payments().settle(JobId { value: 1 }, 7));
    call_as(client());
    let context = w.context('rollover', client());
    let proof = prover::prove_ownership(context, secret(client()), array![].span());
    w.privacy().rollover(proof);
    let balance = w.privacy().account(client()).balance;
    assert!(prover::holds(secret(client()), balance, DEPOSIT), "all of it");
}
