package proof

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/profiles.md anew")

// profilesPage is where the figures of the profiles are published.
var profilesPage = filepath.Join("..", "docs", "profiles.md")

// section returns the text between two marks of a page, and what is around it.
func section(t *testing.T, page, name string) (before, text, after string) {
	t.Helper()
	before, rest, begins := strings.Cut(page, "<!-- begin "+name+" -->\n")
	text, after, ends := strings.Cut(rest, "<!-- end "+name+" -->\n")
	if !begins || !ends {
		t.Fatalf("%s has no table between marks for %q", profilesPage, name)
	}
	return before + "<!-- begin " + name + " -->\n", text, "<!-- end " + name + " -->\n" + after
}

// bitsWithout returns the report of a proof as if no work had been done for it.
func bitsWithout(t *testing.T, p Program, profile Profile) SecurityReport {
	t.Helper()
	s := Statement{Program: p}
	a, err := s.AIR(profile)
	if err != nil {
		t.Fatal(err)
	}
	params := securityParams(a, p)
	params.PowBits = 0
	r, err := params.Report()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// times returns, by profile, the last two cells of each row: they were measured.
func times(table string) map[string]string {
	out := make(map[string]string)
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSuffix(line, " |\n"), " | ")
		if n := len(cells); n > 2 && strings.HasPrefix(line, "| `") {
			name := strings.Trim(cells[0], "| `")
			out[name] = cells[n-2] + " | " + cells[n-1]
		}
	}
	return out
}

// securityTable is the table of security, size and time, the times being given.
func securityTable(t *testing.T, measured map[string]string) string {
	t.Helper()
	p := MatMul(1024, 1024, 1024)
	var out strings.Builder
	out.WriteString("| profile | blowup | queries | work | proven, unique decoding | proven, Johnson | conjectured | below list-decoding capacity | bytes | ms | work ms |\n")
	out.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, profile := range Profiles() {
		r, err := Security(p, profile)
		if err != nil {
			t.Fatal(err)
		}
		size, err := EstimateBytes(p, profile)
		if err != nil {
			t.Fatal(err)
		}
		c, without := profile.Params(), bitsWithout(t, p, profile)
		took := measured[profile.String()]
		if took == "" {
			took = " | "
		}
		fmt.Fprintf(&out, "| `%v` | %d | %d | %d | %d (%d) | %d (%d) | %d (%d) | %d (%d) | %d | %s |\n", profile, 1<<c.LogBlowup, c.Queries, c.PowBits,
			r.Unique, without.Unique, r.Johnson, without.Johnson, r.Conjectured, without.Conjectured, r.ListDecoding, without.ListDecoding, size, took)
	}
	return out.String()
}

// sizeTable is the table of expected sizes.
func sizeTable(t *testing.T) string {
	t.Helper()
	sizes := []int{64, 256, 1024, 2048, 4096}
	var out strings.Builder
	out.WriteString("| profile | 64 | 256 | 1024 | 2048 | 4096 |\n|---|--:|--:|--:|--:|--:|\n")
	for _, profile := range Profiles() {
		fmt.Fprintf(&out, "| `%v` |", profile)
		for _, size := range sizes {
			p := MatMul(size, size, size)
			n, err := EstimateBytes(p, profile)
			if err != nil {
				t.Fatal(err)
			}
			format := " %d |"
			if CheckSize(p, profile) != nil {
				format = " (%d) |"
			}
			fmt.Fprintf(&out, format, n)
		}
		out.WriteString("\n")
	}
	return out.String()
}

// TestProfilesPage compares the tables of docs/profiles.md with what they are about.
//
//	go test ./proof -run Profiles -update
//
// writes them anew, but for the times.
func TestProfilesPage(t *testing.T) {
	data, err := os.ReadFile(profilesPage)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	_, old, _ := section(t, page, "security")
	for name, want := range map[string]string{"security": securityTable(t, times(old)), "size": sizeTable(t)} {
		before, got, after := section(t, page, name)
		if got != want {
			page = before + want + after
			if !*update {
				t.Errorf("the table %q of %s is\n%sand ought to be\n%s", name, profilesPage, got, want)
			}
		}
	}
	if *update {
		if err := os.WriteFile(profilesPage, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
