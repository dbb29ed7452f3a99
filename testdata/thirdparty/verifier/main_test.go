package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	data, err := os.ReadFile("../../../receipt/testdata/receipt.json")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := run(t.Context(), bytes.NewReader(data), &out); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "std: matmul int8 3x2x4 by 0x") {
		t.Error(out.String())
	}
	if err := run(t.Context(), bytes.NewReader(data[:len(data)/2]), &out); err == nil {
		t.Error("half of a receipt verifies")
	}
}
