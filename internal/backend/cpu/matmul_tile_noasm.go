//go:build !amd64 || purego

package cpu

func tiled() *tile { return nil }
