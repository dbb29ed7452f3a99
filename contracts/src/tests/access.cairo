//! Who may not call, and what a contract refuses before it is set up.

use core::num::traits::Zero;
use starknet::syscalls::deploy_syscall;
use starknet::testing::set_block_timestamp;
use starknet::{ClassHash, ContractAddress};
use super::world::{
    SAGE, T0, WEEK, WORKER_KEY, WorldTrait, address, call_as, client, fact, outsider, owner,
    reverts, sign, with_worker, worker, world,
};
use super::super::interfaces::{
    IJobManagerDispatcherTrait, IJobManagerSafeDispatcher, IJobManagerSafeDispatcherTrait,
    IProofVerifierDispatcherTrait, IProofVerifierSafeDispatcherTrait,
    IReputationManagerSafeDispatcher, IReputationManagerSafeDispatcherTrait,
    IStakingManagerSafeDispatcher, IStakingManagerSafeDispatcherTrait,
    IValidatorRegistrySafeDispatcher, IValidatorRegistrySafeDispatcherTrait, Outcome,
};
use super::super::jobs::JobManager;
use super::super::ownable::{
    IOwnableDispatcher, IOwnableDispatcherTrait, IOwnableSafeDispatcher,
    IOwnableSafeDispatcherTrait,
};
use super::super::pausable::{
    IPausableDispatcher, IPausableDispatcherTrait, IPausableSafeDispatcher,
    IPausableSafeDispatcherTrait,
};
use super::super::reputation::ReputationManager;
use super::super::staking::StakingManager;
use super::super::token::SageToken;
use super::super::types::Tier;
use super::super::validators::ValidatorRegistry;
use super::super::verifier::ProofVerifier;

fn deploy(class: ClassHash, arguments: Array<felt252>) -> ContractAddress {
    let (address, _) = deploy_syscall(class, 1, arguments.span(), false).unwrap();
    address
}

#[test]
#[feature("safe_dispatcher")]
fn outsiders() {
    let w = with_worker();
    let id = w.submit(1);
    let s = w.try_staking();
    let j = w.try_jobs();
    for caller in array![outsider(), owner()] {
        call_as(caller);
        reverts('UNAUTHORIZED', s.heartbeat(worker()));
        reverts('UNAUTHORIZED', s.set_peer(worker(), "mine"));
        reverts('UNAUTHORIZED', s.lock_bond(worker(), 1));
        reverts('UNAUTHORIZED', s.unlock_bond(worker(), 1));
        reverts('UNAUTHORIZED', s.seize_bond(worker(), 1, caller));
        reverts('UNAUTHORIZED', s.slash(worker(), 1, 'x', caller));
        reverts('UNAUTHORIZED', j.accept_job(id));
        reverts('UNAUTHORIZED', j.cancel(id));
        let r = IReputationManagerSafeDispatcher { contract_address: w.reputation };
        reverts('UNAUTHORIZED', r.record(worker(), Outcome::Finalized));
        reverts('NO_STAKE', s.request_unstake(1));
        reverts('NOTHING_UNBONDING', s.complete_unstake());
        reverts('NOT_A_WORKER', s.deregister());
        reverts('NOT_A_VALIDATOR', w.try_registry().exit());
        reverts('NOT_A_VALIDATOR', w.try_registry().release());
    }
    call_as(worker());
    w.jobs().accept_job(id);
    let signature = sign(w.verifier().fact_id(fact(id, 7)).value, WORKER_KEY);
    call_as(outsider());
    reverts('UNAUTHORIZED', j.submit_proof(id, 99, 7, signature));
}

