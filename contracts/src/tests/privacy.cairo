//! Confidential accounts: who may do what, what a proof is bound to, and that money is conserved.

use core::ec::stark_curve;
use core::num::traits::Zero;
use starknet::ContractAddress;
use starknet::syscalls::deploy_syscall;
use starknet::testing::{pop_log_raw, set_block_timestamp};
use super::access::RefusingToken;
use super::prover;
use super::world::{
    RATE, SAGE, T0, World, WorldTrait, address, call_as, client, operator, outsider, owner, point,
    reverts, secret, worker, world,
};
use super::super::elgamal;
use super::super::elgamal::Context;
use super::super::interfaces::{
    IPrivacyRouterDispatcherTrait, IPrivacyRouterSafeDispatcher, IPrivacyRouterSafeDispatcherTrait,
    ISageTokenDispatcherTrait,
};
use super::super::ownable::{IOwnableDispatcher, IOwnableDispatcherTrait};
use super::super::pausable::{IPausableDispatcher, IPausableDispatcherTrait};
use super::super::privacy::PrivacyRouter;
use super::super::token::SageToken;
use super::super::types::{Ciphertext, JobId, Point};

const JOB: JobId = JobId { value: 5 };

fn none() -> Span<felt252> {
    array![].span()
}

/// A client with 1,000 units and a worker without any.
fn accounts() -> World {
    let w = world();
    w.open_account(worker(), 0);
    w.open_account(client(), 1_000);
    w
}

#[generate_trait]
impl Accounts of AccountsTrait {
    /// The account's balance and pending balance decrypt to these, and so many operations were its
    /// own.
    fn check(self: @World, account: ContractAddress, balance: u64, pending: u64, nonce: u64) {
        let state = self.privacy().account(account);
        let key = secret(account);
        assert!(prover::holds(key, state.balance, balance), "balance");
        assert!(prover::holds(key, state.pending, pending), "pending");
        assert!(state.nonce == nonce && self.privacy().nonce(account) == nonce, "nonce");
    }

    /// What the contract holds.
    fn units(self: @World) -> u256 {
        self.token().balance_of(*self.privacy) / RATE.into()
    }

    fn proof(self: @World, operation: felt252, account: ContractAddress) -> Span<felt252> {
        prover::prove_ownership(self.context(operation, account), secret(account), none())
    }

    /// The client's transfer of an amount out of a balance to the worker.
    fn sending(self: @World, balance: u64, amount: u64) -> Span<felt252> {
        let to = point(secret(worker()));
        let context = self.context('transfer', client());
        let auditor = self.privacy().auditor();
        prover::prove_transfer(context, secret(client()), to, auditor, balance, amount)
    }

    /// The client's withdrawal of an amount out of a balance.
    fn withdrawal(
        self: @World, balance: u64, amount: u64, recipient: ContractAddress,
    ) -> Span<felt252> {
        let context = self.context('withdraw', client());
        let auditor = self.privacy().auditor();
        prover::prove_withdrawal(
            context, secret(client()), auditor, balance, amount, recipient.into(),
        )
    }

    fn pause(self: @World) {
        call_as(owner());
        IPausableDispatcher { contract_address: *self.privacy }.pause();
    }

    fn name_auditor(self: @World, key: Option<Point>, now: u64) {
        call_as(owner());
        let ownable = IOwnableDispatcher { contract_address: *self.privacy };
        ownable.schedule(self.privacy().auditor_action(key));
        set_block_timestamp(now);
        self.privacy().set_auditor(key);
    }
}

