package codec

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/bitsage/bitsage/chain/felt"
	"github.com/bitsage/bitsage/internal/stark"
	"github.com/bitsage/bitsage/internal/vectors"
)

// golden is a proof made by stwo 2.3.0.
type golden struct {
	name  string
	kind  stark.Kind
	proof *stark.Proof
	json  []byte
}

func loadGolden(t testing.TB, dir, name string) golden {
	t.Helper()
	var air struct{ Channel stark.Kind }
	vectors.Load(t, &air, dir, name, "AIR.json")
	g := golden{name: name, kind: air.Channel}
	g.json = bytes.TrimSpace(vectors.Read(t, dir, name, "PROOF.json"))
	var err error
	if g.proof, err = stark.ParseJSON(g.json, g.kind); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return g
}

func loadGoldens(t testing.TB) (all []golden) {
	t.Helper()
	for _, dir := range []string{"stwo/proofs", "matmul"} {
		for _, name := range vectors.Dirs(t, dir) {
			all = append(all, loadGolden(t, dir, name))
		}
	}
	return all
}

// smallest has the shortest binary form.
func smallest(t testing.TB) golden { return loadGolden(t, "stwo/proofs", "wide_fib-blake2s-fold2") }

func mustEncode(t testing.TB, p *stark.Proof, kind stark.Kind) []byte {
	t.Helper()
	data, err := Encode(p, kind)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustCalldata(t testing.TB, p *stark.Proof, kind stark.Kind) []felt.Felt {
	t.Helper()
	felts, err := Calldata(p, kind)
	if err != nil {
		t.Fatal(err)
	}
	return felts
}

// roundTrip checks that all three forms of a proof hold it, and returns the
// canonical two.
func roundTrip(t testing.TB, p *stark.Proof, kind stark.Kind) ([]byte, []felt.Felt) {
	t.Helper()
	data := mustEncode(t, p, kind)
	unpacked, err := Decompress(Compress(data))
	if err != nil || !bytes.Equal(unpacked, data) {
		t.Fatalf("compression loses data: %v", err)
	}
	q, k, err := Decode(unpacked)
	if err != nil || k != kind || !reflect.DeepEqual(q, p) {
		t.Fatalf("binary form loses data: kind %v, error %v", k, err)
	}
	if again := mustEncode(t, q, k); !bytes.Equal(again, data) {
		t.Fatal("binary form is not canonical")
	}
	felts := mustCalldata(t, p, kind)
	q, k, err = ParseCalldata(felts)
	if err != nil || k != kind || !reflect.DeepEqual(q, p) {
		t.Fatalf("calldata loses data: kind %v, error %v", k, err)
	}
	if again := mustCalldata(t, q, k); !reflect.DeepEqual(again, felts) {
		t.Fatal("calldata is not canonical")
	}
	return data, felts
}

// TestGolden takes every golden proof through all forms, and compares sizes and
// identities with the table of the specification.
func TestGolden(t *testing.T) {
	spec, err := os.ReadFile(vectors.Path("..", "docs", "spec", "proof.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range loadGoldens(t) {
		t.Run(g.name, func(t *testing.T) {
			data, felts := roundTrip(t, g.proof, g.kind)
			q, kind, err := Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if got := q.AppendJSON(nil, kind); !bytes.Equal(got, g.json) {
				t.Error("the decoded proof has other JSON")
			}
			// The calldata's identity is the same hash of its felts' bytes.
			var flat []byte
			for _, f := range felts {
				b := f.Bytes()
				flat = append(flat, b[:]...)
			}
			row := fmt.Sprintf("| `%s` | %d | `%x` | %d | `%x` |", g.name, len(data), Hash(data), len(felts), Hash(flat))
			if !strings.Contains(string(spec), row+"\n") {
				t.Errorf("docs/spec/proof.md lacks the row\n%s", row)
			}
		})
	}
}

// TestAppendBinary appends with and without spare capacity, and leaves its
// argument alone on error.
func TestAppendBinary(t *testing.T) {
	g := smallest(t)
	want := mustEncode(t, g.proof, g.kind)
	for _, spare := range []int{0, 1, len(want), len(want) + 7} {
		dst := append(make([]byte, 0, 3+spare), "abc"...)
		got, err := AppendBinary(dst, g.proof, g.kind)
		if err != nil || string(got[:3]) != "abc" || !bytes.Equal(got[3:], want) {
			t.Errorf("%d spare bytes: wrong result, error %v", spare, err)
		}
	}
	if got, err := AppendBinary([]byte("abc"), nil, g.kind); err == nil || string(got) != "abc" {
		t.Errorf("AppendBinary of a nil proof = %q, %v", got, err)
	}
}

// TestDecodeCopies changes the data after decoding.
func TestDecodeCopies(t *testing.T) {
	g := smallest(t)
	data := mustEncode(t, g.proof, g.kind)
	p, _, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !reflect.DeepEqual(p, g.proof) {
		t.Error("the proof shares memory with the data")
	}
}

// TestCatch lets panics of others through: they are bugs, not bad data.
func TestCatch(t *testing.T) {
	defer func() {
		if e := recover(); e != "a bug" {
			t.Errorf("recovered %v", e)
		}
	}()
	var err error
	defer catch(&err)
	panic("a bug")
}
