//! A deployment of all contracts, and what tests need to act on it.

use core::ec::{EcPointTrait, EcStateTrait, stark_curve};
use core::math::{u256_inv_mod, u256_mul_mod_n};
use starknet::syscalls::deploy_syscall;
use starknet::testing::{set_block_timestamp, set_chain_id, set_contract_address};
use starknet::{ClassHash, ContractAddress, get_block_timestamp};
use super::prover;
use super::super::elgamal;
use super::super::elgamal::Context;
use super::super::faucet::Faucet;
use super::super::interfaces::{
    Account, Certificate, Equivocation, FalseVerdict, IJobManagerDispatcher,
    IJobManagerDispatcherTrait, IJobManagerSafeDispatcher, IPaymentRouterDispatcher,
    IPaymentRouterDispatcherTrait, IPaymentRouterSafeDispatcher, IPrivacyRouterDispatcher,
    IPrivacyRouterDispatcherTrait, IPrivacyRouterSafeDispatcher, IProofVerifierDispatcher,
    IProofVerifierDispatcherTrait, IProofVerifierSafeDispatcher, IReputationManagerDispatcher,
    IReputationManagerDispatcherTrait, ISageTokenDispatcher, ISageTokenDispatcherTrait,
    IStakingManagerDispatcher, IStakingManagerDispatcherTrait, IStakingManagerSafeDispatcher,
    IValidatorRegistryDispatcher, IValidatorRegistryDispatcherTrait,
    IValidatorRegistrySafeDispatcher, PaymentState,
};
use super::super::jobs::JobManager;
use super::super::payments::PaymentRouter;
use super::super::privacy::PrivacyRouter;
use super::super::reputation::ReputationManager;
use super::super::staking::StakingManager;
use super::super::token::SageToken;
use super::super::types::{Fact, JobId, Point, Signature, Verdict};
use super::super::validators::ValidatorRegistry;
use super::super::verifier::ProofVerifier;

pub const SAGE: u256 = 1_000_000_000_000_000_000;
pub const WEEK: u64 = 7 * 24 * 3600;
/// The time when a world begins.
pub const T0: u64 = 1_700_000_000;
/// Base units of the token in a unit of encrypted amounts: 0.001 SAGE.
pub const RATE: u128 = 1_000_000_000_000_000;
/// What the client deposits, and the fee of every job, in units.
pub const DEPOSIT: u64 = 1_000_000;
pub const FEE: u64 = 40_000;
/// The worker's private signing key.
pub const WORKER_KEY: felt252 = 77;

const JOB_ROOT: u256 = 0x1234567890123456789012345678901234567890;

#[derive(Copy, Drop)]
pub struct World {
    pub token: ContractAddress,
    pub faucet: ContractAddress,
    pub staking: ContractAddress,
    pub reputation: ContractAddress,
    pub registry: ContractAddress,
    pub verifier: ContractAddress,
    pub jobs: ContractAddress,
    pub privacy: ContractAddress,
    pub payments: ContractAddress,
}

pub fn address(n: felt252) -> ContractAddress {
    n.try_into().unwrap()
}

pub fn owner() -> ContractAddress {
    address('owner')
}

pub fn client() -> ContractAddress {
    address('client')
}

pub fn worker() -> ContractAddress {
    address('worker')
}

pub fn operator() -> ContractAddress {
    address('operator')
}

pub fn outsider() -> ContractAddress {
    address('outsider')
}

pub fn validator(i: u32) -> ContractAddress {
    address('validator' + i.into())
}

/// The secret key of an address's confidential account.
pub fn secret(account: ContractAddress) -> felt252 {
    account.into()
}

/// The private vote key of a validator.
pub fn vote_key(i: u32) -> felt252 {
    1000 + i.into()
}

/// Makes all calls that follow come from an account.
pub fn call_as(account: ContractAddress) {
    set_contract_address(account);
}

/// Wants a call to have reverted with an error.
pub fn reverts<T, +Drop<T>>(code: felt252, result: Result<T, Array<felt252>>) {
    match result {
        Ok(_) => panic!("no revert, want {}", code),
        Err(data) => assert!(*data[0] == code, "reverts with {}, want {}", *data[0], code),
    }
}

