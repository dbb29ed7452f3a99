//! What the contracts offer. Every function says who may call it.

use starknet::ContractAddress;
use super::types::{Ciphertext, Fact, FactId, JobId, Kind, Member, Point, Signature, Tier, Verdict};

#[starknet::interface]
pub trait ISageToken<T> {
    fn name(self: @T) -> ByteArray;
    fn symbol(self: @T) -> ByteArray;
    fn decimals(self: @T) -> u8;
    fn total_supply(self: @T) -> u256;
    fn balance_of(self: @T, account: ContractAddress) -> u256;
    fn allowance(self: @T, owner: ContractAddress, spender: ContractAddress) -> u256;
    /// Anyone, from their own balance.
    fn transfer(ref self: T, recipient: ContractAddress, amount: u256) -> bool;
    /// Anyone to whom the sender has allowed the amount. The largest u256 is never used up.
    fn transfer_from(
        ref self: T, sender: ContractAddress, recipient: ContractAddress, amount: u256,
    ) -> bool;
    /// Anyone, for their own balance.
    fn approve(ref self: T, spender: ContractAddress, amount: u256) -> bool;
    /// Anyone, from their own balance: destroys the amount.
    fn burn(ref self: T, amount: u256);
}

/// What an account can have of the faucet.
#[derive(Copy, Drop, Serde)]
pub struct ClaimInfo {
    /// What a claim gives.
    pub amount: u256,
    /// When the account can claim next; 0 if it never did.
    pub next_claim: u64,
    /// What the faucet may and can still give out to all.
    pub remaining: u256,
}

#[starknet::interface]
pub trait IFaucet<T> {
    /// Anyone, once a day and account.
    fn claim(ref self: T);
    /// Anyone: gives an amount, which must be allowed to the faucet, to all.
    fn refill(ref self: T, amount: u256);
    fn claim_info(self: @T, account: ContractAddress) -> ClaimInfo;
}

/// A stake. `amount` and `unbonding` together are what can be slashed.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Stake {
    /// Staked and not unbonding.
    pub amount: u256,
    /// The part of `amount` that secures jobs or a place among the validators. A slash can leave
    /// `amount` below it; then nothing of the stake is free.
    pub bonded: u256,
    pub unbonding: u256,
    pub unbonding_until: u64,
    pub locked_until: u64,
    pub tier: Tier,
}

/// Whether a stake qualifies for its tier.
#[derive(Copy, Drop, Serde)]
pub enum StakeStatus {
    Insufficient: Insufficient,
    Unlocked,
    Valid: ValidStake,
}

#[derive(Copy, Drop, Serde)]
pub struct Insufficient {
    pub current: u256,
    pub required: u256,
}

#[derive(Copy, Drop, Serde)]
pub struct ValidStake {
    pub amount: u256,
    pub tier: Tier,
    pub until: u64,
}

/// A registered worker, named by the account that staked.
#[derive(Drop, Serde, starknet::Store)]
pub struct Worker {
    pub active: bool,
    pub signing_key: felt252,
    pub elgamal_key: Point,
    pub tee_quote_hash: u256,
    pub last_heartbeat: u64,
    pub peer_id: ByteArray,
}

