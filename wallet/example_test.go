package wallet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// The mnemonic that everybody knows.
const phrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

// A new account: its mnemonic is all that is needed to have it again.
func ExampleCreateAccount() {
	account, mnemonic, err := wallet.CreateAccount(wallet.ClassOpenZeppelin)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("write down", mnemonic.Words(), "words") // mnemonic.Reveal()

	again, err := wallet.ImportAccount(mnemonic, "", wallet.ClassOpenZeppelin, wallet.SchemeBraavos, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("same account:", again.Address() == account.Address())
	// Output:
	// write down 24 words
	// same account: true
}

// The accounts that Braavos and Argent show for a mnemonic.
func ExampleImportAccount() {
	mnemonic, err := wallet.ParseMnemonic(phrase)
	if err != nil {
		log.Fatal(err)
	}
	for _, class := range []wallet.Class{wallet.ClassBraavos, wallet.ClassArgent} {
		account, err := wallet.ImportAccount(mnemonic, "", class, class.Scheme(), 0)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(class, account)
	}
	// Output:
	// braavos Account(0x01d0c82685af7c5ab0d5083c4c8d32e1c93ca68ddf9d193fcdea05d77139a85d)
	// argent Account(0x0424e0202bce2d9abbee87ee8faa8fd416bcf02ad8fe18d66320f23b1b07fc02)
}

// What is wrong with a phrase.
func ExampleParseMnemonic() {
	_, err := wallet.ParseMnemonic("abandon abandn abandon abandon abandon abandon abandon abandon abandon abandon abandon about")
	fmt.Println(err)
	_, err = wallet.ParseMnemonic("about abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon")
	fmt.Println(errors.Is(err, wallet.ErrChecksum))
	// Output:
	// wallet: word 2 of the mnemonic, "abandn", is not in the BIP-39 list
	// true
}

// A signature and its verification under the public key alone.
func ExampleVerify() {
	key, err := wallet.ParseKey("0x1b8e16cdf31892c56c0370f0e4ca0da096ef4e0c81007b3ba10b11452f8971")
	if err != nil {
		log.Fatal(err)
	}
	hash := felt.FromUint64(42)
	signature, err := key.Sign(context.Background(), hash)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(wallet.Verify(key.PublicKey(), hash, signature))
	fmt.Println(wallet.Verify(key.PublicKey(), felt.FromUint64(43), signature))
	// Output:
	// <nil>
	// wallet: the signature does not verify
}

// A key in a file. The cost here is for an example: leave Scrypt out.
func ExampleSaveKey() {
	dir, err := os.MkdirTemp("", "wallet")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path, password := filepath.Join(dir, "key.json"), []byte("correct horse battery staple")
	options := wallet.SaveOptions{Scrypt: wallet.Scrypt{N: 1024, R: 8, P: 1}}

	key := wallet.GenerateKey()
	fmt.Println(wallet.SaveKey(path, key, password, options))
	err = wallet.SaveKey(path, key, password, options)
	fmt.Println("again:", errors.Is(err, fs.ErrExist))

	loaded, err := wallet.LoadKey(path, password)
	fmt.Println(loaded.PublicKey() == key.PublicKey(), err)
	_, err = wallet.LoadKey(path, []byte("correct house"))
	fmt.Println("other password:", errors.Is(err, wallet.ErrPassword))
	// Output:
	// <nil>
	// again: true
	// true <nil>
	// other password: true
}

// Accounts can be listed as JSON: the key does not show.
func ExampleAccount_MarshalJSON() {
	key, err := wallet.ParseKey("0x1b8e16cdf31892c56c0370f0e4ca0da096ef4e0c81007b3ba10b11452f8971")
	if err != nil {
		log.Fatal(err)
	}
	account, err := wallet.NewAccount(key, wallet.ClassOpenZeppelin)
	if err != nil {
		log.Fatal(err)
	}
	text, err := json.MarshalIndent([]*wallet.Account{account}, "", "  ")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(text))
	// Output:
	// [
	//   {
	//     "address": "0x0125ed61bca4741c31b567501fdf0527ffbfc7965b7271a8be78a9ad0042d6df",
	//     "class": "openzeppelin",
	//     "public_key": "0x05d97a4a9174d9158c3886717a70112c5e60b17318a1d3ae17f563f1cf8292f4"
	//   }
	// ]
}
