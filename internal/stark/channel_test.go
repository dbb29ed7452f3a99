package stark

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/crypto/blake2s"

	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/randtest"
	"github.com/bitsage/bitsage/internal/vectors"
)

type channelVectors struct {
	MixRoot []Entry `json:"mix_root"`
	Script  struct {
		Initial string `json:"initial_digest"`
		Steps   []Entry
	}
}

func operand[T any](t *testing.T, e Entry) (v T) {
	t.Helper()
	if err := json.Unmarshal(e.In, &v); err != nil {
		t.Fatalf("%s: %v", e.Op, err)
	}
	return v
}

// perform repeats an operation of the oracle.
func perform(t *testing.T, r *Recorder, e Entry) {
	t.Helper()
	switch e.Op {
	case "mix_root":
		r.MixRoot(parseHash(t, r.Kind, operand[string](t, e)))
	case "mix_felts":
		r.MixFelts(Felts(operand[[]Flat](t, e)))
	case "mix_u32s":
		r.MixU32s(operand[[]uint32](t, e))
	case "mix_u64":
		r.MixU64(operand[uint64](t, e))
	case "draw_secure_felt":
		r.DrawFelt()
	case "draw_secure_felts":
		r.DrawFelts(operand[int](t, e))
	case "draw_u32s":
		r.DrawU32s()
	case "verify_pow_nonce":
		p := operand[powInput](t, e)
		r.VerifyPow(p.Bits, p.Nonce)
	default:
		t.Fatalf("unknown operation %q", e.Op)
	}
}

func TestVectorsChannel(t *testing.T) {
	var all map[Kind]channelVectors
	vectors.Load(t, &all, "stwo", "channel.json")
	for _, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			v := all[k]
			equal(t, "initial state", showDigest(k, k.NewChannel().Digest()), v.Script.Initial)
			for _, want := range [][]Entry{v.Script.Steps, v.MixRoot} {
				if len(want) == 0 {
					t.Fatal("no operations")
				}
				r := NewRecorder(k)
				for _, e := range want {
					perform(t, r, e)
				}
				SameLog(t, r.Log, want)
			}
		})
	}
}

// TestVectorsMixInto absorbs the two configurations that end the script.
func TestVectorsMixInto(t *testing.T) {
	var all map[Kind]channelVectors
	vectors.Load(t, &all, "stwo", "channel.json")
	for _, k := range kinds {
		steps := all[k].Script.Steps
		r := NewRecorder(k)
		for _, e := range steps[:len(steps)-2] {
			perform(t, r, e)
		}
		Config{PowBits: 10, LogBlowup: 1, Queries: 3, FoldStep: 1}.MixInto(r)
		Config{PowBits: 26, LogBlowup: 2, LogLastLayer: 3, Queries: 70, FoldStep: 2, Lifting: 22}.MixInto(r)
		SameLog(t, r.Log, steps)
	}
}

// TestVectorsRandomPoint draws the parameters of circle.json's random points.
func TestVectorsRandomPoint(t *testing.T) {
	var v struct {
		Points []struct {
			Mix uint64 `json:"mix_u64"`
			T   Flat
		} `json:"random_points_blake2s"`
	}
	vectors.Load(t, &v, "stwo", "circle.json")
	for _, c := range v.Points {
		ch := Blake2s.NewChannel()
		ch.MixU64(c.Mix)
		equal(t, "draw", ch.DrawFelt(), c.T.Felt())
	}
	if len(v.Points) == 0 {
		t.Fatal("no points")
	}
}

// TestDraws checks which draws share a block.
func TestDraws(t *testing.T) {
	for _, k := range kinds {
		draw := func() Channel { ch := k.NewChannel(); ch.MixU64(7); return ch }
		four, ch := draw().DrawFelts(4), draw()
		equal(t, "first half of a block", ch.DrawFelt(), four[0])
		equal(t, "second half dropped", ch.DrawFelt(), four[2])
		for n := range 5 {
			equalSlices(t, "prefix", draw().DrawFelts(n), four[:n])
		}
		ch = draw()
		before := ch.Digest()
		ch.DrawU32s()
		equal(t, "state after a draw", ch.Digest(), before)
		for _, x := range append(four, draw().DrawFelts(100)...) {
			equal(t, "canonical", x.IsCanonical(), true)
		}
	}
}

// TestRejection draws from blocks with a word of 2p or more, found by search, at
// the start of the transcript: such a block is skipped as a whole.
func TestRejection(t *testing.T) {
	for _, c := range []struct {
		draws uint32
		index int
		word  uint32
	}{
		{107289826, 2, 1<<32 - 1},
		{380784832, 6, 2 * m31.P}, // DrawFelt does not use this word, yet it counts
	} {
		at := func(draws uint32) *blakeChannel { return &blakeChannel{draws: draws} }
		equal(t, "word", at(c.draws).DrawU32s()[c.index], c.word)
		equal(t, "element", at(c.draws).DrawFelt(), at(c.draws+1).DrawFelt())
		equalSlices(t, "elements", at(c.draws).DrawFelts(3), at(c.draws+1).DrawFelts(3))
		ch := at(c.draws)
		ch.DrawFelt()
		equal(t, "draws", ch.draws, c.draws+2)
	}
}

