package annotator

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/oaif/oaif/oaif"
)

// Call is one call of an annotator.
type Call struct {
	Pairs   int     // questions in it
	Seconds float64 // from question to answer
}

// Stopwatch is an annotator that notes how long its calls took; calls that fail are not noted. It
// is safe for concurrent use if the annotator inside is.
type Stopwatch struct {
	inside oaif.Annotator
	mu     sync.Mutex
	calls  []Call
}

// NewStopwatch returns a with a clock.
func NewStopwatch(a oaif.Annotator) *Stopwatch { return &Stopwatch{inside: a} }

// Annotate implements oaif.Annotator.
func (s *Stopwatch) Annotate(
	ctx context.Context, questions []oaif.Question,
) ([]oaif.Preference, error) {
	start := time.Now()
	prefs, err := s.inside.Annotate(ctx, questions)
	if err != nil {
		return nil, err
	}
	took := time.Since(start).Seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, Call{len(questions), took})
	return prefs, nil
}

// Calls returns all calls so far, in the order in which they ended.
func (s *Stopwatch) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}
