package chat

import "time"

// SetLimits changes the processor time and memory of unknown templates and returns what sets them
// back.
func SetLimits(d time.Duration, memory int) func() {
	apart.mu.Lock()
	defer apart.mu.Unlock()
	before := limit
	limit.Time, limit.Memory = d, memory
	return func() { SetLimits(before.Time, before.Memory) }
}
