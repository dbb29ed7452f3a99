// Package starknetgo joins BitSage's keys and chain client with those of starknet.go
// (github.com/NethermindEth/starknet.go), for programs that use both.
//
// [Keystore] lends starknet.go the keys of package wallet, or any wallet.Signer, such as one
// whose key is in hardware; [NewAccount] makes starknet.go's account of such a key:
//
//	provider, err := starknetgo.Dial(ctx, url)
//	a, err := starknetgo.NewAccount(ctx, provider, keys.Address(), keys)
//	sent, err := a.BuildAndSendInvokeTxn(ctx, calls, nil)
//
// [KeystoreSigner] and [AccountSigner] go the other way: a key that starknet.go keeps signs
// for package chain and for BitSage's roles, as a wallet.Signer.
//
// [SignTypedData] signs messages by SNIP-12, and [Paymaster] sends transactions through a
// paymaster by SNIP-29, after a check that it returned the calls that were asked for.
//
// starknet.go is a module with many dependencies, so this package is in a module of its own:
// whoever imports BitSage alone has none of them.
package starknetgo
