//! Every reason for which a call of these contracts reverts, as the short string that the caller
//! sees. The Go bindings list them with these comments.

/// An address that must name an account or contract is zero.
pub const ZERO_ADDRESS: felt252 = 'ZERO_ADDRESS';
/// An amount that must be positive is zero.
pub const ZERO_AMOUNT: felt252 = 'ZERO_AMOUNT';
/// An amount does not fit in 128 bits.
pub const AMOUNT_TOO_LARGE: felt252 = 'AMOUNT_TOO_LARGE';
/// The caller is not the one account or contract that may call the function.
pub const UNAUTHORIZED: felt252 = 'UNAUTHORIZED';
/// The contracts that this one works with are already set, and are set only once.
pub const ALREADY_CONFIGURED: felt252 = 'ALREADY_CONFIGURED';
/// The contracts that this one works with are not set yet.
pub const NOT_CONFIGURED: felt252 = 'NOT_CONFIGURED';
/// The owner has paused the intake of this contract.
pub const PAUSED: felt252 = 'PAUSED';
/// The contract is not paused.
pub const NOT_PAUSED: felt252 = 'NOT_PAUSED';

/// The action of the owner is already scheduled.
pub const ACTION_SCHEDULED: felt252 = 'ACTION_SCHEDULED';
/// The action of the owner was never scheduled, or was cancelled or executed.
pub const ACTION_UNKNOWN: felt252 = 'ACTION_UNKNOWN';
/// The delay of the scheduled action has not passed.
pub const ACTION_NOT_READY: felt252 = 'ACTION_NOT_READY';
/// The scheduled action was not executed in time.
pub const ACTION_STALE: felt252 = 'ACTION_STALE';

/// The balance of the token is smaller than the amount.
pub const INSUFFICIENT_BALANCE: felt252 = 'INSUFFICIENT_BALANCE';
/// The allowance of the spender is smaller than the amount.
pub const INSUFFICIENT_ALLOWANCE: felt252 = 'INSUFFICIENT_ALLOWANCE';
/// The token refused a transfer.
pub const TRANSFER_FAILED: felt252 = 'TRANSFER_FAILED';

/// The account claimed less than a day ago.
pub const CLAIM_TOO_SOON: felt252 = 'CLAIM_TOO_SOON';
/// The faucet has given out all that it may.
pub const CAP_REACHED: felt252 = 'CAP_REACHED';
/// The faucet does not hold the amount.
pub const FAUCET_EMPTY: felt252 = 'FAUCET_EMPTY';

/// No tier and no GPU model has this name.
pub const UNKNOWN_TIER: felt252 = 'UNKNOWN_TIER';
/// The GPU model is already in the table.
pub const MODEL_EXISTS: felt252 = 'MODEL_EXISTS';
/// The stake would be below the minimum of its tier.
pub const BELOW_MINIMUM: felt252 = 'BELOW_MINIMUM';
/// The lock is shorter than 7 days or longer than 4 years.
pub const LOCK_DURATION: felt252 = 'LOCK_DURATION';
/// The account has a stake already; increase it.
pub const ALREADY_STAKED: felt252 = 'ALREADY_STAKED';
/// The account has no stake.
pub const NO_STAKE: felt252 = 'NO_STAKE';
/// The lock of the stake has not ended.
pub const STAKE_LOCKED: felt252 = 'STAKE_LOCKED';
/// The amount is larger than the part of the stake that secures nothing.
pub const BOND_EXCEEDS_STAKE: felt252 = 'BOND_EXCEEDS_STAKE';
/// The caller releases or seizes more than it holds as bonds of the account.
pub const BOND_UNKNOWN: felt252 = 'BOND_UNKNOWN';
/// An earlier request is still unbonding; complete it first.
pub const UNBONDING_PENDING: felt252 = 'UNBONDING_PENDING';
/// The unbonding period has not passed.
pub const STILL_UNBONDING: felt252 = 'STILL_UNBONDING';
/// Nothing is unbonding.
pub const NOTHING_UNBONDING: felt252 = 'NOTHING_UNBONDING';
/// The account is a registered worker; deregister first.
pub const WORKER_ACTIVE: felt252 = 'WORKER_ACTIVE';
/// The account is no registered worker.
pub const NOT_A_WORKER: felt252 = 'NOT_A_WORKER';
/// The account's stake is not one for this role, is too small, or is not locked.
pub const STAKE_NOT_VALID: felt252 = 'STAKE_NOT_VALID';
/// The libp2p identity is empty or longer than 64 bytes.
pub const BAD_PEER_ID: felt252 = 'BAD_PEER_ID';
/// A key is not a point of the Stark curve, or not the x coordinate of one.
pub const BAD_KEY: felt252 = 'BAD_KEY';

