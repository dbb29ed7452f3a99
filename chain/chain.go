// Package chain is the narrow waist to settlement: a client of Starknet's JSON-RPC
// in versions 0.9 and 0.10. The same client serves a public network, a local
// development network and a ledger inside this process, which all speak that
// interface, accept the same signed version-3 transactions and emit the same
// events.
//
//	client, err := chain.Dial(ctx, url, chain.Options{ChainID: "SN_SEPOLIA"})
//	account := chain.NewAccount(client, keys.Address(), keys, chain.FeePolicy{})
//	hash, err := account.Execute(ctx, chain.Call{To: token, Selector: chain.Selector("transfer"), Calldata: data})
//	receipt, err := account.Wait(ctx, hash) // *RevertError when the transaction reverted
//
// # Trust
//
// The package checks the shape and the size of everything that a node answers, and
// that an answer is about what was asked. It does not check that it is true: it is
// no light client. Transactions are hashed here and signed for one chain, so a node
// can drop, delay or lie about them but cannot alter them.
//
// # Concurrency
//
// Client and Account may be used by several goroutines at once. Nothing here starts
// a goroutine; the HTTP transport keeps some for idle connections, until they time
// out or Client.Close is called.
package chain

import (
	"context"
	mathrand "math/rand/v2"
	"time"

	"github.com/bitsage/bitsage/chain/felt"
)

// Felt is a number of Starknet's field: an address, a hash, a selector or a word of
// calldata. Its text is 0x and hexadecimal digits without leading zeros. Package
// chain/felt has the type alone, for programs that need no client.
type Felt = felt.Felt

// ParseFelt reads 0x and 1 to 64 hexadecimal digits of a number below the prime.
func ParseFelt(s string) (Felt, error) { return felt.Parse(s) }

// Uint returns a felt of value v.
func Uint(v uint64) Felt { return felt.FromUint64(v) }

// The limits of the protocol that this package enforces before it sends anything,
// because not every node does.
const (
	// MaxCalldata is the number of felts that the calldata of a transaction, or of
	// a constructor, may have.
	MaxCalldata = 5_000
	// MaxClassBytes is the size of a declared class in the JSON of the RPC.
	MaxClassBytes = 4_089_446
	// MaxSierra is the number of felts of a Sierra program.
	MaxSierra = 81_920
)

var (
	strkToken = felt.MustParse("0x04718f5a0fc34cc1af16a1cdee98ffb20c31f5cd61d6ab07201858f4287c938d")
	deployer  = felt.MustParse("0x02ceed65a4bd731034c01113685c831b01c15d7d432f71afb1cf1634b53a2125")
)

// STRK returns the address of the token in which fees are paid, an ERC-20 with 18
// decimals. It is the same on the public networks and on starknet-devnet.
func STRK() Felt { return strkToken }

// Deployer returns the address of the universal deployer contract that
// Account.Deploy calls. It is the same on the public networks and on
// starknet-devnet.
func Deployer() Felt { return deployer }

// clock is time and chance, which tests replace.
type clock struct {
	now    func() time.Time
	sleep  func(context.Context, time.Duration) error
	random func(time.Duration) time.Duration // uniform in [0, d]
}

func realClock() clock {
	return clock{time.Now, sleep, func(d time.Duration) time.Duration { return mathrand.N(d + 1) }}
}

// sleep waits for d, or until ctx ends and then returns its cause.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
