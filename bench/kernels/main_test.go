package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCost counts single instructions.
func TestCost(t *testing.T) {
	for _, c := range []struct {
		line string
		want use
	}{
		{"	VPADDD    Z1, Z1, Z3", use{alu: 0.5}},
		{"	VPADDD    Y1, Y1, Y3", use{alu: 0.25}},
		{"	VPMULUDQ  Z3, Z2, Z3", use{alu: 0.5, mul: 1}},
		{"	VPMULUDQ  Y3, Y2, Y3", use{alu: 0.25, mul: 0.5}},
		{"	VMOVDQU32 (CX)(SI*1), Z1", use{load: 1}},
		{"	VMOVDQU32 Z1, (AX)(SI*1)", use{store: 2}},
		{"	VMOVDQU   Y1, (AX)(SI*1)", use{store: 1}},
		{"	VMOVDQA64 Z1, Z2", use{}},
		{"	VMOVDQA64 Z1, K1, Z2", use{alu: 0.5}},
		{"	VMOVSHDUP Z3, K1, Z2", use{alu: 0.5}},
		{"	VPBROADCASTD 4(CX), Z26", use{load: 1}},
		{"	VPBROADCASTD BX, Z0", use{alu: 0.5}},
		{"	VPADDD.BCST 100(AX), Z0, Z0", use{alu: 0.5, load: 1}},
		{"	PREFETCHT0   512(R10)(R9*1)", use{load: 0.5}},
		{"	MOVQ         8(BX), R10", use{}},
		{"	JNZ       loop", use{}},
		{"	VZEROUPPER", use{}},
	} {
		if got := cost(c.line); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.line, got, c.want)
		}
	}
}

// TestParse cuts a function into parts and weighs them.
func TestParse(t *testing.T) {
	a := make(assembly)
	a.parse(`
TEXT ·fAVX512(SB), NOSPLIT, $0-32
	VPADDD Z1, Z1, Z1

loop:
	VPADDD Z1, Z1, Z1
	TESTB  AX, AX
	JZ     reduced
	VPADDD Z1, Z1, Z1
	VPADDD Z1, Z1, Z1

reduced:
	VPADDD Z1, Z1, Z1
	JNZ    found
	VPADDD Z1, Z1, Z1
	DECQ   BX
	JNZ    loop
	VPADDD Z1, Z1, Z1
	JMP    end

found:
	VPADDD Z1, Z1, Z1

end:
	RET
`)
	for _, c := range []struct {
		repeat map[string]float64
		want   float64 // additions
	}{
		{nil, 5},
		{map[string]float64{"loop+": 0}, 3},
		{map[string]float64{"loop+": 4}, 11},
		{map[string]float64{"reduced+": 0}, 4},
	} {
		got, err := a.cycles16([]loop{{"f", lanes(16), 1, c.repeat}}, "avx512")
		if err != nil || got != c.want/2 {
			t.Errorf("%v: %v cycles, %v, want %v", c.repeat, got, err, c.want/2)
		}
	}
	if _, err := a.cycles16([]loop{rounds("g", 16, 1)}, "avx512"); err == nil {
		t.Error("a loop that there is not has a bound")
	}
}

// TestBounds compares bounds of the real kernels with counts made by hand.
func TestBounds(t *testing.T) {
	a, err := readAssembly("../..")
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]kernel)
	for _, k := range kernels() {
		found[k.bench] = k
	}
	for _, c := range []struct {
		bench, impl string
		want        float64
	}{
		{"Lanes/Mul", "avx512", 11.0 / 2},       // 11 operations, 2 of them products
		{"Lanes/Mul", "avx2", 2 * 13.0 / 4},     // two halves of 13 operations
		{"Lanes/Add", "avx512", 2},              // one store
		{"FFT/evaluate/20", "avx512", 15.0 / 2}, // a product, a sum and a difference
		{"FFT/interpolate/20", "avx2", 2 * 17. / 4},
		{"Transforms/Extend/20", "avx512", 30 * 15.0 / 2},
		{"MatMulInt8/1024", "vnni", 16.0 / 64},      // a product of 64 bytes a cycle
		{"MatMulInt8/1024", "avx2", 16.0 * 6 / 192}, // 24 operations for 192
		{"Lanes/Mul", "generic", 0},
		{"Fractions/18", "avx512", 0},
	} {
		got, err := a.cycles16(found[c.bench].loops, c.impl)
		if err != nil || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s, %s: %v cycles, %v, want %v", c.bench, c.impl, got, err, c.want)
		}
	}
	// Ten rounds of eight mixings of 14 operations are 560 cycles. Nodes move words in
	// addition; the search leaves out what does not depend on the nonce.
	for _, bench := range []string{"Nodes/nodes", "Search/nonces"} {
		if got, err := a.cycles16(found[bench].loops, "avx512"); err != nil || got < 440 || got > 640 {
			t.Errorf("%s: %v cycles, %v", bench, got, err)
		}
	}
	for _, k := range kernels() {
		for impl := range suffixes {
			if (impl == "vnni" || impl == "avx512") && k.loops != nil && (impl == "vnni") != strings.HasPrefix(k.bench, "MatMulInt8") {
				continue
			}
			if got, err := a.cycles16(k.loops, impl); err != nil || got <= 0 != (k.loops == nil) {
				t.Errorf("%s, %s: %v cycles, %v", k.bench, impl, got, err)
			}
		}
	}
}

