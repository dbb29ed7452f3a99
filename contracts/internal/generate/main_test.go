package main

import "testing"

func TestSpaced(t *testing.T) {
	for in, want := range map[string]string{
		`[ {"a" : 1,"b":[2,3]} ]`: `[{"a": 1, "b": [2, 3]}]`,
		`{"a,b:\"c,":"\\","d":1}`: `{"a,b:\"c,": "\\", "d": 1}`,
		`[]`:                      `[]`,
	} {
		if got := spaced([]byte(in)); got != want {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
}
