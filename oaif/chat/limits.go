package chat

import (
	"errors"
	"fmt"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

// limits are what an unknown template may take.
type limits struct {
	Source int // bytes of the template
	Text   int // bytes that it writes
	Memory int // bytes of heap
	Stack  int // bytes that nested calls take
	// Time is of the processor, for one rendering: a busy machine must not fail a template.
	Time time.Duration
}

// limit is far beyond what real templates take: thousands of times their time and memory.
var limit = limits{
	Source: 1 << 20, Text: 4 << 20, Memory: 512 << 20, Stack: 64 << 20, Time: 5 * time.Second,
}

// Exit statuses of the renderer.
const (
	exitMemory = 3
	exitTime   = 4
)

var errDeep = errors.New("it nests too deep, or takes too much memory")

func (l limits) errTime() error {
	return fmt.Errorf("it takes more than %v of processor time", l.Time)
}

func (l limits) errMemory() error {
	return fmt.Errorf("it takes more than %d MiB of memory", l.Memory>>20)
}

func (l limits) errText() error { return fmt.Errorf("it writes more than %d MiB", l.Text>>20) }

func (l limits) errSource() error {
	return fmt.Errorf("it is longer than %d MiB", l.Source>>20)
}

// passed returns the exit status for the limit that a rendering has passed which began when the
// process had used since of the processor; 0 while it is within.
func (l limits) passed(since time.Duration) int {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	switch {
	case heap[0].Value.Uint64() > uint64(l.Memory):
		return exitMemory
	case processorTime()-since > l.Time:
		return exitTime
	}
	return 0
}

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0 // cannot fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
