//go:build !linux

package command

import (
	"os"
	"os/exec"
)

// ownGroup does nothing where there is no telling of process groups.
func ownGroup(*exec.Cmd) {}

// killGroup kills the program alone.
func killGroup(p *os.Process) { _ = p.Kill() } // it may be gone already

// exitOf returns a channel that is never closed: the end of its output is a program's end.
func exitOf(*os.Process) <-chan struct{} { return nil }
