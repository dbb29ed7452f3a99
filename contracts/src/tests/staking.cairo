//! Stakes, bonds, slashes and the powers of an owner.

use core::num::traits::Zero;
use starknet::testing::set_block_timestamp;
use super::world::{
    SAGE, T0, WEEK, WORKER_KEY, WorldTrait, call_as, client, operator, outsider, owner, point,
    public_key, reverts, with_worker, worker, world,
};
use super::super::interfaces::{
    ISageTokenDispatcherTrait, IStakingManagerDispatcherTrait, IStakingManagerSafeDispatcherTrait,
    StakeStatus,
};
use super::super::ownable::{
    IOwnableDispatcher, IOwnableDispatcherTrait, IOwnableSafeDispatcher,
    IOwnableSafeDispatcherTrait,
};
use super::super::types::{Point, Tier};

#[test]
#[feature("safe_dispatcher")]
fn staking_and_locks() {
    let w = world();
    w.fund(worker(), 20_000);
    let s = w.try_staking();
    reverts('UNKNOWN_TIER', s.stake(10_000 * SAGE, 'H1000', WEEK));
    reverts('BELOW_MINIMUM', s.stake(10_000 * SAGE - 1, 'H100', WEEK));
    reverts('LOCK_DURATION', s.stake(10_000 * SAGE, 'H100', WEEK - 1));
    reverts('LOCK_DURATION', s.stake(10_000 * SAGE, 'H100', 4 * 365 * 24 * 3600 + 1));
    reverts('NO_STAKE', s.increase_stake(1, 0));
    w.staking().stake(10_000 * SAGE, 'H100', WEEK);
    reverts('ALREADY_STAKED', s.stake(10_000 * SAGE, 'H100', WEEK));
    reverts('ZERO_AMOUNT', s.increase_stake(0, 0));
    w.staking().increase_stake(1_000 * SAGE, 0);
    w.staking().increase_stake(0, WEEK + 5);
    set_block_timestamp(T0 + WEEK + 4);
    reverts('STAKE_LOCKED', s.request_unstake(SAGE));
    let stake = w.staking().stake_of(worker());
    assert!(stake.amount == 11_000 * SAGE && stake.tier == Tier::Enterprise, "stake");
    assert!(stake.locked_until == T0 + WEEK + 5, "lock");
    set_block_timestamp(T0 + WEEK + 5);
    match w.staking().verify_stake(worker()) {
        StakeStatus::Unlocked => {},
        _ => panic!("not unlocked"),
    }
    w.check_sums();
}

fn long_peer() -> ByteArray {
    "a libp2p identity is never as long as this one, of 65 characters."
}

#[test]
#[feature("safe_dispatcher")]
fn workers() {
    let w = world();
    let s = w.try_staking();
    let key = public_key(WORKER_KEY);
    call_as(worker());
    reverts('STAKE_NOT_VALID', s.register_worker("a", key, point(5), 0));
    w.fund(worker(), 20_000);
    w.staking().stake(10_000 * SAGE, 'H100', WEEK);
    reverts('BAD_PEER_ID', s.register_worker("", key, point(5), 0));
    reverts('BAD_PEER_ID', s.register_worker(long_peer(), key, point(5), 0));
    reverts('BAD_KEY', s.register_worker("a", key, Point { x: 1, y: 1 }, 0));
    reverts('BAD_KEY', s.register_worker("a", key, Point { x: 0, y: 0 }, 0));
    reverts('BAD_KEY', s.register_worker("a", 0x5, point(5), 0));
    reverts('NOT_A_WORKER', s.heartbeat(worker()));
    w.staking().register_worker("a", key, point(5), 0);
    w.staking().set_operator(operator());
    set_block_timestamp(T0 + 10);
    call_as(operator());
    w.staking().heartbeat(worker());
    assert!(w.staking().worker(worker()).last_heartbeat == T0 + 10, "heartbeat");
    reverts('NO_STAKE', s.request_unstake(SAGE));
    call_as(worker());
    w.staking().deregister();
    reverts('NOT_A_WORKER', s.deregister());
}