// TestSources wants a benchmark for every name in the table.
func TestSources(t *testing.T) {
	for _, k := range kernels() {
		files, err := filepath.Glob(filepath.Join("../..", k.pkg, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		want, ok := regexp.MustCompile(`func Benchmark`+top(k.bench)+`\(b \*testing\.B\)`), false
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			ok = ok || want.Match(data)
		}
		if !ok {
			t.Errorf("%s has no %s", k.pkg, want)
		}
	}
}

// TestRead takes the fastest of several runs.
func TestRead(t *testing.T) {
	out := `goos: linux
cpu: A Processor
BenchmarkFFT/interpolate/12/generic         	  100	 3000 ns/op	 1.25 ns/butterfly	 7.5 ns/element
BenchmarkFFT/interpolate/12/avx512         	  100	 3000 ns/op	 0.25 ns/butterfly	 1.5 ns/element
BenchmarkFFT/interpolate/12/avx512         	  100	 3000 ns/op	 0.20 ns/butterfly	 1.2 ns/element
BenchmarkFFT/interpolate/16/avx512         	  100	 3000 ns/op	 0.20 ns/butterfly	 1.2 ns/element
BenchmarkSearch/nonces/generic         	  100	 3000 ns/op	 4.0 Mnonces/s
BenchmarkSearch/nonces/generic         	  100	 3000 ns/op	 5.0 Mnonces/s
PASS
`
	group := []kernel{{bench: "FFT/interpolate/12", unit: "ns/butterfly"}, {bench: "Search/nonces", unit: "Mnonces/s"}}
	got, r := make(times), new(result)
	if err := got.read([]byte(out), group, r); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["FFT/interpolate/12/avx512"] != 0.20 || got["Search/nonces/generic"] != 200 || r.Processor != "A Processor" {
		t.Errorf("%v on %q", got, r.Processor)
	}
	for name, out := range map[string]string{
		"nothing":       "PASS\n",
		"another unit":  strings.ReplaceAll(out, "butterfly", "element"),
		"a broken time": strings.ReplaceAll(out, "0.20 ", "0.x "),
	} {
		if err := make(times).read([]byte(out), group, r); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestPattern(t *testing.T) {
	got := pattern([]kernel{{bench: "FFT/a/1"}, {bench: "FFT/b/1"}, {bench: "FFT/b/4x2^18"}})
	if want := `^(BenchmarkFFT)$/^(a|b)$/^(1|4x2\^18)$`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestChain checks the product that the clock is measured with.
func TestChain(t *testing.T) {
	want := uint64(1)
	for range 16 * 5 {
		want *= 7
	}
	if got := chain(7, 5); got != want {
		t.Errorf("%d, want %d", got, want)
	}
}

// TestStore replaces a table and nothing else.
func TestStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doc.md")
	r := &result{Clock: 4, Rows: []row{
		{Kernel: "k", Impl: "generic", Of: "element", NS: 1.5, Cycles: 96},
		{Kernel: "k", Impl: "avx512", Of: "element", NS: 0.125, Cycles: 8, Bound: 6, Share: 0.75, Faster: 12},
	}}
	if err := os.WriteFile(path, []byte("before\n"+begin+"old\n"+end+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.store(path); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(data)
	for _, want := range []string{
		"before\n" + begin, "| k | element | generic | 1.50 | 96.0 |  |  |  |\n",
		"|  |  | avx512 | 0.125 | 8.00 | 6.00 | 75 % | 12.0 |\n", end + "\nafter\n",
	} {
		if strings.Count(got, want) != 1 {
			t.Errorf("want %q once in\n%s", want, got)
		}
	}
	if strings.Contains(got, "old") {
		t.Error("the old table is left")
	}
	if err := os.WriteFile(path, []byte("no table"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.store(path); err == nil {
		t.Error("a file without a place for the table is written")
	}
}
