package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"github.com/bitsage/bitsage/chain"
	"github.com/bitsage/bitsage/elgamal"
	"github.com/bitsage/bitsage/internal/calldata"
	"github.com/bitsage/bitsage/money"
)

// ErrConfig means that a deployment's parameters are not allowed.
var ErrConfig = errors.New("deploy: not a configuration that can be deployed")

// Network is where to deploy.
type Network string

// The networks.
const (
	Devnet  Network = "devnet"  // starknet-devnet, whatever its chain
	Sepolia Network = "sepolia" // SN_SEPOLIA
	Mainnet Network = "mainnet" // SN_MAIN
)

// chainID returns the network's chain, "" if it is any.
func (n Network) chainID() string {
	switch n {
	case Sepolia:
		return "SN_SEPOLIA"
	case Mainnet:
		return "SN_MAIN"
	}
	return ""
}

// Faucet says what the faucet of a test network may give out.
type Faucet struct {
	Cap     money.Amount `json:"cap"`     // of the sum of all claims ever made
	Funding money.Amount `json:"funding"` // what the deploying account gives it
}

// Config says what to deploy. Make one with Defaults. As JSON, amounts of SAGE are
// decimal strings in SAGE, and fields that are left out keep their value:
//
//	{"supply": "1000000000", "faucet": {"cap": "10000000", "funding": "2500.5"}, "epoch_length": 3600}
type Config struct {
	Network Network
	// Owner is who may pause contracts and, a day after announcing it, extend their
	// tables. Zero is the deploying account. To any other address the ownership is
	// offered: the owner takes it with accept_ownership of each contract, from one
	// day to 15 days later, and the deploying account is the owner until then.
	Owner chain.Felt
	// Recipient gets the whole supply. Zero is the deploying account.
	Recipient chain.Felt
	Supply    money.Amount
	Faucet    *Faucet // nil deploys none
	// EpochLength is how long a set of validators is in office, in seconds.
	EpochLength uint64
	// Rate is how many base units, of 10^-18 SAGE, are one unit of a confidential
	// amount. The supply
	// is at most 2^40-1 units.
	Rate *big.Int
	// Salt tells deployments of one account with the same parameters apart.
	Salt chain.Felt

	// State is the path of a file that pins the parameters of a deployment that was
	// begun, so that it cannot be resumed with others. "" is no file.
	State string
	// Progress is called, if it is not nil, by the goroutine of Run.
	Progress func(Progress)
}

// claim is what the faucet gives at once.
func claim() money.Amount { return money.SAGE(1_000) }

// Bounds of ValidatorRegistry's constructor, in seconds.
const (
	minEpoch = 60
	maxEpoch = 7 * 24 * 3600
)

// Defaults returns the parameters for a network: a supply of 10^9 SAGE and a rate of
// 10^15 everywhere, a faucet on test networks. For Mainnet, Owner and Recipient have
// no defaults.
func Defaults(n Network) (Config, error) {
	c := Config{Network: n, Supply: money.SAGE(1_000_000_000), Rate: new(big.Int).Exp(big.NewInt(10), big.NewInt(15), nil)}
	switch n {
	case Devnet:
		c.EpochLength, c.Faucet = 600, &Faucet{Cap: money.SAGE(100_000_000), Funding: money.SAGE(100_000_000)}
	case Sepolia:
		c.EpochLength, c.Faucet = 3600, &Faucet{Cap: money.SAGE(100_000_000), Funding: money.SAGE(10_000_000)}
	case Mainnet:
		c.EpochLength = 24 * 3600
	default:
		return Config{}, fmt.Errorf("%w: unknown network %q: want devnet, sepolia or mainnet", ErrConfig, n)
	}
	return c, nil
}

// resolve returns the configuration with the account in place of what is left open.
// It fails with ErrConfig.
func (c Config) resolve(account chain.Felt) (Config, error) {
	if _, err := Defaults(c.Network); err != nil {
		return c, err
	}
	if c.Network == Mainnet && (c.Owner.IsZero() || c.Recipient.IsZero()) {
		return c, fmt.Errorf("%w: on mainnet, name the owner and the recipient of the supply", ErrConfig)
	}
	if c.Owner.IsZero() {
		c.Owner = account
	}
	if c.Recipient.IsZero() {
		c.Recipient = account
	}
	return c, c.check(account)
}

