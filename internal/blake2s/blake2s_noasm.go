//go:build !amd64 || purego

package blake2s

func vector() *kernels { return nil }
