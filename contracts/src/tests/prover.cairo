//! The prover's part of docs/spec/elgamal.md, with randomness that is good enough for tests.

use core::ec::{NonZeroEcPoint, stark_curve};
use core::math::u256_mul_mod_n;
use core::poseidon::poseidon_hash_span;
use super::super::elgamal::{Audit, Context, Statement, Transfer, Withdrawal};
use super::super::types::{Ciphertext, Point};
use super::super::{curve, elgamal};

/// Where the next random number comes from.
#[derive(Drop)]
struct Random {
    state: felt252,
}

#[generate_trait]
impl RandomImpl of RandomTrait {
    fn scalar(ref self: Random) -> felt252 {
        self.state = poseidon_hash_span(array![self.state].span());
        modulo(self.state.into())
    }

    fn scalars(ref self: Random, count: u32) -> Span<felt252> {
        let mut scalars = array![];
        for _ in 0..count {
            scalars.append(self.scalar());
        }
        scalars.span()
    }
}

fn modulo(a: u256) -> felt252 {
    let n: u256 = stark_curve::ORDER.into();
    (a % n).try_into().unwrap()
}

/// a + b c modulo n.
fn mul_add(a: felt252, b: felt252, c: felt252) -> felt252 {
    let n: u256 = stark_curve::ORDER.into();
    modulo(a.into() + u256_mul_mod_n(b.into(), c.into(), n.try_into().unwrap()))
}

fn power(base: Point, exponent: felt252) -> Point {
    curve::encode(curve::product(array![(curve::decode(base), exponent)].span()))
}

fn product(a: Point, x: felt252, b: Point, y: felt252) -> Point {
    curve::encode(curve::product(array![(curve::decode(a), x), (curve::decode(b), y)].span()))
}

pub fn public_key(secret: felt252) -> Point {
    power(curve::GENERATOR, secret)
}

/// The encryption of b with randomness r.
pub fn seal(key: Point, b: felt252, r: felt252) -> Ciphertext {
    Ciphertext { l: product(curve::GENERATOR, b, key, r), r: power(curve::GENERATOR, r) }
}

/// Whether a ciphertext holds the amount under the secret's key.
pub fn holds(secret: felt252, c: Ciphertext, amount: u64) -> bool {
    let powers = array![
        (curve::decode(curve::GENERATOR), amount.into()), (curve::decode(c.r), secret),
    ];
    curve::equals(powers.span(), curve::decode(c.l))
}

/// Commitments and responses for a statement whose exponents are the nonces.
fn prove(statement: Statement, nonces: Span<felt252>, secrets: Span<felt252>) -> Array<felt252> {
    let mut commitments: Array<NonZeroEcPoint> = array![];
    let mut felts = array![];
    for relation in statement.relations {
        let commitment = curve::encode(curve::product(relation.powers.span()));
        commitment.serialize(ref felts);
        commitments.append(curve::decode(commitment));
    }
    let c = elgamal::challenge(statement.prefix, commitments.span());
    for i in 0..secrets.len() {
        felts.append(mul_add(*nonces[i], c, *secrets[i]));
    }
    felts
}

/// The bits of a value whose commitments add up to g^value h^r.
fn prove_bits(
    ref random: Random, prefix: felt252, label: felt252, value: u64, r: felt252,
) -> Array<felt252> {
    let mut prefix = elgamal::bits_prefix(prefix, label);
    let parts = random.scalars(elgamal::BITS - 1);
    let mut first = r;
    let mut weight = 1;
    for part in parts {
        weight *= 2;
        first = mul_add(first, weight, curve::negative(*part));
    }
    let mut felts = array![];
    let mut value = value;
    for i in 0..elgamal::BITS {
        let r = if i == 0 {
            first
        } else {
            *parts[i - 1]
        };
        prove_bit(ref random, prefix, value % 2 == 1, r, ref felts);
        value /= 2;
        prefix += 1;
    }
    felts
}

fn prove_bit(
    ref random: Random, prefix: felt252, bit: bool, r: felt252, ref felts: Array<felt252>,
) {
    let (g, h) = (curve::decode(curve::GENERATOR).into(), curve::decode(elgamal::H));
    let (k, sim_c, sim_s) = (random.scalar(), random.scalar(), random.scalar());
    let honest = power(elgamal::H, k);
    let h_to_r = curve::product(array![(h, r)].span());
    // The other branch says that rest is a power of h: V if the bit is 1, V/g if it is 0.
    let (v, rest) = if bit {
        (h_to_r + g, h_to_r + g)
    } else {
        (h_to_r, h_to_r - g)
    };
    let v = curve::encode(v);
    let rest = curve::decode(curve::encode(rest));
    let powers = array![(h, sim_s), (rest, curve::negative(sim_c))];
    let simulated = curve::encode(curve::product(powers.span()));
    let (a0, a1) = if bit {
        (simulated, honest)
    } else {
        (honest, simulated)
    };
    let points = array![curve::decode(v), curve::decode(a0), curve::decode(a1)].span();
    let c = curve::difference(elgamal::challenge(prefix, points), sim_c);
    let s = mul_add(k, c, r);
    (v, a0, a1).serialize(ref felts);
    if bit {
        (sim_c, sim_s, s).serialize(ref felts);
    } else {
        (c, s, sim_s).serialize(ref felts);
    }
}