#[test]
#[feature("safe_dispatcher")]
fn owners() {
    let w = world();
    call_as(outsider());
    for contract_address in array![w.faucet, w.staking, w.verifier, w.jobs, w.privacy] {
        let o = IOwnableSafeDispatcher { contract_address };
        reverts('UNAUTHORIZED', o.schedule(1));
        reverts('UNAUTHORIZED', o.unschedule(1));
        reverts('ACTION_UNKNOWN', o.accept_ownership());
    }
    for contract_address in array![w.faucet, w.staking, w.jobs, w.privacy] {
        let p = IPausableSafeDispatcher { contract_address };
        reverts('UNAUTHORIZED', p.pause());
        reverts('UNAUTHORIZED', p.unpause());
    }
    reverts('UNAUTHORIZED', w.try_staking().add_model('B300', Tier::Frontier));
    reverts('UNAUTHORIZED', w.try_verifier().add_profile('new', 100));
}

#[test]
#[feature("safe_dispatcher")]
fn pauses() {
    let w = with_worker();
    call_as(owner());
    for contract_address in array![w.staking, w.jobs] {
        let p = IPausableSafeDispatcher { contract_address };
        reverts('NOT_PAUSED', p.unpause());
        IPausableDispatcher { contract_address }.pause();
        reverts('PAUSED', p.pause());
    }
    call_as(client());
    let s = w.try_staking();
    reverts('PAUSED', s.stake(1_000 * SAGE, 'T4', WEEK));
    reverts('PAUSED', s.increase_stake(1, 0));
    let payment = array![].span();
    let submitted = w.try_jobs().submit_job(1, 1, 1, 'std', worker(), T0 + 5, T0 + 6, payment);
    reverts('PAUSED', submitted);
    // Nothing holds back what a worker has.
    set_block_timestamp(T0 + WEEK);
    call_as(worker());
    s.request_unstake(1_000 * SAGE).unwrap();
    set_block_timestamp(T0 + 2 * WEEK);
    s.complete_unstake().unwrap();
    assert!(w.balance(worker()) == 10_000, "out");
}

#[test]
#[feature("safe_dispatcher")]
fn configuration() {
    let w = world();
    let o: felt252 = owner().into();
    let arguments = array![o, w.token.into()];
    let contract_address = deploy(StakingManager::TEST_CLASS_HASH, arguments);
    let staking = IStakingManagerSafeDispatcher { contract_address };
    let contract_address = deploy(ReputationManager::TEST_CLASS_HASH, array![o]);
    let reputation = IReputationManagerSafeDispatcher { contract_address };
    let arguments = array![o, w.staking.into(), 3600];
    let contract_address = deploy(ValidatorRegistry::TEST_CLASS_HASH, arguments);
    let registry = IValidatorRegistrySafeDispatcher { contract_address };
    let arguments = array![o, w.staking.into(), w.reputation.into(), w.verifier.into()];
    let contract_address = deploy(JobManager::TEST_CLASS_HASH, arguments);
    let jobs = IJobManagerSafeDispatcher { contract_address };

    call_as(outsider());
    let a = address(1);
    reverts('UNAUTHORIZED', staking.configure(a, a));
    reverts('UNAUTHORIZED', reputation.configure(a));
    reverts('UNAUTHORIZED', registry.configure(a));
    reverts('UNAUTHORIZED', jobs.configure(a));
    reverts('NOT_CONFIGURED', staking.slash(worker(), 1, 'x', outsider()));
    reverts('NOT_CONFIGURED', reputation.record(worker(), Outcome::Finalized));
    let payment = array![].span();
    let submitted = jobs.submit_job(1, 1, 1, 'std', worker(), T0 + 5, T0 + 6, payment);
    reverts('NOT_CONFIGURED', submitted);

    call_as(owner());
    reverts('ZERO_ADDRESS', staking.configure(a, Zero::zero()));
    reverts('ZERO_ADDRESS', reputation.configure(Zero::zero()));
    reverts('ZERO_ADDRESS', registry.configure(Zero::zero()));
    reverts('ZERO_ADDRESS', jobs.configure(Zero::zero()));
    staking.configure(a, a).unwrap();
    reputation.configure(a).unwrap();
    registry.configure(a).unwrap();
    jobs.configure(a).unwrap();
    reverts('ALREADY_CONFIGURED', staking.configure(a, a));
    reverts('ALREADY_CONFIGURED', reputation.configure(a));
    reverts('ALREADY_CONFIGURED', registry.configure(a));
    reverts('ALREADY_CONFIGURED', jobs.configure(a));
}

