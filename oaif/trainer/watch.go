package trainer

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// watch times the stages of one piece of work in seconds.
type watch struct {
	start, last time.Time
	stages      map[string]float64
	annotator   time.Duration // from the first question to the last verdict, beside the stages
}

func newWatch() *watch {
	now := time.Now()
	return &watch{start: now, last: now, stages: map[string]float64{}}
}

// lap books the time since the last lap on a stage.
func (w *watch) lap(stage string) {
	now := time.Now()
	w.stages[stage] += now.Sub(w.last).Seconds()
	w.last = now
}

func (w *watch) total() float64 { return w.last.Sub(w.start).Seconds() }

// peakResidentBytes is the most memory that the process has held; 0 when the system does not tell.
func peakResidentBytes() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss * 1024
}

// residentBytes is the memory that the process holds now; 0 when the system does not tell.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
