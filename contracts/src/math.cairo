//! Arithmetic on amounts of the token. The supply fits in 128 bits (SageToken's constructor checks
//! it), so no product below can overflow a u256; Cairo's own operators panic if one does.

use core::cmp::min;
use super::errors;

const BASIS_POINTS: u256 = 10_000;

/// amount * bps / 10,000, rounded down.
pub fn share(amount: u256, bps: u256) -> u256 {
    amount * bps / BASIS_POINTS
}

/// a - b, or 0 if b is larger.
pub fn sub_or_zero(a: u256, b: u256) -> u256 {
    a - min(a, b)
}

/// The least weight that is more than two thirds of the total.
pub fn quorum(total: u256) -> u256 {
    total * 2 / 3 + 1
}

/// The amount as a u128.
pub fn narrow(amount: u256) -> u128 {
    let narrowed: Option<u128> = amount.try_into();
    narrowed.expect(errors::AMOUNT_TOO_LARGE)
}