func (c *Config) check(account chain.Felt) error {
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s", ErrConfig, fmt.Sprintf(format, args...))
	}
	for name, a := range map[string]chain.Felt{"account": account, "owner": c.Owner, "recipient": c.Recipient} {
		if !chain.IsAddress(a) {
			return refuse("the %s %s is no address", name, a.String())
		}
	}
	if c.Supply.IsZero() {
		return refuse("the supply is zero")
	}
	rate, err := elgamal.NewRate(c.Rate)
	if err != nil {
		return refuse("the rate is not in [1, 2^216) base units")
	}
	if !rate.Covers(c.Supply.Base()) {
		return refuse("the supply is above 2^40-1 units of the rate, so confidential amounts could overflow")
	}
	if c.EpochLength < minEpoch || c.EpochLength > maxEpoch {
		return refuse("the epoch length is not between %d and %d seconds", minEpoch, maxEpoch)
	}
	f := c.Faucet
	switch {
	case f == nil:
	case f.Cap.Less(claim()):
		return refuse("the faucet's cap is below %v SAGE, which is one claim", claim())
	case f.Cap.Less(f.Funding):
		return refuse("the faucet's funding is above its cap: nobody could ever take the difference out")
	case c.Supply.Less(f.Funding):
		return refuse("the faucet's funding is above the supply")
	case !f.Funding.IsZero() && c.Recipient != account:
		return refuse("the faucet cannot be funded by the deploying account if another gets the supply: set its funding to 0")
	}
	return nil
}

type wireConfig struct {
	Network     Network      `json:"network"`
	Owner       string       `json:"owner"`
	Recipient   string       `json:"supply_recipient"`
	Supply      money.Amount `json:"supply"`
	Faucet      *Faucet      `json:"faucet"`
	EpochLength uint64       `json:"epoch_length"`
	Rate        string       `json:"rate"`
	Salt        string       `json:"salt"`
}

// MarshalJSON writes the parameters, without State and Progress.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(c.wire()) }

func (c *Config) wire() wireConfig {
	rate := ""
	if c.Rate != nil {
		rate = c.Rate.String()
	}
	w := wireConfig{c.Network, c.Owner.String(), c.Recipient.String(), c.Supply, nil, c.EpochLength, rate, c.Salt.String()}
	if c.Faucet != nil {
		f := *c.Faucet
		w.Faucet = &f
	}
	return w
}

// UnmarshalJSON sets the parameters that the object has. Unknown fields and numbers
// that cannot be read are ErrConfig.
func (c *Config) UnmarshalJSON(data []byte) error {
	w := c.wire()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return fmt.Errorf("%w: %v", ErrConfig, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%w: data after the object", ErrConfig)
	}
	out := Config{Network: w.Network, Supply: w.Supply, Faucet: w.Faucet, EpochLength: w.EpochLength, State: c.State, Progress: c.Progress}
	var errs [4]error
	out.Owner, errs[0] = field("owner", w.Owner, chain.ParseFelt)
	out.Recipient, errs[1] = field("supply_recipient", w.Recipient, chain.ParseFelt)
	out.Salt, errs[2] = field("salt", w.Salt, chain.ParseFelt)
	out.Rate, errs[3] = field("rate", w.Rate, parseInteger)
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	*c = out
	return nil
}

func field[T any](name, text string, parse func(string) (T, error)) (T, error) {
	v, err := parse(text)
	if err != nil {
		return v, fmt.Errorf("%w: %s: %v", ErrConfig, name, err)
	}
	return v, nil
}

const maxDigits = 60

func parseInteger(s string) (*big.Int, error) {
	if s == "" || len(s) > maxDigits || strings.Trim(s, "0123456789") != "" {
		return nil, errors.New("not a number of 1 to 60 decimal digits")
	}
	n, _ := new(big.Int).SetString(s, 10)
	return n, nil
}

// u256 converts an amount that check has accepted.
func u256(x *big.Int) calldata.U256 {
	u, err := calldata.U256FromBig(x)
	if err != nil {
		panic(err)
	}
	return u
}
