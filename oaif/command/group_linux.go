package command

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup makes the program the leader of a process group of its own: what it starts can be killed
// with it, and an interrupt from the terminal reaches oaif alone, which ends in order.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup kills the program and all that it started. It must not have been waited for: until then
// its number is its own.
func killGroup(p *os.Process) { _ = unix.Kill(-p.Pid, unix.SIGKILL) } // it may be gone already

// exitOf returns a channel that is closed when the program has ended, though not waited for.
func exitOf(p *os.Process) <-chan struct{} {
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		for {
			err := unix.Waitid(unix.P_PID, p.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
			if !errors.Is(err, unix.EINTR) {
				return
			}
		}
	}()
	return exited
}
