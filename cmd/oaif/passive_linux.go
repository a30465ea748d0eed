package main

import (
	"os"
	"syscall"
)

// waitPassively restarts the program once with OMP_WAIT_POLICY=passive when the variable is unset.
// libgomp reads it when it is loaded, before any Go code runs, and with its own default two OpenMP
// programs side by side spend their time spinning. A thread still spins for some microseconds before
// it sleeps, unless GOMP_SPINCOUNT says otherwise: one decode step has hundreds of short parallel
// loops, and waking a thread for each took a third of its time. It returns nil when the variable was
// set.
func waitPassively() error {
	const name = "OMP_WAIT_POLICY"
	if _, set := os.LookupEnv(name); set {
		return nil
	}
	if err := os.Setenv(name, "passive"); err != nil {
		return err
	}
	if _, set := os.LookupEnv("GOMP_SPINCOUNT"); !set {
		if err := os.Setenv("GOMP_SPINCOUNT", "3000"); err != nil {
			return err
		}
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(program, os.Args, os.Environ())
}
