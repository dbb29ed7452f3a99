//! Encrypted amounts and the proofs by which contracts move them: the verifier's part of
//! docs/spec/elgamal.md, whose sections and letters this file follows. An amount b under the key y
//! is (L, R) = (g^b y^r, g^r). What a proof is about comes from the caller, never from the proof.
//! All felts of a message are read, and their number and ranges checked, before anything else.

use core::ec::{EcPoint, NonZeroEcPoint};
use core::poseidon::poseidon_hash_span;
use starknet::ContractAddress;
use super::curve::Power;
use super::types::{Ciphertext, Point};
use super::{curve, errors};

/// Amounts have so many bits.
pub const BITS: u32 = 40;
/// The least number that is no amount.
pub const AMOUNT_LIMIT: u64 = 0x10000000000;

const DOMAIN: felt252 = 'bitsage.elgamal.v1';

/// The base h of the commitments to bits, hashed to the curve. Nobody knows its logarithm.
pub const H: Point = Point {
    x: 0x28f08a8950076da3373d225ccf6b4bf9ff9c232984955308ca0b4de7a2d36aa,
    y: 0x66da7493d06c98bec4ef35dec703cfe9464711f0acefc7d273c89e5cf2374c4,
};

/// What a proof is bound to besides its own statement (section 4), in the order of the transcript.
#[derive(Copy, Drop, Serde)]
pub struct Context {
    pub operation: felt252,
    pub chain_id: felt252,
    pub contract: ContractAddress,
    pub sender: ContractAddress,
    pub nonce: u64,
    pub job_id: u256,
    pub proof_hash: u256,
    pub balance: Ciphertext,
}

/// Everything that the challenges are hashed from (section 5).
#[derive(Copy, Drop, Serde)]
struct Transcript {
    domain: felt252,
    kind: felt252,
    context: Context,
    keys: Span<Point>,
    ciphertexts: Span<Ciphertext>,
    commitments: Span<Point>,
    values: Span<felt252>,
}

/// One equation of a statement: image is the product of powers of bases. The exponents are not the
/// secrets but the responses for them (section 6).
#[derive(Drop)]
pub struct Relation {
    pub image: Point,
    pub powers: Array<Power>,
    /// What the call reverts with if the equation does not hold.
    pub error: felt252,
}

/// What a proof is about.
#[derive(Drop)]
pub struct Statement {
    pub prefix: felt252,
    pub relations: Array<Relation>,
}

fn relation(image: Point, powers: Array<Power>, error: felt252) -> Relation {
    Relation { image, powers, error }
}

fn statement(transcript: Transcript, relations: Array<Relation>) -> Statement {
    let mut felts = array![];
    transcript.serialize(ref felts);
    Statement { prefix: poseidon_hash_span(felts.span()), relations }
}

/// The hash of a prefix and points, which is refused if it is no challenge.
pub fn challenge(prefix: felt252, points: Span<NonZeroEcPoint>) -> felt252 {
    let mut felts = array![prefix];
    for point in points {
        curve::coordinates(*point).serialize(ref felts);
    }
    in_range(poseidon_hash_span(felts.span()))
}

/// A challenge is in [1, n), so that no reduction makes some more likely than others.
pub fn in_range(challenge: felt252) -> felt252 {
    assert(challenge != 0 && curve::is_scalar(challenge), errors::PROOF_CHALLENGE);
    challenge
}

/// The public encryption of 0 with r = 1: the balance of a new account.
pub fn zero(key: Point) -> Ciphertext {
    Ciphertext { l: key, r: curve::GENERATOR }
}

/// The ciphertext less another.
pub fn sub(a: Ciphertext, b: Ciphertext) -> Ciphertext {
    Ciphertext {
        l: curve::encode(point(a.l) - point(b.l)), r: curve::encode(point(a.r) - point(b.r)),
    }
}

