// Package cairo is a small machine for contracts that are written in Go: it has the types of
// Cairo that Go lacks, calldata, the layout of storage, calls, events, reverts and gas as
// Starknet has them. It knows no contract; those of BitSage and of the accounts are in
// package twin, and blocks, transactions and the RPC in package ledger.
//
// The codec here works by reflection on the types of a contract's functions, and tells which
// parameter could not be read, as the contracts do; the one of internal/cairo, with which
// programs call contracts, does neither.
//
// # How a contract is written
//
// A contract is the twin of a Cairo contract of contracts/src: a struct of its storage
// variables around a *Frame, which is the call that is being executed, and one method for
// each function, with the types of codec.go as arguments and results. So
//
//	#[storage] struct Storage { total: u256, seen: Map<(ContractAddress, u64), bool> }
//
//	fn deposit(ref self: ContractState, amount: u256) -> bool {
//	    assert(amount != 0, errors::ZERO_AMOUNT);
//	    let caller = get_caller_address();
//	    assert(self.token.read().transfer_from(caller, get_contract_address(), amount), errors::TRANSFER_FAILED);
//	    self.total.write(self.total.read() + amount);
//	    self.emit(Deposited { account: caller, amount });      // account is a #[key]
//	    true
//	}
//
// is in package twin
//
//	type vault struct {
//		pausable // the components, which have the frame; else *cairo.Frame
//		token    cairo.Variable[cairo.Address]
//		total    cairo.Variable[cairo.U256]
//		seen     cairo.Mapping[cairo.Pair[cairo.Address, uint64], bool] // t.seen.Read(cairo.PairOf(account, epoch))
//	}
//
//	func newVault(f *cairo.Frame) *vault {
//		return &vault{newPausable(f), cairo.NewVariable[cairo.Address](f, "token"), cairo.NewVariable[cairo.U256](f, "total"),
//			cairo.NewMapping[cairo.Pair[cairo.Address, uint64], bool](f, "seen")}
//	}
//
//	func (t *vault) deposit(amount cairo.U256) bool {
//		t.assertOpen()
//		cairo.Assert(!amount.IsZero(), "ZERO_AMOUNT")
//		caller := t.Caller()
//		paid := cairo.Call[bool](t.Frame, t.token.Read(), "transfer_from", caller, t.Address(), amount)
//		cairo.Assert(paid, "TRANSFER_FAILED")
//		t.total.Write(t.total.Read().Add(amount))
//		t.Emit("Deposited", cairo.Keys{caller}, amount)
//		return true
//	}
//
//	var vaultClass = contract("Vault", cairo.Methods(newVault, cairo.Functions{
//		"constructor": (*vault).constructor,
//		"deposit":     (*vault).deposit,
//	}), ownableFunctions, pausableFunctions)
//
// and its line in twin.Contracts. A view is a method as any other; two results stand for a
// tuple, which the caller reads as a Pair. An error is a short string of
// contracts/src/errors.cairo; Assert reverts the whole transaction with it, and so does
// every arithmetic method that overflows (for plain Go integers use Add and Sub).
// Timestamp is the block's time, ChainID that of the transaction; Signed verifies a
// signature and Hash is poseidon_hash_span; Curve accounts for other work with points.
// Nothing but storage may outlive a call. TestABI of package twin compares the twins with
// the ABIs of the contracts, and package cairotest runs contracts without transactions.
package cairo