/// key times the generator.
pub fn point(key: felt252) -> Point {
    let generator = EcPointTrait::new_nz(stark_curve::GEN_X, stark_curve::GEN_Y).unwrap();
    let mut state = EcStateTrait::init();
    state.add_mul(key, generator);
    let (x, y) = state.finalize_nz().unwrap().coordinates();
    Point { x, y }
}

pub fn public_key(key: felt252) -> felt252 {
    point(key).x
}

/// ECDSA with a nonce that is good enough for tests.
pub fn sign(hash: felt252, key: felt252) -> Signature {
    let order: u256 = stark_curve::ORDER.into();
    let modulus: NonZero<u256> = order.try_into().unwrap();
    let nonce: felt252 = 0x123456789abcdef + key;
    let r = point(nonce).x;
    let inverse: u256 = u256_inv_mod(nonce.into(), modulus).unwrap().into();
    let z: u256 = hash.into();
    let sum = z % order + u256_mul_mod_n(r.into(), key.into(), modulus);
    let s = u256_mul_mod_n(inverse, sum, modulus);
    Signature { r, s: s.try_into().unwrap() }
}

fn deploy(class: ClassHash, arguments: Array<felt252>) -> ContractAddress {
    let (address, _) = deploy_syscall(class, 0, arguments.span(), false).unwrap();
    address
}

/// All contracts, configured; the owner has all tokens.
pub fn world() -> World {
    set_chain_id('SN_TEST');
    set_block_timestamp(T0);
    call_as(owner());
    let o: felt252 = owner().into();
    let supply = 1_000_000 * SAGE;
    let cap = 2_000 * SAGE;
    let token = deploy(SageToken::TEST_CLASS_HASH, array![o, supply.low.into(), 0]);
    let faucet = deploy(Faucet::TEST_CLASS_HASH, array![o, token.into(), cap.low.into(), 0]);
    let staking = deploy(StakingManager::TEST_CLASS_HASH, array![o, token.into()]);
    let reputation = deploy(ReputationManager::TEST_CLASS_HASH, array![o]);
    let registry = deploy(ValidatorRegistry::TEST_CLASS_HASH, array![o, staking.into(), 3600]);
    let verifier = deploy(ProofVerifier::TEST_CLASS_HASH, array![o, registry.into()]);
    let arguments = array![o, staking.into(), reputation.into(), verifier.into()];
    let jobs = deploy(JobManager::TEST_CLASS_HASH, arguments);
    let privacy = deploy(PrivacyRouter::TEST_CLASS_HASH, array![o, token.into(), RATE.into(), 0]);
    let payments = deploy(PaymentRouter::TEST_CLASS_HASH, array![jobs.into(), privacy.into()]);
    let w = World {
        token, faucet, staking, reputation, registry, verifier, jobs, privacy, payments,
    };
    w.staking().configure(jobs, registry);
    w.reputation().configure(jobs);
    w.registry().configure(verifier);
    w.jobs().configure(payments);
    w.privacy().configure(payments);
    w
}

/// A world with a worker that staked 11,000 SAGE for an H100, and a client with DEPOSIT to spend.
pub fn with_worker() -> World {
    let w = world();
    w.fund(worker(), 20_000);
    w.staking().stake(11_000 * SAGE, 'H100', WEEK);
    w.staking().set_operator(operator());
    let peer_id = "12D3KooWBmwXN3rsVfnLsZKbXeBrSLfczHxZHwVjPrbKwpLfYm3t";
    w.staking().register_worker(peer_id, public_key(WORKER_KEY), point(5), 0);
    w.open_account(worker(), 0);
    w.open_account(client(), DEPOSIT);
    w
}

/// The same with validators that staked 12,000 SAGE and bonded 10,000 each, in epoch 1.
pub fn with_validators(n: u32) -> World {
    let w = with_worker();
    for i in 0..n {
        w.fund(validator(i), 12_000);
        w.staking().stake(12_000 * SAGE, 'Validator', WEEK);
        w.register(i, 10_000);
    }
    call_as(outsider());
    w.registry().advance_epoch();
    w
}

