package matmul

import "github.com/bitsage/bitsage/internal/m31"

// encodeInput and encodeResult lay out matrices that are given as slices.
func encodeInput(s Shape, a, b []m31.Elem) [][]m31.Elem {
	cols, _ := s.EncodeInput(Entries(a), Entries(b), Sequential)
	return cols
}

func encodeResult(s Shape, c []m31.Elem) [][]m31.Elem {
	cols, _ := s.EncodeResult(Entries(c), Sequential)
	return cols
}