/// The account is a validator already.
pub const ALREADY_VALIDATOR: felt252 = 'ALREADY_VALIDATOR';
/// The account is no validator in the state that the call needs.
pub const NOT_A_VALIDATOR: felt252 = 'NOT_A_VALIDATOR';
/// The account was a validator that equivocated, and can never be one again.
pub const TOMBSTONED: felt252 = 'TOMBSTONED';
/// Another validator uses the vote key.
pub const KEY_IN_USE: felt252 = 'KEY_IN_USE';
/// All places for validators are taken by stakes at least as large.
pub const SET_FULL: felt252 = 'SET_FULL';
/// There is no validator to begin the first epoch with.
pub const SET_EMPTY: felt252 = 'SET_EMPTY';
/// The epoch, or what must end before the call, has not ended.
pub const EPOCH_NOT_OVER: felt252 = 'EPOCH_NOT_OVER';
/// The length of epochs is out of bounds.
pub const EPOCH_LENGTH: felt252 = 'EPOCH_LENGTH';
/// The epoch has not begun, or is too long ago.
pub const BAD_EPOCH: felt252 = 'BAD_EPOCH';
/// The epoch's set has no validator at the index.
pub const BAD_INDEX: felt252 = 'BAD_INDEX';
/// A signature does not verify.
pub const BAD_SIGNATURE: felt252 = 'BAD_SIGNATURE';
/// The evidence came after the window in which it counts.
pub const EVIDENCE_EXPIRED: felt252 = 'EVIDENCE_EXPIRED';
/// The offence was punished already.
pub const ALREADY_SLASHED: felt252 = 'ALREADY_SLASHED';
/// The evidence shows no offence.
pub const NO_OFFENCE: felt252 = 'NO_OFFENCE';

/// The verdict is neither valid nor invalid.
pub const BAD_VERDICT: felt252 = 'BAD_VERDICT';
/// The number of signatures is not that of the bits in the bitmap.
pub const SIGNATURE_COUNT: felt252 = 'SIGNATURE_COUNT';
/// The signers weigh less than two thirds of the set plus one.
pub const NO_QUORUM: felt252 = 'NO_QUORUM';
/// The fact has a certificate of this verdict already.
pub const FACT_RECORDED: felt252 = 'FACT_RECORDED';
/// The security profile is not in the table, or is in it already.
pub const BAD_PROFILE: felt252 = 'BAD_PROFILE';
/// The profile proves fewer bits of security than jobs need.
pub const PROFILE_TOO_WEAK: felt252 = 'PROFILE_TOO_WEAK';

/// The client has submitted this task before.
pub const JOB_EXISTS: felt252 = 'JOB_EXISTS';
/// The job is not in a state that allows the call.
pub const BAD_STATE: felt252 = 'BAD_STATE';
/// The deadlines are not now < lock deadline < deadline <= now + 90 days.
pub const BAD_DEADLINE: felt252 = 'BAD_DEADLINE';
/// The deadline of the step has passed.
pub const TOO_LATE: felt252 = 'TOO_LATE';
/// The deadline of the step has not passed.
pub const TOO_EARLY: felt252 = 'TOO_EARLY';
/// Client and worker are the same account.
pub const SELF_JOB: felt252 = 'SELF_JOB';
/// No certificate decides the fact of the job yet.
pub const NO_VERDICT: felt252 = 'NO_VERDICT';
/// A certificate decides the fact of the job: finalize it.
pub const HAS_VERDICT: felt252 = 'HAS_VERDICT';

