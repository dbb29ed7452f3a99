package main

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"time"
)

// result is what one run gives.
type result struct {
	Date      string  `json:"date"`
	Processor string  `json:"processor"`
	Clock     float64 `json:"ghz"`
	Go        string  `json:"go"`
	Command   string  `json:"command"`
	Load      string  `json:"load"` // average of the minute before
	Rows      []row   `json:"rows"`
}

// row is a kernel in one implementation.
type row struct {
	Kernel string  `json:"kernel"`
	Impl   string  `json:"implementation"`
	Of     string  `json:"of"`
	NS     float64 `json:"ns"`
	Cycles float64 `json:"cycles_per_16"`
	Bound  float64 `json:"bound_per_16,omitempty"`
	Share  float64 `json:"share,omitempty"`  // of the bound's speed
	Faster float64 `json:"faster,omitempty"` // than plain Go
}

// fill makes the rows.
func (r *result) fill(root string, t times) error {
	asm, err := readAssembly(root)
	if err != nil {
		return err
	}
	r.Date, r.Go = time.Now().UTC().Format(time.DateOnly), runtime.Version()
	for _, k := range kernels() {
		for _, impl := range []string{"generic", "avx2", "avx512", "vnni"} {
			ns, ok := t[k.bench+"/"+impl]
			if !ok {
				continue
			}
			w := row{Kernel: k.title, Impl: impl, Of: k.of, NS: ns, Cycles: ns * 16 * r.Clock}
			if w.Bound, err = asm.cycles16(k.loops, impl); err != nil {
				return fmt.Errorf("%s: %w", k.bench, err)
			}
			w.Share = w.Bound / w.Cycles
			if impl != "generic" {
				w.Faster = t[k.bench+"/generic"] / ns
			}
			r.Rows = append(r.Rows, w)
		}
	}
	return nil
}

// table returns the result in Markdown.
func (r *result) table() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %.2f GHz, %s, load %s before:\n`%s`\n\n", r.Date, r.Processor, r.Clock, r.Go, r.Load, r.Command)
	b.WriteString("| kernel | one | implementation | ns | cycles for 16 | bound | share of bound | times plain Go |\n|---|---|---|--:|--:|--:|--:|--:|\n")
	last := ""
	for _, w := range r.Rows {
		kernel, of := w.Kernel, w.Of
		if kernel == last {
			kernel, of = "", ""
		}
		last = w.Kernel
		bound, share := "", ""
		if w.Bound > 0 {
			bound, share = digits(w.Bound), fmt.Sprintf("%.0f %%", 100*w.Share)
		}
		faster := ""
		if w.Faster > 0 {
			faster = digits(w.Faster)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", kernel, of, w.Impl, digits(w.NS), digits(w.Cycles), bound, share, faster)
	}
	return b.String()
}

// digits writes three significant digits, and all of those before the point.
func digits(v float64) string {
	if v <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(v)))), v)
}

// What stands around the table in the documentation.
const (
	begin = "<!-- begin table -->\n"
	end   = "<!-- end table -->"
)

// store replaces the table in a file.
func (r *result) store(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the table", path)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+r.table()+"\n"+end+after), 0o666)
}
