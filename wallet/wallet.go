// Package wallet keeps the keys of Starknet accounts: it makes and reads BIP-39
// mnemonics, derives keys from them as the Braavos and Argent wallets do, computes
// account addresses, signs, and stores keys in encrypted files.
//
// A new account, saved and loaded again:
//
//	account, mnemonic, err := wallet.CreateAccount(wallet.ClassOpenZeppelin)
//	fmt.Println(mnemonic.Reveal()) // for the user to write down
//	err = account.Save("worker.json", password, wallet.SaveOptions{})
//	account, err = wallet.LoadAccount("worker.json", password, wallet.ClassOpenZeppelin)
//
// # Secrets
//
// [Key], [Mnemonic] and [Account] print as their public part, or as nothing, with
// fmt, log/slog and encoding/json; only methods named Reveal return a secret. No
// function of this package logs. Errors say what is wrong with a secret without
// repeating it, with one exception: a [WordError] names the word that the user
// mistyped.
//
// The password of a keystore file and the passphrase of a mnemonic are two
// different things, and no function of this package passes one on as the other.
// The passphrase is part of the key: other wallets leave it empty, and a mnemonic
// restores its accounts only with the same passphrase.
//
// # Side channels
//
// The arithmetic of the Stark curve, and that of secp256k1 in a derivation, comes from
// gnark-crypto. It does not promise constant time, and its scalar multiplication takes a
// time that depends on the scalar. Signing therefore randomises what it hands to it (see
// [Key.Sign]), which makes a measurement hard to repeat but does not make the code
// constant-time. Do not let an attacker who can measure
// single operations, for example from the same CPU core, choose what to sign.
//
// Go may copy memory when it moves a stack, so [Key.Zero] and [Mnemonic.Zero] are
// best efforts.
package wallet
