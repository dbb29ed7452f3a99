//! Token and faucet.

use core::num::traits::Zero;
use starknet::testing::set_block_timestamp;
use super::world::{SAGE, T0, WorldTrait, call_as, client, outsider, owner, reverts, worker, world};
use super::super::interfaces::{
    IFaucetDispatcher, IFaucetDispatcherTrait, IFaucetSafeDispatcher, IFaucetSafeDispatcherTrait,
    ISageTokenDispatcherTrait, ISageTokenSafeDispatcher, ISageTokenSafeDispatcherTrait,
};
use super::super::pausable::{
    IPausableDispatcher, IPausableDispatcherTrait, IPausableSafeDispatcher,
    IPausableSafeDispatcherTrait,
};

#[test]
#[feature("safe_dispatcher")]
fn token() {
    let w = world();
    let t = w.token();
    let s = ISageTokenSafeDispatcher { contract_address: w.token };
    assert!(t.name() == "BitSage" && t.symbol() == "SAGE" && t.decimals() == 18, "meta");
    call_as(owner());
    t.transfer(client(), 5);
    t.transfer(owner(), 5);
    t.approve(outsider(), 7);
    call_as(outsider());
    reverts('INSUFFICIENT_ALLOWANCE', s.transfer_from(owner(), outsider(), 8));
    t.transfer_from(owner(), outsider(), 7);
    reverts('INSUFFICIENT_ALLOWANCE', s.transfer_from(owner(), outsider(), 1));
    reverts('INSUFFICIENT_BALANCE', s.transfer(client(), 8));
    reverts('ZERO_ADDRESS', s.transfer(Zero::zero(), 1));
    reverts('INSUFFICIENT_BALANCE', s.burn(8));
    t.burn(7);
    assert!(t.total_supply() == 1_000_000 * SAGE - 7, "supply");
}

#[test]
#[feature("safe_dispatcher")]
fn faucet() {
    let w = world();
    let f = IFaucetDispatcher { contract_address: w.faucet };
    let s = IFaucetSafeDispatcher { contract_address: w.faucet };
    call_as(client());
    reverts('FAUCET_EMPTY', s.claim());
    call_as(owner());
    w.token().approve(w.faucet, 10_000 * SAGE);
    reverts('ZERO_AMOUNT', s.refill(0));
    f.refill(10_000 * SAGE);
    call_as(client());
    f.claim();
    reverts('CLAIM_TOO_SOON', s.claim());
    reverts('UNAUTHORIZED', IPausableSafeDispatcher { contract_address: w.faucet }.pause());
    call_as(owner());
    IPausableDispatcher { contract_address: w.faucet }.pause();
    call_as(worker());
    reverts('PAUSED', s.claim());
    call_as(owner());
    IPausableDispatcher { contract_address: w.faucet }.unpause();
    set_block_timestamp(T0 + 24 * 3600);
    call_as(client());
    f.claim();
    call_as(worker());
    reverts('CAP_REACHED', s.claim());
    let i = f.claim_info(client());
    assert!(
        i.remaining == 0 && i.next_claim == T0 + 48 * 3600 && w.balance(client()) == 2000, "info",
    );
}