#[test]
#[feature("safe_dispatcher")]
fn peers() {
    let w = with_worker();
    let s = w.try_staking();
    let before = w.staking().worker(worker());
    let stake = w.staking().stake_of(worker());
    set_block_timestamp(T0 + 10);
    for caller in array![outsider(), owner(), client()] {
        call_as(caller);
        reverts('UNAUTHORIZED', s.set_peer(worker(), "another peer"));
        reverts('NOT_A_WORKER', s.set_peer(caller, "another peer"));
    }
    call_as(operator());
    reverts('BAD_PEER_ID', s.set_peer(worker(), ""));
    reverts('BAD_PEER_ID', s.set_peer(worker(), long_peer()));
    // A peer of 64 bytes, and then a shorter one.
    let longest: ByteArray = "a libp2p identity is never as long as this one, of 64 characters";
    assert!(longest.len() == 64, "the longest peer");
    w.staking().set_peer(worker(), longest.clone());
    assert!(w.staking().worker(worker()).peer_id == longest, "the longest peer");
    call_as(worker());
    w.staking().set_peer(worker(), "peer");
    // Nothing else changed.
    let after = w.staking().worker(worker());
    assert!(after.peer_id == "peer" && after.active, "peer");
    assert!(after.signing_key == before.signing_key, "signing key");
    assert!(after.elgamal_key == before.elgamal_key, "ElGamal key");
    assert!(after.tee_quote_hash == before.tee_quote_hash, "TEE quote");
    assert!(after.last_heartbeat == before.last_heartbeat, "heartbeat");
    let now = w.staking().stake_of(worker());
    assert!(now.amount == stake.amount && now.bonded == stake.bonded, "stake");
    // Who lost the operator's key names another, who sets the peer right.
    w.staking().set_operator(outsider());
    call_as(operator());
    reverts('UNAUTHORIZED', s.set_peer(worker(), "another peer"));
    call_as(outsider());
    w.staking().set_peer(worker(), "the right peer");
    call_as(worker());
    w.staking().deregister();
    reverts('NOT_A_WORKER', s.set_peer(worker(), "peer"));
    call_as(outsider());
    reverts('NOT_A_WORKER', s.set_peer(worker(), "peer"));
}

#[test]
#[feature("safe_dispatcher")]
fn unbonding() {
    let w = with_worker();
    let s = w.try_staking();
    set_block_timestamp(T0 + WEEK);
    call_as(worker());
    reverts('ZERO_AMOUNT', s.request_unstake(0));
    reverts('BOND_EXCEEDS_STAKE', s.request_unstake(11_001 * SAGE));
    reverts('BELOW_MINIMUM', s.request_unstake(1_001 * SAGE));
    reverts('WORKER_ACTIVE', s.request_unstake(11_000 * SAGE));
    w.staking().deregister();
    reverts('NOTHING_UNBONDING', s.complete_unstake());
    w.staking().request_unstake(1_000 * SAGE);
    reverts('UNBONDING_PENDING', s.request_unstake(10_000 * SAGE));
    set_block_timestamp(T0 + 2 * WEEK - 1);
    reverts('STILL_UNBONDING', s.complete_unstake());
    set_block_timestamp(T0 + 2 * WEEK);
    w.staking().complete_unstake();
    w.check_sums();
    w.staking().request_unstake(10_000 * SAGE);
    set_block_timestamp(T0 + 3 * WEEK);
    w.staking().complete_unstake();
    assert!(w.balance(worker()) == 20_000 && w.staking().total_staked() == 0, "all is back");
}

