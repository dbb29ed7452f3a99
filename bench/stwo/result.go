package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

// result is what one measurement gives. Times are medians in seconds, the peaks of
// memory medians in MiB.
type result struct {
	Name      string  `json:"name"`
	Title     string  `json:"title"`
	Date      string  `json:"date"`
	Processor string  `json:"processor"`
	CPUs      int     `json:"cpus"`
	Go        string  `json:"go"`
	Rust      string  `json:"rust"`
	Proofs    string  `json:"proofs"`
	Threads   int     `json:"threads"`
	Pairs     int     `json:"pairs"`
	Cells     int64   `json:"cells"`
	Stages    []stage `json:"stages"`
	Total     stage   `json:"total"`
	NoGrind   stage   `json:"without_grind"`
	First     stage   `json:"first_without_grind"` // the first proof of a process

	// RatioWithoutGrind is the Go time over the Rust time, less the proof of work:
	// below 1, Go is faster.
	RatioWithoutGrind float64 `json:"ratio_without_grind"`

	Grind rates `json:"grind_nonces_per_second"`

	GoMemory   float64 `json:"go_peak_mib"`
	RustMemory float64 `json:"rust_peak_mib"`

	GoCells   float64 `json:"go_cells_per_second"` // without the proof of work
	RustCells float64 `json:"rust_cells_per_second"`
}

// rates are how many nonces both sides try per second; 0 without proof of work. How many
// they have to try is a matter of luck, as the order is not the same.
type rates struct {
	Go   float64 `json:"go"`
	Rust float64 `json:"rust"`
}

// stage is the time of both sides and Go over Rust.
type stage struct {
	Name  string  `json:"name"`
	Go    float64 `json:"go_seconds"`
	Rust  float64 `json:"rust_seconds"`
	Ratio float64 `json:"ratio,omitempty"`
}

func newStage(name string, ours, theirs []*timed, value func(*timed) float64) stage {
	s := stage{Name: name, Go: medianOf(ours, value), Rust: medianOf(theirs, value)}
	if s.Go > 0 && s.Rust > 0 {
		s.Ratio = round(s.Go / s.Rust)
	}
	return s
}

func medianOf(all []*timed, value func(*timed) float64) float64 {
	var v []float64
	for _, t := range all {
		v = append(v, value(t))
	}
	return median(v)
}

func round(v float64) float64 { return float64(int64(v*1000+0.5)) / 1000 }

func newResult(c *bench, threads int, ours, theirs []*timed, same sameness) (*result, error) {
	rustc, err := exec.Command("rustc", "--version").Output()
	if err != nil {
		return nil, fmt.Errorf("rustc: %w", err)
	}
	r := &result{
		Name: c.name, Title: c.title, Date: time.Now().UTC().Format(time.DateOnly),
		Processor: processor(), CPUs: runtime.NumCPU(),
		Go: runtime.Version(), Rust: "stwo 2.3.0, " + strings.TrimSpace(string(rustc)) + ", target-cpu=native",
		Proofs: string(same), Threads: threads, Pairs: len(ours), Cells: c.cells,
	}
	for _, name := range stages {
		r.Stages = append(r.Stages, newStage(name, ours, theirs, func(t *timed) float64 { return t.times[name] }))
	}
	r.Total = newStage("total", ours, theirs, func(t *timed) float64 { return t.total() })
	r.NoGrind = newStage("without grind", ours, theirs, func(t *timed) float64 { return t.withoutGrind() })
	r.First = newStage("first, without grind", ours, theirs, func(t *timed) float64 { return t.first.withoutGrind() })
	r.RatioWithoutGrind = r.NoGrind.Ratio
	if c.pow > 0 {
		r.Grind = rates{round(medianOf(ours, (*timed).rate)), round(medianOf(theirs, (*timed).rate))}
	}
	memory := func(t *timed) float64 { return t.memory }
	r.GoMemory, r.RustMemory = medianOf(ours, memory), medianOf(theirs, memory)
	r.GoCells, r.RustCells = round(float64(c.cells)/r.NoGrind.Go), round(float64(c.cells)/r.NoGrind.Rust)
	return r, nil
}

