//! The registry of facts: which proofs the validators, by more than two thirds of their weight,
//! found valid or invalid.

#[starknet::contract]
pub mod ProofVerifier {
    use core::num::traits::Zero;
    use core::poseidon::poseidon_hash_span;
    use core::traits::DivRem;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp};
    use super::super::interfaces::{
        Certificate, FactRecord, IProofVerifier, IValidatorRegistryDispatcher,
        IValidatorRegistryDispatcherTrait,
    };
    use super::super::ownable::OwnableComponent;
    use super::super::types::{Fact, FactId, JobId, Kind, Member, Signature, Verdict};
    use super::super::{curve, errors, hashes, math};

    component!(path: OwnableComponent, storage: ownable, event: OwnableEvent);

    #[abi(embed_v0)]
    impl OwnableImpl = OwnableComponent::OwnableImpl<ContractState>;
    impl OwnableInternal = OwnableComponent::InternalImpl<ContractState>;

    #[storage]
    struct Storage {
        registry: IValidatorRegistryDispatcher,
        facts: Map<FactId, FactRecord>,
        valid_votes: Map<FactId, Votes>,
        invalid_votes: Map<FactId, Votes>,
        profiles: Map<felt252, u16>,
        #[substorage(v0)]
        ownable: OwnableComponent::Storage,
    }

    /// The signers of a certificate; epoch 0 means that there is none.
    #[derive(Copy, Drop, starknet::Store)]
    struct Votes {
        epoch: u64,
        bitmap: u64,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        FactRegistered: FactRegistered,
        FactContested: FactContested,
        ProfileAdded: ProfileAdded,
        #[flat]
        OwnableEvent: OwnableComponent::Event,
    }

    #[derive(Drop, starknet::Event)]
    struct FactRegistered {
        #[key]
        fact: FactId,
        #[key]
        job_id: JobId,
        verdict: Verdict,
        kind: Kind,
        bits: u16,
        epoch: u64,
        bitmap: u64,
        weight: u256,
    }

    /// A certificate contradicts an earlier one: more than a third of the weight voted both ways.
    #[derive(Drop, starknet::Event)]
    struct FactContested {
        #[key]
        fact: FactId,
        #[key]
        job_id: JobId,
        verdict: Verdict,
        epoch: u64,
        bitmap: u64,
        weight: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct ProfileAdded {
        #[key]
        profile: felt252,
        bits: u16,
    }

    #[constructor]
    fn constructor(ref self: ContractState, owner: ContractAddress, registry: ContractAddress) {
        assert(registry.is_non_zero(), errors::ZERO_ADDRESS);
        self.ownable.initializer(owner);
        self.registry.write(IValidatorRegistryDispatcher { contract_address: registry });
    }

    #[abi(embed_v0)]
    impl ProofVerifierImpl of IProofVerifier<ContractState> {
        fn record_certificate(
            ref self: ContractState, fact: Fact, certificate: Certificate,
        ) -> FactId {
            assert(certificate.verdict != Verdict::Undecided, errors::BAD_VERDICT);
            assert(self.profile_bits(fact.profile) != 0, errors::BAD_PROFILE);
            let id = hashes::fact_id(@fact);
            assert(self.votes(id, certificate.verdict).epoch == 0, errors::FACT_RECORDED);
            let weight = self.certified_weight(id, @certificate);
            self.enter(id, @fact, @certificate, weight);
            id
        }

        fn add_profile(ref self: ContractState, profile: felt252, bits: u16) {
            self.ownable.assert_owner();
            assert(bits != 0 && self.profile_bits(profile) == 0, errors::BAD_PROFILE);
            self.ownable.execute(self.profile_action(profile, bits));
            self.profiles.write(profile, bits);
            self.emit(ProfileAdded { profile, bits });
        }

        fn is_valid(self: @ContractState, fact: FactId, min_bits: u16, kind: Kind) -> bool {
            let record = self.facts.read(fact);
            record.verdict == Verdict::Valid
                && !record.contested
                && record.bits >= min_bits
                && (kind == Kind::Certificate || record.kind == Kind::Full)
        }

        fn fact(self: @ContractState, fact: FactId) -> FactRecord {
            self.facts.read(fact)
        }

        fn conflict(self: @ContractState, fact: FactId, epoch: u64) -> u64 {
            let valid = self.valid_votes.read(fact);
            let invalid = self.invalid_votes.read(fact);
            if epoch == 0 || valid.epoch != epoch || invalid.epoch != epoch {
                return 0;
            }
            valid.bitmap & invalid.bitmap
        }

        fn profile_bits(self: @ContractState, profile: felt252) -> u16 {
            let bits = standard_bits(profile);
            if bits == 0 {
                self.profiles.read(profile)
            } else {
                bits
            }
        }

        fn profile_action(self: @ContractState, profile: felt252, bits: u16) -> felt252 {
            poseidon_hash_span(array!['add_profile', profile, bits.into()].span())
        }

        fn fact_id(self: @ContractState, fact: Fact) -> FactId {
            hashes::fact_id(@fact)
        }

        fn vote_hash(
            self: @ContractState, epoch: u64, set_root: felt252, fact: FactId, verdict: Verdict,
        ) -> felt252 {
            hashes::vote(epoch, set_root, fact, verdict)
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn votes(self: @ContractState, fact: FactId, verdict: Verdict) -> Votes {
            if verdict == Verdict::Valid {
                self.valid_votes.read(fact)
            } else {
                self.invalid_votes.read(fact)
            }
        }

        /// The weight behind a certificate, which is a quorum of an epoch that still counts: the
        /// current one or, as votes take a moment to arrive here, the one before.
        fn certified_weight(self: @ContractState, fact: FactId, certificate: @Certificate) -> u256 {
            let registry = self.registry.read();
            let epoch = *certificate.epoch;
            let current = registry.current_epoch();
            assert(epoch != 0 && epoch <= current && current - epoch <= 1, errors::BAD_EPOCH);
            let hash = hashes::vote(epoch, registry.set_root(epoch), fact, *certificate.verdict);
            let members = registry.validator_set(epoch).span();
            let weight = signed_weight(members, *certificate.bitmap, *certificate.signatures, hash);
            assert(weight >= math::quorum(registry.total_weight(epoch)), errors::NO_QUORUM);
            weight
        }

        fn enter(
            ref self: ContractState,
            id: FactId,
            fact: @Fact,
            certificate: @Certificate,
            weight: u256,
        ) {
            let Certificate { epoch, verdict, bitmap, .. } = *certificate;
            let votes = Votes { epoch, bitmap };
            if verdict == Verdict::Valid {
                self.valid_votes.write(id, votes);
            } else {
                self.invalid_votes.write(id, votes);
            }
            let job_id = *fact.job_id;
            let mut record = self.facts.read(id);
            if record.verdict != Verdict::Undecided {
                record.contested = true;
                self.facts.write(id, record);
                self.emit(FactContested { fact: id, job_id, verdict, epoch, bitmap, weight });
                return;
            }
            let kind = Kind::Certificate;
            let bits = self.profile_bits(*fact.profile);
            let recorded_at = get_block_timestamp();
            self.facts.write(id, FactRecord { verdict, kind, bits, contested: false, recorded_at });
            self
                .emit(
                    FactRegistered { fact: id, job_id, verdict, kind, bits, epoch, bitmap, weight },
                );
        }
    }

    /// The sum of the weights of the members in the bitmap, all of whom signed the hash. A bitmap
    /// cannot name a member twice, and each signature belongs to one bit.
    fn signed_weight(
        members: Span<Member>, mut bitmap: u64, mut signatures: Span<Signature>, hash: felt252,
    ) -> u256 {
        let mut weight: u256 = 0;
        for member in members {
            let (rest, bit) = DivRem::div_rem(bitmap, 2);
            bitmap = rest;
            if bit == 1 {
                let signature = signatures.pop_front().expect(errors::SIGNATURE_COUNT);
                assert(curve::signed(hash, *member.vote_key, *signature), errors::BAD_SIGNATURE);
                weight += (*member.weight).into();
            }
        }
        assert(bitmap == 0, errors::BAD_INDEX);
        assert(signatures.is_empty(), errors::SIGNATURE_COUNT);
        weight
    }

    /// Proven bits of the profiles of package proof, for the largest product that each is for;
    /// never taken from a proof.
    fn standard_bits(profile: felt252) -> u16 {
        if profile == 'matmul-p96' {
            96
        } else if profile == 'matmul-p90' {
            90
        } else if profile == 'matmul-p80' {
            78
        } else if profile == 'std' || profile == 'fast' || profile == 'tight' {
            60
        } else {
            0
        }
    }
}
