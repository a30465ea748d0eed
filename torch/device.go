package torch

// #include "cbridge.h"
import "C"

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// Device is one CPU or CUDA device and the goroutine that owns every call on it.
type Device struct {
	dev  C.cb_device
	jobs chan job
}

type job struct {
	f    func()
	done chan error
}

// OpenDevice starts the goroutine of the device named by spec: "cpu", "cuda", "cuda:i" or "auto"
// (the first CUDA device if there is one, else the CPU). threads is the number of CPU threads of
// one operator, 0 for one per core.
func OpenDevice(spec string, threads int) (*Device, error) {
	if err := checkABI(); err != nil {
		return nil, err
	}
	dev, err := parseDevice(spec)
	if err != nil {
		return nil, err
	}
	if threads <= 0 {
		threads = runtime.NumCPU()
	}
	d := &Device{dev: dev, jobs: make(chan job)}
	go d.serve()
	return d, d.Do(func() {
		var e C.cb_err
		must(C.cb_set_threads(C.int32_t(threads), &e), &e)
	})
}

func parseDevice(spec string) (C.cb_device, error) {
	n := CUDACount()
	kind, index, hasIndex := strings.Cut(spec, ":")
	switch {
	case spec == "auto" && CUDATrouble() != "": // no GPU is left idle without a word
		return C.cb_device{}, fmt.Errorf("device auto: %s (cpu does without)", CUDATrouble())
	case spec == "cpu" || spec == "auto" && n == 0:
		return C.cb_device{kind: C.CB_CPU}, nil
	case spec == "auto":
		return C.cb_device{kind: C.CB_CUDA}, nil
	case kind != "cuda":
		return C.cb_device{}, fmt.Errorf("device %q is none of cpu, cuda, cuda:N, auto", spec)
	}
	i := 0
	if hasIndex {
		var err error
		if i, err = strconv.Atoi(index); err != nil || i < 0 {
			return C.cb_device{}, fmt.Errorf("device %q is none of cpu, cuda, cuda:N, auto", spec)
		}
	}
	switch {
	case !CUDABuilt():
		return C.cb_device{}, fmt.Errorf("device %s: this build has no CUDA support", spec)
	case CUDATrouble() != "":
		return C.cb_device{}, fmt.Errorf("device %s: %s", spec, CUDATrouble())
	case n == 0:
		return C.cb_device{}, fmt.Errorf(
			"device %s: no usable CUDA device was found (no GPU, or no driver)", spec)
	case i >= n:
		return C.cb_device{}, fmt.Errorf(
			"device %s: %d CUDA devices were found, numbered from 0", spec, n)
	}
	return C.cb_device{kind: C.CB_CUDA, index: C.int32_t(i)}, nil
}

func (d *Device) serve() {
	// Grad mode, current device and streams are per OS thread, and each further thread would grow
	// an OpenMP team.
	runtime.LockOSThread()
	for j := range d.jobs {
		j.done <- Catch(j.f)
	}
}

// Do runs f on the device's goroutine and returns the *Error that f panicked with, if any. Calls
// are served one at a time in the order of arrival; f must not call Do. Safe for concurrent use.
func (d *Device) Do(f func()) error {
	done := make(chan error, 1)
	d.jobs <- job{f, done}
	return <-done
}

// Close ends the device's goroutine. No other call may follow.
func (d *Device) Close() { close(d.jobs) }

// String returns "cpu" or "cuda:N".
func (d *Device) String() string {
	if d.IsCUDA() {
		return fmt.Sprintf("cuda:%d", int(d.dev.index))
	}
	return "cpu"
}

// IsCUDA reports whether the device is a GPU.
func (d *Device) IsCUDA() bool { return d.dev.kind == C.CB_CUDA }

// Name returns the processor's or GPU's product name. Device goroutine only.
func (d *Device) Name() string {
	var buf [256]C.char
	var e C.cb_err
	must(C.cb_device_name(d.dev, &buf[0], C.int32_t(len(buf)), &e), &e)
	return C.GoString(&buf[0])
}

// HasBF16 reports whether bf16 matrix products run natively: AVX512-BF16 on a CPU, compute
// capability 8 on CUDA. Device goroutine only.
func (d *Device) HasBF16() bool {
	var yes C.int32_t
	var e C.cb_err
	must(C.cb_has_bf16(d.dev, &yes, &e), &e)
	return yes != 0
}

// Threads returns the number of CPU threads of one operator, read back from libtorch. Device
// goroutine only.
func (d *Device) Threads() int { return int(C.cb_get_threads()) }

// Memory returns the bytes that libtorch's CUDA allocator holds now and held at most; zeros on a
// CPU. Device goroutine only.
func (d *Device) Memory() (now, peak int64) {
	var a, b C.int64_t
	var e C.cb_err
	must(C.cb_device_memory(d.dev, &a, &b, &e), &e)
	return int64(a), int64(b)
}
