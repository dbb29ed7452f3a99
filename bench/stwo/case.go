package main

import (
	"fmt"
	"strings"

	"github.com/bitsage/bitsage/internal/air/matmul"
)

// native is a statement that both programs know by name, with a blowup of 2, 70
// queries and folding by 2.
func native(statement, args, name string, pow int) *bench {
	all := strings.Fields(fmt.Sprintf("%s %s --log-blowup 1 --n-queries 70 --fold-step 1 --pow-bits %d", statement, args, pow))
	return &bench{
		name:   name,
		title:  fmt.Sprintf("%s, blowup 2, 70 queries, %d bits of work, folding by 2", name, pow),
		golang: all,
		rust:   append(all[:len(all):len(all)], "--coefficients"),
	}
}

// matMul is a square int8 product with parameters like those of the profile
// matmul-p96: they stay the same, so that results of different times compare.
func matMul(size, pow int) *bench {
	args := fmt.Sprintf("matmul --m %d --k %d --n %d --log-blowup 3 --n-queries 85 --fold-step 3 --pow-bits %d", size, size, size, pow)
	s := matmul.Shape{M: size, K: size, N: size}
	return &bench{
		name:   fmt.Sprintf("matmul-%d", size),
		title:  fmt.Sprintf("matmul int8 %d^3, blowup 8, 85 queries, %d bits of work, folding by 8", size, pow),
		golang: strings.Fields(args),
		cells:  (2*matmul.W + 2 + matmul.W + 16) << s.LogRows(),
		rust:   []string{"--matmul", fmt.Sprintf("%dx%d", size, size), "--coefficients"},
		files:  true,
	}
}