#[test]
#[feature("safe_dispatcher")]
fn registration() {
    let w = world();
    let s = w.try_privacy();
    let key = point(secret(client()));
    let context = Context { balance: elgamal::zero(key), ..w.context('register_key', client()) };
    let proof = prover::prove_ownership(context, secret(client()), none());
    call_as(client());
    reverts('BAD_KEY', s.register_key(Point { x: 0, y: 0 }, proof));
    reverts('BAD_KEY', s.register_key(Point { x: key.x, y: key.y + 1 }, proof));
    reverts('PROOF_LENGTH', s.register_key(key, proof.slice(0, 2)));
    reverts('PROOF_LENGTH', s.register_key(key, none()));
    reverts('PROOF_KEY', s.register_key(point(7), proof));
    let short = array![*proof[0], *proof[1]];
    let mut bad = short.clone();
    bad.append(stark_curve::ORDER);
    reverts('PROOF_SCALAR', s.register_key(key, bad.span()));
    reverts('PROOF_IDENTITY', s.register_key(key, array![0, 0, 1].span()));
    reverts('PROOF_POINT', s.register_key(key, array![1, 1, 1].span()));
    // Nobody else can use the proof, nor a proof for another operation.
    call_as(outsider());
    reverts('PROOF_KEY', s.register_key(key, proof));
    call_as(client());
    let other = Context { operation: 'rollover', ..context };
    let other = prover::prove_ownership(other, secret(client()), none());
    reverts('PROOF_KEY', s.register_key(key, other));
    w.privacy().register_key(key, proof);
    w.check(client(), 0, 0, 1);
    assert!(w.privacy().account(client()).balance == elgamal::zero(key), "zero");
    reverts('ACCOUNT_EXISTS', s.register_key(key, proof));
    reverts('ACCOUNT_EXISTS', s.register_key(point(7), proof));
    let nobody = w.privacy().account(outsider());
    assert!(nobody.key == Point { x: 0, y: 0 } && nobody.nonce == 0, "nobody");
}

#[test]
#[feature("safe_dispatcher")]
fn without_account() {
    let w = accounts();
    let s = w.try_privacy();
    let payment = w.sending(1_000, 1);
    for caller in array![outsider(), owner()] {
        call_as(caller);
        reverts('NO_ACCOUNT', s.deposit(1, none()));
        reverts('NO_ACCOUNT', s.transfer(worker(), payment));
        reverts('NO_ACCOUNT', s.rollover(none()));
        reverts('NO_ACCOUNT', s.withdraw(1, caller, none()));
        reverts('NO_ACCOUNT', s.ragequit(1, caller, none()));
        reverts('UNAUTHORIZED', s.debit(JOB, client(), worker(), payment));
        reverts('UNAUTHORIZED', s.credit(client(), elgamal::zero(point(1))));
    }
    call_as(client());
    reverts('NO_ACCOUNT', s.transfer(outsider(), payment));
    reverts('SELF_TRANSFER', s.transfer(client(), payment));
    call_as(w.payments);
    reverts('NO_ACCOUNT', s.credit(outsider(), elgamal::zero(point(1))));
    reverts('NO_ACCOUNT', s.debit(JOB, client(), outsider(), payment));
    reverts('NO_ACCOUNT', s.debit(JOB, outsider(), worker(), payment));
    reverts('SELF_JOB', s.debit(JOB, client(), client(), payment));
}

#[test]
#[feature("safe_dispatcher")]
fn deposits() {
    let w = accounts();
    let s = w.try_privacy();
    let proof = w.deposit_proof(client(), 5);
    call_as(client());
    reverts('INSUFFICIENT_ALLOWANCE', s.deposit(5, proof));
    w.check(client(), 1_000, 0, 2);
    w.token().approve(w.privacy, SAGE);
    reverts('INSUFFICIENT_BALANCE', s.deposit(5, proof));
    reverts('PROOF_KEY', s.deposit(6, proof));
    reverts('PROOF_AMOUNT', s.deposit(0x10000000000, proof));
    call_as(worker());
    reverts('PROOF_KEY', s.deposit(5, proof));
    w.deposit(client(), 5);
    w.check(client(), 1_005, 0, 3);
    assert!(w.units() == 1_005, "tokens");
    reverts('PROOF_KEY', s.deposit(5, proof));
    w.deposit(client(), 0);
    w.check(client(), 1_005, 0, 4);
}

#[test]
#[feature("safe_dispatcher")]
fn transfers() {
    let w = accounts();
    let s = w.try_privacy();
    w.open_account(operator(), 0);
    let payment = w.sending(1_000, 300);
    let job = prover::prove_transfer(
        w.context('submit_job', client()),
        secret(client()),
        point(secret(worker())),
        None,
        1_000,
        300,
    );
    call_as(client());
    reverts('PROOF_LENGTH', s.transfer(worker(), payment.slice(0, 746)));
    // A proof for another recipient, operation or sender.
    reverts('PROOF_KEY', s.transfer(operator(), payment));
    reverts('PROOF_KEY', s.transfer(worker(), job));
    call_as(operator());
    reverts('PROOF_KEY', s.transfer(worker(), payment));
    call_as(client());
    w.privacy().transfer(worker(), payment);
    w.check(client(), 700, 0, 3);
    w.check(worker(), 0, 300, 1);
    reverts('PROOF_KEY', s.transfer(worker(), payment));
    w.privacy().transfer(worker(), w.sending(700, 700));
    w.check(client(), 0, 0, 4);
    w.check(worker(), 0, 1_000, 1);
    // What is pending cannot be spent, only rolled over, once.
    call_as(worker());
    let rollover = w.proof('rollover', worker());
    w.privacy().rollover(rollover);
    w.check(worker(), 1_000, 0, 2);
    reverts('PROOF_KEY', s.rollover(rollover));
    reverts('PROOF_KEY', s.rollover(w.proof('deposit', worker())));
    w.check(worker(), 1_000, 0, 2);
    assert!(w.units() == 1_000, "tokens");
}