/// The ciphertext with a public amount added.
pub fn add_plain(a: Ciphertext, amount: u64) -> Ciphertext {
    Ciphertext { l: curve::encode(point(a.l) + plain(amount)), r: a.r }
}

/// The ciphertext less a public amount.
pub fn sub_plain(a: Ciphertext, amount: u64) -> Ciphertext {
    Ciphertext { l: curve::encode(point(a.l) - plain(amount)), r: a.r }
}

/// Adds a payment to a balance of the key. It never fails: where a part of the sum is the identity,
/// as a payer who made all of the ciphertexts can bring about, the zero of the key is added until
/// none is. Each part rules out one number of times, so twice is enough.
pub fn credit(key: Point, balance: Ciphertext, incoming: Ciphertext) -> Ciphertext {
    let mut l = point(balance.l) + point(incoming.l);
    let mut r = point(balance.r) + point(incoming.r);
    while curve::is_identity(l) || curve::is_identity(r) {
        l += point(key);
        r += point(curve::GENERATOR);
    }
    Ciphertext { l: curve::encode(l), r: curve::encode(r) }
}

fn point(p: Point) -> EcPoint {
    curve::decode(p).into()
}

/// g^amount.
fn plain(amount: u64) -> EcPoint {
    curve::product(array![(curve::decode(curve::GENERATOR), amount.into())].span())
}

/// Takes parts off a message whose length was checked.
#[generate_trait]
impl Message of MessageTrait {
    fn assert_length(self: @Span<felt252>, length: u32) {
        assert((*self).len() == length, errors::PROOF_LENGTH);
    }

    fn scalars(ref self: Span<felt252>, count: u32) -> Span<felt252> {
        let mut scalars = array![];
        for _ in 0..count {
            scalars.append(self.scalar());
        }
        scalars.span()
    }

    fn scalar(ref self: Span<felt252>) -> felt252 {
        let scalar = *self.pop_front().unwrap();
        assert(curve::is_scalar(scalar), errors::PROOF_SCALAR);
        scalar
    }

    fn points(ref self: Span<felt252>, count: u32) -> Span<NonZeroEcPoint> {
        let mut points = array![];
        for _ in 0..count {
            points.append(self.point());
        }
        points.span()
    }

    fn point(ref self: Span<felt252>) -> NonZeroEcPoint {
        let [x, y] = self.multi_pop_front::<2>().unwrap().unbox();
        curve::decode(Point { x, y })
    }

    fn ciphertext(ref self: Span<felt252>) -> Ciphertext {
        let l = curve::coordinates(self.point());
        Ciphertext { l, r: curve::coordinates(self.point()) }
    }

    fn bits(ref self: Span<felt252>) -> Span<Bit> {
        let mut bits = array![];
        for _ in 0..BITS {
            let (v, a0, a1) = (self.point(), self.point(), self.point());
            let (c0, s0, s1) = (self.scalar(), self.scalar(), self.scalar());
            bits.append(Bit { v, a0, a1, c0, s0, s1 });
        }
        bits.span()
    }
}

/// Verifies that the product of each relation is A image^c, for its commitment A.
fn assert_proof(statement: Statement, commitments: Span<NonZeroEcPoint>) {
    let Statement { prefix, relations } = statement;
    let c = curve::negative(challenge(prefix, commitments));
    let mut commitments = commitments;
    for relation in relations {
        let Relation { image, mut powers, error } = relation;
        powers.append((curve::decode(image), c));
        let commitment = *commitments.pop_front().unwrap();
        assert(curve::equals(powers.span(), commitment), error);
    }
}

/// A commitment V = g^b h^r, and a proof that b is 0 or 1 (section 8).
#[derive(Copy, Drop)]
struct Bit {
    v: NonZeroEcPoint,
    a0: NonZeroEcPoint,
    a1: NonZeroEcPoint,
    c0: felt252,
    s0: felt252,
    s1: felt252,
}

