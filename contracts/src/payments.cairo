//! The fees of jobs. A fee leaves the client's confidential balance when the job is submitted, and
//! goes, once and whole, to the worker's or back to the client's when JobManager says how the job
//! ended. The contract has no owner.

#[starknet::contract]
pub mod PaymentRouter {
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePathEntry,
        StoragePointerReadAccess, StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_caller_address};
    use super::super::errors;
    use super::super::interfaces::{
        Fee, IPaymentRouter, IPrivacyRouterDispatcher, IPrivacyRouterDispatcherTrait, Payment,
        PaymentState,
    };
    use super::super::types::{Ciphertext, JobId, Point};

    #[storage]
    struct Storage {
        job_manager: ContractAddress,
        privacy: IPrivacyRouterDispatcher,
        payments: Map<JobId, Payment>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        PaymentEscrowed: PaymentEscrowed,
        PaymentReleased: PaymentReleased,
        Refunded: Refunded,
    }

    #[derive(Drop, starknet::Event)]
    struct PaymentEscrowed {
        #[key]
        job_id: JobId,
        #[key]
        client: ContractAddress,
        #[key]
        worker: ContractAddress,
        fee: Ciphertext,
        refund: Ciphertext,
    }

    #[derive(Drop, starknet::Event)]
    struct PaymentReleased {
        #[key]
        job_id: JobId,
        #[key]
        worker: ContractAddress,
        proof_hash: u256,
    }

    #[derive(Drop, starknet::Event)]
    struct Refunded {
        #[key]
        job_id: JobId,
        #[key]
        client: ContractAddress,
    }

    #[constructor]
    fn constructor(
        ref self: ContractState, job_manager: ContractAddress, privacy_router: ContractAddress,
    ) {
        assert(job_manager.is_non_zero() && privacy_router.is_non_zero(), errors::ZERO_ADDRESS);
        self.job_manager.write(job_manager);
        self.privacy.write(IPrivacyRouterDispatcher { contract_address: privacy_router });
    }

    #[abi(embed_v0)]
    impl PaymentRouterImpl of IPaymentRouter<ContractState> {
        fn escrow(
            ref self: ContractState,
            job_id: JobId,
            client: ContractAddress,
            worker: ContractAddress,
            payment: Span<felt252>,
        ) {
            self.assert_job_manager();
            self.become(job_id, PaymentState::None, PaymentState::Escrowed);
            let privacy = self.privacy.read();
            let nonce = privacy.nonce(client);
            let Fee { refund, fee } = privacy.debit(job_id, client, worker, payment);
            let state = PaymentState::Escrowed;
            let payment = Payment { state, client, worker, refund, fee, proof_hash: 0, nonce };
            self.payments.write(job_id, payment);
            self.emit(PaymentEscrowed { job_id, client, worker, fee, refund });
        }

        fn settle(ref self: ContractState, job_id: JobId, proof_hash: u256) {
            self.assert_job_manager();
            self.become(job_id, PaymentState::Escrowed, PaymentState::Payable);
            self.payments.entry(job_id).proof_hash.write(proof_hash);
        }

        fn refund(ref self: ContractState, job_id: JobId) {
            self.assert_job_manager();
            self.become(job_id, PaymentState::Escrowed, PaymentState::Refunded);
            let Payment { client, refund, .. } = self.payment(job_id);
            self.emit(Refunded { job_id, client });
            self.privacy.read().credit(client, refund);
        }

        fn submit_payment_with_proof(
            ref self: ContractState,
            worker: ContractAddress,
            job_id: JobId,
            c1x: felt252,
            c1y: felt252,
            c2x: felt252,
            c2y: felt252,
            proof_hash: u256,
        ) {
            self.become(job_id, PaymentState::Payable, PaymentState::Released);
            let payment = self.payment(job_id);
            let fee = Ciphertext { l: Point { x: c1x, y: c1y }, r: Point { x: c2x, y: c2y } };
            assert(
                worker == payment.worker && fee == payment.fee && proof_hash == payment.proof_hash,
                errors::WRONG_PAYMENT,
            );
            self.emit(PaymentReleased { job_id, worker, proof_hash });
            self.privacy.read().credit(worker, fee);
        }

        fn payment(self: @ContractState, job_id: JobId) -> Payment {
            self.payments.read(job_id)
        }

        fn job_manager(self: @ContractState) -> ContractAddress {
            self.job_manager.read()
        }

        fn privacy_router(self: @ContractState) -> ContractAddress {
            self.privacy.read().contract_address
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn assert_job_manager(self: @ContractState) {
            assert(get_caller_address() == self.job_manager.read(), errors::UNAUTHORIZED);
        }

        fn become(
            ref self: ContractState, job_id: JobId, before: PaymentState, after: PaymentState,
        ) {
            let state = self.payments.entry(job_id).state;
            assert(state.read() == before, errors::BAD_STATE);
            state.write(after);
        }
    }
}
