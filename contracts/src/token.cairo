//! SAGE: an ERC-20 token of fixed supply. It has no owner; nobody can mint, pause or take.

#[starknet::contract]
pub mod SageToken {
    use core::num::traits::{Bounded, Zero};
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_caller_address};
    use super::super::interfaces::ISageToken;
    use super::super::{errors, math};

    #[storage]
    struct Storage {
        total_supply: u256,
        balances: Map<ContractAddress, u256>,
        allowances: Map<(ContractAddress, ContractAddress), u256>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Transfer: Transfer,
        Approval: Approval,
    }

    #[derive(Drop, starknet::Event)]
    struct Transfer {
        #[key]
        from: ContractAddress,
        #[key]
        to: ContractAddress,
        value: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct Approval {
        #[key]
        owner: ContractAddress,
        #[key]
        spender: ContractAddress,
        value: u256,
    }

    /// Gives the whole supply, which must fit in 128 bits, to the recipient.
    #[constructor]
    fn constructor(ref self: ContractState, recipient: ContractAddress, supply: u256) {
        assert(recipient.is_non_zero(), errors::ZERO_ADDRESS);
        math::narrow(supply);
        self.total_supply.write(supply);
        self.balances.write(recipient, supply);
        self.emit(Transfer { from: Zero::zero(), to: recipient, value: supply });
    }

    #[abi(embed_v0)]
    impl SageTokenImpl of ISageToken<ContractState> {
        fn name(self: @ContractState) -> ByteArray {
            "BitSage"
        }

        fn symbol(self: @ContractState) -> ByteArray {
            "SAGE"
        }

        fn decimals(self: @ContractState) -> u8 {
            18
        }

        fn total_supply(self: @ContractState) -> u256 {
            self.total_supply.read()
        }

        fn balance_of(self: @ContractState, account: ContractAddress) -> u256 {
            self.balances.read(account)
        }

        fn allowance(
            self: @ContractState, owner: ContractAddress, spender: ContractAddress,
        ) -> u256 {
            self.allowances.read((owner, spender))
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            self.move(get_caller_address(), recipient, amount);
            true
        }

        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256,
        ) -> bool {
            self.spend_allowance(sender, get_caller_address(), amount);
            self.move(sender, recipient, amount);
            true
        }

        fn approve(ref self: ContractState, spender: ContractAddress, amount: u256) -> bool {
            assert(spender.is_non_zero(), errors::ZERO_ADDRESS);
            let owner = get_caller_address();
            self.allowances.write((owner, spender), amount);
            self.emit(Approval { owner, spender, value: amount });
            true
        }

        fn burn(ref self: ContractState, amount: u256) {
            let owner = get_caller_address();
            self.debit(owner, amount);
            self.total_supply.write(self.total_supply.read() - amount);
            self.emit(Transfer { from: owner, to: Zero::zero(), value: amount });
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn debit(ref self: ContractState, account: ContractAddress, amount: u256) {
            let balance = self.balances.read(account);
            assert(balance >= amount, errors::INSUFFICIENT_BALANCE);
            self.balances.write(account, balance - amount);
        }

        fn move(ref self: ContractState, from: ContractAddress, to: ContractAddress, amount: u256) {
            assert(to.is_non_zero(), errors::ZERO_ADDRESS);
            self.debit(from, amount);
            // Read after the debit: the two accounts may be one.
            self.balances.write(to, self.balances.read(to) + amount);
            self.emit(Transfer { from, to, value: amount });
        }

        fn spend_allowance(
            ref self: ContractState, owner: ContractAddress, spender: ContractAddress, amount: u256,
        ) {
            let allowed = self.allowances.read((owner, spender));
            if allowed == Bounded::MAX {
                return;
            }
            assert(allowed >= amount, errors::INSUFFICIENT_ALLOWANCE);
            self.allowances.write((owner, spender), allowed - amount);
        }
    }
}