/// The commitment to the number that the bits make up, least significant first.
fn sum(mut bits: Span<Bit>) -> Point {
    let last = bits.pop_back().unwrap();
    let mut sum: EcPoint = (*last.v).into();
    while let Some(bit) = bits.pop_back() {
        sum = sum + sum + (*bit.v).into();
    }
    curve::encode(sum)
}

/// The prefix of the first bit under a label. That of the next is greater by 1.
pub fn bits_prefix(prefix: felt252, label: felt252) -> felt252 {
    poseidon_hash_span(array![prefix, label].span())
}

fn assert_bits(prefix: felt252, label: felt252, bits: Span<Bit>) {
    let (g, h) = (point(curve::GENERATOR), curve::decode(H));
    let mut prefix = bits_prefix(prefix, label);
    for bit in bits {
        let Bit { v, a0, a1, c0, s0, s1 } = *bit;
        let c = challenge(prefix, array![v, a0, a1].span());
        let c1 = curve::difference(c, c0);
        let zero = array![(h, s0), (v, curve::negative(c0))];
        let mut one = array![(h, s1)];
        let rest: Option<NonZeroEcPoint> = (v.into() - g).try_into();
        if let Some(rest) = rest {
            one.append((rest, curve::negative(c1)));
        }
        let valid = curve::equals(zero.span(), a0) && curve::equals(one.span(), a1);
        assert(valid, errors::PROOF_BIT);
        prefix += 1;
    }
}

/// Verifies that who made the proof has the secret key (section 7). The values are what else the
/// operation is about.
pub fn verify_ownership(context: Context, key: Point, values: Span<felt252>, proof: Span<felt252>) {
    let mut message = proof;
    message.assert_length(3);
    let commitments = message.points(1);
    assert_proof(ownership_statement(context, key, values, message.scalar()), commitments);
}

/// The exponent is the one for x.
pub fn ownership_statement(
    context: Context, key: Point, values: Span<felt252>, x: felt252,
) -> Statement {
    let transcript = Transcript {
        domain: DOMAIN,
        kind: 'ownership',
        context,
        keys: array![key].span(),
        ciphertexts: array![].span(),
        commitments: array![].span(),
        values,
    };
    let g = curve::decode(curve::GENERATOR);
    statement(transcript, array![relation(key, array![(g, x)], errors::PROOF_KEY)])
}

/// What an auditor gets to read.
#[derive(Copy, Drop)]
pub struct Audit {
    pub auditor: Point,
    /// What is transferred; the amount of a withdrawal is public.
    pub amount: Option<Ciphertext>,
    /// What is left of the balance.
    pub remainder: Ciphertext,
}

/// What a transfer is about, and what becomes of it.
#[derive(Copy, Drop)]
pub struct Transfer {
    /// The amount under the sender's key.
    pub sent: Ciphertext,
    /// The same amount under the recipient's key.
    pub received: Ciphertext,
    pub audit: Option<Audit>,
    /// The sender's new balance.
    pub balance: Ciphertext,
}

/// Verifies a transfer between the owners of two keys (section 10).
pub fn verify_transfer(
    context: Context, from: Point, to: Point, auditor: Option<Point>, message: Span<felt252>,
) -> Transfer {
    let (length, count) = match auditor {
        Some(_) => (761, 10),
        None => (747, 7),
    };
    let mut message = message;
    message.assert_length(length);
    let (sent, received) = (message.ciphertext(), message.ciphertext());
    let mut audit = None;
    if let Some(auditor) = auditor {
        let amount = message.ciphertext();
        audit = Some(Audit { auditor, amount: Some(amount), remainder: message.ciphertext() });
    }
    let (amount, remainder) = (message.bits(), message.bits());
    let commitments = message.points(count);
    let responses = message.scalars(5);

    assert_shared(sent, received);
    if let Some(Audit { amount: Some(amount), .. }) = audit {
        assert_shared(sent, amount);
    }
    let sums = (sum(amount), sum(remainder));
    let transfer = Transfer { sent, received, audit, balance: sub(context.balance, sent) };
    let statement = transfer_statement(context, from, to, @transfer, sums, responses);
    let prefix = statement.prefix;
    assert_proof(statement, commitments);
    assert_bits(prefix, 'amount', amount);
    assert_bits(prefix, 'remainder', remainder);
    transfer
}