#[starknet::interface]
pub trait IStakingManager<T> {
    /// Owner, once: the contracts that hold bonds and slash.
    fn configure(ref self: T, job_manager: ContractAddress, validator_registry: ContractAddress);
    /// Owner, a day after scheduling model_action: adds a GPU model to the table.
    fn add_model(ref self: T, model: felt252, tier: Tier);
    /// Anyone: begins a stake with an amount allowed to this contract, named by tier or GPU model.
    fn stake(ref self: T, amount: u256, gpu_tier: felt252, lock_duration: u64);
    /// The staker: adds an amount, or prolongs the lock to a duration from now, or both.
    fn increase_stake(ref self: T, amount: u256, lock_duration: u64);
    /// The staker, after the lock: begins to unbond an amount that secures nothing.
    fn request_unstake(ref self: T, amount: u256);
    /// The staker, 7 days later: takes the amount out.
    fn complete_unstake(ref self: T);
    /// The staker: the key that may run its worker, or zero for none. It never moves money.
    fn set_operator(ref self: T, operator: ContractAddress);
    /// The staker: offers itself as a worker, or changes what it offered.
    fn register_worker(
        ref self: T,
        peer_id: ByteArray,
        signing_key: felt252,
        elgamal_key: Point,
        tee_quote_hash: u256,
    );
    /// The worker or its operator: says that the worker is alive.
    fn heartbeat(ref self: T, worker: ContractAddress);
    /// The worker or its operator: replaces the libp2p identity and nothing else. Where the peer
    /// is wrong, clients find no worker; quotes and submissions are signed by the signing key.
    fn set_peer(ref self: T, worker: ContractAddress, peer_id: ByteArray);
    /// The worker: takes no more jobs.
    fn deregister(ref self: T);
    /// JobManager and ValidatorRegistry: binds a free part of a stake.
    fn lock_bond(ref self: T, staker: ContractAddress, amount: u256);
    /// The holder of the bond: sets it free.
    fn unlock_bond(ref self: T, staker: ContractAddress, amount: u256);
    /// The holder of the bond: pays it out, or what is left of the stake if that is less.
    fn seize_bond(
        ref self: T, staker: ContractAddress, amount: u256, recipient: ContractAddress,
    ) -> u256;
    /// JobManager and ValidatorRegistry: destroys an amount, or what is left of the stake if that
    /// is less, except for the reward of the reporter. Returns what was taken.
    fn slash(
        ref self: T,
        staker: ContractAddress,
        amount: u256,
        offence: felt252,
        reporter: ContractAddress,
    ) -> u256;
    fn stake_of(self: @T, staker: ContractAddress) -> Stake;
    fn minimum_stake(self: @T, gpu_tier: felt252) -> u256;
    fn verify_stake(self: @T, staker: ContractAddress) -> StakeStatus;
    fn worker(self: @T, staker: ContractAddress) -> Worker;
    fn operator_of(self: @T, staker: ContractAddress) -> ContractAddress;
    /// Whether an account may act for a worker: the worker itself or its operator.
    fn may_operate(self: @T, worker: ContractAddress, account: ContractAddress) -> bool;
    /// What a contract holds as bonds of a staker.
    fn bond_of(self: @T, holder: ContractAddress, staker: ContractAddress) -> u256;
    /// The sum of all stakes; this contract's balance is never smaller.
    fn total_staked(self: @T) -> u256;
    /// The action to schedule before add_model.
    fn model_action(self: @T, model: felt252, tier: Tier) -> felt252;
}

/// What a validator is at the moment.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum ValidatorStatus {
    #[default]
    None,
    /// In every set from the next epoch on.
    Active,
    /// In no set after the current epoch; its stake is still bonded.
    Leaving,
    /// As Leaving, and for ever.
    Tombstoned,
}

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Validator {
    pub status: ValidatorStatus,
    pub vote_key: felt252,
    /// What is bonded; the weight in the next set.
    pub stake: u256,
    /// The last epoch in whose set the validator can be; for those who left.
    pub last_epoch: u64,
}

/// Two contradicting votes of one validator on one fact.
#[derive(Copy, Drop, Serde)]
pub struct Equivocation {
    pub epoch: u64,
    pub index: u32,
    pub fact: FactId,
    /// Signature of the vote that says valid.
    pub valid: Signature,
    /// Signature of the vote that says invalid.
    pub invalid: Signature,
}

/// A vote that contradicts the certificate of its fact.
#[derive(Copy, Drop, Serde)]
pub struct FalseVerdict {
    pub epoch: u64,
    pub index: u32,
    pub fact: FactId,
    pub verdict: Verdict,
    pub signature: Signature,
}

