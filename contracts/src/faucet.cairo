//! Gives test networks' users enough to stake once: 1,000 SAGE a day and account, up to a cap for
//! all. Nobody can take anything else out.

#[starknet::contract]
pub mod Faucet {
    use core::cmp::min;
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address, get_contract_address};
    use super::super::interfaces::{
        ClaimInfo, IFaucet, ISageTokenDispatcher, ISageTokenDispatcherTrait,
    };
    use super::super::ownable::OwnableComponent;
    use super::super::pausable::PausableComponent;
    use super::super::{errors, math};

    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);

    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;

    const CLAIM: u256 = 1_000_000_000_000_000_000_000;
    const INTERVAL: u64 = 24 * 3600;

    #[storage]
    struct Storage {
        token: ISageTokenDispatcher,
        cap: u256,
        given: u256,
        next_claim: Map<ContractAddress, u64>,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Claimed: Claimed,
        Refilled: Refilled,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
        #[flat]
        PausableEvent: PausableComponent::Event,
    }

    #[derive(Drop, starknet::Event)]
    struct Claimed {
        #[key]
        account: ContractAddress,
        amount: u256,
        next_claim: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct Refilled {
        #[key]
        account: ContractAddress,
        amount: u256,
    }

    /// The cap bounds the sum of all claims ever made.
    #[constructor]
    fn constructor(
        ref self: ContractState, owner: ContractAddress, token: ContractAddress, cap: u256,
    ) {
        assert(token.is_non_zero(), errors::ZERO_ADDRESS);
        self.ownable.initializer(owner);
        self.token.write(ISageTokenDispatcher { contract_address: token });
        self.cap.write(cap);
    }

    #[abi(embed_v0)]
    impl FaucetImpl of IFaucet<ContractState> {
        fn claim(ref self: ContractState) {
            self.pausable.assert_open();
            let account = get_caller_address();
            let now = get_block_timestamp();
            assert(now >= self.next_claim.read(account), errors::CLAIM_TOO_SOON);
            let given = self.given.read() + CLAIM;
            assert(given <= self.cap.read(), errors::CAP_REACHED);
            let token = self.token.read();
            assert(token.balance_of(get_contract_address()) >= CLAIM, errors::FAUCET_EMPTY);

            let next_claim = now + INTERVAL;
            self.given.write(given);
            self.next_claim.write(account, next_claim);
            self.emit(Claimed { account, amount: CLAIM, next_claim });
            assert(token.transfer(account, CLAIM), errors::TRANSFER_FAILED);
        }

        fn refill(ref self: ContractState, amount: u256) {
            assert(amount != 0, errors::ZERO_AMOUNT);
            let account = get_caller_address();
            self.emit(Refilled { account, amount });
            let paid = self.token.read().transfer_from(account, get_contract_address(), amount);
            assert(paid, errors::TRANSFER_FAILED);
        }

        fn claim_info(self: @ContractState, account: ContractAddress) -> ClaimInfo {
            let unspent = math::sub_or_zero(self.cap.read(), self.given.read());
            let held = self.token.read().balance_of(get_contract_address());
            ClaimInfo {
                amount: CLAIM,
                next_claim: self.next_claim.read(account),
                remaining: min(unspent, held),
            }
        }
    }
}