/// The account has no encrypted balance: it registered no key.
pub const NO_ACCOUNT: felt252 = 'NO_ACCOUNT';
/// The account has registered a key, which is for ever.
pub const ACCOUNT_EXISTS: felt252 = 'ACCOUNT_EXISTS';
/// Sender and recipient are the same account.
pub const SELF_TRANSFER: felt252 = 'SELF_TRANSFER';
/// The rate is 0 or above 2^216 - 1, or the supply of the token is not below 2^40 units.
pub const BAD_RATE: felt252 = 'BAD_RATE';
/// Worker, ciphertext or proof hash are not those of the payment.
pub const WRONG_PAYMENT: felt252 = 'WRONG_PAYMENT';

/// A proof has another number of felts than its statement asks for.
pub const PROOF_LENGTH: felt252 = 'PROOF_LENGTH';
/// A number of a proof is not below the order of the group.
pub const PROOF_SCALAR: felt252 = 'PROOF_SCALAR';
/// A point of a proof or ciphertext is the identity.
pub const PROOF_IDENTITY: felt252 = 'PROOF_IDENTITY';
/// A point of a proof or ciphertext is not on the curve.
pub const PROOF_POINT: felt252 = 'PROOF_POINT';
/// A public amount has more than 40 bits.
pub const PROOF_AMOUNT: felt252 = 'PROOF_AMOUNT';
/// The recipient of a public amount is zero.
pub const PROOF_RECIPIENT: felt252 = 'PROOF_RECIPIENT';
/// Ciphertexts of the same amount have different randomness.
pub const PROOF_SHARED_RANDOMNESS: felt252 = 'PROOF_SHARED_RANDOMNESS';
/// A hash is no challenge: it is 0 or not below the order of the group.
pub const PROOF_CHALLENGE: felt252 = 'PROOF_CHALLENGE';
/// A commitment does not hold a bit.
pub const PROOF_BIT: felt252 = 'PROOF_BIT';
/// The proof is not by the holder of the key, or is for another call or state.
pub const PROOF_KEY: felt252 = 'PROOF_KEY';
/// The R of the amount is not g^r.
pub const PROOF_RANDOMNESS: felt252 = 'PROOF_RANDOMNESS';
/// The ciphertext under the sender's key does not hold the amount.
pub const PROOF_CIPHERTEXT: felt252 = 'PROOF_CIPHERTEXT';
/// The ciphertext under the recipient's key does not hold the amount.
pub const PROOF_OTHER_CIPHERTEXT: felt252 = 'PROOF_OTHER_CIPHERTEXT';
/// The bits do not make up the amount.
pub const PROOF_HASH: felt252 = 'PROOF_HASH';
/// The balance does not decrypt to what the proof says.
pub const PROOF_BALANCE: felt252 = 'PROOF_BALANCE';
/// The bits do not make up the remainder.
pub const PROOF_REMAINDER_COMMITMENT: felt252 = 'PROOF_REMAINDER_COMMITMENT';
/// The ciphertext under the auditor's key does not hold the amount.
pub const PROOF_AUDIT_AMOUNT: felt252 = 'PROOF_AUDIT_AMOUNT';
/// The ciphertext under the auditor's key does not hold the remainder.
pub const PROOF_AUDIT_REMAINDER: felt252 = 'PROOF_AUDIT_REMAINDER';
/// The R of the remainder under the auditor's key is not g^q.
pub const PROOF_AUDIT_RANDOMNESS: felt252 = 'PROOF_AUDIT_RANDOMNESS';
