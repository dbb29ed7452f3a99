package chain

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"unicode/utf8"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/poseidon"
)

// maxClassFile is the size of a compiler's output, which holds debug information
// beside the class.
const maxClassFile = 64 << 20

// ErrClass means that something is no Sierra class, or one above the limits.
var ErrClass = errors.New("chain: not a Sierra class")

// EntryPoint is a function of a class that can be called from outside.
type EntryPoint struct {
	Selector Felt
	Function uint64 // its index in the Sierra program
}

// Class is a Sierra class, the compiled form of a Cairo contract that is declared.
type Class struct {
	Version     string // of the class format, "0.1.0"
	Program     []Felt
	External    []EntryPoint
	L1Handler   []EntryPoint
	Constructor []EntryPoint
	ABI         string // JSON; part of the hash exactly as it is
}

type rpcEntryPoint struct {
	Selector *rpcFelt `json:"selector"`
	Function *uint64  `json:"function_idx"`
}

type rpcEntryPoints struct {
	Constructor []rpcEntryPoint `json:"CONSTRUCTOR"`
	External    []rpcEntryPoint `json:"EXTERNAL"`
	L1Handler   []rpcEntryPoint `json:"L1_HANDLER"`
}

type rpcClass struct {
	Program     []rpcFelt       `json:"sierra_program"`
	Version     string          `json:"contract_class_version"`
	EntryPoints rpcEntryPoints  `json:"entry_points_by_type"`
	ABI         json.RawMessage `json:"abi"`
}

// ParseClass reads a Sierra class, as the Cairo compiler writes it to a file or as
// the RPC has it. It fails with ErrClass.
//
// The compiler writes the ABI as a JSON array, the RPC wants a string, and the class
// hash depends on its spaces: here one follows every comma and colon, as starknet-rs
// and the tools that use it do it.
func ParseClass(data []byte) (*Class, error) {
	if len(data) > maxClassFile {
		return nil, fmt.Errorf("%w: %d bytes", ErrClass, len(data))
	}
	c := new(Class)
	if err := json.Unmarshal(data, c); err != nil {
		if errors.Is(err, ErrClass) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %s", ErrClass, printable(err.Error()))
	}
	return c, nil
}

// UnmarshalJSON implements json.Unmarshaler, see ParseClass.
func (c *Class) UnmarshalJSON(data []byte) error {
	var w rpcClass
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("%w: %s", ErrClass, printable(err.Error()))
	}
	if len(w.Program) == 0 || len(w.Program) > MaxSierra {
		return fmt.Errorf("%w: a program of %d felts", ErrClass, len(w.Program))
	}
	if _, err := classVersion(w.Version); err != nil || w.Version == "" {
		return fmt.Errorf("%w: its version is missing or too long", ErrClass)
	}
	abi, err := abiText(w.ABI)
	if err != nil {
		return err
	}
	var entries [3][]EntryPoint
	for i, list := range [][]rpcEntryPoint{w.EntryPoints.External, w.EntryPoints.L1Handler, w.EntryPoints.Constructor} {
		if entries[i], err = entryPoints(list); err != nil {
			return err
		}
	}
	*c = Class{w.Version, fromRPC(w.Program), entries[0], entries[1], entries[2], abi}
	return nil
}

func entryPoints(list []rpcEntryPoint) ([]EntryPoint, error) {
	if len(list) > MaxSierra {
		return nil, fmt.Errorf("%w: %d entry points", ErrClass, len(list))
	}
	out := make([]EntryPoint, len(list))
	for i, w := range list {
		if w.Selector == nil || w.Function == nil {
			return nil, fmt.Errorf("%w: an entry point lacks a field", ErrClass)
		}
		out[i] = EntryPoint{Felt(*w.Selector), *w.Function}
	}
	return out, nil
}

// abiText returns an ABI that is a JSON string or array as text.
func abiText(raw json.RawMessage) (string, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "", nil
	}
	if !utf8.Valid(raw) {
		return "", fmt.Errorf("%w: its ABI is not UTF-8", ErrClass)
	}
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '[':
		return spaced(raw)
	}
	return "", fmt.Errorf("%w: its ABI is neither a string nor an array", ErrClass)
}

// spaced writes JSON on one line with one space after each comma and colon.
func spaced(raw []byte) (string, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return "", fmt.Errorf("%w: its ABI is not JSON", ErrClass)
	}
	var out bytes.Buffer
	inString, escaped := false, false
	for _, b := range compact.Bytes() {
		out.WriteByte(b)
		switch {
		case escaped:
			escaped = false
		case inString && b == '\\':
			escaped = true
		case b == '"':
			inString = !inString
		case !inString && (b == ',' || b == ':'):
			out.WriteByte(' ')
		}
	}
	return out.String(), nil
}

// MarshalJSON writes the class as the RPC has it.
func (c *Class) MarshalJSON() ([]byte, error) {
	abi, err := json.Marshal(c.ABI)
	if err != nil {
		return nil, err
	}
	return json.Marshal(rpcClass{rpcFelts(c.Program), c.Version,
		rpcEntryPoints{rpcEntries(c.Constructor), rpcEntries(c.External), rpcEntries(c.L1Handler)}, abi})
}

func rpcEntries(list []EntryPoint) []rpcEntryPoint {
	out := make([]rpcEntryPoint, len(list))
	for i := range list {
		selector := rpcFelt(list[i].Selector)
		out[i] = rpcEntryPoint{&selector, &list[i].Function}
	}
	return out
}

// Hash returns the class hash: the Poseidon hash of the version, the entry points of
// the three types, the keccak of the ABI and the program (Starknet documentation,
// "Class hash").
func (c *Class) Hash() Felt {
	version, err := classVersion(c.Version)
	if err != nil {
		return Felt{} // no class that was read has such a version
	}
	return poseidon.HashMany(version, hashEntries(c.External), hashEntries(c.L1Handler), hashEntries(c.Constructor),
		Keccak([]byte(c.ABI)), programs.hash(c.Program))
}

// programs remembers the hashes of the programs that were hashed last. A declaration
// needs that of its class several times, on both sides of the RPC, and Poseidon takes
// about a hundred times as long as SHA-256.
var programs programHashes

// maxPrograms bounds the hashes that are remembered.
const maxPrograms = 64

// programHashes are Poseidon hashes of programs, by the SHA-256 of their felts.
type programHashes struct {
	mu     sync.Mutex
	hashes map[[sha256.Size]byte]Felt
}

// hash returns the Poseidon hash of a program.
func (p *programHashes) hash(program []Felt) Felt {
	digest := sha256.New()
	for i := range program {
		b := program[i].Bytes()
		digest.Write(b[:])
	}
	key := [sha256.Size]byte(digest.Sum(nil))
	p.mu.Lock()
	h, ok := p.hashes[key]
	p.mu.Unlock()
	if ok {
		return h
	}
	h = poseidon.HashMany(program...)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hashes == nil || len(p.hashes) >= maxPrograms {
		p.hashes = make(map[[sha256.Size]byte]Felt)
	}
	p.hashes[key] = h
	return h
}

func classVersion(v string) (Felt, error) { return felt.ShortString("CONTRACT_CLASS_V" + v) }

func hashEntries(list []EntryPoint) Felt {
	flat := make([]Felt, 0, 2*len(list))
	for _, e := range list {
		flat = append(flat, e.Selector, Uint(e.Function))
	}
	return poseidon.HashMany(flat...)
}