#[starknet::interface]
pub trait IValidatorRegistry<T> {
    /// The account named by the constructor, once: the contract that keeps certificates.
    fn configure(ref self: T, verifier: ContractAddress);
    /// Anyone with a stake of tier Validator: bonds a part of it as weight. The signature, by the
    /// vote key over possession_hash, shows that the caller holds the key.
    fn register(ref self: T, stake: u256, vote_key: felt252, possession: Signature);
    /// A validator: leaves the set at the end of the epoch.
    fn exit(ref self: T);
    /// Who left, after its last epoch: frees what is still bonded.
    fn release(ref self: T);
    /// Anyone, after the epoch's length: takes the snapshot of the next epoch.
    fn advance_epoch(ref self: T);
    /// Anyone: punishes a validator that voted both ways.
    fn submit_equivocation(ref self: T, evidence: Equivocation);
    /// Anyone: punishes a validator that voted against a certificate.
    fn submit_false_verdict(ref self: T, evidence: FalseVerdict);
    fn current_epoch(self: @T) -> u64;
    fn epoch_start(self: @T, epoch: u64) -> u64;
    fn validator_set(self: @T, epoch: u64) -> Array<Member>;
    fn set_root(self: @T, epoch: u64) -> felt252;
    fn total_weight(self: @T, epoch: u64) -> u256;
    fn weight(self: @T, epoch: u64, index: u32) -> u128;
    fn validator(self: @T, account: ContractAddress) -> Validator;
    /// What the vote key of an account must sign for register.
    fn possession_hash(self: @T, account: ContractAddress) -> felt252;
}

/// How much a worker is to be trusted. Until it has finished enough jobs, a worker is at best a
/// newcomer, whatever its score.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub enum Level {
    Unknown,
    Newcomer,
    Poor,
    Fair,
    Good,
    Trusted,
}

/// How a job ended for its worker.
#[derive(Copy, Drop, Debug, PartialEq, Serde)]
pub enum Outcome {
    Finalized,
    Failed,
    Slashed,
}

/// A worker's record.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Record {
    pub known: bool,
    pub score: u16,
    pub finalized: u32,
    pub last_active: u64,
}

#[starknet::interface]
pub trait IReputationManager<T> {
    /// The account named by the constructor, once: the contract that records outcomes.
    fn configure(ref self: T, job_manager: ContractAddress);
    /// Anyone without a record: begins one.
    fn initialize(ref self: T);
    /// JobManager: enters the outcome of a job.
    fn record(ref self: T, worker: ContractAddress, outcome: Outcome);
    /// The score now, with the decay for inactivity.
    fn reputation(self: @T, worker: ContractAddress) -> u16;
    fn level(self: @T, worker: ContractAddress) -> Level;
    fn record_of(self: @T, worker: ContractAddress) -> Record;
}

/// The votes of one verdict on a fact that make more than two thirds of the weight of an epoch.
#[derive(Copy, Drop, Serde)]
pub struct Certificate {
    pub epoch: u64,
    pub verdict: Verdict,
    /// Bit i stands for index i of the epoch's set.
    pub bitmap: u64,
    /// The signatures of the validators in the bitmap, by increasing index.
    pub signatures: Span<Signature>,
}

/// What is known of a fact.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct FactRecord {
    pub verdict: Verdict,
    pub kind: Kind,
    /// Proven bits of security of the fact's profile.
    pub bits: u16,
    /// Whether certificates of both verdicts exist. Such a fact decides nothing about money.
    pub contested: bool,
    pub recorded_at: u64,
}

#[starknet::interface]
pub trait IProofVerifier<T> {
    /// Anyone: registers the fact if the certificate holds for the current or the previous epoch.
    fn record_certificate(ref self: T, fact: Fact, certificate: Certificate) -> FactId;
    /// Owner, a day after scheduling profile_action: adds a security profile.
    fn add_profile(ref self: T, profile: felt252, bits: u16);
    /// Whether the fact is true with at least these bits, known in this way or a better one.
    fn is_valid(self: @T, fact: FactId, min_bits: u16, kind: Kind) -> bool;
    fn fact(self: @T, fact: FactId) -> FactRecord;
    /// The signers, by the set of the epoch, of two contradicting certificates of the fact.
    fn conflict(self: @T, fact: FactId, epoch: u64) -> u64;
    /// Proven bits of a profile, or 0 if it is unknown.
    fn profile_bits(self: @T, profile: felt252) -> u16;
    fn profile_action(self: @T, profile: felt252, bits: u16) -> felt252;
    fn fact_id(self: @T, fact: Fact) -> FactId;
    fn vote_hash(
        self: @T, epoch: u64, set_root: felt252, fact: FactId, verdict: Verdict,
    ) -> felt252;
}

