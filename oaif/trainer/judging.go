package trainer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/oaif/oaif/oaif"
)

// judging is what becomes of one step's answers: the pair of each prompt, and the annotator's
// verdict on it.
//
// An annotator beside the training device is asked about a prompt's answers as soon as they have
// ended, while others are still sampled, and then while the reference is computed. One on the
// device could only compete for it: it is asked about all of them at once, after sampling. The
// verdicts are the same, in the order of the prompts.
//
// Its methods are for the goroutine of the step.
type judging struct {
	t    *Trainer
	w    *watch
	step int
	ctx  context.Context // ends when the annotator fails too
	stop context.CancelCauseFunc
	open sync.WaitGroup // the calls of the annotator that are under way

	// By the prompt's place, each written by whoever asks about it.
	groups []oaif.Group
	pairs  []oaif.Pair
	prefs  []oaif.Preference
	scores [][]*float64 // see rank; nil where nothing was ranked

	asked    time.Time // when the first question was put, to an annotator beside the device
	mu       sync.Mutex
	answered time.Time // when the last verdict came
}

// annotatorError is the cause with which a judging's context ends when the annotator fails.
type annotatorError struct{ error }

// newJudging begins the judging of step n's answers to so many prompts. end must be called.
func (t *Trainer) newJudging(ctx context.Context, w *watch, n, prompts int) *judging {
	j := &judging{t: t, w: w, step: n,
		groups: make([]oaif.Group, prompts), pairs: make([]oaif.Pair, prompts),
		prefs: make([]oaif.Preference, prompts), scores: make([][]*float64, prompts)}
	j.ctx, j.stop = context.WithCancelCause(ctx)
	return j
}

// hear takes groups that have just ended.
func (j *judging) hear(groups []oaif.Group) {
	for _, g := range groups {
		j.groups[g.Place] = g
		if !j.t.ranks() {
			j.pairs[g.Place] = j.t.pairOf(j.step, g)
		}
	}
	if !j.t.beside {
		return
	}
	if j.asked.IsZero() {
		j.asked = time.Now()
	}
	j.open.Go(func() {
		if err := j.ask(groups); err != nil {
			j.stop(annotatorError{err})
		}
	})
}

// ask puts the questions about the groups to the annotator, in one call, and keeps the verdicts.
func (j *judging) ask(groups []oaif.Group) error {
	var all []oaif.Question
	of := make([][]oaif.Question, len(groups))
	for i, g := range groups {
		of[i] = j.questions(g)
		all = append(all, of[i]...)
	}
	var said []oaif.Preference
	if len(all) > 0 {
		var err error
		if said, err = j.t.annotator.Annotate(j.ctx, all); err != nil {
			return err
		}
	}
	for i, g := range groups {
		j.conclude(g, of[i], said[:len(of[i])])
		said = said[len(of[i]):]
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.answered = time.Now()
	return nil
}

// questions returns what must be asked to judge a group: one question, unless an option has it
// otherwise.
func (j *judging) questions(g oaif.Group) []oaif.Question {
	if j.t.ranks() {
		return scoreQuestions(g)
	}
	p := j.pairs[g.Place]
	if _, decided := j.t.decided(p); decided {
		return nil
	}
	return []oaif.Question{{Fields: p.Prompt.Fields, A: p.A.Text, B: p.B.Text}}
}

// conclude keeps the verdict on a group, from what was said to its questions.
func (j *judging) conclude(g oaif.Group, asked []oaif.Question, said []oaif.Preference) {
	at := g.Place
	if j.t.ranks() {
		j.pairs[at], j.prefs[at], j.scores[at] = j.t.rank(g, asked, said)
		return
	}
	if len(asked) == 0 {
		j.prefs[at], _ = j.t.decided(j.pairs[at])
		return
	}
	j.prefs[at] = said[0]
}

// pair returns the pair of each prompt, all of which must have been heard of. Where scores decide
// which two answers that is, it waits for them.
func (j *judging) pair() ([]oaif.Pair, error) {
	if !j.t.beside {
		err := j.ask(j.groups)
		j.w.lap("annotate")
		return j.pairs, err
	}
	if j.t.ranks() {
		return j.pairs, j.wait()
	}
	return j.pairs, nil
}

// verdicts waits for what the annotator says of each pair.
func (j *judging) verdicts() ([]oaif.Preference, error) { return j.prefs, j.wait() }

// wait returns when nothing more is asked.
func (j *judging) wait() error {
	if !j.t.beside {
		return nil
	}
	j.open.Wait()
	j.w.lap("wait")
	j.w.annotator = j.answered.Sub(j.asked)
	return j.cause(j.ctx.Err())
}

// end stops what is still being asked, waits until it has stopped, and returns the error of a step
// that came to err.
func (j *judging) end(err error) error {
	j.stop(nil)
	j.open.Wait()
	return j.cause(err)
}

// cause returns err, or the annotator's error where that is why err says that work was cancelled.
func (j *judging) cause(err error) error {
	var failed annotatorError
	if errors.Is(err, context.Canceled) && errors.As(context.Cause(j.ctx), &failed) {
		return failed.error
	}
	return err
}
