//go:build !purego

package impl

import "golang.org/x/sys/cpu"

func init() {
	x := &cpu.X86
	AVX2 = x.HasAVX2 && x.HasBMI2
	AVX512 = AVX2 && x.HasAVX512F && x.HasAVX512BW && x.HasAVX512CD && x.HasAVX512DQ && x.HasAVX512VL
	VNNI = AVX512 && x.HasAVX512VNNI
}