/// A job's state. Those from Finalized on are final.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum JobState {
    #[default]
    None,
    Submitted,
    Accepted,
    Proven,
    Finalized,
    Rejected,
    Expired,
    Cancelled,
}

#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Job {
    pub state: JobState,
    pub client: ContractAddress,
    pub worker: ContractAddress,
    pub task_id: u256,
    pub program_id: u256,
    pub job_root: u256,
    pub profile: felt252,
    pub lock_deadline: u64,
    pub deadline: u64,
    /// The worker's key when it accepted: a later change must not void what it signed.
    pub signing_key: felt252,
    /// What is bonded of the worker's stake.
    pub bond: u256,
    pub result_root: u256,
    pub proof_hash: u256,
    pub fact: FactId,
}

#[starknet::interface]
pub trait IJobManager<T> {
    /// Owner, once: the contract that holds the fees.
    fn configure(ref self: T, payment_router: ContractAddress);
    /// Anyone, as the client: binds task, worker and deadlines and hands the payment, of which this
    /// contract reads nothing, to the payment router.
    fn submit_job(
        ref self: T,
        task_id: u256,
        program_id: u256,
        job_root: u256,
        profile: felt252,
        worker: ContractAddress,
        lock_deadline: u64,
        deadline: u64,
        payment: Span<felt252>,
    ) -> JobId;
    /// The worker or its operator, until the lock deadline.
    fn accept_job(ref self: T, job_id: JobId);
    /// The worker or its operator, until the deadline. The signature is by the worker's signing key
    /// over the identifier of the fact.
    fn submit_proof(
        ref self: T,
        job_id: JobId,
        result_root: u256,
        proof_hash: u256,
        worker_signature: Signature,
    );
    /// Anyone, once a certificate or a full verification decides the job's fact.
    fn finalize(ref self: T, job_id: JobId);
    /// The client, before the worker accepts.
    fn cancel(ref self: T, job_id: JobId);
    /// Anyone, when the worker or the validators missed the deadline.
    fn expire(ref self: T, job_id: JobId);
    /// Anyone: takes the bond of a worker that signed a second submission for a job.
    fn report_equivocation(
        ref self: T,
        job_id: JobId,
        result_root: u256,
        proof_hash: u256,
        worker_signature: Signature,
    );
    fn job(self: @T, job_id: JobId) -> Job;
    /// The identifier of a client's task.
    fn job_id(self: @T, client: ContractAddress, task_id: u256) -> JobId;
    fn payment_router(self: @T) -> ContractAddress;
}

/// What became of the fee of a job. Released and Refunded are final.
#[derive(Copy, Drop, Debug, PartialEq, Serde, starknet::Store)]
pub enum PaymentState {
    #[default]
    None,
    Escrowed,
    Payable,
    Released,
    Refunded,
}

/// The fee of a job.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Payment {
    pub state: PaymentState,
    pub client: ContractAddress,
    pub worker: ContractAddress,
    /// The fee under the client's key.
    pub refund: Ciphertext,
    /// The fee under the worker's key.
    pub fee: Ciphertext,
    /// Of the proof that the job was finalized with; 0 before.
    pub proof_hash: u256,
    /// The client's nonce that the transfer into the escrow used up.
    pub nonce: u64,
}