/// What the worker shows for a job, with a proof.
pub fn fact(job_id: JobId, proof_hash: u256) -> Fact {
    Fact {
        job_id,
        program_id: 11,
        profile: 'matmul-p96',
        job_root: JOB_ROOT,
        result_root: 99,
        worker: worker(),
        proof_hash,
    }
}

#[generate_trait]
pub impl WorldImpl of WorldTrait {
    fn token(self: @World) -> ISageTokenDispatcher {
        ISageTokenDispatcher { contract_address: *self.token }
    }

    fn staking(self: @World) -> IStakingManagerDispatcher {
        IStakingManagerDispatcher { contract_address: *self.staking }
    }

    fn try_staking(self: @World) -> IStakingManagerSafeDispatcher {
        IStakingManagerSafeDispatcher { contract_address: *self.staking }
    }

    fn reputation(self: @World) -> IReputationManagerDispatcher {
        IReputationManagerDispatcher { contract_address: *self.reputation }
    }

    fn registry(self: @World) -> IValidatorRegistryDispatcher {
        IValidatorRegistryDispatcher { contract_address: *self.registry }
    }

    fn try_registry(self: @World) -> IValidatorRegistrySafeDispatcher {
        IValidatorRegistrySafeDispatcher { contract_address: *self.registry }
    }

    fn verifier(self: @World) -> IProofVerifierDispatcher {
        IProofVerifierDispatcher { contract_address: *self.verifier }
    }

    fn try_verifier(self: @World) -> IProofVerifierSafeDispatcher {
        IProofVerifierSafeDispatcher { contract_address: *self.verifier }
    }

    fn jobs(self: @World) -> IJobManagerDispatcher {
        IJobManagerDispatcher { contract_address: *self.jobs }
    }

    fn try_jobs(self: @World) -> IJobManagerSafeDispatcher {
        IJobManagerSafeDispatcher { contract_address: *self.jobs }
    }

    /// An account's balance in whole SAGE.
    fn balance(self: @World, account: ContractAddress) -> u256 {
        self.token().balance_of(account) / SAGE
    }

    fn privacy(self: @World) -> IPrivacyRouterDispatcher {
        IPrivacyRouterDispatcher { contract_address: *self.privacy }
    }

    fn try_privacy(self: @World) -> IPrivacyRouterSafeDispatcher {
        IPrivacyRouterSafeDispatcher { contract_address: *self.privacy }
    }

    fn payments(self: @World) -> IPaymentRouterDispatcher {
        IPaymentRouterDispatcher { contract_address: *self.payments }
    }

    fn try_payments(self: @World) -> IPaymentRouterSafeDispatcher {
        IPaymentRouterSafeDispatcher { contract_address: *self.payments }
    }

    /// What became of the payment of a job.
    fn payment(self: @World, job_id: JobId) -> PaymentState {
        self.payments().payment(job_id).state
    }

    /// What a proof of an account's next operation is bound to.
    fn context(self: @World, operation: felt252, account: ContractAddress) -> Context {
        let Account { balance, nonce, .. } = self.privacy().account(account);
        Context {
            operation,
            chain_id: 'SN_TEST',
            contract: *self.privacy,
            sender: account,
            nonce,
            job_id: 0,
            proof_hash: 0,
            balance,
        }
    }

    /// Opens a confidential account with a deposit, and calls as its owner.
    fn open_account(self: @World, account: ContractAddress, deposit: u64) {
        let secret = secret(account);
        let key = point(secret);
        let context = Context {
            balance: elgamal::zero(key), ..self.context('register_key', account),
        };
        call_as(account);
        let proof = prover::prove_ownership(context, secret, array![].span());
        self.privacy().register_key(key, proof);
        if deposit != 0 {
            self.deposit(account, deposit);
        }
    }

    /// Gives an account tokens for a deposit, and calls as that account.
    fn deposit(self: @World, account: ContractAddress, amount: u64) {
        let value = amount.into() * RATE.into();
        call_as(owner());
        self.token().transfer(account, value);
        call_as(account);
        self.token().approve(*self.privacy, value);
        self.privacy().deposit(amount, self.deposit_proof(account, amount));
    }

