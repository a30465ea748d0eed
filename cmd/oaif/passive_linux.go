package main

import (
	"os"
	"strings"
	"syscall"
)

// waitPassively restarts the program once with OMP_WAIT_POLICY=passive when the variable is unset.
// libgomp reads it when it is loaded, before any Go code runs, and with its own default two OpenMP
// programs side by side spend their time spinning. A passive thread still spins for some
// microseconds before it sleeps, unless GOMP_SPINCOUNT says otherwise: one decode step has hundreds
// of short parallel loops, and waking a thread for each took a third of its time. It returns nil
// when there is nothing to set.
func waitPassively() error {
	const policy, spins = "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
	restart := false
	for _, v := range []struct{ name, value string }{{policy, "passive"}, {spins, "3000"}} {
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
