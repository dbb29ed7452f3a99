//go:build !amd64 || purego

package cpu

import (
	"context"

	"github.com/bitsage/bitsage/internal/m31"
)

func dotVector([]m31.QM31, [][]m31.Elem, m31.SecureVec) int { return 0 }

func foldVector(dst, src m31.SecureVec, alpha m31.QM31, inv []m31.Elem) int { return 0 }

func matMulVector(context.Context, []m31.Elem, []m31.Elem, []m31.Elem, int, int, int) (bool, error) {
	return false, nil
}
