package archtest

import (
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// columns is how wide prose and comments may be, and tab how wide a tab is.
const columns, tab = 100, 4

// docs calls f for every Markdown file of the repository, with its lines.
func docs(t *testing.T, f func(path string, lines []string)) {
	t.Helper()
	dir := root(t)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && path != dir &&
			(name == "target" || name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".md" {
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err == nil {
			f(filepath.ToSlash(rel), strings.Split(read(t, rel), "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// read returns a file of the repository.
func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// between returns the lines of a document's code between two comments.
func between(t *testing.T, path, name, language string) []string {
	t.Helper()
	_, text, begins := strings.Cut(read(t, path), "<!-- "+name+" -->\n```"+language+"\n")
	text, _, ends := strings.Cut(text, "\n```\n<!-- /"+name+" -->")
	if !begins || !ends {
		t.Fatalf("%s has no part %s", path, name)
	}
	return strings.Split(text, "\n")
}

// prose calls f for the lines of a document that are no code, with their numbers.
func prose(lines []string, f func(n int, line string)) {
	code, blank := false, true
	for i, line := range lines {
		text := strings.TrimSpace(line)
		fence := strings.HasPrefix(text, "```")
		indented := strings.HasPrefix(line, "    ") && blank
		if fence {
			code = !code
		}
		if !code && !fence && !indented {
			f(i+1, line)
		}
		blank = text == "" || indented
	}
}

// TestProseWidth wants prose to be wrapped. Tables are not, nor are lines that hold nothing
// but one link.
func TestProseWidth(t *testing.T) {
	docs(t, func(path string, lines []string) {
		prose(lines, func(n int, line string) {
			text := strings.TrimLeft(line, " -*")
			if strings.HasPrefix(text, "|") || !strings.Contains(text, " ") {
				return
			}
			if utf8.RuneCountInString(line) > columns {
				t.Errorf("%s:%d has %d columns", path, n, utf8.RuneCountInString(line))
			}
		})
	})
}

// TestCommentWidth wants comments to be wrapped, but for directives and what generators write.
func TestCommentWidth(t *testing.T) {
	goFiles(t, func(path string, file *ast.File) {
		if ast.IsGenerated(file) {
			return
		}
		for n, line := range strings.Split(read(t, path), "\n") {
			text := strings.TrimLeft(line, "\t")
			width := utf8.RuneCountInString(text) + tab*(len(line)-len(text))
			if !strings.HasPrefix(text, "// ") || width <= columns || strings.Contains(text, "://") {
				continue
			}
			t.Errorf("%s:%d: a comment of %d columns", path, n+1, width)
		}
	})
}

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	spanned = regexp.MustCompile("`[^`]*`")
)

// TestDocLinks follows the relative links of all documents, to headings too.
func TestDocLinks(t *testing.T) {
	docs(t, func(path string, lines []string) {
		prose(lines, func(n int, line string) {
			for _, m := range link.FindAllStringSubmatch(spanned.ReplaceAllString(line, ""), -1) {
				if strings.Contains(m[1], "://") {
					continue
				}
				if err := follow(t, path, m[1]); err != nil {
					t.Errorf("%s:%d: %v", path, n, err)
				}
			}
		})
	})
}

// follow looks for what a link of a document points at.
func follow(t *testing.T, path, target string) error {
	t.Helper()
	file, heading, _ := strings.Cut(target, "#")
	if file == "" {
		file = filepath.Base(path)
	}
	file = filepath.Join(filepath.Dir(path), file)
	if _, err := os.Stat(filepath.Join(root(t), file)); err != nil {
		return fmt.Errorf("the link %s leads nowhere", target)
	}
	if heading == "" {
		return nil
	}
	found := false
	prose(strings.Split(read(t, file), "\n"), func(_ int, line string) {
		found = found || strings.HasPrefix(line, "#") && anchor(line) == heading
	})
	if !found {
		return fmt.Errorf("%s has no heading #%s", file, heading)
	}
	return nil
}

// anchor returns the name by which a heading is linked.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimLeft(heading, "# "))
}

var quoted = regexp.MustCompile("`([^`]+)`")

// TestTree compares the tree in docs/architecture.md with the packages that there are.
func TestTree(t *testing.T) {
	const doc = "docs/architecture.md"
	shown := make(map[string]bool)
	prose(strings.Split(read(t, doc), "\n"), func(n int, line string) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			return
		}
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			shown[strings.TrimSuffix(m[1], "/")] = true
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			if found, err := filepath.Glob(filepath.Join(root(t), m[1])); err != nil || len(found) == 0 {
				t.Errorf("%s:%d: there is no %s", doc, n, m[1])
			}
		}
	})
	for _, pkg := range strings.Fields(layers) {
		if pkg != "." && !strings.HasPrefix(pkg, "internal/cairo/bindings/") && !shown[pkg] {
			t.Errorf("%s has no place for %s", doc, pkg)
		}
	}
}

// TestReadme compares what README.md shows with what is compiled and run: its example with
// the one of package bitsage, and its lines of the quickstart's output with all of them,
// which the quickstart's own test compares with what it prints.
func TestReadme(t *testing.T) {
	example := strings.Join(between(t, "README.md", "example", "go"), "\n")
	if !strings.Contains(read(t, "example_local_test.go"), "\n"+example+"\n") {
		t.Error("README.md's example is not that of example_local_test.go")
	}
	all := between(t, "docs/quickstart.md", "quickstart", "text")
	for _, line := range between(t, "README.md", "quickstart", "text") {
		i := slices.Index(all, line)
		if i < 0 {
			t.Errorf("docs/quickstart.md does not show, or not in this order: %s", line)
			continue
		}
		all = all[i+1:]
	}
}

// TestIndex wants every document in the index.
func TestIndex(t *testing.T) {
	index := read(t, "docs/README.md")
	docs(t, func(path string, _ []string) {
		name, ok := strings.CutPrefix(path, "docs/")
		if ok && name != "README.md" && !strings.Contains(index, "]("+name+")") {
			t.Errorf("docs/README.md does not list %s", name)
		}
	})
}
