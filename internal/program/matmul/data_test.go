package matmul

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/bitsage/bitsage/internal/air/matmul"
	"github.com/bitsage/bitsage/internal/circle"
	"github.com/bitsage/bitsage/internal/m31"
	"github.com/bitsage/bitsage/internal/program"
)

// TestReader reads the extreme entries of every type, one after the other and every
// second one.
func TestReader(t *testing.T) {
	const extreme = MaxDim << 14 // of a product of int8
	for _, c := range []struct {
		name    string
		dtype   DType
		size    int
		entries []int64
	}{
		{"int8 input", Int8, Int8.inputSize(), []int64{-128, -127, -1, 0, 1, 126, 127}},
		{"int8 output", Int8, outputSize, []int64{-extreme, 1 - extreme, -1, 0, 1, extreme - 1, extreme}},
		{"m31", M31, outputSize, []int64{0, 1, 2, m31.P / 2, m31.P - 3, m31.P - 2, m31.P - 1}},
	} {
		var data []byte
		for _, e := range c.entries {
			if c.size == 1 {
				data = append(data, byte(e))
			} else {
				data = binary.LittleEndian.AppendUint32(data, uint32(e))
			}
		}
		read := Program{DType: c.dtype}.reader(data, c.size)
		for _, step := range []int{1, 2} {
			dst := make([]m31.Elem, 3)
			read(dst, 1, step)
			for i, got := range dst {
				if want := m31.FromInt64(c.entries[1+i*step]); got != want {
					t.Errorf("%s, step %d: entry %d is %d, want %d", c.name, step, 1+i*step, got, want)
				}
			}
			if read(dst[:1], len(c.entries)-1, step); dst[0] != m31.FromInt64(c.entries[len(c.entries)-1]) {
				t.Errorf("%s: the last entry is %d", c.name, dst[0])
			}
			if read(dst[:1], 0, step); dst[0] != m31.FromInt64(c.entries[0]) {
				t.Errorf("%s: the first entry is %d", c.name, dst[0])
			}
		}
	}
}

// BenchmarkEncode lays out input and output of a product of 1024 x 1024 matrices
// of int8.
func BenchmarkEncode(b *testing.B) {
	const size = 1024
	p := Program{Int8, size, size, size}
	for _, c := range []struct {
		name   string
		encode func([]byte, program.Each) ([][]m31.Elem, error)
		data   []byte
		row    int // where column 5 has the entry
		at     int
	}{
		{"input", p.EncodeInput, make([]byte, p.InputSize()), 700*size/matmul.W + 3, (3*matmul.W+5)*size + 700},
		{"output", p.EncodeOutput, make([]byte, p.OutputSize()), 700*size/matmul.W + 3, 4 * (700*size + 3*matmul.W + 5)},
	} {
		rand.NewChaCha8([32]byte{1}).Read(c.data)
		want := m31.FromInt64(int64(int8(c.data[c.at])))
		if c.name == "output" {
			for i := 3; i < len(c.data); i += 4 {
				c.data[i] = 0 // within the bounds of a product
			}
			want = m31.Elem(binary.LittleEndian.Uint32(c.data[c.at:]))
		}
		b.Run(c.name, func(b *testing.B) {
			var columns [][]m31.Elem
			var err error
			for b.Loop() {
				if columns, err = c.encode(c.data, program.Sequential); err != nil {
					b.Fatal(err)
				}
			}
			log := p.LogRows()
			if got := columns[5][circle.RowToStorage(c.row, log)]; got != want {
				b.Errorf("%d, want %d", got, want)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(columns)<<log), "ns/element")
		})
	}
}
