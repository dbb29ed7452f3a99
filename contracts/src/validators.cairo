//! Who votes on proofs: accounts that bonded a stake of tier Validator. The set of an epoch is a
//! snapshot that nobody can change afterwards; evidence against its members is checked here alone,
//! by their signatures.

#[starknet::contract]
pub mod ValidatorRegistry {
    use core::cmp::min;
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
    use super::super::interfaces::{
        Equivocation, FalseVerdict, IProofVerifierDispatcher, IProofVerifierDispatcherTrait,
        IStakingManagerDispatcher, IStakingManagerDispatcherTrait, IValidatorRegistry, StakeStatus,
        Validator, ValidatorStatus,
    };
    use super::super::types::{FactId, Member, Signature, Tier, Verdict};
    use super::super::{curve, errors, hashes, math, tiers};

    const MIN_EPOCH: u64 = 60;
    const MAX_EPOCH: u64 = 7 * 24 * 3600;
    /// How long after its epoch an offence can be punished: shorter than the unbonding that can
    /// begin when the epoch ends, so that the stake is still there.
    const EVIDENCE_WINDOW: u64 = 6 * 24 * 3600;

    const EQUIVOCATION_BPS: u256 = 500;
    /// For an equivocation that made two contradicting certificates possible.
    const CONFLICT_BPS: u256 = 10_000;
    const FALSE_VERDICT_BPS: u256 = 500;

    #[storage]
    struct Storage {
        deployer: ContractAddress,
        staking: IStakingManagerDispatcher,
        verifier: IProofVerifierDispatcher,
        epoch_length: u64,
        epoch: u64,
        epoch_starts: Map<u64, u64>,
        set_sizes: Map<u64, u32>,
        sets: Map<(u64, u32), Member>,
        set_roots: Map<u64, felt252>,
        total_weights: Map<u64, u256>,
        validators: Map<ContractAddress, Validator>,
        key_owners: Map<felt252, ContractAddress>,
        /// The active validators, in places 0 to active_count - 1.
        active_count: u32,
        active: Map<u32, ContractAddress>,
        places: Map<ContractAddress, u32>,
        /// Basis points already charged, by offence, epoch, index and fact.
        charged: Map<felt252, u256>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Configured: Configured,
        ValidatorRegistered: ValidatorRegistered,
        ValidatorLeft: ValidatorLeft,
        ValidatorReleased: ValidatorReleased,
        EpochAdvanced: EpochAdvanced,
        Equivocated: Equivocated,
        VotedFalsely: VotedFalsely,
    }

