//go:build !amd64 || purego

package m31

func addVector(Vec, Vec, Vec) int                           { return 0 }
func subVector(Vec, Vec, Vec) int                           { return 0 }
func mulVector(Vec, Vec, Vec) int                           { return 0 }
func mulAddVector(Vec, Vec, Vec, Vec) int                   { return 0 }
func subMulVector(Vec, Vec, Vec, Vec) int                   { return 0 }
func negVector(Vec, Vec) int                                { return 0 }
func addConstVector(Vec, Vec, Elem) int                     { return 0 }
func mulConstVector(Vec, Vec, Elem) int                     { return 0 }
func alternateVector(Vec, Vec, Vec) int                     { return 0 }
func secureMulVector(v, a, b SecureVec) int                 { return 0 }
func addProductsVector(SecureVec, []Vec, []QM31, []Vec) int { return 0 }
