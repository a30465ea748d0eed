package main

import (
	"os"
	"strings"
	"syscall"
)

// setEnvironment restarts the program once with what is missing of environment. It returns nil when
// there is nothing to set.
func setEnvironment() error {
	restart := false
	for _, v := range environment {
		if _, set := os.LookupEnv(v.name); set {
			continue
		}
		if v.name == spinCount && !strings.EqualFold(os.Getenv(waitPolicy), "passive") {
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
