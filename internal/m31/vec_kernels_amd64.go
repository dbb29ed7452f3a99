//go:build amd64 && !purego

package m31

import "github.com/bitsage/bitsage/internal/impl"

// The functions here do the elements that come in whole vectors and return their
// number.

func ptr(v Vec) *uint32 { return (*uint32)(&v[0]) }

func ptrs(v SecureVec) [4]*uint32 { return [4]*uint32{ptr(v[0]), ptr(v[1]), ptr(v[2]), ptr(v[3])} }

func addVector(dst, a, b Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		addAVX512(ptr(dst), ptr(a), ptr(b), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		addAVX2(ptr(dst), ptr(a), ptr(b), n/8)
		return n &^ 7
	}
	return 0
}

func subVector(dst, a, b Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		subAVX512(ptr(dst), ptr(a), ptr(b), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		subAVX2(ptr(dst), ptr(a), ptr(b), n/8)
		return n &^ 7
	}
	return 0
}

func mulVector(dst, a, b Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		mulAVX512(ptr(dst), ptr(a), ptr(b), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		mulAVX2(ptr(dst), ptr(a), ptr(b), n/8)
		return n &^ 7
	}
	return 0
}

func mulAddVector(dst, a, b, c Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		mulAddAVX512(ptr(dst), ptr(a), ptr(b), ptr(c), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		mulAddAVX2(ptr(dst), ptr(a), ptr(b), ptr(c), n/8)
		return n &^ 7
	}
	return 0
}

func subMulVector(dst, a, b, c Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		subMulAVX512(ptr(dst), ptr(a), ptr(b), ptr(c), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		subMulAVX2(ptr(dst), ptr(a), ptr(b), ptr(c), n/8)
		return n &^ 7
	}
	return 0
}

func negVector(dst, a Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		negAVX512(ptr(dst), ptr(a), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		negAVX2(ptr(dst), ptr(a), n/8)
		return n &^ 7
	}
	return 0
}

func addConstVector(dst, a Vec, k Elem) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		addConstAVX512(ptr(dst), ptr(a), uint32(k), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		addConstAVX2(ptr(dst), ptr(a), uint32(k), n/8)
		return n &^ 7
	}
	return 0
}

func mulConstVector(dst, a Vec, k Elem) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		mulConstAVX512(ptr(dst), ptr(a), uint32(k), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		mulConstAVX2(ptr(dst), ptr(a), uint32(k), n/8)
		return n &^ 7
	}
	return 0
}

func alternateVector(dst, a, b Vec) int {
	n := len(dst)
	switch {
	case impl.AVX512 && n >= 16:
		alternateAVX512(ptr(dst), ptr(a), ptr(b), n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		alternateAVX2(ptr(dst), ptr(a), ptr(b), n/8)
		return n &^ 7
	}
	return 0
}

func secureMulVector(v, a, b SecureVec) int {
	n := v.Len()
	switch {
	case impl.AVX512 && n >= 16:
		d, x, y := ptrs(v), ptrs(a), ptrs(b)
		secureMulAVX512(&d, &x, &y, n/16)
		return n &^ 15
	case impl.AVX2 && n >= 8:
		d, x, y := ptrs(v), ptrs(a), ptrs(b)
		secureMulAVX2(&d, &x, &y, n/8)
		return n &^ 7
	}
	return 0
}

// addProductsVector passes a few dozen columns at a time, which fit the cache.
func addProductsVector(v SecureVec, columns []Vec, coeffs []QM31, ahead []Vec) int {
	step := 0
	switch {
	case impl.AVX512:
		step = 32
	case impl.AVX2:
		step = 8
	}
	if step == 0 || v.Len() < step {
		return 0
	}
	n := v.Len() / step
	d := ptrs(v.Slice(0, n*step))
	for len(columns) > 0 {
		var list, next [32]*uint32
		count := min(len(columns), len(list))
		for j, c := range columns[:count] {
			list[j] = ptr(c[:n*step])
			next[j] = list[j]
			if j < len(ahead) && len(ahead[j]) > 0 {
				next[j] = ptr(ahead[j])
			}
		}
		k := (*uint32)(&coeffs[0].A.A) // the first coordinate of many
		if step == 32 {
			addProductsAVX512(&d, &list[0], &next[0], k, count, n)
		} else {
			addProductsAVX2(&d, &list[0], &next[0], k, count, n)
		}
		columns, coeffs, ahead = columns[count:], coeffs[count:], ahead[min(count, len(ahead)):]
	}
	return n * step
}
