package bindgen

import "strings"

// initialisms are the words that Go writes in capitals.
var initialisms = map[string]string{"id": "ID", "tee": "TEE", "bps": "BPS", "elgamal": "ElGamal"}

// goName turns a name in snake_case into an exported one.
func goName(s string) string {
	var b strings.Builder
	for _, w := range strings.Split(s, "_") {
		if w == "" {
			continue
		}
		if up, ok := initialisms[w]; ok {
			b.WriteString(up)
		} else {
			b.WriteString(strings.ToUpper(w[:1]) + w[1:])
		}
	}
	return b.String()
}

// paramName turns a name in snake_case into a parameter's.
func paramName(s string) string {
	first, rest, found := strings.Cut(s, "_")
	if found {
		first += goName(rest)
	}
	switch first {
	case "type", "func", "map", "range", "var", "const", "interface", "select", "e", "d":
		return first + "_"
	}
	return first
}

// typeName is the last part of a path, with Go's capitals.
func typeName(path string) string {
	name := path[strings.LastIndex(path, ":")+1:]
	if before, ok := strings.CutSuffix(name, "Id"); ok {
		return before + "ID"
	}
	return name
}

// PackageName is the package of a contract's bindings.
func PackageName(contract string) string { return strings.ToLower(contract) }
