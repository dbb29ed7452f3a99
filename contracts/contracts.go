// Package contracts embeds BitSage's Starknet contracts, compiled: what a
// declaration needs. Their sources are the Cairo files below this folder, and
// README.md says what they do.
//
// The CASM form of the classes is not here: a node compiles it from Sierra and
// wants only its hash.
package contracts

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed classes/*.json
var files embed.FS

// Class is a compiled contract. It must not be modified.
type Class struct {
	Name string
	// Sierra is the class as JSON, in the form that a node's RPC takes: its field
	// abi is a string, which enters the class hash as it is.
	Sierra []byte
	// ABI is the same ABI for reading.
	ABI []byte
	// ClassHash names the class on the network.
	ClassHash string
	// CompiledClassHash is the hash of the class compiled to CASM, by Blake2s, as
	// networks want it since Starknet 0.14.1.
	CompiledClassHash string
	// CompiledClassHashPoseidon is the same for networks before 0.14.1.
	CompiledClassHashPoseidon string
}

// entry is a line of classes.json.
type entry struct {
	Name                      string `json:"name"`
	ClassHash                 string `json:"class_hash"`
	CompiledClassHash         string `json:"compiled_class_hash"`
	CompiledClassHashPoseidon string `json:"compiled_class_hash_poseidon"`
}

// load reads the embedded files once. Tests check them, so it cannot fail. That nothing is
// made of them when the program starts lets the linker leave them out of programs that only
// import this package.
func load() []*Class {
	loadOnce.Do(func() {
		var entries []entry
		if err := json.Unmarshal(read("classes"), &entries); err != nil {
			panic(err)
		}
		for _, e := range entries {
			loaded = append(loaded, &Class{
				Name:                      e.Name,
				Sierra:                    read(e.Name),
				ABI:                       read(e.Name + ".abi"),
				ClassHash:                 e.ClassHash,
				CompiledClassHash:         e.CompiledClassHash,
				CompiledClassHashPoseidon: e.CompiledClassHashPoseidon,
			})
		}
	})
	return loaded
}

var (
	loadOnce sync.Once
	loaded   []*Class
)

func read(name string) []byte {
	data, err := files.ReadFile("classes/" + name + ".json")
	if err != nil {
		panic(err)
	}
	return data
}

// Classes returns all classes, ordered by name.
func Classes() []*Class { return append([]*Class(nil), load()...) }

// ByName returns the class of a contract, such as "SageToken".
func ByName(name string) (*Class, error) {
	for _, c := range load() {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("contracts: no contract is named %q", name)
}