pub fn prove_ownership(context: Context, secret: felt252, values: Span<felt252>) -> Span<felt252> {
    let mut random = Random { state: context.nonce.into() };
    let nonces = random.scalars(1);
    let key = public_key(secret);
    let statement = elgamal::ownership_statement(context, key, values, *nonces[0]);
    prove(statement, nonces, array![secret].span()).span()
}

/// A transfer of an amount out of a balance.
pub fn prove_transfer(
    context: Context, secret: felt252, to: Point, auditor: Option<Point>, balance: u64, amount: u64,
) -> Span<felt252> {
    let mut random = Random { state: context.nonce.into() };
    let remainder = balance - amount;
    let (r, q) = (random.scalar(), random.scalar());
    let secrets = array![secret, amount.into(), r, remainder.into(), q].span();
    let transfer = transfer(context, secret, to, auditor, secrets);
    transfer_message(context, to, @transfer, (amount, remainder), secrets)
}

/// What x, b, r, m, q make of a transfer.
pub fn transfer(
    context: Context, secret: felt252, to: Point, auditor: Option<Point>, secrets: Span<felt252>,
) -> Transfer {
    let (b, r, m, q) = (*secrets[1], *secrets[2], *secrets[3], *secrets[4]);
    let (sent, received) = (seal(public_key(secret), b, r), seal(to, b, r));
    let mut audit = None;
    if let Some(auditor) = auditor {
        let (amount, remainder) = (Some(seal(auditor, b, r)), seal(auditor, m, q));
        audit = Some(Audit { auditor, amount, remainder });
    }
    Transfer { sent, received, audit, balance: elgamal::sub(context.balance, sent) }
}

/// The best message that knowledge of these secrets allows, with these amount and remainder as
/// bits.
pub fn transfer_message(
    context: Context, to: Point, transfer: @Transfer, bits: (u64, u64), secrets: Span<felt252>,
) -> Span<felt252> {
    let mut random = Random { state: *secrets[2] };
    let Transfer { sent, received, audit, .. } = *transfer;
    let (amount, remainder) = bits;
    let (r, q) = (*secrets[2], *secrets[4]);
    let mut felts = array![];
    (sent, received).serialize(ref felts);
    if let Some(Audit { amount: Some(amount), remainder, .. }) = audit {
        (amount, remainder).serialize(ref felts);
    }
    let (g, h) = (curve::GENERATOR, elgamal::H);
    let sums = (product(g, amount.into(), h, r), product(g, remainder.into(), h, q));
    let nonces = random.scalars(5);
    let from = public_key(*secrets[0]);
    let statement = elgamal::transfer_statement(context, from, to, transfer, sums, nonces);
    let prefix = statement.prefix;
    felts.append_span(prove_bits(ref random, prefix, 'amount', amount, r).span());
    felts.append_span(prove_bits(ref random, prefix, 'remainder', remainder, q).span());
    felts.append_span(prove(statement, nonces, secrets).span());
    felts.span()
}

/// A withdrawal of an amount out of a balance.
pub fn prove_withdrawal(
    context: Context,
    secret: felt252,
    auditor: Option<Point>,
    balance: u64,
    amount: u64,
    recipient: felt252,
) -> Span<felt252> {
    let mut random = Random { state: context.nonce.into() };
    let q = random.scalar();
    let m: felt252 = (balance - amount).into();
    let mut felts = array![];
    let mut audit = None;
    if let Some(auditor) = auditor {
        let remainder = seal(auditor, m, q);
        remainder.serialize(ref felts);
        audit = Some(Audit { auditor, amount: None, remainder });
    }
    let left = elgamal::sub_plain(context.balance, amount);
    let w = product(curve::GENERATOR, m, elgamal::H, q);
    let nonces = random.scalars(3);
    let statement = elgamal::withdrawal_statement(
        context,
        public_key(secret),
        @Withdrawal { audit, balance: left },
        elgamal::public(amount, recipient),
        w,
        nonces,
    );
    let prefix = statement.prefix;
    felts.append_span(prove_bits(ref random, prefix, 'remainder', balance - amount, q).span());
    felts.append_span(prove(statement, nonces, array![secret, m, q].span()).span());
    felts.span()
}

pub fn prove_ragequit(
    context: Context, secret: felt252, amount: u64, recipient: felt252,
) -> Span<felt252> {
    let mut random = Random { state: context.nonce.into() };
    let nonces = random.scalars(1);
    let key = public_key(secret);
    let statement = elgamal::ragequit_statement(context, key, amount, recipient, *nonces[0]);
    prove(statement, nonces, array![secret].span()).span()
}
