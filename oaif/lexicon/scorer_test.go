package lexicon_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/oaif/oaif/oaif"
	"github.com/oaif/oaif/oaif/annotator"
	"github.com/oaif/oaif/oaif/lexicon"
)

// TestLexiconAnnotator asks through a file: the answers alone unless it says otherwise, and a
// probability, where VADER by itself gives 1 or 0.
func TestLexiconAnnotator(t *testing.T) {
	question := []oaif.Question{{Fields: map[string]string{"prompt": "The film was not"},
		A: " bad.", B: " good."}}
	for _, c := range []struct {
		more string
		want oaif.Preference
	}{
		// sigmoid(-.5423 - .4404) and sigmoid(.431 + .3412)
		{"", oaif.Preference{Verdict: oaif.VerdictB, PA: .272356, ScoreA: -.5423, ScoreB: .4404}},
		{"prompt = \"{prompt}{response}\"\n",
			oaif.Preference{Verdict: oaif.VerdictA, PA: .683997, ScoreA: .431, ScoreB: -.3412}},
	} {
		path := filepath.Join(t.TempDir(), "lexicon.toml")
		text := "kind = \"lexicon\"\n" + c.more
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		spec, err := annotator.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := annotator.NewScored(spec, lexicon.NewScorer())
		if err != nil {
			t.Fatal(err)
		}
		got, err := a.Annotate(context.Background(), question)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff([]oaif.Preference{c.want}, got, cmpopts.EquateApprox(0, 1e-5))
		if diff != "" {
			t.Errorf("%q: %s", c.more, diff)
		}
	}
}

func TestFrequencies(t *testing.T) {
	got := lexicon.NewVader().Frequencies([]string{"Great, GREAT film :)", "a sad film (great)"})
	if diff := cmp.Diff(map[string]float64{"great": 3. / 8, "sad": 1. / 8}, got); diff != "" {
		t.Error(diff)
	}
}
