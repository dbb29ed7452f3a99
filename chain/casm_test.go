package chain

import (
	"errors"
	"strings"
	"testing"
)

func TestGoldenCasm(t *testing.T) {
	list := golden(t).Casm
	if len(list) < 4 {
		t.Fatal("golden.json is incomplete")
	}
	for i, g := range list {
		got, err := CompiledClassHash(g.Class)
		if err != nil || got != Felt(g.Hash) {
			t.Errorf("%d: %s, want %s: %v", i, got, Felt(g.Hash), err)
		}
	}
}

func TestCasmRefuses(t *testing.T) {
	good := `{"bytecode":["0x1","0x2","0x3"],"bytecode_segment_lengths":[1,[2]],"entry_points_by_type":{"EXTERNAL":[{"selector":"0x1","offset":0,"builtins":["range_check"]}]}}`
	if _, err := CompiledClassHash([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{`["0x1","0x2","0x3"]`, `[]`}, {`"0x2"`, `null`}, {`[1,[2]]`, `[1,[1]]`}, {`[1,[2]]`, `[1,[3]]`}, {`[1,[2]]`, `[-1,[2]]`}, {`[1,[2]]`, `[18446744073709551615]`},
		{`[1,[2]]`, `{}`}, {`[1,[2]]`, `[1,null]`}, {`[1,[2]]`, `"3"`}, {`[1,[2]]`, strings.Repeat("[", 100) + "3" + strings.Repeat("]", 100)},
		{`"selector":"0x1",`, ``}, {`"offset":0,`, ``}, {`range_check`, strings.Repeat("r", 32)}, {`{`, `[`},
	} {
		if _, err := CompiledClassHash([]byte(strings.Replace(good, r[0], r[1], 1))); !errors.Is(err, ErrCasm) {
			t.Errorf("%s: %v", r[1][:min(len(r[1]), 40)], err)
		}
	}
}

func FuzzCasm(f *testing.F) {
	f.Add([]byte(`{"bytecode":["0x1","0x2","0x3"],"bytecode_segment_lengths":[1,[2]],"entry_points_by_type":{"EXTERNAL":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := CompiledClassHash(data); err != nil && !errors.Is(err, ErrCasm) {
			t.Error(err)
		}
	})
}
