package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/sampler"
	"github.com/oaif/oaif/torch"
)

// ErrFull says that so many requests wait already that no other is taken.
var ErrFull = errors.New("the queue is full")

// ErrClosed says that the engine has ended.
var ErrClosed = errors.New("the server is ending")

// MaxTop is the most tokens that Request.Top asks for.
const MaxTop = 20

// Request asks for the continuation of one prompt, for the log-probs of its own tokens, or both.
type Request struct {
	IDs []int32 // the prompt, at least one token
	// Prompt asks for the prompt's own tokens, before those that are drawn.
	Prompt bool
	// Top is how many of the likeliest tokens are reported beside each token, in [0,MaxTop].
	Top int

	MinNew, MaxNew int     // tokens to draw; end tokens are impossible before MinNew
	Temperature    float64 // 0: greedy
	TopK           int     // 0: off
	TopP           float64 // 1: off
	// Seed, Index and Choice key the noise: the same completion is drawn as by package sampler in
	// step 0 for a prompt of that index and a response of that number.
	Seed          uint64
	Index, Choice int
}

func (r *Request) key() uint64 { return sampler.NoiseKey(r.Seed, 0, r.Index, r.Choice) }

func (r *Request) sampling(end []int64) torch.Sampling {
	return torch.Sampling{
		Temperature: float32(r.Temperature), TopK: r.TopK, TopP: float32(r.TopP),
		MinNew: r.MinNew, MaxNew: r.MaxNew, EndTokens: end,
	}
}

// slotted says that the request needs a decode slot; the others are answered by one prefill.
func (r *Request) slotted() bool { return r.MaxNew > 1 }

// read says that the request's prompt is to be scored without a slot.
func (r *Request) read() bool { return r.Prompt || !r.slotted() }

// check refuses what the device could not do: its failure would be one of the requests beside it,
// too.
func (e *Engine) check(r *Request) error {
	switch {
	case len(r.IDs) == 0:
		return oaif.DataError("the prompt has no tokens")
	case r.MaxNew < 0:
		return oaif.DataError(fmt.Sprintf("%d new tokens are asked for", r.MaxNew))
	case r.MaxNew > e.opt.Length-len(r.IDs):
		return oaif.DataError(fmt.Sprintf("a prompt of %d tokens and %d new ones exceed the %d "+
			"tokens that a request may have", len(r.IDs), r.MaxNew, e.opt.Length))
	case r.Top < 0 || r.Top > min(MaxTop, e.model.Config.Vocab):
		return oaif.DataError(fmt.Sprintf("%d likeliest tokens are asked for, at most %d are known",
			r.Top, min(MaxTop, e.model.Config.Vocab)))
	case !(r.Temperature >= 0 && r.Temperature <= math.MaxFloat32):
		return oaif.DataError(fmt.Sprintf("the temperature is %v", r.Temperature))
	case !(float32(r.TopP) > 0 && r.TopP <= 1) || r.TopK < 0 || r.TopK > math.MaxInt32:
		return oaif.DataError(fmt.Sprintf("top_p is %v, top_k %d", r.TopP, r.TopK))
	case r.MinNew < 0 || r.MinNew > r.MaxNew:
		return oaif.DataError(fmt.Sprintf("%d new tokens at least, %d at most", r.MinNew, r.MaxNew))
	}
	return e.model.CheckIDs("the prompt", r.IDs)
}

// Ranked is a token that was likely in some place.
type Ranked struct {
	ID      int32
	Logprob float32
}

// Token is one token of an answer.
type Token struct {
	ID int32
	// Logprob is its log-prob; NaN for a prompt's first token, which follows nothing.
	Logprob float32
	Top     []Ranked // the likeliest in its place, the likeliest first
}

// Answer is what becomes of a request.
type Answer struct {
	// Tokens gives the tokens as they come, those of the prompt first where they were asked for. It
	// is closed when the request has ended. Reading late holds nothing up.
	Tokens <-chan Token

	tokens    chan Token // with room for all there can be
	cancelled atomic.Bool
	finish    oaif.Finish
	err       error
}

// Cancel says that nobody waits for the rest of the answer: its slot is free soon. Safe for
// concurrent use.
func (a *Answer) Cancel() { a.cancelled.Store(true) }

// Finish says how the request ended: an error if it was not answered, context.Canceled among them.
// Only after Tokens was closed.
func (a *Answer) Finish() (oaif.Finish, error) { return a.finish, a.err }

// job is a request on its way.
type job struct {
	Request
	ctx    context.Context
	answer *Answer
	slot   int64
	last   int32 // the token drawn last
}

func newJob(ctx context.Context, r Request) *job {
	room := r.MaxNew
	if r.Prompt {
		room += len(r.IDs)
	}
	tokens := make(chan Token, room)
	return &job{Request: r, ctx: ctx, answer: &Answer{Tokens: tokens, tokens: tokens}}
}

// gone says why nobody waits for the job's answer any more, nil when somebody does.
func (j *job) gone() error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	if j.answer.cancelled.Load() {
		return context.Canceled
	}
	return nil
}

// draw hands a token out that the job has drawn.
func (j *job) draw(t Token) {
	j.last = t.ID
	j.answer.tokens <- t
}

// end ends the job's answer.
func (j *job) end(finish oaif.Finish, err error) {
	j.answer.finish, j.answer.err = finish, err
	close(j.answer.tokens)
}
