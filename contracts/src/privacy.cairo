//! Confidential accounts. The contract holds the tokens; what each account has of them is encrypted
//! under its owner's key, and moves by proofs (docs/spec/elgamal.md). Payments of others go to a
//! pending balance, so that they never change the balance that an owner's proof is made for.

#[starknet::contract]
pub mod PrivacyRouter {
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_caller_address, get_contract_address, get_tx_info};
    use super::super::elgamal::{Audit, Context};
    use super::super::interfaces::{
        Account, Fee, IPrivacyRouter, ISageTokenDispatcher, ISageTokenDispatcherTrait,
    };
    use super::super::ownable::OwnableComponent;
    use super::super::pausable::PausableComponent;
    use super::super::types::{Ciphertext, JobId, Point};
    use super::super::{curve, elgamal, errors};

    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);
    component!(path: PausableComponent, storage: pausable, event: PausableEvent);

    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;
    #[abi(embed_v0)]
    impl PausableImpl = PausableComponent::PausableImpl<ContractState>;
    impl PausableInternal = PausableComponent::InternalImpl<ContractState>;

    /// Above it, 2^40 units would not fit in 256 bits.
    const MAX_RATE: u256 = 0xffffffffffffffffffffffffffffffffffffffffffffffffffffff;

    #[storage]
    struct Storage {
        token: ISageTokenDispatcher,
        rate: u256,
        payment_router: ContractAddress,
        auditor: Option<Point>,
        accounts: Map<ContractAddress, Account>,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
        #[substorage(v0)]
        pausable: PausableComponent::Storage,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Configured: Configured,
        KeyRegistered: KeyRegistered,
        Deposited: Deposited,
        Transferred: Transferred,
        RolledOver: RolledOver,
        Withdrawn: Withdrawn,
        Debited: Debited,
        Credited: Credited,
        Audited: Audited,
        AuditorSet: AuditorSet,
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
    struct KeyRegistered {
        #[key]
        account: ContractAddress,
        key: Point,
    }

    #[derive(Drop, starknet::Event)]
    struct Deposited {
        #[key]
        account: ContractAddress,
        amount: u64,
    }

    /// The same amount under the sender's and under the recipient's key.
    #[derive(Drop, starknet::Event)]
    struct Transferred {
        #[key]
        from: ContractAddress,
        #[key]
        to: ContractAddress,
        sent: Ciphertext,
        received: Ciphertext,
    }

    #[derive(Drop, starknet::Event)]
    struct RolledOver {
        #[key]
        account: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct Withdrawn {
        #[key]
        account: ContractAddress,
        recipient: ContractAddress,
        amount: u64,
    }

    #[derive(Drop, starknet::Event)]
    struct Debited {
        #[key]
        account: ContractAddress,
        #[key]
        job_id: JobId,
    }

    #[derive(Drop, starknet::Event)]
    struct Credited {
        #[key]
        account: ContractAddress,
    }

    /// Comes with a transfer, debit or withdrawal while there is an auditor: what was sent, unless
    /// that is public, and what is left, under its key.
    #[derive(Drop, starknet::Event)]
    struct Audited {
        #[key]
        account: ContractAddress,
        auditor: Point,
        amount: Option<Ciphertext>,
        remainder: Ciphertext,
    }

    #[derive(Drop, starknet::Event)]
    struct AuditorSet {
        key: Option<Point>,
    }

    /// A unit of the encrypted amounts is `rate` base units of the token. All tokens that there can
    /// ever be must be less than 2^40 units, or a sum of amounts could be no amount.
    #[constructor]
    fn constructor(
        ref self: ContractState, owner: ContractAddress, token: ContractAddress, rate: u256,
    ) {
        assert(token.is_non_zero(), errors::ZERO_ADDRESS);
        self.ownable.initializer(owner);
        let token = ISageTokenDispatcher { contract_address: token };
        assert(rate <= MAX_RATE, errors::BAD_RATE);
        let limit = elgamal::AMOUNT_LIMIT.into() * rate;
        assert(token.total_supply() < limit, errors::BAD_RATE);
        self.token.write(token);
        self.rate.write(rate);
    }

    #[abi(embed_v0)]
    impl PrivacyRouterImpl of IPrivacyRouter<ContractState> {
        fn configure(ref self: ContractState, payment_router: ContractAddress) {
            self.ownable.assert_owner();
            assert(self.payment_router.read().is_zero(), errors::ALREADY_CONFIGURED);
            assert(payment_router.is_non_zero(), errors::ZERO_ADDRESS);
            self.payment_router.write(payment_router);
            self.emit(Configured { payment_router });
        }

        fn register_key(ref self: ContractState, key: Point, proof: Span<felt252>) {
            self.pausable.assert_open();
            let owner = get_caller_address();
            assert(self.nonce(owner) == 0, errors::ACCOUNT_EXISTS);
            curve::assert_key(key);
            let zero = elgamal::zero(key);
            let account = Account { key, balance: zero, pending: zero, nonce: 0 };
            let context = context('register_key', owner, @account);
            elgamal::verify_ownership(context, key, array![].span(), proof);
            self.accounts.write(owner, Account { nonce: 1, ..account });
            self.emit(KeyRegistered { account: owner, key });
        }

        fn deposit(ref self: ContractState, amount: u64, proof: Span<felt252>) {
            self.pausable.assert_open();
            elgamal::assert_amount(amount);
            let (owner, account) = self.own_account();
            let context = context('deposit', owner, @account);
            let values = array![amount.into()].span();
            elgamal::verify_ownership(context, account.key, values, proof);
            self.advance(owner, account.nonce, elgamal::add_plain(account.balance, amount));
            self.emit(Deposited { account: owner, amount });
            let value = self.value(amount);
            let paid = self.token.read().transfer_from(owner, get_contract_address(), value);
            assert(paid, errors::TRANSFER_FAILED);
        }

        fn transfer(ref self: ContractState, to: ContractAddress, transfer: Span<felt252>) {
            self.pausable.assert_open();
            let from = get_caller_address();
            assert(from != to, errors::SELF_TRANSFER);
            let account = self.existing(from);
            let context = context('transfer', from, @account);
            let Fee { refund: sent, fee: received } = self.spend(context, @account, to, transfer);
            self.enter(to, received);
            self.emit(Transferred { from, to, sent, received });
        }

        fn rollover(ref self: ContractState, proof: Span<felt252>) {
            let (owner, account) = self.own_account();
            let context = context('rollover', owner, @account);
            let Account { key, balance, pending, nonce } = account;
            elgamal::verify_ownership(context, key, array![].span(), proof);
            self.advance(owner, nonce, elgamal::credit(key, balance, pending));
            self.accounts.entry(owner).pending.write(elgamal::zero(key));
            self.emit(RolledOver { account: owner });
        }

        fn withdraw(
            ref self: ContractState,
            amount: u64,
            recipient: ContractAddress,
            withdrawal: Span<felt252>,
        ) {
            let (owner, account) = self.own_account();
            let context = context('withdraw', owner, @account);
            let auditor = self.auditor.read();
            let valid = elgamal::verify_withdrawal(
                context, account.key, auditor, amount, recipient.into(), withdrawal,
            );
            self.advance(owner, account.nonce, valid.balance);
            self.show(owner, valid.audit);
            self.pay(owner, recipient, amount);
        }

        fn ragequit(
            ref self: ContractState, amount: u64, recipient: ContractAddress, proof: Span<felt252>,
        ) {
            let (owner, account) = self.own_account();
            let context = context('ragequit', owner, @account);
            elgamal::verify_ragequit(context, account.key, amount, recipient.into(), proof);
            self.advance(owner, account.nonce, elgamal::zero(account.key));
            self.pay(owner, recipient, amount);
        }

        fn debit(
            ref self: ContractState,
            job_id: JobId,
            client: ContractAddress,
            worker: ContractAddress,
            transfer: Span<felt252>,
        ) -> Fee {
            self.assert_payment_router();
            self.pausable.assert_open();
            assert(client != worker, errors::SELF_JOB);
            let account = self.existing(client);
            let context = context('submit_job', client, @account);
            let context = Context { job_id: job_id.value.into(), ..context };
            let fee = self.spend(context, @account, worker, transfer);
            self.emit(Debited { account: client, job_id });
            fee
        }

        fn credit(ref self: ContractState, account: ContractAddress, amount: Ciphertext) {
            self.assert_payment_router();
            self.enter(account, amount);
            self.emit(Credited { account });
        }

        fn set_auditor(ref self: ContractState, key: Option<Point>) {
            self.ownable.assert_owner();
            if let Some(key) = key {
                curve::assert_key(key);
            }
            self.ownable.execute(self.auditor_action(key));
            self.auditor.write(key);
            self.emit(AuditorSet { key });
        }

        fn account(self: @ContractState, owner: ContractAddress) -> Account {
            self.accounts.read(owner)
        }

        fn nonce(self: @ContractState, owner: ContractAddress) -> u64 {
            self.accounts.entry(owner).nonce.read()
        }

        fn rate(self: @ContractState) -> u256 {
            self.rate.read()
        }

        fn token(self: @ContractState) -> ContractAddress {
            self.token.read().contract_address
        }

        fn auditor(self: @ContractState) -> Option<Point> {
            self.auditor.read()
        }

        fn payment_router(self: @ContractState) -> ContractAddress {
            self.payment_router.read()
        }

        fn auditor_action(self: @ContractState, key: Option<Point>) -> felt252 {
            let mut fields = array!['set_auditor'];
            key.serialize(ref fields);
            poseidon_hash_span(fields.span())
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn assert_payment_router(self: @ContractState) {
            let payment_router = self.payment_router.read();
            assert(payment_router.is_non_zero(), errors::NOT_CONFIGURED);
            assert(get_caller_address() == payment_router, errors::UNAUTHORIZED);
        }

        fn existing(self: @ContractState, owner: ContractAddress) -> Account {
            let account = self.accounts.read(owner);
            assert(account.nonce != 0, errors::NO_ACCOUNT);
            account
        }

        fn own_account(self: @ContractState) -> (ContractAddress, Account) {
            let owner = get_caller_address();
            (owner, self.existing(owner))
        }

        /// Uses up the nonce.
        fn advance(
            ref self: ContractState, owner: ContractAddress, nonce: u64, balance: Ciphertext,
        ) {
            let account = self.accounts.entry(owner);
            account.nonce.write(nonce + 1);
            account.balance.write(balance);
        }

        /// Takes what a transfer of the context's sender says out of its balance.
        fn spend(
            ref self: ContractState,
            context: Context,
            account: @Account,
            to: ContractAddress,
            transfer: Span<felt252>,
        ) -> Fee {
            let recipient = self.existing(to);
            let auditor = self.auditor.read();
            let valid = elgamal::verify_transfer(
                context, *account.key, recipient.key, auditor, transfer,
            );
            self.advance(context.sender, context.nonce, valid.balance);
            self.show(context.sender, valid.audit);
            Fee { refund: valid.sent, fee: valid.received }
        }

        /// Adds to what is pending.
        fn enter(ref self: ContractState, owner: ContractAddress, amount: Ciphertext) {
            let Account { key, pending, .. } = self.existing(owner);
            let pending = elgamal::credit(key, pending, amount);
            self.accounts.entry(owner).pending.write(pending);
        }

        fn show(ref self: ContractState, account: ContractAddress, audit: Option<Audit>) {
            if let Some(Audit { auditor, amount, remainder }) = audit {
                self.emit(Audited { account, auditor, amount, remainder });
            }
        }

        fn pay(
            ref self: ContractState,
            account: ContractAddress,
            recipient: ContractAddress,
            amount: u64,
        ) {
            self.emit(Withdrawn { account, recipient, amount });
            let paid = self.token.read().transfer(recipient, self.value(amount));
            assert(paid, errors::TRANSFER_FAILED);
        }

        /// An amount in base units. The constructor saw to it that it fits.
        fn value(self: @ContractState, amount: u64) -> u256 {
            amount.into() * self.rate.read()
        }
    }

    fn context(operation: felt252, sender: ContractAddress, account: @Account) -> Context {
        Context {
            operation,
            chain_id: get_tx_info().unbox().chain_id,
            contract: get_contract_address(),
            sender,
            nonce: *account.nonce,
            job_id: 0,
            proof_hash: 0,
            balance: *account.balance,
        }
    }
}