/// A balance that the proof is made for, from another contract with the same accounts.
#[test]
#[feature("safe_dispatcher")]
fn other_contracts() {
    let w = accounts();
    let arguments = array![owner().into(), w.token.into(), RATE.into(), 0].span();
    let class = PrivacyRouter::TEST_CLASS_HASH;
    let (privacy, _) = deploy_syscall(class, 1, arguments, false).unwrap();
    let twin = World { privacy, ..w };
    twin.open_account(worker(), 0);
    twin.open_account(client(), 1_000);
    let payment = w.sending(1_000, 300);
    call_as(client());
    reverts('PROOF_KEY', twin.try_privacy().transfer(worker(), payment));
    reverts('PROOF_KEY', twin.try_privacy().rollover(w.proof('rollover', client())));
}

#[test]
#[feature("safe_dispatcher")]
fn incoming_payments() {
    let w = accounts();
    w.open_account(operator(), 50);
    // A payment in between changes nothing that the client's proofs are made for.
    let payment = w.sending(1_000, 1);
    let rollover = w.proof('rollover', client());
    let context = w.context('transfer', operator());
    let to = point(secret(client()));
    let incoming = prover::prove_transfer(context, secret(operator()), to, None, 50, 20);
    call_as(operator());
    w.privacy().transfer(client(), incoming);
    call_as(client());
    w.privacy().transfer(worker(), payment);
    w.check(client(), 999, 20, 3);
    reverts('PROOF_KEY', w.try_privacy().rollover(rollover));
    w.privacy().rollover(w.proof('rollover', client()));
    w.check(client(), 1_019, 0, 4);
}

/// Payments whose randomness cancels that of what is pending or of the balance.
#[test]
fn cancelling_payments() {
    let w = accounts();
    let key = point(secret(worker()));
    let n = stark_curve::ORDER;
    call_as(w.payments);
    // Pending was Zero, with randomness 1; R is the identity but for another Zero.
    w.privacy().credit(worker(), prover::seal(key, 7, n - 1));
    w.check(worker(), 0, 7, 1);
    assert!(w.privacy().account(worker()).pending.r == point(1), "one zero");
    // Rollover follows the same rule.
    w.privacy().credit(worker(), prover::seal(key, 8, n - 2));
    call_as(worker());
    assert!(w.privacy().account(worker()).pending.r == point(n - 1), "cancels the balance");
    w.privacy().rollover(w.proof('rollover', worker()));
    w.check(worker(), 15, 0, 2);
}

#[test]
#[feature("safe_dispatcher")]
fn withdrawals() {
    let w = accounts();
    let s = w.try_privacy();
    let proof = w.withdrawal(1_000, 400, outsider());
    call_as(client());
    reverts('PROOF_LENGTH', s.withdraw(400, outsider(), proof.slice(1, 368)));
    reverts('PROOF_AMOUNT', s.withdraw(0x10000000000, outsider(), proof));
    reverts('PROOF_RECIPIENT', s.withdraw(400, Zero::zero(), proof));
    // Neither amount nor recipient can be changed.
    reverts('PROOF_KEY', s.withdraw(401, outsider(), proof));
    reverts('PROOF_KEY', s.withdraw(400, client(), proof));
    call_as(worker());
    reverts('PROOF_KEY', s.withdraw(400, outsider(), proof));
    w.pause();
    call_as(client());
    w.privacy().withdraw(400, outsider(), proof);
    w.check(client(), 600, 0, 3);
    assert!(w.token().balance_of(outsider()) == 400 * RATE.into(), "paid");
    assert!(w.units() == 600, "tokens");
    reverts('PROOF_KEY', s.withdraw(400, outsider(), proof));
    w.privacy().withdraw(600, outsider(), w.withdrawal(600, 600, outsider()));
    w.check(client(), 0, 0, 4);
    assert!(w.units() == 0, "empty");
}

