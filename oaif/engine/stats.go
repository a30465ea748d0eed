package engine

import "sync/atomic"

// Stats are an engine's state and what it has done so far.
type Stats struct {
	Waiting, Running, Slots int64
	Prefills, Steps         int64 // units of device work
	// Packed are tokens that were prefilled, common prefixes once.
	Packed int64
	// Drawn are tokens that were drawn, end tokens among them.
	Drawn int64
	// Failures are units of work that the device failed in.
	Failures int64
}

type counters struct {
	waiting, running, prefills, steps, packed, drawn, failures atomic.Int64
}

func (c *counters) prefilled(tokens int) {
	c.prefills.Add(1)
	c.packed.Add(int64(tokens))
}

// count notes how many wait. mu is held.
func (e *Engine) count() { e.counters.waiting.Store(int64(len(e.reads) + len(e.draws))) }

// Stats returns what is so now. Safe for concurrent use.
func (e *Engine) Stats() Stats {
	c := &e.counters
	return Stats{
		Waiting: c.waiting.Load(), Running: c.running.Load(), Slots: int64(e.opt.Slots),
		Prefills: c.prefills.Load(), Steps: c.steps.Load(), Packed: c.packed.Load(),
		Drawn: c.drawn.Load(), Failures: c.failures.Load(),
	}
}

// Length returns the tokens that a prompt and its answer may have together.
func (e *Engine) Length() int { return e.opt.Length }

// Queue returns how many requests may wait.
func (e *Engine) Queue() int { return e.opt.Queue }