    fn deposit_proof(self: @World, account: ContractAddress, amount: u64) -> Span<felt252> {
        let context = self.context('deposit', account);
        prover::prove_ownership(context, secret(account), array![amount.into()].span())
    }

    /// The client's payment for a job, as long as it has done nothing but submit such jobs.
    fn fee(self: @World, job_id: JobId) -> Span<felt252> {
        let context = self.context('submit_job', client());
        let context = Context { job_id: job_id.value.into(), ..context };
        let balance = DEPOSIT - (context.nonce - 2) * FEE;
        let to = point(secret(worker()));
        prover::prove_transfer(context, secret(client()), to, None, balance, FEE)
    }

    /// The sum of the stakes is what the contract holds.
    fn check_sums(self: @World) {
        let held = self.token().balance_of(*self.staking);
        assert!(self.staking().total_staked() == held, "total staked");
    }

    /// Gives an account SAGE, all of it allowed to StakingManager, and calls as that account.
    fn fund(self: @World, account: ContractAddress, amount: u256) {
        call_as(owner());
        self.token().transfer(account, amount * SAGE);
        call_as(account);
        self.token().approve(*self.staking, amount * SAGE);
    }

    /// Shows that an account holds the vote key of validator i.
    fn possession(self: @World, account: ContractAddress, i: u32) -> Signature {
        sign(self.registry().possession_hash(account), vote_key(i))
    }

    /// Registers validator i, which calls.
    fn register(self: @World, i: u32, stake: u256) {
        let possession = self.possession(validator(i), i);
        self.registry().register(stake * SAGE, public_key(vote_key(i)), possession);
    }

    /// Submits a job as the client.
    fn submit(self: @World, task: u256) -> JobId {
        let now = get_block_timestamp();
        let payment = self.fee(self.jobs().job_id(client(), task));
        call_as(client());
        self
            .jobs()
            .submit_job(task, 11, JOB_ROOT, 'matmul-p96', worker(), now + 600, now + 1200, payment)
    }

    /// Submits a job, and as the operator accepts it and submits a proof.
    fn prove(self: @World, task: u256) -> (JobId, Fact) {
        let job_id = self.submit(task);
        let fact = fact(job_id, 7);
        let signature = sign(self.verifier().fact_id(fact).value, WORKER_KEY);
        call_as(operator());
        self.jobs().accept_job(job_id);
        self.jobs().submit_proof(job_id, fact.result_root, fact.proof_hash, signature);
        assert!(self.jobs().job(job_id).fact == self.verifier().fact_id(fact), "fact");
        (job_id, fact)
    }

    /// Validator i's vote in epoch 1.
    fn vote(self: @World, fact: Fact, i: u32, verdict: Verdict) -> Signature {
        let root = self.registry().set_root(1);
        let id = self.verifier().fact_id(fact);
        sign(self.verifier().vote_hash(1, root, id, verdict), vote_key(i))
    }

    /// The votes of the validators in the bitmap.
    fn certificate(self: @World, fact: Fact, verdict: Verdict, bitmap: u64) -> Certificate {
        let mut signatures = array![];
        let mut bits = bitmap;
        let mut i = 0;
        while bits != 0 {
            if bits % 2 == 1 {
                signatures.append(self.vote(fact, i, verdict));
            }
            bits /= 2;
            i += 1;
        }
        Certificate { epoch: 1, verdict, bitmap, signatures: signatures.span() }
    }

    fn equivocation(self: @World, fact: Fact, i: u32) -> Equivocation {
        Equivocation {
            epoch: 1,
            index: i,
            fact: self.verifier().fact_id(fact),
            valid: self.vote(fact, i, Verdict::Valid),
            invalid: self.vote(fact, i, Verdict::Invalid),
        }
    }

    fn false_verdict(self: @World, fact: Fact, i: u32, verdict: Verdict) -> FalseVerdict {
        let signature = self.vote(fact, i, verdict);
        FalseVerdict { epoch: 1, index: i, fact: self.verifier().fact_id(fact), verdict, signature }
    }
}
