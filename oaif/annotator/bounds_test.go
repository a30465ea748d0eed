package annotator_test

import (
	"context"
	"math"
	"testing"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
)

// bounds is an LM that says of its prompts what is listed, one after the other.
type bounds []annotator.Next

func (b bounds) NextLogprobs(
	context.Context, []annotator.Prompt, []string,
) ([]annotator.Next, error) {
	return b, nil
}
func (bounds) Plain(text string) string { return text }
func (bounds) Digest() string           { return "bounds" }

// TestBoundsAreNoGuess: where only one label was seen, a verdict is given if it holds whatever the
// probability of the other one is, and else none.
func TestBoundsAreNoGuess(t *testing.T) {
	says := func(p float64, bounded bool) annotator.Next {
		return annotator.Next{Logprobs: []float64{math.Log(p), math.Log(1 - p)}, Bounded: bounded}
	}
	for name, c := range map[string]struct {
		aFirst, bFirst annotator.Next
		want           oaif.Verdict
		pa             float64
	}{
		"both exact":                {says(.9, false), says(.6, false), oaif.VerdictA, .65},
		"slot 1 in both, at least":  {says(.9, true), says(.6, true), oaif.VerdictTie, .5},
		"slot 2 in both, at least":  {says(.1, true), says(.4, true), oaif.VerdictTie, .5},
		"slot 1, one at least":      {says(.9, false), says(.6, true), oaif.VerdictTie, .5},
		"a in both, at least":       {says(.9, true), says(.2, true), oaif.VerdictA, .85},
		"b in both, at least":       {says(.2, true), says(.9, true), oaif.VerdictB, .15},
		"a at least, by one exact":  {says(.9, true), says(.6, false), oaif.VerdictA, .65},
		"b at least, by one exact":  {says(.6, false), says(.9, true), oaif.VerdictB, .35},
		"the seen one is the least": {says(.5, true), says(.2, true), oaif.VerdictTie, .5},
	} {
		spec := load(t, "kind = \"pairwise\"\nprompt = \"{a}{b}\"\n")
		a, err := annotator.New(spec, bounds{c.aFirst, c.bFirst})
		if err != nil {
			t.Fatal(err)
		}
		prefs, err := a.Annotate(context.Background(), []oaif.Question{{A: "x", B: "y"}})
		if err != nil {
			t.Fatal(err)
		}
		p := prefs[0]
		if p.Verdict != c.want || math.Abs(p.PA-c.pa) > 1e-12 || len(p.Orders) != 2 ||
			p.Orders[0].Bounded != c.aFirst.Bounded {
			t.Errorf("%s: got %+v, wants %s, %v", name, p, c.want, c.pa)
		}
	}
}
