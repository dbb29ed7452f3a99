package bitsagetest

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocs wants every piece of Go in docs/testing.md to be a part of example_test.go,
// and every statement that its table and the package documentation show to be one.
func TestDocs(t *testing.T) {
	doc, code := file(t, "../docs/testing.md"), file(t, "example_test.go")
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(doc, -1)
	if len(snippets) < 4 {
		t.Errorf("%d pieces of Go", len(snippets))
	}
	for _, s := range snippets {
		if !strings.Contains(code, s[1]) {
			t.Errorf("example_test.go does not have\n%s", s[1])
		}
	}
	verbs := make(map[verb]bool)
	check := func(text string) {
		t.Helper()
		faults, err := parse(text, small)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		for _, f := range faults {
			verbs[f.verb] = true
		}
	}
	_, table, _ := strings.Cut(doc, "| statement | effect |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for row := range strings.Lines(table) {
		first, _, _ := strings.Cut(strings.TrimPrefix(row, "|"), "|")
		for _, s := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
			check(s[1])
		}
	}
	all := []verb{loss, duplicate, reorder, delay, slow, partition, silence, crash, forge, rpcReset, rpcStale, rpcDelay, heal}
	slices.Sort(all)
	if got := slices.Sorted(maps.Keys(verbs)); !slices.Equal(got, all) {
		t.Errorf("the table has %v, there are %v", got, all)
	}
	_, sample, _ := strings.Cut(file(t, "doc.go"), "begins a comment:\n//\n")
	sample, _, _ = strings.Cut(sample, "\n//\n")
	if sample = strings.ReplaceAll(sample, "//\t", ""); strings.Count(sample, "\n") != 5 {
		t.Errorf("sample of the package documentation: %q", sample)
	}
	check(sample)
}
