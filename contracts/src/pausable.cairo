//! A switch of the owner that stops the intake of a contract. It acts at once, and it never stops
//! anyone from taking out money or from finishing what was begun.

#[starknet::interface]
pub trait IPausable<T> {
    /// Anyone: whether the intake is stopped.
    fn paused(self: @T) -> bool;
    /// Owner: stops the intake.
    fn pause(ref self: T);
    /// Owner: opens the intake again.
    fn unpause(ref self: T);
}

#[starknet::component]
pub mod PausableComponent {
    use starknet::storage::{StoragePointerReadAccess, StoragePointerWriteAccess};
    use super::IPausable;
    use super::super::errors;
    use super::super::ownable::OwnableComponent;
    use super::super::ownable::OwnableComponent::InternalTrait as OwnableInternal;

    #[storage]
    pub struct Storage {
        Pausable_paused: bool,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    pub enum Event {
        Paused: Paused,
        Unpaused: Unpaused,
    }

    #[derive(Drop, starknet::Event)]
    pub struct Paused {}

    #[derive(Drop, starknet::Event)]
    pub struct Unpaused {}

    #[embeddable_as(PausableImpl)]
    impl Pausable<
        TContractState,
        +HasComponent<TContractState>,
        impl Owner: OwnableComponent::HasComponent<TContractState>,
        +Drop<TContractState>,
    > of IPausable<ComponentState<TContractState>> {
        fn paused(self: @ComponentState<TContractState>) -> bool {
            self.Pausable_paused.read()
        }

        fn pause(ref self: ComponentState<TContractState>) {
            get_dep_component!(@self, Owner).assert_owner();
            assert(!self.Pausable_paused.read(), errors::PAUSED);
            self.Pausable_paused.write(true);
            self.emit(Paused {});
        }

        fn unpause(ref self: ComponentState<TContractState>) {
            get_dep_component!(@self, Owner).assert_owner();
            assert(self.Pausable_paused.read(), errors::NOT_PAUSED);
            self.Pausable_paused.write(false);
            self.emit(Unpaused {});
        }
    }

    #[generate_trait]
    pub impl InternalImpl<
        TContractState, +HasComponent<TContractState>,
    > of InternalTrait<TContractState> {
        fn assert_open(self: @ComponentState<TContractState>) {
            assert(!self.Pausable_paused.read(), errors::PAUSED);
        }
    }
}