// processor describes the machine as /proc/cpuinfo does, with the vector
// extensions that matter.
func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	field := func(name string) string {
		for line := range strings.Lines(string(data)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
				return strings.TrimSpace(value)
			}
		}
		return "unknown"
	}
	s := fmt.Sprintf("%s, family %s model %s", field("model name"), field("cpu family"), field("model"))
	flags := " " + field("flags") + " "
	for _, f := range []string{"avx512f", "avx2"} {
		if strings.Contains(flags, " "+f+" ") {
			return s + ", " + f
		}
	}
	return s
}

// print writes the result for people.
func (r *result) print(out io.Writer) error {
	fmt.Fprintf(out, "%s\n%s, %d of %d CPUs, medians of %d pairs\n%s; %s\nproofs: %s, verified by both sides\n\n",
		r.Title, r.Processor, r.Threads, r.CPUs, r.Pairs, r.Go, r.Rust, r.Proofs)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "stage\tGo ms\tRust ms\tGo/Rust\t\n")
	for _, s := range append(r.Stages, r.NoGrind, r.Total, r.First) {
		ratio := "-"
		if s.Ratio > 0 {
			ratio = fmt.Sprintf("%.2f", s.Ratio)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%.1f\t%s\t\n", s.Name, s.Go*1e3, s.Rust*1e3, ratio)
	}
	fmt.Fprintf(w, "M cells/s\t%.2f\t%.2f\t\t\n", r.GoCells/1e6, r.RustCells/1e6)
	fmt.Fprintf(w, "M nonces/s\t%.1f\t%.1f\t\t\n", r.Grind.Go/1e6, r.Grind.Rust/1e6)
	fmt.Fprintf(w, "peak MiB\t%.0f\t%.0f\t\t\n", r.GoMemory, r.RustMemory)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nratio_without_grind %.3f\n", r.RatioWithoutGrind)
	return err
}

// store writes the result beside earlier ones and makes the table anew.
func store(dir string, r *result) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	name := strings.ReplaceAll(r.Name, "2^", "2p") + ".json"
	if err := os.WriteFile(filepath.Join(dir, name), append(data, '\n'), 0o666); err != nil {
		return err
	}
	return writeTable(dir)
}

const tableHead = `# Results

Written by ` + "`go run ./bench/stwo`" + `; one JSON file per row, with all stages. Figures are medians.
Both sides run in turn, as fresh processes with the same number of threads, and both verify every
proof. A process proves twice. The second proof is the one that counts; "first" is the first one,
which also waits for the system to find and clear memory. The times leave out the making of the
columns. "Ratio" is the Go time over the Rust time without the proof of work: below 1, Go is faster.
How many nonces a proof of work takes is a matter of luck, since the two sides try them in different
orders; "rate" is millions of them a second. "MiB" is the process's peak of memory, verification
included. The Rust side is compiled for the machine at hand (target-cpu=native), its constraints
too, and keeps coefficients (set_store_polynomials_coefficients), which is its faster way.

| case | threads | pairs | Go s | Rust s | ratio | first: Go s | Rust s | ratio | with work: Go s | Rust s | Go rate | Rust rate | Go MiB | Rust MiB | date | machine |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|---|
`

// writeTable writes README.md from all results in the folder.
func writeTable(dir string) error {
	paths, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(tableHead)
	var errs []error
	for _, path := range paths { // sorted by Glob
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var r result
		if err := json.Unmarshal(data, &r); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
			continue
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f | %.3f | %.3f | %.0f | %.0f | %.0f | %.0f | %s | %s |\n",
			r.Title, r.Threads, r.Pairs, r.NoGrind.Go, r.NoGrind.Rust, r.RatioWithoutGrind,
			r.First.Go, r.First.Rust, r.First.Ratio, r.Total.Go, r.Total.Rust, r.Grind.Go/1e6, r.Grind.Rust/1e6, r.GoMemory, r.RustMemory, r.Date, r.Processor)
	}
	errs = append(errs, os.WriteFile(filepath.Join(dir, "README.md"), []byte(b.String()), 0o666))
	return errors.Join(errs...)
}
