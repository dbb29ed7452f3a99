package chain

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/blake2s"

	"github.com/bitsage/bitsage/chain/felt"
)

// ErrCasm means that something is no class compiled to CASM, or one above the limits.
var ErrCasm = errors.New("chain: not a class compiled to CASM")

const (
	maxBytecode = 81_920 // felts, the protocol's limit
	maxNesting  = 64     // of bytecode segments
)

type rpcCasmEntry struct {
	Selector *rpcFelt `json:"selector"`
	Offset   *uint64  `json:"offset"`
	Builtins []string `json:"builtins"`
}

type rpcCasm struct {
	Bytecode    []rpcFelt       `json:"bytecode"`
	Segments    json.RawMessage `json:"bytecode_segment_lengths"`
	EntryPoints struct {
		Constructor []rpcCasmEntry `json:"CONSTRUCTOR"`
		External    []rpcCasmEntry `json:"EXTERNAL"`
		L1Handler   []rpcCasmEntry `json:"L1_HANDLER"`
	} `json:"entry_points_by_type"`
}

// CompiledClassHash returns the compiled class hash that Account.Declare wants, of a
// class compiled to CASM as the Cairo compiler writes it or starknet_getCompiledCasm
// answers it. It is the hash by Blake2s, which Starknet uses since 0.14.1.
// It fails with ErrCasm.
func CompiledClassHash(casm []byte) (Felt, error) {
	if len(casm) > maxClassFile {
		return Felt{}, fmt.Errorf("%w: %d bytes", ErrCasm, len(casm))
	}
	var w rpcCasm
	if err := json.Unmarshal(casm, &w); err != nil {
		return Felt{}, fmt.Errorf("%w: %s", ErrCasm, printable(err.Error()))
	}
	if len(w.Bytecode) == 0 || len(w.Bytecode) > maxBytecode {
		return Felt{}, fmt.Errorf("%w: a bytecode of %d felts", ErrCasm, len(w.Bytecode))
	}
	code, err := hashBytecode(fromRPC(w.Bytecode), w.Segments)
	if err != nil {
		return Felt{}, err
	}
	parts := []Felt{short("COMPILED_CLASS_V1")}
	for _, list := range [][]rpcCasmEntry{w.EntryPoints.External, w.EntryPoints.L1Handler, w.EntryPoints.Constructor} {
		h, err := hashCasmEntries(list)
		if err != nil {
			return Felt{}, err
		}
		parts = append(parts, h)
	}
	return blakeMany(append(parts, code)), nil
}

// blakeMany is Starknet's Blake2s hash of felts: those below 2^63 are two words of 32
// bits, others eight with the top bit of the first set, the most significant first
// and each little-endian. The digest is a little-endian number modulo the prime.
func blakeMany(list []Felt) Felt {
	var data []byte
	for i := range list {
		b := list[i].Bytes()
		words := b[:]
		if list[i].IsUint64() && list[i].Uint64() < 1<<63 {
			words = b[24:]
		} else {
			b[0] |= 0x80
		}
		for ; len(words) > 0; words = words[4:] {
			data = binary.LittleEndian.AppendUint32(data, binary.BigEndian.Uint32(words))
		}
	}
	sum := blake2s.Sum256(data)
	slices.Reverse(sum[:])
	var f Felt
	f.SetBytes(sum[:])
	return f
}

func hashCasmEntries(list []rpcCasmEntry) (Felt, error) {
	var flat []Felt
	for _, e := range list {
		if e.Selector == nil || e.Offset == nil {
			return Felt{}, fmt.Errorf("%w: an entry point lacks a field", ErrCasm)
		}
		var builtins []Felt
		for _, name := range e.Builtins {
			f, err := felt.ShortString(name)
			if err != nil {
				return Felt{}, fmt.Errorf("%w: the name of a builtin: %w", ErrCasm, err)
			}
			builtins = append(builtins, f)
		}
		flat = append(flat, Felt(*e.Selector), Uint(*e.Offset), blakeMany(builtins))
	}
	return blakeMany(flat), nil
}

// hashBytecode hashes bytecode by its segments, which must cover it exactly; without
// any it is one segment.
func hashBytecode(code []Felt, segments json.RawMessage) (Felt, error) {
	if len(segments) == 0 || bytes.Equal(segments, null) {
		return blakeMany(code), nil
	}
	h, rest, err := hashSegment(code, segments, 0)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d felts of bytecode are in no segment", ErrCasm, len(rest))
	}
	return h, err
}

// hashSegment hashes the felts that a tree of segments takes from code, and returns
// the felts that are left. A leaf is its length; a node is 1 plus the hash of the
// lengths and hashes of its children.
func hashSegment(code []Felt, segment json.RawMessage, depth int) (Felt, []Felt, error) {
	var n uint64
	if json.Unmarshal(segment, &n) == nil && !bytes.Equal(segment, null) {
		if n > uint64(len(code)) {
			return Felt{}, nil, fmt.Errorf("%w: a segment is longer than the bytecode", ErrCasm)
		}
		return blakeMany(code[:n]), code[n:], nil
	}
	children, err := decodeArray[json.RawMessage](segment, maxBytecode)
	if err != nil || depth == maxNesting {
		return Felt{}, nil, fmt.Errorf("%w: its segments are no lengths", ErrCasm)
	}
	var flat []Felt
	for _, child := range children {
		h, rest, err := hashSegment(code, child, depth+1)
		if err != nil {
			return Felt{}, nil, err
		}
		flat = append(flat, Uint(uint64(len(code)-len(rest))), h)
		code = rest
	}
	h, one := blakeMany(flat), Uint(1)
	h.Add(&h, &one)
	return h, code, nil
}
