package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/bitsage/bitsage/internal/atomicfile"
)

// ErrState means that the state file belongs to another deployment, or is none.
var ErrState = errors.New("deploy: the state file is not that of this deployment")

const maxState = 64 << 10

// parameters returns all that the deployment depends on, by name.
func (p *Plan) parameters(chainID string) map[string]string {
	c := p.Config
	m := map[string]string{
		"chain_id": chainID, "account": p.Account.String(), "network": string(c.Network), "owner": c.Owner.String(),
		"supply_recipient": c.Recipient.String(), "supply": c.Supply.String(), "rate": c.Rate.String(),
		"epoch_length": strconv.FormatUint(c.EpochLength, 10), "salt": c.Salt.String(),
		"faucet.cap": "none", "faucet.funding": "none",
	}
	if c.Faucet != nil {
		m["faucet.cap"], m["faucet.funding"] = c.Faucet.Cap.String(), c.Faucet.Funding.String()
	}
	for _, contract := range p.Contracts {
		m["class."+contract.Name] = contract.Deployment.Class.String()
	}
	return m
}

// pin writes the state file, or checks it if it is there. It says nothing about how
// far the deployment is: the chain does.
func (p *Plan) pin(chainID string) error {
	path, want := p.Config.State, p.parameters(chainID)
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			return err
		}
		return atomicfile.Write(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxState {
		return fmt.Errorf("%w: %s is no file of at most %d bytes", ErrState, path, maxState)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var have map[string]string
	if err := json.Unmarshal(data, &have); err != nil {
		return fmt.Errorf("%w: %s: %v", ErrState, path, err)
	}
	return compare(path, have, want)
}

// compare fails with ErrState and every parameter that differs.
func compare(path string, have, want map[string]string) error {
	all := maps.Clone(want)
	maps.Copy(all, have)
	var diff []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if h, w := have[name], want[name]; h != w {
			diff = append(diff, fmt.Sprintf("%s was %q and is now %q", name, h, w))
		}
	}
	if diff == nil {
		return nil
	}
	return fmt.Errorf("%w: %s: %s; resume with the same parameters, account and version, or begin another deployment with another state file and salt",
		ErrState, path, strings.Join(diff, ", "))
}