    #[derive(Drop, starknet::Event)]
    struct Configured {
        verifier: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct ValidatorRegistered {
        #[key]
        validator: ContractAddress,
        vote_key: felt252,
        stake: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct ValidatorLeft {
        #[key]
        validator: ContractAddress,
        status: ValidatorStatus,
        last_epoch: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct ValidatorReleased {
        #[key]
        validator: ContractAddress,
        stake: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct EpochAdvanced {
        #[key]
        epoch: u64,
        set_root: felt252,
        validators: u32,
        total_weight: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct Equivocated {
        #[key]
        validator: ContractAddress,
        #[key]
        fact: FactId,
        epoch: u64,
        penalty: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct VotedFalsely {
        #[key]
        validator: ContractAddress,
        #[key]
        fact: FactId,
        epoch: u64,
        penalty: u256,
    }

    /// The deployer may call configure and has no other power.
    #[constructor]
    fn constructor(
        ref self: ContractState,
        deployer: ContractAddress,
        staking: ContractAddress,
        epoch_length: u64,
    ) {
        assert(deployer.is_non_zero() && staking.is_non_zero(), errors::ZERO_ADDRESS);
        assert(epoch_length >= MIN_EPOCH && epoch_length <= MAX_EPOCH, errors::EPOCH_LENGTH);
        self.deployer.write(deployer);
        self.staking.write(IStakingManagerDispatcher { contract_address: staking });
        self.epoch_length.write(epoch_length);
    }

    #[abi(embed_v0)]
    impl ValidatorRegistryImpl of IValidatorRegistry<ContractState> {
        fn configure(ref self: ContractState, verifier: ContractAddress) {
            assert(get_caller_address() == self.deployer.read(), errors::UNAUTHORIZED);
            assert(self.verifier.read().contract_address.is_zero(), errors::ALREADY_CONFIGURED);
            assert(verifier.is_non_zero(), errors::ZERO_ADDRESS);
            self.verifier.write(IProofVerifierDispatcher { contract_address: verifier });
            self.emit(Configured { verifier });
        }

        fn register(
            ref self: ContractState, stake: u256, vote_key: felt252, possession: Signature,
        ) {
            let validator = get_caller_address();
            self.assert_new(validator);
            assert(stake >= tiers::minimum(Tier::Validator), errors::BELOW_MINIMUM);
            self.assert_validator_stake(validator);
            assert(self.key_owners.read(vote_key).is_zero(), errors::KEY_IN_USE);
            let hash = hashes::vote_key_possession(validator);
            assert(curve::signed(hash, vote_key, possession), errors::BAD_SIGNATURE);

            self.make_room(stake);
            self.enter(validator);
            self.key_owners.write(vote_key, validator);
            let entry = Validator {
                status: ValidatorStatus::Active, vote_key, stake, last_epoch: 0,
            };
            self.validators.write(validator, entry);
            self.emit(ValidatorRegistered { validator, vote_key, stake });
            self.staking.read().lock_bond(validator, stake);
        }

        fn exit(ref self: ContractState) {
            let validator = get_caller_address();
            let entry = self.validators.read(validator);
            assert(entry.status == ValidatorStatus::Active, errors::NOT_A_VALIDATOR);
            self.leave(validator, entry, ValidatorStatus::Leaving);
        }

        fn release(ref self: ContractState) {
            let validator = get_caller_address();
            let mut entry = self.validators.read(validator);
            let left = entry.status == ValidatorStatus::Leaving
                || entry.status == ValidatorStatus::Tombstoned;
            assert(left, errors::NOT_A_VALIDATOR);
            assert(self.epoch.read() > entry.last_epoch, errors::EPOCH_NOT_OVER);
            let stake = entry.stake;
            entry.stake = 0;
            if entry.status == ValidatorStatus::Leaving {
                // The key may be registered again. That of a tombstoned validator never.
                self.key_owners.write(entry.vote_key, Zero::zero());
                entry.status = ValidatorStatus::None;
            }
            self.validators.write(validator, entry);
            self.emit(ValidatorReleased { validator, stake });
            if stake != 0 {
                self.staking.read().unlock_bond(validator, stake);
            }
        }

        fn advance_epoch(ref self: ContractState) {
            let now = get_block_timestamp();
            let current = self.epoch.read();
            if current == 0 {
                // An empty first epoch would only make everybody wait.
                assert(self.active_count.read() != 0, errors::SET_EMPTY);
            } else {
                let end = self.epoch_starts.read(current) + self.epoch_length.read();
                assert(now >= end, errors::EPOCH_NOT_OVER);
            }
            let epoch = current + 1;
            self.epoch.write(epoch);
            self.epoch_starts.write(epoch, now);
            self.snapshot(epoch);
        }

        fn submit_equivocation(ref self: ContractState, evidence: Equivocation) {
            let Equivocation { epoch, index, fact, valid, invalid } = evidence;
            let member = self.accused(epoch, index);
            self.assert_vote(member, epoch, fact, Verdict::Valid, valid);
            self.assert_vote(member, epoch, fact, Verdict::Invalid, invalid);

            let bps = if self.in_conflict(epoch, index, fact) {
                CONFLICT_BPS
            } else {
                EQUIVOCATION_BPS
            };
            let penalty = self.charge('EQUIVOCATION', evidence_of(epoch, index, fact), member, bps);
            self.tombstone(member.validator);
            self.emit(Equivocated { validator: member.validator, fact, epoch, penalty });
            self.penalize(member.validator, penalty, 'EQUIVOCATION');
        }

        fn submit_false_verdict(ref self: ContractState, evidence: FalseVerdict) {
            let FalseVerdict { epoch, index, fact, verdict, signature } = evidence;
            let member = self.accused(epoch, index);
            assert(verdict != Verdict::Undecided, errors::BAD_VERDICT);
            let record = self.verifier.read().fact(fact);
            let decided = record.verdict != Verdict::Undecided && !record.contested;
            assert(decided && record.verdict != verdict, errors::NO_OFFENCE);
            self.assert_vote(member, epoch, fact, verdict, signature);

            let penalty = self
                .charge(
                    'FALSE_VERDICT', evidence_of(epoch, index, fact), member, FALSE_VERDICT_BPS,
                );
            self.emit(VotedFalsely { validator: member.validator, fact, epoch, penalty });
            self.penalize(member.validator, penalty, 'FALSE_VERDICT');
        }

        fn current_epoch(self: @ContractState) -> u64 {
            self.epoch.read()
        }

        fn epoch_start(self: @ContractState, epoch: u64) -> u64 {
            self.epoch_starts.read(epoch)
        }

        fn validator_set(self: @ContractState, epoch: u64) -> Array<Member> {
            let mut members = array![];
            for index in 0..self.set_sizes.read(epoch) {
                members.append(self.sets.read((epoch, index)));
            }
            members
        }

        fn set_root(self: @ContractState, epoch: u64) -> felt252 {
            self.set_roots.read(epoch)
        }

        fn total_weight(self: @ContractState, epoch: u64) -> u256 {
            self.total_weights.read(epoch)
        }

        fn weight(self: @ContractState, epoch: u64, index: u32) -> u128 {
            self.sets.read((epoch, index)).weight
        }

        fn validator(self: @ContractState, account: ContractAddress) -> Validator {
            self.validators.read(account)
        }

        fn possession_hash(self: @ContractState, account: ContractAddress) -> felt252 {
            hashes::vote_key_possession(account)
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn assert_new(self: @ContractState, account: ContractAddress) {
            match self.validators.read(account).status {
                ValidatorStatus::None => {},
                ValidatorStatus::Tombstoned => core::panic_with_felt252(errors::TOMBSTONED),
                _ => core::panic_with_felt252(errors::ALREADY_VALIDATOR),
            }
        }

        fn assert_validator_stake(self: @ContractState, account: ContractAddress) {
            match self.staking.read().verify_stake(account) {
                StakeStatus::Valid(stake) => assert(
                    stake.tier == Tier::Validator, errors::STAKE_NOT_VALID,
                ),
                _ => core::panic_with_felt252(errors::STAKE_NOT_VALID),
            }
        }

        /// In a full set the smallest stake gives way to a larger one, so that nobody can keep
        /// others out by having been first.
        fn make_room(ref self: ContractState, stake: u256) {
            if self.active_count.read() < hashes::MAX_VALIDATORS {
                return;
            }
            let (validator, entry) = self.smallest();
            assert(stake > entry.stake, errors::SET_FULL);
            self.leave(validator, entry, ValidatorStatus::Leaving);
        }

        fn smallest(self: @ContractState) -> (ContractAddress, Validator) {
            let mut validator = self.active.read(0);
            let mut entry = self.validators.read(validator);
            for place in 1..self.active_count.read() {
                let other = self.active.read(place);
                let candidate = self.validators.read(other);
                if candidate.stake < entry.stake {
                    validator = other;
                    entry = candidate;
                }
            }
            (validator, entry)
        }

        fn enter(ref self: ContractState, validator: ContractAddress) {
            let count = self.active_count.read();
            self.active.write(count, validator);
            self.places.write(validator, count);
            self.active_count.write(count + 1);
        }

        /// Takes an active validator off the list; the last one takes its place.
        fn leave(
            ref self: ContractState,
            validator: ContractAddress,
            mut entry: Validator,
            status: ValidatorStatus,
        ) {
            let last = self.active_count.read() - 1;
            let place = self.places.read(validator);
            let moved = self.active.read(last);
            self.active.write(place, moved);
            self.places.write(moved, place);
            self.active_count.write(last);

            let last_epoch = self.epoch.read();
            entry.status = status;
            entry.last_epoch = last_epoch;
            self.validators.write(validator, entry);
            self.emit(ValidatorLeft { validator, status, last_epoch });
        }

        /// Bars an account for ever. Who has left and come to rest is barred as well.
        fn tombstone(ref self: ContractState, validator: ContractAddress) {
            let mut entry = self.validators.read(validator);
            match entry.status {
                ValidatorStatus::Tombstoned => {},
                ValidatorStatus::Active => self
                    .leave(validator, entry, ValidatorStatus::Tombstoned),
                _ => {
                    entry.status = ValidatorStatus::Tombstoned;
                    self.validators.write(validator, entry);
                    self
                        .emit(
                            ValidatorLeft {
                                validator,
                                status: ValidatorStatus::Tombstoned,
                                last_epoch: entry.last_epoch,
                            },
                        );
                },
            }
        }

        /// Writes the set of an epoch: at most MAX_VALIDATORS members.
        fn snapshot(ref self: ContractState, epoch: u64) {
            let count = self.active_count.read();
            let mut members = array![];
            let mut total: u256 = 0;
            for index in 0..count {
                let validator = self.active.read(index);
                let entry = self.validators.read(validator);
                let weight = math::narrow(entry.stake);
                let member = Member { validator, vote_key: entry.vote_key, weight };
                self.sets.write((epoch, index), member);
                members.append(member);
                total += entry.stake;
            }
            let set_root = hashes::set_root(members.span());
            self.set_sizes.write(epoch, count);
            self.set_roots.write(epoch, set_root);
            self.total_weights.write(epoch, total);
            self.emit(EpochAdvanced { epoch, set_root, validators: count, total_weight: total });
        }

        /// The member of a set that evidence can still be brought against.
        fn accused(self: @ContractState, epoch: u64, index: u32) -> Member {
            assert(self.verifier.read().contract_address.is_non_zero(), errors::NOT_CONFIGURED);
            let current = self.epoch.read();
            assert(epoch != 0 && epoch <= current, errors::BAD_EPOCH);
            if epoch < current {
                let end = self.epoch_starts.read(epoch + 1);
                assert(get_block_timestamp() <= end + EVIDENCE_WINDOW, errors::EVIDENCE_EXPIRED);
            }
            assert(index < self.set_sizes.read(epoch), errors::BAD_INDEX);
            self.sets.read((epoch, index))
        }

        fn assert_vote(
            self: @ContractState,
            member: Member,
            epoch: u64,
            fact: FactId,
            verdict: Verdict,
            signature: Signature,
        ) {
            let hash = hashes::vote(epoch, self.set_roots.read(epoch), fact, verdict);
            assert(curve::signed(hash, member.vote_key, signature), errors::BAD_SIGNATURE);
        }

        /// Whether the member signed both of two contradicting certificates.
        fn in_conflict(self: @ContractState, epoch: u64, index: u32, fact: FactId) -> bool {
            let mut signers = self.verifier.read().conflict(fact, epoch);
            for _ in 0..index {
                signers /= 2;
            }
            signers % 2 == 1
        }

        /// The penalty in parts of the weight in that epoch, less what the same offence has cost
        /// already: a conflict that shows up later still costs the rest.
        fn charge(
            ref self: ContractState, offence: felt252, evidence: felt252, member: Member, bps: u256,
        ) -> u256 {
            let key = poseidon_hash_span(array![offence, evidence].span());
            let before = self.charged.read(key);
            assert(before < bps, errors::ALREADY_SLASHED);
            self.charged.write(key, bps);
            let weight: u256 = member.weight.into();
            math::share(weight, bps) - math::share(weight, before)
        }

        /// Slashes a validator on behalf of the caller. Too little left to be one makes it leave.
        fn penalize(
            ref self: ContractState, validator: ContractAddress, penalty: u256, offence: felt252,
        ) {
            let mut entry = self.validators.read(validator);
            let freed = min(entry.stake, penalty);
            entry.stake -= freed;
            if entry.status == ValidatorStatus::Active
                && entry.stake < tiers::minimum(Tier::Validator) {
                self.leave(validator, entry, ValidatorStatus::Leaving);
            } else {
                self.validators.write(validator, entry);
            }
            let staking = self.staking.read();
            if freed != 0 {
                staking.unlock_bond(validator, freed);
            }
            staking.slash(validator, penalty, offence, get_caller_address());
        }
    }

    fn evidence_of(epoch: u64, index: u32, fact: FactId) -> felt252 {
        poseidon_hash_span(array![epoch.into(), index.into(), fact.value].span())
    }
}
