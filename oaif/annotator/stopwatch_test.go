package annotator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// slow takes a second for each question, and fails on an empty one.
type slow struct{}

func (slow) Annotate(_ context.Context, questions []oaif.Question) ([]oaif.Preference, error) {
	time.Sleep(time.Duration(len(questions)) * time.Second)
	for _, q := range questions {
		if q.A == "" {
			return nil, errors.New("empty")
		}
	}
	return make([]oaif.Preference, len(questions)), nil
}

// TestStopwatch runs on a clock of its own, so that the times are exact: calls at the same time
// have each their own, and one that fails has none.
func TestStopwatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		watch := annotator.NewStopwatch(slow{})
		var wait sync.WaitGroup
		for _, questions := range [][]oaif.Question{
			{{A: "x"}, {A: "y"}, {A: "z"}}, {{A: "x"}}, {{A: "x"}, {}},
		} {
			wait.Go(func() {
				prefs, err := watch.Annotate(context.Background(), questions)
				if err == nil && len(prefs) != len(questions) {
					t.Errorf("%d preferences for %d questions", len(prefs), len(questions))
				}
			})
		}
		wait.Wait()
		want := []annotator.Call{{Pairs: 1, Seconds: 1}, {Pairs: 3, Seconds: 3}}
		if diff := cmp.Diff(want, watch.Calls()); diff != "" {
			t.Error(diff)
		}
	})
}
