//! The life of a job: submitted by a client for one worker, accepted with a bond, proven, and then
//! finalized or rejected by what the validators say of the proof, or expired. The fee lies with the
//! payment router all the while, which hears of the end from here.

#[starknet::contract]
pub mod JobManager {
    use core::cmp::max;
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
    use super::super::interfaces::{
        IJobManager, IPaymentRouterDispatcher, IPaymentRouterDispatcherTrait,
        IProofVerifierDispatcher, IProofVerifierDispatcherTrait, IReputationManagerDispatcher,
        IReputationManagerDispatcherTrait, IStakingManagerDispatcher,
        IStakingManagerDispatcherTrait, Job, JobState, Outcome, StakeStatus,
    };
    use super::super::ownable::OwnableComponent;
    use super::super::pausable::PausableComponent;
    use super::super::types::{Fact, FactId, JobId, Kind, Signature, Tier, Verdict};
    use super::super::{curve, errors, hashes, math, tiers};

    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);

    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;

    const MAX_DURATION: u64 = 90 * 24 * 3600;
    /// A job's bond: a tenth of the least stake of the worker's tier.
    const BOND_BPS: u256 = 1_000;
    /// What an invalid proof costs: a tenth of the stake.
    const INVALID_PROOF_BPS: u256 = 1_000;
    /// Proven bits that a job's profile must have.
    const MIN_BITS: u16 = 60;

    #[storage]
    struct Storage {
        staking: IStakingManagerDispatcher,
        reputation: IReputationManagerDispatcher,
        verifier: IProofVerifierDispatcher,
        router: IPaymentRouterDispatcher,
        jobs: Map<JobId, Job>,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Configured: Configured,
        JobSubmitted: JobSubmitted,
        JobAccepted: JobAccepted,
        ProofSubmitted: ProofSubmitted,
        JobFinalized: JobFinalized,
        JobRejected: JobRejected,
        JobExpired: JobExpired,
        JobCancelled: JobCancelled,
        WorkerEquivocated: WorkerEquivocated,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
        #[flat]
        PausableEvent: PausableComponent::Event,
    }

    #[derive(Drop, starknet::Event)]
    struct Configured {
        payment_router: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct JobSubmitted {
        #[key]
        job_id: JobId,
        #[key]
        client: ContractAddress,
        #[key]
        worker: ContractAddress,
        task_id: u256,
        program_id: u256,
        job_root: u256,
        profile: felt252,
        lock_deadline: u64,
        deadline: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct JobAccepted {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        bond: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct ProofSubmitted {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        result_root: u256,
        proof_hash: u256,
        fact: FactId,
        worker_signature: Signature,
    }

    #[derive(Drop, starknet::Event)]
    struct JobFinalized {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        fact: FactId,
    }

    #[derive(Drop, starknet::Event)]
    struct JobRejected {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        fact: FactId,
        slashed: u256,
    }

    /// `previous` tells who was late: Submitted and Accepted the worker, Proven the validators.
    #[derive(Drop, starknet::Event)]
    struct JobExpired {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        previous: JobState,
    }

    #[derive(Drop, starknet::Event)]
    struct JobCancelled {
        #[key]
        job_id: JobId,
    }

    #[derive(Drop, starknet::Event)]
    struct WorkerEquivocated {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        fact: FactId,
        bond: u256,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState,
        owner: ContractAddress,
        staking: ContractAddress,
        reputation: ContractAddress,
        verifier: ContractAddress,
    ) {
        assert(
            staking.is_non_zero() && reputation.is_non_zero() && verifier.is_non_zero(),
            errors::ZERO_ADDRESS,
        );
        self.ownable.initializer(owner);
        self.staking.write(IStakingManagerDispatcher { contract_address: staking });
        self.reputation.write(IReputationManagerDispatcher { contract_address: reputation });
        self.verifier.write(IProofVerifierDispatcher { contract_address: verifier });
    }

    #[abi(embed_v0)]
    impl JobManagerImpl of IJobManager<ContractState> {
        fn configure(ref self: ContractState, payment_router: ContractAddress) {
            self.ownable.assert_owner();
            assert(self.payment_router().is_zero(), errors::ALREADY_CONFIGURED);
            assert(payment_router.is_non_zero(), errors::ZERO_ADDRESS);
            self.router.write(IPaymentRouterDispatcher { contract_address: payment_router });
            self.emit(Configured { payment_router });
        }

        fn submit_job(
            ref self: ContractState,
            task_id: u256,
            program_id: u256,
            job_root: u256,
            profile: felt252,
            worker: ContractAddress,
            lock_deadline: u64,
            deadline: u64,
            payment: Span<felt252>,
        ) -> JobId {
            self.pausable.assert_open();
            assert(self.payment_router().is_non_zero(), errors::NOT_CONFIGURED);
            let client = get_caller_address();
            assert(worker.is_non_zero(), errors::ZERO_ADDRESS);
            assert(worker != client, errors::SELF_JOB);
            assert_deadlines(lock_deadline, deadline);
            let bits = self.verifier.read().profile_bits(profile);
            assert(bits >= MIN_BITS, errors::PROFILE_TOO_WEAK);
            let job_id = hashes::job_id(client, task_id);
            assert(self.state(job_id) == JobState::None, errors::JOB_EXISTS);

            let job = Job {
                state: JobState::Submitted,
                client,
                worker,
                task_id,
                program_id,
                job_root,
                profile,
                lock_deadline,
                deadline,
                signing_key: 0,
                bond: 0,
                result_root: 0,
                proof_hash: 0,
                fact: FactId { value: 0 },
            };
            self.jobs.write(job_id, job);
            self
                .emit(
                    JobSubmitted {
                        job_id,
                        client,
                        worker,
                        task_id,
                        program_id,
                        job_root,
                        profile,
                        lock_deadline,
                        deadline,
                    },
                );
            self.router.read().escrow(job_id, client, worker, payment);
            job_id
        }

        fn accept_job(ref self: ContractState, job_id: JobId) {
            let mut job = self.job_in(job_id, JobState::Submitted);
            self.assert_operates(job.worker);
            assert(get_block_timestamp() <= job.lock_deadline, errors::TOO_LATE);
            let staking = self.staking.read();
            let worker = staking.worker(job.worker);
            assert(worker.active, errors::NOT_A_WORKER);

            job.state = JobState::Accepted;
            job.signing_key = worker.signing_key;
            job.bond = math::share(tiers::minimum(self.worker_tier(job.worker)), BOND_BPS);
            self.jobs.write(job_id, job);
            self.emit(JobAccepted { job_id, worker: job.worker, bond: job.bond });
            staking.lock_bond(job.worker, job.bond);
        }

        fn submit_proof(
            ref self: ContractState,
            job_id: JobId,
            result_root: u256,
            proof_hash: u256,
            worker_signature: Signature,
        ) {
            let mut job = self.job_in(job_id, JobState::Accepted);
            self.assert_operates(job.worker);
            assert(get_block_timestamp() <= job.deadline, errors::TOO_LATE);
            let fact = fact_of(job_id, @job, result_root, proof_hash);
            let signed = curve::signed(fact.value, job.signing_key, worker_signature);
            assert(signed, errors::BAD_SIGNATURE);

            job.state = JobState::Proven;
            job.result_root = result_root;
            job.proof_hash = proof_hash;
            job.fact = fact;
            self.jobs.write(job_id, job);
            let worker = job.worker;
            self
                .emit(
                    ProofSubmitted {
                        job_id, worker, result_root, proof_hash, fact, worker_signature,
                    },
                );
        }

        fn finalize(ref self: ContractState, job_id: JobId) {
            let job = self.job_in(job_id, JobState::Proven);
            match self.verdict(job.fact) {
                Verdict::Undecided => core::panic_with_felt252(errors::NO_VERDICT),
                Verdict::Valid => self.pay(job_id, job),
                Verdict::Invalid => self.reject(job_id, job),
            }
        }

        fn cancel(ref self: ContractState, job_id: JobId) {
            let job = self.job_in(job_id, JobState::Submitted);
            assert(get_caller_address() == job.client, errors::UNAUTHORIZED);
            self.jobs.entry(job_id).state.write(JobState::Cancelled);
            self.emit(JobCancelled { job_id });
            self.router.read().refund(job_id);
        }

        fn expire(ref self: ContractState, job_id: JobId) {
            let job = self.jobs.read(job_id);
            let now = get_block_timestamp();
            match job.state {
                JobState::Submitted => assert(now > job.lock_deadline, errors::TOO_EARLY),
                JobState::Accepted => assert(now > job.deadline, errors::TOO_EARLY),
                JobState::Proven => {
                    assert(now > job.deadline, errors::TOO_EARLY);
                    let verdict = self.verdict(job.fact);
                    assert(verdict == Verdict::Undecided, errors::HAS_VERDICT);
                },
                _ => core::panic_with_felt252(errors::BAD_STATE),
            }
            self.jobs.entry(job_id).state.write(JobState::Expired);
            self.emit(JobExpired { job_id, worker: job.worker, previous: job.state });
            self.settle_expired_bond(job);
            self.router.read().refund(job_id);
        }

        fn report_equivocation(
            ref self: ContractState,
            job_id: JobId,
            result_root: u256,
            proof_hash: u256,
            worker_signature: Signature,
        ) {
            let job = self.job_in(job_id, JobState::Proven);
            assert(job.bond != 0, errors::ALREADY_SLASHED);
            let fact = fact_of(job_id, @job, result_root, proof_hash);
            assert(fact != job.fact, errors::NO_OFFENCE);
            let signed = curve::signed(fact.value, job.signing_key, worker_signature);
            assert(signed, errors::BAD_SIGNATURE);

            self.jobs.entry(job_id).bond.write(0);
            self.emit(WorkerEquivocated { job_id, worker: job.worker, fact, bond: job.bond });
            self.staking.read().seize_bond(job.worker, job.bond, job.client);
            self.reputation.read().record(job.worker, Outcome::Slashed);
        }

        fn job(self: @ContractState, job_id: JobId) -> Job {
            self.jobs.read(job_id)
        }

        fn job_id(self: @ContractState, client: ContractAddress, task_id: u256) -> JobId {
            hashes::job_id(client, task_id)
        }

        fn payment_router(self: @ContractState) -> ContractAddress {
            self.router.read().contract_address
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn state(self: @ContractState, job_id: JobId) -> JobState {
            self.jobs.entry(job_id).state.read()
        }

        fn job_in(self: @ContractState, job_id: JobId, state: JobState) -> Job {
            let job = self.jobs.read(job_id);
            assert(job.state == state, errors::BAD_STATE);
            job
        }

        fn assert_operates(self: @ContractState, worker: ContractAddress) {
            let allowed = self.staking.read().may_operate(worker, get_caller_address());
            assert(allowed, errors::UNAUTHORIZED);
        }

        /// The tier of a worker whose stake is valid and is not one of a validator.
        fn worker_tier(self: @ContractState, worker: ContractAddress) -> Tier {
            match self.staking.read().verify_stake(worker) {
                StakeStatus::Valid(stake) => {
                    assert(stake.tier != Tier::Validator, errors::STAKE_NOT_VALID);
                    stake.tier
                },
                _ => core::panic_with_felt252(errors::STAKE_NOT_VALID),
            }
        }

        /// What decides about money. A fact with certificates of both verdicts decides nothing.
        fn verdict(self: @ContractState, fact: FactId) -> Verdict {
            let verifier = self.verifier.read();
            let record = verifier.fact(fact);
            if record.contested {
                return Verdict::Undecided;
            }
            if record.verdict == Verdict::Valid
                && !verifier.is_valid(fact, MIN_BITS, Kind::Certificate) {
                return Verdict::Undecided;
            }
            record.verdict
        }

        fn pay(ref self: ContractState, job_id: JobId, job: Job) {
            self.jobs.entry(job_id).state.write(JobState::Finalized);
            self.emit(JobFinalized { job_id, worker: job.worker, fact: job.fact });
            self.unlock_bond(@job);
            self.reputation.read().record(job.worker, Outcome::Finalized);
            self.router.read().settle(job_id, job.proof_hash);
        }

        fn reject(ref self: ContractState, job_id: JobId, job: Job) {
            self.jobs.entry(job_id).state.write(JobState::Rejected);
            self.unlock_bond(@job);
            let staking = self.staking.read();
            let stake = staking.stake_of(job.worker);
            let tenth = math::share(stake.amount + stake.unbonding, INVALID_PROOF_BPS);
            // The bond was there until now, so a worker that emptied its stake loses that at least.
            let penalty = max(tenth, job.bond);
            let slashed = staking.slash(job.worker, penalty, 'INVALID_PROOF', Zero::zero());
            self.emit(JobRejected { job_id, worker: job.worker, fact: job.fact, slashed });
            self.reputation.read().record(job.worker, Outcome::Slashed);
            self.router.read().refund(job_id);
        }

        /// The bond of a job without a proof goes to the client. If only the validators were late,
        /// it goes back to the worker.
        fn settle_expired_bond(ref self: ContractState, job: Job) {
            if job.state == JobState::Proven {
                self.unlock_bond(@job);
            } else if job.state == JobState::Accepted {
                self.staking.read().seize_bond(job.worker, job.bond, job.client);
                self.reputation.read().record(job.worker, Outcome::Failed);
            }
        }

        fn unlock_bond(ref self: ContractState, job: @Job) {
            if *job.bond != 0 {
                self.staking.read().unlock_bond(*job.worker, *job.bond);
            }
        }
    }

    fn fact_of(job_id: JobId, job: @Job, result_root: u256, proof_hash: u256) -> FactId {
        let fact = Fact {
            job_id,
            program_id: *job.program_id,
            profile: *job.profile,
            job_root: *job.job_root,
            result_root,
            worker: *job.worker,
            proof_hash,
        };
        hashes::fact_id(@fact)
    }

    fn assert_deadlines(lock_deadline: u64, deadline: u64) {
        let now = get_block_timestamp();
        let ordered = now < lock_deadline && lock_deadline < deadline;
        assert(ordered && deadline <= now + MAX_DURATION, errors::BAD_DEADLINE);
    }
}
