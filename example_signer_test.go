package bitsage_test

import (
	"context"
	"fmt"

	"github.com/bitsage/bitsage"
	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/wallet"
)

// vault stands for a device that has the key and signs, but never shows it.
type vault struct {
	key        *wallet.Key
	signatures int
}

// PublicKey implements wallet.Signer.
func (v *vault) PublicKey() felt.Felt { return v.key.PublicKey() }

// Sign implements wallet.Signer.
func (v *vault) Sign(ctx context.Context, hash felt.Felt) (wallet.Signature, error) {
	v.signatures++
	return v.key.Sign(ctx, hash)
}

// A role whose key is elsewhere: Address and Signer stand in place of Account, and the key
// of the encrypted amounts is given by itself.
func ExampleConfig_signer() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	network, err := judged(ctx, -1)
	if err != nil {
		panic(err)
	}
	account, err := network.NewAccount(ctx, bitsage.SAGE(10))
	if err != nil {
		panic(err)
	}
	payment, err := bitsage.PaymentKey(account)
	if err != nil {
		panic(err)
	}
	device := &vault{key: account.Key()}
	client, err := bitsage.NewClient(bitsage.Config{
		Network: network.Network, Address: account.Address(), Signer: device, PaymentKey: payment, Logger: quiet,
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()
	deposit, err := client.Deposit(ctx, bitsage.SAGE(2))
	if err != nil {
		panic(err)
	}
	fmt.Println("deposited", deposit.Amount, "SAGE, the device has signed:", device.signatures > 0)
	// Output:
	// deposited 2 SAGE, the device has signed: true
}