#[test]
#[feature("safe_dispatcher")]
fn ragequits() {
    let w = accounts();
    let s = w.try_privacy();
    call_as(w.payments);
    w.privacy().credit(client(), prover::seal(point(secret(client())), 0, 9));
    let context = w.context('ragequit', client());
    let recipient = outsider().into();
    let proof = prover::prove_ragequit(context, secret(client()), 1_000, recipient);
    let less = prover::prove_ragequit(context, secret(client()), 999, recipient);
    call_as(client());
    reverts('PROOF_LENGTH', s.ragequit(1_000, outsider(), proof.slice(0, 4)));
    reverts('PROOF_BALANCE', s.ragequit(999, outsider(), less));
    reverts('PROOF_KEY', s.ragequit(999, outsider(), proof));
    reverts('PROOF_KEY', s.ragequit(1_000, client(), proof));
    reverts('PROOF_RECIPIENT', s.ragequit(1_000, Zero::zero(), proof));
    reverts('PROOF_AMOUNT', s.ragequit(0x10000000000, outsider(), proof));
    call_as(worker());
    reverts('PROOF_KEY', s.ragequit(1_000, outsider(), proof));
    w.pause();
    call_as(client());
    w.privacy().ragequit(1_000, outsider(), proof);
    let account = w.privacy().account(client());
    assert!(account.balance == elgamal::zero(account.key), "zero");
    assert!(account.pending.r != account.balance.r, "what is pending stays");
    assert!(w.token().balance_of(outsider()) == 1_000 * RATE.into() && w.units() == 0, "paid");
    reverts('PROOF_KEY', s.ragequit(1_000, outsider(), proof));
}

#[test]
#[feature("safe_dispatcher")]
fn pauses() {
    let w = accounts();
    let s = w.try_privacy();
    let payment = w.sending(1_000, 1);
    w.pause();
    call_as(outsider());
    reverts('PAUSED', s.register_key(point(7), none()));
    call_as(client());
    reverts('PAUSED', s.deposit(1, none()));
    reverts('PAUSED', s.transfer(worker(), payment));
    call_as(w.payments);
    reverts('PAUSED', s.debit(JOB, client(), worker(), payment));
    w.privacy().credit(client(), prover::seal(point(secret(client())), 0, 9));
    call_as(client());
    w.privacy().rollover(w.proof('rollover', client()));
    w.check(client(), 1_000, 0, 3);
}

#[test]
#[feature("safe_dispatcher")]
fn auditors() {
    let w = accounts();
    let s = w.try_privacy();
    let (first, second) = (point(51), point(52));
    let unaudited = w.sending(1_000, 1);
    call_as(outsider());
    reverts('UNAUTHORIZED', s.set_auditor(Some(first)));
    call_as(owner());
    reverts('BAD_KEY', s.set_auditor(Some(Point { x: 0, y: 0 })));
    reverts('ACTION_UNKNOWN', s.set_auditor(Some(first)));
    let ownable = IOwnableDispatcher { contract_address: w.privacy };
    ownable.schedule(w.privacy().auditor_action(Some(first)));
    reverts('ACTION_NOT_READY', s.set_auditor(Some(first)));
    reverts('ACTION_UNKNOWN', s.set_auditor(None));
    set_block_timestamp(T0 + 24 * 3600);
    w.privacy().set_auditor(Some(first));
    assert!(w.privacy().auditor() == Some(first), "auditor");
    reverts('ACTION_UNKNOWN', s.set_auditor(Some(first)));

    let for_first = w.sending(1_000, 300);
    let withdrawal = w.withdrawal(1_000, 300, outsider());
    call_as(client());
    reverts('PROOF_LENGTH', s.transfer(worker(), unaudited));
    w.name_auditor(Some(second), T0 + 2 * 24 * 3600);
    call_as(client());
    reverts('PROOF_KEY', s.transfer(worker(), for_first));
    reverts('PROOF_KEY', s.withdraw(300, outsider(), withdrawal));
    w.drain();
    w.privacy().transfer(worker(), w.sending(1_000, 300));
    w.check(client(), 700, 0, 3);
    w.check(worker(), 0, 300, 1);
    w.check_audit(client(), second, Some(300), 700);
    w.drain();
    w.privacy().withdraw(100, outsider(), w.withdrawal(700, 100, outsider()));
    w.check(client(), 600, 0, 4);
    w.check_audit(client(), second, None, 600);

    w.name_auditor(None, T0 + 3 * 24 * 3600);
    assert!(w.privacy().auditor() == None, "no auditor");
    call_as(client());
    w.privacy().transfer(worker(), w.sending(600, 1));
    w.check(client(), 599, 0, 5);
}

