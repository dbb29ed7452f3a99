//! The Stark curve: points, numbers modulo the order of its group, products of powers, and
//! signatures. A point that is read is never the identity. The group is of prime order, so nothing
//! else has to be checked of one.

use core::ec::{EcPoint, EcPointTrait, EcStateTrait, NonZeroEcPoint, stark_curve};
use core::ecdsa::check_ecdsa_signature;
use super::errors;
use super::types::{Point, Signature};

/// The base of keys and signatures.
pub const GENERATOR: Point = Point { x: stark_curve::GEN_X, y: stark_curve::GEN_Y };

/// The order n of the group.
const ORDER: u256 = 0x800000000000010ffffffffffffffffb781126dcae7b2321e66a241adc64d2f;

/// Reads a point of a proof, ciphertext or key. The identity, as (0, 0), is refused, and what is
/// not on the curve.
pub fn decode(point: Point) -> NonZeroEcPoint {
    match EcPointTrait::new_nz(point.x, point.y) {
        Some(point) => point,
        None => {
            assert(point.x != 0 || point.y != 0, errors::PROOF_IDENTITY);
            core::panic_with_felt252(errors::PROOF_POINT)
        },
    }
}

pub fn is_identity(point: EcPoint) -> bool {
    let point: Option<NonZeroEcPoint> = point.try_into();
    point.is_none()
}

/// The coordinates of a point, which must not be the identity.
pub fn encode(point: EcPoint) -> Point {
    let point: Option<NonZeroEcPoint> = point.try_into();
    coordinates(point.expect(errors::PROOF_IDENTITY))
}

pub fn coordinates(point: NonZeroEcPoint) -> Point {
    let (x, y) = point.coordinates();
    Point { x, y }
}

/// Refuses what is no key: the identity, and what is not on the curve.
pub fn assert_key(point: Point) {
    assert(EcPointTrait::new_nz(point.x, point.y).is_some(), errors::BAD_KEY);
}

/// Refuses what is not the x coordinate of a point.
pub fn assert_key_x(x: felt252) {
    assert(EcPointTrait::new_nz_from_x(x).is_some(), errors::BAD_KEY);
}

/// A base and its exponent, in [0, n].
pub type Power = (NonZeroEcPoint, felt252);

/// The product of powers.
pub fn product(powers: Span<Power>) -> EcPoint {
    let mut state = EcStateTrait::init();
    for (base, exponent) in powers {
        state.add_mul(*exponent, *base);
    }
    state.finalize()
}

/// Whether the product of powers is this point.
pub fn equals(powers: Span<Power>, point: NonZeroEcPoint) -> bool {
    let product: Option<NonZeroEcPoint> = product(powers).try_into();
    match product {
        Some(product) => product.coordinates() == point.coordinates(),
        None => false,
    }
}

/// Whether a felt is below n.
pub fn is_scalar(value: felt252) -> bool {
    value.into() < ORDER
}

/// -a modulo n, in [1, n], for a below n.
pub fn negative(a: felt252) -> felt252 {
    stark_curve::ORDER - a
}

/// a - b modulo n, for a and b below n.
pub fn difference(a: felt252, b: felt252) -> felt252 {
    let (left, right): (u256, u256) = (a.into(), b.into());
    if left < right {
        // Above 0 and below n: no felt is left or entered on the way.
        a + (stark_curve::ORDER - b)
    } else {
        a - b
    }
}

/// Reports whether the holder of the key, an x coordinate, signed the hash.
pub fn signed(hash: felt252, key: felt252, signature: Signature) -> bool {
    check_ecdsa_signature(hash, key, signature.r, signature.s)
}
