package cpu

import "github.com/bitsage/bitsage/internal/m31"

//go:generate go run -C ../../_asm ./sums -out ../backend/cpu/sums_amd64.s -stubs ../backend/cpu/sums_amd64.go -pkg cpu

// dot adds to the sums of columns their products with the vector b, of at least their
// length, element by element.
func dot(sums []m31.QM31, columns [][]m31.Elem, b m31.SecureVec) {
	n := dotVector(sums, columns, b)
	for j, c := range columns {
		var sum [4]uint64
		for i := n; i < len(c); i++ {
			accumulate(&sum, uint64(c[i]), b.At(i))
		}
		sums[j] = sums[j].Add(reduced(&sum))
	}
}

// accumulate adds e*c to the lazily reduced sum: a folded product is below 2^32, so
// that 2^32 of them fit.
func accumulate(sum *[4]uint64, e uint64, c m31.QM31) {
	for j, x := range c.Coords() {
		p := e * uint64(x)
		sum[j] += p&m31.P + p>>31
	}
}

func reduced(sum *[4]uint64) m31.QM31 {
	return m31.Q(m31.New(sum[0]), m31.New(sum[1]), m31.New(sum[2]), m31.New(sum[3]))
}
