//! Records how workers' jobs ended. A score starts in the middle, so a newcomer is never trusted
//! for having done nothing, and only inactivity makes a good one fade.

#[starknet::contract]
pub mod ReputationManager {
    use core::cmp::{max, min};
    use core::num::traits::Zero;
    use starknet::storage::{
        Map, StorageMapReadAccess, StorageMapWriteAccess, StoragePointerReadAccess,
        StoragePointerWriteAccess,
    };
    use starknet::{ContractAddress, get_block_timestamp, get_caller_address};
    use super::super::errors;
    use super::super::interfaces::{IReputationManager, Level, Outcome, Record};

    const START: u16 = 500;
    const TOP: u16 = 1000;
    const GAIN: u16 = 15;
    const LOSS_FAILED: u16 = 25;
    const LOSS_SLASHED: u16 = 100;

    const DAY: u64 = 24 * 3600;
    /// Days of inactivity that cost nothing; each further one costs a point, down to START.
    const IDLE_DAYS: u64 = 30;
    /// Finalized jobs until a worker is no newcomer any more.
    const NEWCOMER_JOBS: u32 = 10;
    const FAIR: u16 = 300;
    const GOOD: u16 = 650;
    const TRUSTED: u16 = 850;

    #[storage]
    struct Storage {
        deployer: ContractAddress,
        job_manager: ContractAddress,
        records: Map<ContractAddress, Record>,
    }

    #[event]
    #[derive(Drop, starknet::Event)]
    enum Event {
        Configured: Configured,
        ReputationChanged: ReputationChanged,
    }

    #[derive(Drop, starknet::Event)]
    struct Configured {
        job_manager: ContractAddress,
    }

    #[derive(Drop, starknet::Event)]
    struct ReputationChanged {
        #[key]
        worker: ContractAddress,
        previous: u16,
        score: u16,
        finalized: u32,
    }

    /// The deployer may call configure and has no other power.
    #[constructor]
    fn constructor(ref self: ContractState, deployer: ContractAddress) {
        assert(deployer.is_non_zero(), errors::ZERO_ADDRESS);
        self.deployer.write(deployer);
    }

    #[abi(embed_v0)]
    impl ReputationManagerImpl of IReputationManager<ContractState> {
        fn configure(ref self: ContractState, job_manager: ContractAddress) {
            assert(get_caller_address() == self.deployer.read(), errors::UNAUTHORIZED);
            assert(self.job_manager.read().is_zero(), errors::ALREADY_CONFIGURED);
            assert(job_manager.is_non_zero(), errors::ZERO_ADDRESS);
            self.job_manager.write(job_manager);
            self.emit(Configured { job_manager });
        }

        fn initialize(ref self: ContractState) {
            let worker = get_caller_address();
            assert(!self.records.read(worker).known, errors::BAD_STATE);
            self.update(worker, START, newcomer());
        }

        fn record(ref self: ContractState, worker: ContractAddress, outcome: Outcome) {
            let job_manager = self.job_manager.read();
            assert(job_manager.is_non_zero(), errors::NOT_CONFIGURED);
            assert(get_caller_address() == job_manager, errors::UNAUTHORIZED);
            let mut record = self.records.read(worker);
            if !record.known {
                record = newcomer();
            }
            let previous = faded(@record);
            record.score = after(previous, outcome);
            if outcome == Outcome::Finalized {
                record.finalized += 1;
            }
            self.update(worker, previous, record);
        }

        fn reputation(self: @ContractState, worker: ContractAddress) -> u16 {
            let record = self.records.read(worker);
            if record.known {
                faded(@record)
            } else {
                START
            }
        }

        fn level(self: @ContractState, worker: ContractAddress) -> Level {
            let record = self.records.read(worker);
            if !record.known {
                return Level::Unknown;
            }
            let score = faded(@record);
            if score < FAIR {
                Level::Poor
            } else if record.finalized < NEWCOMER_JOBS {
                Level::Newcomer
            } else if score < GOOD {
                Level::Fair
            } else if score < TRUSTED {
                Level::Good
            } else {
                Level::Trusted
            }
        }

        fn record_of(self: @ContractState, worker: ContractAddress) -> Record {
            self.records.read(worker)
        }
    }

    #[generate_trait]
    impl Internal of InternalTrait {
        fn update(
            ref self: ContractState, worker: ContractAddress, previous: u16, mut record: Record,
        ) {
            record.last_active = get_block_timestamp();
            self.records.write(worker, record);
            let Record { score, finalized, .. } = record;
            self.emit(ReputationChanged { worker, previous, score, finalized });
        }
    }

    fn newcomer() -> Record {
        Record { known: true, score: START, finalized: 0, last_active: get_block_timestamp() }
    }

    /// The score after the days of inactivity. It fades towards START, never past it, so that
    /// waiting neither ruins nor repairs a reputation.
    fn faded(record: @Record) -> u16 {
        let score = *record.score;
        let idle = (get_block_timestamp() - *record.last_active) / DAY;
        if score <= START || idle <= IDLE_DAYS {
            return score;
        }
        let points: u16 = min(idle - IDLE_DAYS, TOP.into()).try_into().unwrap();
        max(START, score - min(points, score))
    }

    fn after(score: u16, outcome: Outcome) -> u16 {
        match outcome {
            Outcome::Finalized => min(TOP, score + GAIN),
            Outcome::Failed => score - min(score, LOSS_FAILED),
            Outcome::Slashed => score - min(score, LOSS_SLASHED),
        }
    }
}
