package main

import (
	"runtime"
	"strings"

	"golang.org/x/sys/cpu"
)

// checkProcessor refuses a processor that lacks what CMakeLists.txt compiles cbridge for: the first
// loop of it would end the program by an illegal instruction. Loading the library is safe, since
// the initializers that run before main are not vectorized.
func checkProcessor() error {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	var lacks []string
	if !cpu.X86.HasAVX2 {
		lacks = append(lacks, "AVX2")
	}
	if !cpu.X86.HasFMA {
		lacks = append(lacks, "FMA")
	}
	if lacks == nil {
		return nil
	}
	return dataErrorf("this processor has no %s: oaif is compiled for x86-64 with AVX2 and FMA",
		strings.Join(lacks, " and no "))
}
