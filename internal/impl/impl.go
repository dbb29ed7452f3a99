// Package impl says which sets of vector instructions the kernels of this module
// use. A kernel is one function with an implementation in plain Go, which is the
// oracle, and others in assembly; it chooses by the variables here:
//
//	func Mul(dst, a, b []Elem) {
//		switch {
//		case impl.AVX512:
//			mulAVX512(dst, a, b)
//		case impl.AVX2:
//			mulAVX2(dst, a, b)
//		default:
//			mulGeneric(dst, a, b)
//		}
//	}
//
// All implementations give the same results. The build tag purego leaves the
// assembly out.
package impl

// What this machine can run. Only tests write these, see impltest.
var (
	// AVX2 says that kernels of 256 bits can run.
	AVX2 bool
	// AVX512 says that kernels of 512 bits can run: AVX-512 F, BW, CD, DQ and VL.
	AVX512 bool
	// VNNI says that the dot products of bytes of AVX-512 VNNI can run, too.
	VNNI bool
)

// Name names the widest set in use: "generic", "avx2" or "avx512".
func Name() string {
	switch {
	case AVX512:
		return "avx512"
	case AVX2:
		return "avx2"
	}
	return "generic"
}
