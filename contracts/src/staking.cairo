//! Holds all stakes: of workers and of validators. JobManager and ValidatorRegistry bind parts of
//! them as bonds and slash them; nobody else can touch a stake but the staker.

#[starknet::contract]
pub mod StakingManager {
    use core::cmp::{max, min};
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address, get_contract_address};
    use super::super::interfaces::{
        ISageTokenDispatcher, ISageTokenDispatcherTrait, IStakingManager, Insufficient, Stake,
        StakeStatus, ValidStake, Worker,
    };
    use super::super::ownable::OwnableComponent;
    use super::super::pausable::PausableComponent;
    use super::super::types::{Point, Tier};
    use super::super::{curve, errors, math, tiers};

    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);

    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;

    const DAY: u64 = 24 * 3600;
    const MIN_LOCK: u64 = 7 * DAY;
    const MAX_LOCK: u64 = 4 * 365 * DAY;
    /// Longer than ValidatorRegistry accepts evidence, so that who leaves can still be punished.
    const UNBONDING: u64 = 7 * DAY;
    const MAX_PEER_ID: u32 = 64;
    /// A reporter gets 5 % of a slash, and no more than 500 SAGE: enough to pay for the report, too
    /// little to make a slash of oneself a way around the lock.
    const REWARD_BPS: u256 = 500;
    const REWARD_CAP: u256 = 500_000_000_000_000_000_000;

    #[storage]
    struct Storage {
        token: ISageTokenDispatcher,
        job_manager: ContractAddress,
        validator_registry: ContractAddress,
        total_staked: u256,
        stakes: Map<ContractAddress, Stake>,
        /// By holder and staker. The sum over the holders is the stake's `bonded`.
        bonds: Map<(ContractAddress, ContractAddress), u256>,
        operators: Map<ContractAddress, ContractAddress>,
        workers: Map<ContractAddress, Worker>,
        models: Map<felt252, Tier>,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Configured: Configured,
        ModelAdded: ModelAdded,
        Staked: Staked,
        UnstakeRequested: UnstakeRequested,
        Unstaked: Unstaked,
        OperatorSet: OperatorSet,
        WorkerRegistered: WorkerRegistered,
        WorkerDeregistered: WorkerDeregistered,
        WorkerPeerChanged: WorkerPeerChanged,
        Heartbeat: Heartbeat,
        BondLocked: BondLocked,
        BondUnlocked: BondUnlocked,
        BondSeized: BondSeized,
        Slashed: Slashed,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
        #[flat]
        PausableEvent: PausableComponent::Event,
    }

    #[derive(Drop, starknet::Event)]
    struct Configured {
        job_manager: ContractAddress,
        validator_registry: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct ModelAdded {
        #[key]
        model: felt252,
        tier: Tier,
    }

    /// A stake began, grew, or was locked for longer.
    #[derive(Drop, starknet::Event)]
    struct Staked {
        #[key]
        staker: ContractAddress,
        added: u256,
        amount: u256,
        tier: Tier,
        locked_until: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct UnstakeRequested {
        #[key]
        staker: ContractAddress,
        amount: u256,
        unbonding_until: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct Unstaked {
        #[key]
        staker: ContractAddress,
        amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct OperatorSet {
        #[key]
        staker: ContractAddress,
        operator: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct WorkerRegistered {
        #[key]
        worker: ContractAddress,
        peer_id: ByteArray,
        signing_key: felt252,
        elgamal_key: Point,
        tee_quote_hash: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct WorkerDeregistered {
        #[key]
        worker: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct WorkerPeerChanged {
        #[key]
        worker: ContractAddress,
        peer_id: ByteArray,
    }

    #[derive(Drop, starknet::Event)]
    struct Heartbeat {
        #[key]
        worker: ContractAddress,
        at: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct BondLocked {
        #[key]
        staker: ContractAddress,
        #[key]
        holder: ContractAddress,
        amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct BondUnlocked {
        #[key]
        staker: ContractAddress,
        #[key]
        holder: ContractAddress,
        amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct BondSeized {
        #[key]
        staker: ContractAddress,
        #[key]
        holder: ContractAddress,
        recipient: ContractAddress,
        amount: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct Slashed {
        #[key]
        staker: ContractAddress,
        offence: felt252,
        amount: u256,
        reporter: ContractAddress,
        reward: u256,
    }

    #[constructor]
    fn constructor(ref self: ContractState, owner: ContractAddress, token: ContractAddress) {
        assert(token.is_non_zero(), errors::ZERO_ADDRESS);
        self.ownable.initializer(owner);
        self.token.write(ISageTokenDispatcher { contract_address: token });
    }

    #[abi(embed_v0)]
    impl StakingManagerImpl of IStakingManager<ContractState> {
        fn configure(
            ref self: ContractState,
            job_manager: ContractAddress,
            validator_registry: ContractAddress,
        ) {
            self.ownable.assert_owner();
            assert(self.job_manager.read().is_zero(), errors::ALREADY_CONFIGURED);
            assert(
                job_manager.is_non_zero() && validator_registry.is_non_zero(), errors::ZERO_ADDRESS,
            );
            self.job_manager.write(job_manager);
            self.validator_registry.write(validator_registry);
            self.emit(Configured { job_manager, validator_registry });
        }

        fn add_model(ref self: ContractState, model: felt252, tier: Tier) {
            self.ownable.assert_owner();
            assert(tier != Tier::None, errors::UNKNOWN_TIER);
            assert(self.tier_of(model) == Tier::None, errors::MODEL_EXISTS);
            self.ownable.execute(self.model_action(model, tier));
            self.models.write(model, tier);
            self.emit(ModelAdded { model, tier });
        }

        fn stake(ref self: ContractState, amount: u256, gpu_tier: felt252, lock_duration: u64) {
            self.pausable.assert_open();
            let staker = get_caller_address();
            let mut stake = self.stakes.read(staker);
            assert(stake.amount == 0, errors::ALREADY_STAKED);
            stake.tier = self.known_tier(gpu_tier);
            assert(amount >= tiers::minimum(stake.tier), errors::BELOW_MINIMUM);
            stake.locked_until = lock_end(lock_duration);
            self.deposit(staker, stake, amount);
        }

        fn increase_stake(ref self: ContractState, amount: u256, lock_duration: u64) {
            self.pausable.assert_open();
            let staker = get_caller_address();
            let mut stake = self.stakes.read(staker);
            assert(stake.amount != 0, errors::NO_STAKE);
            assert(amount != 0 || lock_duration != 0, errors::ZERO_AMOUNT);
            if lock_duration != 0 {
                stake.locked_until = max(stake.locked_until, lock_end(lock_duration));
            }
            self.deposit(staker, stake, amount);
        }

        fn request_unstake(ref self: ContractState, amount: u256) {
            let staker = get_caller_address();
            let mut stake = self.stakes.read(staker);
            let now = get_block_timestamp();
            assert(amount != 0, errors::ZERO_AMOUNT);
            assert(stake.amount != 0, errors::NO_STAKE);
            assert(now >= stake.locked_until, errors::STAKE_LOCKED);
            assert(stake.unbonding == 0, errors::UNBONDING_PENDING);
            assert(amount <= free(@stake), errors::BOND_EXCEEDS_STAKE);
            stake.amount -= amount;
            if stake.amount == 0 {
                assert(!self.workers.entry(staker).active.read(), errors::WORKER_ACTIVE);
            } else {
                assert(stake.amount >= tiers::minimum(stake.tier), errors::BELOW_MINIMUM);
            }
            stake.unbonding = amount;
            stake.unbonding_until = now + UNBONDING;
            self.stakes.write(staker, stake);
            let unbonding_until = stake.unbonding_until;
            self.emit(UnstakeRequested { staker, amount, unbonding_until });
        }

        fn complete_unstake(ref self: ContractState) {
            let staker = get_caller_address();
            let mut stake = self.stakes.read(staker);
            let amount = stake.unbonding;
            assert(amount != 0, errors::NOTHING_UNBONDING);
            assert(get_block_timestamp() >= stake.unbonding_until, errors::STILL_UNBONDING);
            stake.unbonding = 0;
            self.stakes.write(staker, stake);
            self.emit(Unstaked { staker, amount });
            self.pay_out(staker, amount);
        }

        fn set_operator(ref self: ContractState, operator: ContractAddress) {
            let staker = get_caller_address();
            self.operators.write(staker, operator);
            self.emit(OperatorSet { staker, operator });
        }

        fn register_worker(
            ref self: ContractState,
            peer_id: ByteArray,
            signing_key: felt252,
            elgamal_key: Point,
            tee_quote_hash: u256,
        ) {
            let worker = get_caller_address();
            self.assert_worker_stake(worker);
            assert_peer_id(@peer_id);
            curve::assert_key_x(signing_key);
            curve::assert_key(elgamal_key);
            let entry = Worker {
                active: true,
                signing_key,
                elgamal_key,
                tee_quote_hash,
                last_heartbeat: get_block_timestamp(),
                peer_id: peer_id.clone(),
            };
            self.workers.write(worker, entry);
            self
                .emit(
                    WorkerRegistered { worker, peer_id, signing_key, elgamal_key, tee_quote_hash },
                );
        }

        fn heartbeat(ref self: ContractState, worker: ContractAddress) {
            assert(self.may_operate(worker, get_caller_address()), errors::UNAUTHORIZED);
            self.assert_active(worker);
            let at = get_block_timestamp();
            self.workers.entry(worker).last_heartbeat.write(at);
            self.emit(Heartbeat { worker, at });
        }

        fn set_peer(ref self: ContractState, worker: ContractAddress, peer_id: ByteArray) {
            assert(self.may_operate(worker, get_caller_address()), errors::UNAUTHORIZED);
            self.assert_active(worker);
            assert_peer_id(@peer_id);
            self.workers.entry(worker).peer_id.write(peer_id.clone());
            self.emit(WorkerPeerChanged { worker, peer_id });
        }

        fn deregister(ref self: ContractState) {
            let worker = get_caller_address();
            self.assert_active(worker);
            self.workers.entry(worker).active.write(false);
            self.emit(WorkerDeregistered { worker });
        }

        fn lock_bond(ref self: ContractState, staker: ContractAddress, amount: u256) {
            let holder = self.authorized_caller();
            let mut stake = self.stakes.read(staker);
            assert(amount <= free(@stake), errors::BOND_EXCEEDS_STAKE);
            stake.bonded += amount;
            self.stakes.write(staker, stake);
            self.bonds.write((holder, staker), self.bonds.read((holder, staker)) + amount);
            self.emit(BondLocked { staker, holder, amount });
        }

        fn unlock_bond(ref self: ContractState, staker: ContractAddress, amount: u256) {
            let holder = self.authorized_caller();
            let stake = self.without_bond(holder, staker, amount);
            self.stakes.write(staker, stake);
            self.emit(BondUnlocked { staker, holder, amount });
        }

        fn seize_bond(
            ref self: ContractState,
            staker: ContractAddress,
            amount: u256,
            recipient: ContractAddress,
        ) -> u256 {
            let holder = self.authorized_caller();
            let mut stake = self.without_bond(holder, staker, amount);
            let taken = take(ref stake, amount);
            self.stakes.write(staker, stake);
            self.emit(BondSeized { staker, holder, recipient, amount: taken });
            self.pay_out(recipient, taken);
            taken
        }

        fn slash(
            ref self: ContractState,
            staker: ContractAddress,
            amount: u256,
            offence: felt252,
            reporter: ContractAddress,
        ) -> u256 {
            self.authorized_caller();
            let mut stake = self.stakes.read(staker);
            let taken = take(ref stake, amount);
            self.stakes.write(staker, stake);
            let reward = if reporter.is_zero() || reporter == staker {
                0
            } else {
                min(math::share(taken, REWARD_BPS), REWARD_CAP)
            };
            self.emit(Slashed { staker, offence, amount: taken, reporter, reward });
            if reward != 0 {
                self.pay_out(reporter, reward);
            }
            self.burn(taken - reward);
            taken
        }

        fn stake_of(self: @ContractState, staker: ContractAddress) -> Stake {
            self.stakes.read(staker)
        }

        fn minimum_stake(self: @ContractState, gpu_tier: felt252) -> u256 {
            tiers::minimum(self.known_tier(gpu_tier))
        }

        fn verify_stake(self: @ContractState, staker: ContractAddress) -> StakeStatus {
            let stake = self.stakes.read(staker);
            let required = tiers::minimum(stake.tier);
            if stake.amount < required {
                return StakeStatus::Insufficient(Insufficient { current: stake.amount, required });
            }
            if get_block_timestamp() >= stake.locked_until {
                return StakeStatus::Unlocked;
            }
            let until = stake.locked_until;
            StakeStatus::Valid(ValidStake { amount: stake.amount, tier: stake.tier, until })
        }

        fn worker(self: @ContractState, staker: ContractAddress) -> Worker {
            self.workers.read(staker)
        }

        fn operator_of(self: @ContractState, staker: ContractAddress) -> ContractAddress {
            self.operators.read(staker)
        }

        fn may_operate(
            self: @ContractState, worker: ContractAddress, account: ContractAddress,
        ) -> bool {
            account.is_non_zero() && (account == worker || account == self.operators.read(worker))
        }

        fn bond_of(self: @ContractState, holder: ContractAddress, staker: ContractAddress) -> u256 {
            self.bonds.read((holder, staker))
        }

        fn total_staked(self: @ContractState) -> u256 {
            self.total_staked.read()
        }

        fn model_action(self: @ContractState, model: felt252, tier: Tier) -> felt252 {
            let mut fields = array!['add_model', model];
            tier.serialize(ref fields);
            poseidon_hash_span(fields.span())
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn authorized_caller(self: @ContractState) -> ContractAddress {
            let caller = get_caller_address();
            let job_manager = self.job_manager.read();
            assert(job_manager.is_non_zero(), errors::NOT_CONFIGURED);
            assert(
                caller == job_manager || caller == self.validator_registry.read(),
                errors::UNAUTHORIZED,
            );
            caller
        }

        fn tier_of(self: @ContractState, name: felt252) -> Tier {
            let tier = tiers::by_name(name);
            if tier == Tier::None {
                self.models.read(name)
            } else {
                tier
            }
        }

        fn known_tier(self: @ContractState, name: felt252) -> Tier {
            let tier = self.tier_of(name);
            assert(tier != Tier::None, errors::UNKNOWN_TIER);
            tier
        }

        /// A worker's stake is valid and is not one of a validator, which says nothing of a GPU.
        fn assert_worker_stake(self: @ContractState, staker: ContractAddress) {
            match self.verify_stake(staker) {
                StakeStatus::Valid(stake) => assert(
                    stake.tier != Tier::Validator, errors::STAKE_NOT_VALID,
                ),
                _ => core::panic_with_felt252(errors::STAKE_NOT_VALID),
            }
        }

        fn assert_active(self: @ContractState, worker: ContractAddress) {
            assert(self.workers.entry(worker).active.read(), errors::NOT_A_WORKER);
        }

        /// Records the stake with the amount added, then takes the amount from the staker.
        fn deposit(
            ref self: ContractState, staker: ContractAddress, mut stake: Stake, added: u256,
        ) {
            stake.amount += added;
            self.stakes.write(staker, stake);
            self.total_staked.write(self.total_staked.read() + added);
            let Stake { amount, tier, locked_until, .. } = stake;
            self.emit(Staked { staker, added, amount, tier, locked_until });
            if added != 0 {
                let paid = self.token.read().transfer_from(staker, get_contract_address(), added);
                assert(paid, errors::TRANSFER_FAILED);
            }
        }

        /// The stake with a bond of the holder set free; the caller writes it.
        fn without_bond(
            ref self: ContractState, holder: ContractAddress, staker: ContractAddress, amount: u256,
        ) -> Stake {
            let held = self.bonds.read((holder, staker));
            assert(amount <= held, errors::BOND_UNKNOWN);
            self.bonds.write((holder, staker), held - amount);
            let mut stake = self.stakes.read(staker);
            stake.bonded -= amount;
            stake
        }

        fn pay_out(ref self: ContractState, recipient: ContractAddress, amount: u256) {
            self.total_staked.write(self.total_staked.read() - amount);
            let paid = self.token.read().transfer(recipient, amount);
            assert(paid, errors::TRANSFER_FAILED);
        }

        fn burn(ref self: ContractState, amount: u256) {
            self.total_staked.write(self.total_staked.read() - amount);
            self.token.read().burn(amount);
        }
    }

    /// What of a stake secures nothing. After a slash `bonded` may exceed `amount`.
    fn free(stake: @Stake) -> u256 {
        math::sub_or_zero(*stake.amount, *stake.bonded)
    }

    /// Takes an amount, or all if there is less, from what is unbonding and then from the rest, so
    /// that what is left secures the bonds as far as it can.
    fn take(ref stake: Stake, amount: u256) -> u256 {
        let from_unbonding = min(amount, stake.unbonding);
        let from_amount = min(amount - from_unbonding, stake.amount);
        stake.unbonding -= from_unbonding;
        stake.amount -= from_amount;
        from_unbonding + from_amount
    }

    fn assert_peer_id(peer_id: @ByteArray) {
        assert(peer_id.len() != 0 && peer_id.len() <= MAX_PEER_ID, errors::BAD_PEER_ID);
    }

    fn lock_end(duration: u64) -> u64 {
        assert(duration >= MIN_LOCK && duration <= MAX_LOCK, errors::LOCK_DURATION);
        get_block_timestamp() + duration
    }
}
