// Package class computes the hash by which Starknet names a contract class, and
// the selectors of functions and events.
package class

import (
	"bytes"
	"encoding/json"
	"errors"

	"golang.org/x/crypto/sha3"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// Sierra is a class as a node's RPC takes it: with the ABI as a string, which is
// hashed as it is.
type Sierra struct {
	SierraProgram        []string    `json:"sierra_program"`
	ContractClassVersion string      `json:"contract_class_version"`
	EntryPointsByType    EntryPoints `json:"entry_points_by_type"`
	ABI                  string      `json:"abi"`
}

// EntryPoints are the functions of a class that can be called.
type EntryPoints struct {
	Constructor []EntryPoint `json:"CONSTRUCTOR"`
	External    []EntryPoint `json:"EXTERNAL"`
	L1Handler   []EntryPoint `json:"L1_HANDLER"`
}

// EntryPoint is a function of a class.
type EntryPoint struct {
	FunctionIdx uint64 `json:"function_idx"`
	Selector    string `json:"selector"`
}

// errVersion means that the class is of a version with another hash.
var errVersion = errors.New("class: unknown version of a contract class")

// Parse reads a class and refuses unknown fields.
func Parse(data []byte) (*Sierra, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	s := new(Sierra)
	return s, dec.Decode(s)
}

// Hash returns the class hash (Starknet documentation, "Class hash").
func (s *Sierra) Hash() (felt.Felt, error) {
	if s.ContractClassVersion != "0.1.0" {
		return felt.Felt{}, errVersion
	}
	version, err := felt.ShortString("CONTRACT_CLASS_V" + s.ContractClassVersion)
	if err != nil {
		return felt.Felt{}, err
	}
	parts := []felt.Felt{version}
	points := s.EntryPointsByType
	for _, list := range [][]EntryPoint{points.External, points.L1Handler, points.Constructor} {
		h, err := hashEntryPoints(list)
		if err != nil {
			return felt.Felt{}, err
		}
		parts = append(parts, h)
	}
	program, err := hashFelts(s.SierraProgram)
	if err != nil {
		return felt.Felt{}, err
	}
	return poseidon.HashMany(append(parts, Keccak([]byte(s.ABI)), program)...), nil
}

func hashEntryPoints(list []EntryPoint) (felt.Felt, error) {
	var felts []felt.Felt
	for _, p := range list {
		selector, err := felt.Parse(p.Selector)
		if err != nil {
			return felt.Felt{}, err
		}
		var index felt.Felt
		index.SetUint64(p.FunctionIdx)
		felts = append(felts, selector, index)
	}
	return poseidon.HashMany(felts...), nil
}

func hashFelts(texts []string) (felt.Felt, error) {
	felts := make([]felt.Felt, len(texts))
	for i, t := range texts {
		var err error
		if felts[i], err = felt.Parse(t); err != nil {
			return felt.Felt{}, err
		}
	}
	return poseidon.HashMany(felts...), nil
}

// Keccak is Starknet's keccak: the lower 250 bits of Keccak-256.
func Keccak(data []byte) felt.Felt {
	h := sha3.NewLegacyKeccak256()
	h.Write(data)
	sum := h.Sum(nil)
	sum[0] &= 3
	var f felt.Felt
	f.SetBytes(sum)
	return f
}

// Selector names a function or an event.
func Selector(name string) felt.Felt { return Keccak([]byte(name)) }
