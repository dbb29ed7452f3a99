//! An owner whose powers, except for a pause, act only a day after they were announced.

use starknet::ContractAddress;

/// How long an action must have been announced.
pub const DELAY: u64 = 24 * 3600;
/// How long after the delay it can be executed.
pub const GRACE: u64 = 14 * 24 * 3600;

#[starknet::interface]
pub trait IOwnable<T> {
    /// Anyone: who the owner is.
    fn owner(self: @T) -> ContractAddress;
    /// Anyone: when a scheduled action can be executed, or 0.
    fn ready_at(self: @T, action: felt252) -> u64;
    /// Anyone: the action that makes an account the owner.
    fn ownership_action(self: @T, new_owner: ContractAddress) -> felt252;
    /// Owner: announces an action, to be executed after the delay.
    fn schedule(ref self: T, action: felt252);
    /// Owner: withdraws an announced action.
    fn unschedule(ref self: T, action: felt252);
    /// The new owner, after the owner has scheduled its ownership_action and the delay has passed.
    fn accept_ownership(ref self: T);
}

#[starknet::component]
pub mod OwnableComponent {
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
    use super::super::errors;
    use super::{DELAY, GRACE, IOwnable};

    #[storage]
    pub struct Storage {
        Ownable_owner: ContractAddress,
        Ownable_ready_at: Map<felt252, u64>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        ActionScheduled: ActionScheduled,
        ActionUnscheduled: ActionUnscheduled,
        ActionExecuted: ActionExecuted,
        OwnershipTransferred: OwnershipTransferred,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ActionScheduled {
        #[key]
        pub action: felt252,
        pub ready_at: u64,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ActionUnscheduled {
        #[key]
        pub action: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct ActionExecuted {
        #[key]
        pub action: felt252,
    }

    #[derive(Drop, starknet::Event)]
    pub struct OwnershipTransferred {
        #[key]
        pub previous: ContractAddress,
        #[key]
        pub owner: ContractAddress,
    }

    #[embeddable_as(OwnableImpl)]
    impl Ownable<
        TContractState, +HasComponent<TContractState>,
    > of IOwnable<ComponentState<TContractState>> {
        fn owner(self: @ComponentState<TContractState>) -> ContractAddress {
            self.Ownable_owner.read()
        }

        fn ready_at(self: @ComponentState<TContractState>, action: felt252) -> u64 {
            self.Ownable_ready_at.read(action)
        }

        fn ownership_action(
            self: @ComponentState<TContractState>, new_owner: ContractAddress,
        ) -> felt252 {
            ownership(new_owner)
        }

        fn schedule(ref self: ComponentState<TContractState>, action: felt252) {
            self.assert_owner();
            assert(self.Ownable_ready_at.read(action) == 0, errors::ACTION_SCHEDULED);
            let ready_at = get_block_timestamp() + DELAY;
            self.Ownable_ready_at.write(action, ready_at);
            self.emit(ActionScheduled { action, ready_at });
        }

        fn unschedule(ref self: ComponentState<TContractState>, action: felt252) {
            self.assert_owner();
            assert(self.Ownable_ready_at.read(action) != 0, errors::ACTION_UNKNOWN);
            self.Ownable_ready_at.write(action, 0);
            self.emit(ActionUnscheduled { action });
        }

        fn accept_ownership(ref self: ComponentState<TContractState>) {
            let owner = get_caller_address();
            self.execute(ownership(owner));
            let previous = self.Ownable_owner.read();
            self.Ownable_owner.write(owner);
            self.emit(OwnershipTransferred { previous, owner });
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>,
    > of InternalTrait<TContractState> {
        /// Sets the first owner; for constructors.
        fn initializer(ref self: ComponentState<TContractState>, owner: ContractAddress) {
            assert(owner.is_non_zero(), errors::ZERO_ADDRESS);
            self.Ownable_owner.write(owner);
            self.emit(OwnershipTransferred { previous: Zero::zero(), owner });
        }

        fn assert_owner(self: @ComponentState<TContractState>) {
            assert(get_caller_address() == self.Ownable_owner.read(), errors::UNAUTHORIZED);
        }

        /// Uses up a scheduled action whose time has come; the caller then carries it out.
        fn execute(ref self: ComponentState<TContractState>, action: felt252) {
            let ready_at = self.Ownable_ready_at.read(action);
            let now = get_block_timestamp();
            assert(ready_at != 0, errors::ACTION_UNKNOWN);
            assert(now >= ready_at, errors::ACTION_NOT_READY);
            assert(now <= ready_at + GRACE, errors::ACTION_STALE);
            self.Ownable_ready_at.write(action, 0);
            self.emit(ActionExecuted { action });
        }
    }

    fn ownership(owner: ContractAddress) -> felt252 {
        poseidon_hash_span(array!['accept_ownership', owner.into()].span())
    }
}