fn assert_shared(a: Ciphertext, b: Ciphertext) {
    assert(a.r == b.r, errors::PROOF_SHARED_RANDOMNESS);
}

/// The statement of a transfer with these sums of the bits of amount and remainder. The exponents
/// are those for x, b, r, m, q.
pub fn transfer_statement(
    context: Context,
    from: Point,
    to: Point,
    transfer: @Transfer,
    sums: (Point, Point),
    exponents: Span<felt252>,
) -> Statement {
    let Transfer { sent, received, audit, balance } = *transfer;
    let (v, w) = sums;
    let (g, h) = (curve::decode(curve::GENERATOR), curve::decode(H));
    let (y, z, c) = (curve::decode(from), curve::decode(to), curve::decode(balance.r));
    let (x, b, r) = (*exponents[0], *exponents[1], *exponents[2]);
    let (m, q) = (*exponents[3], *exponents[4]);
    let mut keys = array![from, to];
    let mut ciphertexts = array![sent, received];
    let mut relations = array![
        relation(from, array![(g, x)], errors::PROOF_KEY),
        relation(sent.r, array![(g, r)], errors::PROOF_RANDOMNESS),
        relation(sent.l, array![(g, b), (y, r)], errors::PROOF_CIPHERTEXT),
        relation(balance.l, array![(g, m), (c, x)], errors::PROOF_BALANCE),
        relation(v, array![(g, b), (h, r)], errors::PROOF_HASH),
        relation(w, array![(g, m), (h, q)], errors::PROOF_REMAINDER_COMMITMENT),
        relation(received.l, array![(g, b), (z, r)], errors::PROOF_OTHER_CIPHERTEXT),
    ];
    if let Some(Audit { auditor, amount: Some(amount), remainder }) = audit {
        keys.append(auditor);
        ciphertexts.append(amount);
        ciphertexts.append(remainder);
        let powers = array![(g, b), (curve::decode(auditor), r)];
        relations.append(relation(amount.l, powers, errors::PROOF_AUDIT_AMOUNT));
        append_remainder(ref relations, auditor, remainder, m, q);
    }
    let transcript = Transcript {
        domain: DOMAIN,
        kind: 'transfer',
        context,
        keys: keys.span(),
        ciphertexts: ciphertexts.span(),
        commitments: array![v, w].span(),
        values: array![BITS.into()].span(),
    };
    statement(transcript, relations)
}

/// What is left, under the auditor's key: Lm = g^m a^q, Rm = g^q.
fn append_remainder(
    ref relations: Array<Relation>, auditor: Point, remainder: Ciphertext, m: felt252, q: felt252,
) {
    let g = curve::decode(curve::GENERATOR);
    let powers = array![(g, m), (curve::decode(auditor), q)];
    relations.append(relation(remainder.l, powers, errors::PROOF_AUDIT_REMAINDER));
    relations.append(relation(remainder.r, array![(g, q)], errors::PROOF_AUDIT_RANDOMNESS));
}

/// What becomes of a withdrawal.
#[derive(Copy, Drop)]
pub struct Withdrawal {
    pub audit: Option<Audit>,
    /// The new balance.
    pub balance: Ciphertext,
}