#[generate_trait]
impl Audits of AuditsTrait {
    fn drain(self: @World) {
        while pop_log_raw(*self.privacy).is_some() {}
    }

    /// The next event is what the auditor, whose key is 52, reads of an operation.
    fn check_audit(
        self: @World, account: ContractAddress, auditor: Point, amount: Option<u64>, remainder: u64,
    ) {
        let (keys, mut data) = pop_log_raw(*self.privacy).unwrap();
        assert!(keys == array![selector!("Audited"), account.into()].span(), "event");
        let event: (Point, Option<Ciphertext>, Ciphertext) = Serde::deserialize(ref data).unwrap();
        let (key, shown, rest) = event;
        assert!(key == auditor && data.is_empty(), "auditor");
        assert!(prover::holds(52, rest, remainder), "remainder");
        match amount {
            Some(amount) => assert!(prover::holds(52, shown.unwrap(), amount), "amount"),
            None => assert!(shown.is_none(), "public"),
        }
    }
}

#[test]
#[feature("safe_dispatcher")]
fn configuration() {
    let w = world();
    let arguments = array![owner().into(), w.token.into(), RATE.into(), 0].span();
    let class = PrivacyRouter::TEST_CLASS_HASH;
    let (contract_address, _) = deploy_syscall(class, 1, arguments, false).unwrap();
    let s = IPrivacyRouterSafeDispatcher { contract_address };
    let some = prover::seal(point(1), 1, 1);
    call_as(outsider());
    reverts('NOT_CONFIGURED', s.debit(JOB, client(), worker(), none()));
    reverts('NOT_CONFIGURED', s.credit(client(), some));
    reverts('UNAUTHORIZED', s.configure(address(1)));
    call_as(owner());
    reverts('ZERO_ADDRESS', s.configure(Zero::zero()));
    s.configure(address(1)).unwrap();
    reverts('ALREADY_CONFIGURED', s.configure(address(1)));
    let p = w.privacy();
    assert!(p.payment_router() == w.payments && p.token() == w.token, "addresses");
    assert!(p.rate() == RATE.into() && p.auditor() == None, "rate");
}

#[test]
fn constructor() {
    let w = world();
    let o = owner().into();
    let supply: u256 = 0x10000000000 * 1_000;
    let arguments = array![o, supply.low.into(), 0].span();
    let (token, _) = deploy_syscall(SageToken::TEST_CLASS_HASH, 3, arguments, false).unwrap();
    let too_large: u256 = 0x1000000000000000000000000000000000000000000000000000000;
    for (error, o, token, rate) in array![
        ('ZERO_ADDRESS', 0, w.token, RATE.into()), ('ZERO_ADDRESS', o, Zero::zero(), RATE.into()),
        ('BAD_RATE', o, token, 0), ('BAD_RATE', o, token, 1), ('BAD_RATE', o, token, 1_000),
        ('BAD_RATE', o, token, too_large), ('', o, token, 1_001), ('', o, token, too_large - 1),
    ] {
        let rate: u256 = rate;
        let arguments = array![o, token.into(), rate.low.into(), rate.high.into()].span();
        let deployed = deploy_syscall(PrivacyRouter::TEST_CLASS_HASH, 4, arguments, false);
        if error == '' {
            deployed.unwrap();
        } else {
            reverts(error, deployed);
        }
    }
}

/// A token that refuses without reverting.
#[test]
#[feature("safe_dispatcher")]
fn refused_transfers() {
    let w = world();
    let (token, _) = deploy_syscall(RefusingToken::TEST_CLASS_HASH, 0, none(), false).unwrap();
    let arguments = array![owner().into(), token.into(), RATE.into(), 0].span();
    let class = PrivacyRouter::TEST_CLASS_HASH;
    let (privacy, _) = deploy_syscall(class, 1, arguments, false).unwrap();
    let w = World { privacy, ..w };
    w.open_account(client(), 0);
    reverts('TRANSFER_FAILED', w.try_privacy().deposit(5, w.deposit_proof(client(), 5)));
    let proof = w.withdrawal(0, 0, outsider());
    reverts('TRANSFER_FAILED', w.try_privacy().withdraw(0, outsider(), proof));
    w.check(client(), 0, 0, 1);
}
