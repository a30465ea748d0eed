package main

import (
	"os"
	"strings"
	"syscall"
)

// setEnvironment restarts the program once with what libraries read when they are loaded, before
// any Go code runs, where the user has not set it. It returns nil when there is nothing to set.
//
// With libgomp's own OMP_WAIT_POLICY two OpenMP programs side by side spend their time spinning. A
// passive thread still spins for some microseconds before it sleeps: one decode step has hundreds
// of short parallel loops, and waking a thread for each took a third of its time. oneDNN keeps a
// product's code for every number of rows that it has met, and libtorch keeps more of it
// (LRU_CACHE_CAPACITY); each step has new ones. 64 are more than a pass through the layers has.
func setEnvironment() error {
	const policy, spins = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
	restart := false
	for _, v := range []struct{ name, value string }{
		{policy, "passive"}, {spins, "3000"}, {"ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64"},
		{"LRU_CACHE_CAPACITY", "64"},
	} {
		if _, set := os.LookupEnv(v.name); set {
			continue
		}
		if v.name == spins && !strings.EqualFold(os.Getenv(policy), "passive") {
			continue
		}
		if err := os.Setenv(v.name, v.value); err != nil {
			return err
		}
		restart = true
	}
	if !restart {
		return nil
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, os.Environ())
}
