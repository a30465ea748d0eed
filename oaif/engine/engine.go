package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/model"
	"github.com/oaif/oaif/torch"
)

// Options are an engine's limits.
type Options struct {
	Slots  int     // sequences that are decoded at once, at least 1
	Length int     // tokens of a prompt and its answer together, in [2, the model's context]
	Queue  int     // requests that may wait, at least 1
	EOS    []int32 // ids that end an answer
}

// Engine answers requests from one model. Safe for concurrent use.
type Engine struct {
	model *model.Model
	opt   Options
	end   []int64 // opt.EOS

	mu     sync.Mutex
	reads  []*job        // wait to be scored
	draws  []*job        // wait for a slot
	closed bool          // no more requests are taken
	wake   chan struct{} // holds one when something was queued, or the engine closed
	ended  chan struct{} // closed behind the goroutine's last call of the device

	// Of the goroutine alone.
	dec     *torch.Decoder // nil until a slot is needed
	running []*job         // in slots, in order of admission

	counters counters
}

// New starts an engine that answers from m, which must stay open until Close.
func New(m *model.Model, opt Options) (*Engine, error) {
	if opt.Slots < 1 || opt.Queue < 1 || opt.Length < 2 || opt.Length > m.Config.Context {
		return nil, oaif.UsageError(fmt.Sprintf("an engine of %d slots of %d tokens and a queue "+
			"of %d is not possible; the model's context is %d", opt.Slots, opt.Length, opt.Queue,
			m.Config.Context))
	}
	e := &Engine{model: m, opt: opt, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	for _, id := range opt.EOS {
		e.end = append(e.end, int64(id))
	}
	go e.run()
	return e, nil
}

// Submit queues all of the requests, or none: it returns an oaif.DataError for the first that
// cannot be answered, ErrFull and ErrClosed. When ctx ends, so do they, and their slots are free.
func (e *Engine) Submit(ctx context.Context, requests []Request) ([]*Answer, error) {
	jobs, answers := make([]*job, len(requests)), make([]*Answer, len(requests))
	for i := range requests {
		if err := e.check(&requests[i]); err != nil {
			return nil, err
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed:
		return nil, ErrClosed
	case len(requests)+len(e.reads)+len(e.draws) > e.opt.Queue:
		return nil, ErrFull
	}
	for i, r := range requests {
		jobs[i] = newJob(ctx, r)
		answers[i] = jobs[i].answer
	}
	e.queue(jobs...)
	return answers, nil
}

// queue puts jobs where they wait. mu is held.
func (e *Engine) queue(jobs ...*job) {
	for _, j := range jobs {
		if j.read() {
			e.reads = append(e.reads, j)
		} else {
			e.draws = append(e.draws, j)
		}
	}
	e.count()
	e.rouse()
}

func (e *Engine) rouse() {
	select {
	case e.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Close ends the engine and all requests that it still has, and waits until the model is not used
// any more. Closing twice is allowed.
func (e *Engine) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.rouse()
	<-e.ended
}

// run is the goroutine that owns the slots.
func (e *Engine) run() {
	defer close(e.ended)
	for e.wait() {
		e.drop()
		if jobs := e.nextReads(); len(jobs) > 0 {
			e.read(jobs)
		}
		if jobs := e.nextDraws(); len(jobs) > 0 {
			e.admit(jobs)
		}
		if len(e.running) > 0 {
			e.step()
		}
		e.counters.running.Store(int64(len(e.running)))
	}
	e.mu.Lock()
	left := slices.Concat(e.reads, e.draws, e.running)
	e.reads, e.draws, e.running = nil, nil, nil
	e.count()
	e.mu.Unlock()
	for _, j := range left {
		j.end("", ErrClosed)
	}
	e.closeDecoder()
}

// wait returns when there is something to do; false when the engine is closed.
func (e *Engine) wait() bool {
	for {
		e.mu.Lock()
		closed := e.closed
		work := len(e.reads) + len(e.draws) + len(e.running)
		e.mu.Unlock()
		if closed || work > 0 {
			return !closed
		}
		<-e.wake
	}
}

// drop ends the jobs that nobody waits for any more, and frees their slots.
func (e *Engine) drop() {
	gone := func(j *job) bool {
		err := j.gone()
		if err != nil {
			j.end("", err)
		}
		return err != nil
	}
	e.mu.Lock()
	e.reads = slices.DeleteFunc(e.reads, gone)
	e.draws = slices.DeleteFunc(e.draws, gone)
	e.count()
	e.mu.Unlock()
	var free []int64
	e.running = slices.DeleteFunc(e.running, func(j *job) bool {
		if !gone(j) {
			return false
		}
		free = append(free, j.slot)
		return true
	})
	if len(free) > 0 {
		e.decode(nil, func() {
			for _, slot := range free {
				e.dec.Release(slot)
			}
		})
	}
}

// device does one unit of work for the jobs. If it fails, they end with its error.
func (e *Engine) device(jobs []*job, f func()) bool {
	err := e.model.Device().Do(f)
	if err != nil {
		e.counters.failures.Add(1)
		for _, j := range jobs {
			j.end("", err)
		}
	}
	return err == nil
}

// decode does one unit of work with the slots for the jobs. If it fails, all that is in slots ends
// with it: what the decoder was in the middle of is unknown.
func (e *Engine) decode(jobs []*job, f func()) bool {
	ok := e.device(slices.Concat(jobs, e.running), f)
	if !ok {
		e.running = nil
		e.closeDecoder()
	}
	return ok
}

func (e *Engine) closeDecoder() {
	if e.dec != nil {
		_ = e.model.Device().Do(e.dec.Close) // Close cannot fail
		e.dec = nil
	}
}