/// Holds the fees of jobs. escrow, settle and refund are for JobManager alone; the last two must
/// not fail for a job that was escrowed, or the job could not end.
#[starknet::interface]
pub trait IPaymentRouter<T> {
    /// JobManager: takes the fee of a job from the client; reverts if the payment is not a transfer
    /// of the client to the worker for this job.
    fn escrow(
        ref self: T,
        job_id: JobId,
        client: ContractAddress,
        worker: ContractAddress,
        payment: Span<felt252>,
    );
    /// JobManager: allows the fee of a job to be released to its worker, for this proof.
    fn settle(ref self: T, job_id: JobId, proof_hash: u256);
    /// JobManager: gives the fee of a job back to its client.
    fn refund(ref self: T, job_id: JobId);
    /// Anyone, once the job is finalized: adds the fee to the worker's pending balance. Worker,
    /// ciphertext (c1 = L, c2 = R) and proof hash must be those of the payment.
    fn submit_payment_with_proof(
        ref self: T,
        worker: ContractAddress,
        job_id: JobId,
        c1x: felt252,
        c1y: felt252,
        c2x: felt252,
        c2y: felt252,
        proof_hash: u256,
    );
    fn payment(self: @T, job_id: JobId) -> Payment;
    fn job_manager(self: @T) -> ContractAddress;
    fn privacy_router(self: @T) -> ContractAddress;
}

/// A confidential account; all zero if the address has none.
#[derive(Copy, Drop, Serde, starknet::Store)]
pub struct Account {
    pub key: Point,
    pub balance: Ciphertext,
    /// What others have paid since the last rollover.
    pub pending: Ciphertext,
    /// What the next operation of the owner is bound to.
    pub nonce: u64,
}

/// The same fee under two keys.
#[derive(Copy, Drop, Serde)]
pub struct Fee {
    /// Under the client's key: what a refund gives back.
    pub refund: Ciphertext,
    /// Under the worker's key.
    pub fee: Ciphertext,
}

/// Amounts are units of `rate` base units of the token, below 2^40. Proofs and messages are those
/// of docs/spec/elgamal.md; the contract of their context is this one, the sender is the owner of
/// the account.
#[starknet::interface]
pub trait IPrivacyRouter<T> {
    /// Owner, once: the contract that holds the fees of jobs.
    fn configure(ref self: T, payment_router: ContractAddress);
    /// Anyone without an account: opens one for ever, by a proof of ownership of the key.
    fn register_key(ref self: T, key: Point, proof: Span<felt252>);
    /// The account: moves an allowed amount of the token to its balance, by a proof of ownership.
    fn deposit(ref self: T, amount: u64, proof: Span<felt252>);
    /// The account: moves an encrypted amount to the pending balance of another.
    fn transfer(ref self: T, to: ContractAddress, transfer: Span<felt252>);
    /// The account: adds what is pending to its balance, by a proof of ownership.
    fn rollover(ref self: T, proof: Span<felt252>);
    /// The account: pays a public amount of its balance out in the token.
    fn withdraw(ref self: T, amount: u64, recipient: ContractAddress, withdrawal: Span<felt252>);
    /// The account: pays its whole balance out. What is pending stays.
    fn ragequit(ref self: T, amount: u64, recipient: ContractAddress, proof: Span<felt252>);
    /// PaymentRouter: takes the fee of a job out of the client's balance, by the client's transfer
    /// to the worker.
    fn debit(
        ref self: T,
        job_id: JobId,
        client: ContractAddress,
        worker: ContractAddress,
        transfer: Span<felt252>,
    ) -> Fee;
    /// PaymentRouter: adds to the pending balance of an account. Never fails for an account.
    fn credit(ref self: T, account: ContractAddress, amount: Ciphertext);
    /// Owner, a day after scheduling auditor_action: names the key under which senders encrypt
    /// what they send and keep, or none. It applies to operations that come after.
    fn set_auditor(ref self: T, key: Option<Point>);
    fn account(self: @T, owner: ContractAddress) -> Account;
    fn nonce(self: @T, owner: ContractAddress) -> u64;
    fn rate(self: @T) -> u256;
    fn token(self: @T) -> ContractAddress;
    fn auditor(self: @T) -> Option<Point>;
    fn payment_router(self: @T) -> ContractAddress;
    fn auditor_action(self: @T, key: Option<Point>) -> felt252;
}