// TestLeafWidths hashes rows about the width up to which no memory is allocated.
func TestLeafWidths(t *testing.T) {
	r := randtest.New(t)
	for _, n := range []int{0, 1, 127, 128, 129, 256, 1000} {
		row := randColumn(r, 10)[:n]
		var data []byte
		for _, e := range row {
			data = binary.LittleEndian.AppendUint32(data, uint32(e))
		}
		want := Hash(blake2s.Sum256(data))
		equal(t, "leaf", Blake2s.Hasher().Leaf(row), want)
		reduceWords(&want)
		equal(t, "reduced leaf", Blake2sM31.Hasher().Leaf(row), want)
	}
}

// TestMixes checks that a mix changes the state, restarts the draws and cannot
// be confused with another mix.
func TestMixes(t *testing.T) {
	one, two := m31.One, q(2, 0, 0, 0)
	mixes := []func(Channel){
		func(Channel) {},
		func(ch Channel) { ch.MixFelts(nil) },
		func(ch Channel) { ch.MixFelts([]QM31{one}) },
		func(ch Channel) { ch.MixFelts([]QM31{one, {}}) },
		func(ch Channel) { ch.MixFelts([]QM31{one, two}) },
		func(ch Channel) { ch.MixFelts([]QM31{one}); ch.MixFelts([]QM31{two}) },
		func(ch Channel) { ch.MixU32s([]uint32{1, 0, 0}) },
		func(ch Channel) { ch.MixU32s([]uint32{1, 0, 0, 0, 0, 0, 0}) },
		func(ch Channel) { ch.MixU64(2) },
		func(ch Channel) { ch.MixRoot(Hash{31: 3}) },
	}
	for _, k := range kinds {
		seen := make(map[Hash]int)
		for i, mix := range mixes {
			fresh, used := k.NewChannel(), k.NewChannel()
			used.DrawU32s()
			mix(fresh)
			mix(used)
			if j, ok := seen[fresh.Digest()]; ok {
				t.Errorf("%v: mixes %d and %d give the same state", k, j, i)
			}
			seen[fresh.Digest()] = i
			equal(t, "state after a draw and a mix", used.Digest(), fresh.Digest())
			if i > 0 {
				equalSlices(t, "draw after a draw and a mix", used.DrawU32s(), fresh.DrawU32s())
			}
		}
	}
}

// TestPow checks that a search outlives the state it was made for, that it does not
// change the state, and that the verifier agrees with it.
func TestPow(t *testing.T) {
	for _, k := range kinds {
		ch := k.NewChannel()
		before := ch.Digest()
		pow := ch.Pow(4)
		find := func() (nonce uint64) {
			for !pow.Check(nonce) {
				nonce++
			}
			return nonce
		}
		nonce := find()
		for n := range nonce + 1 {
			equal(t, "verified", ch.VerifyPow(4, n), n == nonce)
		}
		equal(t, "state", ch.Digest(), before)
		ch.MixU64(nonce)
		equal(t, "nonce later", find(), nonce)
		equal(t, "impossible work", ch.VerifyPow(129, nonce), false)
	}
}

func TestReduceWords(t *testing.T) {
	var h, want Hash
	copy(h[:], []byte{0xff, 0xff, 0xff, 0x7f, 0xfe, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0x80})
	copy(want[:], []byte{0, 0, 0, 0, 0xfe, 0xff, 0xff, 0x7f, 1, 0, 0, 0, 1, 0, 0, 0})
	reduceWords(&h)
	equal(t, "reduced", h, want)
}

func TestKind(t *testing.T) {
	for _, k := range kinds {
		text, err := k.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "text", string(text), k.String())
		var back Kind
		if err := back.UnmarshalText(text); err != nil {
			t.Fatal(err)
		}
		equal(t, "kind", back, k)
	}
	for _, k := range []Kind{0, Poseidon252 + 1} {
		if _, err := k.MarshalText(); err == nil {
			t.Errorf("%v has a text", k)
		}
		for name, f := range map[string]func(){"channel": func() { k.NewChannel() }, "hasher": func() { k.Hasher() }} {
			if !panics(f) {
				t.Errorf("%v has a %s", k, name)
			}
		}
	}
	equal(t, "name", Kind(9).String(), "stark.Kind(9)")
	k := Blake2s
	for _, text := range []string{"", "blake", "Blake2s", "blake2s ", "stark.Kind(9)"} {
		if err := k.UnmarshalText([]byte(text)); err == nil || k != Blake2s {
			t.Errorf("%q: %v, error %v", text, k, err)
		}
	}
}

func panics(f func()) (p bool) {
	defer func() { p = recover() != nil }()
	f()
	return false
}

func TestInvalidError(t *testing.T) {
	err := fmt.Errorf("outer: %w", Invalid(CheckMerkle, "tree %d", 3))
	equal(t, "message", err.Error(), "outer: invalid proof (Merkle openings): tree 3")
	equal(t, "ErrInvalid", errors.Is(err, ErrInvalid), true)
	equal(t, "another error", errors.Is(err, errRoot), false)
	var e *InvalidError
	equal(t, "check", errors.As(err, &e) && e.Check == CheckMerkle, true)
}

func TestCheckNames(t *testing.T) {
	var seen []string
	for c := CheckConfig; c <= CheckLastLayer; c++ {
		name := c.String()
		if slices.Contains(seen, name) || name[:min(6, len(name))] == "stark." {
			t.Errorf("check %d is called %q", c, name)
		}
		seen = append(seen, name)
	}
	equal(t, "zero", Check(0).String(), "Check(0)")
	equal(t, "unknown", Check(200).String(), "Check(200)")
}