#[test]
fn slashes() {
    let w = with_worker();
    set_block_timestamp(T0 + WEEK);
    call_as(worker());
    w.staking().request_unstake(1_000 * SAGE);
    call_as(w.jobs);
    // What is unbonding goes first.
    let taken = w.staking().slash(worker(), 1_500 * SAGE, 'x', outsider());
    let stake = w.staking().stake_of(worker());
    assert!(taken == 1_500 * SAGE, "taken");
    assert!(stake.unbonding == 0 && stake.amount == 9_500 * SAGE, "slashed");
    assert!(w.balance(outsider()) == 75, "reward");
    assert!(w.token().total_supply() == (1_000_000 - 1_425) * SAGE, "burned");
    w.check_sums();
    // Who reports itself gets nothing.
    w.staking().slash(worker(), 500 * SAGE, 'x', worker());
    assert!(w.balance(worker()) == 9_000, "no reward");
    // The reward has a cap, and a slash takes no more than there is.
    w.fund(operator(), 30_000);
    w.staking().stake(30_000 * SAGE, 'B200', WEEK);
    call_as(w.registry);
    assert!(w.staking().slash(operator(), 40_000 * SAGE, 'x', client()) == 30_000 * SAGE, "all");
    assert!(w.staking().slash(operator(), SAGE, 'x', client()) == 0, "nothing is left");
    assert!(w.balance(client()) == 500, "cap");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn bonds_of_holders() {
    let w = with_worker();
    call_as(w.jobs);
    w.staking().lock_bond(worker(), 6_000 * SAGE);
    call_as(w.registry);
    reverts('BOND_EXCEEDS_STAKE', w.try_staking().lock_bond(worker(), 5_001 * SAGE));
    reverts('BOND_UNKNOWN', w.try_staking().unlock_bond(worker(), 1));
    reverts('BOND_UNKNOWN', w.try_staking().seize_bond(worker(), 1, outsider()));
    w.staking().lock_bond(worker(), 5_000 * SAGE);
    // A slash may leave less than the bonds; nothing that follows may revert for it.
    assert!(w.staking().slash(worker(), 8_000 * SAGE, 'x', Zero::zero()) == 8_000 * SAGE, "slash");
    reverts('BOND_EXCEEDS_STAKE', w.try_staking().lock_bond(worker(), 1));
    call_as(w.jobs);
    assert!(w.staking().seize_bond(worker(), 6_000 * SAGE, client()) == 3_000 * SAGE, "rest");
    assert!(w.balance(client()) == 3_000, "client");
    call_as(w.registry);
    w.staking().unlock_bond(worker(), 5_000 * SAGE);
    let st = w.staking().stake_of(worker());
    assert!(st.amount == 0 && st.bonded == 0, "empty");
    w.check_sums();
}

#[test]
#[feature("safe_dispatcher")]
fn timelock() {
    let w = world();
    let o = IOwnableDispatcher { contract_address: w.staking };
    let so = IOwnableSafeDispatcher { contract_address: w.staking };
    call_as(outsider());
    let a = w.staking().model_action('B300', Tier::Frontier);
    reverts('UNAUTHORIZED', so.schedule(a));
    reverts('UNAUTHORIZED', w.try_staking().add_model('B300', Tier::Frontier));
    call_as(owner());
    reverts('ACTION_UNKNOWN', w.try_staking().add_model('B300', Tier::Frontier));
    reverts('MODEL_EXISTS', w.try_staking().add_model('H100', Tier::Frontier));
    o.schedule(a);
    reverts('ACTION_SCHEDULED', so.schedule(a));
    set_block_timestamp(T0 + 24 * 3600 - 1);
    reverts('ACTION_NOT_READY', w.try_staking().add_model('B300', Tier::Frontier));
    set_block_timestamp(T0 + 24 * 3600);
    reverts('ACTION_UNKNOWN', w.try_staking().add_model('B300', Tier::Consumer));
    w.staking().add_model('B300', Tier::Frontier);
    reverts('MODEL_EXISTS', w.try_staking().add_model('B300', Tier::Frontier));
    assert!(w.staking().minimum_stake('B300') == 25_000 * SAGE, "model");
    o.schedule(o.ownership_action(client()));
    o.schedule(5);
    o.unschedule(5);
    reverts('ACTION_UNKNOWN', so.unschedule(5));
    set_block_timestamp(T0 + 48 * 3600);
    call_as(outsider());
    reverts('ACTION_UNKNOWN', so.accept_ownership());
    call_as(client());
    o.accept_ownership();
    assert!(o.owner() == client(), "owner");
    call_as(owner());
    reverts('UNAUTHORIZED', so.schedule(6));
    call_as(client());
    o.schedule(o.ownership_action(owner()));
    set_block_timestamp(T0 + 64 * 24 * 3600);
    call_as(owner());
    reverts('ACTION_STALE', so.accept_ownership());
}
