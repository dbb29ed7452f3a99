package bindgen

import (
	"bytes"
	"fmt"
	"go/format"
	"regexp"
	"strings"
)

var constant = regexp.MustCompile(`^pub const ([A-Z0-9_]+): felt252 = '([^']+)';$`)

// Errors returns the file of package cairo with the errors that a Cairo module
// declares: constants, each with a comment, whose name is their short string.
func Errors(source string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(Header + "package cairo\n\n// Errors are all reasons for which the contracts revert.\nvar Errors = []Error{\n")
	var doc []string
	for i, line := range strings.Split(source, "\n") {
		if text, ok := strings.CutPrefix(line, "/// "); ok {
			doc = append(doc, text)
			continue
		}
		if strings.HasPrefix(line, "pub const") {
			m := constant.FindStringSubmatch(line)
			if m == nil || m[1] != m[2] || len(doc) == 0 {
				return nil, fmt.Errorf("bindgen: line %d: want a commented constant that equals its name", i+1)
			}
			fmt.Fprintf(&b, "{%q, %q},\n", m[2], strings.Join(doc, " "))
		}
		doc = nil
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}
