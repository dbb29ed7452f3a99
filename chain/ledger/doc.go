// Package ledger is a Starknet-compatible chain inside this process. It speaks the JSON-RPC
// that package chain speaks, takes the same signed transactions of version 3, verifies the
// same signatures and nonces, charges fees, and emits the same events, so that a program
// runs on it, on a development network and on a public one without a change:
//
//	accounts, err := ledger.SeedAccounts("example", 3)
//	l, err := ledger.Open(ledger.Options{File: "ledger.db", Accounts: accounts})
//	defer l.Close()
//	a := chain.NewAccount(l.Client(), accounts[0].Address(), accounts[0], chain.FeePolicy{})
//
// It is one process's word: it has no consensus and proves nothing. Use it for tests, for
// demonstrations, and for networks whose members all trust whoever runs it.
//
// # Contracts
//
// It runs no Cairo. The rules of BitSage's contracts are written in Go (internal/twin, on
// the small machine internal/cairo), with the same storage layout, events and errors, under
// the same class hashes; so are, as far as they are needed, the token of the fees at its
// usual address, the universal deployer at its two, and the account contracts of package
// wallet but Braavos's. A class that is none of these is refused as one that does not
// compile (chain.ErrCompilation).
//
// # Fees
//
// A transaction uses L2 gas: 200,000; 5,120 for each felt of calldata and signature; 50,000
// for each call, of which its own validation and execution are two; 20,000 for each write of
// a slot; 300,000 for each operation on the Stark curve, of which the signature is one; and
// for a declaration 40,960 for each felt of the program. It uses 128 of L1 data gas, and 32
// more for each write. Every gas costs 10^9 FRI, and the tip is added for each unit of L2
// gas. These figures are of the size of a network's, no more. A transaction that reverts
// pays for everything but writes, at most its bounds. None may use more than 1.11 * 10^9 of
// L2 gas, nor may a call without a transaction. Fees go to the account 0x1000.
//
// # Blocks
//
// Every transaction makes a block, or they wait for Ledger.CreateBlock. A block's hash is
// the Poseidon hash of the text BITSAGE_LEDGER_BLOCK0, the chain, number, time, parent and
// the keccak of the contents as JSON, and not Starknet's; state roots are 0. A call at the
// tags latest and pre_confirmed sees the present time, one at a number or hash that of the
// block. Nothing is ever accepted on L1, and there are no reorganisations.
//
// # State
//
// The state after every block can be read, without limit of age: memory grows with every
// slot that is written. Transactions and receipts are in memory too, unless there is a file.
//
// In a file, a block is one bbolt transaction, flushed to the disk before its transactions
// are acknowledged: whatever was acknowledged is there after a crash, and nothing else but
// possibly the one block that was being made. Opening reads all blocks and checks their
// hashes.
//
// # Interface
//
// Version 0.9 of the RPC, without subscriptions, traces, simulation, storage proofs, messages
// to L1 and CASM. As a development network it answers devnet_getConfig, with two members
// only, and nothing else of starknet-devnet's. Requests may have 8 MiB, batches 100 requests,
// pages of events 1,024.
package ledger
