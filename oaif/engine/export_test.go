package engine

import "context"

// SubmitUnchecked queues a request that Submit would refuse.
func (e *Engine) SubmitUnchecked(ctx context.Context, r Request) *Answer {
	j := newJob(ctx, r)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue(j)
	return j.answer
}
