package wallet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/bitsage/bitsage/chain/felt"
)

// Account is a Starknet account: an address and the key that signs for it. It
// prints, logs and marshals without the key. An Account may be used by several
// goroutines at once.
type Account struct {
	address felt.Felt
	class   Class // zero if only the address is known
	key     *Key
}

// NewAccount returns the account of a class for a key, for example an imported
// one (see ParseKey). It fails with ErrClass or ErrNoKey.
func NewAccount(key *Key, class Class) (*Account, error) {
	if key == nil || key.secret == nil {
		return nil, ErrNoKey
	}
	address, err := class.Address(key.PublicKey())
	if err != nil {
		return nil, err
	}
	return &Account{address, class, key}, nil
}

// AccountAt returns the account at a known address: one that was upgraded to
// another class, got a new key, or was deployed with another salt.
func AccountAt(address felt.Felt, key *Key) (*Account, error) {
	if key == nil || key.secret == nil {
		return nil, ErrNoKey
	}
	return &Account{address: address, key: key}, nil
}

// CreateAccount makes a mnemonic of DefaultWords words and its first account, with
// an empty passphrase and the derivation of the class. The mnemonic alone restores
// the account: show it to the user once, and do not store it.
func CreateAccount(class Class) (*Account, *Mnemonic, error) {
	m, err := NewMnemonic(DefaultWords)
	if err != nil {
		return nil, nil, err
	}
	a, err := ImportAccount(m, "", class, class.Scheme(), 0)
	if err != nil {
		return nil, nil, err
	}
	return a, m, nil
}

// ImportAccount derives an account from a mnemonic. For the arguments but the
// class see Mnemonic.Key; class.Scheme is the scheme that the wallet of that class
// uses.
func ImportAccount(m *Mnemonic, passphrase string, class Class, scheme Scheme, index uint32) (*Account, error) {
	key, err := m.Key(passphrase, scheme, index)
	if err != nil {
		return nil, err
	}
	return NewAccount(key, class)
}

// LoadAccount reads the key of a keystore file, see LoadKey. The file does not say
// of which class the account is.
func LoadAccount(path string, password []byte, class Class) (*Account, error) {
	if !class.valid() {
		return nil, ErrClass
	}
	key, err := LoadKey(path, password)
	if err != nil {
		return nil, err
	}
	return NewAccount(key, class)
}

// Save writes the account's key to a keystore file, see SaveKey.
func (a *Account) Save(path string, password []byte, o SaveOptions) error {
	return SaveKey(path, a.key, password, o)
}

// Address returns the account's address.
func (a *Account) Address() felt.Felt { return a.address }

// Class returns the account's class, or zero for one made by AccountAt.
func (a *Account) Class() Class { return a.class }

// Key returns the account's key.
func (a *Account) Key() *Key { return a.key }

// PublicKey implements [Signer].
func (a *Account) PublicKey() felt.Felt { return a.key.PublicKey() }

// Sign implements [Signer], see [Key.Sign].
func (a *Account) Sign(ctx context.Context, hash felt.Felt) (Signature, error) {
	return a.key.Sign(ctx, hash)
}

func (a *Account) className() string {
	if !a.class.valid() {
		return ""
	}
	return a.class.String()
}

// MarshalJSON returns the public part: address, class if known, and public_key.
func (a *Account) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Address   string `json:"address"`
		Class     string `json:"class,omitempty"`
		PublicKey string `json:"public_key"`
	}{a.address.Padded(), a.className(), a.PublicKey().Padded()})
}

// String returns the address.
func (a *Account) String() string { return "Account(" + a.address.Padded() + ")" }

// GoString returns the address.
func (a *Account) GoString() string { return "wallet." + a.String() }

// Format writes the address, whatever the verb.
func (a *Account) Format(f fmt.State, _ rune) { io.WriteString(f, a.String()) }

// LogValue returns address, class and public key.
func (a *Account) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("address", a.address.Padded()),
		slog.String("class", a.className()),
		slog.String("public_key", a.PublicKey().Padded()))
}