/// Verifies a withdrawal of a public amount for an address (section 11).
pub fn verify_withdrawal(
    context: Context,
    from: Point,
    auditor: Option<Point>,
    amount: u64,
    recipient: felt252,
    message: Span<felt252>,
) -> Withdrawal {
    let (length, count) = match auditor {
        Some(_) => (377, 5),
        None => (369, 3),
    };
    let mut message = message;
    message.assert_length(length);
    let mut audit = None;
    if let Some(auditor) = auditor {
        audit = Some(Audit { auditor, amount: None, remainder: message.ciphertext() });
    }
    let bits = message.bits();
    let commitments = message.points(count);
    let responses = message.scalars(3);

    let values = public(amount, recipient);
    let w = sum(bits);
    let withdrawal = Withdrawal { audit, balance: sub_plain(context.balance, amount) };
    let statement = withdrawal_statement(context, from, @withdrawal, values, w, responses);
    let prefix = statement.prefix;
    assert_proof(statement, commitments);
    assert_bits(prefix, 'remainder', bits);
    withdrawal
}

/// The values of a payment in the open. An amount of more than 40 bits and the recipient 0 are
/// refused.
pub fn public(amount: u64, recipient: felt252) -> Array<felt252> {
    assert_amount(amount);
    assert(recipient != 0, errors::PROOF_RECIPIENT);
    array![amount.into(), recipient]
}

/// Refuses an amount of more than 40 bits.
pub fn assert_amount(amount: u64) {
    assert(amount < AMOUNT_LIMIT, errors::PROOF_AMOUNT);
}

/// The statement of a withdrawal with this sum of the bits of the remainder. The exponents are
/// those for x, m, q.
pub fn withdrawal_statement(
    context: Context,
    from: Point,
    withdrawal: @Withdrawal,
    mut values: Array<felt252>,
    w: Point,
    exponents: Span<felt252>,
) -> Statement {
    let Withdrawal { audit, balance } = *withdrawal;
    let (g, h, c) = (curve::decode(curve::GENERATOR), curve::decode(H), curve::decode(balance.r));
    let (x, m, q) = (*exponents[0], *exponents[1], *exponents[2]);
    let mut keys = array![from];
    let mut ciphertexts = array![];
    let mut relations = array![
        relation(from, array![(g, x)], errors::PROOF_KEY),
        relation(balance.l, array![(g, m), (c, x)], errors::PROOF_BALANCE),
        relation(w, array![(g, m), (h, q)], errors::PROOF_REMAINDER_COMMITMENT),
    ];
    if let Some(Audit { auditor, remainder, .. }) = audit {
        keys.append(auditor);
        ciphertexts.append(remainder);
        append_remainder(ref relations, auditor, remainder, m, q);
    }
    values.append(BITS.into());
    let transcript = Transcript {
        domain: DOMAIN,
        kind: 'withdraw',
        context,
        keys: keys.span(),
        ciphertexts: ciphertexts.span(),
        commitments: array![w].span(),
        values: values.span(),
    };
    statement(transcript, relations)
}

/// Verifies that a public amount for an address is the whole balance (section 7). The new balance
/// is zero(from).
pub fn verify_ragequit(
    context: Context, from: Point, amount: u64, recipient: felt252, proof: Span<felt252>,
) {
    let mut message = proof;
    message.assert_length(5);
    let commitments = message.points(2);
    let x = message.scalar();
    assert_proof(ragequit_statement(context, from, amount, recipient, x), commitments);
}

/// The exponent is the one for x.
pub fn ragequit_statement(
    context: Context, from: Point, amount: u64, recipient: felt252, x: felt252,
) -> Statement {
    let values = public(amount, recipient).span();
    let rest = sub_plain(context.balance, amount);
    let transcript = Transcript {
        domain: DOMAIN,
        kind: 'ragequit',
        context,
        keys: array![from].span(),
        ciphertexts: array![].span(),
        commitments: array![].span(),
        values,
    };
    let (g, c) = (curve::decode(curve::GENERATOR), curve::decode(rest.r));
    let relations = array![
        relation(from, array![(g, x)], errors::PROOF_KEY),
        relation(rest.l, array![(c, x)], errors::PROOF_BALANCE),
    ];
    statement(transcript, relations)
}
