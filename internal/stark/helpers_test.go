package stark

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
)

var kinds = []Kind{Blake2s, Blake2sM31, Poseidon252}

func randColumn(r *rand.Rand, k int) []m31.Elem {
	v := make([]m31.Elem, 1<<k)
	for i := range v {
		v[i] = m31.Elem(r.Uint32N(m31.P))
	}
	return v
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

func equalSlices[T comparable](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// fails checks that an error names the check by which a proof is invalid.
func fails(t *testing.T, what string, err error, want Check) {
	t.Helper()
	if e, ok := err.(*InvalidError); !ok || e.Check != want {
		t.Errorf("%s: error %v, want check %q", what, err, want)
	}
}

// Flat and Point are QM31 and SecurePoint as the vector files write them.
type (
	Flat  [4]m31.Elem
	Point struct{ X, Y Flat }
)

// Felt returns the element.
func (v Flat) Felt() QM31 { return m31.Q(v[0], v[1], v[2], v[3]) }

// Secure returns the point.
func (p Point) Secure() circle.SecurePoint { return circle.SecurePoint{X: p.X.Felt(), Y: p.Y.Felt()} }

// Felts converts a list.
func Felts(v []Flat) []QM31 { return mapped(v, Flat.Felt) }

func flat(x QM31) Flat { return x.Coords() }

// nested is QM31 as serde writes it inside stwo's own structures.
type nested [2][2]m31.Elem

func (v nested) felt() QM31 { return m31.Q(v[0][0], v[0][1], v[1][0], v[1][1]) }

func mapped[S, T any](v []S, f func(S) T) []T {
	out := make([]T, len(v))
	for i, x := range v {
		out[i] = f(x)
	}
	return out
}

// showDigest prints a channel's state as the oracle does.
func showDigest(k Kind, h Hash) string {
	if k == Poseidon252 {
		return fmt.Sprintf("%#x", new(big.Int).SetBytes(h[:]))
	}
	return hex.EncodeToString(h[:])
}

// showHash prints a Merkle hash as the oracle does.
func showHash(k Kind, h Hash) string {
	if k == Poseidon252 {
		return new(big.Int).SetBytes(h[:]).String()
	}
	return hex.EncodeToString(h[:])
}

// parseHash is the inverse of showHash.
func parseHash(t *testing.T, k Kind, s string) (h Hash) {
	t.Helper()
	if k == Poseidon252 {
		n, ok := new(big.Int).SetString(s, 10)
		if !ok {
			t.Fatalf("bad hash %q", s)
		}
		n.FillBytes(h[:])
		return h
	}
	if n, err := hex.Decode(h[:], []byte(s)); err != nil || n != len(h) {
		t.Fatalf("bad hash %q: %v", s, err)
	}
	return h
}

// Entry is a channel operation with its operands, its result and the state after
// it, as the oracle writes them down.
type Entry struct {
	Op      string
	In, Out json.RawMessage
	Digest  string
}

// String returns one line that is equal for equal entries.
func (e Entry) String() string {
	var b strings.Builder
	for _, raw := range []json.RawMessage{e.In, e.Out} {
		var c bytes.Buffer
		if err := json.Compact(&c, raw); err != nil {
			panic(err)
		}
		b.WriteString(" " + c.String())
	}
	return e.Op + b.String() + " " + e.Digest
}

// powInput is the operand of the operation verify_pow_nonce.
type powInput struct {
	Bits  int    `json:"bits"`
	Nonce uint64 `json:"nonce"`
}

// Recorder is a channel that keeps a log of its operations.
type Recorder struct {
	Channel
	Kind Kind
	Log  []Entry
}

// NewRecorder returns a new channel of the kind.
func NewRecorder(k Kind) *Recorder { return &Recorder{Channel: k.NewChannel(), Kind: k} }

func (r *Recorder) note(op string, in, out any) {
	raw := func(v any) json.RawMessage {
		b, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return b
	}
	r.Log = append(r.Log, Entry{op, raw(in), raw(out), showDigest(r.Kind, r.Digest())})
}

// MixRoot implements Channel.
func (r *Recorder) MixRoot(h Hash) {
	r.Channel.MixRoot(h)
	r.note("mix_root", showHash(r.Kind, h), nil)
}

// MixFelts implements Channel.
func (r *Recorder) MixFelts(v []QM31) {
	r.Channel.MixFelts(v)
	r.note("mix_felts", mapped(v, flat), nil)
}

// MixU32s implements Channel.
func (r *Recorder) MixU32s(v []uint32) {
	r.Channel.MixU32s(v)
	r.note("mix_u32s", v, nil)
}

// MixU64 implements Channel.
func (r *Recorder) MixU64(v uint64) {
	r.Channel.MixU64(v)
	r.note("mix_u64", v, nil)
}

// DrawFelt implements Channel.
func (r *Recorder) DrawFelt() QM31 {
	v := r.Channel.DrawFelt()
	r.note("draw_secure_felt", nil, flat(v))
	return v
}

// DrawFelts implements Channel.
func (r *Recorder) DrawFelts(n int) []QM31 {
	v := r.Channel.DrawFelts(n)
	r.note("draw_secure_felts", n, mapped(v, flat))
	return v
}

// DrawU32s implements Channel.
func (r *Recorder) DrawU32s() []uint32 {
	v := r.Channel.DrawU32s()
	r.note("draw_u32s", nil, v)
	return v
}

// VerifyPow implements Channel.
func (r *Recorder) VerifyPow(bits int, nonce uint64) bool {
	ok := r.Channel.VerifyPow(bits, nonce)
	r.note("verify_pow_nonce", powInput{bits, nonce}, ok)
	return ok
}

// SameLog compares a log with the oracle's.
func SameLog(t *testing.T, got, want []Entry) {
	t.Helper()
	equal(t, "number of operations", len(got), len(want))
	for i := range min(len(got), len(want)) {
		if g, w := got[i].String(), want[i].String(); g != w {
			t.Fatalf("operation %d: %.300s, want %.300s", i, g, w)
		}
	}
}