#[test]
fn constructors() {
    let w = world();
    let o: felt252 = owner().into();
    let staking: felt252 = w.staking.into();
    fails('AMOUNT_TOO_LARGE', SageToken::TEST_CLASS_HASH, array![o, 0, 1]);
    fails('ZERO_ADDRESS', SageToken::TEST_CLASS_HASH, array![0, 1, 0]);
    fails('ZERO_ADDRESS', StakingManager::TEST_CLASS_HASH, array![0, w.token.into()]);
    fails('ZERO_ADDRESS', StakingManager::TEST_CLASS_HASH, array![o, 0]);
    fails('ZERO_ADDRESS', ReputationManager::TEST_CLASS_HASH, array![0]);
    fails('ZERO_ADDRESS', ProofVerifier::TEST_CLASS_HASH, array![o, 0]);
    fails('ZERO_ADDRESS', JobManager::TEST_CLASS_HASH, array![o, staking, 0, 1]);
    fails('ZERO_ADDRESS', ValidatorRegistry::TEST_CLASS_HASH, array![o, 0, 3600]);
    fails('EPOCH_LENGTH', ValidatorRegistry::TEST_CLASS_HASH, array![o, staking, 59]);
    fails('EPOCH_LENGTH', ValidatorRegistry::TEST_CLASS_HASH, array![o, staking, 604801]);
}

/// Wants a deployment to revert.
fn fails(code: felt252, class: ClassHash, arguments: Array<felt252>) {
    reverts(code, deploy_syscall(class, 2, arguments.span(), false));
}

#[test]
#[feature("safe_dispatcher")]
fn profiles() {
    let w = world();
    let o = IOwnableDispatcher { contract_address: w.verifier };
    let v = w.try_verifier();
    call_as(owner());
    reverts('ACTION_UNKNOWN', v.add_profile('new', 100));
    reverts('BAD_PROFILE', v.add_profile('matmul-p96', 100));
    reverts('BAD_PROFILE', v.add_profile('new', 0));
    o.schedule(w.verifier().profile_action('new', 100));
    reverts('ACTION_NOT_READY', v.add_profile('new', 100));
    set_block_timestamp(T0 + 24 * 3600);
    w.verifier().add_profile('new', 100);
    assert!(w.verifier().profile_bits('new') == 100, "bits");
}

/// A token that refuses without reverting, as ERC-20 allows.
#[starknet::interface]
pub trait IRefusingToken<T> {
    fn transfer_from(
        ref self: T, sender: ContractAddress, recipient: ContractAddress, amount: u256,
    ) -> bool;
    fn transfer(ref self: T, recipient: ContractAddress, amount: u256) -> bool;
    fn total_supply(self: @T) -> u256;
}

#[starknet::contract]
pub mod RefusingToken {
    use starknet::ContractAddress;

    #[storage]
    struct Storage {}

    #[abi(embed_v0)]
    impl RefusingTokenImpl of super::IRefusingToken<ContractState> {
        fn transfer_from(
            ref self: ContractState,
            sender: ContractAddress,
            recipient: ContractAddress,
            amount: u256,
        ) -> bool {
            false
        }

        fn transfer(ref self: ContractState, recipient: ContractAddress, amount: u256) -> bool {
            false
        }

        fn total_supply(self: @ContractState) -> u256 {
            1
        }
    }
}

#[test]
#[feature("safe_dispatcher")]
fn refused_transfers() {
    world();
    let token = deploy(RefusingToken::TEST_CLASS_HASH, array![]);
    let arguments = array![owner().into(), token.into()];
    let contract_address = deploy(StakingManager::TEST_CLASS_HASH, arguments);
    let staking = IStakingManagerSafeDispatcher { contract_address };
    reverts('TRANSFER_FAILED', staking.stake(1_000 * SAGE, 'T4', WEEK));
}
