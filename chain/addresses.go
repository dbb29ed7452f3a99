package chain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/atomicfile"
)

// ErrAddresses means that a file is no address file, or an incomplete one.
var ErrAddresses = errors.New("chain: not an address file")

// ErrUnknownContract means that an address file has no contract of that name.
var ErrUnknownContract = errors.New("chain: the address file has no such contract")

const maxAddressFile = 1 << 20

// Contract is where a contract is and what it is.
type Contract struct {
	Address Felt
	Class   Felt // class hash
}

// Addresses says where the contracts of one deployment are. As a file it is JSON:
//
//	{"chain_id": "SN_SEPOLIA", "contracts": {"SageToken": {"address": "0x...", "class_hash": "0x..."}}}
type Addresses struct {
	ChainID   string
	Contracts map[string]Contract
}

type rpcContract struct {
	Address *rpcFelt `json:"address"`
	Class   *rpcFelt `json:"class_hash"`
}

type rpcAddresses struct {
	ChainID   string                 `json:"chain_id"`
	Contracts map[string]rpcContract `json:"contracts"`
}

// LoadAddresses reads an address file. It fails with ErrAddresses or the error of
// the file system.
func LoadAddresses(path string) (*Addresses, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxAddressFile+1))
	if err != nil {
		return nil, err
	}
	a, err := ParseAddresses(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// ParseAddresses reads the contents of an address file. Unknown fields, missing ones
// and addresses that no contract can have are ErrAddresses.
func ParseAddresses(data []byte) (*Addresses, error) {
	if len(data) > maxAddressFile {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrAddresses, maxAddressFile)
	}
	var w rpcAddresses
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrAddresses, printable(err.Error()))
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: data after the object", ErrAddresses)
	}
	a := &Addresses{w.ChainID, make(map[string]Contract, len(w.Contracts))}
	for name, c := range w.Contracts {
		if c.Address == nil || c.Class == nil {
			return nil, fmt.Errorf("%w: %q lacks address or class_hash", ErrAddresses, printable(name))
		}
		a.Contracts[name] = Contract{Felt(*c.Address), Felt(*c.Class)}
	}
	return a, a.check()
}

// maxAddress is 2^251 - 256, above every address.
var maxAddress = felt.MustParse("0x7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff00")

// IsAddress reports whether a contract can have this address.
func IsAddress(f Felt) bool { return !f.IsZero() && f.Cmp(maxAddress) < 0 }

func (a *Addresses) check() error {
	if _, err := felt.ShortString(a.ChainID); err != nil || a.ChainID == "" {
		return fmt.Errorf("%w: chain_id is missing or no short string", ErrAddresses)
	}
	for name, c := range a.Contracts {
		if !validName(name) {
			return fmt.Errorf("%w: a contract is named %q", ErrAddresses, printable(name))
		}
		if !IsAddress(c.Address) || c.Class.IsZero() {
			return fmt.Errorf("%w: the address or class of %s cannot be one", ErrAddresses, name)
		}
	}
	return nil
}

// validName accepts 1 to 64 ASCII letters, digits and underscores.
func validName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// Save writes the file so that a crash leaves the old contents or the new ones. It
// fails with ErrAddresses if LoadAddresses would refuse the file.
func (a *Addresses) Save(path string) error {
	if err := a.check(); err != nil {
		return err
	}
	data, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(path, append(data, '\n'), 0o644)
}

// MarshalJSON implements [json.Marshaler] with the contents of an address file.
func (a *Addresses) MarshalJSON() ([]byte, error) {
	w := rpcAddresses{a.ChainID, make(map[string]rpcContract, len(a.Contracts))}
	for name, c := range a.Contracts {
		address, class := rpcFelt(c.Address), rpcFelt(c.Class)
		w.Contracts[name] = rpcContract{&address, &class}
	}
	return json.Marshal(w)
}

// UnmarshalJSON implements [json.Unmarshaler] by ParseAddresses.
func (a *Addresses) UnmarshalJSON(data []byte) error {
	b, err := ParseAddresses(data)
	if err == nil {
		*a = *b
	}
	return err
}

// Address returns the address of a contract, or ErrUnknownContract.
func (a *Addresses) Address(name string) (Felt, error) {
	c, ok := a.Contracts[name]
	if !ok {
		return Felt{}, fmt.Errorf("%w: %s", ErrUnknownContract, name)
	}
	return c.Address, nil
}

// Verify checks that the node serves the chain of the file and that every contract
// is there with its class. It fails with ErrChainID, ErrContractNotFound,
// ErrAddresses for another class, or as Client.Do does.
func (a *Addresses) Verify(ctx context.Context, c *Client) error {
	id, err := c.ChainID(ctx)
	if err != nil {
		return err
	}
	if id != a.ChainID {
		return fmt.Errorf("%w: %q, the address file is for %q", ErrChainID, id, a.ChainID)
	}
	for name, want := range a.Contracts {
		class, err := c.ClassHashAt(ctx, want.Address, AtLatest())
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if class != want.Class {
			return fmt.Errorf("%w: %s has class %s, not %s", ErrAddresses, name, class, want.Class)
		}
	}
	return nil
}
